//! What people did, on SQLite; tiles and blobs on disk.
//!
//! Purpose: keeps drafts, receipts, tokens and the head in a database, the ledger in files, and publishes by plan.
//! Owns: sqlx and every SQL text, the migrations, the ledger directory, the order of a publication.
//! Trusts: the disk to keep what was fsynced; the caller to have verified receipts and quorums. Nobody has to trust it.
//! Never: reads a clock, decides what is in force, signs two trees, or makes anything public by halves.
//!
//! What each place is worth: the table in `migrations/0001_init.sql` (a comment per table) and [`LedgerDir`].

mod access;
mod blobs;
mod cases;
mod contacts;
mod db;
mod dir;
mod drafts;
mod edges;
mod error;
mod evidence;
pub mod fault;
mod head;
mod inbox;
mod mail;
mod outbox;
mod pages;
mod passkeys;
mod plan;
pub mod publish;
mod reader;
mod register;
mod rekey;
mod reports;
mod rooms;
mod snapshots;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::SqlitePool;

pub use access::{Answer, MAX_ANSWERS, MAX_COUNTERS, Token};
pub use blobs::{MAX_BLOB, MAX_PENDING, MAX_PENDING_EACH, PENDING_SECONDS};
pub use cases::NewCase;
pub use contacts::{Contact, MAX_CONTACTS};
pub use dir::{LedgerDir, LedgerPath};
pub use drafts::{Draft, DraftState, MAX_PAGE, NewDraft, Page};
pub use edges::{EdgeRow, MAX_EDGES, Progress, Receipt};
pub use error::{Result, StoreError};
pub use evidence::MAX_EVIDENCE;
pub use head::Head;
pub use inbox::{Inbox, MAX_ANSWERS_WAITING, MAX_WAITING, Waiting};
pub use mail::{MAX_BODY, MailKind, MessageId, NewMail};
pub use outbox::{
    GIVE_UP, KEPT, MAX_OUTCOMES, MAX_WAITING_MAILS, Mail, MailFigures, MailState, RECEIPT_EVERY,
    RECEIPTS_PER_HOUR, pause,
};
pub use pages::{PageFigures, ROUNDS_KEPT};
pub use passkeys::{MAX_PASSKEYS, MAX_SESSIONS, Passkey};
pub use plan::{Plan, Step};
pub use publish::Published;
pub use reader::Reader;
pub use register::{MAX_REGISTER, Pressed, Registered};
pub use rekey::Rekeyed;
pub use reports::{ClusterRow, Decided, FOUND, MAX_REPORTS, Queue, Told};
pub use rooms::{MAX_LETTER, NewRoom, Room, RoomLine};
pub use snapshots::SNAPSHOT_SECONDS;

/// Everything a desk may do to what is kept. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    /// The only connection that writes: SQLite has one writer anyway, and this way nobody waits on a lock blindly.
    writer: SqlitePool,
    reader: Reader,
    hook: Arc<dyn fault::Hook>,
}

impl Store {
    /// Opens `dir/portcullis.sqlite` and `dir/ledger/`, creating both when absent and bringing the schema up to
    /// date. It does **not** create the ledger itself: see [`Store::init_ledger`].
    ///
    /// # Errors
    /// When the directory cannot be made, or the database is of a newer or edited schema.
    pub async fn open(dir: &Path) -> Result<Store> {
        Store::open_with(dir, Arc::new(fault::NoFaults)).await
    }

    /// [`Store::open`] with something between the program and its disk. For tests.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(dir: &Path, hook: Arc<dyn fault::Hook>) -> Result<Store> {
        let ledger = dir.join("ledger");
        use std::os::unix::fs::DirBuilderExt as _;
        // Drafts, records and subjects lie here: nobody else on the machine may look.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&ledger);
        made.map_err(|e| StoreError::io("create", &ledger, e))?;
        let writer = db::open_writer(dir).await?;
        let reader = Reader::open(dir).await?;
        Ok(Store { inner: Arc::new(Inner { dir: dir.to_owned(), writer, reader, hook }) })
    }

    /// The view without a single write method, for the press.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.inner.reader.clone()
    }

    /// The directory it was opened with.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The ledger's files.
    #[must_use]
    pub fn ledger(&self) -> &LedgerDir {
        self.inner.reader.ledger()
    }

    /// Waits for what is being written and closes the database. Not needed for durability, only for order: afterwards
    /// the files can be copied or the directory removed. Clones and readers of this store stop working.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.rows().close().await;
    }

    /// What was erased must not be read from the log beside the database either.
    pub(crate) async fn truncate_wal(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(self.writer()).await?;
        Ok(())
    }

    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.inner.writer
    }

    pub(crate) fn rows(&self) -> &SqlitePool {
        self.inner.reader.rows()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}
