//! What to do with a checkpoint the ledger server shows: decided here, done in `tail`.
//!
//! Pure: no I/O, no clock of its own. The server is not trusted; the log's key is trusted for order only, so two
//! checkpoints of it that contradict each other are kept as proof and the later one is refused.

use std::fmt;
use std::io;

use ledger::checkpoint::Checkpoint;
use ledger::tile::{EntriesPath, TilePath, WIDTH};
use policy::{LOGGED_SKEW, Rejected, Time};

use crate::http::HttpError;

/// Largest log that is followed: 4 Mi entries are eleven years of a thousand notes a day, and 128 MiB of leaf hashes.
/// It bounds what the holder of a stolen log key can make an edge fetch and keep.
pub const MAX_ENTRIES: u64 = 1 << 22;

/// What a newly shown checkpoint, whose signature was good, means beside the one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The one we hold, and all its entries are here.
    Current,
    /// Entries are to be fetched and proven: newer ones, or ones lost here.
    Grow,
    /// Older than ours: a replay. Nothing changes.
    Old,
    /// Same size, other root: the log's key signed two histories.
    Fork,
    /// A log has at least its entry 0.
    Empty,
    /// More than [`MAX_ENTRIES`].
    TooLarge,
}

/// Judges a checkpoint against the held one, when `have` entries are folded.
#[must_use]
pub fn decide(held: Option<&Checkpoint>, have: u64, shown: &Checkpoint) -> Verdict {
    if let Some(held) = held {
        if shown.size < held.size {
            return Verdict::Old;
        }
        if shown.size == held.size && shown.root != held.root {
            return Verdict::Fork;
        }
    }
    match shown.size {
        0 => Verdict::Empty,
        size if size > MAX_ENTRIES => Verdict::TooLarge,
        size if size == have => Verdict::Current,
        _ => Verdict::Grow,
    }
}

/// The entry bundles to fetch so that a log of which the first `have` entries are here grows to `size`.
pub fn bundles(have: u64, size: u64) -> impl Iterator<Item = EntriesPath> {
    (have / WIDTH..size.div_ceil(WIDTH)).map(move |index| EntriesPath { index, width: width(index, size) })
}

/// The tiles of leaf hashes of a whole log of `size` entries.
pub fn leaf_tiles(size: u64) -> impl Iterator<Item = TilePath> {
    (0..size.div_ceil(WIDTH)).map(move |index| TilePath { level: 0, index, width: width(index, size) })
}

/// How many entries the bundle `index` has in a log of `size`: 256, or what is left for the last one.
fn width(index: u64, size: u64) -> u16 {
    let left = size.saturating_sub(index.saturating_mul(WIDTH)).min(WIDTH);
    u16::try_from(left).unwrap_or(u16::MAX)
}

/// Whether `logged` is so far ahead of the clock that the entry must wait (DESIGN 6: at most ten minutes).
#[must_use]
pub fn in_future(logged: Time, now: Time) -> bool {
    logged.since(now) > LOGGED_SKEW
}

/// Why a look at the log changed nothing. [`Refusal::code`] is the counter it shows in.
#[derive(Debug)]
pub enum Refusal {
    /// No answer, or not a usable one. Fault: network or server.
    Http(HttpError),
    /// The checkpoint is not a note signed by the log under its origin. Fault: the server.
    Checkpoint(String),
    /// Older than the one held. Fault: the server, or one who replays.
    Old {
        /// Entries in the shown checkpoint.
        shown: u64,
        /// Entries in the held one.
        held: u64,
    },
    /// Two signed checkpoints contradict each other. Fault: the log's key. Both are kept as evidence.
    Fork {
        /// Entries in the shown checkpoint.
        shown: u64,
    },
    /// The log's key signed two histories before: nothing of it is taken until the policy quorum names a new key.
    Frozen,
    /// Fewer of the policy's witnesses than it wants have cosigned the checkpoint. Fault: the desk's or theirs.
    Unwitnessed {
        /// How many have.
        have: u64,
        /// How many must.
        need: u64,
    },
    /// The log has a new key by the policy quorum, but goes on from before a policy that has effect here. Fault: the
    /// officers'; they name a later place.
    DropsPolicy {
        /// The policy's entry.
        index: u64,
    },
    /// No entries, or more than [`MAX_ENTRIES`]. Fault: the log's key.
    Size(u64),
    /// What was fetched is not what the checkpoint signs. Fault: the server.
    Changed(&'static str),
    /// An entry's `logged` is more than ten minutes ahead of our clock. Fault: the log's or ours.
    Future {
        /// The entry.
        index: u64,
        /// Its time.
        logged: Time,
    },
    /// Entry 0 is not the policy our trust line names, or not one for us. Fault: the trust line's or the server's.
    Genesis(Rejected),
    /// Our own disk.
    Disk(io::Error),
}

impl Refusal {
    /// The counter this shows in.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(HttpError::TooLong { .. }) => "oversized",
            Self::Http(_) => "unreachable",
            Self::Checkpoint(_) => "checkpoint",
            Self::Old { .. } => "old-checkpoint",
            Self::Fork { .. } => "fork",
            Self::Frozen => "frozen",
            Self::Unwitnessed { .. } => "unwitnessed",
            Self::DropsPolicy { .. } => "drops-policy",
            Self::Size(_) => "log-size",
            Self::Changed(_) => "changed",
            Self::Future { .. } => "future",
            Self::Genesis(_) => "genesis",
            Self::Disk(_) => "disk",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(e) => e.fmt(f),
            Self::Checkpoint(why) => write!(f, "the checkpoint is not the log's: {why}"),
            Self::Old { shown, held } => {
                write!(f, "an old checkpoint of {shown} entries was shown; {held} are held")
            }
            Self::Fork { shown } => {
                write!(
                    f,
                    "the log signed two histories; its checkpoint of {shown} entries is refused, both are kept"
                )
            }
            Self::Frozen => f.write_str(
                "the log's key signed two histories; nothing new is taken from it until the policy quorum names a new key",
            ),
            Self::Unwitnessed { have, need } => {
                write!(f, "{have} of the {need} witnesses that the policy wants have cosigned the checkpoint")
            }
            Self::DropsPolicy { index } => write!(
                f,
                "the log's new key goes on from before entry {index}, a policy that has effect here; it is not followed"
            ),
            Self::Size(size) => write!(f, "a log of {size} entries is not followed"),
            Self::Changed(what) => write!(f, "{what} is not what the log signed"),
            Self::Future { index, logged } => write!(f, "entry {index} is logged in our future, at {logged}"),
            Self::Genesis(why) => write!(f, "entry 0 is refused: {why}"),
            Self::Disk(e) => write!(f, "the state directory failed: {e}"),
        }
    }
}

impl core::error::Error for Refusal {}

impl From<HttpError> for Refusal {
    fn from(e: HttpError) -> Self {
        Self::Http(e)
    }
}

impl From<io::Error> for Refusal {
    fn from(e: io::Error) -> Self {
        Self::Disk(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Hash;

    fn checkpoint(size: u64, root: &str) -> Checkpoint {
        Checkpoint { origin: "log".into(), size, root: Hash::of(root.as_bytes()) }
    }

    #[test]
    fn verdicts() {
        let held = Some((7, "a"));
        for (held, have, shown, expect) in [
            (None, 0, (1, "a"), Verdict::Grow),
            (None, 0, (0, "a"), Verdict::Empty),
            (None, 0, (MAX_ENTRIES, "a"), Verdict::Grow),
            (None, 0, (MAX_ENTRIES + 1, "a"), Verdict::TooLarge),
            (held, 7, (7, "a"), Verdict::Current),
            (held, 7, (7, "b"), Verdict::Fork),
            (held, 7, (6, "a"), Verdict::Old),
            (held, 7, (0, "a"), Verdict::Old),
            (held, 7, (8, "b"), Verdict::Grow),
            (held, 7, (u64::MAX, "b"), Verdict::TooLarge),
            // entries 3..7 were lost on our disk: the same checkpoint repairs, another root is still a fork
            (held, 3, (7, "a"), Verdict::Grow),
            (held, 3, (7, "b"), Verdict::Fork),
            (held, 3, (3, "a"), Verdict::Old),
            (held, 0, (9, "a"), Verdict::Grow),
        ] {
            let held = held.map(|(size, root)| checkpoint(size, root));
            assert_eq!(
                decide(held.as_ref(), have, &checkpoint(shown.0, shown.1)),
                expect,
                "{held:?} {have} {shown:?}"
            );
        }
    }

    #[test]
    fn only_what_is_missing_is_fetched() {
        for (have, size, expect) in [
            (0, 1, vec!["tile/entries/000.p/1"]),
            (0, 256, vec!["tile/entries/000"]),
            (0, 257, vec!["tile/entries/000", "tile/entries/001.p/1"]),
            (255, 256, vec!["tile/entries/000"]),
            (256, 257, vec!["tile/entries/001.p/1"]),
            (255, 258, vec!["tile/entries/000", "tile/entries/001.p/2"]),
            (300, 400, vec!["tile/entries/001.p/144"]),
            (512, 512, vec![]),
        ] {
            let paths: Vec<String> = bundles(have, size).map(|p| p.to_string()).collect();
            assert_eq!(paths, expect, "{have} -> {size}");
        }
        let tiles: Vec<String> = leaf_tiles(300).map(|p| p.to_string()).collect();
        assert_eq!(tiles, ["tile/0/000", "tile/0/001.p/44"]);
    }

    #[test]
    fn ten_minutes_ahead_is_the_bound() {
        let now = Time(1_795_000_000);
        for (ahead, expect) in [(0, false), (600, false), (601, true)] {
            assert_eq!(in_future(Time(now.0 + ahead), now), expect, "{ahead}");
        }
        assert!(!in_future(Time(0), now));
    }
}
