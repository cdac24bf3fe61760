//! SHA-256, the one digest of a capture: of files, WARC blocks, payloads and certificates.

use sha2::{Digest as _, Sha256};

/// 64 lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    spell(&Sha256::digest(bytes))
}

/// The first 16 bytes of the digest over several parts.
pub(crate) fn half(parts: &[&[u8]]) -> [u8; 16] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    let whole = digest.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// Bytes as lower-case hex digits.
pub(crate) fn spell(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
