//! The one fold, kept between requests: what the ledger says, extended when the ledger grows.

use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Tree, leaf_hash};
use ledger::note::Note;
use ledger::{Hash, checkpoint};
use policy::{Decision, Id, Outcome, Seen, State, Time, Trust};
use store::{Reader, StoreError};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::http::Failure;

/// Entries folded between two reads of the disk: two bundles of 256, at most 32 MiB at 64 KiB each.
const AT_ONCE: u64 = 512;

/// The ledger's state. Its memory grows with the ledger, as the fold's does everywhere.
pub(crate) struct Fold {
    reader: Reader,
    trust: Trust,
    held: RwLock<Option<Held>>,
}

/// What was proven: the log signed these entries, and they fold to this.
#[derive(Clone)]
struct Held {
    /// The checkpoint as the log signed it.
    note: Vec<u8>,
    state: State,
    tree: Tree,
}

/// A guard over the fold. It is short-lived: handlers copy what they show and let go before they read files.
pub(crate) struct Current<'a>(RwLockReadGuard<'a, Option<Held>>);

impl core::ops::Deref for Current<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0.as_ref().expect("Fold::current hands out a guard only over a state that exists").state
    }
}

impl Fold {
    pub(crate) fn new(reader: Reader, trust: Trust) -> Fold {
        Fold { reader, trust, held: RwLock::new(None) }
    }

    /// The fold at the ledger's present public size. Files that do not prove themselves change nothing: what was proven
    /// before is shown on, and the fault is told.
    pub(crate) async fn current(&self) -> Result<Current<'_>, Failure> {
        let note = self.reader.checkpoint().await?.ok_or(Failure::NoLedger)?;
        let guard = self.held.read().await;
        if guard.as_ref().is_some_and(|held| held.note == note) {
            return Ok(Current(guard));
        }
        drop(guard);
        let mut guard = self.held.write().await;
        // Another request may have proven the same meanwhile.
        if guard.as_ref().is_some_and(|held| held.note == note) {
            return Ok(Current(guard.downgrade()));
        }
        let mut proven = self.prove(guard.as_ref(), note.clone()).await;
        let known = |held: &Held| checkpoint::open(&note, held.state.log_key()).is_ok();
        if matches!(proven, Err(Failure::Broken(_))) && guard.as_ref().is_some_and(|held| !known(held)) {
            // Another key: the policy quorum may have named it, going on from before what was shown so far.
            proven = self.prove(None, note).await;
        }
        match proven {
            Ok(held) => *guard = Some(held),
            Err(Failure::Broken(why)) if guard.is_some() => {
                tracing::error!(why, "the ledger's files do not hold; what was proven before is shown");
            }
            Err(failure) => return Err(failure),
        }
        Ok(Current(guard.downgrade()))
    }

    /// Signature, entries, fold and root of what the checkpoint adds.
    async fn prove(&self, held: Option<&Held>, note: Vec<u8>) -> Result<Held, Failure> {
        let does_not = |why: String| Failure::Broken(format!("the checkpoint does not hold: {why}"));
        let text = Note::parse(&note).map_err(|why| does_not(why.to_string()))?;
        let head = Checkpoint::parse_text(text.text()).map_err(|why| does_not(why.to_string()))?;
        if head.size == 0 {
            return Err(Failure::NoLedger);
        }
        let mut next = match held {
            Some(held) if held.state.size() > head.size => {
                let had = held.state.size();
                return Err(Failure::Broken(format!(
                    "the ledger went back from {had} entries to {}",
                    head.size
                )));
            }
            Some(held) => Held { note, ..held.clone() },
            None => {
                let (state, leaf) = self.genesis().await?;
                Held { note, state, tree: core::iter::once(leaf).collect() }
            }
        };
        self.extend(&mut next.state, &mut next.tree, head.size).await?;
        if next.tree.root_at(head.size) != Some(head.root) {
            return Err(Failure::Broken("the entries are not those that the checkpoint signs".into()));
        }
        // Whose key must have signed it, the entries say: a policy may have named a new one.
        checkpoint::open(&next.note, next.state.log_key()).map_err(|why| does_not(why.to_string()))?;
        Ok(next)
    }

    async fn genesis(&self) -> Result<(State, Hash), Failure> {
        let entry0 = self.reader.entry(0).await?.ok_or(Failure::NoLedger)?;
        // A demonstration ledger is shown, under its banner: showing is not enforcing.
        let state = State::genesis(&self.trust, &entry0, true);
        let state = state.map_err(|why| Failure::Broken(format!("entry 0: {why}")))?;
        Ok((state, leaf_hash(&entry0)))
    }

    async fn extend(&self, state: &mut State, tree: &mut Tree, size: u64) -> Result<(), Failure> {
        let old = state.size();
        while state.size() < size {
            let from = state.size();
            let entries = self.reader.entries(from, size.min(from + AT_ONCE)).await?;
            if entries.is_empty() {
                return Err(Failure::Broken(format!("entry {from} of {size} is missing")));
            }
            for entry in entries {
                let index = state.size();
                tree.push(leaf_hash(&entry));
                state.apply(index, &entry, Seen::CatchUp);
            }
        }
        // Ended ones too, because their pages show the subject's size. What is still wanted may have come since.
        let mut blobs: Vec<Hash> = state
            .decisions()
            .filter(|decision| decision.index >= old)
            .flat_map(|decision| [decision.impose.post, decision.impose.subject])
            .collect();
        blobs.extend(state.wanted(Time(0)));
        blobs.extend(state.counted(Time(0)));
        for hash in blobs {
            match self.reader.blob(&hash).await {
                Ok(Some(blob)) => {
                    state.hold(&blob);
                }
                Ok(None) => {}
                // One changed blob must not take the whole site down: its decision shows as not explained.
                Err(StoreError::Damaged(why)) => tracing::error!(why, "a blob is not what was signed"),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }
}

/// Where the accepted note `id` stands in the ledger.
pub(crate) fn index_of(state: &State, wanted: &Id) -> Option<u64> {
    let at = state
        .outcomes()
        .iter()
        .position(|outcome| matches!(outcome, Outcome::Applied { id, .. } if id == wanted));
    at.and_then(|at| u64::try_from(at).ok())
}

/// The effect of a note that counts, in words.
pub(crate) const ACCEPTED: &str = "Accepted";

/// What became of entry `index`, in words.
pub(crate) fn effect(state: &State, index: u64) -> String {
    match usize::try_from(index).ok().and_then(|at| state.outcomes().get(at)) {
        Some(Outcome::Applied { .. }) => ACCEPTED.to_string(),
        Some(Outcome::Rejected { why }) => format!("No effect: {why}"),
        None => "Not looked at yet".to_string(),
    }
}

/// Up to `count` decisions with an index below `before`, newest first.
pub(crate) fn newest(state: &State, before: u64, count: usize) -> Vec<Decision> {
    state.decisions().rev().filter(|decision| decision.index < before).take(count).cloned().collect()
}

/// The hash to which the decision's finding commits its evidence, where there is a finding.
pub(crate) fn evidence(state: &State, decision: &Decision) -> Option<Hash> {
    state.finding(decision.impose.finding.as_ref()?).map(|(finding, _)| finding.assessment)
}
