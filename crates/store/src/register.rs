//! The register of contacts: kept in full for the desk, as bare counts for the public.

use policy::register::{Contact, Party, Side};
use policy::{Sentence, Time};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::db::{self, int};
use crate::{Reader, Result, Store, StoreError};

/// Contacts that are kept: thirty a day for nine years. A campaign is written down as one.
pub const MAX_REGISTER: u64 = 100_000;

/// A contact in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its place, from 1.
    pub seq: u64,
    /// When it was written down.
    pub at: Time,
    /// By whom: the name of a token.
    pub by: Sentence,
    /// What.
    pub contact: Contact,
}

impl Store {
    /// Writes a contact down. Gives its place.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when it lies ahead of `now`; [`StoreError::Full`] at [`MAX_REGISTER`].
    pub async fn register(&self, it: &Contact, by: &Sentence, now: Time) -> Result<u64> {
        if it.when > now {
            return Err(StoreError::Unfit("nothing is written down before it happens".into()));
        }
        let mut tx = db::begin(self.writer()).await?;
        let held: i64 = sqlx::query_scalar("SELECT count(*) FROM register").fetch_one(&mut *tx).await?;
        if held >= int(MAX_REGISTER) {
            return Err(StoreError::Full { what: "contacts in the register", limit: MAX_REGISTER });
        }
        sqlx::query(
            "INSERT INTO register (seq, at, by, happened, party, name, side, customer, what)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(held + 1)
        .bind(int(now.0))
        .bind(by.as_str())
        .bind(int(it.when.0))
        .bind(it.party.word())
        .bind(it.name.as_str())
        .bind(it.side.word())
        .bind(it.customer.as_ref().map(policy::Id::as_str))
        .bind(it.what.as_str())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        db::uint(held + 1)
    }

    /// The register, newest first; `before` is the place of the last one of the part before.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row is not what was written.
    pub async fn registered(&self, before: Option<u64>, limit: u32) -> Result<Vec<Registered>> {
        let rows = sqlx::query("SELECT * FROM register WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
            .bind(before.map_or(i64::MAX, int))
            .bind(i64::from(limit.min(crate::MAX_PAGE)))
            .fetch_all(self.rows())
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<Registered> {
    let seq = db::uint(row.try_get("seq")?)?;
    let damaged = |what: &str| StoreError::Damaged(format!("contact {seq} of the register: {what}"));
    let sentence = |column: &str| -> Result<Sentence> {
        Sentence::parse(row.try_get(column)?).map_err(|why| damaged(&format!("{column} {why}")))
    };
    let customer: Option<&str> = row.try_get("customer")?;
    Ok(Registered {
        seq,
        at: db::time(row.try_get("at")?)?,
        by: sentence("by")?,
        contact: Contact {
            when: db::time(row.try_get("happened")?)?,
            party: Party::parse(row.try_get("party")?).ok_or_else(|| damaged("its party"))?,
            name: sentence("name")?,
            side: Side::parse(row.try_get("side")?).ok_or_else(|| damaged("its side"))?,
            customer: customer.map(db::id).transpose()?,
            what: sentence("what")?,
        },
    })
}

/// How many pressed in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// The month, as in 2026-11.
    pub month: String,
    /// What they are.
    pub party: Party,
    /// How many that we act.
    pub yes: u64,
    /// How many that we do not.
    pub no: u64,
}

impl Reader {
    /// The public side of the register: counts by month and party, the newest month first, at most ten years of them. No
    /// name, no customer and no word of it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row is not what was written.
    pub async fn pressed(&self) -> Result<Vec<Pressed>> {
        let rows = sqlx::query(
            "SELECT strftime('%Y-%m', happened, 'unixepoch') AS month, party,
                    sum(side = 'for') AS yes, sum(side = 'against') AS no
             FROM register GROUP BY month, party ORDER BY month DESC, party LIMIT $1",
        )
        .bind(i64::try_from(120 * Party::ALL.len()).unwrap_or(i64::MAX))
        .fetch_all(self.rows())
        .await?;
        let read = |row: &SqliteRow| {
            let party = Party::parse(row.try_get("party")?);
            Ok(Pressed {
                month: row.try_get("month")?,
                party: party.ok_or_else(|| StoreError::Damaged("a party in the register".into()))?,
                yes: db::uint(row.try_get("yes")?)?,
                no: db::uint(row.try_get("no")?)?,
            })
        };
        rows.iter().map(read).collect()
    }
}
