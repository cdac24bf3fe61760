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
        // The track is told from the facts alone, at any time, and never stumbles.
        let last = entries.last().map_or(policy::Time(0), |entry| entry.at);
        for why in case.facts.closed_by(last) {
            assert!(!why.to_string().is_empty());
        }
    }
});
