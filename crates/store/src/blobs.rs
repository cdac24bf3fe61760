//! Blobs that wait for the entry that names them. Public ones become files of the ledger, the others records here.

use ledger::Hash;
use policy::entry::Entry;
use policy::{AnyNote, Time};
use sqlx::SqliteConnection;

use crate::db::{self, int, uint};
use crate::{Plan, Result, Store, StoreError, head};

/// Largest blob, bytes: a subject may have [`policy::MAX_SUBJECT`], a post [`policy::MAX_POST`].
pub const MAX_BLOB: usize =
    if policy::MAX_SUBJECT > policy::MAX_POST { policy::MAX_SUBJECT } else { policy::MAX_POST };

/// All pending blobs together, bytes: 64 MiB are more than eighty proposals with the largest subject and post at once.
pub const MAX_PENDING: u64 = 64 * 1024 * 1024;

/// Those that one token put, bytes: a quarter, so that one officer's token cannot keep the others from proposing.
pub const MAX_PENDING_EACH: u64 = MAX_PENDING / 4;

/// For so long a blob waits for the entry that needs it, seconds. A finding is usable for 24 hours and a proposal
/// open for one, so nothing that waits longer can still be needed.
pub const PENDING_SECONDS: u64 = 48 * 3600;

impl Store {
    /// Keeps a blob until a note that names it is published, and says its SHA-256. One that is kept already is not
    /// kept twice. Those that waited for longer than [`PENDING_SECONDS`] go first. `by` is the name of a token.
    ///
    /// # Errors
    /// [`StoreError::Full`] above [`MAX_BLOB`], or when pending ones would pass [`MAX_PENDING`] or
    /// [`MAX_PENDING_EACH`].
    pub async fn put_blob(&self, bytes: &[u8], by: &str, now: Time) -> Result<Hash> {
        if bytes.len() > MAX_BLOB {
            return Err(StoreError::Full { what: "bytes of a blob", limit: MAX_BLOB as u64 });
        }
        let hash = Hash::of(bytes);
        if self.reader().blob(&hash).await?.is_some() {
            return Ok(hash);
        }
        let mut tx = db::begin(self.writer()).await?;
        forget(&mut tx, Time(now.0.saturating_sub(PENDING_SECONDS))).await?;
        // Put again, it waits anew.
        sqlx::query(
            "INSERT INTO pending (hash, bytes, created, put_by) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (hash) DO UPDATE SET created = excluded.created",
        )
        .bind(hash.0.as_slice())
        .bind(bytes)
        .bind(int(now.0))
        .bind(by)
        .execute(&mut *tx)
        .await?;
        let (all, mine): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(length(bytes)), 0), coalesce(sum(length(bytes)) FILTER (WHERE put_by = $1), 0) FROM pending",
        )
        .bind(by)
        .fetch_one(&mut *tx)
        .await?;
        if uint(all)? > MAX_PENDING {
            return Err(StoreError::Full { what: "bytes of all pending blobs", limit: MAX_PENDING });
        }
        if uint(mine)? > MAX_PENDING_EACH {
            return Err(StoreError::Full {
                what: "bytes of one token's pending blobs",
                limit: MAX_PENDING_EACH,
            });
        }
        tx.commit().await?;
        Ok(hash)
    }

    /// A blob, whether published, kept as a record, or pending. What comes back has this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when what is stored under the hash is something else.
    pub async fn blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        match self.reader().blob(hash).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => match self.row_blob("SELECT bytes FROM record WHERE hash = $1", hash).await? {
                Some(bytes) => Ok(Some(bytes)),
                None => self.pending_blob(hash).await,
            },
        }
    }

    /// Erases a published subject: its file, and a copy that may wait. What the log says stays provable, and nobody can
    /// learn from its hash whom it was about, because the salt is gone with it. False when there was none. The caller
    /// knows that no decision needs it any more.
    ///
    /// # Errors
    /// When the file cannot be removed; asked again, it goes on.
    pub async fn erase_subject(&self, hash: &Hash) -> Result<bool> {
        sqlx::query("DELETE FROM pending WHERE hash = $1")
            .bind(hash.0.as_slice())
            .execute(self.writer())
            .await?;
        // The log of what was written before holds it too, until it is written over.
        self.truncate_wal().await?;
        let (dir, hash) = (self.dir().to_owned(), *hash);
        let erased = tokio::task::spawn_blocking(move || {
            let erased = crate::LedgerDir::new(dir.join("ledger")).erase(&hash)?;
            // Ledgers of the time before a new log key keep theirs as proof; not of whom a decision was about.
            let all = std::fs::read_dir(&dir).map_err(|e| StoreError::io("read", &dir, e))?;
            for before in
                all.flatten().filter(|it| it.file_name().as_encoded_bytes().starts_with(b"ledger.before-"))
            {
                crate::LedgerDir::new(before.path()).erase(&hash)?;
            }
            Ok(erased)
        });
        erased.await.map_err(|e| StoreError::Damaged(format!("erasing ended: {e}")))?
    }

    pub(crate) async fn pending_blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        self.row_blob("SELECT bytes FROM pending WHERE hash = $1", hash).await
    }

    pub(crate) async fn row_blob(&self, query: &'static str, hash: &Hash) -> Result<Option<Vec<u8>>> {
        let bytes: Option<Vec<u8>> =
            sqlx::query_scalar(query).bind(hash.0.as_slice()).fetch_optional(self.rows()).await?;
        match bytes {
            Some(bytes) if Hash::of(&bytes) != *hash => Err(StoreError::Damaged(format!("the blob {hash}"))),
            bytes => Ok(bytes),
        }
    }
}

/// Forgets pending blobs that were put before a time, except those that a plan is publishing.
async fn forget(tx: &mut SqliteConnection, before: Time) -> Result<()> {
    let plan = match head::load(tx).await? {
        Some(head) => head::load_plan(tx, &head).await?,
        None => None,
    };
    let old: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM pending WHERE created < $1")
        .bind(int(before.0))
        .fetch_all(&mut *tx)
        .await?;
    for hash in old {
        let needed = plan
            .as_ref()
            .is_some_and(|plan| plan.blobs().iter().chain(&records(plan)).any(|blob| blob.0 == *hash));
        if !needed {
            sqlx::query("DELETE FROM pending WHERE hash = $1").bind(hash).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

/// The blobs that a plan's note names and that do not become public.
pub(crate) fn records(plan: &Plan) -> Vec<Hash> {
    let note = Entry::parse(plan.entry()).ok().and_then(|entry| AnyNote::parse(entry.note.text()).ok());
    match note {
        Some(AnyNote::Finding(finding)) => vec![finding.assessment],
        Some(AnyNote::Impose(impose)) => {
            let order = impose.order.iter().map(|o| o.document);
            let narrative = impose.withheld.iter().map(|w| w.narrative);
            impose.referral.iter().map(|r| r.record).chain(order).chain(narrative).collect()
        }
        Some(AnyNote::Continue(next)) => next.order.iter().map(|o| o.document).collect(),
        _ => Vec::new(),
    }
}
