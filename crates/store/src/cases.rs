//! Cases: their journals, and lists of them.

use policy::case::{Act, Case, Entry, Refused};
use policy::{Id, Sentence, Time};
use sqlx::SqliteConnection;

use crate::db::{self, int};
use crate::{Queue, Result, Store, StoreError, rooms};

/// A case to be opened.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// Its number.
    pub id: Id,
    /// What it is about.
    pub title: Sentence,
    /// Whose sites.
    pub customer: Option<Id>,
    /// Clusters of reports that are about it.
    pub reports: Vec<Id>,
}

impl From<Refused> for StoreError {
    fn from(why: Refused) -> StoreError {
        match why {
            Refused::Full => StoreError::Full { what: "entries of a case", limit: policy::case::MAX_ENTRIES },
            why => StoreError::Conflict(why.to_string()),
        }
    }
}

impl Store {
    /// Opens a case with the reports that are about it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there are no such reports; [`StoreError::Conflict`] when its number is taken.
    pub async fn open_case(&self, new: &NewCase, by: &Sentence, now: Time) -> Result<Case> {
        let mut tx = db::begin(self.writer()).await?;
        if load(&mut tx, &new.id).await?.is_some() {
            return Err(StoreError::Conflict(format!("there is a case {} already", new.id)));
        }
        let act = Act::Open { title: new.title.clone(), customer: new.customer.clone() };
        let first = Entry { case: new.id.clone(), seq: 0, previous: None, at: now, by: by.clone(), act };
        let mut case = Case::begin(&first)?;
        sqlx::query("INSERT INTO case_row (id, opened, open) VALUES ($1, $2, 1)")
            .bind(new.id.as_str())
            .bind(int(now.0))
            .execute(&mut *tx)
            .await?;
        insert(&mut tx, &first).await?;
        for reports in &new.reports {
            add(&mut tx, &mut case, now, by, Act::Link { reports: reports.clone() }).await?;
        }
        tx.commit().await?;
        Ok(case)
    }

    /// Adds an entry to a case, if its rules allow it, and says what the case is then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] in the words of the rule; [`StoreError::Damaged`] when the
    /// journal is not what was written.
    pub async fn add_to_case(&self, id: &Id, act: Act, by: &Sentence, now: Time) -> Result<Case> {
        let mut tx = db::begin(self.writer()).await?;
        let case = load(&mut tx, id).await?;
        let mut case = case.ok_or_else(|| StoreError::NotFound(format!("the case {id}")))?;
        add(&mut tx, &mut case, now, by, act).await?;
        tx.commit().await?;
        Ok(case)
    }

    /// A case, whose journal is whole.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not.
    pub async fn case(&self, id: &Id) -> Result<Option<Case>> {
        load(&mut *self.rows().acquire().await?, id).await
    }

    /// A case's journal, in order.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when an entry is none.
    pub async fn journal(&self, id: &Id) -> Result<Vec<Entry>> {
        entries(&mut *self.rows().acquire().await?, id).await
    }

    /// Cases, the oldest first.
    ///
    /// # Errors
    /// As [`Store::case`].
    pub async fn cases(&self, queue: &Queue) -> Result<Vec<Case>> {
        let mut rows = self.rows().acquire().await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT c.id FROM case_row c LEFT JOIN case_row a ON a.id = $1
             WHERE c.open = $2 AND (a.id IS NULL OR (c.opened, c.id) > (a.opened, a.id))
             ORDER BY c.opened, c.id LIMIT $3",
        )
        .bind(queue.after.as_ref().map(Id::as_str))
        .bind(queue.open)
        .bind(i64::from(queue.limit.min(crate::MAX_PAGE)))
        .fetch_all(&mut *rows)
        .await?;
        let mut cases = Vec::with_capacity(ids.len());
        for id in ids {
            cases.extend(load(&mut rows, &db::id(&id)?).await?);
        }
        Ok(cases)
    }

    /// The cases that a cluster of reports is in, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cases_of(&self, cluster: &Id) -> Result<Vec<Id>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT case_id FROM case_reports JOIN case_row ON id = case_id WHERE cluster = $1 ORDER BY opened, id",
        )
        .bind(cluster.as_str())
        .fetch_all(self.rows())
        .await?;
        ids.iter().map(|id| db::id(id)).collect()
    }
}

pub(crate) async fn add(
    tx: &mut SqliteConnection,
    case: &mut Case,
    now: Time,
    by: &Sentence,
    act: Act,
) -> Result<()> {
    if let Act::Link { reports } = &act {
        let there = sqlx::query("SELECT 1 FROM cluster WHERE id = $1").bind(reports.as_str());
        if there.fetch_optional(&mut *tx).await?.is_none() {
            return Err(StoreError::NotFound(format!("the reports {reports}")));
        }
    }
    let entry = case.next(now, by.clone(), act)?;
    case.apply(&entry)?;
    insert(tx, &entry).await?;
    rooms::show(tx, &entry).await?;
    sqlx::query("UPDATE case_row SET open = $1 WHERE id = $2")
        .bind(case.closed.is_none())
        .bind(case.id.as_str())
        .execute(&mut *tx)
        .await?;
    if let Act::Link { reports } = &entry.act {
        sqlx::query("INSERT INTO case_reports (cluster, case_id) VALUES ($1, $2)")
            .bind(reports.as_str())
            .bind(case.id.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn insert(tx: &mut SqliteConnection, entry: &Entry) -> Result<()> {
    sqlx::query("INSERT INTO case_entry (case_id, seq, text) VALUES ($1, $2, $3)")
        .bind(entry.case.as_str())
        .bind(int(entry.seq))
        .bind(entry.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

async fn entries(rows: &mut SqliteConnection, id: &Id) -> Result<Vec<Entry>> {
    let texts: Vec<String> =
        sqlx::query_scalar("SELECT text FROM case_entry WHERE case_id = $1 ORDER BY seq")
            .bind(id.as_str())
            .fetch_all(rows)
            .await?;
    let entry = |(n, text): (usize, &String)| {
        Entry::parse(text).map_err(|e| StoreError::Damaged(format!("entry {n} of the case {id}: {e}")))
    };
    texts.iter().enumerate().map(entry).collect()
}

pub(crate) async fn load(rows: &mut SqliteConnection, id: &Id) -> Result<Option<Case>> {
    let entries = entries(rows, id).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let case = Case::read(&entries);
    case.map(Some).map_err(|(n, why)| StoreError::Damaged(format!("entry {n} of the case {id}: {why}")))
}
