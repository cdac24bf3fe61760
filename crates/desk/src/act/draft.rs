//! Act: a note's text is put, for people to sign.

use ledger::note::{Note, NoteError};
use policy::{AnyNote, Rejected};
use store::{Draft, NewDraft};

use super::{publish, subject, track};
use crate::auth;
use crate::desk::Shared;
use crate::error::DeskError;

/// The note that a draft is so far, with its signatures.
pub(crate) fn note(draft: &Draft) -> Result<Note, NoteError> {
    if draft.signatures.is_empty() { Note::new(&draft.text) } else { Note::parse(&draft.to_note()) }
}

/// Keeps the text. The same text again is the same draft.
pub(crate) async fn draft(
    by: &auth::Authorised<auth::Draft>,
    desk: &Shared,
    text: &str,
) -> Result<Draft, DeskError> {
    let parsed = AnyNote::parse(text)?;
    let note = Note::new(text).map_err(|e| DeskError::Unfit { code: "note", why: e.to_string() })?;
    let state = desk.state();
    if parsed.origin() != state.origin() {
        return Err(Rejected::ForeignOrigin.into());
    }
    if matches!(parsed, AnyNote::Config(_)) {
        let why = "the desk itself writes configurations, from its sites file: change that".to_owned();
        return Err(DeskError::Unfit { code: "config", why });
    }
    let stored = desk.store.draft(parsed.id()).await?;
    if let Some(same) = stored.filter(|d| d.text == text) {
        return Ok(same);
    }
    if state.has_logged(parsed.id()) {
        return Err(Rejected::DuplicateId.into());
    }
    let blobs = publish::blobs(desk, &note).await?;
    let closed = match (&blobs.case, &parsed) {
        (Some(case), _) => track::closed(case, &parsed, blobs.subject.as_deref(), desk.now()),
        (None, AnyNote::Finding(n)) if n.opens_emergency() => {
            vec![format!("this desk has no case {}; open one: evidence and referrals stand there", n.case)]
        }
        _ => Vec::new(),
    };
    if !closed.is_empty() {
        desk.count("track").await;
        return Err(DeskError::Refused { code: "track", why: closed.join("; ") });
    }
    if let AnyNote::Impose(impose) = &parsed {
        subject::check(impose, state.origin(), &blobs, &desk.customers())
            .map_err(|why| DeskError::Unfit { code: "subject", why })?;
    }
    // What no signature can mend is refused before anybody signs it, and is not kept.
    match state.would_apply(&note, desk.now()) {
        Ok(()) | Err(Rejected::Quorum(_) | Rejected::BlastRadius) => {}
        Err(why) => {
            desk.count(why.code()).await;
            return Err(why.into());
        }
    }
    let new = NewDraft {
        id: parsed.id().clone(),
        kind: parsed.kind().word().to_owned(),
        text: text.to_owned(),
        created: desk.now(),
    };
    let draft = desk.store.put_draft(&new).await?;
    tracing::info!(by = by.name(), id = %new.id, kind = new.kind, "draft");
    Ok(draft)
}
