//! A small HTTP/1.1 client: one request, one connection, every answer bounded. It speaks plain HTTP and Unix sockets;
//! what matters in an answer proves itself by signature and hash, and the desk is on this machine or behind a tunnel.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::exit::{Exit, Failure, Result};

/// A whole exchange. The desk's longest is a publication: five fsyncs, and a queue of others before it.
const EXCHANGE: Duration = Duration::from_secs(30);

/// Longest answer taken, bytes: a piece of evidence has at most 32 MiB, an entry bundle 256 x 64 KiB = 16 MiB.
pub(crate) const MAX_ANSWER: usize = 33 * 1024 * 1024;

/// Who is asked, and under which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    place: Place,
    prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp { host: String, port: u16, authority: String },
    Unix(PathBuf),
}

impl Address {
    /// Reads `http://HOST[:PORT][/PREFIX]` or `unix:PATH`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Failure::input(format!("the address {text:?} {why}"));
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self { place: Place::Unix(path.into()), prefix: String::new() });
        }
        if text.starts_with("https://") {
            return Err(wrong("is https, and this command speaks only http")
                .next("what is fetched proves itself by signature and hash; use http:// or a local tunnel"));
        }
        let uri: http::Uri =
            text.parse().map_err(|_| wrong("is no address such as http://127.0.0.1:8082"))?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(|| wrong("must begin with http:// (or unix:)"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong("must have neither a user name nor a query"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let place = Place::Tcp { host, port: uri.port_u16().unwrap_or(80), authority: authority.to_string() };
        Ok(Self { place, prefix: uri.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { authority, .. } => write!(f, "http://{authority}{}", self.prefix),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// A request that has not been sent.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// The `Host` to name; default: the address's own.
    pub(crate) host: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) accept: Option<&'a str>,
    /// Media type and bytes.
    pub(crate) body: Option<(&'a str, Vec<u8>)>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, host: None, token: None, accept: None, body: None }
    }

    pub(crate) fn post(path: &'a str, kind: &'a str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, body: Some((kind, body)), ..Self::get(path) }
    }
}

/// Asks and waits for the whole answer, whatever its status.
pub(crate) async fn ask(address: &Address, ask: Ask<'_>) -> Result<Answer> {
    let silent = |why: String| {
        Failure::new(Exit::Unavailable, format!("{address} does not answer: {why}"))
            .next(
                "is it running? `portcullis run` on its own machine starts it (`run --demo` the demonstration); elsewhere \
                 a tunnel leads there: ssh -L 8081:127.0.0.1:8081 DESK",
            )
    };
    let request = request(address, ask)?;
    let exchange = async {
        match &address.place {
            Place::Tcp { host, port, .. } => send(connect(host, *port).await?, request).await,
            Place::Unix(path) => {
                send(UnixStream::connect(path).await.map_err(|e| e.to_string())?, request).await
            }
        }
    };
    timeout(EXCHANGE, exchange)
        .await
        .map_err(|_| silent("no whole answer within 30 s".into()))?
        .map_err(silent)
}

/// A TCP connection. Names under `.localhost` are this machine (RFC 6761 section 6.3), whatever its resolver says.
pub(crate) async fn connect(host: &str, port: u16) -> std::result::Result<TcpStream, String> {
    let local = host == "localhost" || host.ends_with(".localhost");
    let host = if local { "127.0.0.1" } else { host };
    TcpStream::connect((host, port)).await.map_err(|e| e.to_string())
}

fn request(address: &Address, ask: Ask<'_>) -> Result<Request<Full<Bytes>>> {
    let own = match &address.place {
        Place::Tcp { authority, .. } => authority.as_str(),
        Place::Unix(_) => "localhost",
    };
    let mut builder = Request::builder()
        .method(ask.method)
        .uri(format!("{}{}", address.prefix, ask.path))
        .header(header::HOST, ask.host.unwrap_or(own))
        .header(header::USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if let Some(token) = ask.token {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(accept) = ask.accept {
        builder = builder.header(header::ACCEPT, accept);
    }
    let mut bytes = Bytes::new();
    if let Some((kind, body)) = ask.body {
        builder = builder.header(header::CONTENT_TYPE, kind);
        bytes = body.into();
    }
    builder.body(Full::new(bytes)).map_err(|e| Failure::input(format!("{} cannot be asked: {e}", ask.path)))
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> std::result::Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    // Ends with the exchange; its error is the exchange's.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.map_err(|e| e.to_string())?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|e| e.to_string())?;
    Ok(Answer { status: head.status, body: body.to_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("http://127.0.0.1:8082/ledger/", "http://127.0.0.1:8082/ledger"),
            ("http://[::1]:8082", "http://[::1]:8082"),
            ("http://press.example", "http://press.example"),
            ("unix:/run/desk.sock", "unix:/run/desk.sock"),
        ] {
            assert_eq!(Address::parse(text).expect(text).to_string(), shown);
        }
        for (text, word) in [
            ("https://x.example", "only http"),
            ("ftp://x.example", "must begin with http://"),
            ("127.0.0.1:8081", "address"),
            ("http://a@b/", "user name"),
            ("http://b/?q", "query"),
            ("", "address"),
        ] {
            let said = Address::parse(text).expect_err(text).to_string();
            assert!(said.contains(word), "{text:?}: {said}");
        }
    }
}
