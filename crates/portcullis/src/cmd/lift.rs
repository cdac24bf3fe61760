//! `portcullis lift`: one signature, through the desk or straight at an edge.

use ledger::note::Note;
use policy::Id;
use policy::clock::Clock as _;
use policy::note::{Head, Lift, LiftReason};

use crate::cli::{self, Global};
use crate::client::{Address, Answer, Ask, ask};
use crate::clock::RealClock;
use crate::desk_client::{Desk, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id, write_new_bytes};
use crate::{out, signing};

/// Where every edge takes a lift, on every hostname.
const PATH: &str = "/.well-known/portcullis/lift";

pub(super) async fn run(global: &Global, args: cli::Lift) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    if let Some(edge) = &args.edge {
        Address::parse(edge)?;
    }
    let straight = |failure: Failure| match failure.exit {
        Exit::Unavailable if !args.alone() => failure.next(format!(
            "an edge takes it without the desk: {} lift ID --why '…' --edge http://ANY-HOSTNAME-IT-SERVES",
            global.me()
        )),
        _ => failure,
    };
    let target = target(&desk, &args).await.map_err(straight)?;
    if !args.alone() {
        let decision = desk.decision(&target).await.map_err(straight)?;
        let lifted = decision.as_ref().and_then(|d| d.get("lifted")).filter(|l| !l.is_null());
        if let Some(lifted) = lifted {
            out::note(format_args!(
                "it was lifted already, at {}; nothing is left to do",
                text(lifted, "time")
            ));
            out::made(global, "id", text(lifted, "id"));
            return Ok(Exit::Ok);
        }
        if decision.is_none() {
            out::note("it is only proposed so far: lifted, it can no longer be approved");
        }
    }
    let lift = Lift {
        head: Head { origin: officer.trust()?.origin, id: new_id("lft")? },
        lifts: target.clone(),
        reason: reason(args.reason),
        time: RealClock::new().now(),
        why: super::continues::sentence("--why", &args.why)?,
    };
    let written = lift.to_string();
    let signature = signing::agree_and_sign(&officer, &written, args.yes)?;
    let mut note = Note::new(&written).map_err(|e| Failure::input(e.to_string()))?;
    note.add(signature);
    if let Some(file) = &args.out {
        write_new_bytes(file, &note.to_bytes(), false)?;
        out::note(format_args!(
            "next: bring it to any edge, by either of\n  curl --data-binary @{0} http://ANY-HOSTNAME-IT-SERVES{PATH}\n  cp {0} \
             EDGE-DIR/ledger/inbox/       at the machine itself",
            file.display()
        ));
        out::made(global, "file", file.display());
        return Ok(Exit::Ok);
    }
    let answer = match &args.edge {
        Some(edge) => at_edge(edge, note.to_bytes(), "lifted").await?,
        None => {
            let answer = desk.undo(note.to_bytes()).await?;
            out::note(format_args!(
                "lifted: entry {} of the ledger",
                answer.get("index").unwrap_or(&serde_json::Value::Null)
            ));
            answer
        }
    };
    out::note(format_args!("next: {} status {target} --watch", global.me()));
    if global.json {
        out::json(&answer)
    } else {
        out::data(&lift.head.id)
    }
    Ok(Exit::Ok)
}

/// A whole id needs no desk: an edge may be all that is left.
async fn target(desk: &Desk, args: &cli::Lift) -> Result<Id> {
    let found = desk.resolve(&args.id).await;
    found.map_err(|f| if args.alone() { f.next("without the desk, give the whole id") } else { f })
}

/// Posts a note that undoes to an edge, under whatever name it was given: an edge takes it under every one.
pub(super) async fn at_edge(edge: &str, note: Vec<u8>, done: &str) -> Result<serde_json::Value> {
    to_edge(edge, PATH, note, done).await
}

/// Posts a note that needs no log to one of an edge's own paths.
pub(super) async fn to_edge(edge: &str, path: &str, note: Vec<u8>, done: &str) -> Result<serde_json::Value> {
    let address = Address::parse(edge)?;
    let answer = ask(&address, Ask::post(path, "text/plain; charset=utf-8", note)).await?;
    let said = words(&answer);
    if !answer.status.is_success() {
        return Err(Failure::refused(format!("the edge says no ({}): {said}", answer.status)));
    }
    out::note(format_args!("{done} at {address}: {said}"));
    Ok(serde_json::json!({ "edge": address.to_string(), "status": answer.status.as_u16(), "said": said }))
}

/// An edge answers with a problem document (RFC 9457), whatever it says; something before it may not.
fn words(answer: &Answer) -> String {
    let plain = || String::from_utf8_lossy(&answer.body).lines().next().unwrap_or_default().to_owned();
    let document: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    document.map_or_else(plain, |document| text(&document, "detail").to_owned())
}

fn reason(reason: cli::LiftReason) -> LiftReason {
    match reason {
        cli::LiftReason::Over => LiftReason::Over,
        cli::LiftReason::Error => LiftReason::Error,
        cli::LiftReason::Remedied => LiftReason::Remedied,
        cli::LiftReason::Appeal => LiftReason::Appeal,
        cli::LiftReason::Other => LiftReason::Other,
    }
}
