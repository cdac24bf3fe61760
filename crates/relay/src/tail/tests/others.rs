//! Witnesses and peers: what others saw, and what is passed on to them.

use ledger::note::Note;
use policy::clock::Clock;
use policy::entry::Entry;
use policy::testkit::House;

use super::world::{Log, Reply, honestly};
use super::*;
use crate::shared::STALE_AFTER;
use crate::{TailConfig, compare, undo};

/// A house with three witnesses of whom two must cosign; the block is in the log.
async fn witnessed() -> (World, tempfile::TempDir, Arc<ManualClock>, Tail) {
    let world = World::of(House::demo(START).witnessed(3, 2)).await;
    world.publish_block("one", START.plus(5));
    let dir = tempfile::tempdir().expect("a directory");
    let clock = ManualClock::at(START.plus(10));
    let tail = world.open(dir.path(), &clock);
    (world, dir, clock, tail)
}

#[tokio::test]
async fn a_checkpoint_without_its_witnesses_adds_nothing() {
    let (world, _dir, clock, mut tail) = witnessed().await;
    let witness = |n: usize| world.house.witnesses[n].clone();
    for cosigners in [vec![], vec![witness(0)], vec![witness(1), witness(1)]] {
        world.served().cosigners = cosigners;
        assert_eq!(tail.sync_once().await.expect_err("too few").code(), "unwitnessed");
        assert!(enforced(&tail).is_empty());
    }
    world.served().cosigners = vec![witness(0), witness(2)];
    assert_eq!(tail.sync_once().await.expect("two of three").size, 3);
    assert_eq!(enforced(&tail), ["imp-one"]);
    // Later without them: what is new is not taken, except what undoes.
    world.served().cosigners.clear();
    let lift = world.lift("one", clock.now());
    world.served().log.push(Entry { logged: clock.now(), note: lift }.to_bytes());
    world.publish_block("two", clock.now());
    assert_eq!(tail.sync_once().await.expect_err("unwitnessed").code(), "unwitnessed");
    assert!(enforced(&tail).is_empty(), "a lift needs neither log nor witness");
    assert_eq!(tail.monitor().status().size, 3);
}

#[tokio::test]
async fn a_bad_cosignature_of_a_known_witness_is_refused() {
    let (world, _dir, _clock, mut tail) = witnessed().await;
    let witnesses: Vec<_> = world.house.witnesses.clone();
    world.lie(move |path, truth| {
        if path != "checkpoint" {
            return honestly(truth);
        }
        let mut note = Note::parse(&truth.expect("there is one")).expect("a checkpoint");
        let text = note.text().to_owned();
        note.add(witnesses[0].cosign(&text, 1));
        note.add(witnesses[1].cosign(&text, 1));
        note.add(witnesses[2].cosign("another\n1\nroot\n", 1));
        Reply::Body(note.to_bytes())
    });
    assert_eq!(tail.sync_once().await.expect_err("one lies").code(), "checkpoint");
    assert!(enforced(&tail).is_empty());
}

/// An edge beside `world`'s own that asks the same server as a peer and as a witness.
fn compares(world: &World, dir: &std::path::Path, clock: &Arc<ManualClock>) -> Tail {
    let config = TailConfig {
        peers: vec![format!("{}/peer", world.url)],
        witnesses: vec![format!("{}/witness", world.url)],
        ..world.config(dir)
    };
    Tail::open(config, Arc::clone(clock) as Arc<dyn Clock>).expect("opens")
}

fn show(world: &World, what: Vec<u8>) {
    let path = compare::witness_path(&world.house.origin);
    world.served().shown.insert(format!("/witness{path}"), what);
}

#[tokio::test]
async fn another_history_at_a_witness_is_a_proof_and_freezes() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let mut tail = compares(&world, dir.path(), &clock);
    tail.sync_once().await.expect("good");
    let (key, truth) = (world.key(), world.served().log.clone());
    for size in [1, 2, 3] {
        show(&world, truth.checkpoint_at(&key, size));
        assert_eq!(tail.compare_once().await, 1, "an older one agrees");
    }
    show(&world, b"rubbish".to_vec());
    assert_eq!((tail.compare_once().await, refused(&tail, "compared-checkpoint")), (0, 1));
    assert!(!tail.monitor().status().frozen, "nobody is believed without the log's signature");
    let mut other = Log::default();
    other.push(world.house.entry0());
    other.push_noise(START);
    show(&world, other.checkpoint_at(&key, 2));
    assert_eq!(tail.compare_once().await, 0);
    let status = tail.monitor().status();
    assert_eq!((status.frozen, status.fork_evidence), (true, 2));
    world.served().log.push_noise(clock.now());
    assert_eq!(tail.sync_once().await.expect_err("nothing new").code(), "frozen");
    assert_eq!(enforced(&tail), ["imp-one"], "what is enforced stays");
}

#[tokio::test]
async fn a_larger_log_at_a_witness_must_come_or_is_an_alarm() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let mut tail = compares(&world, dir.path(), &clock);
    tail.sync_once().await.expect("good");
    let mut longer = world.served().log.clone();
    longer.push_noise(clock.now());
    show(&world, longer.checkpoint_at(&world.key(), 4));
    assert_eq!(tail.compare_once().await, 0);
    assert!(!tail.monitor().status().held_back, "not yet");
    clock.pass(STALE_AFTER.as_secs() + 1);
    tail.sync_once().await.expect("our server shows nothing new");
    tail.compare_once().await;
    assert!(tail.monitor().status().held_back, "others have seen more for a minute");
    world.served().log = longer;
    tail.sync_once().await.expect("now it does");
    assert_eq!(tail.compare_once().await, 1);
    assert!(!tail.monitor().status().held_back);
}

#[tokio::test]
async fn a_larger_log_that_does_not_fit_later_is_a_fork() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let mut tail = compares(&world, dir.path(), &clock);
    tail.sync_once().await.expect("good");
    let mut other = world.served().log.clone();
    other.push(b"logged 1\nanother".to_vec());
    show(&world, other.checkpoint_at(&world.key(), 4));
    tail.compare_once().await;
    assert!(!tail.monitor().status().frozen, "nobody can know yet");
    world.served().shown.clear();
    world.served().log.push_noise(clock.now());
    tail.sync_once().await.expect("grows");
    tail.compare_once().await;
    assert!(tail.monitor().status().frozen, "it was remembered");
}

/// Promise 3: a desk that drops a lift changes nothing.
#[tokio::test]
async fn an_undo_is_passed_on_to_peers_with_the_desk_dead() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let config = TailConfig {
        peers: vec![format!("{}/peer-1", world.url), format!("{}/peer-2", world.url)],
        relay_url: "http://127.0.0.1:9".into(),
        ..world.config(dir.path())
    };
    let mut tail = Tail::open(config, Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    let note = world.lift("one", clock.now()).to_bytes();
    tail.undo_handle().undo(&note).expect("a good lift");
    assert_eq!(tail.forward_once().await, 2);
    let told: Vec<_> =
        ["/peer-1", "/peer-2"].map(|p| (format!("{p}{}", undo::EDGE_PATH), note.clone())).into();
    assert_eq!(world.served().posts, told);
    clock.pass(3600);
    assert_eq!(tail.forward_once().await, 0, "a peer is told once, the desk until the log has it");
    assert_eq!(world.served().posts.len(), 2);
}

/// An edge with one peer.
fn peered(world: &World, dir: &std::path::Path, clock: &Arc<ManualClock>) -> Tail {
    let config = TailConfig { peers: vec![format!("{}/peer", world.url)], ..world.config(dir) };
    Tail::open(config, Arc::clone(clock) as Arc<dyn Clock>).expect("opens")
}

/// The log may have a lift that a peer cannot hear of there: the peer is told all the same, until it has taken it.
#[tokio::test]
async fn a_peer_is_told_of_an_undo_though_the_log_has_it() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let mut tail = peered(&world, dir.path(), &clock);
    let lift = world.lift("one", clock.now());
    tail.undo_handle().undo(&lift.to_bytes()).expect("a good lift");
    world.served().post_status = 503;
    assert_eq!(tail.forward_once().await, 0, "neither desk nor peer take it");
    world.served().log.push(Entry { logged: clock.now(), note: lift.clone() }.to_bytes());
    tail.sync_once().await.expect("the log has it");
    world.served().posts.clear();
    world.served().post_status = 202;
    clock.pass(60);
    assert_eq!(tail.forward_once().await, 1);
    assert_eq!(world.served().posts, [(format!("/peer{}", undo::EDGE_PATH), lift.to_bytes())]);
    clock.pass(60);
    assert_eq!(tail.forward_once().await, 0, "once");
}

/// A peer that is cut off from the desk blocks on although the log has the lift: whoever follows the log tells it.
#[tokio::test]
async fn an_undo_in_the_log_is_passed_on_to_peers_while_it_matters() {
    let (world, dir, clock, tail) = blocked().await;
    drop(tail);
    let mut tail = peered(&world, dir.path(), &clock);
    let log = |note: &Note| {
        world.served().log.push(Entry { logged: clock.now(), note: note.clone() }.to_bytes());
    };
    let lift = world.lift("one", clock.now());
    log(&lift);
    tail.sync_once().await.expect("looks");
    assert!(enforced(&tail).is_empty());
    assert_eq!(tail.forward_once().await, 0, "a peer that follows the log will have it in a moment");
    clock.pass(1);
    assert_eq!(tail.forward_once().await, 1);
    assert_eq!(world.served().posts, [(format!("/peer{}", undo::EDGE_PATH), lift.to_bytes())]);
    clock.pass(3600);
    assert_eq!(tail.forward_once().await, 0, "once");
    // What ends a block that is over ends nothing.
    clock.pass(2 * DAY);
    let late = world.house.lift("lift-late", "imp-one", clock.now()).to_string();
    log(&world.house.signed(&late, &["clara"]));
    tail.sync_once().await.expect("looks");
    clock.pass(60);
    assert_eq!(tail.forward_once().await, 0);
}
