//! The tail against a ledger server that tells the truth, lies, or is dead.

mod attacks;
mod config;
mod disk;
mod others;
mod rekey;
mod undos;
mod world;

use std::sync::Arc;
use std::time::Duration;

use policy::Time;
use tokio::time::timeout;

use super::*;
use crate::receipt::Receipt;
use crate::{bell, effective};
use world::{ManualClock, START, World, edge_key};

const DAY: u64 = 24 * 3600;

/// The measures an edge enforces.
fn enforced(tail: &Tail) -> Vec<String> {
    tail.monitor().status().measures.iter().map(ToString::to_string).collect()
}

/// How often one thing was refused.
fn refused(tail: &Tail, code: &str) -> u64 {
    tail.monitor().status().refused.get(code).copied().unwrap_or(0)
}

/// A world with a block in force for ten seconds, and an edge that has it.
async fn blocked() -> (World, tempfile::TempDir, Arc<ManualClock>, Tail) {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let mut tail = world.open(dir.path(), &clock);
    world.publish_block("one", START.plus(10));
    clock.pass(10);
    tail.sync_once().await.expect("looks");
    assert_eq!(enforced(&tail), ["imp-one"]);
    (world, dir, clock, tail)
}

#[tokio::test]
async fn a_block_comes_is_explained_and_is_lifted_by_the_log() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let mut tail = world.open(dir.path(), &clock);
    let mut changes = tail.subscribe();
    assert!(changes.borrow_and_update().measures.is_empty());
    let first = tail.sync_once().await.expect("entry 0");
    assert_eq!((first.size, first.grown, first.missing), (1, 1, 0));

    world.publish_block("one", START.plus(10));
    let second = tail.sync_once().await.expect("the block");
    assert_eq!((second.size, second.grown, second.blobs, second.missing), (3, 2, 2, 0));
    let effective = changes.borrow_and_update().clone();
    let active = &effective.measures[0];
    assert_eq!(active.measure.customer.as_str(), "cus_first");
    assert_eq!(&*effective.posts[&active.measure.post], world::POST);
    assert_eq!(active.ends_mono, Duration::from_secs(2 * DAY));

    let lift = world.lift("one", START.plus(20));
    let entry = policy::entry::Entry { logged: START.plus(20), note: lift }.to_bytes();
    world.served().log.push(entry);
    clock.pass(10);
    tail.sync_once().await.expect("the lift");
    assert!(changes.borrow_and_update().measures.is_empty());
    let served = world.served();
    let bundles: Vec<&String> = served.asked.iter().filter(|p| p.contains("/tile/")).collect();
    assert_eq!(
        bundles,
        ["/ledger/tile/entries/000.p/1", "/ledger/tile/entries/000.p/3", "/ledger/tile/entries/000.p/4"],
        "nothing is fetched twice, and no tiles while all is well"
    );
}

#[tokio::test]
async fn what_no_decision_needs_is_removed() {
    let (world, dir, clock, mut tail) = blocked().await;
    let subject =
        dir.path().join(format!("blobs/{}", ledger::Hash::of(world.subject().to_string().as_bytes())));
    let post = dir.path().join(format!("blobs/{}", ledger::Hash::of(world::POST)));
    tail.shared.prune();
    assert!(subject.exists() && post.exists());
    clock.pass(2 * DAY);
    tail.tick();
    tail.shared.prune();
    assert!(enforced(&tail).is_empty() && subject.exists() && !post.exists(), "it counts for thirty days");
    clock.pass(30 * DAY);
    tail.shared.prune();
    assert!(!subject.exists());
    tail.sync_once().await.expect("looks");
    assert!(!subject.exists(), "nor is it fetched again");
    // The same reasons once more: one look brings what was removed.
    world.publish_block("two", clock.now());
    tail.sync_once().await.expect("looks");
    assert_eq!(enforced(&tail), ["imp-two"]);
    assert_eq!(refused(&tail, "damaged"), 0);
}

#[tokio::test]
async fn long_logs_are_followed_over_bundles() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let mut tail = world.open(dir.path(), &clock);
    for upto in [255, 256, 257, 600] {
        while world.served().log.entries.len() < upto {
            world.served().log.push_noise(START);
        }
        assert_eq!(tail.sync_once().await.expect("grows").size, upto as u64);
    }
    world.publish_block("one", START.plus(10));
    tail.sync_once().await.expect("grows");
    assert_eq!(enforced(&tail), ["imp-one"]);
    assert_eq!(refused(&tail, "malformed"), 599, "each entry without effect is counted once");
    drop(tail);
    let tail = world.open_alone(dir.path(), &clock);
    assert_eq!(enforced(&tail), ["imp-one"]);
    assert_eq!(refused(&tail, "malformed"), 599);
}

#[tokio::test]
async fn a_restart_enforces_the_same_at_once_and_alone() {
    let (world, dir, clock, tail) = blocked().await;
    let before = tail.subscribe().borrow().clone();
    tail.save_elapsed();
    drop(tail);
    let tail = world.open_alone(dir.path(), &clock);
    let after = tail.subscribe().borrow().clone();
    assert_eq!(*before, *after);
    assert!(tail.monitor().status().stale, "it has looked at nothing yet");
}

#[tokio::test]
async fn receipts_say_what_is_enforced_and_cosign_the_checkpoint() {
    let (world, _dir, clock, mut tail) = blocked().await;
    tail.report_once().await.expect("delivered");
    let (path, bytes) = world.served().posts.pop().expect("a receipt");
    assert_eq!(path, "/relay/v1/receipts");
    let receipt = Receipt::open(&bytes, &edge_key().verifier()).expect("verifies");
    let state = {
        let mut state = world.house.state();
        for (index, entry) in world.served().log.entries.iter().enumerate().skip(1) {
            assert!(state.apply(index as u64, entry, policy::Seen::CatchUp).is_applied());
        }
        for blob in world.served().log.blobs.values() {
            assert!(state.hold(blob));
        }
        state
    };
    assert_eq!(receipt.effective, state.effective_hash(clock.now()), "policy and relay hash the same text");
    assert_eq!(receipt.effective, effective::hash(state.origin(), &tail.subscribe().borrow()));
    assert_eq!((receipt.size, receipt.refused, receipt.stale), (3, 0, false));
    assert_eq!(receipt.measures.len(), 1);
    assert_eq!(receipt.time, clock.now());

    clock.pass(61);
    world.served().post_status = 403;
    let error = tail.report_once().await.expect_err("not enrolled");
    assert!(error.to_string().contains("enrol"), "{error}");
    let (_, bytes) = world.served().posts.pop().expect("a receipt");
    assert!(
        Receipt::open(&bytes, &edge_key().verifier()).expect("verifies").stale,
        "a minute without a look"
    );
    assert_eq!(refused(&tail, "receipt-not-taken"), 1);
}

#[tokio::test]
async fn a_measure_ends_by_any_clock_with_no_network() {
    let until = START.plus(10 + 2 * DAY);
    // (name, wall time at the end, monotonic seconds, still enforced)
    for (name, wall, mono, still) in [
        ("just before", until.0 - 1, 2 * DAY - 11, true),
        ("wall time", until.0, 100, false),
        ("elapsed time, wall set back a day", until.0 - DAY, 2 * DAY, false),
        ("elapsed time, wall set back before the beginning", START.0 - DAY, 2 * DAY, false),
        ("wall set back before the beginning, time left", START.0 - DAY, 100, true),
    ] {
        let (world, dir, clock, tail) = blocked().await;
        let check = |tail: &Tail, when: &str| {
            let expect: &[&str] = if still { &["imp-one"] } else { &[] };
            assert_eq!(enforced(tail), expect, "{name}, {when}");
        };
        clock.pass_mono(mono);
        clock.set_wall(Time(wall));
        tail.tick();
        check(&tail, "running");
        tail.save_elapsed();
        drop(tail);
        check(&world.open_alone(dir.path(), &clock), "after a restart");
    }
}

/// A decision that begins later is held ready, begins by time alone, and not without its reasons.
#[tokio::test]
async fn a_measure_begins_by_time_if_its_post_is_still_whole() {
    for (post_lost, expect) in [(false, vec!["imp-one"]), (true, vec![])] {
        let world = World::new().await;
        let dir = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START.plus(10));
        let mut tail = world.open(dir.path(), &clock);
        let (at, subject) = (START.plus(10), world.subject());
        let mut impose = world.house.emergency("imp-one", at, "fnd-one", &subject, world::POST);
        impose.since = at.plus(100);
        impose.until = at.plus(3600);
        let (finding, _) = world.block("one", at);
        let entry = world.house.entry(at, &impose.to_string(), &["ben", "clara"]);
        {
            let log = &mut world.served().log;
            log.push(finding);
            log.push(entry);
            log.blob(world::POST);
            log.blob(subject.to_string().as_bytes());
        }
        assert_eq!(tail.sync_once().await.expect("looks").blobs, 2);
        let post = dir.path().join(format!("blobs/{}", ledger::Hash::of(world::POST)));
        if post_lost {
            std::fs::write(&post, "other reasons").expect("write");
        }
        clock.pass(99);
        tail.tick();
        assert!(enforced(&tail).is_empty(), "not yet");
        clock.pass(1);
        tail.tick();
        tail.tick();
        assert_eq!(enforced(&tail), expect);
        assert_eq!(refused(&tail, "damaged"), u64::from(post_lost), "counted once, not every second");
        tail.sync_once().await.expect("looks");
        assert_eq!(enforced(&tail), ["imp-one"], "the post is fetched again");
    }
}

#[tokio::test]
async fn a_newer_verified_entry_ends_a_measure_on_a_slow_clock() {
    let (world, _dir, clock, mut tail) = blocked().await;
    let until = START.plus(10 + 2 * DAY);
    let (finding, _) = world.block("two", until);
    world.served().log.push(finding);
    clock.set_wall(Time(until.0 - 300));
    tail.sync_once().await.expect("five minutes ahead is taken");
    assert!(enforced(&tail).is_empty());
}

#[tokio::test]
async fn the_running_tail_hears_the_bell_reports_and_stops() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let tail = world.open(dir.path(), &clock);
    let (mut changes, monitor) = (tail.subscribe(), tail.monitor());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(tail.run(async { stopped.await.unwrap_or_default() }));
    let heard = async {
        while !(monitor.status().bell && monitor.status().size == 1) {
            tokio::task::yield_now().await;
        }
        world.publish_block("one", START.plus(10));
        world.served().bells.send_replace(bell::event(3));
        while changes.borrow_and_update().measures.is_empty() {
            changes.changed().await.expect("the tail lives");
        }
        let reported = || {
            let served = world.served();
            let mut receipts = served.posts.iter().filter(|(path, _)| path == crate::report::PATH);
            receipts
                .any(|(_, b)| Receipt::open(b, &edge_key().verifier()).is_ok_and(|r| r.measures.len() == 1))
        };
        while !reported() {
            tokio::task::yield_now().await;
        }
    };
    // generous: it is the difference between "works" and "hangs", not a measurement
    timeout(Duration::from_secs(60), heard).await.expect("heard, enforced and reported");
    stop.send(()).expect("the tail runs");
    running.await.expect("stops cleanly");
    assert!(dir.path().join("elapsed").exists(), "the enforced time is kept on stop");
}

#[tokio::test]
async fn a_bell_that_lies_is_dropped_and_polls_carry_the_news() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let tail = world.open(dir.path(), &clock);
    let (mut changes, monitor) = (tail.subscribe(), tail.monitor());
    world.served().bells.send_replace("event: lift\ndata: imp-one\n\n".to_owned());
    let running = tokio::spawn(tail.run(std::future::pending()));
    let heard = async {
        while !monitor.status().refused.contains_key("bell") {
            tokio::task::yield_now().await;
        }
        world.publish_block("one", START.plus(10));
        while changes.borrow_and_update().measures.is_empty() {
            changes.changed().await.expect("the tail lives");
        }
    };
    timeout(Duration::from_secs(60), heard).await.expect("enforced without a bell");
    assert!(!monitor.status().bell);
    running.abort();
}
