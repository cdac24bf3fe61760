//! The doorbell's stream holds at most one line and rings the same in whatever pieces it comes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use relay::bell::Decoder;

fuzz_target!(|bytes: &[u8]| {
    let whole = Decoder::default().push(bytes);
    let mut decoder = Decoder::default();
    let mut rung = None;
    for byte in bytes {
        match decoder.push(std::slice::from_ref(byte)) {
            Ok(size) => rung = rung.max(size),
            Err(_) => return assert!(whole.is_err()),
        }
    }
    assert_eq!(whole, Ok(rung));
});
