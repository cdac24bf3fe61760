//! `portcullis status`: what is in force, and which edge has it.

use std::collections::BTreeMap;
use std::time::Duration;

use policy::Id;
use serde_json::Value;

use crate::cli::{self, Global};
use crate::desk_client::{Desk, list, text, texts, waits};
use crate::exit::{Exit, Result};
use crate::out;

use super::edges;

/// How often `--watch` asks. A block takes about a second; five times a second shows it happen.
const EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(global: &Global, args: cli::Status) -> Result<Exit> {
    let desk = Desk::open(global)?;
    let Some(part) = &args.id else {
        return overview(global, &desk, &args).await;
    };
    let id = desk.resolve(part).await?;
    let Some(decision) = desk.decision(&id).await? else {
        return waiting(global, &desk.note(&id).await?);
    };
    if !args.watch {
        show(global, &decision);
        return Ok(Exit::Ok);
    }
    watch(global, &desk, &id, args.timeout.0).await
}

async fn overview(global: &Global, desk: &Desk, args: &cli::Status) -> Result<Exit> {
    let end = tokio::time::Instant::now() + Duration::from_secs(args.timeout.0);
    loop {
        let status = desk.get("/status").await?;
        let agreed = list(&status, "edges").all(|e| text(e, "effective") == text(&status, "effective"));
        let late = tokio::time::Instant::now() >= end;
        if agreed || late || !args.watch {
            if global.json {
                out::json(&status)
            } else {
                tell_overview(&status);
                tell_waiting(&desk.get("/notes?limit=200").await?);
            }
            return Ok(if args.watch && !agreed { Exit::Failed } else { Exit::Ok });
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// A note that is not in the ledger: what it waits for.
fn waiting(global: &Global, note: &Value) -> Result<Exit> {
    if global.json {
        out::json(note);
        return Ok(Exit::Ok);
    }
    let mut rows: Vec<Vec<String>> = ["id", "kind", "state", "created"]
        .iter()
        .map(|key| vec![(*key).to_owned(), text(note, key).to_owned()])
        .collect();
    rows.push(vec!["signed by".into(), persons(note, "signed_by")]);
    rows.extend(texts(note, "missing").iter().map(|words| vec!["missing".into(), (*words).to_owned()]));
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}

/// What waits at the desk for signatures.
fn tell_waiting(notes: &Value) {
    for note in list(notes, "notes").filter(|n| waits(n)) {
        let missing = texts(note, "missing").join("; ");
        out::data(format_args!("waiting: {} ({}), missing {missing}", text(note, "id"), text(note, "kind")));
    }
}

fn tell_overview(status: &Value) {
    let size = status.get("size").and_then(Value::as_u64).unwrap_or(0);
    out::data(format_args!(
        "{}: {size} entries, newest logged {}",
        text(status, "origin"),
        text(status, "logged")
    ));
    let mut rows =
        vec![["in force", "class", "customer", "scope", "until", "confirm by"].map(String::from).to_vec()];
    for m in list(status, "in_force") {
        rows.push(
            ["id", "class", "customer", "scope", "until", "confirm_by"]
                .map(|key| text(m, key).to_owned())
                .to_vec(),
        );
    }
    if rows.len() == 1 {
        out::data("nothing is in force");
    } else {
        out::data(out::table(&rows));
    }
    out::data(edges::table(status));
    tell_mail(status);
    for counter in list(status, "refused") {
        let times = counter.get("times").and_then(Value::as_u64).unwrap_or(0);
        out::data(format_args!("refused so far: {} ({times})", text(counter, "what")));
    }
}

/// What waits in the outbox, and who was not told.
fn tell_mail(status: &Value) {
    let mail = status.get("mail").unwrap_or(&Value::Null);
    let number = |key: &str| mail.get(key).and_then(Value::as_u64).unwrap_or(0);
    if number("queued") + number("failed") > 0 {
        let oldest = text(mail, "oldest");
        let since = if oldest.is_empty() { String::new() } else { format!(", the oldest since {oldest}") };
        out::data(format_args!(
            "mail: {} wait{since}; {} sent, {} given up: `portcullis mail list`, on the desk's machine",
            number("queued"),
            number("sent"),
            number("failed")
        ));
    }
    for it in list(status, "untold") {
        let (why, customer) = (text(it, "why"), text(it, "customer"));
        let words = match why {
            "no-contact" => format!("no address is known: `portcullis customers contact {customer} ADDRESS`"),
            "mail-off" => {
                "this desk sends no mail (`portcullis config explain mail`); tell them by other means"
                    .to_owned()
            }
            state => format!("the mail is {state}"),
        };
        let late = if it.get("late") == Some(&Value::Bool(true)) { "LATE, " } else { "" };
        out::data(format_args!("customer not told: {late}{} {customer}: {words}", text(it, "decision")));
    }
}

fn show(global: &Global, decision: &Value) {
    if global.json {
        out::json(decision);
        return;
    }
    let rows: Vec<Vec<String>> = [
        "id",
        "status",
        "class",
        "scope",
        "ground",
        "customer",
        "since",
        "until",
        "confirm_by",
        "told",
        "post_url",
    ]
    .iter()
    .filter(|key| !text(decision, key).is_empty())
    .map(|key| vec![(*key).to_owned(), text(decision, key).to_owned()])
    .chain([vec!["hostnames".into(), texts(decision, "hostnames").join(" ")]])
    .chain(["assessors", "signers"].map(|key| vec![key.into(), persons(decision, key)]))
    .chain(decision.get("lifted").filter(|l| !l.is_null()).map(lifted))
    .collect();
    out::data(out::table(&rows));
    let mut edges = vec![["edge", "state", "enforcing since", "ended"].map(String::from).to_vec()];
    for edge in list(decision, "progress") {
        edges.push(["edge", "state", "first", "ended"].map(|key| text(edge, key).to_owned()).to_vec());
    }
    out::data(out::table(&edges));
}

fn persons(value: &Value, key: &str) -> String {
    let person = |p: &Value| format!("{} ({})", text(p, "person"), text(p, "organisation"));
    list(value, key).map(person).collect::<Vec<_>>().join(", ")
}

fn lifted(lift: &Value) -> Vec<String> {
    let (time, by, why) = (text(lift, "time"), persons(lift, "by"), text(lift, "why"));
    vec!["lifted".into(), format!("{time} by {by}: {why}")]
}

/// Tells each edge's step as it comes, until all have the decision, or all have let it go.
async fn watch(global: &Global, desk: &Desk, id: &Id, seconds: u64) -> Result<Exit> {
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let decision = desk.get(&format!("/decisions/{id}")).await?;
        for edge in list(&decision, "progress") {
            let (name, state) = (text(edge, "edge").to_owned(), text(edge, "state").to_owned());
            if told.get(&name) != Some(&state) {
                out::note(format_args!("{name}: {state}"));
                told.insert(name, state);
            }
        }
        let done = settled(&decision);
        if done || tokio::time::Instant::now() >= end {
            out::note(outcome(done, text(&decision, "status") == "in-force"));
            show(global, &decision);
            return Ok(if done { Exit::Ok } else { Exit::Failed });
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn outcome(done: bool, runs: bool) -> &'static str {
    match (done, runs) {
        (true, true) => "every edge enforces it",
        (true, false) => "every edge has let it go",
        (false, true) => "not every edge enforces it yet",
        (false, false) => "not every edge has let it go yet",
    }
}

/// Whether every enrolled edge does what the decision's status asks for.
fn settled(decision: &Value) -> bool {
    let runs = text(decision, "status") == "in-force";
    // An edge that came after the end never enforced it: `seen` is then as far as it gets.
    let wanted: &[&str] = if runs { &["enforcing"] } else { &["ended", "seen"] };
    let mut edges = list(decision, "progress").peekable();
    edges.peek().is_some() && edges.all(|edge| wanted.contains(&text(edge, "state")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settled_means_every_edge() {
        for (status, states, want) in [
            ("in-force", &["enforcing", "enforcing"][..], true),
            ("in-force", &["enforcing", "seen"], false),
            ("in-force", &["silent"], false),
            ("in-force", &[], false),
            ("lifted", &["ended", "seen"], true),
            ("lifted", &["ended", "enforcing"], false),
            ("not-confirmed", &["ended"], true),
        ] {
            let progress: Vec<Value> = states.iter().map(|s| json!({ "edge": "e", "state": s })).collect();
            let decision = json!({ "status": status, "progress": progress });
            assert_eq!(settled(&decision), want, "{status} {states:?}");
        }
    }
}
