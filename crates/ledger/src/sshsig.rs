//! OpenSSH signatures of files (PROTOCOL.sshsig), as `ssh-keygen -Y sign` makes them; Ed25519 and FIDO Ed25519 only.
//!
//! Strict: one version, two hashes, no reserved data, no trailing bytes. A blob that parses prints as the same bytes.

#[cfg(test)]
mod tests;
mod wire;

use crate::{
    curve::{is_usable, verify_strict},
    encoding,
};
use alloc::{borrow::ToOwned as _, string::String, vec::Vec};
use core::fmt;
use sha2::{Digest as _, Sha256, Sha512};
use wire::{Reader, put_string};

/// The namespace of every signature under a Portcullis note: a signature made for anything else is refused.
pub const NAMESPACE: &str = "portcullis-note/v1";

/// The largest blob, in bytes. The largest one that can be accepted has 719: magic and version 10, a security key
/// 4 + 30 + 36 + 259, namespace 259, reserved 4, hash 10, signature 4 + 30 + 68 + 5.
pub const MAX_BLOB: usize = 1024;

/// The longest FIDO application and the longest namespace, in bytes. OpenSSH's own are `ssh:` and a few words.
const MAX_WORD: usize = 255;
const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const ED25519: &str = "ssh-ed25519";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com";
/// The bit of a FIDO key's flags that says a person touched it (PROTOCOL.u2f).
const USER_PRESENT: u8 = 0x01;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// The width of `ssh-keygen`'s armour, in characters.
const COLUMNS: usize = 70;

/// A person's public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// `ssh-ed25519`: a key in a file or an agent.
    Ed25519([u8; 32]),
    /// `sk-ssh-ed25519@openssh.com`: a key in a FIDO token (PROTOCOL.u2f).
    SkEd25519 {
        /// The Ed25519 public key.
        key: [u8; 32],
        /// The FIDO application, `ssh:` or longer; it is part of what the token signs.
        application: String,
    },
}

impl PublicKey {
    /// Reads one line of a `.pub` file: type, Base64, and a comment that may be missing. Returns key and comment.
    ///
    /// # Errors
    /// When the line has options before the key, another key type, or a key that cannot be used.
    pub fn from_openssh(line: &str) -> Result<(Self, String), SshSigError> {
        let mut parts = line.trim_end_matches(['\n', '\r']).splitn(3, ' ');
        let kind = parts.next().unwrap_or_default();
        let base64 = parts.next().ok_or(SshSigError::MalformedKey)?;
        if kind != ED25519 && kind != SK_ED25519 {
            return Err(SshSigError::KeyType);
        }
        let blob = encoding::from_base64(base64).ok_or(SshSigError::MalformedKey)?;
        let key = Self::from_blob(&blob)?;
        if key.kind() != kind {
            return Err(SshSigError::MalformedKey);
        }
        Ok((key, parts.next().unwrap_or_default().trim().to_owned()))
    }

    /// The line of a `.pub` file without a comment and without a newline.
    #[must_use]
    pub fn to_openssh(&self) -> String {
        [self.kind(), " ", &encoding::to_base64(&self.to_blob())].concat()
    }

    /// Reads the SSH wire form (RFC 8709 section 4, PROTOCOL.u2f).
    ///
    /// # Errors
    /// When the type is another one, the form is wrong, or the key cannot be used.
    pub fn from_blob(blob: &[u8]) -> Result<Self, SshSigError> {
        let mut reader = Reader::new(blob);
        let kind = reader.word()?;
        if kind != ED25519 && kind != SK_ED25519 {
            return Err(SshSigError::KeyType);
        }
        let key = reader.array::<32>()?;
        let parsed = if kind == ED25519 {
            Self::Ed25519(key)
        } else {
            let application = reader.word()?;
            if !application.starts_with("ssh:") || application.contains(char::is_control) {
                return Err(SshSigError::MalformedKey);
            }
            Self::SkEd25519 { key, application: application.to_owned() }
        };
        reader.end()?;
        if is_usable(&key) { Ok(parsed) } else { Err(SshSigError::MalformedKey) }
    }

    /// The SSH wire form.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, self.kind().as_bytes());
        put_string(&mut out, self.public_key());
        if let Self::SkEd25519 { application, .. } = self {
            put_string(&mut out, application.as_bytes());
        }
        out
    }

    /// The bare Ed25519 key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        match self {
            Self::Ed25519(key) | Self::SkEd25519 { key, .. } => key,
        }
    }

    /// OpenSSH's name of the key type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => ED25519,
            Self::SkEd25519 { .. } => SK_ED25519,
        }
    }
}

/// A signature as OpenSSH writes it: with its key, its namespace and the name of a hash. Unchecked until `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSig {
    public_key: PublicKey,
    namespace: String,
    digest: Digest,
    signature: [u8; 64],
    /// Flags and counter of a FIDO token; with an [`PublicKey::SkEd25519`] and only with it.
    token: Option<(u8, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha512,
}

impl Digest {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

impl SshSig {
    /// Reads the armoured file that `ssh-keygen -Y sign` writes; line width and line ends do not matter.
    ///
    /// # Errors
    /// When there is anything but one armoured signature, or the blob in it is refused.
    pub fn from_armor(text: &str) -> Result<Self, SshSigError> {
        // Twice the blob is enough for its Base64 (4/3) with a line end after every four characters or more.
        if text.len() > MAX_BLOB.saturating_mul(2).saturating_add(BEGIN.len()).saturating_add(END.len()) {
            return Err(SshSigError::TooLong);
        }
        let mut lines = text.trim_end().lines();
        if lines.next() != Some(BEGIN) || lines.next_back() != Some(END) {
            return Err(SshSigError::Armor);
        }
        let base64: String = lines.collect();
        Self::from_blob(&encoding::from_base64(&base64).ok_or(SshSigError::Armor)?)
    }

    /// The armoured form, byte for byte as `ssh-keygen` writes it, with a final newline.
    #[must_use]
    pub fn to_armor(&self) -> String {
        let base64 = encoding::to_base64(&self.to_blob());
        let mut out = String::from(BEGIN);
        for (column, character) in base64.chars().enumerate() {
            if column.is_multiple_of(COLUMNS) {
                out.push('\n');
            }
            out.push(character);
        }
        out.extend(["\n", END, "\n"]);
        out
    }

    /// Reads the binary form (PROTOCOL.sshsig section 2).
    ///
    /// # Errors
    /// When anything is not as this module writes it.
    pub fn from_blob(blob: &[u8]) -> Result<Self, SshSigError> {
        if blob.len() > MAX_BLOB {
            return Err(SshSigError::TooLong);
        }
        let mut reader = Reader::new(blob.strip_prefix(MAGIC).ok_or(SshSigError::Malformed)?);
        if reader.u32()? != VERSION {
            return Err(SshSigError::Version);
        }
        let public_key = PublicKey::from_blob(reader.string()?)?;
        let namespace = reader.word()?.to_owned();
        if namespace.is_empty() {
            return Err(SshSigError::Namespace);
        }
        if !reader.string()?.is_empty() {
            return Err(SshSigError::Reserved);
        }
        let digest = match reader.word()? {
            "sha256" => Digest::Sha256,
            "sha512" => Digest::Sha512,
            _ => return Err(SshSigError::HashAlgorithm),
        };
        let mut inner = Reader::new(reader.string()?);
        reader.end()?;
        if inner.word()? != public_key.kind() {
            return Err(SshSigError::Malformed);
        }
        let signature = inner.array::<64>()?;
        let token = match public_key {
            PublicKey::Ed25519(_) => None,
            PublicKey::SkEd25519 { .. } => Some((inner.byte()?, inner.u32()?)),
        };
        inner.end()?;
        Ok(Self { public_key, namespace, digest, signature, token })
    }

    /// The binary form.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        let mut inner = Vec::new();
        put_string(&mut inner, self.public_key.kind().as_bytes());
        put_string(&mut inner, &self.signature);
        if let Some((flags, counter)) = self.token {
            inner.push(flags);
            inner.extend_from_slice(&counter.to_be_bytes());
        }
        let mut out = [&MAGIC[..], &VERSION.to_be_bytes()].concat();
        put_string(&mut out, &self.public_key.to_blob());
        put_string(&mut out, self.namespace.as_bytes());
        put_string(&mut out, b"");
        put_string(&mut out, self.digest.name().as_bytes());
        put_string(&mut out, &inner);
        out
    }

    /// The key the signature says it was made with. Verify with a key you know, not with this one.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// What the signature says it was made for.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Checks that `key` signed `message` for `namespace`, and that a FIDO token was touched for it.
    ///
    /// # Errors
    /// When any of that is not so.
    pub fn verify(&self, key: &PublicKey, namespace: &str, message: &[u8]) -> Result<(), SshSigError> {
        if self.public_key != *key {
            return Err(SshSigError::OtherKey);
        }
        if self.namespace != namespace {
            return Err(SshSigError::Namespace);
        }
        let mut signed = MAGIC.to_vec();
        for part in
            [namespace.as_bytes(), b"", self.digest.name().as_bytes(), self.digest.of(message).as_slice()]
        {
            put_string(&mut signed, part);
        }
        if let (PublicKey::SkEd25519 { application, .. }, Some((flags, counter))) = (key, self.token) {
            if flags & USER_PRESENT == 0 {
                return Err(SshSigError::NotTouched);
            }
            let (application, message) = (Sha256::digest(application), Sha256::digest(&signed));
            signed = [&application[..], &[flags], &counter.to_be_bytes(), &message].concat();
        }
        let valid = verify_strict(key.public_key(), &signed, &self.signature);
        if valid { Ok(()) } else { Err(SshSigError::BadSignature) }
    }
}

/// Why an SSH key or signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SshSigError {
    /// More than [`MAX_BLOB`] bytes.
    TooLong,
    /// Not one armoured signature.
    Armor,
    /// The bytes are no SSHSIG, or there are bytes after it.
    Malformed,
    /// Another version of SSHSIG than 1.
    Version,
    /// The reserved field is not empty.
    Reserved,
    /// Another hash than sha512 or sha256.
    HashAlgorithm,
    /// Another key type than `ssh-ed25519` and `sk-ssh-ed25519@openssh.com`.
    KeyType,
    /// A key in the wrong form, or one that cannot be used.
    MalformedKey,
    /// Made with another key.
    OtherKey,
    /// Made for another purpose.
    Namespace,
    /// The FIDO token signed without being touched.
    NotTouched,
    /// The key did not sign this message.
    BadSignature,
}

impl fmt::Display for SshSigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the SSH signature is too long",
            Self::Armor => "not one armoured SSH signature as ssh-keygen -Y sign writes it",
            Self::Malformed => "the SSH signature is malformed or has trailing bytes",
            Self::Version => "the SSH signature has a version other than 1",
            Self::Reserved => "the SSH signature has data in its reserved field",
            Self::HashAlgorithm => "the SSH signature uses a hash other than sha512 or sha256",
            Self::KeyType => "the SSH key is neither ssh-ed25519 nor sk-ssh-ed25519@openssh.com",
            Self::MalformedKey => "the SSH key is malformed",
            Self::OtherKey => "the SSH signature was made with another key",
            Self::Namespace => {
                "the SSH signature was made in another namespace (ssh-keygen -n portcullis-note/v1)"
            }
            Self::NotTouched => "the security key was not touched for this signature",
            Self::BadSignature => "the SSH signature does not belong to this text",
        })
    }
}

impl core::error::Error for SshSigError {}
