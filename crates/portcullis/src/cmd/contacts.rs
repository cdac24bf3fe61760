//! `portcullis contacts`: who pressed for a decision or against it. The public sees how many; no finding sees any.

use policy::clock::Clock as _;
use serde_json::{Value, json};

use crate::cli::{Contacts, ContactsCommand, Global};
use crate::clock::RealClock;
use crate::desk_client::{Desk, list, text};
use crate::exit::{Exit, Result};
use crate::home::Officer;
use crate::out;

/// Parts of the register that are fetched: 200 each.
const MAX_PARTS: usize = 500;

pub(super) async fn run(global: &Global, args: Contacts) -> Result<Exit> {
    let desk = Desk::of(&Officer::open(global)?)?;
    let Some(ContactsCommand::Add { what, name, party, side, customer, when }) = args.command else {
        return show(global, &desk).await;
    };
    let customer = match customer {
        Some(wanted) => Some(text(&desk.customer(&wanted).await?, "id").to_owned()),
        None => None,
    };
    let now = RealClock::new().now();
    let when = when.as_deref().map(|when| super::case::when("--when", Some(when), now)).transpose()?;
    let body = json!({ "party": party, "name": name, "side": side, "what": what, "when": when, "customer_id": customer });
    let made = desk.add_contact(&body).await?;
    if global.json {
        out::json(&made);
    } else {
        out::data(made.get("seq").and_then(Value::as_u64).unwrap_or_default());
        out::note("written down; the public sees how many pressed, never who");
    }
    Ok(Exit::Ok)
}

async fn show(global: &Global, desk: &Desk) -> Result<Exit> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..MAX_PARTS {
        let part = desk.get(&format!("/contacts?limit=200{cursor}")).await?;
        found.extend(list(&part, "contacts").cloned());
        match text(&part, "next_cursor") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    if global.json {
        out::json(&json!({ "contacts": found }));
        return Ok(Exit::Ok);
    }
    let mut rows = vec![["when", "who", "", "side", "about", "what"].map(String::from).to_vec()];
    let cell = |it: &Value, key: &str| match text(it, key) {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    rows.extend(found.iter().map(|it| {
        ["when", "name", "party", "side", "customer_id", "what"].map(|key| cell(it, key)).to_vec()
    }));
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}
