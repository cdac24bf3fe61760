//! `portcullis page`: what needs somebody now, who was called, and "I take care of it".

use policy::clock::Clock as _;
use serde_json::{Value, json};

use crate::cli::{Global, Page, PageCommand};
use crate::clock::RealClock;
use crate::config::Config;
use crate::desk_client::{Desk, list, text};
use crate::duration::Span;
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::{out, plane};

/// Shortest part of a key that is taken for the whole.
const MIN_PART: usize = 4;

pub(super) async fn run(global: &Global, args: Page) -> Result<Exit> {
    match args.command {
        None => show(global).await,
        Some(PageCommand::Ack { keys, all, hold }) => {
            ack(global, if all { None } else { Some(keys) }, hold).await
        }
        Some(PageCommand::Test { step }) => test(global, step).await,
    }
}

async fn show(global: &Global) -> Result<Exit> {
    let pages = Desk::of(&Officer::open(global)?)?.get("/pages").await?;
    if global.json {
        out::json(&pages);
        return Ok(Exit::Ok);
    }
    let alarms: Vec<&Value> = list(&pages, "alarms").collect();
    if alarms.is_empty() {
        out::data("nobody is needed");
    }
    for alarm in alarms {
        tell(alarm);
    }
    if pages.get("steps").and_then(Value::as_u64) == Some(0) {
        out::note(
            "nobody is called: the desk's configuration has no [page]; docs/paging.md says how to begin",
        );
    }
    Ok(Exit::Ok)
}

fn tell(alarm: &Value) {
    out::data(text(alarm, "key"));
    out::data(format_args!("  {}", text(alarm, "need")));
    out::data(format_args!("  since {}; {}", text(alarm, "since"), text(alarm, "link")));
    match alarm.get("acknowledged").filter(|ack| !ack.is_null()) {
        Some(ack) => out::data(format_args!("  {} takes care until {}", text(ack, "by"), text(ack, "until"))),
        None => out::data("  nobody has acknowledged it"),
    }
    for call in list(alarm, "calls") {
        let number = |key| call.get(key).and_then(Value::as_u64).unwrap_or_default();
        let tries = match number("attempts") {
            1 => String::new(),
            n => format!(", tried {n} times"),
        };
        out::data(format_args!(
            "  step {} at {}: {}{tries}: {} {}",
            number("step"),
            text(call, "at"),
            text(call, "who"),
            text(call, "state"),
            text(call, "outcome"),
        ));
    }
}

async fn ack(global: &Global, wanted: Option<Vec<String>>, hold: Option<Span>) -> Result<Exit> {
    let desk = Desk::of(&Officer::open(global)?)?;
    let pages = desk.get("/pages").await?;
    let alarms: Vec<&Value> = list(&pages, "alarms").collect();
    let keys: Vec<&str> = match &wanted {
        Some(wanted) => wanted.iter().map(|part| find(&alarms, part)).collect::<Result<_>>()?,
        None => {
            let free = |a: &&&Value| a.get("acknowledged").is_none_or(Value::is_null);
            alarms.iter().filter(free).map(|a| text(a, "key")).collect()
        }
    };
    if keys.is_empty() {
        out::note("there is nothing to acknowledge");
    }
    let mut taken = Vec::new();
    for key in keys {
        let alarm = desk.acknowledge(key, hold.map(|span| span.0)).await?;
        if !global.json {
            let ack = &alarm["acknowledged"];
            out::data(format_args!("{key}: {} takes care until {}", text(ack, "by"), text(ack, "until")));
            out::note(text(&alarm, "need"));
        }
        taken.push(alarm);
    }
    if global.json {
        out::json(&json!({ "alarms": taken }));
    }
    Ok(Exit::Ok)
}

/// The one alarm whose key is, begins or ends like this.
fn find<'a>(alarms: &[&'a Value], part: &str) -> Result<&'a str> {
    let keys = || alarms.iter().map(|a| text(a, "key"));
    if let Some(whole) = keys().find(|key| *key == part) {
        return Ok(whole);
    }
    let fits = |key: &&str| part.len() >= MIN_PART && (key.starts_with(part) || key.ends_with(part));
    let found: Vec<&str> = keys().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::input(format!("no open alarm has a key that is, begins or ends with {part:?}"))
            .next("`portcullis page` lists what is open; what it was about may be done")),
        several => Err(Failure::input(format!("{part:?} could be any of: {}", several.join(", ")))),
    }
}

async fn test(global: &Global, only: Option<usize>) -> Result<Exit> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["page", "operator"])?;
    let (pager, mailer) = (plane::page::pager(&config)?, plane::mail::mailer(&config)?);
    let (operator, now) = (config.operator().name, RealClock::new().now());
    if only.is_some_and(|n| n == 0 || n > pager.steps.len()) {
        return Err(Failure::input(format!("there are {} steps, counted from 1", pager.steps.len())));
    }
    let (mut rows, mut failed) = (Vec::new(), 0);
    for (at, step) in pager.steps.iter().enumerate().filter(|(at, _)| only.is_none_or(|n| n == at + 1)) {
        let mut ended = Ok(String::new());
        for to in &step.mail {
            let mailer = mailer.as_ref().ok_or_else(|| Failure::new(Exit::Config, "there is no [mail]"))?;
            let sent =
                mailer.test(to, now, &mut |_| ()).await.map_err(|why| format!("{}; {}", why.what, why.next));
            ended = ended.and(sent);
        }
        if step.mail.is_empty() {
            let page = desk::Page::test(&operator, at, step.person.clone(), &pager.console, now);
            ended = pager.caller.call(at, page).await;
        }
        let (state, words) = match &ended {
            Ok(words) => ("done", words),
            Err(words) => ("failed", words),
        };
        failed += usize::from(ended.is_err());
        if !global.json {
            out::data(format_args!("step {}: {}: {state} {words}", at + 1, step.who));
        }
        rows.push(json!({ "step": at + 1, "who": step.who, "state": state, "outcome": words }));
    }
    if global.json {
        out::json(&json!({ "steps": rows }));
    }
    if failed > 0 {
        let what = format!("{failed} of {} steps reached nobody", rows.len());
        return Err(
            Failure::new(Exit::Unavailable, what).next("whoever is needed at night is not called by these")
        );
    }
    out::note("ask each of them whether it rang; what was taken need not have arrived");
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_key_is_enough_where_it_means_one() {
        let all: Vec<Value> =
            ["report-rpt-abcd", "report-rpt-efgh", "mail"].map(|key| json!({ "key": key })).into();
        let all: Vec<&Value> = all.iter().collect();
        assert_eq!(find(&all, "abcd").expect("one"), "report-rpt-abcd");
        assert_eq!(find(&all, "mail").expect("one"), "mail");
        for (part, said) in
            [("report", "could be any of"), ("bcd", "no open alarm"), ("zzzz", "no open alarm")]
        {
            assert!(find(&all, part).expect_err(part).to_string().contains(said), "{part}");
        }
    }
}
