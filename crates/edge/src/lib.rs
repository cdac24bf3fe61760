//! Carries requests: thread per core on hyper and rustls.
//!
//! Purpose: stands between visitors and origins, and enforces measures, with everything else dead.
//! Owns: listeners, connections, the host map, the measure table, the block page, the pool to origins.
//! Trusts: `relay` for what is in force (verified there), the sites file, the clock it is given.
//! Never: decides whether a measure is valid, opens a database, reads the environment, collects a streamed body.

pub mod bindings;
mod body;
mod control;
mod counters;
mod cut;
pub mod enforce;
mod exchange;
mod flood;
mod forward;
pub mod host;
pub mod hostmap;
pub mod interim;
pub mod limits;
mod line;
pub mod page;
mod pipeline;
mod pool;
mod serve;
pub mod sites;
mod stage;
mod tls;
mod tunnel;
pub mod wire;
mod worker;
mod world;

pub use counters::{Counters, Figure};
pub use host::Host;
pub use limits::Limits;
pub use page::Operator;
pub use sites::{Complaint, Sites};
pub use tls::Pem;

use control::Control;
use exchange::Ctx;
use policy::clock::Clock;
use relay::Effective;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// What the roof says about this edge.
#[derive(Clone, Debug)]
pub struct Config {
    /// Threads that carry requests; 0 counts as 1. Usually one per core.
    pub workers: usize,
    /// Addresses for clear HTTP/1.1. Port 0 takes a free one.
    pub http: Vec<SocketAddr>,
    /// Addresses for TLS with HTTP/2 and HTTP/1.1.
    pub https: Vec<SocketAddr>,
    /// For server names without a certificate of their own; without it, their handshakes fail.
    pub default_certificate: Option<Pem>,
    /// What the block page says about us.
    pub operator: Operator,
    /// A directory of this edge alone; holds the history of hostnames.
    pub state_dir: PathBuf,
    /// What visitors may take.
    pub limits: Limits,
}

/// What a note comes back with: words for people, both ways.
pub type NoteAnswer<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// Takes the notes that need no log and that anybody may bring; the roof connects it with `relay`.
pub trait Notes: Send + Sync {
    /// Verifies, persists, applies and forwards a lift or suspension of at most 4096 bytes. `Err` says why it has no
    /// effect.
    fn undo(&self, note: Vec<u8>) -> NoteAnswer<'_>;

    /// Verifies and persists a policy that names a new log key, of at most 64 KiB. `Err` says why it has no effect.
    fn rekey(&self, note: Vec<u8>) -> NoteAnswer<'_>;

    /// The checkpoint this edge holds, as it was signed, for whoever compares.
    fn checkpoint(&self) -> Option<Vec<u8>>;
}

/// A running edge. Dropping it lets the threads end by themselves.
pub struct EdgeHandle {
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    control: Arc<Control>,
    workers: Vec<Arc<Ctx>>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl std::fmt::Debug for EdgeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EdgeHandle({:?}, {:?})", self.http, self.https)
    }
}

/// Starts an edge. When it returns, its addresses take connections and what `effective` holds is enforced.
///
/// # Errors
/// An address that cannot be bound, a certificate or the state file that cannot be read.
pub fn start(
    config: Config,
    sites: &Sites,
    effective: watch::Receiver<Arc<Effective>>,
    notes: Arc<dyn Notes>,
    clock: Arc<dyn Clock>,
) -> io::Result<EdgeHandle> {
    let now = Arc::clone(&effective.borrow());
    let control = Arc::new(Control::open(&config, sites, now, notes, clock)?);
    let default = config.default_certificate.as_ref().map(tls::certify).transpose()?;
    let tls = tls::config(Arc::clone(&control.shared), default)?;
    let count = config.workers.max(1);
    let (http, mut sockets) = bind(&config.http, false, count)?;
    let (https, secured) = bind(&config.https, true, count)?;
    for (mine, more) in sockets.iter_mut().zip(secured) {
        mine.extend(more);
    }
    let limits = Arc::new(config.limits);
    let (stop, stopped) = watch::channel(false);
    let mut handle = EdgeHandle { http, https, control, workers: Vec::new(), stop, threads: Vec::new() };
    for (index, listeners) in sockets.into_iter().enumerate() {
        let acceptor = Some(tokio_rustls::TlsAcceptor::from(Arc::clone(&tls)));
        let shared = Arc::clone(&handle.control.shared);
        let ctx = Ctx::new(shared, Arc::clone(&limits), acceptor, limits.connections.div_ceil(count), count);
        handle.workers.push(Arc::clone(&ctx));
        let control = Arc::clone(&handle.control);
        let start = worker::Start { ctx, listeners, control, stop: stopped.clone() };
        handle.spawn(format!("edge-{index}"), move || worker::run(start))?;
    }
    let control = Arc::clone(&handle.control);
    handle.spawn("edge-control".into(), move || follow(&control, effective, stopped))?;
    Ok(handle)
}

type Listeners = Vec<(TcpListener, bool)>;

/// Binds each address once per worker; the first bind settles a port 0.
fn bind(
    addresses: &[SocketAddr],
    tls: bool,
    workers: usize,
) -> io::Result<(Vec<SocketAddr>, Vec<Listeners>)> {
    let mut bound = Vec::new();
    let mut sockets: Vec<Listeners> = (0..workers).map(|_| Vec::new()).collect();
    for address in addresses {
        let mut address = *address;
        for mine in &mut sockets {
            let listener = worker::listen(address)
                .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {address}: {e}")))?;
            address = listener.local_addr()?;
            mine.push((listener, tls));
        }
        bound.push(address);
    }
    Ok((bound, sockets))
}

/// The control thread: takes over each new effective state.
fn follow(
    control: &Control,
    mut effective: watch::Receiver<Arc<Effective>>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        effective.mark_changed();
        loop {
            let gone = tokio::select! {
                changed = effective.changed() => changed.is_err(),
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            if gone {
                // The relay is gone: what is in force stays so until its clocks end it.
                stop.wait_for(|stop| *stop).await.ok();
                return Ok(());
            }
            let now = Arc::clone(&effective.borrow_and_update());
            if let Err(error) = control.set_effective(now) {
                tracing::error!(%error, "measures are in force, but the state directory could not be written");
            }
        }
    })
}

impl EdgeHandle {
    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        self.threads.push(std::thread::Builder::new().name(name).spawn(run)?);
        Ok(())
    }

    /// Where it listens for clear HTTP, then for TLS.
    pub fn addresses(&self) -> (&[SocketAddr], &[SocketAddr]) {
        (&self.http, &self.https)
    }

    /// Takes over a sites file for the next request of every connection, or changes nothing. It reads certificates and
    /// writes the state directory, so an async caller wraps it in `spawn_blocking`.
    ///
    /// # Errors
    /// A certificate that cannot be read or does not fit its key; the state directory that cannot be written.
    pub fn set_sites(&self, sites: &Sites) -> io::Result<()> {
        self.control.set_sites(sites)
    }

    /// Totals over all workers.
    pub fn counters(&self) -> Counters {
        let mut total = Counters::default();
        for worker in &self.workers {
            worker.tally.add_to(&mut total);
        }
        let table = self.control.shared.table.load();
        total.measures = table.len() as u64;
        total.measures_refused = table.refused().len() as u64;
        let (kept, spared) = self.control.shared.moved();
        total.hostnames_kept = kept as u64;
        total.hostnames_spared = spared as u64;
        total
    }

    /// Takes no more connections, lets open exchanges end within the drain time, and returns when all threads have
    /// ended. It blocks that long, so an async caller wraps it in `spawn_blocking`.
    ///
    /// # Errors
    /// A worker that could not start its runtime.
    pub fn shutdown(self) -> io::Result<()> {
        self.stop.send_replace(true);
        for thread in self.threads {
            thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
        }
        Ok(())
    }
}
