//! Everything the public may read: posts, decisions, feeds, the ledger.
//!
//! Purpose: takes reports from anybody; says what was decided, why, by how many and until when, in a form a visitor, a newsroom and a court can
//! use, beside the files with which all of it can be checked.
//! Owns: the form of a post, the public pages and feeds, and how the ledger's files are handed out.
//! Trusts: the trust line it is given; the store only as far as hashes and the fold bear it out.
//! Never: writes (but into the inbox, where reports wait for the desk, and into the mailbox that it is given), sets a cookie, runs a script in a visitor's browser, or shows a text that is not the signed one.

mod decision;
mod feed;
mod files;
mod fold;
mod http;
mod ledger_pages;
/// Mails that complain.
pub mod mail;
/// A mailbox in which mails arrive.
pub mod maildir;
mod markdown;
mod pages;
/// The form of a post.
pub mod post;
mod posts;
mod report;
mod view;
mod words;
/// XARF v4 reports.
pub mod xarf;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::routing::{get, post};
use ledger::Hash;
use policy::clock::Clock;
use policy::{Time, Trust};
use store::Reader;

use crate::fold::Fold;
use crate::http::{Failure, dress};
use crate::posts::Posts;
pub use crate::report::{Complaint, Content, Draw, Intake};
use crate::report::{Minute, Room};

/// The one stylesheet, inline in every page and named by its hash in the Content-Security-Policy.
const STYLE: &str = include_str!("../templates/style.css");

/// What press must be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which ledger this is. Everything shown is folded from it.
    pub trust: Trust,
    /// Who answers for it.
    pub operator: Operator,
}

/// The operator's name and addresses, as the public sees them. What is `None` is not shown.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Name, as it signs its pages.
    pub name: String,
    /// Home page.
    pub url: Option<String>,
    /// Where to appeal on the web.
    pub appeal_url: Option<String>,
    /// Where to appeal by mail.
    pub appeal_email: Option<String>,
    /// Where to report abuse.
    pub abuse_email: Option<String>,
    /// Where to report a security hole; it opens `/.well-known/security.txt`.
    pub security_email: Option<String>,
    /// For the press.
    pub press_email: Option<String>,
    /// For customers and visitors.
    pub service_email: Option<String>,
    /// Help for people whose life is at risk.
    pub help_url: Option<String>,
    /// How to check that a block page is real.
    pub check_url: Option<String>,
    /// Public base URL of press, without a slash at its end.
    pub reasons_base: String,
}

/// What every handler shares.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fold: Fold,
    pub(crate) posts: Posts,
    pub(crate) csp: HeaderValue,
    pub(crate) csp_form: HeaderValue,
    pub(crate) intake: Option<Intake>,
    pub(crate) minute: Minute,
    pub(crate) room: Room,
}

impl App {
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }
}

/// All public routes. The ledger is only read.
///
/// `config` says which ledger and whose; `reader` gives its files; `clock` says what is in force now; `intake` takes
/// reports, where this press does.
pub fn router(config: Config, reader: Reader, intake: Option<Intake>, clock: Arc<dyn Clock>) -> Router {
    let mut config = config;
    let base = config.operator.reasons_base.trim_end_matches('/').len();
    config.operator.reasons_base.truncate(base);
    let app = Arc::new(App {
        fold: Fold::new(reader.clone(), config.trust.clone()),
        posts: Posts::new(reader.clone()),
        csp: content_security_policy("'none'"),
        csp_form: content_security_policy("'self'"),
        intake,
        minute: Minute::default(),
        room: Room::default(),
        config,
        reader,
        clock,
    });
    let routes = Router::new()
        .route("/", get(pages::index))
        .route("/posts/{id}", get(pages::post))
        .route("/decisions/{id}", get(decision::page_or_json))
        .route("/feed.atom", get(feed::atom))
        .route("/feed.json", get(feed::json))
        .route("/ledger", get(ledger_pages::redirect))
        .route("/ledger/", get(ledger_pages::browse))
        .route("/ledger/entry/{index}", get(ledger_pages::entry))
        .route("/ledger/checkpoint", get(files::checkpoint))
        .route("/ledger/trust", get(files::trust))
        .route("/ledger/tile/{*path}", get(files::tile))
        .route("/ledger/blob/{hash}", get(files::blob))
        .route("/.well-known/security.txt", get(pages::security_txt))
        .route("/report", get(report::show).post(report::submit))
        .route("/report/{id}/{secret}", get(report::receipt))
        .route("/api/v1/reports", post(report::submit_json))
        .route("/api/v1/reports/xarf", post(report::submit_xarf))
        .route("/api/v1/reports/{id}/{secret}", get(report::receipt_json))
        .fallback(|| async { Failure::NotFound("There is nothing under this address.") })
        .method_not_allowed_fallback(|| async { Failure::Method })
        .with_state(Arc::clone(&app));
    // Around the routes as a whole: axum names the methods in `Allow` only after the layers of a route.
    Router::new().fallback_service(routes).layer(axum::middleware::from_fn_with_state(app, dress))
}

/// Nothing is allowed but our one stylesheet, and forms where there is one.
fn content_security_policy(forms: &str) -> HeaderValue {
    let style = Hash::of(STYLE.as_bytes()).to_base64();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 and the fixed words around it are visible ASCII")
}

#[cfg(test)]
mod tests;
