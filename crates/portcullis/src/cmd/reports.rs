//! `portcullis reports`: what people reported, and what became of it.

mod import;

use serde_json::Value;

use crate::cli::{Global, Reports, ReportsCommand};
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::out;

/// Parts of the queue that are fetched for one list: 200 each, so a list has at most 10,000 lines.
const MAX_PARTS: usize = 50;

pub(super) async fn run(global: &Global, args: Reports) -> Result<Exit> {
    if let Some(ReportsCommand::Import { from }) = &args.command {
        return import::run(global, from).await;
    }
    // Reports hold what people said about themselves, so there is no looking at them without somebody's token.
    let desk = Desk::of(&Officer::open(global)?)?;
    match args.command {
        None | Some(ReportsCommand::Import { .. }) => queue(global, &desk, args.decided).await,
        Some(ReportsCommand::Show { id }) => show(global, &find(&desk, &id).await?),
        Some(ReportsCommand::Close { id, outcome, reply }) => {
            decide(global, &desk, &id, outcome.word(), &reply).await
        }
        Some(ReportsCommand::Reopen { id, reply }) => decide(global, &desk, &id, "open", &reply).await,
    }
}

/// All clusters, open or decided.
async fn all(desk: &Desk, decided: bool) -> Result<Vec<Value>> {
    let state = if decided { "decided" } else { "open" };
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..MAX_PARTS {
        let answer = desk.get(&format!("/reports?state={state}&limit=200{cursor}")).await?;
        found.extend(list(&answer, "reports").cloned());
        match text(&answer, "next_cursor") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    Ok(found)
}

async fn queue(global: &Global, desk: &Desk, decided: bool) -> Result<Exit> {
    let found = all(desk, decided).await?;
    if global.json {
        out::json(&serde_json::json!({ "reports": found }));
        return Ok(Exit::Ok);
    }
    let last = if decided { "outcome" } else { "customer" };
    let mut rows =
        vec![["number", "sev", "about", "where", "first", "reports", last].map(String::from).to_vec()];
    for it in &found {
        let number = |key| it.get(key).and_then(Value::as_u64).unwrap_or_default().to_string();
        let last = if decided { text(it, "outcome") } else { text(it, "customer_id") };
        rows.push(vec![
            text(it, "id").to_owned(),
            number("severity"),
            text(it, "category").to_owned(),
            or_dash(text(it, "host")),
            text(it, "first").to_owned(),
            number("count"),
            or_dash(last),
        ]);
    }
    out::data(out::table(&rows));
    if !decided && let Some(first) = found.first() {
        out::note(format_args!("read one: {} reports show {}", global.me(), text(first, "id")));
    }
    Ok(Exit::Ok)
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.into() }
}

fn show(global: &Global, it: &Value) -> Result<Exit> {
    if global.json {
        out::json(it);
        return Ok(Exit::Ok);
    }
    let count = it.get("count").and_then(Value::as_u64).unwrap_or_default();
    let reports: Vec<&Value> = list(it, "reports").collect();
    out::data(format_args!(
        "{}, severity {}, {}; {}",
        text(it, "category"),
        it.get("severity").and_then(Value::as_u64).unwrap_or_default(),
        if count == 1 { "one report".to_owned() } else { format!("{count} reports that say the same") },
        match text(it, "customer_id") {
            "" => "about nobody we serve".to_owned(),
            customer => format!("about {customer}"),
        }
    ));
    for report in &reports {
        let known = ["name", "email"].map(|key| text(report, key)).join(" ");
        let known = known.trim();
        let by = if known.is_empty() { "somebody who gave no name" } else { known };
        let faith = if report.get("good_faith") == Some(&Value::Bool(true)) {
            ""
        } else {
            ", NOT in stated good faith"
        };
        let when = match text(report, "happened") {
            "" => String::new(),
            at => format!(", happened {at}"),
        };
        out::data(format_args!(
            "\n{}  {}  by {by}{faith}{when}",
            text(report, "id"),
            text(report, "received")
        ));
        texts(report, "about").iter().for_each(|address| out::data(format_args!("  at {address}")));
        // Marked line by line: nothing in it can look like a line of ours.
        text(report, "text").lines().for_each(|line| out::data(format_args!("  | {}", plain(line))));
    }
    if (reports.len() as u64) < count {
        out::note(format_args!("\nand {} more", count - reports.len() as u64));
    }
    for step in list(it, "history") {
        out::data(format_args!(
            "\n{}  {}: {}\n  | {}",
            text(step, "at"),
            text(step, "by"),
            text(step, "outcome"),
            text(step, "reply")
        ));
    }
    Ok(Exit::Ok)
}

/// What a terminal can be told without being told what to do.
fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

async fn decide(global: &Global, desk: &Desk, part: &str, outcome: &str, reply: &str) -> Result<Exit> {
    let id = resolve(desk, part).await?;
    let it = desk.decide_reports(&id, outcome, reply).await?;
    if global.json {
        out::json(&it);
    } else {
        out::data(text(&it, "outcome"));
        let count = it.get("count").and_then(Value::as_u64).unwrap_or_default();
        out::note(match outcome {
            "open" => format!("{id} is open again; {count} reports wait for an answer"),
            _ => format!("{count} reports; this is what whoever sent them reads: {reply}"),
        });
    }
    Ok(Exit::Ok)
}

/// The cluster with a report whose number is, begins or ends like this.
async fn find(desk: &Desk, part: &str) -> Result<Value> {
    let number = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    if part.is_empty() || !part.bytes().all(number) {
        return Err(Failure::input(format!("{part:?} is no part of a report's number"))
            .next("`portcullis reports` lists what is open, `reports --decided` the rest"));
    }
    desk.get(&format!("/reports/{part}")).await
}

/// Its number.
pub(super) async fn resolve(desk: &Desk, part: &str) -> Result<String> {
    Ok(text(&find(desk, part).await?, "id").to_owned())
}
