//! One look at the log: checkpoint, entries, proof, fold, persist, publish, blobs. The order is the safety:
//! nothing is kept before it is proven, and nothing is enforced before it is kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ledger::Hash;
use ledger::checkpoint::{self, Checkpoint, CheckpointError};
use ledger::merkle::{Tiles, Tree, leaf_hash};
use ledger::note::{MAX_NOTE, Note, NoteError, VerifierKey};
use ledger::tile::{EntriesPath, WIDTH, decode_bundle};
use policy::entry::Entry;
use policy::{AnyNote, Kind, Outcome, Seen, State, Time};

use crate::dir::{Found, MAX_BLOB};
use crate::http::{Client, HttpError};
use crate::load::{Held, OpenError, Refused, count};
use crate::shared::{STALE_AFTER, Shared};
use crate::sync::{MAX_ENTRIES, Refusal, Verdict, bundles, decide, in_future, leaf_tiles};
use crate::undo::{self, MAX_HEARD};

/// Entries folded before other tasks get their turn: 64 notes of three signatures are about ten milliseconds.
const FOLD_PIECE: u64 = 64;

/// What a successful look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Entries of the log, all verified and folded.
    pub size: u64,
    /// How many of them are new.
    pub grown: u64,
    /// Blobs that arrived.
    pub blobs: u64,
    /// Blobs that decisions still need: their measures are not enforced.
    pub missing: u64,
}

/// What a fold of new entries came to.
pub(crate) struct Folded {
    pub(crate) state: State,
    pub(crate) refused: Refused,
    /// The newest lifts and suspensions among the entries that had effect, with their places.
    pub(crate) undos: Vec<(u64, Vec<u8>)>,
}

/// Looks at the log.
pub(crate) struct Looker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ledger: Client,
    /// When a log with another key was looked at last, on the monotonic clock.
    pub(crate) rekey_tried: Option<Duration>,
}

/// The state that a look begins from.
pub(crate) struct Base {
    pub(crate) held: Option<Held>,
    pub(crate) key: VerifierKey,
    pub(crate) tree: Arc<Tree>,
    gap: bool,
    frozen: bool,
    pub(crate) seen: Seen,
}

/// What may be said of the `logged` of entries that come now, when the last successful look is so long ago. `now`
/// is read before the fetch. After a restart the disk tells when we had looked; only a new edge has never looked.
fn stamp(now: Time, last_look: Option<Duration>, looked: Option<Time>) -> Seen {
    match (last_look, looked) {
        (Some(ago), _) if ago <= STALE_AFTER => Seen::Live(now),
        (Some(ago), _) => Seen::After(Time(now.0.saturating_sub(ago.as_secs()))),
        (None, Some(looked)) => Seen::After(looked.min(now)),
        (None, None) => Seen::CatchUp,
    }
}

impl Looker {
    /// One look. What fails changes nothing, is counted, and is tried again by the next look.
    pub(crate) async fn sync_once(&mut self) -> Result<Synced, Refusal> {
        let result = self.look().await;
        if let Err(refusal) = &result {
            self.shared.refuse(refusal.code());
            match refusal {
                Refusal::Http(_) => tracing::debug!(error = %refusal, "no look at the log"),
                Refusal::Fork { .. } => tracing::error!(error = %refusal, "the log forked"),
                _ => tracing::warn!(error = %refusal, "refused"),
            }
        }
        // a server that did not answer would not answer for blobs either
        let dead = matches!(&result, Err(Refusal::Http(HttpError::Io(_) | HttpError::Slow)));
        let (blobs, missing) = if dead { (0, 0) } else { self.blobs().await };
        result.map(|(size, grown)| Synced { size, grown, blobs, missing })
    }

    async fn look(&mut self) -> Result<(u64, u64), Refusal> {
        let note = self.ledger.get("/checkpoint", MAX_NOTE).await?;
        let base = self.base();
        let shown = match checkpoint::open(&note, &base.key) {
            Ok((shown, _)) => shown,
            Err(CheckpointError::NotSigned) => return self.rekeyed(&base, &note).await,
            Err(e) => return Err(Refusal::Checkpoint(e.to_string())),
        };
        // What we held before the fork may be mended.
        if base.frozen && base.held.as_ref().is_none_or(|held| held.checkpoint != shown) {
            self.undos_alone(base.tree.len(), shown.size).await;
            return Err(Refusal::Frozen);
        }
        let held = base.held.as_ref().map(|h| &h.checkpoint);
        let grown = match decide(held, base.tree.len(), &shown) {
            Verdict::Current => self.signed_again(&base, &note)?,
            Verdict::Grow => self.grow(&base, &note, &shown).await?,
            Verdict::Old => {
                let held = held.map_or(0, |h| h.size);
                return Err(Refusal::Old { shown: shown.size, held });
            }
            Verdict::Fork => return Err(self.fork(base.held.as_ref(), &note, &shown)),
            Verdict::Empty | Verdict::TooLarge => return Err(Refusal::Size(shown.size)),
        };
        self.looked(grown);
        Ok((shown.size, grown))
    }

    /// Notes that all of the log was seen now.
    pub(crate) fn looked(&self, grown: u64) {
        let now = self.shared.clock.now();
        let mut inner = self.shared.lock();
        inner.last_sync = Some(self.shared.clock.mono());
        inner.look_back |= grown > 0;
        if grown > 0 {
            self.shared.configure.notify_one();
        }
        if inner.looked.is_none_or(|at| now.0.abs_diff(at.0) >= STALE_AFTER.as_secs()) {
            match self.shared.dir.put_looked(now) {
                Ok(()) => inner.looked = Some(now),
                Err(e) => {
                    count(&mut inner.refused, "disk");
                    tracing::error!(error = %e, "the time of this look was not saved");
                }
            }
        }
    }

    /// Takes the lifts and suspensions among the newest entries of a log that is not followed: they need no log.
    async fn undos_alone(&mut self, have: u64, size: u64) {
        let from = have.max(size.saturating_sub(UNDOS_ALONE));
        if size > MAX_ENTRIES {
            return;
        }
        for path in bundles(from, size) {
            let most = usize::from(path.width) * (2 + ledger::tile::MAX_ENTRY);
            let Ok(bytes) = self.ledger.get(&format!("/{path}"), most).await else { return };
            for entry in decode_bundle(&bytes).unwrap_or_default() {
                self.undo_of(&entry);
            }
        }
    }

    /// Takes an entry's note if it undoes something.
    pub(crate) fn undo_of(&self, entry: &[u8]) {
        let Ok(entry) = Entry::parse(entry) else { return };
        if AnyNote::parse(entry.note.text()).is_ok_and(|n| matches!(n.kind(), Kind::Lift | Kind::Suspend))
            // one that has no effect is counted when its turn comes
            && let Err(e) = undo::accept(&self.shared, &entry.note.to_bytes())
        {
            tracing::debug!(error = %e, "an undo in a log that is not followed has no effect");
        }
    }

    /// The file with the held checkpoint was damaged and only the entries told its root: now the note is back.
    fn signed_again(&self, base: &Base, note: &Bytes) -> Result<u64, Refusal> {
        if base.held.as_ref().is_some_and(|h| h.note.is_none()) {
            let mut inner = self.shared.lock();
            self.shared.dir.put_checkpoint(note)?;
            if let Some(held) = &mut inner.held {
                held.note = Some(note.to_vec());
            }
        }
        Ok(0)
    }

    fn base(&self) -> Base {
        let inner = self.shared.lock();
        let mono = self.shared.clock.mono();
        let key = inner.log_key(&self.shared.config.trust).clone();
        Base {
            frozen: inner.forked.as_ref() == Some(&key.to_string()),
            held: inner.held.clone(),
            key,
            tree: Arc::clone(&inner.tree),
            gap: inner.gap,
            seen: stamp(
                self.shared.clock.now(),
                inner.last_sync.map(|at| mono.saturating_sub(at)),
                inner.looked,
            ),
        }
    }

    /// Fetches, proves, folds and keeps what the checkpoint adds. Gives how many entries are new.
    async fn grow(&mut self, base: &Base, note: &Bytes, shown: &Checkpoint) -> Result<u64, Refusal> {
        let start = if base.gap { 0 } else { base.tree.len() };
        let mut tree = if base.gap { Tree::new() } else { Tree::clone(&base.tree) };
        let mut staged = Vec::new();
        for path in bundles(start, shown.size) {
            let entries = match self.local(base, &path)? {
                Some(entries) => entries,
                None => {
                    let Some(entries) = self.fetch(&base.tree, &path).await? else {
                        return Err(self.diagnose(base, note, shown).await);
                    };
                    self.shared.dir.stage(path.index, &entries)?;
                    staged.push(path.index);
                    entries
                }
            };
            let known = tree.len().saturating_sub(path.index * WIDTH);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            entries.iter().skip(known).for_each(|e| tree.push(leaf_hash(e)));
        }
        if tree.root_at(shown.size) != Some(shown.root) {
            return Err(self.diagnose(base, note, shown).await);
        }
        if let Some(held) = &base.held
            && tree.root_at(held.checkpoint.size) != Some(held.checkpoint.root)
        {
            return Err(self.fork(base.held.as_ref(), note, shown));
        }
        let old = base.held.as_ref().map_or(0, |h| h.checkpoint.size);
        let seen = base.seen;
        if base.gap {
            self.check_times(&staged, old, shown.size)?;
            if let Some(state) = &self.shared.lock().state {
                witnessed(state, note, self.shared.clock.now())?;
            }
            self.keep(&staged, old, shown.size, seen)?;
            self.repair(note)?;
        } else {
            self.fold(base, &staged, shown, note, tree, seen).await?;
        }
        Ok(shown.size - old)
    }

    /// After entries were lost on our disk: those of the bundle that are still here.
    fn local(&self, base: &Base, path: &EntriesPath) -> Result<Option<Vec<Vec<u8>>>, Refusal> {
        if !base.gap {
            return Ok(None);
        }
        let width = usize::from(path.width);
        Ok(match self.shared.dir.entries(path.index)? {
            Found::Whole(mut entries) if entries.len() >= width => {
                entries.truncate(width);
                Some(entries)
            }
            _ => None,
        })
    }

    /// A bundle from the server; `None` when it contradicts entries that are proven already.
    pub(crate) async fn fetch(
        &mut self,
        tree: &Tree,
        path: &EntriesPath,
    ) -> Result<Option<Vec<Vec<u8>>>, Refusal> {
        let width = usize::from(path.width);
        let bytes = self.ledger.get(&format!("/{path}"), width * (2 + ledger::tile::MAX_ENTRY)).await?;
        let entries = decode_bundle(&bytes).map_err(|_| Refusal::Changed("an entry bundle"))?;
        if entries.len() != width {
            return Err(Refusal::Changed("an entry bundle"));
        }
        let proven = tree.len().saturating_sub(path.index * WIDTH).min(u64::from(path.width));
        let proven = u16::try_from(proven).unwrap_or(u16::MAX);
        let same = proven == 0 || {
            let leaves = entries.iter().take(usize::from(proven)).flat_map(|e| leaf_hash(e).0);
            tree.tile(0, path.index, proven).is_some_and(|ours| leaves.eq(ours))
        };
        Ok(same.then_some(entries))
    }

    /// What was fetched does not hash to what the checkpoint signs. Either the server changed it, or the log signed
    /// another history: the tiles of leaf hashes tell, because the second is only proven if they fit the checkpoint.
    async fn diagnose(&mut self, base: &Base, note: &Bytes, shown: &Checkpoint) -> Refusal {
        let changed = Refusal::Changed("an entry bundle");
        let Some(held) = &base.held else { return changed };
        let mut tree = Tree::new();
        for path in leaf_tiles(shown.size) {
            let length = usize::from(path.width) * 32;
            match self.ledger.get(&format!("/{path}"), length).await {
                Ok(tile) if tile.len() == length => {
                    for leaf in tile.as_chunks::<32>().0 {
                        tree.push(Hash(*leaf));
                    }
                }
                _ => return changed,
            }
        }
        if tree.root_at(shown.size) != Some(shown.root) {
            return Refusal::Changed("a tile");
        }
        if tree.root_at(held.checkpoint.size) == Some(held.checkpoint.root) {
            return changed;
        }
        self.fork(base.held.as_ref(), note, shown)
    }

    fn fork(&self, held: Option<&Held>, note: &Bytes, shown: &Checkpoint) -> Refusal {
        self.shared.fork(held, note, shown.size);
        Refusal::Fork { shown: shown.size }
    }

    /// No entry may be logged far in our future; then the whole checkpoint waits.
    pub(crate) fn check_times(&self, staged: &[u64], old: u64, size: u64) -> Result<(), Refusal> {
        let now = self.shared.clock.now();
        for &n in staged {
            let first = n * WIDTH;
            for (index, entry) in (first..size).zip(self.staged(n)?) {
                if index >= old
                    && let Ok(entry) = Entry::parse(&entry)
                    && in_future(entry.logged, now)
                {
                    return Err(Refusal::Future { index, logged: entry.logged });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn staged(&self, n: u64) -> Result<Vec<Vec<u8>>, Refusal> {
        match self.shared.dir.staged(n)? {
            Found::Whole(entries) => Ok(entries),
            Found::Missing | Found::Damaged => {
                Err(std::io::Error::other("what was just written is gone").into())
            }
        }
    }

    /// Folds the new entries on a copy, keeps them, and puts the copy in place of the old state.
    async fn fold(
        &self,
        base: &Base,
        staged: &[u64],
        shown: &Checkpoint,
        note: &Bytes,
        tree: Tree,
        seen: Seen,
    ) -> Result<(), Refusal> {
        let old = base.tree.len();
        self.check_times(staged, old, shown.size)?;
        loop {
            let (state, undos) = {
                let inner = self.shared.lock();
                (inner.state.clone(), inner.undos.len())
            };
            let folded = self.fold_copy(state, staged, old, shown.size, &|_| seen).await?;
            let Folded { state, refused, undos: told } = folded;
            if let Err(refusal) = witnessed(&state, note, self.shared.clock.now()) {
                for &n in staged {
                    self.staged(n)?.iter().for_each(|entry| self.undo_of(entry));
                }
                return Err(refusal);
            }
            let mut inner = self.shared.lock();
            if inner.undos.len() != undos {
                // An undo came between. It stands before these entries, so they are judged again after it.
                continue;
            }
            self.keep(staged, old, shown.size, seen)?;
            self.shared.dir.put_checkpoint(note)?;
            // stopped here: the next start finds all of it
            inner.state = Some(state);
            inner.held = Some(Held { checkpoint: shown.clone(), note: Some(note.to_vec()) });
            inner.tree = Arc::new(tree);
            for (code, n) in refused {
                *inner.refused.entry(code).or_default() += n;
            }
            // A new edge brings nobody news.
            if seen != Seen::CatchUp {
                undo::hear(&self.shared, &mut inner, told);
            }
            self.shared.publish(&mut inner);
            self.shared.report.notify_one();
            return Ok(());
        }
    }

    pub(crate) async fn fold_copy(
        &self,
        mut state: Option<State>,
        staged: &[u64],
        old: u64,
        size: u64,
        seen: &(dyn Fn(u64) -> Seen + Sync),
    ) -> Result<Folded, Refusal> {
        let (mut refused, mut undos) = (Refused::new(), Vec::new());
        for &n in staged {
            for (index, entry) in (n * WIDTH..size).zip(self.staged(n)?).filter(|(index, _)| *index >= old) {
                let Some(state) = &mut state else {
                    let config = &self.shared.config;
                    let first = State::genesis(&config.trust, &entry, config.demo_allowed);
                    state = Some(first.map_err(Refusal::Genesis)?);
                    continue;
                };
                match state.apply(index, &entry, seen(index)) {
                    Outcome::Applied { kind: Kind::Lift | Kind::Suspend, .. } => {
                        undos.extend(Entry::parse(&entry).ok().map(|entry| (index, entry.note.to_bytes())));
                        undos.drain(..undos.len().saturating_sub(MAX_HEARD));
                    }
                    Outcome::Applied { .. } => {}
                    Outcome::Rejected { why } => {
                        tracing::warn!(index, %why, "an entry has no effect");
                        count(&mut refused, why.code());
                    }
                }
                if index % FOLD_PIECE == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
        let state = state.ok_or(Refusal::Changed("an empty log"))?;
        Ok(Folded { state, refused, undos })
    }

    /// Makes staged bundles the kept ones and stamps the entries `old..size`.
    fn keep(&self, staged: &[u64], old: u64, size: u64, seen: Seen) -> Result<(), Refusal> {
        let dir = &self.shared.dir;
        for &n in staged {
            dir.promote(n)?;
        }
        for path in bundles(old, size) {
            let first = path.index * WIDTH;
            let mut stamps = match dir.seen(path.index)? {
                Found::Whole(stamps) => stamps,
                Found::Missing | Found::Damaged => Vec::new(),
            };
            let before = usize::try_from(old.saturating_sub(first)).unwrap_or(usize::MAX);
            // a stamp that was lost, or one of a publication that was not finished
            stamps.resize(before, Seen::CatchUp);
            stamps.resize(usize::from(path.width), seen);
            dir.put_seen(path.index, &stamps)?;
        }
        Ok(())
    }

    /// What the directory holds has changed under us, because lost entries are back or the log has a new key: begin again from the directory, as a restart would.
    pub(crate) fn repair(&self, note: &Bytes) -> Result<(), Refusal> {
        let mut inner = self.shared.lock();
        self.shared.dir.put_checkpoint(note)?;
        self.shared.reload(&mut inner).map_err(|e| match e {
            OpenError::Io(e) => Refusal::Disk(e),
            OpenError::Genesis(why) => Refusal::Genesis(why),
            OpenError::OtherLedger | OpenError::Url(_) => Refusal::Changed("entry 0"),
        })?;
        self.shared.publish(&mut inner);
        self.shared.report.notify_one();
        Ok(())
    }

    /// Fetches the blobs that decisions in force need. Gives how many came, and how many are still missing.
    async fn blobs(&mut self) -> (u64, u64) {
        let mut came = 0;
        for hash in self.wanted() {
            match self.ledger.get(&format!("/blob/{hash}"), MAX_BLOB).await {
                Ok(blob) if Hash::of(&blob) == hash => came += u64::from(self.hold(&hash, &blob)),
                Ok(_) => self.shared.refuse("changed-blob"),
                Err(HttpError::TooLong { .. }) => self.shared.refuse("oversized"),
                Err(HttpError::Status(_)) => self.shared.refuse("missing-blob"),
                Err(e) => {
                    // a dead server gives none of the others either
                    tracing::debug!(error = %e, %hash, "blob not fetched");
                    self.shared.refuse("unreachable");
                    break;
                }
            }
        }
        came += self.look_back().await;
        if came > 0 {
            let mut inner = self.shared.lock();
            self.shared.publish(&mut inner);
            self.shared.report.notify_one();
        }
        (came, self.wanted().len() as u64)
    }

    /// Fetches, once after each growth, the subjects of earlier emergencies. One that is gone was erased, or is held
    /// back by a server that could hold the log back as well.
    async fn look_back(&mut self) -> u64 {
        let counted = {
            let mut inner = self.shared.lock();
            if !std::mem::take(&mut inner.look_back) {
                return 0;
            }
            inner.state.as_ref().map_or_else(Vec::new, |s| s.counted(self.shared.clock.now()))
        };
        let mut came = 0;
        for hash in counted {
            match self.ledger.get(&format!("/blob/{hash}"), MAX_BLOB).await {
                Ok(blob) if Hash::of(&blob) == hash => came += u64::from(self.hold(&hash, &blob)),
                other => tracing::debug!(error = ?other.err(), %hash, "an earlier subject was not fetched"),
            }
        }
        came
    }

    fn wanted(&self) -> Vec<Hash> {
        let inner = self.shared.lock();
        let mut wanted = inner.state.as_ref().map_or_else(Vec::new, |s| s.wanted(self.shared.clock.now()));
        wanted.extend(&inner.lost_posts);
        wanted
    }

    /// Keeps a blob whose hash was checked, then tells the fold.
    fn hold(&self, hash: &Hash, blob: &[u8]) -> bool {
        let mut inner = self.shared.lock();
        if let Err(e) = self.shared.dir.put_blob(hash, blob) {
            tracing::error!(error = %e, "a blob could not be kept");
            count(&mut inner.refused, "disk");
            return false;
        }
        let lost = inner.lost_posts.remove(hash);
        let held = inner.state.as_mut().is_some_and(|s| s.hold(blob));
        if !held {
            // its hash is right, but it is no post or subject: whoever decided signed a hash of something else
            count(&mut inner.refused, "useless-blob");
        }
        held || lost
    }
}

/// Whether enough of the policy's witnesses have cosigned. What they say is that nobody is shown another log; what the
/// log says is proven already.
pub(crate) fn witnessed(state: &State, note: &[u8], now: Time) -> Result<(), Refusal> {
    let policy = state.policy(now);
    let need = policy.bounds.witness_quorum;
    let wrong = |e: NoteError| Refusal::Checkpoint(e.to_string());
    let have =
        Note::parse(note).and_then(|n| Ok(n.signers(&policy.witnesses)?.len() as u64)).map_err(wrong)?;
    if have < need { Err(Refusal::Unwitnessed { have, need }) } else { Ok(()) }
}

/// Newest entries of a log that is not followed in which undos are looked for: two full bundles or more, and all that a
/// busy house logs in a day.
const UNDOS_ALONE: u64 = 2 * WIDTH;

/// The shortest time between two looks that bells ask for. A hostile bell can then cause twenty small requests a
/// second to our own ledger server, and an honest one waits at most this long.
pub(crate) const SPACING: Duration = Duration::from_millis(50);
