//! Act: the sites file becomes the next configuration of the log, and edges get its snapshot.
//!
//! Where it takes nothing from anybody the desk's own key suffices. Otherwise it waits at the desk like a decision, for
//! two officers who have read which hostnames lose what. A snapshot names origins, so it is for enrolled edges alone.

use std::fmt;
use std::sync::Arc;

use ledger::Hash;
use ledger::note::{SigningKey, VerifierKey};
use policy::note::{Config, Head};
use policy::{AnyNote, Id, LOGGED_SKEW, MAX_SNAPSHOT, State};
use relay::config::{Request, RequestError, claimed_edge};
use store::{Draft, DraftState, MAX_PAGE, NewDraft, Page, Store, StoreError};
use tokio::sync::Mutex;

use super::sign;
use crate::desk::{CustomerView, Shared};
use crate::error::DeskError;

/// What the desk asks about snapshots. Only the edge's own reader can tell, and the desk does not link it.
pub trait Snapshots: Send + Sync {
    /// The customers of a snapshot.
    ///
    /// # Errors
    /// Everything that is wrong with it, in words.
    fn customers(&self, snapshot: &[u8]) -> Result<Vec<CustomerView>, String>;

    /// Whether every edge may read it, beyond being readable here.
    ///
    /// # Errors
    /// Why not, in words.
    fn publishable(&self, snapshot: &[u8]) -> Result<(), String>;

    /// What the second takes away from whoever is in the first.
    ///
    /// # Errors
    /// When one of them cannot be read.
    fn change(&self, before: &[u8], after: &[u8]) -> Result<Change, String>;
}

/// Hostnames that lose something, with their customers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// They stop reaching their origin.
    pub withdrawn: Vec<(String, Id)>,
    /// They are protected less than before.
    pub lowered: Vec<(String, Id)>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, lost) in [("withdrawn", &self.withdrawn), ("lowered", &self.lowered)] {
            for (hostname, customer) in lost {
                writeln!(f, "{word} {hostname} of {customer}")?;
            }
        }
        Ok(())
    }
}

/// What became of a sites file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The policy has no key for configurations: each edge reads a file of its own.
    Local,
    /// It is the newest configuration already.
    Current,
    /// It became this version.
    Published(u64),
    /// It waits, under this id, with what it takes away: for two officers, or for somebody to confirm the head.
    Waits(Id, Change),
}

/// The desk's side of the lane.
pub(crate) struct Lane {
    key: Option<SigningKey>,
    snapshots: Arc<dyn Snapshots>,
    /// The sites file as it was offered last; held by whoever works on it.
    offered: Mutex<Option<Vec<u8>>>,
}

impl Lane {
    pub(crate) fn new(key: Option<SigningKey>, snapshots: Arc<dyn Snapshots>) -> Self {
        Self { key, snapshots, offered: Mutex::default() }
    }
}

/// The customers that edges serve by the log; `None` while the log does not say.
pub(crate) async fn published(
    lane: &Lane,
    state: &State,
    store: &Store,
) -> Result<Option<Vec<CustomerView>>, StoreError> {
    let Some(config) = state.config().filter(|_| state.config_key().is_some()) else { return Ok(None) };
    let damaged = |why: String| StoreError::Damaged(format!("the snapshot {}: {why}", config.snapshot));
    let snapshot = store.snapshot(&config.snapshot).await?.ok_or_else(|| damaged("it is gone".into()))?;
    lane.snapshots.customers(&snapshot).map(Some).map_err(damaged)
}

/// Takes a sites file. The same one again changes nothing.
pub(crate) async fn offer(desk: &Arc<Shared>, sites: &[u8]) -> Result<Offered, DeskError> {
    let mut offered = desk.lane.offered.lock().await;
    *offered = Some(sites.to_vec());
    carry(desk, sites).await
}

/// The same file once more: what stood in its way may be gone.
pub(crate) async fn again(desk: &Arc<Shared>) -> Result<(), DeskError> {
    let offered = desk.lane.offered.lock().await;
    match offered.as_ref() {
        Some(sites) => carry(desk, sites).await.map(drop),
        None => Ok(()),
    }
}

async fn carry(desk: &Arc<Shared>, sites: &[u8]) -> Result<Offered, DeskError> {
    let unfit = |why: String| DeskError::Unfit { code: "sites", why };
    let customers = desk.lane.snapshots.customers(sites).map_err(unfit)?;
    let state = desk.state();
    let Some(wanted) = state.config_key() else {
        desk.set_customers(customers);
        return Ok(Offered::Local);
    };
    let key = desk.lane.key.as_ref().filter(|key| key.verifier() == *wanted).ok_or_else(|| {
        unfit(format!(
            "the policy says that {wanted} signs configurations, and `desk.config_key` is not that key; edges serve what the log has"
        ))
    })?;
    desk.lane.snapshots.publishable(sites).map_err(unfit)?;
    if sites.len() > MAX_SNAPSHOT {
        return Err(unfit(format!(
            "the sites file has {} bytes; at most {MAX_SNAPSHOT} are taken",
            sites.len()
        )));
    }
    let snapshot = Hash::of(sites);
    let wanted = Some(snapshot).filter(|s| state.config().is_none_or(|c| c.snapshot != *s));
    let waiting = waiting(desk, &state, wanted.as_ref()).await?;
    // What the log names comes back if it was lost.
    if desk.store.snapshot(&snapshot).await?.is_none() {
        desk.store.put_snapshot(sites, desk.now(), |hash| state.needs_config(hash)).await?;
    }
    if wanted.is_none() {
        return Ok(Offered::Current);
    }
    let draft = match waiting {
        Some(draft) => signed(desk, key, draft).await?,
        None => propose(desk, &state, key, sites, &customers).await?,
    };
    sign::settle(desk, &draft.id, false).await?;
    let draft = desk.store.draft(&draft.id).await?;
    let draft = draft.ok_or_else(|| DeskError::Defect("a draft is gone".into()))?;
    match (read(&draft), draft.state) {
        (Some(config), DraftState::Published { .. }) => Ok(Offered::Published(config.version)),
        _ => Ok(Offered::Waits(draft.id.clone(), change(desk, &draft.text).await?)),
    }
}

fn read(draft: &Draft) -> Option<Config> {
    match AnyNote::parse(&draft.text) {
        Ok(AnyNote::Config(config)) => Some(config),
        _ => None,
    }
}

/// The open draft that leads from the log's configuration to the wanted one. Others are void: what two officers might
/// still sign must be what somebody wants.
async fn waiting(desk: &Shared, state: &State, wanted: Option<&Hash>) -> Result<Option<Draft>, DeskError> {
    let (mut page, mut found) = (Page { before: None, limit: MAX_PAGE }, None);
    loop {
        let drafts = desk.store.drafts(&page).await?;
        let Some(last) = drafts.last() else { return Ok(found) };
        page.before = Some((last.created, last.id.clone()));
        for draft in drafts {
            let Some(config) = read(&draft).filter(|_| draft.state == DraftState::Collecting) else {
                continue;
            };
            let follows = config.previous == state.config().map(|c| c.snapshot);
            if follows && Some(&config.snapshot) == wanted && found.is_none() {
                found = Some(draft);
            } else {
                desk.store.void_draft(&draft.id).await?;
                tracing::info!(id = %draft.id, "a configuration that nobody wants any more");
            }
        }
    }
}

/// Writes the note, with the machine's signature.
async fn propose(
    desk: &Shared,
    state: &State,
    key: &SigningKey,
    sites: &[u8],
    customers: &[CustomerView],
) -> Result<Draft, DeskError> {
    let (last, now) = (state.config(), desk.now());
    let change = match last {
        Some(last) => between(desk, &last.snapshot, sites).await?,
        None => Change::default(),
    };
    let version = last.map_or(0, |c| c.version) + 1;
    let snapshot = Hash::of(sites);
    let id = format!("cfg-{version}-{}-{}", now.0, &snapshot.to_string()[..8]);
    let id = Id::parse(&id).ok_or_else(|| DeskError::Defect(format!("{id} is no id")))?;
    let hostnames = customers.iter().flat_map(|c| &c.sites).map(|s| s.hostnames.len()).sum::<usize>();
    let config = Config {
        head: Head { origin: state.origin().to_owned(), id: id.clone() },
        version,
        previous: last.map(|c| c.snapshot),
        snapshot,
        customers: customers.iter().filter(|c| c.sites.iter().any(|s| !s.hostnames.is_empty())).count()
            as u64,
        hostnames: hostnames as u64,
        withdrawn: change.withdrawn.len() as u64,
        lowered: change.lowered.len() as u64,
        time: now,
    };
    let text = config.to_string();
    let new = NewDraft { id: id.clone(), kind: policy::Kind::Config.word().to_owned(), text, created: now };
    let draft = desk.store.put_draft(&new).await?;
    tracing::info!(%id, withdrawn = config.withdrawn, lowered = config.lowered, "configuration");
    signed(desk, key, draft).await
}

/// The machine's signature, if it is not there: we may have stopped before it, or the policy has named another key since.
async fn signed(desk: &Shared, key: &SigningKey, draft: Draft) -> Result<Draft, DeskError> {
    let signature = key.sign(&draft.text).to_string();
    if draft.signatures.contains(&signature) {
        return Ok(draft);
    }
    Ok(desk.store.add_signature(&draft.id, &signature).await?)
}

/// What a configuration's note takes away, by name. The note has the numbers, and the log will have them.
pub(crate) async fn change(desk: &Shared, text: &str) -> Result<Change, DeskError> {
    let AnyNote::Config(config) = AnyNote::parse(text)? else {
        return Err(DeskError::NotFound("a change of sites: this note is no configuration".into()));
    };
    let Some(previous) = config.previous else { return Ok(Change::default()) };
    match desk.store.snapshot(&config.snapshot).await? {
        Some(sites) => between(desk, &previous, &sites).await,
        None => Err(DeskError::NotFound(format!("the snapshot {}", config.snapshot))),
    }
}

async fn between(desk: &Shared, previous: &Hash, sites: &[u8]) -> Result<Change, DeskError> {
    let before = desk.store.snapshot(previous).await?.ok_or_else(|| DeskError::Unfit {
        code: "sites",
        why: format!(
            "this desk lost the sites file that edges serve, and cannot tell what the new one takes away; put the file \
             with SHA-256 {previous} in its place first (each edge holds it: `config` in its directory)"
        ),
    })?;
    desk.lane.snapshots.change(&before, sites).map_err(DeskError::Defect)
}

/// Gives an enrolled edge a snapshot of the log.
pub(crate) async fn give(desk: &Shared, bytes: &[u8]) -> Result<Vec<u8>, DeskError> {
    let unfit = |why: String| DeskError::Unfit { code: "config-request", why };
    let name = claimed_edge(bytes).ok_or_else(|| unfit(RequestError::Format.to_string()))?;
    let edge = desk.store.reader().edge(&name).await?;
    let edge = edge.ok_or_else(|| {
        DeskError::NotThatEdge(format!(
            "no edge {name} is enrolled here; enrol it with `portcullis edges enrol VKEY`"
        ))
    })?;
    let key =
        VerifierKey::parse(&edge.vkey).map_err(|e| DeskError::Defect(format!("the key of {name}: {e}")))?;
    let request = Request::open(bytes, &key).map_err(|e| DeskError::NotThatEdge(e.to_string()))?;
    if request.origin != desk.trust.origin {
        return Err(unfit(format!("the request is about another log, {}", request.origin)));
    }
    // A request somebody saw pass is of no use to him for long.
    if request.time.0.abs_diff(desk.now().0) > LOGGED_SKEW {
        return Err(unfit(format!(
            "the request is of {}, more than 10 minutes from this desk's clock",
            request.time
        )));
    }
    let none = || DeskError::NotFound(format!("the snapshot {}", request.snapshot));
    if !desk.state().needs_config(&request.snapshot) {
        return Err(none());
    }
    desk.store.snapshot(&request.snapshot).await?.ok_or_else(none)
}
