//! Signed notes (C2SP signed-note): readable text, a blank line, and one line per signature.
//!
//! A note is only syntax until [`Note::signers`] has said which of the keys you know have signed it. How many are
//! enough, and which persons they belong to, is not decided here.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{KeyKind, SigningKey, VerifierKey};

use crate::{encoding, sshsig::SshSigError, webauthn::WebauthnError};
use alloc::{
    borrow::ToOwned as _,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

/// The longest note, in bytes with its signatures: a policy of 50 persons is about 15 KiB, and 64 lines with SSH
/// signatures of security keys, 340 bytes each, are 22 KiB; with passkeys, mostly 450 bytes each, 29 KiB. A note that is logged also has to fit into an entry
/// ([`MAX_ENTRY`](crate::tile::MAX_ENTRY)) together with its time.
pub const MAX_NOTE: usize = 64 * 1024;

/// The most signature lines of a note. C2SP asks for at least 16; a policy may be signed by everyone it names.
pub const MAX_SIGNATURES: usize = 64;

/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A text with its signatures, none of them checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// A note that nobody has signed yet.
    ///
    /// # Errors
    /// When the text is too long, does not end with a newline, or holds a control character other than newline.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoNewline);
        }
        if text.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        Ok(Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Reads a note with at least one signature line. `parse` and [`Note::to_bytes`] are inverse, byte for byte.
    ///
    /// The text ends at the **last** blank line, so a text may hold blank lines, and lines that look like signatures.
    ///
    /// # Errors
    /// When the bytes are no note, or larger than [`MAX_NOTE`] or [`MAX_SIGNATURES`] allow.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLong);
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        check_characters(whole)?;
        let (text, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines.split('\n').map(Signature::parse_line).collect::<Result<_, _>>()?;
        Ok(Self { text: [text, "\n"].concat(), signatures })
    }

    /// The signed text, with its final newline and without the blank line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in the order of the note, unchecked.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature at the end; an exact duplicate is dropped.
    ///
    /// Returns whether the note holds the signature now. It does not when there is no room for it ([`MAX_NOTE`],
    /// [`MAX_SIGNATURES`]) or when its name or its bytes could not be written as a line; the note is then unchanged,
    /// so what [`Note::to_bytes`] prints can always be parsed once there is one signature.
    pub fn add(&mut self, signature: Signature) -> bool {
        if self.signatures.contains(&signature) {
            return true;
        }
        let line = signature.to_string();
        let room = self.to_bytes().len().saturating_add(line.len()) < MAX_NOTE;
        let fits = room && self.signatures.len() < MAX_SIGNATURES && Signature::parse_line(&line).is_ok();
        if fits {
            self.signatures.push(signature);
        }
        fits
    }

    /// The note as it is sent, stored and logged. Without a signature it is not a note that can be parsed again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [self.text.as_bytes(), b"\n"].concat();
        for signature in &self.signatures {
            out.extend_from_slice(signature.to_string().as_bytes());
            out.push(b'\n');
        }
        out
    }

    /// Those of `keys` that signed this note, each at most once, in the order of the signature lines.
    ///
    /// Lines of other keys are ignored. The result may be empty: then nothing in the note can be believed. Two names
    /// for one public key are two keys here; whoever counts persons compares [`VerifierKey::public_key`].
    ///
    /// # Errors
    /// When a line carries the name and id of a known key but its signature is wrong, the whole note is refused (C2SP
    /// signed-note), and so it is when two different keys of `keys` share name and id.
    pub fn signers<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let mut signers: Vec<&'k VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let mut named = keys.iter().filter(|key| key.is_named_by(signature));
            let Some(&key) = named.next() else { continue };
            if named.any(|&other| other != key) {
                return Err(NoteError::Ambiguous(key.name().to_owned()));
            }
            key.verify(self.text.as_bytes(), signature)?;
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        Ok(signers)
    }
}

/// One signature line. The fields are open because a signature is a claim until a [`VerifierKey`] has checked it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The first four bytes of a hash over name, type and public key: a hint, not a proof.
    pub key_id: [u8; 4],
    /// The signature in the form of the key's type: 64 bytes of Ed25519, 8 bytes time and 64 bytes Ed25519 of a
    /// cosigner, a binary SSHSIG blob, or the assertion of a passkey.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Reads `— name base64`, without a newline.
    ///
    /// # Errors
    /// When the line has another form, a name that is no key name, or no byte after the key id.
    pub fn parse_line(line: &str) -> Result<Self, NoteError> {
        let (name, base64) = line
            .strip_prefix(DASH)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::MalformedSignature)?;
        Self::from_base64(name, base64)
    }

    /// Reads the Base64 part of a line alone, as receipts carry it: key id, then the signature.
    ///
    /// # Errors
    /// When the name is no key name, or the Base64 is wrong or too short.
    pub fn from_base64(name: &str, base64: &str) -> Result<Self, NoteError> {
        let blob = encoding::from_base64(base64).ok_or(NoteError::MalformedSignature)?;
        let (key_id, bytes) = blob.split_first_chunk::<4>().ok_or(NoteError::MalformedSignature)?;
        if bytes.is_empty() {
            return Err(NoteError::MalformedSignature);
        }
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }

    /// The Base64 part of the line: key id, then the signature.
    #[must_use]
    pub fn to_base64(&self) -> String {
        encoding::to_base64(&[&self.key_id, self.bytes.as_slice()].concat())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DASH}{} {}", self.name, self.to_base64())
    }
}

/// Why something is no note, no key, or not signed. Whose fault it is: always whoever wrote the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteError {
    /// More than [`MAX_NOTE`] bytes.
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// A control character below U+0020 other than newline.
    ControlCharacter,
    /// The text does not end with a newline.
    NoNewline,
    /// No blank line followed by at least one complete signature line.
    NoSignatures,
    /// More than [`MAX_SIGNATURES`] lines.
    TooManySignatures,
    /// A line after the blank line that is not `— name base64`.
    MalformedSignature,
    /// An empty key name, or one with a space, a `+` or a control character.
    BadName,
    /// A key in another form than its text format wants.
    MalformedKey,
    /// The id in a key's text is not the id of the key in it.
    WrongKeyId,
    /// A signature type that is not spoken here.
    UnknownKeyType(u8),
    /// 32 bytes that are no point of Ed25519, or one of small order, for which signatures can be made without a key.
    WeakKey,
    /// The signature names another key than the one it was checked with.
    OtherKey,
    /// The named key did not make this signature over this text.
    BadSignature(String),
    /// The named key's SSH signature is refused, and why.
    BadSshSignature(String, SshSigError),
    /// The named passkey's assertion is refused, and why.
    BadAssertion(String, WebauthnError),
    /// Two different known keys with this name and the same id.
    Ambiguous(String),
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the note is longer than {MAX_NOTE} bytes"),
            Self::NotUtf8 => f.write_str("the note is not UTF-8"),
            Self::ControlCharacter => f.write_str("the note holds a control character other than newline"),
            Self::NoNewline => f.write_str("the text does not end with a newline"),
            Self::NoSignatures => f.write_str("no blank line followed by complete signature lines"),
            Self::TooManySignatures => write!(f, "the note has more than {MAX_SIGNATURES} signatures"),
            Self::MalformedSignature => f.write_str("a signature line is not \"\u{2014} name base64\""),
            Self::BadName => {
                f.write_str("a key name is empty or holds a space, a plus or a control character")
            }
            Self::MalformedKey => f.write_str("the key is not written as name+id+base64"),
            Self::WrongKeyId => {
                f.write_str("the key's id does not belong to its name and bytes: a typing error?")
            }
            Self::UnknownKeyType(kind) => write!(f, "signature type 0x{kind:02x} is not known here"),
            Self::WeakKey => f.write_str("the key is no usable Ed25519 public key"),
            Self::OtherKey => f.write_str("the signature names another key"),
            Self::BadSignature(name) => write!(f, "the signature of {name} does not belong to this text"),
            Self::BadSshSignature(name, why) => write!(f, "the SSH signature of {name} is refused: {why}"),
            Self::BadAssertion(name, why) => write!(f, "the signature of {name}'s passkey is refused: {why}"),
            Self::Ambiguous(name) => write!(f, "two different keys share the name {name} and an id"),
        }
    }
}

impl core::error::Error for NoteError {}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        true => Err(NoteError::ControlCharacter),
        false => Ok(()),
    }
}

/// C2SP signed-note: non-empty, no Unicode space, no plus. Control characters cannot stand in a note at all.
fn check_name(name: &str) -> Result<(), NoteError> {
    let refused = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    if name.is_empty() || name.contains(refused) { Err(NoteError::BadName) } else { Ok(()) }
}
