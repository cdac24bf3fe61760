//! What a witness is sent: whatever reads prints the same bytes, and nothing is ever promised for what nobody signed.
#![no_main]
use ledger::{note::SigningKey, witness::AddCheckpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(body) {
        assert_eq!(request.to_bytes(), body);
        let key = SigningKey::from_seed("k", [0x5a; 32]).expect("a fixed key with a good name");
        assert!(relay::witness::decide(None, &key.verifier(), &request).is_err());
    }
});
