//! `portcullis reports import`: a mail by hand.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use policy::clock::Clock as _;
use press::Intake;
use press::mail::{MAX_MAIL, Mail, Reading};
use serde_json::json;

use crate::cli::Global;
use crate::clock::RealClock;
use crate::config::Config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out, plane};

/// Takes a mail, or all that is new in a Maildir.
pub(super) async fn run(global: &Global, from: &Path) -> Result<Exit> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["desk"])?;
    let inbox = store::Inbox::open(&config.desk().dir).map_err(|e| {
        Failure::new(Exit::Io, format!("cannot take reports: {e}"))
            .next("run this on the press's machine, as the user that runs the press")
    })?;
    let intake = Intake { inbox, draw: Arc::new(|| home::random().ok()) };
    let now = RealClock::new().now();
    if from.is_dir() {
        let counts = plane::mail::open(from)?.take_in(&intake, now).await.map_err(|stuck| waits(&stuck))?;
        let found = json!({
            "reports": counts.reports, "known": counts.known, "automatic": counts.automatic, "unreadable": counts.unreadable,
        });
        if global.json {
            out::json(&found);
        } else {
            out::data(counts.reports);
            out::note(format_args!(
                "reports from mails; {} were known, {} are automatic (in .Automatic), {} cannot be read (in .Unreadable)",
                counts.known, counts.automatic, counts.unreadable
            ));
        }
        return Ok(Exit::Ok);
    }
    match press::mail::read(&raw(from)?, now) {
        Reading::Report(mail) => {
            let new = press::maildir::keep(&mail, &intake, now).await.map_err(|stuck| waits(&stuck))?;
            told(global, &mail, new);
            Ok(Exit::Ok)
        }
        Reading::Automatic(why) => {
            Err(Failure::refused(format!("this is no report but {why}"))
                .next("nothing was taken; keep the mail"))
        }
        Reading::Unreadable(why) => Err(Failure::input(format!("this cannot be read as a mail: {why}"))
            .next("nothing was taken; keep it")),
    }
}

fn told(global: &Global, mail: &Mail, new: bool) {
    if global.json {
        out::json(&json!({ "id": mail.id.as_str(), "channel": mail.channel.word(), "new": new }));
        return;
    }
    out::data(&mail.id);
    let about = mail.content.about.len();
    let known = if new { "" } else { "; it was there already, unless the desk has taken it" };
    out::note(format_args!(
        "{}, {about} addresses{known}; the desk takes it within seconds",
        mail.content.category
    ));
}

fn waits(stuck: &press::maildir::Stuck) -> Failure {
    Failure::new(Exit::Unavailable, plane::mail::words(stuck)).next("mails stay where they are; try again")
}

/// The message, or as much of it as says that it is too large.
fn raw(from: &Path) -> Result<Vec<u8>> {
    let mut raw = Vec::new();
    let most = MAX_MAIL as u64 + 1;
    let read = if from == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut raw)
    } else {
        std::fs::File::open(from).and_then(|file| file.take(most).read_to_end(&mut raw))
    };
    read.map_err(|e| Failure::io("read", from, &e))?;
    Ok(raw)
}
