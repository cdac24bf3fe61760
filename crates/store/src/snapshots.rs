//! Snapshots of configurations: what enrolled edges fetch by the hash in the log.

use ledger::Hash;
use policy::{MAX_SNAPSHOT, Time};

use crate::db::{self, int};
use crate::{Result, Store, StoreError};

/// So long a snapshot stays that no configuration of the log needs, seconds, when another is put: a file that was put back
/// within the hour is there.
pub const SNAPSHOT_SECONDS: u64 = 3600;

impl Store {
    /// Keeps a snapshot and says its SHA-256. Older ones that are not `needed` go.
    ///
    /// # Errors
    /// [`StoreError::Full`] above [`MAX_SNAPSHOT`].
    pub async fn put_snapshot(
        &self,
        bytes: &[u8],
        now: Time,
        needed: impl Fn(&Hash) -> bool + Send,
    ) -> Result<Hash> {
        if bytes.len() > MAX_SNAPSHOT {
            let limit = MAX_SNAPSHOT as u64;
            return Err(StoreError::Full { what: "bytes of a configuration", limit });
        }
        let hash = Hash::of(bytes);
        let mut tx = db::begin(self.writer()).await?;
        sqlx::query(
            "INSERT INTO snapshot (hash, bytes, put) VALUES ($1, $2, $3) \
             ON CONFLICT (hash) DO UPDATE SET put = excluded.put",
        )
        .bind(hash.0.as_slice())
        .bind(bytes)
        .bind(int(now.0))
        .execute(&mut *tx)
        .await?;
        let old: Vec<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM snapshot WHERE put < $1")
            .bind(int(now.0.saturating_sub(SNAPSHOT_SECONDS)))
            .fetch_all(&mut *tx)
            .await?;
        for hash in old {
            let known = <[u8; 32]>::try_from(hash.as_slice()).map(Hash);
            if known.is_ok_and(|hash| !needed(&hash)) {
                sqlx::query("DELETE FROM snapshot WHERE hash = $1").bind(hash).execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        Ok(hash)
    }

    /// A snapshot, which has this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the row holds something else.
    pub async fn snapshot(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        self.row_blob("SELECT bytes FROM snapshot WHERE hash = $1", hash).await
    }
}
