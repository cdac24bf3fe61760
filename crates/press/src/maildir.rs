//! A mailbox in which mails arrive (Maildir): what complains becomes a report, and every mail is put away.
//!
//! A mail is moved only after its report is on disk. Whoever is killed in between reads the mail again, and as its number
//! comes from its bytes alone, the report is the same one.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ledger::Hash;
use policy::Time;
use store::StoreError;

use crate::mail::{self, MAX_MAIL, Reading};
use crate::report::Intake;

/// Names that are looked at in one round. What is beyond waits for the next one.
const LISTED: usize = 1_000;

/// The folder (Maildir++) of what cannot be read. A person looks at it.
const UNREADABLE: &str = ".Unreadable";
/// The folder of what machines wrote.
const AUTOMATIC: &str = ".Automatic";

/// What became of mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They are reports now.
    pub reports: u64,
    /// They were reports already.
    pub known: u64,
    /// Machines wrote them.
    pub automatic: u64,
    /// They cannot be read.
    pub unreadable: u64,
}

/// A mailbox.
#[derive(Debug)]
pub struct Maildir {
    dir: PathBuf,
    /// Since it was opened.
    total: Counts,
}

/// Why mails stay where they are for now.
#[derive(Debug)]
pub enum Stuck {
    /// The inbox is full.
    Full,
    /// Something is broken.
    Broken(String),
}

impl Maildir {
    /// The mailbox in `dir`. It must be there: whoever delivers into it makes it, and a wrong path would wait for mails
    /// for ever.
    ///
    /// # Errors
    /// When it has no `new`, or its other folders cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        if !dir.join("new").is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it is no Maildir: it has no folder `new`"));
        }
        for folder in ["cur", "tmp"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        for folder in [UNREADABLE, AUTOMATIC] {
            for sub in ["new", "cur", "tmp"] {
                fs::create_dir_all(dir.join(folder).join(sub))?;
            }
            fs::File::create(dir.join(folder).join("maildirfolder"))?;
        }
        Ok(Self { dir: dir.to_owned(), total: Counts::default() })
    }

    /// Takes what has arrived, and says what became of it.
    ///
    /// # Errors
    /// Why it stopped. What it has not put away stays in `new`.
    pub async fn take_in(&mut self, intake: &Intake, now: Time) -> Result<Counts, Stuck> {
        let new = self.dir.join("new");
        let names = tokio::task::spawn_blocking(move || arrived(&new)).await;
        let names = names.map_err(|e| Stuck::Broken(e.to_string()))?;
        let mut counts = Counts::default();
        for name in names.map_err(|e| Stuck::Broken(format!("cannot read {}: {e}", self.dir.display())))? {
            let file = self.dir.join("new").join(&name);
            // A mail on which the parser gives up altogether must not keep the next ones out.
            let reading = tokio::task::spawn_blocking(move || open(&file, now)).await;
            let reading = match reading {
                Ok(Ok(reading)) => reading,
                Ok(Err(e)) if e.kind() == io::ErrorKind::NotFound => continue,
                Ok(Err(e)) => return Err(Stuck::Broken(format!("cannot read {name} in `new`: {e}"))),
                Err(_) => {
                    Reading::Unreadable("our reader stopped at it; please tell whoever makes Portcullis")
                }
            };
            let place = self.keep(&name, reading, intake, now, &mut counts).await?;
            self.put_away(&name, place).map_err(|e| Stuck::Broken(format!("cannot put {name} away: {e}")))?;
        }
        Ok(counts)
    }

    /// Keeps what a mail says, and says where the mail goes.
    async fn keep(
        &mut self,
        name: &str,
        reading: Reading,
        intake: &Intake,
        now: Time,
        counts: &mut Counts,
    ) -> Result<&'static str, Stuck> {
        match reading {
            Reading::Report(mail) => {
                if keep(&mail, intake, now).await? {
                    (counts.reports, self.total.reports) = (counts.reports + 1, self.total.reports + 1);
                    tracing::info!(report = %mail.id, channel = %mail.channel, "a mail came in");
                } else {
                    (counts.known, self.total.known) = (counts.known + 1, self.total.known + 1);
                }
                Ok("")
            }
            Reading::Automatic(why) => {
                (counts.automatic, self.total.automatic) = (counts.automatic + 1, self.total.automatic + 1);
                tracing::info!(mail = ?name, why, all = self.total.automatic, "a mail is no report; kept in {AUTOMATIC}");
                Ok(AUTOMATIC)
            }
            Reading::Unreadable(why) => {
                (counts.unreadable, self.total.unreadable) =
                    (counts.unreadable + 1, self.total.unreadable + 1);
                tracing::warn!(mail = ?name, why, all = self.total.unreadable, "a mail cannot be read; look at it in {UNREADABLE}");
                Ok(UNREADABLE)
            }
        }
    }

    /// Moves a mail out of `new`: what nobody needs to look at is marked as seen.
    fn put_away(&self, name: &str, folder: &str) -> io::Result<()> {
        let plain = name.split_once(":2,").map_or(name, |(plain, _)| plain);
        let (sub, flags) = if folder == UNREADABLE { ("new", "") } else { ("cur", ":2,S") };
        let place = |n: u32| {
            let copy = if n == 0 { String::new() } else { format!(".{n}") };
            self.dir.join(folder).join(sub).join(format!("{plain}{copy}{flags}"))
        };
        // Names are given once; one that is there all the same must not be written over.
        let free = (0..).map(place).find(|file| !file.exists()).unwrap_or_else(|| place(0));
        match fs::rename(self.dir.join("new").join(name), free) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// Puts the report of a mail into the inbox; whether it was not there yet.
///
/// # Errors
/// When it cannot be kept now.
pub async fn keep(mail: &mail::Mail, intake: &Intake, now: Time) -> Result<bool, Stuck> {
    // Nobody gets a link by mail, so nobody knows the secret that would open it.
    let nobody = (intake.draw)().ok_or_else(|| Stuck::Broken("there is no randomness".into()))?;
    let report = mail.content.clone().report(mail.id.clone(), mail.channel, Hash::of(&nobody), now);
    match intake.inbox.append(&report).await {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(StoreError::Full { .. }) => Err(Stuck::Full),
        Err(e) => Err(Stuck::Broken(e.to_string())),
    }
}

/// What lies in `new`, in the order of its names, which begin with the time of delivery.
fn arrived(new: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(new)?.filter_map(|item| item.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).take(LISTED).collect();
    names.sort_unstable();
    Ok(names)
}

fn open(file: &Path, now: Time) -> io::Result<Reading> {
    // Nothing but a plain file: a link would have us read whatever it leads to.
    let about = fs::symlink_metadata(file)?;
    if !about.is_file() {
        return Ok(Reading::Unreadable("it is no file"));
    }
    if about.len() > MAX_MAIL as u64 {
        return Ok(Reading::Unreadable("it is larger than 10 MiB"));
    }
    let mut raw = Vec::new();
    fs::File::open(file)?.take(MAX_MAIL as u64 + 1).read_to_end(&mut raw)?;
    Ok(mail::read(&raw, now))
}
