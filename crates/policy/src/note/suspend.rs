//! `suspend`: a lost or doubted key loses its part in power up at once.

use super::{Head, Kind, read_time};
use crate::{GrammarError, Sentence, Time, text::Lines};
use alloc::string::{String, ToString};
use core::fmt;

/// A note that suspends one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspend {
    /// Origin and id.
    pub head: Head,
    /// The key as the policy writes it (vkey).
    pub key: String,
    /// When it was written.
    pub time: Time,
    /// End, at most seven days after `time`; the next policy ends it too.
    pub until: Time,
    /// The reason in a sentence.
    pub why: Sentence,
}

impl Suspend {
    /// Reads a suspend note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Suspend, &mut lines)?;
        let key = lines.read("key", "a key as the policy writes it", |v| {
            let key = ledger::note::VerifierKey::parse(v).ok()?;
            (key.to_string() == v).then(|| v.to_string())
        })?;
        let time = read_time(&mut lines, "time")?;
        let until = read_time(&mut lines, "until")?;
        let why = lines.sentence("why")?;
        lines.end()?;
        Ok(Self { head, key, time, until, why })
    }
}

impl fmt::Display for Suspend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Suspend, f)?;
        write!(f, "key {}\ntime {}\nuntil {}\nwhy {}\n", self.key, self.time, self.until, self.why)
    }
}
