//! A desk, a press and a ledger in one folder, people with keys, and a clock that only the story moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::{Change, CustomerView, Desk, SiteView, Snapshots};
use http_body_util::BodyExt as _;
use ledger::Hash;
use ledger::note::SigningKey;
use policy::clock::Clock;
use policy::testkit::{House, id};
use policy::{Id, Seen, State, Subject, Time, Trust};
use serde_json::Value;
use store::{Queue, Store};
use tower::ServiceExt as _;

use crate::script::Check;

/// Customers and their sites.
const CUSTOMERS: [(&str, &str, &[&str]); 2] = [
    ("cus_first", "site_forum", &["forum.first.example", "www.first.example"]),
    ("cus_second", "site_shop", &["shop.second.example"]),
];

/// Who holds an officer's token. Everybody else who works at the desk is an analyst.
const OFFICERS: [&str; 5] = ["anna", "ben", "clara", "dora", "emil"];

/// A clock that only the story moves.
struct StoryClock(AtomicU64);

impl Clock for StoryClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
    fn mono(&self) -> Duration {
        Duration::from_secs(self.now().0)
    }
}

pub(crate) struct World {
    _folder: tempfile::TempDir,
    clock: Arc<StoryClock>,
    pub(crate) house: House,
    pub(crate) store: Store,
    trust: Trust,
    desk: Desk,
    press: Router,
    /// How many reports came; their numbers.
    pub(crate) reports: u64,
}

impl World {
    pub(crate) async fn new(begins: Time) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let house = House::demo(begins);
        let store = Store::open(folder.path()).await.expect("a store");
        let trust = store
            .init_ledger(&house.log, &house.policy_note().to_bytes(), begins)
            .await
            .expect("a new ledger");
        for name in OFFICERS {
            token(&store, name, "officer", begins).await;
        }
        token(&store, "nora", "analyst", begins).await;
        let clock = Arc::new(StoryClock(AtomicU64::new(begins.0)));
        let settings = desk::Config {
            operator: "Example Shield".into(),
            press: "https://reasons.example".into(),
            open_reads: false,
            demo_allowed: true,
            witnesses: Vec::new(),
            customers: customers(),
            own_edge: None,
            snapshots: Arc::new(NoSnapshots),
            config_key: None,
            mail: None,
            pager: Arc::new(desk::Pager::nobody(String::new())),
            draw: Arc::new(|| Some(Hash::of(b"drawn").0)),
            origin: None,
        };
        let key = SigningKey::from_seed(&house.origin, Hash::of(house.origin.as_bytes()).0).expect("a key");
        let told: Arc<dyn Clock> = Arc::<StoryClock>::clone(&clock);
        let desk = Desk::open(settings, store.clone(), key, Arc::clone(&told)).await.expect("a desk");
        desk.accept_head();
        let operator = press::Operator {
            name: "Example Shield".into(),
            reasons_base: "https://reasons.example".into(),
            ..press::Operator::default()
        };
        let press = press::Config { trust: trust.clone(), operator };
        let press = press::router(press, store.reader(), None, told);
        Self { _folder: folder, clock, house, store, trust, desk, press, reports: 0 }
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Time goes on, and the desk looks at what waits, as it does by itself.
    pub(crate) async fn at(&self, time: Time) {
        assert!(time >= self.now(), "a story does not go back to {time}");
        self.clock.0.store(time.0, Ordering::SeqCst);
        self.desk.tend().await;
    }

    /// A request to the desk by somebody; what it answered, or why not.
    pub(crate) async fn ask(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Value, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {who}"));
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.desk.api_router().oneshot(request).await.expect("routers do not fail");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() { Ok(said) } else { Err(format!("{status} {said}")) }
    }

    /// The same with JSON.
    pub(crate) async fn tell(&self, who: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.ask(who, "POST", path, body.to_string().into_bytes()).await
    }

    /// A page of the press.
    async fn page(&self, path: &str) -> (StatusCode, String) {
        let request =
            Request::get(path).header("accept", "text/html").body(Body::empty()).expect("a request");
        let response = self.press.clone().oneshot(request).await.expect("routers do not fail");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Who is meant by a customer-wide note of a case.
    pub(crate) fn subject(&self, customer: &str, case: &str) -> Subject {
        let hosts = CUSTOMERS.iter().find(|(id, ..)| *id == customer).map(|(_, _, hosts)| *hosts);
        Subject { case: id(case), ..self.house.subject(customer, hosts.expect("a customer of the story")) }
    }

    /// The public log, folded by somebody who has nothing but the trust line.
    async fn folded(&self) -> State {
        let reader = self.store.reader();
        let size = reader.size().await.expect("a size");
        let entries = reader.entries(0, size).await.expect("entries");
        let mut state = State::genesis(&self.trust, &entries[0], true).expect("policy 0");
        for (index, entry) in (1..).zip(entries.iter().skip(1)) {
            state.apply(index, entry, Seen::CatchUp);
        }
        for hash in state.wanted(self.now()) {
            if let Some(blob) = reader.blob(&hash).await.expect("readable") {
                state.hold(&blob);
            }
        }
        state
    }

    pub(crate) async fn check(&self, check: &Check) -> Result<(), String> {
        let ensure = |holds: bool, why: String| if holds { Ok(()) } else { Err(why) };
        match check {
            // It belongs to the act before.
            Check::Refused(_) => Ok(()),
            Check::Open(case) => {
                let closed = self.closed_by(case).await?;
                ensure(closed.is_empty(), format!("it is closed: {}", closed.join("; ")))
            }
            Check::Closed(case, words) => {
                let closed = self.closed_by(case).await?;
                let found = closed.iter().any(|why| why.contains(words.as_str()));
                ensure(found, format!("it is closed by: {}", closed.join("; ")))
            }
            Check::Impossible(customer, words) => self.impossible(customer, words).await,
            Check::Blocked(customer) | Check::Serving(customer) => {
                let state = self.folded().await;
                let blocked = state.at(self.now()).iter().any(|m| m.customer.as_str() == customer);
                let want = matches!(check, Check::Blocked(_));
                ensure(blocked == want, format!("it is {}", if blocked { "blocked" } else { "served" }))
            }
            Check::Queue(want) => {
                let queue = Queue { open: true, after: None, limit: store::MAX_PAGE };
                let found = self.store.clusters(&queue).await.map_err(|e| e.to_string())?.len();
                ensure(found == *want, format!("{found} lines wait"))
            }
            Check::Public(path, words) => {
                let (status, page) = self.page(path).await;
                ensure(status.is_success() && page.contains(words.as_str()), format!("{status}\n{page}"))
            }
            Check::Nowhere(words) => self.nowhere(words).await,
        }
    }

    async fn closed_by(&self, case: &str) -> Result<Vec<String>, String> {
        let it = self.ask("anna", "GET", &format!("/cases/{case}"), Vec::new()).await?;
        let closed = it["emergency"]["closed_by"].as_array().ok_or("no track")?;
        Ok(closed.iter().filter_map(|c| c["why"].as_str()).map(str::to_owned).collect())
    }

    /// Two who say that everything is met, whatever they know, get no finding taken: not for any case there is, nor for
    /// one that nobody opened.
    async fn impossible(&self, customer: &str, words: &str) -> Result<(), String> {
        let queue = |open| Queue { open, after: None, limit: store::MAX_PAGE };
        let mut cases = vec!["cas-of-nobody".to_owned()];
        for open in [true, false] {
            let found = self.store.cases(&queue(open)).await.map_err(|e| e.to_string())?;
            cases.extend(found.iter().map(|case| case.id.to_string()));
        }
        let mut said = Vec::new();
        for case in cases {
            let subject = self.subject(customer, &case);
            let mut finding = self.house.finding("fnd-of-liars", self.now(), &subject);
            let held = self.store.case(&id(&case)).await.map_err(|e| e.to_string())?;
            finding.window_until = held.and_then(|it| it.facts.window()).unwrap_or(finding.window_until);
            self.ask("anna", "POST", "/blobs", subject.to_string().into_bytes()).await?;
            match self.ask("anna", "POST", "/notes", finding.to_string().into_bytes()).await {
                Ok(_) => return Err(format!("a finding is taken for {case}")),
                Err(why) if why.contains("\"code\":\"track\"") => said.push(why),
                Err(why) => return Err(format!("{case} is refused for something else: {why}")),
            }
        }
        let found = said.iter().any(|why| why.contains(words));
        if found { Ok(()) } else { Err(format!("it is impossible for other reasons: {}", said.join("\n"))) }
    }

    async fn nowhere(&self, words: &str) -> Result<(), String> {
        let size = self.store.reader().size().await.map_err(|e| e.to_string())?;
        let entries = self.store.reader().entries(0, size).await.map_err(|e| e.to_string())?;
        if entries.iter().any(|entry| String::from_utf8_lossy(entry).contains(words)) {
            return Err("the log holds it".into());
        }
        let mut paths: Vec<String> =
            ["/", "/feed.atom", "/feed.json", "/ledger/", "/contacts", "/contacts.json"]
                .map(str::to_owned)
                .to_vec();
        paths.extend((0..size).map(|index| format!("/ledger/entry/{index}")));
        for decision in self.folded().await.decisions() {
            let id: &Id = &decision.impose.head.id;
            paths.extend([format!("/posts/{id}"), format!("/decisions/{id}")]);
        }
        for path in paths {
            if self.page(&path).await.1.contains(words) {
                return Err(format!("{path} shows it"));
            }
        }
        Ok(())
    }
}

async fn token(store: &Store, name: &str, scope: &str, at: Time) {
    store.add_token(name, &Hash::of(name.as_bytes()), scope, at).await.expect("a token");
}

fn customers() -> Vec<CustomerView> {
    let one = |(customer, site, hosts): &(&str, &str, &[&str])| CustomerView {
        id: id(customer),
        name: (*customer).to_owned(),
        sites: vec![SiteView { id: id(site), hostnames: hosts.iter().map(ToString::to_string).collect() }],
    };
    CUSTOMERS.iter().map(one).collect()
}

/// These houses publish no configurations.
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
