//! The life of a connection and of a request: every stage, in order, and nothing else.

use crate::body::Body;
use crate::cut::Guard;
use crate::exchange::{Conn, Ctx, Exchange, Flow};
use crate::serve;
use crate::stage::{accept, handshake, head, log, measure, own, page, shield, site, upstream};
use http::{Request, Response};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// accept -> handshake -> requests.
pub(crate) async fn connection(ctx: Arc<Ctx>, stream: TcpStream, peer: SocketAddr, tls: bool) {
    let Some(admission) = accept::run(&ctx, &stream, peer) else { return };
    if !tls {
        return serve::clear(ctx, stream, peer, admission).await;
    }
    let Some(secured) = handshake::run(&ctx, stream).await else { return };
    serve::secured(ctx, secured, peer, admission).await;
}

/// head -> own -> site -> measure -> shield -> page -> upstream -> log. `None` closes without an answer.
pub(crate) async fn request(
    conn: Arc<Conn>,
    guard: Arc<Guard>,
    request: Request<Incoming>,
) -> Option<Response<Body>> {
    let ctx = Arc::clone(&conn.ctx);
    let mut exchange = serve::exchange(conn, guard, request);
    let flow = stages(&ctx, &mut exchange).await;
    log::run(&ctx, &exchange, flow)
}

macro_rules! next {
    ($flow:expr) => {
        match $flow {
            Flow::Next => {}
            end => return end,
        }
    };
}

async fn stages(ctx: &Arc<Ctx>, exchange: &mut Exchange) -> Flow {
    next!(head::run(ctx, exchange));
    // Before any question about the host: a lift is welcome under every name, so that nothing can keep it away.
    next!(own::run(ctx, exchange).await);
    next!(site::run(ctx, exchange));
    next!(measure::run(ctx, exchange));
    // The page is given after the limits, so that they hold for it too.
    next!(shield::run(ctx, exchange));
    next!(page::run(ctx, exchange));
    upstream::run(ctx, exchange).await
}
