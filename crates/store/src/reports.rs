//! Reports and what became of them, by clusters.

use std::collections::BTreeSet;

use ledger::Hash;
use policy::report::cluster::{COMPARED, Cluster, Fingerprint, Outcome, TAKES_FOR, place};
use policy::report::{Category, Report};
use policy::{Id, Sentence, Time};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::db::{self, int, uint};
use crate::{NewMail, Reader, Result, Store, StoreError, outbox};

/// Reports that are kept: at a thousand a day, for three years. Beyond that the inbox fills, and the press says so.
pub const MAX_REPORTS: u64 = 1_000_000;

/// Most clusters that [`Store::find_clusters`] tells: what a person can choose among.
pub const FOUND: u32 = 10;

/// A cluster as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// Its number: that of its first report.
    pub id: Id,
    /// What it is about.
    pub category: Category,
    /// The hostname that it is about, if it names one that could be served.
    pub host: Option<String>,
    /// Whose hostname that was when the first report came.
    pub customer: Option<Id>,
    /// When the first report came.
    pub first: Time,
    /// When the newest report came.
    pub last: Time,
    /// How many there are.
    pub reports: u64,
    /// What was decided last; `None` while it is open.
    pub decided: Option<Decided>,
}

/// What somebody decided of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// When.
    pub at: Time,
    /// The name of the token.
    pub by: String,
    /// What became of it; `None`: it was opened again.
    pub outcome: Option<Outcome>,
    /// In words, for its reporters.
    pub reply: Sentence,
}

/// Which part of the queue: those open, the gravest first and of those the oldest; or those decided, likewise.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Open ones, or decided ones.
    pub open: bool,
    /// Only what comes after this one.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: u32,
}

/// What a reporter may see of their report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When it came.
    pub received: Time,
    /// What it was about.
    pub category: Category,
    /// When, and what, and in which words; `None` while nobody has decided.
    pub decided: Option<(Time, Outcome, Sentence)>,
}

impl Store {
    /// Takes a report into the cluster where it belongs, and says which. `customer` is whose hostname it is about. The
    /// same report again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Full`] at [`MAX_REPORTS`].
    pub async fn take_report(&self, report: &Report, customer: Option<&Id>) -> Result<Id> {
        self.take_report_with(report, customer, None).await
    }

    /// [`Store::take_report`], and queues a receipt with it, if there is room for one and the address had none lately.
    ///
    /// # Errors
    /// As [`Store::take_report`].
    pub async fn take_report_with(
        &self,
        report: &Report,
        customer: Option<&Id>,
        receipt: Option<&NewMail>,
    ) -> Result<Id> {
        let mut tx = db::begin(self.writer()).await?;
        let known: Option<String> = sqlx::query_scalar("SELECT cluster FROM report WHERE id = $1")
            .bind(report.id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(cluster) = known {
            return db::id(&cluster);
        }
        // Nothing is ever deleted here, so the newest row's number counts them.
        let all: i64 =
            sqlx::query_scalar("SELECT coalesce(max(rowid), 0) FROM report").fetch_one(&mut *tx).await?;
        if uint(all)? >= MAX_REPORTS {
            return Err(StoreError::Full { what: "reports", limit: MAX_REPORTS });
        }
        let own = Cluster::of(report);
        let among = alike(&mut tx, &own).await?;
        let cluster = match place(&own, &among) {
            Some(cluster) => {
                sqlx::query("UPDATE cluster SET reports = reports + 1, last = max(last, $1) WHERE id = $2")
                    .bind(int(report.received.0))
                    .bind(cluster.id.as_str())
                    .execute(&mut *tx)
                    .await?;
                cluster.id.clone()
            }
            None => {
                insert(&mut tx, &own, customer).await?;
                own.id
            }
        };
        sqlx::query("INSERT INTO report (id, cluster, received, secret, text) VALUES ($1, $2, $3, $4, $5)")
            .bind(report.id.as_str())
            .bind(cluster.as_str())
            .bind(int(report.received.0))
            .bind(report.secret.0.as_slice())
            .bind(report.to_string())
            .execute(&mut *tx)
            .await?;
        if let Some(receipt) = receipt {
            outbox::receipt(&mut tx, receipt, report.received).await?;
        }
        tx.commit().await?;
        Ok(cluster)
    }

    /// Decides what became of a cluster, or opens it again. The same decision again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when it is opened that is open, or decided otherwise that is
    /// decided: people were told, so it is opened again first, for a reason.
    pub async fn decide_cluster(&self, id: &Id, decided: &Decided) -> Result<ClusterRow> {
        self.decide_cluster_with(id, decided, &|_, _| None).await
    }

    /// [`Store::decide_cluster`], and queues what `write` says of each report, given the number of the decision, with it:
    /// to each address once, and to at most [`crate::MAX_OUTCOMES`] of them.
    ///
    /// # Errors
    /// As [`Store::decide_cluster`].
    pub async fn decide_cluster_with(
        &self,
        id: &Id,
        decided: &Decided,
        write: &(dyn Fn(&Report, u64) -> Option<NewMail> + Sync),
    ) -> Result<ClusterRow> {
        let mut tx = db::begin(self.writer()).await?;
        let row =
            load(&mut tx, id).await?.ok_or_else(|| StoreError::NotFound(format!("the reports {id}")))?;
        let same = |d: &Decided| d.outcome == decided.outcome && d.reply == decided.reply;
        if row.decided.as_ref().is_some_and(same) {
            return Ok(row);
        }
        match (&decided.outcome, &row.decided) {
            (None, None) => return Err(StoreError::Conflict(format!("{id} is open"))),
            (Some(_), Some(before)) => {
                let word = before.outcome.map_or("open", Outcome::word);
                let (by, at) = (&before.by, before.at);
                return Err(StoreError::Conflict(format!("{by} decided: {word}, at {at}; reopen it first")));
            }
            _ => {}
        }
        sqlx::query(
            "INSERT INTO cluster_outcome (cluster, seq, at, decider, outcome, reply)
             SELECT $1, count(*), $2, $3, $4, $5 FROM cluster_outcome WHERE cluster = $1",
        )
        .bind(id.as_str())
        .bind(int(decided.at.0))
        .bind(&decided.by)
        .bind(decided.outcome.map(Outcome::word))
        .bind(decided.reply.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE cluster SET open = $1 WHERE id = $2")
            .bind(decided.outcome.is_none())
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        tell(&mut tx, id, decided.at, write).await?;
        let row =
            load(&mut tx, id).await?.ok_or_else(|| StoreError::NotFound(format!("the reports {id}")))?;
        tx.commit().await?;
        Ok(row)
    }

    /// Clusters in the order in which people look at them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn clusters(&self, queue: &Queue) -> Result<Vec<ClusterRow>> {
        let mut tx = self.rows().begin().await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT c.id FROM cluster c LEFT JOIN cluster a ON a.id = $1
             WHERE c.open = $2 AND (a.id IS NULL OR (-c.severity, c.first, c.id) > (-a.severity, a.first, a.id))
             ORDER BY c.severity DESC, c.first, c.id LIMIT $3",
        )
        .bind(queue.after.as_ref().map(Id::as_str))
        .bind(queue.open)
        .bind(i64::from(queue.limit.min(crate::MAX_PAGE)))
        .fetch_all(&mut *tx)
        .await?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(load(&mut tx, &db::id(&id)?).await?);
        }
        Ok(rows)
    }

    /// One cluster.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cluster(&self, id: &Id) -> Result<Option<ClusterRow>> {
        load(&mut *self.rows().acquire().await?, id).await
    }

    /// The cluster that holds this report.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cluster_of(&self, report: &str) -> Result<Option<Id>> {
        let cluster: Option<String> = sqlx::query_scalar("SELECT cluster FROM report WHERE id = $1")
            .bind(report)
            .fetch_optional(self.rows())
            .await?;
        cluster.as_deref().map(db::id).transpose()
    }

    /// Clusters that hold a report whose number is `part`, or failing that begins or ends with it: at most [`FOUND`], in
    /// the order of their numbers.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_clusters(&self, part: &str) -> Result<Vec<Id>> {
        if let Some(cluster) = self.cluster_of(part).await? {
            return Ok(vec![cluster]);
        }
        // Every number is looked at: a million of them are a fifth of a second, and only people ask so.
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT cluster FROM report
             WHERE substr(id, 1, length($1)) = $1 OR substr(id, -length($1)) = $1 ORDER BY cluster LIMIT $2",
        )
        .bind(part)
        .bind(i64::from(FOUND))
        .fetch_all(self.rows())
        .await?;
        found.iter().map(|id| db::id(id)).collect()
    }

    /// The first reports of a cluster, in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one is not what was put in.
    pub async fn reports_of(&self, id: &Id, limit: u32) -> Result<Vec<Report>> {
        let texts: Vec<String> =
            sqlx::query_scalar("SELECT text FROM report WHERE cluster = $1 ORDER BY received, id LIMIT $2")
                .bind(id.as_str())
                .bind(i64::from(limit))
                .fetch_all(self.rows())
                .await?;
        let report = |text: String| {
            Report::parse(&text).map_err(|e| StoreError::Damaged(format!("a report of {id}: {e}")))
        };
        texts.into_iter().map(report).collect()
    }

    /// Everything that was decided of a cluster, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn outcomes_of(&self, id: &Id) -> Result<Vec<Decided>> {
        let rows = sqlx::query(
            "SELECT at, decider, outcome, reply FROM cluster_outcome WHERE cluster = $1 ORDER BY seq",
        )
        .bind(id.as_str())
        .fetch_all(self.rows())
        .await?;
        rows.iter().map(decided).collect()
    }
}

impl Reader {
    /// What whoever holds a report's secret may know about it; `None` for every other hash, and every other number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn told(&self, id: &Id, secret: &Hash) -> Result<Option<Told>> {
        let mut rows = self.rows().acquire().await?;
        let found = sqlx::query("SELECT cluster, received FROM report WHERE id = $1 AND secret = $2")
            .bind(id.as_str())
            .bind(secret.0.as_slice())
            .fetch_optional(&mut *rows)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let (cluster, received) = (db::id(found.try_get(0)?)?, db::time(found.try_get(1)?)?);
        let Some(cluster) = load(&mut rows, &cluster).await? else { return Ok(None) };
        let told = |d: Decided| Some((d.at, d.outcome?, d.reply));
        Ok(Some(Told { received, category: cluster.category, decided: cluster.decided.and_then(told) }))
    }
}

/// Reports that are looked at for addresses when a cluster is decided: ten for each address that may be told, 100 at a
/// time, so that 10 MB are held at most.
const LOOKED_AT: usize = 10 * outbox::MAX_OUTCOMES;
const AT_A_TIME: u32 = 100;

/// Queues the mails about a decision on a cluster.
async fn tell(
    tx: &mut SqliteConnection,
    id: &Id,
    at: Time,
    write: &(dyn Fn(&Report, u64) -> Option<NewMail> + Sync),
) -> Result<()> {
    let seq: i64 = sqlx::query_scalar("SELECT max(seq) FROM cluster_outcome WHERE cluster = $1")
        .bind(id.as_str())
        .fetch_one(&mut *tx)
        .await?;
    let mut room = outbox::room(tx).await?.min(outbox::MAX_OUTCOMES);
    let (mut told, mut looked, mut last) = (BTreeSet::new(), 0, 0_i64);
    while room > 0 && looked < LOOKED_AT {
        let part = sqlx::query(
            "SELECT rowid, text FROM report WHERE cluster = $1 AND rowid > $2 ORDER BY rowid LIMIT $3",
        )
        .bind(id.as_str())
        .bind(last)
        .bind(i64::from(AT_A_TIME))
        .fetch_all(&mut *tx)
        .await?;
        for row in &part {
            last = row.try_get(0)?;
            let report = Report::parse(row.try_get(1)?)
                .map_err(|e| StoreError::Damaged(format!("a report of {id}: {e}")))?;
            let Some(mail) = write(&report, uint(seq)?).filter(|_| room > 0) else { continue };
            if told.insert(mail.to.as_str().to_ascii_lowercase()) && outbox::insert(tx, &mail, at).await? {
                room -= 1;
            }
        }
        looked += part.len();
        if part.len() < AT_A_TIME as usize {
            break;
        }
    }
    Ok(())
}

/// Clusters that a new one may belong to, the newest [`COMPARED`].
async fn alike(tx: &mut SqliteConnection, own: &Cluster) -> Result<Vec<Cluster>> {
    let rows = sqlx::query(
        "SELECT id, exact, pairs, last FROM cluster
         WHERE category = $1 AND host IS $2 AND last >= $3 ORDER BY last DESC, id DESC LIMIT $4",
    )
    .bind(own.category.word())
    .bind(own.host.as_deref())
    .bind(int(own.last.0.saturating_sub(TAKES_FOR)))
    .bind(int(COMPARED as u64))
    .fetch_all(tx)
    .await?;
    let cluster = |row: &SqliteRow| {
        Ok(Cluster {
            id: db::id(row.try_get(0)?)?,
            category: own.category,
            host: own.host.clone(),
            print: Fingerprint {
                exact: db::hash(row.try_get(1)?)?,
                pairs: row
                    .try_get::<&[u8], _>(2)?
                    .as_chunks()
                    .0
                    .iter()
                    .map(|p| u32::from_be_bytes(*p))
                    .collect(),
            },
            last: db::time(row.try_get(3)?)?,
        })
    };
    rows.iter().map(cluster).collect()
}

async fn insert(tx: &mut SqliteConnection, own: &Cluster, customer: Option<&Id>) -> Result<()> {
    sqlx::query(
        "INSERT INTO cluster (id, category, severity, host, customer, exact, pairs, first, last, reports, open)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1, 1)",
    )
    .bind(own.id.as_str())
    .bind(own.category.word())
    .bind(i64::from(own.category.severity()))
    .bind(own.host.as_deref())
    .bind(customer.map(Id::as_str))
    .bind(own.print.exact.0.as_slice())
    .bind(own.print.pairs.iter().flat_map(|pair| pair.to_be_bytes()).collect::<Vec<u8>>())
    .bind(int(own.last.0))
    .execute(tx)
    .await?;
    Ok(())
}

async fn load(rows: &mut SqliteConnection, id: &Id) -> Result<Option<ClusterRow>> {
    let row =
        sqlx::query("SELECT category, host, customer, first, last, reports, open FROM cluster WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut *rows)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let last = sqlx::query(
        "SELECT at, decider, outcome, reply FROM cluster_outcome WHERE cluster = $1 ORDER BY seq DESC LIMIT 1",
    )
    .bind(id.as_str())
    .fetch_optional(&mut *rows)
    .await?;
    let open: bool = row.try_get(6)?;
    let last = if open { None } else { last.as_ref().map(decided).transpose()? };
    let customer: Option<&str> = row.try_get(2)?;
    Ok(Some(ClusterRow {
        id: id.clone(),
        category: word(row.try_get(0)?, Category::parse)?,
        host: row.try_get(1)?,
        customer: customer.map(db::id).transpose()?,
        first: db::time(row.try_get(3)?)?,
        last: db::time(row.try_get(4)?)?,
        reports: uint(row.try_get(5)?)?,
        decided: last,
    }))
}

fn decided(row: &SqliteRow) -> Result<Decided> {
    let outcome: Option<&str> = row.try_get(2)?;
    Ok(Decided {
        at: db::time(row.try_get(0)?)?,
        by: row.try_get(1)?,
        outcome: outcome.map(|w| word(w, Outcome::parse)).transpose()?,
        reply: word(row.try_get(3)?, |s| Sentence::parse(s).ok())?,
    })
}

fn word<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    read(text).ok_or_else(|| StoreError::Damaged(format!("a column holds {text:?}")))
}
