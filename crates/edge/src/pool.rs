//! Connections to origins, kept per worker and given out newest first.

use crate::body::Upload;
use crate::counters::Tally;
use crate::limits::Limits;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends requests on one connection.
pub(crate) type Sender = http1::SendRequest<Upload>;

/// The pool of one worker.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Arc<str>, Vec<Idle>>>,
    per_origin: usize,
    longest: Duration,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: std::time::Instant,
}

impl Pool {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let (per_origin, longest) = (limits.pool_per_origin, limits.pool_idle);
        Arc::new(Self { idle: Mutex::default(), per_origin, longest })
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, if one is alive.
    pub(crate) fn take(self: &Arc<Self>, origin: &Arc<str>) -> Option<Lease> {
        let mut idle = self.idle();
        let list = idle.get_mut(origin)?;
        while let Some(Idle { sender, since }) = list.pop() {
            if since.elapsed() >= self.longest {
                // The newest is too old, so all are.
                list.clear();
            } else if !sender.is_closed() {
                return Some(Lease {
                    pool: Arc::clone(self),
                    origin: Arc::clone(origin),
                    sender,
                    reused: true,
                });
            }
        }
        None
    }

    /// Opens a new connection.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        origin: &Arc<str>,
        limits: &Limits,
        tally: &Tally,
    ) -> io::Result<Lease> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the origin does not answer");
        let stream = timeout(limits.connect, TcpStream::connect(&**origin)).await.map_err(late)??;
        stream.set_nodelay(true)?;
        let handshake = http1::Builder::new().max_buf_size(limits.head_bytes).handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(io::Error::other)?;
        tokio::spawn(async move {
            // Whoever sent the request gets the error too.
            if let Err(error) = connection.with_upgrades().await {
                tracing::trace!(%error, "origin connection ended");
            }
        });
        tally.origin_connections.up();
        Ok(Lease { pool: Arc::clone(self), origin: Arc::clone(origin), sender, reused: false })
    }

    /// Drops what is dead or too old.
    pub(crate) fn tidy(&self) {
        let mut idle = self.idle();
        idle.retain(|_, list| {
            list.retain(|i| !i.sender.is_closed() && i.since.elapsed() < self.longest);
            !list.is_empty()
        });
    }
}

/// A connection in use. Dropped, it closes; given back, it is used again.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    origin: Arc<str>,
    pub(crate) sender: Sender,
    /// Whether it has carried a request before.
    pub(crate) reused: bool,
}

impl Lease {
    pub(crate) fn give_back(self) {
        let Self { pool, origin, sender, .. } = self;
        if sender.is_closed() {
            return;
        }
        let mut idle = pool.idle();
        let list = idle.entry(origin).or_default();
        if list.len() < pool.per_origin {
            list.push(Idle { sender, since: std::time::Instant::now() });
        }
    }
}
