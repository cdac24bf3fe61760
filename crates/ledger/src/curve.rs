//! Ed25519 as everything here checks it: strictly, so that all verifiers agree on every signature.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether these 32 bytes are a point of the curve, and not one of small order, for which anybody could sign.
pub(crate) fn is_usable(key: &[u8; 32]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| !key.is_weak())
}

/// Refuses small orders and second spellings of a signature.
pub(crate) fn verify_strict(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    key.verify_strict(message, &signature).is_ok()
}
