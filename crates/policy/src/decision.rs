//! What the fold remembers of a decision, and what follows from it now.

use crate::{
    Id, Scope, Sentence, Time,
    note::{Class, Continue, ContinueReason, Impose, LiftReason, Withheld},
};
use alloc::{collections::BTreeSet, string::String, vec::Vec};
use ledger::Hash;

/// A person behind a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The person.
    pub person: Id,
    /// The person's organisation.
    pub organisation: Id,
    /// The key that signed (vkey).
    pub key: String,
}

/// A finding as it carried something.
#[derive(Clone, Debug)]
pub(crate) struct Under {
    /// When it was logged.
    pub(crate) logged: Time,
    /// Who signed it, whatever became of their keys.
    pub(crate) persons: BTreeSet<Id>,
    /// The keys that counted when it was logged and when it was used, of each person all.
    pub(crate) keys: Vec<String>,
}

/// An accepted continue note.
#[derive(Clone, Debug)]
pub struct Continued {
    /// Index in the log.
    pub index: u64,
    /// When it was logged.
    pub logged: Time,
    /// The note.
    pub note: Continue,
    /// Who signed.
    pub signers: Vec<Signer>,
    /// The new finding (extended only).
    pub(crate) under: Option<Under>,
    /// Every key of the policies that signed and counted.
    pub(crate) keys: Vec<String>,
    /// It fell with a key that turned out to be suspended.
    pub void: bool,
}

/// An accepted lift.
#[derive(Clone, Debug)]
pub struct Lifted {
    /// Index in the log; `None` while it is known only from elsewhere.
    pub index: Option<u64>,
    /// The lift's id.
    pub id: Id,
    /// When it was written.
    pub time: Time,
    /// Ground.
    pub reason: LiftReason,
    /// The reason in a sentence.
    pub why: Sentence,
    /// Who signed.
    pub by: Vec<Signer>,
}

/// Until when an emergency counts against its customer's hours. What fell later was in force until it fell, so only
/// a lift that the log has gives anything back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// By the log alone.
    pub(crate) logged: Time,
    /// By all that is known: an order that fell leaves its time to the emergency.
    pub(crate) known: Time,
}

/// An accepted impose note and all that came after it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Index in the log.
    pub index: u64,
    /// When it was logged.
    pub logged: Time,
    /// The note.
    pub impose: Impose,
    /// Who signed it.
    pub signers: Vec<Signer>,
    /// Who signed the finding.
    pub assessors: Vec<Signer>,
    /// The finding (emergency only).
    pub(crate) under: Option<Under>,
    /// Continue notes, in the order of the log.
    pub continues: Vec<Continued>,
    /// The lift, if any.
    pub lifted: Option<Lifted>,
    /// It fell with a key that turned out to be suspended when it signed.
    pub void: bool,
    /// The end that earlier emergencies of the same customer leave it; known while the subject is held.
    pub cap: Option<Time>,
    /// The ends that count against later emergencies of the same customer; known with `cap`.
    pub(crate) counted: Counted,
    /// Every key of the policies that signed and counted.
    pub(crate) keys: Vec<String>,
    /// It went beyond what one hour may block, so the policy quorum had to sign.
    pub(crate) crowded: bool,
}

/// What a decision is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `since` is still to come.
    Waiting,
    /// It has effect.
    InForce,
    /// Ended by a lift.
    Lifted,
    /// Without effect: a key under it was suspended when it signed, and too few are left.
    Void,
    /// An emergency that nobody validated in time.
    NotConfirmed,
    /// Its end came.
    Ended,
}

impl Status {
    /// The word in pages and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InForce => "in-force",
            Self::Lifted => "lifted",
            Self::Void => "void",
            Self::NotConfirmed => "not-confirmed",
            Self::Ended => "ended",
        }
    }
}

impl Decision {
    /// The end as it stands: the last continue note's, or the impose note's own; never after [`Decision::cap`], unless
    /// an order took over before.
    #[must_use]
    pub fn until(&self) -> Time {
        self.ends().1
    }

    /// Whether a legal order stands behind it.
    #[must_use]
    pub fn ordered(&self) -> bool {
        self.impose.class == Class::Order || self.ends().0.is_some()
    }

    /// The end of what it is without an order, with this cap and the continue notes that count: then it stops, or an
    /// order had taken over.
    pub(crate) fn own_end(&self, cap: Time, counts: impl Fn(&Continued) -> bool) -> Time {
        let (ordered, end) = self.ends_with(|end| end.min(cap), counts);
        ordered.unwrap_or(end)
    }

    /// When an order took over, and the end.
    fn ends(&self) -> (Option<Time>, Time) {
        self.ends_with(|end| self.capped(end), |c| !c.void)
    }

    fn ends_with(
        &self,
        capped: impl Fn(Time) -> Time,
        counts: impl Fn(&Continued) -> bool,
    ) -> (Option<Time>, Time) {
        let (mut ordered, mut end) = (None, capped(self.impose.until));
        for c in &self.continues {
            match c.note.reason {
                // What it shortened stays short: an undo never gives a decision time.
                _ if !counts(c) => end = end.min(c.note.until),
                // One that came when all was over, by what is known now, wakes nothing.
                ContinueReason::Order if c.logged < end => {
                    end = c.note.until;
                    ordered = ordered.or(Some(c.logged));
                }
                ContinueReason::Order => {}
                ContinueReason::Validated | ContinueReason::Extended => end = capped(c.note.until),
            }
        }
        (ordered, end)
    }

    /// Whether a reviewer has validated it.
    #[must_use]
    pub fn confirmed(&self) -> bool {
        self.has(ContinueReason::Validated, |c| !c.void)
    }

    /// By when a reviewer must validate it, for an emergency that waits for one.
    #[must_use]
    pub fn confirm_by(&self) -> Option<Time> {
        let waits = self.impose.class == Class::Emergency && !self.confirmed() && !self.ordered();
        waits.then(|| self.capped(self.impose.until))
    }

    /// Who took part before the entry at `index`: in finding, decision and continue notes.
    pub(crate) fn before(&self, index: u64) -> BTreeSet<Id> {
        let earlier = self.continues.iter().filter(|c| c.index < index).flat_map(|c| &c.signers);
        let all = self.signers.iter().chain(&self.assessors).chain(earlier);
        all.map(|s| s.person.clone()).collect()
    }

    fn capped(&self, end: Time) -> Time {
        self.cap.map_or(end, |cap| end.min(cap))
    }

    fn has(&self, reason: ContinueReason, counts: impl Fn(&Continued) -> bool) -> bool {
        self.continues.iter().any(|c| c.note.reason == reason && counts(c))
    }

    /// The end that the log's notes alone give, whatever came from elsewhere: what the next note is judged by.
    pub(crate) fn logged_until(&self) -> Time {
        self.continues.last().map_or(self.impose.until, |c| c.note.until)
    }

    /// Whether the log holds a continue note of this kind, whatever came from elsewhere.
    pub(crate) fn logged_continue(&self, reason: ContinueReason) -> Option<&Continued> {
        self.continues.iter().find(|c| c.note.reason == reason)
    }

    /// What it is at `now`.
    #[must_use]
    pub fn status(&self, now: Time) -> Status {
        if self.lifted.is_some() {
            Status::Lifted
        } else if self.void {
            Status::Void
        } else if now >= self.until() {
            if self.confirm_by().is_some() { Status::NotConfirmed } else { Status::Ended }
        } else if now < self.impose.since {
            Status::Waiting
        } else {
            Status::InForce
        }
    }
}

/// What an edge does because of a decision. It exists only while the decision is in force and both its blobs are
/// held, so whoever has one can explain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The decision's id.
    pub id: Id,
    /// Its class.
    pub class: Class,
    /// The customer.
    pub customer: Id,
    /// What is covered.
    pub scope: Scope,
    /// Hostnames the subject named.
    pub hostnames: Vec<String>,
    /// Start.
    pub since: Time,
    /// End as it stands.
    pub until: Time,
    /// By when a reviewer must validate it; `None` when that is done or not needed.
    pub confirm_by: Option<Time>,
    /// Whether a reviewer validated it.
    pub confirmed: bool,
    /// The rule.
    pub ground: Id,
    /// The rule's version.
    pub ground_version: u64,
    /// How many authorities were told before.
    pub authorities: u64,
    /// Whether a verified legal order stands behind it (451 instead of 403).
    pub ordered: bool,
    /// Hash of the post.
    pub post: Hash,
    /// Hash of the subject blob.
    pub subject: Hash,
    /// What it is not a precedent for.
    pub limiting: Sentence,
    /// A part that is held back for a time.
    pub withheld: Option<Withheld>,
    /// Index in the log.
    pub index: u64,
    /// When it was logged.
    pub logged: Time,
}
