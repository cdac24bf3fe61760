//! The fold against stories: who signs what when, and what is in force after.

mod attacks;
mod config;
mod model;
mod orders;
mod others;
mod passkeys;
mod rekey;

use super::*;
use crate::{
    MAX_POST, Scope,
    floor::{Bounds, FLOOR},
    note::{
        AskedBy, Continue, ContinueReason, Impose, LegalOrder, Refuse, Role, ScopeKind, Suspend, Verdict,
    },
    testkit::{House, id, sentence},
    time::DAY,
};
use alloc::string::ToString;

const POST: &[u8] = b"# Reasons\n\nWhy.\n";
const START: Time = Time(1_795_305_600);
/// When the story's finding is logged.
const T: Time = Time(1_795_309_200);

/// A house, its state, and a subject.
struct Story {
    house: House,
    state: State,
    subject: Subject,
}

impl Story {
    fn new() -> Self {
        let house = House::demo(START);
        let state = house.state();
        let subject = house.subject("cus_first", &["one.first.example", "two.first.example"]);
        Self { house, state, subject }
    }

    /// With a finding of anna and ben in the log at `T`.
    fn found() -> Self {
        let mut story = Self::new();
        let finding = story.house.finding("fnd-1", T, &story.subject);
        story.logs(T, &finding, &["anna", "ben"]).expect("a finding");
        story
    }

    /// With an emergency by ben and clara in force at `T`.
    fn blocked() -> Self {
        let mut story = Self::found();
        let impose = story.emergency("imp-1", T);
        story.logs(T, &impose, &["ben", "clara"]).expect("an emergency");
        story.holds();
        story
    }

    fn emergency(&self, name: &str, at: Time) -> Impose {
        self.house.emergency(name, at, "fnd-1", &self.subject, POST)
    }

    fn logs(&mut self, at: Time, note: &impl ToString, names: &[&str]) -> Result<(), Rejected> {
        let entry = self.house.entry(at, &note.to_string(), names);
        match self.state.apply(self.state.size(), &entry, Seen::CatchUp) {
            Outcome::Applied { .. } => Ok(()),
            Outcome::Rejected { why } => Err(why),
        }
    }

    fn holds(&mut self) {
        assert!(self.state.hold(POST));
        assert!(self.state.hold(self.subject.to_string().as_bytes()));
    }

    fn in_force(&self, at: Time) -> usize {
        self.state.at(at).len()
    }
}

#[test]
fn four_people_block_and_one_lifts() {
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T.plus(60));
    s.logs(T.plus(120), &impose, &["ben", "clara"]).expect("in force");
    assert_eq!(s.in_force(T.plus(120)), 0, "nothing is enforced before both blobs are held");
    assert_eq!(s.state.wanted(T.plus(120)).len(), 2);
    assert!(s.state.hold(POST));
    assert_eq!(s.in_force(T.plus(120)), 0);
    assert!(s.state.hold(s.subject.to_string().as_bytes()));
    assert!(s.state.wanted(T.plus(120)).is_empty());
    let measure = s.state.at(T.plus(120)).remove(0);
    assert_eq!((measure.customer.as_str(), measure.authorities, measure.ordered), ("cus_first", 1, false));
    assert_eq!(measure.confirm_by, Some(impose.until));
    assert_eq!(s.state.next_change(T.plus(120)), Some(impose.until));
    let hash = s.state.effective_hash(T.plus(120));
    let lift = s.house.lift("lif-1", "imp-1", T.plus(200));
    s.logs(T.plus(200), &lift, &["emil"]).expect("one officer lifts");
    assert_eq!(s.in_force(T.plus(200)), 0);
    assert_ne!(s.state.effective_hash(T.plus(200)), hash);
    assert_eq!(s.state.decision(&id("imp-1")).map(|d| d.status(T.plus(200))), Some(Status::Lifted));
}

#[test]
fn who_signs_an_emergency() {
    for (names, ok) in [
        (&["ben", "clara"][..], true),
        (&["anna", "clara"], true),
        (&["emil", "clara"], true),
        (&["dora", "clara"], true),
        (&["anna", "ben", "clara", "dora", "emil"], true),
        (&[], false),
        (&["clara"], false),
        (&["ben"], false),
        (&["anna", "ben"], false),
        (&["ben", "dora"], false),
        (&["ben", "emil"], false),
    ] {
        let mut s = Story::found();
        let impose = s.emergency("imp-1", T);
        let outcome = s.logs(T, &impose, names);
        assert_eq!(outcome.is_ok(), ok, "{names:?}: {outcome:?}");
        s.state.hold(POST);
        s.state.hold(s.subject.to_string().as_bytes());
        assert_eq!(s.in_force(T), usize::from(ok), "{names:?}");
    }
}

#[test]
fn an_approver_who_signed_the_finding_does_not_count() {
    // clara becomes an assessor too and signs the finding; then only another independent approver would do.
    let mut house = House::demo(START);
    house.people[2].2 = Vec::from([Role::Assessor, Role::Approver, Role::Independent]);
    let state = house.state();
    let subject = house.subject("cus_first", &["one.first.example"]);
    let mut s = Story { house, state, subject };
    let finding = s.house.finding("fnd-1", T, &s.subject);
    s.logs(T, &finding, &["anna", "clara"]).expect("a finding");
    let impose = s.emergency("imp-1", T);
    assert!(matches!(s.logs(T, &impose, &["ben", "clara"]), Err(Rejected::Quorum(_))));
}

#[test]
fn two_keys_of_one_person_count_once() {
    let mut house = House::demo(START);
    let second = ledger::testkit::SshKey::from_seed("demo:anna", [9; 32]);
    let mut policy = house.policy();
    policy.persons[0].keys.push(second.verifier().expect("a key"));
    let mut note = Note::new(&policy.to_string()).expect("a text");
    for person in ["anna", "ben", "clara", "dora", "emil"] {
        note.add(house.sign(note.text(), person));
    }
    let entry0 = Entry { logged: START, note }.to_bytes();
    let trust = Trust { entry0: Hash::of(&entry0), ..house.trust() };
    let state = State::genesis(&trust, &entry0, true).expect("a policy");
    house.start = START;
    let subject = house.subject("cus_first", &["one.first.example"]);
    let mut s = Story { house, state, subject };
    let finding = s.house.finding("fnd-1", T, &s.subject).to_string();
    let mut note = s.house.signed(&finding, &["anna"]);
    note.add(second.sign(&finding).expect("signs"));
    let entry = Entry { logged: T, note }.to_bytes();
    let outcome = s.state.apply(1, &entry, Seen::CatchUp);
    assert!(matches!(outcome, Outcome::Rejected { why: Rejected::Quorum(_) }), "{outcome:?}");
}

/// What is changed, how, and the code it is refused with.
type Row = (&'static str, fn(&mut Impose), &'static str);

/// Each row changes one line of a good emergency; ben and clara sign what then stands there.
#[test]
fn bounds_of_an_emergency() {
    let rows: [Row; 13] = [
        ("48 h and 1 s", |n| n.until = n.since.plus(48 * HOUR + 1), "bound"),
        ("ends before it starts", |n| n.until = n.since, "bound"),
        ("approve-by after 61 min", |n| n.approve_by = n.proposed.plus(61 * 60), "bound"),
        ("approve-by before proposed", |n| n.approve_by = Time(n.proposed.0 - 1), "late"),
        ("since before proposed", |n| n.since = Time(n.proposed.0 - 1), "bound"),
        ("since after approve-by", |n| n.since = n.approve_by.plus(1), "bound"),
        ("no finding", |n| n.finding = None, "form"),
        ("unknown finding", |n| n.finding = Some(id("fnd-9")), "finding"),
        ("no authority told", |n| n.referral = None, "form"),
        ("another subject", |n| n.subject = Hash::of(b"somebody else"), "finding"),
        ("another scope", |n| n.scope = ScopeKind::Site, "finding"),
        ("another log", |n| n.head.origin = "demo:elsewhere/ledger".into(), "foreign-origin"),
        (
            "an order line",
            |n| n.order = Some(LegalOrder { authority: id("aut-1"), document: Hash::of(b"o") }),
            "form",
        ),
    ];
    for (what, change, code) in rows {
        let mut s = Story::found();
        let mut impose = s.emergency("imp-1", T);
        change(&mut impose);
        let outcome = s.logs(T, &impose, &["ben", "clara"]);
        assert_eq!(outcome.as_ref().map_err(Rejected::code), Err(code), "{what}: {outcome:?}");
        assert_eq!(s.in_force(T), 0, "{what}");
    }
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T);
    assert_eq!(s.logs(T.plus(3601), &impose, &["ben", "clara"]), Err(Rejected::Late));
    s.logs(T.plus(3600), &impose, &["ben", "clara"]).expect("the last second is in time");
}

#[test]
fn only_eight_criteria_met_open_an_emergency() {
    for i in 0..8 {
        for verdict in [Verdict::NotMet, Verdict::Unknown] {
            let mut s = Story::new();
            let mut finding = s.house.finding("fnd-1", T, &s.subject);
            finding.verdicts[i] = verdict;
            s.logs(T, &finding, &["anna", "ben"]).expect("it is on the record");
            let impose = s.emergency("imp-1", T);
            let outcome = s.logs(T, &impose, &["ben", "clara"]);
            assert!(matches!(outcome, Err(Rejected::Finding(_))), "{i} {verdict}: {outcome:?}");
        }
    }
}

#[test]
fn a_finding_needs_two_assessors_and_carries_one_decision_for_a_day() {
    for (names, ok) in [
        (&["anna", "ben"][..], true),
        (&["anna"], false),
        (&["anna", "clara"], false),
        (&["clara", "dora"], false),
    ] {
        let mut s = Story::new();
        let finding = s.house.finding("fnd-1", T, &s.subject);
        assert_eq!(s.logs(T, &finding, names).is_ok(), ok, "{names:?}");
    }
    let mut s = Story::found();
    let late = s.emergency("imp-1", T.plus(24 * HOUR));
    assert!(matches!(s.logs(T.plus(24 * HOUR), &late, &["ben", "clara"]), Err(Rejected::Finding(_))));
    let mut s = Story::blocked();
    let again = s.emergency("imp-2", T.plus(60));
    assert!(matches!(s.logs(T.plus(60), &again, &["ben", "clara"]), Err(Rejected::Finding(_))));
}

#[test]
fn validation_and_extension() {
    let mut s = Story::blocked();
    let impose = s.emergency("imp-1", T);
    let validation = s.house.validation("con-1", &impose);
    for names in [&["anna"][..], &["ben"], &["clara"], &["emil"], &[]] {
        assert!(s.logs(T.plus(HOUR), &validation, names).is_err(), "{names:?}");
    }
    let long = Continue { until: impose.since.plus(72 * HOUR + 1), ..validation.clone() };
    assert!(matches!(s.logs(T.plus(HOUR), &long, &["dora"]), Err(Rejected::Bound(_))));
    let fresh = s.state.clone();
    assert!(
        matches!(s.logs(T.plus(48 * HOUR), &validation, &["dora"]), Err(Rejected::Target(_))),
        "too late"
    );
    s.state = fresh;
    s.logs(T.plus(HOUR), &validation, &["dora"]).expect("a reviewer outside all of it");
    assert_eq!(s.in_force(T.plus(71 * HOUR)), 1);
    assert_eq!(s.in_force(T.plus(72 * HOUR)), 0);
    let twice = Continue { head: s.house.head("con-2"), ..validation };
    assert!(matches!(s.logs(T.plus(2 * HOUR), &twice, &["dora"]), Err(Rejected::Target(_))));

    let at = T.plus(70 * HOUR);
    let finding = s.house.finding("fnd-2", at, &s.subject);
    s.logs(at, &finding, &["anna", "ben"]).expect("a new finding");
    let extension = Continue {
        head: s.house.head("con-3"),
        reason: ContinueReason::Extended,
        until: T.plus(144 * HOUR),
        finding: Some(id("fnd-2")),
        ..twice
    };
    let all_took_part = s.logs(at, &extension, &["ben", "clara"]);
    assert!(matches!(all_took_part, Err(Rejected::Quorum(_))), "{all_took_part:?}");
    let too_long = Continue { until: T.plus(144 * HOUR + 1), ..extension.clone() };
    assert!(matches!(s.logs(at, &too_long, &["emil", "clara"]), Err(Rejected::Bound(_))));
    s.logs(at, &extension, &["emil", "clara"]).expect("with a new person");
    assert_eq!(s.in_force(T.plus(143 * HOUR)), 1);
    assert_eq!(s.in_force(T.plus(144 * HOUR)), 0);
    let once = Continue { head: s.house.head("con-4"), ..extension };
    assert!(matches!(s.logs(at.plus(60), &once, &["emil", "clara"]), Err(Rejected::Target(_))));
}

#[test]
fn unvalidated_it_ends_at_48_hours() {
    let s = Story::blocked();
    assert_eq!(s.in_force(T.plus(48 * HOUR - 1)), 1);
    assert_eq!(s.in_force(T.plus(48 * HOUR)), 0);
    let d = s.state.decision(&id("imp-1")).expect("there");
    assert_eq!(d.status(T.plus(48 * HOUR)), Status::NotConfirmed);
}

#[test]
fn a_lift_works_from_any_channel_and_before_its_block() {
    let mut s = Story::blocked();
    let lift = s.house.lift("lif-1", "imp-1", T);
    let note = s.house.signed(&lift.to_string(), &["dora"]).to_bytes();
    assert!(s.state.undo(&note, T.plus(5)).is_applied());
    assert_eq!(s.in_force(T.plus(5)), 0);
    assert!(s.state.undo(&note, T.plus(6)).is_applied(), "twice is the same");
    s.logs(T.plus(9), &lift, &["dora"]).expect("and then the log has it");
    assert_eq!(s.state.decision(&id("imp-1")).and_then(|d| d.lifted.as_ref()?.index), Some(3));
    assert_eq!(s.logs(T.plus(9), &lift, &["dora"]), Err(Rejected::DuplicateId));

    let mut s = Story::found();
    assert!(s.state.undo(&note, T).is_applied(), "an edge may hear of the lift first");
    let impose = s.emergency("imp-1", T);
    s.logs(T, &impose, &["ben", "clara"]).expect("accepted");
    s.holds();
    assert_eq!(s.in_force(T), 0);
}

#[test]
fn only_undoing_notes_come_from_elsewhere() {
    let mut s = Story::found();
    let impose = s.house.signed(&s.emergency("imp-1", T).to_string(), &["ben", "clara"]).to_bytes();
    let unsigned = s.house.signed(&s.house.lift("lif-1", "imp-1", T).to_string(), &[]).to_bytes();
    let long = alloc::vec![b'x'; MAX_UNDO + 1];
    let stranger = House::new("demo:other/ledger", START);
    let foreign = stranger.signed(&stranger.lift("lif-1", "imp-1", T).to_string(), &["anna"]).to_bytes();
    for (bytes, code) in [
        (&impose, "not-an-undo"),
        (&unsigned, "malformed"),
        (&long, "malformed"),
        (&foreign, "foreign-origin"),
    ] {
        match s.state.undo(bytes, T) {
            Outcome::Rejected { why } => assert_eq!(why.code(), code),
            Outcome::Applied { .. } => panic!("{code} was applied"),
        }
    }
}

#[test]
fn a_suspended_key_takes_no_part_in_power_up_but_still_lifts() {
    let mut s = Story::blocked();
    let suspend = |name: &str, of: usize| Suspend {
        head: s.house.head(name),
        key: s.house.policy().persons[of].keys[0].to_string(),
        time: T.plus(1),
        until: T.plus(DAY),
        why: sentence("Lost."),
    };
    let (clara, dora) = (suspend("sus-1", 2), suspend("sus-2", 3));
    let long = Suspend { until: T.plus(8 * DAY), ..clara.clone() };
    assert!(
        matches!(s.logs(T.plus(1), &clara, &["anna"]), Err(Rejected::Quorum(_))),
        "one other is not enough"
    );
    assert!(matches!(s.logs(T.plus(1), &long, &["anna", "ben"]), Err(Rejected::Bound(_))));
    s.logs(T.plus(1), &clara, &["anna", "ben"]).expect("two others");
    s.logs(T.plus(1), &dora, &["dora"]).expect("the holder alone");
    let impose = s.emergency("imp-1", T);
    let validation = s.house.validation("con-1", &impose);
    assert!(matches!(s.logs(T.plus(60), &validation, &["dora"]), Err(Rejected::Quorum(_))));
    let back = s.logs(T.plus(DAY), &validation, &["dora"]);
    assert!(back.is_ok(), "after its end the key counts again: {back:?}");
    let lift = s.house.lift("lif-1", "imp-1", T.plus(60));
    s.logs(T.plus(DAY), &lift, &["clara"]).expect("power down is one signature");
}

#[test]
fn abuse_and_standing() {
    let site = |s: &Story| Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    let mut s = Story::new();
    let abuse = s.house.abuse("imp-1", T, &site(&s), POST);
    assert!(matches!(s.logs(T, &abuse, &["anna"]), Err(Rejected::Quorum(_))));
    for (what, bad) in [
        ("customer-wide", Impose { scope: ScopeKind::Customer, ..abuse.clone() }),
        ("another ground", Impose { ground: id("bad-taste"), ..abuse.clone() }),
        ("31 days", Impose { until: T.plus(31 * DAY), ..abuse.clone() }),
    ] {
        assert!(s.logs(T, &bad, &["anna", "emil"]).is_err(), "{what}");
    }
    s.logs(T, &abuse, &["anna", "emil"]).expect("two officers");
    s.state.hold(POST);
    s.state.hold(site(&s).to_string().as_bytes());
    assert_eq!(s.in_force(T), 1);

    let mut s = Story::new();
    let since = T.plus(30 * DAY);
    let standing = Impose {
        class: Class::Standing,
        finding: None,
        since,
        until: since.plus(365 * DAY),
        ..s.emergency("imp-1", T)
    };
    let soon = T.plus(30 * DAY - 1);
    let soon = Impose { since: soon, until: soon.plus(DAY), ..standing.clone() };
    assert!(matches!(s.logs(T, &soon, &["anna", "ben", "emil"]), Err(Rejected::Bound(_))));
    assert!(matches!(s.logs(T, &standing, &["anna", "ben"]), Err(Rejected::Quorum(_))));
    s.logs(T, &standing, &["anna", "ben", "emil"]).expect("three persons");
    s.holds();
    assert_eq!((s.in_force(T), s.in_force(since)), (0, 1));
    assert_eq!(s.state.next_change(T), Some(since));
}

#[test]
fn the_fourth_decision_in_an_hour_needs_the_policy_quorum() {
    let mut s = Story::new();
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    for n in 0..3 {
        let abuse = s.house.abuse(&format!("imp-{n}"), T, &site, POST);
        s.logs(T, &abuse, &["anna", "emil"]).expect("within the bound");
    }
    let fourth = s.house.abuse("imp-3", T.plus(1800), &site, POST);
    assert_eq!(s.logs(T.plus(1800), &fourth, &["anna", "emil"]), Err(Rejected::BlastRadius));
    s.logs(T.plus(1800), &fourth, &["anna", "emil", "clara"]).expect("majority with an independent");
    let later = s.house.abuse("imp-4", T.plus(3601), &site, POST);
    s.logs(T.plus(3601), &later, &["anna", "emil"]).expect("an hour later the three are past");
}

#[test]
fn what_needed_the_policy_quorum_falls_with_it() {
    let mut s = Story::new();
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    for n in 0..4 {
        let abuse = s.house.abuse(&format!("imp-{n}"), T, &site, POST);
        s.logs(T, &abuse, &["anna", "emil", "clara"]).expect("the policy quorum");
    }
    assert!(s.state.hold(POST) && s.state.hold(site.to_string().as_bytes()));
    assert_eq!(s.in_force(T), 4);
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[2].keys[0].to_string(),
        time: T,
        until: T.plus(DAY),
        why: sentence("Clara's, and she had lost it."),
    };
    s.logs(T.plus(60), &suspend, &["ben", "dora"]).expect("two others");
    assert_eq!(s.in_force(T.plus(60)), 3, "anna and emil suffice for the first three alone");
}

#[test]
fn a_policy_takes_effect_after_a_day_and_counts_beside_the_old_for_a_week() {
    let mut s = Story::new();
    let mut next = s.house.policy();
    next.head.id = id("policy-1");
    next.version = 1;
    next.persons[4].roles = Vec::from([Role::Assessor, Role::Legal]);
    next.bounds = Bounds { finding_assessors: 3, ..FLOOR };
    let loose = PolicyNote { bounds: Bounds { emergency_hours: 49, ..FLOOR }, ..next.clone() };
    let skips = PolicyNote { version: 2, ..next.clone() };
    for (what, bad, names) in [
        ("looser", &loose, &["anna", "ben", "clara"][..]),
        ("skips", &skips, &["anna", "ben", "clara"]),
        ("two", &next, &["anna", "clara"]),
        ("none independent", &next, &["anna", "ben", "emil"]),
    ] {
        assert!(s.logs(T, bad, names).is_err(), "{what}");
    }
    s.logs(T, &next, &["anna", "ben", "clara"]).expect("a majority with an independent");
    assert_eq!(s.state.policy(T.plus(DAY - 1)).version, 0);
    assert_eq!(s.state.policy(T.plus(DAY)).version, 1);
    let finding = s.house.finding("fnd-2", T.plus(DAY), &s.subject);
    assert!(
        matches!(s.logs(T.plus(DAY), &finding, &["anna", "ben"]), Err(Rejected::Quorum(_))),
        "three from now on"
    );

    let other_key = ledger::note::SigningKey::from_seed(&s.house.origin, [7; 32]).expect("a key").verifier();
    let other_log = PolicyNote { log: other_key, ..next.clone() };
    let mut s = Story::new();
    s.logs(T, &next, &["anna", "ben", "clara"]).expect("a policy");
    let third = PolicyNote { head: s.house.head("policy-2"), version: 2, ..next };
    assert!(
        matches!(s.logs(T.plus(60), &third, &["anna", "ben", "clara"]), Err(Rejected::Policy(_))),
        "one waits"
    );
    s.logs(T.plus(DAY), &third, &["anna", "ben", "clara"]).expect("none waits any more");
    let mut s = Story::new();
    assert!(matches!(s.logs(T, &other_log, &["anna", "ben", "clara"]), Err(Rejected::Policy(_))));
}

#[test]
fn for_a_week_a_decision_satisfies_the_old_policy_too() {
    let mut s = Story::new();
    let mut next = s.house.policy();
    next.head.id = id("policy-1");
    next.version = 1;
    next.persons[4].roles = Vec::from([Role::Approver, Role::Independent]);
    s.logs(T, &next, &["anna", "dora", "emil"]).expect("emil becomes an independent approver");
    for (at, ok) in [(T.plus(2 * DAY), false), (T.plus(8 * DAY - 1), false), (T.plus(8 * DAY), true)] {
        let mut s = Story { house: House::demo(START), state: s.state.clone(), subject: s.subject.clone() };
        let finding = s.house.finding("fnd-1", at, &s.subject);
        s.logs(at, &finding, &["anna", "ben"]).expect("a finding");
        let impose = s.emergency("imp-1", at);
        assert_eq!(s.logs(at, &impose, &["ben", "emil"]).is_ok(), ok, "{at}");
        assert_eq!(s.logs(at, &impose, &["ben", "clara"]).is_ok(), !ok, "clara satisfies both: {at}");
    }
}

#[test]
fn for_a_week_the_finding_satisfies_the_old_policy_too() {
    let mut s = Story::new();
    let mut next = s.house.policy();
    next.head.id = id("policy-1");
    next.version = 1;
    next.persons[4].roles = Vec::from([Role::Assessor]);
    s.logs(T, &next, &["anna", "dora", "emil"]).expect("emil becomes an assessor");
    for (at, ok) in [(T.plus(2 * DAY), false), (T.plus(8 * DAY), true)] {
        let mut s = Story { house: House::demo(START), state: s.state.clone(), subject: s.subject.clone() };
        let finding = s.house.finding("fnd-1", at, &s.subject);
        s.logs(at, &finding, &["anna", "emil"]).expect("a finding under the new policy");
        let impose = s.emergency("imp-1", at);
        assert_eq!(s.logs(at, &impose, &["ben", "clara"]).is_ok(), ok, "{at}");
    }
}

#[test]
fn a_finding_falls_with_the_keys_under_it() {
    let mut s = Story::found();
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[0].keys[0].to_string(),
        time: T.plus(1),
        until: T.plus(DAY),
        why: sentence("Stolen before the finding was signed."),
    };
    s.logs(T.plus(1), &suspend, &["ben", "clara"]).expect("two others");
    let impose = s.emergency("imp-1", T.plus(2));
    assert!(matches!(s.logs(T.plus(2), &impose, &["ben", "clara"]), Err(Rejected::Finding(_))));
}

#[test]
fn what_did_not_count_at_first_never_counts() {
    let mut s = Story::new();
    let suspend = |name: &str, of: usize, time: Time| Suspend {
        head: s.house.head(name),
        key: s.house.policy().persons[of].keys[0].to_string(),
        time,
        until: time.plus(DAY),
        why: sentence("Doubted."),
    };
    // By the log from T on, by what it says itself from five minutes later.
    let (anna, ben) = (suspend("sus-1", 0, T.plus(300)), suspend("sus-2", 1, T.plus(5)));
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    let abuse = s.house.abuse("imp-1", T.plus(10), &site, POST);
    s.logs(T, &anna, &["clara", "dora"]).expect("two others");
    s.logs(T.plus(10), &abuse, &["anna", "ben", "emil"]).expect("two without anna");
    assert!(s.state.hold(POST) && s.state.hold(site.to_string().as_bytes()));
    assert_eq!(s.in_force(T.plus(20)), 1);
    s.logs(T.plus(15), &ben, &["clara", "dora"]).expect("two others");
    assert_eq!(s.in_force(T.plus(20)), 0, "emil alone is left");
}

#[test]
fn too_wide_under_one_policy_is_too_wide_under_all() {
    let mut s = Story::new();
    let mut next = s.house.policy();
    next.head.id = id("policy-1");
    next.version = 1;
    next.persons[4].roles = Vec::from([Role::Legal, Role::Independent]);
    next.bounds = Bounds { imposes_per_hour: 0, ..FLOOR };
    s.logs(T, &next, &["anna", "dora", "emil"]).expect("every decision needs the policy quorum from now on");
    let site = Subject { scope: Scope::Site(id("site_one")), ..s.subject.clone() };
    let at = T.plus(2 * DAY);
    let abuse = s.house.abuse("imp-1", at, &site, POST);
    let new_quorum = s.logs(at, &abuse, &["anna", "ben", "emil"]);
    assert_eq!(new_quorum, Err(Rejected::BlastRadius), "emil was not independent under the old one");
    s.logs(at, &abuse, &["anna", "ben", "dora"]).expect("a quorum under both");
}

#[test]
fn no_suspension_reaches_beyond_a_week_from_now() {
    let mut s = Story::new();
    let suspend = |name: &str, time: Time| Suspend {
        head: s.house.head(name),
        key: s.house.policy().persons[2].keys[0].to_string(),
        time,
        until: time.plus(7 * DAY),
        why: sentence("Doubted."),
    };
    let (late, good) = (suspend("sus-1", T.plus(300 * DAY)), suspend("sus-2", T.plus(5)));
    assert!(matches!(s.logs(T, &late, &["anna", "ben"]), Err(Rejected::Bound(_))));
    s.logs(T, &good, &["anna", "ben"]).expect("a clock may be some seconds ahead");
}

#[test]
fn a_new_policy_ends_a_suspension() {
    let mut s = Story::new();
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[1].keys[0].to_string(),
        time: T,
        until: T.plus(7 * DAY),
        why: sentence("Lost, then found."),
    };
    s.logs(T, &suspend, &["ben"]).expect("the holder");
    let mut next = s.house.policy();
    next.head.id = id("policy-1");
    next.version = 1;
    s.logs(T, &next, &["anna", "clara", "dora"]).expect("a policy that still names the key");
    for (at, ok) in [(T.plus(DAY - 1), false), (T.plus(DAY), true)] {
        let finding = s.house.finding("fnd-1", at, &s.subject);
        assert_eq!(s.logs(at, &finding, &["anna", "ben"]).is_ok(), ok, "{at}");
    }
}

#[test]
fn notes_from_the_future_and_endless_windows_have_no_effect() {
    let mut s = Story::new();
    let finding = s.house.finding("fnd-1", T, &s.subject);
    for bad in [
        Finding { time: T.plus(601), window_until: T.plus(DAY), ..finding.clone() },
        Finding { window_until: T.plus(72 * HOUR + 1), ..finding.clone() },
        Finding { window_until: T, ..finding.clone() },
    ] {
        assert!(matches!(s.logs(T, &bad, &["anna", "ben"]), Err(Rejected::Bound(_))));
    }
    s.logs(T, &finding, &["anna", "ben"]).expect("a finding");
    let ahead = s.emergency("imp-1", T.plus(601));
    assert!(matches!(s.logs(T, &ahead, &["ben", "clara"]), Err(Rejected::Bound(_))));
}

#[test]
fn a_reviewer_who_took_part_does_not_count_and_no_end_lies_in_the_past() {
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T);
    s.logs(T, &impose, &["dora", "clara"]).expect("dora proposed");
    let validation = s.house.validation("con-1", &impose);
    assert!(matches!(s.logs(T.plus(60), &validation, &["dora"]), Err(Rejected::Quorum(_))));

    let mut s = Story::blocked();
    let over = Continue { until: T.plus(60), ..validation.clone() };
    assert!(matches!(s.logs(T.plus(60), &over, &["dora"]), Err(Rejected::Bound(_))));
    let finding = s.house.finding("fnd-2", T.plus(60), &s.subject);
    s.logs(T.plus(60), &finding, &["anna", "ben"]).expect("a finding");
    let extension = Continue { reason: ContinueReason::Extended, finding: Some(id("fnd-2")), ..validation };
    let early = s.logs(T.plus(60), &extension, &["emil", "clara"]);
    assert!(matches!(early, Err(Rejected::Target(_))), "not before validation: {early:?}");
}

#[test]
fn a_subject_of_another_scope_or_log_explains_nothing() {
    for subject in [
        Subject { scope: Scope::Site(id("site_one")), ..Story::new().subject },
        Subject { origin: "demo:other/ledger".into(), ..Story::new().subject },
    ] {
        let mut s = Story { subject, ..Story::new() };
        let finding = Finding { scope: ScopeKind::Customer, ..s.house.finding("fnd-1", T, &s.subject) };
        s.logs(T, &finding, &["anna", "ben"]).expect("a finding names a hash");
        let impose = Impose { scope: ScopeKind::Customer, ..s.emergency("imp-1", T) };
        s.logs(T, &impose, &["ben", "clara"]).expect("and so does a decision");
        s.state.hold(POST);
        s.state.hold(s.subject.to_string().as_bytes());
        assert_eq!(s.in_force(T), 0);
    }
}

#[test]
fn a_subject_is_needed_until_nothing_depends_on_it() {
    let mut s = Story::blocked();
    let (subject, post) = (Hash::of(s.subject.to_string().as_bytes()), Hash::of(POST));
    let end = s.state.decision(&id("imp-1")).expect("logged").until();
    let last = end.plus(CUSTOMER_WINDOW);
    assert_eq!(s.state.subject_needed_until(&subject), Some(last));
    assert_eq!(s.state.subject_needed_until(&post), None);
    for (now, held) in [
        (Time(end.0 - 1), &[subject, post][..]),
        (end, &[subject]),
        (Time(last.0 - 1), &[subject]),
        (last, &[]),
    ] {
        assert_eq!(s.state.needed(now), held.iter().copied().collect(), "{now}");
    }
    s.state.forget(Time(last.0 - 1));
    assert!(s.state.subject(&subject).is_some());
    s.state.forget(last);
    assert!(s.state.subject(&subject).is_none());
    // A later decision for the same reasons wants both anew.
    let again = last.plus(DAY);
    let finding = s.house.finding("fnd-2", again, &s.subject);
    s.logs(again, &finding, &["anna", "ben"]).expect("a finding");
    let impose = s.house.emergency("imp-2", again, "fnd-2", &s.subject, POST);
    s.logs(again, &impose, &["ben", "clara"]).expect("an emergency");
    let wanted = s.state.wanted(again);
    assert!(wanted.contains(&subject) && wanted.contains(&post));
}

#[test]
fn entries_out_of_place_or_time_have_no_effect() {
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T);
    let entry = s.house.entry(T, &impose.to_string(), &["ben", "clara"]);
    assert!(!s.state.apply(7, &entry, Seen::CatchUp).is_applied());
    assert_eq!(s.state.size(), 2, "an entry out of place takes no place");
    for now in [T.plus(601), Time(T.0 - 601)] {
        let outcome = s.state.clone().apply(2, &entry, Seen::Live(now));
        assert_eq!(outcome, Outcome::Rejected { why: Rejected::LoggedOff });
    }
    assert!(s.state.clone().apply(2, &entry, Seen::Live(T.plus(600))).is_applied());
    let backdated = s.state.clone().apply(2, &entry, Seen::After(T.plus(601)));
    assert_eq!(backdated, Outcome::Rejected { why: Rejected::LoggedOff }, "it was not there when we looked");
    for looked in [Time(T.0 - DAY), T.plus(600)] {
        assert!(s.state.clone().apply(2, &entry, Seen::After(looked)).is_applied());
    }
    let back = s.house.entry(Time(T.0 - 1), &impose.to_string(), &["ben", "clara"]);
    assert_eq!(s.state.apply(2, &back, Seen::CatchUp), Outcome::Rejected { why: Rejected::LoggedWentBack });
    assert!(s.state.apply(3, &entry, Seen::CatchUp).is_applied());
}

#[test]
fn genesis() {
    let house = House::demo(START);
    let entry0 = house.entry0();
    let refuse = |entry0: &[u8], demo: bool| {
        let trust = Trust { entry0: Hash::of(entry0), ..house.trust() };
        State::genesis(&trust, entry0, demo).map_err(|why| why.code()).err()
    };
    assert_eq!(refuse(&entry0, true), None);
    assert_eq!(refuse(&entry0, false), Some("demo"));
    let text = house.policy().to_string();
    assert_eq!(refuse(&house.entry(START, &text, &["anna", "ben", "clara", "dora"]), true), Some("genesis"));
    let loose = PolicyNote { bounds: Bounds { abuse_officers: 1, ..FLOOR }, ..house.policy() }.to_string();
    let all = ["anna", "ben", "clara", "dora", "emil"];
    let loose = house.entry(START, &loose, &all);
    assert_eq!(refuse(&loose, true), Some("policy"));
    let trust = Trust { entry0: Hash::of(&loose), ..house.trust() };
    let why = State::genesis(&trust, &loose, true).expect_err("looser than the floor").to_string();
    assert!(why.contains("bound `abuse-officers` is looser than the floor"), "the bound by its name: {why}");
    let one = PolicyNote { version: 1, ..house.policy() }.to_string();
    assert_eq!(refuse(&house.entry(START, &one, &all), true), Some("genesis"));
    assert!(State::genesis(&house.trust(), b"logged 1\n", true).is_err());
}

#[test]
fn a_known_key_with_a_bad_signature_rejects_the_note() {
    let mut s = Story::found();
    let text = s.emergency("imp-1", T).to_string();
    let mut note = s.house.signed(&text, &["ben", "clara"]);
    note.add(s.house.sign("another text\n", "anna"));
    let entry = Entry { logged: T, note }.to_bytes();
    assert_eq!(s.state.apply(2, &entry, Seen::CatchUp), Outcome::Rejected { why: Rejected::BadSignature });
}

#[test]
fn blobs_must_be_what_the_decision_names() {
    let mut s = Story::found();
    let impose = s.emergency("imp-1", T);
    s.logs(T, &impose, &["ben", "clara"]).expect("accepted");
    assert!(!s.state.hold(b"# Other reasons\n"));
    let other = Subject { hostnames: Vec::from(["shop.second.example".into()]), ..s.subject.clone() };
    assert!(!s.state.hold(other.to_string().as_bytes()));
    assert!(!s.state.hold(&alloc::vec![b'x'; MAX_POST + 1]));
    assert_eq!(s.in_force(T), 0);
}

#[test]
fn refusals_are_on_the_record_and_what_is_missing_is_said() {
    let mut s = Story::found();
    let refuse = Refuse {
        head: s.house.head("ref-1"),
        case: id("cas-9"),
        class: Class::Emergency,
        asked_by: AskedBy::Authority,
        time: T,
        why: sentence("Not authentic."),
    };
    s.logs(T, &refuse, &["anna"]).expect("one signature");
    assert!(s.logs(T, &Refuse { head: s.house.head("ref-2"), ..refuse }, &[]).is_err());
    let text = s.emergency("imp-1", T).to_string();
    for (names, lines) in [(&[][..], 2), (&["ben"], 2), (&["clara"], 1), (&["ben", "clara"], 0)] {
        let missing = s.state.missing(&s.house.signed(&text, names), T);
        assert_eq!(missing.len(), lines, "{names:?}: {missing:?}");
    }
    let signer = s.state.check_signature(&text, &s.house.sign(&text, "ben"), T).expect("ben's");
    assert_eq!((signer.person.as_str(), signer.organisation.as_str()), ("ben", "the-house"));
    assert!(s.state.check_signature(&text, &s.house.sign("x\n", "ben"), T).is_err());
}

/// One byte of a decision's entry changed anywhere: never accepted.
#[test]
fn every_byte_of_a_decision_is_signed() {
    let s = Story::found();
    let text = s.emergency("imp-1", T).to_string();
    let entry = s.house.entry(T, &text, &["ben", "clara"]);
    let prefix = b"logged 1795309200\n".len();
    for at in prefix..entry.len() {
        let mut changed = entry.clone();
        changed[at] ^= 1;
        let mut state = s.state.clone();
        let outcome = state.apply(2, &changed, Seen::CatchUp);
        assert!(!outcome.is_applied(), "byte {at} of the entry is not signed");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_entries_never_panic(bytes in proptest::collection::vec(0u8.., 0..400), live in 0u64..4_000_000_000) {
        let mut state = House::demo(START).state();
        state.apply(1, &bytes, Seen::Live(Time(live)));
        state.undo(&bytes, Time(live));
        state.hold(&bytes);
        assert!(state.at(Time(live)).is_empty());
    }
}
