//! The tail: a few small loops around one state, for as long as the edge runs.
//!
//! look: on a ring, or when a poll is due. bell: rings. tick: what begins or ends by time. report: receipts.
//! forward: undos to the desk, and to each peer. compare: the checkpoints of others. configure: which sites are served.
//! They share nothing but [`Shared`], so none can hold up another, and above all nothing can hold up an undo.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use policy::clock::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::bell::{self, Decoder, backoff, jitter};
use crate::compare::{self, COMPARE_EVERY, Comparer};
use crate::config::{self, Configure, Configurer};
use crate::effective::Effective;
use crate::http::{Base, Client, HttpError};
use crate::inbox;
use crate::load::OpenError;
use crate::look::{Looker, SPACING, Synced};
use crate::rekey::RekeyHandle;
use crate::report::{ReportError, Reporter};
use crate::shared::{Shared, Status, TailConfig};
use crate::sync::Refusal;
use crate::undo::{self, Forwarder, UndoHandle};

/// A look at the log at least this often while the bell is connected. Four of them fit into the minute after which
/// an edge calls itself stale.
pub const POLL: Duration = Duration::from_secs(15);

/// The same while the bell is not connected: then polls carry the news.
pub const POLL_WITHOUT_BELL: Duration = Duration::from_secs(2);

/// A receipt at least this often.
pub const REPORT_EVERY: Duration = Duration::from_secs(15);

/// How often the enforced time is written while something is enforced.
pub const SAVE_ELAPSED_EVERY: Duration = Duration::from_secs(5);

/// Follows one ledger for one edge.
pub struct Tail {
    shared: Arc<Shared>,
    bell: Base,
    looker: Looker,
    reporter: Reporter,
    forwarders: Vec<Forwarder>,
    comparer: Comparer,
    configurer: Option<Configurer>,
}

impl Tail {
    /// Opens the state directory and goes on with what it holds; no network is needed. What is in force is published
    /// before this returns.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was changed that would stand in the way of another try.
    pub fn open(config: TailConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let base = |url: &str| Base::parse(url).map_err(|e| OpenError::Url(e.to_string()));
        let (ledger, desk) = (base(&config.ledger_url)?, base(&config.relay_url)?);
        let all = |urls: &[String]| urls.iter().map(|url| base(url)).collect::<Result<Vec<_>, _>>();
        let (peers, witnesses) = (all(&config.peers)?, all(&config.witnesses)?);
        let monitored = compare::witness_path(&config.trust.origin);
        let shared = Arc::new(Shared::open(config, clock)?);
        Ok(Self {
            looker: Looker { shared: Arc::clone(&shared), ledger: Client::new(ledger), rekey_tried: None },
            reporter: Reporter { shared: Arc::clone(&shared), desk: Client::new(desk.clone()) },
            forwarders: [(&desk, undo::PATH)]
                .into_iter()
                .chain(peers.iter().map(|peer| (peer, undo::EDGE_PATH)))
                .enumerate()
                .map(|(place, (base, path))| Forwarder {
                    shared: Arc::clone(&shared),
                    to: Client::new(base.clone()),
                    path,
                    place,
                })
                .collect(),
            comparer: Comparer {
                others: peers
                    .into_iter()
                    .map(|peer| (Client::new(peer), compare::EDGE_PATH.to_owned()))
                    .chain(witnesses.into_iter().map(|witness| (Client::new(witness), monitored.clone())))
                    .collect(),
                shared: Arc::clone(&shared),
            },
            bell: desk,
            configurer: None,
            shared,
        })
    }

    /// The snapshot that is served from the start: the last good one, if the log says which sites are served.
    #[must_use]
    pub fn config(&self) -> Option<Arc<[u8]>> {
        let inner = self.shared.lock();
        inner.config.as_ref().filter(|_| inner.configured()).map(|applied| Arc::clone(&applied.snapshot))
    }

    /// Names whoever serves sites; without it configurations are not followed.
    pub fn configure(&mut self, to: Arc<dyn Configure>) {
        let desk = Client::new(self.bell.clone());
        self.configurer = Some(Configurer {
            shared: Arc::clone(&self.shared),
            desk,
            to,
            taking: Arc::new(Semaphore::new(1)),
            patience: config::TAKING,
        });
    }

    /// What is in force, now and at every change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Effective>> {
        self.shared.subscribe()
    }

    /// Where the edge hands in the undo notes it is given.
    #[must_use]
    pub fn undo_handle(&self) -> UndoHandle {
        UndoHandle { shared: Arc::clone(&self.shared) }
    }

    /// Where the edge hands in notes that name a new log key.
    #[must_use]
    pub fn rekey_handle(&self) -> RekeyHandle {
        RekeyHandle { shared: Arc::clone(&self.shared) }
    }

    /// A view of how the tail stands that outlives [`Tail::run`]'s taking it.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor { shared: Arc::clone(&self.shared) }
    }

    /// One look at the log: for tests, and for commands that look once.
    ///
    /// # Errors
    /// [`Refusal`]: nothing changed; it was counted.
    pub async fn sync_once(&mut self) -> Result<Synced, Refusal> {
        self.looker.sync_once().await
    }

    /// Sends one receipt.
    ///
    /// # Errors
    /// [`ReportError`]
    pub async fn report_once(&mut self) -> Result<(), ReportError> {
        self.reporter.report_once().await
    }

    /// Forwards the undos that are due. Gives how many were taken.
    pub async fn forward_once(&mut self) -> u64 {
        let mut taken = 0;
        for forwarder in &mut self.forwarders {
            taken += forwarder.forward_once().await;
        }
        taken
    }

    /// Asks peers and witnesses for their checkpoints. Gives how many agree with ours.
    pub async fn compare_once(&mut self) -> u64 {
        self.comparer.compare_once().await
    }

    /// Goes to the newest configuration of the log. True when another one is served now.
    pub async fn configure_once(&mut self) -> bool {
        match &mut self.configurer {
            Some(configurer) => configurer.configure_once().await,
            None => false,
        }
    }

    /// What the second hand does in [`Tail::run`]: publishes what began or ended by time alone.
    pub fn tick(&self) {
        self.shared.tick();
    }

    /// Takes the notes that people put into the inbox; [`Tail::run`] does so once a second.
    pub fn look_into_inbox(&self) {
        inbox::look(&self.shared, &self.shared.dir.inbox());
    }

    /// Writes how long each measure has been enforced; [`Tail::run`] does so by itself.
    pub fn save_elapsed(&self) {
        self.shared.save_elapsed(&mut self.shared.lock());
    }

    /// Follows the ledger until `stop` is ready. Wants a runtime of its own kind: it does small blocking writes.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let shared = Arc::clone(&self.shared);
        let mut forwarding = JoinSet::new();
        for forwarder in self.forwarders {
            forwarding.spawn(forward_loop(forwarder));
        }
        let loops = async {
            tokio::join!(
                look_loop(&mut self.looker),
                bell_loop(&shared, &self.bell),
                tick_loop(&shared),
                report_loop(&mut self.reporter),
                compare_loop(&mut self.comparer),
                configure_loop(self.configurer.as_mut()),
            )
        };
        tokio::select! {
            () = stop => {}
            _ = loops => {}
        }
        shared.save_elapsed(&mut shared.lock());
    }
}

/// Reads how the tail stands; cheap to clone.
#[derive(Clone)]
pub struct Monitor {
    shared: Arc<Shared>,
}

impl Monitor {
    /// The checkpoint it holds, as it was signed.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        self.shared.lock().held.as_ref()?.note.clone()
    }

    /// How it stands now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }
}

/// How long to wait for a ring before looking without one.
fn poll(bell_up: bool, who: &str, turn: u64) -> Duration {
    jitter(if bell_up { POLL } else { POLL_WITHOUT_BELL }, who, turn)
}

async fn look_loop(looker: &mut Looker) {
    let shared = Arc::clone(&looker.shared);
    let who = shared.config.edge_key.verifier().name().to_owned();
    for turn in 0.. {
        let began = Instant::now();
        // refusals are counted and shown; the next look is another chance
        if let Ok(synced) = looker.sync_once().await
            && synced.grown > 0
        {
            tracing::info!(
                size = synced.size,
                grown = synced.grown,
                missing = synced.missing,
                "log followed"
            );
        }
        let wait = poll(shared.bell_up.load(Ordering::Relaxed), &who, turn);
        // no ring within `wait` is as good a reason to look as a ring
        timeout(wait, shared.look.notified()).await.unwrap_or_default();
        sleep(SPACING.saturating_sub(began.elapsed())).await;
    }
}

async fn bell_loop(shared: &Shared, base: &Base) {
    let who = shared.config.edge_key.verifier().name().to_owned();
    let mut attempt = 0;
    loop {
        let rang = listen(shared, base).await;
        if shared.bell_up.swap(false, Ordering::Relaxed) {
            // polls must become frequent now, not after the long wait that has begun
            shared.look.notify_one();
        }
        attempt = if rang { 0 } else { attempt + 1 };
        // the desk took a receipt: it is back, and there is nothing to wait for
        timeout(backoff(attempt, &who), shared.desk_back.notified()).await.unwrap_or_default();
    }
}

/// Listens until the stream ends, goes silent, or says something strange. True when it rang at least once.
async fn listen(shared: &Shared, base: &Base) -> bool {
    let mut rang = false;
    let mut body = match Client::stream(base, bell::PATH, bell::MEDIA_TYPE).await {
        Ok(body) => body,
        Err(e) => {
            tracing::debug!(error = %e, "no bell");
            return rang;
        }
    };
    shared.bell_up.store(true, Ordering::Relaxed);
    // A desk that has just started signs nothing before an edge has said what it holds.
    shared.report.notify_one();
    let mut decoder = Decoder::default();
    while let Ok(Some(Ok(frame))) = timeout(bell::SILENCE, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        match decoder.push(&data) {
            Ok(None) => {}
            Ok(Some(size)) => {
                rang = true;
                // a ring for what we have is no news, and so a bell that repeats itself costs nothing
                if size > shared.status_size() {
                    shared.look.notify_one();
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "the bell is dropped");
                shared.refuse("bell");
                return rang;
            }
        }
    }
    rang
}

async fn tick_loop(shared: &Shared) {
    let mut saved = shared.clock.mono();
    loop {
        sleep(Duration::from_secs(1)).await;
        shared.tick();
        shared.prune();
        inbox::look(shared, &shared.dir.inbox());
        let now = shared.clock.mono();
        if now.saturating_sub(saved) >= SAVE_ELAPSED_EVERY {
            saved = now;
            let mut inner = shared.lock();
            if inner.elapsed.running() {
                shared.save_elapsed(&mut inner);
            }
        }
    }
}

async fn report_loop(reporter: &mut Reporter) {
    let shared = Arc::clone(&reporter.shared);
    let who = shared.config.edge_key.verifier().name().to_owned();
    for turn in 0.. {
        let reported = reporter.report_once().await;
        match &reported {
            Ok(()) if !shared.bell_up.load(Ordering::Relaxed) => shared.desk_back.notify_waiters(),
            Ok(()) => {}
            Err(e) => tracing::debug!(error = %e, "no receipt"),
        }
        let wait = jitter(report_again(&reported), &who, turn);
        timeout(wait, shared.report.notified()).await.unwrap_or_default();
    }
}

/// A desk that is back signs nothing before its edges have reported, so one that could not be reached is tried as
/// often as its log is looked at. One that answered and said no is not pressed.
fn report_again(reported: &Result<(), ReportError>) -> Duration {
    match reported {
        Err(ReportError::Http(e)) if !matches!(e, HttpError::Status(_)) => POLL_WITHOUT_BELL,
        _ => REPORT_EVERY,
    }
}

async fn forward_loop(mut forwarder: Forwarder) {
    let mut accepted = forwarder.shared.forward.subscribe();
    loop {
        accepted.mark_unchanged();
        forwarder.forward_once().await;
        // nothing new within a second is as good a reason to look at what is due
        timeout(Duration::from_secs(1), accepted.changed()).await.ok();
    }
}

async fn compare_loop(comparer: &mut Comparer) {
    let who = comparer.shared.config.edge_key.verifier().name().to_owned();
    for turn in 0.. {
        comparer.compare_once().await;
        sleep(jitter(COMPARE_EVERY, &who, turn)).await;
    }
}

async fn configure_loop(configurer: Option<&mut Configurer>) {
    let Some(configurer) = configurer else { return std::future::pending().await };
    let shared = Arc::clone(&configurer.shared);
    loop {
        configurer.configure_once().await;
        // what was refused may be mended by then; what grows rings
        timeout(config::RETRY, shared.configure.notified()).await.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
