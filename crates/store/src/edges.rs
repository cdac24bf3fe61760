//! Edges we listen to, their newest receipts, and when each decision took effect where.

use std::collections::BTreeSet;

use ledger::Hash;
use policy::{Id, Time};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::db::{self, int, uint};
use crate::{Reader, Result, Store, StoreError};

/// Enrolled edges: the largest fleets have some thousands; the status page still fits at ten thousand rows.
pub const MAX_EDGES: u64 = 10_000;

/// What an edge said about itself. The caller has verified the signature and taken these from the signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The edge's name, as enrolled.
    pub edge: String,
    /// The signed note these came from.
    pub note: Vec<u8>,
    /// The edge's own time.
    pub at: Time,
    /// The size of the checkpoint it holds.
    pub size: u64,
    /// The root of the checkpoint it holds.
    pub root: Hash,
    /// The hash of its effective state.
    pub effective: Hash,
    /// The decisions in effect on it.
    pub measures: Vec<Id>,
    /// The version of the configuration that it serves.
    pub config: Option<u64>,
    /// How many entries, checkpoints and blobs it refused since it was born.
    pub refused: u64,
    /// Whether it holds its state for old.
    pub stale: bool,
}

/// An enrolled edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeRow {
    /// Its name, also its key's.
    pub name: String,
    /// Its verifier key, as text.
    pub vkey: String,
    /// When it was enrolled.
    pub enrolled: Time,
    /// Its newest receipt, if it sent one.
    pub receipt: Option<Receipt>,
}

/// One decision on one edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The edge's name.
    pub edge: String,
    /// The edge's time when it first said that the decision is effective.
    pub first: Time,
    /// The edge's time when it first said that it no longer is; `None` while it is.
    pub ended: Option<Time>,
}

impl Store {
    /// Listens to an edge from now on. Enrolling the same name with the same key again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name has another key; [`StoreError::Full`] at [`MAX_EDGES`].
    pub async fn enrol_edge(&self, name: &str, vkey: &str, now: Time) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let known: Option<String> = sqlx::query_scalar("SELECT vkey FROM edge WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
        match known {
            Some(known) if known == vkey => return Ok(()),
            Some(_) => {
                let why = format!("the edge {name} is enrolled with another key; remove it first");
                return Err(StoreError::Conflict(why));
            }
            None => {}
        }
        let edges: i64 = sqlx::query_scalar("SELECT count(*) FROM edge").fetch_one(&mut *tx).await?;
        if uint(edges)? >= MAX_EDGES {
            return Err(StoreError::Full { what: "enrolled edges", limit: MAX_EDGES });
        }
        sqlx::query("INSERT INTO edge (name, vkey, enrolled) VALUES ($1, $2, $3)")
            .bind(name)
            .bind(vkey)
            .bind(int(now.0))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Stops listening to an edge and forgets its receipts. Says whether it was enrolled.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_edge(&self, name: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM edge WHERE name = $1").bind(name).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps a receipt if it is not older than the one that is kept, and says whether it was. Decisions it names for
    /// the first time get their first effective time; running ones it does not name any more get their end.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the edge is not enrolled.
    pub async fn put_receipt(&self, receipt: &Receipt) -> Result<bool> {
        let mut tx = db::begin(self.writer()).await?;
        let newest: Option<Option<i64>> = sqlx::query_scalar(
            "SELECT receipt.at FROM edge LEFT JOIN receipt ON receipt.edge = edge.name WHERE edge.name = $1",
        )
        .bind(&receipt.edge)
        .fetch_optional(&mut *tx)
        .await?;
        match newest {
            None => return Err(StoreError::NotFound(format!("the edge {} is not enrolled", receipt.edge))),
            // A replayed older receipt must not turn progress back.
            Some(Some(newest)) if int(receipt.at.0) < newest => return Ok(false),
            Some(_) => {}
        }
        let measures: Vec<&str> = receipt.measures.iter().map(Id::as_str).collect();
        sqlx::query(
            "INSERT INTO receipt (edge, note, at, size, root, effective, measures, config, refused, stale)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (edge) DO UPDATE SET note = excluded.note, at = excluded.at, size = excluded.size,
               root = excluded.root, effective = excluded.effective, measures = excluded.measures,
               config = excluded.config, refused = excluded.refused, stale = excluded.stale",
        )
        .bind(&receipt.edge)
        .bind(&receipt.note)
        .bind(int(receipt.at.0))
        .bind(int(receipt.size))
        .bind(receipt.root.0.as_slice())
        .bind(receipt.effective.0.as_slice())
        .bind(measures.join(","))
        .bind(receipt.config.map(int))
        .bind(int(receipt.refused))
        .bind(receipt.stale)
        .execute(&mut *tx)
        .await?;
        record_progress(&mut tx, receipt).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All enrolled edges by name, each with its newest receipt.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn edges(&self) -> Result<Vec<EdgeRow>> {
        self.reader().edges().await
    }

    /// One enrolled edge.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn edge(&self, name: &str) -> Result<Option<EdgeRow>> {
        self.reader().edge(name).await
    }

    /// Where a decision took effect and ended, by edge name. Edges that never had it are absent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn progress(&self, decision: &Id) -> Result<Vec<Progress>> {
        self.reader().progress(decision).await
    }
}

async fn record_progress(tx: &mut SqliteConnection, receipt: &Receipt) -> Result<()> {
    let at = int(receipt.at.0);
    let now: BTreeSet<&str> = receipt.measures.iter().map(Id::as_str).collect();
    let running: Vec<String> =
        sqlx::query_scalar("SELECT decision FROM edge_progress WHERE edge = $1 AND ended IS NULL")
            .bind(&receipt.edge)
            .fetch_all(&mut *tx)
            .await?;
    for decision in running.iter().filter(|id| !now.contains(id.as_str())) {
        sqlx::query("UPDATE edge_progress SET ended = $1 WHERE edge = $2 AND decision = $3")
            .bind(at)
            .bind(&receipt.edge)
            .bind(decision)
            .execute(&mut *tx)
            .await?;
    }
    for decision in now {
        // A decision that comes back (a suspended key's quorum restored) runs again; its first time stays.
        sqlx::query(
            "INSERT INTO edge_progress (edge, decision, first) VALUES ($1, $2, $3)
             ON CONFLICT (decision, edge) DO UPDATE SET ended = NULL WHERE ended IS NOT NULL",
        )
        .bind(&receipt.edge)
        .bind(decision)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

impl Reader {
    /// All enrolled edges by name, each with its newest receipt.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn edges(&self) -> Result<Vec<EdgeRow>> {
        let rows = sqlx::query(
            "SELECT name, vkey, enrolled, note, at, size, root, effective, measures, refused, stale, config
             FROM edge LEFT JOIN receipt ON receipt.edge = edge.name ORDER BY name",
        )
        .fetch_all(self.rows())
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// One enrolled edge.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn edge(&self, name: &str) -> Result<Option<EdgeRow>> {
        let row = sqlx::query(
            "SELECT name, vkey, enrolled, note, at, size, root, effective, measures, refused, stale, config
             FROM edge LEFT JOIN receipt ON receipt.edge = edge.name WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(self.rows())
        .await?;
        row.as_ref().map(from_row).transpose()
    }

    /// Where a decision took effect and ended, by edge name. Edges that never had it are absent.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn progress(&self, decision: &Id) -> Result<Vec<Progress>> {
        let rows =
            sqlx::query("SELECT edge, first, ended FROM edge_progress WHERE decision = $1 ORDER BY edge")
                .bind(decision.as_str())
                .fetch_all(self.rows())
                .await?;
        let progress = |row: &SqliteRow| {
            let ended: Option<i64> = row.try_get(2)?;
            let ended = ended.map(db::time).transpose()?;
            Ok(Progress { edge: row.try_get(0)?, first: db::time(row.try_get(1)?)?, ended })
        };
        rows.iter().map(progress).collect()
    }
}

fn from_row(row: &SqliteRow) -> Result<EdgeRow> {
    let name: String = row.try_get(0)?;
    let note: Option<Vec<u8>> = row.try_get(3)?;
    let receipt = match note {
        None => None,
        Some(note) => Some(Receipt {
            edge: name.clone(),
            note,
            at: db::time(row.try_get(4)?)?,
            size: uint(row.try_get(5)?)?,
            root: db::hash(row.try_get(6)?)?,
            effective: db::hash(row.try_get(7)?)?,
            measures: ids(row.try_get(8)?)?,
            refused: uint(row.try_get(9)?)?,
            stale: row.try_get(10)?,
            config: row.try_get::<Option<i64>, _>(11)?.map(uint).transpose()?,
        }),
    };
    Ok(EdgeRow { name, vkey: row.try_get(1)?, enrolled: db::time(row.try_get(2)?)?, receipt })
}

fn ids(joined: &str) -> Result<Vec<Id>> {
    joined.split(',').filter(|id| !id.is_empty()).map(db::id).collect()
}
