//! `portcullis config check | explain`.

use std::path::PathBuf;

use crate::cli::{self, Global};
use crate::config::{Config, FIELDS, Field, Need, STEP, TABLES};
use crate::exit::{Exit, Failure, Result};
use crate::out;

pub(super) fn run(global: &Global, args: cli::Config) -> Result<Exit> {
    match args {
        cli::Config::Check { file } => {
            check(global, file.unwrap_or_else(|| global.home.join("portcullis.toml")))
        }
        cli::Config::Explain { key } => explain(global, key.as_deref()),
    }
}

fn check(global: &Global, file: PathBuf) -> Result<Exit> {
    let config = Config::open(&file)?;
    for (table, field) in
        [("edge", "sites"), ("desk", "sites")].into_iter().filter(|(table, _)| config.has(table))
    {
        let sites = if table == "edge" { config.edge().sites } else { config.desk().sites };
        crate::plane::read_sites(&sites).map_err(|f| f.next(format!("named by {table}.{field}")))?;
    }
    crate::plane::mail::mailer(&config)?;
    crate::plane::page::pager(&config)?;
    let tables: Vec<&str> = TABLES.iter().map(|(t, _)| *t).filter(|t| config.has(t)).collect();
    if global.json {
        out::json(&serde_json::json!({ "file": file.display().to_string(), "good": true, "tables": tables }));
    } else {
        out::data(format_args!("{}: good; tables: {}", file.display(), tables.join(", ")));
    }
    Ok(Exit::Ok)
}

fn explain(global: &Global, key: Option<&str>) -> Result<Exit> {
    let table = key.filter(|k| TABLES.iter().any(|(t, _)| t == k));
    let chosen: Vec<&Field> =
        FIELDS.iter().filter(|f| key.is_none_or(|k| f.name == k || table == Some(f.table()))).collect();
    if chosen.is_empty() {
        let key = key.unwrap_or_default();
        return Err(
            Failure::input(format!("there is no key {key:?}")).next("`portcullis config explain` lists all")
        );
    }
    if global.json {
        let all: Vec<serde_json::Value> = chosen.iter().map(|f| json(f)).collect();
        out::json(&all.into());
        return Ok(Exit::Ok);
    }
    let mut last = "";
    for field in chosen {
        if field.table() != last {
            last = field.table();
            let about = TABLES.iter().find(|(t, _)| *t == last).map_or("", |(_, about)| about);
            let name = if last == STEP { format!("[[{last}]]") } else { format!("[{last}]") };
            out::data(format_args!("{name}  {about}\n"));
        }
        out::data(text(field));
    }
    Ok(Exit::Ok)
}

fn text(field: &Field) -> String {
    let need = match field.need {
        Need::Required => "required".to_owned(),
        Need::Default(value) => format!("default {value}"),
        Need::Optional => "optional".to_owned(),
    };
    let (name, kind, example) = (field.key(), field.kind.words(), field.example);
    format!("  {name}  ({need})\n      {}\n      {kind}; as in: {name} = {example}\n", field.doc)
}

fn json(field: &Field) -> serde_json::Value {
    let default = if let Need::Default(value) = field.need { Some(value) } else { None };
    serde_json::json!({
        "key": field.name,
        "required": field.need == Need::Required,
        "default": default,
        "value": field.kind.words(),
        "example": field.example,
        "doc": field.doc,
    })
}
