//! What others shipped and had to withdraw, as stories that end well here. Each names where it happened.

use super::*;
use crate::testkit::sentence;

/// python-tuf CVE-2020-6174 (GHSA-pwqf-9h7j-7mv8), rust-tuf pull request 283: one key, its signature written several
/// times, met a threshold of several.
#[test]
fn one_signature_written_many_times_is_one() {
    let mut s = Story::new();
    let text = s.house.finding("fnd-1", T, &s.subject).to_string();
    let line = s.house.sign(&text, "anna").to_string();
    let raw = alloc::format!("{text}\n{line}\n{line}\n{line}\n");
    let entry = [alloc::format!("logged {}\n", T.0).as_bytes(), raw.as_bytes()].concat();
    assert!(!s.state.apply(1, &entry, Seen::CatchUp).is_applied(), "anna is one person");
    // The same with several keys of one person: `two_keys_of_one_person_count_once`.
}

/// go-tuf GHSA-3633-5h82-39pq: the same public key under two key ids counted as two.
#[test]
fn one_public_key_under_two_names_is_refused() {
    let s = Story::new();
    let mut policy = s.house.policy();
    let stolen = policy.persons[0].keys[0].kind().clone();
    let twin = VerifierKey::new("demo:ben", stolen).expect("another name");
    policy.persons[1].keys.push(twin);
    assert!(PolicyNote::parse(&policy.to_string()).is_err());
}

/// go-tuf CVE-2026-23992: a threshold of zero was accepted, and nothing was verified any more.
#[test]
fn a_quorum_of_nobody_is_refused() {
    let quorums: [fn(&mut Bounds) -> &mut u64; 6] = [
        |b| &mut b.finding_assessors,
        |b| &mut b.emergency_approvers,
        |b| &mut b.abuse_officers,
        |b| &mut b.standing_officers,
        |b| &mut b.order_officers,
        |b| &mut b.config_officers,
    ];
    for (at, quorum) in quorums.iter().enumerate() {
        let mut s = Story::new();
        let mut policy = s.house.policy();
        (policy.head.id, policy.version) = (id("policy-1"), 1);
        *quorum(&mut policy.bounds) = 0;
        s.logs(T, &policy, &["anna", "ben", "clara", "dora", "emil"]).expect_err("below the floor");
        assert_eq!(s.state.newest_policy().version, 0, "bound {at}");
        // Nor does a note without any signature that counts pass for one with enough.
        assert!(Note::new(&policy.to_string()).is_ok_and(|note| s.state.would_apply(&note, T).is_err()));
    }
}

/// go-tuf CVE-2022-29173: rollback was checked for some roles only. Here everything with a number goes up by one;
/// checkpoints: `old_checkpoints_are_replays`, restored desks: `an_edge_that_knows_more_stops_it`.
#[test]
fn no_number_goes_back_or_ahead() {
    for version in [0, 2, 99, u64::MAX] {
        let mut s = Story::new();
        let mut policy = s.house.policy();
        (policy.head.id, policy.version) = (id("policy-x"), version);
        policy.bounds.emergency_hours = 1;
        s.logs(T, &policy, &["anna", "ben", "clara"]).expect_err("not the next one");
    }
    // A public write-up on an updater, and TUF 5.3.11: a leaked key signs version 99, and what mends it looks old.
    let mut s = Story::new();
    let mut policy = s.house.policy();
    (policy.head.id, policy.version) = (id("policy-1"), 1);
    policy.bounds.emergency_hours = 24;
    s.logs(T, &policy, &["anna", "ben", "clara"]).expect("the next one, after whatever was refused");
}

/// The same attack with time: an entry of the far future would make everything after it too old.
#[test]
fn a_time_far_ahead_does_not_outlive_the_log_key() {
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T);
    let entry = s.house.entry(Time(u64::MAX), &impose.to_string(), &["ben", "clara"]);
    assert!(!s.state.apply(2, &entry, Seen::Live(T)).is_applied());
    s.logs(T, &s.emergency("imp-2", T), &["ben", "clara"]).expect("the log goes on");
}

/// A change of the rules and what they would have forbidden, in one batch.
#[test]
fn a_policy_and_its_first_decision_in_one_batch() {
    let mut s = Story::found();
    let mut policy = s.house.policy();
    (policy.head.id, policy.version) = (id("policy-1"), 1);
    for person in &mut policy.persons {
        person.roles = Role::ALL.to_vec();
    }
    s.logs(T, &policy, &["anna", "ben", "clara"]).expect("in a day");
    s.logs(T, &s.emergency("imp-1", T), &["ben", "emil"]).expect_err("emil approves nothing today");
    let lift = s.house.lift("lif-1", "imp-2", T);
    s.logs(T, &lift, &["emil"]).expect("and lifts, as before");
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[0].keys[0].to_string(),
        time: T,
        until: T.plus(DAY),
        why: sentence("The same batch."),
    };
    s.logs(T, &suspend, &["emil"]).expect_err("one is not two, whatever comes tomorrow");
}

/// A signature that nobody knows is ignored, as the format wants it; a bad one of somebody known spoils the note.
#[test]
fn a_stranger_is_ignored_and_a_forged_friend_is_not() {
    let mut s = Story::new();
    let text = s.house.finding("fnd-1", T, &s.subject).to_string();
    let good = |name: &str| s.house.sign(&text, name).to_string();
    let stranger = House::new("demo:elsewhere/ledger", START).sign(&text, "anna").to_string();
    let forged = s.house.sign("another text\n", "clara").to_string();
    let entry = |lines: &[&str]| {
        let head = alloc::format!("logged {}\n{text}\n", T.0);
        lines.iter().fold(head, |note, line| note + line + "\n").into_bytes()
    };
    let (anna, ben) = (good("anna"), good("ben"));
    let forged = entry(&[&anna, &ben, &forged]);
    let strange = entry(&[&anna, &ben, &stranger]);
    assert!(!s.state.apply(1, &forged, Seen::CatchUp).is_applied(), "clara never signed that");
    assert!(s.state.apply(2, &strange, Seen::CatchUp).is_applied());
}
