//! hyper's side of a connection: builders with our limits, and the guards that can end what it carries.

use crate::Host;
use crate::body::Body;
use crate::cut::{Guard, Kind};
use crate::exchange::{Conn, Ctx, Exchange};
use crate::line::Line;
use crate::pipeline;
use crate::stage::accept::Admission;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Closes the connection or resets the stream without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped by a stage")
    }
}

impl std::error::Error for Dropped {}

pub(crate) async fn clear(ctx: Arc<Ctx>, stream: TcpStream, peer: SocketAddr, admission: Admission) {
    let conn = conn(ctx, peer, admission, None, false);
    http1(conn, stream).await;
}

pub(crate) async fn secured(
    ctx: Arc<Ctx>,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    admission: Admission,
) {
    let session = stream.get_ref().1;
    let sni = session.server_name().and_then(Host::parse);
    let two = session.alpn_protocol() == Some(b"h2");
    let conn = conn(ctx, peer, admission, Some(sni), two);
    if two { http2(conn, stream).await } else { http1(conn, stream).await }
}

fn conn(
    ctx: Arc<Ctx>,
    peer: SocketAddr,
    admission: Admission,
    tls: Option<Option<Host>>,
    two: bool,
) -> Arc<Conn> {
    let (kind, secured) = (if two { Kind::Http2 } else { Kind::Http1 }, tls.is_some());
    let sni = tls.flatten();
    let address = peer.ip().to_canonical().to_string();
    Arc::new(Conn {
        guard: Guard::new(kind, sni.clone(), ctx.now()),
        source: crate::flood::Source::of(peer.ip()),
        forwarded_for: HeaderValue::try_from(address).expect("an address is a header value"),
        stream: Mutex::new(None),
        _admission: admission,
        tls: secured,
        http2: two,
        ctx,
        peer,
        sni,
    })
}

async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(conn: Arc<Conn>, stream: S) {
    let ctx = Arc::clone(&conn.ctx);
    let io = TokioIo::new(Line::new(stream, true, &ctx.limits, Arc::clone(&ctx.tally)));
    let guard = Arc::clone(&conn.guard);
    let _enrolled = ctx.registry.enrol(Arc::clone(&guard));
    let service = service_fn(move |request| answer(Arc::clone(&conn), request));
    let connection = http1::Builder::new()
        // The wire counts the head; this is what hyper may read at once beyond it.
        .max_buf_size(ctx.limits.head_bytes * 2)
        .max_headers(ctx.limits.head_lines)
        .header_read_timeout(None)
        .serve_connection(io, service)
        .with_upgrades();
    let connection = pin!(connection);
    ended(guard.watch(connection, |c| c.graceful_shutdown()).await);
}

async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(conn: Arc<Conn>, stream: S) {
    let ctx = Arc::clone(&conn.ctx);
    let limits = &ctx.limits;
    let io = TokioIo::new(Line::new(stream, false, limits, Arc::clone(&ctx.tally)));
    let guard = Arc::clone(&conn.guard);
    let _enrolled = ctx.registry.enrol(Arc::clone(&guard));
    let streams = Streams { conn: Arc::clone(&conn) };
    let service = service_fn(move |request| answer(Arc::clone(&conn), request));
    let connection = http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_send_buf_size(limits.stream_buffer)
        .keep_alive_interval(limits.keep_alive / 2)
        .keep_alive_timeout(limits.head)
        .serve_connection(io, service);
    let connection = pin!(connection);
    ended(guard.watch(connection, |c| c.graceful_shutdown()).await);
}

fn ended(result: Option<hyper::Result<()>>) {
    if let Some(Err(error)) = result {
        tracing::debug!(%error, "connection ended");
    }
}

fn answer(
    conn: Arc<Conn>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Dropped>> + Send + 'static {
    if conn.http2 {
        let guard = Guard::new(Kind::Stream, None, conn.ctx.now());
        *conn.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&guard));
        conn.guard.stream_opened();
        request_on(conn, guard, request)
    } else {
        let guard = Arc::clone(&conn.guard);
        request_on(conn, guard, request)
    }
}

async fn request_on(
    conn: Arc<Conn>,
    guard: Arc<Guard>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    pipeline::request(conn, guard, request).await.ok_or(Dropped)
}

/// The exchange at its beginning.
pub(crate) fn exchange(conn: Arc<Conn>, guard: Arc<Guard>, request: Request<Incoming>) -> Exchange {
    let (parts, body) = request.into_parts();
    let (id, started) = (conn.ctx.next_id(), conn.ctx.now());
    let upgrade = !conn.http2 && parts.headers.contains_key(http::header::UPGRADE);
    Exchange {
        conn,
        guard,
        parts,
        body: Some(body),
        id,
        started,
        upgrade,
        host: None,
        port: None,
        served: None,
        measure: None,
    }
}

/// Runs the streams of one HTTP/2 connection. hyper calls the service and hands the stream over at once, one after
/// the other, so the guard that the service left belongs to this stream. Dropping the task resets the stream, even
/// one that waits for the visitor's flow control.
#[derive(Clone)]
struct Streams {
    conn: Arc<Conn>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let conn = Arc::clone(&self.conn);
        let guard = conn.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        tokio::spawn(async move {
            let stream = pin!(stream);
            let Some(guard) = guard else { return stream.await };
            let enrolled = conn.ctx.registry.enrol(Arc::clone(&guard));
            if guard.watch(stream, |_| {}).await.is_none() {
                tracing::debug!("stream cut");
            }
            drop(enrolled);
            conn.guard.stream_closed(conn.ctx.now());
        });
    }
}
