//! To the origin and back.
//!
//! A request is sent a second time only when it cannot matter: it was never sent, or it is idempotent, has no body,
//! went out on a kept connection, and that connection died before an answer.

use crate::body::{Body, OriginBody, Progress, Upload, VisitorBody};
use crate::exchange::{Ctx, Exchange, Flow};
use crate::flood::Source;
use crate::forward;
use crate::limits::ACME_BYTES;
use crate::page::PREFIX as OWN;
use crate::pool::Lease;
use crate::tunnel;
use crate::world::Served;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(crate) async fn run(ctx: &Arc<Ctx>, ex: &mut Exchange) -> Flow {
    let Some(served) = ex.served.clone() else { return Flow::Drop };
    let Some(asking) = Asking::enter(ctx, ex) else {
        ctx.tally.limited.up();
        return ex.refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests of your network are being answered; please wait.",
        );
    };
    if ex.measure.is_some() {
        return challenge(ctx, ex, &served).await;
    }
    if ex.path().starts_with(OWN) {
        // What stands there on a blocked hostname is ours to say; an origin must not be able to say it.
        return ex.refuse(StatusCode::NOT_FOUND, "Nothing has been decided about this host.");
    }
    let Some((upload, progress)) = upload(ctx, ex) else { return too_large(ex) };
    let wants = if upload.is_end_stream() { forward::wants_websocket(ex) } else { None };
    let visitor = ex.parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let head = forward::request(ex, &served, wants.is_some());
    let call = Call { ctx, served: &served, progress: &progress, fresh: wants.is_some() };
    match call.run(head, upload).await {
        Ok((response, lease)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            tunnel::open(ctx, ex, response, (lease, asking), visitor, wants)
        }
        Ok((response, _)) if is_ambiguous(&response) => fail(ctx, ex, &progress, &Failure::Ambiguous),
        Ok((response, lease)) => Flow::Answer(answer(ctx, ex, response, (lease, asking), &progress)),
        Err(failure) => fail(ctx, ex, &progress, &failure),
    }
}

/// The visitor's body; `None` if it says by itself that it is too large.
fn upload(ctx: &Ctx, ex: &mut Exchange) -> Option<(Upload, Arc<Progress>)> {
    let Some(body) = ex.body.take().filter(|b| !b.is_end_stream()) else {
        return Some((Upload::Empty, Arc::new(Progress::ended())));
    };
    if body.size_hint().lower() > ctx.limits.body_bytes {
        return None;
    }
    let progress = Arc::new(Progress::default());
    Some((Upload::Visitor(VisitorBody::new(body, &ctx.limits, Arc::clone(&progress))), progress))
}

fn too_large(ex: &Exchange) -> Flow {
    ex.refuse(StatusCode::PAYLOAD_TOO_LARGE, "The request body is larger than this site takes.")
}

/// A source's place among those whose requests are at origins; given back when dropped.
pub(crate) struct Asking {
    ctx: Arc<Ctx>,
    source: Source,
}

impl Asking {
    fn enter(ctx: &Arc<Ctx>, ex: &Exchange) -> Option<Self> {
        let source = ex.conn.source;
        ctx.shared.asking.enter(source).then(|| Self { ctx: Arc::clone(ctx), source })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.ctx.shared.asking.leave(self.source);
    }
}

/// Two ways of framing in one answer: whoever stands between could read another one (RFC 9112 section 6.3).
fn is_ambiguous(response: &Response<Incoming>) -> bool {
    let headers = response.headers();
    headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH)
}

/// Why there is no answer.
enum Failure {
    Ambiguous,
    Connect(std::io::Error),
    Http(hyper::Error),
    Late,
}

fn fail(ctx: &Ctx, ex: &Exchange, progress: &Progress, failure: &Failure) -> Flow {
    if progress.too_large() {
        return too_large(ex);
    }
    if progress.idle() {
        return ex.refuse(StatusCode::REQUEST_TIMEOUT, "The request body stopped or was too slow.");
    }
    if progress.broken() {
        ctx.tally.refused_bytes.up();
        return ex.refuse(StatusCode::BAD_REQUEST, "The request body is malformed or incomplete.");
    }
    ctx.tally.origin_failed.up();
    let site = ex.served.as_ref().map(|s| s.site.as_str());
    match failure {
        Failure::Ambiguous => tracing::warn!(id = %ex.id, site, "origin framed its answer in two ways"),
        Failure::Connect(error) => tracing::warn!(id = %ex.id, site, %error, "origin not reached"),
        Failure::Http(error) => tracing::warn!(id = %ex.id, site, %error, "origin failed"),
        Failure::Late => tracing::warn!(id = %ex.id, site, "origin too late"),
    }
    match failure {
        Failure::Late => {
            ex.refuse(StatusCode::GATEWAY_TIMEOUT, "The site's own server did not answer in time.")
        }
        Failure::Connect(error) if error.kind() == std::io::ErrorKind::QuotaExceeded => {
            ex.refuse(StatusCode::SERVICE_UNAVAILABLE, "The site's own server is busy.")
        }
        Failure::Ambiguous | Failure::Connect(_) | Failure::Http(_) => ex.refuse(
            StatusCode::BAD_GATEWAY,
            "The site's own server could not be reached or gave no valid answer.",
        ),
    }
}

struct Call<'a> {
    ctx: &'a Arc<Ctx>,
    served: &'a Served,
    progress: &'a Progress,
    /// Needs a connection of its own.
    fresh: bool,
}

type Answered = (Response<Incoming>, Lease);

impl Call<'_> {
    async fn run(&self, head: Request<()>, upload: Upload) -> Result<Answered, Failure> {
        let lease = self.lease(self.fresh).await?;
        let idempotent =
            matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE);
        let spare = (lease.reused && idempotent && matches!(upload, Upload::Empty)).then(|| head.clone());
        let (error, unsent) = match self.send(lease, head.map(|()| upload)).await {
            Ok(answered) => return Ok(answered),
            Err(Attempt { failure, unsent }) => (failure, unsent),
        };
        let again = unsent.or_else(|| {
            let died = matches!(&error, Failure::Http(e) if died(e));
            spare.filter(|_| died).map(|head| head.map(|()| Upload::Empty))
        });
        let Some(again) = again else { return Err(error) };
        self.ctx.tally.retried.up();
        let lease = self.lease(true).await?;
        self.send(lease, again).await.map_err(|attempt| attempt.failure)
    }

    /// A kept connection, or a new one to the first origin that takes it.
    async fn lease(&self, fresh: bool) -> Result<Lease, Failure> {
        let Ctx { pool, limits, tally, .. } = &**self.ctx;
        let mut last = None;
        for origin in self.served.origins() {
            if !fresh && let Some(lease) = pool.take(origin) {
                return Ok(lease);
            }
            match pool.connect(origin, limits, tally).await {
                Ok(lease) => return Ok(lease),
                Err(error) => last = Some(error),
            }
        }
        Err(Failure::Connect(last.unwrap_or_else(|| std::io::Error::other("the site has no origin"))))
    }

    async fn send(&self, mut lease: Lease, request: Request<Upload>) -> Result<Answered, Attempt> {
        match timeout(self.ctx.limits.connect, lease.sender().ready()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Attempt { failure: Failure::Http(error), unsent: Some(request) }),
            Err(_) => return Err(Attempt { failure: Failure::Late, unsent: Some(request) }),
        }
        let answer = pin!(lease.sender().try_send_request(request));
        match self.first_byte(answer).await {
            Some(Ok(response)) => Ok((response, lease)),
            Some(Err(mut error)) => {
                let unsent = error.take_message();
                Err(Attempt { failure: Failure::Http(error.into_error()), unsent })
            }
            None => Err(Attempt { failure: Failure::Late, unsent: None }),
        }
    }

    /// The deadline begins anew as long as the upload moves.
    async fn first_byte<F: Future + Unpin>(&self, mut answer: F) -> Option<F::Output> {
        let mut seen = 0;
        loop {
            if let Ok(done) = timeout(self.ctx.limits.first_byte, &mut answer).await {
                return Some(done);
            }
            let bytes = self.progress.bytes();
            if bytes == seen {
                return None;
            }
            seen = bytes;
        }
    }
}

struct Attempt {
    failure: Failure,
    /// The request, if not a byte of it was sent.
    unsent: Option<Request<Upload>>,
}

/// Whether the connection ended before an answer; not whether the answer was malformed.
fn died(error: &hyper::Error) -> bool {
    let reset = || {
        let source = std::error::Error::source(error).and_then(|s| s.downcast_ref::<std::io::Error>());
        source.is_some_and(|e| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
            matches!(e.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
        })
    };
    error.is_canceled() || error.is_closed() || error.is_incomplete_message() || reset()
}

fn answer(
    ctx: &Ctx,
    ex: &Exchange,
    response: Response<Incoming>,
    (lease, asking): (Lease, Asking),
    progress: &Arc<Progress>,
) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    forward::answer(&mut parts.headers, ex);
    let body = if incoming.is_end_stream() {
        progress.settle(lease);
        ex.guard.settle();
        Body::Empty
    } else {
        let idle: Duration = ctx.limits.response_idle;
        Body::Origin(OriginBody::new(
            incoming,
            lease,
            asking,
            Arc::clone(progress),
            Arc::clone(&ex.guard),
            idle,
        ))
    };
    Response::from_parts(parts, body)
}

/// What an origin may be asked and may say on a blocked hostname (DESIGN 5): for one challenge, by name, its key
/// authorisation (RFC 8555 section 8.3). Nothing of the visitor's reaches it and nothing else comes back.
async fn challenge(ctx: &Arc<Ctx>, ex: &Exchange, served: &Served) -> Flow {
    let progress = Progress::ended();
    let call = Call { ctx, served, progress: &progress, fresh: false };
    let missing = || ex.refuse(StatusCode::NOT_FOUND, "No such challenge.");
    let (response, lease) = match call.run(forward::challenge(ex, served), Upload::Empty).await {
        Ok((response, lease)) if response.status() == StatusCode::OK => (response, lease),
        Ok(_) => return missing(),
        Err(failure) => return fail(ctx, ex, &progress, &failure),
    };
    let body = Limited::new(response.into_body(), ACME_BYTES).collect();
    let Ok(Ok(body)) = timeout(ctx.limits.first_byte, body).await else { return missing() };
    lease.give_back();
    let body = body.to_bytes();
    if !is_key_authorisation(ex.path(), &body) {
        return missing();
    }
    let mut response = Response::new(Body::Ours(body));
    for (name, value) in
        [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Flow::Answer(response)
}

/// `TOKEN.THUMBPRINT`, the thumbprint of 32 bytes in base64url; trailing white space is ignored, as servers do.
fn is_key_authorisation(path: &str, body: &[u8]) -> bool {
    let token = path.strip_prefix(super::measure::ACME).unwrap_or_default();
    let text = body.trim_ascii_end();
    let thumbprint = text.strip_prefix(token.as_bytes()).and_then(|rest| rest.strip_prefix(b"."));
    thumbprint.is_some_and(|t| {
        t.len() == THUMBPRINT && t.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

/// Characters of a SHA-256 in base64url.
const THUMBPRINT: usize = 43;
