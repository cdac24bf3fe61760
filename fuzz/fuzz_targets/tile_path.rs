//! A path that parses prints as the same text.
#![no_main]
use ledger::tile::{EntriesPath, TilePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    if let Ok(tile) = TilePath::parse(path) {
        assert_eq!(tile.to_string(), path);
        assert!(EntriesPath::parse(path).is_err());
    }
    if let Ok(entries) = EntriesPath::parse(path) {
        assert_eq!(entries.to_string(), path);
    }
});
