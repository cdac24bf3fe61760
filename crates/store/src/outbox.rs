//! The outbox: mails from the moment they are owed until long after they were sent.
//!
//! At least once, and almost always once: an attempt is written down before it is made, and what was accepted is written
//! down after. Between the two a crash sends again, under the same name ([`MessageId`]).

use policy::{MailAddress, Sentence, Time};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::db::{self, int, uint};
use crate::{MAX_BODY, MailKind, MessageId, NewMail, Reader, Result, Store, StoreError};

/// Mails to reporters that wait: beyond that none is queued, and reporters look at their page. At 3 KiB each they are
/// 15 MB. Mails to customers are as many as decisions, and always fit.
pub const MAX_WAITING_MAILS: u64 = 5_000;

/// Different addresses that are told what became of one cluster of reports. Beyond that a campaign would make us send
/// mail to whomever it names; the rest look at their page.
pub const MAX_OUTCOMES: usize = 1_000;

/// An address gets one receipt in this time, seconds: whoever types another's address into the form makes us write to
/// them once a day, not more.
pub const RECEIPT_EVERY: u64 = 24 * 3600;

/// Receipts in an hour, all together: one a minute. Whoever floods the form makes us no source of mail to strangers.
pub const RECEIPTS_PER_HOUR: u64 = 60;

/// How long it is tried, seconds: four days, as RFC 5321 section 4.5.4.1 asks for.
pub const GIVE_UP: u64 = 4 * 24 * 3600;

/// How long recipient and text are kept after the mail was sent, given up or dropped, seconds: 30 days, long enough to
/// answer "did you tell them?" while a decision is contested.
pub const KEPT: u64 = 30 * 24 * 3600;

/// The first pause after an attempt, seconds.
const FIRST_PAUSE: u64 = 30;
/// The longest: an hour. So a mail is tried seven times in the first hour and 95 times after it.
const LONGEST_PAUSE: u64 = 3600;

/// Longest words kept of an error, bytes: what a server says about one mail.
const MAX_ERROR: usize = 500;

/// How long to wait after the attempt of this number, from 1, seconds.
#[must_use]
pub fn pause(attempts: u64) -> u64 {
    let doubled = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(32);
    FIRST_PAUSE.saturating_mul(1 << doubled).min(LONGEST_PAUSE)
}

/// Where a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// It waits for its next attempt.
    Queued,
    /// The smarthost has it.
    Sent,
    /// It was refused for good, or for too long.
    Failed,
    /// Somebody took it out.
    Dropped,
}

impl MailState {
    /// Every state.
    pub const ALL: [MailState; 4] =
        [MailState::Queued, MailState::Sent, MailState::Failed, MailState::Dropped];

    /// The word in the database and in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MailState::Queued => "queued",
            MailState::Sent => "sent",
            MailState::Failed => "failed",
            MailState::Dropped => "dropped",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<MailState> {
        MailState::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A mail in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its number here.
    pub id: u64,
    /// What it says.
    pub kind: MailKind,
    /// What it is about, see [`NewMail`].
    pub about: String,
    /// See [`NewMail`].
    pub who: String,
    /// Its name.
    pub message_id: MessageId,
    /// Where it is.
    pub state: MailState,
    /// When it was queued: its `Date`.
    pub queued: Time,
    /// Attempts begun.
    pub attempts: u64,
    /// Not tried before.
    pub next: Time,
    /// When it was sent, given up or dropped.
    pub settled: Option<Time>,
    /// What the last attempt met, in words.
    pub error: Option<String>,
    /// Recipient, subject and text; gone [`KEPT`] seconds after it was settled.
    pub content: Option<(MailAddress, Sentence, String)>,
}

/// The outbox in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailFigures {
    /// Mails that wait.
    pub queued: u64,
    /// Mails that were sent, ever.
    pub sent: u64,
    /// Mails that were given up.
    pub failed: u64,
    /// Since when the oldest waits.
    pub oldest: Option<Time>,
}

const COLUMNS: &str = "id, kind, about, who, message_id, state, queued, attempts, next, settled, error, recipient, subject, body";

impl Store {
    /// Queues a mail, unless one with its key was queued before. Says whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when its text is too long.
    pub async fn queue_mail(&self, mail: &NewMail, now: Time) -> Result<bool> {
        self.before("mail")?;
        let mut tx = db::begin(self.writer()).await?;
        let new = insert(&mut tx, mail, now).await?;
        tx.commit().await?;
        self.after("mail")?;
        Ok(new)
    }

    /// What became of a mail of this kind about this, whoever got it, and when it was settled; `None`: none was queued.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mailed(&self, kind: MailKind, about: &str) -> Result<Option<(MailState, Option<Time>)>> {
        let row = sqlx::query("SELECT state, settled FROM mail WHERE kind = $1 AND about = $2 LIMIT 1")
            .bind(kind.word())
            .bind(about)
            .fetch_optional(self.rows())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let settled: Option<i64> = row.try_get(1)?;
        Ok(Some((state(row.try_get(0)?)?, settled.map(db::time).transpose()?)))
    }

    /// Mails whose time has come: customers' first, then the longest due.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one is not what was queued.
    pub async fn due_mails(&self, now: Time, most: u32) -> Result<Vec<Mail>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM mail WHERE state = 'queued' AND next <= $1 ORDER BY urgent DESC, next, id LIMIT $2"
        )))
        .bind(int(now.0))
        .bind(i64::from(most))
        .fetch_all(self.rows())
        .await?;
        rows.iter().map(mail).collect()
    }

    /// An attempt begins: counted, and the next one not before its pause, so that a desk that dies in each attempt does
    /// not send as fast as it starts. Says whether it may be made: somebody may have dropped the mail.
    ///
    /// # Errors
    /// When the database refuses; then nothing may be sent.
    pub async fn begin_mail(&self, mail: &Mail, now: Time) -> Result<bool> {
        self.before("mail-begun")?;
        let done = sqlx::query(
            "UPDATE mail SET attempts = attempts + 1, next = $1 WHERE id = $2 AND state = 'queued' AND attempts = $3",
        )
        .bind(int(now.plus(pause(mail.attempts + 1)).0))
        .bind(int(mail.id))
        .bind(int(mail.attempts))
        .execute(self.writer())
        .await?;
        self.after("mail-begun")?;
        Ok(done.rows_affected() > 0)
    }

    /// The smarthost has it.
    ///
    /// # Errors
    /// When the database refuses: it will be sent again, under the same name.
    pub async fn mail_sent(&self, id: u64, now: Time) -> Result<()> {
        self.before("mail-sent")?;
        sqlx::query(
            "UPDATE mail SET state = 'sent', settled = $1, error = NULL WHERE id = $2 AND state = 'queued'",
        )
        .bind(int(now.0))
        .bind(int(id))
        .execute(self.writer())
        .await?;
        self.after("mail-sent")
    }

    /// An attempt failed. It is given up when that is `for_good`, or [`GIVE_UP`] seconds after it was queued.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail_refused(&self, id: u64, error: &str, for_good: bool, now: Time) -> Result<()> {
        self.before("mail-refused")?;
        sqlx::query(
            "UPDATE mail SET error = $1,
                 settled = CASE WHEN $2 OR queued + $3 <= $4 THEN $4 END,
                 state = CASE WHEN $2 OR queued + $3 <= $4 THEN 'failed' ELSE 'queued' END
             WHERE id = $5 AND state = 'queued'",
        )
        .bind(short(error))
        .bind(for_good)
        .bind(int(GIVE_UP))
        .bind(int(now.0))
        .bind(int(id))
        .execute(self.writer())
        .await?;
        self.after("mail-refused")
    }

    /// Nobody took any mail. What is due stays due; what waited too long is given up.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mails_unreachable(&self, error: &str, now: Time) -> Result<()> {
        sqlx::query(
            "UPDATE mail SET error = $1,
                 settled = CASE WHEN queued + $2 <= $3 THEN $3 END,
                 state = CASE WHEN queued + $2 <= $3 THEN 'failed' ELSE 'queued' END
             WHERE state = 'queued' AND next <= $3",
        )
        .bind(short(error))
        .bind(int(GIVE_UP))
        .bind(int(now.0))
        .execute(self.writer())
        .await?;
        Ok(())
    }

    /// Removes recipient, text and error of what was settled [`KEPT`] seconds ago. The database overwrites them. Says of
    /// how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_mails(&self, now: Time) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE mail SET recipient = NULL, subject = NULL, body = NULL, error = NULL
             WHERE recipient IS NOT NULL AND settled IS NOT NULL AND settled + $1 <= $2",
        )
        .bind(int(KEPT))
        .bind(int(now.0))
        .execute(self.writer())
        .await?;
        if done.rows_affected() > 0 {
            self.cut_log().await?;
        }
        Ok(done.rows_affected())
    }

    /// Removes recipient, text and error of every mail about this, whatever became of it; one that waits is not sent. For
    /// when nobody may know any more whom a decision was about.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_mails_about(&self, about: &str, now: Time) -> Result<()> {
        sqlx::query(
            "UPDATE mail SET recipient = NULL, subject = NULL, body = NULL, error = NULL,
                 settled = coalesce(settled, $1), state = CASE state WHEN 'queued' THEN 'dropped' ELSE state END
             WHERE about = $2",
        )
        .bind(int(now.0))
        .bind(about)
        .execute(self.writer())
        .await?;
        self.cut_log().await
    }

    /// The log of writes beside the database holds what was overwritten in it until it is cut. A reader in the middle of
    /// a page puts that off until the next mail is forgotten.
    async fn cut_log(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(self.writer()).await?;
        Ok(())
    }

    /// Mails in a state, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when one is not what was queued.
    pub async fn mails(&self, state: MailState, most: u32) -> Result<Vec<Mail>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM mail WHERE state = $1 ORDER BY id DESC LIMIT $2"
        )))
        .bind(state.word())
        .bind(i64::from(most.min(crate::MAX_PAGE)))
        .fetch_all(self.rows())
        .await?;
        rows.iter().map(mail).collect()
    }

    /// Tries a mail again now, one that was given up or dropped too, while its text is kept.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was sent or its text is gone; [`StoreError::NotFound`].
    pub async fn retry_mail(&self, id: u64, now: Time) -> Result<()> {
        let done = sqlx::query(
            "UPDATE mail SET state = 'queued', settled = NULL, queued = CASE WHEN state = 'queued' THEN queued ELSE $1 END, next = $1
             WHERE id = $2 AND state <> 'sent' AND recipient IS NOT NULL",
        )
        .bind(int(now.0))
        .bind(int(id))
        .execute(self.writer())
        .await?;
        self.changed(done.rows_affected(), id, "it was sent, or its text is gone").await
    }

    /// Takes a mail out that waits or was given up: it is not sent, and not queued again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was sent; [`StoreError::NotFound`].
    pub async fn drop_mail(&self, id: u64, now: Time) -> Result<()> {
        let done = sqlx::query(
            "UPDATE mail SET state = 'dropped', settled = $1 WHERE id = $2 AND state IN ('queued', 'failed')",
        )
        .bind(int(now.0))
        .bind(int(id))
        .execute(self.writer())
        .await?;
        self.changed(done.rows_affected(), id, "it was sent or dropped before").await
    }

    async fn changed(&self, rows: u64, id: u64, why_not: &str) -> Result<()> {
        if rows > 0 {
            return Ok(());
        }
        let known = sqlx::query("SELECT 1 FROM mail WHERE id = $1").bind(int(id));
        match known.fetch_optional(self.writer()).await? {
            Some(_) => Err(StoreError::Conflict(format!("the mail {id}: {why_not}"))),
            None => Err(StoreError::NotFound(format!("the mail {id}"))),
        }
    }
}

impl Reader {
    /// The outbox in numbers.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mail_figures(&self) -> Result<MailFigures> {
        let mut tx = self.rows().begin().await?;
        let mut figures = MailFigures::default();
        for row in sqlx::query("SELECT state, count(*) FROM mail GROUP BY state").fetch_all(&mut *tx).await? {
            let times = uint(row.try_get(1)?)?;
            match state(row.try_get(0)?)? {
                MailState::Queued => figures.queued = times,
                MailState::Sent => figures.sent = times,
                MailState::Failed => figures.failed = times,
                MailState::Dropped => {}
            }
        }
        let oldest: Option<i64> = sqlx::query_scalar("SELECT min(queued) FROM mail WHERE state = 'queued'")
            .fetch_one(&mut *tx)
            .await?;
        figures.oldest = oldest.map(db::time).transpose()?;
        Ok(figures)
    }
}

/// Queues in the transaction of what causes it. Says whether it is new.
pub(crate) async fn insert(tx: &mut SqliteConnection, mail: &NewMail, now: Time) -> Result<bool> {
    if mail.body.len() > MAX_BODY {
        return Err(StoreError::Unfit(format!("a mail of more than {MAX_BODY} bytes")));
    }
    let done = sqlx::query(
        "INSERT INTO mail (kind, about, who, message_id, urgent, state, queued, attempts, next, recipient, subject, body)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, $6, $7, $8, $9) ON CONFLICT (kind, about, who) DO NOTHING",
    )
    .bind(mail.kind.word())
    .bind(&mail.about)
    .bind(&mail.who)
    .bind(mail.message_id.as_str())
    .bind(mail.kind.urgent())
    .bind(int(now.0))
    .bind(mail.to.as_str())
    .bind(mail.subject.as_str())
    .bind(&mail.body)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many more mails to reporters may wait.
pub(crate) async fn room(tx: &mut SqliteConnection) -> Result<usize> {
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM mail WHERE state = 'queued' AND urgent = 0")
        .fetch_one(tx)
        .await?;
    Ok(usize::try_from(MAX_WAITING_MAILS.saturating_sub(uint(waiting)?)).unwrap_or(usize::MAX))
}

/// Queues a receipt, if its address and all of them together had few enough lately.
pub(crate) async fn receipt(tx: &mut SqliteConnection, mail: &NewMail, now: Time) -> Result<bool> {
    let recent: i64 = sqlx::query_scalar("SELECT count(*) FROM mail WHERE kind = $1 AND queued > $2")
        .bind(MailKind::Receipt.word())
        .bind(int(now.0) - 3600)
        .fetch_one(&mut *tx)
        .await?;
    // Local parts may differ in case by the letter of RFC 5321, and hardly anywhere do.
    let theirs: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM mail WHERE recipient = $1 COLLATE NOCASE AND kind = $2 AND queued > $3",
    )
    .bind(mail.to.as_str())
    .bind(MailKind::Receipt.word())
    .bind(int(now.0) - int(RECEIPT_EVERY))
    .fetch_one(&mut *tx)
    .await?;
    if uint(recent)? >= RECEIPTS_PER_HOUR || theirs > 0 || room(tx).await? == 0 {
        return Ok(false);
    }
    insert(tx, mail, now).await
}

/// Words of a server, cut and without what moves a cursor.
pub(crate) fn short(error: &str) -> String {
    let plain: String = error.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut end = plain.len().min(MAX_ERROR);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    plain[..end].to_owned()
}

fn state(word: &str) -> Result<MailState> {
    MailState::parse(word).ok_or_else(|| StoreError::Damaged(format!("a mail is {word:?}")))
}

fn mail(row: &SqliteRow) -> Result<Mail> {
    let bad = |what: &str| StoreError::Damaged(format!("a mail in the outbox: {what}"));
    let (kind, word): (&str, &str) = (row.try_get(1)?, row.try_get(5)?);
    let settled: Option<i64> = row.try_get(9)?;
    let content =
        match (row.try_get::<Option<&str>, _>(11)?, row.try_get::<Option<&str>, _>(12)?, row.try_get(13)?) {
            (Some(to), Some(subject), Some(body)) => {
                Some((MailAddress::parse(to).map_err(bad)?, Sentence::parse(subject).map_err(bad)?, body))
            }
            _ => None,
        };
    Ok(Mail {
        id: uint(row.try_get(0)?)?,
        kind: MailKind::parse(kind).ok_or_else(|| bad(kind))?,
        about: row.try_get(2)?,
        who: row.try_get(3)?,
        message_id: MessageId::stored(row.try_get(4)?)?,
        state: state(word)?,
        queued: db::time(row.try_get(6)?)?,
        attempts: uint(row.try_get(7)?)?,
        next: db::time(row.try_get(8)?)?,
        settled: settled.map(db::time).transpose()?,
        error: row.try_get(10)?,
        content,
    })
}
