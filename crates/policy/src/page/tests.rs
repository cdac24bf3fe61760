//! Which alarms there are, and a pager that is killed at any moment.

mod pager;

use super::*;
use crate::case::facts::Answered;
use crate::case::facts::Judgement;
use crate::note::{Criterion, Role, Verdict};
use crate::testkit::{House, id, open_track, sentence};
use crate::time::DAY;
use crate::{Seen, Subject};
use alloc::vec;

const START: Time = Time(1_800_000_000);
const POST: &[u8] = b"# Reasons\n";

/// A house whose finding is logged.
fn with_finding(house: &House) -> (State, Subject) {
    let mut state = house.state();
    let subject = house.subject("cus_first", &["one.first.example"]);
    let finding = house.finding("fnd-1", START, &subject).to_string();
    assert!(state.apply(1, &house.entry(START, &finding, &["anna", "ben"]), Seen::CatchUp).is_applied());
    (state, subject)
}

/// And whose emergency runs, from this moment for so long.
fn running(house: &House, lasts: u64) -> State {
    let (mut state, subject) = with_finding(house);
    let mut impose = house.emergency("imp-1", START, "fnd-1", &subject, POST);
    impose.until = START.plus(lasts);
    let entry = house.entry(START, &impose.to_string(), &["ben", "clara"]);
    assert!(state.apply(2, &entry, Seen::CatchUp).is_applied());
    state
}

fn quiet<'a>(state: &'a State, proposals: &'a [Proposal]) -> Facts<'a> {
    Facts {
        state,
        untouched: Vec::new(),
        untouched_in_all: 0,
        proposals,
        concerned: Vec::new(),
        rooms: Vec::new(),
        given_up: None,
        blind: None,
    }
}

fn put(note: Note) -> Proposal {
    Proposal { note, put: START.plus(61) }
}

fn keys(alarms: &[Alarm]) -> Vec<&str> {
    alarms.iter().map(|a| a.key.as_str()).collect()
}

#[test]
fn a_quiet_house_wakes_nobody() {
    let house = House::demo(START);
    assert!(alarms(&quiet(&house.state(), &[]), START).is_empty());
}

#[test]
fn a_flood_of_threats_is_one_alarm_and_the_first_three_are_news() {
    let house = House::demo(START);
    let state = house.state();
    for (count, since, said) in
        [(1, 0, "rpt-0;"), (2, 1, "2 threats"), (3, 2, "3 threats"), (4, 2, "4 threats"), (9, 2, "9 threats")]
    {
        let untouched = (0..count).map(|n| (id(&format!("rpt-{n}")), START.plus(n))).collect();
        let facts = Facts { untouched, untouched_in_all: count, ..quiet(&state, &[]) };
        let found = alarms(&facts, START.plus(60));
        assert_eq!(keys(&found), ["report"], "{count}");
        assert_eq!((found[0].kind, found[0].people, found[0].since), (Kind::Report, 1, START.plus(since)));
        assert!(found[0].need.contains(said) && found[0].need.contains("rpt-0"), "{}", found[0].need);
    }
}

#[test]
fn what_is_busy_for_a_moment_wakes_nobody() {
    let house = House::demo(START);
    let state = house.state();
    let facts = Facts { blind: Some(START), ..quiet(&state, &[]) };
    assert!(alarms(&facts, START.plus(BLIND_FOR - 1)).is_empty());
    assert_eq!(keys(&alarms(&facts, START.plus(BLIND_FOR))), ["blind"]);
}

#[test]
fn a_proposal_waits_for_as_many_as_are_missing_and_no_longer_than_it_may() {
    let mut house = House::demo(START);
    let frida = ledger::testkit::SshKey::from_seed("demo:frida", [6; 32]);
    house.people.push(("frida".into(), "trustees".into(), vec![Role::Approver, Role::Independent], frida));
    for (approvers, missing) in [(1, 1), (2, 2)] {
        house.bounds.emergency_approvers = approvers;
        let (state, subject) = with_finding(&house);
        let impose = house.emergency("imp-1", START.plus(60), "fnd-1", &subject, POST);
        let text = impose.to_string();
        let alarm = |names: &[&str], at: u64| {
            alarms(&quiet(&state, &[put(house.signed(&text, names))]), START.plus(at))
        };
        assert!(alarm(&[], 60).is_empty(), "nobody has signed: it is a draft");
        let one = alarm(&["ben"], 60);
        assert_eq!(keys(&one), ["sign-imp-1"]);
        assert_eq!((one[0].people, one[0].since), (missing, START.plus(61)));
        assert_eq!((one[0].case.clone(), one[0].about.clone()), (Some(id("cas-1")), Some(id("imp-1"))));
        assert!(one[0].need.contains("2027-01-15T09:01:00Z"), "{}", one[0].need);
        assert!(alarm(&["ben"], 3661).is_empty(), "nobody can approve it any more");
        assert_eq!(alarm(&["ben", "clara"], 60).is_empty(), approvers == 1);
    }
    let (state, subject) = with_finding(&house);
    let site = Subject { scope: crate::Scope::Site(id("site_one")), ..subject };
    let abuse = house.abuse("imp-2", START.plus(60), &site, POST).to_string();
    assert!(alarms(&quiet(&state, &[put(house.signed(&abuse, &["ben"]))]), START.plus(60)).is_empty());
}

#[test]
fn an_emergency_that_nobody_validates_calls_four_times_as_its_end_comes() {
    let house = House::demo(START);
    let hour = |n: u64| START.plus(n * HOUR);
    let mut state = running(&house, 48 * HOUR);
    for (at, want) in [
        (0, None),
        (23, None),
        (24, Some(("validate-imp-1-1", 24, 12))),
        (30, Some(("validate-imp-1-1", 24, 6))),
        (36, Some(("validate-imp-1-2", 36, 6))),
        (42, Some(("validate-imp-1-3", 42, 4))),
        (46, Some(("validate-imp-1-4", 46, 0))),
        (47, Some(("validate-imp-1-4", 46, 0))),
        (48, None),
    ] {
        let found = alarms(&quiet(&state, &[]), hour(at));
        let got = found.first().map(|a| (a.key.as_str(), a.since, a.hold));
        let want = want.map(|(key, since, hold)| (key, hour(since), (hold > 0).then_some(hold * HOUR)));
        assert_eq!(got, want, "after {at} hours");
    }
    // The same parts of a shorter one.
    let short = running(&house, 8 * HOUR);
    assert!(alarms(&quiet(&short, &[]), hour(3)).is_empty());
    assert_eq!(keys(&alarms(&quiet(&short, &[]), hour(7))), ["validate-imp-1-3"]);
    // Whoever validates it takes the alarm away.
    let subject = house.subject("cus_first", &["one.first.example"]);
    let validation = house.validation("con-1", &house.emergency("imp-1", START, "fnd-1", &subject, POST));
    assert!(
        state
            .apply(3, &house.entry(hour(25), &validation.to_string(), &["dora"]), Seen::CatchUp)
            .is_applied()
    );
    assert!(alarms(&quiet(&state, &[]), hour(30)).is_empty());
}

fn case(acts: impl IntoIterator<Item = (Act, &'static str, u64)>) -> (Case, Vec<Entry>) {
    let open = Act::Open { title: sentence("Threats"), customer: Some(id("cus_first")) };
    let first =
        Entry { case: id("cas-1"), seq: 0, previous: None, at: START, by: sentence("anna"), act: open };
    let (mut case, mut journal) = (Case::begin(&first).expect("an opening"), vec![first]);
    for (act, by, at) in acts {
        let entry = case.next(START.plus(at), sentence(by), act).expect("fits");
        case.apply(&entry).expect("applies");
        journal.push(entry);
    }
    (case, journal)
}

fn said(answer: Answer, at: u64) -> Act {
    Act::Answer(Answered {
        referral: id("ref-1"),
        answer,
        said: START.plus(at),
        from: sentence("the duty officer"),
        what: sentence("The girl's name is Rosa."),
    })
}

fn weighed() -> Act {
    Act::Judge(Judgement {
        criterion: Criterion::Proportionate,
        verdict: Verdict::Met,
        until: None,
        evidence: Vec::new(),
        why: sentence("It still is."),
    })
}

#[test]
fn an_objection_calls_until_it_is_weighed_where_something_runs_or_is_proposed() {
    let house = House::demo(START);
    let track = || open_track(START).into_iter().map(|act| (act, "anna", 0));
    let objects = || track().chain([(said(Answer::Objects, 100), "the room", 100)]);
    let (open, _) = case(objects());
    let state = running(&house, 48 * HOUR);
    assert_eq!(concerned(&state, &[], START.plus(60)), [(id("imp-1"), id("cas-1"))]);
    let look = |case: Case| Facts { concerned: vec![(id("imp-1"), case)], ..quiet(&state, &[]) };
    let found = alarms(&look(open), START.plus(200));
    assert_eq!(keys(&found), ["objection-ref-1"]);
    assert_eq!((found[0].since, found[0].case.clone()), (START.plus(100), Some(id("cas-1"))));
    assert!(!found[0].need.contains("Rosa"), "no word of anybody else: {}", found[0].need);
    let (settled, _) = case(objects().chain([(weighed(), "anna", 300)]));
    assert!(alarms(&look(settled), START.plus(400)).is_empty());
    let (gone, _) = case(objects().chain([(said(Answer::Withdraws, 300), "the room", 300)]));
    assert!(alarms(&look(gone), START.plus(400)).is_empty());
    // Proposed: the finding, and what rests on it.
    let (state, subject) = with_finding(&house);
    assert!(concerned(&state, &[], START).is_empty(), "a finding alone runs nothing");
    let impose = house.emergency("imp-1", START, "fnd-1", &subject, POST).to_string();
    let note = house.signed(&impose, &["ben"]);
    assert_eq!(concerned(&state, &[put(note)], START), [(id("imp-1"), id("cas-1"))]);
    let finding = house.finding("fnd-2", START, &subject).to_string();
    let note = house.signed(&finding, &["anna"]);
    assert_eq!(concerned(&house.state(), &[put(note)], START), [(id("fnd-2"), id("cas-1"))]);
    // Ended: whoever objects has what they wanted.
    assert!(concerned(&running(&house, HOUR), &[], START.plus(2 * HOUR)).is_empty());
}

#[test]
fn what_an_authority_said_calls_until_somebody_of_ours_did_anything() {
    let house = House::demo(START);
    let state = house.state();
    let track = || open_track(START).into_iter().map(|act| (act, "anna", 0));
    let room = |answer, at| (said(answer, at), "the room", at);
    let look = |acts: Vec<(Act, &'static str, u64)>| {
        let (_, journal) = case(track().chain(acts));
        alarms(&Facts { rooms: vec![journal], ..quiet(&state, &[]) }, START.plus(1000))
    };
    assert!(look(vec![]).is_empty());
    assert!(look(vec![room(Answer::Delivered, 10)]).is_empty(), "a machine said that it arrived");
    assert!(look(vec![(said(Answer::Acts, 10), "ben", 10)]).is_empty(), "one of ours wrote it down");
    for answer in Answer::ALL.iter().filter(|a| **a != Answer::Delivered) {
        let found = look(vec![room(*answer, 10), room(Answer::Delivered, 20)]);
        assert_eq!(keys(&found), ["answer-cas-1"], "{answer}");
        assert_eq!(found[0].since, START.plus(10));
        assert!(!found[0].need.contains("Rosa"));
    }
    let reopened = (Act::Evidence(document()), "the room", 40);
    let found = look(vec![room(Answer::Asks, 10), (Act::Take, "ben", 20), reopened]);
    assert_eq!(found[0].since, START.plus(40), "a document after somebody looked");
    assert!(look(vec![room(Answer::Asks, 10), (Act::Take, "ben", 20)]).is_empty());
}

fn document() -> crate::case::facts::Evidence {
    let evidence = open_track(START).into_iter().find_map(|act| match act {
        Act::Evidence(it) => Some(it),
        _ => None,
    });
    crate::case::facts::Evidence { id: id("evd-9"), ..evidence.expect("the track has evidence") }
}

#[test]
fn the_rest_and_the_order() {
    let house = House::demo(START);
    let state = running(&house, 48 * HOUR);
    let (objects, journal) = case(open_track(START).into_iter().map(|act| (act, "anna", 0)).chain([(
        said(Answer::Objects, 100),
        "the room",
        100,
    )]));
    let facts = Facts {
        untouched: vec![(id("rpt-1"), START)],
        untouched_in_all: 1,
        concerned: vec![(id("imp-1"), objects.clone()), (id("imp-1"), objects)],
        rooms: vec![journal],
        given_up: Some((2, START.plus(5))),
        blind: Some(START.plus(6)),
        ..quiet(&state, &[])
    };
    let found = alarms(&facts, START.plus(24 * HOUR));
    assert_eq!(
        keys(&found),
        ["objection-ref-1", "report", "validate-imp-1-1", "answer-cas-1", "mail", "blind"]
    );
    assert!(found[4].need.starts_with("2 mails to customers were given up"), "{}", found[4].need);
    assert_eq!(found[4].hold, Some(CALM));
    for alarm in &found {
        assert!(crate::Sentence::parse(&alarm.need).is_ok() && alarm.need.is_ascii(), "{}", alarm.need);
        assert!(
            alarm.key.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_')
        );
    }
}

#[test]
fn hours_go_over_midnight() {
    let at = |h: u64, m: u64| Time(1_800_000_000 / DAY * DAY + h * HOUR + m * 60);
    let night = Hours::parse("20:00-08:00").expect("hours");
    let day = Hours::parse("08:00-20:00").expect("hours");
    for (h, m, is_night) in
        [(0, 0, true), (7, 59, true), (8, 0, false), (19, 59, false), (20, 0, true), (23, 59, true)]
    {
        assert_eq!((night.hold(at(h, m)), day.hold(at(h, m))), (is_night, !is_night), "{h}:{m}");
    }
    for bad in [
        "",
        "20-08",
        "20:00",
        "20:00-20:00",
        "24:00-08:00",
        "8:00-20:00",
        "20:60-08:00",
        "+8:00-20:00",
        "20:00-08:00-",
    ] {
        assert_eq!(Hours::parse(bad), None, "{bad}");
    }
}
