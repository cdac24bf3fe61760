//! The handlers of the API. Each asks for its permission as a value, calls one act or one look, and answers.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use policy::Id;
use serde::Serialize;
use store::{Answer, Draft};
use utoipa::IntoResponses;

use super::lists::{self, Part};
use super::{look, resource};
use crate::act;
use crate::auth::{self, Authorised, Enrol, PutBlob, Read, Sign, Undo};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::{DeskError, Problem};
use crate::limits;
use crate::once::{Once, answer, json};

type Desk = State<Arc<Shared>>;
pub(crate) type Answered = Result<Response, DeskError>;

/// What any request may be answered with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers of `crate::error`, for the document only")]
pub(crate) enum Problems {
    /// The request was not done; `code` says why.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Theirs(#[to_schema] Problem),
    /// The request was not done, and that is not the caller's fault.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Ours(#[to_schema] Problem),
}

pub(crate) fn ok<T: Serialize>(value: &T) -> Answered {
    json(StatusCode::OK, value).map(answer)
}

pub(crate) fn read_id(path: Result<Path<String>, PathRejection>) -> Result<Id, DeskError> {
    let Path(text) = path.map_err(|e| DeskError::Request(e.body_text()))?;
    Id::parse(&text).ok_or_else(|| DeskError::NotFound(format!("{text} is no id")))
}

pub(crate) fn read_part(query: Result<Query<Part>, QueryRejection>) -> Result<Part, DeskError> {
    query.map(|Query(part)| part).map_err(|e| DeskError::Request(e.body_text()))
}

/// How things stand: ledger, policy, what is in force, every edge.
#[utoipa::path(get, path = "/api/v1/status", operation_id = "getStatus", tag = "status",
    responses((status = 200, body = resource::Status), Problems))]
pub(crate) async fn status(State(desk): Desk, _by: Authorised<Read>) -> Answered {
    ok(&look::status(&desk).await?)
}

/// Upload a subject, a post or an assessment. It becomes public with the decision that names it, not before.
#[utoipa::path(post, path = "/api/v1/blobs", operation_id = "putBlob", tag = "notes",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content_type = "application/octet-stream", description = "At most 256 KiB"),
    responses((status = 201, body = resource::Blob), Problems))]
pub(crate) async fn put_blob(
    State(desk): Desk,
    by: Authorised<PutBlob>,
    once: Once,
    body: Octets<{ limits::BLOB }>,
) -> Answered {
    let act = async {
        let sha256 = act::blob::put(&by, &desk, &body.0).await?.to_string();
        json(StatusCode::CREATED, &resource::Blob { sha256 })
    };
    once.run(&desk, by.name(), &body.0, act).await
}

/// A blob by its SHA-256, public or not yet.
#[utoipa::path(get, path = "/api/v1/blobs/{sha256}", operation_id = "getBlob", tag = "notes",
    params(("sha256" = String, Path, description = "64 lower-case hex digits")),
    responses((status = 200, content_type = "application/octet-stream", description = "The bytes"), Problems))]
pub(crate) async fn get_blob(
    State(desk): Desk,
    by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let Path(hash) = path.map_err(|e| DeskError::Request(e.body_text()))?;
    let body = act::blob::get(&by, &desk, &hash).await?;
    Ok(answer(Answer { status: 200, content_type: "application/octet-stream".into(), body }))
}

/// Put a note's text, for people to sign. The same text again is the same note.
#[utoipa::path(post, path = "/api/v1/notes", operation_id = "draftNote", tag = "notes",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = String, content_type = "text/plain", description = "The text to sign, at most 48 KiB, without signatures"),
    responses((status = 201, body = resource::NoteResource), Problems))]
pub(crate) async fn draft_note(
    State(desk): Desk,
    by: Authorised<auth::Draft>,
    once: Once,
    body: Octets<{ limits::TEXT }>,
) -> Answered {
    let act = async {
        let draft = act::draft::draft(&by, &desk, body.text()?).await?;
        note_answer(&desk, StatusCode::CREATED, draft).await
    };
    once.run(&desk, by.name(), &body.0, act).await
}

async fn note_answer(desk: &Shared, status: StatusCode, draft: Draft) -> Result<Answer, DeskError> {
    json(status, &look::note(desk, draft).await?)
}

/// Notes, newest first.
#[utoipa::path(get, path = "/api/v1/notes", operation_id = "listNotes", tag = "notes", params(Part),
    responses((status = 200, body = resource::Notes), Problems))]
pub(crate) async fn list_notes(
    State(desk): Desk,
    _by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Answered {
    let (drafts, next_cursor) = lists::notes(&desk.store, &read_part(part)?).await?;
    let mut notes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        notes.push(look::note(&desk, draft).await?);
    }
    ok(&resource::Notes { notes, next_cursor })
}

/// A note: the exact text, who signed, what is missing.
#[utoipa::path(get, path = "/api/v1/notes/{id}", operation_id = "getNote", tag = "notes",
    params(("id" = String, Path, description = "The note's id")),
    responses((status = 200, body = resource::NoteResource), Problems))]
pub(crate) async fn get_note(
    State(desk): Desk,
    _by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let id = read_id(path)?;
    let draft = desk.store.draft(&id).await?;
    let draft = draft.ok_or_else(|| DeskError::NotFound(format!("the note {id}")))?;
    note_answer(&desk, StatusCode::OK, draft).await.map(answer)
}

/// What a configuration takes away, by hostname. Its note has the numbers alone; whoever signs it reads this first.
#[utoipa::path(get, path = "/api/v1/notes/{id}/change", operation_id = "getChange", tag = "notes",
    params(("id" = String, Path, description = "The note's id")),
    responses((status = 200, body = resource::Change), Problems))]
pub(crate) async fn get_change(
    State(desk): Desk,
    _by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let id = read_id(path)?;
    let draft = desk.store.draft(&id).await?;
    let draft = draft.ok_or_else(|| DeskError::NotFound(format!("the note {id}")))?;
    ok(&look::change(act::config::change(&desk, &draft.text).await?))
}

/// Add one signature. When nothing is missing any more, the note is published and the answer says where.
#[utoipa::path(post, path = "/api/v1/notes/{id}/signatures", operation_id = "signNote", tag = "notes",
    params(("id" = String, Path, description = "The note's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = String, content_type = "text/plain", description = "One line, `— NAME BASE64`, the file that `ssh-keygen -Y sign -n portcullis-note/v1` wrote, or a passkey's assertion: an object with `passkey` (the key as the policy writes it), `authenticatorData`, `clientDataJSON` and `signature`, each in Base64 for URLs without padding"),
    responses((status = 200, body = resource::NoteResource),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "The signature is kept, but the fold refuses the note as things stand; `code` and `detail` say why"),
        Problems))]
pub(crate) async fn sign_note(
    State(desk): Desk,
    by: Authorised<Sign>,
    path: Result<Path<String>, PathRejection>,
    once: Once,
    body: Octets<{ limits::SIGNATURE }>,
) -> Answered {
    let id = read_id(path)?;
    let act = async {
        let draft = act::sign::sign(&by, &desk, &id, body.text()?).await?;
        note_answer(&desk, StatusCode::OK, draft).await
    };
    once.run(&desk, by.name(), &body.0, act).await
}

/// A whole signed lift or suspension: it takes effect at once and is logged. The same note again is the same answer.
#[utoipa::path(post, path = "/api/v1/undo", operation_id = "undo", tag = "notes",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = String, content_type = "text/plain", description = "A signed note, at most 4096 bytes"),
    responses((status = 200, body = resource::Undone), Problems))]
pub(crate) async fn undo(
    State(desk): Desk,
    by: Authorised<Undo>,
    once: Once,
    body: Octets<{ limits::UNDO }>,
) -> Answered {
    let act = async { undone(StatusCode::OK, act::undo::undo(&desk, &body.0).await?) };
    once.run(&desk, by.name(), &body.0, act).await
}

pub(crate) fn undone(status: StatusCode, done: act::undo::Undone) -> Result<Answer, DeskError> {
    let act::undo::Undone { id, kind, index } = done;
    json(status, &resource::Undone { id: id.to_string(), kind: kind.to_string(), index })
}

/// Decisions, newest first, each with its progress edge by edge.
#[utoipa::path(get, path = "/api/v1/decisions", operation_id = "listDecisions", tag = "decisions", params(Part),
    responses((status = 200, body = resource::Decisions), Problems))]
pub(crate) async fn list_decisions(
    State(desk): Desk,
    _by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Answered {
    let state = desk.state();
    let (found, next_cursor) = lists::decisions(&state, &read_part(part)?)?;
    ok(&resource::Decisions { decisions: look::decisions(&desk, &found).await?, next_cursor })
}

/// A decision: what became of it, and how far each edge is.
#[utoipa::path(get, path = "/api/v1/decisions/{id}", operation_id = "getDecision", tag = "decisions",
    params(("id" = String, Path, description = "The impose note's id")),
    responses((status = 200, body = resource::Decision), Problems))]
pub(crate) async fn get_decision(
    State(desk): Desk,
    _by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let (decision, _text) = look::decision_by_id(&desk, &read_id(path)?).await?;
    ok(&decision)
}

/// Entries of the ledger, oldest first, as they were logged: whoever folds them all from the trust line knows what the
/// desk knows. `cursor` is the number of the first.
#[utoipa::path(get, path = "/api/v1/entries", operation_id = "listEntries", tag = "ledger", params(Part),
    responses((status = 200, body = resource::Entries), Problems))]
pub(crate) async fn list_entries(
    State(desk): Desk,
    _by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Answered {
    let (from, to) = lists::entries(desk.state().size(), &read_part(part)?)?;
    ok(&look::entries(&desk, from, to).await?)
}

/// Every enrolled edge and its newest receipt.
#[utoipa::path(get, path = "/api/v1/edges", operation_id = "listEdges", tag = "edges",
    responses((status = 200, body = resource::Edges), Problems))]
pub(crate) async fn list_edges(State(desk): Desk, _by: Authorised<Read>) -> Answered {
    ok(&resource::Edges { edges: look::edges(&desk).await? })
}

/// Listen to an edge's receipts from now on. The same edge again changes nothing.
#[utoipa::path(post, path = "/api/v1/edges", operation_id = "enrolEdge", tag = "edges",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = resource::NewEdge),
    responses((status = 201, body = resource::Edge), Problems))]
pub(crate) async fn enrol_edge(
    State(desk): Desk,
    by: Authorised<Enrol>,
    once: Once,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let act = async {
        let new: resource::NewEdge = serde_json::from_slice(&body.0)
            .map_err(|e| DeskError::Request(format!("the body must be {{\"vkey\": ...}}: {e}")))?;
        let name = act::enrol::enrol(&by, &desk, &new.vkey).await?;
        let edges = look::edges(&desk).await?;
        let edge = edges.iter().find(|e| e.name == name);
        json(
            StatusCode::CREATED,
            edge.ok_or_else(|| DeskError::Defect(format!("{name} is enrolled and not listed")))?,
        )
    };
    once.run(&desk, by.name(), &body.0, act).await
}

/// Customers, as the sites file names them.
#[utoipa::path(get, path = "/api/v1/customers", operation_id = "listCustomers", tag = "customers",
    responses((status = 200, body = resource::Customers), Problems))]
pub(crate) async fn list_customers(State(desk): Desk, _by: Authorised<Read>) -> Answered {
    ok(&resource::Customers { customers: look::customers(&desk).await? })
}

/// Sites of all customers.
#[utoipa::path(get, path = "/api/v1/sites", operation_id = "listSites", tag = "customers",
    responses((status = 200, body = resource::Sites), Problems))]
pub(crate) async fn list_sites(State(desk): Desk, _by: Authorised<Read>) -> Answered {
    let sites = look::customers(&desk).await?.into_iter().flat_map(|c| c.sites).collect();
    ok(&resource::Sites { sites })
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "getOpenapi", tag = "status", security(()),
    responses((status = 200, content_type = "application/json", body = serde_json::Value), Problems))]
pub(crate) async fn openapi() -> Response {
    let body = super::openapi_json().into_bytes();
    answer(Answer { status: 200, content_type: "application/json".into(), body })
}
