//! `portcullis desk` and `portcullis press`: one of the planes that share a store, in a process of its own.

use std::sync::Arc;

use crate::cli::{DeskArgs, DeskCommand, Global, Run};
use crate::clock::RealClock;
use crate::config::{Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: DeskArgs) -> Result<Exit> {
    let DeskArgs { run: args, command } = args;
    if let Some(DeskCommand::AcceptHead { size }) = command {
        return accept_head(global, size).await;
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
