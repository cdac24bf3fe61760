//! A new log key by the policy quorum: officers outrank the log.

use super::*;
use ledger::{merkle::leaf_hash, note::SigningKey};

fn new_key(house: &House) -> SigningKey {
    SigningKey::from_seed(&house.origin, [77; 32]).expect("the origin is a key name")
}

/// The policy that gives the log a new key, going on from what `s` holds.
fn rekey(s: &Story, version: u64) -> PolicyNote {
    PolicyNote {
        head: s.house.head(&format!("policy-{version}")),
        version,
        log: new_key(&s.house).verifier(),
        log_from: Some((s.state.size(), s.state.root())),
        ..s.house.policy()
    }
}

/// What is changed, who signs, and how.
type Change = (&'static str, &'static [&'static str], fn(&mut PolicyNote));

const MAJORITY: [&str; 3] = ["anna", "ben", "clara"];

#[test]
fn the_policy_quorum_names_a_new_log_key_at_once() {
    let mut s = Story::blocked();
    let policy = rekey(&s, 1);
    let note = s.house.signed(&policy.to_string(), &MAJORITY);
    let read = s.state.would_rekey(&note, T.plus(60)).expect("from any channel");
    assert_eq!((read.log_from, read.log), (policy.log_from, policy.log.clone()));
    s.logs(T.plus(60), &policy, &MAJORITY).expect("and in the log");
    assert_eq!(*s.state.log_key(), policy.log);
    assert_eq!(s.in_force(T.plus(60)), 1, "what is in force stays");
    let refused = s.state.would_rekey(&note, T.plus(60));
    assert!(refused.is_err(), "it is done: {refused:?}");
}

#[test]
fn a_new_log_key_takes_the_policy_quorum_and_changes_nothing_else() {
    let rows: [Change; 8] = [
        ("too few", &["anna", "ben"], |_| {}),
        ("none independent", &["anna", "ben", "emil"], |_| {}),
        ("from another size", &MAJORITY, |p| p.log_from = p.log_from.map(|(size, root)| (size + 1, root))),
        ("from another root", &MAJORITY, |p| p.log_from = p.log_from.map(|(size, _)| (size, Hash::of(b"x")))),
        ("from nowhere", &MAJORITY, |p| p.log_from = None),
        ("with other bounds", &MAJORITY, |p| p.bounds.emergency_hours = 24),
        ("with other people", &MAJORITY, |p| drop(p.persons.pop())),
        ("with a gap", &MAJORITY, |p| p.version = 2),
    ];
    for (what, names, change) in rows {
        let mut s = Story::blocked();
        let mut policy = rekey(&s, 1);
        change(&mut policy);
        assert!(s.logs(T.plus(60), &policy, names).is_err(), "{what}");
        assert_eq!(*s.state.log_key(), s.house.log.verifier(), "{what}");
    }
    let mut s = Story::blocked();
    let same = PolicyNote { log: s.house.log.verifier(), ..rekey(&s, 1) };
    assert!(s.logs(T.plus(60), &same, &MAJORITY).is_err(), "`log-from` with the old key");
}

#[test]
fn a_new_log_key_waits_for_no_policy_and_gives_nobody_a_day() {
    let mut s = Story::new();
    let mut first = s.house.policy();
    (first.head.id, first.version, first.bounds.emergency_hours) = (id("policy-1"), 1, 24);
    s.logs(T, &first, &MAJORITY).expect("a policy waits");
    let second = PolicyNote { bounds: first.bounds.clone(), ..rekey(&s, 2) };
    s.logs(T.plus(60), &second, &MAJORITY).expect("the key is stolen now, not tomorrow");
    assert_eq!(*s.state.log_key(), second.log);
    assert_eq!(s.state.policy(T.plus(DAY - 1)).version, 0, "the waiting policy still waits");
    assert_eq!(s.state.policy(T.plus(DAY)).version, 2);
    let third = PolicyNote { head: s.house.head("policy-3"), version: 3, log_from: None, ..second };
    assert!(s.logs(T.plus(120), &third, &MAJORITY).is_err(), "an ordinary one waits its turn");
}

/// A suspension ends with the next policy, because that policy says anew whose keys count. A new log key says nothing
/// about persons.
#[test]
fn a_new_log_key_does_not_renew_a_suspended_key() {
    let mut s = Story::found();
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[2].keys[0].to_string(),
        time: T,
        until: T.plus(7 * DAY),
        why: sentence("Stolen."),
    };
    s.logs(T, &suspend, &["anna", "ben"]).expect("clara's key is suspended");
    let policy = rekey(&s, 1);
    s.logs(T.plus(60), &policy, &["anna", "ben", "dora"]).expect("a new log key");
    let impose = s.emergency("imp-1", T.plus(120));
    assert!(s.logs(T.plus(120), &impose, &["ben", "clara"]).is_err());
}

#[test]
fn the_fold_knows_the_root_of_what_it_took() {
    let mut s = Story::blocked();
    let mut tree = ledger::merkle::Tree::new();
    for entry in [
        s.house.entry0(),
        s.house.entry(T, &s.house.finding("fnd-1", T, &s.subject).to_string(), &["anna", "ben"]),
        s.house.entry(T, &s.emergency("imp-1", T).to_string(), &["ben", "clara"]),
    ] {
        tree.push(leaf_hash(&entry));
    }
    assert_eq!(Some(s.state.root()), tree.root_at(3));
    s.state.apply(3, b"rubbish", Seen::CatchUp);
    tree.push(leaf_hash(b"rubbish"));
    assert_eq!(Some(s.state.root()), tree.root_at(4), "what has no effect has its place");
}
