//! One request on its way through the stages, and what the stages work with.

use crate::Host;
use crate::body::Body;
use crate::control::Shared;
use crate::counters::Tally;
use crate::cut::{Guard, Registry};
use crate::enforce::Blocked;
use crate::flood::Source;
use crate::limits::Limits;
use crate::pool::Pool;
use crate::world::Served;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Incoming;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a stage says.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives per request; a box would cost every answer an allocation"
)]
pub(crate) enum Flow {
    /// Go on.
    Next,
    /// This is the answer.
    Answer(Response<Body>),
    /// Close without an answer.
    Drop,
}

/// A worker's own things. Stages get it as context.
pub(crate) struct Ctx {
    pub(crate) shared: Arc<Shared>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) tls: Option<tokio_rustls::TlsAcceptor>,
    /// This worker's share of all connections.
    pub(crate) most: usize,
    pub(crate) open: AtomicUsize,
    ids: Ids,
}

impl Ctx {
    pub(crate) fn new(
        shared: Arc<Shared>,
        limits: Arc<Limits>,
        tls: Option<tokio_rustls::TlsAcceptor>,
        most: usize,
        workers: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            pool: Pool::new(&limits, workers),
            limits,
            tally: Arc::default(),
            registry: Arc::default(),
            tls,
            most,
            open: AtomicUsize::new(0),
            ids: Ids::default(),
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.shared.clock.mono()
    }

    pub(crate) fn next_id(&self) -> RequestId {
        self.ids.next()
    }
}

/// One connection of a visitor.
pub(crate) struct Conn {
    pub(crate) ctx: Arc<Ctx>,
    pub(crate) peer: SocketAddr,
    pub(crate) source: Source,
    pub(crate) tls: bool,
    pub(crate) http2: bool,
    /// The server name; `None` without TLS, or when the visitor sent none that is a hostname.
    pub(crate) sni: Option<Host>,
    pub(crate) forwarded_for: HeaderValue,
    pub(crate) guard: Arc<Guard>,
    /// The guard of the HTTP/2 stream that hyper is about to hand to the executor.
    pub(crate) stream: Mutex<Option<Arc<Guard>>>,
    /// Its place under the limits, given back when the last part of it is gone.
    pub(crate) _admission: crate::stage::accept::Admission,
}

/// One request.
pub(crate) struct Exchange {
    pub(crate) conn: Arc<Conn>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) parts: http::request::Parts,
    pub(crate) body: Option<Incoming>,
    pub(crate) id: RequestId,
    pub(crate) started: Duration,
    /// Whether an HTTP/1.1 request asked to upgrade: what follows it on the connection was not inspected (wire.rs).
    pub(crate) upgrade: bool,
    /// Set by the head stage.
    pub(crate) host: Option<Host>,
    /// The port of the authority, as the visitor wrote it.
    pub(crate) port: Option<u16>,
    /// Set by the site stage; stays empty for a blocked hostname that has no site any more.
    pub(crate) served: Option<Arc<Served>>,
    /// Set by the measure stage.
    pub(crate) measure: Option<Arc<Blocked>>,
}

impl Exchange {
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// A short answer of our own, with the request id, so that somebody can ask about it.
    pub(crate) fn refuse(&self, status: StatusCode, why: &str) -> Flow {
        Flow::Answer(self.text(status, why))
    }

    pub(crate) fn text(&self, status: StatusCode, why: &str) -> Response<Body> {
        let reason = status.canonical_reason().unwrap_or_default();
        let text = format!("{} {reason}\n{why}\nRequest {}\n", status.as_u16(), self.id);
        let mut response = Response::new(Body::Ours(Bytes::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-request-id", self.id.header());
        response
    }
}

/// 128 bits that name a request: the worker's random half and a counter that is spread over the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(u128);

impl RequestId {
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("hexadecimal digits are a header value")
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

struct Ids {
    upper: u64,
    seed: u64,
    count: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        // RandomState is the standard library's only source of randomness; ids need to differ, not to be secret.
        let random = RandomState::new();
        Self { upper: random.hash_one(0), seed: random.hash_one(1), count: AtomicU64::new(0) }
    }
}

impl Ids {
    fn next(&self) -> RequestId {
        // The finaliser of SplitMix64 is a bijection: no two counts of one worker give the same id.
        let count = self.count.fetch_add(1, Relaxed);
        let mut x = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        RequestId(u128::from(self.upper) << 64 | u128::from(x ^ (x >> 31)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_differ_within_and_between_workers() {
        let (one, other) = (Ids::default(), Ids::default());
        let ids: HashSet<String> =
            (0..20_000).map(|i| if i % 2 == 0 { one.next() } else { other.next() }.to_string()).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
