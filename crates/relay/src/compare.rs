//! Comparing: the same log is shown to everybody, or it is not one log.
//!
//! A peer or a witness shows the checkpoint that it holds. One of our log's that contradicts ours proves a fork. One
//! that is larger is remembered until we are as far: then it must fit; and if our ledger server never shows as much,
//! that is an alarm. Nobody here is believed: only the log's signature on what they show counts.

use std::sync::Arc;
use std::time::Duration;

use ledger::Hash;
use ledger::checkpoint::{self, Checkpoint};
use ledger::merkle::Tree;
use ledger::note::MAX_NOTE;

use crate::http::Client;
use crate::load::count;
use crate::shared::{Inner, STALE_AFTER, Shared};

/// Where an edge shows the checkpoint it holds.
pub const EDGE_PATH: &str = "/.well-known/portcullis/checkpoint";

/// Others are asked this often.
pub const COMPARE_EVERY: Duration = Duration::from_secs(15);

/// What somebody else showed last.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// It fits ours.
    pub(crate) agrees: bool,
    /// It is larger than ours: as it was signed, and since when.
    ahead: Option<(Checkpoint, Vec<u8>, Duration)>,
}

impl View {
    /// Whether it has been ahead of us for long.
    pub(crate) fn held_back(&self, mono: Duration) -> bool {
        self.ahead.as_ref().is_some_and(|(_, _, since)| mono.saturating_sub(*since) > STALE_AFTER)
    }
}

/// How a checkpoint stands to the log we hold.
#[derive(Debug, PartialEq, Eq)]
enum Beside {
    Fits,
    Ahead,
    Fork,
}

fn beside(tree: &Tree, shown: &Checkpoint) -> Beside {
    match tree.root_at(shown.size) {
        None => Beside::Ahead,
        Some(root) if root == shown.root => Beside::Fits,
        Some(_) => Beside::Fork,
    }
}

/// Where a witness shows the checkpoint of a log (C2SP tlog-witness, monitoring).
#[must_use]
pub fn witness_path(origin: &str) -> String {
    format!("/{}/checkpoint", Hash::of(origin.as_bytes()))
}

/// Asks others for their checkpoints.
pub(crate) struct Comparer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) others: Vec<(Client, String)>,
}

impl Comparer {
    /// Asks everybody once. Gives how many agree.
    pub(crate) async fn compare_once(&mut self) -> u64 {
        for (other, path) in &mut self.others {
            match other.get(path, MAX_NOTE).await {
                Ok(note) => self.shared.compare(&other.to_string(), &note),
                Err(e) => tracing::debug!(error = %e, %other, "no checkpoint to compare"),
            }
        }
        self.shared.compare_again();
        self.shared.status().views
    }
}

impl Shared {
    /// Compares what `who` shows with what we hold.
    fn compare(&self, who: &str, note: &[u8]) {
        let mut inner = self.lock();
        if inner.gap || inner.state.is_none() {
            return;
        }
        let opened = checkpoint::open(note, inner.log_key(&self.config.trust));
        let Ok((shown, _)) = opened else {
            count(&mut inner.refused, "compared-checkpoint");
            inner.views.entry(who.to_owned()).or_default().agrees = false;
            tracing::warn!(%who, "what it shows is no checkpoint of our log");
            return;
        };
        let mono = self.clock.mono();
        let beside = beside(&inner.tree, &shown);
        let view = inner.views.entry(who.to_owned()).or_default();
        view.agrees = beside == Beside::Fits;
        match beside {
            Beside::Fits => view.ahead = None,
            Beside::Ahead => {
                // The first one that was ahead stays, or a log that grows would never be late.
                if view.ahead.is_none() {
                    view.ahead = Some((shown, note.to_vec(), mono));
                }
                drop(inner);
                self.look.notify_one();
            }
            Beside::Fork => self.forked_beside(inner, who, note, shown.size),
        }
    }

    /// What was ahead of us may fit or contradict by now.
    fn compare_again(&self) {
        let mut inner = self.lock();
        let tree = Arc::clone(&inner.tree);
        let mut fork = None;
        for (who, view) in &mut inner.views {
            let Some((shown, note, _)) = &view.ahead else { continue };
            match beside(&tree, shown) {
                Beside::Ahead => {}
                Beside::Fits => (view.agrees, view.ahead) = (true, None),
                Beside::Fork => {
                    fork = Some((who.clone(), note.clone(), shown.size));
                    view.ahead = None;
                }
            }
        }
        if let Some((who, note, size)) = fork {
            self.forked_beside(inner, &who, &note, size);
        }
    }

    fn forked_beside(&self, mut inner: std::sync::MutexGuard<'_, Inner>, who: &str, note: &[u8], size: u64) {
        count(&mut inner.refused, "fork");
        let held = inner.held.clone();
        drop(inner);
        tracing::error!(%who, size, "the log's key signed another history for somebody else");
        self.fork(held.as_ref(), note, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::merkle::leaf_hash;

    #[test]
    fn another_view_fits_is_ahead_or_proves_a_fork() {
        let tree: Tree = (0..7u8).map(|n| leaf_hash(&[n])).collect();
        let at = |size, root| Checkpoint { origin: "log".into(), size, root };
        for size in 0..=7 {
            let root = tree.root_at(size).expect("as many");
            assert_eq!(beside(&tree, &at(size, root)), Beside::Fits);
            assert_eq!(beside(&tree, &at(size, Hash::of(b"other"))), Beside::Fork);
        }
        assert_eq!(beside(&tree, &at(8, Hash::of(b"other"))), Beside::Ahead);
    }
}
