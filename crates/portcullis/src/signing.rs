//! From a text to a signature at the desk: show exactly what is signed, ask, sign, send, say what is missing.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use ledger::note::Signature;
use policy::Id;
use serde_json::Value;

use crate::cli::{Global, Yes};
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::{out, sshkey};

/// Shows a text and signs it, if the person agrees.
pub(crate) fn agree_and_sign(officer: &Officer, text: &str, yes: Yes) -> Result<Signature> {
    agree_and_sign_as(&officer.name, &officer.key, text, yes)
}

/// The same, by a name and a key file.
pub(crate) fn agree_and_sign_as(name: &str, key: &Path, text: &str, yes: Yes) -> Result<Signature> {
    // Whoever has read two pages at night should not learn only then that there is no key.
    sshkey::public(key)?;
    let line = "─".repeat(72);
    out::note(format_args!("{line}\n{}\n{line}", text.trim_end_matches('\n')));
    let question = format!("{name}: sign exactly this text?");
    if !agreed(&question, yes.yes)? {
        return Err(Failure::refused("not signed: you said no"));
    }
    sshkey::sign(key, name, text)
}

/// Puts a new text to the desk with a first signature.
pub(crate) async fn put_and_sign(
    desk: &Desk,
    officer: &Officer,
    id: &Id,
    note: &str,
    yes: Yes,
) -> Result<Value> {
    let signature = agree_and_sign(officer, note, yes)?;
    desk.draft(note).await?;
    let sent = desk.sign(id, &signature.to_string()).await?;
    public(desk, id, sent).await
}

/// A desk that has just started publishes nothing before an edge or a witness has said what the log holds. Edges do
/// within seconds; whoever signed the last line waits for that, or the next command would not find the note.
async fn public(desk: &Desk, id: &Id, mut sent: Value) -> Result<Value> {
    const EVERY: Duration = Duration::from_millis(500);
    const TIMES: u32 = 80;
    for turn in 0..TIMES {
        if text(&sent, "state") != "signed" {
            break;
        }
        if turn == 0 {
            out::note(
                "signed; the desk has just started and waits for an edge to confirm what the log holds",
            );
        }
        tokio::time::sleep(EVERY).await;
        sent = desk.note(id).await?;
    }
    Ok(sent)
}

/// Adds a signature to a text that is at the desk. One that brings the text no nearer stands under it all the same;
/// the person is told, so that nobody waits for an effect.
pub(crate) async fn add(desk: &Desk, officer: &Officer, id: &Id, note: &str, yes: Yes) -> Result<Value> {
    let before = desk.note(id).await?;
    if list(&before, "signed_by").any(|p| text(p, "person") == officer.person()) {
        if text(&before, "state") == "published" {
            // Asked again, after an answer that was lost: there is nothing left to do.
            return Ok(before);
        }
        let missing = texts(&before, "missing").join("; ");
        if text(&before, "state") == "signed" {
            return public(desk, id, before).await;
        }
        if !missing.is_empty() {
            return Err(Failure::refused(format!(
                "{} has signed it already; missing: {missing}",
                officer.name
            ))
            .next("somebody else signs it; a person counts once, whatever the number of keys"));
        }
        // Complete and not public: the desk stopped in between, and the same signature sets it going again.
    }
    let signature = agree_and_sign(officer, note, yes)?;
    let after = public(desk, id, desk.sign(id, &signature.to_string()).await?).await?;
    let missing = texts(&after, "missing");
    if !missing.is_empty() && missing == texts(&before, "missing") {
        out::note(
            "your signature stands under it, and brings it no nearer: it lacks what only others can give",
        );
    }
    Ok(after)
}

/// Prints what became of a note: its id (or all of it as JSON) on stdout, words on stderr.
pub(crate) fn report(global: &Global, note: &Value, next: &str) -> Exit {
    tell(note, next);
    if global.json {
        out::json(note)
    } else {
        out::data(text(note, "id"))
    }
    Exit::Ok
}

/// The words of it.
pub(crate) fn tell(note: &Value, next: &str) {
    match (text(note, "state"), note.get("index").and_then(Value::as_u64)) {
        ("published", Some(index)) => out::note(format_args!("published: entry {index} of the ledger")),
        ("signed", _) => {
            out::note(
                "signed by everybody it needs, and kept; the desk publishes it by itself, and has not yet",
            );
            texts(note, "missing").iter().for_each(|missing| out::note(format_args!("  missing: {missing}")));
        }
        (state, _) => {
            out::note(format_args!("{state}: at the desk, without effect so far"));
            texts(note, "missing").iter().for_each(|missing| out::note(format_args!("  missing: {missing}")));
        }
    }
    if !next.is_empty() {
        out::note(format_args!("next: {next}"));
    }
}

/// Asks at the terminal. Without one, and without `--yes`, the answer is no.
pub(crate) fn agreed(question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    let said = asked(&format!("{question} [y/N] "))?;
    Ok(matches!(said.to_lowercase().as_str(), "y" | "yes"))
}

/// Has somebody type what they are about to name, so that a block of the wrong customer takes more than one key.
pub(crate) fn typed(what: &str, wanted: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let said = asked(&format!("type {what} ({wanted}) to go on: "))?;
    if said.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::refused(format!("not signed: you typed {said:?}, and {what} is {wanted}"))
        .next("if that is not the one you meant, you had the wrong customer"))
}

fn asked(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Failure::refused("nothing was done: nobody to ask").next("run it at a terminal, or add --yes")
        );
    }
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
    let mut line = String::new();
    let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut line));
    read.map_err(|e| Failure::new(Exit::Io, format!("cannot ask: {e}")))?;
    Ok(line.trim().to_owned())
}
