//! Page: the ledger's head, its trust line, and where the public reads it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policy::Outcome;
use store::StoreError;

use super::{Frame, render};
use crate::auth::{Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

/// Newest entries shown: one screen; the press shows all of them.
const ROWS: usize = 20;

#[derive(Template)]
#[template(path = "ledger.html")]
struct Page {
    frame: Frame,
    trust: String,
    size: u64,
    root: String,
    logged: String,
    checkpoint: String,
    entries: Vec<Row>,
}

/// An entry, with what became of it in the fold.
struct Row {
    index: usize,
    what: String,
    applied: bool,
}

/// `/ledger`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
) -> Result<Response, DeskError> {
    let head = desk.store.head().await?.ok_or(StoreError::NoLedger)?;
    let state = desk.state();
    let rows = state.outcomes().iter().enumerate().rev().take(ROWS);
    let entries = rows.map(|(index, outcome)| match outcome {
        Outcome::Applied { kind, id } => Row { index, what: format!("{kind} {id}"), applied: true },
        Outcome::Rejected { why } => Row { index, what: why.to_string(), applied: false },
    });
    render(&Page {
        frame: Frame::new(&desk, "/ledger", &by),
        trust: desk.trust.to_string(),
        size: head.size,
        root: head.root.to_base64(),
        logged: head.logged.to_string(),
        checkpoint: String::from_utf8_lossy(&head.checkpoint).into_owned(),
        entries: entries.collect(),
    })
}
