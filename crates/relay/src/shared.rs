//! What the tail, the doorbell, the receipts and the undo handle share: one state behind one lock.
//!
//! The lock is never held over an await. Under it: fold, persist, publish, in this order, so that nobody enforces
//! what a restart would not find again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledger::Hash;
use ledger::merkle::Tree;
use ledger::note::{SigningKey, VerifierKey};
use policy::clock::Clock;
use policy::note::PolicyNote;
use policy::{Id, State, Time, Trust};
use tokio::sync::{Notify, watch};

use crate::compare::View;
use crate::config::Applied;
use crate::dir::{Dir, Found};
use crate::effective::{Clocks, Effective, Elapsed, effective};
use crate::load::{Held, OpenError, Refused, count, load};
use crate::undo::Kept;

/// With no successful look at the log for this long, an edge calls itself stale and stamps what it then finds as
/// caught up. Four polls of fifteen seconds.
pub const STALE_AFTER: Duration = Duration::from_secs(60);

/// Blobs that nobody needs go after at most this long.
pub(crate) const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// An undo that the log lacks after this long is an alarm (DESIGN 6).
pub const UNLOGGED_AFTER: u64 = 600;

/// What a tail needs to know.
pub struct TailConfig {
    /// The edge's own state directory; one per edge.
    pub dir: PathBuf,
    /// Where all trust begins.
    pub trust: Trust,
    /// Under this lie `checkpoint`, `tile/` and `blob/`, e.g. `http://127.0.0.1:8082/ledger`.
    pub ledger_url: String,
    /// Under this lies `/relay/v1/`, e.g. `http://127.0.0.1:8083`.
    pub relay_url: String,
    /// Other edges, e.g. `http://edge2.example`: undos are forwarded to them, and their checkpoints compared.
    pub peers: Vec<String>,
    /// Witnesses (C2SP tlog-witness monitoring prefixes), e.g. `http://witness.example`: their checkpoints are compared.
    pub witnesses: Vec<String>,
    /// The edge's key; its name is the edge's name.
    pub edge_key: SigningKey,
    /// Whether demonstration keys are taken.
    pub demo_allowed: bool,
}

/// How the tail stands: for status pages and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries under the held checkpoint.
    pub size: u64,
    /// Its root.
    pub root: Option<Hash>,
    /// What is enforced.
    pub measures: Vec<Id>,
    /// No successful look at the log for [`STALE_AFTER`].
    pub stale: bool,
    /// The doorbell is connected.
    pub bell: bool,
    /// Entries are missing on our disk and are being fetched again.
    pub incomplete: bool,
    /// Undo notes that the log does not hold yet.
    pub undos_pending: u64,
    /// Those of them that are older than [`UNLOGGED_AFTER`]: an alarm.
    pub undos_unlogged: u64,
    /// The log's key signed two histories: nothing new is taken until the policy quorum names another key.
    pub frozen: bool,
    /// Peers and witnesses whose last checkpoint agrees with ours.
    pub views: u64,
    /// Somebody has held more of the log than our ledger server shows, for longer than [`STALE_AFTER`]: an alarm.
    pub held_back: bool,
    /// The version of the configuration that is served; `None`: the local sites file.
    pub config: Option<u64>,
    /// Whether the log says which sites are served, and not the local file.
    pub configured: bool,
    /// Why the newest configuration of the log is not served: an alarm. The last good one stays.
    pub config_refused: Option<String>,
    /// Evidence files of forks.
    pub fork_evidence: u64,
    /// What was refused since the start, by reason.
    pub refused: Refused,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) state: Option<State>,
    pub(crate) held: Option<Held>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) gap: bool,
    pub(crate) undos: Vec<Kept>,
    /// Undos that came by the log, for peers that do not hear of it.
    pub(crate) heard: Vec<Kept>,
    pub(crate) elapsed: Elapsed,
    pub(crate) refused: Refused,
    /// When the last successful look was, on the monotonic clock.
    pub(crate) last_sync: Option<Duration>,
    /// When one was by the wall clock, as the disk has it: at most [`STALE_AFTER`] older than the last.
    pub(crate) looked: Option<Time>,
    /// Subjects of earlier emergencies may have become available.
    pub(crate) look_back: bool,
    /// The log's key that signed two histories (vkey): nothing new is taken from it.
    pub(crate) forked: Option<String>,
    /// A policy with a new log key that the log did not show yet.
    pub(crate) rekey: Option<PolicyNote>,
    /// What peers and witnesses showed last, by their address.
    pub(crate) views: BTreeMap<String, View>,
    /// The configuration that is served.
    pub(crate) config: Option<Applied>,
    /// Why not the newest.
    pub(crate) config_refused: Option<String>,
    /// When blobs that nobody needs were removed last, on the monotonic clock.
    pub(crate) pruned: Option<Duration>,
    /// Posts the fold believes held, whose file was damaged.
    pub(crate) lost_posts: BTreeSet<Hash>,
}

impl Inner {
    /// Whose checkpoints are taken.
    pub(crate) fn log_key<'a>(&'a self, trust: &'a Trust) -> &'a VerifierKey {
        let folded = || self.state.as_ref().map_or(&trust.log, State::log_key);
        self.rekey.as_ref().map_or_else(folded, |policy| &policy.log)
    }

    /// Whether the log says which sites are served: from the first configuration it has, as long as the policy has a key
    /// for them.
    pub(crate) fn configured(&self) -> bool {
        self.state.as_ref().is_some_and(|s| s.config_key().is_some() && s.config().is_some())
    }

    fn newest(&self) -> Time {
        self.state.as_ref().map_or(Time(0), State::newest_logged)
    }
}

pub(crate) struct Shared {
    pub(crate) config: TailConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dir: Dir,
    inner: Mutex<Inner>,
    out: watch::Sender<Arc<Effective>>,
    pub(crate) bell_up: AtomicBool,
    /// Rung when it is time to look at the log.
    pub(crate) look: Notify,
    /// Rung when there is something new to report.
    pub(crate) report: Notify,
    /// Rung when the desk answers and the bell is not connected.
    pub(crate) desk_back: Notify,
    /// Rung when the log has grown: it may name another configuration.
    pub(crate) configure: Notify,
    /// Counts the undos that were accepted, so that each who forwards them wakes.
    pub(crate) forward: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn open(config: TailConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let dir = Dir::open(&config.dir)?;
        let shared = Self {
            config,
            clock,
            dir,
            inner: Mutex::default(),
            out: watch::Sender::default(),
            bell_up: AtomicBool::new(false),
            look: Notify::new(),
            report: Notify::new(),
            desk_back: Notify::new(),
            configure: Notify::new(),
            forward: watch::Sender::default(),
        };
        {
            let mut inner = shared.lock();
            shared.reload(&mut inner)?;
            let clocks = shared.clocks(&inner);
            inner.elapsed = match shared.dir.elapsed()? {
                Found::Whole(text) => Elapsed::parse(&text, &clocks).unwrap_or_default(),
                Found::Missing => Elapsed::default(),
                Found::Damaged => {
                    count(&mut inner.refused, "damaged");
                    shared.dir.set_aside("elapsed")?;
                    Elapsed::default()
                }
            };
            inner.looked = match shared.dir.looked()? {
                Found::Whole(looked) => Some(looked),
                Found::Missing => None,
                Found::Damaged => {
                    count(&mut inner.refused, "damaged");
                    shared.dir.set_aside("looked")?;
                    None
                }
            };
            inner.forked = match shared.dir.forked()? {
                Found::Whole(vkey) => Some(vkey),
                Found::Missing => None,
                Found::Damaged => {
                    count(&mut inner.refused, "damaged");
                    shared.dir.set_aside("forked")?;
                    None
                }
            };
            inner.config = match shared.dir.config()? {
                Found::Whole((version, snapshot)) => Some(Applied::new(version, snapshot)),
                Found::Missing => None,
                Found::Damaged => {
                    count(&mut inner.refused, "damaged");
                    shared.dir.set_aside("config")?;
                    None
                }
            };
            inner.look_back = true;
            shared.publish(&mut inner);
        }
        Ok(shared)
    }

    /// Replaces what is in memory by what the directory holds. The caller publishes.
    pub(crate) fn reload(&self, inner: &mut Inner) -> Result<(), OpenError> {
        let mut loaded = load(&self.dir, &self.config.trust, self.config.demo_allowed, self.clock.now())?;
        if let Some(state) = &mut loaded.state {
            let now = self.clock.now();
            for hash in [state.wanted(now), state.counted(now)].concat() {
                match self.dir.blob(&hash)? {
                    Found::Whole(blob) => {
                        state.hold(&blob);
                    }
                    Found::Damaged => {
                        count(&mut loaded.refused, "damaged");
                        self.dir.set_aside(&format!("blobs/{hash}"))?;
                    }
                    Found::Missing => {}
                }
            }
        }
        for (code, n) in loaded.refused {
            *inner.refused.entry(code).or_default() += n;
        }
        inner.undos = loaded.undos.into_iter().filter_map(Kept::new).collect();
        inner.state = loaded.state;
        inner.held = loaded.held;
        inner.tree = Arc::new(loaded.tree);
        inner.gap = loaded.gap;
        // What was folded already is in the log, and needs no note beside it.
        inner.rekey = match self.dir.rekey()? {
            Found::Whole(note) => self.would_rekey(inner, &note).ok(),
            Found::Missing | Found::Damaged => None,
        };
        Ok(())
    }

    /// Keeps both checkpoints as proof. What is enforced stays enforced; of a log whose key signed two histories nothing
    /// new is taken until the policy quorum names another key.
    pub(crate) fn fork(&self, held: Option<&Held>, note: &[u8], size: u64) {
        let ours = held.and_then(|h| h.note.as_ref().map(|note| (h.checkpoint.size, note.as_slice())));
        for (size, note) in ours.into_iter().chain([(size, note)]) {
            if let Err(e) = self.dir.put_evidence(size, note) {
                tracing::error!(error = %e, "the evidence of a fork could not be kept");
            }
        }
        let mut inner = self.lock();
        let key = inner.log_key(&self.config.trust).to_string();
        if inner.forked.as_ref() != Some(&key) {
            if let Err(e) = self.dir.put_forked(&key) {
                count(&mut inner.refused, "disk");
                tracing::error!(error = %e, "that the log forked could not be kept");
            }
            inner.forked = Some(key);
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock leaves at worst a fold that was not swapped in: the state is whole either way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Effective>> {
        self.out.subscribe()
    }

    pub(crate) fn effective(&self) -> Arc<Effective> {
        Arc::clone(&self.out.borrow())
    }

    pub(crate) fn clocks(&self, inner: &Inner) -> Clocks {
        Clocks { wall: self.clock.now(), mono: self.clock.mono(), newest: inner.newest() }
    }

    pub(crate) fn refuse(&self, code: &'static str) {
        count(&mut self.lock().refused, code);
    }

    /// Gives the data plane what is in force now, if that changed.
    pub(crate) fn publish(&self, inner: &mut Inner) {
        let clocks = self.clocks(inner);
        let Some(state) = &inner.state else { return };
        let (measures, size) = (state.at(clocks.floor()), state.size());
        let before = self.effective();
        let mut posts = BTreeMap::new();
        for hash in measures.iter().map(|m| m.post) {
            if let Some(post) = before.posts.get(&hash) {
                posts.insert(hash, Arc::clone(post));
                continue;
            }
            match self.dir.blob(&hash) {
                Ok(Found::Whole(post)) => {
                    posts.insert(hash, Arc::from(post));
                }
                // The fold was told that we hold it: its file broke since. Not explainable, so not enforced.
                Ok(Found::Missing | Found::Damaged) | Err(_) => {
                    if inner.lost_posts.insert(hash) {
                        count(&mut inner.refused, "damaged");
                        // It is fetched by the next look, which must not be a poll away.
                        self.look.notify_one();
                    }
                }
            }
        }
        let newest = state.config().filter(|_| state.config_key().is_some());
        let served = inner.config.as_ref().map(|applied| applied.hash);
        let sites_behind = newest.is_some_and(|newest| Some(newest.snapshot) != served);
        let after = effective(measures, &posts, &mut inner.elapsed, &clocks, size);
        let after = Effective { sites_behind, ..after };
        if after == *before {
            return;
        }
        self.out.send_replace(Arc::new(after));
        self.save_elapsed(inner);
        self.report.notify_one();
    }

    /// Once a second: what begins or ends by time alone.
    pub(crate) fn tick(&self) {
        let mut inner = self.lock();
        self.publish(&mut inner);
        let (now, mut alarms) = (self.clock.now(), 0);
        let Inner { state, undos, .. } = &mut *inner;
        for kept in undos.iter_mut().filter(|k| !k.alarmed && k.unlogged(state.as_ref(), now)) {
            kept.alarmed = true;
            alarms += 1;
            tracing::error!(id = %kept.id, "an undo accepted here is not in the log after ten minutes");
        }
        for _ in 0..alarms {
            count(&mut inner.refused, "undo-unlogged");
        }
    }

    /// Writes how long each measure has been enforced. What is lost when this fails is at most the time since the
    /// last success, and only if the wall clock is set back as well.
    pub(crate) fn save_elapsed(&self, inner: &mut Inner) {
        let clocks = self.clocks(inner);
        if let Some(state) = &inner.state {
            let over =
                |id: &Id| state.decision(id).is_none_or(|d| d.lifted.is_some() || d.until() <= clocks.newest);
            inner.elapsed.retain(|id| !over(id));
        }
        if let Err(e) = self.dir.put_elapsed(&inner.elapsed.to_text(&clocks)) {
            count(&mut inner.refused, "disk");
            tracing::error!(error = %e, "the enforced time was not saved");
        }
    }

    /// Removes what no decision needs any more, from time to time. An erased subject is gone from here too.
    pub(crate) fn prune(&self) {
        let (now, mono) = (self.clock.now(), self.clock.mono());
        let mut inner = self.lock();
        if inner.gap || inner.pruned.is_some_and(|at| mono.saturating_sub(at) < PRUNE_EVERY) {
            return;
        }
        let Some(state) = &mut inner.state else { return };
        state.forget(now);
        let needed = state.needed(now);
        match self.dir.keep_blobs(&needed) {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "blobs that nobody needs any more were removed"),
            Err(e) => {
                tracing::error!(error = %e, "blobs that nobody needs could not be removed");
                count(&mut inner.refused, "disk");
            }
        }
        inner.pruned = Some(mono);
    }

    pub(crate) fn stale(&self, inner: &Inner) -> bool {
        inner.gap || inner.last_sync.is_none_or(|at| self.clock.mono().saturating_sub(at) > STALE_AFTER)
    }

    /// Entries under the held checkpoint.
    pub(crate) fn status_size(&self) -> u64 {
        self.lock().held.as_ref().map_or(0, |h| h.checkpoint.size)
    }

    pub(crate) fn status(&self) -> Status {
        let inner = self.lock();
        let now = self.clock.now();
        let state = inner.state.as_ref();
        let undos = |test: &dyn Fn(&Kept) -> bool| inner.undos.iter().filter(|k| test(k)).count() as u64;
        Status {
            size: inner.held.as_ref().map_or(0, |h| h.checkpoint.size),
            root: inner.held.as_ref().map(|h| h.checkpoint.root),
            measures: self.effective().measures.iter().map(|a| a.measure.id.clone()).collect(),
            stale: self.stale(&inner),
            bell: self.bell_up.load(Ordering::Relaxed),
            incomplete: inner.gap,
            undos_pending: undos(&|k| k.pending(state)),
            undos_unlogged: undos(&|k| k.unlogged(state, now)),
            frozen: inner.forked.as_ref() == Some(&inner.log_key(&self.config.trust).to_string()),
            views: inner.views.values().filter(|v| v.agrees).count() as u64,
            held_back: inner.views.values().any(|v| v.held_back(self.clock.mono())),
            config: inner.config.as_ref().filter(|_| inner.configured()).map(|applied| applied.version),
            configured: inner.configured(),
            config_refused: inner.config_refused.clone(),
            fork_evidence: self.dir.evidence().map_or(0, |names| names.len() as u64),
            refused: inner.refused.clone(),
        }
    }
}
