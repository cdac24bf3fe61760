//! A decision as the public sees it: plain values, ready for a template, a feed or JSON.

use policy::{Decision, Status, Time};

use crate::posts::Reasons;
use crate::words::{self, StateWords, When};

/// What a list shows of a decision, and every page about it shows first.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: String,
    /// Address of the post, absolute.
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) author: String,
    pub(crate) tags: Vec<String>,
    pub(crate) class: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) ground: String,
    pub(crate) ground_version: u64,
    pub(crate) state: StateWords,
    pub(crate) published: When,
    /// When its state last changed.
    pub(crate) updated: When,
    pub(crate) since: When,
    pub(crate) until: When,
}

impl Card {
    /// The card of `decision`, whose reasons are `reasons`, at `now`; `office` is named where the post names nobody.
    pub(crate) fn new(decision: &Decision, reasons: &Reasons, base: &str, office: &str, now: Time) -> Card {
        let impose = &decision.impose;
        let post = reasons.post();
        let id = impose.head.id.to_string();
        let class = words::class(impose.class);
        Card {
            url: format!("{base}/posts/{id}"),
            title: post.and_then(|post| post.title.clone()).unwrap_or_else(|| format!("{class} {id}")),
            summary: post.map(|post| post.summary.clone()).unwrap_or_default(),
            author: post.and_then(|post| post.author.clone()).unwrap_or_else(|| office.to_string()),
            tags: post.map(|post| post.tags.clone()).unwrap_or_default(),
            class,
            scope: words::scope(impose.scope),
            ground: words::rule(&impose.ground),
            ground_version: impose.ground_version,
            state: words::state(decision, now),
            published: decision.logged.into(),
            updated: changed(decision, now).into(),
            since: impose.since.into(),
            until: decision.until().into(),
            id,
        }
    }
}

/// When the decision's state last changed, as of `now`.
pub(crate) fn changed(decision: &Decision, now: Time) -> Time {
    let mut last = decision.logged;
    for continued in &decision.continues {
        last = last.max(continued.logged);
    }
    match (&decision.lifted, decision.status(now)) {
        (Some(lift), _) => last.max(lift.time),
        (None, Status::Ended | Status::NotConfirmed) => last.max(decision.until()),
        (None, Status::InForce) => last.max(decision.impose.since),
        (None, Status::Waiting | Status::Lifted | Status::Void) => last,
    }
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: When,
    pub(crate) words: String,
    /// Whether it is still to come.
    pub(crate) future: bool,
    /// The ledger entry that shows it.
    pub(crate) index: Option<u64>,
}

/// The timeline of `decision` at `now`, oldest first.
pub(crate) fn timeline(decision: &Decision, now: Time) -> Vec<Step> {
    let impose = &decision.impose;
    let start = impose.since.max(decision.logged);
    let signed = words::counted(decision.signers.len(), "person", "persons");
    let mut steps: Vec<(Time, String, Option<u64>)> =
        vec![(impose.proposed, "Proposed by an officer.".to_string(), None)];
    let published = format!("Signed by {signed} and published in the ledger with its reasons");
    if start == decision.logged {
        steps.push((decision.logged, format!("{published}; in force from then on."), Some(decision.index)));
    } else {
        steps.push((decision.logged, format!("{published}."), Some(decision.index)));
        let verb = if now < start { "Takes effect." } else { "In force from here on." };
        // A block that was lifted before its start never had effect.
        if decision.lifted.as_ref().is_none_or(|lift| lift.time > start) {
            steps.push((start, verb.to_string(), None));
        }
    }
    for continued in &decision.continues {
        let words = words::continued(continued.note.reason, continued.note.until);
        steps.push((continued.logged, words, Some(continued.index)));
    }
    match &decision.lifted {
        Some(lift) => {
            let who = words::counted(lift.by.len(), "person", "persons");
            let why = format!("Lifted by {who}, because {}: {}", words::lift_reason(lift.reason), lift.why);
            steps.push((lift.time, why, lift.index));
        }
        None => steps.push((decision.until(), ending(decision, now).to_string(), None)),
    }
    steps.sort_by_key(|(at, _, _)| *at);
    steps
        .into_iter()
        .map(|(at, words, index)| Step { at: at.into(), words, future: at > now, index })
        .collect()
}

fn ending(decision: &Decision, now: Time) -> &'static str {
    match (decision.status(now), decision.confirm_by().is_some()) {
        (Status::NotConfirmed, _) => "Ended: no independent reviewer had confirmed it.",
        (Status::Ended, _) => "Ended by itself.",
        (Status::Void, _) => "Void: a key under it was suspended when it signed.",
        (_, true) => "Ends by itself, unless an independent reviewer confirms it before.",
        (_, false) => "Ends by itself.",
    }
}

/// A moment in both forms on one line: `22 November 2026, 23:15 UTC`.
pub(crate) fn moment(time: Time) -> String {
    When::from(time).words
}
