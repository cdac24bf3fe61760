//! Pages: notes that people are asked to sign, with the exact text, what is missing, and the commands to run.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::{Hash, webauthn};
use policy::people::People;
use policy::{AnyNote, Subject};
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
    /// What it does, in words, while the desk holds its subject.
    blocks: Option<Blocks>,
    referred: Vec<Referred>,
    /// What a browser is asked so that a passkey of the reader's signs, when one of them may.
    passkey: Option<String>,
    /// Whether a signature by it would not count yet: the policy before the one that names it judges this note too.
    early: bool,
}

/// What a decision would do, read from its text and its subject: what whoever approves must know first.
struct Blocks {
    customer: String,
    scope: String,
    hostnames: Vec<String>,
    class: String,
    ground: String,
    since: String,
    until: String,
    approve_by: String,
    told: u64,
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
    by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, DeskError> {
    let Query(part) = part.map_err(|e| DeskError::Request(e.body_text()))?;
    let (drafts, next_cursor) = lists::notes(&desk.store, &part).await?;
    let notes = look_at(&desk, drafts).await?;
    render(&List { frame: Frame::new(&desk, "/proposals", &by), notes, next_cursor })
}

/// `/proposals/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let draft = desk.store.draft(&id).await?;
    let draft = draft.ok_or_else(|| DeskError::NotFound(format!("the proposal {id}")))?;
    let note = look::note(&desk, draft).await?;
    let referred = referred(&desk, &by, &note).await?;
    let (passkey, early) = passkey(&desk, &by, &note).await?;
    let blocks = blocks(&desk, &note).await?;
    let frame = Frame::new(&desk, "/proposals", &by);
    render(&Show { frame, command: command(&note), note, blocks, referred, passkey, early })
}

async fn blocks(desk: &Shared, note: &NoteResource) -> Result<Option<Blocks>, DeskError> {
    let AnyNote::Impose(n) = AnyNote::parse(&note.text)? else { return Ok(None) };
    let subject = desk.store.blob(&n.subject).await?;
    let subject = subject.and_then(|bytes| Subject::parse(std::str::from_utf8(&bytes).ok()?).ok());
    Ok(subject.map(|subject| Blocks {
        customer: subject.customer.to_string(),
        scope: subject.scope.kind().to_string(),
        hostnames: subject.hostnames,
        class: n.class.to_string(),
        ground: n.ground.to_string(),
        since: n.since.to_string(),
        until: n.until.to_string(),
        approve_by: n.approve_by.to_string(),
        told: n.referral.map_or(0, |r| r.count),
    }))
}

/// What the browser of an officer is asked, when the policy in power names a passkey of theirs and the note is open:
/// options for `navigator.credentials.get` and, by credential, the keys as the policy writes them.
async fn passkey(
    desk: &Shared,
    by: &Authorised<Read>,
    note: &NoteResource,
) -> Result<(Option<String>, bool), DeskError> {
    let open = note.state == "collecting" || note.state == "signed";
    if !open || !by.is_officer() || desk.passkeys.is_none() {
        return Ok((None, false));
    }
    let state = desk.state();
    let policy = state.policy(desk.now());
    let people = People::of(&state, desk.now());
    let decision = note.kind == "impose" || note.kind == "continue";
    let mut early = decision;
    let theirs = desk.store.passkeys(Some(by.name())).await?;
    let theirs = theirs.iter().filter(|p| policy.keys().any(|key| key.to_string() == p.vkey));
    let (mut credentials, mut keys) = (Vec::new(), serde_json::Map::new());
    for passkey in theirs {
        let id = URL_SAFE_NO_PAD.encode(&passkey.credential);
        early &= people.judging().iter().any(|p| !p.keys().any(|key| key.to_string() == passkey.vkey));
        credentials.push(serde_json::json!({ "type": "public-key", "id": id }));
        keys.insert(id, passkey.vkey.clone().into());
    }
    let challenge = URL_SAFE_NO_PAD.encode(webauthn::challenge(note.text.as_bytes()));
    let options = serde_json::json!({
        "challenge": challenge,
        "allowCredentials": credentials,
        "userVerification": "required",
        "timeout": 300_000,
        "keys": keys,
    });
    Ok(((!keys.is_empty()).then(|| options.to_string()), early))
}

/// What whoever signs must have read. What authorities were told is for officers.
async fn referred(
    desk: &Shared,
    by: &Authorised<Read>,
    note: &NoteResource,
) -> Result<Vec<Referred>, DeskError> {
    let hashes = match AnyNote::parse(&note.text)? {
        AnyNote::Impose(n) => {
            let told =
                n.referral.filter(|_| by.is_officer()).map(|r| ("What authorities were told", r.record));
            [("Subject", n.subject), ("Post", n.post)].into_iter().chain(told).collect()
        }
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
