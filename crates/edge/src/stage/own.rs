//! What the edge itself answers under every name, served or not: `POST /.well-known/portcullis/lift`.

use crate::body::Body;
use crate::exchange::{Ctx, Exchange, Flow};
use crate::limits::LIFT_BYTES;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use tokio::time::timeout;

/// Where an undo note may be brought.
pub(crate) const LIFT: &str = "/.well-known/portcullis/lift";

pub(crate) async fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    if ex.parts.method != Method::POST || ex.path() != LIFT {
        return Flow::Next;
    }
    // It stands before the shield in the route, so it asks the shield itself.
    match super::shield::run(ctx, ex) {
        Flow::Next => {}
        end => return end,
    }
    let Some(body) = ex.body.take() else { return Flow::Drop };
    let collected = timeout(ctx.limits.body_idle, Limited::new(body, LIFT_BYTES).collect()).await;
    let note = match collected {
        Ok(Ok(note)) => note.to_bytes(),
        Ok(Err(_)) => return answer(StatusCode::PAYLOAD_TOO_LARGE, "An undo note has at most 4096 bytes."),
        Err(_) => return answer(StatusCode::REQUEST_TIMEOUT, "The note did not arrive in time."),
    };
    match ctx.shared.undo.undo(note.to_vec()).await {
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
