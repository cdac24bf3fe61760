//! A part of a document as HTML again, up to a limit.

use std::io::{self, Write};

use html5ever::serialize::{Serialize, SerializeOpts, Serializer, TraversalScope, serialize};

use super::{Document, Kind};

/// The HTML of a node, and whether it ends at `limit` bytes. It is what the parser understood, not what was sent; that
/// is in the WARC.
pub(crate) fn html(document: &Document, node: usize, limit: usize) -> (String, bool) {
    let mut out = Bounded { bytes: Vec::new(), limit };
    let options = SerializeOpts {
        scripting_enabled: false,
        traversal_scope: TraversalScope::IncludeNode,
        create_missing_parent: true,
    };
    let cut = serialize(&mut out, &Part { document, node }, options).is_err();
    // A character that the limit cuts in two is left out.
    let end = match std::str::from_utf8(&out.bytes) {
        Ok(whole) => whole.len(),
        Err(error) => error.valid_up_to(),
    };
    out.bytes.truncate(end);
    (String::from_utf8(out.bytes).unwrap_or_default(), cut)
}

struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let room = self.limit - self.bytes.len();
        if room == 0 && !buf.is_empty() {
            return Err(io::Error::other("the limit is reached"));
        }
        let count = buf.len().min(room);
        self.bytes.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Part<'a> {
    document: &'a Document,
    node: usize,
}

enum Step {
    In(usize),
    Out(usize),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: &mut S, _: TraversalScope) -> io::Result<()> {
        // A stack of our own: a page may nest as deeply as it likes.
        let mut open = vec![Step::In(self.node)];
        while let Some(step) = open.pop() {
            match step {
                Step::In(at) => {
                    let node = &self.document.nodes[at];
                    match &node.kind {
                        Kind::Element { name, attributes } => {
                            let pairs = attributes.iter().map(|it| (&it.name, &*it.value));
                            serializer.start_elem((**name).clone(), pairs)?;
                            open.push(Step::Out(at));
                        }
                        Kind::Text(text) => serializer.write_text(text)?,
                        Kind::Document | Kind::Other => {}
                    }
                    open.extend(node.children.iter().rev().map(|child| Step::In(*child)));
                }
                Step::Out(at) => {
                    if let Kind::Element { name, .. } = &self.document.nodes[at].kind {
                        serializer.end_elem((**name).clone())?;
                    }
                }
            }
        }
        Ok(())
    }
}
