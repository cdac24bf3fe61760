//! Evidence: sealed files, keys that can be destroyed, and a journal that says who looked.

use crate::common::START;
use crate::reports::fresh;
use ledger::Hash;
use policy::case::facts::{Evidence, Source};
use policy::testkit::{id, sentence};
use std::path::Path;
use store::{NewCase, Store, StoreError};

const PAGE: &[u8] = b"He names the school and the hour.";

fn piece(name: &str, bytes: &[u8]) -> Evidence {
    Evidence {
        id: id(name),
        sha256: Hash::of(bytes),
        bytes: bytes.len() as u64,
        source: Source::Captured,
        from: sentence("our capture"),
        captured: START,
        what: sentence("The threat."),
    }
}

async fn opened(store: &Store, name: &str) {
    let new = NewCase { id: id(name), title: sentence("Threats"), customer: None, reports: Vec::new() };
    store.open_case(&new, &sentence("anna"), START).await.unwrap();
}

async fn attach(store: &Store, case: &str, it: Evidence, bytes: &[u8], key: u8) -> Result<u64, StoreError> {
    let done = store.attach(&id(case), it, bytes.to_vec(), [key; 32], &sentence("anna"), START.plus(1)).await;
    done.map(|case| case.entries)
}

fn files(dir: &Path) -> Vec<String> {
    let all = std::fs::read_dir(dir.join("evidence")).unwrap();
    let mut names: Vec<String> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn evidence_is_sealed_and_whoever_looks_is_on_the_record() {
    let (dir, store) = fresh().await;
    opened(&store, "cas-1").await;
    assert_eq!(attach(&store, "cas-1", piece("evd-1", PAGE), PAGE, 7).await.unwrap(), 2);
    let sealed = std::fs::read(dir.path().join("evidence/evd-1")).unwrap();
    assert!(
        !sealed.windows(6).any(|part| PAGE.windows(6).any(|plain| plain == part)),
        "not readable on disk"
    );
    let (it, bytes) = store.fetch(&id("cas-1"), &id("evd-1"), &sentence("ben"), START.plus(2)).await.unwrap();
    assert_eq!((it, bytes.as_slice()), (piece("evd-1", PAGE), PAGE));
    let last = store.journal(&id("cas-1")).await.unwrap().pop().unwrap();
    assert_eq!((last.act.word(), last.by), ("fetch", sentence("ben")));
}

#[tokio::test]
async fn what_does_not_fit_leaves_nothing() {
    let (dir, store) = fresh().await;
    opened(&store, "cas-1").await;
    opened(&store, "cas-2").await;
    attach(&store, "cas-1", piece("evd-1", PAGE), PAGE, 7).await.unwrap();
    let changed = attach(&store, "cas-1", piece("evd-2", PAGE), b"He names nobody.", 8).await;
    assert!(matches!(changed, Err(StoreError::Unfit(_))), "other bytes: {changed:?}");
    for (case, name) in [("cas-1", "evd-1"), ("cas-2", "evd-1"), ("cas-9", "evd-3")] {
        assert!(attach(&store, case, piece(name, PAGE), PAGE, 9).await.is_err(), "{case} {name}");
    }
    assert_eq!(files(dir.path()), ["evd-1"]);
    let (_, bytes) = store.fetch(&id("cas-1"), &id("evd-1"), &sentence("ben"), START.plus(2)).await.unwrap();
    assert_eq!(bytes, PAGE, "the first one is still the one");
    assert_eq!(store.journal(&id("cas-2")).await.unwrap().len(), 1);
    std::fs::write(dir.path().join("evidence/.half"), b"x").unwrap();
    store.sweep_evidence().unwrap();
    assert_eq!(files(dir.path()), ["evd-1"]);
}

#[tokio::test]
async fn a_file_that_somebody_changed_or_swapped_is_not_shown() {
    let (dir, store) = fresh().await;
    opened(&store, "cas-1").await;
    attach(&store, "cas-1", piece("evd-1", PAGE), PAGE, 7).await.unwrap();
    attach(&store, "cas-1", piece("evd-2", b"harmless"), b"harmless", 8).await.unwrap();
    let (one, two) = (dir.path().join("evidence/evd-1"), dir.path().join("evidence/evd-2"));
    let sealed = std::fs::read(&one).unwrap();
    let mut flipped = sealed.clone();
    flipped[3] ^= 1;
    for other in [flipped, std::fs::read(&two).unwrap(), Vec::new()] {
        std::fs::write(&one, other).unwrap();
        let found = store.fetch(&id("cas-1"), &id("evd-1"), &sentence("ben"), START.plus(2)).await;
        assert!(matches!(found, Err(StoreError::Damaged(_))), "{found:?}");
    }
    assert_eq!(store.journal(&id("cas-1")).await.unwrap().len(), 3, "nobody saw anything");
    std::fs::write(&one, sealed).unwrap();
    store.fetch(&id("cas-1"), &id("evd-1"), &sentence("ben"), START.plus(3)).await.unwrap();
}

#[tokio::test]
async fn destroyed_is_destroyed_in_every_copy_of_the_folder() {
    let (dir, store) = fresh().await;
    opened(&store, "cas-1").await;
    let key = [0xa7; 32];
    attach(&store, "cas-1", piece("evd-1", PAGE), PAGE, key[0]).await.unwrap();
    let copy = std::fs::read(dir.path().join("evidence/evd-1")).unwrap();
    let case = store
        .destroy(&id("cas-1"), &id("evd-1"), sentence("She asked for it."), &sentence("anna"), START.plus(2))
        .await
        .unwrap();
    assert!(case.facts.evidence.is_empty() && files(dir.path()).is_empty());
    std::fs::write(dir.path().join("evidence/evd-1"), copy).unwrap();
    let found = store.fetch(&id("cas-1"), &id("evd-1"), &sentence("ben"), START.plus(3)).await;
    assert!(matches!(found, Err(StoreError::NotFound(_))), "{found:?}");
    store.close().await;
    for file in std::fs::read_dir(dir.path()).unwrap().flatten().filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(32).any(|part| part == key), "the key is in {}", file.path().display());
    }
}
