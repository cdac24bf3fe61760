//! Act: an edge is enrolled, so that its receipts are heard. Enrolment gives an edge no power over anything.

use ledger::note::{KeyKind, VerifierKey};

use crate::auth::{Authorised, Enrol};
use crate::desk::Shared;
use crate::error::DeskError;

/// Longest name of an edge, bytes: it stands in tables and log lines.
const MAX_NAME: usize = 64;

/// Keeps the edge's name and key. The same again changes nothing. Returns the name.
pub(crate) async fn enrol(by: &Authorised<Enrol>, desk: &Shared, vkey: &str) -> Result<String, DeskError> {
    let unfit = |why: &str| DeskError::Unfit { code: "vkey", why: why.into() };
    let key = VerifierKey::parse(vkey.trim()).map_err(|e| unfit(&format!("not a verifier key: {e}")))?;
    if !matches!(key.kind(), KeyKind::Ed25519(_)) {
        return Err(unfit("an edge signs with a plain Ed25519 key; make one with `portcullis key new FILE`"));
    }
    if key.name().len() > MAX_NAME {
        return Err(unfit("an edge's name has at most 64 bytes"));
    }
    if key.name().starts_with("demo:") && !desk.trust.is_demo() {
        return Err(policy::Rejected::Demo.into());
    }
    desk.store.enrol_edge(key.name(), &key.to_string(), desk.now()).await?;
    tracing::info!(by = by.name(), edge = key.name(), "enrolled");
    Ok(key.name().to_owned())
}
