//! `portcullis case`: everything about one matter: what happened, who did what, which notes came of it.

mod facts;

pub(super) use facts::{evidence, judged, place, referral_record};

use policy::clock::Clock as _;
use policy::{Id, Time};
use serde_json::{Value, json};

use crate::cli::{Case, CaseCommand, Global};
use crate::clock::RealClock;
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::out;

/// Parts of the list that are fetched: 200 each.
const MAX_PARTS: usize = 50;

pub(super) async fn run(global: &Global, args: Case) -> Result<Exit> {
    let desk = Desk::of(&Officer::open(global)?)?;
    let (id, entry) = match args.command {
        None => return cases(global, &desk, args.closed).await,
        Some(CaseCommand::Show { case, journal }) => {
            let id = resolve(&desk, &case).await?;
            let it = desk.get(&format!("/cases/{id}")).await?;
            return show(global, &it, journal);
        }
        Some(CaseCommand::Open { title, customer, reports }) => {
            let customer = match customer {
                Some(wanted) => Some(text(&desk.customer(&wanted).await?, "id").to_owned()),
                None => None,
            };
            let mut all = Vec::new();
            for part in &reports {
                all.push(super::reports::resolve(&desk, part).await?);
            }
            let id = new_id("cas")?;
            let body = json!({ "id": id.as_str(), "title": title, "customer_id": customer, "reports": all });
            return Ok(made(global, &desk.open_case(&body).await?));
        }
        Some(CaseCommand::Add { case, what, happened, seen, at }) => {
            let now = RealClock::new().now();
            let happened = when("--happened", happened.as_deref(), now)?;
            let seen = seen.as_deref().map(|seen| when("--seen", Some(seen), now)).transpose()?;
            (
                case,
                json!({ "act": "happened", "happened": happened, "seen": seen, "place": at, "what": what }),
            )
        }
        Some(CaseCommand::Link { case, reports }) => {
            let reports = super::reports::resolve(&desk, &reports).await?;
            (case, json!({ "act": "link", "reports": reports }))
        }
        Some(
            command @ (CaseCommand::Attach { .. }
            | CaseCommand::Fetch { .. }
            | CaseCommand::Destroy { .. }
            | CaseCommand::Judge { .. }
            | CaseCommand::Refer { .. }
            | CaseCommand::Answer { .. }
            | CaseCommand::Reply { .. }),
        ) => return facts::run(global, &desk, command).await,
        Some(CaseCommand::Take { case }) => (case, json!({ "act": "take" })),
        Some(CaseCommand::Release { case }) => (case, json!({ "act": "release" })),
        Some(CaseCommand::Close { case, outcome, why }) => {
            (case, json!({ "act": "close", "outcome": outcome.word(), "why": why }))
        }
        Some(CaseCommand::Reopen { case, why }) => (case, json!({ "act": "reopen", "why": why })),
    };
    let id = resolve(&desk, &id).await?;
    Ok(made(global, &desk.add_to_case(&id, &entry).await?))
}

/// A time as the API takes it: whole, or without a date for one of the last 24 hours.
pub(super) fn when(flag: &str, said: Option<&str>, now: Time) -> Result<String> {
    let Some(said) = said else { return Ok(now.to_string()) };
    let clock = |time: &str| {
        let today = now.to_string();
        let at = Time::parse(&format!("{}T{time}:00Z", today.get(..10)?))?;
        Some(if at > now { Time(at.0.saturating_sub(24 * 3600)) } else { at })
    };
    let at = Time::parse(said).or_else(|| Time::parse(&format!("{said}:00Z"))).or_else(|| clock(said));
    at.map(|at| at.to_string()).ok_or_else(|| {
        Failure::input(format!("{flag} {said:?} is no time"))
            .next("write 2026-11-22T23:15:00Z, 2026-11-22T23:15, or 23:15 for the last one; UTC")
    })
}

fn made(global: &Global, it: &Value) -> Exit {
    if global.json {
        out::json(it);
    } else {
        out::data(text(it, "id"));
        let (entries, head) = (list(it, "journal").count(), text(it, "head"));
        out::note(format_args!("{}; {entries} entries, the newest is {head}", text(it, "outcome")));
    }
    Exit::Ok
}

async fn all(desk: &Desk, closed: bool) -> Result<Vec<Value>> {
    let state = if closed { "closed" } else { "open" };
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..MAX_PARTS {
        let answer = desk.get(&format!("/cases?state={state}&limit=200{cursor}")).await?;
        found.extend(list(&answer, "cases").cloned());
        match text(&answer, "next_cursor") {
            "" => break,
            next => cursor = format!("&cursor={next}"),
        }
    }
    Ok(found)
}

async fn cases(global: &Global, desk: &Desk, closed: bool) -> Result<Exit> {
    let found = all(desk, closed).await?;
    if global.json {
        out::json(&json!({ "cases": found }));
        return Ok(Exit::Ok);
    }
    let last = if closed { "outcome" } else { "taken by" };
    let mut rows = vec![["case", "title", "customer", "opened", "reports", last].map(String::from).to_vec()];
    for it in &found {
        let last = if closed { text(it, "outcome") } else { text(it, "taken_by") };
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        rows.push(vec![
            text(it, "id").to_owned(),
            text(it, "title").to_owned(),
            or_dash(text(it, "customer_id")),
            text(it, "opened").to_owned(),
            list(it, "reports").count().to_string(),
            or_dash(last),
        ]);
    }
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}

fn show(global: &Global, it: &Value, journal: bool) -> Result<Exit> {
    if global.json {
        out::json(it);
        return Ok(Exit::Ok);
    }
    out::data(format_args!("{}: {}", text(it, "id"), text(it, "title")));
    let taken = match text(it, "taken_by") {
        "" => String::new(),
        by => format!("; {by} works on it"),
    };
    let customer = match text(it, "customer_id") {
        "" => "about nobody we serve".to_owned(),
        customer => format!("about {customer}"),
    };
    out::data(format_args!("{}, opened {}, {customer}{taken}", text(it, "outcome"), text(it, "opened")));
    for reports in texts(it, "reports") {
        out::data(format_args!("reports   {reports}"));
    }
    for note in list(it, "notes") {
        let index = note.get("index").and_then(Value::as_u64).unwrap_or_default();
        out::data(format_args!(
            "{:<9} {}, entry {index} of the ledger",
            text(note, "kind"),
            text(note, "id")
        ));
    }
    if list(it, "timeline").next().is_some() {
        out::data("\nwhat happened                    seen                  written down");
    }
    for line in list(it, "timeline") {
        let place = match text(line, "place") {
            "" => String::new(),
            place => format!("\n  at {place}"),
        };
        out::data(format_args!(
            "{}  seen {}  {} by {}\n  | {}{place}",
            text(line, "happened"),
            text(line, "seen"),
            text(line, "recorded"),
            text(line, "by"),
            text(line, "what"),
        ));
    }
    facts::show(it);
    if journal {
        list(it, "journal").for_each(|step| out::data(format_args!("\n{}", text(step, "text").trim_end())));
    }
    out::note(format_args!("\n{} entries; the newest is {}", list(it, "journal").count(), text(it, "head")));
    Ok(Exit::Ok)
}

/// The case that a note is to name.
pub(super) async fn named(desk: &Desk, part: Option<&str>) -> Result<Option<Id>> {
    let Some(part) = part else { return Ok(None) };
    let id = resolve(desk, part).await?;
    Id::parse(&id).map(Some).ok_or_else(|| Failure::input(format!("{id:?} is no number of a case")))
}

/// The one number that begins or ends like this.
pub(super) async fn resolve(desk: &Desk, part: &str) -> Result<String> {
    let mut found: Vec<String> = Vec::new();
    for closed in [false, true] {
        found.extend(all(desk, closed).await?.iter().map(|it| text(it, "id").to_owned()));
    }
    the_one(found, part)
}

/// Of these numbers the one that is, begins or ends like this.
fn the_one(mut found: Vec<String>, part: &str) -> Result<String> {
    let whole = found.iter().any(|id| id == part);
    let fits = |id: &str| part.len() >= 4 && (id.starts_with(part) || id.ends_with(part));
    found.retain(|id| if whole { id == part } else { fits(id) });
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let missing = format!("no case with a number that is, begins or ends with {part:?}");
            Err(Failure::input(missing).next("`portcullis case` lists what is open, `case --closed` the rest; give at least four characters"))
        }
        several => Err(Failure::input(format!("{part:?} could be any of: {}", several.join(", ")))),
    }
}
