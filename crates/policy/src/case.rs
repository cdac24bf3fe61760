//! Cases: everything about one matter, as a journal of what people did, entry after entry, each with the hash of the one
//! before. A case decides nothing: findings and decisions are notes that name it.
//!
//! The journal is the truth, and [`Case`] what it amounts to. Whoever changes, drops or adds an entry in between breaks the
//! chain for all that follow; whoever holds the newest hash can tell.

pub mod facts;
pub mod track;

mod entry;

pub use entry::{Act, Entry};

use crate::{Id, Sentence, Time, note::words, report::Address};
use alloc::{collections::BTreeSet, vec::Vec};
use core::fmt;

use ledger::Hash;
use track::Facts;

/// Most entries of one case: two weeks of an entry every two minutes.
pub const MAX_ENTRIES: u64 = 10_000;

/// For so long after their last entry a case is somebody's, seconds: a shift's half; nobody waits longer for a colleague
/// who fell asleep.
pub const HELD: u64 = 4 * crate::time::HOUR;

words! {
    /// How a case ended.
    Outcome {
        /// There was nothing to do.
        NoAction = "no-action",
        /// The customer, or somebody else, put an end to it.
        Remedied = "remedied",
        /// It was decided by a note in the ledger: imposed or refused.
        Decided = "decided",
        /// It went to whoever is responsible for it.
        Forwarded = "forwarded",
    }
}

/// Why an entry cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A case begins with `open`, once.
    Beginning,
    /// It is closed: open it again first.
    Closed,
    /// It is open.
    Open,
    /// Somebody else works on it, and did something lately.
    Held(Sentence),
    /// Nobody works on it, or somebody else does.
    NotYours,
    /// These reports are in it already.
    Linked,
    /// It happened after it was seen, or was seen after now.
    Order,
    /// Its number is taken in this case.
    Taken(Id),
    /// The case has no such evidence or referral.
    Unknown(Id),
    /// It has [`MAX_ENTRIES`] entries.
    Full,
    /// It does not follow the entry before.
    Chain,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning => f.write_str("a case begins with its opening, and has one"),
            Self::Closed => f.write_str("the case is closed; open it again first"),
            Self::Open => f.write_str("the case is open"),
            Self::Held(by) => {
                write!(f, "{by} works on it; ask them, or wait until four hours after their last entry")
            }
            Self::NotYours => f.write_str("you have not taken it"),
            Self::Linked => f.write_str("these reports are in it already"),
            Self::Order => {
                f.write_str("nothing is seen before it happens, nor written down before it is seen")
            }
            Self::Taken(id) => write!(f, "the case has {id} already"),
            Self::Unknown(id) => write!(f, "the case has no {id}"),
            Self::Full => {
                write!(f, "a case has at most {MAX_ENTRIES} entries; open another, and name this one")
            }
            Self::Chain => f.write_str("the entry does not follow the one before it"),
        }
    }
}

/// Something that happened, with its three times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it happened.
    pub happened: Time,
    /// When somebody of ours saw it.
    pub seen: Time,
    /// When it was written down.
    pub recorded: Time,
    /// Who wrote it down.
    pub by: Sentence,
    /// Where it can be seen.
    pub place: Option<Address>,
    /// What happened.
    pub what: Sentence,
}

/// What a journal amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub id: Id,
    /// What it is about.
    pub title: Sentence,
    /// Whose sites.
    pub customer: Option<Id>,
    /// When it was opened.
    pub opened: Time,
    /// Clusters of reports, in the order in which they were put to it.
    pub reports: Vec<Id>,
    /// What happened, in that order.
    pub timeline: Vec<Line>,
    /// What the emergency track is judged by. How many reports there are is no part of it.
    pub facts: Facts,
    /// Who took it last and has not given it back, and the time of their last entry.
    pub taken: Option<(Sentence, Time)>,
    /// How it ended; `None` while it is open.
    pub closed: Option<(Outcome, Time)>,
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the newest entry.
    pub head: Hash,
    linked: BTreeSet<Id>,
}

impl Case {
    /// The case that an opening begins.
    ///
    /// # Errors
    /// When it is no opening.
    pub fn begin(entry: &Entry) -> Result<Self, Refused> {
        let Act::Open { title, customer } = &entry.act else { return Err(Refused::Beginning) };
        if entry.seq != 0 || entry.previous.is_some() {
            return Err(Refused::Chain);
        }
        Ok(Self {
            id: entry.case.clone(),
            title: title.clone(),
            customer: customer.clone(),
            opened: entry.at,
            reports: Vec::new(),
            timeline: Vec::new(),
            facts: Facts::default(),
            taken: None,
            closed: None,
            entries: 1,
            head: entry.hash(),
            linked: BTreeSet::new(),
        })
    }

    /// The whole case.
    ///
    /// # Errors
    /// At the first entry that breaks a rule, which one that is and why.
    pub fn read<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, (u64, Refused)> {
        let mut entries = entries.into_iter();
        let first = entries.next().ok_or((0, Refused::Beginning))?;
        let mut case = Self::begin(first).map_err(|why| (0, why))?;
        for entry in entries {
            case.apply(entry).map_err(|why| (case.entries, why))?;
        }
        Ok(case)
    }

    /// Who works on it at `now`.
    #[must_use]
    pub fn held(&self, now: Time) -> Option<&Sentence> {
        self.taken.as_ref().filter(|(_, last)| now.since(*last) < HELD).map(|(by, _)| by)
    }

    /// The next entry, if the rules allow it.
    ///
    /// # Errors
    /// Which rule does not.
    pub fn next(&self, at: Time, by: Sentence, act: Act) -> Result<Entry, Refused> {
        let entry =
            Entry { case: self.id.clone(), seq: self.entries, previous: Some(self.head), at, by, act };
        self.check(&entry)?;
        Ok(entry)
    }

    fn check(&self, entry: &Entry) -> Result<(), Refused> {
        let rule = |holds: bool, why: Refused| if holds { Ok(()) } else { Err(why) };
        let follows = entry.case == self.id && entry.seq == self.entries && entry.previous == Some(self.head);
        rule(follows, Refused::Chain)?;
        rule(entry.seq < MAX_ENTRIES, Refused::Full)?;
        let reopens = matches!(entry.act, Act::Reopen { .. });
        rule(reopens || self.closed.is_none(), Refused::Closed)?;
        match &entry.act {
            Act::Open { .. } => Err(Refused::Beginning),
            Act::Link { reports } => rule(!self.linked.contains(reports), Refused::Linked),
            Act::Happened { happened, seen, .. } => {
                rule(happened <= seen && *seen <= entry.at, Refused::Order)
            }
            Act::Evidence(_)
            | Act::Fetch { .. }
            | Act::Destroy { .. }
            | Act::Judge(_)
            | Act::Refer(_)
            | Act::Answer(_)
            | Act::Reply(_) => self.facts.check(&entry.act, entry.at),
            Act::Take => match self.held(entry.at).filter(|by| **by != entry.by) {
                Some(by) => Err(Refused::Held(by.clone())),
                None => Ok(()),
            },
            Act::Release => {
                let theirs = self.taken.as_ref().is_some_and(|(by, _)| *by == entry.by);
                rule(theirs, Refused::NotYours)
            }
            Act::Close { .. } => Ok(()),
            Act::Reopen { .. } => rule(self.closed.is_some(), Refused::Open),
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// Which rule it breaks; the case is as it was.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Refused> {
        self.check(entry)?;
        if let Some((by, last)) = &mut self.taken
            && *by == entry.by
        {
            *last = entry.at;
        }
        match &entry.act {
            Act::Open { .. } => {}
            Act::Link { reports } => {
                self.linked.insert(reports.clone());
                self.reports.push(reports.clone());
            }
            Act::Happened { happened, seen, place, what } => {
                let line = Line {
                    happened: *happened,
                    seen: *seen,
                    recorded: entry.at,
                    by: entry.by.clone(),
                    place: place.clone(),
                    what: what.clone(),
                };
                let at = self.timeline.partition_point(|l| l.happened <= line.happened);
                self.timeline.insert(at, line);
            }
            Act::Fetch { .. } | Act::Reply(_) => {}
            Act::Evidence(_) | Act::Destroy { .. } | Act::Judge(_) | Act::Refer(_) | Act::Answer(_) => {
                self.facts.take(&entry.act, &entry.by, entry.at);
            }
            Act::Take => self.taken = Some((entry.by.clone(), entry.at)),
            Act::Release => self.taken = None,
            Act::Close { outcome, .. } => {
                self.closed = Some((*outcome, entry.at));
                self.taken = None;
            }
            Act::Reopen { .. } => self.closed = None,
        }
        self.entries += 1;
        self.head = entry.hash();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
