//! The config lane at an edge: which sites it serves, as the log says (DESIGN 6, no quiet block).
//!
//! The log has the hash of each snapshot and how many hostnames it takes something from; the desk gives the snapshot to
//! enrolled edges alone, because it names origins. What cannot be fetched, does not hash to what the log says, or takes
//! away more than it says changes nothing: the last good snapshot stays, over restarts too.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

use bytes::Bytes;
use ledger::Hash;
use ledger::note::{Note, NoteError, SigningKey, VerifierKey};
use policy::note::Config;
use policy::{MAX_SNAPSHOT, Time};

use crate::http::{Client, HttpError};
use crate::load::count;
use crate::receipt::MEDIA_TYPE;
use crate::shared::Shared;

/// Where the desk gives out snapshots.
pub const PATH: &str = "/relay/v1/config";

/// Largest request for a snapshot, bytes: six short lines and a signature.
pub const MAX_REQUEST: usize = 4096;

/// So long taking over may take: 20,000 certificates are read in seconds. Beyond it the edge says so, and tries again.
pub const TAKING: Duration = Duration::from_secs(60);

/// What was refused is tried again after this long: a certificate may have come.
pub const RETRY: Duration = Duration::from_secs(15);

const FIRST_LINE: &str = "portcullis-config-request/v1";

/// An edge asks for a snapshot: a signed note, so that nobody else learns where the origins are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The log it follows.
    pub origin: String,
    /// Its own name, the name of its key.
    pub edge: String,
    /// SHA-256 of the snapshot.
    pub snapshot: Hash,
    /// When it asks, by its own clock; the desk answers for some minutes.
    pub time: Time,
}

/// Why a request is not answered.
#[derive(Debug)]
pub enum RequestError {
    /// Not a signed note, or a bad signature of the edge.
    Note(NoteError),
    /// Not signed by the edge's key.
    Unsigned,
    /// The text is no request in its one spelling, or of another edge than the key's.
    Format,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(e) => write!(f, "the request is no valid signed note: {e}"),
            Self::Unsigned => f.write_str("the request is not signed by this edge's key"),
            Self::Format => f.write_str("this is no request for a configuration"),
        }
    }
}

impl core::error::Error for RequestError {}

impl From<NoteError> for RequestError {
    fn from(e: NoteError) -> Self {
        Self::Note(e)
    }
}

impl Request {
    /// The signed request.
    ///
    /// # Errors
    /// When the fields do not make a note.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, NoteError> {
        let text = self.text();
        let mut note = Note::new(&text)?;
        note.add(key.sign(&text));
        Ok(note.to_bytes())
    }

    fn text(&self) -> String {
        let Self { origin, edge, snapshot, time } = self;
        format!("{FIRST_LINE}\norigin {origin}\nedge {edge}\nconfig-sha256 {snapshot}\ntime {time}\n")
    }

    /// Opens a request that must come from `edge`.
    ///
    /// # Errors
    /// [`RequestError`]: nothing of it may be used.
    pub fn open(bytes: &[u8], edge: &VerifierKey) -> Result<Self, RequestError> {
        let note = Note::parse(bytes)?;
        if note.signers([edge])?.is_empty() {
            return Err(RequestError::Unsigned);
        }
        parse(note.text()).filter(|r| r.edge == edge.name()).ok_or(RequestError::Format)
    }
}

/// The edge a request *claims* to come from, to look up the key that [`Request::open`] then checks.
#[must_use]
pub fn claimed_edge(bytes: &[u8]) -> Option<String> {
    Some(parse(Note::parse(bytes).ok()?.text())?.edge)
}

fn parse(text: &str) -> Option<Request> {
    let mut lines = text.lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let mut value = |key: &str| {
        let value = lines.next()?.strip_prefix(key)?.strip_prefix(' ')?;
        Some(value).filter(|v| !v.is_empty() && !v.contains(char::is_whitespace))
    };
    let (origin, edge) = (value("origin")?.to_owned(), value("edge")?.to_owned());
    let snapshot = Hash::parse_hex(value("config-sha256")?)?;
    let request = Request { origin, edge, snapshot, time: Time::parse(value("time")?)? };
    // One spelling, and nothing after it.
    (request.text() == text).then_some(request)
}

/// A configuration of the log with its snapshot, whose hash is right.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the log says.
    pub note: Config,
    /// The snapshot before it, where that is not the one of the step before: what was passed over took nothing away.
    pub previous: Option<Vec<u8>>,
    /// The snapshot.
    pub snapshot: Vec<u8>,
}

/// Whoever serves sites.
pub trait Configure: Send + Sync {
    /// Serves the last of `steps`. `base` is the snapshot of the log that is served now.
    ///
    /// # Errors
    /// Why not, in words; everything is served as before.
    fn apply(&self, base: Option<&[u8]>, steps: &[Step]) -> Result<(), String>;
}

/// A snapshot in effect, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) version: u64,
    pub(crate) snapshot: Arc<[u8]>,
    /// Its SHA-256.
    pub(crate) hash: Hash,
}

impl Applied {
    pub(crate) fn new(version: u64, snapshot: Vec<u8>) -> Self {
        Self { version, hash: Hash::of(&snapshot), snapshot: snapshot.into() }
    }
}

/// Follows the configurations of the log.
pub(crate) struct Configurer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) desk: Client,
    pub(crate) to: Arc<dyn Configure>,
    /// One is taken over at a time, also when nobody waits for it any more.
    pub(crate) taking: Arc<Semaphore>,
    /// [`TAKING`].
    pub(crate) patience: Duration,
}

/// What there is to do.
struct Work {
    base: Option<Arc<[u8]>>,
    steps: Vec<Config>,
}

impl Configurer {
    /// Goes to the newest configuration, if there is one to go to. What fails is counted and shown.
    pub(crate) async fn configure_once(&mut self) -> bool {
        let Some(work) = self.work() else {
            self.shared.lock().config_refused = None;
            return false;
        };
        let newest = work.steps.last().map_or(0, |note| note.version);
        let done = self.go(work).await;
        let mut inner = self.shared.lock();
        match done {
            Ok(applied) => {
                tracing::info!(version = applied.version, "configuration taken over");
                if let Err(e) = self.shared.dir.put_config(applied.version, &applied.snapshot) {
                    // It is served; after a restart the one before it would be, until the desk is asked again.
                    count(&mut inner.refused, "disk");
                    tracing::error!(error = %e, "the configuration was not saved");
                }
                inner.config = Some(applied);
                inner.config_refused = None;
                // What waited for these sites is judged now.
                self.shared.publish(&mut inner);
                self.shared.report.notify_one();
                true
            }
            Err(why) => {
                if inner.config_refused.as_ref() != Some(&why) {
                    tracing::error!(
                        version = newest,
                        "the configuration is not taken over, the last good one stays: {why}"
                    );
                    count(&mut inner.refused, "config");
                    inner.config_refused = Some(why);
                }
                false
            }
        }
    }

    fn work(&self) -> Option<Work> {
        let inner = self.shared.lock();
        let state = inner.state.as_ref()?;
        let newest = state.config().filter(|_| state.config_key().is_some())?;
        let base = inner.config.as_ref();
        let steps = match base {
            Some(base) if base.hash == newest.snapshot => return None,
            // Of a branch that was let go of, or changed on our disk: what is served is held against the newest alone.
            Some(base) if base.version >= newest.version => vec![newest.clone()],
            Some(base) => state.configs_after(base.version).into_iter().cloned().collect(),
            None => vec![newest.clone()],
        };
        Some(Work { base: base.map(|base| Arc::clone(&base.snapshot)), steps })
    }

    async fn go(&mut self, work: Work) -> Result<Applied, String> {
        let (mut steps, mut last) = (Vec::new(), work.base.as_deref().map(Hash::of));
        for note in work.steps {
            let previous = match note.previous.filter(|previous| Some(*previous) != last) {
                Some(previous) => Some(self.fetch(&previous).await?),
                None => None,
            };
            let snapshot = self.fetch(&note.snapshot).await?;
            last = Some(note.snapshot);
            steps.push(Step { note, previous, snapshot });
        }
        let (to, base) = (Arc::clone(&self.to), work.base);
        let alone = Arc::clone(&self.taking).try_acquire_owned();
        let alone = alone
            .map_err(|_| "an earlier attempt has not ended yet: a file of it does not answer".to_owned())?;
        // Certificates are read and a table is built; undos must not wait for that.
        let applied = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            to.apply(base.as_deref(), &steps)?;
            Ok::<_, String>(steps.pop())
        });
        let applied = tokio::time::timeout(self.patience, applied).await;
        let applied = applied.map_err(|_| "it takes too long: a file of it does not answer".to_owned())?;
        let last = applied.map_err(|_| "taking it over failed".to_owned())??;
        let last = last.ok_or_else(|| "nothing to go to".to_owned())?;
        Ok(Applied::new(last.note.version, last.snapshot))
    }

    async fn fetch(&mut self, snapshot: &Hash) -> Result<Vec<u8>, String> {
        let config = &self.shared.config;
        let request = Request {
            origin: config.trust.origin.clone(),
            edge: config.edge_key.verifier().name().to_owned(),
            snapshot: *snapshot,
            time: self.shared.clock.now(),
        };
        let bytes = request.sign(&config.edge_key).map_err(|e| e.to_string())?;
        match self.desk.ask(PATH, MEDIA_TYPE, Bytes::from(bytes), MAX_SNAPSHOT).await {
            Ok((200, bytes)) if Hash::of(&bytes) == *snapshot => Ok(bytes.to_vec()),
            Ok((200, _)) => Err("the desk gave another snapshot than the log names".into()),
            Ok((403, _)) => Err("the desk does not know this edge's key; enrol it there".into()),
            Ok((status, _)) => Err(format!("the desk did not give the snapshot ({status})")),
            Err(e @ (HttpError::Io(_) | HttpError::Slow)) => Err(format!("the desk cannot be reached: {e}")),
            Err(e) => Err(format!("the snapshot was not fetched: {e}")),
        }
    }
}

#[cfg(test)]
mod tests;
