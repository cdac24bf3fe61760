//! SSH keys made in the process, so that tests of the crates above need no `ssh-keygen`.
//!
//! Only with the feature `testkit`; what it signs is checked by the same strict code as everything else, and a test
//! of this crate checks that stock OpenSSH accepts the same signatures.

use crate::{
    note::{KeyKind, NoteError, Signature, VerifierKey},
    sshsig::{NAMESPACE, PublicKey},
};
use alloc::{string::String, vec::Vec};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha512};

/// A person's key for tests.
pub struct SshKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SshKey {
    /// A key from 32 bytes; the same bytes give the same key.
    #[must_use]
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Self {
        Self { name: name.into(), key: ed25519_dalek::SigningKey::from_bytes(&seed) }
    }

    fn public(&self) -> PublicKey {
        PublicKey::Ed25519(self.key.verifying_key().to_bytes())
    }

    /// The key as policies write it.
    ///
    /// # Errors
    /// When the name is no key name.
    pub fn verifier(&self) -> Result<VerifierKey, NoteError> {
        VerifierKey::new(&self.name, KeyKind::Ssh(self.public()))
    }

    /// Signs a note's text as `ssh-keygen -Y sign` would.
    ///
    /// # Errors
    /// When the name is no key name.
    pub fn sign(&self, text: &str) -> Result<Signature, NoteError> {
        let mut signed = Vec::from(*b"SSHSIG");
        for part in [NAMESPACE.as_bytes(), b"", b"sha512", &Sha512::digest(text.as_bytes())[..]] {
            string(&mut signed, part);
        }
        let mut signature = Vec::new();
        string(&mut signature, b"ssh-ed25519");
        string(&mut signature, &self.key.sign(&signed).to_bytes());
        let mut blob = Vec::from(*b"SSHSIG\x00\x00\x00\x01");
        for part in [&self.public().to_blob()[..], NAMESPACE.as_bytes(), b"", b"sha512", &signature] {
            string(&mut blob, part);
        }
        let key_id = self.verifier()?.key_id();
        Ok(Signature { name: self.name.clone(), key_id, bytes: blob })
    }
}

/// An SSH wire string: u32 length, then the bytes (RFC 4251 section 5). Test data is far below 4 GiB.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
