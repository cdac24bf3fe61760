use std::sync::Arc;

use capture::{Captured, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::server::{Server, answer, page};
use crate::{Loopback, at, job, of_kind, run};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed"))
    }

    fn trust(&self) -> Trust {
        Trust::only(&[self.0.der().to_vec()]).expect("a root")
    }

    /// A certificate for `name`, valid in 2022 or long before.
    fn issue(&self, name: &str, expired: bool) -> (Vec<CertificateDer<'static>>, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let made = params(name, expired).signed_by(&key, &self.0).expect("signed");
        (vec![made.der().clone(), self.0.der().clone()], key)
    }
}

fn params(name: &str, expired: bool) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let year = if expired { 2020 } else { 2022 };
    (params.not_before, params.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year + 1, 1, 1));
    params
}

async fn server(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Server {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a key that fits");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    Server::with(|_| page("<title>Bank</title>"), Some(acceptor)).await
}

async fn captured(server: &Server, trust: &Trust) -> Captured {
    let job = job(&format!("https://bank.example:{}/", server.port), &[server.port]);
    run(&job, &Loopback, trust).await.expect("a page")
}

fn problems(captured: &Captured) -> Vec<&str> {
    at(&captured.result, "/tls/0/problems")
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it.as_str())
        .collect()
}

#[tokio::test]
async fn a_good_chain_verifies_and_is_recorded_whole() {
    let authority = Authority::new("Test Authority");
    let (chain, key) = authority.issue("bank.example", false);
    let captured = captured(&server(chain.clone(), &key).await, &authority.trust()).await;
    let result = &captured.result;
    assert_eq!((at(result, "/tls/0/verified"), problems(&captured)), (&true.into(), vec![]));
    assert_eq!(at(result, "/tls/0/protocol"), "TLS 1.3");
    assert_eq!(at(result, "/tls/0/chain/0/sanList/0"), "bank.example");
    assert_eq!(at(result, "/tls/0/chain/0/validFrom"), "2022-01-01T00:00:00Z");
    assert_eq!(at(result, "/tls/0/chain/1/subject"), "CN=Test Authority");
    assert_eq!(at(result, "/page/tlsIssuer"), "Test Authority");
    assert_eq!(
        (at(result, "/page/tlsValidDays"), at(result, "/page/tlsAgeDays")),
        (&365.into(), &245.into())
    );
    assert_eq!(at(result, "/data/requests/0/response/response/securityState"), "secure");
    assert_eq!(at(result, "/stats/securePercentage"), 100);
    let pem = of_kind(&captured, "resource").remove(0).1;
    assert_eq!(String::from_utf8(pem).expect("text").matches("BEGIN CERTIFICATE").count(), 2);
}

#[tokio::test]
async fn a_bad_certificate_is_recorded_and_the_page_is_captured_all_the_same() {
    let authority = Authority::new("Test Authority");
    let (wrong_name, wrong_key) = authority.issue("other.example", false);
    let (expired, expired_key) = authority.issue("bank.example", true);
    let (both, both_key) = authority.issue("other.example", true);
    let (unknown, unknown_key) = Authority::new("Unknown Authority").issue("bank.example", false);
    let own_key = KeyPair::generate().expect("a key");
    let own = vec![params("bank.example", false).self_signed(&own_key).expect("signed").der().clone()];
    for (chain, key, said) in [
        (wrong_name, wrong_key, vec!["made out to another name"]),
        (expired, expired_key, vec!["expired"]),
        (both, both_key, vec!["expired", "made out to another name"]),
        (unknown, unknown_key, vec!["unknown issuer"]),
        (own, own_key, vec!["self-signed", "unknown issuer"]),
    ] {
        let captured = captured(&server(chain, &key).await, &authority.trust()).await;
        assert_eq!(problems(&captured), said);
        assert_eq!(at(&captured.result, "/tls/0/verified"), false);
        assert_eq!(at(&captured.result, "/page/title"), "Bank");
        assert_eq!(
            at(&captured.result, "/data/requests/0/response/response/securityState"),
            "insecure-broken"
        );
    }
}

#[tokio::test]
async fn a_redirect_may_change_the_scheme_and_that_is_said() {
    let authority = Authority::new("Test Authority");
    let (chain, key) = authority.issue("bank.example", false);
    let tls = server(chain, &key).await;
    let target = format!("https://bank.example:{}/", tls.port);
    let plain = Server::plain(move |_| answer(&format!("301 Moved\r\nLocation: {target}"), b"")).await;
    let job = job(&plain.url("/"), &[plain.port, tls.port]);
    let captured = run(&job, &Loopback, &authority.trust()).await.expect("a page");
    assert_eq!(at(&captured.result, "/stats/securePercentage"), 50);
    assert!(at(&captured.result, "/page/url").as_str().is_some_and(|url| url.starts_with("https:")));
}

#[tokio::test]
async fn a_server_without_tls_is_said_to_have_none() {
    let server = Server::plain(|_| page("x")).await;
    let mut job = job(&format!("https://127.0.0.1:{}/", server.port), &[server.port]);
    // It waits for a question that never comes in the clear.
    job.limits.connect = std::time::Duration::from_millis(300);
    let ended = run(&job, &Loopback, &Trust::mozilla()).await.expect_err("no TLS");
    assert!(ended.to_string().contains("no TLS"), "{ended}");
}
