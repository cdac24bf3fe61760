//! The API under `/api/v1`: what goes over the wire, the handlers, and the OpenAPI document.

pub(crate) mod cases;
pub(crate) mod facts;
pub(crate) mod handlers;
pub(crate) mod lists;
pub(crate) mod look;
pub(crate) mod pages;
pub(crate) mod passkeys;
pub(crate) mod register;
pub(crate) mod reports;
pub(crate) mod resource;

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The document's skeleton; paths come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portcullis desk",
        version = "1",
        description = "Notes, signatures, decisions, edges, reports and cases. Signing keys never come near the desk: it takes texts and signatures, \
            and publishes what the fold over the ledger accepts. Times are RFC 3339, UTC. Errors are RFC 9457 problem \
            details with a fixed `code`. Every POST takes an `Idempotency-Key`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        handlers::status,
        handlers::put_blob,
        handlers::get_blob,
        handlers::draft_note,
        handlers::list_notes,
        handlers::get_note,
        handlers::get_change,
        handlers::sign_note,
        handlers::undo,
        handlers::list_decisions,
        handlers::get_decision,
        handlers::list_entries,
        handlers::list_edges,
        handlers::enrol_edge,
        handlers::list_customers,
        handlers::list_sites,
        reports::list,
        reports::get,
        reports::decide,
        cases::list,
        cases::open,
        cases::get,
        cases::add,
        facts::attach,
        facts::fetch,
        facts::destroy,
        register::list,
        register::add,
        pages::list,
        pages::acknowledge,
        passkeys::list,
        passkeys::link,
        passkeys::remove,
        handlers::openapi,
    ),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A token made by `portcullis token create`. Reading needs none where the operator opened it on loopback.",
            ))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The OpenAPI 3.1 document, as committed in `crates/desk/openapi.json`.
#[must_use]
pub fn openapi_json() -> String {
    let mut json = Document::openapi().to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
