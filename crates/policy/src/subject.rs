//! The subject blob: who is meant. It lies beside the log under its hash, so that the log itself names nobody;
//! destroying its salt makes the hash say nothing.

use crate::{
    GrammarError, Id, MAX_SUBJECT, ScopeKind, Sentence,
    note::{read_id, read_origin},
    text::Lines,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use ledger::Hash;

/// Most hostnames in a subject: ten times what a decision may cover without the policy quorum (DESIGN 6).
pub(crate) const MAX_HOSTNAMES: usize = 10_000;
/// Most facts in a subject; they are the main ones, the rest stands in the post.
const MAX_FACTS: usize = 50;

/// What exactly a measure covers, within the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every site of the customer, also tomorrow's.
    Customer,
    /// One tenant of a reseller.
    Tenant(Id),
    /// One site.
    Site(Id),
    /// One hostname.
    Hostname(String),
}

impl Scope {
    /// How wide it is, without saying which.
    #[must_use]
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Customer => ScopeKind::Customer,
            Self::Tenant(_) => ScopeKind::Tenant,
            Self::Site(_) => ScopeKind::Site,
            Self::Hostname(_) => ScopeKind::Hostname,
        }
    }

    fn parse(v: &str) -> Option<Self> {
        match v.split_once(' ') {
            None => (v == "customer").then_some(Self::Customer),
            Some(("tenant", id)) => Id::parse(id).map(Self::Tenant),
            Some(("site", id)) => Id::parse(id).map(Self::Site),
            Some(("hostname", host)) => is_hostname(host).then(|| Self::Hostname(host.to_string())),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer => f.write_str("customer"),
            Self::Tenant(id) => write!(f, "tenant {id}"),
            Self::Site(id) => write!(f, "site {id}"),
            Self::Hostname(host) => write!(f, "hostname {host}"),
        }
    }
}

/// Whether this is a hostname in its one spelling: lower-case letters, digits and hyphens (IDNA A-labels), labels
/// of 1 to 63 bytes, at most 253 in all, no dot at the end (RFC 1123 section 2.1, RFC 1035 section 2.3.4).
#[must_use]
pub fn is_hostname(s: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    // One label is no hostname that anybody visits, and digits at the end make an address.
    let top = s.rsplit_once('.').map(|(_, top)| top);
    let named = top.is_some_and(|top| !top.bytes().all(|c| c.is_ascii_digit()));
    s.len() <= 253 && named && s.split('.').all(label)
}

/// Customer, scope, hostnames at the time, salt and main facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The log's origin.
    pub origin: String,
    /// The case.
    pub case: Id,
    /// 32 random bytes, so that nobody can guess the customer from the hash.
    pub salt: Hash,
    /// The customer.
    pub customer: Id,
    /// What exactly is covered.
    pub scope: Scope,
    /// Hostnames that the scope covers now, sorted, each once.
    pub hostnames: Vec<String>,
    /// Main facts.
    pub facts: Vec<Sentence>,
}

const FIRST: &str = "portcullis-subject/v1";

impl Subject {
    /// Reads a subject blob.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        if text.len() > MAX_SUBJECT {
            return Err(GrammarError { line: 1, what: "the subject is larger than 1 MiB".into() });
        }
        let mut lines = Lines::new(text)?;
        lines.exactly(FIRST)?;
        let origin = read_origin(&mut lines)?;
        let case = read_id(&mut lines, "case")?;
        let salt = lines.read("salt", "32 random bytes in 64 lower-case hex digits", Hash::parse_hex)?;
        let customer = read_id(&mut lines, "customer")?;
        let scope = lines.read("scope", "customer, tenant ID, site ID or hostname NAME", Scope::parse)?;
        let mut hostnames: Vec<String> = Vec::new();
        while lines.next_is("hostname") {
            let host =
                lines.read("hostname", "a lower-case hostname", |v| is_hostname(v).then(|| v.to_string()))?;
            if hostnames.last().is_some_and(|last| *last >= host) || hostnames.len() == MAX_HOSTNAMES {
                return Err(lines.wrong("hostnames must be sorted, each once, at most 10000"));
            }
            hostnames.push(host);
        }
        if hostnames.is_empty() {
            return Err(lines.wrong("at least one `hostname` is needed"));
        }
        let mut facts = Vec::new();
        while lines.next_is("fact") {
            facts.push(lines.sentence("fact")?);
            if facts.len() > MAX_FACTS {
                return Err(lines.wrong("at most 50 facts"));
            }
        }
        lines.end()?;
        if let Scope::Hostname(host) = &scope
            && hostnames != [host.clone()]
        {
            return Err(lines.wrong("a scope of one hostname lists that hostname alone"));
        }
        Ok(Self { origin, case, salt, customer, scope, hostnames, facts })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FIRST}\norigin {}\ncase {}\nsalt {}\n", self.origin, self.case, self.salt)?;
        write!(f, "customer {}\nscope {}\n", self.customer, self.scope)?;
        for host in &self.hostnames {
            writeln!(f, "hostname {host}")?;
        }
        for fact in &self.facts {
            writeln!(f, "fact {fact}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scope: &str, hosts: &[&str]) -> String {
        let mut t = alloc::format!(
            "{FIRST}\norigin demo:localhost/ledger\ncase cas-1\nsalt {}\ncustomer cus_first\nscope {scope}\n",
            "5a".repeat(32)
        );
        for h in hosts {
            t += &alloc::format!("hostname {h}\n");
        }
        t + "fact One fact.\n"
    }

    #[test]
    fn reads_and_prints_the_same_bytes() {
        for (scope, hosts) in [
            ("customer", &["a.example", "b.example"][..]),
            ("tenant ten-1", &["a.example"]),
            ("site site_one", &["a.example"]),
            ("hostname a.example", &["a.example"]),
        ] {
            let text = text(scope, hosts);
            assert_eq!(Subject::parse(&text).expect(scope).to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_ambiguous() {
        for (scope, hosts) in [
            ("customer", &[][..]),
            ("customer", &["b.example", "a.example"]),
            ("customer", &["a.example", "a.example"]),
            ("customer", &["A.example"]),
            ("customer", &["a.example."]),
            ("customer", &["a..example"]),
            ("customer", &["-a.example"]),
            ("hostname a.example", &["a.example", "b.example"]),
            ("hostname a.example", &["b.example"]),
            ("world", &["a.example"]),
            ("customer ", &["a.example"]),
        ] {
            assert!(Subject::parse(&text(scope, hosts)).is_err(), "{scope} {hosts:?}");
        }
    }
}
