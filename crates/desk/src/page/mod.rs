//! The console: pages to read. No script, no form, nothing loaded; a text browser shows everything.
//!
//! Every page carries the [`Frame`], which says what is in force now.

pub(crate) mod customers;
pub(crate) mod decisions;
pub(crate) mod edges;
pub(crate) mod ledger;
pub(crate) mod overview;
pub(crate) mod problem;
pub(crate) mod proposals;

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use policy::Id;

use crate::api::look;
use crate::api::resource::InForce;
use crate::desk::Shared;
use crate::error::DeskError;

/// The one stylesheet, inline: a page is one answer.
const STYLE: &str = include_str!("../../templates/style.css");

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
}

/// Navigation, in order.
const NAVIGATION: [(&str, &str); 7] = [
    ("/", "Overview"),
    ("/decisions", "Decisions"),
    ("/proposals", "Proposals"),
    ("/customers", "Customers"),
    ("/sites", "Sites"),
    ("/edges", "Edges"),
    ("/ledger", "Ledger"),
];

impl Frame {
    /// The frame of a page under `here`.
    pub(crate) fn new(desk: &Shared, here: &'static str) -> Self {
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
        (header::REFERRER_POLICY, "no-referrer"),
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

/// Nothing but our own inline stylesheet, named by its hash.
fn content_security_policy() -> String {
    let hash = ::ledger::Hash::of(STYLE.as_bytes()).to_base64();
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The id in a page's address; anything else is simply not there.
fn read_id(path: Result<Path<String>, PathRejection>) -> Result<Id, DeskError> {
    let Path(text) = path.map_err(|e| DeskError::NotFound(e.body_text()))?;
    Id::parse(&text).ok_or(DeskError::NotFound(text))
}
