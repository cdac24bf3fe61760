//! A witness (C2SP tlog-witness): it signs that it has seen one history of a log, and never two.
//!
//! It judges by signature and proof alone and enforces nothing. What it promised is on disk before the answer leaves:
//! who forgets could promise twice.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ledger::Hash;
use ledger::checkpoint::{self, Checkpoint, CheckpointError};
use ledger::merkle::verify_consistency;
use ledger::note::{Note, Signature, SigningKey, VerifierKey};
use ledger::witness::{AddCheckpoint, size_answer};
use policy::Time;

/// Where checkpoints are handed in.
pub const ADD: &str = "/add-checkpoint";

/// The media type of the answer to a wrong `old`.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// What a witness answers (C2SP tlog-witness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: one cosignature line.
    Cosigned(Signature),
    /// 400: not the form, or `old` is larger than the checkpoint.
    Malformed(String),
    /// 403: the log's key has not signed it.
    NotSigned,
    /// 404: a log that this witness does not watch.
    Unknown,
    /// 409: it holds this size.
    Conflict(u64),
    /// 422: the proof does not show that it goes on from what is held. Both are kept when the log signed them.
    Unproven(String),
    /// 503: its disk failed, so it promises nothing.
    Disk(String),
}

impl Answer {
    /// Status, media type, body.
    #[must_use]
    pub fn http(&self) -> (u16, &'static str, String) {
        const PLAIN: &str = "text/plain; charset=utf-8";
        match self {
            Self::Cosigned(line) => (200, PLAIN, format!("{line}\n")),
            Self::Malformed(why) => (400, PLAIN, format!("{why}\n")),
            Self::NotSigned => (403, PLAIN, "the checkpoint is not signed by the log's key\n".into()),
            Self::Unknown => (404, PLAIN, "this witness does not watch that log\n".into()),
            Self::Conflict(size) => (409, SIZE_TYPE, size_answer(*size)),
            Self::Unproven(why) => (422, PLAIN, format!("{why}\n")),
            Self::Disk(why) => (503, PLAIN, format!("{why}\n")),
        }
    }
}

/// What to do with a request whose log is known: the checkpoint to promise, or the answer.
///
/// # Errors
/// The answer that is no cosignature.
pub fn decide(
    held: Option<&Checkpoint>,
    log: &VerifierKey,
    request: &AddCheckpoint,
) -> Result<(Checkpoint, Note), Answer> {
    let (shown, note) = checkpoint::open(&request.checkpoint, log).map_err(|e| match e {
        CheckpointError::NotSigned => Answer::NotSigned,
        other => Answer::Malformed(other.to_string()),
    })?;
    if request.old > shown.size {
        return Err(Answer::Malformed("`old` is larger than the checkpoint".into()));
    }
    let (size, root) = held.map_or((0, ledger::merkle::EMPTY_ROOT), |held| (held.size, held.root));
    if request.old != size {
        return Err(Answer::Conflict(size));
    }
    verify_consistency(size, &root, shown.size, &shown.root, &request.proof)
        .map_err(|e| Answer::Unproven(e.to_string()))?;
    Ok((shown, note))
}

/// A log that is watched.
struct Watched {
    log: VerifierKey,
    held: Option<Checkpoint>,
    /// As it was signed, with our cosignature.
    note: Vec<u8>,
}

/// A witness with its key and its memory. One process for one directory.
pub struct Witness {
    key: SigningKey,
    dir: PathBuf,
    logs: Mutex<BTreeMap<Hash, Watched>>,
    _lock: File,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").field("key", &self.key).field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Witness {
    /// Opens the directory and reads what was promised for each of these logs.
    ///
    /// # Errors
    /// When the directory is in use or cannot be read, and when a promise there is damaged: a witness that had forgotten
    /// it could promise another history.
    pub fn open(dir: &Path, key: SigningKey, logs: Vec<VerifierKey>) -> io::Result<Self> {
        let lock = lock(dir)?;
        let mut watched = BTreeMap::new();
        for log in logs {
            let name = Hash::of(log.name().as_bytes());
            let (held, note) = match fs::read(dir.join(name.to_string())) {
                Ok(note) => {
                    let held = promised(&note, &key, log.name()).ok_or_else(|| {
                        io::Error::new(
                            io::ErrorKind::InvalidData,
                            format!(
                                "{} is not what this witness wrote for {}: bring back an undamaged copy; without one, \
                                 make a new key, for this one may have promised what is forgotten",
                                dir.join(name.to_string()).display(),
                                log.name()
                            ),
                        )
                    })?;
                    (Some(held), note)
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => (None, Vec::new()),
                Err(e) => return Err(e),
            };
            watched.insert(name, Watched { log, held, note });
        }
        Ok(Self { key, dir: dir.to_owned(), logs: Mutex::new(watched), _lock: lock })
    }

    /// Puts aside what was promised for a log under a key that is not its key any more: its officers named a new one, and
    /// went on from before what we hold. From then on the first checkpoint that the new key shows is believed. Gives the
    /// file that keeps the old promise; `None` when there is nothing to put aside.
    ///
    /// # Errors
    /// When the directory is in use, and when `log` itself signed what was promised: of one key there is one history.
    pub fn let_go(dir: &Path, log: &VerifierKey) -> io::Result<Option<PathBuf>> {
        let _lock = lock(dir)?;
        let name = Hash::of(log.name().as_bytes());
        let file = dir.join(name.to_string());
        let kept = match fs::read(&file) {
            Ok(kept) => kept,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let note = Note::parse(&kept).map_err(|e| invalid(e.to_string()))?;
        if note.signers([log]).map_err(|e| invalid(e.to_string()))?.is_empty() {
            let free = |n: &u64| !dir.join(format!("{name}.before-{n}")).exists();
            let n = (1..).find(free).unwrap_or(u64::MAX);
            let aside = dir.join(format!("{name}.before-{n}"));
            fs::rename(&file, &aside)?;
            File::open(dir)?.sync_all()?;
            return Ok(Some(aside));
        }
        Err(invalid(format!(
            "{log} signed what this witness promised; of one key it sees one history, for ever"
        )))
    }

    /// The key that stands in policies.
    #[must_use]
    pub fn cosigner(&self) -> VerifierKey {
        self.key.cosigner()
    }

    /// Judges a request; a cosignature is on disk before it is given.
    pub fn add(&self, body: &[u8], now: Time) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(e) => return Answer::Malformed(e.to_string()),
        };
        let origin = crate::load::unproven(&request.checkpoint).map(|c| c.origin);
        let Some(origin) = origin else { return Answer::Malformed("what follows is no checkpoint".into()) };
        let name = Hash::of(origin.as_bytes());
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watched) = logs.get_mut(&name) else { return Answer::Unknown };
        let (shown, note) = match decide(watched.held.as_ref(), &watched.log, &request) {
            Ok(good) => good,
            Err(answer) => {
                if matches!(answer, Answer::Unproven(_)) {
                    tracing::error!(log = %origin, "the log signed what does not go on from what we hold; both are kept");
                    self.keep_evidence(&name, &watched.note, &request.checkpoint);
                }
                return answer;
            }
        };
        let line = self.key.cosign(note.text(), now.0);
        let mut promise = match Note::new(note.text()) {
            Ok(promise) => promise,
            Err(e) => return Answer::Malformed(e.to_string()),
        };
        // The log's line and ours, and nobody else's: what we keep has a bound.
        for signature in note.signatures().iter().filter(|s| watched.log.is_named_by(s)).take(1) {
            promise.add(signature.clone());
        }
        promise.add(line.clone());
        let bytes = promise.to_bytes();
        if let Err(e) = self.write(&name.to_string(), &bytes) {
            return Answer::Disk(format!("nothing is promised, the disk failed: {e}"));
        }
        tracing::info!(log = %origin, size = shown.size, "cosigned");
        (watched.held, watched.note) = (Some(shown), bytes);
        Answer::Cosigned(line)
    }

    /// The newest checkpoint of a log, cosigned, by the hash of its origin.
    #[must_use]
    pub fn checkpoint(&self, origin: &Hash) -> Option<Vec<u8>> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.get(origin).filter(|w| w.held.is_some()).map(|w| w.note.clone())
    }

    /// One pair a log: it proves all there is to prove.
    fn keep_evidence(&self, name: &Hash, ours: &[u8], theirs: &[u8]) {
        let files = [(format!("{name}.fork-ours"), ours), (format!("{name}.fork-theirs"), theirs)];
        for (file, bytes) in files.iter().filter(|(file, _)| !self.dir.join(file).exists()) {
            if let Err(e) = self.write(file, bytes) {
                tracing::error!(error = %e, "the evidence of a fork could not be kept");
            }
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let to = self.dir.join(name);
        let tmp = self.dir.join(format!("{name}.tmp"));
        let mut file = File::create(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&tmp, &to)?;
        File::open(&self.dir)?.sync_all()
    }
}

/// One process for one directory.
fn lock(dir: &Path) -> io::Result<File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let lock = File::create(dir.join("lock"))?;
    lock.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::ResourceBusy, "another witness uses this directory")
        }
        TryLockError::Error(e) => e,
    })?;
    Ok(lock)
}

/// The checkpoint that we promised, if we did.
fn promised(note: &[u8], key: &SigningKey, origin: &str) -> Option<Checkpoint> {
    let note = Note::parse(note).ok()?;
    let ours = note.signers([&key.cosigner()]).is_ok_and(|signers| !signers.is_empty());
    Checkpoint::parse_text(note.text()).ok().filter(|c| ours && c.origin == origin)
}

#[cfg(test)]
mod tests;
