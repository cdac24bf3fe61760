//! Connections, migrations, and the few conversions between Rust's numbers and SQLite's.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use ledger::Hash;
use policy::{Id, Time};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqlSafeStr, Sqlite, SqlitePool, Transaction};

use crate::{Result, StoreError};

/// The database's file in the store's directory.
const FILE: &str = "portcullis.sqlite";

/// How long a connection waits for another process's lock. Transactions here last a few fsyncs (milliseconds); a
/// command-line tool that adds a token waits its turn, a stuck process shows after five seconds.
const BUSY: Duration = Duration::from_secs(5);

/// Reader connections: pages and API reads are short; four keep two cores busy and cost 2 MiB of cache each.
const READERS: u32 = 4;

/// Every migration, oldest first. A published file is never edited: sqlx keeps its checksum and refuses.
const MIGRATIONS: [(i64, &str, &str); 12] = [
    (1, "init", include_str!("../migrations/0001_init.sql")),
    (2, "records", include_str!("../migrations/0002_records.sql")),
    (3, "snapshots", include_str!("../migrations/0003_snapshots.sql")),
    (4, "receipt config", include_str!("../migrations/0004_receipt_config.sql")),
    (5, "reports", include_str!("../migrations/0005_reports.sql")),
    (6, "cases", include_str!("../migrations/0006_cases.sql")),
    (7, "evidence", include_str!("../migrations/0007_evidence.sql")),
    (8, "mail", include_str!("../migrations/0008_mail.sql")),
    (9, "rooms", include_str!("../migrations/0009_rooms.sql")),
    (10, "register", include_str!("../migrations/0010_register.sql")),
    (11, "passkeys", include_str!("../migrations/0011_passkeys.sql")),
    (12, "pages", include_str!("../migrations/0012_pages.sql")),
];

fn options(dir: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(dir.join(FILE)).busy_timeout(BUSY).foreign_keys(true)
}

/// The one writing connection, with the schema up to date.
pub(crate) async fn open_writer(dir: &Path) -> Result<SqlitePool> {
    let options = options(dir)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a committed transaction survives loss of power. NORMAL could lose the newest head, which is the
        // one row that must never go back.
        .synchronous(SqliteSynchronous::Full)
        // What is deleted is overwritten: subjects and what reporters said about themselves must be gone when they go.
        .pragma("secure_delete", "ON");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        // After a full disk SQLite has rolled back by itself, and the connection still counts a transaction: every later
        // write would fail. Such a connection is closed, and the next one is new.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options)
        .await?;
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.to_vec()).run(&pool).await?;
    Ok(pool)
}

/// Connections that cannot write, whoever holds them.
pub(crate) async fn open_readers(dir: &Path) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new().max_connections(READERS);
    Ok(pool.connect_with(options(dir).read_only(true)).await?)
}

/// A transaction that takes the write lock at once, so that what it reads cannot change before it writes.
pub(crate) async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}

/// SQLite's integers are signed. Sizes, times and counts here stay below 2^63 by their grammar; one that does not
/// is held at the end, where every comparison still goes the same way.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The number of a column that only [`int`] wrote.
pub(crate) fn uint(value: i64) -> Result<u64> {
    u64::try_from(value)
        .map_err(|_| StoreError::Damaged(format!("a column holds the negative number {value}")))
}

/// The time of a column that only [`int`] wrote.
pub(crate) fn time(value: i64) -> Result<Time> {
    uint(value).map(Time)
}

/// The hash of a 32-byte column.
pub(crate) fn hash(value: &[u8]) -> Result<Hash> {
    let bytes = value.try_into();
    bytes.map(Hash).map_err(|_| StoreError::Damaged(format!("a hash column holds {} bytes", value.len())))
}

/// The id of a column that only an [`Id`] was written to.
pub(crate) fn id(value: &str) -> Result<Id> {
    Id::parse(value).ok_or_else(|| StoreError::Damaged(format!("an id column holds {value:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite itself refuses, whatever the code above a reader tries.
    #[tokio::test]
    async fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let writer = open_writer(dir.path()).await.unwrap();
        let readers = open_readers(dir.path()).await.unwrap();
        for sql in ["INSERT INTO refused VALUES ('x', 1)", "DELETE FROM head", "DROP TABLE plan"] {
            assert!(sqlx::query(sql).execute(&readers).await.is_err(), "{sql}");
            assert!(sqlx::query(sql).execute(&writer).await.is_ok(), "{sql}");
        }
    }

    #[tokio::test]
    async fn the_writer_keeps_what_it_committed() {
        let dir = tempfile::tempdir().unwrap();
        let writer = open_writer(dir.path()).await.unwrap();
        let pragma =
            async |sql: &'static str| sqlx::query_scalar::<_, String>(sql).fetch_one(&writer).await.unwrap();
        assert_eq!(pragma("SELECT journal_mode FROM pragma_journal_mode").await, "wal");
        assert_eq!(pragma("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await, "2", "FULL");
        assert_eq!(pragma("SELECT CAST(secure_delete AS TEXT) FROM pragma_secure_delete").await, "1");
        assert_eq!(pragma("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await, "1");
    }

    /// A disk that was full must not close the desk for ever.
    #[tokio::test]
    async fn the_writer_survives_a_full_disk() {
        let dir = tempfile::tempdir().unwrap();
        let pool = open_writer(dir.path()).await.unwrap();
        sqlx::query("PRAGMA max_page_count = 60").execute(&pool).await.unwrap();
        let put = async |bytes: usize| {
            let mut tx = begin(&pool).await?;
            sqlx::query(
                "INSERT INTO pending (hash, bytes, created) VALUES (randomblob(32), zeroblob($1), 0)",
            )
            .bind(int(bytes as u64))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok::<(), StoreError>(())
        };
        assert!(put(1_000_000).await.is_err(), "full");
        for _ in 0..3 {
            put(10).await.expect("there is room for this");
        }
    }

    /// Opening twice migrates once; an edited migration or a newer schema is refused, not guessed at.
    #[tokio::test]
    async fn a_foreign_schema_is_refused() {
        for change in [
            "UPDATE _sqlx_migrations SET checksum = x'00'",
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999, 'newer', 1, x'00', 0)",
        ] {
            let dir = tempfile::tempdir().unwrap();
            open_writer(dir.path()).await.unwrap().close().await;
            let again = open_writer(dir.path()).await.unwrap();
            sqlx::query(change).execute(&again).await.unwrap();
            again.close().await;
            assert!(open_writer(dir.path()).await.is_err(), "{change}");
        }
    }
}
