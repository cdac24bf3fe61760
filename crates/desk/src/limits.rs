//! Every limit of the desk, each with its arithmetic.

use std::time::Duration;

/// What a browser answers in a ceremony of WebAuthn, bytes: an attestation of the kind "none" with the largest
/// credential id (1,023) is 3 KiB as JSON.
pub(crate) const CEREMONY: usize = 16 * 1024;

/// Largest text of a note, bytes. An entry holds at most 65,535 bytes; forty signature lines of 400 bytes (an SSHSIG
/// in base64 behind a name) are 16,000, so a text of 48 KiB always leaves room for its signatures.
pub(crate) const TEXT: usize = 48 * 1024;

/// One signature line, bytes: a FIDO key's SSHSIG is about 600 bytes in base64, an assertion of a passkey as JSON about
/// 1,200; the store takes up to 4,096.
pub(crate) const SIGNATURE: usize = 4096;

/// One blob, bytes: what the store keeps, which is the largest post.
pub(crate) const BLOB: usize = 256 * 1024;

/// A signed note that undoes, bytes: the same on every channel (DESIGN 6).
pub(crate) const UNDO: usize = policy::MAX_UNDO;

/// A receipt, bytes: a signed note.
pub(crate) const RECEIPT: usize = relay::receipt::MAX_RECEIPT;

/// A request of an edge for a configuration, bytes: a signed note of five lines.
pub(crate) const CONFIG_REQUEST: usize = relay::config::MAX_REQUEST;

/// A JSON body, bytes: a vkey of about 100 bytes, or a sentence of 2,048.
pub(crate) const JSON: usize = 8192;

/// An entry of a case, bytes: a letter of 32 KiB as JSON, half of it escaped, beside what [`JSON`] holds.
pub(crate) const ENTRY: usize = store::MAX_LETTER * 3 / 2 + JSON;

/// A piece of evidence, bytes: what the store seals in one piece.
pub(crate) const EVIDENCE: usize = store::MAX_EVIDENCE;

/// How long a request body may take. 256 KiB at 64 kbit/s, a bad line in a crisis, are 33 seconds.
pub(crate) const BODY: Duration = Duration::from_secs(60);

/// Longest `Idempotency-Key`, bytes: a UUID is 36; 255 is what other APIs take.
pub(crate) const IDEMPOTENCY_KEY: usize = 255;

/// Items of a list when the caller names no number, and the most there are in one answer. A note is at most 48 KiB of
/// text and 16 of signatures, so a full page of the largest notes is 13 MiB; a usual one is 200 KiB.
pub(crate) const PAGE: u32 = 50;
/// See [`PAGE`].
pub(crate) const MAX_PAGE: u32 = store::MAX_PAGE;

/// Reports of a cluster in one answer: they say the same, so few are enough; 20 of the largest are 2.4 MB.
pub(crate) const REPORTS_SHOWN: u32 = 20;

/// Least part of a report's number that may stand for it, bytes: four of its sixteen random digits tell 65,536 apart.
pub(crate) const PART_OF_NUMBER: usize = 4;

/// Reports that are read from the inbox before the next look: 100 of the largest are 12 MB.
pub(crate) const TAKEN_AT_ONCE: usize = 100;

/// Bells open at once: one for each edge that can be enrolled. Beyond it an edge polls.
pub(crate) const BELLS: usize = 10_000;

/// Rings that wait in one bell's connection. A later ring makes an earlier one useless, so a slow reader needs no
/// queue: one in flight, and the newest size is looked up when it is through.
pub(crate) const RINGS: usize = 1;
