//! The rota beside the fold: what it calls possible, the fold accepts; what it calls impossible, no choice of signers
//! makes acceptable.

use super::*;
use crate::{
    Rejected, Seen, State, Subject, Time,
    floor::FLOOR,
    note::{Class, Continue, ContinueReason, Head, Impose, LegalOrder, Role, ScopeKind, Suspend},
    testkit::{House, id, sentence},
    time::{DAY, HOUR},
};
use alloc::{format, string::ToString, vec};
use ledger::{Hash, testkit::SshKey};
use proptest::prelude::*;

const START: Time = Time(1_795_305_600);
const NAMES: [&str; 6] = ["anna", "ben", "clara", "dora", "emil", "frida"];

/// A ledger as it grows, with the people in it.
struct Town {
    house: House,
    state: State,
    subject: Subject,
}

impl Town {
    fn new(house: House) -> Self {
        let state = house.state();
        let subject = house.subject("cus_first", &["one.first.example"]);
        Self { house, state, subject }
    }

    fn logs(&mut self, at: Time, text: &str, names: &[&str]) -> Result<(), Rejected> {
        let entry = self.house.entry(at, text, names);
        let outcome = self.state.apply(self.state.size(), &entry, Seen::CatchUp);
        match outcome {
            crate::Outcome::Applied { .. } => Ok(()),
            crate::Outcome::Rejected { why } => Err(why),
        }
    }

    fn suspends(&mut self, at: Time, name: &str) {
        let person = self.house.policy().persons.into_iter().find(|p| p.person.as_str() == name);
        let key = person.expect("a person").keys.remove(0);
        let note = Suspend {
            head: Head { origin: self.house.origin.clone(), id: id(&format!("sus-{name}-{}", at.0)) },
            key: key.to_string(),
            time: at,
            until: at.plus(2 * DAY),
            why: sentence("The key may be lost."),
        };
        self.logs(at, &note.to_string(), &[name]).expect("everybody suspends a key of their own");
    }

    fn people(&self, now: Time) -> People {
        People::of(&self.state, now)
    }

    fn answers(&self, now: Time, here: &[&str]) -> Vec<Answer> {
        ask(&self.people(now), |id| here.contains(&id.as_str()))
    }

    fn answer(&self, act: Act, now: Time, here: &[&str]) -> Answer {
        self.answers(now, here).into_iter().find(|a| a.act == act).expect("every act is answered")
    }

    /// Whether the fold takes this text with these signatures at `now`.
    fn takes(state: &State, house: &House, text: &str, names: &[&str], now: Time) -> bool {
        state.would_apply(&house.signed(text, names), now).is_ok()
    }
}

fn names(share: &[Id]) -> Vec<&str> {
    share.iter().map(Id::as_str).collect()
}

fn words(answer: &Answer) -> Vec<String> {
    let one = |way: &Vec<Lack>| way.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    answer.missing.iter().map(one).collect()
}

#[test]
fn the_demonstrations_four_people_and_each_of_them_gone() {
    let town = Town::new(House::demo(START));
    let all = town.answers(START, &["anna", "ben", "clara", "dora"]);
    let validate = all.iter().find(|a| a.act == Act::Validate).expect("answered");
    assert_eq!(names(&validate.people()), ["anna", "ben", "clara", "dora"]);
    let notes: Vec<_> = validate.shares.iter().map(|s| (s.note, names(&s.who))).collect();
    assert_eq!(
        notes,
        [("finding", vec!["anna", "ben"]), ("decision", vec!["ben", "clara"]), ("validation", vec!["dora"])]
    );
    for (here, act, want) in [
        (&["anna", "clara", "dora"][..], Act::Emergency, "1 more: assessor (ben)"),
        (
            &["anna", "ben", "dora", "emil"],
            Act::Validate,
            "1 more: independent approver who signed nothing before (clara)",
        ),
        (
            &["anna", "ben", "clara"],
            Act::Validate,
            "1 more: reviewer who signed neither the finding nor the decision (dora)",
        ),
        (
            &["anna", "ben", "clara", "dora"],
            Act::Extend,
            "1 more: person who took no part in it so far (emil)",
        ),
        (&["anna", "ben", "clara", "dora", "emil"], Act::Extend, ""),
        (&["anna", "ben"], Act::Order, "1 more: person who handles legal process (emil)"),
        (&["anna", "ben"], Act::Standing, "1 more: officer (distinct persons) (clara, dora, emil)"),
        (&["anna", "ben", "emil"], Act::Policy, "1 more: independent officer (clara, dora)"),
        (&["anna"], Act::Suspend, "1 more: officer (or the key's own holder) (ben, clara, dora, emil)"),
        (&[], Act::Lift, "1 more: officer (anna, ben, clara, dora, emil)"),
        (
            &[],
            Act::Policy,
            "3 more: officer (a majority, at least three), 1 of them independent officer (anna, ben, clara, dora, emil)",
        ),
    ] {
        let answer = town.answer(act, START, here);
        // Where several ways lack the same number, each is named.
        assert_eq!(words(&answer).join(" or "), want, "{act} with {here:?}");
        assert_eq!(answer.shares.is_empty(), !want.is_empty());
    }
}

#[test]
fn one_person_of_two_roles_is_not_counted_twice() {
    // clara is the only approver and the only reviewer: an emergency can begin, and nobody is left to confirm it.
    let mut house = House::demo(START);
    house.people[2].2 = vec![Role::Approver, Role::Reviewer, Role::Independent];
    house.people[3].2 = vec![Role::Legal];
    let town = Town::new(house);
    assert!(town.answer(Act::Emergency, START, &NAMES).is_possible());
    let answer = town.answer(Act::Validate, START, &NAMES);
    assert_eq!(
        words(&answer),
        [
            "1 more: reviewer who signed neither the finding nor the decision (nobody else in the policy could)",
            "1 more: independent approver who signed nothing before (nobody else in the policy could)",
        ]
    );
}

#[test]
fn a_suspended_key_takes_no_part_but_lifts() {
    let mut town = Town::new(House::demo(START));
    town.suspends(START.plus(60), "clara");
    let now = START.plus(120);
    let key = town.house.policy().persons[2].keys[0].to_string();
    assert_eq!(town.people(now).suspended_until(&key), Some(START.plus(60 + 2 * DAY)));
    assert!(!town.answer(Act::Emergency, now, &NAMES).is_possible());
    assert!(town.answer(Act::Lift, now, &["clara"]).is_possible());
    assert!(town.answer(Act::Emergency, START.plus(60 + 2 * DAY), &NAMES).is_possible());
}

/// A new policy renews whom it names; a new key of a machine does not.
#[test]
fn what_ends_a_suspension() {
    let mut town = Town::new(House::demo(START).configured());
    town.suspends(START.plus(60), "clara");
    let clara = town.house.policy().persons[2].keys[0].to_string();
    let mut next = town.house.policy();
    (next.version, next.head.id, next.config) = (1, id("policy-1"), None);
    let signers = ["anna", "ben", "dora"];
    town.logs(START.plus(120), &next.to_string(), &signers).expect("a policy, at once");
    let people = town.people(START.plus(180));
    assert_eq!((people.in_power().map(|p| p.version), people.waiting().is_some()), (Some(1), false));
    assert!(people.suspended_until(&clara).is_some());
    (next.version, next.head.id, next.bounds.emergency_hours) = (2, id("policy-2"), 24);
    town.logs(START.plus(240), &next.to_string(), &signers).expect("a policy, in a day");
    assert!(town.people(START.plus(239 + DAY)).suspended_until(&clara).is_some());
    assert!(town.people(START.plus(240 + DAY)).suspended_until(&clara).is_none());
}

/// For a week after a change, whoever decides must do so under the old policy too.
#[test]
fn a_new_policy_counts_beside_the_old_one() {
    let mut town = Town::new(House::demo(START));
    let mut next = town.house.policy();
    (next.version, next.head.id) = (1, id("policy-1"));
    // emil becomes the approver in clara's place.
    next.persons[2].roles = vec![Role::Independent];
    next.persons[4].roles = vec![Role::Approver, Role::Independent];
    town.logs(START.plus(60), &next.to_string(), &["anna", "ben", "clara"]).expect("a policy");
    let people = town.people(START.plus(120));
    let (waiting, from) = people.waiting().expect("it waits");
    assert_eq!((waiting.version, from, people.judging().len()), (1, START.plus(60 + DAY), 1));
    assert_eq!(town.state.policy(from).version, 1, "the fold's own moment");
    assert_eq!(town.state.policy(Time(from.0 - 1)).version, 0);
    assert!(town.answer(Act::Emergency, START.plus(120), &["anna", "ben", "clara"]).is_possible());
    let young = from.plus(HOUR);
    assert_eq!((town.people(young).judging().len(), town.people(young).waiting().is_some()), (2, false));
    let answer = town.answer(Act::Emergency, young, &["anna", "ben", "emil"]);
    assert_eq!(
        words(&answer),
        [
            "1 more: independent approver who signed nothing before (under the policy before, which counts for a week) (clara)"
        ]
    );
    assert!(town.answer(Act::Emergency, young, &["anna", "ben", "clara", "emil"]).is_possible());
    assert!(town.answer(Act::Emergency, from.plus(8 * DAY), &["anna", "ben", "emil"]).is_possible());
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    prop::sample::subsequence(Role::ALL.to_vec(), 1..=5)
}

/// Any house that a policy may describe, who is suspended, and who is here. With `next`, a second policy of the same
/// people came to power an hour ago.
#[derive(Clone, Debug)]
struct Case {
    roles: Vec<Vec<Role>>,
    next: Option<Vec<Vec<Role>>>,
    assessors: u64,
    suspended: Vec<bool>,
    here: Vec<bool>,
}

fn case() -> impl Strategy<Value = Case> {
    (3_usize..=5).prop_flat_map(|n| {
        let many = || prop::collection::vec(roles(), n);
        let flags = |p| prop::collection::vec(prop::bool::weighted(p), n);
        (many(), prop::option::weighted(0.3, many()), 2_u64..=3, flags(0.1), flags(0.85)).prop_map(
            |(roles, next, assessors, suspended, here)| Case { roles, next, assessors, suspended, here },
        )
    })
}

/// The town of a case, and the moment at which it is asked; `None` where no such policy may be.
fn build(case: &Case) -> Option<(Town, Time)> {
    let mut house = House::demo(START);
    house.bounds = crate::floor::Bounds { finding_assessors: case.assessors, ..FLOOR };
    house.people = (case.roles.iter().zip(NAMES).zip(1..))
        .map(|((roles, name), n)| {
            let key = SshKey::from_seed(&format!("demo:{name}"), [n; 32]);
            (name.to_string(), "the-house".to_string(), roles.clone(), key)
        })
        .collect();
    State::genesis(&house.trust(), &house.entry0(), true).ok()?;
    let mut town = Town::new(house);
    let everybody: Vec<&str> = NAMES[..case.roles.len()].to_vec();
    let mut now = START.plus(HOUR);
    if let Some(next) = &case.next {
        let mut policy = town.house.policy();
        (policy.version, policy.head.id) = (1, id("policy-1"));
        for (person, roles) in policy.persons.iter_mut().zip(next) {
            person.roles.clone_from(roles);
        }
        town.logs(START, &policy.to_string(), &everybody).ok()?;
        now = START.plus(DAY + HOUR);
    }
    for (name, _) in NAMES.iter().zip(&case.suspended).filter(|(_, s)| **s) {
        // Half an hour ago, so after the second policy came to power.
        town.suspends(Time(now.0 - HOUR / 2), name);
    }
    Some((town, now))
}

fn subsets<'n>(names: &[&'n str]) -> Vec<Vec<&'n str>> {
    (0..1_usize << names.len())
        .map(|code| (0..names.len()).filter(|at| code & (1 << at) != 0).map(|at| names[at]).collect())
        .collect()
}

/// Everything that the fold lets `here` do, by trying each choice of signers of each note: emergency, validated.
fn by_trying_all(town: &Town, now: Time, here: &[&str]) -> (bool, bool) {
    let (house, subject) = (&town.house, &town.subject);
    let finding = house.finding("fnd-1", now, subject).to_string();
    let impose = house.emergency("imp-1", now, "fnd-1", subject, b"post");
    let validation = house.validation("con-1", &impose).to_string();
    let mut decided = false;
    for assessors in subsets(here) {
        if !Town::takes(&town.state, house, &finding, &assessors, now) {
            continue;
        }
        let mut found = town.state.clone();
        found.apply(found.size(), &house.entry(now, &finding, &assessors), Seen::CatchUp);
        for signers in subsets(here) {
            if !Town::takes(&found, house, &impose.to_string(), &signers, now) {
                continue;
            }
            decided = true;
            let mut blocked = found.clone();
            blocked.apply(found.size(), &house.entry(now, &impose.to_string(), &signers), Seen::CatchUp);
            // More signatures under a validation never hurt.
            if Town::takes(&blocked, house, &validation, here, now) {
                return (true, true);
            }
        }
    }
    (decided, false)
}

/// Signs what the answer says, note by note; each must be accepted.
fn carry_out(town: &Town, now: Time, answer: &Answer) -> Result<(), Rejected> {
    let (house, subject) = (&town.house, &town.subject);
    let impose = house.emergency("imp-1", now, "fnd-1", subject, b"post");
    let mut state = town.state.clone();
    let mut at = now;
    for share in &answer.shares {
        at = at.plus(1);
        let text = match share.note {
            "finding" => house.finding("fnd-1", now, subject).to_string(),
            "decision" => impose.to_string(),
            "validation" => house.validation("con-1", &impose).to_string(),
            "new-finding" => house.finding("fnd-2", now, subject).to_string(),
            _ => {
                let until = impose.since.plus(144 * HOUR);
                let (reason, finding) = (ContinueReason::Extended, Some(id("fnd-2")));
                let validation = house.validation("con-2", &impose);
                Continue { reason, until, finding, ..validation }.to_string()
            }
        };
        let entry = house.entry(at, &text, &names(&share.who));
        if let crate::Outcome::Rejected { why } = state.apply(state.size(), &entry, Seen::CatchUp) {
            return Err(why);
        }
    }
    Ok(())
}

/// A note of one set of signers, for the acts that are no emergency.
fn simple(town: &Town, act: Act, now: Time) -> Option<String> {
    let (house, subject) = (&town.house, &town.subject);
    let abuse = house.abuse("imp-9", now, subject, b"post");
    Some(match act {
        Act::Finding => house.finding("fnd-9", now, subject).to_string(),
        Act::Abuse => abuse.to_string(),
        Act::Standing => {
            let since = now.plus(31 * DAY);
            Impose { class: Class::Standing, since, until: since.plus(DAY), ..abuse }.to_string()
        }
        Act::Order => {
            let order = LegalOrder { authority: id("aut-one"), document: Hash::of(b"order") };
            let (order, scope) = (Some(order), ScopeKind::Site);
            Impose { class: Class::Order, scope, order, ground: id("legal-order"), ..abuse }.to_string()
        }
        Act::Policy => {
            let mut next = town.people(now).in_power().expect("a policy").clone();
            (next.version, next.head.id) = (next.version + 1, id("policy-9"));
            next.bounds.emergency_hours = 24;
            next.to_string()
        }
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn the_rota_and_the_fold_say_the_same(case in case()) {
        let built = build(&case);
        prop_assume!(built.is_some());
        let (town, now) = built.expect("assumed");
        let here: Vec<&str> = NAMES.iter().zip(&case.here).filter(|(_, h)| **h).map(|(n, _)| *n).collect();
        prop_assert_eq!(town.people(now).in_power().map(|p| p.version), Some(town.state.policy(now).version));
        let answers = town.answers(now, &here);
        let possible = |act: Act| answers.iter().any(|a| a.act == act && a.is_possible());
        let found = (possible(Act::Emergency), possible(Act::Validate));
        prop_assert_eq!(found, by_trying_all(&town, now, &here), "{:?} {:?}", here, answers);
        for answer in &answers {
            // Whoever is named as missing is what was missing.
            for way in &answer.missing {
                let [Lack { count: 1, could, .. }] = way.as_slice() else { continue };
                for id in could {
                    let with = [&here[..], &[id.as_str()]].concat();
                    prop_assert!(town.answer(answer.act, now, &with).is_possible(), "{:?} and {:?}", answer, id);
                }
            }
            prop_assert_eq!(answer.is_possible(), !answer.shares.is_empty());
            let stays = answer.people().iter().all(|p| here.contains(&p.as_str()));
            prop_assert!(stays, "{:?}", answer);
            if let Some(text) = simple(&town, answer.act, now) {
                let takes = |names: &[&str]| Town::takes(&town.state, &town.house, &text, names, now);
                prop_assert_eq!(answer.is_possible(), takes(&here), "{:?} with {:?}", answer, here);
                if answer.is_possible() {
                    let people = answer.people();
                    prop_assert!(takes(&names(&people)), "{:?}", answer);
                    let fewer = subsets(&here).into_iter().find(|s| s.len() < people.len() && takes(s));
                    prop_assert!(fewer.is_none(), "{:?} would do, not {:?}", fewer, people);
                }
            } else if matches!(answer.act, Act::Emergency | Act::Validate | Act::Extend) {
                let done = carry_out(&town, now, answer);
                prop_assert!(done.is_ok(), "{:?}: {:?}", answer, done);
            }
        }
    }
}

/// The largest policy, with bounds as tight as they may be, and another one beside it that sees everybody differently.
#[test]
fn sixty_four_people_are_answered_at_once() {
    let mut house = House::demo(START);
    house.bounds = crate::floor::Bounds { finding_assessors: 10, emergency_approvers: 5, ..FLOOR };
    let roles = |n: usize, salt: u8| -> Vec<Role> {
        let bits = Hash::of(&[u8::try_from(n).expect("below 64"), salt]).0[0];
        let some = Role::ALL.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
        let some: Vec<Role> = some.map(|(_, role)| *role).collect();
        if some.is_empty() { vec![Role::Legal] } else { some }
    };
    let names: Vec<String> = (0..64).map(|n| format!("person-{n:02}")).collect();
    house.people = (names.iter().enumerate())
        .map(|(n, name)| {
            let key = SshKey::from_seed(&format!("demo:{name}"), [u8::try_from(n + 1).expect("small"); 32]);
            (name.clone(), "the-house".to_string(), roles(n, 0), key)
        })
        .collect();
    let mut town = Town::new(house);
    let mut next = town.house.policy();
    (next.version, next.head.id) = (1, id("policy-1"));
    for (n, person) in next.persons.iter_mut().enumerate() {
        person.roles = roles(n, 1);
    }
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    town.logs(START, &next.to_string(), &all[..40]).expect("a policy");
    let people = town.people(START.plus(DAY + HOUR));
    assert_eq!(people.judging().len(), 2);
    for awake in [64, 40, 30, 24, 20, 16, 12, 6, 0] {
        let answers = ask(&people, |id| all[..awake].contains(&id.as_str()));
        assert!(answers.iter().all(|a| a.is_possible() != a.shares.is_empty()));
        assert_eq!(answers.iter().all(Answer::is_possible), awake >= 40, "{awake}");
    }
}
