//! What Go's checksum database library says about the same log, keys and texts (`oracles/sumdb`), line by line.

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{self, Tree};
use ledger::note::{Note, SigningKey, VerifierKey};
use std::fmt::Write as _;

const ANSWERS: &str = include_str!("../oracles/sumdb/answers.txt");
const TOTAL: u64 = 70_000;

fn entry(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

/// As the Go program writes it: how many hashes, and the SHA-256 of all of them in a row.
fn digest(proof: &[Hash]) -> String {
    let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
    format!("{} {}", proof.len(), hex(&Hash::of(&bytes).0))
}

/// The same line by this crate, from the question that stands in it.
fn ours(line: &str, tree: &Tree, key: &SigningKey) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let root = |size| tree.root_at(size).expect("a size within the tree");
    match words[0] {
        "root" => format!("root {} {}", number(1), root(number(1)).to_base64()),
        "inclusion" => {
            let (index, size) = (number(1), number(2));
            let proof = merkle::prove_inclusion(tree, index, size).expect("within the tree");
            let leaf = merkle::leaf_hash(&entry(index));
            assert_eq!(merkle::verify_inclusion(&leaf, index, size, &proof, &root(size)), Ok(()));
            format!("inclusion {index} {size} {}", digest(&proof))
        }
        "consistency" => {
            let (old, new) = (number(1), number(2));
            let proof = merkle::prove_consistency(tree, old, new).expect("within the tree");
            assert_eq!(merkle::verify_consistency(old, &root(old), new, &root(new), &proof), Ok(()));
            format!("consistency {old} {new} {}", digest(&proof))
        }
        "vkey" => {
            assert_eq!(VerifierKey::parse(words[1]).expect("Go's vkey is one"), key.verifier());
            format!("vkey {}", key.verifier())
        }
        "skey" => {
            let theirs = SigningKey::parse(words[1]).expect("Go takes it, so it is one");
            assert_eq!(theirs.verifier(), key.verifier());
            format!("skey {}", key.encode())
        }
        path => {
            let mut tiles = merkle::new_tiles(tree, 0, TOTAL).into_iter();
            let (_, bytes) = tiles.find(|(ours, _)| ours.to_string() == path).expect("Go has this tile");
            format!("{path} {}", hex(&Hash::of(&bytes).0))
        }
    }
}

/// Go signed a text and opened it again; we read it, believe it, and would have written the same bytes.
fn go_signed_this(theirs: &str, key: &SigningKey) {
    let digits = theirs.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("hexadecimal"));
    let bytes: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).expect("hexadecimal")).collect();
    let read = Note::parse(&bytes).expect("a signed note");
    assert_eq!(read.signers([&key.verifier()]).expect("good signatures"), [&key.verifier()]);
    let mut again = Note::new(read.text()).expect("a text");
    again.add(key.sign(read.text()));
    assert_eq!(again.to_bytes(), bytes);
    if read.text().starts_with("log.example/one\n") {
        let checkpoint = Checkpoint::parse_text(read.text()).expect("a checkpoint");
        assert_eq!((checkpoint.size, checkpoint.root), (0, merkle::EMPTY_ROOT));
    }
}

#[test]
fn go_says_the_same() {
    let tree: Tree = (0..TOTAL).map(|index| merkle::leaf_hash(&entry(index))).collect();
    let key = SigningKey::from_seed("log.example/one", [1; 32]).expect("a name");
    let mut notes = 0;
    for line in ANSWERS.lines() {
        if let Some(theirs) = line.strip_prefix("note ") {
            go_signed_this(theirs, &key);
            notes += 1;
        } else {
            assert_eq!(line, ours(line, &tree, &key));
        }
    }
    assert_eq!((ANSWERS.lines().count(), notes), (135, 4), "nothing is left out");
}
