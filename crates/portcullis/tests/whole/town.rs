//! A town for the tests: a demonstration home made by `portcullis init --demo`, its processes, its people at the
//! command line.

use crate::origin::{Nginx, WebSocketOrigin};
use crate::process::{Done, Running, eventually, free_ports, run};
use crate::visitor::{Doors, plain};
use ledger::tile::{EntriesPath, decode_bundle};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// The three hostnames of the first customer, on two origins.
pub(crate) const FIRST: [&str; 3] = ["one.first.localhost", "two.first.localhost", "live.first.localhost"];
/// The one of the second customer.
pub(crate) const SECOND: &str = "shop.second.localhost";
/// The statement that limits a decision, as people type it.
pub(crate) const LIMITING: &str = "This decision is about one emergency and is no precedent for any other.";

/// The binary under test.
pub(crate) fn portcullis() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    // Nobody's settings reach the tests.
    command.env_remove("PORTCULLIS_HOME").env_remove("SSH_AUTH_SOCK").env("NO_COLOR", "1");
    command
}

/// Eight ports in a row, which is what `init --demo --port-base` takes. Below the range from which the system picks
/// ports by itself; the counter keeps tests of this process apart, the attempt to bind keeps others apart.
pub(crate) fn port_base() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    eventually("eight free ports in a row", || {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = 12_000 + (std::process::id() % 1000) as u16 * 16 + (step % 64) * 8;
        let held: Result<Vec<TcpListener>, _> =
            (start..start + 8).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
        held.ok().map(|_| start)
    })
}

/// Desk, press and the first edge in one process, with origins of stock nginx.
pub(crate) struct Town {
    folder: tempfile::TempDir,
    base: u16,
    pub(crate) main: Running,
    _origins: (Nginx, Nginx, WebSocketOrigin),
}

impl Town {
    /// Makes the home, puts nginx behind it, starts it, waits until it is ready.
    pub(crate) fn start() -> Self {
        let mut town = Self::made(&[]);
        town.restart();
        town
    }

    /// The same, with more for `init`, and not started.
    pub(crate) fn made(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = port_base();
        let home = folder.path().join("home");
        let init = ["init", "--demo", "--port-base", &base.to_string(), "--dir"];
        run(portcullis().args(init).arg(&home).args(more)).ok();
        let first = Nginx::start(folder.path(), "first");
        let second = Nginx::start(folder.path(), "second");
        let socket = WebSocketOrigin::start();
        let town_sites = sites(first.port, socket.port, second.port);
        fs::write(home.join("sites.toml"), town_sites).expect("a folder of the test's own");
        let main = Running::start("nothing yet", &mut Command::new("true"));
        Self { folder, base, main, _origins: (first, second, socket) }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// One figure of the first edge, by its name in the Prometheus text.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        self.maybe_figure(name).unwrap_or_else(|| panic!("no {name} among the figures"))
    }

    /// The same for one that may not be there yet.
    pub(crate) fn maybe_figure(&self, name: &str) -> Option<u64> {
        let text = plain(&format!("http://127.0.0.1:{}/metrics", self.base + 7), &[]).body;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.parse().ok()
    }

    /// The temporary folder around the home.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The doors of the first edge.
    pub(crate) fn doors(&self) -> Doors {
        Doors { http: self.base, https: self.base + 4 }
    }

    /// Where the desk is; on loopback it is read without a token.
    pub(crate) fn desk(&self) -> String {
        format!("http://127.0.0.1:{}", self.base + 1)
    }

    pub(crate) fn press(&self) -> String {
        format!("http://127.0.0.1:{}", self.base + 2)
    }

    /// Starts the main process again after it was killed.
    pub(crate) fn restart(&mut self) {
        self.main = run_all(&self.home());
    }

    /// A command of whoever operates the town, on its home, with anna's token.
    pub(crate) fn cli(&self, args: &[&str]) -> Done {
        run(portcullis().arg("--home").arg(self.home()).args(["--as", "anna"]).args(args))
    }

    /// A command of a person whose home is elsewhere: only the person's own folder is there.
    pub(crate) fn person(&self, name: &str, args: &[&str]) -> Done {
        let away = self.folder.path().join(format!("machine-of-{name}"));
        if !away.exists() {
            let here = self.home().join("people").join(name);
            run(Command::new("cp").arg("-a").arg(&here).arg(&away)).ok();
        }
        run(portcullis().arg("--home").arg(&away).args(args))
    }

    /// The second edge and so on: a process of its own that joins this desk.
    pub(crate) fn join(&self, name: &str) -> Edge {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).expect("one edge per name");
        let key = folder.join("edge.key");
        let path = key.to_str().expect("temporary folders are UTF-8");
        let vkey = self.cli(&["key", "new", path, "--name", name]).ok();
        self.cli(&["edges", "enrol", vkey.trim()]).ok();
        let ports = free_ports(2);
        let doors = Doors { http: ports[0], https: ports[1] };
        Edge::make(&folder, doors, &self.home(), &[])
    }

    /// What the desk says about itself and its edges.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.cli(&["status", "--json"]).ok()).expect("JSON on stdout")
    }

    /// The entries of the public log as the press serves it; few enough for one bundle.
    pub(crate) fn log(&self) -> Vec<String> {
        let checkpoint = plain(&format!("{}/ledger/checkpoint", self.press()), &[]);
        let size = checkpoint.body.lines().nth(1).and_then(|line| line.parse().ok());
        let size: u16 = size.unwrap_or_else(|| panic!("no size: {checkpoint:#?}"));
        let path = EntriesPath { index: 0, width: size };
        let done = plain(&format!("{}/ledger/{path}", self.press()), &[]);
        assert_eq!(done.status, 200, "{path}: {done:#?}");
        let bundle = decode_bundle(&done.bytes).expect("a bundle");
        bundle.iter().map(|entry| String::from_utf8_lossy(entry).into_owned()).collect()
    }

    /// Draft, two assessors, proposal: everything but the approval. Returns the id of the impose note.
    pub(crate) fn propose(&self, lasts: &str) -> String {
        let finding = self.finding();
        let home = self.home();
        let post = home.join("reasons.md");
        let args = ["propose", "emergency", "first-customer", "--finding", &finding];
        let more = ["--post", post.to_str().expect("UTF-8"), "--limiting", LIMITING, "--for", lasts, "--yes"];
        self.person("ben", &[&args[..], &more[..]].concat()).ok().trim().to_owned()
    }

    /// A finding signed by two assessors; its id.
    pub(crate) fn finding(&self) -> String {
        let out = self.draft();
        let finding = self.person("anna", &["finding", "sign", &out, "--yes"]).ok().trim().to_owned();
        self.person("ben", &["finding", "sign", &finding, "--yes"]).ok();
        finding
    }

    /// A draft of a finding by anna, for a case that carries it; its directory.
    pub(crate) fn draft(&self) -> String {
        let out = self.folder.path().join("finding");
        drop(fs::remove_dir_all(&out));
        let out = out.to_str().expect("UTF-8").to_owned();
        let home = self.home();
        let file = |name: &str| home.join(name).to_str().expect("UTF-8").to_owned();
        let case = case(&file("capture.txt"), &file("archive.txt"), |args| self.person("anna", args));
        let criteria = file("criteria.txt");
        let draft =
            ["finding", "draft", "first-customer", "--case", &case, "--criteria", &criteria, "--out", &out];
        self.person("anna", &draft).ok();
        out
    }

    /// The whole way to a block; its id.
    pub(crate) fn block(&self, lasts: &str) -> String {
        let id = self.propose(lasts);
        self.person("clara", &["approve", &id, "--yes"]).ok();
        id
    }
}

/// A case whose emergency track the demonstration's criteria open; its number.
pub(crate) fn case(capture: &str, archive: &str, anna: impl Fn(&[&str]) -> Done) -> String {
    let open = ["case", "open", "Calls to gather at a home", "--customer", "first-customer"];
    let case = anna(&open).ok().trim().to_owned();
    let what = "Two people, their address, a place and an hour.";
    for (file, source, from) in
        [(capture, "captured", "our capture"), (archive, "archive", "the web archive")]
    {
        anna(&["case", "attach", &case, file, "--source", source, "--from", from, "--what", what]).ok();
    }
    let told = "What was found, and what we consider doing.";
    let refer = ["--country", "SE", "--channel", "phone", "--answer-by", "4h", "--told", told];
    anna(&[&["case", "refer", &case, "--to", "aut-police"], &refer[..]].concat()).ok();
    let from = "the duty officer, called back";
    let said = "A court order takes three days; it harms no inquiry.";
    anna(&["case", "answer", &case, "1", "cannot-in-time", "--from", from, "--what", said]).ok();
    case
}

fn run_all(home: &Path) -> Running {
    let mut main =
        Running::start("portcullis run", portcullis().arg("--home").arg(home).args(["run", "--demo"]));
    main.wait_for("portcullis ready");
    main
}

/// The demonstration's hostnames on the test's own origins. Those are named, not numbered: `run --demo` opens its own
/// origins at every numbered address of the file.
pub(crate) fn sites(first: u16, socket: u16, second: u16) -> String {
    format!(
        r#"
[[customer]]
id = "cus_first"
name = "First Customer"
  [[customer.site]]
  id = "site_one"
  hostnames = ["{}", "{}"]
  origins = ["localhost:{first}"]
  certificate = "certs/demo.pem"
  key = "certs/demo.key"
  [[customer.site]]
  id = "site_live"
  hostnames = ["{}"]
  origins = ["localhost:{socket}"]
  certificate = "certs/demo.pem"
  key = "certs/demo.key"
[[customer]]
id = "cus_second"
name = "Second Customer"
  [[customer.site]]
  id = "site_shop"
  hostnames = ["{SECOND}"]
  origins = ["localhost:{second}"]
  certificate = "certs/demo.pem"
  key = "certs/demo.key"
"#,
        FIRST[0], FIRST[1], FIRST[2]
    )
}

/// An edge process of its own.
pub(crate) struct Edge {
    pub(crate) doors: Doors,
    config: PathBuf,
    running: Option<Running>,
}

impl Edge {
    /// An edge in `folder`, where its key lies: the configuration of `home`, cut down to what an edge needs, with
    /// doors and files of its own and whatever else `changed` says. Started, and ready.
    pub(crate) fn make(folder: &Path, doors: Doors, home: &Path, changed: &[(&str, String)]) -> Self {
        let text = fs::read_to_string(home.join("portcullis.toml")).expect("init wrote it");
        let whole: toml::Table = text.parse().expect("init writes TOML");
        let mut edge = whole["edge"].as_table().expect("a table").clone();
        // the first edge has that port
        edge.remove("metrics");
        let path = |path: PathBuf| path.to_str().expect("temporary folders are UTF-8").to_owned();
        let own = [
            ("key", path(folder.join("edge.key"))),
            ("dir", path(folder.join("state"))),
            ("listen", format!("127.0.0.1:{}", doors.http)),
            ("listen_tls", format!("127.0.0.1:{}", doors.https)),
            ("trust", path(home.join("trust"))),
            ("sites", path(home.join("sites.toml"))),
        ];
        for (key, value) in own.iter().chain(changed) {
            let value = toml::Value::String(value.clone());
            let many = edge.get(*key).is_some_and(toml::Value::is_array);
            edge.insert((*key).into(), if many { toml::Value::Array(vec![value]) } else { value });
        }
        let mut config = toml::Table::new();
        config.insert("operator".into(), whole["operator"].clone());
        config.insert("edge".into(), toml::Value::Table(edge));
        let file = folder.join("edge.toml");
        fs::write(&file, config.to_string()).expect("a folder of the test's own");
        let mut made = Self { doors, config: file, running: None };
        made.start();
        made
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(&mut self) {
        let mut running = Running::start(
            "portcullis edge",
            portcullis().args(["edge", "--demo", "--config"]).arg(&self.config),
        );
        running.wait_for("portcullis ready");
        self.running = Some(running);
    }

    pub(crate) fn kill(&mut self) {
        self.running.as_mut().expect("it was started").kill();
    }
}
