//! A stolen log key or a fork: the policy quorum names a new key, and everybody follows, whatever they saw before.

use ledger::Hash;
use ledger::note::SigningKey;
use policy::entry::Entry;
use policy::note::{PolicyNote, Suspend};
use policy::testkit::{id, sentence};

use super::world::Log;
use super::*;
use crate::RekeyError;

const MAJORITY: [&str; 3] = ["anna", "ben", "clara"];

fn new_key(world: &World) -> SigningKey {
    SigningKey::from_seed(&world.house.origin, [77; 32]).expect("the origin is a key name")
}

/// Policy 1: a new key that goes on from the first `size` entries of `log`.
fn rekey(world: &World, log: &Log, size: usize) -> PolicyNote {
    PolicyNote {
        head: world.house.head("policy-1"),
        version: 1,
        log: new_key(world).verifier(),
        log_from: Some((size as u64, log.root_at(size))),
        ..world.house.policy()
    }
}

/// The server shows the first `size` entries, then the policy, under the new key.
fn recover(world: &World, size: usize, at: Time) -> Vec<u8> {
    let mut served = world.served();
    let mut log = Log::default();
    served.log.entries.iter().take(size).for_each(|entry| log.push(entry.clone()));
    log.blobs = served.log.blobs.clone();
    let note = world.house.signed(&rekey(world, &served.log, size).to_string(), &MAJORITY);
    log.push(Entry { logged: at, note: note.clone() }.to_bytes());
    served.log = log;
    served.key = new_key(world);
    note.to_bytes()
}

#[tokio::test]
async fn a_log_goes_on_under_a_new_key() {
    let (world, dir, clock, mut tail) = blocked().await;
    recover(&world, 3, clock.now());
    assert_eq!(tail.sync_once().await.expect("followed").size, 4);
    assert_eq!(enforced(&tail), ["imp-one"], "what is in force stays");
    world.served().log.push_noise(clock.now());
    assert_eq!(tail.sync_once().await.expect("and on").size, 5);
    drop(tail);
    let mut tail = world.open(dir.path(), &clock);
    assert_eq!((enforced(&tail).len(), tail.monitor().status().size), (1, 5), "after a restart");
    // The old key is worth nothing now.
    let old = world.key();
    world.served().key = old;
    world.served().log.push_noise(clock.now());
    assert_eq!(tail.sync_once().await.expect_err("the old key").code(), "checkpoint");
    // A new edge learns the key from the entries, with the trust line it was born with.
    world.served().key = new_key(&world);
    let fresh = tempfile::tempdir().expect("a directory");
    let mut tail = world.open(fresh.path(), &clock);
    assert_eq!(tail.sync_once().await.expect("from entry 0 on").size, 6);
    assert_eq!(enforced(&tail), ["imp-one"]);
}

#[tokio::test]
async fn an_edge_on_the_wrong_side_of_a_fork_lets_go_of_it() {
    let (world, dir, clock, mut tail) = blocked().await;
    let truth = world.served().log.clone();
    // The thief's side: a block by a quorum that only this edge was shown, and a lift.
    world.publish_block("two", clock.now());
    let lift = world.lift("one", clock.now());
    let entry = Entry { logged: clock.now(), note: lift }.to_bytes();
    world.served().log.push(entry);
    tail.sync_once().await.expect("it cannot know");
    assert_eq!(enforced(&tail), ["imp-two"]);
    // The truth, shown by the same key: a proof, and nothing more is taken.
    world.served().log = truth;
    (0..5).for_each(|_| world.served().log.push_noise(clock.now()));
    assert_eq!(tail.sync_once().await.expect_err("a fork").code(), "fork");
    assert_eq!(tail.sync_once().await.expect_err("frozen").code(), "frozen");
    recover(&world, 8, clock.now());
    clock.pass(60);
    assert_eq!(tail.sync_once().await.expect("the new key").size, 9);
    assert!(
        enforced(&tail).is_empty(),
        "the thief's block is gone; the officer's lift needs no log and stays"
    );
    assert!(!tail.monitor().status().frozen);
    assert_eq!(tail.monitor().status().undos_pending, 1, "and is told to the new log");
    drop(tail);
    assert!(enforced(&world.open_alone(dir.path(), &clock)).is_empty(), "after a restart");
}

#[tokio::test]
async fn a_policy_that_has_effect_is_never_let_go() {
    let (world, _dir, clock, mut tail) = blocked().await;
    let mut policy = world.house.policy();
    (policy.head.id, policy.version, policy.bounds.emergency_hours) = (id("policy-1"), 1, 24);
    let entry = world.house.entry(clock.now(), &policy.to_string(), &MAJORITY);
    world.served().log.push(entry);
    tail.sync_once().await.expect("a policy");
    // Whoever was in power before signs a policy 1 of their own, from before the other.
    recover(&world, 3, clock.now());
    assert_eq!(tail.sync_once().await.expect_err("they may not").code(), "drops-policy");
    assert_eq!(tail.monitor().status().size, 4);
}

#[tokio::test]
async fn a_new_key_without_the_policy_quorum_is_no_key() {
    for names in [&["anna", "ben"][..], &["anna", "ben", "emil"], &[]] {
        let (world, _dir, clock, mut tail) = blocked().await;
        let text = rekey(&world, &world.served().log.clone(), 3).to_string();
        let entry = world.house.entry(clock.now(), &text, names);
        world.served().log.push(entry);
        world.served().key = new_key(&world);
        assert_eq!(tail.sync_once().await.expect_err("no quorum").code(), "checkpoint", "{names:?}");
        assert_eq!(tail.monitor().status().size, 3);
        // A server cannot make an edge fetch the whole log all the time.
        let asked = world.served().asked.len();
        assert_eq!(tail.sync_once().await.expect_err("too soon").code(), "checkpoint");
        assert_eq!(world.served().asked.len(), asked + 1, "the checkpoint alone");
    }
}

#[tokio::test]
async fn a_new_key_that_goes_on_from_elsewhere_is_no_key() {
    let (world, _dir, clock, mut tail) = blocked().await;
    let mut policy = rekey(&world, &world.served().log.clone(), 3);
    policy.log_from = Some((3, Hash::of(b"another log")));
    let entry = world.house.entry(clock.now(), &policy.to_string(), &MAJORITY);
    world.served().log.push(entry);
    world.served().key = new_key(&world);
    assert_eq!(tail.sync_once().await.expect_err("another log").code(), "checkpoint");
}

#[tokio::test]
async fn delivered_directly_the_old_key_is_refused_at_once() {
    let (world, dir, clock, mut tail) = blocked().await;
    let text = rekey(&world, &world.served().log.clone(), 3).to_string();
    for bytes in
        [b"hello".to_vec(), vec![b'x'; 70_000], world.house.signed(&text, &["anna", "ben"]).to_bytes()]
    {
        tail.rekey_handle().rekey(&bytes).expect_err("not by a quorum");
    }
    assert_eq!(refused(&tail, "rekey-refused"), 3);
    let note = world.house.signed(&text, &MAJORITY).to_bytes();
    assert_eq!(tail.rekey_handle().rekey(&note).expect("a quorum").log, new_key(&world).verifier());
    world.served().log.push_noise(clock.now());
    assert_eq!(tail.sync_once().await.expect_err("the old key").code(), "checkpoint");
    drop(tail);
    let mut tail = world.open(dir.path(), &clock);
    assert_eq!(tail.sync_once().await.expect_err("the old key, after a restart").code(), "checkpoint");
    recover(&world, 3, clock.now());
    clock.pass(60);
    assert_eq!(tail.sync_once().await.expect("the new key").size, 4);
    assert_eq!(enforced(&tail), ["imp-one"]);
    let again = tail.rekey_handle().rekey(&note);
    assert!(matches!(again, Err(RekeyError::Rejected(_))), "it is done: {again:?}");
}

#[tokio::test]
async fn a_suspension_survives_the_branch_it_stood_in() {
    let (world, _dir, clock, mut tail) = blocked().await;
    let truth = world.served().log.clone();
    let suspend = Suspend {
        head: world.house.head("sus-1"),
        key: world.house.policy().persons[2].keys[0].to_string(),
        time: START,
        until: START.plus(DAY),
        why: sentence("Stolen."),
    };
    let entry = world.house.entry(clock.now(), &suspend.to_string(), &["anna", "ben"]);
    world.served().log.push(entry);
    tail.sync_once().await.expect("suspended");
    assert!(enforced(&tail).is_empty(), "clara's approval falls");
    world.served().log = truth;
    recover(&world, 3, clock.now());
    assert_eq!(tail.sync_once().await.expect("followed").size, 4);
    assert!(enforced(&tail).is_empty(), "no log is needed to undo");
}
