//! What a document says: title, text, forms with their fields, links, and where it sends its readers.

use std::collections::BTreeSet;

use url::Url;

use super::{Document, Kind, ROOT, hidden, write};
use crate::limits;
use crate::refresh::{self, Refresh};

/// A field of a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// `input`, `select`, `textarea` or `button`.
    pub(crate) tag: String,
    /// As browsers read it: `text` when nothing is said.
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) autocomplete: Option<String>,
    pub(crate) placeholder: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) required: bool,
    /// Why it is not seen, as far as the markup says.
    pub(crate) hidden: Option<String>,
}

/// A form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    /// `get`, `post` or `dialog`.
    pub(crate) method: String,
    /// Where it sends what is filled in; nothing when that is no address.
    pub(crate) action: Option<Url>,
    pub(crate) action_written: Option<String>,
    pub(crate) hidden: Option<String>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) html: String,
    /// Whether `html` ends at a limit.
    pub(crate) html_cut: bool,
}

/// What a page says.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) title: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) text: String,
    pub(crate) forms: Vec<Form>,
    /// Fields that belong to no form; scripts send what is typed there.
    pub(crate) loose: Vec<Input>,
    /// Addresses of links, each once, in their order, and whether there were more.
    pub(crate) links: Vec<(Url, String)>,
    pub(crate) refresh: Option<Refresh>,
    /// What addresses on the page are relative to.
    pub(crate) base: Option<Url>,
    pub(crate) scripts: usize,
    /// Limits that were reached, by name.
    pub(crate) cut: Vec<&'static str>,
}

/// One step of the walk: into a node, or out of a block.
enum Step {
    In(usize, Option<String>, Option<usize>),
    Line,
}

/// Walks a document once, from top to bottom.
pub(crate) fn look(document: &Document, page: &Url) -> Look {
    let mut walk = Walk {
        document,
        page,
        look: Look { base: Some(page.clone()), ..Look::default() },
        places: Vec::new(),
        ids: Vec::new(),
        inputs: Vec::new(),
        seen: BTreeSet::new(),
    };
    walk.look.cut.extend(document.cut);
    find_base(&mut walk);
    let mut open = vec![Step::In(ROOT, None, None)];
    while let Some(step) = open.pop() {
        match step {
            Step::Line => walk.line(),
            Step::In(node, hidden, form) => walk.enter(node, hidden, form, &mut open),
        }
    }
    walk.finish()
}

struct Walk<'a> {
    document: &'a Document,
    page: &'a Url,
    look: Look,
    /// The node of each form.
    places: Vec<usize>,
    /// `id` of each form.
    ids: Vec<Option<String>>,
    /// Fields, each with the node of the parser's form, the enclosing form and the one it names.
    inputs: Vec<(Option<usize>, Option<String>, Input)>,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    fn enter(&mut self, node: usize, hidden: Option<String>, form: Option<usize>, open: &mut Vec<Step>) {
        let document = self.document;
        if let Kind::Text(text) = &document.nodes[node].kind {
            self.text(text);
            return;
        }
        let name = document.name(node);
        let hidden = hidden.or_else(|| self.hides(node, name));
        let mut form = form;
        match name {
            "script" => self.look.scripts += 1,
            "title" if self.look.title.is_none() => {
                self.look.title = Some(document.text(node, limits::ATTRIBUTE));
            }
            "meta" => self.meta(node),
            "html" => self.look.language = document.attribute(node, "lang").map(str::to_owned),
            "a" | "area" => self.link(node),
            "form" => form = self.form(node, hidden.clone()).or(form),
            "input" | "select" | "textarea" | "button" => self.input(node, name, hidden.clone(), form),
            _ => {}
        }
        if matches!(name, "script" | "style" | "title" | "head" | "template") && name != "head" {
            return;
        }
        if matches!(name, "br") {
            self.line();
        }
        let block = is_block(name);
        if block {
            self.line();
            open.push(Step::Line);
        }
        let below = document.nodes[node].children.iter().rev();
        open.extend(below.map(|child| Step::In(*child, hidden.clone(), form)));
    }

    /// Why this element hides itself and what is in it.
    fn hides(&self, node: usize, name: &str) -> Option<String> {
        let document = self.document;
        if document.attribute(node, "hidden").is_some() {
            return Some(format!("hidden attribute on <{name}>"));
        }
        if name == "input"
            && document.attribute(node, "type").is_some_and(|t| t.trim().eq_ignore_ascii_case("hidden"))
        {
            return Some("type=hidden".into());
        }
        let why = hidden::by_style(document.attribute(node, "style")?)?;
        Some(format!("{why} on <{name}>"))
    }

    fn text(&mut self, text: &str) {
        let all = &mut self.look.text;
        for c in text.chars() {
            if all.len() >= limits::TEXT {
                if self.look.cut.last() != Some(&"text") {
                    self.look.cut.push("text");
                }
                return;
            }
            if !c.is_whitespace() {
                all.push(c);
            } else if !all.is_empty() && !all.ends_with([' ', '\n']) {
                all.push(' ');
            }
        }
    }

    fn line(&mut self) {
        let all = &mut self.look.text;
        if all.ends_with(' ') {
            all.pop();
        }
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
    }

    fn meta(&mut self, node: usize) {
        let document = self.document;
        let refreshes = document
            .attribute(node, "http-equiv")
            .is_some_and(|it| it.trim().eq_ignore_ascii_case("refresh"));
        if refreshes && self.look.refresh.is_none() {
            self.look.refresh = document.attribute(node, "content").and_then(refresh::parse);
        }
    }

    fn absolute(&self, written: &str) -> Option<Url> {
        let base = self.look.base.as_ref().unwrap_or(self.page);
        base.join(written).ok().filter(|url| url.as_str().len() <= limits::URL)
    }

    fn link(&mut self, node: usize) {
        let document = self.document;
        let Some(url) = document.attribute(node, "href").and_then(|href| self.absolute(href)) else { return };
        if self.seen.len() >= limits::LINKS {
            if !self.look.cut.contains(&"links") {
                self.look.cut.push("links");
            }
        } else if self.seen.insert(url.as_str().to_owned()) {
            self.look.links.push((url, document.text(node, 200)));
        }
    }

    fn form(&mut self, node: usize, hidden: Option<String>) -> Option<usize> {
        if self.look.forms.len() >= limits::FORMS {
            self.look.cut.push("forms");
            return None;
        }
        let document = self.document;
        let own = |name: &str| document.attribute(node, name).map(str::to_owned);
        let action_written = own("action");
        // No action, or an empty one, is the page itself (HTML, 4.10.21.3).
        let action = match action_written.as_deref().map(str::trim) {
            None | Some("") => Some(self.page.clone()),
            Some(written) => self.absolute(written),
        };
        let method = own("method").unwrap_or_default().trim().to_ascii_lowercase();
        let room =
            limits::FORMS_HTML.saturating_sub(self.look.forms.iter().map(|form| form.html.len()).sum());
        let (html, html_cut) = write::html(document, node, room.min(limits::FORM_HTML));
        self.places.push(node);
        self.ids.push(own("id"));
        self.look.forms.push(Form {
            name: own("name"),
            id: own("id"),
            method: if matches!(method.as_str(), "post" | "dialog") { method } else { "get".into() },
            action,
            action_written,
            hidden,
            inputs: Vec::new(),
            html,
            html_cut,
        });
        Some(node)
    }

    fn input(&mut self, node: usize, tag: &str, hidden: Option<String>, form: Option<usize>) {
        if self.inputs.len() >= limits::INPUTS {
            if !self.look.cut.contains(&"fields") {
                self.look.cut.push("fields");
            }
            return;
        }
        let document = self.document;
        let own = |name: &str| document.attribute(node, name).map(str::to_owned);
        let said = own("type").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = match (tag, said.is_empty()) {
            ("input", true) => "text".into(),
            ("button", true) => "submit".into(),
            ("input" | "button", false) => said,
            _ => tag.to_owned(),
        };
        let owner = document.nodes[node].form.or(form);
        let input = Input {
            tag: tag.to_owned(),
            kind,
            name: own("name"),
            id: own("id"),
            autocomplete: own("autocomplete"),
            placeholder: own("placeholder"),
            value: own("value"),
            required: document.attribute(node, "required").is_some(),
            hidden,
        };
        self.inputs.push((owner, own("form"), input));
    }

    /// Gives each field to its form: the one it names, else the parser's, else the one around it (HTML, 4.10.17.3).
    fn finish(mut self) -> Look {
        self.line();
        for (owner, named, input) in std::mem::take(&mut self.inputs) {
            let form = match &named {
                Some(id) => self.ids.iter().position(|it| it.as_deref() == Some(id)),
                None => owner.and_then(|owner| self.places.iter().position(|place| *place == owner)),
            };
            match form {
                Some(form) => self.look.forms[form].inputs.push(input),
                None => self.look.loose.push(input),
            }
        }
        self.look
    }
}

/// The first `<base href>` holds for the whole page, wherever it stands.
fn find_base(walk: &mut Walk<'_>) {
    let document = walk.document;
    let mut open = vec![ROOT];
    while let Some(node) = open.pop() {
        if document.name(node) == "base"
            && let Some(href) = document.attribute(node, "href")
        {
            if let Ok(base) = walk.page.join(href)
                && matches!(base.scheme(), "http" | "https")
            {
                walk.look.base = Some(base);
            }
            return;
        }
        open.extend(document.nodes[node].children.iter().rev());
    }
}

/// Elements that begin and end a line.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "td"
            | "th"
            | "tr"
            | "ul"
    )
}
