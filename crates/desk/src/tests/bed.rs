//! A desk in a temporary directory, with a house of people, a clock moved by hand, and a reader of scripts.
//!
//! A script is requests and answers:
//! ```text
//! at 60                                    the clock, seconds after the house's start
//! POST /api/v1/notes as officer body impose
//!   201 | "state":"collecting" | !"index"   status, fragments that must be there, fragments that must not
//! ```
//! A request line may end with: `as TOKEN`, `key IDEMPOTENCY-KEY`, `host NAME`, and one body: `body NAME` (a text of
//! the bed), `sign NAME PERSON` (a signature line), `armor NAME PERSON` (an
//! SSH signature file), `signed NAME PERSON,PERSON` (a whole note),
//! `receipt EDGE SIZE AT MEASURES`, `json WORD`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt as _;
use ledger::Hash;
use ledger::note::SigningKey;
use ledger::sshsig::SshSig;
use policy::clock::Clock;
use policy::note::Suspend;
use policy::testkit::{House, id, sentence};
use policy::{Id, Scope, Subject, Time};
use relay::receipt::Receipt;
use store::{Store, fault};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{
    Caller, Change, Config, CustomerView, Desk, Ended, Language, MailConfig, Mailer, Page, PageStep, Pager,
    Sender, SiteView, Smarthost, Snapshots, Tls,
};

/// When every test begins: 2027-01-15T08:00:00Z.
pub(super) const START: Time = Time(1_800_000_000);

/// A clock that only tests move.
pub(super) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(super) fn set(&self, time: Time) {
        self.0.store(time.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
    fn mono(&self) -> Duration {
        Duration::from_secs(self.now().since(START))
    }
}

pub(super) struct Bed {
    pub(super) dir: TempDir,
    pub(super) house: House,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: Store,
    pub(super) desk: Desk,
    /// Whom the desk called.
    pub(super) calls: Arc<Calls>,
    pub(super) texts: BTreeMap<&'static str, Vec<u8>>,
    open_reads: bool,
}

pub(super) const POST: &[u8] = b"# Reasons\n\nA threat to life.\n";

impl Bed {
    /// A demonstration desk that wants a token for everything.
    pub(super) async fn new() -> Bed {
        Bed::with("demo:localhost/ledger", false).await
    }

    pub(super) async fn with(origin: &str, open_reads: bool) -> Bed {
        Bed::of(House::new(origin, START), open_reads).await
    }

    /// A desk of this house.
    pub(super) async fn of(house: House, open_reads: bool) -> Bed {
        let dir = TempDir::new().expect("a temporary directory");
        let store = Store::open(dir.path()).await.expect("store");
        store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await.expect("a new ledger");
        for (name, scope) in [
            ("officer", "officer"),
            ("other", "officer"),
            ("analyst", "analyst"),
            ("reader", "reader"),
            ("odd", "root"),
        ] {
            store.add_token(name, &Hash::of(name.as_bytes()), scope, START).await.expect("a token");
        }
        opened_case(&store).await;
        let clock = Arc::new(ManualClock(AtomicU64::new(START.0)));
        let calls = Arc::new(Calls::default());
        let desk = open(&store, &house, &clock, open_reads, &calls).await.expect("desk");
        let texts = texts(&house);
        Bed { dir, house, clock, store, desk, calls, texts, open_reads }
    }

    /// The same, and nobody has confirmed the head since.
    pub(super) async fn restart_alone(&mut self) {
        let (house, clock) = (&self.house, &self.clock);
        let desk = unconfirmed(&self.store, house, clock, self.open_reads, &self.calls).await;
        self.desk = desk.expect("desk");
    }

    /// The process ends and begins again, with this between it and its disk. The files stay.
    pub(super) async fn restart(&mut self, hook: Arc<dyn fault::Hook>) -> Result<(), crate::OpenError> {
        self.store = Store::open_with(self.dir.path(), hook).await.expect("store");
        self.desk = open(&self.store, &self.house, &self.clock, self.open_reads, &self.calls).await?;
        Ok(())
    }

    pub(super) fn at(&self, seconds: u64) {
        self.clock.set(START.plus(seconds));
    }

    /// Runs a script, and says which line went wrong.
    pub(super) async fn run(&self, script: &str) {
        let mut last = (0, String::new(), StatusCode::OK, String::new());
        for (number, line) in script.lines().enumerate().map(|(n, l)| (n + 1, l)) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(expect) = line.strip_prefix("  ") {
                check(&last, number, expect);
            } else if let Some(seconds) = line.strip_prefix("at ") {
                self.at(seconds.parse().expect("seconds"));
            } else {
                let (status, body) = self.ask(line).await;
                last = (number, line.to_owned(), status, body);
            }
        }
    }

    /// One request line; status and body of the answer.
    pub(super) async fn ask(&self, line: &str) -> (StatusCode, String) {
        let response = self.respond(line).await;
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// One request line; the answer.
    pub(super) async fn respond(&self, line: &str) -> Response<Body> {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let mut request = Request::builder().method(method).uri(path);
        let mut body = Vec::new();
        while let Some(word) = words.next() {
            let mut next = || words.next().expect("a word more");
            match word {
                "as" => request = request.header("authorization", format!("Bearer {}", next())),
                "key" => request = request.header("idempotency-key", next()),
                "host" => request = request.header("host", next()),
                "from" => request = request.header("origin", next()),
                "login" => request = request.header("cookie", format!("a=b; __Host-portcullis={}", next())),
                "phone" => {
                    let (text, name) = (self.note_text(next()), next());
                    body = self.phone(name, &text).into_bytes();
                }
                "body" => body = self.text(next()).to_vec(),
                // A form, with `+` for a blank.
                "form" => body = next().as_bytes().to_vec(),
                "json" => body = next().as_bytes().to_vec(),
                "sign" => {
                    let text = self.note_text(next());
                    body = self.house.sign(&text, next()).to_string().into_bytes();
                }
                // The same signature as the file that ssh-keygen writes.
                "armor" => {
                    let text = self.note_text(next());
                    let blob = self.house.sign(&text, next()).bytes;
                    body = SshSig::from_blob(&blob).expect("an SSHSIG").to_armor().into_bytes();
                }
                "signed" => {
                    let (text, names) = (self.note_text(next()), next());
                    let names: Vec<&str> = names.split(',').collect();
                    body = self.house.signed(&text, &names).to_bytes();
                }
                "receipt" => body = self.receipt(next(), next(), next(), next()).await,
                other => panic!("no such word in a script: {other} in {line}"),
            }
        }
        let request = request.body(Body::from(body)).expect("a request");
        let relay = path.starts_with("/relay");
        let router = if relay { self.desk.relay_router() } else { self.desk.api_router() };
        router.oneshot(request).await.expect("routers do not fail")
    }

    /// One request with this body, for bytes that no script can say.
    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> StatusCode {
        let request = Request::post(path).header("authorization", "Bearer officer").body(Body::from(body));
        let relay = path.starts_with("/relay");
        let router = if relay { self.desk.relay_router() } else { self.desk.api_router() };
        router.oneshot(request.expect("a request")).await.expect("routers do not fail").status()
    }

    /// What the console's script sends when this person's passkey signs a text.
    pub(super) fn phone(&self, name: &str, text: &str) -> String {
        let at = self.house.people.iter().position(|p| p.0 == name).expect("a person");
        let passkey = &self.house.passkeys[at];
        let (data, client, signature) = passkey.answer(&ledger::webauthn::challenge(text.as_bytes()));
        let url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        serde_json::json!({
            "passkey": passkey.verifier().expect("a key").to_string(),
            "authenticatorData": url(&data),
            "clientDataJSON": url(&client),
            "signature": url(&signature),
        })
        .to_string()
    }

    fn text(&self, name: &str) -> &[u8] {
        self.texts.get(name).unwrap_or_else(|| panic!("no text {name}"))
    }

    pub(super) fn note_text(&self, name: &str) -> String {
        String::from_utf8(self.text(name).to_vec()).expect("a note is UTF-8")
    }

    async fn receipt(&self, edge: &str, size: &str, at: &str, measures: &str) -> Vec<u8> {
        let (fork, size) = match size.strip_prefix("fork:") {
            Some(size) => (true, size),
            None => (false, size),
        };
        let (origin, size) = match size.strip_prefix("elsewhere:") {
            Some(size) => ("demo:elsewhere/ledger", size),
            None => (self.house.origin.as_str(), size),
        };
        let size = size.parse().expect("a size");
        let root = self.store.tree().await.expect("a tree").root_at(size).filter(|_| !fork);
        let listed = measures.split(',').filter(|m| *m != "none").map(id).collect();
        let receipt = Receipt {
            origin: origin.to_owned(),
            edge: edge_key(edge).verifier().name().to_owned(),
            size,
            root: root.unwrap_or(Hash::of(b"another log")),
            time: START.plus(at.parse().expect("seconds")),
            effective: Hash::of(b"effective"),
            measures: listed,
            refused: 0,
            config: None,
            stale: false,
        };
        receipt.sign(&edge_key(edge)).expect("a receipt")
    }
}

/// The key of an edge by its name; `NAME/other` is another key of the same name.
pub(super) fn edge_key(edge: &str) -> SigningKey {
    let name = edge.split('/').next().unwrap_or(edge);
    SigningKey::from_seed(name, Hash::of(edge.as_bytes()).0).expect("a key name")
}

/// The case that this house's findings name, with all that opens the emergency track.
async fn opened_case(store: &Store) {
    let (case, by) = (id("cas-1"), sentence("officer"));
    let new = store::NewCase {
        id: case.clone(),
        title: sentence("Threats"),
        customer: Some(id("cus_first")),
        reports: Vec::new(),
    };
    store.open_case(&new, &by, START).await.expect("a case");
    for act in policy::testkit::open_track(START) {
        store.add_to_case(&case, act, &by, START).await.expect("a fact");
    }
}

fn check((at, request, status, body): &(usize, String, StatusCode, String), number: usize, expect: &str) {
    let mut parts = expect.split(" | ");
    let want = parts.next().expect("a status").trim();
    assert_eq!(status.as_str(), want, "line {number}: `{request}` (line {at}) gave:\n{body}");
    for part in parts.map(str::trim) {
        let (absent, part) = part.strip_prefix('!').map_or((false, part), |p| (true, p));
        let found = body.contains(part);
        assert_ne!(
            found, absent,
            "line {number}: {part:?} in the answer to `{request}` (line {at}):\n{body}"
        );
    }
}

async fn open(
    store: &Store,
    house: &House,
    clock: &Arc<ManualClock>,
    open_reads: bool,
    calls: &Arc<Calls>,
) -> Result<Desk, crate::OpenError> {
    let desk = unconfirmed(store, house, clock, open_reads, calls).await?;
    // No edge runs beside it; `tests/head.rs` is about a desk that waits for one.
    desk.accept_head();
    desk.tend().await;
    Ok(desk)
}

/// A telephone that writes down whom it called.
#[derive(Default)]
pub(super) struct Calls {
    made: Mutex<Vec<(usize, Page)>>,
    /// Whether it is out of order.
    pub(super) broken: AtomicBool,
}

impl Calls {
    /// The calls made since the last look: step from 1, and the page.
    pub(super) fn take(&self) -> Vec<(usize, Page)> {
        std::mem::take(&mut self.made.lock().expect("no holder panics"))
    }
}

impl Caller for Calls {
    fn call(&self, step: usize, page: Page) -> Pin<Box<dyn Future<Output = Ended> + Send>> {
        self.made.lock().expect("no holder panics").push((step + 1, page));
        let broken = self.broken.load(Ordering::SeqCst);
        Box::pin(async move { if broken { Err("out of order".into()) } else { Ok("taken".into()) } })
    }
}

/// Anna at once, ben after five minutes, a mail after ten.
fn pager(calls: &Arc<Calls>) -> Pager {
    let step = |after| policy::page::Step { after, hours: None };
    let who = |who: &str| PageStep { who: who.into(), person: Some(who.into()), mail: Vec::new() };
    let address = policy::MailAddress::parse("oncall@house.example").expect("an address");
    let mail = PageStep { who: "mail".into(), person: None, mail: vec![address] };
    let rules = policy::page::Rules {
        steps: vec![step(0), step(300), step(600)],
        ack: crate::ACK,
        repeat: crate::REPEAT,
    };
    let caller: Arc<dyn Caller> = Arc::<Calls>::clone(calls);
    Pager::new(rules, vec![who("anna"), who("ben"), mail], "https://desk.house.example".into(), caller)
}

/// Mail with a smarthost that nobody is: what is queued stays queued.
fn mail() -> MailConfig {
    let address = |text| policy::MailAddress::parse(text).expect("an address");
    MailConfig {
        smarthost: Smarthost { host: "127.0.0.1".into(), port: 1, tls: Tls::None, ca: None, login: None },
        sender: Sender {
            name: "First House".into(),
            from: address("desk@house.example"),
            reply_to: None,
            dkim: None,
        },
        receipts: true,
        language: Language::En,
        service: "service@house.example".into(),
        appeal: "https://house.example/appeal".into(),
    }
}

async fn unconfirmed(
    store: &Store,
    house: &House,
    clock: &Arc<ManualClock>,
    open_reads: bool,
    calls: &Arc<Calls>,
) -> Result<Desk, crate::OpenError> {
    let drawn = AtomicU64::new(0);
    let config = Config {
        operator: "First House".into(),
        press: "http://127.0.0.1:8082".into(),
        open_reads,
        demo_allowed: true,
        witnesses: Vec::new(),
        customers: customers(),
        own_edge: Some("demo:edge-own".into()),
        snapshots: Arc::new(Lines),
        draw: Arc::new(move || Some(Hash::of(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes()).0)),
        origin: Some("https://desk.example.org".into()),
        mail: Some(Arc::new(Mailer::new(mail()).expect("mail"))),
        pager: Arc::new(pager(calls)),
        config_key: house.config.as_ref().map(|key| SigningKey::parse(&key.encode()).expect("a key")),
    };
    let log = SigningKey::from_seed(&house.origin, Hash::of(house.origin.as_bytes()).0)
        .expect("the house's log key");
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    Desk::open(config, store.clone(), log, clock).await
}

/// Sites files of these tests: lines of `CUSTOMER HOSTNAME`, and `tls` behind it or not.
struct Lines;

fn lines(snapshot: &[u8]) -> Result<Vec<(Id, String, bool)>, String> {
    let text = str::from_utf8(snapshot).map_err(|e| e.to_string())?;
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let customer =
            words.first().and_then(|w| Id::parse(w)).ok_or_else(|| format!("no customer: {line}"))?;
        Ok((customer, (*words.get(1).ok_or("no hostname")?).to_owned(), words.get(2) == Some(&"tls")))
    };
    text.lines().map(line).collect()
}

impl Snapshots for Lines {
    fn customers(&self, snapshot: &[u8]) -> Result<Vec<CustomerView>, String> {
        let mut customers: Vec<CustomerView> = Vec::new();
        for (customer, host, _) in lines(snapshot)? {
            let site =
                SiteView { id: id(&format!("site_{}", host.replace('.', "-"))), hostnames: vec![host] };
            match customers.iter_mut().find(|c| c.id == customer) {
                Some(known) => known.sites.push(site),
                None => customers.push(CustomerView {
                    name: format!("{customer} by the log"),
                    id: customer,
                    sites: vec![site],
                }),
            }
        }
        Ok(customers)
    }

    fn publishable(&self, snapshot: &[u8]) -> Result<(), String> {
        lines(snapshot).map(drop)
    }

    fn change(&self, before: &[u8], after: &[u8]) -> Result<Change, String> {
        let (before, after) = (lines(before)?, lines(after)?);
        let mut change = Change::default();
        for (customer, host, tls) in before {
            match after.iter().find(|(c, h, _)| (c, h) == (&customer, &host)) {
                None => change.withdrawn.push((host, customer)),
                Some((_, _, still)) if tls && !still => change.lowered.push((host, customer)),
                Some(_) => {}
            }
        }
        Ok(change)
    }
}

pub(super) fn customers() -> Vec<CustomerView> {
    let site = |name: &str, hosts: &[&str]| SiteView {
        id: id(name),
        hostnames: hosts.iter().map(ToString::to_string).collect(),
    };
    let one = site("site_one", &["one.first.example", "two.first.example"]);
    let live = site("site_live", &["live.first.example"]);
    let shop = site("site_shop", &["shop.second.example"]);
    vec![
        CustomerView { id: id("cus_first"), name: "First <Customer>".into(), sites: vec![one, live] },
        CustomerView { id: id("cus_second"), name: "Second Customer".into(), sites: vec![shop] },
    ]
}

/// Everything that scripts send.
fn texts(house: &House) -> BTreeMap<&'static str, Vec<u8>> {
    let subject =
        house.subject("cus_first", &["live.first.example", "one.first.example", "two.first.example"]);
    let stranger = house.subject("cus_first", &["one.first.example", "shop.second.example"]);
    let site = Subject {
        scope: Scope::Site(id("site_one")),
        ..house.subject("cus_first", &["one.first.example", "two.first.example"])
    };
    let elsewhere = House::new("demo:elsewhere/ledger", START);
    let impose = house.emergency("imp-1", START.plus(60), "fnd-1", &subject, POST);
    let mut unmet = house.finding("fnd-2", START, &subject);
    unmet.verdicts[3] = policy::note::Verdict::Unknown;
    let mut texts = BTreeMap::new();
    let mut put = |name: &'static str, text: String| drop(texts.insert(name, text.into_bytes()));
    put("subject", subject.to_string());
    put("stranger", stranger.to_string());
    put("site", site.to_string());
    put("finding", house.finding("fnd-1", START, &subject).to_string());
    put("finding-stranger", house.finding("fnd-3", START, &stranger).to_string());
    put("unmet", unmet.to_string());
    put("foreign", elsewhere.finding("fnd-9", START, &subject).to_string());
    put("impose", impose.to_string());
    put("impose-again", house.emergency("imp-1", START.plus(61), "fnd-1", &subject, POST).to_string());
    put("impose-unmet", house.emergency("imp-2", START.plus(60), "fnd-2", &subject, POST).to_string());
    put("impose-stranger", house.emergency("imp-3", START.plus(60), "fnd-3", &stranger, POST).to_string());
    put("impose-nothing", house.emergency("imp-4", START.plus(60), "fnd-none", &subject, POST).to_string());
    put("abuse", house.abuse("imp-5", START.plus(60), &site, POST).to_string());
    put("validation", house.validation("con-1", &impose).to_string());
    put("lift", house.lift("lif-1", "imp-1", START.plus(200)).to_string());
    put("lift-other", house.lift("lif-1", "imp-1", START.plus(201)).to_string());
    about_people(house, &mut put);
    put("post", String::from_utf8_lossy(POST).into_owned());
    put("nothing", String::new());
    about_reports_and_cases(house, &subject, &mut put);
    put("garbage", "no note at all\n".into());
    let stranger = House::new("demo:localhost/other", START);
    let lift = house.lift("lif-2", "imp-1", START).to_string();
    texts.insert("stranger-lift", stranger.signed(&lift, &["anna"]).to_bytes());
    let armor =
        SshSig::from_blob(&stranger.sign(&impose.to_string(), "anna").bytes).expect("an SSHSIG").to_armor();
    texts.insert("stranger-armor", armor.into_bytes());
    for (name, edge) in [
        ("edge-own", "demo:edge-own"),
        ("edge-1", "demo:edge-1"),
        ("edge-2", "demo:edge-2"),
        ("edge-1-other", "demo:edge-1/other"),
    ] {
        texts.insert(name, vkey_json(&edge_key(edge).verifier().to_string()));
    }
    let person = house.policy().persons.first().map(|p| p.keys[0].to_string());
    texts.insert("person", vkey_json(&person.expect("somebody")));
    texts.insert("big", vec![b'x'; 256 * 1024 + 1]);
    texts.insert("binary", vec![0xff, 0xfe]);
    texts
}

/// Answers to reports, and what is put into a case.
fn about_reports_and_cases(house: &House, subject: &Subject, put: &mut impl FnMut(&'static str, String)) {
    let outcome =
        |outcome: &str, reply: &str| serde_json::json!({ "outcome": outcome, "reply": reply }).to_string();
    put("gone", outcome("acted", "The page is gone."));
    put("back", outcome("open", "It is back."));
    put("odd-outcome", outcome("blocked", "You wish."));
    put("other", outcome("unfounded", "There is nothing."));
    let elsewhere = Subject { case: id("cas-7"), ..subject.clone() };
    put("finding-bare", house.finding("fnd-7", START, &elsewhere).to_string());
    put("case", serde_json::json!({ "id": "cas-7", "title": "A bank's page", "customer_id": "cus_first", "reports": ["rpt-1"] }).to_string());
    put(
        "case-nobody",
        serde_json::json!({ "id": "cas-2", "title": "x", "customer_id": "cus_nobody" }).to_string(),
    );
    put("case-odd", serde_json::json!({ "id": "rpt-2", "title": "x" }).to_string());
    put(
        "case-unreported",
        serde_json::json!({ "id": "cas-3", "title": "x", "reports": ["rpt-9"] }).to_string(),
    );
    put("link", serde_json::json!({ "act": "link", "reports": "rpt-3" }).to_string());
    put("saw", serde_json::json!({ "act": "happened", "happened": "2027-01-15T07:00:00Z", "place": "https://one.first.example/login", "what": "It asks for a password." }).to_string());
    put(
        "foresaw",
        serde_json::json!({ "act": "happened", "happened": "2027-01-16T07:00:00Z", "what": "It will." })
            .to_string(),
    );
    for act in ["take", "release"] {
        put(act, serde_json::json!({ "act": act }).to_string());
    }
    put("close", serde_json::json!({ "act": "close", "outcome": "remedied", "why": "Gone." }).to_string());
    put("reopen", serde_json::json!({ "act": "reopen", "why": "Back." }).to_string());
    let contact = |party: &str, customer: &str| {
        serde_json::json!({ "party": party, "name": "Senator X", "side": "for", "customer_id": customer,
            "what": "Asked by letter that we drop the site." })
        .to_string()
    };
    put("contact", contact("public-official", "cus_first"));
    put("contact-odd", contact("king", "cus_first"));
    put("contact-nobody", contact("press", "cus_nobody"));
    put("odd-reply", outcome("acted", "two\nlines"));
}

/// Suspensions of anna's and dora's keys, and policies after policy 0.
fn about_people(house: &House, put: &mut impl FnMut(&'static str, String)) {
    let suspend = |name: &str, person: usize, days: u64| Suspend {
        head: house.head(name),
        key: house.policy().persons[person].keys[0].to_string(),
        time: START,
        until: START.plus(days * 86_400),
        why: sentence("The key may be lost."),
    };
    put("suspend", suspend("sus-1", 0, 7).to_string());
    put("suspend-own", suspend("sus-2", 3, 1).to_string());
    put("suspend-long", suspend("sus-3", 0, 8).to_string());
    let mut next = house.policy();
    (next.version, next.head.id) = (1, id("pol-1"));
    next.bounds.emergency_hours = 24;
    put("policy-next", next.to_string());
    let mut second = next.clone();
    (second.version, second.head.id) = (2, id("pol-2"));
    second.bounds.emergency_hours = 12;
    put("policy-second", second.to_string());
    next.persons.truncate(2);
    put("policy-few", next.to_string());
}

fn vkey_json(vkey: &str) -> Vec<u8> {
    serde_json::json!({ "vkey": vkey }).to_string().into_bytes()
}

/// A script that ends with the finding logged and the emergency one signature short.
pub(super) const UP_TO_THE_APPROVAL: &str = "
POST /api/v1/blobs as officer body subject
  201
POST /api/v1/blobs as officer body post
  201
POST /api/v1/notes as officer body finding
  201
POST /api/v1/notes/fnd-1/signatures as officer sign finding anna
  200
POST /api/v1/notes/fnd-1/signatures as officer sign finding ben
  200 | \"index\":1
at 60
POST /api/v1/notes as officer body impose
  201
POST /api/v1/notes/imp-1/signatures as officer sign impose ben
  200 | \"state\":\"collecting\"
at 100
";
