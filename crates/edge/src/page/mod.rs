//! What a visitor of a blocked hostname sees, rendered once per change and served from memory.
//!
//! Everything comes from the measure, the operator's details and compiled-in templates: no desk, no origin, no
//! disk. Nothing of the request gets in: not the visitor's address, not the path, not the hostname.

use askama::Template;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use ledger::Hash;
use policy::{Class, Measure, Time};
use serde_json::json;
use std::sync::Arc;

mod choose;
pub(crate) use choose::{Form, Language, PREFIX, choose};

/// Who runs this edge; what the block page says about them. Filled by the roof from `[operator]`, which sees to it
/// that a field is empty only where this says so: the page would be a promise without an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Name as visitors know it.
    pub name: String,
    /// Home page; the target of `Link: rel="blocked-by"` (RFC 7725 section 4).
    pub url: String,
    /// Where the owner of a blocked site appeals, without an account.
    pub appeal_url: String,
    /// The same by e-mail; may be empty.
    pub appeal_email: String,
    /// Where anybody reports something.
    pub abuse_email: String,
    /// Security contact.
    pub security_email: String,
    /// For journalists.
    pub press_email: String,
    /// For customers: questions, data export.
    pub service_email: String,
    /// Help for people whose life is at risk; may be empty.
    pub help_url: String,
    /// How to check that a block page is real; may be empty.
    pub check_url: String,
    /// Public base URL of the press; posts are at `<base>/posts/<decision id>`.
    pub reasons_base: String,
}

/// First congestion window: 10 segments of 1,460 bytes is 14.6 kB; page and headers stay below 14 KiB, so that the
/// page arrives in the first round trip.
pub const PAGE_BYTES: usize = 14 * 1024;

const STYLE: &str = include_str!("../../templates/page.css");

#[derive(Template)]
#[template(path = "page.en.html")]
struct English<'a> {
    v: &'a View<'a>,
}

#[derive(Template)]
#[template(path = "page.ar.html")]
struct Arabic<'a> {
    v: &'a View<'a>,
}

struct View<'a> {
    m: &'a Measure,
    operator: &'a Operator,
    style: &'static str,
    emergency: bool,
    abuse: bool,
    ordered: bool,
    since: String,
    until: String,
    confirm_by: String,
    withheld: bool,
    opens: String,
    post_url: String,
}

/// Every answer that one measure gives, ready to be sent.
#[derive(Debug)]
pub(crate) struct Pages {
    status: StatusCode,
    shared: HeaderMap,
    english: Bytes,
    arabic: Bytes,
    problem: Bytes,
    line: Bytes,
    decision: Bytes,
    post: Bytes,
}

impl Pages {
    /// Renders a measure.
    pub(crate) fn render(measure: &Measure, post: &Arc<[u8]>, operator: &Operator) -> Self {
        let post_url = format!("{}/posts/{}", operator.reasons_base.trim_end_matches('/'), measure.id);
        let status =
            if measure.ordered { StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS } else { StatusCode::FORBIDDEN };
        let view = View {
            m: measure,
            operator,
            style: STYLE,
            emergency: measure.class == Class::Emergency,
            abuse: measure.class == Class::Abuse,
            ordered: measure.ordered,
            since: for_people(measure.since),
            until: for_people(measure.until),
            confirm_by: measure.confirm_by.map(for_people).unwrap_or_default(),
            withheld: measure.withheld.is_some(),
            opens: measure.withheld.as_ref().map(|w| for_people(w.opens)).unwrap_or_default(),
            post_url: post_url.clone(),
        };
        let drawn = "writing to a String cannot fail";
        Self {
            status,
            shared: shared_headers(operator, &post_url),
            english: English { v: &view }.render().expect(drawn).into(),
            arabic: Arabic { v: &view }.render().expect(drawn).into(),
            problem: problem(measure, operator, &post_url, status).into(),
            line: format!("Blocked by {}, decision {}. Reasons: {post_url}\n", operator.name, measure.id)
                .into(),
            decision: decision(measure, &post_url).to_string().into(),
            post: Bytes::copy_from_slice(post),
        }
    }

    /// Status, headers and body of one form.
    pub(crate) fn answer(&self, form: Form) -> (StatusCode, HeaderMap, Bytes) {
        let (status, kind, language, body) = match form {
            Form::Html(Language::English) => (self.status, "text/html; charset=utf-8", "en", &self.english),
            Form::Html(Language::Arabic) => (self.status, "text/html; charset=utf-8", "ar", &self.arabic),
            Form::Problem => (self.status, "application/problem+json", "en", &self.problem),
            Form::Line => (self.status, "text/plain; charset=utf-8", "en", &self.line),
            Form::Decision => (StatusCode::OK, "application/json", "en", &self.decision),
            Form::Post => (StatusCode::OK, "text/plain; charset=utf-8", "", &self.post),
        };
        let mut headers = self.shared.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if !language.is_empty() {
            headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
        }
        (status, headers, body.clone())
    }
}

fn shared_headers(operator: &Operator, post_url: &str) -> HeaderMap {
    let style = Hash::of(STYLE.as_bytes()).to_base64();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut headers = HeaderMap::with_capacity(12);
    for (name, value) in [
        (header::LINK, format!("<{}>; rel=\"blocked-by\"", operator.url)),
        (header::LINK, format!("<{post_url}>; rel=\"describedby\"")),
        (header::CACHE_CONTROL, "no-store".into()),
        (header::VARY, "Accept, Accept-Language, Sec-Fetch-Dest".into()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer".into()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (header::HeaderName::from_static("x-robots-tag"), "noindex".into()),
    ] {
        // An operator URL that is no header value is left out rather than sent broken.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    headers
}

/// `2026-11-22T23:15:00Z` as `2026-11-22 23:15 UTC`; the second is always in `datetime` beside it.
fn for_people(time: Time) -> String {
    let text = time.to_string();
    format!("{} {} UTC", &text[..10], &text[11..16])
}

fn decision(m: &Measure, post_url: &str) -> serde_json::Value {
    json!({
        "decision_id": m.id.as_str(),
        "reason": m.class.word(),
        "ground": m.ground.as_str(),
        "ground_version": m.ground_version,
        "since": m.since.to_string(),
        "until": m.until.to_string(),
        "confirm_by": m.confirm_by.map(|t| t.to_string()),
        "confirmed": m.confirmed,
        "ordered": m.ordered,
        "authorities_told": m.authorities,
        "limiting": m.limiting.to_string(),
        "post_sha256": m.post.to_string(),
        "ledger_index": m.index,
        "url": post_url,
    })
}

/// RFC 9457, with what a program needs in `block`.
fn problem(m: &Measure, operator: &Operator, post_url: &str, status: StatusCode) -> String {
    let mut block = decision(m, post_url);
    block["appeal_url"] = json!(operator.appeal_url);
    json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": format!("{} stopped carrying visitors to this site for now. You did nothing wrong.", operator.name),
        "instance": post_url,
        "block": block,
    })
    .to_string()
}

#[cfg(test)]
pub(crate) mod tests;
