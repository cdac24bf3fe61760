//! `portcullis run`: every plane in one process. Its edge joins over loopback HTTP, like any other edge.

use std::sync::Arc;

use policy::clock::Clock;

use crate::cli::{Global, Run};
use crate::clock::RealClock;
use crate::config::Config;
use crate::exit::{Exit, Failure, Result};
use crate::{origin, out, plane};

/// Names of the demonstration origins, as their pages show them.
const ORIGINS: [&str; 4] = ["origin 1", "origin 2", "origin 3", "origin 4"];

pub(super) async fn run(global: &Global, args: Run) -> Result<Exit> {
    let config = Config::open(&args.config.unwrap_or_else(|| global.home.join("portcullis.toml")))?;
    config.need(&["operator", "log", "desk", "press", "relay", "edge"])?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let (place, settings) = (config.desk(), config.edge());
    let started = async {
        let desk = plane::desk::start(&config, args.demo, Arc::clone(&clock)).await?;
        plane::desk::press(&config, Arc::clone(&clock)).await?;
        Ok::<_, Failure>(desk)
    };
    let desk = match started.await {
        Ok(desk) => desk,
        // What is broken in the desk's store is not the visitors' trouble.
        Err(failure) if matches!(failure.exit, Exit::Failed | Exit::Io) => {
            return edge_alone(failure, &config, args.demo, clock).await;
        }
        Err(failure) => return Err(failure),
    };
    let mut origins = Vec::new();
    if args.demo {
        for (name, address) in ORIGINS.into_iter().zip(config.demo_origins()) {
            tokio::spawn(origin::open(name, address).await?);
            origins.push(address.to_string());
        }
    }
    let edge = plane::edge::start(&settings, &config.operator(), args.demo, clock).await?;
    edge.ready(&settings.ledger).await;
    welcome(global, &config, &origins);
    out::data("portcullis ready");
    tokio::select! {
        () = plane::desk::watch(&desk, place.sites) => {}
        () = edge.watch(settings.sites) => {}
        ended = plane::stopped() => ended?,
    }
    out::note("stopping: open requests may end");
    edge.stop().await;
    Ok(Exit::Ok)
}

/// The desk cannot start: the edge serves and enforces what it holds, and this says what to mend.
async fn edge_alone(failure: Failure, config: &Config, demo: bool, clock: Arc<dyn Clock>) -> Result<Exit> {
    let settings = config.edge();
    let edge = plane::edge::start(&settings, &config.operator(), demo, clock).await?;
    out::note(&failure);
    out::note(
        "the edge runs alone: sites are served, what is in force stays so and ends by itself; mend the desk, then start again",
    );
    tokio::select! {
        () = edge.watch(settings.sites) => {}
        ended = plane::stopped() => ended?,
    }
    edge.stop().await;
    Err(failure)
}

/// Says what is running, where, and what to do next.
fn welcome(global: &Global, config: &Config, origins: &[String]) {
    let listens = super::desk::at;
    out::note(format_args!(
        "Portcullis: all planes in one process, so edge and log key share it (that is the convenience of `run`)\n\
         \n  edge     {}\n  desk     {}   console; API under /api/v1\n  press    {}   posts, decisions, feeds, ledger\n  \
         relay    {}   for more edges{}",
        super::edge::addresses(&config.edge()),
        listens(config.desk().listen),
        listens(config.press_listen()),
        listens(config.relay_listen()),
        config.edge().metrics.map_or_else(String::new, |m| {
            format!("\n  figures  {}{}   of the edge, for Prometheus", listens(m), plane::metrics::PATH)
        }),
    ));
    if !origins.is_empty() {
        out::note(format_args!(
            "  origins  {}   demonstration: /  /ws  /events  /download  /echo",
            origins.join(", ")
        ));
        next_commands(global, config);
    }
}

fn next_commands(global: &Global, config: &Config) {
    let home = global.home.display();
    let me = global.somebody();
    let edge = config.edge();
    let port = |addresses: &[std::net::SocketAddr]| addresses.first().map_or(0, std::net::SocketAddr::port);
    let (clear, tls) = (port(&edge.listen), port(&edge.listen_tls));
    let hosts: Vec<String> = super::init::FIRST.iter().map(|h| format!("http://{h}:{clear}")).collect();
    out::note(format_args!(
        "\nTwo customers are served:\n  First Customer   {}\n  Second Customer  http://{}:{clear}\n  (with TLS on port \
         {tls}; the demonstration's authority is {home}/certs/ca.pem)\n\nTry next, in another terminal. An emergency \
         takes two assessors, an officer and an independent approver:\n\
         \n  {me} case open 'Calls to gather at a home' --customer first-customer --as anna   # prints CASE\
         \n  {me} case attach CASE {home}/capture.txt --source captured --from 'our capture' --what 'The call.' --as anna\
         \n  {me} case attach CASE {home}/archive.txt --source archive --from 'the archive' --what 'The same.' --as anna\
         \n  {me} case refer CASE --to aut-police --country SE --channel phone --answer-by 4h --told 'All of it.' --as anna\
         \n  {me} case answer CASE 1 cannot-in-time --from 'duty officer' --what 'An order takes three days.' --as anna\
         \n  {me} finding draft first-customer --case CASE --criteria {home}/criteria.txt --out {home}/finding --as anna\
         \n  {me} finding sign {home}/finding --as anna            # prints FINDING\
         \n  {me} finding sign FINDING --as ben\
         \n  {me} propose emergency first-customer --finding FINDING --post {home}/reasons.md \\\
         \n      --limiting 'This emergency alone; no precedent.' --as ben   # prints ID\
         \n  {me} approve ID --as clara\
         \n  {me} status ID --watch --as anna\
         \n  {me} lift ID --why 'The danger is over.' --as anna\
         \n  {me} verify {}/ledger\n\nOr let it walk by itself: {} drill\n",
        hosts.join("  "),
        super::init::SECOND,
        config.operator().reasons_base,
        std::env::args().next().unwrap_or_else(|| "portcullis".into()),
    ));
}
