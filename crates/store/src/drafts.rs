//! Notes being signed: one text, growing signature lines, and in the end an index in the ledger or nothing.

use ledger::note;
use policy::{Id, Time};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::db::{self, int, uint};
use crate::{Result, Store, StoreError};

/// Drafts in one answer: a console page shows 50; 200 texts of at most 64 KiB are 13 MiB in the worst case.
pub const MAX_PAGE: u32 = 200;

/// Longest signature line, bytes: an SSHSIG of a FIDO key is about 600 bytes in base64 behind its name.
const MAX_LINE: usize = 4096;

/// A note that somebody wants signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDraft {
    /// The id in the note's text.
    pub id: Id,
    /// The kind in the note's first line, as the caller parsed it.
    pub kind: String,
    /// The text, exactly as it will be signed.
    pub text: String,
    /// When it was put.
    pub created: Time,
}

/// A note being signed, or what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The id in the note's text.
    pub id: Id,
    /// The kind in the note's first line.
    pub kind: String,
    /// The text, exactly as it is signed.
    pub text: String,
    /// When it was put.
    pub created: Time,
    /// Signature lines (`— name base64`, no newline) in the order they came. The store does not verify them.
    pub signatures: Vec<String>,
    /// What became of it.
    pub state: DraftState,
}

impl Draft {
    /// The signed note as bytes: text, blank line, one line per signature. Parses back only with a signature.
    #[must_use]
    pub fn to_note(&self) -> Vec<u8> {
        let mut note = format!("{}\n", self.text);
        for line in &self.signatures {
            note.push_str(line);
            note.push('\n');
        }
        note.into_bytes()
    }
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftState {
    /// Signatures are still wanted.
    Collecting,
    /// It is entry `index` of the ledger.
    Published {
        /// Its place in the ledger.
        index: u64,
    },
    /// It will not be published.
    Void,
}

impl DraftState {
    /// `collecting`, `published` or `void`, as the API says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DraftState::Collecting => "collecting",
            DraftState::Published { .. } => "published",
            DraftState::Void => "void",
        }
    }
}

/// Which part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Continue behind this one: creation time and id of the last draft of the page before.
    pub before: Option<(Time, Id)>,
    /// At most so many; held at [`MAX_PAGE`].
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Page {
        Page { before: None, limit: 50 }
    }
}

impl Store {
    /// Keeps a note to be signed. The same id with the same text is the same draft, whenever it comes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken by another text or kind; [`StoreError::Full`] for a text above
    /// [`note::MAX_NOTE`].
    pub async fn put_draft(&self, new: &NewDraft) -> Result<Draft> {
        if new.text.len() > note::MAX_NOTE {
            return Err(StoreError::Full { what: "bytes of a note's text", limit: note::MAX_NOTE as u64 });
        }
        let mut tx = db::begin(self.writer()).await?;
        sqlx::query(
            "INSERT INTO draft (id, kind, text, created, state) VALUES ($1, $2, $3, $4, 'collecting')
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(new.id.as_str())
        .bind(&new.kind)
        .bind(&new.text)
        .bind(int(new.created.0))
        .execute(&mut *tx)
        .await?;
        let draft = require(&mut tx, &new.id).await?;
        tx.commit().await?;
        if draft.text != new.text || draft.kind != new.kind {
            let why = format!("the id {} belongs to another text; give the new note a new id", new.id);
            return Err(StoreError::Conflict(why));
        }
        Ok(draft)
    }

    /// Adds one signature line to a collecting draft. A line that is there already is not added again.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] for a line that is not a signature line; [`StoreError::Conflict`] when the draft is
    /// published, void or just being published; [`StoreError::Full`] at [`note::MAX_SIGNATURES`].
    pub async fn add_signature(&self, id: &Id, line: &str) -> Result<Draft> {
        if line.len() > MAX_LINE || note::Signature::parse_line(line).is_err() {
            return Err(StoreError::Unfit("a signature line is `— name base64`, without a newline".into()));
        }
        let mut tx = db::begin(self.writer()).await?;
        let draft = require_open(&mut tx, id).await?;
        if !draft.signatures.iter().any(|have| have == line) {
            if draft.signatures.len() >= note::MAX_SIGNATURES {
                let limit = note::MAX_SIGNATURES as u64;
                return Err(StoreError::Full { what: "signatures on a note", limit });
            }
            sqlx::query("INSERT INTO signature (draft, position, line) VALUES ($1, $2, $3)")
                .bind(id.as_str())
                .bind(int(draft.signatures.len() as u64))
                .bind(line)
                .execute(&mut *tx)
                .await?;
        }
        let draft = require(&mut tx, id).await?;
        tx.commit().await?;
        Ok(draft)
    }

    /// Gives a collecting draft up for ever. Doing it twice is the same as once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is published or just being published.
    pub async fn void_draft(&self, id: &Id) -> Result<Draft> {
        let mut tx = db::begin(self.writer()).await?;
        let draft = require(&mut tx, id).await?;
        if draft.state != DraftState::Void {
            require_open(&mut tx, id).await?;
            sqlx::query("UPDATE draft SET state = 'void' WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
        }
        let draft = require(&mut tx, id).await?;
        tx.commit().await?;
        Ok(draft)
    }

    /// One draft with its signatures.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn draft(&self, id: &Id) -> Result<Option<Draft>> {
        let mut tx = self.rows().begin().await?;
        load(&mut tx, id).await
    }

    /// Drafts, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn drafts(&self, page: &Page) -> Result<Vec<Draft>> {
        let (before, last) = match &page.before {
            Some((time, id)) => (int(time.0), id.as_str()),
            None => (i64::MAX, ""),
        };
        let mut tx = self.rows().begin().await?;
        let rows = sqlx::query(
            "SELECT id, kind, text, created, state, log_index FROM draft
             WHERE (created, id) < ($1, $2) ORDER BY created DESC, id DESC LIMIT $3",
        )
        .bind(before)
        .bind(last)
        .bind(i64::from(page.limit.min(MAX_PAGE)))
        .fetch_all(&mut *tx)
        .await?;
        let mut drafts = Vec::with_capacity(rows.len());
        for row in rows {
            drafts.push(from_row(&mut tx, &row).await?);
        }
        Ok(drafts)
    }
}

/// The draft, or an error that names it.
pub(crate) async fn require(tx: &mut SqliteConnection, id: &Id) -> Result<Draft> {
    load(tx, id).await?.ok_or_else(|| StoreError::NotFound(format!("the draft {id}")))
}

/// The draft, if it may still change: collecting, and no plan publishes it at this moment.
pub(crate) async fn require_open(tx: &mut SqliteConnection, id: &Id) -> Result<Draft> {
    let draft = require(tx, id).await?;
    if draft.state != DraftState::Collecting {
        let why = format!("the draft {id} is {} and does not change any more", draft.state.as_str());
        return Err(StoreError::Conflict(why));
    }
    let planned =
        sqlx::query("SELECT 1 FROM plan WHERE draft = $1").bind(id.as_str()).fetch_optional(&mut *tx).await?;
    match planned {
        Some(_) => Err(StoreError::Conflict(format!("the draft {id} is being published"))),
        None => Ok(draft),
    }
}

async fn load(tx: &mut SqliteConnection, id: &Id) -> Result<Option<Draft>> {
    let row = sqlx::query("SELECT id, kind, text, created, state, log_index FROM draft WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    match row {
        Some(row) => from_row(tx, &row).await.map(Some),
        None => Ok(None),
    }
}

async fn from_row(tx: &mut SqliteConnection, row: &SqliteRow) -> Result<Draft> {
    let id: &str = row.try_get(0)?;
    let signatures = sqlx::query_scalar("SELECT line FROM signature WHERE draft = $1 ORDER BY position")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
    let state: &str = row.try_get(4)?;
    let index: Option<i64> = row.try_get(5)?;
    let state = match (state, index) {
        ("collecting", None) => DraftState::Collecting,
        ("void", None) => DraftState::Void,
        ("published", Some(index)) => DraftState::Published { index: uint(index)? },
        _ => return Err(StoreError::Damaged(format!("the draft {id} is in the state {state:?}"))),
    };
    Ok(Draft {
        id: db::id(id)?,
        kind: row.try_get(1)?,
        text: row.try_get(2)?,
        created: db::time(row.try_get(3)?)?,
        signatures,
        state,
    })
}
