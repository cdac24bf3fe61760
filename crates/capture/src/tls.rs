//! TLS as evidence: what the server presented, and whether a browser would have believed it.
//!
//! A page with a bad certificate is still a page that people see after a click, so the fetch goes on; what was wrong is
//! on the record. The handshake's own signature must hold: without it nobody has shown to own the certificate.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::digest;

/// What is trusted when a certificate is judged.
#[derive(Clone, Debug)]
pub struct Trust(Arc<RootCertStore>);

impl Trust {
    /// Mozilla's roots as they were when this version was built: the verdict is the same on every machine.
    pub fn mozilla() -> Self {
        Self(Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()))
    }

    /// Only these certificates, DER.
    ///
    /// # Errors
    /// What a certificate lacks to be a root.
    pub fn only(roots: &[Vec<u8>]) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.clone())).map_err(|error| error.to_string())?;
        }
        Ok(Self(Arc::new(store)))
    }
}

/// One certificate of the chain as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    /// SHA-256 of the DER, hex.
    pub(crate) sha256: String,
    /// What is written in it; nothing when it cannot be read.
    pub(crate) facts: Option<Facts>,
}

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Common names alone, as urlscan.io shows them; the whole name when there is none.
    pub(crate) subject_name: String,
    pub(crate) issuer_name: String,
    /// Hex.
    pub(crate) serial: String,
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) self_issued: bool,
}

impl Certificate {
    pub(crate) fn read(der: Vec<u8>) -> Self {
        let facts = X509Certificate::from_der(&der).ok().map(|(_, read)| facts(&read));
        Self { sha256: digest::hex(&der), facts, der }
    }
}

fn facts(read: &X509Certificate<'_>) -> Facts {
    let common = |name: &x509_parser::x509::X509Name<'_>| {
        let first = name.iter_common_name().next().and_then(|name| name.as_str().ok());
        first.map_or_else(|| name.to_string(), str::to_owned)
    };
    let alternative = read.subject_alternative_name().ok().flatten();
    let names =
        alternative.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        });
    Facts {
        subject: read.subject().to_string(),
        issuer: read.issuer().to_string(),
        subject_name: common(read.subject()),
        issuer_name: common(read.issuer()),
        serial: digest::spell(read.raw_serial()),
        not_before: read.validity().not_before.timestamp(),
        not_after: read.validity().not_after.timestamp(),
        names: names.collect(),
        self_issued: read.subject().as_raw() == read.issuer().as_raw(),
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string())).ok()
}

/// What is known about the TLS of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    /// As in `TLSv1.3`; nothing when the handshake failed.
    pub(crate) protocol: Option<String>,
    pub(crate) cipher: Option<String>,
    pub(crate) key_exchange: Option<String>,
    /// The chain in the order it was sent, the server's own first.
    pub(crate) chain: Vec<Certificate>,
    /// Why a browser would not have believed it; empty when it would have.
    pub(crate) problems: Vec<String>,
}

impl Tls {
    /// Whether the chain verifies: presented, and nothing is wrong with it. Revocation is not looked up.
    pub(crate) fn verified(&self) -> bool {
        !self.chain.is_empty() && self.problems.is_empty()
    }
}

/// Judges as a browser would, writes the judgement down, and lets the connection go on.
#[derive(Debug)]
pub(crate) struct Witness {
    judge: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Tls>,
}

impl Witness {
    pub(crate) fn new(trust: &Trust) -> Arc<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // No roots at all is no judge: then nothing verifies.
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::clone(&trust.0), Arc::clone(&provider))
            .build()
            .ok();
        Arc::new(Self { judge, provider, seen: Mutex::default() })
    }

    /// The configuration of one connection, which believes that it is `now`.
    pub(crate) fn config(self: &Arc<Self>, now: UnixTime) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_details(Arc::clone(&self.provider), Arc::new(Fixed(now)));
        let mut config = builder
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as _)
            .with_no_client_auth();
        // A WARC holds HTTP/1.1; nothing else is offered.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// What was seen; may be asked after a failed handshake too.
    pub(crate) fn seen(&self) -> Tls {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug)]
struct Fixed(UnixTime);

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<Certificate> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| Certificate::read(certificate.to_vec()))
            .collect();
        let judged =
            self.judge.as_ref().map_or(Err(Error::General("no roots are trusted".into())), |judge| {
                judge.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
            });
        let problems = problems(judged.err(), &chain, end_entity, server_name, now);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.chain, seen.problems) = (chain, problems);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// All that is wrong, in few words: the verifier stops at the first fault, and a reader wants to know each.
fn problems(
    judged: Option<Error>,
    chain: &[Certificate],
    end_entity: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Vec<String> {
    let Some(error) = judged else { return Vec::new() };
    let mut problems = Vec::new();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let own = chain.first().and_then(|certificate| certificate.facts.as_ref());
    if own.is_some_and(|facts| facts.not_after < now) {
        problems.push("expired".to_owned());
    }
    if own.is_some_and(|facts| facts.not_before > now) {
        problems.push("not valid yet".to_owned());
    }
    let named = ParsedCertificate::try_from(end_entity)
        .and_then(|certificate| rustls::client::verify_server_name(&certificate, name));
    if named.is_err() {
        problems.push("made out to another name".to_owned());
    }
    if own.is_some_and(|facts| facts.self_issued) {
        problems.push("self-signed".to_owned());
    }
    let told = matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
        )
    );
    if matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer)) {
        problems.push("unknown issuer".to_owned());
    } else if !told || problems.is_empty() {
        problems.push(error.to_string());
    }
    problems
}
