//! The console: pages to read; nothing is loaded, and a text browser shows everything. One script asks for passkeys.
//!
//! Every page carries the [`Frame`], which says what is in force now.

pub(crate) mod cases;
pub(crate) mod customers;
pub(crate) mod decisions;
pub(crate) mod edges;
pub(crate) mod enrol;
pub(crate) mod enter;
pub(crate) mod form;
pub(crate) mod ledger;
pub(crate) mod overview;
pub(crate) mod problem;
pub(crate) mod proposals;
pub(crate) mod reports;

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use policy::Id;
use serde::de::DeserializeOwned;

use crate::api::look;
use crate::api::resource::InForce;
use crate::auth::{Authorised, Permit};
use crate::desk::Shared;
use crate::error::DeskError;

/// The one stylesheet, inline: a page is one answer.
const STYLE: &str = include_str!("../../templates/style.css");

/// The one script, inline on each page.
const SCRIPT: &str = include_str!("../../templates/passkey.js");

/// What stands around every page.
pub(crate) struct Frame {
    operator: String,
    origin: String,
    demo: bool,
    now: String,
    press: String,
    /// What is in force now; `None` on a page for somebody who may not know.
    in_force: Option<Vec<InForce>>,
    /// The navigation's current address.
    here: &'static str,
    style: &'static str,
    script: &'static str,
    /// Who is logged in, or reads with a token.
    who: String,
    /// Whether people log in here at all.
    logins: bool,
}

/// Navigation, in order.
const NAVIGATION: [(&str, &str); 9] = [
    ("/", "Overview"),
    ("/reports", "Reports"),
    ("/cases", "Cases"),
    ("/decisions", "Decisions"),
    ("/proposals", "Proposals"),
    ("/customers", "Customers"),
    ("/sites", "Sites"),
    ("/edges", "Edges"),
    ("/ledger", "Ledger"),
];

impl Frame {
    /// The frame of a page under `here`, for whoever may read it.
    pub(crate) fn new(desk: &Shared, here: &'static str, by: &Authorised<impl Permit>) -> Self {
        Self { who: by.name().to_owned(), ..Self::known(desk, here) }
    }

    /// The same, for nobody in particular.
    pub(crate) fn known(desk: &Shared, here: &'static str) -> Self {
        let measures = desk.state().at(desk.now());
        Self { in_force: Some(measures.iter().map(look::in_force).collect()), ..Self::bare(desk, here) }
    }

    /// The frame for somebody who may not read.
    pub(crate) fn bare(desk: &Shared, here: &'static str) -> Self {
        Self {
            operator: desk.config.operator.clone(),
            origin: desk.trust.origin.clone(),
            demo: desk.trust.is_demo(),
            now: desk.now().to_string(),
            press: desk.config.press.clone(),
            in_force: None,
            here,
            style: STYLE,
            script: SCRIPT,
            who: String::new(),
            logins: desk.passkeys.is_some(),
        }
    }

    fn navigation(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        NAVIGATION.iter().map(|(href, label)| (*href, *label, *href == self.here))
    }
}

/// A rendered page with its headers.
fn render(page: &impl Template) -> Result<Response, DeskError> {
    let html = page.render().map_err(|e| DeskError::Defect(format!("a page does not render: {e}")))?;
    let mut response = html.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` a browser would hide from us, too, that our own page asks.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let csp = HeaderValue::from_str(&content_security_policy());
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        csp.map_err(|e| DeskError::Defect(format!("the content security policy: {e}")))?,
    );
    Ok(response)
}

/// Nothing but our own inline stylesheet and script, each named by its hash, and our own addresses.
fn content_security_policy() -> String {
    let hash = |text: &str| ::ledger::Hash::of(text.as_bytes()).to_base64();
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

/// To another page, after a form was done: asked for again, it is only shown.
fn see(path: &str) -> Result<Response, DeskError> {
    let to = HeaderValue::from_str(path).map_err(|e| DeskError::Defect(format!("an address: {e}")))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// What our own script sends.
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DeskError> {
    serde_json::from_slice(body)
        .map_err(|e| DeskError::Request(format!("this is not what the page sends: {e}")))
}

/// The id in a page's address; anything else is simply not there.
fn read_id(path: Result<Path<String>, PathRejection>) -> Result<Id, DeskError> {
    let Path(text) = path.map_err(|e| DeskError::NotFound(e.body_text()))?;
    Id::parse(&text).ok_or(DeskError::NotFound(text))
}
