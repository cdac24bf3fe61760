//! Act: a blob is uploaded, a subject, a post or an assessment. It is not public until a note that names it is.

use ledger::Hash;

use crate::auth::{Authorised, PutBlob, Read};
use crate::desk::Shared;
use crate::error::DeskError;

/// Keeps the bytes under their hash.
pub(crate) async fn put(by: &Authorised<PutBlob>, desk: &Shared, bytes: &[u8]) -> Result<Hash, DeskError> {
    if bytes.is_empty() {
        return Err(DeskError::Request("an empty blob names nothing".into()));
    }
    let hash = desk.store.put_blob(bytes, by.name(), desk.now()).await?;
    tracing::info!(by = by.name(), %hash, bytes = bytes.len(), "blob");
    Ok(hash)
}

/// A blob, pending or public: an approver reads it before signing.
pub(crate) async fn get(_by: &Authorised<Read>, desk: &Shared, hash: &str) -> Result<Vec<u8>, DeskError> {
    let missing = || DeskError::NotFound(format!("the blob {hash}"));
    let hash = Hash::parse_hex(hash).ok_or_else(missing)?;
    desk.store.blob(&hash).await?.ok_or_else(missing)
}
