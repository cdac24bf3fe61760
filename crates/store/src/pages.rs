//! Rounds of calls, and what a desk must look at to find out whether somebody is needed.
//!
//! A call is written down before it is made and its end after. Between the two a crash leaves `calling`, which
//! [`policy::page::due`] tries again: a page doubled is better than none.

use policy::page::{Ack, Call, Called, Made, Round, Turn};
use policy::{Id, Time};
use sqlx::{Row as _, SqliteConnection};

use crate::db::{self, int, uint};
use crate::outbox::short;
use crate::{Draft, MailKind, Result, Store, StoreError, drafts};

/// How long rounds that are over are kept, seconds: 90 days, for whoever asks afterwards who was called that night.
pub const ROUNDS_KEPT: u64 = 90 * 24 * 3600;

/// Notes being signed that are looked at, the newest: each has a signature that counts, and officers write a few a day.
const MAX_PROPOSALS: i64 = 200;

/// Open cases with a room that are looked at, those that were opened last: each is a matter of days.
const MAX_ROOMS: i64 = 200;

/// Pages in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageFigures {
    /// Alarms that are open.
    pub open: u64,
    /// Those of them that nobody takes care of now.
    pub unanswered: u64,
    /// Calls of open alarms that did not get through at their last try.
    pub failed: u64,
}

impl Store {
    /// Clusters of this severity that are open, were never decided and are in no case: the oldest, and how many there are
    /// in all.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn untouched(&self, severity: u8, most: u32) -> Result<(Vec<(Id, Time)>, u64)> {
        const WHERE: &str = "FROM cluster c WHERE c.open = 1 AND c.severity = $1
             AND NOT EXISTS (SELECT 1 FROM case_reports r WHERE r.cluster = c.id)
             AND NOT EXISTS (SELECT 1 FROM cluster_outcome o WHERE o.cluster = c.id)";
        let mut tx = self.rows().begin().await?;
        let all: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) {WHERE}")))
            .bind(i64::from(severity))
            .fetch_one(&mut *tx)
            .await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT c.id, c.first {WHERE} ORDER BY c.first, c.id LIMIT $2"
        )))
        .bind(i64::from(severity))
        .bind(i64::from(most))
        .fetch_all(&mut *tx)
        .await?;
        let row = |row: &sqlx::sqlite::SqliteRow| Ok((db::id(row.try_get(0)?)?, db::time(row.try_get(1)?)?));
        Ok((rows.iter().map(row).collect::<Result<_>>()?, uint(all)?))
    }

    /// Notes that somebody signed since then and that want more signatures, newest first.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one is not what was put.
    pub async fn proposed(&self, since: Time) -> Result<Vec<Draft>> {
        let mut tx = self.rows().begin().await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM draft WHERE state = 'collecting' AND created >= $1
             AND EXISTS (SELECT 1 FROM signature WHERE draft = id) ORDER BY created DESC, id DESC LIMIT $2",
        )
        .bind(int(since.0))
        .bind(MAX_PROPOSALS)
        .fetch_all(&mut *tx)
        .await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(drafts::require(&mut tx, &db::id(&id)?).await?);
        }
        Ok(found)
    }

    /// Open cases in whose rooms something was said, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn spoken(&self) -> Result<Vec<Id>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT c.id FROM case_row c WHERE c.open = 1 AND EXISTS (
                 SELECT 1 FROM room r JOIN room_line l ON l.referral = r.referral
                 WHERE r.case_id = c.id AND l.answer IS NOT NULL)
             ORDER BY c.opened DESC, c.id DESC LIMIT $1",
        )
        .bind(MAX_ROOMS)
        .fetch_all(self.rows())
        .await?;
        ids.iter().map(|id| db::id(id)).collect()
    }

    /// Mails to customers that were given up: how many, and when the newest was.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn given_up(&self) -> Result<Option<(u64, Time)>> {
        let kinds: Vec<&str> = MailKind::ALL.iter().filter(|k| k.to_customer()).map(|k| k.word()).collect();
        let row = sqlx::query(
            "SELECT count(*), max(settled) FROM mail
             WHERE state = 'failed' AND kind IN (SELECT value FROM json_each($1))",
        )
        .bind(format!("[\"{}\"]", kinds.join("\",\"")))
        .fetch_one(self.rows())
        .await?;
        let newest: Option<i64> = row.try_get(1)?;
        let count = uint(row.try_get(0)?)?;
        newest.map(|at| Ok((count, db::time(at)?))).transpose()
    }

    /// Rounds that are open, with what was called in them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row is not what was written.
    pub async fn rounds(&self) -> Result<Vec<Round>> {
        let mut tx = self.rows().begin().await?;
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM page_round WHERE ended IS NULL ORDER BY id")
            .fetch_all(&mut *tx)
            .await?;
        let mut rounds = Vec::with_capacity(ids.len());
        for id in ids {
            rounds.push(load(&mut tx, id).await?);
        }
        Ok(rounds)
    }

    /// Begins and ends rounds, all of them or none.
    ///
    /// # Errors
    /// When the database refuses; then nothing has changed.
    pub async fn turn(&self, turns: &[Turn], now: Time) -> Result<()> {
        if turns.is_empty() {
            return Ok(());
        }
        self.before("page-turn")?;
        let mut tx = db::begin(self.writer()).await?;
        for turn in turns {
            if let Turn::End(id) | Turn::Again(id, _) = turn {
                sqlx::query("UPDATE page_round SET ended = $1 WHERE id = $2 AND ended IS NULL")
                    .bind(int(now.0))
                    .bind(int(*id))
                    .execute(&mut *tx)
                    .await?;
            }
            if let Turn::Begin(key) | Turn::Again(_, key) = turn {
                begin(&mut tx, key, now).await?;
            }
        }
        tx.commit().await?;
        self.after("page-turn")
    }

    /// A call begins. Says whether it may be made: somebody may have acknowledged since it was decided.
    ///
    /// # Errors
    /// When the database refuses; then nobody may be called.
    pub async fn begin_call(&self, call: &Call, now: Time) -> Result<bool> {
        self.before("page-call")?;
        let done = sqlx::query(
            "INSERT INTO page_call (round, step, state, attempts, first, last, outcome)
             SELECT id, $2, 'calling', $3 + 1, $4, $4, '' FROM page_round
             WHERE id = $1 AND ended IS NULL AND (acked_until IS NULL OR acked_until <= $4)
             ON CONFLICT (round, step) DO UPDATE SET state = 'calling', attempts = $3 + 1, last = $4
             WHERE attempts = $3 AND state <> 'done'",
        )
        .bind(int(call.round))
        .bind(int(call.step as u64))
        .bind(int(call.attempts))
        .bind(int(now.0))
        .execute(self.writer())
        .await?;
        self.after("page-call")?;
        Ok(done.rows_affected() > 0)
    }

    /// How a call ended, in words.
    ///
    /// # Errors
    /// When the database refuses: it will be made once more.
    pub async fn call_made(
        &self,
        round: u64,
        step: usize,
        ended: &std::result::Result<String, String>,
    ) -> Result<()> {
        self.before("page-made")?;
        let (state, words) = match ended {
            Ok(words) => ("done", words),
            Err(words) => ("failed", words),
        };
        sqlx::query("UPDATE page_call SET state = $1, outcome = $2 WHERE round = $3 AND step = $4")
            .bind(state)
            .bind(short(words))
            .bind(int(round))
            .bind(int(step as u64))
            .execute(self.writer())
            .await?;
        self.after("page-made")
    }

    /// Somebody takes care of an alarm, whether or not anybody was called yet. Gives the round as it stands then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn acknowledge(&self, key: &str, ack: &Ack) -> Result<Round> {
        self.before("page-ack")?;
        let mut tx = db::begin(self.writer()).await?;
        let open = "SELECT id FROM page_round WHERE key = $1 AND ended IS NULL";
        let id: Option<i64> = sqlx::query_scalar(open).bind(key).fetch_optional(&mut *tx).await?;
        let id = match id {
            Some(id) => id,
            None => begin(&mut tx, key, ack.at).await?,
        };
        sqlx::query("UPDATE page_round SET acked_by = $1, acked_at = $2, acked_until = $3 WHERE id = $4")
            .bind(&ack.by)
            .bind(int(ack.at.0))
            .bind(int(ack.until.0))
            .bind(id)
            .execute(&mut *tx)
            .await?;
        let round = load(&mut tx, id).await?;
        tx.commit().await?;
        self.after("page-ack")?;
        Ok(round)
    }

    /// Pages in numbers.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page_figures(&self, now: Time) -> Result<PageFigures> {
        let row = sqlx::query(
            "SELECT count(*), coalesce(sum(acked_until IS NULL OR acked_until <= $1), 0),
                 (SELECT count(*) FROM page_call c JOIN page_round o ON o.id = c.round
                  WHERE c.state = 'failed' AND o.ended IS NULL)
             FROM page_round WHERE ended IS NULL",
        )
        .bind(int(now.0))
        .fetch_one(self.rows())
        .await?;
        Ok(PageFigures {
            open: uint(row.try_get(0)?)?,
            unanswered: uint(row.try_get(1)?)?,
            failed: uint(row.try_get(2)?)?,
        })
    }

    /// Forgets rounds that ended [`ROUNDS_KEPT`] seconds ago.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_rounds(&self, now: Time) -> Result<()> {
        sqlx::query("DELETE FROM page_round WHERE ended IS NOT NULL AND ended + $1 <= $2")
            .bind(int(ROUNDS_KEPT))
            .bind(int(now.0))
            .execute(self.writer())
            .await?;
        Ok(())
    }
}

/// Begins a round, unless one is open for this alarm. Gives its number.
async fn begin(tx: &mut SqliteConnection, key: &str, now: Time) -> Result<i64> {
    sqlx::query("INSERT INTO page_round (key, began) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(key)
        .bind(int(now.0))
        .execute(&mut *tx)
        .await?;
    let open = "SELECT id FROM page_round WHERE key = $1 AND ended IS NULL";
    Ok(sqlx::query_scalar(open).bind(key).fetch_one(tx).await?)
}

async fn load(tx: &mut SqliteConnection, id: i64) -> Result<Round> {
    let row = sqlx::query("SELECT key, began, acked_by, acked_at, acked_until FROM page_round WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    let (by, at, until): (Option<String>, Option<i64>, Option<i64>) =
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let ack = match (by, at, until) {
        (Some(by), Some(at), Some(until)) => Some(Ack { by, at: db::time(at)?, until: db::time(until)? }),
        _ => None,
    };
    let rows = sqlx::query(
        "SELECT step, attempts, first, last, state, outcome FROM page_call WHERE round = $1 ORDER BY step",
    )
    .bind(id)
    .fetch_all(tx)
    .await?;
    let called = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Called {
            step: usize::try_from(uint(row.try_get(0)?)?).unwrap_or(usize::MAX),
            attempts: uint(row.try_get(1)?)?,
            first: db::time(row.try_get(2)?)?,
            last: db::time(row.try_get(3)?)?,
            made: match row.try_get(4)? {
                "calling" => Made::Calling,
                "done" => Made::Done,
                "failed" => Made::Failed,
                other => return Err(StoreError::Damaged(format!("a call is {other:?}"))),
            },
            outcome: row.try_get(5)?,
        })
    };
    Ok(Round {
        id: uint(id)?,
        key: row.try_get(0)?,
        began: db::time(row.try_get(1)?)?,
        ack,
        calls: rows.iter().map(called).collect::<Result<_>>()?,
    })
}
