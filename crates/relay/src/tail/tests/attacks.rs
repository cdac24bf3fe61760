//! What a hostile server, a replayer, or the holder of a stolen log key can show; none of it has an effect.

use ledger::Hash;
use ledger::tile::encode_bundle;

use super::world::{Lie, Log, POST, Reply, honestly};
use super::*;
use crate::sync::MAX_ENTRIES;

/// Shows the lie; nothing may change, and the count must show it. Then the truth again, and the edge goes on.
async fn check(name: &str, code: &str, lie: impl Fn(&World) -> Lie) {
    let (world, dir, clock, mut tail) = blocked().await;
    let before = tail.subscribe().borrow().clone();
    let size = tail.monitor().status().size;
    world.served().log.push_noise(START);
    let lie = lie(&world);
    world.lie(move |path, truth| lie(path, truth));
    let result = tail.sync_once().await;
    let refusal = result.expect_err(name);
    assert_eq!(refusal.code(), code, "{name}: {refusal}");
    assert_eq!(refused(&tail, code), 1, "{name}");
    assert_eq!(*tail.subscribe().borrow().clone(), *before, "{name}: what is enforced");
    assert_eq!(tail.monitor().status().size, size, "{name}: what is held");
    drop(tail);
    let tail = world.open_alone(dir.path(), &clock);
    assert_eq!(enforced(&tail), ["imp-one"], "{name}: after a restart");
    drop(tail);
    world.honest();
    let mut tail = world.open(dir.path(), &clock);
    assert_eq!(tail.sync_once().await.expect(name).size, size + 1, "{name}: the truth is taken again");
}

/// A lie about one path only.
fn about(path: &'static str, reply: Reply) -> Lie {
    Box::new(move |asked, truth| if asked.starts_with(path) { reply.clone() } else { honestly(truth) })
}

#[tokio::test]
async fn checkpoints_that_are_not_the_logs() {
    check("no note", "checkpoint", |_| about("checkpoint", Reply::Body(b"hello".to_vec()))).await;
    check("empty", "checkpoint", |_| about("checkpoint", Reply::Body(vec![]))).await;
    check("one byte changed", "checkpoint", |world| {
        let mut note = world.served().log.checkpoint_at(&world.key(), 4);
        let at = note.len() / 2;
        note[at] ^= 1;
        about("checkpoint", Reply::Body(note))
    })
    .await;
    check("another key of the same name", "checkpoint", |world| {
        let name = world.key().verifier().name().to_owned();
        let key = ledger::note::SigningKey::from_seed(&name, [66; 32]).expect("a name");
        about("checkpoint", Reply::Body(world.served().log.checkpoint_at(&key, 4)))
    })
    .await;
    check("another log", "checkpoint", |world| {
        let key = ledger::note::SigningKey::from_seed("demo:other/ledger", [66; 32]).expect("a name");
        about("checkpoint", Reply::Body(world.served().log.checkpoint_at(&key, 4)))
    })
    .await;
}

#[tokio::test]
async fn old_checkpoints_are_replays() {
    for size in [1, 2] {
        check("replay", "old-checkpoint", |world| {
            about("checkpoint", Reply::Body(world.served().log.checkpoint_at(&world.key(), size)))
        })
        .await;
    }
}

#[tokio::test]
async fn sizes_nobody_follows() {
    check("huge", "log-size", |world| {
        let text = ledger::checkpoint::Checkpoint {
            origin: world.key().verifier().name().to_owned(),
            size: MAX_ENTRIES + 1,
            root: Hash::of(b""),
        }
        .to_text();
        let mut note = ledger::note::Note::new(&text).expect("a text");
        note.add(world.key().sign(&text));
        about("checkpoint", Reply::Body(note.to_bytes()))
    })
    .await;
}

/// Another history under the same key: entry 1 differs.
fn other_history(world: &World, size: usize) -> Log {
    let mut log = Log::default();
    log.push(world.house.entry0());
    while log.entries.len() < size {
        log.push_noise(START.plus(5));
    }
    log
}

#[tokio::test]
async fn forks_are_refused_and_kept_as_proof() {
    for size in [3, 4, 300] {
        let (world, dir, clock, mut tail) = blocked().await;
        let truth = world.served().log.clone();
        let fork = other_history(&world, size);
        world.served().log = fork.clone();
        assert_eq!(tail.sync_once().await.expect_err("a fork").code(), "fork", "{size}");
        assert_eq!(tail.sync_once().await.expect_err("known").code(), "frozen", "{size}");
        assert_eq!(refused(&tail, "fork"), 1);
        assert_eq!(enforced(&tail), ["imp-one"], "it keeps enforcing");
        let kept = |n: usize, log: &Log| {
            let note = log.checkpoint_at(&world.key(), n);
            let name = format!("fork-{n}-{}", &Hash::of(&note).to_string()[..8]);
            std::fs::read(dir.path().join(&name)).ok() == Some(note)
        };
        assert!(kept(3, &truth) && kept(size, &fork), "both checkpoints of {size}");
        assert_eq!(tail.monitor().status().fork_evidence, 2);
        world.served().log = truth;
        world.served().log.push_noise(START);
        clock.pass(10);
        assert_eq!(tail.sync_once().await.expect_err("the key is not trusted any more").code(), "frozen");
        assert!(tail.monitor().status().frozen);
        drop(tail);
        let mut tail = world.open(dir.path(), &clock);
        assert_eq!(enforced(&tail), ["imp-one"], "after a restart it enforces");
        assert_eq!(tail.sync_once().await.expect_err("and takes nothing new").code(), "frozen");
    }
}

#[tokio::test]
async fn a_server_that_changes_entries_cannot_make_it_look_like_a_fork() {
    let bundle = |entries: &[Vec<u8>]| Reply::Body(encode_bundle(entries).expect("short"));
    check("old entry changed", "changed", |world| {
        let mut entries = world.served().log.entries.clone();
        entries[1] = b"logged 1\nother".to_vec();
        about("tile/entries/", bundle(&entries))
    })
    .await;
    check("new entry changed", "changed", |world| {
        let mut entries = world.served().log.entries.clone();
        entries[3] = b"logged 1\nother".to_vec();
        about("tile/entries/", bundle(&entries))
    })
    .await;
    check("a block out of nothing", "changed", |world| {
        let mut entries = world.served().log.entries.clone();
        entries[3] = world.block("two", START.plus(15)).0;
        about("tile/entries/", bundle(&entries))
    })
    .await;
    check("entries and tiles changed", "changed", |world| {
        let mut entries = world.served().log.entries.clone();
        entries[3] = b"logged 1\nother".to_vec();
        let (entries, other) = (bundle(&entries), other_history(world, 4));
        let tile = other.entries.iter().flat_map(|e| ledger::merkle::leaf_hash(e).0).collect::<Vec<u8>>();
        Box::new(move |path, truth| match path {
            "checkpoint" => honestly(truth),
            p if p.starts_with("tile/entries/") => entries.clone(),
            _ => Reply::Body(tile.clone()),
        })
    })
    .await;
    for cut in [1, 2, 3] {
        check("entries cut", "changed", |world| {
            let mut bytes = encode_bundle(&world.served().log.entries).expect("short");
            bytes.truncate(bytes.len() - cut);
            about("tile/entries/", Reply::Body(bytes))
        })
        .await;
    }
    check("one entry too few", "changed", |world| {
        about("tile/entries/", bundle(&world.served().log.entries[..3]))
    })
    .await;
    check("one entry too many", "changed", |world| {
        let mut entries = world.served().log.entries.clone();
        entries.push(b"more".to_vec());
        about("tile/entries/", bundle(&entries))
    })
    .await;
}

#[tokio::test]
async fn servers_that_break_off_or_never_end() {
    for (path, cap_name) in [("checkpoint", "checkpoint"), ("tile/entries/", "entries")] {
        for (name, code, reply) in [
            ("broken off", "unreachable", Reply::Cut(b"half".to_vec())),
            ("closed", "unreachable", Reply::Nothing),
            ("not found", "unreachable", Reply::Status(404)),
            ("error", "unreachable", Reply::Status(500)),
            ("endless head", "unreachable", Reply::EndlessHead),
            ("endless body", "oversized", Reply::Endless),
            ("too long", "oversized", Reply::Body(vec![b'x'; 4 * 65_537 + 1])),
        ] {
            check(&format!("{cap_name} {name}"), code, |_| about(path, reply.clone())).await;
        }
    }
}

#[tokio::test]
async fn an_entry_from_the_future_makes_the_checkpoint_wait() {
    let (world, _dir, clock, mut tail) = blocked().await;
    let ahead = clock.now().plus(601);
    world.served().log.push_noise(START);
    let lift = policy::entry::Entry { logged: ahead, note: world.lift("one", START) }.to_bytes();
    world.served().log.push(lift);
    // the noise is no signed note, so only the lift has a time that counts
    assert_eq!(tail.sync_once().await.expect_err("waits").code(), "future");
    assert_eq!((enforced(&tail), tail.monitor().status().size), (vec!["imp-one".to_owned()], 3));
    clock.pass(1);
    assert_eq!(tail.sync_once().await.expect("ten minutes").size, 5);
    assert!(enforced(&tail).is_empty());
}

#[tokio::test]
async fn a_late_entry_is_judged_by_the_clock_of_those_who_watched() {
    // one edge watches, one had looked before it was cut off for two minutes, one before it was started again, the last
    // one comes new; `logged` is eleven minutes before it was shown
    for (watching, cut_off, restarts, expect) in [
        (true, 0, false, vec![]),
        (true, 120, false, vec![]),
        (true, 0, true, vec![]),
        (false, 0, false, vec!["imp-one"]),
    ] {
        let world = World::new().await;
        let dir = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START.plus(700));
        let mut tail = world.open(dir.path(), &clock);
        if watching {
            tail.sync_once().await.expect("entry 0");
            clock.pass(cut_off);
        }
        if restarts {
            drop(tail);
            tail = world.open(dir.path(), &clock);
        }
        world.publish_block("one", START.plus(10));
        tail.sync_once().await.expect("the block");
        assert_eq!(enforced(&tail), expect, "watching: {watching}, cut off: {cut_off}, restarts: {restarts}");
        drop(tail);
        let tail = world.open_alone(dir.path(), &clock);
        assert_eq!(enforced(&tail), expect, "the stamp makes a restart judge the same");
    }
}

#[tokio::test]
async fn without_its_reasons_nothing_is_enforced() {
    let subject_too = |world: &World| Hash::of(world.subject().to_string().as_bytes());
    for (name, code, which_post, reply) in [
        ("changed post", "changed-blob", true, Reply::Body(b"# Other reasons\n".to_vec())),
        ("empty post", "changed-blob", true, Reply::Body(vec![])),
        ("post missing", "missing-blob", true, Reply::Status(404)),
        ("post too long", "oversized", true, Reply::Body(vec![b'x'; crate::dir::MAX_BLOB + 1])),
        ("post endless", "oversized", true, Reply::Endless),
        ("server dies", "unreachable", true, Reply::Nothing),
        ("changed subject", "changed-blob", false, Reply::Body(b"portcullis-subject/v1\n".to_vec())),
        ("subject missing", "missing-blob", false, Reply::Status(404)),
    ] {
        let world = World::new().await;
        let dir = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(START.plus(10));
        let mut tail = world.open(dir.path(), &clock);
        world.publish_block("one", START.plus(10));
        let hash = if which_post { Hash::of(POST) } else { subject_too(&world) };
        let target = format!("blob/{hash}");
        world.lie(move |path, truth| if path == target { reply.clone() } else { honestly(truth) });
        let synced = tail.sync_once().await.expect(name);
        assert!(synced.missing > 0, "{name}");
        assert!(enforced(&tail).is_empty(), "{name}");
        assert_eq!(refused(&tail, code), 1, "{name}");
        drop(tail);
        let mut tail = world.open(dir.path(), &clock);
        assert!(enforced(&tail).is_empty(), "{name}: after a restart");
        world.honest();
        assert_eq!(tail.sync_once().await.expect(name).missing, 0);
        assert_eq!(enforced(&tail), ["imp-one"], "{name}: tried again");
    }
}

#[tokio::test]
async fn strange_trust_lines() {
    let world = World::new().await;
    let clock = ManualClock::at(START.plus(10));
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = world.config(dir.path());
    config.demo_allowed = false;
    let mut tail = Tail::open(config, clock.clone()).expect("opens");
    assert_eq!(tail.sync_once().await.expect_err("demo").code(), "genesis");
    drop(tail);
    let mut config = world.config(dir.path());
    config.trust.entry0 = Hash::of(b"another policy");
    let mut tail = Tail::open(config, clock.clone()).expect("opens");
    assert_eq!(tail.sync_once().await.expect_err("other entry 0").code(), "genesis");
    assert_eq!(tail.monitor().status().size, 0);
    drop(tail);
    let mut tail = world.open(dir.path(), &clock);
    tail.sync_once().await.expect("the right line");
    drop(tail);
    let mut config = world.config(dir.path());
    config.trust.entry0 = Hash::of(b"another policy");
    assert!(matches!(Tail::open(config, clock.clone()), Err(OpenError::OtherLedger)));
    let mut config = world.config(dir.path());
    config.demo_allowed = false;
    assert!(matches!(Tail::open(config, clock.clone()), Err(OpenError::Genesis(_))));
    let mut config = world.config(dir.path());
    config.ledger_url = "https://press.example/ledger".into();
    assert!(matches!(Tail::open(config, clock), Err(OpenError::Url(_))));
}
