//! Passkeys: assertions of WebAuthn authenticators over a note's text (W3C Web Authentication Level 3), ES256 only.
//!
//! An assertion is checked without state and without a JSON parser: the client data of a browser begins with fixed
//! bytes (section 5.8.1.2, the limited verification algorithm), and everything it may vary in is pinned by the key:
//! one origin, its host as the RP ID, and whether the passkey may leave its device. A blob that parses prints as the
//! same bytes, and a signature has one spelling.
//!
//! A browser shows nothing of what a passkey signs: whoever owns the page chooses the text. So a signature of this
//! kind counts for less than one made with `ssh-keygen`; `policy` says for how much.

#[cfg(test)]
mod tests;

use crate::encoding;
use alloc::{borrow::ToOwned as _, string::String, vec::Vec};
use core::fmt;
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
use sha2::{Digest as _, Sha256};

/// What precedes the text in the hash that an authenticator is given as its challenge: a hash made for anything else,
/// as the name of a blob, is no challenge.
const CHALLENGE: &[u8] = b"portcullis.webauthn/v1\n";

/// The longest client data, in bytes. A browser writes 69 bytes around 43 of the challenge and the origin, and some
/// add about 110.
pub const MAX_CLIENT_DATA: usize = 512;

/// The longest origin, in bytes: `https://`, a host of at most 240, and a port.
pub const MAX_ORIGIN: usize = 254;

/// RP ID hash, flags and counter (section 6.1): an assertion without extensions has these and nothing more.
const AUTHENTICATOR_DATA: usize = 37;
/// Where the flags stand in it.
const FLAGS: usize = 32;
/// A person touched the authenticator, and it knew who they are (section 6.1).
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
/// The passkey may be copied to other devices; it is copied now.
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
/// SEC 1 section 2.3.3, compressed.
const POINT: usize = 33;
const SIGNATURE: usize = 64;

/// The 32 bytes that an authenticator has to be given as its challenge to sign this text (with its final newline):
/// SHA-256 of `portcullis.webauthn/v1`, a newline and the text.
#[must_use]
pub fn challenge(text: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(CHALLENGE).chain_update(text).finalize().into()
}

/// A person's passkey: the key, and everything else that its assertions are held to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    point: [u8; POINT],
    synced: bool,
    origin: String,
}

impl PublicKey {
    /// A P-256 key by its coordinates, as COSE gives them (RFC 9053 section 7.1.1), made at `origin`. `synced`: whether
    /// the authenticator said that the key may be copied to other devices (BE).
    ///
    /// # Errors
    /// When the origin is not one of [`PublicKey::origin`]'s form, or the coordinates are no point of the curve.
    pub fn new(x: &[u8; 32], y: &[u8; 32], synced: bool, origin: &str) -> Result<Self, WebauthnError> {
        let uncompressed = [&[0x04], &x[..], &y[..]].concat();
        let key = VerifyingKey::from_sec1_bytes(&uncompressed).map_err(|_| WebauthnError::MalformedKey)?;
        Self::build(key.to_encoded_point(true).as_bytes(), synced, origin)
    }

    fn build(point: &[u8], synced: bool, origin: &str) -> Result<Self, WebauthnError> {
        let point = <[u8; POINT]>::try_from(point).map_err(|_| WebauthnError::MalformedKey)?;
        let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| WebauthnError::MalformedKey)?;
        // SEC 1 knows more spellings of a point than the one here.
        if key.to_encoded_point(true).as_bytes() != point {
            return Err(WebauthnError::MalformedKey);
        }
        host_of(origin).ok_or(WebauthnError::Origin)?;
        Ok(Self { point, synced, origin: origin.to_owned() })
    }

    /// Reads what [`PublicKey::to_blob`] writes.
    ///
    /// # Errors
    /// As [`PublicKey::new`], and when the first byte is neither 0 nor 1.
    pub fn from_blob(blob: &[u8]) -> Result<Self, WebauthnError> {
        let (&synced, rest) = blob.split_first().ok_or(WebauthnError::MalformedKey)?;
        let (point, origin) = rest.split_at_checked(POINT).ok_or(WebauthnError::MalformedKey)?;
        let synced = match synced {
            0 => false,
            1 => true,
            _ => return Err(WebauthnError::MalformedKey),
        };
        Self::build(point, synced, core::str::from_utf8(origin).map_err(|_| WebauthnError::Origin)?)
    }

    /// One byte, 1 when the key may be copied to other devices and else 0; the compressed point; the origin.
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        [&[u8::from(self.synced)], &self.point[..], self.origin.as_bytes()].concat()
    }

    /// The x coordinate: equal ones are one key, for whoever has the key of a point has that of its negative.
    #[must_use]
    pub fn x(&self) -> &[u8; 32] {
        self.point.last_chunk::<32>().expect("33 bytes end with 32")
    }

    /// Whether the key may be copied to other devices (a synced passkey).
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// The one origin at which it signs, as browsers write it: `https://` and a domain, or `http://localhost`, each with
    /// a port unless it is the usual one. The host is the RP ID.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Whether this is an origin at which browsers offer passkeys, in the spelling of [`PublicKey::origin`].
#[must_use]
pub fn is_origin(origin: &str) -> bool {
    host_of(origin).is_some()
}

/// The host of an origin at which browsers offer passkeys, in the one spelling in which they write it.
fn host_of(origin: &str) -> Option<&str> {
    let (authority, usual) = match origin.strip_prefix("https://") {
        Some(authority) => (authority, "443"),
        None => (origin.strip_prefix("http://")?, "80"),
    };
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let good_port = port.is_none_or(|port| {
        port != usual && !port.starts_with('0') && !port.starts_with('+') && port.parse::<u16>().is_ok()
    });
    let label = |label: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    // A last label of digits makes an IPv4 address, at which no browser offers passkeys.
    let numeric = |host: &str| host.rsplit('.').next().is_some_and(|l| l.bytes().all(|c| c.is_ascii_digit()));
    let good_host = host.split('.').all(label) && !numeric(host);
    let secure = origin.starts_with("https://") || host == "localhost";
    (good_host && good_port && secure && origin.len() <= MAX_ORIGIN).then_some(host)
}

/// One assertion, as it stands in a signature line: authenticator data, signature (r and s), client data. Unchecked
/// until [`Assertion::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    authenticator_data: [u8; AUTHENTICATOR_DATA],
    signature: [u8; SIGNATURE],
    client_data: Vec<u8>,
}

impl Assertion {
    /// Takes what a browser hands out (`AuthenticatorAssertionResponse`): the signature is DER there, and has two valid
    /// spellings, of which the one with the low s is kept.
    ///
    /// # Errors
    /// When a part has another length or form than an assertion without extensions has.
    pub fn from_response(
        authenticator_data: &[u8],
        client_data: &[u8],
        signature: &[u8],
    ) -> Result<Self, WebauthnError> {
        let signature = Signature::from_der(signature).map_err(|_| WebauthnError::Malformed)?;
        let signature = signature.normalize_s().unwrap_or(signature);
        Self::from_blob(&[authenticator_data, &signature.to_bytes(), client_data].concat())
            // Else the parts could be cut elsewhere and mean something else.
            .ok()
            .filter(|assertion| assertion.authenticator_data == authenticator_data)
            .ok_or(WebauthnError::Malformed)
    }

    /// Reads what [`Assertion::to_blob`] writes.
    ///
    /// # Errors
    /// When it is too short or too long, or the signature in it is not the one spelling.
    pub fn from_blob(blob: &[u8]) -> Result<Self, WebauthnError> {
        let parts = blob.split_first_chunk::<AUTHENTICATOR_DATA>();
        let (authenticator_data, rest) = parts.ok_or(WebauthnError::Malformed)?;
        let (signature, client_data) =
            rest.split_first_chunk::<SIGNATURE>().ok_or(WebauthnError::Malformed)?;
        if client_data.len() > MAX_CLIENT_DATA {
            return Err(WebauthnError::Malformed);
        }
        let one = Signature::from_slice(signature).map_err(|_| WebauthnError::Malformed)?;
        if one.normalize_s().is_some() {
            return Err(WebauthnError::Malformed);
        }
        let (authenticator_data, signature) = (*authenticator_data, *signature);
        Ok(Self { authenticator_data, signature, client_data: client_data.to_vec() })
    }

    /// Authenticator data (37 bytes), r and s (32 bytes each, big-endian), client data (the rest).
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        [&self.authenticator_data[..], &self.signature, &self.client_data].concat()
    }

    /// Checks that `key` signed `text`, at its origin, by somebody who was there and whom the authenticator knew
    /// (section 7.2, steps 9 to 21, without those that need an account). The counter is not looked at: nobody who
    /// reads a log has seen the one before.
    ///
    /// # Errors
    /// When any of that is not so.
    pub fn verify(&self, key: &PublicKey, text: &[u8]) -> Result<(), WebauthnError> {
        self.check_client_data(key, &challenge(text))?;
        let (rp_id_hash, rest) =
            self.authenticator_data.split_first_chunk::<FLAGS>().ok_or(WebauthnError::Malformed)?;
        let host = host_of(&key.origin).ok_or(WebauthnError::Origin)?;
        if *rp_id_hash != <[u8; 32]>::from(Sha256::digest(host)) {
            return Err(WebauthnError::OtherOrigin);
        }
        let flags = rest.first().copied().unwrap_or_default();
        if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
            return Err(WebauthnError::NotVerified);
        }
        if (flags & BACKUP_ELIGIBLE != 0) != key.synced || (flags & BACKED_UP != 0 && !key.synced) {
            return Err(WebauthnError::Synced);
        }
        if flags & !(USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP) != 0 {
            return Err(WebauthnError::Flags);
        }
        let signed = [&self.authenticator_data[..], &Sha256::digest(&self.client_data)].concat();
        let key = VerifyingKey::from_sec1_bytes(&key.point).map_err(|_| WebauthnError::MalformedKey)?;
        let signature = Signature::from_slice(&self.signature).map_err(|_| WebauthnError::Malformed)?;
        key.verify(&signed, &signature).map_err(|_| WebauthnError::BadSignature)
    }

    /// Section 5.8.1.2. Some browsers leave `crossOrigin` out when it is false; what follows it is whatever a browser
    /// adds, and no page can.
    fn check_client_data(&self, key: &PublicKey, challenge: &[u8; 32]) -> Result<(), WebauthnError> {
        let rest = self.client_data.strip_prefix(br#"{"type":"webauthn.get","challenge":""#.as_slice());
        let rest = rest.ok_or(WebauthnError::ClientData)?;
        let challenge = encoding::to_base64_url(challenge);
        let rest = rest.strip_prefix(challenge.as_bytes()).ok_or(WebauthnError::OtherText)?;
        let rest = rest.strip_prefix(br#"","origin":""#.as_slice()).ok_or(WebauthnError::ClientData)?;
        let rest = rest.strip_prefix(key.origin.as_bytes()).ok_or(WebauthnError::OtherOrigin)?;
        let rest = rest.strip_prefix(b"\"").ok_or(WebauthnError::OtherOrigin)?;
        let rest = rest.strip_prefix(br#","crossOrigin":false"#.as_slice()).unwrap_or(rest);
        let ends = rest == b"}" || (rest.starts_with(b",\"") && rest.ends_with(b"}"));
        // What was not left out says true, or is no client data.
        let crosses = rest.starts_with(br#","crossOrigin""#);
        if ends && !crosses { Ok(()) } else { Err(WebauthnError::ClientData) }
    }
}

/// Why a passkey or its assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebauthnError {
    /// The bytes are no assertion without extensions, or their signature is not the one spelling.
    Malformed,
    /// No P-256 key, or not in its form.
    MalformedKey,
    /// No origin at which browsers offer passkeys, or not as they write it.
    Origin,
    /// The client data are not those of an assertion by a page of the top level.
    ClientData,
    /// Made over another text.
    OtherText,
    /// Made at another origin.
    OtherOrigin,
    /// The authenticator did not check who was there.
    NotVerified,
    /// The key may be copied where the policy says that it may not, or the other way round.
    Synced,
    /// Flags that an assertion without extensions does not have.
    Flags,
    /// The key did not sign this.
    BadSignature,
}

impl fmt::Display for WebauthnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not the assertion of a passkey (ES256, without extensions)",
            Self::MalformedKey => "the passkey is no P-256 key",
            Self::Origin => {
                "the origin is not https:// and a domain in lower case, with a port where it is not 443 (or \
                 http://localhost)"
            }
            Self::ClientData => "the client data are not those of a browser for a page of its own",
            Self::OtherText => "the passkey signed another text",
            Self::OtherOrigin => "the passkey was used at another origin than the one it is enrolled for",
            Self::NotVerified => "the authenticator did not check who used it (PIN, fingerprint or face)",
            Self::Synced => "whether the passkey may be copied to other devices is not as it was enrolled",
            Self::Flags => "the authenticator sent flags that an assertion without extensions does not have",
            Self::BadSignature => "the signature of the passkey does not belong to this text",
        })
    }
}

impl core::error::Error for WebauthnError {}
