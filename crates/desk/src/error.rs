//! What can go wrong at the desk, by whose fault, and the one door through which it leaves.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use policy::{GrammarError, Rejected};
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

/// Media type of problem details (RFC 9457).
pub(crate) const PROBLEM: &str = "application/problem+json";

/// An error on its way out. Only [`door`] says what the outside sees of it.
#[derive(Debug)]
pub(crate) enum DeskError {
    /// The request is not what the route takes.
    Request(String),
    /// No token, or none that we know.
    NoToken,
    /// The token's role may not do this.
    Forbidden { role: &'static str, act: &'static str },
    /// A browser's login, sent along with something that a page of another origin asks for.
    Foreign,
    /// Nothing there.
    NotFound(String),
    /// There is something there, but not for this method.
    Method,
    /// The body took longer than [`crate::limits::BODY`].
    Slow,
    /// A body above its limit, in bytes.
    TooLarge(usize),
    /// The text is not in the grammar.
    Grammar(GrammarError),
    /// What was sent cannot be used, whatever the state.
    Unfit { code: &'static str, why: String },
    /// An `Idempotency-Key` that was used for another request.
    KeyReused,
    /// A request with this `Idempotency-Key` is being done.
    KeyUnderWay,
    /// The fold, or the desk's own check of subject and post, says no; asked again later it may say yes.
    Refused { code: &'static str, why: String },
    /// Something else is stored already.
    Conflict(String),
    /// A receipt whose edge is not enrolled, or whose signature is not that edge's.
    NotThatEdge(String),
    /// Not now; the same request may be sent again.
    Busy(String),
    /// Our own fault; the words go to the log only.
    Defect(String),
}

impl From<GrammarError> for DeskError {
    fn from(error: GrammarError) -> Self {
        Self::Grammar(error)
    }
}

impl From<Rejected> for DeskError {
    fn from(why: Rejected) -> Self {
        let code = why.code();
        match why {
            Rejected::Grammar(error) => Self::Grammar(error),
            Rejected::Malformed(_)
            | Rejected::ForeignOrigin
            | Rejected::BadSignature
            | Rejected::Demo
            | Rejected::NotAnUndo => Self::Unfit { code, why: why.to_string() },
            _ => Self::Refused { code, why: why.to_string() },
        }
    }
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        let words = error.to_string();
        match error {
            StoreError::Conflict(why) => Self::Conflict(why),
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Unfit(why) => Self::Unfit { code: "unfit", why },
            StoreError::Full { .. } => Self::Refused { code: "full", why: words },
            StoreError::Busy(_) | StoreError::HeadMoved { .. } => Self::Busy(words),
            _ => Self::Defect(words),
        }
    }
}

/// One complaint about a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Complaint {
    /// 1-based line of the text.
    pub(crate) line: usize,
    /// What is wrong there and what is expected.
    pub(crate) what: String,
}

/// Why a request was not done (RFC 9457 problem details).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says the kind, `code` the case.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// The status in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened, why, and what to do next.
    pub(crate) detail: String,
    /// A fixed word for programs: a code of the fold, or one of the desk's own.
    pub(crate) code: &'static str,
    /// Places in the text that was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Complaint>,
}

/// The one door: what an error looks like outside, and what the log keeps of it.
fn door(error: DeskError) -> (Problem, Option<String>) {
    let mut errors = Vec::new();
    let mut log = None;
    let (status, code, detail) = match error {
        DeskError::Request(why) => (StatusCode::BAD_REQUEST, "request", why),
        DeskError::NoToken => {
            let why = "this needs a login at /enter, or `Authorization: Bearer TOKEN` with a token of this desk; make one with `portcullis token create NAME`";
            (StatusCode::UNAUTHORIZED, "no-token", why.into())
        }
        DeskError::Forbidden { role, act } => (
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("a token with the role `{role}` may not do this (`{act}`)"),
        ),
        DeskError::Foreign => (
            StatusCode::FORBIDDEN,
            "foreign",
            "a login changes things from pages of this desk alone; open the desk at the address that its configuration names".into(),
        ),
        DeskError::NotFound(what) => {
            (StatusCode::NOT_FOUND, "not-found", format!("there is no such thing here: {what}"))
        }
        DeskError::Method => {
            (StatusCode::METHOD_NOT_ALLOWED, "method", "this address does not take that method".into())
        }
        DeskError::Slow => (
            StatusCode::REQUEST_TIMEOUT,
            "slow",
            "the request's body did not arrive within 60 seconds".into(),
        ),
        DeskError::TooLarge(limit) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!("the body may have at most {limit} bytes here"),
        ),
        DeskError::Grammar(GrammarError { line, what }) => {
            let why = format!("the text is not in the grammar of notes: line {line}: {what}");
            errors.push(Complaint { line, what });
            (StatusCode::UNPROCESSABLE_ENTITY, "grammar", why)
        }
        DeskError::Unfit { code, why } => (StatusCode::UNPROCESSABLE_ENTITY, code, why),
        DeskError::KeyUnderWay => {
            let why =
                "a request with this Idempotency-Key is being done; send it again in a moment for its answer";
            (StatusCode::CONFLICT, "key-under-way", why.into())
        }
        DeskError::KeyReused => {
            let why = "this Idempotency-Key was used for another request; take a new key for a new request";
            (StatusCode::UNPROCESSABLE_ENTITY, "key-reused", why.into())
        }
        DeskError::Refused { code, why } => (StatusCode::CONFLICT, code, why),
        DeskError::Conflict(why) => (StatusCode::CONFLICT, "conflict", why),
        DeskError::NotThatEdge(why) => (StatusCode::FORBIDDEN, "not-that-edge", why),
        DeskError::Busy(why) => (StatusCode::SERVICE_UNAVAILABLE, "busy", why),
        DeskError::Defect(why) => {
            log = Some(why);
            let why = "the desk could not do it; the reason is in its log. Nothing is public by halves, the request may be sent again";
            (StatusCode::INTERNAL_SERVER_ERROR, "defect", why.into())
        }
    };
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    (Problem { kind: "about:blank", title, status: status.as_u16(), detail, code, errors }, log)
}

impl IntoResponse for DeskError {
    fn into_response(self) -> Response {
        let (problem, log) = door(self);
        if let Some(log) = log {
            tracing::error!(code = problem.code, "{log}");
        }
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                // a publication takes milliseconds; a second is polite
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        // The console turns the same problem into a page.
        response.extensions_mut().insert(problem);
        response
    }
}

/// Why a desk does not open. Fault: the installation's.
#[derive(Debug)]
pub enum OpenError {
    /// The store could not be read, or holds no ledger yet.
    Store(StoreError),
    /// The key given is not the one the ledger's policy names.
    ForeignKey {
        /// What the ledger says.
        expected: String,
        /// What was given.
        given: String,
    },
    /// The address of a witness is none.
    Witness(String),
    /// `origin` is none at which browsers offer passkeys; why.
    Origin(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => write!(f, "the desk cannot open its store: {e}"),
            Self::Origin(why) => write!(f, "[desk] origin: {why}"),
            Self::Witness(why) => write!(f, "a witness cannot be asked: {why}"),
            Self::ForeignKey { expected, given } => {
                write!(
                    f,
                    "the log key is {given}, but the ledger names {expected}; give the desk the ledger's key"
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl DeskError {
    /// The words, for a log line where no request waits.
    pub(crate) fn words(self) -> String {
        let (problem, log) = door(self);
        log.unwrap_or(problem.detail)
    }
}
