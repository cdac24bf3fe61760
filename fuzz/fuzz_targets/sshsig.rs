//! A signature that parses prints as the same bytes, armoured and not, and checking it never panics.
#![no_main]
use ledger::sshsig::{NAMESPACE, PublicKey, SshSig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(signature) = SshSig::from_blob(bytes) {
        assert_eq!(signature.to_blob(), bytes);
        assert_eq!(SshSig::from_armor(&signature.to_armor()).as_ref(), Ok(&signature));
        assert!(signature.verify(signature.public_key(), NAMESPACE, b"never signed").is_err());
    }
    if let Ok(key) = PublicKey::from_blob(bytes) {
        assert_eq!(key.to_blob(), bytes);
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(signature) = SshSig::from_armor(text) {
        assert_eq!(SshSig::from_blob(&signature.to_blob()), Ok(signature));
    }
    if let Ok((key, _)) = PublicKey::from_openssh(text) {
        assert_eq!(PublicKey::from_openssh(&key.to_openssh()), Ok((key, String::new())));
    }
});
