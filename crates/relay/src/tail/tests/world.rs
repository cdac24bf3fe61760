//! A ledger in memory behind a tiny HTTP server that can be told to lie, and an edge that follows it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Tiles, Tree, leaf_hash};
use ledger::note::{Note, SigningKey};
use ledger::tile::{EntriesPath, TilePath, WIDTH, encode_bundle};
use policy::clock::Clock;
use policy::testkit::House;
use policy::{Subject, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::tail::Tail;
use crate::{TailConfig, bell, config};

pub(super) const START: Time = Time(1_795_305_600);
pub(super) const POST: &[u8] = b"# Why\n\nBecause of an imminent threat.\n";

/// A clock moved by hand.
#[derive(Default)]
pub(super) struct ManualClock {
    wall: AtomicU64,
    mono: AtomicU64,
}

impl ManualClock {
    pub(super) fn at(wall: Time) -> Arc<Self> {
        let clock = Self::default();
        clock.set_wall(wall);
        Arc::new(clock)
    }

    pub(super) fn set_wall(&self, wall: Time) {
        self.wall.store(wall.0, Ordering::Relaxed);
    }

    /// Time goes by as it should.
    pub(super) fn pass(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::Relaxed);
        self.mono.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The monotonic clock alone.
    pub(super) fn pass_mono(&self, seconds: u64) {
        self.mono.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.wall.load(Ordering::Relaxed))
    }

    fn mono(&self) -> Duration {
        Duration::from_secs(self.mono.load(Ordering::Relaxed))
    }
}

/// A log: entries, the tree over them, blobs.
#[derive(Clone, Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Vec<u8>>,
    tree: Tree,
    pub(super) blobs: BTreeMap<Hash, Vec<u8>>,
}

impl Log {
    pub(super) fn push(&mut self, entry: Vec<u8>) {
        self.tree.push(leaf_hash(&entry));
        self.entries.push(entry);
    }

    /// An entry that has no effect anywhere, to make the log longer.
    pub(super) fn push_noise(&mut self, logged: Time) {
        let n = self.entries.len();
        self.push(format!("logged {}\nnoise {n}\n", logged.0).into_bytes());
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) {
        self.blobs.insert(Hash::of(bytes), bytes.to_vec());
    }

    pub(super) fn checkpoint_at(&self, key: &SigningKey, size: usize) -> Vec<u8> {
        let root = self.tree.root_at(size as u64).expect("as many entries");
        let text = Checkpoint { origin: key.verifier().name().to_owned(), size: size as u64, root }.to_text();
        let mut note = Note::new(&text).expect("a checkpoint");
        note.add(key.sign(&text));
        note.to_bytes()
    }

    pub(super) fn root_at(&self, size: usize) -> Hash {
        self.tree.root_at(size as u64).expect("as many entries")
    }

    /// What a static file server over this log answers.
    fn file(&self, key: &SigningKey, path: &str) -> Option<Vec<u8>> {
        if path == "checkpoint" {
            return Some(self.checkpoint_at(key, self.entries.len()));
        }
        if let Some(hex) = path.strip_prefix("blob/") {
            return self.blobs.get(&Hash::parse_hex(hex)?).cloned();
        }
        if let Ok(path) = EntriesPath::parse(path) {
            let from = usize::try_from(path.index * WIDTH).ok()?;
            let entries = self.entries.get(from..from + usize::from(path.width))?;
            return encode_bundle(entries).ok();
        }
        let path = TilePath::parse(path).ok()?;
        self.tree.tile(path.level, path.index, path.width)
    }
}

/// What the server sends.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Body(Vec<u8>),
    Status(u16),
    /// Says it is longer than it is.
    Cut(Vec<u8>),
    /// A body that does not end.
    Endless,
    /// A head that does not end.
    EndlessHead,
    /// Closes without a word.
    Nothing,
}

/// What is answered instead of the truth, by path.
pub(super) type Lie = Box<dyn Fn(&str, Option<Vec<u8>>) -> Reply + Send>;

pub(super) struct Served {
    pub(super) log: Log,
    pub(super) key: SigningKey,
    /// Who cosigns checkpoints.
    pub(super) cosigners: Vec<SigningKey>,
    /// What stands at other paths.
    pub(super) shown: BTreeMap<String, Vec<u8>>,
    /// Changes what is answered to `GET /ledger/<path>`.
    pub(super) lie: Option<Lie>,
    /// What was posted, by path.
    pub(super) posts: Vec<(String, Vec<u8>)>,
    pub(super) post_status: u16,
    pub(super) asked: Vec<String>,
    pub(super) bells: watch::Sender<String>,
}

/// Ledger server and desk in one, on one port.
pub(super) struct World {
    pub(super) house: House,
    pub(super) served: Arc<Mutex<Served>>,
    pub(super) url: String,
}

impl World {
    /// A log with entry 0, served.
    pub(super) async fn new() -> Self {
        Self::of(House::demo(START)).await
    }

    /// The same for this house.
    pub(super) async fn of(house: House) -> Self {
        let mut log = Log::default();
        log.push(house.entry0());
        let served = Arc::new(Mutex::new(Served {
            log,
            key: key(&house),
            cosigners: Vec::new(),
            shown: BTreeMap::new(),
            lie: None,
            posts: Vec::new(),
            post_status: 204,
            asked: Vec::new(),
            bells: watch::Sender::new(bell::event(1)),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let for_server = Arc::clone(&served);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(connection(tcp, Arc::clone(&for_server)));
            }
        });
        Self { house, served, url }
    }

    pub(super) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().expect("no panic in the server")
    }

    pub(super) fn key(&self) -> SigningKey {
        key(&self.house)
    }

    pub(super) fn lie(&self, lie: impl Fn(&str, Option<Vec<u8>>) -> Reply + Send + 'static) {
        self.served().lie = Some(Box::new(lie));
    }

    pub(super) fn honest(&self) {
        self.served().lie = None;
    }

    pub(super) fn subject(&self) -> Subject {
        self.house.subject("cus_first", &["one.first.example", "www.first.example"])
    }

    /// Publishes finding and emergency `imp-<name>` against the first customer at `at`.
    pub(super) fn publish_block(&self, name: &str, at: Time) {
        let (finding, impose) = self.block(name, at);
        let mut served = self.served();
        served.log.push(finding);
        served.log.push(impose);
        served.log.blob(POST);
        served.log.blob(self.subject().to_string().as_bytes());
    }

    /// The two entries of a block.
    pub(super) fn block(&self, name: &str, at: Time) -> (Vec<u8>, Vec<u8>) {
        let (house, subject) = (&self.house, self.subject());
        let finding = format!("fnd-{name}");
        let text = house.finding(&finding, at, &subject).to_string();
        let found = house.entry(at, &text, &["anna", "ben"]);
        let impose = house.emergency(&format!("imp-{name}"), at, &finding, &subject, POST);
        (found, house.entry(at, &impose.to_string(), &["ben", "clara"]))
    }

    /// A signed lift of `imp-<name>`.
    pub(super) fn lift(&self, name: &str, at: Time) -> Note {
        let text = self.house.lift(&format!("lift-{name}"), &format!("imp-{name}"), at).to_string();
        self.house.signed(&text, &["clara"])
    }

    pub(super) fn config(&self, dir: &Path) -> TailConfig {
        TailConfig {
            dir: dir.to_owned(),
            trust: self.house.trust(),
            ledger_url: format!("{}/ledger", self.url),
            relay_url: self.url.clone(),
            peers: Vec::new(),
            witnesses: Vec::new(),
            edge_key: edge_key(),
            demo_allowed: true,
        }
    }

    pub(super) fn open(&self, dir: &Path, clock: &Arc<ManualClock>) -> Tail {
        Tail::open(self.config(dir), Arc::clone(clock) as Arc<dyn Clock>).expect("opens")
    }

    /// The same edge with no network at all.
    pub(super) fn open_alone(&self, dir: &Path, clock: &Arc<ManualClock>) -> Tail {
        // port 9 of this machine: nobody listens there, and nobody is asked
        let nowhere = "http://127.0.0.1:9".to_owned();
        let config = TailConfig { ledger_url: nowhere.clone(), relay_url: nowhere, ..self.config(dir) };
        Tail::open(config, Arc::clone(clock) as Arc<dyn Clock>).expect("opens")
    }
}

pub(super) fn edge_key() -> SigningKey {
    SigningKey::from_seed("edge-one", [9; 32]).expect("a name")
}

/// The house's log key once more: the house itself lends it only by reference.
fn key(house: &House) -> SigningKey {
    SigningKey::parse(&house.log.encode()).expect("its own encoding")
}

async fn connection(mut tcp: TcpStream, served: Arc<Mutex<Served>>) {
    let mut buffer = Vec::new();
    while let Ok(Some((method, path, body))) = request(&mut tcp, &mut buffer).await {
        if path == bell::PATH {
            let bells = served.lock().expect("no panic").bells.subscribe();
            let ended = ring(&mut tcp, bells).await;
            assert!(ended.is_err(), "a bell ends when its edge goes");
            return;
        }
        let reply = answer(&served, &method, &path, body);
        if send(&mut tcp, reply).await.is_err() {
            return;
        }
    }
}

fn answer(served: &Mutex<Served>, method: &str, path: &str, body: Vec<u8>) -> Reply {
    let mut served = served.lock().expect("no panic");
    served.asked.push(path.to_owned());
    if method == "POST" && path == config::PATH && served.post_status == 204 {
        let asked = config::Request::open(&body, &edge_key().verifier()).expect("a request of this edge");
        served.posts.push((path.to_owned(), body));
        return honestly(served.shown.get(&asked.snapshot.to_string()).cloned());
    }
    if method == "POST" {
        served.posts.push((path.to_owned(), body));
        return Reply::Status(served.post_status);
    }
    if let Some(shown) = served.shown.get(path) {
        return Reply::Body(shown.clone());
    }
    let Some(file) = path.strip_prefix("/ledger/") else { return Reply::Status(404) };
    let mut truth = served.log.file(&served.key, file);
    if let (Some(note), "checkpoint") = (&mut truth, file) {
        let mut signed = Note::parse(note).expect("a checkpoint");
        for key in &served.cosigners {
            signed.add(key.cosign(signed.text(), 1));
        }
        *note = signed.to_bytes();
    }
    match (&served.lie, truth) {
        (Some(lie), truth) => lie(file, truth),
        (None, truth) => honestly(truth),
    }
}

pub(super) fn honestly(truth: Option<Vec<u8>>) -> Reply {
    truth.map_or(Reply::Status(404), Reply::Body)
}

async fn ring(tcp: &mut TcpStream, mut bells: watch::Receiver<String>) -> io::Result<()> {
    tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await?;
    loop {
        let event = bells.borrow_and_update().clone();
        tcp.write_all(event.as_bytes()).await?;
        if bells.changed().await.is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

async fn request(tcp: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<(String, String, Vec<u8>)>> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if tcp.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
    let length =
        text.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |l| l.parse().expect("len"));
    while buffer.len() < head + length {
        if tcp.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let line = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Ok(Some((method, path, body)))
}

async fn send(tcp: &mut TcpStream, reply: Reply) -> io::Result<()> {
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    match reply {
        Reply::Body(body) => {
            tcp.write_all(head(body.len()).as_bytes()).await?;
            tcp.write_all(&body).await
        }
        Reply::Status(204) => tcp.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await,
        Reply::Status(code) => {
            tcp.write_all(format!("HTTP/1.1 {code} Status\r\ncontent-length: 2\r\n\r\nno").as_bytes()).await
        }
        Reply::Cut(body) => {
            tcp.write_all(head(body.len() + 1).as_bytes()).await?;
            tcp.write_all(&body).await?;
            Err(io::ErrorKind::BrokenPipe.into())
        }
        Reply::Endless => {
            tcp.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                tcp.write_all(b"8\r\nportcull\r\n").await?;
            }
        }
        Reply::EndlessHead => {
            tcp.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                tcp.write_all(b"x-more: yes\r\n").await?;
            }
        }
        Reply::Nothing => Err(io::ErrorKind::BrokenPipe.into()),
    }
}
