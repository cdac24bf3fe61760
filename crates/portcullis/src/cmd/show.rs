//! `portcullis show`: a note as it was signed, or an entry of the ledger.

use ledger::checkpoint::Checkpoint;
use ledger::note::Note;
use ledger::tile::{self, EntriesPath};
use serde_json::json;

use crate::cli::{self, Global};
use crate::client::{Address, Ask, ask};
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::out;

pub(super) async fn run(global: &Global, args: cli::Show) -> Result<Exit> {
    match args.what.parse() {
        Ok(index) => entry(global, index).await,
        Err(_) => note(global, &args.what).await,
    }
}

async fn note(global: &Global, part: &str) -> Result<Exit> {
    let desk = Desk::open(global)?;
    let id = desk.resolve(part).await?;
    let note = desk.note(&id).await?;
    if global.json {
        out::json(&note);
        return Ok(Exit::Ok);
    }
    out::data(text(&note, "text").trim_end_matches('\n'));
    out::data("");
    texts(&note, "signatures").iter().for_each(out::data);
    let signed: Vec<&str> = list(&note, "signed_by").map(|p| text(p, "person")).collect();
    out::note(format_args!("\n{}; signed by: {}", text(&note, "state"), signed.join(", ")));
    texts(&note, "missing").iter().for_each(|missing| out::note(format_args!("missing: {missing}")));
    Ok(Exit::Ok)
}

/// An entry: a person asks the desk, an installation the ledger that its configuration names. Shown, not verified.
async fn entry(global: &Global, index: u64) -> Result<Exit> {
    let installed = global.person.is_none() && global.home.join("portcullis.toml").exists();
    let entry = if installed { from_ledger(global, index).await? } else { from_desk(global, index).await? };
    if global.json {
        out::json(&json!({ "index": index, "entry": entry }));
    } else {
        out::data(entry.trim_end_matches('\n'));
    }
    Ok(Exit::Ok)
}

async fn from_desk(global: &Global, index: u64) -> Result<String> {
    let part = Desk::open(global)?.get(&format!("/entries?cursor={index}&limit=1")).await?;
    let entry = list(&part, "entries").next().map(|e| text(e, "entry").to_owned());
    entry.ok_or_else(|| Failure::input(format!("the ledger has no entry {index}; they are counted from 0")))
}

async fn from_ledger(global: &Global, index: u64) -> Result<String> {
    let config = crate::config::Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["edge"])?;
    let address = Address::parse(&config.edge().ledger)?;
    let read = |path: String| {
        let address = address.clone();
        async move {
            let answer = ask(&address, Ask::get(&path)).await?;
            if answer.status.is_success() {
                return Ok(answer.body);
            }
            Err(Failure::new(Exit::Unavailable, format!("{address}{path} answers {}", answer.status)))
        }
    };
    let failed = |e: String| Failure::new(Exit::Failed, format!("the checkpoint: {e}"));
    let note = Note::parse(&read("/checkpoint".into()).await?).map_err(|e| failed(e.to_string()))?;
    let checkpoint = Checkpoint::parse_text(note.text()).map_err(|e| failed(e.to_string()))?;
    if index >= checkpoint.size {
        return Err(Failure::input(format!("the ledger has {} entries, counted from 0", checkpoint.size)));
    }
    let bundle = index / tile::WIDTH;
    let width = (checkpoint.size - bundle * tile::WIDTH).min(tile::WIDTH);
    let path = EntriesPath { index: bundle, width: u16::try_from(width).expect("at most 256") };
    let broken = |what: &str| Failure::new(Exit::Failed, format!("{path}: {what}"));
    let entries =
        tile::decode_bundle(&read(format!("/{path}")).await?).map_err(|e| broken(&e.to_string()))?;
    let within = usize::try_from(index % tile::WIDTH).expect("below 256");
    let bytes = entries.into_iter().nth(within).ok_or_else(|| broken("too short"))?;
    String::from_utf8(bytes).map_err(|_| broken("an entry that is not text"))
}
