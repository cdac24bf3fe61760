//! A ledger of a test house, and the one check of everything that must be true of a store on disk.

use std::io;
use std::path::Path;
use std::sync::Mutex;

use ledger::checkpoint;
use ledger::merkle::{self, Tree};
use ledger::note::Note;
use policy::testkit::{House, id};
use policy::{Id, Time, Trust};
use store::fault::{Hook, Write};
use store::{NewDraft, Published, Store, publish};

/// When the test ledger begins.
pub(crate) const START: Time = Time(1_800_000_000);

/// A new store with the house's ledger in it.
pub(crate) async fn house_ledger(dir: &Path) -> (House, Store, Trust) {
    let house = House::demo(START);
    let store = Store::open(dir).await.unwrap();
    let trust = store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await.unwrap();
    (house, store, trust)
}

/// The text of a note with an id. Whether the fold accepts it is no matter of the store.
pub(crate) fn text(house: &House, name: &str) -> String {
    house.lift(name, "imp-1", START).to_string()
}

/// Puts a draft with one signature.
pub(crate) async fn put_signed(store: &Store, house: &House, name: &str) -> Id {
    let text = text(house, name);
    let line = house.sign(&text, "anna").to_string();
    store.put_draft(&NewDraft { id: id(name), kind: "lift".into(), text, created: START }).await.unwrap();
    store.add_signature(&id(name), &line).await.unwrap();
    id(name)
}

/// What a desk does when nothing is missing on a draft: decide, store the plan, run it. Blobs are put before.
pub(crate) async fn publish_draft(
    store: &Store,
    house: &House,
    draft: &Id,
    blobs: &[&[u8]],
    logged: Time,
) -> Result<Published, store::StoreError> {
    let mut hashes = Vec::new();
    for blob in blobs {
        hashes.push(store.put_blob(blob, "anna", logged).await?);
    }
    let head = store.head().await?.unwrap();
    let tree = store.tree().await?;
    let note = store.draft(draft).await?.unwrap().to_note();
    let plan = publish::decide(&head, &tree, &note, &hashes, logged, Some(draft))?;
    store.commit_plan(&plan).await?;
    publish::run(store, &plan, &house.log).await
}

/// Grows the ledger to `size` entries.
pub(crate) async fn grow(store: &Store, house: &House, size: u64) {
    let mut tree = store.tree().await.unwrap();
    while tree.len() < size {
        let head = store.head().await.unwrap().unwrap();
        let text = text(house, &format!("lft-filler-{}", tree.len()));
        let note = house.signed(&text, &["anna"]).to_bytes();
        let plan = publish::decide(&head, &tree, &note, &[], START, None).unwrap();
        tree.push(merkle::leaf_hash(plan.entry()));
        store.commit_plan(&plan).await.unwrap();
        publish::run(store, &plan, &house.log).await.unwrap();
    }
}

/// Checks, as an outsider with the trust line and as the owner of the rows, that what is public is whole: the
/// checkpoint's signature, every entry, every tile and bundle of the newest size, and proofs of inclusion and of
/// consistency with older sizes. Says the entries.
pub(crate) async fn check_public(dir: &Path, trust: &Trust) -> Vec<Vec<u8>> {
    let store = Store::open(dir).await.unwrap();
    let reader = store.reader();
    let bytes = reader.checkpoint().await.unwrap().unwrap();
    let (signed, _) = checkpoint::open(&bytes, &trust.log).unwrap();
    assert_eq!(reader.size().await.unwrap(), signed.size);
    let entries = reader.entries(0, u64::MAX).await.unwrap();
    assert_eq!(entries.len() as u64, signed.size);
    assert_eq!(ledger::Hash::of(&entries[0]), trust.entry0);
    let mut tree = Tree::new();
    for entry in &entries {
        tree.push(merkle::leaf_hash(entry));
    }
    assert_eq!(tree.root_at(signed.size), Some(signed.root));
    // Every tile that a ledger of this size has, read through the public door.
    for (path, want) in merkle::new_tiles(&tree, 0, signed.size) {
        let have = reader.file(&path.to_string()).await.unwrap();
        assert_eq!(have.as_deref(), Some(want.as_slice()), "{path}");
    }
    for (index, entry) in (0..).zip(&entries).filter(|(index, _)| is_worth_a_proof(*index, signed.size)) {
        let proof = reader.inclusion(index, signed.size).await.unwrap().unwrap();
        let leaf = merkle::leaf_hash(entry);
        merkle::verify_inclusion(&leaf, index, signed.size, &proof, &signed.root).unwrap();
    }
    for old in (1..=signed.size).filter(|old| is_worth_a_proof(*old, signed.size)) {
        let proof = merkle::prove_consistency(store.ledger(), old, signed.size).unwrap();
        let root = tree.root_at(old).unwrap();
        merkle::verify_consistency(old, &root, signed.size, &signed.root, &proof).unwrap();
    }
    // Nothing of a bigger ledger shows, whatever is on disk.
    let next = signed.size + 1;
    let (index, width) = (signed.size / 256, u16::try_from(next - signed.size / 256 * 256).unwrap());
    for level0 in [
        format!("{}", ledger::tile::EntriesPath { index, width }),
        format!("{}", ledger::tile::TilePath { level: 0, index, width }),
    ] {
        assert_eq!(reader.file(&level0).await.unwrap(), None, "{level0} is not public yet");
    }
    entries
}

/// The first, the last, and those around the ends of subtrees and tiles. All entries are under the root that was
/// computed from them; what proofs do for every index is `ledger`'s to test.
fn is_worth_a_proof(n: u64, size: u64) -> bool {
    n < 4 || n + 3 > size || (n + 1).is_power_of_two() || n.is_power_of_two()
}

/// After recovery: [`check_public`], and database and files agree.
pub(crate) async fn check_settled(dir: &Path, trust: &Trust) -> Vec<Vec<u8>> {
    let entries = check_public(dir, trust).await;
    let store = Store::open(dir).await.unwrap();
    let head = store.head().await.unwrap().unwrap();
    assert_eq!(head.size, entries.len() as u64);
    assert_eq!(store.reader().checkpoint().await.unwrap().unwrap(), head.checkpoint);
    assert_eq!(store.unfinished().await.unwrap(), None);
    assert_eq!(store.tree().await.unwrap().len(), head.size);
    entries
}

/// How many entries of the ledger are this note.
pub(crate) fn count_note(entries: &[Vec<u8>], text: &str) -> usize {
    let is = |entry: &&Vec<u8>| policy::entry::Entry::parse(entry).is_ok_and(|e| Note::text(&e.note) == text);
    entries.iter().filter(is).count()
}

/// Whether the write that is broken happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It fails.
    Failed,
    /// It is stored, and reported as failed.
    FailedButStored,
}

/// Breaks one write of the run, and with `dead` every one after it: then the process is as good as killed there.
pub(crate) struct BreakOne {
    pub(crate) at: usize,
    pub(crate) how: Broken,
    pub(crate) dead: bool,
    seen: Mutex<Vec<Write>>,
}

impl BreakOne {
    pub(crate) fn new(at: usize, how: Broken, dead: bool) -> BreakOne {
        BreakOne { at, how, dead, seen: Mutex::new(Vec::new()) }
    }

    /// The writes that were tried, in order.
    pub(crate) fn seen(&self) -> Vec<Write> {
        self.seen.lock().unwrap().clone()
    }
}

impl Hook for BreakOne {
    fn before(&self, write: &Write) -> io::Result<()> {
        let mut seen = self.seen.lock().unwrap();
        let now = seen.len();
        seen.push(write.clone());
        let broken = now == self.at && self.how == Broken::Failed || self.dead && now > self.at;
        if broken { Err(io::Error::other("broken by the test")) } else { Ok(()) }
    }

    fn after(&self, _: &Write) -> io::Result<()> {
        let now = self.seen.lock().unwrap().len() - 1;
        let broken = now == self.at && self.how == Broken::FailedButStored;
        if broken { Err(io::Error::other("stored, but the test says it failed")) } else { Ok(()) }
    }
}

/// Copies a closed store, without the partial tiles and bundles that its newest checkpoint does not need.
pub(crate) fn copy_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy_store(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), &target).unwrap();
        }
    }
}
