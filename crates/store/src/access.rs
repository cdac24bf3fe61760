//! Tokens, repeated requests, and counters: the small tables of an API.

use ledger::Hash;
use policy::Time;
use sqlx::{Row, sqlite::SqliteRow};

use crate::db::{self, int, uint};
use crate::{Reader, Result, Store, StoreError};

/// How long an answer is kept for a repeated request, seconds: 24 hours, what the API promises.
const ANSWER_SECONDS: u64 = 24 * 3600;

/// Kept answers: at one request per second all day there are 86,400; the oldest go beyond 100,000.
pub const MAX_ANSWERS: u64 = 100_000;

/// Different things that are counted. Their names are words in our code, a few dozen; 256 says when a caller
/// counts by foreign text. What comes beyond is counted as `other`.
pub const MAX_COUNTERS: u64 = 256;

/// Whoever may use the API with a secret whose SHA-256 is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The name it was given, one per token.
    pub name: String,
    /// What it may do, in the desk's words.
    pub scope: String,
    /// When it was made.
    pub created: Time,
}

/// An answer that a repeated request gets again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Store {
    /// Lets the holder of a secret in, by the secret's SHA-256.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name or the secret is taken.
    pub async fn add_token(&self, name: &str, sha256: &Hash, scope: &str, now: Time) -> Result<()> {
        let added = sqlx::query(
            "INSERT INTO token (sha256, name, scope, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(sha256.0.as_slice())
        .bind(name)
        .bind(scope)
        .bind(int(now.0))
        .execute(self.writer())
        .await?;
        match added.rows_affected() {
            0 => Err(StoreError::Conflict(format!("there is a token named {name} already; remove it first"))),
            _ => Ok(()),
        }
    }

    /// The token of a secret with this SHA-256.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn token(&self, sha256: &Hash) -> Result<Option<Token>> {
        let row = sqlx::query("SELECT name, scope, created FROM token WHERE sha256 = $1")
            .bind(sha256.0.as_slice())
            .fetch_optional(self.rows())
            .await?;
        row.as_ref().map(token_row).transpose()
    }

    /// All tokens by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = sqlx::query("SELECT name, scope, created FROM token ORDER BY name")
            .fetch_all(self.rows())
            .await?;
        rows.iter().map(token_row).collect()
    }

    /// Ends a token, with the passkeys that stand for it: the next token of that name may be somebody else's. Says
    /// whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_token(&self, name: &str) -> Result<bool> {
        let mut tx = db::begin(self.writer()).await?;
        let done = sqlx::query("DELETE FROM token WHERE name = $1").bind(name).execute(&mut *tx).await?;
        for table in ["DELETE FROM passkey WHERE token = $1", "DELETE FROM passkey_link WHERE token = $1"] {
            sqlx::query(table).bind(name).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// The answer that was given to this request before, if that is less than 24 hours ago. The key must name the
    /// asker too (the token's name and the header's value), so that nobody gets another's answer.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the key was used for another request.
    pub async fn idempotent(&self, key: &str, request: &Hash, now: Time) -> Result<Option<Answer>> {
        let row = sqlx::query(
            "SELECT request, status, content_type, body FROM idempotency WHERE key = $1 AND created > $2",
        )
        .bind(key)
        .bind(int(now.0) - int(ANSWER_SECONDS))
        .fetch_optional(self.rows())
        .await?;
        let Some(row) = row else { return Ok(None) };
        if db::hash(row.try_get(0)?)? != *request {
            return Err(StoreError::Conflict("this idempotency key was used for another request".into()));
        }
        let status: i64 = row.try_get(1)?;
        let status =
            u16::try_from(status).map_err(|_| StoreError::Damaged(format!("an answer's status {status}")))?;
        Ok(Some(Answer { status, content_type: row.try_get(2)?, body: row.try_get(3)? }))
    }

    /// Keeps an answer for a repeated request. The first answer under a key stays. Forgets what is older than 24
    /// hours, and the oldest beyond [`MAX_ANSWERS`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember(&self, key: &str, request: &Hash, answer: &Answer, now: Time) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        sqlx::query("DELETE FROM idempotency WHERE created <= $1")
            .bind(int(now.0) - int(ANSWER_SECONDS))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO idempotency (key, request, status, content_type, body, created)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING",
        )
        .bind(key)
        .bind(request.0.as_slice())
        .bind(i64::from(answer.status))
        .bind(&answer.content_type)
        .bind(&answer.body)
        .bind(int(now.0))
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM idempotency WHERE key IN
             (SELECT key FROM idempotency ORDER BY created DESC, key LIMIT -1 OFFSET $1)",
        )
        .bind(int(MAX_ANSWERS))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Counts one refused thing by a fixed word (a [`policy::Rejected`] code, `forked-ledger`, ...).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count(&self, what: &str) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM refused WHERE what = $1")
            .bind(what)
            .fetch_optional(&mut *tx)
            .await?;
        let kinds: i64 = sqlx::query_scalar("SELECT count(*) FROM refused").fetch_one(&mut *tx).await?;
        // One place is kept for `other` itself.
        let what = if known.is_some() || uint(kinds)? < MAX_COUNTERS - 1 { what } else { "other" };
        sqlx::query(
            "INSERT INTO refused (what, times) VALUES ($1, 1) ON CONFLICT (what) DO UPDATE SET times = times + 1",
        )
        .bind(what)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Everything that was counted, by word.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn counters(&self) -> Result<Vec<(String, u64)>> {
        self.reader().counters().await
    }
}

impl Reader {
    /// Everything that was counted as refused, by word.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn counters(&self) -> Result<Vec<(String, u64)>> {
        let rows =
            sqlx::query("SELECT what, times FROM refused ORDER BY what").fetch_all(self.rows()).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, uint(row.try_get(1)?)?))).collect()
    }
}

pub(crate) fn token_row(row: &SqliteRow) -> Result<Token> {
    Ok(Token { name: row.try_get(0)?, scope: row.try_get(1)?, created: db::time(row.try_get(2)?)? })
}
