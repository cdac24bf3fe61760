//! A webhook: the page as JSON, over TLS, signed where there is a secret. Nothing that comes back is believed but the
//! status.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use desk::{Ended, Page};
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ledger::Hash;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{line, wrong};
use crate::client::connect;
use crate::exit::Result;

/// How long a whole exchange may take. The desk tries again, and calls the next in five minutes.
const EXCHANGE: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read: what says why it was refused.
const MAX_ANSWER: usize = 16 * 1024;

/// The header with the signature.
const SIGNATURE: &str = "x-portcullis-signature";

/// What is trusted: the system's roots, and this one.
pub(super) fn tls(ca: Option<&Path>) -> Result<Option<Arc<ClientConfig>>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca {
        let pem = super::super::mail::read("page.ca", file)?;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let added =
                certificate.map_err(|e| e.to_string()).and_then(|c| roots.add(c).map_err(|e| e.to_string()));
            added.map_err(|why| wrong(format!("page.ca: {}: {why}", file.display())))?;
        }
    }
    if roots.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| wrong(format!("TLS for webhooks: {e}")))?;
    Ok(Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

/// One webhook.
pub(super) struct Hook {
    host: String,
    port: u16,
    authority: String,
    path: String,
    /// None for this very machine, over plain HTTP.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    secret: Option<Vec<u8>>,
}

impl Hook {
    /// Reads an address.
    pub(super) fn new(
        url: &str,
        secret: Option<Vec<u8>>,
        roots: Option<Arc<ClientConfig>>,
    ) -> std::result::Result<Self, String> {
        let uri: http::Uri = url.parse().map_err(|e| format!("the webhook is no address: {e}"))?;
        let authority = uri.authority().ok_or("the webhook has no host")?;
        if authority.as_str().contains('@') {
            return Err("the webhook has a user name; put a secret into its path instead".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let (tls, standard) = match uri.scheme_str() {
            Some("https") => {
                let roots = roots.ok_or("this machine has no root certificates; install ca-certificates, or set page.ca")?;
                let name = ServerName::try_from(host.clone()).map_err(|_| "the webhook's host is no name")?;
                (Some((TlsConnector::from(roots), name)), 443)
            }
            Some("http") if local => (None, 80),
            _ => return Err("a webhook elsewhere is called with https:// only: who is needed, and why, is for no one on the way".into()),
        };
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let port = uri.port_u16().unwrap_or(standard);
        Ok(Self { host, port, authority: authority.to_string(), path, tls, secret })
    }

    /// Its host. The path is as good as a password at many a gateway, and stays out of every list.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Posts a page.
    pub(super) async fn post(&self, page: &Page) -> Ended {
        let body = serde_json::to_vec(page).map_err(|e| e.to_string())?;
        let exchange = async {
            let tcp = connect(&self.host, self.port).await.map_err(|e| format!("could not connect: {e}"))?;
            match &self.tls {
                Some((connector, name)) => {
                    let tls = connector.connect(name.clone(), tcp).await;
                    self.send(tls.map_err(|e| format!("no TLS: {e}"))?, body).await
                }
                None => self.send(tcp, body).await,
            }
        };
        let ended = timeout(EXCHANGE, exchange).await;
        ended.unwrap_or_else(|_| Err(format!("no answer within {} seconds", EXCHANGE.as_secs())))
    }

    async fn send<S>(&self, stream: S, body: Vec<u8>) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broke = |e: hyper::Error| format!("the connection broke: {e}");
        let mut builder = Request::builder()
            .method(Method::POST)
            .uri(&self.path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close");
        if let Some(secret) = &self.secret {
            builder = builder.header(SIGNATURE, format!("sha256={}", hmac(secret, &body)));
        }
        let request = builder.body(Full::new(Bytes::from(body))).map_err(|e| e.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broke)?;
        // Ends with the exchange; its error is the exchange's.
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.map_err(broke)?.into_parts();
        let said = Limited::new(body, MAX_ANSWER).collect().await.map(http_body_util::Collected::to_bytes);
        connection.abort();
        let status = head.status;
        if status.is_success() {
            return Ok(status.to_string());
        }
        if status.is_redirection() {
            return Err(format!("{status}: a redirect is not followed; write the new address"));
        }
        Err(format!("{status}: {}", line(&said.unwrap_or_default())))
    }
}

/// HMAC-SHA256 (RFC 2104) over the one SHA-256 of this house.
fn hmac(secret: &[u8], message: &[u8]) -> Hash {
    /// SHA-256 works on blocks of so many bytes.
    const BLOCK: usize = 64;
    let mut key = [0; BLOCK];
    let short = if secret.len() > BLOCK { Hash::of(secret).0.to_vec() } else { secret.to_vec() };
    key[..short.len()].copy_from_slice(&short);
    let pad = |with: u8| key.map(|byte| byte ^ with);
    let inner = Hash::of(&[&pad(0x36)[..], message].concat());
    Hash::of(&[&pad(0x5c)[..], &inner.0].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, sections 4.2, 4.3, 4.4 and 4.7.
    #[test]
    fn the_test_vectors_of_the_rfc() {
        for (key, message, mac) in [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hmac(&key, &message).to_string(), mac);
        }
    }

    #[test]
    fn addresses() {
        for (url, said) in [
            ("/x", "has no host"),
            ("https://", "is no address"),
            ("http://hooks.example/x", "https:// only"),
            ("https://a:b@hooks.example/x", "user name"),
            ("https://hooks.example/x", "no root certificates"),
            ("ftp://localhost/", "https:// only"),
        ] {
            let why = Hook::new(url, None, None).err().unwrap_or_default();
            assert!(why.contains(said), "{url}: {why}");
        }
        let hook = Hook::new("http://localhost:81/a?tpl=1&m=%7B%7B.need%7D%7D", None, None).expect("local");
        assert_eq!(
            (hook.host(), hook.port, hook.path.as_str()),
            ("localhost", 81, "/a?tpl=1&m=%7B%7B.need%7D%7D")
        );
    }
}
