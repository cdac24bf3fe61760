//! Request bodies, each with the limit of its route in the type.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::error::DeskError;
use crate::limits;

/// A whole body of at most `LIMIT` bytes.
pub(crate) struct Octets<const LIMIT: usize>(pub(crate) Vec<u8>);

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for Octets<LIMIT> {
    type Rejection = DeskError;

    async fn from_request(request: Request, _: &S) -> Result<Self, DeskError> {
        let claimed = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
        if claimed.and_then(|v| v.parse::<u64>().ok()).is_some_and(|n| n > LIMIT as u64) {
            return Err(DeskError::TooLarge(LIMIT));
        }
        read::<LIMIT>(request.into_body()).await.map(Self)
    }
}

async fn read<const LIMIT: usize>(body: Body) -> Result<Vec<u8>, DeskError> {
    let collect = Limited::new(body, LIMIT).collect();
    let collected = tokio::time::timeout(limits::BODY, collect).await.map_err(|_| DeskError::Slow)?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(e) if e.downcast_ref::<LengthLimitError>().is_some() => Err(DeskError::TooLarge(LIMIT)),
        Err(_) => Err(DeskError::Request("the body ended before it was complete".into())),
    }
}

impl<const LIMIT: usize> Octets<LIMIT> {
    /// The body as text.
    pub(crate) fn text(&self) -> Result<&str, DeskError> {
        std::str::from_utf8(&self.0).map_err(|_| DeskError::Request("the body must be UTF-8 text".into()))
    }
}
