//! `portcullis desk` and `portcullis press`: one of the planes that share a store, in a process of its own.

use std::sync::Arc;

use crate::cli::{Global, Run};
use crate::clock::RealClock;
use crate::config::{Config, Listen};
use crate::exit::{Exit, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: Run) -> Result<Exit> {
    let config = open(global, args.config, &["operator", "log", "desk", "relay"])?;
    let desk = plane::desk::start(&config, args.demo, Arc::new(RealClock::new())).await?;
    out::note(format_args!("desk: {}   relay: {}", at(config.desk().listen), at(config.relay_listen())));
    out::data("portcullis ready");
    let sites = plane::watch_sites(config.desk().sites, |sites| {
        desk.set_customers(plane::desk::customers(sites));
        Ok(())
    });
    tokio::select! {
        () = sites => {}
        ended = plane::stopped() => ended?,
    }
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
