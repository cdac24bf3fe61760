//! The one fold, kept between requests: what the ledger says, extended when the ledger grows.

use ledger::Hash;
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
    state: RwLock<Option<State>>,
}

/// A guard over the fold. It is short-lived: handlers copy what they show and let go before they read files.
pub(crate) struct Current<'a>(RwLockReadGuard<'a, Option<State>>);

impl core::ops::Deref for Current<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.0.as_ref().expect("Fold::current hands out a guard only over a state that exists")
    }
}

impl Fold {
    pub(crate) fn new(reader: Reader, trust: Trust) -> Fold {
        Fold { reader, trust, state: RwLock::new(None) }
    }

    /// The fold at the ledger's present public size.
    pub(crate) async fn current(&self) -> Result<Current<'_>, Failure> {
        let size = self.reader.size().await?;
        if size == 0 {
            return Err(Failure::NoLedger);
        }
        let guard = self.state.read().await;
        if guard.as_ref().is_some_and(|state| state.size() == size) {
            return Ok(Current(guard));
        }
        drop(guard);
        let mut guard = self.state.write().await;
        // Another request may have extended it meanwhile. A ledger that shrank was restored: start over. While it is
        // taken out, a failure leaves nothing behind, so the next request starts over too.
        let mut state = match guard.take() {
            Some(state) if state.size() <= size => state,
            _ => self.genesis().await?,
        };
        self.extend(&mut state, size).await?;
        *guard = Some(state);
        Ok(Current(guard.downgrade()))
    }

    async fn genesis(&self) -> Result<State, Failure> {
        let entry0 = self.reader.entry(0).await?.ok_or(Failure::NoLedger)?;
        // A demonstration ledger is shown, under its banner: showing is not enforcing.
        State::genesis(&self.trust, &entry0, true).map_err(|why| Failure::Broken(format!("entry 0: {why}")))
    }

    async fn extend(&self, state: &mut State, size: u64) -> Result<(), Failure> {
        let old = state.size();
        while state.size() < size {
            let from = state.size();
            let entries = self.reader.entries(from, size.min(from + AT_ONCE)).await?;
            if entries.is_empty() {
                return Err(Failure::Broken(format!("entry {from} of {size} is missing")));
            }
            for entry in entries {
                let index = state.size();
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

/// How many hostnames a decision named, while its subject is held. The number, never the list: the subject can be
/// erased, a page that was copied cannot.
pub(crate) fn hostnames(state: &State, decision: &Decision) -> Option<usize> {
    state.subject(&decision.impose.subject).map(|subject| subject.hostnames.len())
}

/// The hash to which the decision's finding commits its evidence, where there is a finding.
pub(crate) fn evidence(state: &State, decision: &Decision) -> Option<Hash> {
    state.finding(decision.impose.finding.as_ref()?).map(|(finding, _)| finding.assessment)
}
