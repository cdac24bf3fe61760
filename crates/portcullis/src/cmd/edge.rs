//! `portcullis edge`: one edge alone, joined to a desk elsewhere.

use std::sync::Arc;

use crate::cli::{Global, Run};
use crate::clock::RealClock;
use crate::config::Config;
use crate::exit::{Exit, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: Run) -> Result<Exit> {
    let config = Config::open(&args.config.unwrap_or_else(|| global.home.join("portcullis.toml")))?;
    config.need(&["operator", "edge"])?;
    let settings = config.edge();
    let edge =
        plane::edge::start(&settings, &config.operator(), args.demo, Arc::new(RealClock::new())).await?;
    out::note(format_args!("edge: listening on {}", addresses(&settings)));
    edge.ready(&settings.ledger).await;
    out::data("portcullis ready");
    tokio::select! {
        () = edge.watch(settings.sites) => {}
        ended = plane::stopped() => ended?,
    }
    edge.stop().await;
    Ok(Exit::Ok)
}

pub(super) fn addresses(config: &crate::config::Edge) -> String {
    let clear = config.listen.iter().map(|a| format!("http://{a}"));
    let all: Vec<String> = clear.chain(config.listen_tls.iter().map(|a| format!("https://{a}"))).collect();
    all.join(", ")
}
