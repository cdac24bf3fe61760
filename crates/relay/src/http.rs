//! A tiny HTTP/1.1 client: GET with a byte cap, POST, and one long body for the doorbell.
//!
//! Nothing that arrives here is trusted: what is read proves itself afterwards by signature or hash. So the client
//! speaks `http://` only, follows no redirect, asks for no encoding, keeps no cookie, and bounds every wait and
//! every buffer. A deployment that wants the *reading* hidden puts a tunnel under it.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one whole exchange (connect, request, head, body) may take. A full entry bundle is 16 MiB; on a line of
/// 1 MB/s that is 17 s, so 30 s lets a slow but honest line through and frees a held one.
pub const EXCHANGE: Duration = Duration::from_secs(30);

/// How long a connect, or the head of a response, may take: three SYN retransmissions are 7 s.
pub const HEAD: Duration = Duration::from_secs(8);

/// Bytes of response head we read before giving up. Our desk and press send less than 1 KiB.
const MAX_HEAD: usize = 16 * 1024;

/// Header fields in a response head. Our desk and press send fewer than ten.
const MAX_HEADERS: usize = 64;

/// Bytes of a POST's answer that are read (and thrown away) so that the connection can be used again.
const MAX_ANSWER: usize = 16 * 1024;

/// Why an exchange gave nothing.
#[derive(Debug)]
pub enum HttpError {
    /// The configured address is not one we can use. Fault: the operator's.
    Url(String),
    /// No connection, or it broke. Fault: the network's or the server's.
    Io(String),
    /// It took longer than the named time. Fault: the network's or the server's.
    Slow,
    /// The answer is longer than the cap for this kind of file. Fault: the server's.
    TooLong {
        /// The cap in bytes.
        cap: usize,
    },
    /// The server answered something else than success.
    Status(u16),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => f.write_str(why),
            Self::Io(why) => write!(f, "no answer: {why}"),
            Self::Slow => f.write_str("no answer in time"),
            Self::TooLong { cap } => write!(f, "answer longer than {cap} bytes"),
            Self::Status(code) => write!(f, "answered with status {code}"),
        }
    }
}

impl core::error::Error for HttpError {}

/// A base address: `http://host[:port][/prefix]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    host: String,
    port: u16,
    authority: String,
    prefix: String,
}

impl Base {
    /// Reads an address.
    ///
    /// # Errors
    /// [`HttpError::Url`] saying what is wrong: another scheme than `http`, no host, a user name, a query.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let bad = |why: &str| HttpError::Url(format!("address {text:?}: {why}"));
        if text.contains('#') {
            return Err(bad("it must not have a fragment"));
        }
        let uri: Uri =
            text.parse().map_err(|_| bad("it is not an absolute URL such as http://127.0.0.1:8082"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(bad(
                    "only http:// is spoken here; what is fetched proves itself by signature and hash",
                ));
            }
            _ => return Err(bad("it must begin with http://")),
        }
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it must not carry a user name"));
        }
        if uri.query().is_some() {
            return Err(bad("it must not have a query"));
        }
        let host = uri.host().filter(|h| !h.is_empty()).ok_or_else(|| bad("it has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.prefix)
    }
}

/// One server and at most one kept connection to it.
#[derive(Debug)]
pub struct Client {
    base: Base,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

impl Client {
    /// A client that has not connected yet.
    #[must_use]
    pub fn new(base: Base) -> Self {
        Self { base, kept: None }
    }

    /// The body of `GET base/path`, if it is a 200 of at most `cap` bytes.
    ///
    /// # Errors
    /// Every [`HttpError`] but `Url`.
    pub async fn get(&mut self, path: &str, cap: usize) -> Result<Bytes, HttpError> {
        let exchange = async {
            let answer = self.send(Method::GET, path, None).await?;
            if answer.status() != StatusCode::OK {
                // the unread body would stand in the way of the next answer
                self.kept = None;
                return Err(HttpError::Status(answer.status().as_u16()));
            }
            let body = read(answer.into_body(), cap).await;
            if body.is_err() {
                self.kept = None;
            }
            body
        };
        let result = timeout(EXCHANGE, exchange).await;
        result.unwrap_or_else(|_| {
            self.kept = None;
            Err(HttpError::Slow)
        })
    }

    /// Posts `body`; success is any 2xx.
    ///
    /// # Errors
    /// Every [`HttpError`] but `Url`.
    pub async fn post(&mut self, path: &str, kind: &'static str, body: Bytes) -> Result<u16, HttpError> {
        let exchange = async {
            let answer = self.send(Method::POST, path, Some((kind, body))).await?;
            let status = answer.status();
            if read(answer.into_body(), MAX_ANSWER).await.is_err() {
                self.kept = None;
            }
            if status.is_success() { Ok(status.as_u16()) } else { Err(HttpError::Status(status.as_u16())) }
        };
        let result = timeout(EXCHANGE, exchange).await;
        result.unwrap_or_else(|_| {
            self.kept = None;
            Err(HttpError::Slow)
        })
    }

    /// Posts `body` and gives status and body of the answer, of at most `cap` bytes, whatever the status.
    ///
    /// # Errors
    /// Every [`HttpError`] but `Url` and `Status`.
    pub async fn ask(
        &mut self,
        path: &str,
        kind: &'static str,
        body: Bytes,
        cap: usize,
    ) -> Result<(u16, Bytes), HttpError> {
        let exchange = async {
            let answer = self.send(Method::POST, path, Some((kind, body))).await?;
            let status = answer.status().as_u16();
            let body = read(answer.into_body(), cap).await;
            if body.is_err() {
                self.kept = None;
            }
            Ok((status, body?))
        };
        let result = timeout(EXCHANGE, exchange).await;
        result.unwrap_or_else(|_| {
            self.kept = None;
            Err(HttpError::Slow)
        })
    }

    /// The running body of `GET base/path`, on a connection of its own. The caller bounds what it reads and waits.
    ///
    /// # Errors
    /// Every [`HttpError`] but `Url` and `TooLong`.
    pub async fn stream(base: &Base, path: &str, accept: &'static str) -> Result<Incoming, HttpError> {
        let mut sender = connect(base).await?;
        let mut request = request(base, Method::GET, path, None)?;
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static(accept));
        let answer = head(sender.send_request(request)).await?;
        if answer.status() != StatusCode::OK {
            return Err(HttpError::Status(answer.status().as_u16()));
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        if kind.split(';').next().unwrap_or("").trim() != accept {
            return Err(HttpError::Io(format!("expected {accept}, got {kind:?}")));
        }
        // The sender may go: hyper reads an answer that has begun to its end.
        Ok(answer.into_body())
    }

    /// A kept connection may have been closed by the server between two requests. That says nothing about the
    /// request, so it is tried once more on a fresh one; every request of ours may be sent twice (GETs, and POSTs of
    /// notes that are accepted once by their id).
    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<http::Response<Incoming>, HttpError> {
        if let Some(mut kept) = self.kept.take()
            && kept.ready().await.is_ok()
        {
            let again = request(&self.base, method.clone(), path, body.clone())?;
            if let Ok(answer) = head(kept.send_request(again)).await {
                self.kept = Some(kept);
                return Ok(answer);
            }
        }
        let mut fresh = connect(&self.base).await?;
        let answer = head(fresh.send_request(request(&self.base, method, path, body)?)).await?;
        self.kept = Some(fresh);
        Ok(answer)
    }
}

async fn connect(base: &Base) -> Result<SendRequest<Full<Bytes>>, HttpError> {
    let tcp = timeout(HEAD, TcpStream::connect((base.host.as_str(), base.port)))
        .await
        .map_err(|_| HttpError::Slow)?
        .map_err(|e| HttpError::Io(e.to_string()))?;
    tcp.set_nodelay(true).map_err(|e| HttpError::Io(e.to_string()))?;
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(tcp))
        .await
        .map_err(|e| HttpError::Io(e.to_string()))?;
    tokio::spawn(async move {
        // ends when the sender and the body are gone; an error shows at the one who waits for the answer
        if let Err(e) = connection.await {
            tracing::trace!(error = %e, "connection ended");
        }
    });
    Ok(sender)
}

async fn head(
    answer: impl Future<Output = hyper::Result<http::Response<Incoming>>>,
) -> Result<http::Response<Incoming>, HttpError> {
    timeout(HEAD, answer).await.map_err(|_| HttpError::Slow)?.map_err(|e| HttpError::Io(e.to_string()))
}

fn request(
    base: &Base,
    method: Method,
    path: &str,
    body: Option<(&'static str, Bytes)>,
) -> Result<Request<Full<Bytes>>, HttpError> {
    let mut builder = Request::builder()
        .method(method)
        .uri(format!("{}{path}", base.prefix))
        .header(header::HOST, base.authority.as_str());
    let body = match body {
        Some((kind, bytes)) => {
            builder = builder.header(header::CONTENT_TYPE, kind);
            bytes
        }
        None => Bytes::new(),
    };
    builder.body(Full::new(body)).map_err(|e| HttpError::Io(e.to_string()))
}

/// Reads a body to its end, holding at most `cap` bytes plus one network read.
async fn read(mut body: Incoming, cap: usize) -> Result<Bytes, HttpError> {
    if body.size_hint().lower() > cap as u64 {
        return Err(HttpError::TooLong { cap });
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| HttpError::Io(e.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > cap {
            return Err(HttpError::TooLong { cap });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("http://127.0.0.1:8082", "http://127.0.0.1:8082"),
            ("http://127.0.0.1:8082/", "http://127.0.0.1:8082"),
            ("http://[::1]:8082/a/b/", "http://[::1]:8082/a/b"),
            ("http://press.example", "http://press.example"),
        ] {
            assert_eq!(Base::parse(text).expect(text).to_string(), shown);
        }
        assert_eq!(Base::parse("http://[::1]:9").expect("v6").host, "::1");
        for (text, word) in [
            ("https://press.example", "only http://"),
            ("ftp://press.example", "begin with http://"),
            ("press.example", "http://"),
            ("/ledger", "http://"),
            ("http://a@b/", "user name"),
            ("http://b/?x", "query"),
            ("http://b/#x", "fragment"),
            ("http:///x", "URL"),
            ("", "URL"),
        ] {
            let error = Base::parse(text).expect_err(text).to_string();
            assert!(error.contains(word), "{text:?} said {error:?}");
        }
    }

    /// A server that closes after `replies.len()` answers on each connection, in order of connections.
    async fn server(replies: &'static [&'static [&'static str]]) -> (Base, tokio::task::JoinHandle<usize>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base =
            Base::parse(&format!("http://{}/base", listener.local_addr().expect("bound"))).expect("a base");
        let served = tokio::spawn(async move {
            let mut requests = 0;
            for on_one in replies {
                let (mut tcp, _) = listener.accept().await.expect("a connection");
                for reply in *on_one {
                    let mut bytes = Vec::new();
                    while !bytes.ends_with(b"\r\n\r\n") && tcp.read_buf(&mut bytes).await.expect("reads") > 0
                    {
                    }
                    assert!(bytes.starts_with(b"GET /base/file HTTP/1.1\r\n"), "{}", bytes.escape_ascii());
                    tcp.write_all(reply.as_bytes()).await.expect("writes");
                    requests += 1;
                }
            }
            requests
        });
        (base, served)
    }

    const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

    #[tokio::test]
    async fn a_kept_connection_is_used_again_and_a_dead_one_replaced() {
        let (base, served) = server(&[&[HELLO, HELLO], &[HELLO]]).await;
        let mut client = Client::new(base);
        for _ in 0..3 {
            assert_eq!(client.get("/file", 5).await.expect("answers"), "hello");
        }
        assert_eq!(served.await.expect("served"), 3);
    }

    #[tokio::test]
    async fn what_is_no_plain_200_of_the_right_length_is_refused() {
        for (reply, word) in [
            ("HTTP/1.1 301 Moved\r\nlocation: /base/file\r\ncontent-length: 0\r\n\r\n", "status 301"),
            ("HTTP/1.1 206 Partial\r\ncontent-length: 5\r\n\r\nhello", "status 206"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello!", "longer than 5"),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n",
                "longer than 5",
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", "no answer"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n", "no answer"),
            ("HELLO\r\n\r\n", "no answer"),
        ] {
            let replies = Vec::leak(vec![&*Vec::leak(vec![reply])]);
            let (base, _served) = server(replies).await;
            let error = Client::new(base).get("/file", 5).await.expect_err(reply).to_string();
            assert!(error.contains(word), "{reply:?} said {error:?}");
        }
    }

    #[tokio::test]
    async fn a_bell_must_be_an_event_stream() {
        let (base, _served) = server(&[&[HELLO]]).await;
        let error = Client::stream(&base, "/file", "text/event-stream").await.expect_err("plain").to_string();
        assert!(error.contains("expected text/event-stream"), "{error}");
    }
}
