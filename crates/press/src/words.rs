//! What a decision is called, in plain words: the same on every page and in every feed.

use policy::note::{AskedBy, ContinueReason, LegalOrder, LiftReason, Withheld, WithholdReason};
use policy::{Class, Decision, Id, ScopeKind, Status, Time};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment in the two forms a `time` element needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    /// RFC 3339, UTC.
    pub(crate) iso: String,
    /// As people read it: `22 November 2026, 23:15 UTC`.
    pub(crate) words: String,
}

impl From<Time> for When {
    fn from(time: Time) -> When {
        let iso = time.to_string();
        let words = words_of(&iso).unwrap_or_else(|| iso.clone());
        When { iso, words }
    }
}

fn words_of(iso: &str) -> Option<String> {
    let month = iso.get(5..7)?.parse::<usize>().ok()?.checked_sub(1)?;
    let day = iso.get(8..10)?.trim_start_matches('0');
    Some(format!("{day} {} {}, {} UTC", MONTHS.get(month)?, iso.get(..4)?, iso.get(11..16)?))
}

/// A decision's state, with the colour it is shown in (never the only sign of it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateWords {
    /// The machine word: `waiting`, `in-force`, `lifted`, `not-confirmed`, `ended`.
    pub(crate) code: &'static str,
    /// As people read it.
    pub(crate) words: &'static str,
    /// Style class: `stop`, `calm` or `past`.
    pub(crate) tone: &'static str,
}

/// The state of `decision` at `now`.
pub(crate) fn state(decision: &Decision, now: Time) -> StateWords {
    let status = decision.status(now);
    let (words, tone) = match status {
        Status::Waiting => ("Takes effect later", "past"),
        Status::InForce if decision.confirm_by().is_some() => ("In force, not yet confirmed", "stop"),
        Status::InForce if decision.confirmed() => ("In force, confirmed", "stop"),
        Status::InForce => ("In force", "stop"),
        Status::Lifted => ("Lifted", "calm"),
        Status::Void => ("Void", "calm"),
        Status::NotConfirmed => ("Ended, not confirmed", "past"),
        Status::Ended => ("Ended", "past"),
    };
    StateWords { code: status.word(), words, tone }
}

/// One or two sentences that say what holds at `now`.
pub(crate) fn notice(decision: &Decision, now: Time) -> String {
    let until = When::from(decision.until()).words;
    match decision.status(now) {
        Status::Waiting => {
            format!(
                "This block takes effect on {}. It can be appealed now.",
                When::from(decision.impose.since).words
            )
        }
        Status::InForce if decision.confirm_by().is_some() => format!(
            "This block is in force. It ends by itself on {until}, unless a reviewer who took no part in it confirms it before."
        ),
        Status::InForce if decision.confirmed() => format!(
            "This block is in force. A reviewer who took no part in the decision confirmed it. It ends by itself on {until}."
        ),
        Status::InForce => format!("This block is in force. It ends by itself on {until}."),
        Status::Void => "This block is void: a key under it was suspended when it signed.".to_owned(),
        Status::Lifted => decision.lifted.as_ref().map_or_else(String::new, |lift| {
            format!(
                "This block was lifted on {}, because {}. In the words of who lifted it: “{}”",
                When::from(lift.time).words,
                lift_reason(lift.reason),
                lift.why
            )
        }),
        Status::NotConfirmed => {
            format!("This block ended on {until}: no independent reviewer had confirmed it.")
        }
        Status::Ended => format!("This block ended by itself on {until}."),
    }
}

/// What the end in the notes is called: a lift came before it, or it stands.
pub(crate) fn end_label(decision: &Decision) -> &'static str {
    if decision.lifted.is_some() { "Would have ended" } else { "Until" }
}

/// What a class is called.
pub(crate) fn class(class: Class) -> &'static str {
    match class {
        Class::Emergency => "Emergency block",
        Class::Abuse => "Block for abuse",
        Class::Standing => "Block for breach of a published rule",
        Class::Order => "Block by legal order",
    }
}

/// How wide a measure is, without naming anybody.
pub(crate) fn scope(scope: ScopeKind) -> &'static str {
    match scope {
        ScopeKind::Customer => "Every site of one customer, also sites added later",
        ScopeKind::Tenant => "One tenant of a customer",
        ScopeKind::Site => "One site of a customer",
        ScopeKind::Hostname => "One hostname",
    }
}

/// How wide a measure is, with how many hostnames its note counts. The number, never the list: the subject can be
/// erased, a page that was copied cannot.
pub(crate) fn scope_counted(kind: ScopeKind, hostnames: u64) -> String {
    match hostnames {
        count if count > 1 => format!("{} ({count} hostnames when it was decided)", scope(kind)),
        _ => scope(kind).to_string(),
    }
}

/// A rule's id as words: `imminent-threat-to-life` becomes `Imminent threat to life`.
pub(crate) fn rule(ground: &Id) -> String {
    let words = ground.as_str().replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether a court or an authority ordered it.
pub(crate) fn order(order: Option<&LegalOrder>) -> String {
    match order {
        None => "None; this is our own decision".to_string(),
        Some(order) => format!("Yes, of {} (document {})", order.authority, order.document),
    }
}

/// How many authorities were told before.
pub(crate) fn authorities(count: u64) -> String {
    match count {
        0 => "None before the decision".to_string(),
        1 => "One competent authority, before the decision".to_string(),
        many => format!("{many} competent authorities, before the decision"),
    }
}

/// What is held back, why, and until when.
pub(crate) fn withheld(withheld: &Withheld, now: Time) -> String {
    let reason = match withheld.reason {
        WithholdReason::VictimSafety => "to keep a person safe",
        WithholdReason::Investigation => "because an inquiry is running",
        WithholdReason::LegalSecrecy => "because the law demands it",
        WithholdReason::ChildSafety => "to keep a child safe",
    };
    let verb = if now < withheld.opens { "is" } else { "was" };
    format!(
        "A part of the reasons {verb} held back {reason}, until {}. Its hash is signed, so it cannot be changed: {}",
        When::from(withheld.opens).words,
        withheld.narrative
    )
}

/// Who asked for what was refused.
pub(crate) fn asked_by(who: AskedBy) -> &'static str {
    match who {
        AskedBy::Reporter => "somebody who reported",
        AskedBy::Authority => "an authority",
        AskedBy::Officer => "an officer",
    }
}

/// Why a block was lifted, to follow the word "because".
pub(crate) fn lift_reason(reason: LiftReason) -> &'static str {
    match reason {
        LiftReason::Error => "it should not have been imposed",
        LiftReason::Remedied => "the cause was removed",
        LiftReason::Over => "the danger is over",
        LiftReason::Appeal => "an appeal was upheld",
        LiftReason::Other => "of what is said here",
    }
}

/// What a continue note did, as a sentence.
pub(crate) fn continued(reason: ContinueReason, until: Time) -> String {
    let until = When::from(until).words;
    match reason {
        ContinueReason::Validated => {
            format!("Confirmed by a reviewer who took no part in it; it may run until {until}.")
        }
        ContinueReason::Extended => {
            format!("Extended once, on a new finding and by a new person, until {until}.")
        }
        ContinueReason::Order => format!("Taken over by a legal order, until {until}."),
    }
}

/// `n` and a noun: `1 person`, `2 persons`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_well() {
        for (unix, words) in [
            (1_662_246_900, "3 September 2022, 23:15 UTC"),
            (951_782_400, "29 February 2000, 00:00 UTC"),
            (0, "1 January 1970, 00:00 UTC"),
        ] {
            assert_eq!(When::from(Time(unix)).words, words);
        }
    }

    #[test]
    fn rules_read_as_words() {
        let ground = Id::parse("imminent-threat-to-life").unwrap();
        assert_eq!(rule(&ground), "Imminent threat to life");
    }

    #[test]
    fn what_is_held_back_says_why_and_until_when() {
        let held = Withheld {
            reason: WithholdReason::VictimSafety,
            narrative: ledger::Hash::of(b"later"),
            opens: Time(1_662_246_900),
        };
        let before = withheld(&held, Time(0));
        assert!(
            before.contains("is held back to keep a person safe, until 3 September 2022, 23:15 UTC"),
            "{before}"
        );
        assert!(before.ends_with(&held.narrative.to_string()), "{before}");
        assert!(withheld(&held, held.opens).contains("was held back"));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(counted(1, "person", "persons"), "1 person");
        assert_eq!(counted(3, "person", "persons"), "3 persons");
    }
}
