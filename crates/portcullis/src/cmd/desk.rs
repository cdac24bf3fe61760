//! `portcullis desk` and `portcullis press`: one of the planes that share a store, in a process of its own.

use std::sync::Arc;

use policy::Id;
use policy::clock::Clock as _;

use crate::cli::{DeskArgs, DeskCommand, Global, Run};
use crate::clock::RealClock;
use crate::config::{Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::{home, out, plane, signing};

pub(super) async fn run(global: &Global, args: DeskArgs) -> Result<Exit> {
    let DeskArgs { run: args, command } = args;
    match command {
        Some(DeskCommand::AcceptHead { size }) => return accept_head(global, size).await,
        Some(DeskCommand::EraseSubject { id, yes }) => return erase_subject(global, &id, yes).await,
        None => {}
    }
    let config = open(global, args.config, &["operator", "log", "desk", "relay"])?;
    let desk = plane::desk::start(&config, args.demo, Arc::new(RealClock::new())).await?;
    out::note(format_args!("desk: {}   relay: {}", at(config.desk().listen), at(config.relay_listen())));
    out::data("portcullis ready");
    tokio::select! {
        () = plane::desk::watch(&desk, config.desk().sites) => {}
        ended = plane::stopped() => ended?,
    }
    Ok(Exit::Ok)
}

/// Leaves a word for the desk, running or not; it counts once, and only for this very head.
async fn accept_head(global: &Global, size: u64) -> Result<Exit> {
    let store = super::token::open(global).await?;
    let head = store.head().await.map_err(super::token::store_failure)?;
    let head = head.ok_or_else(|| Failure::input("there is no ledger yet"))?;
    if head.size != size {
        return Err(Failure::refused(format!("this ledger has {} entries, not {size}", head.size)).next(
            "compare with what edges, witnesses, mirrors and mails of the press say; if any of them has more, restore that",
        ));
    }
    let file = store.dir().join(desk::ACCEPT_FILE);
    std::fs::write(&file, desk::accept(head.size, &head.root))
        .map_err(|e| Failure::io("write", &file, &e))?;
    out::note(
        "the desk takes it within half a minute, once; if anybody has seen more, every edge will refuse this log",
    );
    out::made(global, "accepted", head.size);
    Ok(Exit::Ok)
}

/// Destroys what says whom a decision was about. The log still proves that it was made, and by whom.
async fn erase_subject(global: &Global, id: &str, yes: bool) -> Result<Exit> {
    let config = open(global, None, &["log", "desk"])?;
    let trust = home::trust(&home::read_line(&config.log().trust)?)?;
    let store = super::token::open(global).await?;
    let state = store.reader().state(&trust, trust.is_demo()).await.map_err(super::token::store_failure)?;
    let found = Id::parse(id).and_then(|id| state.decision(&id).cloned());
    let decision = found.ok_or_else(|| {
        Failure::input(format!("the ledger has no decision {id:?}"))
            .next("give the whole id; the press lists them")
    })?;
    let subject = decision.impose.subject;
    let until = state.subject_needed_until(&subject).unwrap_or(decision.until());
    if RealClock::new().now() < until {
        return Err(Failure::refused(format!(
            "the subject of {id} is needed until {until}: edges enforce by it, and count an emergency's hours by it for 30 days"
        ))
        .next("nothing was erased; run this again after that"));
    }
    let question = format!(
        "Erase customer, hostnames and facts of {id} for good? Assessment, referrals and the published reasons stay."
    );
    if !signing::agreed(&question, yes)? {
        return Err(Failure::refused("nothing was erased"));
    }
    if !store.erase_subject(&subject).await.map_err(super::token::store_failure)? {
        out::note("it was erased before");
    }
    let notes =
        decision.continues.iter().map(|c| &c.note.head.id).chain(decision.lifted.as_ref().map(|l| &l.id));
    for note in notes.chain([&decision.impose.head.id]) {
        let now = RealClock::new().now();
        store.forget_mails_about(note.as_str(), now).await.map_err(super::token::store_failure)?;
    }
    out::note(
        "edges remove their copies within an hour of the end; mirrors and backups of the ledger are for whoever keeps them, \
         this machine's backups too",
    );
    out::made(global, "erased", subject);
    Ok(Exit::Ok)
}

pub(super) async fn press(global: &Global, args: Run) -> Result<Exit> {
    let config = open(global, args.config, &["operator", "log", "desk", "press"])?;
    plane::desk::press(&config, Arc::new(RealClock::new())).await?;
    out::note(format_args!("press: {}", at(config.press_listen())));
    out::data("portcullis ready");
    plane::stopped().await?;
    Ok(Exit::Ok)
}

fn open(global: &Global, file: Option<std::path::PathBuf>, tables: &[&str]) -> Result<Config> {
    let config = Config::open(&file.unwrap_or_else(|| global.home.join("portcullis.toml")))?;
    config.need(tables)?;
    Ok(config)
}

/// An address as people call it.
pub(super) fn at(listen: Listen) -> String {
    match listen {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}
