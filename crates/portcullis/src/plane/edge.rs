//! One edge: the tail of the ledger on a thread of its own, and the engine that carries requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use edge::{EdgeHandle, Limits, NoteAnswer};
use policy::clock::Clock;
use relay::{Monitor, RekeyHandle, Tail, TailConfig, UndoHandle};
use tokio::sync::oneshot;

use super::lane::{Reader, Server};
use super::metrics::Source;
use crate::config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out, serve};

/// How often readiness is looked at while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waiting for longer than this is told; a multiple of [`LOOK_EVERY`].
const TELL_AFTER: Duration = Duration::from_secs(5);

/// A running edge.
pub(crate) struct Running {
    handle: Arc<EdgeHandle>,
    monitor: Monitor,
    stop: oneshot::Sender<()>,
    tail: std::thread::JoinHandle<std::io::Result<()>>,
}

/// Starts an edge: what its directory holds is enforced when this returns, whoever else is dead.
pub(crate) async fn start(
    config: &config::Edge,
    operator: &config::Operator,
    demo: bool,
    clock: Arc<dyn Clock>,
) -> Result<Running> {
    let trust = home::trust(&home::read_line(&config.trust)?)?;
    super::allow(&trust, demo)?;
    for address in config.listen.iter().chain(&config.listen_tls) {
        is_free(*address)?;
    }
    let metrics = match &config.metrics {
        Some(listen) => Some(serve::open("edge", listen).await?),
        None => None,
    };
    let mut tail = Tail::open(
        TailConfig {
            dir: config.dir.join("ledger"),
            trust,
            ledger_url: config.ledger.clone(),
            relay_url: config.relay.clone(),
            peers: config.peers.clone(),
            witnesses: config.witnesses.clone(),
            edge_key: home::machine_key(&config.key)?,
            demo_allowed: demo,
        },
        Arc::clone(&clock),
    )
    .map_err(|e| Failure::new(Exit::Io, format!("the edge cannot open {}: {e}", config.dir.display())))?;
    let reader = Reader::beside(&config.sites);
    let sites = match tail.config() {
        Some(snapshot) => {
            let sites = reader.read(&snapshot).map_err(|why| {
                let what =
                    format!("the configuration that this edge serves by the log cannot be read: {why}");
                Failure::new(Exit::Config, what)
            })?;
            let (sites, broken) = sites.usable();
            for why in broken {
                tracing::error!(
                    "served without TLS until this edge starts with its certificate again: {why}"
                );
            }
            sites
        }
        None => super::read_sites(&config.sites)?,
    };
    let (monitor, effective) = (tail.monitor(), tail.subscribe());
    let notes = Notes { undo: tail.undo_handle(), rekey: tail.rekey_handle(), tail: tail.monitor() };
    let settings = settings(config, operator);
    let handle = edge::start(settings, &sites, effective, Arc::new(notes), clock)
        .map_err(|e| Failure::new(Exit::Io, format!("the edge cannot start: {e}")))?;
    let (stop, stopped) = oneshot::channel();
    let handle = Arc::new(handle);
    tail.configure(Arc::new(Server { reader, engine: Arc::downgrade(&handle) }));
    let tail = follow(tail, stopped)?;
    if let Some(door) = metrics {
        let source = Source { engine: Arc::downgrade(&handle), tail: monitor.clone() };
        tokio::spawn(super::metrics::serve(door, source));
    }
    Ok(Running { handle, monitor, stop, tail })
}

/// The edge's sockets share a port between workers, so a second edge would silently take half of the visitors: a
/// plain bind first finds out.
fn is_free(address: SocketAddr) -> Result<()> {
    std::net::TcpListener::bind(address).map(drop).map_err(|e| serve::taken("edge", &address.to_string(), &e))
}

/// The tail writes small files and waits for them, so it has a thread and a runtime to itself.
fn follow(
    tail: Tail,
    stopped: oneshot::Receiver<()>,
) -> Result<std::thread::JoinHandle<std::io::Result<()>>> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(tail.run(async {
            // A dropped sender ends it as well.
            stopped.await.unwrap_or_default();
        }));
        Ok(())
    };
    std::thread::Builder::new()
        .name("tail".into())
        .spawn(run)
        .map_err(|e| Failure::new(Exit::Io, format!("cannot start a thread: {e}")))
}

impl Running {
    /// Returns when the edge has verified entry 0 of its ledger; says so when that takes long.
    pub(crate) async fn ready(&self, ledger: &str) {
        let mut waited = Duration::ZERO;
        while self.monitor.status().size == 0 {
            tokio::time::sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
            if waited == TELL_AFTER {
                out::note(format_args!("waiting for the ledger at {ledger}{}", self.refused()));
            }
        }
    }

    /// What the ledger's server gave that was refused, for people.
    fn refused(&self) -> String {
        let refused = self.monitor.status().refused;
        let words: Vec<String> = refused.iter().map(|(code, n)| format!("{code} ({n})")).collect();
        if words.is_empty() { String::new() } else { format!("; refused so far: {}", words.join(", ")) }
    }

    /// Follows the edge's own sites file for ever, as long as the log does not say which sites are served.
    pub(crate) async fn watch(&self, file: std::path::PathBuf) {
        let take = async |text: &str| {
            if self.monitor.status().configured {
                return Ok("counts only at the desk: the log says which sites this edge serves".into());
            }
            let sites = super::parse_sites(&file, text)?;
            self.handle.set_sites(&sites).map_err(|e| e.to_string())?;
            Ok("taken over".into())
        };
        super::watch_sites(file.clone(), take).await;
    }

    /// Lets open requests end, writes how long measures ran, and returns when all threads have ended.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let Self { handle, tail, .. } = self;
        let ended = tokio::task::spawn_blocking(move || {
            if let Some(handle) = Arc::into_inner(handle)
                && let Err(error) = handle.shutdown()
            {
                tracing::error!(%error, "edge");
            }
            tail.join()
        });
        if !matches!(ended.await, Ok(Ok(Ok(())))) {
            tracing::error!("the tail did not end well");
        }
    }
}

/// Hands notes that need no log to the tail. It waits for the disk, so not on a worker's own thread.
struct Notes {
    undo: UndoHandle,
    rekey: RekeyHandle,
    tail: Monitor,
}

/// Runs what waits for the disk, and gives its words.
fn aside<'a>(work: impl FnOnce() -> std::result::Result<String, String> + Send + 'static) -> NoteAnswer<'a> {
    Box::pin(async move {
        let failed = |_| Err("the edge failed over this note; bring it to another one".into());
        tokio::task::spawn_blocking(work).await.unwrap_or_else(failed)
    })
}

impl edge::Notes for Notes {
    fn undo(&self, note: Vec<u8>) -> NoteAnswer<'_> {
        let handle = self.undo.clone();
        aside(move || handle.undo(&note).map(|done| done.to_string()).map_err(|no| no.to_string()))
    }

    fn rekey(&self, note: Vec<u8>) -> NoteAnswer<'_> {
        let handle = self.rekey.clone();
        aside(move || match handle.rekey(&note) {
            Ok(policy) => {
                Ok(format!("policy {} has effect here: the log's key is {}", policy.version, policy.log))
            }
            Err(no) => Err(no.to_string()),
        })
    }

    fn checkpoint(&self) -> Option<Vec<u8>> {
        self.tail.checkpoint()
    }
}

fn settings(config: &config::Edge, operator: &config::Operator) -> edge::Config {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    edge::Config {
        workers: if config.workers == 0 { cores } else { config.workers },
        http: config.listen.clone(),
        https: config.listen_tls.clone(),
        default_certificate: None,
        operator: words(operator),
        state_dir: config.dir.join("sites"),
        limits: limits(config),
    }
}

fn limits(config: &config::Edge) -> Limits {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut limits = Limits::default();
    limits.rate = config.rate.map_or(limits.rate, narrow);
    limits.burst = config.burst.map_or(limits.burst, narrow);
    limits.connections_per_source =
        config.connections_per_source.map_or(limits.connections_per_source, narrow);
    limits.connections = config.connections.unwrap_or(limits.connections);
    within_files(&mut limits);
    limits
}

/// Files that are not connections: listeners, the ledger's files, the database and the planes beside the edge.
const OTHER_FILES: u64 = 512;

/// Every connection is an open file, and the system's usual soft limit is 1,024: it is raised as far as the hard limit
/// allows, and the edge takes no more connections than fit. Otherwise a flood of connections would keep the tail from
/// reading the ledger.
fn within_files(limits: &mut Limits) {
    let wanted = (limits.connections + limits.origin_connections) as u64;
    let files = rlimit::increase_nofile_limit(wanted + OTHER_FILES).unwrap_or(1024);
    let room = files.saturating_sub(OTHER_FILES).max(64);
    if room < wanted {
        out::note(format_args!(
            "edge: this process may open {files} files only, so it takes {room} connections instead of {wanted}; raise \
             the hard limit (LimitNOFILE= of systemd, ulimit -Hn)"
        ));
        let part = |n: usize| usize::try_from(n as u64 * room / wanted).unwrap_or(usize::MAX).max(1);
        (limits.connections, limits.origin_connections) =
            (part(limits.connections), part(limits.origin_connections));
    }
}

fn words(o: &config::Operator) -> edge::Operator {
    let o = o.clone();
    edge::Operator {
        name: o.name,
        url: o.url,
        appeal_url: o.appeal_url,
        appeal_email: o.appeal_email.unwrap_or_default(),
        abuse_email: o.abuse_email,
        security_email: o.security_email,
        press_email: o.press_email,
        service_email: o.service_email,
        help_url: o.help_url.unwrap_or_default(),
        // The ledger's page says how anybody verifies it; a page that nobody could check would not be worth more.
        check_url: o.check_url.unwrap_or_else(|| format!("{}/ledger", o.reasons_base)),
        reasons_base: o.reasons_base,
    }
}
