//! Which sites are served: what the log names, once, whole, and over restarts.

use std::sync::Mutex;

use ledger::Hash;
use policy::entry::Entry;
use policy::note::{Config, Head};
use policy::testkit::{House, id};

use super::*;
use crate::config::{Configure, Step};

/// An engine that serves what it is given, and refuses what says "bad".
#[derive(Default)]
struct Engine {
    /// The versions of each path it was given, with what was served before.
    given: Mutex<Vec<(Option<String>, Vec<u64>)>>,
    serves: Mutex<String>,
}

impl Engine {
    fn serves(&self) -> String {
        self.serves.lock().expect("no panic").clone()
    }

    /// The last path.
    fn path(&self) -> (Option<String>, Vec<u64>) {
        self.given.lock().expect("no panic").last().cloned().expect("a path")
    }
}

impl Configure for Engine {
    fn apply(&self, base: Option<&[u8]>, steps: &[Step]) -> Result<(), String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let path = steps.iter().map(|s| s.note.version).collect();
        self.given.lock().expect("no panic").push((base.map(text), path));
        let last = text(&steps.last().expect("somewhere to go").snapshot);
        if last.contains("bad") {
            return Err("it is bad".into());
        }
        *self.serves.lock().expect("no panic") = last;
        Ok(())
    }
}

async fn configured() -> World {
    World::of(House::demo(START).configured()).await
}

/// Logs the next configuration; `withdrawn` of two officers.
fn publish(world: &World, version: u64, previous: Option<&str>, snapshot: &str, withdrawn: u64) {
    let config = Config {
        head: Head { origin: world.house.origin.clone(), id: id(&format!("cfg-{version}-{snapshot}")) },
        version,
        previous: previous.map(|p| Hash::of(p.as_bytes())),
        snapshot: Hash::of(snapshot.as_bytes()),
        customers: 1,
        hostnames: 1,
        withdrawn,
        lowered: 0,
        time: START,
    };
    let people: &[&str] = if withdrawn > 0 { &["anna", "ben"] } else { &[] };
    let entry = Entry { logged: START, note: world.house.config_note(&config, people) }.to_bytes();
    world.served().log.push(entry);
    world.served().shown.insert(Hash::of(snapshot.as_bytes()).to_string(), snapshot.into());
}

struct Edge {
    tail: Tail,
    engine: Arc<Engine>,
}

impl Edge {
    fn of(mut tail: Tail) -> Self {
        let engine = Arc::new(Engine::default());
        tail.configure(Arc::clone(&engine) as Arc<dyn Configure>);
        Self { tail, engine }
    }

    /// Looks at the log, then at the configuration. What is served then, and its version.
    async fn looks(&mut self) -> (String, Option<u64>) {
        self.tail.sync_once().await.expect("looks");
        self.tail.configure_once().await;
        (self.engine.serves(), self.tail.monitor().status().config)
    }

    fn refused(&self) -> Option<String> {
        self.tail.monitor().status().config_refused
    }
}

async fn town() -> (World, tempfile::TempDir, Arc<ManualClock>, Edge) {
    let world = configured().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let edge = Edge::of(world.open(dir.path(), &clock));
    (world, dir, clock, edge)
}

#[tokio::test]
async fn the_newest_configuration_is_served_and_survives_a_restart() {
    let (world, dir, clock, mut edge) = town().await;
    assert_eq!(edge.looks().await, (String::new(), None), "the log has none");
    assert!(!edge.tail.monitor().status().configured);
    publish(&world, 1, None, "one", 0);
    assert_eq!(edge.looks().await, ("one".into(), Some(1)));
    assert_eq!(edge.engine.path(), (None, vec![1]));
    publish(&world, 2, Some("one"), "two", 0);
    publish(&world, 3, Some("two"), "three", 0);
    assert_eq!(edge.looks().await, ("three".into(), Some(3)));
    assert_eq!(edge.engine.path(), (Some("one".into()), vec![3]), "what takes nothing away is passed over");
    assert!(!edge.tail.configure_once().await, "nothing to do");
    assert_eq!(edge.refused(), None);
    drop(edge);
    let tail = world.open_alone(dir.path(), &clock);
    assert_eq!(tail.config().as_deref(), Some(&b"three"[..]), "with no network at all");
    assert!(tail.monitor().status().configured);
}

#[tokio::test]
async fn every_step_that_takes_something_away_is_gone_through() {
    let (world, _dir, _clock, mut edge) = town().await;
    publish(&world, 1, None, "one", 0);
    edge.looks().await;
    for (version, previous, snapshot, withdrawn) in [
        (2, "one", "two", 0),
        (3, "two", "three", 1),
        (4, "three", "four", 0),
        (5, "four", "five", 2),
        (6, "five", "six", 0),
    ] {
        publish(&world, version, Some(previous), snapshot, withdrawn);
    }
    assert_eq!(edge.looks().await, ("six".into(), Some(6)));
    assert_eq!(edge.engine.path(), (Some("one".into()), vec![3, 5, 6]));
}

#[tokio::test]
async fn whoever_served_more_than_the_log_has_is_held_against_the_newest() {
    let (world, dir, clock, mut edge) = town().await;
    publish(&world, 1, None, "one", 0);
    edge.looks().await;
    // As after a branch of the log that was let go of.
    edge.tail.shared.dir.put_config(9, b"nine").expect("written");
    drop(edge);
    let mut edge = Edge::of(world.open(dir.path(), &clock));
    assert_eq!(edge.looks().await, ("one".into(), Some(1)));
    assert_eq!(edge.engine.path(), (Some("nine".into()), vec![1]));
}

#[tokio::test]
async fn the_officers_may_end_it_and_local_files_count_again() {
    let (world, dir, clock, mut edge) = town().await;
    publish(&world, 1, None, "one", 0);
    edge.looks().await;
    let mut policy = world.house.policy();
    (policy.head.id, policy.version, policy.config) = (id("policy-1"), 1, None);
    let entry = world.house.entry(START, &policy.to_string(), &["anna", "ben", "clara"]);
    world.served().log.push(entry);
    world.served().shown.clear();
    assert_eq!(edge.looks().await, ("one".into(), None), "what is served stays until the file changes");
    assert_eq!(edge.refused(), None);
    drop(edge);
    assert_eq!(world.open_alone(dir.path(), &clock).config(), None);
}

#[tokio::test]
async fn what_is_refused_leaves_the_last_good_one() {
    let (world, dir, clock, mut edge) = town().await;
    publish(&world, 1, None, "one", 0);
    edge.looks().await;
    publish(&world, 2, Some("one"), "bad-two", 0);
    for _ in 0..2 {
        assert_eq!(edge.looks().await, ("one".into(), Some(1)));
    }
    assert_eq!(edge.refused().as_deref(), Some("it is bad"));
    assert_eq!(refused(&edge.tail, "config"), 1, "told once, tried again and again");
    publish(&world, 3, Some("bad-two"), "three", 0);
    assert_eq!(edge.looks().await, ("three".into(), Some(3)));
    assert_eq!(edge.engine.path(), (Some("one".into()), vec![3]), "held against what is served");
    assert_eq!(edge.refused(), None);

    publish(&world, 4, Some("three"), "four", 0);
    let path = Hash::of(b"four").to_string();
    world.served().shown.insert(path.clone(), b"something else".to_vec());
    assert_eq!(edge.looks().await, ("three".into(), Some(3)));
    assert!(edge.refused().is_some_and(|why| why.contains("another snapshot")));
    world.served().shown.remove(&path);
    assert_eq!(edge.looks().await, ("three".into(), Some(3)));
    assert!(edge.refused().is_some_and(|why| why.contains("404")));
    world.served().post_status = 403;
    assert_eq!(edge.looks().await, ("three".into(), Some(3)));
    assert!(edge.refused().is_some_and(|why| why.contains("enrol")));
    drop(edge);
    assert_eq!(world.open_alone(dir.path(), &clock).config().as_deref(), Some(&b"three"[..]));
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_fetched_again() {
    let (world, dir, clock, mut edge) = town().await;
    publish(&world, 1, None, "one", 0);
    edge.looks().await;
    drop(edge);
    std::fs::write(dir.path().join("config"), b"portcullis-applied-config/v1\nversion 9\nevil")
        .expect("written");
    let mut edge = Edge::of(world.open(dir.path(), &clock));
    assert_eq!(edge.tail.config(), None, "the local file until the desk answers");
    assert_eq!(refused(&edge.tail, "damaged"), 1);
    assert_eq!(edge.looks().await, ("one".into(), Some(1)));
}

#[tokio::test]
async fn killed_between_any_two_writes_it_serves_one_or_the_other() {
    for steps in 0.. {
        let (world, dir, clock, mut edge) = town().await;
        publish(&world, 1, None, "one", 0);
        edge.looks().await;
        publish(&world, 2, Some("one"), "two", 1);
        edge.tail.sync_once().await.expect("looks");
        edge.tail.shared.dir.fuse.burn_after(steps);
        assert!(edge.tail.configure_once().await, "it is served, kept or not");
        let burnt = edge.tail.shared.dir.fuse.burnt();
        drop(edge);
        let kept = world.open_alone(dir.path(), &clock).config().expect("one of them");
        assert!([&b"one"[..], b"two"].contains(&&*kept), "step {steps}");
        let mut edge = Edge::of(world.open(dir.path(), &clock));
        edge.looks().await;
        assert_eq!(edge.tail.config().as_deref(), Some(&b"two"[..]), "step {steps}");
        if !burnt {
            assert!(steps > 2, "a write has several steps");
            return;
        }
    }
}

#[tokio::test]
async fn without_the_policys_key_the_local_file_counts() {
    let world = World::new().await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(START.plus(10));
    let mut edge = Edge::of(world.open(dir.path(), &clock));
    let other = House::demo(START).configured();
    let config = Config {
        head: Head { origin: world.house.origin.clone(), id: id("cfg-1") },
        version: 1,
        previous: None,
        snapshot: Hash::of(b"one"),
        customers: 1,
        hostnames: 1,
        withdrawn: 0,
        lowered: 0,
        time: START,
    };
    let entry = Entry { logged: START, note: other.config_note(&config, &[]) }.to_bytes();
    world.served().log.push(entry);
    assert_eq!(edge.looks().await, (String::new(), None));
    assert!(!edge.tail.monitor().status().configured && world.served().posts.is_empty());
}

/// An engine whose files do not answer, until somebody lets them.
struct Stuck {
    let_go: Mutex<std::sync::mpsc::Receiver<()>>,
    asked: std::sync::atomic::AtomicUsize,
}

impl Configure for Stuck {
    fn apply(&self, _: Option<&[u8]>, _: &[Step]) -> Result<(), String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.let_go.lock().expect("no panic").recv().map_err(|e| e.to_string())
    }
}

#[tokio::test]
async fn a_configuration_that_does_not_end_is_said_and_holds_up_no_lift() {
    let (world, _dir, clock, mut edge) = town().await;
    let (let_go, until) = std::sync::mpsc::channel();
    let stuck = Arc::new(Stuck { let_go: Mutex::new(until), asked: Default::default() });
    edge.tail.configure(Arc::clone(&stuck) as Arc<dyn Configure>);
    edge.tail.configurer.as_mut().expect("just set").patience = Duration::from_millis(1);
    publish(&world, 1, None, "one", 0);
    edge.tail.sync_once().await.expect("looks");
    assert!(!edge.tail.configure_once().await);
    assert!(edge.refused().expect("said").contains("takes too long"));
    assert!(!edge.tail.configure_once().await);
    assert!(edge.refused().expect("said").contains("earlier attempt has not ended"));
    assert_eq!(stuck.asked.load(Ordering::SeqCst), 1, "no second thread waits beside it");
    // Meanwhile notes are taken as ever.
    world.publish_block("one", clock.now());
    edge.tail.sync_once().await.expect("looks");
    assert_eq!(enforced(&edge.tail), ["imp-one"]);
    let_go.send(()).expect("it waits");
    let taking = Arc::clone(&edge.tail.configurer.as_ref().expect("set").taking);
    drop(taking.acquire().await.expect("open"));
    let_go.send(()).expect("for the next one");
    edge.tail.configurer.as_mut().expect("set").patience = crate::config::TAKING;
    assert!(edge.tail.configure_once().await);
    assert_eq!((edge.refused(), edge.tail.monitor().status().config), (None, Some(1)));
}
