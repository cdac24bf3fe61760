//! Where tests break writes. Every durable write of a publication announces itself here, before and after.
//!
//! An error from `before` is a write that failed. An error from `after` is a write that **was stored** and then
//! reported as failed, which is also what a kill -9 right after it looks like to the next start.

use std::io;

/// One durable write of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The temporary file beside the file named, in the ledger directory.
    Temporary(String),
    /// The rename of the temporary file to the file named.
    Rename(String),
    /// A database transaction: `plan` (the plan is stored), `head` (the head is swapped and signed),
    /// `finish` (the plan is removed, its draft is published), `cosigned` (the head has more signatures), `rekeyed` (the
    /// head is that of the ledger under its new key). Of mails: `mail` (one is queued), `mail-begun` (it is being sent),
    /// `mail-sent`, `mail-refused`. Of pages: `page-turn` (rounds begin and end), `page-call` (a call is being made),
    /// `page-made` (how it ended), `page-ack`.
    Row(&'static str),
}

/// What may stand between the program and its disk.
pub trait Hook: Send + Sync {
    /// Called before the write. An error means the write does not happen.
    fn before(&self, write: &Write) -> io::Result<()>;
    /// Called after the write is durable. An error means the program does not learn that it happened.
    fn after(&self, write: &Write) -> io::Result<()>;
}

/// The hook of every real run: writes fail only when the system makes them fail.
#[derive(Debug, Clone, Copy)]
pub struct NoFaults;

impl Hook for NoFaults {
    fn before(&self, _: &Write) -> io::Result<()> {
        Ok(())
    }
    fn after(&self, _: &Write) -> io::Result<()> {
        Ok(())
    }
}
