//! `portcullis passkey new | list | remove`: passkeys for the console, made on the device that has them.

use serde_json::{Value, json};

use crate::cli::{self, Global};
use crate::desk_client::{Desk, list, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::out;

pub(super) async fn run(global: &Global, args: cli::Passkey) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    match args {
        cli::Passkey::New => {
            let made = desk.passkey_link().await?;
            if global.json {
                out::json(&made);
                return Ok(Exit::Ok);
            }
            out::made(global, "link", text(&made, "link"));
            out::note(format_args!(
                "open it until {} on the device whose passkey it is to be; it makes one, and whoever has it first makes it",
                text(&made, "until")
            ));
        }
        cli::Passkey::List => show(global, &all(&desk).await?),
        cli::Passkey::Remove { key } => {
            let there = all(&desk).await?;
            let found = find(&there, &key, |_| true)?;
            desk.remove_passkey(&json!({ "key": text(found, "key") })).await?;
            out::made(global, "removed", text(found, "key_id"));
            if found.get("in_policy") == Some(&Value::Bool(true)) {
                out::note(
                    "a policy still names it; if it is lost, suspend it (portcullis suspend) until the next policy leaves it out",
                );
            }
        }
    }
    Ok(Exit::Ok)
}

/// Every passkey that the desk has.
pub(super) async fn all(desk: &Desk) -> Result<Vec<Value>> {
    Ok(list(&desk.get("/passkeys").await?, "passkeys").cloned().collect())
}

/// The one with this id, or a key that begins so.
pub(super) fn find<'a>(there: &'a [Value], wanted: &str, fits: impl Fn(&Value) -> bool) -> Result<&'a Value> {
    let named = |it: &&Value| fits(it) && (text(it, "key_id") == wanted || text(it, "key") == wanted);
    let mut found = there.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Failure::input(format!("there is no such passkey {wanted:?}"))
            .next("`portcullis passkey list` shows them, with their eight digits")),
        _ => Err(Failure::input(format!("{wanted:?} is more than one passkey")).next("give the whole key")),
    }
}

fn show(global: &Global, all: &[Value]) {
    if global.json {
        return out::json(&json!({ "passkeys": all }));
    }
    let mut rows = vec![["name", "id", "kind", "signs", "made"].map(String::from).to_vec()];
    let is = |it: &Value, key: &str| it.get(key) == Some(&Value::Bool(true));
    rows.extend(all.iter().map(|it| {
        vec![
            text(it, "name").to_owned(),
            text(it, "key_id").to_owned(),
            if is(it, "synced") { "may be copied to other devices" } else { "stays on its device" }
                .to_owned(),
            match (is(it, "in_policy"), is(it, "decides")) {
                (true, true) => "everything",
                (true, false) => "all but decisions, until the new policy is a week old",
                _ => "nothing before a policy names it",
            }
            .to_owned(),
            text(it, "created").to_owned(),
        ]
    }));
    out::data(out::table(&rows));
}
