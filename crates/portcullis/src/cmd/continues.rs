//! `portcullis continue`: a reviewer outside of all that was signed so far validates a running emergency, a new quorum
//! extends it, or a legal order takes over.

use policy::clock::Clock as _;
use policy::note::{Continue, ContinueReason, Head};
use policy::{AnyNote, Sentence};

use crate::cli::{self, Global};
use crate::clock::RealClock;
use crate::desk_client::{Desk, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::{out, review, signing};

/// How long after `since` a validated emergency may run, seconds: the floor's 72 hours. A tighter policy says no.
const VALIDATED: u64 = policy::floor::FLOOR.validated_hours * 3600;
/// The same for an extended one.
const EXTENDED: u64 = policy::floor::FLOOR.extended_hours * 3600;

pub(super) async fn run(global: &Global, args: cli::Continue) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let target = desk.resolve(&args.id).await?;
    let (impose_text, note) = review::fetch(&desk, &officer, &target).await?;
    let AnyNote::Impose(impose) = note else {
        return Err(Failure::input(format!("{target} is a {}, not a block", note.kind())));
    };
    let decision = desk.get(&format!("/decisions/{target}")).await?;
    out::note(format_args!(
        "the decision, {}, until {}:\n\n{impose_text}",
        text(&decision, "status"),
        text(&decision, "until")
    ));
    review::show_reasons(&desk, &impose).await?;
    let (mut finding, mut order) = (None, None);
    let (reason, until) = if let Some(written) = &args.order {
        order = Some(super::propose::legal_order(&desk, written).await?);
        (ContinueReason::Order, RealClock::new().now().plus(args.span.0))
    } else if let Some(id) = &args.extended {
        let id = desk.resolve(id).await?;
        review::show_finding(&desk, &id, &impose).await?;
        finding = Some(id);
        (ContinueReason::Extended, impose.since.plus(EXTENDED))
    } else {
        (ContinueReason::Validated, impose.since.plus(VALIDATED))
    };
    let note = Continue {
        head: Head { origin: impose.head.origin.clone(), id: new_id("con")? },
        continues: target,
        reason,
        until,
        finding,
        order,
        why: sentence("--why", &args.why)?,
    };
    let id = &note.head.id;
    let sent = signing::put_and_sign(&desk, &officer, id, &note.to_string(), args.yes).await?;
    let next = match text(&sent, "state") {
        "published" => format!("{} status {} --watch", global.me(), note.continues),
        _ => format!("whoever is missing: {} approve {id}", global.somebody()),
    };
    Ok(signing::report(global, &sent, &next))
}

/// A sentence from the command line.
pub(super) fn sentence(flag: &str, words: &str) -> Result<Sentence> {
    Sentence::parse(words).map_err(|why| Failure::input(format!("{flag} {why}")))
}
