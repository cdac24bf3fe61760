//! A checkpoint that parses begins with what it prints; nothing unsigned opens.
#![no_main]
use ledger::{
    checkpoint::{self, Checkpoint},
    note::SigningKey,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(checkpoint) = Checkpoint::parse_text(text) {
        assert!(text.starts_with(&checkpoint.to_text()));
    }
    // The fuzzer cannot sign, and a seed nobody writes down keeps the corpus from ever holding a signature.
    let key = SigningKey::from_seed("k", [0x5a; 32]).expect("a fixed key with a good name");
    assert!(checkpoint::open(text.as_bytes(), &key.verifier()).is_err());
});
