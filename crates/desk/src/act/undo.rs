//! Act: a lift or a suspension arrives, whole and signed. Its signatures are all the permission it needs; the desk's
//! part is to write it into the log.

use std::sync::Arc;

use ledger::Hash;
use policy::{AnyNote, Id, Kind};
use store::DraftState;

use super::publish::{self, Attempt};
use crate::desk::Shared;
use crate::error::DeskError;

/// How often, and how far apart, a lift looks whether the head is confirmed by now: three seconds together, three times
/// what an edge takes to hear the bell of a desk that is back.
const LOOKS: u32 = 30;
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// What became of an undo note.
#[derive(Debug)]
pub(crate) struct Undone {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    /// Its place in the log.
    pub(crate) index: u64,
}

/// Logs the note, with the signatures that count: whoever brings it could write anything under other names. A note
/// that is logged already gives the same answer again. What cannot be logged has no effect through the desk, and the
/// answer says so: to show it as lifted here while every edge blocks would keep the officer from going to an edge.
pub(crate) async fn undo(desk: &Arc<Shared>, bytes: &[u8]) -> Result<Undone, DeskError> {
    // Judged before the sequencer is asked for, so that junk waits for nobody and nobody for junk.
    let note = match desk.state().would_undo(bytes, desk.now()) {
        Ok(note) => note,
        Err(why) => {
            desk.count(why.code()).await;
            return Err(why.into());
        }
    };
    let parsed = AnyNote::parse(note.text())?;
    let (id, kind) = (parsed.id().clone(), parsed.kind());
    let text = Hash::of(note.text().as_bytes());
    if let Some(index) = desk.state().logged_undo(&text) {
        return Ok(Undone { id, kind, index });
    }
    let draft = desk.store.draft(&id).await?;
    let draft = draft.filter(|d| d.state == DraftState::Collecting && d.text == note.text()).map(|d| d.id);
    // A desk that has just started waits a moment for an edge's report rather than send the officer away.
    for _ in 0..LOOKS {
        if desk.confirmed.get(&desk.public().tree) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
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
