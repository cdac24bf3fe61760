//! A tree in memory: 64 bytes per entry, so the 70,000 entries of a busy decade are under 5 MB.

use super::{Tiles, node_hash, root};
use crate::{
    Hash,
    tile::{HEIGHT, TilePath, WIDTH},
};
use alloc::{vec, vec::Vec};

/// All complete subtrees of a log, row by row: row 0 holds the leaf hashes, row `h` those of 2^h entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    rows: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree of an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the hash of the next entry ([`super::leaf_hash`]); one further hash on average.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for row in &mut self.rows {
            row.push(hash);
            match row.as_slice() {
                [.., left, right] if row.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => return,
            }
        }
        self.rows.push(vec![hash]);
    }

    /// How many entries the log has.
    #[must_use]
    pub fn len(&self) -> u64 {
        // usize is at most 64 bits wide everywhere Rust runs.
        self.rows.first().map_or(0, |row| u64::try_from(row.len()).unwrap_or(u64::MAX))
    }

    /// Whether the log has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The leaf hash of entry `index`.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.rows.first()?.get(usize::try_from(index).ok()?).copied()
    }

    /// The root hash of the first `size` entries; `None` when there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        if size > self.len() { None } else { root(self, size) }
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl Tiles for Tree {
    fn tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>> {
        let row = self.rows.get(usize::try_from(u32::from(level).checked_mul(HEIGHT)?).ok()?)?;
        let start = usize::try_from(index.checked_mul(WIDTH)?).ok()?;
        let hashes = row.get(start..start.checked_add(usize::from(width))?)?;
        Some(hashes.iter().flat_map(|hash| hash.0).collect())
    }
}

/// The tiles that must be written before a checkpoint of size `new` is published, when those of size `old` are there:
/// at every level the tiles that became longer, complete or partial, none of them empty (C2SP tlog-tiles).
///
/// Nothing when the log does not grow or the tree is shorter than `new`.
#[must_use]
pub fn new_tiles(tree: &Tree, old: u64, new: u64) -> Vec<(TilePath, Vec<u8>)> {
    let mut tiles = Vec::new();
    if new > tree.len() {
        return tiles;
    }
    let (mut old, mut new) = (old, new);
    for level in 0..=TilePath::MAX_LEVEL {
        if old >= new {
            break;
        }
        for index in old / WIDTH..new.div_ceil(WIDTH) {
            let hashes = new.saturating_sub(index.saturating_mul(WIDTH)).min(WIDTH);
            let Ok(width) = u16::try_from(hashes) else { continue };
            if let Some(bytes) = tree.tile(level, index, width) {
                tiles.push((TilePath { level, index, width }, bytes));
            }
        }
        (old, new) = (old / WIDTH, new / WIDTH);
    }
    tiles
}
