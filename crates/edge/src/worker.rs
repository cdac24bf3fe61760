//! One worker: a thread with its own runtime, listeners, pool and counters.

use crate::control::Control;
use crate::cut::Cut;
use crate::exchange::Ctx;
use crate::pipeline;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Connections that wait to be taken, per listener; Linux cuts it at `somaxconn` (4096).
const BACKLOG: i32 = 4096;
/// How often idle connections are looked for: a twentieth of the keep-alive time of 75 s is close enough.
const TIDY: Duration = Duration::from_secs(4);
/// Rest after a failed accept (no file descriptors), so that it does not spin.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// How often a worker that is shutting down looks whether it is done.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// A listener that shares its port with the other workers'.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What a worker starts with.
pub(crate) struct Start {
    pub(crate) ctx: Arc<Ctx>,
    /// Each with whether it speaks TLS.
    pub(crate) listeners: Vec<(TcpListener, bool)>,
    pub(crate) control: Arc<Control>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs until told to stop, then until open exchanges have ended or the drain time is over.
pub(crate) fn run(start: Start) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let Start { ctx, listeners, control, mut stop } = start;
        let mut tasks = tokio::task::JoinSet::new();
        for (listener, tls) in listeners {
            tasks.spawn(accept(Arc::clone(&ctx), tokio::net::TcpListener::from_std(listener)?, tls));
        }
        tasks.spawn(follow(Arc::clone(&ctx), control.changes()));
        tasks.spawn(tidy(Arc::clone(&ctx)));
        // An error means that the handle is gone: the same as stop.
        stop.wait_for(|stop| *stop).await.ok();
        drop(tasks);
        ctx.registry.pull_all(Cut::Soft);
        let drained = async {
            while !ctx.registry.is_empty() {
                sleep(DRAIN_LOOK).await;
            }
        };
        if timeout(ctx.limits.drain, drained).await.is_err() {
            tracing::info!("not everything ended within the drain time");
        }
        Ok(())
    })
}

async fn accept(ctx: Arc<Ctx>, listener: tokio::net::TcpListener, tls: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(pipeline::connection(Arc::clone(&ctx), stream, peer, tls));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Cuts what a change of world or table blocks.
async fn follow(ctx: Arc<Ctx>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        if ctx.shared.table.load().is_empty() {
            continue;
        }
        for _ in 0..ctx.registry.block(|host| ctx.shared.is_blocked(host)) {
            ctx.tally.cut.up();
        }
    }
}

async fn tidy(ctx: Arc<Ctx>) {
    let mut ticks = interval(TIDY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let limits = &ctx.limits;
        for _ in 0..ctx.registry.tidy(ctx.now(), limits.keep_alive, limits.write_stall) {
            ctx.tally.stalled.up();
        }
        ctx.pool.tidy();
    }
}
