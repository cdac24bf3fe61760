//! The Merkle tree of the log (RFC 6962 section 2.1, RFC 9162 section 2.1): hashes, proofs, and a tree made of tiles.
//!
//! Checking needs a few hashes and trusts nobody. Proving reads tiles from whoever has them and trusts what they hold:
//! check the proof before you send it when the tiles come from a disk you doubt.

mod frontier;
mod prove;
#[cfg(test)]
mod tests;
mod tree;

pub use frontier::Frontier;
pub use prove::{prove_consistency, prove_inclusion, root};
pub use tree::{Tree, new_tiles};

use crate::Hash;
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest as _, Sha256};

/// The root hash of an empty log: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// The hash of an entry: SHA-256(0x00, entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hash = Sha256::new_with_prefix([0]);
    hash.update(entry);
    Hash(hash.finalize().into())
}

/// The hash of two subtrees: SHA-256(0x01, left, right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new_with_prefix([1]);
    hash.update(left.0);
    hash.update(right.0);
    Hash(hash.finalize().into())
}

/// Where the hashes of a tree are read from: a [`Tree`] in memory, or tiles on a disk.
pub trait Tiles {
    /// The first `width` (1 to 256) hashes of tile `index` at `level`, concatenated; `None` when they are not there.
    /// A longer tile may exist; its beginning is the answer.
    fn tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>>;
}

/// Checks that the entry with this leaf hash is number `index` of the log with this size and root (RFC 9162 section
/// 2.1.3.2).
///
/// # Errors
/// When the proof does not show it.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let Some(last) = size.checked_sub(1).filter(|&last| index <= last) else {
        return Err(ProofError::Sizes);
    };
    let mut climb = Climb { node: index, last };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.end()?;
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the log with the new size and root begins with all entries of the log with the old size and root (RFC
/// 9162 section 2.1.4.2). Equal sizes need equal roots and an empty proof. An empty old log is the beginning of every
/// log: the proof is empty then and says nothing about the new root.
///
/// # Errors
/// When the proof does not show it.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Sizes);
    }
    let (Some(node), Some(last)) = (old_size.checked_sub(1), new_size.checked_sub(1)) else {
        let empty = *old_root == EMPTY_ROOT && (new_size > 0 || *new_root == EMPTY_ROOT);
        return without_proof(proof, empty);
    };
    if old_size == new_size {
        return without_proof(proof, old_root == new_root);
    }
    // A complete old tree is a node of the new one, and the proof leaves it out.
    let (first, rest) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (old_root, proof),
        Some((first, rest)) => (first, rest),
        None => return Err(ProofError::Length),
    };
    let mut climb = Climb { node, last };
    climb.rise(node.trailing_ones());
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            Side::Right => new = node_hash(&new, sibling),
        }
    }
    climb.end()?;
    if old == *old_root && new == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

fn without_proof(proof: &[Hash], roots: bool) -> Result<(), ProofError> {
    match (proof.is_empty(), roots) {
        (false, _) => Err(ProofError::Length),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}

/// The way from a node to the root: its number and the last number in its row.
struct Climb {
    node: u64,
    last: u64,
}

/// On which side of the node the next hash of a proof stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length);
        }
        let odd = self.node & 1 == 1;
        let side = if odd || self.node == self.last {
            if !odd {
                // The last node of a row without a partner rises alone until it has one on its left.
                self.rise(self.node.trailing_zeros());
            }
            Side::Left
        } else {
            Side::Right
        };
        self.rise(1);
        Ok(side)
    }

    fn rise(&mut self, rows: u32) {
        self.node = self.node.checked_shr(rows).unwrap_or(0);
        self.last = self.last.checked_shr(rows).unwrap_or(0);
    }

    fn end(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length) }
    }
}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The index is outside the log, or the old log is larger than the new one.
    Sizes,
    /// Too many or too few hashes for these sizes.
    Length,
    /// The hashes lead to another root.
    Root,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sizes => "the sizes of the proof contradict each other",
            Self::Length => "the proof has too many or too few hashes",
            Self::Root => "the proof leads to another root hash",
        })
    }
}

impl core::error::Error for ProofError {}
