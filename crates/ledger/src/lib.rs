//! Purpose: the signed, append-only public record: notes, signatures, checkpoints, tiles and proofs.
//! Owns: every signature format and every byte layout that a stranger can check without us (C2SP, RFC 6962, SSHSIG,
//! WebAuthn).
//! Trusts: nothing but the keys and hashes it is handed; every byte that comes in may come from an attacker.
//! Never: reads a clock, a file, a socket or chance; never panics on input; knows no customer, person or quorum.
//!
#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod checkpoint;
mod curve;
mod encoding;
pub mod merkle;
pub mod note;
pub mod sshsig;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
pub mod tile;
pub mod webauthn;
pub mod witness;

use alloc::string::String;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// A SHA-256 value: a Merkle node, or the name of a blob or an entry.
///
/// `Display` prints 64 lower-case hexadecimal digits, as in note texts and paths; checkpoints use Base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The SHA-256 of these bytes (FIPS 180-4). Not a Merkle leaf hash; that is [`merkle::leaf_hash`].
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Exactly 64 lower-case hexadecimal digits; anything else is `None`, so that one hash has one spelling.
    #[must_use]
    pub fn parse_hex(text: &str) -> Option<Self> {
        encoding::from_hex(text).map(Self)
    }

    /// Standard Base64 with padding (RFC 4648 section 4), 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        encoding::to_base64(&self.0)
    }

    /// Reads what [`Hash::to_base64`] prints and no other spelling of it.
    #[must_use]
    pub fn parse_base64(text: &str) -> Option<Self> {
        Some(Self(encoding::from_base64(text)?.try_into().ok()?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
