//! Which sites edges serve: nobody stops serving a hostname in silence.

use super::*;
use crate::note::Config;

fn story() -> Story {
    let house = House::demo(START).configured();
    let state = house.state();
    let subject = house.subject("cus_first", &["one.first.example"]);
    Story { house, state, subject }
}

fn config(s: &Story, version: u64, previous: Option<&[u8]>, snapshot: &[u8]) -> Config {
    Config {
        head: s.house.head(&format!("cfg-{version}")),
        version,
        previous: previous.map(Hash::of),
        snapshot: Hash::of(snapshot),
        customers: 40,
        hostnames: 100,
        withdrawn: 0,
        lowered: 0,
        time: T,
    }
}

fn publishes(s: &mut Story, config: &Config, names: &[&str]) -> Result<(), Rejected> {
    let entry = Entry { logged: T, note: s.house.config_note(config, names) }.to_bytes();
    match s.state.apply(s.state.size(), &entry, Seen::CatchUp) {
        Outcome::Applied { .. } => Ok(()),
        Outcome::Rejected { why } => Err(why),
    }
}

#[test]
fn configurations_follow_one_another() {
    let mut s = story();
    let (one, two) = (config(&s, 1, None, b"a"), config(&s, 2, Some(b"a"), b"b"));
    for wrong in [
        two.clone(),
        config(&s, 1, Some(b"a"), b"b"),
        Config { time: T.plus(LOGGED_SKEW + 1), ..one.clone() },
    ] {
        assert!(publishes(&mut s, &wrong, &[]).is_err(), "{wrong}");
    }
    publishes(&mut s, &one, &[]).expect("the machine alone");
    for wrong in [config(&s, 3, Some(b"a"), b"b"), config(&s, 2, Some(b"x"), b"b"), config(&s, 2, None, b"b")]
    {
        assert!(publishes(&mut s, &wrong, &[]).is_err(), "{wrong}");
    }
    publishes(&mut s, &two, &[]).expect("the next");
    assert_eq!(s.state.config(), Some(&two));
    s.logs(T, &config(&s, 3, Some(b"b"), b"c"), &["anna", "ben", "clara"])
        .expect_err("people are not the machine");
}

#[test]
fn a_suspended_machine_publishes_nothing() {
    let mut s = story();
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().config.expect("configured").to_string(),
        time: T,
        until: T.plus(DAY),
        why: sentence("Somebody else has it."),
    };
    s.logs(T, &suspend, &["anna", "ben"]).expect("two persons");
    let one = config(&s, 1, None, b"a");
    assert!(matches!(publishes(&mut s, &one, &[]), Err(Rejected::Config(_))));
    assert!(matches!(publishes(&mut s, &one, &["anna", "ben"]), Err(Rejected::Config(_))));
}

#[test]
fn taking_service_away_needs_two_people_in_the_open() {
    for (withdrawn, lowered, names, ok) in [
        (0, 0, &[][..], true),
        (1, 0, &[], false),
        (0, 1, &[], false),
        (1, 0, &["anna"], false),
        (1, 0, &["anna", "emil"], true),
        (0, 9, &["clara", "dora"], true),
    ] {
        let mut s = story();
        let note = Config { withdrawn, lowered, ..config(&s, 1, None, b"a") };
        let outcome = publishes(&mut s, &note, names);
        assert_eq!(outcome.is_ok(), ok, "{withdrawn} {lowered} {names:?}: {outcome:?}");
    }
}

#[test]
fn a_house_without_the_key_takes_no_configuration() {
    let mut s = story();
    let plain = House::demo(START);
    s.state = plain.state();
    let note = config(&s, 1, None, b"a");
    assert!(matches!(publishes(&mut s, &note, &["anna", "ben"]), Err(Rejected::Config(_))));
}

#[test]
fn a_stolen_configuration_key_goes_at_once() {
    let mut s = story();
    let next = ledger::note::SigningKey::from_seed("demo:config", [78; 32]).expect("a name");
    let mut policy = s.house.policy();
    (policy.head.id, policy.version, policy.config) = (id("policy-1"), 1, Some(next.verifier()));
    s.logs(T, &policy, &["anna", "ben", "clara"]).expect("the policy quorum");
    let note = config(&s, 1, None, b"a");
    assert!(publishes(&mut s, &note, &[]).is_err(), "the old key");
    s.house.config = Some(next);
    publishes(&mut s, &note, &[]).expect("the new one");
}

/// The log counts customers in each configuration. More than a tenth of them cannot be blocked by two people.
#[test]
fn more_than_a_tenth_of_customers_needs_the_policy_quorum() {
    let mut s = story();
    s.subject = Subject { scope: Scope::Site(id("site_one")), ..s.subject };
    let note = config(&s, 1, None, b"a");
    publishes(&mut s, &note, &[]).expect("40 customers");
    for n in 0..4 {
        let at = T.plus(n * 2 * HOUR);
        let impose = s.house.abuse(&format!("imp-{n}"), at, &s.subject, POST);
        s.logs(at, &impose, &["anna", "ben"]).expect("four are a tenth");
    }
    let at = T.plus(8 * HOUR);
    let fifth = s.house.abuse("imp-5", at, &s.subject, POST);
    assert_eq!(s.logs(at, &fifth, &["anna", "ben"]), Err(Rejected::BlastRadius));
    let lift = s.house.lift("lif-1", "imp-0", at);
    s.logs(at, &lift, &["emil"]).expect("lifted");
    s.logs(at, &fifth, &["anna", "ben"]).expect("four again");
    let sixth = s.house.abuse("imp-6", at, &s.subject, POST);
    s.logs(at, &sixth, &["anna", "ben", "clara"]).expect("with the policy quorum");
}

#[test]
fn one_decision_is_always_within_reach() {
    let mut s = story();
    let note = Config { customers: 3, ..config(&s, 1, None, b"a") };
    publishes(&mut s, &note, &[]).expect("three customers");
    let finding = s.house.finding("fnd-1", T, &s.subject);
    s.logs(T, &finding, &["anna", "ben"]).expect("a finding");
    let impose = s.emergency("imp-1", T);
    s.logs(T, &impose, &["ben", "clara"]).expect("the first");
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    let second = s.house.abuse("imp-2", T, &site, POST);
    assert_eq!(s.logs(T, &second, &["anna", "ben"]), Err(Rejected::BlastRadius));
}
