//! One error type, by whose fault it is. Every message says what, why, and what to do next.

use std::fmt;
use std::path::Path;

/// What went wrong, grouped by who can do something about it.
#[derive(Debug)]
pub enum StoreError {
    /// The caller asks for something that contradicts what is stored; ask differently.
    Conflict(String),
    /// The caller names something that is not stored.
    NotFound(String),
    /// The caller's bytes are not what they must be (a note that does not parse, an entry that is too long).
    Unfit(String),
    /// A named limit is reached.
    Full {
        /// What is full.
        what: &'static str,
        /// The limit, in the unit that `what` names.
        limit: u64,
    },
    /// The ledger exists already. It is created once; a second one would be a second truth.
    Exists,
    /// There is no ledger yet.
    NoLedger,
    /// Another publication is unfinished, or another process publishes. Recover it first, or wait.
    Busy(&'static str),
    /// The head is not the one the plan was decided on: somebody else published. Decide again.
    HeadMoved {
        /// The size the plan builds on.
        expected: u64,
        /// The size that is stored.
        found: u64,
    },
    /// Disk or database do not hold what this program wrote. Nothing is signed until a person has looked.
    Damaged(String),
    /// The operating system refused.
    Io {
        /// What was being done, to which file.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database refused.
    Database(Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    pub(crate) fn io(what: &str, path: &Path, source: std::io::Error) -> StoreError {
        StoreError::Io { what: format!("{what} {}", path.display()), source }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict(why) => write!(f, "conflict: {why}"),
            StoreError::NotFound(what) => write!(f, "not found: {what}"),
            StoreError::Unfit(why) => write!(f, "unfit: {why}"),
            StoreError::Full { what, limit } => write!(f, "full: {what} may be at most {limit}"),
            StoreError::Exists => write!(
                f,
                "a ledger exists here already; a ledger is created once, choose another directory for a second installation"
            ),
            StoreError::NoLedger => {
                write!(f, "there is no ledger here yet; create it with `portcullis init`")
            }
            StoreError::Busy(why) => write!(f, "busy: {why}; try again when it is finished"),
            StoreError::HeadMoved { expected, found } => write!(
                f,
                "the ledger has {found} entries, the plan was decided on {expected}; decide it again on the new head"
            ),
            StoreError::Damaged(what) => {
                write!(
                    f,
                    "damaged: {what}; nothing will be signed until this is repaired from a copy of the ledger"
                )
            }
            StoreError::Io { what, source } => write!(f, "could not {what}: {source}"),
            StoreError::Database(source) => write!(f, "the database refused: {source}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Io { source, .. } => Some(source),
            StoreError::Database(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        StoreError::Database(Box::new(error))
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> StoreError {
        StoreError::Database(Box::new(error))
    }
}

/// The result of everything in this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
