//! The sites file: which hostnames belong to whom and where their origins are.
//!
//! ```toml
//! [[customer]]
//! id = "cus_first"
//! name = "First Customer"
//!   [[customer.site]]
//!   id = "site_one"
//!   hostnames = ["one.first.example"]
//!   origins = ["127.0.0.1:9001"]       # host:port; several take turns, the next one is tried on connect errors
//!   host_header = "internal.example"   # optional: what the origin sees; default: the visitor's host
//!   certificate = "certs/one.pem"      # optional: PEM chain, private key beside it
//!   key = "certs/one.key"
//! ```

mod change;

pub use change::{Change, as_announced};

use crate::Host;
use policy::Id;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// All customers with their sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// In the order of the file.
    pub customers: Vec<Customer>,
}

/// An account that owns sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its id, as decisions name it.
    pub id: Id,
    /// Its name, for people.
    pub name: String,
    /// Its sites.
    pub sites: Vec<Site>,
}

/// Hostnames with their origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its id, unique in the whole file.
    pub id: Id,
    /// Hostnames, each in one site only.
    pub hostnames: Vec<Host>,
    /// `host:port`, at least one.
    pub origins: Vec<String>,
    /// The `Host` that the origin sees; `None`: the visitor's.
    pub host_header: Option<String>,
    /// PEM chain and PEM key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Something wrong in the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl Sites {
    /// Reads the file. Relative paths start at `base`.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Vec<Complaint>> {
        let mut reader =
            Reader { text, base, complaints: Vec::new(), hosts: HashMap::new(), ids: HashMap::new() };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            reader.complain(error.span().unwrap_or(0..0), error.message().trim().to_owned());
        }
        let sites = reader.sites(root.get_ref(), root.span());
        reader.complaints.sort_by_key(|c| c.line);
        if reader.complaints.is_empty() { Ok(sites) } else { Err(reader.complaints) }
    }

    /// The same without certificates that cannot be used now, and why each cannot: an edge that starts must start, for
    /// the sake of what it blocks, lifts and serves besides.
    #[must_use]
    pub fn usable(mut self) -> (Self, Vec<String>) {
        let mut broken = Vec::new();
        for site in self.customers.iter_mut().flat_map(|c| &mut c.sites) {
            let Some((chain, key)) = &site.certificate else { continue };
            if let Err(why) = crate::tls::load(chain, key) {
                broken.push(format!("{}: {why}", site.id));
                site.certificate = None;
            }
        }
        (self, broken)
    }

    /// How many customers have a hostname: one without is nobody that a decision could be compared with.
    #[must_use]
    pub fn served_customers(&self) -> u64 {
        let served = |c: &&Customer| c.sites.iter().any(|s| !s.hostnames.is_empty());
        self.customers.iter().filter(served).count() as u64
    }

    /// Every hostname with its customer.
    pub fn bindings(&self) -> impl Iterator<Item = (&Host, &Id)> {
        self.customers
            .iter()
            .flat_map(|c| c.sites.iter().flat_map(move |s| s.hostnames.iter().map(move |h| (h, &c.id))))
    }
}

type Value<'i> = Spanned<DeValue<'i>>;

struct Reader<'t> {
    text: &'t str,
    base: &'t Path,
    complaints: Vec<Complaint>,
    hosts: HashMap<Host, usize>,
    ids: HashMap<String, usize>,
}

impl Reader<'_> {
    fn complain(&mut self, span: Range<usize>, what: impl Into<String>) {
        let line = self.line(&span);
        self.complaints.push(Complaint { line, what: what.into() });
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let end = span.start.min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|&&b| b == b'\n').count() + 1
    }

    fn sites(&mut self, root: &DeTable<'_>, span: Range<usize>) -> Sites {
        self.known(root, &["customer"]);
        let customers = self.tables(root, "customer", span);
        Sites { customers: customers.into_iter().filter_map(|(t, s)| self.customer(t, s)).collect() }
    }

    fn customer(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Customer> {
        self.known(table, &["id", "name", "site"]);
        let id = self.id(table, span.clone());
        let name = self.text(table, "name", span.clone());
        let sites: Vec<_> = self.tables(table, "site", span);
        let sites = sites.into_iter().filter_map(|(t, s)| self.site(t, s)).collect();
        Some(Customer { id: id?, name: name?, sites })
    }

    fn site(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Site> {
        self.known(table, &["id", "hostnames", "origins", "host_header", "certificate", "key"]);
        let id = self.id(table, span.clone());
        let hostnames = self.hostnames(table, span.clone());
        let origins = self.origins(table, span.clone());
        let host_header = self.host_header(table);
        let path = |text: Option<String>| text.map(|t| self.base.join(t));
        let (certificate, key) = (string(table, "certificate"), string(table, "key"));
        let (certificate, key) = (path(certificate), path(key));
        if certificate.is_some() != key.is_some() {
            self.complain(span, "`certificate` and `key` only work together; give both or neither");
        }
        Some(Site { id: id?, hostnames, origins, host_header, certificate: certificate.zip(key) })
    }

    fn hostnames(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Vec<Host> {
        let mut hosts = Vec::new();
        for (text, at) in self.texts(table, "hostnames", span) {
            let line = self.line(&at);
            match Host::from_person(&text) {
                None => self.complain(at, format!("`{text}` is not a hostname")),
                Some(_) if text.contains(':') => {
                    self.complain(at, format!("`{text}`: a hostname has no port here"))
                }
                Some(host) => match self.hosts.insert(host.clone(), line) {
                    Some(first) => self.complain(at, format!("`{host}` stands already in line {first}")),
                    None => hosts.push(host),
                },
            }
        }
        hosts
    }

    fn origins(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Vec<String> {
        let mut origins = Vec::new();
        for (text, at) in self.texts(table, "origins", span) {
            if is_origin(&text) {
                origins.push(text);
            } else {
                self.complain(
                    at,
                    format!("`{text}` is not an origin; write host:port, as in 127.0.0.1:8080 or [::1]:8080"),
                );
            }
        }
        origins
    }

    fn host_header(&mut self, table: &DeTable<'_>) -> Option<String> {
        let text = string(table, "host_header")?;
        if Host::parse(&text).is_none() {
            let at = table.get("host_header").map_or(0..0, Spanned::span);
            self.complain(at, format!("`{text}` is not a host"));
        }
        Some(text)
    }

    fn id(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Id> {
        let text = self.text(table, "id", span)?;
        let at = table.get("id").map_or(0..0, Spanned::span);
        let Some(id) = Id::parse(&text) else {
            self.complain(
                at,
                format!("`{text}` is not an id; use 3 to 64 of a-z 0-9 - _, beginning with a letter"),
            );
            return None;
        };
        let line = self.line(&at);
        if let Some(first) = self.ids.insert(text.clone(), line) {
            self.complain(at, format!("id `{text}` stands already in line {first}"));
        }
        Some(id)
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str, span: Range<usize>) -> Option<String> {
        match string(table, key) {
            Some(text) if !text.is_empty() => Some(text),
            Some(_) => {
                self.complain(span, format!("`{key}` is empty"));
                None
            }
            None if table.contains_key(key) => None,
            None => {
                self.complain(span, format!("`{key}` is missing"));
                None
            }
        }
    }

    fn texts(&mut self, table: &DeTable<'_>, key: &str, span: Range<usize>) -> Vec<(String, Range<usize>)> {
        let Some(value) = table.get(key) else {
            self.complain(span, format!("`{key}` is missing"));
            return Vec::new();
        };
        let list = value.get_ref().as_array();
        if list.is_some_and(|l| l.is_empty()) {
            self.complain(value.span(), format!("`{key}` is empty; at least one is needed"));
        }
        let mut texts = Vec::new();
        for item in list.into_iter().flatten() {
            match item.get_ref().as_str() {
                Some(text) => texts.push((text.to_owned(), item.span())),
                None => self.complain(item.span(), format!("`{key}` is a list of texts")),
            }
        }
        texts
    }

    fn tables<'v, 'i>(
        &mut self,
        table: &'v DeTable<'i>,
        key: &str,
        span: Range<usize>,
    ) -> Vec<(&'v DeTable<'i>, Range<usize>)> {
        let Some(value) = table.get(key) else {
            if key != "customer" {
                self.complain(span, format!("no [[customer.{key}]]"));
            }
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in value.get_ref().as_array().into_iter().flatten() {
            match item.get_ref().as_table() {
                Some(inner) => tables.push((inner, item.span())),
                None => self.complain(item.span(), format!("`{key}` is a list of tables: [[{key}]]")),
            }
        }
        tables
    }

    /// Unknown keys and wrong types. The kinds of values follow from the names, so one list serves all tables.
    fn known(&mut self, table: &DeTable<'_>, keys: &[&str]) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let near = keys.iter().min_by_key(|k| distance(name, k)).filter(|k| distance(name, k) <= 3);
                let hint = near.map_or_else(
                    || format!("known are: {}", keys.join(", ")),
                    |k| format!("did you mean `{k}`?"),
                );
                self.complain(key.span(), format!("unknown key `{name}`; {hint}"));
                continue;
            }
            let list = matches!(name, "hostnames" | "origins" | "customer" | "site");
            let right = if list { value.get_ref().is_array() } else { value.get_ref().is_str() };
            if !right {
                let kind = if list { "a list" } else { "a text" };
                self.complain(
                    value.span(),
                    format!("`{name}` must be {kind}, not {}", value.get_ref().type_str()),
                );
            }
        }
    }
}

fn string(table: &DeTable<'_>, key: &str) -> Option<String> {
    table.get(key).and_then(|v: &Value<'_>| v.get_ref().as_str()).map(str::to_owned)
}

fn is_origin(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let named = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => Host::parse(host).is_some() && !host.contains(':'),
    };
    named && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
}

/// Edit distance (insert, delete, replace).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replace = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = replace.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"
[[customer]]
id = "cus_first"
name = "First Customer"
  [[customer.site]]
  id = "site_one"
  hostnames = ["One.First.example", "bücher.example"]
  origins = ["127.0.0.1:9001", "[::1]:9002", "origin.internal:80"]
  host_header = "internal.example:8080"
  certificate = "certs/one.pem"
  key = "/etc/one.key"
[[customer]]
id = "cus_second"
name = "Second"
  [[customer.site]]
  id = "site_two"
  hostnames = ["two.example"]
  origins = ["127.0.0.1:9003"]
"#;

    #[test]
    fn reads_what_people_write() {
        let sites = Sites::parse(GOOD, Path::new("/base")).expect("good");
        let one = &sites.customers[0].sites[0];
        assert_eq!(
            one.hostnames.iter().map(Host::as_str).collect::<Vec<_>>(),
            ["one.first.example", "xn--bcher-kva.example"]
        );
        assert_eq!(one.origins.len(), 3);
        assert_eq!(one.certificate, Some(("/base/certs/one.pem".into(), "/etc/one.key".into())));
        let bound: Vec<_> = sites.bindings().map(|(h, c)| format!("{h} {c}")).collect();
        assert_eq!(
            bound,
            ["one.first.example cus_first", "xn--bcher-kva.example cus_first", "two.example cus_second"]
        );
        assert_eq!(Sites::parse("", Path::new("/")), Ok(Sites::default()));
    }

    #[test]
    fn complains_completely() {
        let text = r#"
[[customer]]
id = "Cus"
nam = "x"
  [[customer.site]]
  id = "site_one"
  hostnames = ["a b", "one.example", "ONE.example.", "two.example:80", 5]
  origins = ["127.0.0.1", "x:0", "http://x:80"]
  certificate = "a.pem"
[[customer]]
id = "cus_b"
name = 7
colour = "red"
  [[customer.site]]
  id = "site_one"
  hostnames = []
  origins = "127.0.0.1:80"
"#;
        let got: Vec<_> =
            Sites::parse(text, Path::new("/")).expect_err("bad").iter().map(ToString::to_string).collect();
        for expect in [
            "line 3: `Cus` is not an id",
            "line 4: unknown key `nam`; did you mean `name`?",
            "line 2: `name` is missing",
            "line 7: `a b` is not a hostname",
            "line 7: `one.example` stands already in line 7",
            "line 7: `two.example:80`: a hostname has no port here",
            "line 7: `hostnames` is a list of texts",
            "line 8: `127.0.0.1` is not an origin",
            "line 8: `x:0` is not an origin",
            "line 8: `http://x:80` is not an origin",
            "line 5: `certificate` and `key` only work together",
            "line 12: `name` must be a text, not integer",
            "line 13: unknown key `colour`; known are: id, name, site",
            "line 15: id `site_one` stands already in line 6",
            "line 16: `hostnames` is empty",
            "line 17: `origins` must be a list, not string",
        ] {
            assert!(got.iter().any(|c| c.starts_with(expect)), "{expect} not in {got:#?}");
        }
        assert_eq!(got.len(), 16, "{got:#?}");
    }

    #[test]
    fn broken_toml_has_a_line() {
        let got = Sites::parse("\n\n[[customer]\n", Path::new("/")).expect_err("broken");
        assert_eq!(got[0].line, 3, "{got:?}");
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-z\\[\\]=\". \n0-9]|customer|site|hostnames|id){0,60}") {
            drop(Sites::parse(&text, Path::new("/")));
        }
    }
}
