//! Power cuts and bad disks: each write is broken at each step, each file is damaged, and the end is the same.

use std::fs;
use std::path::{Path, PathBuf};

use policy::entry::Entry;

use super::*;

/// All files under a folder, sorted, without the lock.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("lock") => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_look_killed_between_any_two_writes() {
    let mut steps = 0;
    loop {
        let world = World::new().await;
        let dir = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START.plus(10));
        let mut tail = world.open(dir.path(), &clock);
        tail.sync_once().await.expect("entry 0");
        world.publish_block("one", START.plus(10));
        tail.shared.dir.fuse.burn_after(steps);
        let killed = tail.sync_once().await;
        let published = enforced(&tail);
        let burnt = tail.shared.dir.fuse.burnt();
        drop(tail);

        let tail = world.open_alone(dir.path(), &clock);
        let found = enforced(&tail);
        assert!(published.is_empty() || found == published, "step {steps}: enforced and forgotten");
        assert!(matches!(tail.monitor().status().size, 1 | 3), "step {steps}: half a log");
        assert!(
            !tail.monitor().status().incomplete,
            "step {steps}: a checkpoint over entries that are not here"
        );
        assert_eq!((refused(&tail, "damaged"), refused(&tail, "unstamped")), (0, 0), "step {steps}");
        drop(tail);

        let mut tail = world.open(dir.path(), &clock);
        let synced = tail.sync_once().await.expect("looks again");
        assert_eq!((synced.size, synced.missing), (3, 0), "step {steps}");
        assert_eq!(enforced(&tail), ["imp-one"], "step {steps}");
        drop(tail);
        assert_eq!(enforced(&world.open_alone(dir.path(), &clock)), ["imp-one"], "step {steps}");
        if !burnt {
            assert!(killed.is_ok());
            break;
        }
        steps += 1;
    }
    assert!(steps > 15, "only {steps} steps were tried");
}

#[tokio::test]
async fn a_repair_killed_between_any_two_writes() {
    for steps in 0.. {
        let (world, dir, clock, tail) = blocked().await;
        drop(tail);
        fs::write(dir.path().join("entries/0"), "garbage").expect("write");
        world.served().log.push_noise(START);
        let mut tail = world.open(dir.path(), &clock);
        tail.shared.dir.fuse.burn_after(steps);
        let killed = tail.sync_once().await;
        let burnt = tail.shared.dir.fuse.burnt();
        drop(tail);
        let tail = world.open_alone(dir.path(), &clock);
        assert!(
            matches!(tail.monitor().status().size, 3 | 4),
            "step {steps}: what was held is not forgotten"
        );
        drop(tail);
        let mut tail = world.open(dir.path(), &clock);
        assert_eq!(tail.sync_once().await.expect("looks again").size, 4, "step {steps}");
        assert_eq!(enforced(&tail), ["imp-one"], "step {steps}");
        if !burnt {
            assert!(killed.is_ok() && steps > 8, "only {steps} steps were tried");
            break;
        }
    }
}

#[tokio::test]
async fn an_undo_killed_between_any_two_writes() {
    for steps in 0..6 {
        let (world, dir, clock, tail) = blocked().await;
        tail.shared.dir.fuse.burn_after(steps);
        let undone =
            tail.undo_handle().undo(&world.lift("one", clock.now()).to_bytes()).expect("a good lift");
        assert!(enforced(&tail).is_empty(), "a full disk does not stand in the way of a lift");
        assert_eq!(undone.kept, steps >= 3, "step {steps}");
        drop(tail);
        let after = enforced(&world.open_alone(dir.path(), &clock));
        assert!(after.is_empty() || !undone.kept, "step {steps}: said kept, and forgot");
    }
}

#[tokio::test]
async fn every_damaged_file_is_set_aside_and_fetched_again() {
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damage: [Damage; 4] = [
        ("flipped", |b| {
            let middle = b.len() / 2;
            b[middle] ^= 0x20;
        }),
        ("cut", |b| b.truncate(b.len() / 2)),
        ("emptied", Vec::clear),
        ("grown", |b| b.extend_from_slice(&[b'x'; 100])),
    ];
    let count = {
        let (_world, dir, ..) = blocked().await;
        files(dir.path()).len()
    };
    assert_eq!(count, 7, "checkpoint, entries, seen, elapsed, looked, two blobs");
    for (how, change) in damage {
        for n in 0..count {
            let (world, dir, clock, tail) = blocked().await;
            drop(tail);
            let path = files(dir.path())[n].clone();
            let name = format!("{} {how}", path.strip_prefix(dir.path()).expect("below").display());
            let mut bytes = fs::read(&path).expect("read");
            change(&mut bytes);
            fs::write(&path, bytes).expect("write");
            let tail = world.open_alone(dir.path(), &clock);
            assert!(refused(&tail, "damaged") == 1, "{name}: {:?}", tail.monitor().status().refused);
            let size = tail.monitor().status().size;
            assert_eq!(size, 3, "{name}: what was held is not forgotten");
            drop(tail);
            // a restart later still knows
            let mut tail = world.open(dir.path(), &clock);
            let synced = tail.sync_once().await.expect("looks");
            assert_eq!((synced.size, synced.missing), (3, 0), "{name}");
            assert_eq!(enforced(&tail), ["imp-one"], "{name}");
            // stamps cannot be fetched: those entries stay folded as a new edge would fold them
            assert_eq!(path.exists(), !name.starts_with("seen"), "{name}: written again");
            drop(tail);
            let tail = world.open_alone(dir.path(), &clock);
            assert_eq!(enforced(&tail), ["imp-one"], "{name}: repaired for good");
            assert_eq!(refused(&tail, "damaged"), 0, "{name}");
        }
    }
}

#[tokio::test]
async fn a_damaged_disk_does_not_let_a_server_roll_back_or_fork() {
    for file in ["checkpoint", "entries/0"] {
        let (world, dir, clock, tail) = blocked().await;
        drop(tail);
        fs::write(dir.path().join(file), "garbage").expect("write");
        let mut tail = world.open(dir.path(), &clock);
        let truth = world.served().log.clone();
        let mut other = world::Log::default();
        other.push(world.house.entry0());
        world.served().log = other.clone();
        assert_eq!(tail.sync_once().await.expect_err("rolled back").code(), "old-checkpoint", "{file}");
        while other.entries.len() < 5 {
            other.push_noise(START);
        }
        world.served().log = other;
        assert_eq!(tail.sync_once().await.expect_err("forked").code(), "fork", "{file}");
        world.served().log = truth;
        tail.sync_once().await.expect("the truth");
        assert_eq!(enforced(&tail), ["imp-one"], "{file}");
    }
}

/// Bundle 0 holds the block, bundle 1 its lift. With a bad sector in bundle 0 or in between, the lift must stand.
#[tokio::test]
async fn a_bad_sector_does_not_block_again_who_was_lifted() {
    let (world, dir, clock, mut tail) = blocked().await;
    while world.served().log.entries.len() < 520 {
        world.served().log.push_noise(START);
    }
    let entry = Entry { logged: clock.now(), note: world.lift("one", clock.now()) }.to_bytes();
    world.served().log.push(entry);
    tail.sync_once().await.expect("looks");
    assert!(enforced(&tail).is_empty());
    drop(tail);
    fs::write(dir.path().join("entries/1"), "garbage").expect("write");
    let tail = world.open_alone(dir.path(), &clock);
    assert!(enforced(&tail).is_empty(), "the lift beyond the gap counts");
    assert!(tail.monitor().status().incomplete);
    drop(tail);
    let mut tail = world.open(dir.path(), &clock);
    world.served().log.push_noise(START);
    tail.sync_once().await.expect("repairs and grows");
    let status = tail.monitor().status();
    assert_eq!((status.size, status.incomplete), (522, false));
    assert!(enforced(&tail).is_empty());
    let asked = world.served().asked.clone();
    let bundles: Vec<&String> = asked.iter().rev().filter(|p| p.contains("entries")).take(2).collect();
    assert_eq!(
        bundles,
        ["/ledger/tile/entries/002.p/10", "/ledger/tile/entries/001"],
        "bundle 0 was still good"
    );
}

#[tokio::test]
async fn a_post_that_breaks_while_it_runs_is_fetched_again() {
    let (world, dir, clock, mut tail) = blocked().await;
    let post = dir.path().join(format!("blobs/{}", ledger::Hash::of(world::POST)));
    fs::remove_file(&post).expect("removed");
    world.served().log.push_noise(START);
    tail.sync_once().await.expect("looks");
    assert_eq!(enforced(&tail), ["imp-one"], "it is served from memory");
    drop(tail);
    let mut tail = world.open(dir.path(), &clock);
    assert!(enforced(&tail).is_empty(), "not explainable, not enforced");
    assert_eq!(tail.sync_once().await.expect("looks").blobs, 1);
    assert_eq!(enforced(&tail), ["imp-one"]);
    assert!(post.exists());
}
