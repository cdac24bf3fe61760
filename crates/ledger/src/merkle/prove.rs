//! Roots and proofs from tiles.

use super::{EMPTY_ROOT, Tiles, node_hash};
use crate::{
    Hash,
    tile::{HEIGHT, WIDTH},
};
use alloc::vec::Vec;

/// The root hash of the first `size` entries; `None` when a tile is missing.
pub fn root(tiles: &impl Tiles, size: u64) -> Option<Hash> {
    if size == 0 { Some(EMPTY_ROOT) } else { Nodes::new(tiles, size).range(0, size) }
}

/// The hashes that show that entry `index` is in the log of this size, the leaf's neighbour first (RFC 6962 section
/// 2.1.1). `None` when the index is outside the log or a tile is missing.
pub fn prove_inclusion(tiles: &impl Tiles, index: u64, size: u64) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let mut nodes = Nodes::new(tiles, size);
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    while let Some(middle) = split(from, to) {
        if index < middle {
            proof.push(nodes.range(middle, to)?);
            to = middle;
        } else {
            proof.push(nodes.range(from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The hashes that show that the log of size `new` begins with the log of size `old` (RFC 6962 section 2.1.2). `None`
/// when `old` is the larger one or a tile is missing.
pub fn prove_consistency(tiles: &impl Tiles, old: u64, new: u64) -> Option<Vec<Hash>> {
    if old > new {
        return None;
    }
    let mut proof = Vec::new();
    if old == 0 {
        return Some(proof);
    }
    let mut nodes = Nodes::new(tiles, new);
    let (mut from, mut to) = (0, new);
    while old < to {
        let middle = split(from, to)?;
        if old <= middle {
            proof.push(nodes.range(middle, to)?);
            to = middle;
        } else {
            proof.push(nodes.range(from, middle)?);
            from = middle;
        }
    }
    // Whoever checks the proof has the old root, so an old tree that is one node is left out.
    if from > 0 {
        proof.push(nodes.range(from, to)?);
    }
    proof.reverse();
    Some(proof)
}

/// Where RFC 6962 splits the entries `from..to`: after the largest power of two that is less than their number.
fn split(from: u64, to: u64) -> Option<u64> {
    let height = to.checked_sub(from)?.checked_sub(1)?.checked_ilog2()?;
    from.checked_add(1_u64.checked_shl(height)?)
}

/// Nodes of the tree of `size` entries. Holds the last tile, for most nodes of a proof lie in few tiles.
struct Nodes<'t, T> {
    tiles: &'t T,
    size: u64,
    held: Option<(u8, u64, Vec<u8>)>,
}

impl<'t, T: Tiles> Nodes<'t, T> {
    fn new(tiles: &'t T, size: u64) -> Self {
        Self { tiles, size, held: None }
    }

    /// The hash over the entries `from..to`, which must be a node of an RFC 6962 tree, complete or at its right edge.
    fn range(&mut self, from: u64, to: u64) -> Option<Hash> {
        let mut complete = Vec::new();
        let mut at = from;
        while at < to {
            let height = to.checked_sub(at)?.checked_ilog2()?;
            complete.push(self.complete(height, at.checked_shr(height)?)?);
            at = at.checked_add(1_u64.checked_shl(height)?)?;
        }
        complete.into_iter().rev().reduce(|right, left| node_hash(&left, &right))
    }

    /// The hash of the complete subtree number `index` among those of 2^`height` entries.
    fn complete(&mut self, height: u32, index: u64) -> Option<Hash> {
        let (level, above) = (u8::try_from(height / HEIGHT).ok()?, height % HEIGHT);
        let count = 1_u64.checked_shl(above)?;
        // Its entries at `level`, which never span two tiles: 2^above divides 256.
        let first = index.checked_mul(count)?;
        let tile = self.tile(level, first / WIDTH)?;
        let (hashes, _) = tile.as_chunks::<32>();
        let start = usize::try_from(first % WIDTH).ok()?;
        let end = start.checked_add(usize::try_from(count).ok()?)?;
        let mut row: Vec<Hash> = hashes.get(start..end)?.iter().copied().map(Hash).collect();
        while row.len() > 1 {
            row = row.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        row.first().copied()
    }

    fn tile(&mut self, level: u8, index: u64) -> Option<&[u8]> {
        if !matches!(&self.held, Some((held, at, _)) if (*held, *at) == (level, index)) {
            let row = self.size.checked_shr(u32::from(level).checked_mul(HEIGHT)?)?;
            let width = row.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
            let width = u16::try_from(width).ok().filter(|&width| width > 0)?;
            let bytes = self.tiles.tile(level, index, width)?;
            if bytes.len() != usize::from(width).checked_mul(32)? {
                return None;
            }
            self.held = Some((level, index, bytes));
        }
        self.held.as_ref().map(|(_, _, bytes)| bytes.as_slice())
    }
}
