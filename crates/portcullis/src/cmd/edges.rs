//! `portcullis edges`: who reports to the desk.

use crate::cli::{Edges, EdgesCommand, Global};
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::out;
use serde_json::Value;

pub(super) async fn run(global: &Global, args: Edges) -> Result<Exit> {
    if let Some(EdgesCommand::Remove { name }) = &args.command {
        let store = super::token::open(global).await?;
        if !store.remove_edge(name).await.map_err(super::token::store_failure)? {
            return Err(Failure::input(format!("no edge named {name:?} is enrolled"))
                .next("`portcullis edges` lists them"));
        }
        out::note(
            "forgotten: nobody waits for it, and its receipts no longer count; it enforces on by itself",
        );
        out::made(global, "removed", name);
        return Ok(Exit::Ok);
    }
    let desk = Desk::open(global)?;
    if let Some(EdgesCommand::Enrol { vkey }) = args.command {
        let edge = desk.enrol(&vkey).await?;
        out::note(format_args!("enrolled {}: its receipts count from now on", text(&edge, "name")));
        if global.json {
            out::json(&edge)
        } else {
            out::data(text(&edge, "name"))
        }
        return Ok(Exit::Ok);
    }
    let answer = desk.get("/edges").await?;
    if global.json {
        out::json(&answer)
    } else {
        out::data(table(&answer))
    }
    Ok(Exit::Ok)
}

/// Edges as a table; `answer` has a list `edges`.
pub(super) fn table(answer: &Value) -> String {
    let mut rows = vec![
        ["edge", "standing", "entries", "config", "last receipt", "refused", "in force"]
            .map(String::from)
            .to_vec(),
    ];
    for edge in list(answer, "edges") {
        let stale = edge.get("stale") == Some(&Value::Bool(true));
        rows.push(vec![
            text(edge, "name").to_owned(),
            format!("{}{}", text(edge, "standing"), if stale { ", stale" } else { "" }),
            number(edge, "size"),
            number(edge, "config"),
            text(edge, "at").to_owned(),
            number(edge, "refused"),
            texts(edge, "measures").join(" "),
        ]);
    }
    out::table(&rows)
}

fn number(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_u64).map_or_else(|| "-".into(), |n| n.to_string())
}
