//! Passkeys of the console, the links under which they are enrolled, and who is logged in.

use ledger::Hash;
use policy::Time;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use crate::access::{self, Token};
use crate::db::{self, int};
use crate::{Result, Store, StoreError};

/// Passkeys of one token: a telephone, a laptop, a hardware key, and the same again while they are replaced.
pub const MAX_PASSKEYS: i64 = 8;

/// Logins of one token at a time; the next one ends the one that would end first.
pub const MAX_SESSIONS: i64 = 8;

/// Links of one token at a time.
const MAX_LINKS: i64 = 8;

/// A passkey of whoever holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// The name of the token.
    pub token: String,
    /// The key as a policy would write it.
    pub vkey: String,
    /// What the library for WebAuthn keeps of it, JSON.
    pub kept: String,
    /// When it was enrolled.
    pub created: Time,
}

impl Store {
    /// Keeps the hash of a link under which a passkey can be enrolled for this token.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such token, [`StoreError::Full`] when it has all the passkeys it may.
    pub async fn add_passkey_link(&self, token: &str, secret: &Hash, until: Time, now: Time) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        has_room(&mut tx, token).await?;
        sqlx::query(
            "DELETE FROM passkey_link WHERE until <= $1 OR (token = $2 AND secret NOT IN
                (SELECT secret FROM passkey_link WHERE token = $2 ORDER BY until DESC LIMIT $3))",
        )
        .bind(int(now.0))
        .bind(token)
        .bind(MAX_LINKS - 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO passkey_link (secret, token, until) VALUES ($1, $2, $3)")
            .bind(secret.0.as_slice())
            .bind(token)
            .bind(int(until.0))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// For which token this link enrols, while it can.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn passkey_link(&self, secret: &Hash, now: Time) -> Result<Option<String>> {
        let row = sqlx::query(
            "SELECT l.token FROM passkey_link l JOIN token t ON t.name = l.token WHERE l.secret = $1 AND l.until > $2",
        )
        .bind(secret.0.as_slice())
        .bind(int(now.0))
        .fetch_optional(self.rows())
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Uses a link up and keeps the passkey that was made under it, both or neither.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the link is used or over, [`StoreError::Conflict`] when the passkey is there.
    pub async fn enrol_passkey(&self, link: &Hash, new: &Passkey) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let used = sqlx::query("DELETE FROM passkey_link WHERE secret = $1 AND token = $2 AND until > $3")
            .bind(link.0.as_slice())
            .bind(&new.token)
            .bind(int(new.created.0))
            .execute(&mut *tx)
            .await?;
        if used.rows_affected() == 0 {
            return Err(StoreError::NotFound("the link: it was used, or its time is over".into()));
        }
        has_room(&mut tx, &new.token).await?;
        let added = sqlx::query(
            "INSERT INTO passkey (credential, token, vkey, kept, created) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(&new.credential)
        .bind(&new.token)
        .bind(&new.vkey)
        .bind(&new.kept)
        .bind(int(new.created.0))
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(StoreError::Conflict("this passkey is enrolled already".into()));
        }
        Ok(tx.commit().await?)
    }

    /// The passkeys of a token, or all; the oldest first. Those of a token that is gone are no passkeys any more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn passkeys(&self, token: Option<&str>) -> Result<Vec<Passkey>> {
        let rows = sqlx::query(
            "SELECT p.credential, p.token, p.vkey, p.kept, p.created FROM passkey p JOIN token t ON t.name = p.token
             WHERE $1 IS NULL OR p.token = $1 ORDER BY p.created, p.vkey",
        )
        .bind(token)
        .fetch_all(self.rows())
        .await?;
        rows.iter().map(passkey_row).collect()
    }

    /// Takes a passkey out, with every login that was made with it. Says whether it was there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_passkey(&self, vkey: &str) -> Result<bool> {
        let done =
            sqlx::query("DELETE FROM passkey WHERE vkey = $1").bind(vkey).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps a login with this passkey, and what the library keeps of the passkey after it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the passkey is gone.
    pub async fn enter(&self, secret: &Hash, with: &Passkey, until: Time, now: Time) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let kept = sqlx::query("UPDATE passkey SET kept = $2 WHERE credential = $1")
            .bind(&with.credential)
            .bind(&with.kept)
            .execute(&mut *tx)
            .await?;
        if kept.rows_affected() == 0 {
            return Err(StoreError::NotFound("the passkey: it was taken out".into()));
        }
        sqlx::query(
            "DELETE FROM session WHERE until <= $1 OR secret IN (
                SELECT s.secret FROM session s JOIN passkey p ON p.credential = s.credential
                WHERE p.token = $2 ORDER BY s.until DESC LIMIT -1 OFFSET $3)",
        )
        .bind(int(now.0))
        .bind(&with.token)
        .bind(MAX_SESSIONS - 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO session (secret, credential, until) VALUES ($1, $2, $3)")
            .bind(secret.0.as_slice())
            .bind(&with.credential)
            .bind(int(until.0))
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Whose login this is: the token that its passkey stands for, while both are there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session(&self, secret: &Hash, now: Time) -> Result<Option<Token>> {
        let row = sqlx::query(
            "SELECT t.name, t.scope, t.created FROM session s JOIN passkey p ON p.credential = s.credential
             JOIN token t ON t.name = p.token WHERE s.secret = $1 AND s.until > $2",
        )
        .bind(secret.0.as_slice())
        .bind(int(now.0))
        .fetch_optional(self.rows())
        .await?;
        row.as_ref().map(access::token_row).transpose()
    }

    /// Ends a login.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave(&self, secret: &Hash) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE secret = $1")
            .bind(secret.0.as_slice())
            .execute(self.writer())
            .await?;
        Ok(())
    }
}

async fn has_room(tx: &mut SqliteConnection, token: &str) -> Result<()> {
    let there =
        sqlx::query("SELECT 1 FROM token WHERE name = $1").bind(token).fetch_optional(&mut *tx).await?;
    if there.is_none() {
        return Err(StoreError::NotFound(format!("the token {token}")));
    }
    let row = sqlx::query("SELECT count(*) FROM passkey WHERE token = $1").bind(token).fetch_one(tx).await?;
    match row.try_get::<i64, _>(0)? < MAX_PASSKEYS {
        true => Ok(()),
        false => Err(StoreError::Full { what: "passkeys of one token", limit: MAX_PASSKEYS.unsigned_abs() }),
    }
}

fn passkey_row(row: &SqliteRow) -> Result<Passkey> {
    Ok(Passkey {
        credential: row.try_get(0)?,
        token: row.try_get(1)?,
        vkey: row.try_get(2)?,
        kept: row.try_get(3)?,
        created: db::time(row.try_get(4)?)?,
    })
}
