//! What a log sends to a witness (C2SP tlog-witness, `add-checkpoint`), byte for byte.

use crate::{Hash, encoding, note::MAX_NOTE};
use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// Most hashes of a consistency proof (C2SP tlog-witness).
pub const MAX_PROOF: usize = 63;
/// Largest body: `old`, the proof, a blank line, a checkpoint. 26 + 63 x 45 + 1 + 65,536 bytes.
pub const MAX_BODY: usize = 4096 + MAX_NOTE;

/// A checkpoint and the proof that it goes on from what the witness holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is believed to hold.
    pub old: u64,
    /// The consistency proof from that size to the checkpoint's (RFC 6962 section 2.1.2); empty from size 0.
    pub proof: Vec<Hash>,
    /// The checkpoint as the log signed it.
    pub checkpoint: Vec<u8>,
}

impl AddCheckpoint {
    /// The body of the request.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("old {}\n", self.old);
        for hash in &self.proof {
            head.push_str(&hash.to_base64());
            head.push('\n');
        }
        head.push('\n');
        [head.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads a body. Whether the checkpoint is one is not looked at.
    ///
    /// # Errors
    /// Says what is wrong with its form.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        if body.len() > MAX_BODY {
            return Err(WireError("it is longer than any of these requests"));
        }
        let blank =
            body.windows(2).position(|two| two == b"\n\n").ok_or(WireError("it has no blank line"))?;
        let (head, rest) = body.split_at_checked(blank).ok_or(WireError("it has no blank line"))?;
        let head = core::str::from_utf8(head).map_err(|_| WireError("its head is not text"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(encoding::decimal);
        let old = old.ok_or(WireError("its first line is not `old SIZE`"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF {
                return Err(WireError("its proof has more than 63 hashes"));
            }
            proof
                .push(Hash::parse_base64(line).ok_or(WireError("a line of its proof is no hash in Base64"))?);
        }
        Ok(Self { old, proof, checkpoint: rest.get(2..).unwrap_or_default().to_vec() })
    }
}

/// What a witness says when it holds another size than the request's `old`: the size in decimal and a newline.
#[must_use]
pub fn size_answer(size: u64) -> String {
    format!("{size}\n")
}

/// Reads [`size_answer`].
#[must_use]
pub fn parse_size_answer(body: &[u8]) -> Option<u64> {
    encoding::decimal(core::str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

/// Why bytes are no such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError(&'static str);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request is malformed: {}", self.0)
    }
}

impl core::error::Error for WireError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_specs_form_and_no_other() {
        let hash = Hash::of(b"a");
        let request =
            AddCheckpoint { old: 20852163, proof: vec![hash, hash], checkpoint: b"log\n1\n".to_vec() };
        let line = hash.to_base64();
        let body = format!("old 20852163\n{line}\n{line}\n\nlog\n1\n");
        assert_eq!(request.to_bytes(), body.as_bytes());
        assert_eq!(AddCheckpoint::parse(body.as_bytes()), Ok(request));
        let first = AddCheckpoint { old: 0, proof: vec![], checkpoint: b"x\n".to_vec() };
        assert_eq!(AddCheckpoint::parse(b"old 0\n\nx\n"), Ok(first));
        for bad in [
            "",
            "\n\n",
            "old\n\nx\n",
            "old 01\n\nx\n",
            "old -1\n\nx\n",
            "old 1\nx\n\nx\n",
            "old 1",
            "Old 1\n\nx\n",
            "old 18446744073709551616\n\nx\n",
        ] {
            assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let long = format!("old 1\n{}\nx\n", format!("{line}\n").repeat(64));
        assert!(AddCheckpoint::parse(long.as_bytes()).is_err());
        let most = format!("old 1\n{}\nx\n", format!("{line}\n").repeat(63));
        assert!(AddCheckpoint::parse(most.as_bytes()).is_ok());
        assert_eq!(parse_size_answer(size_answer(7).as_bytes()), Some(7));
        assert_eq!(parse_size_answer(b"7"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_reads_prints_the_same(body in proptest::collection::vec(0u8.., 0..300)) {
            if let Ok(read) = AddCheckpoint::parse(&body) {
                assert_eq!(read.to_bytes(), body);
            }
        }

        #[test]
        fn near_misses(old in 0u64.., lines in 0usize..4, tail in "[a-z\n]{0,8}") {
            let line = Hash::of(b"x").to_base64() + "\n";
            let body = format!("old {old}\n{}\n{tail}", line.repeat(lines));
            let read = AddCheckpoint::parse(body.as_bytes()).expect("the form");
            assert_eq!((read.old, read.proof.len()), (old, lines));
            assert_eq!(read.to_bytes(), body.as_bytes());
        }
    }
}
