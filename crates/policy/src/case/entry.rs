//! One entry of a case's journal: what somebody did, as a text.

use super::{
    Outcome,
    facts::{Answered, Evidence, Judgement, Referral, Reply},
};
use crate::{
    GrammarError, Id, Sentence, Time,
    note::read_id,
    report::Address,
    text::{Lines, number, optional, or_none},
};
use alloc::{format, string::ToString};
use core::fmt;
use ledger::Hash;

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Began the case.
    Open {
        /// What it is about, for lists.
        title: Sentence,
        /// Whose sites it is about, if anybody's.
        customer: Option<Id>,
    },
    /// Put reports to it: the number of a cluster.
    Link {
        /// The cluster.
        reports: Id,
    },
    /// Wrote down something that happened.
    Happened {
        /// When it happened.
        happened: Time,
        /// When somebody of ours saw it. When it was written down stands in the entry.
        seen: Time,
        /// Where it can be seen.
        place: Option<Address>,
        /// What happened.
        what: Sentence,
    },
    /// Attached evidence.
    Evidence(Evidence),
    /// Took a copy of evidence out of the store, to look at it.
    Fetch {
        /// Which.
        evidence: Id,
    },
    /// Destroyed evidence: what it was stays here, what it held is gone.
    Destroy {
        /// Which.
        evidence: Id,
        /// Why: the law, or the person it shows.
        why: Sentence,
    },
    /// Judged one of the eight criteria.
    Judge(Judgement),
    /// Told an authority.
    Refer(Referral),
    /// Wrote down what an authority answered.
    Answer(Answered),
    /// Told an authority something more.
    Reply(Reply),
    /// Took it, so that nobody else works on it.
    Take,
    /// Gave it back.
    Release,
    /// Ended it.
    Close {
        /// How.
        outcome: Outcome,
        /// Why.
        why: Sentence,
    },
    /// Began it again.
    Reopen {
        /// Why.
        why: Sentence,
    },
}

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The case.
    pub case: Id,
    /// Its place, from 0.
    pub seq: u64,
    /// SHA-256 of the entry before; `None` for the first.
    pub previous: Option<Hash>,
    /// When it was written down, by the desk's clock.
    pub at: Time,
    /// Who: the name of their token.
    pub by: Sentence,
    /// What.
    pub act: Act,
}

const FIRST: &str = "portcullis-case/v1";

impl Entry {
    /// SHA-256 of its text.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(self.to_string().as_bytes())
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        lines.exactly(FIRST)?;
        let case = read_id(&mut lines, "case")?;
        let seq = lines.read("seq", "a number from 0", number)?;
        let previous = lines.read("previous", "a hash or none", |v| optional(v, Hash::parse_hex))?;
        let at = lines.read("at", "a time", Time::parse)?;
        let by = lines.sentence("by")?;
        let word = lines.value("act")?.to_string();
        let act = match word.as_str() {
            "open" => Act::Open {
                title: lines.sentence("title")?,
                customer: lines.read("customer", "an id or none", |v| optional(v, Id::parse))?,
            },
            "link" => Act::Link { reports: read_id(&mut lines, "reports")? },
            "happened" => Act::Happened {
                happened: lines.read("happened", "a time", Time::parse)?,
                seen: lines.read("seen", "a time", Time::parse)?,
                place: lines.read("place", "none or at ADDRESS", |v| match v {
                    "none" => Some(None),
                    v => v.strip_prefix("at ").and_then(|v| Address::parse(v).ok()).map(Some),
                })?,
                what: lines.sentence("what")?,
            },
            "evidence" => Act::Evidence(Evidence::read(&mut lines)?),
            "fetch" => Act::Fetch { evidence: read_id(&mut lines, "evidence")? },
            "destroy" => {
                Act::Destroy { evidence: read_id(&mut lines, "evidence")?, why: lines.sentence("why")? }
            }
            "judge" => Act::Judge(Judgement::read(&mut lines)?),
            "refer" => Act::Refer(Referral::read(&mut lines)?),
            "answer" => Act::Answer(Answered::read(&mut lines)?),
            "reply" => Act::Reply(Reply::read(&mut lines)?),
            "take" => Act::Take,
            "release" => Act::Release,
            "close" => Act::Close {
                outcome: lines.read("outcome", "an outcome", Outcome::parse)?,
                why: lines.sentence("why")?,
            },
            "reopen" => Act::Reopen { why: lines.sentence("why")? },
            _ => return Err(lines.wrong("no such act")),
        };
        lines.end()?;
        Ok(Self { case, seq, previous, at, by, act })
    }
}

impl Act {
    /// The word in the journal.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Link { .. } => "link",
            Self::Happened { .. } => "happened",
            Self::Evidence(_) => "evidence",
            Self::Fetch { .. } => "fetch",
            Self::Destroy { .. } => "destroy",
            Self::Judge(_) => "judge",
            Self::Refer(_) => "refer",
            Self::Answer(_) => "answer",
            Self::Reply(_) => "reply",
            Self::Take => "take",
            Self::Release => "release",
            Self::Close { .. } => "close",
            Self::Reopen { .. } => "reopen",
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, seq, previous, at, by, act } = self;
        let previous = or_none(previous.as_ref());
        write!(
            f,
            "{FIRST}\ncase {case}\nseq {seq}\nprevious {previous}\nat {at}\nby {by}\nact {}\n",
            act.word()
        )?;
        match act {
            Act::Open { title, customer } => {
                write!(f, "title {title}\ncustomer {}\n", or_none(customer.as_ref()))
            }
            Act::Link { reports } => writeln!(f, "reports {reports}"),
            Act::Happened { happened, seen, place, what } => {
                let place = place.as_ref().map_or_else(|| "none".into(), |p| format!("at {}", p.as_str()));
                write!(f, "happened {happened}\nseen {seen}\nplace {place}\nwhat {what}\n")
            }
            Act::Evidence(it) => it.write(f),
            Act::Fetch { evidence } => writeln!(f, "evidence {evidence}"),
            Act::Destroy { evidence, why } => write!(f, "evidence {evidence}\nwhy {why}\n"),
            Act::Judge(it) => it.write(f),
            Act::Refer(it) => it.write(f),
            Act::Answer(it) => it.write(f),
            Act::Reply(it) => it.write(f),
            Act::Take | Act::Release => Ok(()),
            Act::Close { outcome, why } => write!(f, "outcome {outcome}\nwhy {why}\n"),
            Act::Reopen { why } => writeln!(f, "why {why}"),
        }
    }
}
