//! What passkeys may do: everything beside one SSH key, and power down alone.

use super::*;
use crate::note::Config;

const WANTED: &str = "1 more signature by an SSH key (all so far are by passkeys)";

/// With a finding of anna's and ben's passkeys in the log at `T`: it blocks nobody, so it takes no SSH key.
fn found() -> Story {
    let house = House::demo(START).with_passkeys();
    let state = house.state();
    let subject = house.subject("cus_first", &["one.first.example"]);
    let mut s = Story { house, state, subject };
    let finding = s.house.finding("fnd-1", T, &s.subject);
    s.logs(T, &finding, &["phone:anna", "phone:ben"]).expect("a finding");
    s
}

fn missing(s: &Story, at: Time, note: &impl ToString, names: &[&str]) -> Vec<String> {
    s.state.missing(&s.house.signed(&note.to_string(), names), at)
}

#[test]
fn an_emergency_takes_one_ssh_key_whoever_holds_it() {
    for (names, counts) in [
        (&["phone:ben", "phone:clara"][..], false),
        (&["phone:anna", "phone:ben", "phone:clara", "phone:emil"], false),
        (&["ben", "phone:clara"], true),
        (&["phone:ben", "clara"], true),
        (&["phone:ben", "phone:clara", "clara"], true),
        (&["phone:ben", "phone:clara", "emil"], true),
    ] {
        let mut s = found();
        let impose = s.emergency("imp-1", T);
        let lacks = missing(&s, T, &impose, names);
        assert_eq!(lacks.is_empty(), counts, "{names:?}: {lacks:?}");
        assert!(counts || lacks == [WANTED], "{names:?}: {lacks:?}");
        assert_eq!(s.logs(T, &impose, names).is_ok(), counts, "{names:?}");
    }
}

/// Else the last word would be that of whoever owns the page at which the reviewer logs in.
#[test]
fn every_note_that_gives_power_takes_one_and_undoing_takes_none() {
    let mut s = found();
    let impose = s.emergency("imp-1", T);
    s.logs(T, &impose, &["ben", "phone:clara"]).expect("an emergency");
    s.holds();
    let validation = s.house.validation("con-1", &impose);
    let next = PolicyNote { head: s.house.head("policy-1"), version: 1, ..s.house.policy() };
    let order = LegalOrder { authority: id("aut-court"), document: Hash::of(b"order") };
    let class = Impose {
        class: Class::Order,
        finding: None,
        referral: None,
        order: Some(order.clone()),
        ..s.emergency("imp-2", T)
    };
    let ordered = Continue {
        head: s.house.head("con-2"),
        reason: ContinueReason::Order,
        order: Some(order),
        ..validation.clone()
    };
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    let abuse = s.house.abuse("imp-3", T, &site, POST);
    for (text, phones, with) in [
        (validation.to_string(), &["phone:dora"][..], "dora"),
        (next.to_string(), &["phone:anna", "phone:clara", "phone:dora"], "clara"),
        (class.to_string(), &["phone:emil", "phone:ben"], "ben"),
        (ordered.to_string(), &["phone:emil", "phone:ben"], "anna"),
        (abuse.to_string(), &["phone:emil", "phone:ben"], "emil"),
    ] {
        assert_eq!(missing(&s, T, &text, phones), [WANTED], "{text}");
        assert!(missing(&s, T, &text, &[phones, &[with]].concat()).is_empty(), "{text}");
    }
    let lift = s.house.lift("lif-1", "imp-1", T.plus(60));
    s.logs(T.plus(60), &lift, &["phone:emil"]).expect("power down is one signature");
    assert_eq!(s.in_force(T.plus(60)), 0);
}

#[test]
fn a_withdrawal_takes_one() {
    let house = House::demo(START).configured().with_passkeys();
    let state = house.state();
    let config = Config {
        head: house.head("cfg-1"),
        version: 1,
        previous: None,
        snapshot: Hash::of(b"one"),
        customers: 10,
        hostnames: 100,
        withdrawn: 1,
        lowered: 0,
        time: T,
    };
    let lacks = |names: &[&str]| state.missing(&house.config_note(&config, names), T);
    assert_eq!(lacks(&["phone:anna", "phone:emil"]), [WANTED]);
    assert!(lacks(&["phone:anna", "emil"]).is_empty());
}

#[test]
fn an_ssh_key_that_falls_takes_along_what_rests_on_it() {
    let mut s = found();
    s.logs(T, &s.emergency("imp-1", T), &["ben", "phone:clara"]).expect("an emergency");
    s.holds();
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[1].keys[0].to_string(),
        time: T,
        until: T.plus(DAY),
        why: sentence("Stolen."),
    };
    assert_eq!(s.in_force(T.plus(60)), 1);
    s.logs(T.plus(60), &suspend, &["phone:anna", "phone:emil"]).expect("two others");
    assert_eq!(s.in_force(T.plus(60)), 0, "only passkeys are left under it");
}

#[test]
fn the_signature_that_brings_the_ssh_key_is_kept() {
    let s = found();
    let text = s.emergency("imp-1", T).to_string();
    let phones = s.house.signed(&text, &["phone:ben", "phone:clara"]);
    for name in ["ben", "clara", "anna", "emil"] {
        let counts = s.state.would_count(&phones, &s.house.sign(&text, name), T);
        assert!(counts.is_ok(), "{name}: {counts:?}");
    }
    let another = s.state.would_count(&phones, &s.house.sign(&text, "phone:emil"), T);
    assert!(matches!(another, Err(Rejected::NoUse(_))), "another passkey is no help");
}

#[test]
fn nobody_is_in_a_policy_with_passkeys_alone() {
    let house = House::demo(START).with_passkeys();
    let with = |keys: fn(&mut Vec<VerifierKey>)| {
        let mut policy = house.policy();
        keys(&mut policy.persons[2].keys);
        PolicyNote::parse(&policy.to_string()).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|keys| keys.rotate_left(1)), Ok(()), "in any order");
    let why = with(|keys| drop(keys.remove(0))).expect_err("clara has no SSH key");
    assert!(why.contains("at least one SSH key"), "{why}");
    let why = with(|keys| keys.push(keys[1].clone())).expect_err("the same passkey twice");
    assert!(why.contains("stands here already"), "{why}");
}
