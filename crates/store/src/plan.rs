//! A publication as data: what will be written, in which order, with nothing left to choose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::tile::{EntriesPath, TilePath, WIDTH};
use policy::{Id, Time};

/// One publication: one entry appended to a ledger of a known head. Its stored form is text, one `key value` per
/// line; recovery runs that text through the same function that ran it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) draft: Option<Id>,
    pub(crate) logged: Time,
    pub(crate) from: (u64, Hash),
    pub(crate) checkpoint: Checkpoint,
    pub(crate) entry: Vec<u8>,
    pub(crate) blobs: Vec<Hash>,
    pub(crate) tiles: Vec<(TilePath, Vec<u8>)>,
    /// Not part of the text: whether the head has been swapped to this plan's, which is when it cannot be dropped.
    pub(crate) signed: bool,
}

/// One step of a publication. Each is atomic, and doing it twice is the same as once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The blob becomes a file of the ledger. First, so that no reader of the entry misses it.
    Blob(Hash),
    /// The bundle that ends with the new entry: the public one before it plus the entry.
    Bundle {
        /// Where it is written.
        path: EntriesPath,
    },
    /// A tile of hashes. Before the checkpoint, so that whoever sees the new size can verify it.
    Tile {
        /// Where it is written.
        path: TilePath,
        /// Its hashes.
        bytes: Vec<u8>,
    },
    /// The head in the database is swapped from the old to the new, with the signed checkpoint in the same row.
    /// From here on the plan can only be finished: a signature exists.
    Head,
    /// The checkpoint file. From here on the entry is public.
    Checkpoint,
    /// The plan is removed and its draft is published, in one transaction.
    Finish,
}

const FIRST: &str = "portcullis-plan/v1";

impl Plan {
    /// The steps, in the order in which they are done.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let blobs = self.blobs.iter().copied().map(Step::Blob);
        let bundle = Step::Bundle { path: self.bundle_path() };
        let tiles = self.tiles.iter().map(|(path, bytes)| Step::Tile { path: *path, bytes: bytes.clone() });
        blobs.chain([bundle]).chain(tiles).chain([Step::Head, Step::Checkpoint, Step::Finish]).collect()
    }

    /// The draft that becomes published with it, if it came from one.
    #[must_use]
    pub fn draft(&self) -> Option<&Id> {
        self.draft.as_ref()
    }

    /// The time in the entry.
    #[must_use]
    pub fn logged(&self) -> Time {
        self.logged
    }

    /// The entry's place in the ledger.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.from.0
    }

    /// The entry's bytes.
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// The blobs that become public with it.
    #[must_use]
    pub fn blobs(&self) -> &[Hash] {
        &self.blobs
    }

    /// Whether its checkpoint has been signed: then it can only be finished. Known for plans that came from
    /// [`crate::Store::unfinished`]; a plan fresh from `decide` is unsigned.
    #[must_use]
    pub fn signed(&self) -> bool {
        self.signed
    }

    /// The bundle that ends with the new entry.
    pub(crate) fn bundle_path(&self) -> EntriesPath {
        let index = self.from.0 / WIDTH;
        let width = u16::try_from(self.from.0 % WIDTH + 1).expect("at most 256");
        EntriesPath { index, width }
    }

    /// The stored form. Parsing it gives the same plan back, except for [`Plan::signed`].
    #[must_use]
    pub fn to_text(&self) -> String {
        let draft = self.draft.as_ref().map_or("none", Id::as_str);
        let Checkpoint { origin, size, root } = &self.checkpoint;
        let mut text = format!("{FIRST}\norigin {origin}\ndraft {draft}\nlogged {}\n", self.logged.0);
        text += &format!("from {} {}\nto {size} {root}\n", self.from.0, self.from.1);
        for blob in &self.blobs {
            text += &format!("blob {blob}\n");
        }
        text += &format!("entry {}\n", BASE64.encode(&self.entry));
        for (path, bytes) in &self.tiles {
            text += &format!("{path} {}\n", BASE64.encode(bytes));
        }
        text
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Says which line is wrong. It only ever reads what [`Plan::to_text`] wrote, so a wrong line is damage.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let mut lines =
            Lines { rest: text.strip_suffix('\n').ok_or("no final newline")?.split('\n').peekable() };
        if lines.rest.next() != Some(FIRST) {
            return Err(format!("the first line is not {FIRST}"));
        }
        let origin = lines.value("origin")?.to_owned();
        let draft = match lines.value("draft")? {
            "none" => None,
            id => Some(Id::parse(id).ok_or("draft: not an id")?),
        };
        let logged = Time(number(lines.value("logged")?)?);
        let from = head(lines.value("from")?)?;
        let (size, root) = head(lines.value("to")?)?;
        if from.0.checked_add(1) != Some(size) {
            return Err("a plan appends exactly one entry".into());
        }
        let mut blobs = Vec::new();
        while lines.rest.peek().is_some_and(|line| line.starts_with("blob ")) {
            blobs.push(hash(lines.value("blob")?)?);
        }
        let entry = bytes(lines.value("entry")?)?;
        let mut tiles = Vec::new();
        for line in lines.rest {
            let (path, hashes) = line.split_once(' ').ok_or("a tile line has two words")?;
            let path = TilePath::parse(path).map_err(|e| format!("{path:?}: {e}"))?;
            tiles.push((path, bytes(hashes)?));
        }
        let checkpoint = Checkpoint { origin, size, root };
        Ok(Plan { draft, logged, from, checkpoint, entry, blobs, tiles, signed: false })
    }
}

struct Lines<'t> {
    rest: std::iter::Peekable<std::str::Split<'t, char>>,
}

impl<'t> Lines<'t> {
    fn value(&mut self, key: &str) -> Result<&'t str, String> {
        let line = self.rest.next().ok_or_else(|| format!("the line `{key}` is missing"))?;
        let value = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(' '));
        value.ok_or_else(|| format!("expected the line `{key}`"))
    }
}

fn number(word: &str) -> Result<u64, String> {
    let canonical = word.parse().ok().filter(|n: &u64| n.to_string() == word);
    canonical.ok_or_else(|| format!("not a number: {word:?}"))
}

fn hash(word: &str) -> Result<Hash, String> {
    Hash::parse_hex(word).ok_or_else(|| format!("not a hash: {word:?}"))
}

fn head(words: &str) -> Result<(u64, Hash), String> {
    let (size, root) = words.split_once(' ').ok_or("a head has two words")?;
    Ok((number(size)?, hash(root)?))
}

fn bytes(word: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(word).map_err(|e| format!("not base64: {e}"))
}
