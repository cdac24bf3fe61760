//! Evidence: files that nobody reads without the key that lies in the database.
//!
//! Each file has a key of its own, which seals nothing else. To destroy a piece is to remove its key: what is left, here
//! and in every copy of the folder, is noise. The journal of the case says what it was, who looked and who destroyed it.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ledger::Hash;
use policy::case::{Act, Case, facts::Evidence};
use policy::{Id, Sentence, Time};

use crate::{Result, Store, StoreError, cases, db};

/// Largest piece of evidence, bytes: a capture of a page with its pictures is under ten MiB; a video belongs to an
/// authority. It is sealed in one piece, in memory.
pub const MAX_EVIDENCE: usize = 32 << 20;

/// The folder in the store's directory.
const FOLDER: &str = "evidence";

impl Store {
    /// Seals a piece of evidence and writes into the journal that it is there. `key` is 32 random bytes that nothing else
    /// was sealed with.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when the bytes are too many or not those that `it` names; else as [`Store::add_to_case`].
    /// Nothing is changed then.
    pub async fn attach(
        &self,
        case: &Id,
        it: Evidence,
        bytes: Vec<u8>,
        key: [u8; 32],
        by: &Sentence,
        now: Time,
    ) -> Result<Case> {
        if bytes.len() > MAX_EVIDENCE {
            return Err(StoreError::Full {
                what: "bytes of a piece of evidence",
                limit: MAX_EVIDENCE as u64,
            });
        }
        if Hash::of(&bytes) != it.sha256 || bytes.len() as u64 != it.bytes {
            return Err(StoreError::Unfit("the bytes are not the ones that the entry names".into()));
        }
        // Sealed and on disk before the one writer of the database is held: a decision must not wait for a video.
        let temporary = self.folder().join(format!(".{}", Hash::of(&key)));
        let (folder, to, number) = (self.folder(), temporary.clone(), it.id.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &to, &seal(&number, bytes, key)?));
        written.await.map_err(|e| StoreError::Unfit(format!("the evidence was not sealed: {e}")))??;
        let recorded = self.record(case, it, &temporary, key, by, now).await;
        if recorded.is_err() {
            drop(fs::remove_file(&temporary));
        }
        recorded
    }

    async fn record(
        &self,
        case: &Id,
        it: Evidence,
        temporary: &Path,
        key: [u8; 32],
        by: &Sentence,
        now: Time,
    ) -> Result<Case> {
        let number = it.id.clone();
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        cases::add(&mut tx, &mut found, now, by, Act::Evidence(it)).await?;
        let fresh =
            sqlx::query("INSERT INTO evidence_key (evidence, key) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(number.as_str())
                .bind(&key[..])
                .execute(&mut *tx)
                .await?;
        if fresh.rows_affected() == 0 {
            return Err(StoreError::Conflict(format!("{number} belongs to another case")));
        }
        // The file first: a key without its file would be a promise that is not kept. A crash in between leaves a file
        // without a key, which the next piece of this number replaces.
        let file = self.folder().join(number.as_str());
        let named = || fs::rename(temporary, &file).and_then(|()| fs::File::open(self.folder())?.sync_all());
        named().map_err(|e| StoreError::io("write", &file, e))?;
        tx.commit().await?;
        Ok(found)
    }

    /// A piece of evidence, once the journal says that `by` has taken it out.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the case has none of this number, or it was destroyed; [`StoreError::Damaged`] when
    /// the file is not what was sealed.
    pub async fn fetch(
        &self,
        case: &Id,
        number: &Id,
        by: &Sentence,
        now: Time,
    ) -> Result<(Evidence, Vec<u8>)> {
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        let it = found.facts.evidence.get(number).cloned();
        let it = it.ok_or_else(|| StoreError::NotFound(format!("{number} in the case {case}")))?;
        cases::add(&mut tx, &mut found, now, by, Act::Fetch { evidence: number.clone() }).await?;
        let key: Option<Vec<u8>> = sqlx::query_scalar("SELECT key FROM evidence_key WHERE evidence = $1")
            .bind(number.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let damaged = |what: &str| StoreError::Damaged(format!("the evidence {number}: {what}"));
        let key: [u8; 32] =
            key.and_then(|key| key.try_into().ok()).ok_or_else(|| damaged("its key is gone"))?;
        let file = self.folder().join(number.as_str());
        let sealed = fs::read(&file).map_err(|e| StoreError::io("read", &file, e))?;
        let bytes = open(number, sealed, key).ok_or_else(|| damaged("the file is not what was sealed"))?;
        if Hash::of(&bytes) != it.sha256 {
            return Err(damaged("it is not what the journal names"));
        }
        tx.commit().await?;
        Ok((it, bytes))
    }

    /// Destroys a piece of evidence. Its entry stays; its key and its file are gone.
    ///
    /// # Errors
    /// As [`Store::add_to_case`].
    pub async fn destroy(
        &self,
        case: &Id,
        number: &Id,
        why: Sentence,
        by: &Sentence,
        now: Time,
    ) -> Result<Case> {
        let mut tx = db::begin(self.writer()).await?;
        let found = cases::load(&mut tx, case).await?;
        let mut found = found.ok_or_else(|| StoreError::NotFound(format!("the case {case}")))?;
        cases::add(&mut tx, &mut found, now, by, Act::Destroy { evidence: number.clone(), why }).await?;
        sqlx::query("DELETE FROM evidence_key WHERE evidence = $1")
            .bind(number.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.truncate_wal().await?;
        // Without its key it is noise; a crash before this line loses disk space, no secret.
        let file = self.folder().join(number.as_str());
        match fs::remove_file(&file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", &file, e)),
            _ => Ok(found),
        }
    }

    /// Removes what was being sealed when a desk ended. For the desk alone, at its start: nothing names such a file.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sweep_evidence(&self) -> Result<()> {
        let folder = self.folder();
        let unfinished = || -> io::Result<()> {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        match unfinished() {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("look into", &folder, e)),
            _ => Ok(()),
        }
    }

    fn folder(&self) -> PathBuf {
        self.dir().join(FOLDER)
    }
}

/// The number is bound to the seal: one piece cannot be put in another's place.
fn seal(number: &Id, mut bytes: Vec<u8>, key: [u8; 32]) -> Result<Vec<u8>> {
    let aad = Aad::from(number.as_str().as_bytes());
    let sealed =
        cipher(key).and_then(|cipher| cipher.seal_in_place_append_tag(nonce(), aad, &mut bytes).ok());
    sealed.map(|()| bytes).ok_or_else(|| StoreError::Unfit("the bytes cannot be sealed".into()))
}

fn open(number: &Id, mut sealed: Vec<u8>, key: [u8; 32]) -> Option<Vec<u8>> {
    let aad = Aad::from(number.as_str().as_bytes());
    let length = cipher(key)?.open_in_place(nonce(), aad, &mut sealed).ok()?.len();
    sealed.truncate(length);
    Some(sealed)
}

fn cipher(key: [u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
}

/// Each key seals one message, so no nonce can come twice.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// A file that nobody else may read, on disk when this returns.
fn write(folder: &Path, file: &Path, bytes: &[u8]) -> Result<()> {
    let durably = || -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        out.write_all(bytes)?;
        out.sync_all()
    };
    durably().map_err(|e| StoreError::io("write", file, e))
}
