//! `config`: which sites edges serve. Its hash is in the log, so that nobody can quietly stop serving a hostname.

use super::{Head, Kind, read_hash, read_time};
use crate::{
    GrammarError, Time,
    text::{Lines, number, optional, or_none},
};
use core::fmt;
use ledger::Hash;

/// A note that gives edges a new snapshot of sites. The machine that holds the policy's `config` key signs it; where it
/// takes service or protection away, officers sign too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Origin and id.
    pub head: Head,
    /// Counted from 1 without gaps.
    pub version: u64,
    /// The snapshot before this one; `None` for version 1.
    pub previous: Option<Hash>,
    /// Hash of the snapshot, which is for edges alone: it names origins.
    pub snapshot: Hash,
    /// How many customers it has.
    pub customers: u64,
    /// How many hostnames.
    pub hostnames: u64,
    /// How many hostnames of the snapshot before stop reaching their origin.
    pub withdrawn: u64,
    /// How many are protected less than before.
    pub lowered: u64,
    /// When it was written.
    pub time: Time,
}

impl Config {
    /// Reads a config note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Config, &mut lines)?;
        let version = lines.read("version", "a number from 1", |v| number(v).filter(|n| *n > 0))?;
        let previous = lines.read("previous", "the SHA-256 of the snapshot before, or none", |v| {
            optional(v, Hash::parse_hex)
        })?;
        let snapshot = read_hash(&mut lines, "config-sha256")?;
        let mut count = |key| lines.read(key, "a number", |v| number(v).filter(|n| *n <= MAX_COUNT));
        let (customers, hostnames) = (count("customers")?, count("hostnames")?);
        let (withdrawn, lowered) = (count("withdrawn")?, count("lowered")?);
        let time = read_time(&mut lines, "time")?;
        lines.end()?;
        Ok(Self { head, version, previous, snapshot, customers, hostnames, withdrawn, lowered, time })
    }

    /// Whether it takes anything away from anybody.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        self.withdrawn > 0 || self.lowered > 0
    }
}

/// Largest count: more hostnames than there are, and far from overflow in every product.
const MAX_COUNT: u64 = 1 << 40;

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Config, f)?;
        write!(f, "version {}\nprevious {}\n", self.version, or_none(self.previous.as_ref()))?;
        write!(f, "config-sha256 {}\ncustomers {}\n", self.snapshot, self.customers)?;
        write!(f, "hostnames {}\nwithdrawn {}\n", self.hostnames, self.withdrawn)?;
        write!(f, "lowered {}\ntime {}\n", self.lowered, self.time)
    }
}
