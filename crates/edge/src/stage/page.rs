//! The answer for a blocked host, from memory.

use crate::body::Body;
use crate::exchange::{Ctx, Exchange, Flow};
use crate::page::choose;
use crate::stage::measure::is_challenge;
use http::Response;

pub(crate) fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    let Some(blocked) = &ex.measure else { return Flow::Next };
    let bare = ex.parts.uri.query().is_none()
        && !ex.upgrade
        && ex.body.as_ref().is_none_or(hyper::body::Body::is_end_stream);
    if ex.served.is_some() && bare && is_challenge(&ex.parts.method, ex.path()) {
        // It may run to its end: a worker that hears of the block only now must not cut it with the customer's own.
        ex.guard.settle();
        return Flow::Next;
    }
    ctx.tally.blocked.up();
    let (status, headers, body) =
        blocked.pages.answer(choose(&ex.parts.method, ex.path(), &ex.parts.headers));
    let mut response = Response::new(Body::Ours(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Flow::Answer(response)
}
