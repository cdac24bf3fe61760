//! One officer, any edge, no log: lifts and suspensions that arrive by themselves.

use policy::entry::Entry;
use policy::note::Suspend;

use super::*;
use crate::shared::UNLOGGED_AFTER;
use crate::undo::{self, UndoError};

#[tokio::test]
async fn a_lift_has_effect_at_once_stays_and_is_told() {
    let (world, dir, clock, tail) = blocked().await;
    let note = world.lift("one", clock.now()).to_bytes();
    let undone = tail.undo_handle().undo(&note).expect("a good lift");
    assert!(enforced(&tail).is_empty(), "before anybody else was asked");
    assert!(!undone.known && undone.kept);
    assert_eq!(undone.to_string(), "lift lift-one has effect here");
    assert!(tail.undo_handle().undo(&note).expect("again").known);
    drop(tail);

    let mut tail = world.open_alone(dir.path(), &clock);
    assert!(enforced(&tail).is_empty(), "after a restart");
    assert_eq!(tail.monitor().status().undos_pending, 1);
    assert_eq!(tail.forward_once().await, 0, "nobody there");
    assert_eq!(refused(&tail, "undo-not-forwarded"), 1);
    assert_eq!(tail.forward_once().await, 0, "not due yet");
    assert_eq!(refused(&tail, "undo-not-forwarded"), 1);
    drop(tail);

    let mut tail = world.open(dir.path(), &clock);
    world.served().post_status = 202;
    assert_eq!(tail.forward_once().await, 1);
    assert_eq!(world.served().posts, [(undo::PATH.to_owned(), note.clone())]);
    clock.pass(60);
    assert_eq!(tail.forward_once().await, 1, "told again while the log lacks it");

    let note = world.lift("one", START.plus(20));
    world.served().log.push(Entry { logged: clock.now(), note }.to_bytes());
    tail.sync_once().await.expect("the log has it");
    assert_eq!(tail.monitor().status().undos_pending, 0);
    clock.pass(3600);
    assert_eq!(tail.forward_once().await, 0);
    assert!(enforced(&tail).is_empty());
    drop(tail);
    assert!(enforced(&world.open_alone(dir.path(), &clock)).is_empty(), "edge and log agree after a restart");
}

#[tokio::test]
async fn a_file_in_the_inbox_lifts_with_no_network_at_all() {
    let (world, dir, clock, tail) = blocked().await;
    tail.save_elapsed();
    drop(tail);
    let tail = world.open_alone(dir.path(), &clock);
    let inbox = dir.path().join("inbox");
    let put = |name: &str, bytes: &[u8]| std::fs::write(inbox.join(name), bytes).expect("written");
    let lift = world.lift("one", clock.now()).to_bytes();
    put("half.tmp", &lift);
    put(".hidden", &lift);
    put("garbage", b"no note");
    put("long", &vec![b'x'; policy::MAX_UNDO + 1]);
    let stranger = policy::testkit::House::new("demo:elsewhere/ledger", START);
    let text = world.lift("one", clock.now()).text().to_owned();
    put("forged", &stranger.signed(&text, &["clara"]).to_bytes());
    tail.look_into_inbox();
    assert_eq!(enforced(&tail), ["imp-one"], "nothing of that is signed by an officer and finished");
    assert_eq!(refused(&tail, "undo-refused"), 3);
    for name in ["garbage", "long", "forged"] {
        assert!(!inbox.join(name).exists() && inbox.join(format!("{name}.refused")).exists(), "{name}");
    }
    // A name that cannot be made longer is tried once all the same.
    let longest = "x".repeat(255);
    put(&longest, b"no note");
    tail.look_into_inbox();
    tail.look_into_inbox();
    assert_eq!(refused(&tail, "undo-refused"), 4);
    assert!(!inbox.join(longest).exists());
    // Nor does a heap of what was refused hide what is good.
    for n in 0..3000 {
        put(&format!("{n}.refused"), b"");
    }
    put("lift", &lift);
    tail.look_into_inbox();
    assert!(enforced(&tail).is_empty());
    assert!(!inbox.join("lift").exists(), "done");
    assert!(std::fs::read_dir(&inbox).expect("readable").count() < 1100);
    put("lift-again", &lift);
    tail.look_into_inbox();
    assert!(!inbox.join("lift-again").exists(), "as before");
    drop(tail);
    assert!(enforced(&world.open_alone(dir.path(), &clock)).is_empty(), "it is kept");
}

#[tokio::test]
async fn a_log_that_lacks_an_undo_is_an_alarm() {
    let (world, _dir, clock, mut tail) = blocked().await;
    tail.undo_handle().undo(&world.lift("one", clock.now()).to_bytes()).expect("a good lift");
    for (seconds, expect) in [(UNLOGGED_AFTER, 0), (1, 1), (1000, 1)] {
        clock.pass(seconds);
        tail.tick();
        assert_eq!(tail.monitor().status().undos_unlogged, expect);
        assert_eq!(refused(&tail, "undo-unlogged"), expect);
    }
    let entry = Entry { logged: clock.now(), note: world.lift("one", START.plus(10)) };
    let pending = tail.monitor().status().undos_pending;
    assert_eq!(pending, 1);
    // the same lift as the edge took, logged at last
    let mut same = entry;
    same.note = world.lift("one", START.plus(20));
    world.served().log.push(same.to_bytes());
    tail.sync_once().await.expect("looks");
    assert_eq!(tail.monitor().status().undos_unlogged, 0);
}

#[tokio::test]
async fn what_is_no_good_undo_has_no_effect() {
    let (world, dir, clock, tail) = blocked().await;
    let now = clock.now();
    let text = world.house.lift("lift-one", "imp-one", now).to_string();
    let (_, impose) = world.block("two", now);
    let impose = Entry::parse(&impose).expect("an entry").note.to_bytes();
    let mut changed = world.lift("one", now).to_bytes();
    let at = changed.len() - 20;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let stranger = policy::testkit::House::new("demo:other/ledger", START);
    for (name, bytes) in [
        ("nothing", vec![]),
        ("noise", b"lift please".to_vec()),
        ("unsigned", text.clone().into_bytes()),
        ("changed signature", changed),
        ("another house's officer", stranger.signed(&text, &["clara"]).to_bytes()),
        ("power up", impose),
    ] {
        let error = tail.undo_handle().undo(&bytes).expect_err(name);
        assert!(matches!(error, UndoError::Rejected(_)), "{name}: {error}");
        assert_eq!(enforced(&tail), ["imp-one"], "{name}");
    }
    assert_eq!(tail.undo_handle().undo(&[b'x'; policy::MAX_UNDO + 1]), Err(UndoError::TooLong));
    assert_eq!((refused(&tail, "undo-refused"), refused(&tail, "undo-too-long")), (6, 1));
    assert_eq!(std::fs::read_dir(dir.path().join("undo")).expect("a folder").count(), 0, "nothing was kept");
    let new = tempfile::tempdir().expect("a folder");
    let young = world.open_alone(new.path(), &clock);
    let lift = world.lift("one", now).to_bytes();
    assert_eq!(young.undo_handle().undo(&lift), Err(UndoError::NoPolicy));
}

/// A suspension that only this edge knows must not lose its place: what the suspended key signed afterwards stays
/// without effect, also when everything is folded again.
#[tokio::test]
async fn a_suspension_keeps_its_place_over_a_restart() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let mut tail = world.open(dir.path(), &clock);
    tail.sync_once().await.expect("entry 0");
    let key = world.house.policy().persons[2].keys[0].clone();
    let text = Suspend {
        head: world.house.head("sus-clara"),
        key: key.to_string(),
        time: clock.now(),
        until: clock.now().plus(DAY),
        why: policy::testkit::sentence("The key was lost."),
    }
    .to_string();
    let note = world.house.signed(&text, &["clara"]).to_bytes();
    tail.undo_handle().undo(&note).expect("the holder may");
    world.publish_block("one", START.plus(10));
    tail.sync_once().await.expect("looks");
    assert!(enforced(&tail).is_empty(), "clara's key does not count");
    let before = tail.monitor().status().refused;
    drop(tail);
    let tail = world.open_alone(dir.path(), &clock);
    assert!(enforced(&tail).is_empty());
    assert_eq!(tail.monitor().status().refused, before, "the same entries are refused for the same reasons");
}

/// The undo comes while new entries are being folded on a copy: it must not be lost with the old state.
#[tokio::test]
async fn an_undo_between_fold_and_publication_is_not_lost() {
    let (world, dir, clock, mut tail) = blocked().await;
    for _ in 0..200 {
        world.served().log.push_noise(START);
    }
    let (handle, note) = (tail.undo_handle(), world.lift("one", clock.now()).to_bytes());
    let staged = dir.path().join("staged/0");
    let between = async {
        while !staged.exists() {
            tokio::task::yield_now().await;
        }
        handle.undo(&note).expect("a good lift")
    };
    let (synced, undone) = tokio::join!(tail.sync_once(), between);
    assert_eq!(synced.expect("looks").size, 203);
    assert!(!undone.known);
    assert!(enforced(&tail).is_empty());
    // a handle keeps the directory locked as the tail does
    drop((tail, handle));
    assert!(enforced(&world.open_alone(dir.path(), &clock)).is_empty());
}
