//! The doorbell: server-sent events that say "there is a checkpoint of this size", and nothing more.
//!
//! A bell is untrusted by design: a false ring costs one look at the checkpoint, a missing ring costs one poll.
//! So the reader is strict rather than clever: any line the desk does not send ends the connection.

use std::fmt;
use std::time::Duration;

use ledger::Hash;

/// The path of the bell on the desk's relay address.
pub const PATH: &str = "/relay/v1/bell";

/// The media type of server-sent events (HTML Living Standard, section 9.2).
pub const MEDIA_TYPE: &str = "text/event-stream";

/// What the desk sends when there is nothing to say, so that both ends see a dead connection.
pub const PING: &str = ":\n\n";

/// How often the desk sends [`PING`].
pub const PING_EVERY: Duration = Duration::from_secs(15);

/// A bell that was silent this long is dead: two pings lost, and a third of one as slack for a slow line.
pub const SILENCE: Duration = Duration::from_secs(35);

/// Longest line taken, without its newline: `event: checkpoint` is 17 bytes, `data: ` plus a u64 26; the rest is
/// room for a comment.
pub const MAX_LINE: usize = 64;

/// The event for a new checkpoint of `size` entries.
#[must_use]
pub fn event(size: u64) -> String {
    format!("event: checkpoint\ndata: {size}\n\n")
}

/// Why a bell stream was dropped. Fault: the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BellError {
    /// A line longer than [`MAX_LINE`].
    LongLine,
    /// A line that is not in our vocabulary.
    StrangeLine,
    /// An event without its data, or data without its event.
    HalfEvent,
}

impl fmt::Display for BellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongLine => "a line longer than 64 bytes",
            Self::StrangeLine => "a line that no Portcullis desk sends",
            Self::HalfEvent => "an event without data, or data without an event",
        })
    }
}

impl core::error::Error for BellError {}

/// Reads a bell stream piece by piece; holds at most one line.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    named: bool,
    size: Option<u64>,
}

impl Decoder {
    /// Takes the next bytes; returns the largest size rung in them, if any. Several rings in one piece are one look
    /// at the checkpoint, so the smaller ones are of no use.
    ///
    /// # Errors
    /// [`BellError`]; the stream must then be dropped.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<u64>, BellError> {
        let mut rung = None;
        for &byte in bytes {
            if byte != b'\n' {
                if self.line.len() == MAX_LINE {
                    return Err(BellError::LongLine);
                }
                self.line.push(byte);
                continue;
            }
            let line = core::mem::take(&mut self.line);
            if let Some(size) = self.line_ends(&line)? {
                rung = rung.max(Some(size));
            }
        }
        Ok(rung)
    }

    fn line_ends(&mut self, line: &[u8]) -> Result<Option<u64>, BellError> {
        match line {
            b"" => match (core::mem::take(&mut self.named), self.size.take()) {
                (true, Some(size)) => Ok(Some(size)),
                (false, None) => Ok(None),
                _ => Err(BellError::HalfEvent),
            },
            [b':', ..] => Ok(None),
            b"event: checkpoint" if !self.named => {
                self.named = true;
                Ok(None)
            }
            [b'd', b'a', b't', b'a', b':', b' ', digits @ ..] if self.size.is_none() => {
                self.size = Some(decimal(digits).ok_or(BellError::StrangeLine)?);
                Ok(None)
            }
            _ => Err(BellError::StrangeLine),
        }
    }
}

/// A decimal without sign and without leading zeros.
fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let canonical = plain && (digits.len() == 1 || digits[0] != b'0');
    if !canonical {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// `base` moved by up to a quarter either way. A thousand edges that lost the same desk must not come back in the
/// same moment. Not secret, so a hash of who asks and how often is chance enough.
#[must_use]
pub fn jitter(base: Duration, who: &str, turn: u64) -> Duration {
    let hash = Hash::of(format!("{who} {turn}").as_bytes());
    let draw = u32::from(u16::from_be_bytes([hash.0[0], hash.0[1]]));
    let quarter = base / 4;
    base - quarter + quarter * 2 / 65_535 * draw
}

/// The wait before the `attempt`th reconnect (counted from 0): 0.5 s, doubled up to 30 s, jittered. 30 s keeps a
/// thousand edges below forty connects a second while the polls carry the news.
#[must_use]
pub fn backoff(attempt: u32, who: &str) -> Duration {
    let base = Duration::from_millis(500) * 2u32.pow(attempt.min(6));
    jitter(base.min(Duration::from_secs(30)), who, u64::from(attempt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_taken() {
        for (text, expect) in [
            ("", Ok(None)),
            (":\n\n", Ok(None)),
            (": hello\n\n", Ok(None)),
            ("event: checkpoint\ndata: 7\n\n", Ok(Some(7))),
            ("event: checkpoint\ndata: 7\n", Ok(None)),
            ("data: 7\nevent: checkpoint\n\n", Ok(Some(7))),
            ("event: checkpoint\n:\ndata: 0\n\n", Ok(Some(0))),
            ("event: checkpoint\ndata: 9\n\nevent: checkpoint\ndata: 8\n\n", Ok(Some(9))),
            ("event: checkpoint\ndata: 18446744073709551615\n\n", Ok(Some(u64::MAX))),
            ("event: checkpoint\ndata: 18446744073709551616\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\ndata: 07\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\ndata: -7\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\ndata: \n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\ndata:7\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\r\ndata: 7\r\n\r\n", Err(BellError::StrangeLine)),
            ("event: lift\ndata: 7\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\nevent: checkpoint\n\n", Err(BellError::StrangeLine)),
            ("retry: 0\n\n", Err(BellError::StrangeLine)),
            ("event: checkpoint\n\n", Err(BellError::HalfEvent)),
            ("data: 7\n\n", Err(BellError::HalfEvent)),
        ] {
            assert_eq!(Decoder::default().push(text.as_bytes()), expect, "{text:?}");
        }
        let mut endless = Decoder::default();
        assert_eq!(endless.push(&[b':'; MAX_LINE]), Ok(None));
        assert_eq!(endless.push(b":"), Err(BellError::LongLine));
    }

    #[test]
    fn waits_grow_to_a_bound_and_differ_between_edges() {
        for attempt in 0..40 {
            let wait = backoff(attempt, "edge-1");
            assert!(wait >= Duration::from_millis(375) && wait <= Duration::from_millis(37_500), "{wait:?}");
        }
        assert_ne!(backoff(9, "edge-1"), backoff(9, "edge-2"));
        assert!(backoff(0, "e") < backoff(3, "e") && backoff(3, "e") < backoff(6, "e"));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..400) {
            let cut = cut.min(bytes.len());
            let whole = Decoder::default().push(&bytes);
            let mut decoder = Decoder::default();
            let first = decoder.push(&bytes[..cut]);
            let split = first.and_then(|a| decoder.push(&bytes[cut..]).map(|b| a.max(b)));
            prop_assert_eq!(whole, split);
        }

        #[test]
        fn every_ring_arrives(size: u64) {
            prop_assert_eq!(Decoder::default().push(event(size).as_bytes()), Ok(Some(size)));
        }
    }
}
