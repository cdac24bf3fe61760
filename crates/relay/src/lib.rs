//! The treaty between desk and edge.
//!
//! Purpose: an edge follows the ledger over plain HTTP, verifies and keeps it, enforces it, and reports back signed.
//! Owns: the edge's state directory, the doorbell, receipts, the delivery of undos, the config lane's transport.
//! Trusts: the trust line, its own disk, and its clock only to end things; servers, bells and files prove themselves.
//! Never: decides what is in force (`policy` folds), carries a visitor's request, or listens on a socket.

pub mod bell;
pub mod compare;
pub mod config;
pub mod cosign;
pub mod effective;
pub mod http;
pub mod receipt;
pub mod report;
pub mod sync;
pub mod undo;
pub mod witness;

mod dir;
mod inbox;
mod load;
mod look;
mod rekey;
mod shared;
mod tail;

pub use config::Configure;
pub use effective::{Active, Effective};
pub use load::{OpenError, Refused};
pub use look::Synced;
pub use rekey::{RekeyError, RekeyHandle};
pub use shared::{STALE_AFTER, Status, TailConfig, UNLOGGED_AFTER};
pub use sync::Refusal;
pub use tail::{Monitor, POLL, POLL_WITHOUT_BELL, REPORT_EVERY, SAVE_ELAPSED_EVERY, Tail};
pub use undo::{UndoError, UndoHandle, Undone};
