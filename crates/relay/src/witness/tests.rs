//! A witness against logs that are honest, forked, unknown or rude.

use ledger::merkle::{Tree, leaf_hash, prove_consistency};

use super::*;

const NOW: Time = Time(1_795_305_600);

fn log() -> SigningKey {
    SigningKey::from_seed("demo:localhost/ledger", [1; 32]).expect("a name")
}

fn witness(dir: &Path) -> Witness {
    let key = SigningKey::from_seed("demo:witness", [2; 32]).expect("a name");
    Witness::open(dir, key, vec![log().verifier()]).expect("opens")
}

fn tree(seed: &str, size: usize) -> Tree {
    (0..size).map(|n| leaf_hash(format!("{}{n}", if n < 3 { "" } else { seed }).as_bytes())).collect()
}

fn request(key: &SigningKey, tree: &Tree, old: u64) -> Vec<u8> {
    let size = tree.len();
    let root = tree.root_at(size).expect("whole");
    let text = Checkpoint { origin: key.verifier().name().into(), size, root }.to_text();
    let mut note = Note::new(&text).expect("a text");
    note.add(key.sign(&text));
    let proof = prove_consistency(tree, old, size).unwrap_or_default();
    AddCheckpoint { old, proof, checkpoint: note.to_bytes() }.to_bytes()
}

fn cosigned(answer: &Answer, witness: &Witness, tree: &Tree) {
    let Answer::Cosigned(line) = answer else { panic!("{answer:?}") };
    let size = tree.len();
    let text =
        Checkpoint { origin: log().verifier().name().into(), size, root: tree.root_at(size).expect("whole") };
    let time = witness.cosigner().verify(text.to_text().as_bytes(), line).expect("a cosignature");
    assert_eq!(time, Some(NOW.0));
}

#[test]
fn one_history_is_cosigned_and_no_other_over_restarts() {
    let dir = tempfile::tempdir().expect("a directory");
    let it = witness(dir.path());
    assert_eq!(it.checkpoint(&Hash::of(b"demo:localhost/ledger")), None);
    let five = tree("a", 5);
    cosigned(&it.add(&request(&log(), &five, 0), NOW), &it, &five);
    assert_eq!(it.add(&request(&log(), &five, 0), NOW), Answer::Conflict(5), "it holds 5 now");
    cosigned(&it.add(&request(&log(), &five, 5), NOW), &it, &five);
    drop(it);
    let it = witness(dir.path());
    let nine = tree("a", 9);
    cosigned(&it.add(&request(&log(), &nine, 5), NOW), &it, &nine);
    let kept = it.checkpoint(&Hash::of(b"demo:localhost/ledger")).expect("the newest");
    assert_eq!(promised(&kept, &it.key, "demo:localhost/ledger").map(|c| c.size), Some(9));
    // Another history: same size, larger, smaller.
    for size in [9, 12] {
        let other = tree("b", size);
        assert!(matches!(it.add(&request(&log(), &other, 9), NOW), Answer::Unproven(_)), "{size}");
    }
    assert_eq!(it.add(&request(&log(), &tree("b", 7), 5), NOW), Answer::Conflict(9));
    assert!(matches!(it.add(&request(&log(), &tree("b", 7), 9), NOW), Answer::Malformed(_)), "old > size");
    let evidence = fs::read_dir(dir.path())
        .expect("there")
        .filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("fork")));
    assert_eq!(evidence.count(), 2, "both histories, as the log signed them");
}

#[test]
fn strangers_and_rubbish() {
    let dir = tempfile::tempdir().expect("a directory");
    let it = witness(dir.path());
    let five = tree("a", 5);
    let other = SigningKey::from_seed("demo:elsewhere/ledger", [1; 32]).expect("a name");
    assert_eq!(it.add(&request(&other, &five, 0), NOW), Answer::Unknown);
    let thief = SigningKey::from_seed("demo:localhost/ledger", [9; 32]).expect("a name");
    assert_eq!(it.add(&request(&thief, &five, 0), NOW), Answer::NotSigned);
    for rubbish in [&b""[..], b"old 0\n\nhello\n", b"old 0\nx\n\n", &[0xff; 100]] {
        assert!(matches!(it.add(rubbish, NOW), Answer::Malformed(_)));
    }
    let mut proof = request(&log(), &tree("a", 9), 5);
    cosigned(&it.add(&request(&log(), &five, 0), NOW), &it, &five);
    let at = proof.iter().position(|b| *b == b'\n').expect("a line") + 1;
    proof[at] = if proof[at] == b'A' { b'B' } else { b'A' };
    assert!(matches!(it.add(&proof, NOW), Answer::Unproven(_)));
    let statuses: Vec<u16> =
        [Answer::NotSigned, Answer::Unknown, Answer::Conflict(5), Answer::Unproven("x".into())]
            .iter()
            .map(|a| a.http().0)
            .collect();
    assert_eq!(statuses, [403, 404, 409, 422]);
    assert_eq!(Answer::Conflict(5).http(), (409, SIZE_TYPE, "5\n".into()));
}

#[test]
fn who_forgot_promises_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let it = witness(dir.path());
    let five = tree("a", 5);
    cosigned(&it.add(&request(&log(), &five, 0), NOW), &it, &five);
    drop(it);
    let file = dir.path().join(Hash::of(b"demo:localhost/ledger").to_string());
    let mut bytes = fs::read(&file).expect("the promise");
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        fs::write(&file, &bytes).expect("written");
        let key = SigningKey::from_seed("demo:witness", [2; 32]).expect("a name");
        let opened = Witness::open(dir.path(), key, vec![log().verifier()]);
        // A change in the log's own line is none of our promise's.
        let held = opened.map(|w| w.checkpoint(&Hash::of(b"demo:localhost/ledger")));
        assert!(
            held.is_err()
                || held.is_ok_and(|h| h.is_some_and(|h| promised(&h, &it_key(), "demo:localhost/ledger")
                    .map(|c| c.size)
                    == Some(5))),
            "byte {at}"
        );
        bytes[at] ^= 1;
    }
    fs::write(&file, &bytes).expect("written");
    let it = witness(dir.path());
    let key = SigningKey::from_seed("demo:witness", [2; 32]).expect("a name");
    assert!(Witness::open(dir.path(), key, Vec::new()).is_err(), "one process for one directory");
    drop(it);
}

fn it_key() -> SigningKey {
    SigningKey::from_seed("demo:witness", [2; 32]).expect("a name")
}

#[test]
fn what_could_not_be_written_is_not_promised() {
    let dir = tempfile::tempdir().expect("a directory");
    let it = witness(dir.path());
    fs::remove_dir_all(dir.path()).expect("gone");
    assert!(matches!(it.add(&request(&log(), &tree("a", 5), 0), NOW), Answer::Disk(_)));
    fs::create_dir(dir.path()).expect("back");
    let five = tree("b", 5);
    cosigned(&it.add(&request(&log(), &five, 0), NOW), &it, &five);
}

#[test]
fn a_promise_is_put_aside_only_for_another_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let new = SigningKey::from_seed("demo:localhost/ledger", [9; 32]).expect("a name");
    let it = witness(dir.path());
    let nine = tree("a", 9);
    cosigned(&it.add(&request(&log(), &nine, 0), NOW), &it, &nine);
    assert!(Witness::let_go(dir.path(), &new.verifier()).is_err(), "it is in use");
    drop(it);
    let same = Witness::let_go(dir.path(), &log().verifier()).expect_err("of one key there is one history");
    assert!(same.to_string().contains("for ever"), "{same}");
    // The officers went on from 3 with a new key.
    let open = || {
        let key = SigningKey::from_seed("demo:witness", [2; 32]).expect("a name");
        Witness::open(dir.path(), key, vec![new.verifier()]).expect("opens")
    };
    let four = tree("b", 4);
    let it = open();
    assert_eq!(it.add(&request(&new, &four, 0), NOW), Answer::Conflict(9));
    drop(it);
    let aside = Witness::let_go(dir.path(), &new.verifier()).expect("another key").expect("a promise");
    assert!(aside.exists(), "it is kept as proof");
    assert_eq!(Witness::let_go(dir.path(), &new.verifier()).expect("nothing"), None);
    let it = open();
    cosigned(&it.add(&request(&new, &four, 0), NOW), &it, &four);
}
