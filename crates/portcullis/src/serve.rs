//! Serves the planes' routers on TCP or a Unix socket.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::Sleep;

use crate::config::Listen;
use crate::exit::{Exit, Failure, Result};

/// A client has this long for its request head.
const HEAD: Duration = Duration::from_secs(10);

/// A client that does not read our answer for so long is let go.
const STALL: Duration = Duration::from_secs(30);

/// Connections open at once at one door. The public one, the edges' and the desk's are counted apart, and all of them
/// together are far below the files that a process may open, so that a crowd at one door leaves the others and the
/// edge alone.
const CONNECTIONS: usize = 1024;

/// Connections of one address at one door. Thirty-two edges behind one address with a bell and a few requests each
/// are below two hundred.
const PER_ADDRESS: u32 = 256;

/// Most header fields of a request. Ours send fewer than ten, browsers about thirty.
const MAX_HEADERS: usize = 100;

/// A socket that is bound.
pub(crate) enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Binds, or says who is in the way.
pub(crate) async fn open(what: &str, listen: &Listen) -> Result<Door> {
    match listen {
        Listen::Tcp(address) => {
            TcpListener::bind(address).await.map(Door::Tcp).map_err(|e| taken(what, &address.to_string(), &e))
        }
        Listen::Unix(path) => {
            // A socket left by a process that is gone would be in the way for ever; one that answers is in use.
            if is_dead_socket(path) {
                drop(std::fs::remove_file(path));
            }
            let bound = UnixListener::bind(path).and_then(|listener| {
                // Who may open the socket may read without a token: the owner only.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map(|()| listener)
            });
            bound.map(Door::Unix).map_err(|e| taken(what, &path.display().to_string(), &e))
        }
    }
}

fn is_dead_socket(path: &Path) -> bool {
    let socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    socket && std::os::unix::net::UnixStream::connect(path).is_err()
}

/// The failure for an address that cannot be had.
pub(crate) fn taken(what: &str, address: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Unavailable, format!("the {what} cannot listen on {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure.next(format!(
            "something listens there already; stop it, write another address into [{what}] of portcullis.toml, \
             or make a home with other ports: `portcullis init --demo --dir NEW --port-base 18080`"
        )),
        io::ErrorKind::PermissionDenied => {
            failure.next("ports below 1024 need root or the capability CAP_NET_BIND_SERVICE")
        }
        _ => failure,
    }
}

/// Serves until the process ends; one task per connection.
pub(crate) async fn serve<S, B>(door: Door, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Future<Output = std::result::Result<Response<B>, Infallible>> + Send,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let guests = Arc::new(Guests::default());
    loop {
        let accepted = match &door {
            Door::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                // Answers are written whole; waiting for more to send would only delay them.
                drop(stream.set_nodelay(true));
                if let Some(guest) = Guest::enter(&guests, Some(peer.ip().to_canonical())) {
                    tokio::spawn(connection(Stalling::new(stream), service.clone(), guest));
                }
            }),
            Door::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                if let Some(guest) = Guest::enter(&guests, None) {
                    tokio::spawn(connection(Stalling::new(stream), service.clone(), guest));
                }
            }),
        };
        if let Err(error) = accepted {
            // Out of file descriptors, mostly: it passes, and spinning would not help it.
            tracing::warn!(%error, "accept");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Who is at a door.
#[derive(Default)]
struct Guests {
    all: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// A place at a door; given back when dropped.
struct Guest {
    guests: Arc<Guests>,
    address: Option<IpAddr>,
}

impl Guest {
    /// `None`: there are too many already, so the connection is closed at once.
    fn enter(guests: &Arc<Guests>, address: Option<IpAddr>) -> Option<Self> {
        if guests.all.load(Relaxed) >= CONNECTIONS {
            return None;
        }
        if let Some(address) = address {
            let mut by_address = guests.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let theirs = by_address.entry(address).or_default();
            if *theirs >= PER_ADDRESS {
                return None;
            }
            *theirs += 1;
        }
        guests.all.fetch_add(1, Relaxed);
        Some(Self { guests: Arc::clone(guests), address })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.all.fetch_sub(1, Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.guests.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut theirs) = by_address.entry(address) {
            *theirs.get_mut() -= 1;
            if *theirs.get() == 0 {
                theirs.remove();
            }
        }
    }
}

/// A stream that ends when the other side does not read for [`STALL`].
struct Stalling<S> {
    inner: S,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalling<S> {
    fn new(inner: S) -> Self {
        Self { inner, timer: None }
    }

    fn watched<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.timer = None;
            return poll;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, data);
        self.watched(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        self.watched(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watched(cx, poll)
    }
}

async fn connection<I, S, B>(stream: I, service: S, _guest: Guest)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(MAX_HEADERS);
    let served = builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_nothing_else_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("desk.sock");
        let listen = Listen::Unix(path.clone());
        let door = open("desk", &listen).await.expect("bound");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(open("desk", &listen).await.is_err(), "it is in use");
        drop(door);
        assert!(open("desk", &listen).await.is_ok(), "nobody answers there any more");
        let file = dir.path().join("file");
        std::fs::write(&file, "precious").expect("written");
        assert!(open("desk", &Listen::Unix(file.clone())).await.is_err());
        assert_eq!(std::fs::read(&file).expect("still there"), b"precious");
    }

    #[test]
    fn a_door_has_room_for_so_many_and_gives_it_again() {
        let guests = Arc::new(Guests::default());
        let address = |n: u8| Some(IpAddr::from([192, 0, 2, n]));
        let mut inside: Vec<Guest> = Vec::new();
        for n in 0..8 {
            inside.extend((0..PER_ADDRESS + 9).filter_map(|_| Guest::enter(&guests, address(n))));
        }
        assert_eq!(inside.len(), CONNECTIONS, "four addresses took all the room there is");
        inside.drain(..300);
        assert!(Guest::enter(&guests, address(9)).is_some());
        drop(inside);
        assert_eq!(guests.all.load(Relaxed), 0);
        assert!(guests.by_address.lock().expect("no panic").is_empty());
    }

    #[tokio::test]
    async fn who_does_not_read_is_let_go() {
        tokio::time::pause();
        let (mut ours, _theirs) = tokio::io::duplex(8);
        let mut stream = Stalling::new(&mut ours);
        let end = tokio::io::AsyncWriteExt::write_all(&mut stream, &[0; 64]).await;
        assert_eq!(end.expect_err("nobody reads").kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_what_to_do() {
        let first = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = first.local_addr().expect("an address");
        let said = open("press", &Listen::Tcp(address)).await.err().expect("taken").to_string();
        assert!(said.contains(&address.to_string()) && said.contains("--port-base"), "{said}");
    }
}
