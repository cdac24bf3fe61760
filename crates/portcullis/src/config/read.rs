//! Checks a file against the table of fields. Never stops at the first fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Listen;
use super::fields::{FIELDS, Field, Kind, Need, STEP, TABLES};

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// One checked value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Texts(Vec<String>),
    Path(PathBuf),
    Listen(Listen),
    Addresses(Vec<SocketAddr>),
    Number(usize),
    Seconds(u64),
    Hours(policy::page::Hours),
    Flag(bool),
}

/// What was written, checked key by key, defaults filled in.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) tables: BTreeSet<&'static str>,
    /// Each `[[page.step]]`, in order.
    pub(super) steps: Vec<Typed>,
    values: BTreeMap<&'static str, Value>,
}

/// The getters of a [`Typed`] give an empty value for a key that was not written and has no default; the caller has
/// made sure with `need` that the table is there, and required keys of a table that is there were complained about.
impl Typed {
    pub(super) fn maybe(&self, name: &str) -> Option<String> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.maybe(name).unwrap_or_default()
    }

    pub(super) fn maybe_path(&self, name: &str) -> Option<PathBuf> {
        match self.values.get(name) {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.maybe_path(name).unwrap_or_default()
    }

    pub(super) fn maybe_listen(&self, name: &str) -> Option<Listen> {
        match self.values.get(name) {
            Some(Value::Listen(listen)) => Some(listen.clone()),
            _ => None,
        }
    }

    pub(super) fn listen(&self, name: &str) -> Listen {
        self.maybe_listen(name).unwrap_or(Listen::Unix(PathBuf::new()))
    }

    pub(super) fn addresses(&self, name: &str) -> Vec<SocketAddr> {
        match self.values.get(name) {
            Some(Value::Addresses(addresses)) => addresses.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.values.get(name) {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.values.get(name) == Some(&Value::Flag(true))
    }

    pub(super) fn seconds(&self, name: &str) -> u64 {
        match self.values.get(name) {
            Some(Value::Seconds(seconds)) => *seconds,
            _ => 0,
        }
    }

    pub(super) fn hours(&self, name: &str) -> Option<policy::page::Hours> {
        match self.values.get(name) {
            Some(Value::Hours(hours)) => Some(*hours),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        match self.values.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

pub(super) fn read(text: &str, base: &Path) -> Result<Typed, Vec<Complaint>> {
    let mut reader = Reader { text, base, complaints: Vec::new(), typed: Typed::default() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.complain(error.span().unwrap_or(0..0), error.message().trim().to_owned());
    }
    reader.tables(root.get_ref());
    reader.complaints.sort_by_key(|c| c.line);
    if reader.complaints.is_empty() { Ok(reader.typed) } else { Err(reader.complaints) }
}

struct Reader<'t> {
    text: &'t str,
    base: &'t Path,
    complaints: Vec<Complaint>,
    typed: Typed,
}

impl Reader<'_> {
    fn complain(&mut self, span: Range<usize>, what: impl Into<String>) {
        let end = span.start.min(self.text.len());
        let line = self.text.as_bytes()[..end].iter().filter(|b| **b == b'\n').count() + 1;
        self.complaints.push(Complaint { line, what: what.into() });
    }

    fn tables(&mut self, root: &DeTable<'_>) {
        for (name, value) in root {
            let key: &str = name.get_ref();
            let tables = || TABLES.iter().map(|(table, _)| *table).filter(|table| *table != STEP);
            let Some(table) = tables().find(|table| *table == key) else {
                let names = tables();
                self.complain(name.span(), format!("unknown table [{key}]{}", suggestion(key, names)));
                continue;
            };
            match value.get_ref() {
                DeValue::Table(content) => {
                    self.typed.tables.insert(table);
                    self.table(table, content, name.span());
                }
                _ => self.complain(value.span(), format!("[{table}] must be a table")),
            }
        }
    }

    fn table(&mut self, table: &'static str, content: &DeTable<'_>, span: Range<usize>) {
        for (name, value) in content {
            let key: &str = name.get_ref();
            if STEP.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) == Some(key) {
                self.steps(value);
                continue;
            }
            match fields_of(table).find(|f| f.key() == key) {
                Some(field) => self.value(field, value),
                None => {
                    let hint = suggestion(key, fields_of(table).map(Field::key));
                    self.complain(name.span(), format!("unknown key `{key}` in [{table}]{hint}"));
                }
            }
        }
        for field in fields_of(table).filter(|f| !content.contains_key(f.key())) {
            match field.need {
                Need::Required => {
                    let what =
                        format!("[{table}] needs `{} = {}`: {}", field.key(), field.example, field.doc);
                    self.complain(span.clone(), what);
                }
                Need::Default(text) => {
                    let value = self.convert(field, text).expect("defaults are tested to be good");
                    self.typed.values.insert(field.name, value);
                }
                Need::Optional => {}
            }
        }
    }

    fn steps(&mut self, value: &Spanned<DeValue<'_>>) {
        let tables: Option<Vec<&DeTable<'_>>> = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_table()).collect(),
            _ => None,
        };
        let Some(tables) = tables else {
            self.complain(value.span(), format!("a step begins with [[{STEP}]], in two brackets"));
            return;
        };
        let DeValue::Array(items) = value.get_ref() else { return };
        for (table, item) in tables.into_iter().zip(items) {
            let outer = std::mem::take(&mut self.typed.values);
            self.table(STEP, table, item.span());
            let values = std::mem::replace(&mut self.typed.values, outer);
            self.typed.steps.push(Typed { values, ..Typed::default() });
        }
    }

    fn value(&mut self, field: &'static Field, value: &Spanned<DeValue<'_>>) {
        let good = match (field.kind, value.get_ref()) {
            (Kind::Addresses, DeValue::Array(items)) => {
                let all: Option<Vec<SocketAddr>> =
                    items.iter().map(|item| item.get_ref().as_str()?.parse().ok()).collect();
                all.map(Value::Addresses)
            }
            (Kind::Number, DeValue::Integer(number)) => {
                let plain = (number.radix() == 10).then(|| number.as_str().parse().ok()).flatten();
                plain.map(Value::Number)
            }
            (Kind::HttpList, DeValue::Array(items)) => {
                let all = items.iter().map(|item| item.get_ref().as_str().filter(|t| is_http(t)));
                all.map(|one| one.map(str::to_owned)).collect::<Option<Vec<_>>>().map(Value::Texts)
            }
            (Kind::Keys, DeValue::Array(items)) => {
                let all = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
                all.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty()).map(Value::Texts)
            }
            (Kind::Command | Kind::Emails, DeValue::Array(items)) => {
                let all: Option<Vec<String>> =
                    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
                let fits = |all: &Vec<String>| match field.kind {
                    Kind::Command => all.first().is_some_and(|program| program.starts_with('/')),
                    _ => !all.is_empty(),
                };
                all.filter(fits).map(Value::Texts)
            }
            (Kind::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
            (
                Kind::Flag
                | Kind::Number
                | Kind::Addresses
                | Kind::HttpList
                | Kind::Keys
                | Kind::Command
                | Kind::Emails,
                _,
            ) => None,
            (_, DeValue::String(text)) => self.convert(field, text),
            _ => None,
        };
        match good {
            Some(good) => drop(self.typed.values.insert(field.name, good)),
            None => {
                let what =
                    format!("`{}` must be {}, as in {}", field.key(), field.kind.words(), field.example);
                self.complain(value.span(), what);
            }
        }
    }

    /// Reads a value that is written as one text.
    fn convert(&self, field: &Field, text: &str) -> Option<Value> {
        let http = text.starts_with("http://") || text.starts_with("https://");
        match field.kind {
            Kind::Text => (!text.trim().is_empty()).then(|| Value::Text(text.to_owned())),
            Kind::Url => (http && !text.ends_with('/')).then(|| Value::Text(text.to_owned())),
            Kind::Origin => ledger::webauthn::is_origin(text).then(|| Value::Text(text.to_owned())),
            Kind::Http => is_http(text).then(|| Value::Text(text.to_owned())),
            Kind::Email => text
                .split_once('@')
                .filter(|(a, b)| !a.is_empty() && b.contains('.'))
                .map(|_| Value::Text(text.to_owned())),
            Kind::Path => (!text.is_empty()).then(|| Value::Path(self.base.join(text))),
            Kind::Listen => match text.strip_prefix("unix:") {
                Some(path) if !path.is_empty() => Some(Value::Listen(Listen::Unix(self.base.join(path)))),
                _ => text.parse().ok().map(|address| Value::Listen(Listen::Tcp(address))),
            },
            Kind::Addresses => text.parse().ok().map(|address| Value::Addresses(vec![address])),
            Kind::Number => text.parse().ok().map(Value::Number),
            Kind::Flag => text.parse().ok().map(Value::Flag),
            Kind::Word(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Kind::HostPort => host_port(text).map(|_| Value::Text(text.to_owned())),
            Kind::Keys | Kind::Command | Kind::Emails => Some(Value::Texts(vec![text.to_owned()])),
            Kind::Span => span(text).map(Value::Seconds),
            Kind::Hook => http.then(|| Value::Text(text.to_owned())),
            Kind::Hours => policy::page::Hours::parse(text).map(Value::Hours),
            Kind::HttpList => is_http(text).then(|| Value::Texts(vec![text.to_owned()])),
        }
    }
}

/// `HOST:PORT`; a host that is an IPv6 address stands in brackets.
pub(super) fn host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let plain = |c: u8| c.is_ascii_alphanumeric() || b".-:".contains(&c);
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty() && host.bytes().all(plain)).then(|| (host.to_owned(), port))
}

/// `5m`; and `0m`, which is at once.
fn span(text: &str) -> Option<u64> {
    let none = ["0s", "0m", "0h"].contains(&text);
    if none { Some(0) } else { text.parse::<crate::duration::Span>().ok().map(|span| span.0) }
}

fn is_http(text: &str) -> bool {
    text.starts_with("http://") && !text.ends_with('/')
}

fn fields_of(table: &str) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |f| f.table() == table)
}

/// `; did you mean ...?` when something near exists.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    // Two letters swapped are a distance of two, so that much is allowed, but never half of a short word.
    let near = known.map(|k| (distance(word, k), k)).min();
    near.filter(|(d, _)| *d <= (word.len() / 2).min(2))
        .map_or_else(String::new, |(_, k)| format!("; did you mean `{k}`?"))
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
