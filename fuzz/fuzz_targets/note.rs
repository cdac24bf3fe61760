//! A note that parses prints as the same bytes, and checking it with a key never panics.
#![no_main]
use ledger::note::{Note, SigningKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(note.to_bytes(), bytes);
    let key = SigningKey::from_seed("k", [1; 32]).expect("a fixed key with a good name");
    let known = [key.verifier(), key.cosigner()];
    let _ = note.signers(&known);
});
