//! A key that parses prints as the same text.
#![no_main]
use ledger::note::{SigningKey, VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = SigningKey::parse(text) {
        assert_eq!(key.encode(), text);
    }
});
