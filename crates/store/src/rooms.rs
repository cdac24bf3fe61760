//! Rooms: where an authority reads what it was told, and answers. What is said there becomes an entry of the case.

use ledger::Hash;
use policy::case::facts::{Answer, Answered, Evidence, Referral, Source};
use policy::case::{Act, Case, Entry};
use policy::room::Said;
use policy::{Id, Sentence, Time};
use sqlx::{Row as _, SqliteConnection};

use crate::db::{self, int};
use crate::{Reader, Result, Store, StoreError, cases};

/// Largest letter in a room, bytes: ten pages.
pub const MAX_LETTER: usize = 32 * 1024;

/// Lines that a room shows, the newest: a conversation of more is held by telephone.
const ROOM_LINES: i64 = 200;

/// A room to be opened beside a referral.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// SHA-256 of the secret in its link.
    pub secret: Hash,
    /// [`policy::room::code_hash`] of its code.
    pub code: Hash,
    /// What the authority reads there.
    pub letter: String,
    /// Until when it is open.
    pub closes: Time,
}

/// What was said in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomLine {
    /// When it was written down.
    pub at: Time,
    /// What they answered; `None` when it is ours.
    pub answer: Option<Answer>,
    /// In words.
    pub what: Sentence,
}

/// A room, for whoever holds its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The hash that the code must have.
    pub code: Hash,
    /// What the authority was told.
    pub letter: String,
    /// Until when it is open.
    pub closes: Time,
    /// The newest 200, the oldest first.
    pub lines: Vec<RoomLine>,
}

impl Store {
    /// Writes a referral into its case, and opens a room beside it.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when the letter is too long; else as [`Store::add_to_case`]. Nothing is changed then.
    pub async fn refer(
        &self,
        case: &Id,
        it: Referral,
        room: &NewRoom,
        by: &Sentence,
        now: Time,
    ) -> Result<Case> {
        if room.letter.trim().is_empty() || room.letter.len() > MAX_LETTER {
            return Err(StoreError::Unfit("the letter is empty, or longer than 32 KiB".into()));
        }
        let referral = it.id.clone();
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        cases::add(&mut tx, &mut found, now, by, Act::Refer(it)).await?;
        let opened = sqlx::query(
            "INSERT INTO room (referral, case_id, secret, code, letter, closes) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
        )
        .bind(referral.as_str())
        .bind(case.as_str())
        .bind(room.secret.0.as_slice())
        .bind(room.code.0.as_slice())
        .bind(&room.letter)
        .bind(int(room.closes.0))
        .execute(&mut *tx)
        .await?;
        if opened.rows_affected() == 0 {
            return Err(StoreError::Conflict(format!("there is a room for {referral} already")));
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Writes what was said in a room into the case, once. A closed case is opened again by it: an authority that
    /// answers is heard. Gives the case; `None` when it was taken before, or there is no such room.
    ///
    /// # Errors
    /// As [`Store::attach`]. Nothing is changed then.
    pub async fn take_said(
        &self,
        said: &Said,
        document: Option<(Vec<u8>, [u8; 32])>,
        now: Time,
    ) -> Result<Option<Id>> {
        let case: Option<String> = sqlx::query_scalar(
            "SELECT case_id FROM room WHERE referral = $1 AND $2 NOT IN (SELECT id FROM room_taken)",
        )
        .bind(said.referral.as_str())
        .bind(said.id.as_str())
        .fetch_optional(self.rows())
        .await?;
        let Some(case) = case.map(|id| db::id(&id)).transpose()? else { return Ok(None) };
        let by = words(policy::room::WRITER);
        if let Some((bytes, key)) = document {
            self.hand_over(&case, said, bytes, key, &by, now).await?;
        }
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, &case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        wake(&mut tx, &mut found, &by, now).await?;
        let from = Sentence::parse(&format!("{}, in the room of {}", said.name, said.referral));
        let answered = Answered {
            referral: said.referral.clone(),
            answer: said.answer,
            // The press has a clock of its own.
            said: said.at.min(now),
            from: from.unwrap_or_else(|_| words("somebody in the room")),
            what: said.what.clone(),
        };
        cases::add(&mut tx, &mut found, now, &by, Act::Answer(answered)).await?;
        sqlx::query("INSERT INTO room_taken (id) VALUES ($1)")
            .bind(said.id.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(case))
    }

    /// A document that came with an answer, as evidence. Its number follows from the answer's, so a second time is none.
    async fn hand_over(
        &self,
        case: &Id,
        said: &Said,
        bytes: Vec<u8>,
        key: [u8; 32],
        by: &Sentence,
        now: Time,
    ) -> Result<()> {
        let number = Id::parse(&said.id.as_str().replacen("ans-", "evd-", 1));
        let number = number.ok_or_else(|| StoreError::Unfit(format!("{} is no answer", said.id)))?;
        let there = self.case(case).await?.is_some_and(|case| case.facts.evidence.contains_key(&number));
        if there {
            return Ok(());
        }
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        let authority = found.facts.referrals.get(&said.referral).map(|r| r.it.authority.to_string());
        wake(&mut tx, &mut found, by, now).await?;
        tx.commit().await?;
        let it = Evidence {
            id: number,
            sha256: Hash::of(&bytes),
            bytes: bytes.len() as u64,
            source: Source::Authority,
            from: words(&authority.unwrap_or_else(|| "an authority".into())),
            captured: said.at.min(now),
            what: words("A document, handed over in the room. Nobody has checked whose it is."),
        };
        self.attach(case, it, bytes, key, by, now).await.map(drop)
    }
}

/// An answer to a closed case opens it again.
async fn wake(tx: &mut SqliteConnection, case: &mut Case, by: &Sentence, now: Time) -> Result<()> {
    if case.closed.is_none() {
        return Ok(());
    }
    cases::add(tx, case, now, by, Act::Reopen { why: words("An authority answered.") }).await
}

fn words(text: &str) -> Sentence {
    Sentence::parse(text).expect("our own words are a sentence")
}

/// What was said to or by an authority that has a room stands in the room too.
pub(crate) async fn show(tx: &mut SqliteConnection, entry: &Entry) -> Result<()> {
    let (referral, answer, what) = match &entry.act {
        Act::Answer(it) => (&it.referral, Some(it.answer.word()), &it.what),
        Act::Reply(it) => (&it.referral, None, &it.what),
        _ => return Ok(()),
    };
    sqlx::query(
        "INSERT INTO room_line (referral, seq, at, answer, what)
         SELECT referral, (SELECT count(*) FROM room_line WHERE referral = $1), $2, $3, $4 FROM room
         WHERE referral = $1 AND case_id = $5",
    )
    .bind(referral.as_str())
    .bind(int(entry.at.0))
    .bind(answer)
    .bind(what.as_str())
    .bind(entry.case.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

impl Reader {
    /// The room of a referral, for whoever has the secret of its link.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row is not what was written.
    pub async fn room(&self, referral: &Id, secret: &Hash) -> Result<Option<Room>> {
        let row = sqlx::query("SELECT code, letter, closes FROM room WHERE referral = $1 AND secret = $2")
            .bind(referral.as_str())
            .bind(secret.0.as_slice())
            .fetch_optional(self.rows())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let damaged = |what: &str| StoreError::Damaged(format!("the room of {referral}: {what}"));
        let lines = sqlx::query(
            "SELECT at, answer, what FROM room_line WHERE referral = $1 ORDER BY seq DESC LIMIT $2",
        )
        .bind(referral.as_str())
        .bind(ROOM_LINES)
        .fetch_all(self.rows())
        .await?;
        let line = |row: &sqlx::sqlite::SqliteRow| {
            let (answer, what): (Option<String>, String) = (row.try_get("answer")?, row.try_get("what")?);
            let answer =
                answer.map(|word| Answer::parse(&word).ok_or_else(|| damaged("an answer"))).transpose()?;
            let what = Sentence::parse(&what).map_err(damaged)?;
            Ok(RoomLine { at: db::time(row.try_get("at")?)?, answer, what })
        };
        Ok(Some(Room {
            code: db::hash(row.try_get("code")?)?,
            letter: row.try_get("letter")?,
            closes: db::time(row.try_get("closes")?)?,
            lines: lines.iter().rev().map(line).collect::<Result<_>>()?,
        }))
    }
}
