//! Where customers are told what was decided about them.

use policy::{Id, MailAddress, Time};
use sqlx::{Row, sqlite::SqliteRow};

use crate::db::{self, int};
use crate::{Result, Store, StoreError};

/// Contacts that are kept: as many customers as one sites file holds hostnames.
pub const MAX_CONTACTS: u64 = 20_000;

/// A customer's address for such mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Whose.
    pub customer: Id,
    /// Where.
    pub address: MailAddress,
    /// In which language, in the desk's words.
    pub language: String,
    /// Since when it is this one.
    pub since: Time,
}

impl Store {
    /// Sets where a customer is told.
    ///
    /// # Errors
    /// [`StoreError::Full`] at [`MAX_CONTACTS`].
    pub async fn set_contact(&self, contact: &Contact) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM contact WHERE customer <> $1")
            .bind(contact.customer.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if known >= int(MAX_CONTACTS) {
            return Err(StoreError::Full { what: "contacts of customers", limit: MAX_CONTACTS });
        }
        sqlx::query(
            "INSERT INTO contact (customer, address, language, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT (customer) DO UPDATE SET address = $2, language = $3, since = $4",
        )
        .bind(contact.customer.as_str())
        .bind(contact.address.as_str())
        .bind(&contact.language)
        .bind(int(contact.since.0))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets where a customer is told. Says whether it was known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_contact(&self, customer: &Id) -> Result<bool> {
        let done = sqlx::query("DELETE FROM contact WHERE customer = $1")
            .bind(customer.as_str())
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Where a customer is told, if that is known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn contact(&self, customer: &Id) -> Result<Option<Contact>> {
        let row = sqlx::query("SELECT customer, address, language, since FROM contact WHERE customer = $1")
            .bind(customer.as_str())
            .fetch_optional(self.rows())
            .await?;
        row.as_ref().map(contact).transpose()
    }

    /// All that are known, by customer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn contacts(&self) -> Result<Vec<Contact>> {
        let rows = sqlx::query("SELECT customer, address, language, since FROM contact ORDER BY customer")
            .fetch_all(self.rows())
            .await?;
        rows.iter().map(contact).collect()
    }
}

fn contact(row: &SqliteRow) -> Result<Contact> {
    let address: &str = row.try_get(1)?;
    Ok(Contact {
        customer: db::id(row.try_get(0)?)?,
        address: MailAddress::parse(address)
            .map_err(|why| StoreError::Damaged(format!("the contact of a customer {why}")))?,
        language: row.try_get(2)?,
        since: db::time(row.try_get(3)?)?,
    })
}
