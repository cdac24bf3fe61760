//! What the drill stands on: a temporary home, this binary's processes, and origins that outlive the desk.

use std::fmt;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Address, Answer, Ask, ask};
use crate::cmd::init::{FIRST, Ports};
use crate::desk_client::{text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::{home, origin, out};

/// Both edges: the one beside the desk, and the one that joined.
pub(super) const EDGES: [usize; 2] = [0, 1];

/// Ports the drill takes: seven of a home, two of the second edge, two of its origins.
const PORTS: u16 = 12;

/// How often something awaited is looked at.
const EVERY: Duration = Duration::from_millis(10);

pub(super) struct Stage {
    dir: PathBuf,
    base: u16,
    keep: bool,
    began: Instant,
    all: Option<Child>,
    second: Option<Child>,
}

impl Stage {
    /// Makes the home, and starts the origins of the second edge in this very process.
    pub(super) async fn set(keep: bool) -> Result<Self> {
        let suffix: [u8; 4] = home::random()?;
        let dir = std::env::temp_dir().join(format!("portcullis-drill-{:08x}", u32::from_be_bytes(suffix)));
        std::fs::create_dir(&dir).map_err(|e| Failure::io("make", &dir, &e))?;
        let stage = Self { dir, base: free_ports()?, keep, began: Instant::now(), all: None, second: None };
        let base = stage.base.to_string();
        stage.run(&["init", "--demo", "--dir", &stage.path("home"), "--port-base", &base]).await?;
        for (name, port) in [("origin 1", stage.base + 10), ("origin 2", stage.base + 11)] {
            tokio::spawn(origin::open(name, ([127, 0, 0, 1], port).into()).await?);
        }
        stage.tell(format_args!(
            "a temporary home in {}, ports {} to {}",
            stage.path("home"),
            base,
            stage.base + PORTS - 1
        ));
        Ok(stage)
    }

    /// A path in the temporary directory.
    pub(super) fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Where an edge takes visitors.
    pub(super) fn port(&self, edge: usize) -> u16 {
        if edge == 0 { Ports::new(Some(self.base)).edge } else { self.base + 8 }
    }

    pub(super) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Says what was observed.
    pub(super) fn tell(&self, what: fmt::Arguments<'_>) {
        out::data(format_args!("{:>4} s  {what}", self.seconds()));
    }

    pub(super) async fn start_all(&mut self) -> Result<()> {
        let child = self.start(&["--home", &self.path("home"), "run", "--demo"], "run.log").await?;
        self.all = Some(child);
        self.tell(format_args!("running: desk, press, relay and the first edge in one process"));
        Ok(())
    }

    pub(super) async fn stop_all(&mut self) {
        if let Some(child) = self.all.take() {
            end(child).await;
        }
    }

    /// Joins a second edge as its operator would: key, enrolment, configuration.
    pub(super) async fn start_second_edge(&mut self) -> Result<()> {
        let key = self.path("edge2.key");
        let vkey = self.run(&["key", "new", &key, "--name", "demo:edge-2"]).await?;
        self.me(&["edges", "enrol", &vkey], "anna").await?;
        let ports = Ports::new(Some(self.base));
        let read = |name: &str| {
            let file = self.dir.join(name);
            std::fs::read_to_string(&file).map_err(|e| Failure::io("read", &file, &e))
        };
        let sites = ports.origins.iter().zip([10, 11]).fold(read("home/sites.toml")?, |text, (old, new)| {
            text.replace(&format!(":{old}\""), &format!(":{}\"", self.base + new))
        });
        let sites = sites.replace("certs/", "home/certs/");
        home::write_new(&self.dir.join("sites2.toml"), &sites, false)?;
        let config = read("home/portcullis.toml")?;
        let operator = config.split("\n[log]").next().unwrap_or_default();
        let edge = format!(
            "{operator}\n[edge]\nledger = \"http://127.0.0.1:{}/ledger\"\nrelay = \"http://127.0.0.1:{}\"\n\
             trust = \"home/trust\"\nkey = \"edge2.key\"\ndir = \"edge2\"\nsites = \"sites2.toml\"\n\
             listen = [\"127.0.0.1:{}\"]\nlisten_tls = [\"127.0.0.1:{}\"]\n",
            ports.press,
            ports.relay,
            self.base + 8,
            self.base + 9
        );
        home::write_new(&self.dir.join("edge2.toml"), &edge, false)?;
        let child =
            self.start(&["edge", "--demo", "--config", &self.path("edge2.toml")], "edge2.log").await?;
        self.second = Some(child);
        self.tell(format_args!(
            "running: a second edge, a process of its own, joined with one trust line and one key"
        ));
        Ok(())
    }

    /// Stops everything; removes the home unless it is to be looked at.
    pub(super) async fn clear(&mut self) {
        for child in [self.all.take(), self.second.take()].into_iter().flatten() {
            end(child).await;
        }
        if self.keep {
            out::note(format_args!("kept: {}", self.dir.display()));
        } else {
            drop(std::fs::remove_dir_all(&self.dir));
        }
    }

    /// Runs a command of this binary as a person of the home, and gives what it printed.
    pub(super) async fn me(&self, args: &[&str], person: &str) -> Result<String> {
        self.run(&[&["--home", &self.path("home"), "--as", person], args].concat()).await
    }

    /// Runs a command that has to be refused or to have no effect, and gives the words for it.
    pub(super) async fn refused(&self, args: &[&str], person: &str) -> Result<String> {
        let output =
            self.output(&[&["--home", &self.path("home"), "--as", person, "--json"], args].concat()).await?;
        let note: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.success() && text(&note, "state") != "collecting" {
            return Err(super::failed(format!("{} was done by {person} alone", args.join(" "))));
        }
        Ok(texts(&note, "missing")
            .first()
            .map_or_else(|| "refused".into(), |words| format!("missing {words}")))
    }

    /// Checks the ledger as an outsider, over the network and from its files.
    pub(super) async fn verify(&self) -> Result<()> {
        let press = format!("http://127.0.0.1:{}/ledger", Ports::new(Some(self.base)).press);
        for place in [press, self.path("home/desk/ledger")] {
            self.run(&["verify", &place, "--trust", &self.path("home/trust")]).await?;
            self.tell(format_args!("verified from the trust line alone: {place}"));
        }
        Ok(())
    }

    /// A visit must give this status.
    pub(super) async fn see(&self, edge: usize, host: &str, status: u16) -> Result<()> {
        let answer = self.visit(edge, host).await?;
        if answer.status.as_u16() == status {
            return Ok(());
        }
        Err(super::failed(format!("{host} on edge {} answers {}, not {status}", edge + 1, answer.status)))
    }

    /// Visits until it gives this status.
    pub(super) async fn until_seen(
        &self,
        edge: usize,
        host: &str,
        status: u16,
        time: Duration,
    ) -> Result<()> {
        let end = Instant::now() + time;
        loop {
            match self.see(edge, host, status).await {
                Ok(()) => return Ok(()),
                Err(failure) if Instant::now() >= end => return Err(failure),
                Err(_) => sleep(EVERY).await,
            }
        }
    }

    /// The page as a browser gets it.
    pub(super) async fn page(&self, edge: usize, host: &str) -> Result<String> {
        let answer = self.visit(edge, host).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn visit(&self, edge: usize, host: &str) -> Result<Answer> {
        let port = self.port(edge);
        let (address, host) =
            (Address::parse(&format!("http://127.0.0.1:{port}"))?, format!("{host}:{port}"));
        ask(&address, Ask { host: Some(&host), accept: Some("text/html"), ..Ask::get("/") }).await
    }

    /// A page of the press.
    pub(super) async fn press(&self, path: &str) -> Result<String> {
        let address = Address::parse(&format!("http://127.0.0.1:{}", Ports::new(Some(self.base)).press))?;
        let answer = ask(&address, Ask::get(path)).await?;
        if answer.status.is_success() {
            return Ok(String::from_utf8_lossy(&answer.body).into_owned());
        }
        Err(super::failed(format!("{address}{path} answers {}", answer.status)))
    }

    async fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.output(args).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(super::failed(format!("`portcullis {}` failed:\n{}", args.join(" "), said.trim())))
    }

    async fn output(&self, args: &[&str]) -> Result<std::process::Output> {
        let mut command = command()?;
        command.args(args).stdin(Stdio::null());
        command.output().await.map_err(|e| super::failed(format!("cannot run myself: {e}")))
    }

    /// Starts a process and waits until it says that it is ready.
    async fn start(&self, args: &[&str], log: &str) -> Result<Child> {
        let path = self.dir.join(log);
        let file = std::fs::File::create(&path).map_err(|e| Failure::io("write", &path, &e))?;
        let mut command = command()?;
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| super::failed(format!("cannot run myself: {e}")))?;
        let stdout = child.stdout.take().ok_or_else(|| super::failed("no output to read"))?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "portcullis ready" {
                    return true;
                }
            }
            false
        };
        if timeout(super::PATIENCE, ready).await.unwrap_or(false) {
            return Ok(child);
        }
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        Err(super::failed(format!("`portcullis {}` did not become ready:\n{}", args.join(" "), said.trim())))
    }
}

fn command() -> Result<Command> {
    let me = std::env::current_exe();
    me.map(Command::new).map_err(|e| Failure::new(Exit::Io, format!("cannot find myself: {e}")))
}

/// Ends a process the hard way: a drill is also about what a crash leaves behind.
async fn end(mut child: Child) {
    drop(child.kill().await);
}

/// The first of so many free ports in a row, from a random place on, so that two drills rarely meet.
fn free_ports() -> Result<u16> {
    let [a, b] = home::random::<2>()?;
    let start = u16::from_be_bytes([a, b]) % 1000;
    // 20,000 to 31,000: above what services use, below what systems hand out for outgoing connections.
    let bases = (start..start + 1000).map(|n| 20_000 + (n % 1000) * PORTS);
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let found = bases.into_iter().find(|base| (*base..base + PORTS).all(free));
    found.ok_or_else(|| Failure::new(Exit::Unavailable, "no free ports between 20000 and 31000"))
}

/// The hostnames must be where the drill looks for them.
const _: () = assert!(FIRST.len() == 3);
