//! Requests per source. Later issues add the challenge and admission here.

use crate::exchange::{Ctx, Exchange, Flow};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

/// A refusal costs the source as much as an answer: else a flood of requests for nobody would cost it nothing.
pub(crate) fn refuse(ctx: &Ctx, ex: &mut Exchange, status: StatusCode, why: &str) -> Flow {
    match run(ctx, ex) {
        Flow::Next => ex.refuse(status, why),
        end => end,
    }
}

pub(crate) fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    let Err(wait) = ctx.shared.rates.take(ex.conn.source, ex.started) else { return Flow::Next };
    ctx.tally.limited.up();
    let mut response =
        ex.text(StatusCode::TOO_MANY_REQUESTS, "Too many requests from your network; please wait.");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    Flow::Answer(response)
}
