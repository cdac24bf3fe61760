//! The ledger for people: the list of entries, and one entry with its exact text, signatures and proof.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use ledger::note::{Signature, VerifierKey};
use ledger::{Hash, checkpoint, merkle};
use policy::entry::Entry;
use policy::note::PolicyNote;
use policy::{AnyNote, Id};

use crate::http::{FRESH, Failure, HTML, answer};
use crate::pages::{Frame, before};
use crate::words::{self, When};
use crate::{App, fold};

/// Entries on one page of the list.
const PER_PAGE: u64 = 50;

struct Row {
    index: u64,
    logged: When,
    kind: &'static str,
    about: String,
    effect: String,
    /// Whether the note has no effect.
    void: bool,
}

#[derive(Template)]
#[template(path = "ledger.html")]
struct LedgerPage<'a> {
    frame: Frame<'a>,
    size: u64,
    rows: Vec<Row>,
    older: Option<u64>,
    newer: bool,
}

/// `/ledger`, which people type.
pub(crate) async fn redirect() -> Redirect {
    Redirect::permanent("/ledger/")
}

/// `/ledger/`
pub(crate) async fn browse(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    let size = app.fold.current().await?.size();
    let end = before(query.as_deref()).unwrap_or(size).min(size);
    let start = end.saturating_sub(PER_PAGE);
    let entries = app.reader.entries(start, end).await?;
    let state = app.fold.current().await?;
    let mut rows: Vec<Row> = (start..end)
        .zip(&entries)
        .map(|(index, bytes)| row(index, bytes, fold::effect(&state, index)))
        .collect();
    drop(state);
    rows.reverse();
    let html = LedgerPage {
        frame: Frame::of(&app),
        size,
        rows,
        older: (start > 0).then_some(start),
        newer: end < size,
    }
    .render()?;
    Ok(answer(&asked, HTML, FRESH, html.into_bytes()))
}

fn row(index: u64, bytes: &[u8], effect: String) -> Row {
    let entry = Entry::parse(bytes).ok();
    let note = entry.as_ref().and_then(|entry| AnyNote::parse(entry.note.text()).ok());
    Row {
        index,
        logged: entry.map(|entry| entry.logged).unwrap_or_default().into(),
        kind: kind(note.as_ref()),
        about: note.as_ref().map(about).unwrap_or_default(),
        void: effect != fold::ACCEPTED,
        effect,
    }
}

fn kind(note: Option<&AnyNote>) -> &'static str {
    match note {
        Some(AnyNote::Finding(_)) => "Finding",
        Some(AnyNote::Impose(_)) => "Decision to block",
        Some(AnyNote::Continue(_)) => "Continuation",
        Some(AnyNote::Lift(_)) => "Lift",
        Some(AnyNote::Refuse(_)) => "Refusal",
        Some(AnyNote::Suspend(_)) => "Suspension of a key",
        Some(AnyNote::Policy(_)) => "Policy",
        Some(AnyNote::Config(_)) => "Configuration",
        None => "Unreadable",
    }
}

/// What a note is about, in one line.
fn about(note: &AnyNote) -> String {
    match note {
        AnyNote::Finding(finding) if finding.opens_emergency() => {
            format!("{}: imminent threat to life, all criteria met", note.id())
        }
        AnyNote::Finding(_) => format!("{}: not every criterion met", note.id()),
        AnyNote::Impose(impose) => format!("{}: {}", note.id(), words::class(impose.class)),
        AnyNote::Continue(next) => format!("{}: {}, {}", note.id(), next.continues, next.reason.word()),
        AnyNote::Lift(lift) => format!("{}: {}, {}", note.id(), lift.lifts, lift.why),
        AnyNote::Refuse(refuse) => {
            format!("{}: asked by {}: {}", note.id(), refuse.asked_by.word(), refuse.why)
        }
        AnyNote::Suspend(suspend) => format!("{}: {}", note.id(), suspend.why),
        AnyNote::Policy(policy) => format!("{}: version {}", note.id(), policy.version),
        AnyNote::Config(config) if config.takes_away() => format!(
            "{}: version {}, {} hostnames no longer served, {} protected less",
            note.id(),
            config.version,
            config.withdrawn,
            config.lowered
        ),
        AnyNote::Config(config) => format!("{}: version {}", note.id(), config.version),
    }
}

struct SignatureRow {
    name: String,
    key_id: String,
    checked: String,
}

struct ProofStep {
    sibling: Hash,
    side: &'static str,
    result: Hash,
}

struct Proof {
    leaf: Hash,
    steps: Vec<ProofStep>,
    size: u64,
    root: Hash,
    verdict: String,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    frame: Frame<'a>,
    index: u64,
    logged: When,
    kind: &'static str,
    effect: String,
    decision: Option<String>,
    text: String,
    signatures: Vec<SignatureRow>,
    proof: Proof,
}

/// `/ledger/entry/{index}`
pub(crate) async fn entry(
    State(app): State<Arc<App>>,
    Path(index): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    const MISSING: Failure = Failure::NotFound("The ledger has no entry with this number.");
    let number: u64 = index.parse().map_err(|_| MISSING)?;
    // One address per entry: `007` and `+7` are none.
    if number.to_string() != index {
        return Err(MISSING);
    }
    let now = app.now();
    let (size, log_key, policy, effect) = {
        let state = app.fold.current().await?;
        (state.size(), state.log_key().clone(), state.policy(now).clone(), fold::effect(&state, number))
    };
    if number >= size {
        return Err(MISSING);
    }
    let bytes = app.reader.entry(number).await?.ok_or(MISSING)?;
    let entry = Entry::parse(&bytes)
        .map_err(|why| Failure::Broken(format!("entry {number} cannot be read: {why}")))?;
    let note = AnyNote::parse(entry.note.text()).ok();
    let html = EntryPage {
        frame: Frame::of(&app),
        index: number,
        logged: entry.logged.into(),
        kind: kind(note.as_ref()),
        decision: note.as_ref().and_then(decision_of).map(Id::to_string),
        effect,
        text: entry.note.text().to_string(),
        signatures: entry.note.signatures().iter().map(|s| checked(entry.note.text(), s, &policy)).collect(),
        proof: proof(&app, number, &bytes, &log_key).await?,
    }
    .render()?;
    Ok(answer(&asked, HTML, FRESH, html.into_bytes()))
}

/// The decision that a note is, continues or lifts.
fn decision_of(note: &AnyNote) -> Option<&Id> {
    match note {
        AnyNote::Impose(impose) => Some(&impose.head.id),
        AnyNote::Continue(next) => Some(&next.continues),
        AnyNote::Lift(lift) => Some(&lift.lifts),
        AnyNote::Finding(_)
        | AnyNote::Refuse(_)
        | AnyNote::Suspend(_)
        | AnyNote::Policy(_)
        | AnyNote::Config(_) => None,
    }
}

/// A signature line, checked against today's policy. Whether it counted is the fold's matter, which used the
/// policy of its time; the line "Effect" says so.
fn checked(text: &str, signature: &Signature, policy: &PolicyNote) -> SignatureRow {
    let key = policy.keys().find(|key| key.name() == signature.name && key.key_id() == signature.key_id);
    let checked = match key.map(|key| (key, key.verify(text.as_bytes(), signature))) {
        None => "Not a key of today's policy".to_string(),
        Some((_, Err(why))) => format!("Does not verify: {why}"),
        Some((key, Ok(_))) => policy.holder(key).map_or_else(
            || "Verifies".to_string(),
            |holder| format!("Verifies; {}, {}", holder.person, holder.organisation),
        ),
    };
    let key_id: String = signature.key_id.iter().map(|byte| format!("{byte:02x}")).collect();
    SignatureRow { name: signature.name.clone(), key_id, checked }
}

/// The way from the entry's hash to the signed root, and whether it gets there.
async fn proof(app: &App, index: u64, bytes: &[u8], log_key: &VerifierKey) -> Result<Proof, Failure> {
    let signed = app.reader.checkpoint().await?.ok_or(Failure::NoLedger)?;
    let (head, _) = checkpoint::open(&signed, log_key)
        .map_err(|why| Failure::Broken(format!("the checkpoint does not hold: {why}")))?;
    let path = app
        .reader
        .inclusion(index, head.size)
        .await?
        .ok_or_else(|| Failure::Broken(format!("no proof for entry {index} of {}", head.size)))?;
    let leaf = merkle::leaf_hash(bytes);
    let verdict = match merkle::verify_inclusion(&leaf, index, head.size, &path, &head.root) {
        Ok(()) => "They are the same, so the entry stands in the ledger that the log signed.".to_string(),
        Err(why) => format!("They differ ({why}). This ledger has been tampered with."),
    };
    Ok(Proof { leaf, steps: climb(leaf, index, head.size, &path), size: head.size, root: head.root, verdict })
}

/// Each step of the proof with its result, as RFC 9162 section 2.1.3.2 walks it. It only shows;
/// `merkle::verify_inclusion` judges.
fn climb(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Vec<ProofStep> {
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut result = leaf;
    let mut steps = Vec::with_capacity(path.len());
    for sibling in path {
        let left = node % 2 == 1 || node == last;
        result = if left { merkle::node_hash(sibling, &result) } else { merkle::node_hash(&result, sibling) };
        steps.push(ProofStep { sibling: *sibling, side: if left { "left" } else { "right" }, result });
        if left {
            while node.is_multiple_of(2) && node != 0 {
                node /= 2;
                last /= 2;
            }
        }
        node /= 2;
        last /= 2;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_steps_reach_the_root() {
        for size in [1u64, 2, 3, 5, 8, 13, 64, 100, 257] {
            let mut tree = merkle::Tree::new();
            let leaves: Vec<Hash> = (0..size).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
            for leaf in &leaves {
                tree.push(*leaf);
            }
            let root = merkle::root(&tree, size).unwrap();
            for (index, leaf) in (0..size).zip(&leaves) {
                let path = merkle::prove_inclusion(&tree, index, size).unwrap();
                let steps = climb(*leaf, index, size, &path);
                assert_eq!(steps.last().map_or(*leaf, |step| step.result), root, "{index} of {size}");
            }
        }
    }
}
