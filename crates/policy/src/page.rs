//! When somebody must be woken: what needs a person now ([`alarms`]), and who is called when ([`turns`], [`due`]).
//!
//! Nothing here knows a telephone. What is called, and how, is the desk's; that it is called, in which order, and when it
//! stops, follows from these functions and the time alone. No alarm repeats a word that somebody wrote: a page crosses
//! networks of others and lies on a locked screen.

mod round;

pub use round::{ATTEMPTS, Ack, Call, Called, Hours, Made, RETRY, Round, Rules, Step, Turn, due, turns};

use crate::{
    AnyNote, Class, Id, Rejected, State, Status, Time,
    case::{Act, Case, Entry, facts::Answer},
    note::words,
    room::WRITER,
    time::HOUR,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use ledger::note::Note;

words! {
    /// What an alarm is about, the most urgent first.
    Kind {
        /// An authority objects to what runs or is proposed, and nobody has weighed it.
        Objection = "objection",
        /// An emergency is proposed, and signatures are missing.
        Sign = "sign",
        /// A threat to life was reported, and nobody has looked.
        Report = "report",
        /// An emergency runs, and nobody has validated it.
        Validate = "validate",
        /// An authority said something in its room.
        Answer = "answer",
        /// Mails to customers were given up.
        Mail = "mail",
        /// The desk cannot find out whether somebody is needed.
        Blind = "blind",
    }
}

/// Something that needs a person now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name: the same need has the same one, however often it is looked for.
    pub key: String,
    /// What it is about.
    pub kind: Kind,
    /// Since when; later when something was added to it.
    pub since: Time,
    /// What is needed, in one sentence of ours.
    pub need: String,
    /// The fewest people it takes.
    pub people: u64,
    /// The case it belongs to.
    pub case: Option<Id>,
    /// The decision or the note it is about, for a link.
    pub about: Option<Id>,
    /// For how long from now an acknowledgement holds, seconds, where the house's own time is not what fits.
    pub hold: Option<u64>,
}

/// A note that is being signed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// With its signatures.
    pub note: Note,
    /// When it was put, by the desk's clock and not by that of whoever wrote it.
    pub put: Time,
}

/// What the desk found out.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The fold as it stands.
    pub state: &'a State,
    /// Clusters of reports of a threat to life, undecided and in no case, with when they came: the oldest.
    pub untouched: Vec<(Id, Time)>,
    /// How many of them there are in all.
    pub untouched_in_all: u64,
    /// Notes that are being signed.
    pub proposals: &'a [Proposal],
    /// Cases that [`concerned`] names, with what rests on them.
    pub concerned: Vec<(Id, Case)>,
    /// Journals of open cases with a room.
    pub rooms: Vec<Vec<Entry>>,
    /// Mails to customers that were given up: how many, and when the newest was.
    pub given_up: Option<(u64, Time)>,
    /// Since when some of this cannot be read.
    pub blind: Option<Time>,
}

/// How many of the oldest reports that nobody looked at are news to whoever acknowledged before they came. Anybody can
/// report a threat to life and wake somebody; who floods the form with different ones wakes nobody again before those that
/// came first were looked at.
pub const NEWS: usize = 3;

/// When an emergency that nobody has validated calls, in parts of the time it has: of 48 hours these are after 24, 36, 42
/// and 46, with 24, 12, 6 and 2 hours left. Earlier the reviewers sleep: a block that needs no haste to end, ends by itself.
pub const STAGES: [(u64, u64); 4] = [(1, 2), (3, 4), (7, 8), (23, 24)];

/// For how long an acknowledgement holds of what endangers nobody by itself, seconds: whoever mends a smarthost or a disk
/// may sleep first.
pub const CALM: u64 = 8 * HOUR;

/// How long something must be unreadable before it wakes anybody, seconds: a database that is busy for a moment is not.
pub const BLIND_FOR: u64 = 120;

/// Everything that needs a person at `now`, the most urgent first.
#[must_use]
pub fn alarms(facts: &Facts<'_>, now: Time) -> Vec<Alarm> {
    let mut all = Vec::new();
    for (about, case) in &facts.concerned {
        objections(about, case, &mut all);
    }
    all.extend(facts.proposals.iter().filter_map(|it| unsigned(facts.state, it, now)));
    all.extend(reports(facts));
    unvalidated(facts.state, now, &mut all);
    all.extend(facts.rooms.iter().filter_map(|journal| unread(journal)));
    all.extend(facts.given_up.map(|(count, since)| given_up(count, since)));
    all.extend(facts.blind.filter(|since| now.since(*since) >= BLIND_FOR).map(|since| {
        let need = "The desk cannot read all that it must look at, and may miss that somebody is needed; one person reads its log.";
        Alarm { need: need.into(), hold: Some(CALM), ..plain(Kind::Blind, Kind::Blind.word().into(), since) }
    }));
    all.sort_by(|a, b| (a.kind, a.since, &a.key).cmp(&(b.kind, b.since, &b.key)));
    // Two notes may rest on one case: one objection is one alarm.
    all.dedup_by(|a, b| a.key == b.key);
    all
}

/// Which cases carry something that runs or is proposed: what rests on it, and the case. An objection in one of these must
/// be weighed by somebody.
#[must_use]
pub fn concerned(state: &State, proposals: &[Proposal], now: Time) -> Vec<(Id, Id)> {
    let open = |status| matches!(status, Status::InForce | Status::Waiting);
    let running = state.decisions().filter(|d| open(d.status(now)));
    let running = running.filter_map(|d| {
        let finding = state.finding(d.impose.finding.as_ref()?)?.0;
        Some((d.impose.head.id.clone(), finding.case.clone()))
    });
    let proposed = proposals.iter().filter_map(|it| {
        let note = AnyNote::parse(it.note.text()).ok()?;
        Some((note.id().clone(), state.case_of(&note)?))
    });
    let mut all: Vec<(Id, Id)> = running.chain(proposed).collect();
    // What runs stands first, and is what a link leads to.
    let mut seen = alloc::collections::BTreeSet::new();
    all.retain(|(_, case)| seen.insert(case.clone()));
    all
}

fn plain(kind: Kind, key: String, since: Time) -> Alarm {
    Alarm { key, kind, since, need: String::new(), people: 1, case: None, about: None, hold: None }
}

fn objections(about: &Id, case: &Case, all: &mut Vec<Alarm>) {
    all.extend(case.facts.objected().into_iter().map(|(referral, since)| Alarm {
        need: format!(
            "An authority objects, and nobody has weighed it: {about} rests on {}; one person judges anew whether it is proportionate, or lifts it.",
            case.id
        ),
        case: Some(case.id.clone()),
        about: Some(about.clone()),
        ..plain(Kind::Objection, format!("{}-{referral}", Kind::Objection), since)
    }));
}

/// An emergency that somebody signed, and that waits for others, as long as they can still sign.
fn unsigned(state: &State, it: &Proposal, now: Time) -> Option<Alarm> {
    let note = &it.note;
    let AnyNote::Impose(impose) = AnyNote::parse(note.text()).ok()? else { return None };
    let open = impose.class == Class::Emergency && now <= impose.approve_by && !note.signatures().is_empty();
    let Some(Err(Rejected::Quorum(lacks))) = open.then(|| state.would_apply(note, now)) else { return None };
    // One person may fill several of these gaps, so the largest is the fewest who do; each begins with its number.
    let count = |words: &String| words.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    let people = lacks.iter().filter_map(count).max().unwrap_or(1);
    let (id, by) = (&impose.head.id, impose.approve_by);
    let need = match people {
        1 => {
            format!("The emergency {id} waits until {by} for one more signature, of an independent approver.")
        }
        n => format!(
            "The emergency {id} waits until {by} for {n} more signatures, one of an independent approver."
        ),
    };
    Some(Alarm {
        need,
        people,
        case: state.case_of(&AnyNote::Impose(impose.clone())),
        about: Some(id.clone()),
        ..plain(Kind::Sign, format!("{}-{id}", Kind::Sign), it.put)
    })
}

/// One alarm for all of them: whoever looks at one looks at the queue.
fn reports(facts: &Facts<'_>) -> Option<Alarm> {
    let ((oldest, _), (_, since)) =
        (facts.untouched.first()?, facts.untouched.iter().take(NEWS).next_back()?);
    let need = match facts.untouched_in_all {
        0 | 1 => format!(
            "A threat to life was reported, and nobody has looked: {oldest}; one person opens a case with it, or answers it."
        ),
        n => format!(
            "{n} threats to life were reported, and nobody has looked, the oldest {oldest}; one person opens cases with them, or answers them."
        ),
    };
    Some(Alarm { need, ..plain(Kind::Report, Kind::Report.word().into(), *since) })
}

fn unvalidated(state: &State, now: Time, all: &mut Vec<Alarm>) {
    for d in state.decisions().filter(|d| d.status(now) == Status::InForce) {
        let Some(by) = d.confirm_by() else { continue };
        let has = by.since(d.impose.since);
        let at = |(part, of): (u64, u64)| d.impose.since.plus(has * part / of);
        let Some(stage) = STAGES.iter().rposition(|s| at(*s) <= now) else { continue };
        let (id, since) = (&d.impose.head.id, at(STAGES[stage]));
        let left = by.since(now);
        let left =
            if left < 2 * HOUR { format!("{} minutes", left / 60) } else { format!("{} hours", left / HOUR) };
        all.push(Alarm {
            need: format!(
                "The emergency {id} ends at {by}, in {left}, unless a reviewer who took no part in it validates it."
            ),
            case: d.impose.finding.as_ref().and_then(|f| Some(state.finding(f)?.0.case.clone())),
            about: Some(id.clone()),
            hold: STAGES.get(stage + 1).map(|next| at(*next).since(now)),
            ..plain(Kind::Validate, format!("{}-{id}-{}", Kind::Validate, stage + 1), since)
        });
    }
}

/// What an authority said after whoever works here wrote down anything.
fn unread(journal: &[Entry]) -> Option<Alarm> {
    let theirs = |entry: &&Entry| entry.by.as_str() == WRITER;
    let speaks = |entry: &&Entry| match &entry.act {
        // A machine's word that something arrived needs nobody.
        Act::Answer(it) => it.answer != Answer::Delivered,
        Act::Evidence(_) => true,
        _ => false,
    };
    let newest = journal.iter().rev().take_while(theirs).find(speaks)?;
    let case = &newest.case;
    Some(Alarm {
        need: format!(
            "An authority answered in its room, and nobody has looked since: {case}; one person reads it there."
        ),
        case: Some(case.clone()),
        ..plain(Kind::Answer, format!("{}-{case}", Kind::Answer), newest.at)
    })
}

fn given_up(count: u64, since: Time) -> Alarm {
    let mails = if count == 1 {
        "A mail to a customer was".to_string()
    } else {
        format!("{count} mails to customers were")
    };
    let need = format!("{mails} given up; one person tells them another way, and retries or drops it.");
    Alarm { need, hold: Some(CALM), ..plain(Kind::Mail, Kind::Mail.word().into(), since) }
}

#[cfg(test)]
mod tests;
