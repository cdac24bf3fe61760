//! Every byte of every signed thing: one bit changed, and it is refused, or it says the same as before.

use crate::{files, folder};
use ledger::checkpoint;
use ledger::note::Note;
use ledger::tile::decode_bundle;
use policy::entry::Entry;
use policy::{AnyNote, Kind, Outcome, Seen, State, Trust};
use std::collections::BTreeSet;

/// What an entry says, whoever signed it and whenever it was logged.
fn text(entry: &[u8]) -> Option<String> {
    Entry::parse(entry).ok().map(|e| e.note.text().to_owned())
}

#[test]
fn no_byte_of_a_note_can_be_changed() {
    let mut kinds = BTreeSet::new();
    for (name, _) in crate::logs::all() {
        let files = files(&folder(name));
        let trust = String::from_utf8(files["trust"].clone()).expect("text");
        let trust = Trust::parse(trust.trim_end()).expect("a trust line");
        let bundle = files.iter().find(|(path, _)| path.starts_with("tile/entries")).expect("there").1;
        let entries = decode_bundle(bundle).expect("a bundle");
        let mut state = State::genesis(&trust, &entries[0], true).expect("entry 0");
        for (index, entry) in (1..).zip(&entries[1..]) {
            let before = state.clone();
            let Outcome::Applied { kind, .. } = state.apply(index, entry, Seen::CatchUp) else { continue };
            // One of each kind, and each class and reason as its own kind.
            let parsed = AnyNote::parse(&text(entry).expect("it parses")).expect("it was applied");
            let what = match parsed {
                AnyNote::Impose(n) => format!("impose {}", n.class),
                AnyNote::Continue(n) => format!("continue {}", n.reason),
                _ => kind.word().to_owned(),
            };
            if kinds.insert(what.clone()) {
                flip(&what, &before, index, entry);
            }
        }
    }
    for kind in Kind::ALL {
        assert!(kinds.iter().any(|k| k.starts_with(kind.word())), "no golden log has a {kind}");
    }
    assert_eq!(kinds.len(), 6 + 4 + 3, "{kinds:?}");
}

fn flip(what: &str, before: &State, index: u64, entry: &[u8]) {
    let said = text(entry);
    let logged = entry.iter().position(|b| *b == b'\n').expect("a first line");
    for at in logged + 1..entry.len() {
        let mut changed = entry.to_vec();
        changed[at] ^= 1 << (at % 8);
        let outcome = before.clone().apply(index, &changed, Seen::CatchUp);
        // A changed signature line may be somebody's whom nobody needs: then the text is the same.
        assert!(!outcome.is_applied() || text(&changed) == said, "{what}: byte {at} is not signed");
    }
}

#[test]
fn no_byte_of_a_checkpoint_can_be_changed() {
    for (name, _) in crate::logs::all() {
        let files = files(&folder(name));
        let bytes = &files["checkpoint"];
        let whole = Note::parse(bytes).expect("a note");
        let trust = String::from_utf8(files["trust"].clone()).expect("text");
        let trust = Trust::parse(trust.trim_end()).expect("a trust line");
        // The log with a new key is signed by that; here the old one's must be enough to try.
        if checkpoint::open(bytes, &trust.log).is_err() {
            continue;
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            if let Ok((_, note)) = checkpoint::open(&changed, &trust.log) {
                assert_eq!(note.text(), whole.text(), "{name}: byte {at}");
            }
        }
    }
}

#[test]
fn no_byte_of_a_trust_line_can_be_changed() {
    let files = files(&folder("emergency"));
    let bundle = files.iter().find(|(path, _)| path.starts_with("tile/entries")).expect("there").1;
    let entry0 = decode_bundle(bundle).expect("a bundle").swap_remove(0);
    let line = String::from_utf8(files["trust"].clone()).expect("text");
    let line = line.trim_end();
    for at in 0..line.len() {
        let mut changed = line.as_bytes().to_vec();
        changed[at] ^= 1 << (at % 7);
        let Some(trust) = String::from_utf8(changed).ok().and_then(|l| Trust::parse(&l).ok()) else {
            continue;
        };
        assert!(State::genesis(&trust, &entry0, true).is_err(), "byte {at}");
    }
}
