//! The inbox: where the press leaves what the public sends, and the desk takes it. One file each, so that the press needs
//! no way to write into the database, and what was acknowledged survives whatever happens to either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ledger::Hash;
use policy::case::facts::Answer;
use policy::report::{MAX_REPORT, Report};
use policy::room::{MAX_DOCUMENT, MAX_SAID, Said};
use policy::{Id, Time};

use crate::publish::blocking;
use crate::{Result, Store, StoreError, Told};

/// Reports that wait for the desk. It takes them every few seconds; so many wait when it has been dead for hours, and
/// with the largest ones they are 1.3 GB.
pub const MAX_WAITING: u64 = 10_000;

/// Files of authorities' answers that wait for the desk: a hundred with a document each are one GiB.
pub const MAX_ANSWERS_WAITING: usize = 200;

/// The folder beside the database.
const FOLDER: &str = "inbox";

/// The file in it that writers lock. Its dot keeps it from being taken for a report.
const WRITERS: &str = ".writers";

/// The end of the inbox that the public's side holds: it can put in, and nothing else. Clones share it.
#[derive(Clone, Debug)]
pub struct Inbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Held shared while this writer lives; whoever gets it alone knows that no other does.
    _alive: File,
    /// At least so many wait: counted anew when it reaches the limit.
    waiting: Mutex<u64>,
}

impl Inbox {
    /// The inbox of the store in `dir`; its folder is made if it is not there. What a writer that was killed left half
    /// written goes, unless another one lives and may be writing it.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(dir: &Path) -> Result<Inbox> {
        let folder = dir.join(FOLDER);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|e| StoreError::io("create", &folder, e))?;
        let alive = alive(&folder).map_err(|e| StoreError::io("lock", &folder.join(WRITERS), e))?;
        let waiting = count(&folder).map_err(|e| StoreError::io("read", &folder, e))?;
        Ok(Inbox { inner: Arc::new(Inner { folder, _alive: alive, waiting: Mutex::new(waiting) }) })
    }

    /// Keeps a report until the desk takes it. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Full`] when [`MAX_WAITING`] wait; [`StoreError::Conflict`] when its number is taken.
    pub async fn append(&self, report: &Report) -> Result<()> {
        let (inner, id, text) = (Arc::clone(&self.inner), report.id.clone(), report.to_string());
        blocking(move || {
            // One at a time: two fsyncs each, and nobody is better off with more of them under way.
            let mut waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if *waiting >= MAX_WAITING {
                *waiting = count(&inner.folder).map_err(|e| StoreError::io("read", &inner.folder, e))?;
            }
            if *waiting >= MAX_WAITING {
                return Err(StoreError::Full { what: "reports that wait", limit: MAX_WAITING });
            }
            write(&inner.folder, id.as_str(), text.as_bytes())?;
            *waiting += 1;
            Ok(())
        })
        .await
    }

    /// Keeps what was said in a room, with the document that was handed over. When this returns, both are on disk.
    ///
    /// # Errors
    /// As [`Inbox::append`].
    pub async fn append_said(&self, said: &Said, document: Option<Vec<u8>>) -> Result<()> {
        let (inner, id, text) = (Arc::clone(&self.inner), said.id.clone(), said.to_string());
        blocking(move || {
            // An authority's answer has room when reports have none.
            let _one_at_a_time = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let answers = names(&inner.folder).map_err(|e| StoreError::io("read", &inner.folder, e))?;
            if answers.filter(|name| name.starts_with("ans-")).count() >= MAX_ANSWERS_WAITING {
                return Err(StoreError::Full {
                    what: "answers that wait",
                    limit: MAX_ANSWERS_WAITING as u64,
                });
            }
            vacant(&inner.folder, id.as_str())?;
            if let Some(bytes) = document {
                // First: an answer that names a document has it. One of a writer that was killed in between is replaced.
                replace(&inner.folder, &format!("{id}{DOCUMENT}"), &bytes)?;
            }
            replace(&inner.folder, id.as_str(), text.as_bytes())
        })
        .await
    }

    /// What whoever holds a report's secret may know while it waits.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub async fn told(&self, id: &Id, secret: &Hash) -> Result<Option<Told>> {
        let file = self.inner.folder.join(id.as_str());
        let text = blocking(move || match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("read", &file, e)),
        });
        let report = text.await?.and_then(|text| Report::parse(&text).ok()).filter(|r| r.secret == *secret);
        Ok(report.map(|r| Told { received: r.received, category: r.category, decided: None }))
    }
}

/// Says that a writer lives, after it has cleared up where none does. A file system without locks keeps its leftovers:
/// they take room and nothing else.
fn alive(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(folder.join(WRITERS))?;
    if file.try_lock().is_ok() {
        for name in half_written(folder)? {
            fs::remove_file(folder.join(name))?;
        }
        file.unlock()?;
    }
    match file.lock_shared() {
        Err(e) if e.kind() != io::ErrorKind::Unsupported => Err(e),
        _ => Ok(file),
    }
}

/// What [`replace`] makes before it renames, and nothing else: a dot and the number of a report or an answer, or its
/// document's name; and documents whose answer is not there, because it was never written or was taken.
fn half_written(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.filter_map(|item| item.ok()?.file_name().into_string().ok());
    let number =
        |id: &str, kinds: &[&str]| kinds.iter().any(|kind| id.starts_with(kind)) && Id::parse(id).is_some();
    let ours = |name: &String| match (name.strip_prefix('.'), name.strip_suffix(DOCUMENT)) {
        (Some(id), _) => number(id.strip_suffix(DOCUMENT).unwrap_or(id), &["rpt-", "ans-"]),
        (None, Some(id)) => number(id, &["ans-"]) && !folder.join(id).exists(),
        (None, None) => false,
    };
    Ok(names.filter(ours).collect())
}

/// Files that are whole: a name that begins with a dot is still being written, or was when somebody pulled the plug.
fn names(folder: &Path) -> io::Result<impl Iterator<Item = String>> {
    let names = fs::read_dir(folder)?.filter_map(|item| item.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| !name.starts_with('.')))
}

fn count(folder: &Path) -> io::Result<u64> {
    Ok(names(folder)?.count() as u64)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    vacant(folder, name)?;
    replace(folder, name, bytes)
}

fn vacant(folder: &Path, name: &str) -> Result<()> {
    if folder.join(name).exists() {
        return Err(StoreError::Conflict(format!("{name} is there already")));
    }
    Ok(())
}

fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (file, temporary) = (folder.join(name), folder.join(format!(".{name}")));
    let written = || {
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&temporary, &file)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|e| {
        // It would be overwritten; nobody reads it.
        drop(fs::remove_file(&temporary));
        StoreError::io("write", &file, e)
    })
}

/// What lies in the inbox under a name.
#[derive(Debug)]
pub enum Waiting {
    /// A report.
    Report(Box<Report>),
    /// What was said in a room, and the document that came with it.
    Said(Box<Said>, Option<Vec<u8>>),
    /// Something that is none; it was put aside under this name and is looked at no more.
    Unfit(String),
}

impl Store {
    /// Some of what waits in the inbox, in the order of its numbers, which is that of its coming. It stays there until
    /// [`Store::taken`].
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn waiting(&self, most: usize) -> Result<Vec<Waiting>> {
        let folder = self.dir().join(FOLDER);
        blocking(move || {
            let mut all: Vec<String> = match names(&folder) {
                Ok(names) => {
                    names.filter(|name| !name.ends_with(".unfit") && !name.ends_with(DOCUMENT)).collect()
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(e) => return Err(StoreError::io("read", &folder, e)),
            };
            all.sort_unstable();
            all.truncate(most);
            let mut found: Vec<Waiting> =
                all.into_iter().map(|name| open(&folder, name)).collect::<Result<_>>()?;
            // An objection and its withdrawal must not change places; and a room is opened before something is said there.
            found.sort_by_key(|it| match it {
                Waiting::Said(said, _) => (said.at, said.answer != Answer::Delivered),
                Waiting::Report(_) | Waiting::Unfit(_) => (Time(0), false),
            });
            Ok(found)
        })
        .await
    }

    /// Puts an answer aside that its case cannot take, with its document, so that it keeps nothing else waiting. A person
    /// looks at it.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub async fn aside(&self, id: &Id) -> Result<()> {
        let folder = self.dir().join(FOLDER);
        let names = [format!("{id}{DOCUMENT}"), id.to_string()];
        blocking(move || {
            for name in names {
                let file = folder.join(&name);
                match fs::rename(&file, folder.join(format!("{name}.unfit"))) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        return Err(StoreError::io("put aside", &file, e));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// A report of the inbox is in the database: its file goes.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub async fn taken(&self, id: &Id) -> Result<()> {
        let folder = self.dir().join(FOLDER);
        let (file, document) = (folder.join(id.as_str()), folder.join(format!("{id}{DOCUMENT}")));
        blocking(move || {
            for file in [file, document] {
                match fs::remove_file(&file) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        return Err(StoreError::io("remove", &file, e));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }
}

/// The end of the name of a document that came with an answer.
const DOCUMENT: &str = ".document";

/// What was said, with its document, if both are what they claim to be.
fn said(folder: &Path, name: &str) -> Option<Waiting> {
    let read = |name: &str, most: usize| {
        let file = folder.join(name);
        let fits = fs::metadata(&file).is_ok_and(|m| m.is_file() && m.len() <= most as u64);
        if fits { fs::read(&file).ok() } else { None }
    };
    let text = String::from_utf8(read(name, MAX_SAID)?).ok()?;
    let said = Said::parse(&text).ok().filter(|said| said.id.as_str() == name)?;
    let document = match &said.document {
        Some(named) => {
            let bytes = read(&format!("{name}{DOCUMENT}"), MAX_DOCUMENT)?;
            Some(Some(bytes).filter(|bytes| Hash::of(bytes) == named.sha256)?)
        }
        None => None,
    };
    Some(Waiting::Said(Box::new(said), document))
}

fn open(folder: &Path, name: String) -> Result<Waiting> {
    if let Some(said) = said(folder, &name) {
        return Ok(said);
    }
    let file = folder.join(&name);
    let fits = fs::metadata(&file).is_ok_and(|m| m.is_file() && m.len() <= MAX_REPORT as u64);
    let text = if fits { fs::read_to_string(&file).ok() } else { None };
    let report = text.and_then(|text| Report::parse(&text).ok()).filter(|report| report.id.as_str() == name);
    match report {
        Some(report) => Ok(Waiting::Report(Box::new(report))),
        None => {
            let aside = format!("{name}.unfit");
            fs::rename(&file, folder.join(&aside)).map_err(|e| StoreError::io("put aside", &file, e))?;
            Ok(Waiting::Unfit(aside))
        }
    }
}
