//! Keys of notes: their text forms, their ids, signing and checking.

use super::{NoteError, Signature, check_name};
use crate::{
    curve::{is_usable, verify_strict},
    encoding,
    sshsig::{self, SshSig},
    webauthn::{self, Assertion},
};
use alloc::{
    borrow::ToOwned as _,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

/// What a key is, and so how its signatures look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the text (RFC 8032). Logs and edges.
    Ed25519([u8; 32]),
    /// Type 0x04: Ed25519 over a time and the text (C2SP tlog-cosignature v1). Witnesses and edges.
    Cosigner([u8; 32]),
    /// Type 0xff, `portcullis.sshsig/v1`, a zero byte and the SSH wire form of the key: an SSHSIG in the namespace
    /// [`sshsig::NAMESPACE`]. Persons.
    Ssh(sshsig::PublicKey),
    /// Type 0xff, `portcullis.webauthn/v1`, a zero byte and [`webauthn::PublicKey::to_blob`]: an assertion of a passkey.
    /// Persons.
    Passkey(webauthn::PublicKey),
}

const TYPE_ED25519: u8 = 0x01;
const TYPE_COSIGNER: u8 = 0x04;
const TYPE_LONG: u8 = 0xff;
/// Follows the byte 0xff and precedes the SSH wire form of the public key.
const SSH_TYPE: &[u8] = b"portcullis.sshsig/v1\0";
/// The same for a passkey.
const PASSKEY_TYPE: &[u8] = b"portcullis.webauthn/v1\0";
/// First words of a private key's text, as Go's `sumdb/note` writes them.
const PRIVATE: &str = "PRIVATE+KEY+";
/// The latest time of a cosignature (C2SP tlog-cosignature).
const MAX_TIME: u64 = i64::MAX.unsigned_abs();

impl KeyKind {
    /// The type and the public key as they are hashed into the id and written in a vkey.
    fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => [&[TYPE_ED25519], &key[..]].concat(),
            Self::Cosigner(key) => [&[TYPE_COSIGNER], &key[..]].concat(),
            Self::Ssh(key) => [&[TYPE_LONG], SSH_TYPE, &key.to_blob()].concat(),
            Self::Passkey(key) => [&[TYPE_LONG], PASSKEY_TYPE, &key.to_blob()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, NoteError> {
        let (&kind, key) = bytes.split_first().ok_or(NoteError::MalformedKey)?;
        let plain = || <[u8; 32]>::try_from(key).map_err(|_| NoteError::MalformedKey);
        match kind {
            TYPE_ED25519 => plain().map(Self::Ed25519),
            TYPE_COSIGNER => plain().map(Self::Cosigner),
            TYPE_LONG => {
                if let Some(blob) = key.strip_prefix(PASSKEY_TYPE) {
                    let passkey = webauthn::PublicKey::from_blob(blob).map(Self::Passkey);
                    return passkey.map_err(|_| NoteError::MalformedKey);
                }
                let blob = key.strip_prefix(SSH_TYPE).ok_or(NoteError::UnknownKeyType(kind))?;
                sshsig::PublicKey::from_blob(blob).map(Self::Ssh).map_err(|_| NoteError::MalformedKey)
            }
            other => Err(NoteError::UnknownKeyType(other)),
        }
    }

    fn public_key(&self) -> &[u8; 32] {
        match self {
            Self::Ed25519(key) | Self::Cosigner(key) => key,
            Self::Ssh(key) => key.public_key(),
            Self::Passkey(key) => key.x(),
        }
    }

    /// Whether it can be used: a passkey was checked when it was read.
    fn is_usable(&self) -> bool {
        matches!(self, Self::Passkey(_)) || is_usable(self.public_key())
    }
}

/// A public key with its name. It cannot be built with a bad name or with a key that anybody could sign for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    key_id: [u8; 4],
    kind: KeyKind,
}

impl VerifierKey {
    /// Names a key.
    ///
    /// # Errors
    /// When the name is no key name or the key cannot be used.
    pub fn new(name: &str, kind: KeyKind) -> Result<Self, NoteError> {
        check_name(name)?;
        if !kind.is_usable() {
            return Err(NoteError::WeakKey);
        }
        Ok(Self { name: name.to_owned(), key_id: key_id(name, &kind.encoded()), kind })
    }

    /// Reads a vkey: `name+hhhhhhhh+base64(type || public key)` (C2SP signed-note). `Display` prints it.
    ///
    /// # Errors
    /// When the form, the id, the type or the key is wrong.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = split_key(vkey)?;
        let key = Self::new(name, KeyKind::decode(&bytes)?)?;
        if key.key_id == id { Ok(key) } else { Err(NoteError::WrongKeyId) }
    }

    /// The name as it stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256(name, newline, type, public key), first four bytes.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Whether it is an SSH key: its signatures are made on the person's own machine, over a text that was read there.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        matches!(self.kind, KeyKind::Ssh(_))
    }

    /// What kind of key this is, with the key itself.
    #[must_use]
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The bare Ed25519 key, or the x coordinate of a passkey, whatever the kind and the name: equal bytes are one key,
    /// and one holder.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.kind.public_key()
    }

    /// Whether a signature line claims to be made by this key.
    #[must_use]
    pub fn is_named_by(&self, signature: &Signature) -> bool {
        self.name == signature.name && self.key_id == signature.key_id
    }

    /// Checks one signature over a note's text (with its final newline). A cosignature yields its time, in seconds
    /// since 1970, which only says what the cosigner's clock showed.
    ///
    /// # Errors
    /// When the signature names another key, or this key did not make it over this text.
    pub fn verify(&self, text: &[u8], signature: &Signature) -> Result<Option<u64>, NoteError> {
        if !self.is_named_by(signature) {
            return Err(NoteError::OtherKey);
        }
        let bad = || NoteError::BadSignature(self.name.clone());
        match &self.kind {
            KeyKind::Ed25519(key) => {
                verify_strict(key, text, &signature.bytes).then_some(None).ok_or_else(bad)
            }
            KeyKind::Cosigner(key) => {
                let (time, bytes) = signature.bytes.split_first_chunk::<8>().ok_or_else(bad)?;
                let time = u64::from_be_bytes(*time);
                let valid = time <= MAX_TIME && verify_strict(key, &cosigned(time, text), bytes);
                valid.then_some(Some(time)).ok_or_else(bad)
            }
            KeyKind::Ssh(key) => SshSig::from_blob(&signature.bytes)
                .and_then(|sig| sig.verify(key, sshsig::NAMESPACE, text))
                .map(|()| None)
                .map_err(|why| NoteError::BadSshSignature(self.name.clone(), why)),
            KeyKind::Passkey(key) => Assertion::from_blob(&signature.bytes)
                .and_then(|assertion| assertion.verify(key, text))
                .map(|()| None)
                .map_err(|why| NoteError::BadAssertion(self.name.clone(), why)),
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, self.key_id, &self.kind.encoded())
    }
}

/// The private key of a machine: a log or an edge. Persons sign with `ssh-keygen`, never here.
///
/// One seed may both sign and cosign: a cosigned message begins with `cosignature/v1`, no note of ours does, and the
/// two uses have different key ids. Two names must never share a seed, for a cosignature does not cover the name.
#[derive(Clone)]
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key with this name and Ed25519 seed (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// When the name is no key name.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let verifier = VerifierKey::new(name, KeyKind::Ed25519(key.verifying_key().to_bytes()))?;
        Ok(Self { verifier, key })
    }

    /// The public key of what [`SigningKey::sign`] makes.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// The public key of what [`SigningKey::cosign`] makes.
    #[must_use]
    pub fn cosigner(&self) -> VerifierKey {
        let kind = KeyKind::Cosigner(*self.verifier.public_key());
        let name = self.verifier.name.clone();
        VerifierKey { key_id: key_id(&name, &kind.encoded()), name, kind }
    }

    /// Signs a note's text (type 0x01).
    #[must_use]
    pub fn sign(&self, text: &str) -> Signature {
        let bytes = self.key.sign(text.as_bytes()).to_vec();
        Signature { name: self.verifier.name.clone(), key_id: self.verifier.key_id, bytes }
    }

    /// Cosigns a checkpoint's text (type 0x04): "at `time` this was the largest consistent tree I had seen".
    ///
    /// The caller must have checked that. `time` is in seconds since 1970; a time after 2^63 - 1 is written as that.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let time = time.min(MAX_TIME);
        let signature = self.key.sign(&cosigned(time, text.as_bytes()));
        let bytes = [&time.to_be_bytes()[..], &signature.to_bytes()].concat();
        Signature { name: self.verifier.name.clone(), key_id: self.cosigner().key_id, bytes }
    }

    /// The key as it is kept in a file: `PRIVATE+KEY+name+hhhhhhhh+base64(0x01 || seed)`, as Go's `sumdb/note`.
    #[must_use]
    pub fn encode(&self) -> String {
        let bytes = [&[TYPE_ED25519], &self.key.to_bytes()[..]].concat();
        let id = u32::from_be_bytes(self.verifier.key_id);
        format!("{PRIVATE}{}+{id:08x}+{}", self.verifier.name, encoding::to_base64(&bytes))
    }

    /// Reads what [`SigningKey::encode`] prints, without a newline.
    ///
    /// # Errors
    /// When the form, the id or the type is wrong. The error holds nothing of the key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = split_key(text.strip_prefix(PRIVATE).ok_or(NoteError::MalformedKey)?)?;
        let (&kind, seed) = bytes.split_first().ok_or(NoteError::MalformedKey)?;
        if kind != TYPE_ED25519 {
            return Err(NoteError::UnknownKeyType(kind));
        }
        let key = Self::from_seed(name, seed.try_into().map_err(|_| NoteError::MalformedKey)?)?;
        if key.verifier.key_id == id { Ok(key) } else { Err(NoteError::WrongKeyId) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("verifier", &self.verifier.to_string()).finish_non_exhaustive()
    }
}

fn key_id(name: &str, encoded: &[u8]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update(b"\n");
    hash.update(encoded);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    [a, b, c, d]
}

fn cosigned(time: u64, text: &[u8]) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat()
}

/// `name+hhhhhhhh+base64`; the Base64 part may itself hold a plus.
fn split_key(text: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let mut parts = text.splitn(3, '+');
    let mut next = || parts.next().ok_or(NoteError::MalformedKey);
    let (name, id, base64) = (next()?, next()?, next()?);
    let id = encoding::from_hex(id).ok_or(NoteError::MalformedKey)?;
    Ok((name, id, encoding::from_base64(base64).ok_or(NoteError::MalformedKey)?))
}

fn write_key(f: &mut fmt::Formatter<'_>, name: &str, id: [u8; 4], bytes: &[u8]) -> fmt::Result {
    write!(f, "{name}+{:08x}+{}", u32::from_be_bytes(id), encoding::to_base64(bytes))
}
