//! What still closes the emergency track (DESIGN 7), from the facts of a case and the time alone.
//!
//! Evidence, judgements, referrals and answers come in; reports do not, by type: whatever presses, counts nowhere here.

use super::{
    Act, Refused,
    facts::{Answer, Answered, Evidence, Judgement, Referral},
};
use crate::{
    Id, Sentence, Time,
    note::{Criterion, Verdict},
    time::HOUR,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::fmt;
use ledger::Hash;

/// Longest window that is imminent, seconds from when it was judged.
pub const WINDOW: u64 = 72 * HOUR;
/// A judgement older than this must be made anew, seconds: as long as a finding is usable.
pub const FRESH: u64 = 24 * HOUR;
/// A judgement with who made it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What was judged.
    pub it: Judgement,
    /// By whom.
    pub by: Sentence,
    /// When it was written down.
    pub at: Time,
}

/// A referral with what came back, in the order in which it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// What was sent.
    pub it: Referral,
    /// What came back, and when it was written down.
    pub answers: Vec<(Answered, Time)>,
}

impl Referred {
    /// The last thing it said about acting, if it said anything.
    fn stands(&self) -> Option<Answer> {
        let about = |a: &Answer| matches!(a, Answer::Acts | Answer::CannotInTime | Answer::Declines);
        self.answers.iter().map(|(a, _)| a.answer).rfind(about)
    }

    /// When an objection was written down that it has not withdrawn.
    fn objects(&self) -> Option<Time> {
        let about = |(a, _): &&(Answered, Time)| matches!(a.answer, Answer::Objects | Answer::Withdraws);
        self.answers.iter().rfind(about).filter(|(a, _)| a.answer == Answer::Objects).map(|(_, at)| *at)
    }

    /// Whether it leaves the danger to us: it said so, or its time to answer is over.
    fn leaves(&self, now: Time) -> bool {
        match self.stands() {
            Some(Answer::CannotInTime | Answer::Declines) => true,
            Some(_) => false,
            None => self.it.answer_by <= now,
        }
    }
}

/// What a case has of evidence, judgements, referrals and answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Evidence by its number, but for what was destroyed.
    pub evidence: BTreeMap<Id, Evidence>,
    /// Every piece that was ever attached, in that order: people name it by its place, which never changes.
    pub attached: Vec<Id>,
    /// What was destroyed. It shows nothing any more, and its number stays its own.
    pub destroyed: BTreeSet<Id>,
    /// The newest judgement of each criterion.
    pub judged: BTreeMap<Criterion, Judged>,
    /// Referrals by their number.
    pub referrals: BTreeMap<Id, Referred>,
    /// Referrals in the order in which they were written down.
    pub referred: Vec<Id>,
}

/// Something that closes the emergency track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody has judged it.
    NotJudged(Criterion),
    /// It was judged, and is not met.
    NotMet(Criterion, Verdict, Sentence),
    /// It was judged more than [`FRESH`] ago.
    Stale(Criterion),
    /// Nothing is cited that shows it.
    NoEvidence(Criterion),
    /// Everything that is cited comes from one source.
    OneSource,
    /// Nothing that is cited was captured by us, given by an authority, or taken from a notarised archive.
    NothingOwn,
    /// It does not say until when.
    NoWindow,
    /// It is over.
    WindowOver(Time),
    /// It is longer than [`WINDOW`].
    WindowLong(Time),
    /// No authority was told.
    NobodyTold,
    /// An authority acts by itself.
    TheyAct(Id),
    /// Each authority that was told still has time to answer; the first of them until then.
    TheirTime(Id, Time),
    /// An authority objects, and nobody has judged `proportionate` since.
    Objection(Id),
}

impl Closed {
    /// A fixed word, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJudged(_) => "not-judged",
            Self::NotMet(..) => "not-met",
            Self::Stale(_) => "stale",
            Self::NoEvidence(_) => "no-evidence",
            Self::OneSource => "one-source",
            Self::NothingOwn => "nothing-own",
            Self::NoWindow => "no-window",
            Self::WindowOver(_) => "window-over",
            Self::WindowLong(_) => "window-long",
            Self::NobodyTold => "nobody-told",
            Self::TheyAct(_) => "they-act",
            Self::TheirTime(..) => "their-time",
            Self::Objection(_) => "objection",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJudged(c) => write!(f, "`{c}` is not judged"),
            Self::NotMet(c, Verdict::NotMet, why) => write!(f, "`{c}` is not met: {why}"),
            Self::NotMet(c, _, why) => write!(f, "`{c}` is unknown: {why}"),
            Self::Stale(c) => write!(f, "`{c}` was judged more than 24 hours ago; judge it again"),
            Self::NoEvidence(c) => write!(f, "`{c}` cites no evidence"),
            Self::OneSource => f.write_str("`credible` cites one source only; two independent ones are needed"),
            Self::NothingOwn => f.write_str(
                "`credible` cites nothing that we captured, an authority gave us, or a notarised archive holds",
            ),
            Self::NoWindow => f.write_str("`imminent` does not say until when"),
            Self::WindowOver(until) => write!(f, "the window of `imminent` was over at {until}"),
            Self::WindowLong(until) => {
                write!(f, "the window of `imminent`, until {until}, is longer than 72 hours")
            }
            Self::NobodyTold => f.write_str("no authority was told"),
            Self::TheyAct(id) => write!(f, "the authority of {id} acts by itself"),
            Self::TheirTime(id, until) => {
                write!(f, "the authority of {id} has time to answer until {until}")
            }
            Self::Objection(id) => {
                write!(f, "the authority of {id} objects; judge `proportionate` again, knowing why")
            }
        }
    }
}

/// Criteria that something kept must show. What the others say is a weighing.
const SHOWN: [Criterion; 4] =
    [Criterion::Identified, Criterion::Credible, Criterion::Imminent, Criterion::Nexus];

impl Facts {
    /// Everything that closes the emergency track at `now`; nothing when it is open.
    #[must_use]
    pub fn closed_by(&self, now: Time) -> Vec<Closed> {
        let mut closed = Vec::new();
        for criterion in Criterion::ALL {
            match self.judged.get(criterion) {
                None => closed.push(Closed::NotJudged(*criterion)),
                Some(judged) => self.weigh(judged, now, &mut closed),
            }
        }
        if self.referrals.is_empty() {
            closed.push(Closed::NobodyTold);
        } else if let Some(acts) = self.referrals.values().find(|r| r.stands() == Some(Answer::Acts)) {
            closed.push(Closed::TheyAct(acts.it.id.clone()));
        } else if !self.referrals.values().any(|r| r.leaves(now))
            && let Some(first) = self.referrals.values().map(|r| &r.it).min_by_key(|r| r.answer_by)
        {
            closed.push(Closed::TheirTime(first.id.clone(), first.answer_by));
        }
        closed.extend(self.objections());
        closed
    }

    /// Objections of authorities that nobody has weighed since: whatever runs, somebody decides anew.
    #[must_use]
    pub fn objections(&self) -> Vec<Closed> {
        self.objected().into_iter().map(|(referral, _)| Closed::Objection(referral)).collect()
    }

    /// The same, by referral, and when each was written down.
    #[must_use]
    pub fn objected(&self) -> Vec<(Id, Time)> {
        let weighed = self.judged.get(&Criterion::Proportionate).map(|j| j.at);
        let open = |r: &Referred| {
            let at = r.objects().filter(|at| weighed.is_none_or(|weighed| weighed <= *at))?;
            Some((r.it.id.clone(), at))
        };
        self.referrals.values().filter_map(open).collect()
    }

    /// Until when the danger lasts, as it was judged last.
    #[must_use]
    pub fn window(&self) -> Option<Time> {
        self.judged.get(&Criterion::Imminent)?.it.until
    }

    fn weigh(&self, judged: &Judged, now: Time, closed: &mut Vec<Closed>) {
        let Judgement { criterion, verdict, until, evidence, why } = &judged.it;
        if *verdict != Verdict::Met {
            closed.push(Closed::NotMet(*criterion, *verdict, why.clone()));
            return;
        }
        if now.since(judged.at) > FRESH {
            closed.push(Closed::Stale(*criterion));
        }
        let shown: Vec<&Evidence> = evidence.iter().filter_map(|id| self.evidence.get(id)).collect();
        if SHOWN.contains(criterion) && shown.is_empty() {
            closed.push(Closed::NoEvidence(*criterion));
            return;
        }
        match criterion {
            Criterion::Credible => weigh_sources(&shown, closed),
            Criterion::Imminent => match until {
                None => closed.push(Closed::NoWindow),
                Some(until) if *until <= now => closed.push(Closed::WindowOver(*until)),
                Some(until) if until.since(judged.at) > WINDOW => closed.push(Closed::WindowLong(*until)),
                Some(_) => {}
            },
            _ => {}
        }
    }

    /// Whether an entry of this time may be added.
    pub(super) fn check(&self, act: &Act, at: Time) -> Result<(), Refused> {
        let rule = |holds: bool, why: Refused| if holds { Ok(()) } else { Err(why) };
        match act {
            Act::Evidence(it) => {
                let taken = self.evidence.contains_key(&it.id) || self.destroyed.contains(&it.id);
                rule(!taken, Refused::Taken(it.id.clone()))?;
                rule(it.captured <= at, Refused::Order)
            }
            Act::Fetch { evidence } | Act::Destroy { evidence, .. } => {
                rule(self.evidence.contains_key(evidence), Refused::Unknown(evidence.clone()))
            }
            Act::Judge(it) => match it.evidence.iter().find(|id| !self.evidence.contains_key(*id)) {
                Some(unknown) => Err(Refused::Unknown(unknown.clone())),
                None => Ok(()),
            },
            Act::Refer(it) => {
                rule(!self.referrals.contains_key(&it.id), Refused::Taken(it.id.clone()))?;
                rule(it.sent <= at && it.sent < it.answer_by, Refused::Order)
            }
            Act::Reply(it) => {
                rule(self.referrals.contains_key(&it.referral), Refused::Unknown(it.referral.clone()))
            }
            Act::Answer(it) => {
                let referred = self.referrals.get(&it.referral);
                let sent = referred.ok_or_else(|| Refused::Unknown(it.referral.clone()))?.it.sent;
                rule(sent <= it.said && it.said <= at, Refused::Order)
            }
            _ => Ok(()),
        }
    }

    /// Takes an entry that was checked.
    pub(super) fn take(&mut self, act: &Act, by: &Sentence, at: Time) {
        match act {
            Act::Evidence(it) => {
                self.attached.push(it.id.clone());
                self.evidence.insert(it.id.clone(), it.clone());
            }
            Act::Destroy { evidence, .. } => {
                self.evidence.remove(evidence);
                self.destroyed.insert(evidence.clone());
            }
            Act::Judge(it) => {
                let judged = Judged { it: it.clone(), by: by.clone(), at };
                self.judged.insert(it.criterion, judged);
            }
            Act::Refer(it) => {
                self.referred.push(it.id.clone());
                self.referrals.insert(it.id.clone(), Referred { it: it.clone(), answers: Vec::new() });
            }
            Act::Answer(it) => {
                if let Some(referred) = self.referrals.get_mut(&it.referral) {
                    referred.answers.push((it.clone(), at));
                }
            }
            _ => {}
        }
    }
}

/// Two independent sources, and one that needs nobody's word.
fn weigh_sources(cited: &[&Evidence], closed: &mut Vec<Closed>) {
    // The same bytes handed in by two are one source, and so is one who hands in two.
    let sources: BTreeSet<String> = cited.iter().map(|e| e.from.as_str().to_lowercase()).collect();
    let pieces: BTreeSet<Hash> = cited.iter().map(|e| e.sha256).collect();
    if sources.len().min(pieces.len()) < 2 {
        closed.push(Closed::OneSource);
    }
    if !cited.iter().any(|e| e.source.is_own()) {
        closed.push(Closed::NothingOwn);
    }
}

#[cfg(test)]
mod tests;
