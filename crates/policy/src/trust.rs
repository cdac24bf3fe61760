//! The one line an edge or an outsider starts from.

use alloc::string::{String, ToString};
use core::fmt;
use ledger::{Hash, note::VerifierKey};

/// `portcullis-trust/v1 <origin> <log vkey> <sha256 of entry 0, hex>`: which log, whose signature on its
/// checkpoints, and which policy it begins with (DESIGN 6). Everything else is verified from it.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The log's origin, which is also its key's name.
    pub origin: String,
    /// The key that signs checkpoints until a policy names another.
    pub log: VerifierKey,
    /// SHA-256 of the bytes of entry 0, its `logged` line included.
    pub entry0: Hash,
}

const FIRST: &str = "portcullis-trust/v1";

impl Trust {
    /// Reads the line, with or without its newline.
    ///
    /// # Errors
    /// Says which of the four words is wrong, and why.
    pub fn parse(line: &str) -> Result<Self, String> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let mut words = line.split(' ');
        let (Some(FIRST), Some(origin), Some(vkey), Some(entry0), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err("a trust line is `portcullis-trust/v1 ORIGIN LOG-VKEY SHA256-OF-ENTRY-0`".into());
        };
        let log = VerifierKey::parse(vkey).map_err(|e| alloc::format!("the log's key: {e}"))?;
        if log.name() != origin {
            return Err("the log's key is named differently from the origin".into());
        }
        let entry0 = Hash::parse_hex(entry0).ok_or("the last word must be 64 lower-case hex digits")?;
        Ok(Self { origin: origin.to_string(), log, entry0 })
    }

    /// Whether this is a demonstration log, which an edge refuses unless told otherwise.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        crate::quorum::is_demo(&self.origin)
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FIRST} {} {} {}", self.origin, self.log, self.entry0)
    }
}
