//! `portcullis policy show | propose | diff`: who may decide what, and how that changes.

use std::path::Path;

use policy::note::PolicyNote;
use policy::{AnyNote, Time};
use serde_json::{Value, json};

use crate::cli::{Global, Policy, PolicyFile, Yes};
use crate::desk_client::{Desk, list, text, texts, waits};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::house::{self, House};
use crate::{change, out, review, signing};

pub(super) async fn run(global: &Global, args: Policy) -> Result<Exit> {
    match args {
        Policy::New(args) => super::found::policy(global, args),
        Policy::Show => show(global).await,
        Policy::Propose(args) => propose(global, args).await,
        Policy::Diff { what } => diff(global, what.as_deref()).await,
    }
}

async fn show(global: &Global) -> Result<Exit> {
    let desk = Desk::open(global)?;
    let house = House::load(&desk, &house::trust(global)?).await?;
    let policy = house.policy();
    let waiting = house.people.waiting();
    if global.json {
        let waiting = waiting.map(|(p, from)| json!({ "id": p.head.id.as_str(), "version": p.version, "takes_effect": from.to_string() }));
        out::json(
            &json!({ "id": policy.head.id.as_str(), "version": policy.version, "text": policy.to_string(), "waiting": waiting }),
        );
        return Ok(Exit::Ok);
    }
    out::data(policy.to_string().trim_end_matches('\n'));
    out::note(format_args!("policy {} is in power", policy.version));
    if let Some((next, from)) = waiting {
        out::note(format_args!(
            "policy {} takes effect at {from}: {} policy diff",
            next.version,
            global.me()
        ));
    }
    Ok(Exit::Ok)
}

async fn propose(global: &Global, args: PolicyFile) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let house = House::load(&desk, &officer.trust()?).await?;
    let policy = read(&house, &args.file)?;
    submit(global, &officer, &desk, &house, &policy, args.yes).await
}

/// Judges, shows, signs and sends the next policy, wherever it comes from.
pub(super) async fn submit(
    global: &Global,
    officer: &Officer,
    desk: &Desk,
    house: &House,
    policy: &PolicyNote,
    yes: Yes,
) -> Result<Exit> {
    if change::diff(newest(house), policy).is_empty() {
        return Err(Failure::input("it changes nothing: the policy is as it was"));
    }
    let written = policy.to_string();
    house.judge(&written)?;
    change::show(house, policy);
    let id = &policy.head.id;
    let sent = signing::put_and_sign(desk, officer, id, &written, yes).await?;
    let next = format!("the others, until none is missing: {} approve {id}", global.somebody());
    Ok(signing::report(global, &sent, &next))
}

/// The newest policy, in power or waiting: the next one follows it.
pub(super) fn newest(house: &House) -> &PolicyNote {
    house.state.policy(Time(u64::MAX))
}

/// Reads an edited policy and makes it the next one: its own id, the version that follows.
fn read(house: &House, file: &Path) -> Result<PolicyNote> {
    let wrong = |why: String| {
        Failure::input(format!("{}: {why}", file.display()))
            .next("begin with `portcullis policy show > new.txt`")
    };
    let given = std::fs::read_to_string(file).map_err(|e| Failure::io("read", file, &e))?;
    let in_power = format!("version {}", house.policy().version);
    if let Some((next, from)) = house.people.waiting().filter(|_| given.lines().any(|line| line == in_power))
    {
        let what =
            format!("a policy waits to take effect, {} at {from}; no second one may wait", next.head.id);
        return Err(Failure::refused(what)
            .next("`portcullis policy diff` shows it; propose again when it is in power"));
    }
    following(newest(house), &given, new_id("pol")?.as_str()).map_err(wrong)
}

/// The given text with the id, version and `log-from` of one that follows `last`.
fn following(last: &PolicyNote, given: &str, id: &str) -> std::result::Result<PolicyNote, String> {
    let next = last.version + 1;
    let same_log = given.lines().any(|line| line == format!("log {}", last.log));
    let mut text = String::new();
    for line in given.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        text += &match key {
            "id" => format!("id {id}"),
            "version" if value.parse().is_ok_and(|v: u64| v == last.version || v == next) => {
                format!("version {next}")
            }
            "version" => {
                return Err(format!(
                    "it says version {value}, and the newest policy is version {}: somebody changed it since, or it was never this ledger's",
                    last.version
                ));
            }
            // It belonged to the change before.
            "log-from" if same_log => "log-from none".to_owned(),
            _ => line.to_owned(),
        };
        text.push('\n');
    }
    let policy = PolicyNote::parse(&text).map_err(|e| e.to_string())?;
    policy.could_stand().map_err(|why| format!("no log would take this policy: {why}"))?;
    Ok(policy)
}

/// A policy that is not in power, and how far it is.
struct Candidate {
    policy: PolicyNote,
    state: String,
    takes_effect: Option<Time>,
    missing: Vec<String>,
}

async fn diff(global: &Global, what: Option<&str>) -> Result<Exit> {
    let desk = Desk::open(global)?;
    let house = House::load(&desk, &house::trust(global)?).await?;
    let candidates = match what {
        None => waiting(&desk, &house).await?,
        Some(file) if Path::new(file).is_file() => {
            let policy = read(&house, Path::new(file))?;
            vec![Candidate { policy, state: "file".into(), takes_effect: None, missing: Vec::new() }]
        }
        Some(id) => {
            let id = desk.resolve(id).await?;
            vec![candidate(&house, &desk.note(&id).await?)?]
        }
    };
    if global.json {
        let policy = house.policy();
        let all: Vec<Value> = candidates.iter().map(|c| document(&house, c)).collect();
        out::json(
            &json!({ "in_power": { "id": policy.head.id.as_str(), "version": policy.version }, "candidates": all }),
        );
        return Ok(Exit::Ok);
    }
    if candidates.is_empty() {
        out::note("no policy waits: neither for signatures nor to take effect");
    }
    candidates.iter().for_each(|c| tell(&house, c));
    Ok(Exit::Ok)
}

/// What the ledger has and what is being signed at the desk.
async fn waiting(desk: &Desk, house: &House) -> Result<Vec<Candidate>> {
    let mut all = Vec::new();
    if let Some((policy, from)) = house.people.waiting() {
        all.push(logged(policy.clone(), from));
    }
    let notes = desk.get("/notes?limit=200").await?;
    for note in list(&notes, "notes").filter(|n| text(n, "kind") == "policy" && waits(n)) {
        all.push(candidate(house, note)?);
    }
    Ok(all)
}

fn logged(policy: PolicyNote, from: Time) -> Candidate {
    Candidate { policy, state: "logged".into(), takes_effect: Some(from), missing: Vec::new() }
}

fn candidate(house: &House, note: &Value) -> Result<Candidate> {
    let AnyNote::Policy(policy) = review::parse(text(note, "text"))? else {
        return Err(Failure::input(format!(
            "{} is a {}, not a policy",
            text(note, "id"),
            text(note, "kind")
        )));
    };
    if let Some((waits, from)) = house.people.waiting().filter(|(p, _)| p.head.id == policy.head.id) {
        return Ok(logged(waits.clone(), from));
    }
    let missing = texts(note, "missing").into_iter().map(str::to_owned).collect();
    Ok(Candidate { policy, state: text(note, "state").to_owned(), takes_effect: None, missing })
}

fn tell(house: &House, c: &Candidate) {
    let (old, id) = (house.policy().version, &c.policy.head.id);
    let what = match (c.state.as_str(), c.takes_effect) {
        (_, Some(from)) => format!("{id} is in the ledger and takes effect at {from}"),
        ("file", _) => "a file, proposed nowhere yet".into(),
        ("collecting" | "signed", _) => format!("{id} is at the desk; missing: {}", c.missing.join("; ")),
        (state, _) => format!("{id} is {state}"),
    };
    out::data(format_args!("policy {old} in power, and policy {}: {what}", c.policy.version));
    change::diff(house.policy(), &c.policy)
        .iter()
        .for_each(|change| out::data(format_args!("  {}", change.words)));
    if c.takes_effect.is_none() && matches!(c.state.as_str(), "file" | "collecting" | "signed") {
        change::consequences(house, &c.policy).iter().for_each(out::note);
    }
}

fn document(house: &House, c: &Candidate) -> Value {
    let changes: Vec<Value> =
        change::diff(house.policy(), &c.policy).iter().map(change::Change::json).collect();
    json!({ "id": c.policy.head.id.as_str(), "version": c.policy.version, "state": c.state,
        "takes_effect": c.takes_effect.map(|t| t.to_string()), "missing": c.missing, "changes": changes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::testkit::House as People;

    #[test]
    fn an_edited_policy_becomes_the_next_one() {
        let last = People::demo(Time(1_800_000_000)).policy();
        let shown = last.to_string();
        let next = following(&last, &shown, "pol-next").expect("it follows");
        assert_eq!((next.version, next.head.id.as_str()), (1, "pol-next"));
        let again = following(&last, &next.to_string(), "pol-again").expect("it follows too");
        assert_eq!((again.version, again.head.id.as_str()), (1, "pol-again"));
        // It need not end with a newline, and says which line is wrong.
        following(&last, shown.trim_end(), "pol-next").expect("it follows");
        let wrong =
            following(&last, &shown.replace("assessor\n", "asessor\n"), "pol-next").expect_err("no role");
        assert!(wrong.contains("line 8"), "{wrong}");
        let old = following(&PolicyNote { version: 4, ..last }, &shown, "pol-next").expect_err("too old");
        assert!(old.contains("version 0") && old.contains("version 4"), "{old}");
    }
}
