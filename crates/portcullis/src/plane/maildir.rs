//! The mailbox of the press: mails become reports, in the press's process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use policy::clock::Clock;
use press::Intake;
use press::maildir::{Maildir, Stuck};

use crate::exit::{Exit, Failure, Result};

/// How often the mailbox is looked at. A mail waits for people, not for this.
const EVERY: Duration = Duration::from_secs(5);

/// Opens the mailbox, or says what is wrong with it.
pub(crate) fn open(dir: &Path) -> Result<Maildir> {
    Maildir::open(dir).map_err(|e| {
        Failure::new(Exit::Config, format!("the press cannot use the mailbox {}: {e}", dir.display()))
            .next("press.maildir names a Maildir that this user may write to; `mkdir -p DIR/new DIR/cur DIR/tmp` makes one")
    })
}

/// Takes what arrives, for ever. What goes wrong is said once, and mails wait.
pub(crate) async fn watch(mut maildir: Maildir, intake: Intake, clock: Arc<dyn Clock>) {
    let mut said = String::new();
    loop {
        let why = match maildir.take_in(&intake, clock.now()).await {
            Ok(_) => String::new(),
            Err(stuck) => words(&stuck),
        };
        if why != said && !why.is_empty() {
            tracing::error!(why, "mails wait in the mailbox");
        }
        said = why;
        tokio::time::sleep(EVERY).await;
    }
}

/// Why mails stay where they are.
pub(crate) fn words(stuck: &Stuck) -> String {
    match stuck {
        Stuck::Full => format!("{} reports wait for the desk already; is it running?", store::MAX_WAITING),
        Stuck::Broken(why) => why.clone(),
    }
}
