//! SSH keys and passkeys made in the process, so that tests of the crates above need no `ssh-keygen` and no browser.
//!
//! Only with the feature `testkit`; what it signs is checked by the same strict code as everything else, and a test
//! of this crate checks that stock OpenSSH accepts the same signatures.

use crate::{
    encoding,
    note::{KeyKind, NoteError, Signature, VerifierKey},
    sshsig::{NAMESPACE, PublicKey},
    webauthn::{self, Assertion},
};
use alloc::{format, string::String, vec::Vec};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256, Sha512};

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

/// A person's passkey for tests: an authenticator and its browser in one.
pub struct Passkey {
    name: String,
    origin: String,
    key: p256::ecdsa::SigningKey,
}

impl Passkey {
    /// A passkey that stays on its device, from 32 bytes; the same bytes give the same key.
    ///
    /// # Errors
    /// When the bytes are no P-256 scalar: nearly all are.
    pub fn from_seed(name: &str, origin: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let key = p256::ecdsa::SigningKey::from_slice(&seed).map_err(|_| NoteError::MalformedKey)?;
        Ok(Self { name: name.into(), origin: origin.into(), key })
    }

    /// The key as policies write it.
    ///
    /// # Errors
    /// When the name is no key name, or the origin none for passkeys.
    pub fn verifier(&self) -> Result<VerifierKey, NoteError> {
        let point = self.key.verifying_key().to_encoded_point(false);
        let coordinate = |bytes: Option<_>| bytes.map(|bytes: &p256::FieldBytes| <[u8; 32]>::from(*bytes));
        let (x, y) = coordinate(point.x()).zip(coordinate(point.y())).ok_or(NoteError::MalformedKey)?;
        let key =
            webauthn::PublicKey::new(&x, &y, false, &self.origin).map_err(|_| NoteError::MalformedKey)?;
        VerifierKey::new(&self.name, KeyKind::Passkey(key))
    }

    /// What the browser answers when it is asked to make this passkey: the attestation object (CBOR, of the kind "none")
    /// and the client data. Its credential's id is sixteen zero bytes.
    #[must_use]
    pub fn attestation(&self, challenge: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let host = self.origin.split("//").nth(1).and_then(|a| a.split(':').next()).unwrap_or_default();
        let point = self.key.verifying_key().to_encoded_point(false);
        let bytes =
            |coordinate: Option<&p256::FieldBytes>| coordinate.map(|c| c.to_vec()).unwrap_or_default();
        let (x, y) = (bytes(point.x()), bytes(point.y()));
        // Flags UP, UV and AT; counter; AAGUID; the length of the id; the id.
        let mut data = [&Sha256::digest(host)[..], &[0x45], &[0; 4], &[0; 16], &[0, 16], &[0; 16]].concat();
        // COSE (RFC 9053): kty EC2, alg ES256, crv P-256, x, y.
        data.extend(
            [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], &x, &[0x22, 0x58, 32], &y].concat(),
        );
        let length = u8::try_from(data.len()).expect("164 bytes");
        let object =
            [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &[length], &data].concat();
        (object, self.client_data("webauthn.create", challenge))
    }

    fn client_data(&self, kind: &str, challenge: &[u8]) -> Vec<u8> {
        let challenge = encoding::to_base64_url(challenge);
        let origin = &self.origin;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
            .into_bytes()
    }

    /// What the browser answers when it is asked to sign this challenge: authenticator data, client data, and a DER
    /// signature.
    #[must_use]
    pub fn answer(&self, challenge: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let host = self.origin.split("//").nth(1).and_then(|a| a.split(':').next()).unwrap_or_default();
        let authenticator_data = [&Sha256::digest(host)[..], &[0x05], &[0; 4]].concat();
        let client_data = self.client_data("webauthn.get", challenge);
        let signed = [&authenticator_data[..], &Sha256::digest(&client_data)].concat();
        let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(&self.key, &signed);
        (authenticator_data, client_data, signature.to_der().as_bytes().to_vec())
    }

    /// Signs a note's text as a browser with an authenticator would.
    ///
    /// # Errors
    /// As [`Passkey::verifier`].
    pub fn sign(&self, text: &str) -> Result<Signature, NoteError> {
        let (authenticator, client, signature) = self.answer(&webauthn::challenge(text.as_bytes()));
        let assertion = Assertion::from_response(&authenticator, &client, &signature)
            .map_err(|why| NoteError::BadAssertion(self.name.clone(), why))?;
        let key_id = self.verifier()?.key_id();
        Ok(Signature { name: self.name.clone(), key_id, bytes: assertion.to_blob() })
    }
}

/// An SSH wire string: u32 length, then the bytes (RFC 4251 section 5). Test data is far below 4 GiB.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
