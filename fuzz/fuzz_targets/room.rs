//! What was said in a room: what reads prints as the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::room::Said;

fuzz_target!(|text: &str| {
    if let Ok(said) = Said::parse(text) {
        assert_eq!(said.to_string(), text);
    }
});
