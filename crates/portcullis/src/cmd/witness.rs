//! `portcullis witness`: a witness alone, on somebody else's machine than the log's, or it is none.

use std::sync::Arc;

use ledger::note::VerifierKey;

use crate::cli::{Global, WitnessArgs, WitnessCommand};
use crate::clock::RealClock;
use crate::config::{Config, Witness};
use crate::exit::{Exit, Failure, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: WitnessArgs) -> Result<Exit> {
    let WitnessArgs { run: args, command } = args;
    let config = Config::open(&args.config.unwrap_or_else(|| global.home.join("portcullis.toml")))?;
    config.need(&["witness"])?;
    let settings = config.witness();
    if let Some(WitnessCommand::LetGo { origin }) = command {
        return let_go(global, &settings, &origin);
    }
    let vkey = plane::witness::start(&settings, args.demo, Arc::new(RealClock::new())).await?;
    out::note(format_args!(
        "witness: {}, watches {}\nin a policy: witness {vkey}",
        super::desk::at(settings.listen),
        settings.logs.join(", ")
    ));
    out::data("portcullis ready");
    plane::stopped().await?;
    Ok(Exit::Ok)
}

/// What was promised under a key that the log has no more.
fn let_go(global: &Global, settings: &Witness, origin: &str) -> Result<Exit> {
    let keys = settings.logs.iter().filter_map(|text| VerifierKey::parse(text).ok());
    let log = keys.into_iter().find(|key| key.name() == origin).ok_or_else(|| {
        Failure::input(format!("witness.logs names no log {origin:?}"))
            .next("write the log's new key there first")
    })?;
    let aside = relay::witness::Witness::let_go(&settings.dir, &log)
        .map_err(|e| Failure::refused(format!("nothing was put aside: {e}")))?;
    match aside {
        Some(file) => out::made(global, "aside", file.display()),
        None => out::note("nothing was promised for this log; nothing to put aside"),
    }
    Ok(Exit::Ok)
}
