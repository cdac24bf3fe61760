//! After 101: two streams of bytes, copied both ways until one ends, both fall silent, or a measure cuts them.

use crate::body::Body;
use crate::cut::{Guard, Kind};
use crate::exchange::{Ctx, Exchange, Flow};
use crate::forward;
use crate::pool::Lease;
use crate::stage::upstream::Asking;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::timeout;

pub(crate) fn open(
    ctx: &Arc<Ctx>,
    ex: &Exchange,
    mut response: Response<Incoming>,
    held: (Lease, Asking),
    visitor: Option<OnUpgrade>,
    wants: Option<HeaderValue>,
) -> Flow {
    let (Some(visitor), Some(protocol), Some(host)) = (visitor, wants, ex.host.clone()) else {
        ctx.tally.origin_failed.up();
        return ex.refuse(
            StatusCode::BAD_GATEWAY,
            "The site's own server switched protocols without being asked.",
        );
    };
    let origin = hyper::upgrade::on(&mut response);
    let guard = Guard::new(Kind::Tunnel, Some(host), ctx.now());
    // Enrolled before the answer is given, so that a measure that comes meanwhile finds it.
    let enrolled = ctx.registry.enrol(Arc::clone(&guard));
    let (conn, idle) = (Arc::clone(&ex.conn), ctx.limits.tunnel_idle);
    tokio::spawn(async move {
        let ends = (conn, enrolled, held);
        let run = pin!(run(visitor, origin, idle));
        if guard.watch(run, |_| {}).await.is_none() {
            tracing::debug!("tunnel cut");
        }
        drop(ends);
    });
    ctx.tally.tunnels.up();
    ex.guard.settle();
    let (mut parts, _) = response.into_parts();
    forward::answer(&mut parts.headers, ex);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(UPGRADE, protocol);
    Flow::Answer(Response::from_parts(parts, Body::Empty))
}

async fn run(visitor: OnUpgrade, origin: OnUpgrade, idle: Duration) {
    let (Ok(visitor), Ok(origin)) = tokio::join!(visitor, origin) else { return };
    let count = Arc::new(AtomicU64::new(0));
    let mut visitor = Counted { inner: TokioIo::new(visitor), count: Arc::clone(&count) };
    let mut origin = Counted { inner: TokioIo::new(origin), count: Arc::clone(&count) };
    let mut copy = pin!(copy_bidirectional(&mut visitor, &mut origin));
    let mut seen = 0;
    loop {
        if let Ok(ended) = timeout(idle, &mut copy).await {
            tracing::trace!(?ended, "tunnel ended");
            return;
        }
        let now = count.load(Relaxed);
        if now == seen {
            return;
        }
        seen = now;
    }
}

/// Counts what is read.
struct Counted {
    inner: TokioIo<Upgraded>,
    count: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        if poll.is_ready() {
            self.count.fetch_add(1, Relaxed);
        }
        poll
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
