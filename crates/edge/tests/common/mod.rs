//! An edge between an origin made here and visitors that write bytes.
#![expect(dead_code, reason = "each test file uses its part")]

use edge::{Config, EdgeHandle, Limits, NoteAnswer, Notes, Operator, Pem, Sites};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ledger::Hash;
use policy::clock::Clock;
use policy::{Class, Id, Measure, Scope, Sentence, Time};
use relay::{Active, Effective};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const START: u64 = 1_662_246_900;
/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct ManualClock {
    wall: AtomicU64,
    mono: AtomicU64,
}

impl ManualClock {
    pub(crate) fn set_wall(&self, wall: u64) {
        self.wall.store(wall, SeqCst);
    }
    pub(crate) fn set_mono(&self, seconds: u64) {
        self.mono.store(seconds, SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.wall.load(SeqCst))
    }
    fn mono(&self) -> Duration {
        Duration::from_secs(self.mono.load(SeqCst))
    }
}

pub(crate) struct Undo;

impl Notes for Undo {
    fn undo(&self, note: Vec<u8>) -> NoteAnswer<'_> {
        Box::pin(async move {
            if note == b"good note" { Ok("lifted imp-1".into()) } else { Err("not a note".into()) }
        })
    }

    fn rekey(&self, note: Vec<u8>) -> NoteAnswer<'_> {
        Box::pin(async move {
            if note.len() == 60_000 {
                Ok("policy 1 has effect here".into())
            } else {
                Err("not a policy".into())
            }
        })
    }

    fn checkpoint(&self) -> Option<Vec<u8>> {
        Some(b"a checkpoint".to_vec())
    }
}

pub(crate) struct Harness {
    pub(crate) edge: Option<EdgeHandle>,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) effective: watch::Sender<Arc<Effective>>,
    pub(crate) origin: Origin,
    pub(crate) root: Vec<u8>,
    config: Config,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).expect("id")
}

pub(crate) fn measure(scope: Scope, hostnames: &[&str]) -> Measure {
    Measure {
        id: id("imp-1"),
        class: Class::Emergency,
        customer: id("cus_first"),
        scope,
        hostnames: hostnames.iter().map(|h| (*h).to_owned()).collect(),
        since: Time(START),
        until: Time(START + 48 * 3600),
        confirm_by: Some(Time(START + 48 * 3600)),
        confirmed: false,
        ground: id("threat-to-life"),
        ground_version: 1,
        authorities: 2,
        ordered: false,
        post: Hash::of(b"# Reasons\n"),
        subject: Hash::of(b"subject"),
        limiting: Sentence::parse("Not a precedent.").expect("sentence"),
        withheld: None,
        index: 3,
        logged: Time(START),
    }
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let origin = Origin::start().await;
        let dir = tempfile::tempdir().expect("directory");
        let (root, issuer) = authority();
        for name in ["first", "second"] {
            let hosts = [format!("one.{name}.example"), format!("two.{name}.example")];
            let pem = certificate(&issuer, &hosts);
            std::fs::write(dir.path().join(format!("{name}.pem")), pem.chain).expect("write");
            std::fs::write(dir.path().join(format!("{name}.key")), pem.key).expect("write");
        }
        let clock = Arc::new(ManualClock { wall: AtomicU64::new(START + 10), mono: AtomicU64::new(10) });
        let (effective, receiver) = watch::channel(Arc::new(Effective::default()));
        let any = "127.0.0.1:0".parse().expect("address");
        let config = Config {
            workers: 2,
            http: vec![any],
            https: vec![any],
            default_certificate: Some(certificate(&issuer, &["default.example".into()])),
            operator: operator(),
            state_dir: dir.path().join("state"),
            limits,
        };
        let sites = sites(&toml(origin.address), dir.path());
        let edge =
            edge::start(config.clone(), &sites, receiver, Arc::new(Undo), Arc::<ManualClock>::clone(&clock))
                .expect("start");
        let (http, https) = (edge.addresses().0[0], edge.addresses().1[0]);
        Self { edge: Some(edge), http, https, clock, effective, origin, root, config, dir }
    }

    pub(crate) fn edge(&self) -> &EdgeHandle {
        self.edge.as_ref().expect("runs")
    }

    pub(crate) fn set_sites(&self, toml: &str) {
        self.edge().set_sites(&sites(toml, self.dir.path())).expect("sites");
    }

    pub(crate) fn try_sites(&self, toml: &str) -> std::io::Result<()> {
        self.edge().set_sites(&sites(toml, self.dir.path()))
    }

    pub(crate) fn restart(&mut self, toml: &str) {
        self.try_restart(toml).expect("start");
    }

    /// Another edge on the same state; the first one goes.
    pub(crate) fn try_restart(&mut self, toml: &str) -> std::io::Result<()> {
        let sites = sites(toml, self.dir.path());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        let edge =
            edge::start(self.config.clone(), &sites, self.effective.subscribe(), Arc::new(Undo), clock)?;
        (self.http, self.https) = (edge.addresses().0[0], edge.addresses().1[0]);
        self.edge = Some(edge);
        Ok(())
    }

    pub(crate) fn damage_state(&self) {
        let file = self.config.state_dir.join("bindings");
        let text = std::fs::read_to_string(&file).expect("state");
        std::fs::write(&file, text.replace("now ", "nov ")).expect("write");
    }

    /// Puts measures in force and waits until the edge has them.
    pub(crate) async fn block(&self, measures: Vec<Measure>) {
        let count = measures.len() as u64;
        let post: Arc<[u8]> = Arc::from(&b"# Reasons\n"[..]);
        let ends_mono = Duration::from_secs(48 * 3600);
        let effective = Effective {
            posts: measures.iter().map(|m| (m.post, Arc::clone(&post))).collect(),
            measures: measures.into_iter().map(|measure| Active { measure, ends_mono }).collect(),
            size: 4,
            sites_behind: false,
        };
        self.effective.send_replace(Arc::new(effective));
        self.until(|| {
            let c = self.edge().counters();
            c.measures + c.measures_refused == count
        })
        .await;
    }

    pub(crate) async fn block_customer(&self) {
        self.block(vec![measure(Scope::Customer, &["one.first.example"])]).await;
    }

    /// Waits for a condition; there is no other way to learn that another thread got so far.
    pub(crate) async fn until(&self, mut done: impl FnMut() -> bool) {
        let wait = async {
            while !done() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the condition came true");
    }

    /// One request on a connection of its own: what comes back until the edge closes.
    pub(crate) async fn get(&self, host: &str, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    }

    pub(crate) async fn raw(&self, bytes: &str) -> String {
        let mut visitor = Visitor::clear(self.http).await;
        visitor.send(bytes).await;
        visitor.rest().await
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if let Some(edge) = self.edge.take() {
            // Not waited for: the threads end by themselves.
            drop(edge);
        }
    }
}

fn sites(toml: &str, base: &Path) -> Sites {
    Sites::parse(toml, base).expect("sites")
}

pub(crate) fn toml(origin: SocketAddr) -> String {
    let mut toml = String::new();
    for (name, extra) in
        [("first", "\"one.first.example\", \"two.first.example\""), ("second", "\"one.second.example\"")]
    {
        toml += &format!(
            "[[customer]]\nid = \"cus_{name}\"\nname = \"{name}\"\n[[customer.site]]\nid = \"site_{name}\"\n\
             hostnames = [{extra}]\norigins = [\"{origin}\"]\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n"
        );
    }
    toml
}

pub(crate) fn operator() -> Operator {
    Operator {
        name: "Example Shield".into(),
        url: "https://shield.example/".into(),
        appeal_url: "https://shield.example/appeal".into(),
        abuse_email: "abuse@shield.example".into(),
        reasons_base: "https://press.example".into(),
        ..Operator::default()
    }
}

type Issuer = rcgen::Issuer<'static, rcgen::KeyPair>;

fn authority() -> (Vec<u8>, Issuer) {
    let key = rcgen::KeyPair::generate().expect("key");
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).expect("certificate");
    (root.der().to_vec(), rcgen::Issuer::new(params, key))
}

fn certificate(issuer: &Issuer, hosts: &[String]) -> Pem {
    let key = rcgen::KeyPair::generate().expect("key");
    let params = rcgen::CertificateParams::new(hosts.to_vec()).expect("names");
    let certificate = params.signed_by(&key, issuer).expect("certificate");
    Pem { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
}

/// A visitor on one connection that writes and reads bytes.
pub(crate) struct Visitor<S = TcpStream> {
    pub(crate) stream: S,
}

impl Visitor {
    pub(crate) async fn clear(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("connect") }
    }
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Visitor<S> {
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.expect("write");
    }

    /// Everything until the other side closes or resets.
    pub(crate) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let read = async {
            let mut part = [0; 4096];
            while let Ok(n @ 1..) = self.stream.read(&mut part).await {
                all.extend_from_slice(&part[..n]);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the edge closes");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads until the text has come; gives everything read so far.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        let read = async {
            loop {
                let mut part = [0; 4096];
                let n = self.stream.read(&mut part).await.expect("read");
                assert!(n > 0, "closed before {text:?}: {}", String::from_utf8_lossy(&all));
                all.extend_from_slice(&part[..n]);
                if all.windows(text.len()).any(|w| w == text.as_bytes()) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the text comes");
        String::from_utf8_lossy(&all).into_owned()
    }
}

pub(crate) fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}

pub(crate) fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// An origin that shows what it was asked.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Origin {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let (requests, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, opened) = (Arc::clone(&requests), Arc::clone(&connections));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accept");
                opened.fetch_add(1, SeqCst);
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        count.fetch_add(1, SeqCst);
                        serve(request)
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    http.serve_connection(TokioIo::new(stream), service).with_upgrades().await.ok();
                });
            }
        });
        Self { address, requests, connections }
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn serve(mut request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let text = |text: String| Response::new(Full::new(Bytes::from(text)).boxed());
    Ok(match path.as_str() {
        "/stream" => Response::new(Ticks::every(Duration::from_millis(10), 16).boxed()),
        "/flood" => Response::new(Ticks::every(Duration::ZERO, 64 * 1024).boxed()),
        "/echo" => {
            let bytes = request.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            Response::new(Full::new(bytes).boxed())
        }
        "/hop" => {
            let mut response = text("hop".into());
            for (name, value) in [
                ("connection", "x-private"),
                ("x-private", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("x-public", "1"),
            ] {
                response.headers_mut().insert(name, value.parse().expect("value"));
            }
            response
        }
        "/die" => panic!("the connection dies"),
        "/never" => std::future::pending().await,
        "/ws" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut io = TokioIo::new(upgrade.await.expect("upgrade"));
                io.write_all(b"welcome").await.ok();
                let mut part = [0; 1024];
                while let Ok(n @ 1..) = io.read(&mut part).await {
                    io.write_all(&part[..n]).await.ok();
                }
            });
            let mut response = text(String::new());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert("connection", "upgrade".parse().expect("value"));
            response.headers_mut().insert("upgrade", "websocket".parse().expect("value"));
            response
        }
        _ if path.starts_with("/.well-known/acme-challenge/long") => text("x".repeat(600)),
        _ if path.starts_with("/.well-known/acme-challenge/chat") => text("anything but a key".into()),
        _ if path.starts_with("/.well-known/acme-challenge/") => {
            let names: Vec<_> = request.headers().keys().map(|name| name.as_str().to_owned()).collect();
            assert_eq!((names, request.uri().query()), (vec!["host".to_owned()], None));
            text(key_authorisation(path.rsplit('/').next().unwrap_or_default()))
        }
        _ => {
            let mut shown = format!("{} {}\n", request.method(), request.uri());
            for (name, value) in request.headers() {
                shown += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
            }
            text(shown)
        }
    })
}

/// What a certificate authority expects for a token, as the origin of these tests knows it.
pub(crate) fn key_authorisation(token: &str) -> String {
    format!("{token}.{}", "t".repeat(43))
}

/// An origin that writes bytes: `answer` after each head it reads, on a connection that stays open. It never reads a
/// body on purpose, only whatever comes, until the other side closes.
pub(crate) struct RawOrigin {
    pub(crate) address: SocketAddr,
    pub(crate) opened: Arc<AtomicUsize>,
    pub(crate) closed: Arc<AtomicUsize>,
    answer: Arc<std::sync::Mutex<String>>,
}

impl RawOrigin {
    /// From now on it answers this.
    pub(crate) fn say(&self, answer: String) {
        *self.answer.lock().expect("no panic") = answer;
    }

    pub(crate) async fn start(answer: &str) -> Self {
        let answer = Arc::new(std::sync::Mutex::new(answer.to_owned()));
        let says = Arc::clone(&answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let (opened, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (opens, closes) = (Arc::clone(&opened), Arc::clone(&closed));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.expect("accept");
                opens.fetch_add(1, SeqCst);
                let (closes, says) = (Arc::clone(&closes), Arc::clone(&says));
                tokio::spawn(async move {
                    let (mut part, mut all) = ([0; 4096], Vec::new());
                    while let Ok(n @ 1..) = stream.read(&mut part).await {
                        all.extend_from_slice(&part[..n]);
                        if all.windows(4).any(|w| w == b"\r\n\r\n") {
                            all.clear();
                            let answer = says.lock().expect("no panic").clone();
                            if stream.write_all(answer.as_bytes()).await.is_err() {
                                break;
                            }
                        }
                    }
                    closes.fetch_add(1, SeqCst);
                });
            }
        });
        Self { address, opened, closed, answer }
    }
}

/// A body without an end.
struct Ticks {
    timer: Option<tokio::time::Interval>,
    data: Bytes,
}

impl Ticks {
    fn every(pause: Duration, size: usize) -> Self {
        let timer = (!pause.is_zero()).then(|| tokio::time::interval(pause));
        let mut data = b"data: tick".to_vec();
        data.resize(size - 2, b'.');
        data.extend_from_slice(b"\n\n");
        Self { timer, data: data.into() }
    }
}

impl Body for Ticks {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(timer) = &mut self.timer {
            std::task::ready!(timer.poll_tick(cx));
        }
        Poll::Ready(Some(Ok(Frame::data(self.data.clone()))))
    }
}
