//! Is the head that this desk found at its start the newest one? After a restored backup it is not, and signing on it
//! would give the log two histories. So nothing is signed until somebody who would know has reported: an enrolled edge that
//! holds all that this log holds, a witness, or, where there is none, a person on this machine. An edge whose key lies in
//! this home was restored with it: it counts only where there is no other.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger::Hash;
use ledger::merkle::Tree;
use policy::Time;

/// A receipt this much older than the desk's start may still be on its way, seconds; an older one may be a replay.
const ON_ITS_WAY: u64 = 60;

/// Whether somebody has confirmed the head since this desk started.
#[derive(Debug)]
pub(crate) struct Confirmed {
    yes: AtomicBool,
    started: Time,
    /// Where a person on this machine writes `SIZE ROOT`.
    file: PathBuf,
}

impl Confirmed {
    /// A log of nothing but entry 0 needs nobody: there is nothing to forget.
    pub(crate) fn new(size: u64, started: Time, file: PathBuf) -> Self {
        Self { yes: AtomicBool::new(size <= 1), started, file }
    }

    /// Whether it is, looking for a person's word too.
    pub(crate) fn get(&self, tree: &Tree) -> bool {
        if self.yes.load(Ordering::Relaxed) {
            return true;
        }
        let Ok(word) = std::fs::read_to_string(&self.file) else { return false };
        let size = tree.len();
        let accepted = word.trim_end() == accept(size, &tree.root_at(size).unwrap_or(Hash([0; 32])));
        if accepted {
            tracing::warn!(size, "a person on this machine accepted the head");
            self.set();
        } else {
            tracing::error!("the file {} is about another head than this one", self.file.display());
        }
        // A word counts once: what it was said about is over with the next entry.
        if let Err(e) = std::fs::remove_file(&self.file) {
            tracing::error!(error = %e, "the accepted head's file could not be removed");
        }
        accepted
    }

    /// Somebody reported a head that is in this log.
    pub(crate) fn set(&self) {
        if !self.yes.swap(true, Ordering::Relaxed) {
            tracing::info!("the head is confirmed");
        }
    }

    /// An edge's receipt, or a witness's cosignature, of this time fits the log.
    pub(crate) fn report(&self, at: Time) {
        if at.plus(ON_ITS_WAY) >= self.started {
            self.set();
        }
    }
}

/// What a person writes to accept a head.
#[must_use]
pub fn accept(size: u64, root: &Hash) -> String {
    format!("{size} {root}")
}

/// The file's name in the desk's directory.
pub const ACCEPT_FILE: &str = "accept-head";
