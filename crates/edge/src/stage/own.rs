//! What the edge itself answers under every name, served or not: notes that need no log, and the checkpoint it holds.

use crate::body::Body;
use crate::exchange::{Ctx, Exchange, Flow};
use crate::limits::{LIFT_BYTES, LOG_KEY_BYTES};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use tokio::time::timeout;

/// Where an undo note may be brought.
pub(crate) const LIFT: &str = "/.well-known/portcullis/lift";
/// Where a policy that names a new log key may be brought.
pub(crate) const LOG_KEY: &str = "/.well-known/portcullis/log-key";
/// Where others see which log this edge follows.
pub(crate) const CHECKPOINT: &str = "/.well-known/portcullis/checkpoint";

pub(crate) async fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    let read = matches!(ex.parts.method, Method::GET | Method::HEAD);
    let most = match ex.path() {
        LIFT if ex.parts.method == Method::POST => LIFT_BYTES,
        LOG_KEY if ex.parts.method == Method::POST => LOG_KEY_BYTES,
        CHECKPOINT if read => 0,
        _ => return Flow::Next,
    };
    // It stands before the shield in the route, so it asks the shield itself.
    match super::shield::run(ctx, ex) {
        Flow::Next => {}
        end => return end,
    }
    if read {
        return checkpoint(ctx);
    }
    let Some(body) = ex.body.take() else { return Flow::Drop };
    let collected = timeout(ctx.limits.body_idle, Limited::new(body, most).collect()).await;
    let note = match collected {
        Ok(Ok(note)) => note.to_bytes().to_vec(),
        Ok(Err(_)) => {
            return answer(StatusCode::PAYLOAD_TOO_LARGE, &format!("This note has at most {most} bytes."));
        }
        Err(_) => return answer(StatusCode::REQUEST_TIMEOUT, "The note did not arrive in time."),
    };
    let notes = &ctx.shared.notes;
    let said = if ex.path() == LIFT { notes.undo(note).await } else { notes.rekey(note).await };
    match said {
        Ok(words) => {
            ctx.tally.undone.up();
            answer(StatusCode::ACCEPTED, &words)
        }
        Err(words) => {
            ctx.tally.undo_refused.up();
            answer(StatusCode::UNPROCESSABLE_ENTITY, &words)
        }
    }
}

fn checkpoint(ctx: &Ctx) -> Flow {
    let Some(note) = ctx.shared.notes.checkpoint() else {
        return answer(StatusCode::NOT_FOUND, "This edge has not seen its ledger yet.");
    };
    let mut response = Response::new(Body::Ours(Bytes::from(note)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Flow::Answer(response)
}

/// RFC 9457 for both outcomes, so that one reader serves.
fn answer(status: StatusCode, detail: &str) -> Flow {
    let problem = json!({
        "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail,
    });
    let mut response = Response::new(Body::Ours(Bytes::from(problem.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Flow::Answer(response)
}
