//! The document of a page: html5ever's tree, in an arena with a bound.
//!
//! Parsed as a browser without script parses: no script of the page runs here, so what stands in `<noscript>` counts.

pub(crate) mod hidden;
pub(crate) mod look;
pub(crate) mod write;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, ns};

use crate::limits;

/// Bytes fed at once. Between two portions the limits are looked at; within one, markup made to be slow can cost about
/// 40 tags x 2,048 open elements, nothing that is felt.
const PORTION: usize = 128;

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    Document,
    Element {
        name: Rc<QualName>,
        attributes: Vec<Attribute>,
    },
    Text(StrTendril),
    /// Comments, doctypes and processing instructions: kept as places in the tree, nothing of them is read.
    Other,
}

/// A node, named by its place in the arena.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
    /// The form that the parser gave this field to (HTML, 4.10.17.3), nested or not.
    pub(crate) form: Option<usize>,
    /// Ancestors, as it was put into the tree.
    depth: usize,
}

/// A parsed page.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) nodes: Vec<Node>,
    /// Why it is not the whole page.
    pub(crate) cut: Option<&'static str>,
}

pub(crate) const ROOT: usize = 0;

impl Document {
    /// Parses `html`; `go_on` is asked between portions and says whether there is time left.
    pub(crate) fn parse(html: &str, mut go_on: impl FnMut() -> bool) -> Self {
        let mut options = ParseOpts::default();
        options.tree_builder.scripting_enabled = false;
        let mut parser = html5ever::parse_document(Sink::new(), options);
        let (mut rest, mut cut) = (html, None);
        while !rest.is_empty() {
            let sink = &parser.tokenizer.sink.sink;
            cut = sink.full().or_else(|| (!go_on()).then_some("time"));
            if cut.is_some() {
                break;
            }
            let portion = limits::cut(rest, PORTION);
            rest = &rest[portion.len()..];
            parser.process(StrTendril::from_slice(portion));
        }
        let (nodes, full) = parser.finish();
        Self { nodes, cut: cut.or(full) }
    }

    /// The local name of an HTML element, empty for everything else.
    pub(crate) fn name(&self, node: usize) -> &str {
        match &self.nodes[node].kind {
            Kind::Element { name, .. } if name.ns == ns!(html) => &name.local,
            _ => "",
        }
    }

    /// An attribute, cut at its limit.
    pub(crate) fn attribute(&self, node: usize, wanted: &str) -> Option<&str> {
        let Kind::Element { attributes, .. } = &self.nodes[node].kind else { return None };
        let found = attributes.iter().find(|it| it.name.ns == ns!() && &*it.name.local == wanted)?;
        Some(limits::cut(&found.value, limits::ATTRIBUTE))
    }

    /// The text below a node, whitespace folded, cut at `limit` and at as many nodes.
    pub(crate) fn text(&self, node: usize, limit: usize) -> String {
        let mut text = String::new();
        let (mut open, mut seen) = (vec![node], 0);
        while let Some(at) = open.pop() {
            seen += 1;
            if let Kind::Text(piece) = &self.nodes[at].kind {
                text += limits::cut(piece, limit);
            }
            if text.len() >= limit || seen >= limit {
                break;
            }
            open.extend(self.nodes[at].children.iter().rev());
        }
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        limits::cut(&folded, limit).to_owned()
    }
}

/// A node as the parser holds it. It carries its name, so that a node for which the arena has no room is still one to the
/// parser: such a ghost has a place beyond every other, and what is done to it is forgotten.
#[derive(Clone, Debug)]
struct Handle {
    at: usize,
    name: Option<Rc<QualName>>,
}

#[derive(Debug)]
struct Name(Rc<QualName>);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

/// Takes the tree from the parser.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    ghosts: Cell<usize>,
    deep: Cell<bool>,
}

impl Sink {
    fn new() -> Self {
        let sink = Self { nodes: RefCell::new(Vec::new()), ghosts: Cell::new(0), deep: Cell::new(false) };
        sink.add(Kind::Document);
        sink
    }

    fn add(&self, kind: Kind) -> Handle {
        let name = match &kind {
            Kind::Element { name, .. } => Some(Rc::clone(name)),
            _ => None,
        };
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() < limits::NODES {
            nodes.push(Node { kind, parent: None, children: Vec::new(), form: None, depth: 0 });
            return Handle { at: nodes.len() - 1, name };
        }
        self.ghosts.set(self.ghosts.get() + 1);
        // No two are the same node.
        Handle { at: limits::NODES + self.ghosts.get(), name }
    }

    /// Which limit was reached.
    fn full(&self) -> Option<&'static str> {
        match (self.ghosts.get() > 0, self.deep.get()) {
            (true, _) => Some("nodes"),
            (_, true) => Some("depth"),
            _ => None,
        }
    }

    fn detach(&self, child: usize) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(parent) = nodes.get_mut(child).and_then(|node| node.parent.take()) else { return };
        // From the end: what the parser moves was nearly always added last.
        if let Some(at) = nodes[parent].children.iter().rposition(|it| *it == child) {
            nodes[parent].children.remove(at);
        }
    }

    /// Puts `child` under `parent` before its child number `at`, joining text with the text before it.
    fn insert(&self, parent: usize, at: usize, child: NodeOrText<Handle>) {
        let child = match child {
            NodeOrText::AppendNode(node) => node.at,
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let before = at.checked_sub(1).and_then(|at| nodes[parent].children.get(at).copied());
                if let Some(Kind::Text(all)) = before.map(|before| &mut nodes[before].kind) {
                    all.push_tendril(&text);
                    return;
                }
                drop(nodes);
                self.add(Kind::Text(text)).at
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        if child < nodes.len() && parent < nodes.len() {
            let at = at.min(nodes[parent].children.len());
            nodes[parent].children.insert(at, child);
            nodes[child].parent = Some(parent);
            nodes[child].depth = nodes[parent].depth + 1;
            if nodes[child].depth > limits::DEPTH {
                self.deep.set(true);
            }
        }
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = (Vec<Node>, Option<&'static str>);
    type ElemName<'a> = Name;

    fn finish(self) -> (Vec<Node>, Option<&'static str>) {
        let full = self.full();
        (self.nodes.into_inner(), full)
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { at: ROOT, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> Name {
        // The parser asks elements only.
        let nameless = || Rc::new(QualName::new(None, ns!(), LocalName::from("")));
        Name(target.name.clone().unwrap_or_else(nameless))
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Handle {
        let element = self.add(Kind::Element { name: Rc::new(name), attributes });
        if flags.template {
            // What is in a template is not on the page: it hangs on nothing, and nobody walks there.
            self.add(Kind::Document);
        }
        element
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.add(Kind::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.add(Kind::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let end = self.nodes.borrow().get(parent.at).map(|node| node.children.len());
        if let Some(end) = end {
            self.insert(parent.at, end, child);
        }
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        let fostered = self.nodes.borrow().get(element.at).is_some_and(|node| node.parent.is_some());
        if fostered { self.append_before_sibling(element, child) } else { self.append(before, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        // Made right after its template.
        Handle { at: target.at + 1, name: None }
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.at == other.at
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &child {
            self.detach(node.at);
        }
        let nodes = self.nodes.borrow();
        let Some(parent) = nodes.get(sibling.at).and_then(|node| node.parent) else { return };
        let Some(at) = nodes[parent].children.iter().rposition(|it| *it == sibling.at) else { return };
        drop(nodes);
        self.insert(parent, at, child);
    }

    fn add_attrs_if_missing(&self, target: &Handle, more: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(Kind::Element { attributes, .. }) = nodes.get_mut(target.at).map(|node| &mut node.kind) {
            for attribute in more {
                // <html> and <body> may come again and again, each time with more.
                if attributes.len() < limits::FIELDS && attributes.iter().all(|it| it.name != attribute.name)
                {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn associate_with_form(&self, target: &Handle, form: &Handle, _: (&Handle, Option<&Handle>)) {
        if let Some(node) = self.nodes.borrow_mut().get_mut(target.at) {
            node.form = Some(form.at);
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.at);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        if node.at >= nodes.len() || new_parent.at >= nodes.len() {
            return;
        }
        let children = std::mem::take(&mut nodes[node.at].children);
        for child in &children {
            nodes[*child].parent = Some(new_parent.at);
        }
        nodes[new_parent.at].children.extend(children);
    }
}

#[cfg(test)]
mod tests;
