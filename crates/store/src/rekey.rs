//! A new log key: the ledger is made anew up to where the policy quorum says, and goes on from there.
//!
//! What was there before is kept beside it, as proof. The new files are made in a folder of their own and put in place by
//! renaming, so a crash anywhere is mended by doing all of it again:
//! 1. the folder `ledger.rekeyed` is whole — nothing has changed;
//! 2. the database has the new head — publication is refused, because the files are not the head's;
//! 3. `ledger` is renamed to `ledger.before-N` — nothing is served;
//! 4. `ledger.rekeyed` is renamed to `ledger` — all of it is in place.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use ledger::checkpoint::{self, Checkpoint};
use ledger::merkle::{self, Tree};
use ledger::note::{Note, SigningKey};
use ledger::tile::{EntriesPath, WIDTH, encode_bundle};
use policy::entry::Entry;
use policy::note::PolicyNote;
use policy::{AnyNote, Kind, Seen, State, Time};

use crate::db::{self, int};
use crate::dir::{LedgerDir, LedgerPath};
use crate::fault::Write;
use crate::{Result, Store, StoreError, publish};

/// What a new log key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// The size of the ledger under its new key.
    pub size: u64,
    /// Where the files from before are; `None` when all of this had been done before.
    pub before: Option<std::path::PathBuf>,
    /// Lifts and suspensions among the entries that were let go of. They have effect wherever they are known; they ought
    /// to be logged again.
    pub undos: Vec<Note>,
}

impl Store {
    /// Lets the ledger go on under a new key, from the size and root that a policy with the policy quorum names. Entries
    /// after that are let go of; the drafts they came from collect again, so what still holds is published again. No desk
    /// may be running.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] when the note is no such policy, has no quorum, goes on from another log, or names another
    /// key than the one given. Nothing has changed then.
    pub async fn rekey(&self, policy: &[u8], key: &SigningKey, logged: Time) -> Result<Rekeyed> {
        if let Some(plan) = self.unfinished().await? {
            if plan.signed() {
                publish::run(self, &plan, key).await?;
            } else {
                self.drop_unsigned_plan().await?;
            }
        }
        let _lock = publish::lock(self)?;
        self.finish_swap()?;
        let made = self.plan_rekey(policy, key, logged).await?;
        let Some(made) = made else {
            let size = self.ledger().size()?;
            // Whoever logs them again may have been stopped before the last one.
            return Ok(Rekeyed { size, before: None, undos: self.left_behind(policy)? });
        };
        let dir = &self.inner.dir;
        let new = LedgerDir::new(dir.join(NEW));
        made.write(self, &new, &dir.join(NEW))?;
        self.put_rekeyed(&made).await?;
        let before = (0u32..).map(|n| dir.join(format!("ledger.before-{}-{n}", made.version)));
        let before = before.into_iter().find(|path| !path.exists()).expect("a free number");
        self.rename(&dir.join("ledger"), &before, "ledger.before")?;
        self.finish_swap()?;
        Ok(Rekeyed { size: made.entries.len() as u64, before: Some(before), undos: made.undos })
    }

    /// Lifts and suspensions of the ledger that this policy let go of, which the present one does not have.
    fn left_behind(&self, policy: &[u8]) -> Result<Vec<Note>> {
        let note = Note::parse(policy).map_err(|e| StoreError::Unfit(format!("the policy: {e}")))?;
        let Ok(AnyNote::Policy(policy)) = AnyNote::parse(note.text()) else { return Ok(Vec::new()) };
        let all = |ledger: &LedgerDir| ledger.size().and_then(|size| ledger.entries(0, size, size));
        let text = |entry: &Vec<u8>| Entry::parse(entry).ok().map(|e| e.note.text().to_owned());
        let mut known: BTreeSet<String> = all(self.ledger())?.iter().filter_map(text).collect();
        let mut undos = Vec::new();
        let before = (0u32..).map(|n| self.inner.dir.join(format!("ledger.before-{}-{n}", policy.version)));
        for ledger in before.take_while(|path| path.exists()).map(LedgerDir::new) {
            let found = all(&ledger)?;
            undos.extend(found.iter().filter_map(|e| undo(e)).filter(|n| known.insert(n.text().to_owned())));
        }
        Ok(undos)
    }

    /// Puts the new files in place if the old ones were set aside already.
    fn finish_swap(&self) -> Result<()> {
        let dir = &self.inner.dir;
        let (new, place) = (dir.join(NEW), dir.join("ledger"));
        if self.ledger().read(&LedgerPath::Checkpoint)?.is_some() || !new.join("checkpoint").exists() {
            return Ok(());
        }
        // An empty folder may have been made by whoever opened the store in between.
        if place.exists() {
            fs::remove_dir(&place).map_err(|e| StoreError::io("remove the empty", &place, e))?;
        }
        self.rename(&new, &place, "ledger")
    }

    /// Renames a folder, durably.
    fn rename(&self, from: &Path, to: &Path, what: &str) -> Result<()> {
        let (hook, step) = (&self.inner.hook, Write::Rename(what.to_owned()));
        let renamed = hook
            .before(&step)
            .and_then(|()| fs::rename(from, to))
            .and_then(|()| File::open(&self.inner.dir)?.sync_all())
            .and_then(|()| hook.after(&step));
        renamed.map_err(|e| StoreError::io("rename", from, e))
    }

    /// Checks everything, and makes what is to be written. `None` when the ledger has it all already.
    async fn plan_rekey(&self, policy: &[u8], key: &SigningKey, logged: Time) -> Result<Option<Made>> {
        let unfit = |why: String| StoreError::Unfit(why);
        let note = Note::parse(policy).map_err(|e| unfit(format!("the policy: {e}")))?;
        let AnyNote::Policy(parsed) = AnyNote::parse(note.text()).map_err(|e| unfit(e.to_string()))? else {
            return Err(unfit("only a policy names a new log key".into()));
        };
        if parsed.log != key.verifier() {
            return Err(unfit(format!(
                "the policy names {}, the key given is {}",
                parsed.log,
                key.verifier()
            )));
        }
        let (size, root) = parsed.log_from.ok_or_else(|| unfit("it has no `log-from`".into()))?;
        let trust = self.trust().await?.ok_or(StoreError::NoLedger)?;
        let public = self.ledger().size()?;
        let all = self.ledger().entries(0, public, public)?;
        let at = usize::try_from(size).unwrap_or(usize::MAX);
        let same = |entry: &Vec<u8>| Entry::parse(entry).is_ok_and(|e| e.note.text() == note.text());
        let signed = self.ledger().read(&LedgerPath::Checkpoint)?.unwrap_or_default();
        let head = self.head().await?.ok_or(StoreError::NoLedger)?;
        let done = head.size == public && checkpoint::open(&signed, &key.verifier()).is_ok();
        if all.get(at).is_some_and(same) && done {
            return Ok(None);
        }
        let tree: Tree = all.iter().map(|entry| merkle::leaf_hash(entry)).collect();
        if tree.root_at(size) != Some(root) {
            let why = format!("it goes on from {size} entries of another log; this one has {public}");
            return Err(unfit(why));
        }
        let mut entries: Vec<Vec<u8>> = all.iter().take(at).cloned().collect();
        let state = fold(&trust, &entries)?;
        let logged = logged.max(state.newest_logged());
        state.would_apply(&note, logged).map_err(|why| unfit(format!("the policy has no effect: {why}")))?;
        entries.push(Entry { logged, note }.to_bytes());
        let undos = all.iter().skip(at).filter_map(|entry| undo(entry)).collect();
        Ok(Some(Made::new(&parsed, entries, undos, logged, key)?))
    }

    async fn put_rekeyed(&self, made: &Made) -> Result<()> {
        let mut tx = db::begin(self.writer()).await?;
        sqlx::query("UPDATE head SET size = $1, root = $2, logged = $3, checkpoint = $4 WHERE one = 1")
            .bind(int(made.checkpoint.size))
            .bind(made.checkpoint.root.0.as_slice())
            .bind(int(made.logged.0))
            .bind(&made.signed)
            .execute(&mut *tx)
            .await?;
        // They speak of the log that was let go of, and would stop every publication on this one.
        sqlx::query("DELETE FROM receipt").execute(&mut *tx).await?;
        sqlx::query("UPDATE draft SET state = 'collecting', log_index = NULL WHERE log_index >= $1")
            .bind(int(made.checkpoint.size - 1))
            .execute(&mut *tx)
            .await?;
        self.before("rekeyed")?;
        tx.commit().await?;
        self.after("rekeyed")
    }
}

const NEW: &str = "ledger.rekeyed";

fn fold(trust: &policy::Trust, entries: &[Vec<u8>]) -> Result<State> {
    let (first, rest) = entries.split_first().ok_or(StoreError::NoLedger)?;
    let mut state = State::genesis(trust, first, true)
        .map_err(|why| StoreError::Damaged(format!("entry 0 is refused: {why}")))?;
    for (index, entry) in (1..).zip(rest) {
        state.apply(index, entry, Seen::CatchUp);
    }
    Ok(state)
}

fn undo(entry: &[u8]) -> Option<Note> {
    let note = Entry::parse(entry).ok()?.note;
    let kind = AnyNote::parse(note.text()).ok()?.kind();
    matches!(kind, Kind::Lift | Kind::Suspend).then_some(note)
}

/// A ledger to be written.
struct Made {
    version: u64,
    entries: Vec<Vec<u8>>,
    undos: Vec<Note>,
    logged: Time,
    checkpoint: Checkpoint,
    signed: Vec<u8>,
    tree: Tree,
}

impl Made {
    fn new(
        policy: &PolicyNote,
        entries: Vec<Vec<u8>>,
        undos: Vec<Note>,
        logged: Time,
        key: &SigningKey,
    ) -> Result<Self> {
        let tree: Tree = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
        let size = tree.len();
        let root = tree.root_at(size).ok_or(StoreError::NoLedger)?;
        let checkpoint = Checkpoint { origin: policy.head.origin.clone(), size, root };
        let text = checkpoint.to_text();
        let mut note = Note::new(&text).map_err(|e| StoreError::Unfit(format!("the checkpoint: {e}")))?;
        note.add(key.sign(&text));
        Ok(Self {
            version: policy.version,
            entries,
            undos,
            logged,
            checkpoint,
            signed: note.to_bytes(),
            tree,
        })
    }

    /// Writes all files into a folder that nobody looks at; the checkpoint last.
    fn write(&self, store: &Store, to: &LedgerDir, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|e| StoreError::io("remove", folder, e))?;
        }
        let hook = store.inner.hook.as_ref();
        let blobs = store.inner.dir.join("ledger/blob");
        for file in fs::read_dir(&blobs).into_iter().flatten().flatten() {
            let Some(hash) = file.file_name().to_str().and_then(ledger::Hash::parse_hex) else { continue };
            // One that is damaged stays behind: it proves itself nowhere.
            if let Ok(Some(bytes)) = store.ledger().blob(&hash) {
                to.write(hook, &LedgerPath::Blob(hash), &bytes)?;
            }
        }
        for (index, entries) in
            (0u64..).zip(self.entries.chunks(usize::try_from(WIDTH).unwrap_or(usize::MAX)))
        {
            let width = u16::try_from(entries.len()).expect("at most 256");
            let bytes = encode_bundle(entries).map_err(|e| StoreError::Unfit(format!("the entries: {e}")))?;
            to.write(hook, &LedgerPath::Entries(EntriesPath { index, width }), &bytes)?;
        }
        for (path, bytes) in merkle::new_tiles(&self.tree, 0, self.checkpoint.size) {
            to.write(hook, &LedgerPath::Tile(path), &bytes)?;
        }
        to.write(hook, &LedgerPath::Checkpoint, &self.signed)
    }
}
