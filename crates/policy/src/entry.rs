//! An entry of the log: when it was logged, and the note.

use crate::{Time, text::number};
use alloc::{format, vec::Vec};
use ledger::note::Note;

/// `logged <unix>` and a newline, then the signed note's bytes.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When the log took it; never decreases from one entry to the next.
    pub logged: Time,
    /// The note with its signatures.
    pub note: Note,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        const NEED: &str = "an entry begins with `logged UNIX-SECONDS`";
        let end = bytes.iter().take(32).position(|b| *b == b'\n').ok_or(NEED)?;
        let (first, rest) = bytes.split_at(end);
        let first = core::str::from_utf8(first).map_err(|_| NEED)?;
        let logged = first.strip_prefix("logged ").and_then(number).ok_or(NEED)?;
        if Time(logged) > Time::LAST {
            return Err("`logged` lies after the year 9999");
        }
        let note = Note::parse(rest.get(1..).unwrap_or_default()).map_err(|_| "the note is malformed")?;
        Ok(Self { logged: Time(logged), note })
    }

    /// The entry's bytes, as they are hashed into the tree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("logged {}\n", self.logged.0).into_bytes();
        bytes.extend_from_slice(&self.note.to_bytes());
        bytes
    }
}
