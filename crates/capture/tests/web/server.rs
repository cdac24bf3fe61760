//! A server that says exactly the bytes it is told to.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What is said to a request.
pub(crate) enum Say {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then silence until the other side goes.
    Hang(Vec<u8>),
    /// The first bytes, then the second again and again.
    Endless(Vec<u8>, Vec<u8>),
}

/// An answer with a length.
pub(crate) fn answer(head: &str, body: &[u8]) -> Say {
    let mut bytes = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Say::Bytes(bytes)
}

/// A page.
pub(crate) fn page(html: &str) -> Say {
    answer("200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: test", html.as_bytes())
}

/// Where a server listens, and what it was asked: first lines of requests.
pub(crate) struct Server {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    /// Serves what `say` makes of a path.
    pub(crate) async fn plain(say: impl Fn(&str) -> Say + Send + Sync + 'static) -> Self {
        Self::with(say, None).await
    }

    /// The same through TLS.
    pub(crate) async fn with(
        say: impl Fn(&str) -> Say + Send + Sync + 'static,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (say, log) = (Arc::new(say), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (say, log, tls) = (Arc::clone(&say), Arc::clone(&log), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => drop(serve(stream, &*say, &log).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(serve(stream, &*say, &log).await);
                            }
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    say: &(dyn Fn(&str) -> Say + Send + Sync),
    log: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().expect("nobody panics with it").push(request.lines().next().unwrap_or_default().to_owned());
    match say(&path) {
        Say::Bytes(bytes) => stream.write_all(&bytes).await?,
        Say::Hang(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            stream.read_u8().await?;
        }
        Say::Endless(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
    }
    stream.shutdown().await
}
