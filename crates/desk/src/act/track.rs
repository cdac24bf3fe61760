//! The emergency track of a case, where a note rests on it: nothing goes on while something closes it.
//!
//! The fold cannot see a case: it is the desk's, and not public. So this is a rule of ours and of everybody who signs
//! here; what no desk can get around is the quorum.

use policy::case::Case;
use policy::note::{ContinueReason, Finding};
use policy::{AnyNote, Subject, Time};

/// Why the case does not carry this note at `now`, in words; empty when it does. `subject` is the blob that the note
/// names, as far as the desk holds it.
pub(crate) fn closed(case: &Case, note: &AnyNote, subject: Option<&[u8]>, now: Time) -> Vec<String> {
    let closed = match note {
        AnyNote::Finding(_) | AnyNote::Impose(_) => case.facts.closed_by(now),
        // Whoever continues decides about what runs; the reviewer need not repeat the finding, but hears who objects.
        AnyNote::Continue(n) if n.reason != ContinueReason::Order => case.facts.objections(),
        _ => Vec::new(),
    };
    let mut words: Vec<String> =
        closed.iter().map(|why| format!("the emergency track of {} is closed: {why}", case.id)).collect();
    if let AnyNote::Finding(n) = note
        && let Some(until) = case.facts.window().filter(|until| *until != n.window_until)
    {
        words
            .push(format!("the finding's window ends at {}, that of {} at {until}", n.window_until, case.id));
    }
    if let AnyNote::Finding(n) = note {
        words.extend(foreign(case, n, subject));
    }
    if case.closed.is_some() {
        words.push(format!("{} is closed; open it again first", case.id));
    }
    words
}

/// Why a finding is not about whom its case is about: the facts about one customer find nothing about another.
fn foreign(case: &Case, finding: &Finding, subject: Option<&[u8]>) -> Option<String> {
    let text = subject.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(subject) = text.and_then(|text| Subject::parse(text).ok()) else {
        return Some(format!("the desk does not hold the subject {}; upload it first", finding.subject));
    };
    if subject.case != case.id {
        return Some(format!("the subject is that of {}, and the finding names {}", subject.case, case.id));
    }
    match &case.customer {
        Some(customer) if *customer == subject.customer => None,
        Some(customer) => Some(format!("{} is about {customer}, not {}", case.id, subject.customer)),
        None => Some(format!("{} is about no customer; open one about {}", case.id, subject.customer)),
    }
}
