//! The edge's own history of hostnames, as a damaged disk may give it back.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = edge::bindings::Bindings::parse(text);
});
