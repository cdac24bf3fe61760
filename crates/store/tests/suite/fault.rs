//! The fault table: every write of a publication is broken in both ways, once as a blip and once as a death; then the
//! store is opened again, recovered, and all of it is checked. A kill -9 is a death after some step.

use std::path::Path;
use std::sync::Arc;

use super::common::{
    BreakOne, Broken, check_public, check_settled, count_note, house_ledger, publish_draft, put_signed, text,
};
use ledger::checkpoint;
use ledger::tile::EntriesPath;
use policy::testkit::{House, id};
use policy::{Time, Trust};
use store::fault::Write;
use store::{DraftState, LedgerPath, Store, StoreError, publish};

const BLOBS: [&[u8]; 2] = [b"a subject", b"# A post"];
const NOTE: &str = "lft-the-one";
const LOGGED: Time = Time(super::common::START.0 + 60);
/// What the entry after three others comes into.
const NEW_BUNDLE: EntriesPath = EntriesPath { index: 0, width: 4 };
/// No publication makes so many writes: breaks nothing.
const NEVER: usize = usize::MAX;

/// Publishes one draft with two blobs on a copy of `base`, with one write broken; says what was tried.
async fn attempt(dir: &Path, base: &Path, house: &House, hook: BreakOne) -> (Vec<Write>, bool) {
    super::common::copy_store(base, dir);
    let hook = Arc::new(hook);
    let store = Store::open_with(dir, hook.clone()).await.unwrap();
    let draft = put_signed(&store, house, NOTE).await;
    let done = publish_draft(&store, house, &draft, &BLOBS, LOGGED).await;
    (hook.seen(), done.is_ok())
}

/// What a desk does at its start, or when a publication failed: finish what is stored, and publish what still
/// collects.
async fn recover(store: &Store, house: &House, logged: Time) {
    if let Some(plan) = store.unfinished().await.unwrap() {
        publish::run(store, &plan, &house.log).await.unwrap();
    }
    let draft = store.draft(&id(NOTE)).await.unwrap().unwrap();
    if draft.state == DraftState::Collecting {
        publish_draft(store, house, &draft.id, &BLOBS, logged).await.unwrap();
    }
}

/// The end that every case must come to.
async fn check_end(dir: &Path, trust: &Trust, house: &House, size: u64, case: &str) {
    let entries = check_settled(dir, trust).await;
    assert_eq!(entries.len() as u64, size + 1, "{case}");
    assert_eq!(count_note(&entries, &text(house, NOTE)), 1, "{case}: published exactly once");
    let store = Store::open(dir).await.unwrap();
    let draft = store.draft(&id(NOTE)).await.unwrap().unwrap();
    assert_eq!(draft.state, DraftState::Published { index: size }, "{case}");
    for blob in BLOBS {
        let hash = ledger::Hash::of(blob);
        assert_eq!(store.reader().blob(&hash).await.unwrap().as_deref(), Some(blob), "{case}");
    }
    // And it goes on.
    let next = id("lft-the-next");
    let text = text(house, next.as_str());
    let new = store::NewDraft { id: next.clone(), kind: "lift".into(), text: text.clone(), created: LOGGED };
    store.put_draft(&new).await.unwrap();
    store.add_signature(&next, &house.sign(&text, "ben").to_string()).await.unwrap();
    let published = publish_draft(&store, house, &next, &[], Time(LOGGED.0 + 900)).await.unwrap();
    assert_eq!((published.index, published.size), (size + 1, size + 2), "{case}");
    check_settled(dir, trust).await;
}

/// A closed store of `size` entries, and the writes one more publication makes on it.
async fn base(dir: &Path, size: u64) -> (House, Trust, Vec<Write>) {
    let store_dir = dir.join("base");
    let (house, store, trust) = house_ledger(&store_dir).await;
    super::common::grow(&store, &house, size).await;
    store.close().await;
    let whole = BreakOne::new(NEVER, Broken::Failed, false);
    let (writes, ok) = attempt(&dir.join("whole"), &store_dir, &house, whole).await;
    assert!(ok);
    (house, trust, writes)
}

/// Which writes there are, in which order: blobs, entries and tiles are whole before the head is swapped, the head
/// before the checkpoint file, the plan around all. Sizes where a tile begins and where one is completed.
#[tokio::test]
async fn the_order_of_writes() {
    let cases: [(u64, &[&str]); 3] = [
        (1, &["tile/entries/000.p/2", "tile/0/000.p/2"]),
        (255, &["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]),
        (256, &["tile/entries/001.p/1", "tile/0/001.p/1"]),
    ];
    for (size, files) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (_, _, writes) = base(dir.path(), size).await;
        let blobs = BLOBS.map(|blob| format!("blob/{}", ledger::Hash::of(blob)));
        let files = blobs.into_iter().chain(files.iter().map(ToString::to_string));
        let mut want = vec![Write::Row("plan")];
        want.extend(files.flat_map(|file| [Write::Temporary(file.clone()), Write::Rename(file)]));
        want.push(Write::Row("head"));
        want.push(Write::Temporary("checkpoint".into()));
        want.push(Write::Rename("checkpoint".into()));
        want.push(Write::Row("finish"));
        assert_eq!(writes, want, "from size {size}");
    }
}

async fn break_every_write(size: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, writes) = base(dir.path(), size).await;
    let base = dir.path().join("base");
    for (at, write) in writes.iter().enumerate() {
        for how in [Broken::Failed, Broken::FailedButStored] {
            // A blip in a large ledger is a blip in a young one; only what is on disk differs with the size.
            for dead in if size < 10 { vec![false, true] } else { vec![true] } {
                let case = format!("size {size}, write {at} {write:?}, {how:?}, dead {dead}");
                let here = dir.path().join(format!("case-{at}-{how:?}-{dead}"));
                let (tried, ok) = attempt(&here, &base, &house, BreakOne::new(at, how, dead)).await;
                assert!(!ok && tried.len() == at + 1, "{case}: the break was met, and stopped the run");
                // Before any recovery the world sees the old ledger or the new one, and nothing between.
                let seen = check_public(&here, &trust).await.len() as u64;
                let public = is_public(how, at, &writes);
                assert_eq!(seen, size + u64::from(public), "{case}");
                let signed = signed_head(&here).await;
                let store = Store::open(&here).await.unwrap();
                recover(&store, &house, LOGGED).await;
                drop(store);
                // What was signed for this size before the crash is what stands there now.
                let now = signed_head(&here).await;
                assert!(signed.0 <= size || signed == now, "{case}: one checkpoint per size");
                check_end(&here, &trust, &house, size, &case).await;
                std::fs::remove_dir_all(&here).unwrap();
            }
        }
    }
}

/// Whether the entry is public when this write broke: from the checkpoint's rename on.
fn is_public(how: Broken, at: usize, writes: &[Write]) -> bool {
    let visible = writes.iter().position(|w| *w == Write::Rename("checkpoint".into())).unwrap();
    at > visible || (at == visible && how == Broken::FailedButStored)
}

async fn signed_head(dir: &Path) -> (u64, Vec<u8>) {
    let head = Store::open(dir).await.unwrap().head().await.unwrap().unwrap();
    (head.size, head.checkpoint)
}

#[tokio::test]
async fn every_write_broken_in_a_young_ledger() {
    break_every_write(1).await;
}

#[tokio::test]
async fn every_write_broken_where_a_tile_is_completed() {
    break_every_write(255).await;
}

#[tokio::test]
async fn every_write_broken_where_a_tile_begins() {
    break_every_write(256).await;
}

/// A blip is also repaired by the process that met it, without a restart.
#[tokio::test]
async fn the_same_process_goes_on_after_a_blip() {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, writes) = base(dir.path(), 2).await;
    for at in 0..writes.len() {
        for how in [Broken::Failed, Broken::FailedButStored] {
            let here = dir.path().join(format!("case-{at}-{how:?}"));
            super::common::copy_store(&dir.path().join("base"), &here);
            let store = Store::open_with(&here, Arc::new(BreakOne::new(at, how, false))).await.unwrap();
            let draft = put_signed(&store, &house, NOTE).await;
            assert!(publish_draft(&store, &house, &draft, &BLOBS, LOGGED).await.is_err());
            recover(&store, &house, LOGGED).await;
            drop(store);
            check_end(&here, &trust, &house, 2, &format!("write {at} {how:?}")).await;
        }
    }
}

/// The recovery itself is killed at each of its writes, and the next one succeeds.
#[tokio::test]
async fn recovery_is_killed_too() {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, writes) = base(dir.path(), 2).await;
    for first in 0..writes.len() {
        for second in 0..writes.len() {
            let here = dir.path().join(format!("case-{first}-{second}"));
            attempt(
                &here,
                &dir.path().join("base"),
                &house,
                BreakOne::new(first, Broken::FailedButStored, true),
            )
            .await;
            let hook = Arc::new(BreakOne::new(second, Broken::FailedButStored, true));
            let store = Store::open_with(&here, hook).await.unwrap();
            if let Some(plan) = store.unfinished().await.unwrap() {
                // It dies on the way, or gets through because fewer writes were left.
                drop(publish::run(&store, &plan, &house.log).await);
            }
            drop(store);
            check_public(&here, &trust).await;
            let store = Store::open(&here).await.unwrap();
            recover(&store, &house, LOGGED).await;
            drop(store);
            check_end(&here, &trust, &house, 2, &format!("writes {first}, {second}")).await;
            std::fs::remove_dir_all(&here).unwrap();
        }
    }
}

/// A plan that is too old when it is found is dropped and decided again with a fresh time, as long as it is unsigned.
/// The files it left behind are overwritten; nobody ever saw them.
#[tokio::test]
async fn an_old_unsigned_plan_is_decided_again() {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, writes) = base(dir.path(), 2).await;
    let head_at = writes.iter().position(|w| *w == Write::Row("head")).unwrap();
    let later = Time(LOGGED.0 + publish::UNSIGNED_PLAN_SECONDS + 1);
    for at in 0..writes.len() {
        let here = dir.path().join(format!("case-{at}"));
        attempt(&here, &dir.path().join("base"), &house, BreakOne::new(at, Broken::FailedButStored, true))
            .await;
        let store = Store::open(&here).await.unwrap();
        let plan = store.unfinished().await.unwrap();
        let finished = at + 1 == writes.len();
        assert_eq!(
            plan.as_ref().map(store::Plan::signed),
            (!finished).then_some(at >= head_at),
            "write {at}"
        );
        let dropped = store.drop_unsigned_plan().await;
        let logged = if at < head_at {
            assert_eq!(dropped.unwrap(), plan, "write {at}");
            later
        } else {
            assert!(finished || matches!(dropped, Err(StoreError::Conflict(_))), "write {at}: {dropped:?}");
            LOGGED
        };
        recover(&store, &house, later).await;
        let newest = store.reader().entry(2).await.unwrap().unwrap();
        assert_eq!(policy::entry::Entry::parse(&newest).unwrap().logged, logged, "write {at}");
        drop(store);
        check_end(&here, &trust, &house, 2, &format!("write {at}")).await;
    }
}

/// Rot is found before it is signed: a changed bundle, tile or stored plan stops the publication with nothing public.
#[tokio::test]
async fn nothing_is_signed_over_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, _) = base(dir.path(), 3).await;
    for file in ["tile/entries/000.p/3", "tile/0/000.p/3"] {
        let here = dir.path().join(file.replace('/', "-"));
        super::common::copy_store(&dir.path().join("base"), &here);
        let store = Store::open(&here).await.unwrap();
        let tree = store.tree().await.unwrap();
        let head = store.head().await.unwrap().unwrap();
        let note = house.signed(&text(&house, NOTE), &["anna"]).to_bytes();
        let plan = publish::decide(&head, &tree, &note, &[], LOGGED, None).unwrap();
        let path = here.join("ledger").join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        store.commit_plan(&plan).await.unwrap();
        let refused = publish::run(&store, &plan, &house.log).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{file}: {refused:?}");
        assert_eq!(store.head().await.unwrap().unwrap(), head, "{file}: nothing was signed");
        let public = store.reader().checkpoint().await.unwrap().unwrap();
        assert_eq!(checkpoint::open(&public, &trust.log).unwrap().0.size, 3, "{file}");
    }
}

/// Whoever changes the stored plan in the database gets no signature for it.
#[tokio::test]
async fn a_changed_plan_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let (house, _, writes) = base(dir.path(), 3).await;
    let tile_at = writes.iter().position(|w| *w == Write::Rename("tile/0/000.p/4".into())).unwrap();
    // The new root, and the entry without its tile; before any file is written, and after all are.
    for (case, key) in [(0, "to 4 "), (0, "entry "), (tile_at, "to 4 "), (tile_at, "entry ")] {
        let here = dir.path().join(format!("case-{case}-{}", key.len()));
        attempt(&here, &dir.path().join("base"), &house, BreakOne::new(case, Broken::FailedButStored, true))
            .await;
        let store = Store::open(&here).await.unwrap();
        let text = store.unfinished().await.unwrap().unwrap().to_text();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        let (start, end) = line.split_at(key.len() + 8);
        let other = if end.starts_with('7') { "8" } else { "7" };
        let changed = text.replace(line, &format!("{start}{other}{}", &end[1..]));
        store.close().await;
        let database = format!("sqlite://{}", here.join("portcullis.sqlite").display());
        let rows = sqlx::SqlitePool::connect(&database).await.unwrap();
        sqlx::query("UPDATE plan SET text = $1").bind(&changed).execute(&rows).await.unwrap();
        rows.close().await;
        let store = Store::open(&here).await.unwrap();
        let plan = store.unfinished().await.unwrap().unwrap();
        assert_eq!(plan.to_text(), changed);
        let refused = publish::run(&store, &plan, &house.log).await;
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{key} after write {case}: {refused:?}");
        assert_eq!(
            store.head().await.unwrap().unwrap().size,
            3,
            "{key} after write {case}: nothing was signed"
        );
    }
}

/// A recovery does not copy rot over a good public file, and needs nothing that the public does not need.
#[tokio::test]
async fn a_recovery_keeps_what_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let (house, trust, writes) = base(dir.path(), 3).await;
    let bundle_at = writes.iter().position(|w| *w == Write::Rename("tile/entries/000.p/4".into())).unwrap();
    for at in 0..writes.len() - 1 {
        let here = dir.path().join(format!("case-{at}"));
        attempt(&here, &dir.path().join("base"), &house, BreakOne::new(at, Broken::FailedButStored, true))
            .await;
        let older = here.join("ledger/tile/entries/000.p/3");
        let mut bytes = std::fs::read(&older).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&older, bytes).unwrap();
        let store = Store::open(&here).await.unwrap();
        let plan = store.unfinished().await.unwrap().unwrap();
        let done = publish::run(&store, &plan, &house.log).await;
        if at < bundle_at {
            assert!(matches!(done, Err(StoreError::Damaged(_))), "write {at}: {done:?}");
            assert!(store.ledger().read(&LedgerPath::Entries(NEW_BUNDLE)).unwrap().is_none(), "write {at}");
        } else {
            assert_eq!(done.unwrap().size, 4, "write {at}");
            drop(store);
            check_end(&here, &trust, &house, 3, &format!("write {at}")).await;
        }
    }
}

/// The birth of a ledger is killed at each write: it comes to the same end, and cannot be begun a second time.
#[tokio::test]
async fn a_birth_is_killed_at_each_write() {
    let house = House::demo(super::common::START);
    let policy = house.policy_note().to_bytes();
    for at in 0..9 {
        for how in [Broken::Failed, Broken::FailedButStored] {
            let case = format!("write {at}, {how:?}");
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open_with(dir.path(), Arc::new(BreakOne::new(at, how, true))).await.unwrap();
            assert!(store.init_ledger(&house.log, &policy, super::common::START).await.is_err(), "{case}");
            assert_eq!(
                store.reader().size().await.unwrap(),
                u64::from(at == 8 || (at == 7 && how == Broken::FailedButStored)),
                "{case}"
            );
            drop(store);
            let store = Store::open(dir.path()).await.unwrap();
            match store.unfinished().await.unwrap() {
                Some(plan) => drop(publish::run(&store, &plan, &house.log).await.unwrap()),
                None if store.head().await.unwrap().is_none() => {
                    drop(store.init_ledger(&house.log, &policy, super::common::START).await.unwrap());
                }
                None => {}
            }
            let again = store.init_ledger(&house.log, &policy, super::common::START).await;
            assert!(matches!(again, Err(StoreError::Exists)), "{case}: {again:?}");
            let trust = store.trust().await.unwrap().unwrap();
            assert_eq!(trust.to_string(), house.trust().to_string(), "{case}");
            drop(store);
            assert_eq!(check_settled(dir.path(), &trust).await.len(), 1, "{case}");
        }
    }
}
