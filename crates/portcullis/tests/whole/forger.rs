//! Whoever has stolen the log's key and owns the network: a ledger server that serves whatever a test wants to an
//! edge process, and reads the edge's receipts.

use crate::origin::WebSocketOrigin;
use crate::process::{eventually, free_ports, run};
use crate::town::{Edge, portcullis, sites};
use crate::visitor::Doors;
use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Tree, leaf_hash, new_tiles};
use ledger::note::Note;
use ledger::tile::{EntriesPath, WIDTH, encode_bundle};
use policy::Time;
use policy::entry::Entry;
use policy::note::{PolicyNote, Role};
use policy::testkit::House;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The real time: these tests run real processes, so they stand where the roof stands.
#[expect(clippy::disallowed_methods, reason = "the edge process under test reads the real clock too")]
pub(crate) fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs())
}

/// What the server serves, and what it was sent.
#[derive(Default)]
struct Served {
    /// Path below `/ledger/` -> bytes.
    files: BTreeMap<String, Vec<u8>>,
    /// Rings the doorbell when it changes.
    rings: u64,
    /// Texts of the receipts.
    receipts: Vec<String>,
}

type Shared = Arc<(Mutex<Served>, Condvar)>;

/// A log and its server in the hands of the test.
pub(crate) struct Forger {
    pub(crate) house: House,
    /// Entry 0's policy, in which ben has two keys and clara may assess as well.
    pub(crate) policy: PolicyNote,
    entries: Vec<Vec<u8>>,
    shared: Shared,
    port: u16,
}

impl Forger {
    /// A log with entry 0, thirty hours old.
    pub(crate) fn new() -> Self {
        let mut house = House::demo(Time(now().0 - 30 * 3600));
        let clara = house.people.iter_mut().find(|it| it.0 == "clara").expect("clara lives here");
        clara.2.insert(0, Role::Assessor);
        let mut policy = house.policy();
        let ben = policy.persons.iter_mut().find(|it| it.person.as_str() == "ben").expect("ben lives here");
        ben.keys.push(second_key().verifier().expect("a valid name"));
        let names: Vec<String> = house.people.iter().map(|it| it.0.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let entry0 = house.entry(house.start, &policy.to_string(), &names);
        let shared = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("bound").port();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        let mut forger = Self { house, policy, entries: vec![entry0], shared, port };
        forger.publish();
        forger
    }

    /// Another history that begins with the same entry 0 and is signed by the same log key; not served yet.
    pub(crate) fn fork(&self) -> Vec<Vec<u8>> {
        self.entries[..1].to_vec()
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// Appends entries, serves them, rings.
    pub(crate) fn append(&mut self, entries: impl IntoIterator<Item = Vec<u8>>) {
        self.entries.extend(entries);
        self.publish();
    }

    /// Appends entries, and serves them with changed files: the truth is never to be had.
    pub(crate) fn append_changed(
        &mut self,
        entries: impl IntoIterator<Item = Vec<u8>>,
        how: impl FnOnce(&mut BTreeMap<String, Vec<u8>>),
    ) {
        self.entries.extend(entries);
        let mut files = history(&self.house, &self.entries);
        how(&mut files);
        self.change(|served| served.extend(files));
    }

    /// Serves the log as it is, and rings.
    pub(crate) fn publish(&mut self) {
        self.serve_history(&self.entries.clone());
    }

    /// Serves these entries as the log's history, under a checkpoint of the log's own key.
    pub(crate) fn serve_history(&self, entries: &[Vec<u8>]) {
        self.change(|files| {
            files.retain(|path, _| path.starts_with("blob/"));
            files.extend(history(&self.house, entries));
        });
    }

    /// A blob for whoever asks by this name.
    pub(crate) fn blob(&self, named: &Hash, bytes: &[u8]) {
        self.change(|files| {
            files.insert(format!("blob/{named}"), bytes.to_vec());
        });
    }

    /// Changes what is served, and rings.
    pub(crate) fn change(&self, how: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) {
        let (served, changed) = &*self.shared;
        let mut served = served.lock().expect("no holder panics");
        how(&mut served.files);
        served.rings += 1;
        changed.notify_all();
    }

    /// Starts an edge process that trusts this log.
    pub(crate) fn edge(&self, folder: &tempfile::TempDir) -> Edge {
        let home = folder.path().join("home");
        let base = crate::town::port_base();
        run(portcullis().args(["init", "--demo", "--port-base", &base.to_string(), "--dir"]).arg(&home)).ok();
        let trust = policy::Trust { entry0: Hash::of(&self.entries[0]), ..self.house.trust() };
        fs::write(home.join("trust"), format!("{trust}\n")).expect("a folder of the test's own");
        let origin = WebSocketOrigin::start().port;
        fs::write(home.join("sites.toml"), sites(origin, origin, origin))
            .expect("a folder of the test's own");
        let own = folder.path().join("edge-one");
        fs::create_dir(&own).expect("a folder of the test's own");
        run(portcullis().args(["key", "new"]).arg(own.join("edge.key")).args(["--name", "edge-one"])).ok();
        let ports = free_ports(2);
        let here = format!("http://127.0.0.1:{}", self.port);
        let changed = [("ledger", format!("{here}/ledger")), ("relay", here)];
        Edge::make(&own, Doors { http: ports[0], https: ports[1] }, &home, &changed)
    }

    /// Waits for a receipt that satisfies `wanted`, and returns it.
    pub(crate) fn receipt(&self, what: &str, wanted: impl Fn(&Said) -> bool) -> Said {
        eventually(&format!("a receipt: {what}"), || self.last().filter(&wanted))
    }

    /// The newest receipt.
    pub(crate) fn last(&self) -> Option<Said> {
        let (served, _) = &*self.shared;
        served.lock().expect("no holder panics").receipts.last().map(|text| Said::read(text))
    }
}

/// Ben's other key, also under his name.
pub(crate) fn second_key() -> ledger::testkit::SshKey {
    ledger::testkit::SshKey::from_seed("demo:ben", [77; 32])
}

/// What a receipt says, as far as these tests ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) size: u64,
    pub(crate) refused: u64,
    pub(crate) measures: String,
}

impl Said {
    fn read(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_else(|| panic!("no '{key}' in {text}")).to_owned()
        };
        let number = |key: &str| value(key).parse().unwrap_or_else(|why| panic!("{key} {why}: {text}"));
        Self { size: number("size "), refused: number("refused "), measures: value("measures ") }
    }
}

/// All files of a log with these entries.
fn history(house: &House, entries: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let mut tree = Tree::new();
    for entry in entries {
        tree.push(leaf_hash(entry));
    }
    let size = entries.len() as u64;
    let mut files = BTreeMap::new();
    for (path, bytes) in new_tiles(&tree, 0, size) {
        files.insert(path.to_string(), bytes);
    }
    for (index, bundle) in entries.chunks(usize::try_from(WIDTH).expect("256")).enumerate() {
        let path =
            EntriesPath { index: index as u64, width: u16::try_from(bundle.len()).expect("at most 256") };
        files.insert(path.to_string(), encode_bundle(bundle).expect("entries fit"));
    }
    let root = tree.root_at(size).expect("within the tree");
    let text = Checkpoint { origin: house.origin.clone(), size, root }.to_text();
    let mut note = Note::new(&text).expect("a checkpoint is a note's text");
    note.add(house.log.sign(&text));
    files.insert("checkpoint".to_owned(), note.to_bytes());
    files
}

/// One connection: one request, one answer; the doorbell stays open.
fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? <= 2 {
            break;
        }
        let line = line.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let target = first.split_whitespace().nth(1)?;
    if target == "/relay/v1/bell" {
        return ring(&mut stream, shared);
    }
    let (served, _) = &**shared;
    let (status, answer) = if let Some(path) = target.strip_prefix("/ledger/") {
        let found = served.lock().ok()?.files.get(path).cloned();
        found.map_or_else(|| ("404 Not Found", b"none\n".to_vec()), |bytes| ("200 OK", bytes))
    } else if target == "/relay/v1/receipts" {
        served.lock().ok()?.receipts.push(String::from_utf8(body).ok()?);
        ("204 No Content", Vec::new())
    } else {
        ("202 Accepted", Vec::new())
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    stream
        .write_all(if status.starts_with("204") {
            b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
        } else {
            head.as_bytes()
        })
        .ok()?;
    stream.write_all(&answer).ok()
}

fn ring(stream: &mut TcpStream, shared: &Shared) -> Option<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        .ok()?;
    let (served, changed) = &**shared;
    let mut heard = None;
    let mut guard = served.lock().ok()?;
    loop {
        if heard != Some(guard.rings) {
            heard = Some(guard.rings);
            drop(guard);
            // A size that no log here has: a lie, so that the edge comes and looks every time.
            stream
                .write_all(format!("event: checkpoint\ndata: {}\n\n", 1_000_000 + heard?).as_bytes())
                .ok()?;
            guard = served.lock().ok()?;
        }
        guard = changed.wait_timeout(guard, Duration::from_secs(5)).ok()?.0;
    }
}

/// An entry with any signatures below any text.
pub(crate) fn entry(logged: Time, note: Note) -> Vec<u8> {
    Entry { logged, note }.to_bytes()
}
