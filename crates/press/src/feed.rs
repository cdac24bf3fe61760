//! The feeds: Atom (RFC 4287) and JSON Feed 1.1, both with the full text.

use std::sync::Arc;

use askama::Template;
use atom_syndication::{Category, Content, Entry, Feed, FixedDateTime, Link, Person, Text};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ledger::Hash;
use policy::{Decision, Time};
use serde_json::{Value, json};

use crate::http::{FRESH, Failure, answer};
use crate::pages::body;
use crate::view::{Card, changed};
use crate::words::{self, When};
use crate::{App, fold};

/// Decisions in a feed: those of the last months for anybody who decides as rarely as one should.
const ITEMS: usize = 30;

/// Text in a feed after which no older decision is added, bytes: 4 MiB is what common readers fetch at most.
const MAX_TEXT: usize = 4 * 1024 * 1024;

const ATOM: &str = "application/atom+xml; charset=utf-8";
const JSON_FEED: &str = "application/feed+json; charset=utf-8";

/// One decision, ready for either feed.
struct Item {
    card: Card,
    /// Never changes, wherever the site moves: computed from the ledger's origin and the decision's id.
    urn: String,
    html: String,
    language: String,
    extension: Value,
}

#[derive(Template)]
#[template(path = "feed_item.html")]
struct ItemHtml<'a> {
    card: &'a Card,
    notice: String,
    language: &'a str,
    direction: &'static str,
    body: String,
    limiting: String,
}

/// A name-based UUID, version 8 (RFC 9562 section 5.8), over SHA-256 of origin and name.
fn urn(origin: &str, name: &str) -> String {
    let hash = Hash::of(format!("portcullis-feed/v1\n{origin}\n{name}\n").as_bytes());
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash.0) {
        *to = from;
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}

/// `text` without what XML 1.0 (section 2.2) cannot carry even escaped.
fn for_xml(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)).collect()
}

fn moment(when: &When) -> FixedDateTime {
    when.iso.parse().unwrap_or_default()
}

/// The items of both feeds, newest first, and when the newest change was.
async fn items(app: &App) -> Result<(Vec<Item>, Time), Failure> {
    let now = app.now();
    let (decisions, evidence) = {
        let state = app.fold.current().await?;
        let decisions = fold::newest(&state, u64::MAX, ITEMS);
        let evidence: Vec<Option<Hash>> = decisions.iter().map(|one| fold::evidence(&state, one)).collect();
        (decisions, evidence)
    };
    let mut updated = first_logged(app).await?;
    let mut items = Vec::with_capacity(decisions.len());
    let mut text = 0;
    for (decision, evidence) in decisions.iter().zip(evidence) {
        updated = updated.max(changed(decision, now));
        let item = item(app, decision, evidence, now).await?;
        text += item.html.len();
        items.push(item);
        if text > MAX_TEXT {
            break;
        }
    }
    Ok((items, updated))
}

/// When entry 0 was logged: the age of a feed without items.
async fn first_logged(app: &App) -> Result<Time, Failure> {
    let bytes = app.reader.entry(0).await?.ok_or(Failure::NoLedger)?;
    Ok(policy::entry::Entry::parse(&bytes).map(|entry| entry.logged).unwrap_or_default())
}

async fn item(app: &App, decision: &Decision, evidence: Option<Hash>, now: Time) -> Result<Item, Failure> {
    let impose = &decision.impose;
    let reasons = app.posts.get(&impose.post).await?;
    let card = app.card(decision, &reasons, now);
    let (body, absent) = body(&reasons)?;
    let language = reasons.post().map_or_else(|| "en".to_string(), |post| post.language.clone());
    let html = ItemHtml {
        card: &card,
        notice: words::notice(decision, now),
        language: &language,
        direction: reasons.post().map_or("ltr", |post| post.direction()),
        body: if body.is_empty() { absent.to_string() } else { body },
        limiting: impose.limiting.to_string(),
    }
    .render()?;
    let extension = json!({
        "decision_id": card.id,
        "state": card.state.code,
        "confirmed": decision.confirmed(),
        "class": impose.class.word(),
        "ground": impose.ground.as_str(),
        "ground_version": impose.ground_version,
        "since": impose.since.to_string(),
        "until": decision.until().to_string(),
        "appeal_url": app.config.operator.appeal_url,
        "evidence_sha256": evidence.map(|hash| hash.to_string()),
        "post_sha256": impose.post.to_string(),
        "index": decision.index,
    });
    Ok(Item { urn: urn(&app.config.trust.origin, &card.id), card, html, language, extension })
}

/// `/feed.atom`
pub(crate) async fn atom(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let (items, updated) = items(&app).await?;
    let operator = &app.config.operator;
    let base = &operator.reasons_base;
    let feed = Feed {
        id: urn(&app.config.trust.origin, "feed"),
        title: Text::plain(for_xml(&title(&app))),
        subtitle: Some(Text::plain(for_xml(&description(&app)))),
        updated: moment(&updated.into()),
        authors: vec![Person { uri: operator.url.clone(), ..person(&operator.name) }],
        links: vec![
            link("self", "application/atom+xml", format!("{base}/feed.atom")),
            link("alternate", "text/html", format!("{base}/")),
        ],
        lang: Some("en".to_string()),
        entries: items.iter().map(atom_entry).collect(),
        ..Feed::default()
    };
    let bytes = feed.write_to(Vec::new()).map_err(|why| Failure::Broken(format!("the Atom feed: {why}")))?;
    Ok(answer(&asked, ATOM, FRESH, bytes))
}

fn person(name: &str) -> Person {
    Person { name: for_xml(name), ..Person::default() }
}

fn link(rel: &str, mime: &str, href: String) -> Link {
    Link { rel: rel.to_string(), mime_type: Some(mime.to_string()), href, ..Link::default() }
}

fn atom_entry(item: &Item) -> Entry {
    let card = &item.card;
    let summary = Some(&card.summary).filter(|summary| !summary.is_empty());
    Entry {
        id: item.urn.clone(),
        title: Text::plain(for_xml(&card.title)),
        updated: moment(&card.updated),
        published: Some(moment(&card.published)),
        authors: vec![person(&card.author)],
        links: vec![link("alternate", "text/html", card.url.clone())],
        categories: card
            .tags
            .iter()
            .map(|tag| Category { term: for_xml(tag), ..Category::default() })
            .collect(),
        summary: summary.map(|summary| Text::plain(for_xml(summary))),
        content: Some(Content {
            content_type: Some("html".to_string()),
            lang: Some(item.language.clone()),
            value: Some(for_xml(&item.html)),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

/// `/feed.json`
pub(crate) async fn json(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let (items, _) = items(&app).await?;
    let operator = &app.config.operator;
    let base = &operator.reasons_base;
    let mut author = json!({ "name": operator.name });
    if let (Some(url), Some(author)) = (&operator.url, author.as_object_mut()) {
        author.insert("url".to_string(), Value::from(url.as_str()));
    }
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": title(&app),
        "description": description(&app),
        "home_page_url": format!("{base}/"),
        "feed_url": format!("{base}/feed.json"),
        "language": "en",
        "authors": [author],
        "items": items.iter().map(json_item).collect::<Vec<_>>(),
    });
    Ok(answer(&asked, JSON_FEED, FRESH, format!("{feed:#}\n").into_bytes()))
}

fn json_item(item: &Item) -> Value {
    let card = &item.card;
    let mut value = json!({
        "id": item.urn,
        "url": card.url,
        "title": card.title,
        "content_html": item.html,
        "date_published": card.published.iso,
        "date_modified": card.updated.iso,
        "authors": [{ "name": card.author }],
        "tags": card.tags,
        "language": item.language,
        "_portcullis": item.extension,
    });
    if let (false, Some(item)) = (card.summary.is_empty(), value.as_object_mut()) {
        item.insert("summary".to_string(), Value::from(card.summary.as_str()));
    }
    value
}

fn title(app: &App) -> String {
    format!("{}: decisions and their reasons", app.config.operator.name)
}

fn description(app: &App) -> String {
    let demo = if app.config.trust.is_demo() { "Demonstration. " } else { "" };
    format!("{demo}What {} decided to block, why, since when and until when.", app.config.operator.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_8_and_differ() {
        let id = urn("example.org/log", "imp-1");
        assert_eq!(id, urn("example.org/log", "imp-1"));
        assert_ne!(id, urn("example.org/log", "imp-2"));
        assert_ne!(id, urn("example.net/log", "imp-1"));
        let uuid = id.strip_prefix("urn:uuid:").unwrap();
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "8");
        assert!("89ab".contains(&uuid[19..20]));
    }

    #[test]
    fn what_xml_cannot_carry_is_left_out() {
        assert_eq!(for_xml("a\u{0}b\u{c}c\u{fffe}d\ne\u{1f600}"), "abcd\ne\u{1f600}");
    }
}
