//! `portcullis.toml`: one table per plane.
//!
//! Three steps: [`fields`] says which keys there are and what each means; [`read`] checks a file against that table
//! and complains about everything at once; the structs here are what the rest of the program works with, paths
//! joined and defaults filled in.

mod fields;
mod read;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure, Result};

pub(crate) use fields::{FIELDS, Field, Need, STEP, TABLES};
pub(crate) use read::Complaint;
use read::Typed;

/// Where a plane listens or is found: TCP, or a Unix socket for those on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A configuration file that has been read and found good.
pub(crate) struct Config {
    typed: Typed,
}

/// Who operates this, for pages and posts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operator {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) appeal_url: String,
    pub(crate) appeal_email: Option<String>,
    pub(crate) abuse_email: String,
    pub(crate) security_email: String,
    pub(crate) press_email: String,
    pub(crate) service_email: String,
    pub(crate) help_url: Option<String>,
    pub(crate) check_url: Option<String>,
    pub(crate) reasons_base: String,
}

/// The log: its key and its trust line.
pub(crate) struct Log {
    pub(crate) key: PathBuf,
    pub(crate) trust: PathBuf,
}

/// The desk.
pub(crate) struct Desk {
    pub(crate) listen: Listen,
    pub(crate) dir: PathBuf,
    pub(crate) sites: PathBuf,
    pub(crate) origin: Option<String>,
    pub(crate) config_key: Option<PathBuf>,
    pub(crate) witnesses: Vec<String>,
    pub(crate) metrics: Option<Listen>,
}

/// Mail out of the desk, as it is written; `plane::mail` reads the files.
pub(crate) struct Mail {
    pub(crate) smtp: (String, u16),
    pub(crate) tls: String,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<PathBuf>,
    pub(crate) from: String,
    pub(crate) reply_to: Option<String>,
    pub(crate) dkim: (Option<String>, Option<String>, Option<PathBuf>),
    pub(crate) receipts: bool,
    pub(crate) language: String,
}

/// Who is called in the night, as it is written; `plane::page` makes sense of it.
pub(crate) struct Page {
    pub(crate) console: Option<String>,
    pub(crate) ack: u64,
    pub(crate) repeat: u64,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) steps: Vec<PageStep>,
}

/// One step of them.
pub(crate) struct PageStep {
    pub(crate) after: u64,
    pub(crate) hours: Option<policy::page::Hours>,
    pub(crate) person: Option<String>,
    pub(crate) command: Vec<String>,
    pub(crate) webhook: Option<String>,
    pub(crate) secret: Option<PathBuf>,
    pub(crate) mail: Vec<String>,
}

/// A witness.
pub(crate) struct Witness {
    pub(crate) listen: Listen,
    pub(crate) key: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) logs: Vec<String>,
}

/// One edge.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) ledger: String,
    pub(crate) relay: String,
    pub(crate) peers: Vec<String>,
    pub(crate) witnesses: Vec<String>,
    pub(crate) trust: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) sites: PathBuf,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) listen_tls: Vec<SocketAddr>,
    pub(crate) workers: usize,
    pub(crate) rate: Option<usize>,
    pub(crate) burst: Option<usize>,
    pub(crate) connections_per_source: Option<usize>,
    pub(crate) connections: Option<usize>,
    pub(crate) metrics: Option<Listen>,
}

impl Config {
    /// Reads a file, or says everything that is wrong with it.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Failure::new(Exit::Config, format!("cannot read the configuration {}: {e}", file.display()))
                .next("`portcullis init --demo` makes a home with one; --home or --config says where it is")
        })?;
        let base = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&text, base).map_err(|complaints| {
            let lines: Vec<String> =
                complaints.iter().map(|c| format!("\n  {}:{c}", file.display())).collect();
            Failure::new(Exit::Config, format!("the configuration is wrong:{}", lines.concat()))
                .next("`portcullis config explain` lists every key")
        })
    }

    /// Reads a text; relative paths start at `base`.
    pub(crate) fn parse(text: &str, base: &Path) -> std::result::Result<Self, Vec<Complaint>> {
        read::read(text, base).map(|typed| Self { typed })
    }

    /// Which tables the file has.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.typed.tables.contains(table)
    }

    /// Says which of these tables are missing.
    pub(crate) fn need(&self, tables: &[&str]) -> Result<()> {
        let missing: Vec<String> = tables.iter().filter(|t| !self.has(t)).map(|t| format!("[{t}]")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::Config, format!("the configuration has no {}", missing.join(", "))).next(
            format!(
                "`portcullis config explain {}` shows what belongs there",
                missing[0].trim_matches(['[', ']'])
            ),
        ))
    }

    pub(crate) fn operator(&self) -> Operator {
        let t = &self.typed;
        Operator {
            name: t.text("operator.name"),
            url: t.text("operator.url"),
            appeal_url: t.text("operator.appeal_url"),
            appeal_email: t.maybe("operator.appeal_email"),
            abuse_email: t.text("operator.abuse_email"),
            security_email: t.text("operator.security_email"),
            press_email: t.text("operator.press_email"),
            service_email: t.text("operator.service_email"),
            help_url: t.maybe("operator.help_url"),
            check_url: t.maybe("operator.check_url"),
            reasons_base: t.text("operator.reasons_base"),
        }
    }

    pub(crate) fn log(&self) -> Log {
        Log { key: self.typed.path("log.key"), trust: self.typed.path("log.trust") }
    }

    pub(crate) fn desk(&self) -> Desk {
        let t = &self.typed;
        Desk {
            listen: t.listen("desk.listen"),
            dir: t.path("desk.dir"),
            sites: t.path("desk.sites"),
            origin: t.maybe("desk.origin"),
            config_key: t.maybe_path("desk.config_key"),
            witnesses: t.texts("desk.witnesses"),
            metrics: t.maybe_listen("desk.metrics"),
        }
    }

    pub(crate) fn mail(&self) -> Mail {
        let t = &self.typed;
        Mail {
            smtp: read::host_port(&t.text("mail.smtp")).unwrap_or_default(),
            tls: t.text("mail.tls"),
            ca: t.maybe_path("mail.ca"),
            user: t.maybe("mail.user"),
            password: t.maybe_path("mail.password"),
            from: t.text("mail.from"),
            reply_to: t.maybe("mail.reply_to"),
            dkim: (t.maybe("mail.dkim_domain"), t.maybe("mail.dkim_selector"), t.maybe_path("mail.dkim_key")),
            receipts: t.flag("mail.receipts"),
            language: t.text("mail.language"),
        }
    }

    pub(crate) fn page(&self) -> Page {
        let t = &self.typed;
        let step = |t: &Typed| PageStep {
            after: t.seconds("page.step.after"),
            hours: t.hours("page.step.hours"),
            person: t.maybe("page.step.person"),
            command: t.texts("page.step.command"),
            webhook: t.maybe("page.step.webhook"),
            secret: t.maybe_path("page.step.secret"),
            mail: t.texts("page.step.mail"),
        };
        Page {
            console: t.maybe("page.console"),
            ack: t.seconds("page.ack"),
            repeat: t.seconds("page.repeat"),
            ca: t.maybe_path("page.ca"),
            steps: t.steps.iter().map(step).collect(),
        }
    }

    pub(crate) fn witness(&self) -> Witness {
        let t = &self.typed;
        Witness {
            listen: t.listen("witness.listen"),
            key: t.path("witness.key"),
            dir: t.path("witness.dir"),
            logs: t.texts("witness.logs"),
        }
    }

    pub(crate) fn press_listen(&self) -> Listen {
        self.typed.listen("press.listen")
    }

    /// The mailbox whose mails become reports.
    pub(crate) fn press_maildir(&self) -> Option<PathBuf> {
        self.typed.maybe_path("press.maildir")
    }

    pub(crate) fn relay_listen(&self) -> Listen {
        self.typed.listen("relay.listen")
    }

    /// Where demonstration origins listen.
    pub(crate) fn demo_origins(&self) -> Vec<SocketAddr> {
        self.typed.addresses("demo.origins")
    }

    pub(crate) fn edge(&self) -> Edge {
        let t = &self.typed;
        Edge {
            ledger: t.text("edge.ledger"),
            relay: t.text("edge.relay"),
            peers: t.texts("edge.peers"),
            witnesses: t.texts("edge.witnesses"),
            trust: t.path("edge.trust"),
            key: t.path("edge.key"),
            dir: t.path("edge.dir"),
            sites: t.path("edge.sites"),
            listen: t.addresses("edge.listen"),
            listen_tls: t.addresses("edge.listen_tls"),
            workers: t.number("edge.workers").unwrap_or(0),
            rate: t.number("edge.rate"),
            burst: t.number("edge.burst"),
            connections_per_source: t.number("edge.connections_per_source"),
            connections: t.number("edge.connections"),
            metrics: t.maybe_listen("edge.metrics"),
        }
    }
}

#[cfg(test)]
mod tests;
