//! A pager whose memory is what a store keeps. It is killed between any two writes, looks when it likes, meets alarms that
//! come and go, people who acknowledge and calls that fail. Against it stand the promises that docs/paging.md makes.

use super::START;
use crate::Time;
use crate::page::{
    ATTEMPTS, Ack, Alarm, Called, Hours, Kind, Made, Round, Rules, Step, Turn, due, plain, turns,
};
use crate::time::DAY;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec,
    vec::Vec,
};
use proptest::prelude::*;

fn alarm(key: &str, since: u64) -> Alarm {
    plain(Kind::Report, key.into(), START.plus(since))
}

fn rules(after: &[u64]) -> Rules {
    Rules { steps: after.iter().map(|s| Step { after: *s, hours: None }).collect(), ack: 1800, repeat: 300 }
}

/// What is on disk, and what happened.
#[derive(Default)]
struct Pager {
    rounds: Vec<Round>,
    ended: Vec<Round>,
    ids: u64,
    /// Every call that was made: round, step, when.
    made: Vec<(u64, usize, Time)>,
}

/// Where the pager is killed, and how its calls end.
#[derive(Clone, Copy, Debug)]
enum How {
    Reached,
    Fails,
    /// Killed after the call was written down and before it was made.
    KilledBefore,
    /// Killed after it was made and before its end was written down.
    KilledAfter,
}

impl Pager {
    fn end(&mut self, id: u64) {
        let at = self.rounds.iter().position(|r| r.id == id).expect("an open round");
        let round = self.rounds.remove(at);
        self.ended.push(round);
    }

    fn begin(&mut self, key: &str, now: Time) {
        self.ids += 1;
        let round = Round { id: self.ids, key: key.into(), began: now, ack: None, calls: Vec::new() };
        self.rounds.push(round);
    }

    fn look(&mut self, alarms: &[Alarm], rules: &Rules, now: Time, mut how: impl FnMut() -> How) {
        for turn in turns(alarms, &self.rounds, rules, true, now) {
            match turn {
                Turn::End(id) => self.end(id),
                Turn::Begin(key) => self.begin(&key, now),
                Turn::Again(id, key) => {
                    self.end(id);
                    self.begin(&key, now);
                }
            }
        }
        for call in due(alarms, &self.rounds, rules, now) {
            let round = self.rounds.iter_mut().find(|r| r.id == call.round).expect("open");
            assert!(!round.is_quiet(now), "whoever acknowledged is not called");
            let old = round.calls.iter().find(|c| c.step == call.step).map(|c| c.first);
            round.calls.retain(|c| c.step != call.step);
            let mut written = Called {
                step: call.step,
                attempts: call.attempts + 1,
                first: old.unwrap_or(now),
                last: now,
                made: Made::Calling,
                outcome: String::new(),
            };
            round.calls.push(written.clone());
            let how = how();
            if matches!(how, How::KilledBefore) {
                return;
            }
            self.made.push((call.round, call.step, now));
            if matches!(how, How::KilledAfter) {
                return;
            }
            written.made = if matches!(how, How::Reached) { Made::Done } else { Made::Failed };
            round.calls.retain(|c| c.step != call.step);
            round.calls.push(written);
        }
    }

    fn ack(&mut self, key: &str, now: Time, hold: u64) {
        for round in self.rounds.iter_mut().filter(|r| r.key == key) {
            round.ack = Some(Ack { by: "anna".into(), at: now, until: now.plus(hold) });
        }
    }

    fn times(&self, round: u64) -> Vec<(usize, u64)> {
        self.made.iter().filter(|m| m.0 == round).map(|m| (m.1, m.2.since(START))).collect()
    }
}

fn every(pager: &mut Pager, alarms: &[Alarm], rules: &Rules, from: u64, to: u64) {
    for at in (from..to).step_by(5) {
        pager.look(alarms, rules, START.plus(at), || How::Reached);
    }
}

#[test]
fn one_after_the_other_until_somebody_acknowledges() {
    let (mut pager, rules, alarms) = (Pager::default(), rules(&[0, 300, 600]), [alarm("report-1", 0)]);
    every(&mut pager, &alarms, &rules, 0, 1000);
    assert_eq!(pager.times(1), [(0, 0), (1, 300), (2, 600)]);
    assert_eq!(pager.times(2), [(0, 900)], "nobody did: from the beginning");
    pager.ack("report-1", START.plus(1000), 1800);
    every(&mut pager, &alarms, &rules, 1000, 2800);
    assert_eq!(pager.made.len(), 4, "anna takes care");
    every(&mut pager, &alarms, &rules, 2800, 3105);
    assert_eq!(pager.times(3), [(0, 2800), (1, 3100)], "it stands as it stood");
    every(&mut pager, &[], &rules, 3105, 5000);
    assert_eq!((pager.made.len(), pager.rounds.len()), (6, 0), "the need is gone");
}

#[test]
fn what_comes_after_an_acknowledgement_calls_again() {
    let (mut pager, rules) = (Pager::default(), rules(&[0, 300]));
    every(&mut pager, &[alarm("answer-1", 0)], &rules, 0, 10);
    pager.ack("answer-1", START.plus(10), 1800);
    every(&mut pager, &[alarm("answer-1", 10)], &rules, 10, 100);
    assert_eq!(pager.made.len(), 1, "they knew of this");
    every(&mut pager, &[alarm("answer-1", 100)], &rules, 100, 200);
    assert_eq!(pager.times(2), [(0, 100)]);
    // While nobody acknowledged, what is added does not hold up the next step.
    for at in (100..800).step_by(5) {
        pager.look(&[alarm("answer-1", at)], &rules, START.plus(at), || How::Reached);
    }
    assert_eq!(pager.times(2), [(0, 100), (1, 400)]);
}

#[test]
fn a_desk_that_stood_still_calls_one_after_the_other() {
    let (mut pager, rules, alarms) = (Pager::default(), rules(&[0, 300, 600]), [alarm("report-1", 0)]);
    every(&mut pager, &alarms, &rules, 0, 5);
    every(&mut pager, &alarms, &rules, 3600, 4000);
    assert_eq!(pager.times(1), [(0, 0), (1, 3600), (2, 3900)]);
}

#[test]
fn a_step_that_reaches_nobody_does_not_hold_up_the_next() {
    let (mut pager, rules, alarms) = (Pager::default(), rules(&[0, 300, 600]), [alarm("report-1", 0)]);
    for at in (0..700).step_by(5) {
        // The first step's three tries fall into the first minute.
        let how = if at <= 40 { How::Fails } else { How::Reached };
        pager.look(&alarms, &rules, START.plus(at), || how);
    }
    assert_eq!(pager.times(1), [(0, 0), (0, 20), (0, 40), (1, 45), (2, 345)]);
}

#[test]
fn steps_out_of_their_hours_are_passed_over() {
    let midnight = START.0 / DAY * DAY;
    let day = Hours::parse("08:00-20:00").expect("hours");
    let mut rules = rules(&[0, 300, 600]);
    rules.steps[1].hours = Some(day);
    let alarms = [alarm("report-1", 0)];
    for (hour, want) in [(3, vec![0, 2]), (12, vec![0, 1, 2])] {
        let mut pager = Pager::default();
        for at in (0..900).step_by(5) {
            pager.look(&alarms, &rules, Time(midnight + hour * 3600 + at), || How::Reached);
        }
        let steps: Vec<usize> = pager.made.iter().filter(|m| m.0 == 1).map(|m| m.1).collect();
        assert_eq!(steps, want, "at {hour}");
    }
}

#[test]
fn what_could_not_be_read_ends_no_round() {
    let round = Round { id: 1, key: "report-1".into(), began: START, ack: None, calls: Vec::new() };
    let rules = rules(&[0]);
    assert!(turns(&[], core::slice::from_ref(&round), &rules, false, START).is_empty());
    assert_eq!(turns(&[], &[round], &rules, true, START), [Turn::End(1)]);
}

#[test]
fn a_step_that_was_taken_out_of_the_configuration_holds_up_nothing() {
    let called = Called {
        step: 4,
        attempts: 1,
        first: START,
        last: START,
        made: Made::Calling,
        outcome: String::new(),
    };
    let round = Round { id: 1, key: "report-1".into(), began: START, ack: None, calls: vec![called] };
    let (alarms, rules, later) = ([alarm("report-1", 0)], rules(&[0]), START.plus(400));
    assert!(due(&alarms, core::slice::from_ref(&round), &rules, later).is_empty());
    assert_eq!(turns(&alarms, &[round], &rules, true, later), [Turn::Again(1, "report-1".into())]);
}

#[derive(Clone, Debug)]
enum Event {
    /// So many seconds later it looks, and its calls end so.
    Look(u64, Vec<How>),
    Ack(u8, u64),
    Rise(u8),
    Fall(u8),
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![4 => Just(How::Reached), 2 => Just(How::Fails), 1 => Just(How::KilledBefore), 1 => Just(How::KilledAfter)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1..120_u64, prop::collection::vec(how(), 0..6)).prop_map(|(s, h)| Event::Look(s, h)),
        1 => (0..3_u8, 60..4000_u64).prop_map(|(n, hold)| Event::Ack(n, hold)),
        2 => (0..3_u8).prop_map(Event::Rise),
        1 => (0..3_u8).prop_map(Event::Fall),
    ]
}

fn some_rules() -> impl Strategy<Value = Rules> {
    let hours = prop_oneof![3 => Just(None), 1 => (0..24_u64).prop_map(|h| Hours::parse(&format!("{h:02}:00-{:02}:30", (h + 7) % 24)))];
    (prop::collection::vec((0..600_u64, hours), 1..5), 60..900_u64).prop_map(|(steps, repeat)| {
        let mut after = 0;
        let mut steps: Vec<Step> = steps
            .into_iter()
            .map(|(gap, hours)| {
                after += gap;
                Step { after, hours }
            })
            .collect();
        // The configuration wants one that is always called.
        steps[0].hours = None;
        Rules { steps, ack: 1800, repeat }
    })
}

proptest! {
    #[test]
    fn whatever_happens_nobody_is_called_twice_for_nothing_and_nobody_is_forgotten(
        rules in some_rules(),
        events in prop::collection::vec(event(), 1..80),
    ) {
        let (mut pager, mut now, mut up) = (Pager::default(), START, BTreeMap::new());
        for event in &events {
            match event {
                Event::Look(later, hows) => {
                    now = now.plus(*later);
                    let alarms: Vec<Alarm> = up.values().cloned().collect();
                    let mut hows = hows.iter().copied();
                    pager.look(&alarms, &rules, now, || hows.next().unwrap_or(How::Reached));
                }
                Event::Ack(n, hold) => pager.ack(&format!("report-{n}"), now, *hold),
                Event::Rise(n) => { up.entry(*n).or_insert_with(|| alarm(&format!("report-{n}"), now.since(START))); }
                Event::Fall(n) => drop(up.remove(n)),
            }
        }
        // One open round for each alarm at most.
        let open: BTreeSet<&str> = pager.rounds.iter().map(|r| r.key.as_str()).collect();
        prop_assert_eq!(open.len(), pager.rounds.len());
        for round in pager.rounds.iter().chain(&pager.ended) {
            let made = pager.times(round.id);
            for called in &round.calls {
                let times = made.iter().filter(|(step, _)| *step == called.step).count() as u64;
                prop_assert!(called.attempts <= ATTEMPTS && times <= called.attempts, "{:?}", called);
                // Whoever was reached at the first try, and whose call was written down, was called once.
                if called.made == Made::Done && called.attempts == 1 {
                    prop_assert_eq!(times, 1);
                }
            }
            // First calls come in the order of the steps, none before its time.
            let mut order: Vec<&Called> = round.calls.iter().collect();
            order.sort_by_key(|c| c.step);
            for pair in order.windows(2) {
                prop_assert!(pair[0].first <= pair[1].first, "{:?}", order);
                let gap = rules.steps[pair[1].step].after - rules.steps[pair[0].step].after;
                let reached = pair[0].made == Made::Done;
                prop_assert!(!reached || pair[1].first.since(pair[0].first) >= gap, "{:?}", order);
            }
            if let Some(first) = order.first() {
                prop_assert!(first.first.since(round.began) >= rules.steps[first.step].after);
            }
        }
        // From wherever it was killed: somebody is reached in time for everything that nobody takes care of.
        let alarms: Vec<Alarm> = up.values().cloned().collect();
        let from = now;
        let longest = rules.steps.iter().map(|s| s.after).max().unwrap_or(0) + rules.repeat + 4000 + 200;
        while now.since(from) <= longest {
            now = now.plus(5);
            pager.look(&alarms, &rules, now, || How::Reached);
        }
        for alarm in &alarms {
            let rounds: BTreeSet<u64> = pager.rounds.iter().chain(&pager.ended).filter(|r| r.key == alarm.key).map(|r| r.id).collect();
            let reached = pager.made.iter().any(|(round, _, at)| rounds.contains(round) && *at > from);
            prop_assert!(reached, "{} is forgotten", alarm.key);
        }
        // And when all is done, nobody is called any more.
        let calls = pager.made.len();
        for _ in 0..200 {
            now = now.plus(5);
            pager.look(&[], &rules, now, || How::Reached);
        }
        prop_assert_eq!((pager.made.len(), pager.rounds.len()), (calls, 0));
    }
}
