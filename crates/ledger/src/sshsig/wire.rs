//! The SSH wire types that SSHSIG needs: bytes, u32, strings (RFC 4251 section 5).

use super::{MAX_WORD, SshSigError};
use alloc::vec::Vec;

/// Takes values from the front; every shortage is [`SshSigError::Malformed`].
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, SshSigError> {
        let (&first, rest) = self.0.split_first().ok_or(SshSigError::Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn u32(&mut self) -> Result<u32, SshSigError> {
        let (first, rest) = self.0.split_first_chunk::<4>().ok_or(SshSigError::Malformed)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*first))
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], SshSigError> {
        let length = usize::try_from(self.u32()?).map_err(|_| SshSigError::Malformed)?;
        let (string, rest) = self.0.split_at_checked(length).ok_or(SshSigError::Malformed)?;
        self.0 = rest;
        Ok(string)
    }

    /// A string of exactly `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SshSigError> {
        self.string()?.try_into().map_err(|_| SshSigError::Malformed)
    }

    /// A string that is short text.
    pub(super) fn word(&mut self) -> Result<&'a str, SshSigError> {
        let bytes = self.string()?;
        if bytes.len() > MAX_WORD {
            return Err(SshSigError::Malformed);
        }
        core::str::from_utf8(bytes).map_err(|_| SshSigError::Malformed)
    }

    pub(super) fn end(self) -> Result<(), SshSigError> {
        if self.0.is_empty() { Ok(()) } else { Err(SshSigError::Malformed) }
    }
}

/// Appends a string. Longer than 4 GiB cannot come here: keys and signatures are bounded when they are parsed; the cut
/// keeps length and bytes in agreement all the same.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(bytes.iter().take(usize::try_from(length).unwrap_or(usize::MAX)));
}
