//! Connections to origins, kept per worker, customer and origin, and given out newest first.
//!
//! A connection that goes wrong is never another customer's trouble, and one that still carries an upload is nobody's:
//! it is given back only after question and answer have both ended, given out only when it can take a request at once,
//! and closed when its lease is dropped.

use crate::body::Upload;
use crate::counters::Tally;
use crate::interim::{Bounded, Expecting};
use crate::limits::Limits;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use policy::Id;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Sends requests on one connection.
pub(crate) type Sender = http1::SendRequest<Upload>;

/// The pool of one worker.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Arc<Place>, Vec<Idle>>>,
    per_origin: usize,
    longest: Duration,
    /// Connections of this worker, idle or not, and how many there may be.
    open: Arc<AtomicUsize>,
    share: usize,
}

/// An origin of a customer. Two customers with one origin do not share connections.
#[derive(Debug)]
pub(crate) struct Place {
    customer: Id,
    /// `host:port`
    pub(crate) address: String,
    /// Connections open to it, of all workers.
    open: AtomicUsize,
}

impl Place {
    pub(crate) fn new(customer: Id, address: String) -> Arc<Self> {
        Arc::new(Self { customer, address, open: AtomicUsize::new(0) })
    }

    fn name(&self) -> (&Id, &str) {
        (&self.customer, &self.address)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// A connection's place under the limits; given back when dropped.
#[derive(Debug)]
struct Seat {
    place: Arc<Place>,
    all: Arc<AtomicUsize>,
}

impl Seat {
    fn take(place: &Arc<Place>, all: &Arc<AtomicUsize>, limits: &Limits, share: usize) -> Option<Self> {
        let enter = |count: &AtomicUsize, most: usize| {
            count.fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1)).is_ok()
        };
        if !enter(&place.open, limits.connections_per_origin) {
            return None;
        }
        if !enter(all, share) {
            place.open.fetch_sub(1, Relaxed);
            return None;
        }
        Some(Self { place: Arc::clone(place), all: Arc::clone(all) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.place.open.fetch_sub(1, Relaxed);
        self.all.fetch_sub(1, Relaxed);
    }
}

#[derive(Debug)]
struct Idle {
    line: Open,
    since: std::time::Instant,
}

/// An open connection; closed when dropped, whatever it carries.
#[derive(Debug)]
struct Open {
    sender: Sender,
    expecting: Expecting,
    task: AbortHandle,
    _seat: Seat,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pool {
    /// `workers` share the connections that the limits allow.
    pub(crate) fn new(limits: &Limits, workers: usize) -> Arc<Self> {
        let (per_origin, longest) = (limits.pool_per_origin, limits.pool_idle);
        let share = limits.origin_connections.div_ceil(workers.max(1));
        Arc::new(Self { idle: Mutex::default(), per_origin, longest, open: Arc::default(), share })
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Arc<Place>, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, of those that can take a request at once.
    pub(crate) fn take(self: &Arc<Self>, origin: &Arc<Place>) -> Option<Lease> {
        let mut idle = self.idle();
        let list = idle.get_mut(origin)?;
        while let Some(Idle { line, since }) = list.pop() {
            if since.elapsed() >= self.longest {
                // The newest is too old, so all are.
                list.clear();
            } else if line.sender.is_ready() {
                return Some(Lease {
                    pool: Arc::clone(self),
                    origin: Arc::clone(origin),
                    line,
                    reused: true,
                });
            }
        }
        None
    }

    /// Opens a new connection.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        origin: &Arc<Place>,
        limits: &Limits,
        tally: &Tally,
    ) -> io::Result<Lease> {
        // Idle connections to others make room before anybody is refused.
        let seat = Seat::take(origin, &self.open, limits, self.share).or_else(|| {
            self.idle().retain(|place, _| place == origin);
            Seat::take(origin, &self.open, limits, self.share)
        });
        let full =
            || io::Error::new(io::ErrorKind::QuotaExceeded, "too many connections to this origin, or in all");
        let seat = seat.ok_or_else(full)?;
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the origin does not answer");
        let stream = timeout(limits.connect, TcpStream::connect(&*origin.address)).await.map_err(late)??;
        stream.set_nodelay(true)?;
        let (stream, expecting) = Bounded::new(stream);
        let handshake = http1::Builder::new().max_buf_size(limits.head_bytes).handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(io::Error::other)?;
        let task = tokio::spawn(async move {
            // Whoever sent the request gets the error too.
            if let Err(error) = connection.with_upgrades().await {
                tracing::trace!(%error, "origin connection ended");
            }
        });
        tally.origin_connections.up();
        let line = Open { sender, expecting, task: task.abort_handle(), _seat: seat };
        Ok(Lease { pool: Arc::clone(self), origin: Arc::clone(origin), line, reused: false })
    }

    /// Drops what is dead or too old.
    pub(crate) fn tidy(&self) {
        let mut idle = self.idle();
        idle.retain(|_, list| {
            list.retain(|i| !i.line.sender.is_closed() && i.since.elapsed() < self.longest);
            !list.is_empty()
        });
    }
}

/// A connection in use. Dropped, it closes; given back, it is used again.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    origin: Arc<Place>,
    line: Open,
    /// Whether it has carried a request before.
    pub(crate) reused: bool,
}

impl Lease {
    /// Where to send the next request; from here on the origin's interim answers are counted.
    pub(crate) fn sender(&mut self) -> &mut Sender {
        self.line.expecting.begin();
        &mut self.line.sender
    }

    /// Question and answer have ended: the next may come.
    pub(crate) fn give_back(self) {
        let Self { pool, origin, line, .. } = self;
        if line.sender.is_closed() {
            return;
        }
        let mut idle = pool.idle();
        let list = idle.entry(origin).or_default();
        if list.len() < pool.per_origin {
            list.push(Idle { line, since: std::time::Instant::now() });
        }
    }
}
