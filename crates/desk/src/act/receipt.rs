//! Act: an edge reports what it holds and enforces. A receipt is shown and compared; nothing is decided by it.

use ledger::note::VerifierKey;
use policy::LOGGED_SKEW;
use relay::receipt::{Receipt, ReceiptError, claimed_edge};

use crate::desk::Shared;
use crate::error::DeskError;

/// Verifies and keeps a receipt. One that is older than the newest changes nothing.
pub(crate) async fn receipt(desk: &Shared, bytes: &[u8]) -> Result<(), DeskError> {
    let taken = take(desk, bytes).await;
    if taken.is_err() {
        desk.count("receipt").await;
    }
    taken
}

async fn take(desk: &Shared, bytes: &[u8]) -> Result<(), DeskError> {
    let unfit = |why: String| DeskError::Unfit { code: "receipt", why };
    let name = claimed_edge(bytes).ok_or_else(|| unfit("this is no receipt".into()))?;
    let edge = desk.store.reader().edge(&name).await?;
    let edge = edge.ok_or_else(|| {
        DeskError::NotThatEdge(format!(
            "no edge {name} is enrolled here; enrol it with `portcullis edges enrol VKEY`"
        ))
    })?;
    let key =
        VerifierKey::parse(&edge.vkey).map_err(|e| DeskError::Defect(format!("the key of {name}: {e}")))?;
    let receipt = Receipt::open(bytes, &key).map_err(|e| match e {
        ReceiptError::Format { .. } => unfit(e.to_string()),
        ReceiptError::Note(_) | ReceiptError::Unsigned | ReceiptError::Cosignature => {
            DeskError::NotThatEdge(e.to_string())
        }
    })?;
    if receipt.origin != desk.trust.origin {
        return Err(unfit(format!("the receipt is about another log, {}", receipt.origin)));
    }
    if receipt.time > desk.now().plus(LOGGED_SKEW) {
        // Times only go up, so one receipt from the future would silence this edge until then.
        return Err(unfit(format!(
            "the receipt is from {}, more than 10 minutes ahead of this desk's clock",
            receipt.time
        )));
    }
    // Within one second the size must not go down either, or a replay could turn the progress shown back.
    if edge.receipt.is_some_and(|held| held.at == receipt.time && held.size > receipt.size) {
        return Err(older(&name));
    }
    let kept = store::Receipt {
        edge: name.clone(),
        note: bytes.to_vec(),
        at: receipt.time,
        size: receipt.size,
        root: receipt.root,
        effective: receipt.effective,
        measures: receipt.measures,
        config: receipt.config,
        refused: receipt.refused,
        stale: receipt.stale,
    };
    if desk.store.put_receipt(&kept).await? {
        tracing::debug!(edge = name, size = kept.size, "receipt");
        let tree = desk.public().tree;
        // Less than we hold says nothing of what may follow.
        if kept.size == tree.len() && tree.root_at(kept.size) == Some(kept.root) && knows(desk, &name).await?
        {
            desk.confirmed.report(kept.at);
        }
        return Ok(());
    }
    Err(older(&name))
}

/// Whether this edge would know of entries that this desk has lost.
async fn knows(desk: &Shared, name: &str) -> Result<bool, DeskError> {
    if desk.config.own_edge.as_deref() != Some(name) {
        return Ok(true);
    }
    Ok(desk.store.edges().await?.iter().all(|edge| edge.name == name))
}

fn older(name: &str) -> DeskError {
    DeskError::Conflict(format!("a newer receipt of {name} is held already"))
}
