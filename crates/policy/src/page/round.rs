//! Rounds: one alarm, called step after step until somebody acknowledges it.
//!
//! A round is what the store keeps, and the only memory there is: whoever is killed and starts again goes on from it. What
//! is done next ([`turns`], then [`due`]) is asked with the time, again and again.

use super::Alarm;
use crate::{Time, time::DAY};
use alloc::{string::String, vec::Vec};

/// How often a call is tried, the first included. A call that is cut off by the end of the desk counts.
pub const ATTEMPTS: u64 = 3;

/// The pause before a call that failed, or was cut off, is tried again, seconds.
pub const RETRY: u64 = 20;

/// Hours of a day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u64,
    to: u64,
}

impl Hours {
    /// Reads `20:00-08:00`; over midnight when the end lies before the beginning.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (clock(from)?, clock(to)?);
        (from != to).then_some(Self { from, to })
    }

    /// Whether this moment is in them; the end is not.
    #[must_use]
    pub fn hold(self, now: Time) -> bool {
        let now = now.0 % DAY;
        if self.from < self.to {
            self.from <= now && now < self.to
        } else {
            self.from <= now || now < self.to
        }
    }
}

/// `HH:MM`, in seconds of the day.
fn clock(text: &str) -> Option<u64> {
    let (h, m) = text.split_once(':')?;
    let number = |s: &str, below: u64| {
        let plain = s.len() == 2 && s.bytes().all(|c| c.is_ascii_digit());
        s.parse().ok().filter(|n: &u64| plain && *n < below)
    };
    Some(number(h, 24)? * 3600 + number(m, 60)? * 60)
}

/// When a step is called. What it calls is the desk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Seconds after the round began; never less than the step before.
    pub after: u64,
    /// The hours in which it is called; always without.
    pub hours: Option<Hours>,
}

/// Who is called when, and for how long an acknowledgement holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// For how long an acknowledgement holds, seconds.
    pub ack: u64,
    /// How long after the last step the first is called again, seconds.
    pub repeat: u64,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It began, and nobody has written down how it ended.
    Calling,
    /// Whoever was asked to call took it.
    Done,
    /// It did not get through.
    Failed,
}

/// A call of a step in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Which step, from 0.
    pub step: usize,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was tried first.
    pub first: Time,
    /// When it was tried last.
    pub last: Time,
    /// What became of the last try.
    pub made: Made,
    /// The same in words.
    pub outcome: String,
}

/// Somebody takes care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Who: the name of their token.
    pub by: String,
    /// When they said so.
    pub at: Time,
    /// Until when nobody is called.
    pub until: Time,
}

/// One alarm being called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its number.
    pub id: u64,
    /// The alarm.
    pub key: String,
    /// When it began.
    pub began: Time,
    /// Who took care last.
    pub ack: Option<Ack>,
    /// What was called, by step.
    pub calls: Vec<Called>,
}

impl Round {
    /// Whether somebody takes care at `now`.
    #[must_use]
    pub fn is_quiet(&self, now: Time) -> bool {
        self.ack.as_ref().is_some_and(|ack| now < ack.until)
    }

    /// The step to be called next, and when; `None` when none of those left is called at this hour.
    fn next(&self, rules: &Rules, now: Time) -> Option<(usize, Time)> {
        let last = self.calls.iter().max_by_key(|c| c.step);
        let from = last.map_or(0, |c| c.step + 1);
        let fits = |s: &Step| s.hours.is_none_or(|hours| hours.hold(now));
        let (step, rule) = rules.steps.iter().enumerate().skip(from).find(|(_, s)| fits(s))?;
        let at = match last {
            None => self.began.plus(rule.after),
            // Nobody was reached, so there is nobody whose answer we wait for.
            Some(last) if is_over(last) && last.made != Made::Done => last.last,
            // From the call before, not from the beginning: a desk that stood still for an hour calls one after the other.
            Some(last) => {
                let before = rules.steps.get(last.step).map_or(0, |s| s.after);
                last.first.plus(rule.after.saturating_sub(before))
            }
        };
        Some((step, at))
    }

    /// Whether all were called, and the time has come to begin again.
    fn is_spent(&self, rules: &Rules, now: Time) -> bool {
        let tried = self.calls.iter().map(|c| c.last).max();
        let over = !self.calls.iter().any(|c| waits(c, rules)) && self.next(rules, now).is_none();
        tried.is_some_and(|at| over && now.since(at) >= rules.repeat)
    }
}

/// Whether a call is not tried again.
fn is_over(call: &Called) -> bool {
    call.made == Made::Done || call.attempts >= ATTEMPTS
}

/// Whether a call is tried again. A step that the configuration has no more is not.
fn waits(call: &Called, rules: &Rules) -> bool {
    !is_over(call) && call.step < rules.steps.len()
}

/// A step in the life of rounds. They are written down before anybody is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The need is gone.
    End(u64),
    /// There is a new one: a round for this alarm begins.
    Begin(String),
    /// It still stands: the round ends, and another one for this alarm begins.
    Again(u64, String),
}

/// Which rounds begin and end at `now`. `whole`: all that alarms come from could be read; else what is not among them
/// may stand all the same, and no round ends.
#[must_use]
pub fn turns(alarms: &[Alarm], open: &[Round], rules: &Rules, whole: bool, now: Time) -> Vec<Turn> {
    let mut turns = Vec::new();
    for round in open {
        let Some(alarm) = alarms.iter().find(|a| a.key == round.key) else {
            if whole {
                turns.push(Turn::End(round.id));
            }
            continue;
        };
        let again = match &round.ack {
            // What came after somebody said "I take care" is not what they meant.
            Some(ack) => ack.until <= now || alarm.since > ack.at,
            None => round.is_spent(rules, now),
        };
        if again {
            turns.push(Turn::Again(round.id, round.key.clone()));
        }
    }
    let new = alarms.iter().filter(|a| !open.iter().any(|r| r.key == a.key));
    turns.extend(new.map(|a| Turn::Begin(a.key.clone())));
    turns
}

/// One call to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// In which round.
    pub round: u64,
    /// Of which alarm.
    pub key: String,
    /// Which step, from 0.
    pub step: usize,
    /// How often it was tried before.
    pub attempts: u64,
}

/// Whom to call at `now`, in the order of the alarms. Each is written down before it is made; asked again afterwards, this
/// names it no more, unless it failed or nobody knows how it ended.
#[must_use]
pub fn due(alarms: &[Alarm], open: &[Round], rules: &Rules, now: Time) -> Vec<Call> {
    let mut calls = Vec::new();
    for alarm in alarms {
        let Some(round) = open.iter().find(|r| r.key == alarm.key && !r.is_quiet(now)) else { continue };
        let call = |step, attempts| Call { round: round.id, key: round.key.clone(), step, attempts };
        let again = round.calls.iter().filter(|c| waits(c, rules) && now.since(c.last) >= RETRY);
        calls.extend(again.map(|c| call(c.step, c.attempts)));
        calls.extend(round.next(rules, now).filter(|(_, at)| *at <= now).map(|(step, _)| call(step, 0)));
    }
    calls
}
