use super::*;
use crate::note::SigningKey;
use proptest::prelude::*;
use std::{format, vec::Vec};

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn log(name: &str) -> SigningKey {
    SigningKey::from_seed(name, [1; 32]).unwrap()
}

fn signed(text: &str, by: &SigningKey) -> Vec<u8> {
    let mut note = Note::new(text).unwrap();
    note.add(by.sign(text));
    note.to_bytes()
}

#[test]
fn a_text_has_one_spelling() {
    let malformed = |what| Err(CheckpointError::Malformed(what));
    let good = |size| Ok((String::from("example.com/behind-the-sofa"), size));
    let cases = [
        (format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n"), good(20_852_163)),
        (format!("example.com/behind-the-sofa\n1\n{ROOT}\nextension\nand another\n"), good(1)),
        (format!("example.com/behind-the-sofa\n0\n{EMPTY}\n"), good(0)),
        (format!("example.com/behind-the-sofa\n{}\n{ROOT}\n", u64::MAX), good(u64::MAX)),
        (String::new(), malformed("the final newline")),
        ("\n".into(), malformed("the origin")),
        (format!("o\n1\n{ROOT}"), malformed("the final newline")),
        (format!("\n1\n{ROOT}\n"), malformed("the origin")),
        (format!("o\r\n1\n{ROOT}\n"), malformed("the origin")),
        (format!("o\n\n{ROOT}\n"), malformed("the size")),
        (format!("o\n01\n{ROOT}\n"), malformed("the size")),
        (format!("o\n+1\n{ROOT}\n"), malformed("the size")),
        (format!("o\n-1\n{ROOT}\n"), malformed("the size")),
        (format!("o\n1 \n{ROOT}\n"), malformed("the size")),
        (format!("o\n18446744073709551616\n{ROOT}\n"), malformed("the size")),
        ("o\n1\n".into(), malformed("the root")),
        ("o\n1\nAAAA\n".into(), malformed("the root")),
        (format!("o\n1\n{ROOT} \n"), malformed("the root")),
        (format!("o\n1\n{}\n", ROOT.trim_end_matches('=')), malformed("the root")),
        (format!("o\n1\n{}\n", ROOT.replace("q2I=", "q2J=")), malformed("the root")),
        (format!("o\n0\n{ROOT}\n"), malformed("the root of an empty log")),
        (format!("o\n1\n{ROOT}\n\n"), malformed("an extension line")),
        (format!("o\n1\n{ROOT}\n\nx\n"), malformed("an extension line")),
    ];
    for (text, expected) in cases {
        let found = Checkpoint::parse_text(&text).map(|checkpoint| (checkpoint.origin, checkpoint.size));
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn the_tlog_tiles_crate_reads_our_text() {
    let ours = Checkpoint { origin: "log.example".into(), size: 7, root: Hash::of(b"x") };
    let theirs = tlog_tiles::Checkpoint::from_bytes(ours.to_text().as_bytes()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), ("log.example", 7, ours.root.0));
    assert_eq!(theirs.to_bytes(), ours.to_text().as_bytes());
}

#[test]
fn only_the_log_opens_its_checkpoints() {
    let (key, other) = (log("log.example"), SigningKey::from_seed("log.example", [2; 32]).unwrap());
    let text = format!("log.example\n1\n{ROOT}\n");
    let (checkpoint, note) = open(&signed(&text, &key), &key.verifier()).unwrap();
    assert_eq!((checkpoint.to_text(), note.text()), (text.clone(), text.as_str()));

    let mut forged = note.clone();
    forged.add(crate::note::Signature { bytes: [0; 64].to_vec(), ..key.sign(&text) });
    let bad = CheckpointError::Note(NoteError::BadSignature("log.example".into()));
    let cases = [
        (signed(&text, &other), CheckpointError::NotSigned),
        (signed(&text, &log("other.example")), CheckpointError::NotSigned),
        (signed(&text.replace("log", "gol"), &key), CheckpointError::OtherOrigin),
        (signed("portcullis-receipt/v1\n", &key), CheckpointError::Malformed("the size")),
        (forged.to_bytes(), bad),
        (text.clone().into(), CheckpointError::Note(NoteError::NoSignatures)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(open(&bytes, &key.verifier()).unwrap_err(), expected);
    }
    assert_eq!(open(&signed(&text, &key), &key.cosigner()).unwrap_err(), CheckpointError::NotALogKey);
}

#[test]
fn no_flipped_bit_of_a_checkpoint_goes_unnoticed() {
    let key = log("log.example");
    let bytes = signed(&format!("log.example\n1\n{ROOT}\n"), &key);
    for at in 0..bytes.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut other = bytes.clone();
            other[at] ^= bit;
            assert!(open(&other, &key.verifier()).is_err(), "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z \n]{0,9}\n[0-9+]{0,21}\n[A-Za-z0-9+/]{42,44}=?\n[a-z\n]{0,9}") {
        if let Ok(checkpoint) = Checkpoint::parse_text(&text) {
            prop_assert!(text.starts_with(&checkpoint.to_text()));
        }
        prop_assert!(open(text.as_bytes(), &log("o").verifier()).is_err());
    }

    #[test]
    fn what_is_printed_is_parsed(origin in "[a-z./é]{1,20}", size in 1_u64.., root in any::<[u8; 32]>()) {
        let checkpoint = Checkpoint { origin, size, root: Hash(root) };
        prop_assert_eq!(Checkpoint::parse_text(&checkpoint.to_text()), Ok(checkpoint));
    }
}
