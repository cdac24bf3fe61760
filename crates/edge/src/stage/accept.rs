//! Takes a connection under the caps, or closes it at once.

use crate::exchange::Ctx;
use crate::flood::Source;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::net::TcpStream;

/// A connection's place under the caps; given back when dropped.
pub(crate) struct Admission {
    ctx: Arc<Ctx>,
    source: Source,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.ctx.open.fetch_sub(1, Relaxed);
        self.ctx.shared.open.leave(self.source);
    }
}

pub(crate) fn run(ctx: &Arc<Ctx>, stream: &TcpStream, peer: SocketAddr) -> Option<Admission> {
    let source = Source::of(peer.ip());
    let full = ctx.open.load(Relaxed) >= ctx.most;
    if full || stream.set_nodelay(true).is_err() || !ctx.shared.open.enter(source) {
        ctx.tally.connections_refused.up();
        return None;
    }
    ctx.open.fetch_add(1, Relaxed);
    ctx.tally.connections.up();
    Some(Admission { ctx: Arc::clone(ctx), source })
}
