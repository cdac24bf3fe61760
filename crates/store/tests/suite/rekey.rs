//! A new log key at the desk: everything or nothing, whatever breaks, and what was let go of is kept as proof.

use std::path::Path;
use std::sync::Arc;

use super::common::{
    BreakOne, Broken, START, copy_store, grow, house_ledger, publish_draft, put_signed, text,
};
use ledger::checkpoint;
use ledger::merkle::{Tree, leaf_hash};
use ledger::note::SigningKey;
use policy::note::PolicyNote;
use policy::testkit::{House, id};
use policy::{Seen, State, Trust};
use store::{DraftState, Store, StoreError};

const MAJORITY: [&str; 3] = ["anna", "ben", "clara"];

fn new_key(house: &House) -> SigningKey {
    SigningKey::from_seed(&house.origin, [77; 32]).unwrap()
}

/// Policy 1 with a new key, going on from the first `size` entries of the store.
async fn rekey(store: &Store, house: &House, size: u64) -> PolicyNote {
    PolicyNote {
        head: house.head("policy-1"),
        version: 1,
        log: new_key(house).verifier(),
        log_from: Some((size, store.tree().await.unwrap().root_at(size).unwrap())),
        ..house.policy()
    }
}

/// The store's ledger as an outsider with the old trust line sees it: its size, under whose key.
async fn public(dir: &Path, trust: &Trust) -> (u64, SigningKey) {
    let store = Store::open(dir).await.unwrap();
    let reader = store.reader();
    let entries = reader.entries(0, u64::MAX).await.unwrap();
    let mut state = State::genesis(trust, &entries[0], true).unwrap();
    for (index, entry) in (1..).zip(&entries[1..]) {
        state.apply(index, entry, Seen::CatchUp);
    }
    let (signed, _) =
        checkpoint::open(&reader.checkpoint().await.unwrap().unwrap(), state.log_key()).unwrap();
    let tree: Tree = entries.iter().map(|e| leaf_hash(e)).collect();
    assert_eq!((signed.size, Some(signed.root)), (tree.len(), tree.root_at(signed.size)));
    assert_eq!(store.tree().await.unwrap().len(), signed.size, "the database agrees with the files");
    let house = House::demo(START);
    let key = if *state.log_key() == house.log.verifier() { house.log } else { new_key(&house) };
    (signed.size, key)
}

#[tokio::test]
async fn the_ledger_goes_on_under_a_new_key_and_keeps_what_was_before() {
    let dir = tempfile::tempdir().unwrap();
    let (house, store, trust) = house_ledger(dir.path()).await;
    grow(&store, &house, 300).await;
    let draft = put_signed(&store, &house, "lft-late").await;
    publish_draft(&store, &house, &draft, &[b"a blob"], START).await.unwrap();
    let policy = rekey(&store, &house, 260).await;
    let note = house.signed(&policy.to_string(), &MAJORITY).to_bytes();
    let done = store.rekey(&note, &new_key(&house), START).await.unwrap();
    assert_eq!((done.size, done.undos.len()), (261, 41), "40 fillers and the draft are lifts");
    assert!(done.before.unwrap().join("checkpoint").exists());
    let (size, key) = public(dir.path(), &trust).await;
    assert_eq!((size, key.verifier()), (261, new_key(&house).verifier()));
    assert_eq!(
        store.draft(&draft).await.unwrap().unwrap().state,
        DraftState::Collecting,
        "it can be logged again"
    );
    let blob = ledger::Hash::of(b"a blob");
    assert_eq!(store.reader().blob(&blob).await.unwrap().as_deref(), Some(&b"a blob"[..]));
    let again = store.rekey(&note, &new_key(&house), START).await.unwrap();
    assert_eq!((again.size, again.before), (261, None), "twice is once");
    assert_eq!(again.undos.len(), 41, "nobody has logged them again yet");
    // And on, with the new key.
    let house = House { log: new_key(&house), ..house };
    publish_draft(&store, &house, &draft, &[], START).await.unwrap();
    assert_eq!(public(dir.path(), &trust).await.0, 262);
    assert_eq!(text(&house, "lft-late"), store.draft(&draft).await.unwrap().unwrap().text);
    let rest = store.rekey(&note, &new_key(&House::demo(START)), START).await.unwrap().undos;
    assert_eq!(rest.len(), 40, "one was logged again");
}

#[tokio::test]
async fn what_is_no_new_key_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (house, store, trust) = house_ledger(dir.path()).await;
    grow(&store, &house, 5).await;
    let good = rekey(&store, &house, 5).await;
    let signed = |policy: &PolicyNote, names: &[&str]| house.signed(&policy.to_string(), names).to_bytes();
    let other = PolicyNote { log_from: good.log_from.map(|(_, root)| (4, root)), ..good.clone() };
    let without = PolicyNote { log_from: None, log: house.log.verifier(), ..good.clone() };
    for (what, note, key) in [
        ("no quorum", signed(&good, &["anna", "ben"]), new_key(&house)),
        ("another log", signed(&other, &MAJORITY), new_key(&house)),
        ("no new key", signed(&without, &MAJORITY), new_key(&house)),
        ("another key", signed(&good, &MAJORITY), SigningKey::from_seed(&house.origin, [78; 32]).unwrap()),
        ("no note", b"hello".to_vec(), new_key(&house)),
    ] {
        let refused = store.rekey(&note, &key, START).await;
        assert!(matches!(refused, Err(StoreError::Unfit(_))), "{what}: {refused:?}");
        let (size, key) = public(dir.path(), &trust).await;
        assert_eq!((size, key.verifier()), (5, house.log.verifier()), "{what}");
    }
}

#[tokio::test]
async fn broken_at_any_write_it_is_done_by_doing_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    let (house, store, trust) = house_ledger(&base).await;
    grow(&store, &house, 7).await;
    let policy = rekey(&store, &house, 5).await;
    let note = house.signed(&policy.to_string(), &MAJORITY).to_bytes();
    store.close().await;
    let attempt = async |dir: &Path, hook: BreakOne| {
        copy_store(&base, dir);
        let hook = Arc::new(hook);
        let store = Store::open_with(dir, hook.clone()).await.unwrap();
        let done = store.rekey(&note, &new_key(&house), START).await.is_ok();
        (hook.seen().len(), done)
    };
    let whole = BreakOne::new(usize::MAX, Broken::Failed, false);
    let (writes, done) = attempt(&dir.path().join("whole"), whole).await;
    assert!(done && writes > 8, "{writes} writes");
    for at in 0..writes {
        for how in [Broken::Failed, Broken::FailedButStored] {
            let case = format!("write {at}, {how:?}");
            let here = dir.path().join(format!("case-{at}-{how:?}"));
            let (_, done) = attempt(&here, BreakOne::new(at, how, true)).await;
            assert!(!done, "{case}");
            let store = Store::open(&here).await.unwrap();
            let done = store.rekey(&note, &new_key(&house), START).await.unwrap();
            assert_eq!(
                (done.size, done.undos.len()),
                (6, 2),
                "{case}: what undoes must be logged again, done twice too"
            );
            let (size, key) = public(&here, &trust).await;
            assert_eq!((size, key.verifier()), (6, new_key(&house).verifier()), "{case}");
            let house = House { log: new_key(&house), ..House::demo(START) };
            let draft = put_signed(&store, &house, "lft-after").await;
            publish_draft(&store, &house, &draft, &[], START).await.unwrap();
            assert_eq!(
                store.draft(&id("lft-after")).await.unwrap().unwrap().state,
                DraftState::Published { index: 6 }
            );
            std::fs::remove_dir_all(&here).unwrap();
        }
    }
}
