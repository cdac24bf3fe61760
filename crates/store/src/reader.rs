//! What the public may read, as a type that cannot write.

use std::path::Path;

use ledger::Hash;
use ledger::merkle;
use policy::{Outcome, Seen, State, Time, Trust};
use sqlx::SqlitePool;

use crate::dir::{LedgerDir, LedgerPath};
use crate::publish::blocking;
use crate::{Result, StoreError, db};

/// The read-only half of a [`crate::Store`]: connections that SQLite itself forbids to write, and the ledger's files.
/// Clones share the connections.
#[derive(Clone)]
pub struct Reader {
    rows: SqlitePool,
    ledger: LedgerDir,
}

impl Reader {
    /// Opens the store in `dir` for reading, for a press that runs as a process of its own.
    ///
    /// # Errors
    /// When there is no store there.
    pub async fn open(dir: &Path) -> Result<Reader> {
        Ok(Reader { rows: db::open_readers(dir).await?, ledger: LedgerDir::new(dir.join("ledger")) })
    }

    pub(crate) fn rows(&self) -> &SqlitePool {
        &self.rows
    }

    pub(crate) fn ledger(&self) -> &LedgerDir {
        &self.ledger
    }

    /// The line that edges of this ledger are born with; `None` when there is no ledger yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the stored line is none.
    pub async fn trust(&self) -> Result<Option<Trust>> {
        let line: Option<String> =
            sqlx::query_scalar("SELECT trust FROM head").fetch_optional(&self.rows).await?;
        let trust = line.map(|line| Trust::parse(&line)).transpose();
        trust.map_err(|why| StoreError::Damaged(format!("the trust line: {why}")))
    }

    /// The signed checkpoint; `None` when nothing is public yet.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn checkpoint(&self) -> Result<Option<Vec<u8>>> {
        self.blocking(|ledger| ledger.read(&LedgerPath::Checkpoint)).await
    }

    /// How many entries are public.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the checkpoint file is not a checkpoint.
    pub async fn size(&self) -> Result<u64> {
        self.blocking(LedgerDir::size).await
    }

    /// A file of the ledger by its relative path (`checkpoint`, `tile/...`, `tile/entries/...`, `blob/<hex>`). `None`
    /// for every other path, and for files that the public checkpoint does not cover.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a blob's file holds something else.
    pub async fn file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some(path) = LedgerPath::parse(path) else { return Ok(None) };
        let read = move |ledger: &LedgerDir| match &path {
            LedgerPath::Blob(hash) => ledger.blob(hash),
            path if path.within(ledger.size()?) => ledger.read(path),
            _ => Ok(None),
        };
        self.blocking(read).await
    }

    /// A published blob, which has this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file holds something else.
    pub async fn blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        let hash = *hash;
        self.blocking(move |ledger| ledger.blob(&hash)).await
    }

    /// A record that the desk keeps and does not publish, by its hash. Whoever calls this must know that it may be
    /// shown now: a withheld narrative after its date.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the row holds something else.
    pub async fn record(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM record WHERE hash = $1")
            .bind(hash.0.as_slice())
            .fetch_optional(self.rows())
            .await?;
        match bytes {
            Some(bytes) if Hash::of(&bytes) != *hash => {
                Err(StoreError::Damaged(format!("the record {hash}")))
            }
            bytes => Ok(bytes),
        }
    }

    /// One public entry.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the bundle that must hold it does not.
    pub async fn entry(&self, index: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.entries(index, index.saturating_add(1)).await?.pop())
    }

    /// Public entries `from..to`; fewer when the ledger ends before.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a bundle that must be there is not.
    pub async fn entries(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>> {
        self.blocking(move |ledger| ledger.entries(from, to, ledger.size()?)).await
    }

    /// The proof that entry `index` is in the tree of `size`, leaf sibling first; `None` beyond the public size.
    ///
    /// # Errors
    /// When the checkpoint file is not a checkpoint.
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<Hash>>> {
        let prove = move |ledger: &LedgerDir| {
            let public = index < size && size <= ledger.size()?;
            Ok(if public { merkle::prove_inclusion(ledger, index, size) } else { None })
        };
        self.blocking(prove).await
    }

    /// The fold over everything public, with every blob it wants and we hold. This reads the whole ledger: keep the
    /// state and [`Reader::catch_up`] it.
    ///
    /// # Errors
    /// [`StoreError::NoLedger`] before entry 0 is public; [`StoreError::Unfit`] when entry 0 is not the one of the
    /// trust line or not allowed.
    pub async fn state(&self, trust: &Trust, demo_allowed: bool) -> Result<State> {
        let entry0 = self.entry(0).await?.ok_or(StoreError::NoLedger)?;
        let state = State::genesis(trust, &entry0, demo_allowed);
        let mut state = state.map_err(|why| StoreError::Unfit(format!("entry 0: {why}")))?;
        self.catch_up(&mut state).await?;
        Ok(state)
    }

    /// Folds the public entries that the state has not seen, gives it the blobs it wants, and says what became of
    /// each entry. A rejected one is in the ledger, but has no effect.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a bundle that must be there is not.
    pub async fn catch_up(&self, state: &mut State) -> Result<Vec<(u64, Outcome)>> {
        let old = state.size();
        let mut outcomes = Vec::new();
        for entry in self.entries(old, u64::MAX).await? {
            let index = state.size();
            outcomes.push((index, state.apply(index, &entry, Seen::CatchUp)));
        }
        // Everything the new decisions refer to, ended or not, because a page may be about them; and what older ones
        // still lack. At time 0 nothing has ended yet, so `wanted` leaves out only what was lifted.
        let new = state.decisions().filter(|decision| decision.index >= old);
        let mut blobs: Vec<Hash> = new.flat_map(|d| [d.impose.post, d.impose.subject]).collect();
        blobs.extend(state.wanted(Time(0)));
        blobs.extend(state.counted(Time(0)));
        for hash in blobs {
            match self.blob(&hash).await {
                Ok(Some(blob)) => {
                    state.hold(&blob);
                }
                // One changed file must not take the whole desk down: its decision has no subject or post here.
                Ok(None) | Err(StoreError::Damaged(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(outcomes)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&LedgerDir) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let ledger = self.ledger.clone();
        blocking(move || read(&ledger)).await
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}
