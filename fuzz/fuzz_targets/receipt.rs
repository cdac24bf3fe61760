//! What edges send the desk: receipts, and requests for configurations.
#![no_main]
use ledger::note::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = SigningKey::from_seed("edge", [1; 32]).expect("a fixed key with a good name");
    assert!(relay::receipt::Receipt::open(bytes, &key.verifier()).is_err());
    let _ = relay::receipt::claimed_edge(bytes);
    assert!(relay::config::Request::open(bytes, &key.verifier()).is_err());
    let _ = relay::config::claimed_edge(bytes);
});
