//! What every answer has in common: headers, validators, and one place where failures become answers.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ledger::Hash;
use store::StoreError;

use crate::App;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
pub(crate) const OCTETS: &str = "application/octet-stream";
pub(crate) const PROBLEM: &str = "application/problem+json";

/// Whatever may change: kept, but asked for again each time, so that a lift shows at once.
pub(crate) const FRESH: &str = "no-cache";
/// Whatever its name fixes (a tile, a blob): kept for a year, the longest that RFC 9111 caches are built for.
pub(crate) const FOREVER: &str = "public, max-age=31536000, immutable";

/// On an answer whose status is meant as it is, and whose body is for whoever asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meant;

/// Why a request was not answered.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// There is no such thing; the words say what was looked for.
    NotFound(&'static str),
    /// The address takes other methods; `Allow` says which.
    Method,
    /// The request makes no sense.
    Bad,
    /// The ledger has no entry yet.
    NoLedger,
    /// Something is broken here; the words are for the log, never for the visitor.
    Broken(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Broken(error.to_string())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Failure {
        Failure::Broken(format!("a template: {error}"))
    }
}

impl Failure {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::NotFound(_) => StatusCode::NOT_FOUND,
            Failure::Method => StatusCode::METHOD_NOT_ALLOWED,
            Failure::Bad => StatusCode::BAD_REQUEST,
            Failure::NoLedger => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A heading for people.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Failure::NotFound(_) => "Not here",
            Failure::Method => "Another method",
            Failure::Bad => "Not understood",
            Failure::NoLedger => "Nothing published yet",
            Failure::Broken(_) => "Something is broken here",
        }
    }

    /// What it is and what to do next.
    pub(crate) fn detail(&self) -> &'static str {
        match self {
            Failure::NotFound(what) => what,
            Failure::Method => "This address takes other methods; `Allow` names them.",
            Failure::Bad => "The address is not in a form this site knows.",
            Failure::NoLedger => "The ledger has no entry yet. Come back once its first policy is signed.",
            Failure::Broken(_) => "The fault is ours and was noted. Please try again later.",
        }
    }
}

impl IntoResponse for Failure {
    /// The bare status; [`dress`] puts a body in the form that fits the address.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An answer with a validator; 304 when the visitor holds these very bytes.
pub(crate) fn answer(asked: &HeaderMap, kind: &'static str, cache: &'static str, body: Vec<u8>) -> Response {
    // 32 hexadecimal digits of SHA-256: 128 bits, so equal tags mean equal bytes.
    let tag: String = Hash::of(&body).to_string().chars().take(32).collect();
    let tag = format!("\"{tag}\"");
    let held = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == tag);
    let mut response = if held {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The form in which a failure is told, by the address that was asked for.
fn problem_kind(path: &str) -> &'static str {
    const PLAIN: [&str; 6] =
        ["/ledger/tile/", "/ledger/blob/", "/ledger/checkpoint", "/ledger/trust", "/.well-known/", "/feed."];
    if path.starts_with("/decisions/") && path.ends_with(".json") || path.starts_with("/api/") {
        PROBLEM
    } else if PLAIN.iter().any(|start| path.starts_with(start)) {
        TEXT
    } else {
        HTML
    }
}

/// Around every handler: turns a failure into an answer, and puts the headers on that every answer has.
pub(crate) async fn dress(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_string();
    let mut response = next.run(request).await;
    let failure = response.extensions_mut().remove::<Failure>();
    let meant = response.extensions_mut().remove::<Meant>().is_some();
    let failure = failure.or_else(|| refusal_of(response.status()).filter(|_| !meant));
    if let Some(failure) = failure {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = tell(&app, &path, &failure, allow.as_ref());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let form = path.starts_with("/report") || path.starts_with("/authority/");
    let csp = if form { &app.csp_form } else { &app.csp };
    headers.insert(header::CONTENT_SECURITY_POLICY, csp.clone());
    if problem_kind(&path) != HTML {
        // Anyone may check the record from a page of their own; there is no cookie that could go along.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}

/// The failure behind a bare status that the router itself answered.
fn refusal_of(status: StatusCode) -> Option<Failure> {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => Some(Failure::Method),
        StatusCode::NOT_FOUND => Some(Failure::NotFound("There is nothing under this address.")),
        status if status.is_client_error() => Some(Failure::Bad),
        status if status.is_server_error() => Some(Failure::Broken(format!("answered {status}"))),
        _ => None,
    }
}

/// `allow`: the methods that the address takes.
fn tell(app: &App, path: &str, failure: &Failure, allow: Option<&HeaderValue>) -> Response {
    if let Failure::Broken(why) = failure {
        // The last part of a report's address, and of a room's, is a secret.
        let shown = if path.contains("/report") || path.starts_with("/authority/") {
            path.rsplit_once('/').map_or(path, |(start, _)| start)
        } else {
            path
        };
        tracing::error!(path = shown, why, "press could not answer");
    }
    let status = failure.status();
    let kind = problem_kind(path);
    let methods = allow.filter(|_| matches!(failure, Failure::Method)).and_then(|allow| allow.to_str().ok());
    let detail: Cow<'_, str> = match methods {
        Some(methods) => format!("Use {} here.", methods.replace(',', " or ")).into(),
        None => failure.detail().into(),
    };
    let body = match kind {
        PROBLEM => serde_json::json!({
            "type": "about:blank",
            "title": failure.title(),
            "status": status.as_u16(),
            "detail": detail,
        })
        .to_string(),
        TEXT => format!("{detail}\n"),
        _ => crate::pages::problem(app, failure, &detail).unwrap_or_else(|_| detail.to_string()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // A tile that is missing now may exist in a second.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
