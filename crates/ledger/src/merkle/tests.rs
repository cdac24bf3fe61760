use super::*;
use crate::tile::TilePath;
use proptest::prelude::*;
use sha2_for_ct_merkle::Sha256 as CtSha256;
use std::{collections::BTreeMap, string::String, string::ToString as _, vec};

/// Sizes around every edge of a tile, up to the example of C2SP tlog-tiles.
const SIZES: [u64; 10] = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000];

fn entry(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn tree(size: u64) -> Tree {
    (0..size).map(|index| leaf_hash(&entry(index))).collect()
}

/// MTH as RFC 6962 section 2.1 defines it, and nothing else.
fn defined_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&defined_root(left), &defined_root(right))
        }
    }
}

/// What another crate stores for the same leaves.
struct Stored(Vec<tlog_tiles::Hash>);

impl tlog_tiles::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|&index| self.0[index as usize]).collect())
    }
}

fn stored(size: u64) -> Stored {
    let mut stored = Stored(Vec::new());
    for index in 0..size {
        let more = tlog_tiles::stored_hashes(index, &entry(index), &stored).unwrap();
        stored.0.extend(more);
    }
    stored
}

fn theirs(hash: &Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

/// A log as it lies on a disk: the tiles of every published size and nothing else.
#[derive(Default)]
struct Disk(BTreeMap<String, Vec<u8>>);

impl Tiles for Disk {
    fn tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>> {
        self.0.get(&TilePath { level, index, width }.to_string()).cloned()
    }
}

#[test]
fn roots_of_certificate_transparency() {
    // The leaves and roots of the tests of Google's Certificate Transparency code.
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(tree.root_at(tree.len()).unwrap().to_string(), *root, "size {size}");
        if let Some(leaf) = leaves.get(size) {
            tree.push(leaf_hash(leaf));
        }
    }
    assert_eq!(EMPTY_ROOT.to_string(), roots[0]);
    assert_eq!((tree.root_at(9), tree.leaf(8), tree.leaf(0)), (None, None, Some(leaf_hash(b""))));
}

#[test]
fn every_proof_of_small_logs_holds_and_no_wrong_one_does() {
    const MOST: u64 = 40;
    let tree = tree(MOST);
    let leaves: Vec<Hash> = (0..MOST).map(|index| tree.leaf(index).unwrap()).collect();
    let wrong = Hash::of(b"wrong");
    for size in 0..=MOST {
        let root = defined_root(&leaves[..size as usize]);
        assert_eq!(tree.root_at(size), Some(root));
        for index in 0..size {
            let proof = prove_inclusion(&tree, index, size).unwrap();
            let leaf = &leaves[index as usize];
            assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()));
            refuses(&proof, |proof| verify_inclusion(leaf, index, size, proof, &root));
            assert!(verify_inclusion(&wrong, index, size, &proof, &root).is_err());
            assert!(verify_inclusion(leaf, index, size, &proof, &wrong).is_err());
            for other in (0..=MOST).filter(|&other| other != index) {
                assert!(verify_inclusion(leaf, other, size, &proof, &root).is_err());
            }
        }
        assert_eq!(prove_inclusion(&tree, size, size), None);
        for old in 1..=size {
            let old_root = tree.root_at(old).unwrap();
            let proof = prove_consistency(&tree, old, size).unwrap();
            assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()), "{old} {size}");
            refuses(&proof, |proof| verify_consistency(old, &old_root, size, &root, proof));
            assert!(verify_consistency(old, &wrong, size, &root, &proof).is_err());
            assert!(verify_consistency(old, &old_root, size, &wrong, &proof).is_err());
            assert_eq!(prove_consistency(&tree, size + 1, old), None);
        }
    }
}

/// Changes a proof in every way that is not the identity; each must be refused.
fn refuses(proof: &[Hash], verify: impl Fn(&[Hash]) -> Result<(), ProofError>) {
    let mut other = proof.to_vec();
    for at in 0..proof.len() {
        other[at].0[at % 32] ^= 1;
        assert_eq!(verify(&other), Err(ProofError::Root));
        other[at] = proof[at];
        let mut without = proof.to_vec();
        without.remove(at);
        assert!(verify(&without).is_err());
    }
    other.push(Hash::of(b"more"));
    assert!(verify(&other).is_err());
}

#[test]
fn edges_of_consistency() {
    let (one, two) = (tree(1).root_at(1).unwrap(), tree(2).root_at(2).unwrap());
    let some = [Hash::of(b"x")];
    type Case<'a> = (u64, &'a Hash, u64, &'a Hash, &'a [Hash], Result<(), ProofError>);
    let cases: &[Case<'_>] = &[
        (0, &EMPTY_ROOT, 0, &EMPTY_ROOT, &[], Ok(())),
        (0, &EMPTY_ROOT, 2, &two, &[], Ok(())),
        (0, &EMPTY_ROOT, 2, &two, &some, Err(ProofError::Length)),
        (0, &EMPTY_ROOT, 0, &one, &[], Err(ProofError::Root)),
        (0, &one, 2, &two, &[], Err(ProofError::Root)),
        (2, &two, 2, &two, &[], Ok(())),
        (2, &two, 2, &one, &[], Err(ProofError::Root)),
        (2, &two, 2, &two, &some, Err(ProofError::Length)),
        (2, &two, 1, &one, &[], Err(ProofError::Sizes)),
        (1, &one, 2, &two, &[], Err(ProofError::Length)),
        (3, &one, 4, &two, &[], Err(ProofError::Length)),
        (u64::MAX, &one, u64::MAX, &one, &[], Ok(())),
        (u64::MAX - 1, &one, u64::MAX, &one, &some, Err(ProofError::Length)),
        (1, &one, u64::MAX, &one, &[Hash([0; 32]); 65], Err(ProofError::Length)),
    ];
    for &(old, old_root, new, new_root, proof, expected) in cases {
        assert_eq!(verify_consistency(old, old_root, new, new_root, proof), expected, "{old} {new}");
    }
    assert_eq!(verify_inclusion(&one, 0, 0, &[], &EMPTY_ROOT), Err(ProofError::Sizes));
    assert_eq!(verify_inclusion(&one, 0, 1, &[], &one), Ok(()));
    assert_eq!(verify_inclusion(&one, u64::MAX, u64::MAX, &[], &one), Err(ProofError::Sizes));
}

#[test]
fn two_other_crates_agree_at_every_edge_of_a_tile() {
    let (tree, stored) = (tree(70_000), stored(70_000));
    for size in SIZES {
        let root = tree.root_at(size).unwrap();
        assert_eq!(theirs(&root), tlog_tiles::tree_hash(size, &stored).unwrap(), "size {size}");
        let ct_root = ct_merkle::RootHash::<CtSha256>::new(root.0.into(), size);
        let samples = [0, 1, 254, 255, 256, 257, size / 2, size.saturating_sub(2), size.saturating_sub(1)];
        for index in samples.into_iter().filter(|&index| index < size) {
            let proof = prove_inclusion(&tree, index, size).unwrap();
            let expected = tlog_tiles::prove_record(size, index, &stored).unwrap();
            assert_eq!(proof.iter().map(theirs).collect::<Vec<_>>(), expected, "{index} in {size}");
            assert_eq!(verify_inclusion(&leaf_hash(&entry(index)), index, size, &proof, &root), Ok(()));
            let ct_proof =
                ct_merkle::InclusionProof::from_bytes(proof.iter().flat_map(|hash| hash.0).collect());
            ct_root.verify_inclusion(&entry(index), index, &ct_proof).unwrap();
        }
        for old in SIZES.into_iter().filter(|&old| 0 < old && old <= size) {
            let proof = prove_consistency(&tree, old, size).unwrap();
            let expected = tlog_tiles::prove_tree(size, old, &stored).unwrap();
            assert_eq!(proof.iter().map(theirs).collect::<Vec<_>>(), expected, "{old} of {size}");
            let old_root = tree.root_at(old).unwrap();
            assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
            let bytes = proof.iter().flat_map(|hash| hash.0).collect();
            let ct_proof = ct_merkle::ConsistencyProof::try_from_bytes(bytes).unwrap();
            let ct_old = ct_merkle::RootHash::new(old_root.0.into(), old);
            ct_root.verify_consistency(&ct_old, &ct_proof).unwrap();
        }
    }
    tiles_are_those_of_the_other_crate(&tree, &stored);
}

/// The same tiles for every step of growth; the crate's paths name the height of the tiles first.
fn tiles_are_those_of_the_other_crate(tree: &Tree, stored: &Stored) {
    for old in SIZES {
        for new in SIZES.into_iter().filter(|&new| new >= old) {
            let mut expected = BTreeMap::new();
            for tile in tlog_tiles::Tile::new_tiles(8, old, new) {
                let path = tile.path().replacen("tile/8/", "tile/", 1);
                // Reading all is slow without optimisation; the first, the last and the higher levels say enough.
                let read = tile.level() > 0 || tile.level_index() % 64 == 0 || tile.width() < 256;
                expected.insert(path, read.then(|| tile.read_data(stored).unwrap()));
            }
            let ours = new_tiles(tree, old, new);
            assert_eq!(ours.len(), expected.len(), "{old} to {new}");
            for (path, bytes) in ours {
                let found = expected.remove(&path.to_string()).expect("the other crate has this tile too");
                assert!(found.is_none_or(|found| found == bytes), "{path}");
            }
        }
    }
}

#[test]
fn the_example_of_the_specification_has_these_tiles() {
    let tree = tree(70_000);
    let mut widths = BTreeMap::<u8, Vec<u16>>::new();
    for (path, bytes) in new_tiles(&tree, 0, 70_000) {
        assert_eq!(bytes.len(), usize::from(path.width) * 32);
        widths.entry(path.level).or_default().push(path.width);
    }
    let mut level0 = vec![256; 273];
    level0.push(112);
    assert_eq!(widths, BTreeMap::from([(0, level0), (1, vec![256, 17]), (2, vec![1])]));
    assert_eq!(new_tiles(&tree, 70_000, 70_000), []);
    assert_eq!(new_tiles(&tree, 70_000, 69_999), []);
    assert_eq!(new_tiles(&tree, 0, 70_001), []);
}

#[test]
fn published_tiles_alone_prove_every_published_size() {
    let tree = tree(1_100);
    let sizes = [1, 2, 255, 256, 300, 512, 513, 1_100];
    let mut disk = Disk::default();
    let mut old = 0;
    for new in sizes {
        disk.0.extend(new_tiles(&tree, old, new).into_iter().map(|(path, bytes)| (path.to_string(), bytes)));
        old = new;
    }
    for size in sizes {
        assert_eq!(root(&disk, size), tree.root_at(size));
        for index in [0, size / 3, size - 1] {
            assert_eq!(prove_inclusion(&disk, index, size), prove_inclusion(&tree, index, size));
        }
        for old in sizes.into_iter().filter(|&old| old <= size) {
            assert_eq!(prove_consistency(&disk, old, size), prove_consistency(&tree, old, size));
        }
    }
    // A size that was never published has no tiles; a missing tile or one of another length proves nothing.
    assert_eq!(root(&disk, 257), None);
    for damage in ["tile/0/000", "tile/1/000.p/4", "tile/0/004.p/76"] {
        let whole = disk.0.remove(damage).unwrap();
        assert_eq!(prove_inclusion(&disk, 0, 1_100), None, "{damage}");
        for other in [whole[1..].to_vec(), [&whole[..], &[0]].concat()] {
            disk.0.insert(damage.into(), other);
            assert_eq!(prove_inclusion(&disk, 0, 1_100), None, "{damage}");
        }
        disk.0.insert(damage.into(), whole);
        assert!(prove_inclusion(&disk, 0, 1_100).is_some());
    }
}

/// A log of any size whose leaf hashes are all zero: every complete subtree of a height has the same hash.
struct Uniform;

impl Tiles for Uniform {
    fn tile(&self, level: u8, _: u64, width: u16) -> Option<Vec<u8>> {
        let hash = (0..8 * u32::from(level)).fold(Hash([0; 32]), |hash, _| node_hash(&hash, &hash));
        Some(hash.0.repeat(usize::from(width)))
    }
}

fn sizes() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(bits, number)| number >> bits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_of_huge_logs_hold(a in sizes(), b in sizes()) {
        let (small, large) = (a.min(b), a.max(b));
        let (old_root, new_root) = (root(&Uniform, small).unwrap(), root(&Uniform, large).unwrap());
        let proof = prove_consistency(&Uniform, small, large).unwrap();
        prop_assert_eq!(verify_consistency(small, &old_root, large, &new_root, &proof), Ok(()));
        if small < large {
            prop_assert_eq!(prove_consistency(&Uniform, large, small), None);
            let proof = prove_inclusion(&Uniform, small, large).unwrap();
            prop_assert_eq!(verify_inclusion(&Hash([0; 32]), small, large, &proof, &new_root), Ok(()));
        }
    }

    #[test]
    fn no_proof_panics(
        a in sizes(),
        b in sizes(),
        proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70),
    ) {
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        prop_assert!(verify_inclusion(&one, a, b, &proof, &two).is_err());
        prop_assert!(verify_consistency(a, &one, b, &two, &proof).is_err());
    }

    #[test]
    fn hashes_have_one_spelling(bytes in any::<[u8; 32]>(), text in "[0-9a-fA-F]{62,66}") {
        let hash = Hash(bytes);
        prop_assert_eq!(Hash::parse_hex(&hash.to_string()), Some(hash));
        prop_assert_eq!(Hash::parse_base64(&hash.to_base64()), Some(hash));
        prop_assert!(Hash::parse_hex(&text).is_none_or(|hash| hash.to_string() == text));
        prop_assert!(Hash::parse_base64(&text).is_none_or(|hash| hash.to_base64() == text));
    }
}

#[test]
fn a_frontier_has_the_trees_root() {
    let (mut tree, mut frontier) = (Tree::new(), Frontier::new());
    assert_eq!(frontier.root(), EMPTY_ROOT);
    for n in 0u32..1100 {
        tree.push(leaf_hash(&n.to_be_bytes()));
        frontier.push(leaf_hash(&n.to_be_bytes()));
        assert_eq!((Some(frontier.root()), frontier.size()), (tree.root_at(tree.len()), tree.len()));
    }
}
