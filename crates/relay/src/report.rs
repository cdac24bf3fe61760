//! Sends receipts: after every change, and every now and then, so that the desk sees who is still there.

use std::sync::Arc;

use bytes::Bytes;

use crate::effective::hash;
use crate::http::{Client, HttpError};
use crate::load::Refused;
use crate::receipt::{MAX_LISTED, MEDIA_TYPE, Receipt, ReceiptError};
use crate::shared::Shared;

/// Where the desk takes receipts.
pub const PATH: &str = "/relay/v1/receipts";

/// Counters of failures that nobody caused by showing us something false; the rest is the receipt's `refused`.
const NOT_REFUSALS: [&str; 6] =
    ["unreachable", "receipt-not-taken", "undo-not-forwarded", "disk", "damaged", "unstamped"];

/// Why no receipt was delivered.
#[derive(Debug)]
pub enum ReportError {
    /// No checkpoint is held yet, so there is nothing to sign.
    NothingHeld,
    /// The receipt could not be made.
    Receipt(ReceiptError),
    /// The desk did not take it; 403 means that this edge is not enrolled.
    Http(HttpError),
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NothingHeld => f.write_str("nothing verified yet, so nothing to report"),
            Self::Receipt(e) => e.fmt(f),
            Self::Http(HttpError::Status(403)) => {
                f.write_str("the desk does not know this edge's key; enrol it there")
            }
            Self::Http(e) => write!(f, "the receipt was not delivered: {e}"),
        }
    }
}

impl core::error::Error for ReportError {}

/// Sum of what was refused, as a receipt tells it.
#[must_use]
pub fn refusals(refused: &Refused) -> u64 {
    refused.iter().filter(|(code, _)| !NOT_REFUSALS.contains(code)).map(|(_, n)| n).sum()
}

pub(crate) struct Reporter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) desk: Client,
}

impl Reporter {
    /// Sends one receipt of what is in effect now.
    pub(crate) async fn report_once(&mut self) -> Result<(), ReportError> {
        let receipt = receipt(&self.shared).ok_or(ReportError::NothingHeld)?;
        let bytes = receipt.sign(&self.shared.config.edge_key).map_err(ReportError::Receipt)?;
        let result = self.desk.post(PATH, MEDIA_TYPE, Bytes::from(bytes)).await;
        result.map(|_| ()).map_err(|e| {
            self.shared.refuse("receipt-not-taken");
            ReportError::Http(e)
        })
    }
}

fn receipt(shared: &Shared) -> Option<Receipt> {
    let inner = shared.lock();
    let checkpoint = &inner.held.as_ref()?.checkpoint;
    let effective = shared.effective();
    Some(Receipt {
        origin: checkpoint.origin.clone(),
        edge: shared.config.edge_key.verifier().name().to_owned(),
        size: checkpoint.size,
        root: checkpoint.root,
        time: shared.clock.now(),
        effective: hash(&checkpoint.origin, &effective),
        measures: effective.measures.iter().take(MAX_LISTED).map(|a| a.measure.id.clone()).collect(),
        config: inner.config.as_ref().map(|applied| applied.version),
        refused: refusals(&inner.refused),
        stale: shared.stale(&inner),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_network_is_no_refusal() {
        let refused = Refused::from([("unreachable", 7), ("fork", 2), ("quorum", 1), ("disk", 1)]);
        assert_eq!(refusals(&refused), 3);
    }
}
