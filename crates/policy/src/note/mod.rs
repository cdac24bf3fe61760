//! The grammar of every note: what persons sign and every later log contains.
//!
//! A note's text is `key value` lines in fixed order. The first three are `portcullis-<kind>/v1`, `origin` (the
//! log it is meant for, so that it means nothing in another) and `id`. Parsing is strict and one text has one
//! meaning: `parse` then `Display` gives the same bytes.

mod config;
mod continues;
mod finding;
mod impose;
mod lift;
mod policy;
mod refuse;
mod suspend;

pub use config::Config;
pub use continues::{Continue, ContinueReason};
pub use finding::{Criterion, Finding, Verdict};
pub use impose::{Impose, LegalOrder, Referral, Withheld, WithholdReason};
pub use lift::{Lift, LiftReason};
pub use policy::{PersonKeys, PolicyNote, Role};
pub use refuse::{AskedBy, Refuse};
pub use suspend::Suspend;

use crate::{GrammarError, Id, text::Lines};
use alloc::string::{String, ToString};
use core::fmt;

/// Declares an enum of fixed words with `word()` and `parse()`, so that spelling lives in one table.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in a note.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(s: &str) -> Option<Self> {
                match s { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a note does.
    Kind {
        /// Two assessors found, or did not find, an imminent threat.
        Finding = "finding",
        /// A customer, tenant, site or hostname is blocked.
        Impose = "impose",
        /// A running measure goes on to a later end.
        Continue = "continue",
        /// A measure ends now.
        Lift = "lift",
        /// Something was asked and not done.
        Refuse = "refuse",
        /// A key may not take part in power up.
        Suspend = "suspend",
        /// Who may decide what.
        Policy = "policy",
        /// Edges serve another set of sites.
        Config = "config",
    }
}

words! {
    /// Under which title a measure is imposed; each has its quorum and its longest run (DESIGN 6).
    Class {
        /// An imminent threat to life that cannot wait for a court.
        Emergency = "emergency",
        /// Phishing, malware, child sexual abuse: never customer-wide.
        Abuse = "abuse",
        /// Breach of a published rule, with thirty days' notice.
        Standing = "standing",
        /// Legal process, by a known authority.
        Order = "order",
    }
}

words! {
    /// How wide a measure is. Which one exactly stands in the subject, not in the public note.
    ScopeKind {
        /// Every site of the customer on every service, also tomorrow's.
        Customer = "customer",
        /// One tenant of a reseller.
        Tenant = "tenant",
        /// One site.
        Site = "site",
        /// One hostname.
        Hostname = "hostname",
    }
}

/// Any note.
#[derive(Clone, Debug)]
pub enum AnyNote {
    /// See [`Finding`].
    Finding(Finding),
    /// See [`Impose`].
    Impose(Impose),
    /// See [`Continue`].
    Continue(Continue),
    /// See [`Lift`].
    Lift(Lift),
    /// See [`Refuse`].
    Refuse(Refuse),
    /// See [`Suspend`].
    Suspend(Suspend),
    /// See [`PolicyNote`].
    Policy(PolicyNote),
    /// See [`Config`].
    Config(Config),
}

impl AnyNote {
    /// Reads a note's text by its first line.
    ///
    /// # Errors
    /// Line and reason of the first thing that is not in the grammar.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let first = text.split('\n').next().unwrap_or_default();
        let kind =
            first.strip_prefix("portcullis-").and_then(|r| r.strip_suffix("/v1")).and_then(Kind::parse);
        Ok(match kind {
            Some(Kind::Finding) => Self::Finding(Finding::parse(text)?),
            Some(Kind::Impose) => Self::Impose(Impose::parse(text)?),
            Some(Kind::Continue) => Self::Continue(Continue::parse(text)?),
            Some(Kind::Lift) => Self::Lift(Lift::parse(text)?),
            Some(Kind::Refuse) => Self::Refuse(Refuse::parse(text)?),
            Some(Kind::Suspend) => Self::Suspend(Suspend::parse(text)?),
            Some(Kind::Policy) => Self::Policy(PolicyNote::parse(text)?),
            Some(Kind::Config) => Self::Config(Config::parse(text)?),
            None => {
                let what = "expected `portcullis-KIND/v1` with KIND one of finding, impose, continue, lift, refuse, suspend, policy, config";
                return Err(GrammarError { line: 1, what: what.into() });
            }
        })
    }

    /// What kind of note it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Finding(_) => Kind::Finding,
            Self::Impose(_) => Kind::Impose,
            Self::Continue(_) => Kind::Continue,
            Self::Lift(_) => Kind::Lift,
            Self::Refuse(_) => Kind::Refuse,
            Self::Suspend(_) => Kind::Suspend,
            Self::Policy(_) => Kind::Policy,
            Self::Config(_) => Kind::Config,
        }
    }

    /// The note's own name.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.head().id
    }

    /// The log it is meant for.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.head().origin
    }

    fn head(&self) -> &Head {
        match self {
            Self::Finding(n) => &n.head,
            Self::Impose(n) => &n.head,
            Self::Continue(n) => &n.head,
            Self::Lift(n) => &n.head,
            Self::Refuse(n) => &n.head,
            Self::Suspend(n) => &n.head,
            Self::Policy(n) => &n.head,
            Self::Config(n) => &n.head,
        }
    }

    /// The text to sign.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Finding(n) => n.to_string(),
            Self::Impose(n) => n.to_string(),
            Self::Continue(n) => n.to_string(),
            Self::Lift(n) => n.to_string(),
            Self::Refuse(n) => n.to_string(),
            Self::Suspend(n) => n.to_string(),
            Self::Policy(n) => n.to_string(),
            Self::Config(n) => n.to_string(),
        }
    }
}

/// The two lines every note begins with, after its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The log's origin.
    pub origin: String,
    /// The note's name; a log accepts it once.
    pub id: Id,
}

impl Head {
    fn read(kind: Kind, lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        lines.exactly(&alloc::format!("portcullis-{kind}/v1"))?;
        let origin = read_origin(lines)?;
        Ok(Self { origin, id: read_id(lines, "id")? })
    }

    fn write(&self, kind: Kind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "portcullis-{kind}/v1\norigin {}\nid {}\n", self.origin, self.id)
    }
}

/// Longest origin, bytes: a hostname of 253 and a short path.
const MAX_ORIGIN: usize = 300;

/// An origin is one printable ASCII word without `+` (it is also a key name).
pub(crate) fn read_origin(lines: &mut Lines<'_>) -> Result<String, GrammarError> {
    lines.read("origin", "the log's origin: one printable ASCII word without `+`", |v| {
        let fits = v.len() <= MAX_ORIGIN && v.bytes().all(|c| c.is_ascii_graphic() && c != b'+');
        fits.then(|| v.to_string())
    })
}

pub(crate) fn read_id(lines: &mut Lines<'_>, key: &str) -> Result<Id, GrammarError> {
    lines.read(key, "an id: 3 to 64 of a-z, 0-9, - and _, beginning with a letter", Id::parse)
}

pub(crate) fn read_time(lines: &mut Lines<'_>, key: &str) -> Result<crate::Time, GrammarError> {
    lines.read(key, "a time like 2026-11-22T23:15:00Z", crate::Time::parse)
}

pub(crate) fn read_hash(lines: &mut Lines<'_>, key: &str) -> Result<ledger::Hash, GrammarError> {
    lines.read(key, "a SHA-256 in 64 lower-case hex digits", ledger::Hash::parse_hex)
}

#[cfg(test)]
mod tests;
