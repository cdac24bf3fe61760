//! Act: a lift or a suspension arrives, whole and signed. Its signatures are all the permission it needs; the desk's
//! part is to believe it at once and to write it into the log.

use std::sync::Arc;

use ledger::Hash;
use ledger::note::Note;
use policy::{AnyNote, Id, Kind, Outcome, State};
use store::DraftState;

use super::publish::{self, Attempt};
use crate::desk::{Public, Shared};
use crate::error::DeskError;

/// What became of an undo note.
#[derive(Debug)]
pub(crate) struct Undone {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    /// Its place in the log.
    pub(crate) index: u64,
}

/// Takes the note's effect, then logs it. A note that is logged already gives the same answer again.
pub(crate) async fn undo(desk: &Arc<Shared>, bytes: &[u8]) -> Result<Undone, DeskError> {
    believe(desk, bytes).await?;
    let note = Note::parse(bytes).map_err(|e| DeskError::Unfit { code: "note", why: e.to_string() })?;
    let parsed = AnyNote::parse(note.text())?;
    let (id, kind) = (parsed.id().clone(), parsed.kind());
    let text = Hash::of(note.text().as_bytes());
    if let Some(index) = desk.state().logged_undo(&text) {
        return Ok(Undone { id, kind, index });
    }
    let draft = desk.store.draft(&id).await?;
    let draft = draft.filter(|d| d.state == DraftState::Collecting && d.text == note.text()).map(|d| d.id);
    match publish::attempt(desk, note, draft).await? {
        Attempt::Published(done) => Ok(Undone { id, kind, index: done.index }),
        // Somebody else's copy of the same note may have been logged while we waited for the sequencer.
        Attempt::Refused(no) => match desk.state().logged_undo(&text) {
            Some(index) => Ok(Undone { id, kind, index }),
            None => Err(no.into()),
        },
        Attempt::Waits(words) => Err(policy::Rejected::Quorum(words).into()),
    }
}

/// Verifies and applies the note to the desk's own state before anything is written: what a full disk or a stuck
/// publication holds up is the log, not the lift.
async fn believe(desk: &Shared, bytes: &[u8]) -> Result<(), DeskError> {
    let held = desk.sequencer.lock().await;
    let Public { state, tree } = desk.public();
    let mut next = State::clone(&state);
    match next.undo(bytes, desk.now()) {
        Outcome::Applied { kind, id } => {
            tracing::info!(%kind, %id, "undo");
            desk.set_public(&held, Public { state: Arc::new(next), tree });
            Ok(())
        }
        Outcome::Rejected { why } => {
            desk.count(why.code()).await;
            Err(why.into())
        }
    }
}
