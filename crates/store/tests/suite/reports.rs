//! Reports: from the inbox into clusters, and what their reporters are told.

use crate::common::START;
use ledger::Hash;
use policy::report::cluster::{Outcome, TAKES_FOR};
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::id;
use policy::{Id, Sentence, Time};
use store::{Decided, Inbox, Queue, Store, StoreError, Waiting};

const LETTER: &str = "I am outraged that you go on protecting this site, and demand that you end your services for \
    this customer at once and say so in public, or I will take my business elsewhere.";

pub(crate) async fn fresh() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    (dir, store)
}

pub(crate) fn report(n: u64, category: Category, host: &str, text: &str) -> Report {
    let id = id(&format!("rpt-{n:05}"));
    Report {
        received: Time(START.0 + n),
        channel: Channel::Form,
        secret: Hash::of(id.as_str().as_bytes()),
        category,
        about: vec![Address::parse(&format!("https://{host}/x")).expect("an address")],
        happened: None,
        good_faith: true,
        reporter: Reporter::default(),
        text: text.to_owned(),
        id,
    }
}

fn decided(at: Time, outcome: Option<Outcome>, reply: &str) -> Decided {
    Decided { at, by: "anna".into(), outcome, reply: Sentence::parse(reply).expect("a sentence") }
}

async fn queue(store: &Store, open: bool, after: Option<Id>, limit: u32) -> Vec<String> {
    let rows = store.clusters(&Queue { open, after, limit }).await.expect("reads");
    rows.iter().map(|row| row.id.to_string()).collect()
}

/// A campaign is one thing to look at, and in nobody's way.
#[tokio::test]
async fn thousands_of_copies_are_one_and_hide_nobody() {
    let (_dir, store) = fresh().await;
    let first = store.take_report(&report(0, Category::Harassment, "one.first.example", LETTER), None).await;
    let first = first.expect("taken");
    for n in 1..2_000 {
        let copy = format!("Dear team,\n\n{LETTER}\n\nYours,\nsomebody in town {n}");
        let copy = report(n, Category::Harassment, "one.first.example", &copy);
        assert_eq!(store.take_report(&copy, None).await.expect("taken"), first, "{n}");
    }
    let threat =
        report(50_000, Category::ThreatToLife, "one.first.example", "He says he will come on Friday.");
    let threat = store.take_report(&threat, None).await.expect("taken");
    assert_eq!(queue(&store, true, None, 10).await, [threat.as_str(), first.as_str()], "the gravest first");
    let row = store.cluster(&first).await.expect("reads").expect("there");
    assert_eq!((row.reports, row.first, row.last), (2_000, START, Time(START.0 + 1_999)));
}

#[tokio::test]
async fn the_queue_is_gravest_first_then_oldest_and_comes_in_parts() {
    let (_dir, store) = fresh().await;
    for (n, category) in [
        (4, Category::Other),
        (1, Category::Phishing),
        (2, Category::ThreatToLife),
        (3, Category::Phishing),
        (0, Category::Malware),
    ] {
        let host = format!("h{n}.example");
        store.take_report(&report(n, category, &host, "Look."), Some(&id("cus_first"))).await.expect("taken");
    }
    let all = ["rpt-00002", "rpt-00000", "rpt-00001", "rpt-00003", "rpt-00004"];
    assert_eq!(queue(&store, true, None, 10).await, all);
    let mut parts = Vec::new();
    while let part @ [_, ..] = &queue(&store, true, parts.last().map(|p: &String| id(p)), 2).await[..] {
        parts.extend_from_slice(part);
    }
    assert_eq!(parts, all);
    assert_eq!(queue(&store, false, None, 10).await, [""; 0]);
}

#[tokio::test]
async fn reporters_are_told_and_nobody_else() {
    let (_dir, store) = fresh().await;
    let (one, copy) = (
        report(1, Category::Phishing, "a.example", "Look."),
        report(2, Category::Phishing, "a.example", "Look."),
    );
    let cluster = store.take_report(&one, None).await.expect("taken");
    assert_eq!(store.take_report(&one, None).await.expect("again"), cluster);
    store.take_report(&copy, None).await.expect("taken");
    assert_eq!(store.cluster(&cluster).await.unwrap().unwrap().reports, 2, "the same report counts once");
    let reader = store.reader();
    let told = reader.told(&copy.id, &copy.secret).await.expect("reads").expect("theirs");
    assert_eq!((told.received, told.category, told.decided), (copy.received, Category::Phishing, None));
    assert_eq!(reader.told(&copy.id, &one.secret).await.expect("reads"), None, "another's secret");

    let gone = decided(Time(START.0 + 60), Some(Outcome::Acted), "The page is gone.");
    let row = store.decide_cluster(&cluster, &gone).await.expect("decided");
    assert_eq!(row.decided, Some(gone.clone()));
    assert_eq!(
        store.decide_cluster(&cluster, &Decided { at: Time(START.0 + 90), ..gone.clone() }).await.unwrap(),
        row
    );
    for who in [&one, &copy] {
        let told = reader.told(&who.id, &who.secret).await.expect("reads").expect("theirs").decided;
        assert_eq!(told, Some((gone.at, Outcome::Acted, gone.reply.clone())));
    }
    // Nobody is told two things: whoever decides otherwise opens it again first.
    let other = decided(Time(START.0 + 95), Some(Outcome::Unfounded), "There is nothing.");
    let Err(StoreError::Conflict(why)) = store.decide_cluster(&cluster, &other).await else {
        panic!("overridden")
    };
    assert_eq!(why, format!("anna decided: acted, at {}; reopen it first", gone.at));
    // Whoever reports it again hears the same, until somebody opens it again.
    let late = report(TAKES_FOR - 5, Category::Phishing, "a.example", "Look.");
    assert_eq!(store.take_report(&late, None).await.expect("taken"), cluster);
    assert!(reader.told(&late.id, &late.secret).await.unwrap().unwrap().decided.is_some());
    let back = decided(Time(START.0 + 99), None, "It is back.");
    assert_eq!(store.decide_cluster(&cluster, &back).await.expect("opened").decided, None);
    assert!(matches!(
        store.decide_cluster(&cluster, &Decided { reply: gone.reply.clone(), ..back.clone() }).await,
        Err(StoreError::Conflict(_))
    ));
    assert_eq!(reader.told(&one.id, &one.secret).await.unwrap().unwrap().decided, None);
    assert_eq!(queue(&store, true, None, 10).await, [cluster.as_str()]);
    assert_eq!(store.outcomes_of(&cluster).await.expect("reads"), [gone, back], "nothing is overwritten");
    let nobody = store.decide_cluster(&id("rpt-none"), &decided(START, Some(Outcome::Acted), "x")).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
}

#[tokio::test]
async fn any_report_of_a_cluster_leads_to_it() {
    let (_dir, store) = fresh().await;
    for n in [12_345, 12_346, 99_346] {
        let host = if n == 99_346 { "b.example" } else { "a.example" };
        store.take_report(&report(n, Category::Phishing, host, "Look."), None).await.expect("taken");
    }
    let (a, b) = ("rpt-12345", "rpt-99346");
    for (part, clusters) in [
        ("rpt-12345", &[a][..]),
        ("rpt-12346", &[a]),
        ("2346", &[a]),
        ("rpt-12", &[a]),
        ("99346", &[b]),
        ("346", &[a, b]),
        ("rpt-", &[a, b]),
        ("1234", &[]),
        ("%", &[]),
    ] {
        let found = store.find_clusters(part).await.expect("reads");
        assert_eq!(found.iter().map(Id::as_str).collect::<Vec<_>>(), clusters, "{part}");
    }
}

#[tokio::test]
async fn what_a_killed_writer_left_goes_and_nothing_else() {
    let (dir, _store) = fresh().await;
    let living = Inbox::open(dir.path()).expect("opens");
    let folder = dir.path().join("inbox");
    let leftover = folder.join(".rpt-00003");
    for name in [".rpt-00003", ".profile", ".report", ".rpt-X", "rpt-00004.unfit"] {
        std::fs::write(folder.join(name), "portcullis-rep").unwrap();
    }
    let second = Inbox::open(dir.path()).expect("opens beside the first");
    assert!(leftover.exists(), "the first may be writing it");
    drop((living, second));
    let inbox = Inbox::open(dir.path()).expect("opens alone");
    assert!(!leftover.exists());
    for name in [".profile", ".report", ".rpt-X", "rpt-00004.unfit"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    inbox.append(&report(3, Category::Other, "a.example", "Look.")).await.expect("kept");
}

#[tokio::test]
async fn what_the_inbox_acknowledged_is_there_and_is_taken_once() {
    let (dir, store) = fresh().await;
    assert!(store.waiting(10).await.expect("no folder yet").is_empty());
    let inbox = Inbox::open(dir.path()).expect("opens");
    let (one, two) = (
        report(1, Category::Phishing, "a.example", "Look."),
        report(2, Category::Other, "b.example", "Look."),
    );
    inbox.append(&two).await.expect("kept");
    inbox.append(&one).await.expect("kept");
    assert!(matches!(inbox.append(&one).await, Err(StoreError::Conflict(_))));
    assert_eq!(inbox.told(&one.id, &one.secret).await.unwrap().expect("waits").category, Category::Phishing);
    assert_eq!(inbox.told(&one.id, &two.secret).await.unwrap(), None);
    // Half of one, by a press that was killed; and something that is no report at all.
    let folder = dir.path().join("inbox");
    std::fs::write(folder.join(".rpt-00003"), "portcullis-rep").unwrap();
    std::fs::write(folder.join("rpt-00000"), "hello").unwrap();
    std::fs::write(folder.join("rpt-00004"), one.to_string()).unwrap();
    // A new press, and a desk that is killed between taking and removing.
    let inbox = Inbox::open(dir.path()).expect("opens again");
    let take = async || {
        let mut seen = Vec::new();
        for it in store.waiting(10).await.expect("reads") {
            match it {
                Waiting::Report(report) => {
                    store.take_report(&report, None).await.expect("taken");
                    seen.push(report.id.to_string());
                }
                Waiting::Unfit(name) => seen.push(name),
            }
        }
        seen
    };
    assert_eq!(
        take().await,
        ["rpt-00000.unfit", "rpt-00001", "rpt-00002", "rpt-00004.unfit"],
        "under another's name"
    );
    assert_eq!(take().await, ["rpt-00001", "rpt-00002"]);
    for report in [&one, &two] {
        assert_eq!(store.cluster(&report.id).await.unwrap().unwrap().reports, 1);
        store.taken(&report.id).await.expect("removed");
        store.taken(&report.id).await.expect("removed twice");
        assert_eq!(inbox.told(&report.id, &report.secret).await.unwrap(), None);
    }
    assert!(take().await.is_empty());
    assert!(folder.join("rpt-00000.unfit").exists(), "kept for a person to look at");
}

#[tokio::test]
async fn the_inbox_has_an_end() {
    let (dir, _store) = fresh().await;
    let folder = dir.path().join("inbox");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..store::MAX_WAITING {
        std::fs::write(folder.join(format!("rpt-{n}")), "").unwrap();
    }
    let inbox = Inbox::open(dir.path()).expect("opens");
    let one = report(70_000, Category::Other, "a.example", "Look.");
    assert!(matches!(inbox.append(&one).await, Err(StoreError::Full { .. })));
    std::fs::remove_file(folder.join("rpt-7")).unwrap();
    inbox.append(&one).await.expect("one was taken");
    assert!(matches!(
        inbox.append(&report(70_001, Category::Other, "a.example", "Look.")).await,
        Err(StoreError::Full { .. })
    ));
}
