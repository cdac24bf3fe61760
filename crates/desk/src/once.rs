//! `Idempotency-Key`: the same key with the same body is the same request, and gets the same answer.
//!
//! Only answers of success are kept: an error changed nothing, so the request may simply be sent again. Of two requests
//! with one key at the same moment, the second is told to wait.

use std::future::Future;
use std::sync::PoisonError;

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use ledger::Hash;
use serde::Serialize;
use store::{Answer, StoreError};

use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

/// The header's value, if there is one, and what it stands before: method and path.
pub(crate) struct Once {
    key: Option<String>,
    request: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = DeskError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, DeskError> {
        let key = parts.headers.get("idempotency-key").map(read_key).transpose()?;
        Ok(Self { key, request: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

fn read_key(value: &HeaderValue) -> Result<String, DeskError> {
    let key = value.to_str().ok().filter(|k| !k.is_empty() && k.len() <= limits::IDEMPOTENCY_KEY);
    let wrong = || DeskError::Request("an Idempotency-Key has 1 to 255 visible ASCII characters".into());
    key.map(str::to_owned).ok_or_else(wrong)
}

impl Once {
    /// Does `act`, unless the same request was done under this key; then its answer comes again. `by` is the token's
    /// name: nobody gets another's answer.
    pub(crate) async fn run(
        self,
        desk: &Shared,
        by: &str,
        body: &[u8],
        act: impl Future<Output = Result<Answer, DeskError>>,
    ) -> Result<Response, DeskError> {
        let Some(key) = self.key else {
            return act.await.map(answer);
        };
        let key = format!("{by} {key}");
        let mut request = self.request.into_bytes();
        request.push(b'\n');
        request.extend_from_slice(body);
        let request = Hash::of(&request);
        match desk.store.idempotent(&key, &request, desk.now()).await {
            Ok(Some(stored)) => return Ok(answer(stored)),
            Err(StoreError::Conflict(_)) => return Err(DeskError::KeyReused),
            Err(other) => return Err(other.into()),
            Ok(None) => {}
        }
        let Some(_under_way) = UnderWay::enter(desk, &key) else { return Err(DeskError::KeyUnderWay) };
        let done = act.await?;
        if let Err(e) = desk.store.remember(&key, &request, &done, desk.now()).await {
            // It is done; without the memory the same request would at worst be done again, which changes nothing.
            tracing::warn!("an answer was not kept for its Idempotency-Key: {e}");
        }
        Ok(answer(done))
    }
}

/// A key whose request is being done: a second one with the same key may have another body, and nobody could say yet.
struct UnderWay<'d> {
    desk: &'d Shared,
    key: String,
}

impl<'d> UnderWay<'d> {
    fn enter(desk: &'d Shared, key: &str) -> Option<Self> {
        let mut keys = desk.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned()).then(|| Self { desk, key: key.to_owned() })
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.desk.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// A JSON answer.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Answer, DeskError> {
    let body =
        serde_json::to_vec(value).map_err(|e| DeskError::Defect(format!("an answer is no JSON: {e}")))?;
    Ok(Answer { status: status.as_u16(), content_type: "application/json".into(), body })
}

/// An answer as a response.
pub(crate) fn answer(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&answer.content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
