//! Proofs of any sizes and hashes never panic, and none leads to a root nobody computed.
#![no_main]
use ledger::{Hash, merkle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, Vec<[u8; 32]>)| {
    let (one, two, hashes) = input;
    let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
    let (leaf, root) = (Hash::of(b"leaf"), Hash::of(b"root"));
    assert!(merkle::verify_inclusion(&leaf, one, two, &proof, &root).is_err());
    assert!(merkle::verify_consistency(one, &leaf, two, &root, &proof).is_err());
});
