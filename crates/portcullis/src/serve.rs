//! Serves the planes' routers on TCP or a Unix socket.

use std::convert::Infallible;
use std::future::Future;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::config::Listen;
use crate::exit::{Exit, Failure, Result};

/// A client has this long for its request head.
const HEAD: Duration = Duration::from_secs(10);

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
pub(crate) fn taken(what: &str, address: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::new(Exit::Unavailable, format!("the {what} cannot listen on {address}: {error}"));
    match error.kind() {
        std::io::ErrorKind::AddrInUse => failure.next(format!(
            "something listens there already; stop it, write another address into [{what}] of portcullis.toml, \
             or make a home with other ports: `portcullis init --demo --dir NEW --port-base 18080`"
        )),
        std::io::ErrorKind::PermissionDenied => {
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
    loop {
        let accepted = match &door {
            Door::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                // Answers are written whole; waiting for more to send would only delay them.
                drop(stream.set_nodelay(true));
                tokio::spawn(connection(stream, service.clone()));
            }),
            Door::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(connection(stream, service.clone()));
            }),
        };
        if let Err(error) = accepted {
            // Out of file descriptors, mostly: it passes, and spinning would not help it.
            tracing::warn!(%error, "accept");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn connection<I, S, B>(stream: I, service: S)
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

    #[tokio::test]
    async fn a_taken_port_is_named_with_what_to_do() {
        let first = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = first.local_addr().expect("an address");
        let said = open("press", &Listen::Tcp(address)).await.err().expect("taken").to_string();
        assert!(said.contains(&address.to_string()) && said.contains("--port-base"), "{said}");
    }
}
