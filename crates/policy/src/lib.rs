//! Who may decide what, with which quorum, for how long.
//!
//! Purpose: the grammar of every note, the floor no policy can loosen, and the one fold that says what is in force.
//! Owns: notes, subjects, entries, quorums, bounds, [`State`].
//! Trusts: nothing but signatures checked through `ledger`; no other verifier can be passed in.
//! Never: does I/O, reads a clock, draws randomness, or decides anything that is not in a signed note.
#![no_std]

extern crate alloc;
// One test asks the checker in docs, which reads files.
#[cfg(test)]
extern crate std;

pub mod assessment;
pub mod case;
pub mod clock;
pub mod entry;
pub mod floor;
pub mod note;
pub mod page;
pub mod people;
pub mod register;
pub mod report;
pub mod room;
pub mod rota;
pub mod subject;
#[cfg(feature = "testkit")]
pub mod testkit;

mod address;
mod decision;
mod id;
mod quorum;
mod rejected;
mod state;
mod text;
mod time;
mod trust;

pub use address::MailAddress;
pub use decision::{Continued, Decision, Lifted, Measure, Signer, Status};
pub use id::Id;
pub use note::{AnyNote, Class, Kind, ScopeKind};
pub use rejected::Rejected;
pub use state::{Outcome, Seen, State};
pub use subject::{Scope, Subject};
pub use text::{GrammarError, Sentence};
pub use time::Time;
pub use trust::Trust;

/// Largest post, bytes: 256 KiB holds a long article in several languages; an edge keeps every one in memory.
pub const MAX_POST: usize = 256 * 1024;
/// Largest snapshot of a configuration, bytes: 20,000 hostnames of 200 bytes.
pub const MAX_SNAPSHOT: usize = 4 * 1024 * 1024;
/// Largest subject blob, bytes: 10,000 hostnames of 90 bytes fit, and real ones are below 60.
pub const MAX_SUBJECT: usize = 1024 * 1024;
/// Largest note that may undo something and may come from anywhere, bytes: a lift is under 1 KiB with one signature.
pub const MAX_UNDO: usize = 4096;
/// How far an entry's `logged` may differ from the clock of an edge that watched it arrive, seconds (DESIGN 6).
pub const LOGGED_SKEW: u64 = 600;
