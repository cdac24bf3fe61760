//! Checkpoints (C2SP tlog-checkpoint): a log's name, size and root hash, as a signed note.

#[cfg(test)]
mod tests;

use crate::{
    Hash, encoding,
    merkle::EMPTY_ROOT,
    note::{KeyKind, Note, NoteError, VerifierKey},
};
use alloc::{borrow::ToOwned as _, format, string::String};
use core::fmt;

/// What a log says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The log's name; also the name of its key.
    pub origin: String,
    /// How many entries the log has.
    pub size: u64,
    /// The root hash of these entries (RFC 6962 section 2.1).
    pub root: Hash,
}

impl Checkpoint {
    /// The text to sign: origin, size, root in Base64, each on a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads the text of a checkpoint. Extension lines are allowed and ignored.
    ///
    /// # Errors
    /// When a line is missing or spelled another way than [`Checkpoint::to_text`] does, an extension line is empty, or
    /// an empty log has a root other than the empty one.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Malformed("the final newline"))?;
        let mut lines = body.split('\n');
        let mut line =
            |what| lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::Malformed(what));
        let origin = line("the origin")?.to_owned();
        if origin.contains(|c: char| c < ' ') {
            return Err(CheckpointError::Malformed("the origin"));
        }
        let size = encoding::decimal(line("the size")?).ok_or(CheckpointError::Malformed("the size"))?;
        let root = Hash::parse_base64(line("the root")?).ok_or(CheckpointError::Malformed("the root"))?;
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::Malformed("the root of an empty log"));
        }
        if lines.any(|extension| extension.is_empty() || extension.contains(|c: char| c < ' ')) {
            return Err(CheckpointError::Malformed("an extension line"));
        }
        Ok(Self { origin, size, root })
    }
}

/// Opens a checkpoint that `log` has signed, and whose origin is the key's name. Other signatures may stand beside
/// it; find them in the returned note.
///
/// # Errors
/// When the note, the signature or the text is refused.
pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<(Checkpoint, Note), CheckpointError> {
    if !matches!(log.kind(), KeyKind::Ed25519(_)) {
        return Err(CheckpointError::NotALogKey);
    }
    let note = Note::parse(bytes).map_err(CheckpointError::Note)?;
    if note.signers([log]).map_err(CheckpointError::Note)?.is_empty() {
        return Err(CheckpointError::NotSigned);
    }
    let checkpoint = Checkpoint::parse_text(note.text())?;
    if checkpoint.origin != log.name() {
        return Err(CheckpointError::OtherOrigin);
    }
    Ok((checkpoint, note))
}

/// Why bytes are no checkpoint of this log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The named part of the text is missing or malformed.
    Malformed(&'static str),
    /// The note around it is refused.
    Note(NoteError),
    /// The log's key has not signed it.
    NotSigned,
    /// It is the checkpoint of another log.
    OtherOrigin,
    /// The key given is not a plain Ed25519 key, so it is no log's.
    NotALogKey,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the checkpoint is malformed: {what}"),
            Self::Note(why) => write!(f, "the checkpoint is refused: {why}"),
            Self::NotSigned => f.write_str("the checkpoint is not signed by the log's key"),
            Self::OtherOrigin => f.write_str("the checkpoint belongs to a log of another origin"),
            Self::NotALogKey => f.write_str("the key of a log must be a plain Ed25519 key"),
        }
    }
}

impl core::error::Error for CheckpointError {}
