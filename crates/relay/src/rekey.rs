//! The way back from a stolen log key or a fork: officers outrank the log.
//!
//! A policy with the policy quorum names a new key and the (size, root) it goes on from. It stands in the log that the
//! new key signs, and may also be delivered to an edge directly, which from then on takes nothing more of the old key.
//! Following the new log may mean to let go of entries. No entry with a policy that has effect is let go: else who was
//! replaced could undo it. Undos among them stay, for they need no log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ledger::checkpoint;
use ledger::merkle::{Tree, leaf_hash};
use ledger::note::{MAX_NOTE, Note};
use ledger::tile::WIDTH;
use policy::entry::Entry;
use policy::note::PolicyNote;
use policy::{AnyNote, Kind, Outcome, Rejected, Seen};

use crate::dir::{Found, Undo};
use crate::load::unproven;
use crate::look::{Base, Folded, Looker, witnessed};
use crate::shared::{Inner, Shared};
use crate::sync::{MAX_ENTRIES, Refusal, bundles};
use crate::undo::Kept;

/// A log with another key is fetched whole, at most this often: a server cannot keep an edge busy with it.
const TRY_EVERY: Duration = Duration::from_secs(15);

/// Why a note names no new log key here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RekeyError {
    /// Larger than any note.
    TooLong,
    /// This edge has not seen entry 0 yet, so it knows nobody's key.
    NoPolicy,
    /// The note is refused.
    Rejected(Rejected),
    /// It is good, and could not be written down: tried again, it may be.
    Disk(String),
}

impl fmt::Display for RekeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a note has at most {MAX_NOTE} bytes"),
            Self::NoPolicy => f.write_str("this edge does not know the policy yet; try another edge"),
            Self::Rejected(why) => write!(f, "refused: {why}"),
            Self::Disk(why) => write!(f, "the note is good, but could not be kept: {why}"),
        }
    }
}

impl core::error::Error for RekeyError {}

impl Shared {
    /// Judges a note that names a new log key.
    pub(crate) fn would_rekey(&self, inner: &Inner, bytes: &[u8]) -> Result<PolicyNote, RekeyError> {
        if bytes.len() > MAX_NOTE {
            return Err(RekeyError::TooLong);
        }
        let state = inner.state.as_ref().ok_or(RekeyError::NoPolicy)?;
        let malformed = |_| RekeyError::Rejected(Rejected::Malformed("not a signed note"));
        let note = Note::parse(bytes).map_err(malformed)?;
        state.would_rekey(&note, self.clock.now()).map_err(RekeyError::Rejected)
    }

    /// Takes a note that names a new log key: from now on nothing of the old key is taken.
    pub(crate) fn rekey(&self, bytes: &[u8]) -> Result<PolicyNote, RekeyError> {
        let mut inner = self.lock();
        let policy = self.would_rekey(&inner, bytes)?;
        self.dir.put_rekey(bytes).map_err(|e| RekeyError::Disk(e.to_string()))?;
        inner.rekey = Some(policy.clone());
        drop(inner);
        tracing::warn!(version = policy.version, "the policy quorum named a new log key");
        self.look.notify_one();
        Ok(policy)
    }
}

/// Takes notes that name a new log key; cheap to clone.
#[derive(Clone)]
pub struct RekeyHandle {
    pub(crate) shared: Arc<Shared>,
}

impl RekeyHandle {
    /// Judges a policy note that names a new log key. When it is good, nothing of the old key is taken any more.
    ///
    /// # Errors
    /// [`RekeyError`]: nothing changed, and it was counted.
    pub fn rekey(&self, bytes: &[u8]) -> Result<PolicyNote, RekeyError> {
        self.shared.rekey(bytes).inspect_err(|_| self.shared.refuse("rekey-refused"))
    }
}

impl Looker {
    /// The checkpoint is not signed by the key we know. Perhaps the log has a new one: its entries tell. Gives the size
    /// and how many entries are new.
    pub(crate) async fn rekeyed(&mut self, base: &Base, note: &Bytes) -> Result<(u64, u64), Refusal> {
        let unsigned = || Refusal::Checkpoint("it is not signed by the log's key".into());
        let mono = self.shared.clock.mono();
        let shown = unproven(note).filter(|c| c.origin == base.key.name()).ok_or_else(unsigned)?;
        if self.rekey_tried.is_some_and(|at| mono.saturating_sub(at) < TRY_EVERY) {
            return Err(unsigned());
        }
        if shown.size == 0 || shown.size > MAX_ENTRIES {
            return Err(Refusal::Size(shown.size));
        }
        self.rekey_tried = Some(mono);
        let (mut tree, mut staged) = (Tree::new(), Vec::new());
        for path in bundles(0, shown.size) {
            let entries = self.fetch(&Tree::new(), &path).await?.ok_or_else(unsigned)?;
            self.shared.dir.stage(path.index, &entries)?;
            staged.push(path.index);
            entries.iter().for_each(|entry| tree.push(leaf_hash(entry)));
        }
        if tree.root_at(shown.size) != Some(shown.root) {
            return Err(Refusal::Changed("an entry bundle"));
        }
        // Where the two logs part.
        let have = base.tree.len();
        let common = (0..have.min(shown.size)).find(|n| tree.leaf(*n) != base.tree.leaf(*n));
        let common = common.unwrap_or(have.min(shown.size));
        let stamps = self.stamps(common)?;
        let seen = |index: u64| {
            usize::try_from(index).ok().and_then(|i| stamps.get(i)).copied().unwrap_or(base.seen)
        };
        self.check_times(&staged, common, shown.size)?;
        let Folded { state, .. } = self.fold_copy(None, &staged, 0, shown.size, &seen).await?;
        checkpoint::open(note, state.log_key()).map_err(|e| Refusal::Checkpoint(e.to_string()))?;
        witnessed(&state, note, self.shared.clock.now())?;
        self.let_go(state.log_key(), common)?;
        self.keep_again(&staged, shown.size, &seen)?;
        // Until the checkpoint is there too, a restart finds entries that no checkpoint proves and fetches all again.
        self.repair(note)?;
        self.looked(shown.size.saturating_sub(common));
        tracing::warn!(size = shown.size, from = common, "the log goes on under a new key");
        Ok((shown.size, shown.size.saturating_sub(common)))
    }

    /// How the first entries came, as far as that is known.
    fn stamps(&self, size: u64) -> Result<Vec<Seen>, Refusal> {
        let mut stamps = Vec::new();
        for path in bundles(0, size) {
            let mut of_bundle = match self.shared.dir.seen(path.index)? {
                Found::Whole(of_bundle) => of_bundle,
                Found::Missing | Found::Damaged => Vec::new(),
            };
            of_bundle.resize(usize::from(path.width), Seen::CatchUp);
            stamps.append(&mut of_bundle);
        }
        Ok(stamps)
    }

    /// Lets go of what we hold from `common` on: not of a policy, and not of an undo.
    fn let_go(&self, key: &ledger::note::VerifierKey, common: u64) -> Result<(), Refusal> {
        let size = {
            let inner = self.shared.lock();
            if inner.rekey.as_ref().is_some_and(|policy| policy.log != *key) {
                return Err(Refusal::Checkpoint("the policy quorum named another key".into()));
            }
            let Some(state) = &inner.state else { return Ok(()) };
            let from = usize::try_from(common).unwrap_or(usize::MAX);
            let policy = |o: &Outcome| matches!(o, Outcome::Applied { kind: Kind::Policy, .. });
            if let Some(at) = state.outcomes().iter().skip(from).position(policy) {
                return Err(Refusal::DropsPolicy { index: common + at as u64 });
            }
            state.size()
        };
        let received = self.shared.clock.now();
        for path in bundles(common, size) {
            let first = path.index * WIDTH;
            let Found::Whole(entries) = self.shared.dir.entries(path.index)? else { continue };
            for (_, entry) in (first..size).zip(&entries).filter(|(index, _)| *index >= common) {
                let Ok(entry) = Entry::parse(entry) else { continue };
                let note = AnyNote::parse(entry.note.text());
                if note.is_ok_and(|n| matches!(n.kind(), Kind::Lift | Kind::Suspend)) {
                    let nr = self.shared.lock().undos.last().map_or(0, |k| k.undo.nr + 1);
                    let undo = Undo { nr, at: common, received, note: entry.note.to_bytes() };
                    self.shared.dir.put_undo(&undo)?;
                    self.shared.lock().undos.extend(Kept::new(undo));
                }
            }
        }
        Ok(())
    }

    /// Makes the staged log the kept one, with its stamps.
    fn keep_again(&self, staged: &[u64], size: u64, seen: &dyn Fn(u64) -> Seen) -> Result<(), Refusal> {
        for path in bundles(0, size) {
            let first = path.index * WIDTH;
            let stamps: Vec<Seen> = (first..first + u64::from(path.width)).map(seen).collect();
            self.shared.dir.put_seen(path.index, &stamps)?;
        }
        for &n in staged {
            self.shared.dir.promote(n)?;
        }
        Ok(())
    }
}
