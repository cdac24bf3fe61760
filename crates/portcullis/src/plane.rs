//! Starts planes: each function takes the configuration's words and gives a running plane.

pub(crate) mod desk;
pub(crate) mod edge;
mod lane;
pub(crate) mod mail;
pub(crate) mod maildir;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod witness;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::edge::sites::Sites;

use crate::exit::{Exit, Failure, Result};
use crate::out;

/// How often the sites file is looked at. It is small, and people expect an edit to count while they watch.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Reads a sites file, or says everything that is wrong with it.
pub(crate) fn read_sites(file: &Path) -> Result<Sites> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::io("read the sites file", file, &e))?;
    parse_sites(file, &text).map_err(|words| Failure::new(Exit::Config, words))
}

fn parse_sites(file: &Path, text: &str) -> std::result::Result<Sites, String> {
    let base = file.parent().unwrap_or(Path::new(""));
    Sites::parse(text, base).map_err(|complaints| {
        let lines: Vec<String> = complaints.iter().map(|c| format!("\n  {}: {c}", file.display())).collect();
        format!("the sites file is wrong:{}", lines.concat())
    })
}

/// Calls `take` with every new content of the sites file, for ever, and tells what it says. What it refuses changes
/// nothing; the same words are told once.
pub(crate) async fn watch_sites(
    file: PathBuf,
    take: impl AsyncFn(&str) -> std::result::Result<String, String>,
) {
    let mut seen = std::fs::read_to_string(&file).ok();
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let now = std::fs::read_to_string(&file).ok();
        if now == seen {
            continue;
        }
        let taken = match &now {
            None => Err(format!("the sites file {} cannot be read", file.display())),
            Some(text) => take(text).await,
        };
        match taken {
            Ok(words) => out::note(format_args!("sites: {} {words}", file.display())),
            Err(words) => out::note(format_args!("sites: not taken over, the last good ones stay: {words}")),
        }
        seen = now;
    }
}

/// Whether a demonstration was asked for where one is; and never the other way round.
pub(crate) fn allow(trust: &policy::Trust, demo: bool) -> Result<()> {
    if trust.is_demo() && !demo {
        return Err(Failure::refused(format!(
            "{} is a demonstration: its keys lie open beside it",
            trust.origin
        ))
        .next("add --demo to run it all the same, never for real sites"));
    }
    Ok(())
}

/// Waits for Ctrl-C or a termination signal.
pub(crate) async fn stopped() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e: std::io::Error| Failure::new(Exit::Io, format!("cannot wait for signals: {e}"));
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
