//! Bodies in both directions, streamed: nothing is collected, and hyper's flow control reaches through.

use crate::cut::Guard;
use crate::limits::Limits;
use crate::pool::Lease;
use crate::stage::upstream::Asking;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Why a body ended early.
#[derive(Debug)]
pub(crate) enum BodyError {
    Http(hyper::Error),
    Idle,
    TooLarge,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => write!(f, "{error}"),
            Self::Idle => f.write_str("the body stopped for too long"),
            Self::TooLarge => f.write_str("the body is larger than this edge takes"),
        }
    }
}

impl std::error::Error for BodyError {}

/// A timer that starts when a body pauses and is forgotten when it goes on.
#[derive(Debug)]
struct Pause {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Pause {
    fn new(limit: Duration) -> Self {
        Self { limit, sleep: None, running: false }
    }

    fn over(&mut self) {
        self.running = false;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let limit = self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.running {
            self.running = true;
            sleep.as_mut().reset(Instant::now() + limit);
        }
        sleep.as_mut().poll(cx)
    }
}

/// The body of our answer to the visitor.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// Our own bytes.
    Ours(Bytes),
    /// The origin's.
    Origin(OriginBody),
}

/// What an origin sends. At its end the connection goes back to the pool, unless an upload still runs on it: then it
/// is closed, and the upload ends with it.
pub(crate) struct OriginBody {
    incoming: Incoming,
    lease: Option<Lease>,
    _asking: Asking,
    progress: Arc<Progress>,
    guard: Arc<Guard>,
    pause: Pause,
}

impl OriginBody {
    pub(crate) fn new(
        incoming: Incoming,
        lease: Lease,
        asking: Asking,
        progress: Arc<Progress>,
        guard: Arc<Guard>,
        idle: Duration,
    ) -> Self {
        Self { incoming, lease: Some(lease), _asking: asking, progress, guard, pause: Pause::new(idle) }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.progress.settle(lease);
        }
    }
}

impl OriginBody {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.guard.asked();
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                self.guard.handed();
                self.pause.over();
                if self.incoming.is_end_stream() {
                    self.end();
                }
                Poll::Ready(Some(frame.map_err(BodyError::Http)))
            }
            Poll::Pending => self.pause.poll(cx).map(|()| Some(Err(BodyError::Idle))),
        }
    }
}

impl Drop for OriginBody {
    fn drop(&mut self) {
        self.guard.settle();
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Ours(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Origin(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Ours(bytes) => bytes.is_empty(),
            Self::Origin(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Ours(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Origin(body) => body.incoming.size_hint(),
        }
    }
}

/// How an upload goes, seen from the stage that waits for the origin.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    failed: AtomicU8,
    ended: AtomicBool,
}

/// Why an upload failed, as [`Progress`] keeps it.
const TOO_LARGE: u8 = 1;
const IDLE: u8 = 2;
const BROKEN: u8 = 3;

impl Progress {
    /// For a request without a body.
    pub(crate) fn ended() -> Self {
        Self { ended: AtomicBool::new(true), ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn too_large(&self) -> bool {
        self.failed.load(Relaxed) == TOO_LARGE
    }

    /// The visitor's bytes were no body, or ended within it.
    pub(crate) fn broken(&self) -> bool {
        self.failed.load(Relaxed) == BROKEN
    }

    /// All of it has been handed to the origin's connection.
    fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    /// The answer has ended. With the upload ended too, the connection can be used again; otherwise it is closed: an
    /// upload that outlives its answer would hold the next request up, and would outlive a block.
    pub(crate) fn settle(&self, lease: Lease) {
        if self.ended.load(Relaxed) {
            lease.give_back();
        }
    }

    pub(crate) fn idle(&self) -> bool {
        self.failed.load(Relaxed) == IDLE
    }
}

/// The body of a request on its way to the origin.
pub(crate) enum Upload {
    /// Nothing.
    Empty,
    /// The visitor's, counted.
    Visitor(VisitorBody),
}

/// What a visitor sends.
pub(crate) struct VisitorBody {
    incoming: Incoming,
    left: u64,
    pause: Pause,
    pace: Pace,
    progress: Arc<Progress>,
}

/// The slowest that an upload may be on the whole.
#[derive(Debug)]
struct Pace {
    began: Instant,
    grace: Duration,
    /// Bytes per second.
    least: u64,
}

impl Pace {
    fn keeps(&self, bytes: u64) -> bool {
        let late = self.began.elapsed().saturating_sub(self.grace);
        u128::from(bytes) * 1000 >= late.as_millis() * u128::from(self.least)
    }
}

impl VisitorBody {
    pub(crate) fn new(incoming: Incoming, limits: &Limits, progress: Arc<Progress>) -> Self {
        let pace = Pace { began: Instant::now(), grace: limits.body_idle, least: limits.body_rate };
        Self { incoming, left: limits.body_bytes, pause: Pause::new(limits.body_idle), pace, progress }
    }

    fn fail(&self, error: BodyError) -> BodyError {
        let code = match error {
            BodyError::TooLarge => TOO_LARGE,
            BodyError::Idle => IDLE,
            BodyError::Http(_) => BROKEN,
        };
        self.progress.failed.store(code, Relaxed);
        error
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self::Visitor(body) = &mut *self else { return Poll::Ready(None) };
        loop {
            return match Pin::new(&mut body.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    body.pause.over();
                    // Trailers of a request may be dropped (RFC 9110 section 6.5.1), and are.
                    let Some(data) = frame.data_ref() else { continue };
                    let size = data.len() as u64;
                    body.progress.bytes.fetch_add(size, Relaxed);
                    if size > body.left {
                        return Poll::Ready(Some(Err(body.fail(BodyError::TooLarge))));
                    }
                    body.left -= size;
                    if !body.pace.keeps(body.progress.bytes()) {
                        return Poll::Ready(Some(Err(body.fail(BodyError::Idle))));
                    }
                    if body.incoming.is_end_stream() {
                        body.progress.end();
                    }
                    Poll::Ready(Some(Ok(frame)))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(body.fail(BodyError::Http(error))))),
                Poll::Ready(None) => {
                    body.progress.end();
                    Poll::Ready(None)
                }
                Poll::Pending => body.pause.poll(cx).map(|()| Some(Err(body.fail(BodyError::Idle)))),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Visitor(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Visitor(body) => body.incoming.size_hint(),
        }
    }
}
