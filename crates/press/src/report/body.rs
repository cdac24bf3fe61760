//! Bodies of requests, within bounds of size, of time and of memory for all of them together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refusal;

/// How long a body may take: 96 KiB at 32 kbit/s, a bad line in a crisis, are 24 seconds. Two MiB, which only machines
/// send, need half a Mbit/s.
const SLOW: Duration = Duration::from_secs(40);

/// Memory that the bodies of all requests have together, KiB: sixteen of the largest. A thousand connections, each with a
/// body of its own, would be 2 GiB; whoever comes when it is full is asked to come again.
const ALL: usize = 32 * 1024;

/// Memory for bodies.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL)))
    }
}

/// A body, and its place in it, which it gives back when it is dropped.
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// The body, of at most `most` KiB. It takes room as it arrives, and not before: whoever says much and sends little
    /// keeps nobody out.
    pub(super) async fn read(&self, body: Body, most: usize) -> Result<Whole, Refusal> {
        let read = tokio::time::timeout(SLOW, self.frames(body, most));
        read.await.unwrap_or(Err(Refusal::Slow))
    }

    async fn frames(&self, mut body: Body, most: usize) -> Result<Whole, Refusal> {
        let mut whole = Whole { bytes: Vec::new(), _place: None };
        let mut held = 0;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Refusal::Cut)?.into_data() else { continue };
            let size = whole.bytes.len() + data.len();
            if size > most * 1024 {
                return Err(Refusal::Large(most));
            }
            let missing = size.div_ceil(1024).saturating_sub(held);
            if let Ok(count) = u32::try_from(missing)
                && count > 0
            {
                let place = Arc::clone(&self.0).try_acquire_many_owned(count);
                let place = place.map_err(|_| {
                    Refusal::Later("Very much comes in at this moment. Please send it again in a minute.")
                })?;
                match &mut whole._place {
                    Some(held) => held.merge(place),
                    none => *none = Some(place),
                }
                held += missing;
            }
            whole.bytes.extend_from_slice(&data);
        }
        Ok(whole)
    }
}
