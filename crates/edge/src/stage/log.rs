//! One line per request, and the last touches that every answer of ours needs.

use crate::body::Body;
use crate::cut::Cut;
use crate::exchange::{Ctx, Exchange, Flow};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Response, StatusCode};

/// Never the query, which carries secrets.
pub(crate) fn run(ctx: &Ctx, ex: &Exchange, flow: Flow) -> Option<Response<Body>> {
    let response = match flow {
        Flow::Answer(response) => finish(ex, response),
        Flow::Next | Flow::Drop => {
            ex.guard.settle();
            return None;
        }
    };
    tracing::info!(
        target: "access",
        id = %ex.id,
        from = %ex.conn.peer.ip(),
        host = ex.host.as_ref().map(crate::Host::as_str),
        method = %ex.parts.method,
        path = ex.path(),
        status = response.status().as_u16(),
        site = ex.served.as_ref().map(|s| s.site.as_str()),
        decision = ex.measure.as_ref().map(|m| m.measure().id.as_str()),
        http2 = ex.conn.http2,
        tls = ex.conn.tls,
        micros = (ctx.now().saturating_sub(ex.started)).as_micros() as u64,
    );
    Some(response)
}

fn finish(ex: &Exchange, mut response: Response<Body>) -> Response<Body> {
    if !matches!(response.body(), Body::Origin(_)) && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        ex.guard.settle();
        // Held until it is written: a visitor of HTTP/2 who never reads it is dropped like one who reads no origin's.
        ex.guard.handed();
    }
    if ex.parts.method == Method::HEAD
        && let Body::Ours(bytes) = response.body()
    {
        let length = HeaderValue::from(bytes.len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        *response.body_mut() = Body::Empty;
    }
    // A blocked host's connection ends with the page: HTTP/1.1 says so, HTTP/2 sends GOAWAY. After a refused head or a
    // refused upgrade, nobody is sure what the next bytes are.
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if ex.conn.http2 {
        if ex.measure.is_some() {
            ex.conn.guard.pull(Cut::Soft);
        }
    } else if !switched && (ex.measure.is_some() || ex.host.is_none() || ex.upgrade) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
