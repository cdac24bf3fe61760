//! Blobs that wait for the entry that needs them. Published ones are files of the ledger.

use ledger::Hash;
use policy::Time;

use crate::db::{self, int, uint};
use crate::{Result, Store, StoreError, head};

/// Largest blob, bytes: a subject may have [`policy::MAX_SUBJECT`], a post [`policy::MAX_POST`].
pub const MAX_BLOB: usize =
    if policy::MAX_SUBJECT > policy::MAX_POST { policy::MAX_SUBJECT } else { policy::MAX_POST };

/// All pending blobs together, bytes: 64 MiB are more than eighty proposals with the largest subject and post at once.
pub const MAX_PENDING: u64 = 64 * 1024 * 1024;

impl Store {
    /// Keeps a blob until a plan publishes it, and says its SHA-256. One that is kept or published already is not
    /// kept twice.
    ///
    /// # Errors
    /// [`StoreError::Full`] above [`MAX_BLOB`], or when all pending ones would pass [`MAX_PENDING`].
    pub async fn put_blob(&self, bytes: &[u8], now: Time) -> Result<Hash> {
        if bytes.len() > MAX_BLOB {
            return Err(StoreError::Full { what: "bytes of a blob", limit: MAX_BLOB as u64 });
        }
        let hash = Hash::of(bytes);
        if self.reader().blob(&hash).await?.is_some() {
            return Ok(hash);
        }
        let mut tx = db::begin(self.writer()).await?;
        sqlx::query(
            "INSERT INTO pending (hash, bytes, created) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(hash.0.as_slice())
        .bind(bytes)
        .bind(int(now.0))
        .execute(&mut *tx)
        .await?;
        let held: i64 = sqlx::query_scalar("SELECT coalesce(sum(length(bytes)), 0) FROM pending")
            .fetch_one(&mut *tx)
            .await?;
        if uint(held)? > MAX_PENDING {
            return Err(StoreError::Full { what: "bytes of all pending blobs", limit: MAX_PENDING });
        }
        tx.commit().await?;
        Ok(hash)
    }

    /// A blob, whether published or pending. What comes back has this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when what is stored under the hash is something else.
    pub async fn blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        match self.reader().blob(hash).await? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.pending_blob(hash).await,
        }
    }

    pub(crate) async fn pending_blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM pending WHERE hash = $1")
            .bind(hash.0.as_slice())
            .fetch_optional(self.rows())
            .await?;
        match bytes {
            Some(bytes) if Hash::of(&bytes) != *hash => {
                Err(StoreError::Damaged(format!("the pending blob {hash}")))
            }
            bytes => Ok(bytes),
        }
    }

    /// Forgets pending blobs that were put before a time, except those that a plan is publishing. Says how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn prune_pending(&self, before: Time) -> Result<u64> {
        let mut tx = db::begin(self.writer()).await?;
        let planned = match head::load(&mut tx).await? {
            Some(head) => head::load_plan(&mut tx, &head).await?,
            None => None,
        };
        let old: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM pending WHERE created < $1")
            .bind(int(before.0))
            .fetch_all(&mut *tx)
            .await?;
        let mut gone = 0;
        for hash in old {
            let needed = planned.as_ref().is_some_and(|plan| plan.blobs().iter().any(|b| b.0 == *hash));
            if !needed {
                sqlx::query("DELETE FROM pending WHERE hash = $1").bind(hash).execute(&mut *tx).await?;
                gone += 1;
            }
        }
        tx.commit().await?;
        Ok(gone)
    }
}
