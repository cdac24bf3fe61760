//! Every bound of a capture. What is cut by one is recorded as cut, never passed off as whole.

use std::time::Duration;

/// How much one capture may take. The page is hostile: whatever has no bound here would be the page's to choose.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one answer on the wire: head, framing and body. 16 MiB holds every page that people report; a capture
    /// is about one page, not about the film on it.
    pub answer: usize,
    /// Bytes of an answer's head. 64 KiB is what browsers take at least (Chromium: 256 KiB, servers send below 16).
    pub head: usize,
    /// Bytes of all answers of one capture: 32 MiB, two of the largest. In memory at once: these, the same compressed,
    /// one decoded body, its document: 32 + 32 + 16 + 100 MiB at worst.
    pub all: usize,
    /// Bytes of a body after its `Content-Encoding` is undone; a gzip bomb unfolds a thousandfold, 16 MiB to 16 GiB.
    pub decoded: usize,
    /// Redirects followed, of every kind; browsers stop at 20.
    pub redirects: usize,
    /// Connecting to one address, the handshake of TLS included.
    pub connect: Duration,
    /// One exchange: name, connection, question and answer.
    pub exchange: Duration,
    /// The whole capture.
    pub total: Duration,
    /// Making the document of one page: 16 MiB of ordinary HTML take a second; markup made to be slow does not get more.
    pub parse: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: 16 * MIB,
            head: 64 * 1024,
            all: 32 * MIB,
            decoded: 16 * MIB,
            redirects: 20,
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(30),
            total: Duration::from_secs(60),
            parse: Duration::from_secs(5),
        }
    }
}

const MIB: usize = 1024 * 1024;

/// Addresses of one name that are tried, one after the other: two of each family is what a name usually has.
pub(crate) const TRIED: usize = 4;

/// Addresses of one name that are kept in the record; a name may have hundreds.
pub(crate) const ANSWERS: usize = 64;

/// Longest address that is followed, bytes; servers take 8 KiB.
pub(crate) const URL: usize = 8 * 1024;

/// Header fields of one answer. hyper and browsers stop at 100 to 250.
pub(crate) const FIELDS: usize = 256;

/// Interim answers (1xx) before the answer. Servers send one or two; 16 MiB have room for 600,000.
pub(crate) const INTERIM: usize = 16;

/// Longest wait that still makes a `Refresh` a redirect, seconds. Longer ones are pages that renew themselves.
pub(crate) const REFRESH: u64 = 60;

/// Nodes of a document: ten times the largest pages that people read. 200,000 x about 300 B = 60 MiB.
pub(crate) const NODES: usize = 200_000;

/// Depth of a document; Chromium flattens what is deeper than 512. The parser walks up the open elements at nearly each
/// tag: 200,000 nodes x 2,048 = 400 million steps, a second.
pub(crate) const DEPTH: usize = 2048;

/// Forms of a page, and fields of all of them.
pub(crate) const FORMS: usize = 256;
/// See [`FORMS`].
pub(crate) const INPUTS: usize = 4096;

/// HTML of one form, bytes, and of all forms together.
pub(crate) const FORM_HTML: usize = 64 * 1024;
/// See [`FORM_HTML`].
pub(crate) const FORMS_HTML: usize = 1024 * 1024;

/// One attribute as it goes into the record, bytes.
pub(crate) const ATTRIBUTE: usize = 4096;

/// Text of a page, bytes: a long novel.
pub(crate) const TEXT: usize = 2 * 1024 * 1024;

/// Links out of a page, each once. With the longest `<base>` each has some 4 KiB: 8 MiB.
pub(crate) const LINKS: usize = 2_000;

/// Layers of `Content-Encoding` that are undone.
pub(crate) const LAYERS: usize = 3;

/// `text` up to `limit` bytes, cut between characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
