//! `portcullis lift`: one signature, through the desk or straight at an edge.

use ledger::note::Note;
use policy::Id;
use policy::clock::Clock as _;
use policy::note::{Head, Lift, LiftReason};

use crate::cli::{self, Global};
use crate::client::{Address, Ask, ask};
use crate::clock::RealClock;
use crate::desk_client::Desk;
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::{out, signing};

/// Where every edge takes a lift, on every hostname.
const PATH: &str = "/.well-known/portcullis/lift";

pub(super) async fn run(global: &Global, args: cli::Lift) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let target = target(&desk, &args).await?;
    let lift = Lift {
        head: Head { origin: officer.trust()?.origin, id: new_id("lft")? },
        lifts: target.clone(),
        reason: reason(args.reason),
        time: RealClock::new().now(),
        why: super::continues::sentence("--why", &args.why)?,
    };
    let text = lift.to_string();
    let signature = signing::agree_and_sign(&officer, &text, args.yes)?;
    let mut note = Note::new(&text).map_err(|e| Failure::input(e.to_string()))?;
    note.add(signature);
    let answer = match &args.edge {
        Some(edge) => at_edge(edge, note.to_bytes()).await?,
        None => {
            let answer = desk.undo(note.to_bytes()).await?;
            out::note(format_args!(
                "lifted: entry {} of the ledger",
                answer.get("index").unwrap_or(&serde_json::Value::Null)
            ));
            answer
        }
    };
    out::note(format_args!("next: portcullis status {target} --watch"));
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
    found.map_err(|f| if args.edge.is_some() { f.next("without the desk, give the whole id") } else { f })
}

async fn at_edge(edge: &str, note: Vec<u8>) -> Result<serde_json::Value> {
    let address = Address::parse(edge)?;
    let answer = ask(&address, Ask::post(PATH, "text/plain; charset=utf-8", note)).await?;
    let said = String::from_utf8_lossy(&answer.body).trim().to_owned();
    if !answer.status.is_success() {
        return Err(Failure::refused(format!("the edge says no ({}): {said}", answer.status)));
    }
    out::note(format_args!("lifted at {address} ({}): {said}", answer.status));
    Ok(serde_json::json!({ "edge": address.to_string(), "status": answer.status.as_u16(), "said": said }))
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
