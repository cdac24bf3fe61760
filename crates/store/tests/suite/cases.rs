//! Cases: journals that say who did what, and nobody can change afterwards without its showing.

use crate::common::START;
use crate::reports::{fresh, report};
use policy::case::{Act, Outcome};
use policy::report::Category;
use policy::testkit::{id, sentence};
use store::{NewCase, Queue, StoreError};

fn new(n: u64, reports: &[&str]) -> NewCase {
    NewCase {
        id: id(&format!("cas-{n}")),
        title: sentence("Threats on a forum"),
        customer: Some(id("cus_first")),
        reports: reports.iter().map(|r| id(r)).collect(),
    }
}

#[tokio::test]
async fn a_case_is_its_journal() {
    let (dir, store) = fresh().await;
    store.take_report(&report(1, Category::Harassment, "a.example", "Look."), None).await.unwrap();
    let (anna, ben) = (sentence("anna"), sentence("ben"));
    let nobody = store.open_case(&new(1, &["rpt-00009"]), &anna, START).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "no such reports");
    assert!(store.case(&id("cas-1")).await.unwrap().is_none(), "nor half a case");
    let case = store.open_case(&new(1, &["rpt-00001"]), &anna, START).await.unwrap();
    assert_eq!((case.entries, case.reports.len()), (2, 1));
    assert!(matches!(store.open_case(&new(1, &[]), &anna, START).await, Err(StoreError::Conflict(_))));
    store.add_to_case(&case.id, Act::Take, &anna, START.plus(1)).await.unwrap();
    let taken = store.add_to_case(&case.id, Act::Take, &ben, START.plus(2)).await;
    assert!(matches!(taken, Err(StoreError::Conflict(why)) if why.contains("anna works on it")));
    let close = Act::Close { outcome: Outcome::Remedied, why: sentence("Gone.") };
    store.add_to_case(&case.id, close, &ben, START.plus(3)).await.unwrap();
    assert_eq!(store.cases_of(&id("rpt-00001")).await.unwrap(), std::slice::from_ref(&case.id));
    let case = store.case(&case.id).await.unwrap().unwrap();
    let journal = store.journal(&case.id).await.unwrap();
    assert_eq!(policy::case::Case::read(&journal).unwrap(), case, "after whatever came and went");
    drop(dir);
}

#[tokio::test]
async fn lists_are_oldest_first_and_come_in_parts() {
    let (_dir, store) = fresh().await;
    for n in [3u64, 1, 2] {
        store.open_case(&new(n, &[]), &sentence("anna"), START.plus(n)).await.unwrap();
    }
    let close = Act::Close { outcome: Outcome::NoAction, why: sentence("Nothing.") };
    store.add_to_case(&id("cas-2"), close, &sentence("anna"), START.plus(9)).await.unwrap();
    let list = async |open, after: Option<&str>| {
        let queue = Queue { open, after: after.map(id), limit: 1 };
        store.cases(&queue).await.unwrap().iter().map(|c| c.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(true, None).await, ["cas-1"]);
    assert_eq!(list(true, Some("cas-1")).await, ["cas-3"]);
    assert_eq!(list(true, Some("cas-3")).await, [""; 0]);
    assert_eq!(list(false, None).await, ["cas-2"]);
}

/// Whoever owns the database can change rows; not without its showing.
#[tokio::test]
async fn a_changed_journal_is_found_out() {
    let (dir, store) = fresh().await;
    let anna = sentence("anna");
    let case = store.open_case(&new(1, &[]), &anna, START).await.unwrap();
    store.add_to_case(&case.id, Act::Take, &anna, START.plus(1)).await.unwrap();
    store.add_to_case(&case.id, Act::Release, &anna, START.plus(2)).await.unwrap();
    store.close().await;
    let change = "UPDATE case_entry SET text = replace(text, 'anna', 'ben') WHERE seq = 1";
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}/portcullis.sqlite", dir.path().display()))
        .await
        .unwrap();
    sqlx::query(change).execute(&pool).await.unwrap();
    pool.close().await;
    let store = store::Store::open(dir.path()).await.unwrap();
    assert!(matches!(store.case(&case.id).await, Err(StoreError::Damaged(why)) if why.contains("entry 2")));
    let more = store.add_to_case(&case.id, Act::Take, &anna, START.plus(3)).await;
    assert!(matches!(more, Err(StoreError::Damaged(_))), "nothing is added to it");
}
