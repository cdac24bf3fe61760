//! A passkey or an assertion that parses prints as the same bytes, and checking it never panics.
#![no_main]
use ledger::webauthn::{Assertion, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how long the key is.
    let Some((&at, rest)) = bytes.split_first() else { return };
    let Some((key, assertion)) = rest.split_at_checked(usize::from(at)) else { return };
    let key = PublicKey::from_blob(key).inspect(|parsed| assert_eq!(parsed.to_blob(), key));
    let made = Assertion::from_blob(assertion).inspect(|parsed| assert_eq!(parsed.to_blob(), assertion));
    if let (Ok(key), Ok(made)) = (key, made) {
        let _: Result<(), _> = made.verify(&key, b"portcullis-lift/v1\n");
    }
});
