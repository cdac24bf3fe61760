//! What a person must have seen before signing: the text's own claims, and the blobs behind its hashes, each fetched
//! and checked here and not only at the desk.

use std::collections::BTreeMap;

use ledger::Hash;
use policy::assessment::Assessment;
use policy::note::{Config, Continue, Criterion, Finding, Impose, LegalOrder, Referral, Verdict};
use policy::{AnyNote, Id, Subject, Time};

use crate::desk_client::{Desk, list, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::out;

/// Hostnames shown one by one; the rest is counted.
const SHOWN: usize = 12;

/// The text of a note at the desk, if it is meant for this person's ledger and carries the id that was asked for.
pub(crate) async fn fetch(desk: &Desk, officer: &Officer, id: &Id) -> Result<(String, AnyNote)> {
    let resource = desk.note(id).await?;
    let note_text = text(&resource, "text").to_owned();
    let note = parse(&note_text)?;
    let origin = officer.trust()?.origin;
    if note.origin() != origin || note.id() != id {
        let what = format!("the desk gave a note {} for {}, not {id} for {origin}", note.id(), note.origin());
        return Err(Failure::refused(what).next("do not sign; ask whoever runs the desk"));
    }
    Ok((note_text, note))
}

/// Reads a note's text, and makes sure that it has only one meaning.
pub(crate) fn parse(note_text: &str) -> Result<AnyNote> {
    let note = AnyNote::parse(note_text).map_err(|e| {
        Failure::refused(format!("the text is not in the grammar of notes: {e}")).next("do not sign")
    })?;
    if note.to_text() == note_text {
        Ok(note)
    } else {
        Err(Failure::refused("the text is not in its one spelling"))
    }
}

/// The subject behind a hash.
pub(crate) async fn subject(desk: &Desk, hash: &Hash, origin: &str) -> Result<Subject> {
    let blob = utf8(desk.blob(hash, "subject").await?, "subject")?;
    let subject = Subject::parse(&blob).map_err(|e| Failure::refused(format!("the subject: {e}")))?;
    if subject.origin != origin {
        return Err(Failure::refused(format!("the subject is meant for another log, {}", subject.origin)));
    }
    Ok(subject)
}

/// Text, or a refusal.
pub(crate) fn utf8(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Failure::refused(format!("the {what} is not text")))
}

/// Shows who is meant.
pub(crate) async fn show_subject(desk: &Desk, subject: &Subject) -> Result<()> {
    let customer = desk.customer(subject.customer.as_str()).await?;
    out::note(format_args!("customer   {} ({})", text(&customer, "name"), subject.customer));
    out::note(format_args!("scope      {}", subject.scope));
    out::note(format_args!("hostnames  {}", subject.hostnames.len()));
    subject.hostnames.iter().take(SHOWN).for_each(|host| out::note(format_args!("           {host}")));
    if subject.hostnames.len() > SHOWN {
        out::note(format_args!("           and {} more", subject.hostnames.len() - SHOWN));
    }
    subject.facts.iter().for_each(|fact| out::note(format_args!("fact       {fact}")));
    Ok(())
}

/// Shows which hostnames a configuration takes something from. The names are the desk's word; the numbers are in the
/// text, and every edge counts them again before it serves the configuration.
pub(crate) async fn show_config(desk: &Desk, config: &Config) -> Result<()> {
    let change = desk.get(&format!("/notes/{}/change", config.head.id)).await?;
    for (word, said, what) in [
        ("withdrawn", config.withdrawn, "stop reaching their origin"),
        ("lowered", config.lowered, "are served without TLS from then on"),
    ] {
        let lost: Vec<_> = list(&change, word).collect();
        if lost.len() as u64 != said {
            let what = format!("the text says {word} {said}, and the desk names {} hostnames", lost.len());
            return Err(Failure::refused(what).next("do not sign; ask whoever runs the desk"));
        }
        out::note(format_args!("{word:<10} {said} hostnames {what}"));
        for item in lost.iter().take(SHOWN) {
            out::note(format_args!("           {} of {}", text(item, "hostname"), text(item, "customer_id")));
        }
        if lost.len() > SHOWN {
            out::note(format_args!("           and {} more: the console lists all", lost.len() - SHOWN));
        }
    }
    Ok(())
}

/// Shows the eight criteria with their verdicts, and says what they cannot carry.
pub(crate) fn show_assessment(finding: &Finding, assessment: &Assessment) {
    let verdicts: BTreeMap<Criterion, Verdict> =
        Criterion::ALL.iter().copied().zip(finding.verdicts).collect();
    for ((criterion, verdict), sentence) in verdicts.iter().zip(&assessment.sentences) {
        out::note(format_args!("{:<17} {:<8} {sentence}", criterion.word(), verdict.word()));
    }
    for (scope, sentence) in &assessment.narrower {
        out::note(format_args!("{:<17} too small: {sentence}", format!("narrower-{scope}")));
    }
    if !finding.opens_emergency() {
        out::note("note: not all eight are met, so this finding opens no emergency");
    }
}

/// The assessment behind a finding.
pub(crate) async fn assessment(desk: &Desk, finding: &Finding) -> Result<Assessment> {
    let blob = utf8(desk.blob(&finding.assessment, "assessment").await?, "assessment")?;
    let assessment =
        Assessment::parse(&blob).map_err(|e| Failure::refused(format!("the assessment: {e}")))?;
    let same = assessment.origin == finding.head.origin
        && assessment.case == finding.case
        && assessment.scope == finding.scope;
    if same { Ok(assessment) } else { Err(Failure::refused("the assessment is about another case or scope")) }
}

/// Shows an impose note's reasons, subject and times, and refuses what cannot be meant.
pub(crate) async fn show_impose(desk: &Desk, impose: &Impose, now: Time) -> Result<()> {
    if now > impose.approve_by {
        return Err(Failure::refused(format!("too late: it had to be approved by {}", impose.approve_by))
            .next("the officer proposes it again"));
    }
    show_reasons(desk, impose).await?;
    out::note(format_args!(
        "class      {}, on the ground {} {}",
        impose.class, impose.ground, impose.ground_version
    ));
    out::note(format_args!(
        "runs       {} to {} unless somebody continues or lifts it",
        impose.since, impose.until
    ));
    out::note(format_args!("approve by {}", impose.approve_by));
    Ok(())
}

/// Shows everything that a decision rests on: finding, record of referrals, post, and whom it hits. Refuses what does
/// not fit together.
pub(crate) async fn show_reasons(desk: &Desk, impose: &Impose) -> Result<()> {
    let subject = subject(desk, &impose.subject, &impose.head.origin).await?;
    if subject.scope.kind() != impose.scope {
        return Err(Failure::refused("the note and its subject name different scopes"));
    }
    if subject.hostnames.len() as u64 != impose.hostnames {
        return Err(Failure::refused("the note and its subject count different hostnames"));
    }
    let post = utf8(desk.blob(&impose.post, "post").await?, "post")?;
    press::post::Post::reasons(post.as_bytes()).map_err(|e| Failure::refused(e.to_string()))?;
    if let Some(id) = &impose.finding {
        show_finding(desk, id, impose).await?;
    }
    if let Some(referral) = &impose.referral {
        show_referral(desk, referral).await?;
    }
    if let Some(order) = &impose.order {
        show_order(desk, order).await?;
    }
    out::note(format_args!("The post, published with it:\n\n{}", indent(&post)));
    if let Some(withheld) = &impose.withheld {
        let narrative =
            utf8(desk.blob(&withheld.narrative, "withheld narrative").await?, "withheld narrative")?;
        out::note(format_args!(
            "Held back ({}) until {}, then public by itself:\n\n{}",
            withheld.reason.word(),
            withheld.opens,
            indent(&narrative)
        ));
    }
    show_subject(desk, &subject).await
}

/// Shows the finding under a decision, which must be about the same matter.
pub(crate) async fn show_finding(desk: &Desk, id: &Id, impose: &Impose) -> Result<()> {
    let (_, note) = finding(desk, id).await?;
    if note.subject != impose.subject || note.scope != impose.scope {
        return Err(Failure::refused(format!("the finding {id} is about another subject or scope")));
    }
    out::note(format_args!("finding {id}, read it before you sign:"));
    show_assessment(&note, &assessment(desk, &note).await?);
    out::note("");
    Ok(())
}

/// Says where an order's document is, which whoever signs must have read. It may be a PDF: it goes to no terminal.
pub(crate) async fn show_order(desk: &Desk, order: &LegalOrder) -> Result<()> {
    let document = desk.find_blob(&order.document, "order's document").await?;
    let kept = document.map_or_else(
        || "not at the desk: ask the proposer for it".to_owned(),
        |bytes| format!("{} bytes at the desk", bytes.len()),
    );
    out::note(format_args!("order      of {}: {kept}, SHA-256 {}", order.authority, order.document));
    out::note(
        "           sign only if you read it, or called the authority back on the number in the directory",
    );
    Ok(())
}

/// Shows a continue note with all that the decision rests on.
pub(crate) async fn show_continue(desk: &Desk, officer: &Officer, next: &Continue) -> Result<()> {
    let (text, note) = fetch(desk, officer, &next.continues).await?;
    let AnyNote::Impose(impose) = note else {
        return Err(Failure::refused(format!("{} is a {}, not a block", next.continues, note.kind())));
    };
    out::note(format_args!("it continues this decision:\n\n{text}"));
    show_reasons(desk, &impose).await?;
    if let Some(id) = &next.finding {
        show_finding(desk, id, &impose).await?;
    }
    if let Some(order) = &next.order {
        show_order(desk, order).await?;
    }
    Ok(())
}

/// Shows the record of what authorities were told. It may lie elsewhere; then whoever signs must get it there.
async fn show_referral(desk: &Desk, referral: &Referral) -> Result<()> {
    let told = if referral.count == 1 { "authority was" } else { "authorities were" };
    out::note(format_args!("{} {told} told before; the record, not public:", referral.count));
    match desk.find_blob(&referral.record, "record of referrals").await? {
        Some(record) => out::note(format_args!("\n{}", indent(&String::from_utf8_lossy(&record)))),
        None => out::note(format_args!(
            "\n  it is not at the desk: ask the proposer for the file with the SHA-256\n  {}\n",
            referral.record
        )),
    }
    Ok(())
}

/// A finding at the desk.
pub(crate) async fn finding(desk: &Desk, id: &Id) -> Result<(String, Finding)> {
    let resource = desk.note(id).await?;
    match parse(text(&resource, "text"))? {
        AnyNote::Finding(finding) => Ok((text(&resource, "text").to_owned(), finding)),
        other => Err(Failure::new(Exit::Input, format!("{id} is a {}, not a finding", other.kind()))),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  | {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_notes_in_their_one_spelling_are_shown_for_signing() {
        assert!(parse("hello\n").is_err());
    }
}
