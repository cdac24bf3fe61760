//! `impose`: the decision to block.

use super::{Class, Head, Kind, ScopeKind, read_hash, read_time, words};
use crate::{
    GrammarError, Id, Sentence, Time,
    subject::MAX_HOSTNAMES,
    text::{Lines, number, optional, or_none},
};
use core::fmt;
use ledger::Hash;

/// A decision to block. Times are absolute, so nobody computes an end: it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impose {
    /// Origin and id.
    pub head: Head,
    /// The title, which fixes quorum and longest run.
    pub class: Class,
    /// How wide.
    pub scope: ScopeKind,
    /// How many hostnames the subject names, so that everybody can count what one hour blocks.
    pub hostnames: u64,
    /// The published rule it rests on.
    pub ground: Id,
    /// The rule's version, counted from 1.
    pub ground_version: u64,
    /// When it was put forward; approvals after `approve_by` are void.
    pub proposed: Time,
    /// Start.
    pub since: Time,
    /// End, unless a later note moves it.
    pub until: Time,
    /// The log must hold it by then; at most an hour after `proposed`.
    pub approve_by: Time,
    /// The finding behind it (emergency only).
    pub finding: Option<Id>,
    /// The authorities told before (emergency: at least one).
    pub referral: Option<Referral>,
    /// The legal order behind it (class `order` only).
    pub order: Option<LegalOrder>,
    /// Hash of the post with the reasons.
    pub post: Hash,
    /// Hash of the subject blob.
    pub subject: Hash,
    /// A part of the narrative that is held back for a time.
    pub withheld: Option<Withheld>,
    /// What this decision is not a precedent for.
    pub limiting: Sentence,
}

/// How many authorities were told, and the hash of the record that says which, when and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Count, at least 1.
    pub count: u64,
    /// Hash of the record, which stays at the desk.
    pub record: Hash,
}

/// The order of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalOrder {
    /// The authority's id in the directory.
    pub authority: Id,
    /// Hash of the order's document.
    pub document: Hash,
}

words! {
    /// Why a part of the narrative is held back.
    WithholdReason {
        /// Naming would endanger somebody.
        VictimSafety = "victim-safety",
        /// An inquiry is running.
        Investigation = "investigation",
        /// Secrecy by law.
        LegalSecrecy = "legal-secrecy",
        /// A child is concerned.
        ChildSafety = "child-safety",
    }
}

/// A withheld narrative: its hash now, its words later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Why.
    pub reason: WithholdReason,
    /// Hash of the narrative.
    pub narrative: Hash,
    /// When it opens by itself.
    pub opens: Time,
}

impl Impose {
    /// Reads an impose note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Impose, &mut lines)?;
        let class = lines.read("class", "emergency, abuse, standing or order", Class::parse)?;
        let scope = lines.read("scope", "customer, tenant, site or hostname", ScopeKind::parse)?;
        let hostnames = lines.read("hostnames", "a number from 1 to 10000", |v| {
            number(v).filter(|n| (1..=MAX_HOSTNAMES as u64).contains(n))
        })?;
        let (ground, ground_version) =
            lines.read("ground", "RULE VERSION, as in `imminent-threat-to-life 1`", |v| {
                let (rule, version) = v.split_once(' ')?;
                Some((Id::parse(rule)?, number(version).filter(|n| *n > 0)?))
            })?;
        let proposed = read_time(&mut lines, "proposed")?;
        let since = read_time(&mut lines, "since")?;
        let until = read_time(&mut lines, "until")?;
        let approve_by = read_time(&mut lines, "approve-by")?;
        let finding = lines.read("finding", "a finding's id or none", |v| optional(v, Id::parse))?;
        let referral = lines.read("referral", "COUNT SHA256 or none", |v| optional(v, Referral::parse))?;
        let order = lines.read("order", "AUTHORITY SHA256 or none", |v| optional(v, LegalOrder::parse))?;
        let post = read_hash(&mut lines, "post-sha256")?;
        let subject = read_hash(&mut lines, "subject-sha256")?;
        let withheld =
            lines.read("withheld", "REASON SHA256 TIME or none", |v| optional(v, Withheld::parse))?;
        let limiting = lines.sentence("limiting")?;
        lines.end()?;
        Ok(Self {
            head,
            class,
            scope,
            hostnames,
            ground,
            ground_version,
            proposed,
            since,
            until,
            approve_by,
            finding,
            referral,
            order,
            post,
            subject,
            withheld,
            limiting,
        })
    }
}

impl fmt::Display for Impose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Impose, f)?;
        write!(
            f,
            "class {}\nscope {}\nhostnames {}\nground {} {}\n",
            self.class, self.scope, self.hostnames, self.ground, self.ground_version
        )?;
        write!(f, "proposed {}\nsince {}\nuntil {}\n", self.proposed, self.since, self.until)?;
        write!(f, "approve-by {}\nfinding {}\n", self.approve_by, or_none(self.finding.as_ref()))?;
        write!(f, "referral {}\norder {}\n", or_none(self.referral.as_ref()), or_none(self.order.as_ref()))?;
        write!(f, "post-sha256 {}\nsubject-sha256 {}\n", self.post, self.subject)?;
        write!(f, "withheld {}\nlimiting {}\n", or_none(self.withheld.as_ref()), self.limiting)
    }
}

impl Referral {
    fn parse(v: &str) -> Option<Self> {
        let (count, record) = v.split_once(' ')?;
        Some(Self {
            count: number(count).filter(|n| (1..=1000).contains(n))?,
            record: Hash::parse_hex(record)?,
        })
    }
}

impl fmt::Display for Referral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.record)
    }
}

impl LegalOrder {
    pub(crate) fn parse(v: &str) -> Option<Self> {
        let (authority, document) = v.split_once(' ')?;
        Some(Self { authority: Id::parse(authority)?, document: Hash::parse_hex(document)? })
    }
}

impl fmt::Display for LegalOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.authority, self.document)
    }
}

impl Withheld {
    fn parse(v: &str) -> Option<Self> {
        let (reason, rest) = v.split_once(' ')?;
        let (narrative, opens) = rest.split_once(' ')?;
        Some(Self {
            reason: WithholdReason::parse(reason)?,
            narrative: Hash::parse_hex(narrative)?,
            opens: Time::parse(opens)?,
        })
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.reason, self.narrative, self.opens)
    }
}
