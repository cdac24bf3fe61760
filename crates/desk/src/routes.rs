//! Every address of the desk, in one table each. The tests walk the same tables.

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::middleware::map_response_with_state;
use axum::routing::{MethodRouter, get, post};

use crate::api::handlers as api_;
use crate::api::{cases, facts, pages, passkeys, register, reports};
use crate::desk::Shared;
use crate::error::DeskError;
use crate::{page, relays};

type Handler = fn() -> MethodRouter<Arc<Shared>>;

/// Method, path, handler.
pub(crate) type Route = (&'static str, &'static str, Handler);

/// Under `/api/v1`.
pub(crate) const API: &[Route] = &[
    ("GET", "/api/v1/status", || get(api_::status)),
    ("POST", "/api/v1/blobs", || post(api_::put_blob)),
    ("GET", "/api/v1/blobs/{sha256}", || get(api_::get_blob)),
    ("POST", "/api/v1/notes", || post(api_::draft_note)),
    ("GET", "/api/v1/notes", || get(api_::list_notes)),
    ("GET", "/api/v1/notes/{id}", || get(api_::get_note)),
    ("GET", "/api/v1/notes/{id}/change", || get(api_::get_change)),
    ("POST", "/api/v1/notes/{id}/signatures", || post(api_::sign_note)),
    ("POST", "/api/v1/undo", || post(api_::undo)),
    ("GET", "/api/v1/decisions", || get(api_::list_decisions)),
    ("GET", "/api/v1/decisions/{id}", || get(api_::get_decision)),
    ("GET", "/api/v1/entries", || get(api_::list_entries)),
    ("GET", "/api/v1/edges", || get(api_::list_edges)),
    ("POST", "/api/v1/edges", || post(api_::enrol_edge)),
    ("GET", "/api/v1/customers", || get(api_::list_customers)),
    ("GET", "/api/v1/sites", || get(api_::list_sites)),
    ("GET", "/api/v1/reports", || get(reports::list)),
    ("GET", "/api/v1/reports/{id}", || get(reports::get)),
    ("POST", "/api/v1/reports/{id}/outcome", || post(reports::decide)),
    ("GET", "/api/v1/cases", || get(cases::list)),
    ("POST", "/api/v1/cases", || post(cases::open)),
    ("GET", "/api/v1/cases/{id}", || get(cases::get)),
    ("POST", "/api/v1/cases/{id}/entries", || post(cases::add)),
    ("POST", "/api/v1/cases/{id}/evidence", || post(facts::attach)),
    ("GET", "/api/v1/cases/{id}/evidence/{evidence}", || get(facts::fetch)),
    ("POST", "/api/v1/cases/{id}/evidence/{evidence}/destroy", || post(facts::destroy)),
    ("GET", "/api/v1/contacts", || get(register::list)),
    ("POST", "/api/v1/contacts", || post(register::add)),
    ("GET", "/api/v1/pages", || get(pages::list)),
    ("POST", "/api/v1/pages/{key}/ack", || post(pages::acknowledge)),
    ("GET", "/api/v1/passkeys", || get(passkeys::list)),
    ("POST", "/api/v1/passkeys/links", || post(passkeys::link)),
    ("POST", "/api/v1/passkeys/remove", || post(passkeys::remove)),
    ("GET", "/api/v1/openapi.json", || get(api_::openapi)),
];

/// The console: its pages. Script does one thing, to ask for a passkey; forms work without.
pub(crate) const CONSOLE: &[Route] = &[
    ("GET", "/", || get(page::overview::show)),
    ("GET", "/reports", || get(page::reports::list)),
    ("GET", "/reports/{id}", || get(page::reports::show)),
    ("GET", "/cases", || get(page::cases::list)),
    ("GET", "/cases/{id}", || get(page::cases::show)),
    ("GET", "/customers", || get(page::customers::list)),
    ("GET", "/customers/{id}", || get(page::customers::show)),
    ("GET", "/sites", || get(page::customers::sites)),
    ("GET", "/decisions", || get(page::decisions::list)),
    ("GET", "/decisions/{id}", || get(page::decisions::show)),
    ("GET", "/proposals", || get(page::proposals::list)),
    ("GET", "/proposals/{id}", || get(page::proposals::show)),
    ("GET", "/edges", || get(page::edges::show)),
    ("GET", "/ledger", || get(page::ledger::show)),
];

/// What the console's forms send; each answers with the way back to its page.
pub(crate) const FORMS: &[Route] = &[
    ("POST", "/reports/{id}/outcome", || post(page::reports::decide)),
    ("POST", "/reports/{id}/case", || post(page::reports::open_case)),
    ("POST", "/cases/{id}/entries", || post(page::cases::add)),
    ("POST", "/decisions/{id}/lift", || post(page::decisions::lift)),
    ("POST", "/pages/{key}/ack", || post(page::overview::acknowledge)),
];

/// The console's door: pages for who is not in yet.
pub(crate) const DOOR: &[Route] = &[
    ("GET", "/enter", || get(page::enter::show)),
    ("POST", "/leave", || post(page::enter::leave)),
    ("GET", "/passkey/{secret}", || get(page::enrol::show)),
];

/// What the console's script calls: it wants problem documents, not pages.
pub(crate) const CEREMONIES: &[Route] = &[
    ("POST", "/enter/begin", || post(page::enter::begin)),
    ("POST", "/enter/finish", || post(page::enter::finish)),
    ("POST", "/passkey/{secret}/begin", || post(page::enrol::begin)),
    ("POST", "/passkey/{secret}/finish", || post(page::enrol::finish)),
];

/// What edges call.
pub(crate) const RELAY: &[Route] = &[
    ("GET", relay::bell::PATH, || get(relays::bell)),
    ("POST", "/relay/v1/receipts", || post(relays::receipts)),
    ("POST", relay::config::PATH, || post(relays::config)),
    ("POST", "/relay/v1/undo", || post(relays::undo)),
];

fn table(routes: &[Route]) -> Router<Arc<Shared>> {
    routes.iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler()))
}

/// API and console. An error on a page is a page; everywhere else it is a problem document.
pub(crate) fn api(desk: &Arc<Shared>) -> Router {
    let as_page = map_response_with_state(Arc::clone(desk), page::problem::as_page);
    let console = table(CONSOLE)
        .merge(table(DOOR))
        .merge(table(FORMS))
        .method_not_allowed_fallback(method)
        .fallback(unknown)
        .layer(as_page);
    let api = table(API).method_not_allowed_fallback(method);
    let api = api.route("/api/{*rest}", axum::routing::any(unknown));
    let ceremonies = table(CEREMONIES).method_not_allowed_fallback(method);
    console.merge(api).merge(ceremonies).with_state(Arc::clone(desk))
}

/// What edges call.
pub(crate) fn relay(desk: &Arc<Shared>) -> Router {
    let table = table(RELAY).method_not_allowed_fallback(method).fallback(unknown);
    table.with_state(Arc::clone(desk))
}

async fn unknown(uri: Uri) -> DeskError {
    DeskError::NotFound(uri.path().to_owned())
}

async fn method() -> DeskError {
    DeskError::Method
}
