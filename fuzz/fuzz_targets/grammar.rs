//! A text that reads as a note prints as the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::AnyNote;

fuzz_target!(|text: &str| {
    let Ok(note) = AnyNote::parse(text) else { return };
    assert_eq!(note.to_text(), text);
});
