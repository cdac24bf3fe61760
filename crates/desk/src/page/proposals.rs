//! Pages: notes that people are asked to sign, with the exact text, what is missing, and the commands to run.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use ledger::Hash;
use policy::AnyNote;
use store::{Draft, DraftState};

use super::{Frame, read_id, render};
use crate::act;
use crate::api::lists::{self, Part};
use crate::api::look;
use crate::api::resource::NoteResource;
use crate::auth::{Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

#[derive(Template)]
#[template(path = "proposals.html")]
struct List {
    frame: Frame,
    notes: Vec<NoteResource>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct Show {
    frame: Frame,
    note: NoteResource,
    command: Option<String>,
    referred: Vec<Referred>,
}

/// A blob that the note commits to by its hash.
struct Referred {
    what: &'static str,
    hash: Hash,
    /// Its text, while the desk holds it.
    text: Option<String>,
}

/// `/proposals`
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, DeskError> {
    let Query(part) = part.map_err(|e| DeskError::Request(e.body_text()))?;
    let (drafts, next_cursor) = lists::notes(&desk.store, &part).await?;
    let notes = look_at(&desk, drafts).await?;
    render(&List { frame: Frame::new(&desk, "/proposals"), notes, next_cursor })
}

/// `/proposals/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let draft = desk.store.draft(&id).await?;
    let draft = draft.ok_or_else(|| DeskError::NotFound(format!("the proposal {id}")))?;
    let note = look::note(&desk, draft).await?;
    let referred = referred(&desk, &note).await?;
    render(&Show { frame: Frame::new(&desk, "/proposals"), command: command(&note), note, referred })
}

/// What whoever signs must have read. Referral records and withheld narratives are not for this page.
async fn referred(desk: &Shared, note: &NoteResource) -> Result<Vec<Referred>, DeskError> {
    let hashes = match AnyNote::parse(&note.text)? {
        AnyNote::Impose(n) => vec![("Subject", n.subject), ("Post", n.post)],
        AnyNote::Finding(n) => vec![("Subject", n.subject), ("Assessment", n.assessment)],
        AnyNote::Config(n) => {
            // Once it is published, what it replaced may be forgotten.
            let change = act::config::change(desk, &note.text).await.ok();
            let text = change.map(|c| c.to_string()).map(|c| if c.is_empty() { "nothing".into() } else { c });
            return Ok(vec![Referred { what: "Taken away by the sites file", hash: n.snapshot, text }]);
        }
        _ => Vec::new(),
    };
    let mut referred = Vec::with_capacity(hashes.len());
    for (what, hash) in hashes {
        let text = desk.store.blob(&hash).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        referred.push(Referred { what, hash, text });
    }
    Ok(referred)
}

/// The newest notes that still want signatures, at most so many, looked for among the newest page.
pub(crate) async fn collecting(desk: &Shared, most: usize) -> Result<Vec<NoteResource>, DeskError> {
    let (drafts, _) = lists::notes(&desk.store, &Part::default()).await?;
    let open = drafts.into_iter().filter(|d| d.state == DraftState::Collecting).take(most).collect();
    look_at(desk, open).await
}

async fn look_at(desk: &Shared, drafts: Vec<Draft>) -> Result<Vec<NoteResource>, DeskError> {
    let mut notes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        notes.push(look::note(desk, draft).await?);
    }
    Ok(notes)
}

/// The command line's own way to sign a note of this kind; `None` where there is only the general way.
fn command(note: &NoteResource) -> Option<String> {
    match note.kind.as_str() {
        "finding" => Some(format!("portcullis finding sign {}", note.id)),
        "impose" | "config" => Some(format!("portcullis approve {}", note.id)),
        _ => None,
    }
}
