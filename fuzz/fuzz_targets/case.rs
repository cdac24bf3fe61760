//! Entries of cases: what reads prints as the same bytes, and no journal makes the case stumble.
#![no_main]
use libfuzzer_sys::fuzz_target;
use policy::case::{Case, Entry};

fuzz_target!(|text: &str| {
    let entries: Vec<Entry> = text.split("\n\n").filter_map(|part| Entry::parse(&format!("{part}\n")).ok()).collect();
    if let Some(one) = entries.first() {
        assert_eq!(Entry::parse(&one.to_string()).expect("its own text"), *one);
    }
    if let Ok(case) = Case::read(&entries) {
        assert_eq!(case.entries, entries.len() as u64);
    }
});
