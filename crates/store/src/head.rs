//! The head of the ledger, the one unfinished plan, and the birth of a ledger.

use std::sync::Arc;

use ledger::Hash;
use ledger::merkle::{self, Tree};
use ledger::note::{Note, SigningKey};
use policy::entry::Entry;
use policy::{State, Time, Trust};
use sqlx::{Row, SqliteConnection};

use crate::blobs;
use crate::db::{self, int, uint};
use crate::dir::LedgerPath;
use crate::drafts;
use crate::fault::Write;
use crate::publish;
use crate::{Plan, Result, Store, StoreError};

/// How far the ledger is signed. It stands in the database and is only ever swapped, never set: two desks that
/// decided on the same head cannot both sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The ledger's origin.
    pub origin: String,
    /// Entries under the signed checkpoint.
    pub size: u64,
    /// The tree's root over them.
    pub root: Hash,
    /// The time in the newest entry; the next one may not be earlier.
    pub logged: Time,
    /// The signed checkpoint; empty at size 0.
    pub checkpoint: Vec<u8>,
}

impl Store {
    /// Creates the ledger, once, with the policy that everybody starts from as entry 0, and says the line that an
    /// edge is born with. The origin is the log key's name.
    ///
    /// When it is interrupted after it began, it cannot be called again: [`Store::unfinished`] has the plan.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is a ledger; [`StoreError::Damaged`] when there are files of one but its head
    /// is lost; [`StoreError::Unfit`] when no edge would accept this policy as entry 0.
    pub async fn init_ledger(&self, log: &SigningKey, policy: &[u8], logged: Time) -> Result<Trust> {
        let note = Note::parse(policy).map_err(|e| StoreError::Unfit(format!("policy 0: {e}")))?;
        let entry0 = Entry { logged, note }.to_bytes();
        let verifier = log.verifier();
        let origin = verifier.name().to_owned();
        let trust = Trust { origin: origin.clone(), log: verifier, entry0: Hash::of(&entry0) };
        // Demonstration keys are the edges' to refuse; here any policy that can be a beginning is one.
        State::genesis(&trust, &entry0, true).map_err(|why| StoreError::Unfit(format!("policy 0: {why}")))?;
        let empty = Head { origin, size: 0, root: Hash::of(b""), logged: Time(0), checkpoint: Vec::new() };
        let plan = publish::decide(&empty, &Tree::new(), policy, &[], logged, None)?;
        self.create(&trust, &empty, &plan).await?;
        publish::run(self, &plan, log).await?;
        Ok(trust)
    }

    async fn create(&self, trust: &Trust, empty: &Head, plan: &Plan) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        if load(&mut tx).await?.is_some() {
            return Err(StoreError::Exists);
        }
        if self.ledger().read(&LedgerPath::Checkpoint)?.is_some() {
            let what = "there is a checkpoint file, but the database knows of no ledger";
            return Err(StoreError::Damaged(what.into()));
        }
        self.before("plan")?;
        sqlx::query(
            "INSERT INTO head (one, trust, origin, size, root, logged, checkpoint) VALUES (1, $1, $2, 0, $3, 0, x'')",
        )
        .bind(trust.to_string())
        .bind(&empty.origin)
        .bind(empty.root.0.as_slice())
        .execute(&mut *tx)
        .await?;
        insert_plan(&mut tx, plan).await?;
        tx.commit().await?;
        self.after("plan")
    }

    /// How far the ledger is signed; `None` when there is none yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn head(&self) -> Result<Option<Head>> {
        load(&mut *self.rows().acquire().await?).await
    }

    /// The line that edges of this ledger are born with; `None` when there is no ledger yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the stored line is none.
    pub async fn trust(&self) -> Result<Option<Trust>> {
        self.reader().trust().await
    }

    /// The tree of all signed entries, read from the bundles. Keep it, and push each new entry's leaf hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the entries on disk are not those under the signed head.
    pub async fn tree(&self) -> Result<Tree> {
        let head = self.head().await?.ok_or(StoreError::NoLedger)?;
        let ledger = self.ledger().clone();
        publish::blocking(move || {
            let mut tree = Tree::new();
            for entry in ledger.entries(0, head.size, head.size)? {
                tree.push(merkle::leaf_hash(&entry));
            }
            if tree.root_at(head.size) != Some(head.root) {
                return Err(StoreError::Damaged(
                    "the entries on disk are not those under the signed head".into(),
                ));
            }
            Ok(tree)
        })
        .await
    }

    /// Stores a plan, which gives it the sequencer: no other plan is taken until this one is finished or dropped.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another plan is unfinished; [`StoreError::HeadMoved`] when it was decided on another
    /// head; [`StoreError::Conflict`] when its draft does not collect any more; [`StoreError::NotFound`] when one of
    /// its blobs is neither pending nor published; [`StoreError::Damaged`] when the checkpoint file is not the head's.
    pub async fn commit_plan(&self, plan: &Plan) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let head = load(&mut tx).await?.ok_or(StoreError::NoLedger)?;
        if load_plan(&mut tx, &head).await?.is_some() {
            return Err(StoreError::Busy("another publication is unfinished"));
        }
        if (head.size, head.root) != plan.from || head.origin != plan.checkpoint.origin {
            return Err(StoreError::HeadMoved { expected: plan.from.0, found: head.size });
        }
        if plan.logged < head.logged {
            return Err(StoreError::Unfit("its time is before the newest entry's".into()));
        }
        // Without an unfinished plan the two say the same; only cosignatures may still be missing in the file. A head
        // that is behind was restored from a backup: signing on it would give the ledger two histories.
        let file = self.ledger().read(&LedgerPath::Checkpoint)?.unwrap_or_default();
        if file != head.checkpoint && text_of(&file) != text_of(&head.checkpoint) {
            let public = self.ledger().size()?;
            let what = format!(
                "the head says {} entries, but the checkpoint file is another one, of {public}",
                head.size
            );
            return Err(StoreError::Damaged(what));
        }
        if let Some(draft) = plan.draft() {
            drafts::require_open(&mut tx, draft).await?;
        }
        for blob in plan.blobs() {
            let pending = sqlx::query("SELECT 1 FROM pending WHERE hash = $1").bind(blob.0.as_slice());
            if pending.fetch_optional(&mut *tx).await?.is_none() && self.ledger().blob(blob)?.is_none() {
                return Err(StoreError::NotFound(format!("the blob {blob}; put it first")));
            }
        }
        self.before("plan")?;
        insert_plan(&mut tx, plan).await?;
        tx.commit().await?;
        self.after("plan")
    }

    /// Replaces the signed checkpoint by the same one with the signatures of witnesses beside the log's. Stopped between
    /// row and file, the file lacks them until the next time.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is another checkpoint than the newest, or lacks the signatures it had;
    /// [`StoreError::Busy`] while a publication is unfinished.
    pub async fn put_cosigned(&self, note: &Note) -> Result<()> {
        let lock = publish::lock(self)?;
        let mut tx = db::begin(self.writer()).await?;
        let head = load(&mut tx).await?.ok_or(StoreError::NoLedger)?;
        if load_plan(&mut tx, &head).await?.is_some() {
            return Err(StoreError::Busy("a publication is unfinished"));
        }
        let had = Note::parse(&head.checkpoint).map_err(|e| StoreError::Damaged(format!("the head: {e}")))?;
        let keeps = had.signatures().iter().all(|s| note.signatures().contains(s));
        if had.text() != note.text() || !keeps {
            return Err(StoreError::Conflict(
                "this is not the newest checkpoint with more signatures".into(),
            ));
        }
        let bytes = note.to_bytes();
        self.before("cosigned")?;
        sqlx::query("UPDATE head SET checkpoint = $1 WHERE one = 1").bind(&bytes).execute(&mut *tx).await?;
        tx.commit().await?;
        self.after("cosigned")?;
        publish::write(self, &Arc::new(lock), LedgerPath::Checkpoint, bytes).await
    }

    /// The plan that was stored and not finished, if any: give it to [`publish::run`], or, while it is unsigned and
    /// older than [`publish::UNSIGNED_PLAN_SECONDS`], to [`Store::drop_unsigned_plan`] and decide again.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the stored text is not a plan.
    pub async fn unfinished(&self) -> Result<Option<Plan>> {
        let mut tx = self.rows().begin().await?;
        let Some(head) = load(&mut tx).await? else { return Ok(None) };
        load_plan(&mut tx, &head).await
    }

    /// Gives up the unfinished plan, if it has not been signed; its draft collects again. Files that it wrote already
    /// are not public and will be overwritten by the next plan.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is signed: then it can only be finished; [`StoreError::Busy`] while it runs.
    pub async fn drop_unsigned_plan(&self) -> Result<Option<Plan>> {
        let _lock = publish::lock(self)?;
        let mut tx = db::begin(self.writer()).await?;
        let Some(head) = load(&mut tx).await? else { return Ok(None) };
        let plan = load_plan(&mut tx, &head).await?;
        if plan.as_ref().is_some_and(Plan::signed) {
            return Err(StoreError::Conflict(
                "the unfinished plan is signed; it can only be finished".into(),
            ));
        }
        sqlx::query("DELETE FROM plan").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(plan)
    }

    /// Swaps the head from the plan's old to its new, or finds it swapped already; says the signed checkpoint.
    /// `sign` is called at most once, inside the transaction, and only on the old head.
    pub(crate) async fn swap_head(
        &self,
        plan: &Plan,
        sign: impl FnOnce() -> Result<Vec<u8>> + Send,
    ) -> Result<Vec<u8>> {
        let mut tx = db::begin(self.writer()).await?;
        let head = load(&mut tx).await?.ok_or(StoreError::NoLedger)?;
        if (head.size, head.root) == (plan.checkpoint.size, plan.checkpoint.root) {
            return Ok(head.checkpoint);
        }
        if (head.size, head.root) != plan.from {
            return Err(StoreError::HeadMoved { expected: plan.from.0, found: head.size });
        }
        // A head without the plan that finishes it would be stuck for ever, so both are looked at together.
        if load_plan(&mut tx, &head).await?.is_none_or(|stored| stored.to_text() != plan.to_text()) {
            return Err(StoreError::Conflict("the plan was dropped while it ran".into()));
        }
        let checkpoint = sign()?;
        self.before("head")?;
        sqlx::query(
            "UPDATE head SET size = $1, root = $2, logged = $3, checkpoint = $4 WHERE one = 1 AND size = $5 AND root = $6",
        )
        .bind(int(plan.checkpoint.size))
        .bind(plan.checkpoint.root.0.as_slice())
        .bind(int(plan.logged.0))
        .bind(&checkpoint)
        .bind(int(plan.from.0))
        .bind(plan.from.1.0.as_slice())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.after("head")?;
        Ok(checkpoint)
    }

    /// Removes the plan, publishes its draft, keeps what its note names as records, and forgets its pending blobs, all
    /// at once or not at all.
    pub(crate) async fn finish_plan(&self, plan: &Plan) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        self.before("finish")?;
        if let Some(draft) = plan.draft() {
            sqlx::query("UPDATE draft SET state = 'published', log_index = $1 WHERE id = $2")
                .bind(int(plan.index()))
                .bind(draft.as_str())
                .execute(&mut *tx)
                .await?;
        }
        for record in blobs::records(plan) {
            sqlx::query(
                "INSERT INTO record (hash, bytes, entry) SELECT hash, bytes, $1 FROM pending WHERE hash = $2 \
                 ON CONFLICT (hash) DO NOTHING",
            )
            .bind(int(plan.index()))
            .bind(record.0.as_slice())
            .execute(&mut *tx)
            .await?;
        }
        for blob in plan.blobs().iter().chain(&blobs::records(plan)) {
            sqlx::query("DELETE FROM pending WHERE hash = $1")
                .bind(blob.0.as_slice())
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM plan").execute(&mut *tx).await?;
        tx.commit().await?;
        self.after("finish")
    }

    pub(crate) fn before(&self, row: &'static str) -> Result<()> {
        self.inner.hook.before(&Write::Row(row)).map_err(|e| in_row(row, e))
    }

    pub(crate) fn after(&self, row: &'static str) -> Result<()> {
        self.inner.hook.after(&Write::Row(row)).map_err(|e| in_row(row, e))
    }
}

/// What a checkpoint says, whoever signed it; nothing for what is none.
fn text_of(note: &[u8]) -> Option<String> {
    Note::parse(note).ok().map(|note| note.text().to_owned())
}

fn in_row(row: &str, source: std::io::Error) -> StoreError {
    StoreError::Io { what: format!("store the {row}"), source }
}

pub(crate) async fn load(tx: &mut SqliteConnection) -> Result<Option<Head>> {
    let row =
        sqlx::query("SELECT origin, size, root, logged, checkpoint FROM head").fetch_optional(tx).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Head {
        origin: row.try_get(0)?,
        size: uint(row.try_get(1)?)?,
        root: db::hash(row.try_get(2)?)?,
        logged: db::time(row.try_get(3)?)?,
        checkpoint: row.try_get(4)?,
    }))
}

pub(crate) async fn load_plan(tx: &mut SqliteConnection, head: &Head) -> Result<Option<Plan>> {
    let text: Option<String> = sqlx::query_scalar("SELECT text FROM plan").fetch_optional(tx).await?;
    let Some(text) = text else { return Ok(None) };
    let mut plan =
        Plan::parse(&text).map_err(|why| StoreError::Damaged(format!("the stored plan: {why}")))?;
    plan.signed = (head.size, head.root) == (plan.checkpoint.size, plan.checkpoint.root);
    Ok(Some(plan))
}

async fn insert_plan(tx: &mut SqliteConnection, plan: &Plan) -> Result<()> {
    sqlx::query("INSERT INTO plan (one, text, draft) VALUES (1, $1, $2)")
        .bind(plan.to_text())
        .bind(plan.draft().map(policy::Id::as_str))
        .execute(tx)
        .await?;
    Ok(())
}
