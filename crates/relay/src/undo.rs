//! Lifts and suspensions that arrive at the edge: one signature is enough, and no log is needed.
//!
//! Power down must never wait: the note is judged, kept, applied and answered at once; telling the desk comes after,
//! is repeated until the log holds the note, and its absence there is an alarm after ten minutes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ledger::Hash;
use ledger::note::Note;
use policy::{AnyNote, Id, Kind, MAX_UNDO, Outcome, Rejected, State, Time};

use crate::bell::backoff;
use crate::dir::{MAX_UNDOS, Undo};
use crate::http::{Client, HttpError};
use crate::load::count;
use crate::receipt::MEDIA_TYPE;
use crate::shared::{Inner, Shared, UNLOGGED_AFTER};

/// Where the desk takes undo notes.
pub const PATH: &str = "/relay/v1/undo";

/// Where an edge takes them.
pub const EDGE_PATH: &str = "/.well-known/portcullis/lift";

/// A forwarded undo is sent again after this long, until the log holds it: the desk may have lost it.
const AGAIN: Duration = Duration::from_secs(60);

/// An undo that the log told is passed on to peers after this long. Who follows the log has it by then (32 edges take
/// 80 ms) and need not keep a second copy.
const HEARD: Duration = Duration::from_millis(500);

/// Undos of the log that are remembered for peers that have not taken them: 256 of at most 4 KiB are 1 MiB. What falls
/// out is in the log.
pub(crate) const MAX_HEARD: usize = 256;

/// A peer is told for so long of what the log holds, seconds: a day. One that is gone for good would be asked in vain
/// until the block would have ended.
const TOLD_FOR: u64 = 24 * 3600;

/// What an accepted undo note did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Lift or suspend.
    pub kind: Kind,
    /// The note's id.
    pub id: Id,
    /// It had been accepted before.
    pub known: bool,
    /// It is on our disk. If not, it has effect, but a restart forgets it unless the log has it by then.
    pub kept: bool,
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} has effect here", self.kind, self.id)?;
        if self.known {
            f.write_str(", as it had before")?;
        }
        if !self.kept {
            f.write_str("; it could not be written to disk, so deliver it to the desk as well")?;
        }
        Ok(())
    }
}

/// Why an undo note has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoError {
    /// More than [`policy::MAX_UNDO`] bytes.
    TooLong,
    /// This edge has not seen entry 0 yet, so it knows nobody's key.
    NoPolicy,
    /// This edge holds as many notes as it keeps that the log has not taken, and this one ends no block.
    Full,
    /// The note is refused.
    Rejected(Rejected),
}

impl fmt::Display for UndoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "an undo note has at most {MAX_UNDO} bytes"),
            Self::NoPolicy => {
                f.write_str("this edge does not know the policy yet; try the desk or another edge")
            }
            Self::Full => write!(
                f,
                "this edge holds {MAX_UNDOS} notes that the log has not taken, and this one ends no block; bring it to the desk"
            ),
            Self::Rejected(why) => write!(f, "refused: {why}"),
        }
    }
}

impl core::error::Error for UndoError {}

/// Takes undo notes; cheap to clone.
#[derive(Clone)]
pub struct UndoHandle {
    pub(crate) shared: Arc<Shared>,
}

impl UndoHandle {
    /// Judges a signed lift or suspend note; when it is good, it has effect before this returns.
    ///
    /// # Errors
    /// [`UndoError`]: nothing changed, and it was counted.
    pub fn undo(&self, bytes: &[u8]) -> Result<Undone, UndoError> {
        let result = accept(&self.shared, bytes);
        if let Err(error) = &result {
            self.shared.refuse(match error {
                UndoError::TooLong => "undo-too-long",
                UndoError::NoPolicy => "undo-no-policy",
                UndoError::Full => "undo-full",
                UndoError::Rejected(_) => "undo-refused",
            });
        }
        result
    }
}

pub(crate) fn accept(shared: &Shared, bytes: &[u8]) -> Result<Undone, UndoError> {
    if bytes.len() > MAX_UNDO {
        return Err(UndoError::TooLong);
    }
    let now = shared.clock.now();
    let mut inner = shared.lock();
    let room = inner.undos.len() < MAX_UNDOS;
    let Some(state) = &mut inner.state else { return Err(UndoError::NoPolicy) };
    let at = state.size();
    // Full of notes that the log does not take: what ends a block here is always taken, there are only so many.
    if !room && !ends_a_block(state, bytes, now) {
        return Err(UndoError::Full);
    }
    // A note without effect leaves the fold as it was, so it may be judged in place.
    let (kind, id) = match state.undo(bytes, now) {
        Outcome::Applied { kind, id } => (kind, id),
        Outcome::Rejected { why } => return Err(UndoError::Rejected(why)),
    };
    let logged = text_of(bytes).is_some_and(|text| state.logged_undo(&text).is_some());
    let known = logged || inner.undos.iter().any(|k| k.undo.note == bytes);
    if known {
        return Ok(Undone { kind, id, known, kept: true });
    }
    // Numbers go on from the highest, also when a damaged file left a hole.
    let nr = inner.undos.last().map_or(0, |k| k.undo.nr + 1);
    let undo = Undo { nr, at, received: now, note: bytes.to_vec() };
    let kept = room
        && shared.dir.put_undo(&undo).inspect_err(|e| tracing::error!(error = %e, "undo not kept")).is_ok();
    if !kept {
        count(&mut inner.refused, if room { "disk" } else { "undo-full" });
    }
    inner.undos.extend(Kept::new(undo));
    shared.publish(&mut inner);
    drop(inner);
    tracing::info!(%id, kind = kind.word(), "an undo has effect");
    shared.report.notify_one();
    shared.forward.send_modify(|n| *n += 1);
    Ok(Undone { kind, id, known, kept })
}

fn ends_a_block(state: &State, bytes: &[u8], now: Time) -> bool {
    let note = Note::parse(bytes).ok().and_then(|note| AnyNote::parse(note.text()).ok());
    let Some(AnyNote::Lift(lift)) = note else { return false };
    state.decision(&lift.lifts).is_some_and(|d| d.lifted.is_none() && now < d.until())
}

/// What an undo is known by: its text, whoever signed it how often.
fn text_of(bytes: &[u8]) -> Option<Hash> {
    Note::parse(bytes).ok().map(|note| Hash::of(note.text().as_bytes()))
}

/// An accepted undo and how far it has been told.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) undo: Undo,
    pub(crate) id: Id,
    text: Hash,
    undoes: Undoes,
    /// Nobody is told before, on the monotonic clock.
    from: Duration,
    pub(crate) alarmed: bool,
    /// How far each destination was told.
    deliveries: BTreeMap<usize, Delivery>,
}

/// What an undo acts on, and so how long it matters.
#[derive(Debug)]
enum Undoes {
    Decision(Id),
    KeyUntil(Time),
}

/// How an undo stands with one destination.
#[derive(Debug, Default)]
struct Delivery {
    attempts: u32,
    due: Duration,
    told: bool,
}

impl Kept {
    /// `None` for a note without an id: it never had effect.
    pub(crate) fn new(undo: Undo) -> Option<Self> {
        let note = Note::parse(&undo.note).ok()?;
        let parsed = AnyNote::parse(note.text()).ok()?;
        let (id, text) = (parsed.id().clone(), Hash::of(note.text().as_bytes()));
        let undoes = match parsed {
            AnyNote::Lift(lift) => Undoes::Decision(lift.lifts),
            AnyNote::Suspend(suspend) => Undoes::KeyUntil(suspend.until),
            _ => return None,
        };
        Some(Self {
            undo,
            id,
            text,
            undoes,
            from: Duration::ZERO,
            alarmed: false,
            deliveries: BTreeMap::new(),
        })
    }

    /// What it undoes would still have effect without it.
    fn matters(&self, state: Option<&State>, now: Time) -> bool {
        match &self.undoes {
            Undoes::Decision(id) => state.and_then(|s| s.decision(id)).is_none_or(|d| now < d.until()),
            Undoes::KeyUntil(until) => now < *until,
        }
    }

    /// Whether a destination that has not taken it is to be told. The desk, until the log holds it; a peer also after
    /// that: it may not hear of the log.
    fn concerns(&self, place: usize, state: Option<&State>, now: Time) -> bool {
        let recent = now.since(self.undo.received) < TOLD_FOR;
        self.pending(state) || place > 0 && recent && self.matters(state, now)
    }

    /// The log does not hold it yet.
    pub(crate) fn pending(&self, state: Option<&State>) -> bool {
        state.is_none_or(|s| s.logged_undo(&self.text).is_none())
    }

    /// It should long be in the log and is not.
    pub(crate) fn unlogged(&self, state: Option<&State>, now: Time) -> bool {
        now.since(self.undo.received) > UNLOGGED_AFTER && self.pending(state)
    }
}

/// Remembers the undos that the log told, to pass them on to peers: one that is cut off from the desk blocks on without
/// them.
pub(crate) fn hear(shared: &Shared, inner: &mut Inner, undos: Vec<(u64, Vec<u8>)>) {
    if shared.config.peers.is_empty() {
        return;
    }
    let (now, from) = (shared.clock.now(), shared.clock.mono().saturating_add(HEARD));
    let Inner { state, undos: kept, heard, .. } = inner;
    let new = undos.into_iter().filter_map(|(at, note)| Kept::new(Undo { nr: 0, at, received: now, note }));
    // What was brought to this edge is passed on from there.
    let new = new.filter(|n| kept.iter().all(|k| k.text != n.text));
    heard.extend(new.map(|n| Kept { from, ..n }));
    // The newest ones that somebody may still lack.
    let peers = shared.config.peers.len();
    heard.retain(|k| {
        k.concerns(1, state.as_ref(), now) && k.deliveries.values().filter(|d| d.told).count() < peers
    });
    heard.drain(..heard.len().saturating_sub(MAX_HEARD));
}

/// Tells one other of undos: the desk, until the log holds them, or a peer, until it has taken them.
pub(crate) struct Forwarder {
    pub(crate) shared: Arc<Shared>,
    pub(crate) to: Client,
    pub(crate) path: &'static str,
    /// Which destination this is: 0 is the desk.
    pub(crate) place: usize,
}

impl Forwarder {
    /// Posts every undo that is due. Gives how many were taken.
    pub(crate) async fn forward_once(&mut self) -> u64 {
        let mut taken = 0;
        for (hash, note) in self.due() {
            let result = self.to.post(self.path, MEDIA_TYPE, Bytes::from(note)).await;
            taken += u64::from(result.is_ok());
            self.told(&hash, &result);
        }
        taken
    }

    fn due(&self) -> Vec<(Hash, Vec<u8>)> {
        let inner = self.shared.lock();
        let (now, mono) = (self.shared.clock.now(), self.shared.clock.mono());
        let waits =
            |k: &&Kept| k.deliveries.get(&self.place).map_or(k.from <= mono, |d| d.due <= mono && !d.told);
        let heard = inner.heard.iter().filter(|_| self.place > 0);
        let due = inner.undos.iter().chain(heard).filter(waits);
        let due = due.filter(|k| k.concerns(self.place, inner.state.as_ref(), now));
        due.map(|k| (Hash::of(&k.undo.note), k.undo.note.clone())).collect()
    }

    fn told(&self, hash: &Hash, result: &Result<u16, HttpError>) {
        let mut inner = self.shared.lock();
        let mono = self.shared.clock.mono();
        let Inner { undos, heard, .. } = &mut *inner;
        if let Some(kept) = undos.iter_mut().chain(heard).find(|k| Hash::of(&k.undo.note) == *hash) {
            let name = self.shared.config.edge_key.verifier().name().to_owned();
            let delivery = kept.deliveries.entry(self.place).or_default();
            let wait = if result.is_ok() { AGAIN } else { backoff(delivery.attempts, &name) };
            delivery.attempts = if result.is_ok() { 0 } else { delivery.attempts.saturating_add(1) };
            delivery.due = mono.saturating_add(wait);
            // An edge that took it has kept it. The desk may have lost it until the log shows it.
            delivery.told = result.is_ok() && self.place > 0;
        }
        if let Err(e) = result {
            tracing::warn!(error = %e, to = %self.to, "an undo was not forwarded, it will be tried again");
            count(&mut inner.refused, "undo-not-forwarded");
        }
    }
}
