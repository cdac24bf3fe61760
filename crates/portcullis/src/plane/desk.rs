//! Desk, relay and press: the planes that share a store, in one process or in two.

use std::path::PathBuf;
use std::sync::Arc;

use desk::{CustomerView, Desk, Offered, SiteView};
use edge::sites::Sites;
use hyper_util::service::TowerToHyperService;
use policy::clock::Clock;
use store::Store;

use super::lane::Reader;
use crate::config::{self, Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::{home, out, serve};

/// Opens desk and relay, and serves them until the process ends.
pub(crate) async fn start(config: &Config, demo: bool, clock: Arc<dyn Clock>) -> Result<Desk> {
    let (operator, log, place) = (config.operator(), config.log(), config.desk());
    let trust = home::trust(&home::read_line(&log.trust)?)?;
    super::allow(&trust, demo)?;
    if !is_local(&place.listen) {
        let what =
            "the desk listens on loopback or a Unix socket only: whoever reaches it reads what is not public";
        return Err(Failure::new(Exit::Config, what)
            .next("write desk.listen = \"127.0.0.1:8081\", and put a proxy with TLS before it if people are elsewhere"));
    }
    let doors =
        [serve::open("desk", &place.listen).await?, serve::open("relay", &config.relay_listen()).await?];
    let figures = match &place.metrics {
        Some(listen) => Some(serve::open("figures", listen).await?),
        None => None,
    };
    let failed = |what: String| Failure::new(Exit::Failed, what);
    let store =
        Store::open(&place.dir).await.map_err(|e| failed(format!("the desk cannot open its store: {e}")))?;
    let key = home::machine_key(&log.key)?;
    let settings = desk::Config {
        operator: operator.name.clone(),
        press: operator.reasons_base.clone(),
        open_reads: is_local(&place.listen),
        demo_allowed: demo,
        witnesses: place.witnesses.clone(),
        customers: customers(&super::read_sites(&place.sites)?),
        own_edge: own_edge(config),
        snapshots: Arc::new(Reader::beside(&place.sites)),
        config_key: place.config_key.as_deref().map(home::machine_key).transpose()?,
        draw: Arc::new(|| home::random().ok()),
        origin: place.origin.clone(),
        mail: super::mail::mailer(config)?.map(Arc::new),
        pager: Arc::new(super::page::pager(config)?),
    };
    let desk = Desk::open(settings, store.clone(), key, Arc::clone(&clock))
        .await
        .map_err(|e| failed(e.to_string()))?;
    if desk.trust().to_string() != trust.to_string() {
        let what =
            format!("{} is not the trust line of the ledger in {}", log.trust.display(), place.dir.display());
        return Err(Failure::new(Exit::Config, what)
            .next("these two belong together; restore the one that was replaced"));
    }
    let sites = std::fs::read_to_string(&place.sites).map_err(|e| Failure::io("read", &place.sites, &e))?;
    match offer(&desk, &sites).await {
        Ok(words) => out::note(format_args!("desk: {} {words}", place.sites.display())),
        // The desk must run all the same: whatever is wrong with sites, lifts go through it.
        Err(why) => out::note(format_args!("desk: {} is not taken over: {why}", place.sites.display())),
    }
    let [api, relay] = doors;
    tokio::spawn(serve::serve(api, TowerToHyperService::new(desk.api_router())));
    tokio::spawn(serve::serve(relay, TowerToHyperService::new(desk.relay_router())));
    work(&desk);
    if let Some(door) = figures {
        let counted = desk.clone();
        tokio::spawn(super::metrics::serve_desk(door, counted));
    }
    Ok(desk)
}

/// What a desk does by itself, until the process ends.
fn work(desk: &Desk) {
    let tended = desk.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(TEND_EVERY).await;
            tended.tend().await;
        }
    });
    let taking = desk.clone();
    tokio::spawn(async move {
        loop {
            taking.take_in().await;
            tokio::time::sleep(TAKE_EVERY).await;
        }
    });
    let posting = desk.clone();
    tokio::spawn(async move {
        loop {
            posting.post().await;
            tokio::time::sleep(POST_EVERY).await;
        }
    });
    let paging = desk.clone();
    tokio::spawn(async move {
        loop {
            paging.page().await;
            tokio::time::sleep(PAGE_EVERY).await;
        }
    });
}

/// The name of the edge of this home, if its key is there.
fn own_edge(config: &Config) -> Option<String> {
    config.need(&["edge"]).ok()?;
    home::machine_key(&config.edge().key).ok().map(|key| key.verifier().name().to_owned())
}

/// Hands the desk a sites file, and says what came of it.
async fn offer(desk: &Desk, sites: &str) -> std::result::Result<String, String> {
    Ok(match desk.offer(sites.as_bytes()).await? {
        Offered::Local => "taken over".into(),
        Offered::Current => "is what edges serve".into(),
        Offered::Published(version) => format!("is configuration {version} now; edges take it over"),
        Offered::Waits(id, change) if change.withdrawn.is_empty() && change.lowered.is_empty() => {
            format!("waits as {id} until an edge or a witness has confirmed the ledger's head")
        }
        Offered::Waits(id, change) => format!(
            "waits: {} hostnames would stop reaching their origin and {} lose TLS, so two officers sign: portcullis approve {id}",
            change.withdrawn.len(),
            change.lowered.len(),
        ),
    })
}

/// Follows the desk's sites file for ever.
pub(crate) async fn watch(desk: &Desk, file: PathBuf) {
    super::watch_sites(file, async |text: &str| offer(desk, text).await).await;
}

/// How often the desk looks into the inbox. A report waits for people, not for this.
const TAKE_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// How often the desk looks at its outbox. A customer is to be told within 15 minutes; people expect it while they watch.
const POST_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// How often the desk looks whether somebody is needed. It takes people minutes to wake, and a look a few milliseconds.
const PAGE_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

/// How often the desk looks for what a failure left unfinished. An approval is open for an hour at most.
const TEND_EVERY: std::time::Duration = std::time::Duration::from_secs(30);

/// Opens the press on the desk's directory, where a desk has made a ledger, and serves it until the process ends. It
/// only reads, but for the inbox, where reports wait for the desk, and the mailbox that some of them come from.
pub(crate) async fn press(config: &Config, clock: Arc<dyn Clock>) -> Result<()> {
    let (operator, log, place) = (config.operator(), config.log(), config.desk());
    let trust = home::trust(&home::read_line(&log.trust)?)?;
    let door = serve::open("press", &config.press_listen()).await?;
    let reader = store::Reader::open(&place.dir).await.map_err(|e| {
        Failure::new(Exit::Io, format!("the press cannot read {}: {e}", place.dir.display()))
            .next("`portcullis desk` makes it; the press must run on the same machine")
    })?;
    let inbox = store::Inbox::open(&place.dir).map_err(|e| {
        Failure::new(Exit::Io, format!("the press cannot take reports: {e}"))
            .next("it writes into the folder `inbox` there, and nowhere else")
    })?;
    let intake = press::Intake { inbox, draw: Arc::new(|| home::random().ok()) };
    if let Some(dir) = config.press_maildir() {
        tokio::spawn(super::maildir::watch(super::maildir::open(&dir)?, intake.clone(), Arc::clone(&clock)));
        out::note(format_args!("press: mails in {} become reports", dir.display()));
    }
    let press =
        press::router(press::Config { trust, operator: words(&operator) }, reader, Some(intake), clock);
    tokio::spawn(serve::serve(door, TowerToHyperService::new(press)));
    Ok(())
}

/// Whether only this machine can reach it.
fn is_local(listen: &Listen) -> bool {
    match listen {
        Listen::Tcp(address) => address.ip().is_loopback(),
        Listen::Unix(_) => true,
    }
}

/// What the desk shows of the sites file.
pub(crate) fn customers(sites: &Sites) -> Vec<CustomerView> {
    let site = |s: &edge::sites::Site| SiteView {
        id: s.id.clone(),
        hostnames: s.hostnames.iter().map(ToString::to_string).collect(),
    };
    let customer = |c: &edge::sites::Customer| CustomerView {
        id: c.id.clone(),
        name: c.name.clone(),
        sites: c.sites.iter().map(site).collect(),
    };
    sites.customers.iter().map(customer).collect()
}

fn words(o: &config::Operator) -> press::Operator {
    let o = o.clone();
    press::Operator {
        name: o.name,
        url: Some(o.url),
        appeal_url: Some(o.appeal_url),
        appeal_email: o.appeal_email,
        abuse_email: Some(o.abuse_email),
        security_email: Some(o.security_email),
        press_email: Some(o.press_email),
        service_email: Some(o.service_email),
        help_url: o.help_url,
        check_url: o.check_url,
        reasons_base: o.reasons_base,
    }
}
