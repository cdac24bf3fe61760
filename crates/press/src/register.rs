//! How many pressed for a decision or against it, by month. The names stay at the desk, and no finding reads them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use policy::register::Party;
use serde_json::json;

use crate::App;
use crate::http::{FRESH, Failure, HTML, JSON, answer};
use crate::pages::Frame;

struct Row {
    month: String,
    party: &'static str,
    yes: u64,
    no: u64,
}

#[derive(Template)]
#[template(path = "contacts.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
}

fn words(party: Party) -> &'static str {
    match party {
        Party::PublicOfficial => "Public officials",
        Party::Authority => "Authorities, outside of legal process",
        Party::Press => "Press",
        Party::Organisation => "Organisations and campaigns",
        Party::Business => "Business partners and owners",
        Party::Customer => "The customer concerned",
        Party::Person => "Others",
    }
}

/// `GET /contacts`
pub(crate) async fn page(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let found = app.reader.pressed().await?;
    let row = |it: store::Pressed| Row { month: it.month, party: words(it.party), yes: it.yes, no: it.no };
    let page = Page { frame: Frame::of(&app), rows: found.into_iter().map(row).collect() };
    Ok(answer(&asked, HTML, FRESH, page.render()?.into_bytes()))
}

/// `GET /contacts.json`
pub(crate) async fn machine(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let found = app.reader.pressed().await?;
    let rows: Vec<_> = found
        .iter()
        .map(|it| json!({ "month": it.month, "party": it.party.word(), "for": it.yes, "against": it.no }))
        .collect();
    Ok(answer(&asked, JSON, FRESH, json!({ "contacts": rows }).to_string().into_bytes()))
}
