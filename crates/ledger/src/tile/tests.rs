use super::*;
use proptest::prelude::*;
use std::{format, vec};

#[test]
fn paths_have_one_spelling() {
    let good: &[(&str, u8, u64, u16)] = &[
        ("tile/0/000", 0, 0, 256),
        ("tile/0/x001/x234/067", 0, 1_234_067, 256),
        ("tile/0/x001/x234/067.p/8", 0, 1_234_067, 8),
        ("tile/0/273.p/112", 0, 273, 112),
        ("tile/2/000.p/1", 2, 0, 1),
        ("tile/1/x001/000.p/255", 1, 1000, 255),
        ("tile/63/x018/x446/x744/x073/x709/x551/615", 63, u64::MAX, 256),
    ];
    for &(path, level, index, width) in good {
        assert_eq!(TilePath::parse(path), Ok(TilePath { level, index, width }));
        assert_eq!(TilePath { level, index, width }.to_string(), path);
        let entries = path.replace(&format!("tile/{level}/"), "tile/entries/");
        assert_eq!(EntriesPath::parse(&entries), Ok(EntriesPath { index, width }));
        assert_eq!(EntriesPath { index, width }.to_string(), entries);
        assert!(TilePath::parse(&entries).is_err() && EntriesPath::parse(path).is_err());
    }
    let bad = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/X001/000",
        "tile/00/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/08",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/8.p/8",
        "tile/0/000.p/8/",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/０００",
        "tile/8/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
    ];
    for path in bad {
        assert_eq!(TilePath::parse(path), Err(TileError::Path), "{path}");
        let entries = path.replace("tile/0/", "tile/entries/");
        assert_eq!(EntriesPath::parse(&entries), Err(TileError::Path), "{entries}");
    }
}

#[test]
fn bundles_hold_1_to_256_entries() {
    let entry = |length: usize| vec![7; length];
    let good = [
        (vec![entry(0)], b"\0\0".to_vec()),
        (vec![b"ab".to_vec(), entry(0), b"c".to_vec()], b"\0\x02ab\0\0\0\x01c".to_vec()),
        (vec![entry(MAX_ENTRY)], [&[0xff, 0xff], &entry(MAX_ENTRY)[..]].concat()),
        (vec![entry(0); 256], vec![0; 512]),
    ];
    for (entries, bytes) in good {
        assert_eq!(encode_bundle(&entries).as_ref(), Ok(&bytes));
        assert_eq!(decode_bundle(&bytes), Ok(entries));
        assert!(bytes.len() <= MAX_BUNDLE);
    }
    for (entries, expected) in [
        (vec![], TileError::Width),
        (vec![entry(0); 257], TileError::Width),
        (vec![entry(MAX_ENTRY + 1)], TileError::LongEntry),
    ] {
        assert_eq!(encode_bundle(&entries), Err(expected));
    }
    for (bytes, expected) in [
        (vec![], TileError::Width),
        (vec![0; 514], TileError::Width),
        (vec![0], TileError::Short),
        (vec![0, 1], TileError::Short),
        (vec![0, 2, 1], TileError::Short),
        (vec![0, 1, 1, 0], TileError::Short),
    ] {
        assert_eq!(decode_bundle(&bytes), Err(expected));
    }
}

proptest! {
    #[test]
    fn no_path_panics(path in "(tile/)?[0-9entris]{0,3}(/x?[0-9]{3}){0,8}(\\.p/[0-9]{0,4})?\\PC{0,2}") {
        if let Ok(parsed) = TilePath::parse(&path) {
            prop_assert_eq!(parsed.to_string(), path.clone());
        }
        if let Ok(parsed) = EntriesPath::parse(&path) {
            prop_assert_eq!(parsed.to_string(), path);
        }
    }

    #[test]
    fn what_is_printed_is_parsed(level in 0_u8..=63, bits in 0_u32..64, index in any::<u64>(), width in 1_u16..=256) {
        let index = index >> bits;
        let path = TilePath { level, index, width };
        prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
        let path = EntriesPath { index, width };
        prop_assert_eq!(EntriesPath::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn no_bundle_panics(bytes in prop::collection::vec(0_u8..4, 0..700)) {
        if let Ok(entries) = decode_bundle(&bytes) {
            prop_assert_eq!(encode_bundle(&entries), Ok(bytes));
        }
    }

    #[test]
    fn bundles_unpack_as_they_were_packed(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
    ) {
        prop_assert_eq!(decode_bundle(&encode_bundle(&entries).unwrap()), Ok(entries));
    }
}
