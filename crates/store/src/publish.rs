//! Publication: decide a plan, store it, run it. A crash anywhere is repaired by running the stored plan again.
//!
//! The order, and what holds if we stop after each step:
//! 1. the plan is stored — nothing is public; the sequencer is taken;
//! 2. blobs, bundle, tiles are files — nothing is public: [`crate::Reader`] serves nothing beyond the checkpoint;
//! 3. the head is swapped, with the signed checkpoint in its row — nothing is public, but a signature exists, so the
//!    plan can only be finished, and with these very bytes;
//! 4. the checkpoint file is replaced — all is public at once;
//! 5. the plan is removed and its draft published — a second run of the same draft is refused;
//! 6. the caller rings the doorbell, which may be lost: edges poll too.

use std::fs::{File, TryLockError};
use std::sync::Arc;

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{self, Tiles as _, Tree};
use ledger::note::{Note, SigningKey};
use ledger::tile::{self, TilePath};
use policy::entry::Entry;
use policy::{Id, Time};

use crate::dir::{LedgerDir, LedgerPath};
use crate::{Head, Plan, Result, Step, Store, StoreError};

/// How old an unsigned, unfinished plan may become, seconds. An entry's `logged` may differ from a live edge's clock
/// by ten minutes; half of that leaves an edge whose clock is five minutes off able to accept it.
pub const UNSIGNED_PLAN_SECONDS: u64 = 300;

/// What a publication led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The entry's place in the ledger.
    pub index: u64,
    /// The ledger's size now.
    pub size: u64,
    /// The signed checkpoint, as everybody sees it.
    pub checkpoint: Vec<u8>,
}

/// Decides how a signed note becomes the next entry. Pure: it only computes what [`run`] will write.
///
/// `tree` holds exactly the entries under `head`; `blobs` are the hashes that the note refers to and that must be
/// public no later than it. Whether the note is *valid* is the fold's to say; ask it before.
///
/// # Errors
/// [`StoreError::Unfit`] when the note does not parse, the entry is too long for a bundle, `logged` is before the
/// newest entry (give `now.max(head.logged)` when the clock is a little behind), or tree and head disagree.
pub fn decide(
    head: &Head,
    tree: &Tree,
    note: &[u8],
    blobs: &[Hash],
    logged: Time,
    draft: Option<&Id>,
) -> Result<Plan> {
    let unfit = |why: &str| StoreError::Unfit(why.to_owned());
    if logged < head.logged {
        return Err(unfit("the clock is behind the newest entry of the ledger; set it right"));
    }
    if tree.len() != head.size || tree.root_at(head.size) != Some(head.root) {
        return Err(unfit("the tree is not the one under the head; load it again"));
    }
    let note = Note::parse(note).map_err(|e| StoreError::Unfit(format!("the note: {e}")))?;
    let entry = Entry { logged, note }.to_bytes();
    if entry.len() > tile::MAX_ENTRY {
        return Err(StoreError::Full { what: "bytes of an entry", limit: tile::MAX_ENTRY as u64 });
    }
    let mut grown = tree.clone();
    grown.push(merkle::leaf_hash(&entry));
    let size = head.size + 1;
    let root = grown.root_at(size).ok_or_else(|| unfit("the tree does not grow"))?;
    let mut unique: Vec<Hash> = Vec::new();
    for blob in blobs {
        if !unique.contains(blob) {
            unique.push(*blob);
        }
    }
    Ok(Plan {
        draft: draft.cloned(),
        logged,
        from: (head.size, head.root),
        checkpoint: Checkpoint { origin: head.origin.clone(), size, root },
        entry,
        blobs: unique,
        tiles: merkle::new_tiles(&grown, head.size, size),
        signed: false,
    })
}

/// Runs a stored plan to its end, from wherever it stopped the last time. The note is public when this returns.
///
/// It signs with the key it is given: compare it with the ledger's key ([`policy::State::log_key`]) once at start.
/// Spawn it as a task of its own: if the future is dropped the plan stays unfinished, as after a crash.
///
/// # Errors
/// [`StoreError::Conflict`] when this plan is not the stored one; [`StoreError::Busy`] when it is being run already;
/// [`StoreError::Damaged`] when what is on disk is not what the plan's tree says: nothing has been signed then.
pub async fn run(store: &Store, plan: &Plan, key: &SigningKey) -> Result<Published> {
    let lock = Arc::new(lock(store)?);
    let stored = store.unfinished().await?;
    let Some(plan) = stored.filter(|stored| stored.to_text() == plan.to_text()) else {
        return Err(StoreError::Conflict(
            "this plan is not the stored one; it is finished, or was never stored".into(),
        ));
    };
    if key.verifier().name() != plan.checkpoint.origin {
        let why =
            format!("the key is named {}, the ledger {}", key.verifier().name(), plan.checkpoint.origin);
        return Err(StoreError::Unfit(why));
    }
    let mut checkpoint = Vec::new();
    for step in plan.steps() {
        match step {
            Step::Blob(hash) => {
                if store.ledger().blob(&hash)?.is_none() {
                    let bytes = store.pending_blob(&hash).await?;
                    let bytes = bytes.ok_or_else(|| StoreError::NotFound(format!("the blob {hash}")))?;
                    write(store, &lock, LedgerPath::Blob(hash), bytes).await?;
                }
            }
            Step::Bundle { path } => {
                let bytes = bundle(store.ledger(), &plan)?;
                write(store, &lock, LedgerPath::Entries(path), bytes).await?;
            }
            Step::Tile { path, bytes } => write(store, &lock, LedgerPath::Tile(path), bytes).await?,
            Step::Head => checkpoint = store.swap_head(&plan, || sign(store.ledger(), &plan, key)).await?,
            Step::Checkpoint => {
                let public = store.ledger().size()?;
                if public > plan.checkpoint.size {
                    return Err(StoreError::Damaged(format!(
                        "the checkpoint file is ahead, at {public} entries"
                    )));
                }
                write(store, &lock, LedgerPath::Checkpoint, checkpoint.clone()).await?;
            }
            Step::Finish => store.finish_plan(&plan).await?,
        }
    }
    Ok(Published { index: plan.index(), size: plan.checkpoint.size, checkpoint })
}

/// The bundle that ends with the plan's entry: the public one before it, and the entry. A recovery may be about to write
/// over a good public file, so what an earlier run wrote is kept when it is right (it is written again, because that run
/// may have died before its directory was fsynced), and what is put together is compared with the plan's leaf hashes.
fn bundle(ledger: &LedgerDir, plan: &Plan) -> Result<Vec<u8>> {
    let path = plan.bundle_path();
    let leaf_tile = TilePath { level: 0, index: path.index, width: path.width };
    let planned = plan.tiles.iter().find(|(path, _)| *path == leaf_tile).map(|(_, bytes)| bytes);
    let fits = |entries: &[Vec<u8>]| planned == Some(&leaves(entries));
    if let Some(written) = ledger.read(&LedgerPath::Entries(path))?
        && tile::decode_bundle(&written).is_ok_and(|entries| fits(&entries))
    {
        return Ok(written);
    }
    let mut entries = if path.width == 1 { Vec::new() } else { ledger.bundle(path.index, plan.from.0)? };
    entries.push(plan.entry.clone());
    if !fits(&entries) {
        return Err(StoreError::Damaged(format!(
            "the bundle before {path} is not what the plan was decided on"
        )));
    }
    tile::encode_bundle(&entries).map_err(|e| StoreError::Unfit(format!("the entry: {e}")))
}

/// The tile of leaf hashes over a bundle.
fn leaves(bundle: &[Vec<u8>]) -> Vec<u8> {
    bundle.iter().flat_map(|entry| merkle::leaf_hash(entry).0).collect()
}

/// Signs the plan's checkpoint, after reading back from disk everything that the signature would promise: the old
/// root, the new root over the stored tiles, and that every leaf of the new bundle is in them.
fn sign(ledger: &LedgerDir, plan: &Plan, key: &SigningKey) -> Result<Vec<u8>> {
    let damaged =
        |what: &str| Err(StoreError::Damaged(format!("{what} is not what the plan was decided on")));
    let Checkpoint { size, root, .. } = plan.checkpoint;
    if merkle::root(ledger, plan.from.0) != Some(plan.from.1) {
        return damaged("the public tree");
    }
    if merkle::root(ledger, size) != Some(root) {
        return damaged("the new tree");
    }
    // All of the bundle, not only the new entry: the ones before it were copied from a file that may have rotted.
    let path = plan.bundle_path();
    let bundle = ledger.bundle(path.index, size)?;
    if bundle.last() != Some(&plan.entry) || ledger.tile(0, path.index, path.width) != Some(leaves(&bundle)) {
        return damaged("the new bundle");
    }
    let text = plan.checkpoint.to_text();
    let mut note = Note::new(&text).map_err(|e| StoreError::Unfit(format!("the checkpoint: {e}")))?;
    note.add(key.sign(&text));
    Ok(note.to_bytes())
}

/// One file, on a thread that may block. The lock goes with it: if our future is dropped meanwhile, nobody else
/// starts before the write has ended.
pub(crate) async fn write(store: &Store, lock: &Arc<File>, path: LedgerPath, bytes: Vec<u8>) -> Result<()> {
    let ledger = store.ledger().clone();
    let hook = Arc::clone(&store.inner.hook);
    let lock = Arc::clone(lock);
    blocking(move || {
        let done = ledger.write(hook.as_ref(), &path, &bytes);
        drop(lock);
        done
    })
    .await
}

/// Only one run of a plan on this directory, in this process or another. The system lets go of it when we die.
pub(crate) fn lock(store: &Store) -> Result<File> {
    let path = store.inner.dir.join("publication.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| StoreError::io("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy("a publication is running")),
        Err(TryLockError::Error(e)) => Err(StoreError::io("lock", &path, e)),
    }
}

/// Runs something that reads or writes files where it does not hold up the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => Err(StoreError::Damaged(format!("a thread that used files ended: {panic}"))),
    }
}
