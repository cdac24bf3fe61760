//! The desk's one question about a signed note: wait for more, refuse, or publish? Pure; nothing is left to choose
//! afterwards.

use ledger::Hash;
use ledger::note::Note;
use policy::entry::Entry;
use policy::{AnyNote, Outcome, Rejected, Seen, State, Time};

use super::subject::{self, Blobs};
use super::track;
use crate::desk::CustomerView;
use crate::error::DeskError;

/// What is to be done with a note.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Something is missing, in words.
    Wait(Vec<String>),
    /// It cannot be published as things stand.
    Refuse(No),
    /// It becomes the next entry.
    Publish {
        /// The time in the entry.
        logged: Time,
        /// Blobs that become public no later than the note.
        blobs: Vec<Hash>,
    },
}

/// Why not: a fixed word, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct No {
    pub(crate) code: &'static str,
    pub(crate) why: String,
    /// Whether no later moment can make it a yes.
    pub(crate) for_ever: bool,
}

impl From<Rejected> for No {
    fn from(why: Rejected) -> Self {
        let for_ever = matches!(why, Rejected::Late | Rejected::DuplicateId);
        Self { code: why.code(), why: why.to_string(), for_ever }
    }
}

impl From<No> for DeskError {
    fn from(no: No) -> Self {
        Self::Refused { code: no.code, why: no.why }
    }
}

/// Decides about `note` at `now`. `newest` is the time in the ledger's newest entry, which the new one may not be
/// before. The fold is asked twice: for what is missing, and, on a copy, for what it would really do.
pub(crate) fn decide(
    state: &State,
    customers: &[CustomerView],
    note: &Note,
    blobs: &Blobs,
    now: Time,
    newest: Time,
) -> Verdict {
    let logged = now.max(newest).max(state.newest_logged());
    let parsed = match AnyNote::parse(note.text()) {
        Ok(parsed) => parsed,
        Err(e) => return Verdict::Refuse(Rejected::from(e).into()),
    };
    if matches!(parsed, AnyNote::Impose(_)) && state.is_lifted(parsed.id(), now) {
        // It would be logged, use up its finding and never have effect.
        let why = "it was lifted before it was decided: propose it anew if it is still needed".to_owned();
        return Verdict::Refuse(No { code: "lifted", why, for_ever: true });
    }
    let mut missing = match state.would_apply(note, logged) {
        Ok(()) => Vec::new(),
        Err(Rejected::Quorum(words)) => words,
        // More signatures make it acceptable, so it waits for them.
        Err(crowded @ Rejected::BlastRadius) => vec![crowded.to_string()],
        Err(other) => {
            let for_ever = is_over(state, &parsed, &other);
            let no = No::from(other);
            return Verdict::Refuse(No { for_ever: no.for_ever || for_ever, ..no });
        }
    };
    let mut hashes = Vec::new();
    if let AnyNote::Impose(impose) = &parsed {
        match subject::check(impose, state.origin(), blobs, customers) {
            Ok(words) => missing.extend(words),
            Err(why) => return Verdict::Refuse(No { code: "subject", why, for_ever: false }),
        }
        hashes = vec![impose.subject, impose.post];
    }
    if let AnyNote::Config(config) = &parsed
        && !blobs.snapshot
    {
        missing.push(format!("the snapshot {}, which the desk reads from its sites file", config.snapshot));
    }
    if let Some(case) = &blobs.case {
        missing.extend(track::closed(case, &parsed, blobs.subject.as_deref(), logged));
    }
    if !missing.is_empty() {
        return Verdict::Wait(missing);
    }
    let entry = Entry { logged, note: note.clone() }.to_bytes();
    match state.clone().apply(state.size(), &entry, Seen::Live(now)) {
        Outcome::Applied { .. } => Verdict::Publish { logged, blobs: hashes },
        Outcome::Rejected { why } => Verdict::Refuse(why.into()),
    }
}

/// Whether what it rests on has gone for good: its finding carried another decision or is too old, or another policy
/// took its place. Such a draft would wait for ever, and the desk would say so every half minute.
fn is_over(state: &State, note: &AnyNote, why: &Rejected) -> bool {
    match (note, why) {
        (AnyNote::Impose(n), Rejected::Finding(_)) => {
            n.finding.as_ref().is_some_and(|id| state.finding(id).is_some())
        }
        (AnyNote::Policy(n), Rejected::Policy(_)) => n.version <= state.newest_policy().version,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::testkit::{House, id};

    const NOW: Time = Time(1_800_000_000);

    fn customers() -> Vec<CustomerView> {
        let site = crate::SiteView { id: id("site_one"), hostnames: vec!["a.example".into()] };
        vec![CustomerView { id: id("cus_first"), name: "First".into(), sites: vec![site] }]
    }

    /// The word for a verdict: `wait`, `publish`, or the code of the refusal.
    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Wait(_) => "wait",
            Verdict::Publish { .. } => "publish",
            Verdict::Refuse(no) => no.code,
        }
    }

    #[test]
    fn an_emergency_step_by_step() {
        let house = House::demo(NOW);
        let mut state = house.state();
        let subject = house.subject("cus_first", &["a.example"]);
        let finding = house.finding("fnd-1", NOW, &subject).to_string();
        let impose = house.emergency("imp-1", NOW.plus(60), "fnd-1", &subject, b"post").to_string();
        let held = Blobs {
            subject: Some(subject.to_string().into_bytes()),
            post: Some(b"post".to_vec()),
            ..Blobs::default()
        };
        let ask = |state: &State, text: &str, names: &[&str], blobs: &Blobs, at: u64| {
            word(&decide(state, &customers(), &house.signed(text, names), blobs, NOW.plus(at), NOW))
        };
        assert_eq!(ask(&state, &finding, &["anna"], &Blobs::default(), 1), "wait");
        assert_eq!(
            ask(&state, &finding, &["anna", "clara"], &Blobs::default(), 1),
            "wait",
            "clara does not assess"
        );
        assert_eq!(ask(&state, &finding, &["anna", "ben"], &Blobs::default(), 1), "publish");
        assert_eq!(ask(&state, &impose, &["ben", "clara"], &held, 70), "finding", "not in the log yet");
        assert!(state.apply(1, &house.entry(NOW, &finding, &["anna", "ben"]), Seen::CatchUp).is_applied());
        for (names, blobs, at, want) in [
            (&["ben"][..], &held, 70, "wait"),
            (&["ben", "anna"], &held, 70, "wait"),
            (&["ben", "clara"], &Blobs::default(), 70, "wait"),
            (&["ben", "clara"], &held, 70, "publish"),
            (&["ben", "clara"], &held, 60 + 3600, "publish"),
            (&["ben", "clara"], &held, 60 + 3601, "late"),
        ] {
            assert_eq!(ask(&state, &impose, names, blobs, at), want, "{names:?} at {at}");
        }
        let signed = house.signed(&impose, &["ben", "clara"]);
        let nobodys = decide(&state, &[], &signed, &held, NOW.plus(70), NOW);
        assert_eq!(word(&nobodys), "subject", "the desk knows no such customer");
    }

    #[test]
    fn what_lost_its_ground_is_void_and_what_may_still_come_waits() {
        let house = House::demo(NOW);
        let mut state = house.state();
        let subject = house.subject("cus_first", &["a.example"]);
        let held = Blobs {
            subject: Some(subject.to_string().into_bytes()),
            post: Some(b"post".to_vec()),
            ..Blobs::default()
        };
        let finding = house.finding("fnd-1", NOW, &subject).to_string();
        let first = house.emergency("imp-1", NOW.plus(60), "fnd-1", &subject, b"post").to_string();
        let second = house.emergency("imp-2", NOW.plus(60), "fnd-1", &subject, b"post").to_string();
        let old = house.policy().to_string().replace("id policy-0", "id policy-again");
        let for_ever = |state: &State, text: &str, names: &[&str]| {
            let verdict = decide(state, &customers(), &house.signed(text, names), &held, NOW.plus(70), NOW);
            match verdict {
                Verdict::Refuse(no) => Some(no.for_ever),
                _ => None,
            }
        };
        assert_eq!(
            for_ever(&state, &second, &["ben", "clara"]),
            Some(false),
            "the finding may still be logged"
        );
        assert!(state.apply(1, &house.entry(NOW, &finding, &["anna", "ben"]), Seen::CatchUp).is_applied());
        let entry = house.entry(NOW.plus(65), &first, &["ben", "clara"]);
        assert!(state.apply(2, &entry, Seen::CatchUp).is_applied());
        assert_eq!(for_ever(&state, &second, &["ben", "clara"]), Some(true), "another decision took it");
        assert_eq!(for_ever(&state, &old, &["anna", "ben", "clara"]), Some(true), "policy 0 is in power");
    }

    #[test]
    fn logged_never_goes_back_and_a_wrong_clock_publishes_nothing() {
        let house = House::demo(NOW);
        let state = house.state();
        let subject = house.subject("cus_first", &["a.example"]);
        let note = house.signed(&house.finding("fnd-1", NOW, &subject).to_string(), &["anna", "ben"]);
        for (now, newest, want) in [
            (NOW.plus(5), NOW, Ok(NOW.plus(5))),
            (NOW.plus(5), NOW.plus(9), Ok(NOW.plus(9))),
            (NOW.plus(5), NOW.plus(606), Err("logged-off")),
        ] {
            match decide(&state, &[], &note, &Blobs::default(), now, newest) {
                Verdict::Publish { logged, .. } => assert_eq!(Ok(logged), want),
                other => assert_eq!(Err(word(&other)), want),
            }
        }
    }
}
