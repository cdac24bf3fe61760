//! The one sequencer: a note becomes the next entry, by a stored plan.
//!
//! Order: blobs, entry and tiles, checkpoint, doorbell (`store::publish` does the first three). A crash anywhere
//! leaves the plan; whoever comes next, this process or the next start, finishes it first, through the same function.

use std::sync::Arc;

use ledger::merkle::{Tree, leaf_hash};
use ledger::note::Note;
use policy::entry::Entry;
use policy::{AnyNote, Id, Outcome, State};
use store::publish::UNSIGNED_PLAN_SECONDS;
use store::{Plan, Published, StoreError, publish};

use super::decide::{self, Verdict};
use super::subject::Blobs;
use crate::desk::{Public, Sequencer, Shared};
use crate::error::DeskError;

/// What came of an attempt to publish.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It is public.
    Published(Published),
    /// Something is missing, in words.
    Waits(Vec<String>),
    /// The answer is no.
    Refused(decide::No),
}

/// Publishes `note` if nothing is missing and the fold would take it. Runs as a task of its own: a caller that goes
/// away does not stop a publication half way.
pub(crate) async fn attempt(desk: &Arc<Shared>, note: Note, draft: Option<Id>) -> Result<Attempt, DeskError> {
    let desk = Arc::clone(desk);
    let task = tokio::spawn(async move {
        let held = desk.sequencer.lock().await;
        if !desk.confirmed.get(&desk.public().tree) {
            return Ok(Attempt::Waits(vec![UNCONFIRMED.to_owned()]));
        }
        recover(&desk, &held).await?;
        publish_held(&desk, &held, &note, draft.as_ref()).await
    });
    task.await.map_err(|e| DeskError::Defect(format!("a publication ended: {e}")))?
}

/// Finishes what a crash or a full disk interrupted.
pub(crate) async fn resume(desk: &Arc<Shared>) -> Result<(), DeskError> {
    let held = desk.sequencer.lock().await;
    recover(desk, &held).await
}

/// Finishes an unfinished plan. One that was never signed and is old would carry a `logged` that live edges refuse:
/// it is dropped and decided again.
async fn recover(desk: &Shared, held: &Sequencer) -> Result<(), DeskError> {
    let Some(plan) = desk.store.unfinished().await? else {
        return Ok(());
    };
    if !plan.signed() && !desk.confirmed.get(&desk.public().tree) {
        // To finish it is to sign; it waits like everything else.
        return Ok(());
    }
    tracing::info!(index = plan.index(), signed = plan.signed(), "finishing an interrupted publication");
    if plan.signed() || desk.now().since(plan.logged()) <= UNSIGNED_PLAN_SECONDS {
        run(desk, held, &plan).await?;
        return Ok(());
    }
    desk.store.drop_unsigned_plan().await?;
    let entry =
        Entry::parse(plan.entry()).map_err(|why| DeskError::Defect(format!("a stored plan: {why}")))?;
    match publish_held(desk, held, &entry.note, plan.draft()).await? {
        Attempt::Published(done) => tracing::info!(index = done.index, "decided again and published"),
        Attempt::Waits(words) => tracing::warn!("decided again, not published: missing {}", words.join("; ")),
        Attempt::Refused(no) => tracing::warn!(code = no.code, "decided again, not published: {}", no.why),
    }
    Ok(())
}

/// What a note lacks while nobody has confirmed the head.
pub(crate) const UNCONFIRMED: &str = "a report of an enrolled edge or a witness since this desk started, which says that the log was \
                           not set back (edges report every 15 seconds; with none left: `portcullis desk accept-head`)";

/// Decides, stores the plan, runs it. No plan is unfinished when this is called.
async fn publish_held(
    desk: &Shared,
    held: &Sequencer,
    note: &Note,
    draft: Option<&Id>,
) -> Result<Attempt, DeskError> {
    let head = desk.store.head().await?.ok_or(StoreError::NoLedger)?;
    if desk.public().tree.len() != head.size {
        // A run that ended between its last step and our own bookkeeping.
        refresh(desk, held).await?;
    }
    let Public { state, tree } = desk.public();
    if let Some(no) = restored(desk, &tree).await? {
        return Ok(Attempt::Refused(no));
    }
    let blobs = blobs(desk, note).await?;
    let customers = desk.customers();
    let (logged, blobs) = match decide::decide(&state, &customers, note, &blobs, desk.now(), head.logged) {
        Verdict::Wait(words) => return Ok(Attempt::Waits(words)),
        Verdict::Refuse(no) => return Ok(Attempt::Refused(no)),
        Verdict::Publish { logged, blobs } => (logged, blobs),
    };
    let plan = publish::decide(&head, &tree, &note.to_bytes(), &blobs, logged, draft)?;
    desk.store.commit_plan(&plan).await?;
    run(desk, held, &plan).await.map(Attempt::Published)
}

/// An edge that verified more than we have, or another history, shows that ours is an old copy. Publishing on it would
/// sign a second history, which every edge refuses for ever.
async fn restored(desk: &Shared, tree: &Tree) -> Result<Option<decide::No>, DeskError> {
    for edge in desk.store.edges().await? {
        let Some(receipt) = edge.receipt else { continue };
        if tree.root_at(receipt.size) != Some(receipt.root) {
            let why = format!(
                "{} has verified {} entries that are not in this ledger: it was restored from a backup. Restore the \
                 newer one; if that edge is what is wrong, `portcullis edges remove {}`",
                edge.name, receipt.size, edge.name
            );
            return Ok(Some(decide::No { code: "restored", why, for_ever: false }));
        }
    }
    Ok(None)
}

/// Runs a stored plan, takes the entry into the desk's own state, rings.
async fn run(desk: &Shared, held: &Sequencer, plan: &Plan) -> Result<Published, DeskError> {
    let done = publish::run(&desk.store, plan, &desk.log_key).await?;
    refresh(desk, held).await?;
    // With witnesses in the policy the first ring would only make edges refuse; a lift among what is new they take.
    super::cosign::newest(desk, held).await;
    desk.bell.send_replace(done.size);
    tracing::info!(index = done.index, size = done.size, "published");
    Ok(done)
}

/// Brings fold and tree up to what is public.
async fn refresh(desk: &Shared, held: &Sequencer) -> Result<(), DeskError> {
    let Public { state, tree } = desk.public();
    let (mut state, mut tree) = (State::clone(&state), Tree::clone(&tree));
    let reader = desk.store.reader();
    let size = reader.size().await?;
    for entry in reader.entries(tree.len(), size).await? {
        tree.push(leaf_hash(&entry));
    }
    for (index, outcome) in reader.catch_up(&mut state).await? {
        if let Outcome::Rejected { why } = outcome {
            tracing::error!(index, code = why.code(), "a published entry has no effect: {why}");
        }
    }
    state.forget(desk.now());
    let state = Arc::new(state);
    let before = desk.state();
    desk.set_public(held, Public { state: Arc::clone(&state), tree: Arc::new(tree) });
    if before.config() != state.config() {
        desk.follow_config(&state).await;
    }
    Ok(())
}

/// The blobs a note refers to, as far as they are held.
pub(crate) async fn blobs(desk: &Shared, note: &Note) -> Result<Blobs, DeskError> {
    let parsed = AnyNote::parse(note.text())?;
    let case = match desk.state().case_of(&parsed) {
        Some(id) => desk.store.case(&id).await?,
        None => None,
    };
    let impose = match parsed {
        AnyNote::Impose(impose) => impose,
        AnyNote::Config(config) => {
            let snapshot = desk.store.snapshot(&config.snapshot).await?.is_some();
            return Ok(Blobs { snapshot, ..Blobs::default() });
        }
        AnyNote::Finding(finding) if case.is_some() => {
            let subject = desk.store.blob(&finding.subject).await?;
            return Ok(Blobs { case, subject, ..Blobs::default() });
        }
        _ => return Ok(Blobs { case, ..Blobs::default() }),
    };
    let narrative = match &impose.withheld {
        Some(withheld) => desk.store.blob(&withheld.narrative).await?,
        None => None,
    };
    let (subject, post) = (desk.store.blob(&impose.subject).await?, desk.store.blob(&impose.post).await?);
    Ok(Blobs { subject, post, narrative, snapshot: false, case })
}
