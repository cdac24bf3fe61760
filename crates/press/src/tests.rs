//! The whole of press over a real store and real notes, asked through its router.

mod feeds;
mod ledger_files;
mod mailbox;
mod register;
mod reports;
mod rooms;
mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use ledger::Hash;
use ledger::note::Note;
use policy::clock::Clock;
use policy::note::Impose;
use policy::testkit::House;
use policy::{Subject, Time};
use store::{Store, publish};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Config, Intake, Operator};

/// 22 November 2026, 23:15 UTC.
const START: Time = Time(1_795_389_300);
const HOUR: u64 = 3600;

const POST: &str = "---\ntitle: Why we blocked a customer tonight\nsummary: Threats to life escalated faster than any court could act.\nauthor: Duty office\ntags: emergency, threat to life\nlanguage: en\n---\n\n# Why we blocked a customer tonight\n\nOver 48 hours the threats became *specific*.\n\n## What we did\n\nWe told [the police](https://police.example/).\n";

/// A clock that a test moves.
struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }

    fn mono(&self) -> Duration {
        Duration::from_secs(self.now().0 - START.0)
    }
}

/// A house, its ledger, and the public site over it.
struct Site {
    dir: TempDir,
    store: Store,
    house: House,
    clock: Arc<ManualClock>,
    router: Router,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

fn operator() -> Operator {
    Operator {
        name: "Example Shield".into(),
        url: Some("https://shield.example/".into()),
        appeal_url: Some("https://shield.example/appeal".into()),
        appeal_email: Some("appeal@shield.example".into()),
        security_email: Some("security@shield.example".into()),
        reasons_base: "https://reasons.example/".into(),
        ..Operator::default()
    }
}

/// Numbers and secrets that tests can foresee.
fn intake(dir: &std::path::Path) -> Intake {
    let drawn = AtomicU64::new(0);
    let draw = move || Some(Hash::of(&drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes()).0);
    Intake { inbox: store::Inbox::open(dir).unwrap(), draw: Arc::new(draw) }
}

impl Site {
    /// A demonstration house with nothing but policy 0 in its ledger.
    async fn demo() -> Site {
        Site::with(House::demo(START)).await
    }

    async fn with(house: House) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let trust = store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await.unwrap();
        let clock = Arc::new(ManualClock(AtomicU64::new(START.0)));
        let config = Config { trust, operator: operator() };
        let router = crate::router(
            config,
            store.reader(),
            Some(intake(dir.path())),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        Site { dir, store, house, clock, router }
    }

    fn set_time(&self, time: Time) {
        self.clock.0.store(time.0, Ordering::SeqCst);
    }

    /// Publishes a signed note with its blobs, whether or not the fold will accept it.
    async fn publish(&self, note: &Note, blobs: &[&[u8]], logged: Time) -> u64 {
        let mut hashes = Vec::new();
        for blob in blobs {
            hashes.push(self.store.put_blob(blob, "anna", logged).await.unwrap());
        }
        let head = self.store.head().await.unwrap().unwrap();
        let tree = self.store.tree().await.unwrap();
        let plan = publish::decide(&head, &tree, &note.to_bytes(), &hashes, logged, None).unwrap();
        self.store.commit_plan(&plan).await.unwrap();
        publish::run(&self.store, &plan, &self.house.log).await.unwrap().index
    }

    fn subject(&self) -> Subject {
        self.house.subject("cus_first", &["one.first.example", "two.first.example", "www.first.example"])
    }

    /// Finding at `at`, emergency `imp-1` a minute later, with `post` as its reasons.
    async fn emergency(&self, at: Time, post: &str) -> Impose {
        let subject = self.subject();
        let finding = self.house.finding("fnd-1", at, &subject).to_string();
        self.publish(&self.house.signed(&finding, &["anna", "ben"]), &[], at).await;
        let at = at.plus(60);
        let impose = self.house.emergency("imp-1", at, "fnd-1", &subject, post.as_bytes());
        let note = self.house.signed(&impose.to_string(), &["anna", "clara"]);
        self.publish(&note, &[post.as_bytes(), subject.to_string().as_bytes()], at).await;
        self.set_time(at);
        impose
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer { status, headers, bytes }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }

    /// The text of a page that must be there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.text()
    }

    fn blob_file(&self, hash: &Hash) -> std::path::PathBuf {
        self.dir.path().join("ledger/blob").join(hash.to_string())
    }
}

/// `text` must contain each of `words`, in this order.
fn has_in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("{word:?} is not (or not here) in: {text}"));
        rest = &rest[at + word.len()..];
    }
}
