//! What the desk holds while it runs, and how it opens.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use ledger::merkle::Tree;
use ledger::note::SigningKey;
use policy::clock::Clock;
use policy::{Id, State, Time, Trust};
use relay::cosign::Asked;
use store::{Store, StoreError};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::act::config::{self, Lane, Offered, Snapshots};
use crate::act::mail as act_mail;
use crate::act::publish;
use crate::error::{DeskError, OpenError};
use crate::head::{ACCEPT_FILE, Confirmed};
use crate::mail::Mailer;
use crate::pager::Pager;
use crate::passkey::Passkeys;
use crate::{limits, routes};

/// What the roof tells the desk.
#[derive(Clone)]
pub struct Config {
    /// The operator's name, shown on every page.
    pub operator: String,
    /// Public base URL of the press, without a slash at the end: where posts and the ledger are linked to.
    pub press: String,
    /// Whether pages and `GET` need no token. Only for a listener on loopback or a Unix socket; requests must then
    /// name `localhost` or a loopback address.
    pub open_reads: bool,
    /// Whether demonstration keys and origins are taken.
    pub demo_allowed: bool,
    /// Submission prefixes of witnesses (C2SP tlog-witness) that are asked to cosign each checkpoint.
    pub witnesses: Vec<String>,
    /// The customers there are at start, unless the log says which there are. They are needed before anything is
    /// served: finishing an interrupted publication asks whether its subject names only its customer's hostnames.
    pub customers: Vec<CustomerView>,
    /// The name of the edge whose key lies in the same home, if there is one: a backup brings both back.
    pub own_edge: Option<String>,
    /// Reads sites files.
    pub snapshots: Arc<dyn Snapshots>,
    /// The key that the policy names for configurations; `None` where this desk publishes none.
    pub config_key: Option<SigningKey>,
    /// 32 random bytes, from whoever has a source of them: keys that seal evidence.
    pub draw: Draw,
    /// The one origin at which people open the console, as browsers write it: passkeys are bound to it. `None`: nobody
    /// logs in, and people sign with the command line.
    pub origin: Option<String>,
    /// Mail out of the desk; `None`: nobody is told by mail.
    pub mail: Option<Arc<Mailer>>,
    /// Who is called when somebody is needed.
    pub pager: Arc<Pager>,
}

/// 32 random bytes; `None` when the source gives none.
pub type Draw = Arc<dyn Fn() -> Option<[u8; 32]> + Send + Sync>;

/// A customer, for display and to check that a subject names only this customer's hostnames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerView {
    /// The customer's id.
    pub id: Id,
    /// The customer's name.
    pub name: String,
    /// The customer's sites.
    pub sites: Vec<SiteView>,
}

/// A site of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteView {
    /// The site's id.
    pub id: Id,
    /// Its hostnames, lower-case.
    pub hostnames: Vec<String>,
}

/// The desk. Clones share everything.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
}

/// What handlers and acts get.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) passkeys: Option<Passkeys>,
    pub(crate) store: Store,
    pub(crate) trust: Trust,
    pub(crate) log_key: SigningKey,
    clock: Arc<dyn Clock>,
    /// Swapped whole after each publication, so a reader sees one state from beginning to end.
    public: RwLock<Public>,
    customers: RwLock<Arc<Vec<CustomerView>>>,
    pub(crate) lane: Lane,
    /// The newest public size. A watch and not a queue: a later ring makes an earlier one useless.
    pub(crate) bell: watch::Sender<u64>,
    pub(crate) bells: Arc<Semaphore>,
    /// Idempotency keys of requests that are being done.
    pub(crate) under_way: std::sync::Mutex<BTreeSet<String>>,
    /// Whether somebody who would know has confirmed that this log has not been set back.
    pub(crate) confirmed: Confirmed,
    /// Witnesses to ask; whoever asks takes them out and puts them back.
    pub(crate) witnesses: Mutex<Vec<Asked>>,
    /// The one sequencer: whoever holds it may publish.
    pub(crate) sequencer: Mutex<Sequencer>,
}

/// What the public entries amount to: the fold, and the tree over them.
#[derive(Clone)]
pub(crate) struct Public {
    pub(crate) state: Arc<State>,
    pub(crate) tree: Arc<Tree>,
}

/// Held by whoever may publish; there is one.
#[derive(Default)]
pub(crate) struct Sequencer(());

impl Desk {
    /// Folds the ledger, finishes a publication that a crash interrupted, and is then ready to serve.
    ///
    /// # Errors
    /// [`OpenError`]: no ledger yet, or another log key than the ledger's.
    pub async fn open(
        mut config: Config,
        store: Store,
        log_key: SigningKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Desk, OpenError> {
        let reader = store.reader();
        let trust = reader.trust().await?.ok_or(StoreError::NoLedger)?;
        let state = reader.state(&trust, config.demo_allowed).await?;
        if *state.log_key() != log_key.verifier() {
            let (expected, given) = (state.log_key().to_string(), log_key.verifier().to_string());
            return Err(OpenError::ForeignKey { expected, given });
        }
        store.sweep_evidence()?;
        let tree = Arc::new(store.tree().await?);
        let asked = |url: &String| Asked::new(url).map_err(|e| OpenError::Witness(e.to_string()));
        let witnesses = config.witnesses.iter().map(asked).collect::<Result<Vec<_>, _>>()?;
        let customers = RwLock::new(Arc::new(std::mem::take(&mut config.customers)));
        let passkeys = config.origin.as_deref().map(|origin| {
            let decoy = (config.draw)().ok_or("there is no randomness")?;
            Passkeys::new(origin, &config.operator, decoy)
        });
        let passkeys = passkeys.transpose().map_err(OpenError::Origin)?;
        let lane = Lane::new(config.config_key.take(), Arc::clone(&config.snapshots));
        let confirmed = Confirmed::new(state.size(), clock.now(), store.dir().join(ACCEPT_FILE));
        let shared = Arc::new(Shared {
            config,
            passkeys,
            store,
            confirmed,
            trust,
            log_key,
            clock,
            bell: watch::Sender::new(state.size()),
            bells: Arc::new(Semaphore::new(limits::BELLS)),
            public: RwLock::new(Public { state: Arc::new(state), tree }),
            customers,
            lane,
            under_way: std::sync::Mutex::default(),
            witnesses: Mutex::new(witnesses),
            sequencer: Mutex::default(),
        });
        let desk = Desk { shared };
        desk.shared.follow_config(&desk.shared.state()).await;
        desk.tend().await;
        Ok(desk)
    }

    /// Finishes what a crash, a full disk or a closed connection left: the plan of a publication, and notes that lack
    /// nothing and are not public. Whoever runs the desk calls this now and then; what fails is told and tried again.
    pub async fn tend(&self) {
        crate::act::cosign::confirm(&self.shared).await;
        if let Err(e) = publish::resume(&self.shared).await {
            tracing::error!(
                "an unfinished publication could not be finished, nothing new is published: {}",
                e.words()
            );
            return;
        }
        crate::act::cosign::again(&self.shared).await;
        if let Err(e) = config::again(&self.shared).await {
            tracing::error!("the sites file could not become the configuration: {}", e.words());
        }
        if let Err(e) = crate::act::sign::settle_all(&self.shared).await {
            tracing::error!("notes that wait could not be looked at: {}", e.words());
        }
    }

    /// Takes the reports that wait in the inbox. Whoever runs the desk calls this every few seconds.
    pub async fn take_in(&self) {
        if let Err(e) = crate::act::report::take_in(&self.shared).await {
            tracing::error!("reports stay in the inbox and are tried again: {}", e.words());
        }
    }

    /// Queues what customers are owed by mail, and hands over what is due. Whoever runs the desk calls this every few
    /// seconds, and not twice at a time.
    pub async fn post(&self) {
        let Some(mailer) = &self.shared.config.mail else { return };
        if let Err(e) = act_mail::derive(&self.shared, mailer).await {
            tracing::error!(
                "what customers are owed by mail could not be queued, and is tried again: {}",
                e.words()
            );
        }
        if let Err(e) = act_mail::deliver(&self.shared, mailer).await {
            tracing::error!("mails could not be handed over, and are tried again: {}", e.words());
        }
    }

    /// Looks whether somebody is needed, and calls whose turn it is. Whoever runs the desk calls this every few seconds,
    /// and not twice at a time.
    pub async fn page(&self) {
        if let Err(e) = crate::act::page::look(&self.shared).await {
            tracing::error!("whoever is needed could not be called, and is tried again: {}", e.words());
        }
    }

    /// Alarms and calls in numbers.
    ///
    /// # Errors
    /// Why it cannot be said, in words.
    pub async fn page_figures(&self) -> Result<store::PageFigures, String> {
        self.shared.store.page_figures(self.now()).await.map_err(|e| e.to_string())
    }

    /// The outbox in numbers, and how many customers should have been told of what holds and were not.
    ///
    /// # Errors
    /// Why it cannot be said, in words.
    pub async fn mail_figures(&self) -> Result<(store::MailFigures, u64), String> {
        let figures = self.shared.store.reader().mail_figures().await.map_err(|e| e.to_string())?;
        let untold = act_mail::untold(&self.shared).await.map_err(DeskError::words)?;
        Ok((figures, untold.iter().filter(|u| u.late).count() as u64))
    }

    /// The desk's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shared.now()
    }

    /// Takes the head for the newest there is, whatever anybody else holds. For tests, and for whoever knows.
    pub fn accept_head(&self) {
        self.shared.confirmed.set();
    }

    /// Takes the sites file, at start and whenever it changes. Where the policy has a key for configurations it becomes
    /// the next one of the log, at once or when two officers have signed; elsewhere it says which customers there are.
    ///
    /// # Errors
    /// Why nothing changes, in words.
    pub async fn offer(&self, sites: &[u8]) -> Result<Offered, String> {
        config::offer(&self.shared, sites).await.map_err(|e: DeskError| e.words())
    }

    /// The API under `/api/v1` and the console's pages.
    pub fn api_router(&self) -> Router {
        routes::api(&self.shared)
    }

    /// What edges call, under `/relay/v1`.
    pub fn relay_router(&self) -> Router {
        routes::relay(&self.shared)
    }

    /// The trust line of the ledger this desk writes.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.shared.trust
    }

    /// Entries that are public, and every later number: what the doorbell says.
    #[must_use]
    pub fn doorbell(&self) -> watch::Receiver<u64> {
        self.shared.bell.subscribe()
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Fold and tree as they stand.
    pub(crate) fn public(&self) -> Public {
        self.public.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fold as it stands.
    pub(crate) fn state(&self) -> Arc<State> {
        self.public().state
    }

    /// Only the holder of the sequencer calls this, so nothing is lost between reading and setting.
    pub(crate) fn set_public(&self, _held: &Sequencer, public: Public) {
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = public;
    }

    /// Counts a refused thing. Counting never stands in the way of the answer.
    pub(crate) async fn count(&self, what: &str) {
        if let Err(e) = self.store.count(what).await {
            tracing::error!(what, "not counted: {e}");
        }
    }

    pub(crate) fn set_customers(&self, customers: Vec<CustomerView>) {
        *self.customers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(customers);
    }

    /// Shows the customers that edges serve by the log.
    pub(crate) async fn follow_config(&self, state: &State) {
        match config::published(&self.lane, state, &self.store).await {
            Ok(Some(customers)) => self.set_customers(customers),
            Ok(None) => {}
            // A desk that cannot show sites can still lift.
            Err(e) => tracing::error!("the configuration of the log is not shown: {e}"),
        }
    }

    pub(crate) fn customers(&self) -> Arc<Vec<CustomerView>> {
        Arc::clone(&self.customers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("trust", &self.shared.trust.to_string()).finish_non_exhaustive()
    }
}
