//! From the state directory to the state: every start, and every repair, goes through here.
//!
//! No network is needed. A file that is damaged is set aside and the load begins anew without it; what is missing
//! then is fetched by the next look at the log. Only what was stamped or stands under the held checkpoint counts.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use ledger::Hash;
use ledger::checkpoint::{self, Checkpoint};
use ledger::merkle::{Tree, leaf_hash};
use ledger::note::Note;
use ledger::tile::WIDTH;
use policy::entry::Entry;
use policy::{Outcome, Rejected, Seen, State, Time, Trust};

use crate::dir::{Dir, Found, Undo};

/// How often something was refused, by a fixed word for why.
pub type Refused = BTreeMap<&'static str, u64>;

/// Counts one more refusal.
pub(crate) fn count(refused: &mut Refused, code: &'static str) {
    let n = refused.entry(code).or_default();
    *n = n.saturating_add(1);
}

/// Why a state directory cannot be used at all.
#[derive(Debug)]
pub enum OpenError {
    /// One of the configured addresses. Fault: the operator's.
    Url(String),
    /// The disk, or another process that holds the directory.
    Io(io::Error),
    /// The directory follows another log than the trust line. Fault: the operator's.
    OtherLedger,
    /// Entry 0 is the right one and still refused: a demonstration log without `--demo`.
    Genesis(Rejected),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => f.write_str(why),
            Self::Io(e) => write!(f, "the state directory cannot be used: {e}"),
            Self::OtherLedger => f.write_str(
                "the state directory follows another ledger than the trust line; give this edge an empty directory",
            ),
            Self::Genesis(why) => write!(f, "entry 0 is refused: {why}"),
        }
    }
}

impl core::error::Error for OpenError {}

impl From<io::Error> for OpenError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// The checkpoint the edge holds: it never accepts less, nor one that contradicts it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) checkpoint: Checkpoint,
    /// As the log signed it; `None` when the file was damaged and only the entries were left.
    pub(crate) note: Option<Vec<u8>>,
}

/// What the directory amounts to.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// `None` before entry 0 was ever fetched.
    pub(crate) state: Option<State>,
    pub(crate) held: Option<Held>,
    /// Leaf hashes of the entries that `state` folded.
    pub(crate) tree: Tree,
    pub(crate) undos: Vec<Undo>,
    pub(crate) refused: Refused,
    /// Entries below the held checkpoint are missing: `state` is a part, and after a repair is loaded again.
    pub(crate) gap: bool,
}

/// Reads everything. `now` stamps the lifts that are taken from beyond a gap.
pub(crate) fn load(dir: &Dir, trust: &Trust, demo_allowed: bool, now: Time) -> Result<Loaded, OpenError> {
    let mut damaged = 0;
    // Each turn sets one file aside, so there are at most as many turns as files.
    loop {
        match attempt(dir, trust, demo_allowed, now)? {
            Ok(mut loaded) => {
                if damaged > 0 {
                    loaded.refused.insert("damaged", damaged);
                }
                return Ok(loaded);
            }
            Err(Damaged(name)) => {
                damaged += 1;
                tracing::warn!(file = name, "a damaged file is set aside and will be fetched again");
                dir.set_aside(&name)?;
            }
        }
    }
}

struct Damaged(String);

fn attempt(
    dir: &Dir,
    trust: &Trust,
    demo_allowed: bool,
    now: Time,
) -> Result<Result<Loaded, Damaged>, OpenError> {
    let (undos, bad) = dir.undos()?;
    if let Some(name) = bad.into_iter().next() {
        return Ok(Err(Damaged(name)));
    }
    let mut held = match dir.checkpoint()? {
        Found::Missing => None,
        Found::Damaged => return Ok(Err(Damaged("checkpoint".into()))),
        // Whose key must have signed it is known when the entries are folded: a policy may have named a new one.
        Found::Whole(note) => match unproven(&note) {
            Some(checkpoint) => Some(Held { checkpoint, note: Some(note) }),
            None => return Ok(Err(Damaged("checkpoint".into()))),
        },
    };
    let limit = held.as_ref().map(|h| h.checkpoint.size);
    let mut fold = Fold { trust, demo_allowed, undos: &undos, next_undo: 0, loaded: Loaded::default() };
    if let Err(damaged) = fold.entries(dir, limit)? {
        return Ok(Err(damaged));
    }
    let have = fold.loaded.tree.len();
    fold.undos_at(u64::MAX);
    let mut loaded = fold.loaded;
    let key = loaded.state.as_ref().map_or(&trust.log, State::log_key);
    if let Some(note) = held.as_ref().and_then(|h| h.note.as_deref())
        && checkpoint::open(note, key).is_err()
    {
        return Ok(Err(Damaged("checkpoint".into())));
    }
    let root = loaded.tree.root_at(have);
    match &held {
        // Sealed as written, yet not what the checkpoint signs: no entry can be told from another, so all go.
        Some(h) if have == h.checkpoint.size && root != Some(h.checkpoint.root) => {
            return Ok(Err(Damaged("entries/0".into())));
        }
        Some(h) if have < h.checkpoint.size => {
            loaded.gap = true;
            if let Some(state) = &mut loaded.state {
                lifts_beyond(dir, state, have, h.checkpoint.size, now)?;
            }
        }
        Some(_) => {}
        None if have > 0 => {
            let root = root.unwrap_or_else(|| Hash::of(b""));
            let checkpoint = Checkpoint { origin: trust.origin.clone(), size: have, root };
            held = Some(Held { checkpoint, note: None });
        }
        None => {}
    }
    Ok(Ok(Loaded { held, undos, ..loaded }))
}

/// What a checkpoint says, whoever signed it.
pub(crate) fn unproven(note: &[u8]) -> Option<Checkpoint> {
    Checkpoint::parse_text(Note::parse(note).ok()?.text()).ok()
}

struct Fold<'a> {
    trust: &'a Trust,
    demo_allowed: bool,
    undos: &'a [Undo],
    next_undo: usize,
    loaded: Loaded,
}

impl Fold<'_> {
    /// Folds entry after entry, up to `limit`, or without a checkpoint as far as they are stamped (a stamp is
    /// written only after the entry was proven), or to the first that is missing.
    fn entries(&mut self, dir: &Dir, limit: Option<u64>) -> Result<Result<(), Damaged>, OpenError> {
        for n in 0.. {
            let first = n * WIDTH;
            let left = limit.map_or(WIDTH, |l| l.saturating_sub(first).min(WIDTH));
            let entries = match dir.entries(n)? {
                _ if left == 0 => break,
                Found::Missing => break,
                Found::Damaged => return Ok(Err(Damaged(format!("entries/{n}")))),
                Found::Whole(entries) => entries,
            };
            let stamps = match dir.seen(n)? {
                Found::Missing => Vec::new(),
                Found::Damaged => return Ok(Err(Damaged(format!("seen/{n}")))),
                Found::Whole(stamps) => stamps,
            };
            let usable = if limit.is_some() { left } else { stamps.len() as u64 };
            let mut taken = 0;
            for (index, entry) in (first..first + usable).zip(&entries) {
                let stamp = usize::try_from(taken).ok().and_then(|i| stamps.get(i)).copied();
                if stamp.is_none() {
                    // as a new edge would take it, which was not there when it was logged
                    count(&mut self.loaded.refused, "unstamped");
                }
                self.entry(index, entry, stamp.unwrap_or(Seen::CatchUp))?;
                taken += 1;
            }
            if taken < WIDTH {
                break;
            }
        }
        Ok(Ok(()))
    }

    fn entry(&mut self, index: u64, entry: &[u8], seen: Seen) -> Result<(), OpenError> {
        self.undos_at(index);
        match &mut self.loaded.state {
            Some(state) => {
                if let Outcome::Rejected { why } = state.apply(index, entry, seen) {
                    count(&mut self.loaded.refused, why.code());
                }
            }
            None if Hash::of(entry) != self.trust.entry0 => return Err(OpenError::OtherLedger),
            None => {
                let state =
                    State::genesis(self.trust, entry, self.demo_allowed).map_err(OpenError::Genesis)?;
                self.loaded.state = Some(state);
            }
        }
        self.loaded.tree.push(leaf_hash(entry));
        Ok(())
    }

    /// Applies the undos that took effect before the entry `index` did: a suspended key must not count for a
    /// decision that came after its suspension.
    fn undos_at(&mut self, index: u64) {
        let Some(state) = &mut self.loaded.state else { return };
        while let Some(undo) = self.undos.get(self.next_undo).filter(|u| u.at <= index) {
            if let Outcome::Rejected { why } = state.undo(&undo.note, undo.received) {
                count(&mut self.loaded.refused, why.code());
            }
            self.next_undo += 1;
        }
    }
}

/// An entry that cannot be read hides all that come after it from the fold. Lifts among them still count, because a
/// lift is valid from any channel: a bad disk must not block a customer again who was lifted.
fn lifts_beyond(dir: &Dir, state: &mut State, have: u64, size: u64, now: Time) -> io::Result<()> {
    for n in have / WIDTH..size.div_ceil(WIDTH) {
        let Found::Whole(entries) = dir.entries(n)? else { continue };
        for (_, entry) in (n * WIDTH..size).zip(&entries).filter(|(index, _)| *index >= have) {
            if let Ok(entry) = Entry::parse(entry) {
                // a note that is no valid lift has no effect here, and is judged when its turn comes
                state.undo(&entry.note.to_bytes(), now);
            }
        }
    }
    Ok(())
}
