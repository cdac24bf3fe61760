//! The desk's one question about a signed note: wait for more, refuse, or publish? Pure; nothing is left to choose
//! afterwards.

use ledger::Hash;
use ledger::note::Note;
use policy::entry::Entry;
use policy::{AnyNote, Outcome, Rejected, Seen, State, Time};

use super::subject::{self, Blobs};
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
        Err(other) => return Verdict::Refuse(other.into()),
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
    if !missing.is_empty() {
        return Verdict::Wait(missing);
    }
    let entry = Entry { logged, note: note.clone() }.to_bytes();
    match state.clone().apply(state.size(), &entry, Seen::Live(now)) {
        Outcome::Applied { .. } => Verdict::Publish { logged, blobs: hashes },
        Outcome::Rejected { why } => Verdict::Refuse(why.into()),
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
