//! A desk and a press behind real listeners, people with keys, and a clock that only the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use desk::{Change, CustomerView, Desk, SiteView, Snapshots};
use ledger::Hash;
use ledger::note::SigningKey;
use policy::Time;
use policy::clock::Clock;
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::{House, id};
use store::Store;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// When the test begins.
pub(crate) const START: Time = Time(1_795_305_600);

struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
    fn mono(&self) -> Duration {
        Duration::from_secs(self.now().0)
    }
}

pub(crate) struct World {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    desk: Desk,
    runtime: Runtime,
    pub(crate) house: House,
    /// Where the console is, as a browser has it.
    pub(crate) console: String,
    pub(crate) press: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let house = House::demo(START);
        let clock = Arc::new(TestClock(AtomicU64::new(START.0)));
        let told: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let (desk, console, press) = runtime.block_on(async {
            let store = Store::open(folder.path()).await.expect("a store");
            let first = house.policy_note().to_bytes();
            let trust = store.init_ledger(&house.log, &first, START).await.expect("a ledger");
            for name in ["anna", "ben", "clara"] {
                store.add_token(name, &Hash::of(name.as_bytes()), "officer", START).await.expect("a token");
            }
            let [at_desk, at_press] = [listen().await, listen().await];
            let at = |listener: &TcpListener| {
                format!("http://localhost:{}", listener.local_addr().expect("bound").port())
            };
            let (console, base) = (at(&at_desk), at(&at_press));
            let drawn = AtomicU64::new(0);
            let draw = move || Some(Hash::of(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes()).0);
            let settings = desk::Config {
                operator: "Example Shield".into(),
                press: base.clone(),
                open_reads: true,
                demo_allowed: true,
                witnesses: Vec::new(),
                customers: customers(),
                own_edge: None,
                snapshots: Arc::new(NoSnapshots),
                config_key: None,
                mail: None,
                pager: Arc::new(desk::Pager::nobody(String::new())),
                draw: Arc::new(draw),
                origin: Some(console.clone()),
            };
            let key =
                SigningKey::from_seed(&house.origin, Hash::of(house.origin.as_bytes()).0).expect("a key");
            let desk = Desk::open(settings, store.clone(), key, Arc::clone(&told)).await.expect("a desk");
            desk.accept_head();
            let operator = press::Operator {
                name: "Example Shield".into(),
                reasons_base: base.clone(),
                ..press::Operator::default()
            };
            let inbox = store::Inbox::open(folder.path()).expect("an inbox");
            let intake = press::Intake { inbox, draw: Arc::new(|| Some(Hash::of(b"drawn").0)) };
            let config = press::Config { trust, operator };
            let press = press::router(config, store.reader(), Some(intake), told);
            serve(at_desk, desk.api_router());
            serve(at_press, press);
            (desk, console, base)
        });
        Self { folder, clock, desk, runtime, house, console, press }
    }

    /// Somebody reports something.
    pub(crate) fn report(&self, name: &str, text: &str) {
        let report = Report {
            id: id(name),
            received: self.now(),
            channel: Channel::Form,
            secret: Hash::of(name.as_bytes()),
            category: Category::ThreatToLife,
            about: vec![Address::parse("https://forum.first.example/t/7").expect("an address")],
            happened: None,
            good_faith: true,
            reporter: Reporter { name: None, email: None },
            text: text.to_owned(),
        };
        let inbox = store::Inbox::open(self.folder.path()).expect("an inbox");
        self.runtime.block_on(async {
            inbox.append(&report).await.expect("kept");
            self.desk.take_in().await;
        });
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Time goes on.
    pub(crate) fn later(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.runtime.block_on(self.desk.tend());
    }

    /// Somebody's request with their token; what came back.
    pub(crate) fn ask(&self, who: &str, method: &str, path: &str, body: &[u8]) -> serde_json::Value {
        use axum::body::Body;
        use http_body_util::BodyExt as _;
        use tower::ServiceExt as _;
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {who}"))
            .body(Body::from(body.to_vec()))
            .expect("a request");
        self.runtime.block_on(async {
            let response = self.desk.api_router().oneshot(request).await.expect("routers do not fail");
            let status = response.status();
            let bytes = response.into_body().collect().await.expect("a body").to_bytes();
            let said = String::from_utf8_lossy(&bytes);
            assert!(status.is_success(), "{method} {path}: {status} {said}");
            serde_json::from_slice(&bytes).unwrap_or_default()
        })
    }

    /// A note that these people put and sign with their SSH keys.
    pub(crate) fn note(&self, id: &str, text: &str, people: &[&str]) {
        self.ask("anna", "POST", "/notes", text.as_bytes());
        for name in people {
            let line = self.house.sign(text, name).to_string();
            self.ask(name, "POST", &format!("/notes/{id}/signatures"), line.as_bytes());
        }
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback")
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

fn customers() -> Vec<CustomerView> {
    let site = SiteView { id: id("site_forum"), hostnames: vec!["forum.first.example".into()] };
    vec![CustomerView { id: id("cus_first"), name: "First Customer".into(), sites: vec![site] }]
}

/// This desk publishes no configurations.
struct NoSnapshots;

impl Snapshots for NoSnapshots {
    fn customers(&self, _: &[u8]) -> Result<Vec<CustomerView>, String> {
        Ok(customers())
    }
    fn publishable(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
    fn change(&self, _: &[u8], _: &[u8]) -> Result<Change, String> {
        Ok(Change::default())
    }
}
