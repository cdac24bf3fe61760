//! Certificates by server name, and the settings of TLS.

use crate::Host;
use crate::control::Shared;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// A certificate chain and its key, both PEM.
#[derive(Clone)]
pub struct Pem {
    /// Certificates, the host's own first.
    pub chain: Vec<u8>,
    /// Private key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem(..)")
    }
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// Reads a certificate from two PEM files.
pub(crate) fn load(chain: &Path, key: &Path) -> io::Result<Arc<CertifiedKey>> {
    let read = |path: &Path| {
        read_pem(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
    };
    let pem = Pem { chain: read(chain)?, key: read(key)? };
    certify(&pem).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", chain.display())))
}

/// Largest PEM file, bytes: the longest chains with the largest keys are below 64 KiB.
const MAX_PEM: u64 = 1024 * 1024;

/// Reads a PEM file. A path may come from the log: what is no plain file (a pipe, a device) is not opened, because it might
/// never answer or never end.
fn read_pem(path: &Path) -> io::Result<Vec<u8>> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no plain file"));
    }
    let mut pem = Vec::new();
    std::fs::File::open(path)?.take(MAX_PEM + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_PEM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is larger than 1 MiB"));
    }
    Ok(pem)
}

/// Checks that chain and key belong together.
pub(crate) fn certify(pem: &Pem) -> io::Result<Arc<CertifiedKey>> {
    let invalid = |what: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let chain =
        CertificateDer::pem_slice_iter(&pem.chain).collect::<Result<Vec<_>, _>>().map_err(|e| invalid(&e))?;
    if chain.is_empty() {
        return Err(invalid(&"no certificate in the PEM text"));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|e| invalid(&e))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider()).map_err(|e| invalid(&e))?))
}

/// TLS 1.2 and 1.3 with the library's own suites, ALPN `h2` before `http/1.1`, stateless tickets.
pub(crate) fn config(
    shared: Arc<Shared>,
    default: Option<Arc<CertifiedKey>>,
) -> io::Result<Arc<rustls::ServerConfig>> {
    let resolver = Arc::new(Resolver { shared, default });
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

struct Resolver {
    shared: Arc<Shared>,
    default: Option<Arc<CertifiedKey>>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().and_then(Host::parse);
        let own = host.and_then(|h| self.shared.world.load().certified(&h));
        own.or_else(|| self.default.clone())
    }
}
