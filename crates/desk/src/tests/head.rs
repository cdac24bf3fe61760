//! A desk that has just started may have been restored from a backup: it signs nothing until somebody who would know has
//! said what the log holds.

use super::bed::{Bed, UP_TO_THE_APPROVAL};
use store::DraftState;

const APPROVE: &str = "POST /api/v1/notes/imp-1/signatures as officer sign impose clara";

/// One signature short, with an enrolled edge; then the desk starts again.
async fn restarted() -> Bed {
    let mut bed = Bed::new().await;
    bed.run("POST /api/v1/edges as officer body edge-1\n  201").await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.restart_alone().await;
    bed
}

async fn published(bed: &Bed) -> bool {
    let draft = bed.store.draft(&policy::testkit::id("imp-1")).await.expect("read").expect("there");
    matches!(draft.state, DraftState::Published { .. })
}

#[tokio::test]
async fn nothing_is_signed_before_an_edge_has_reported() {
    let bed = restarted().await;
    bed.run(&format!("{APPROVE}\n  200 | \"state\":\"signed\" | since this desk started")).await;
    assert!(!published(&bed).await);
    // A receipt from long before the start proves nothing: it could be a replay.
    bed.run("POST /relay/v1/receipts receipt demo:edge-1 2 30 none\n  204").await;
    assert!(!published(&bed).await, "an old receipt");
    bed.run("POST /relay/v1/receipts receipt demo:edge-1 2 101 none\n  204").await;
    for _ in 0..200 {
        if published(&bed).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("what people signed in the meantime is published when an edge has reported");
}

/// A backup brings back the edge of the same home too, and an edge that is behind knows nothing of what is lost.
#[tokio::test]
async fn an_edge_that_could_not_know_confirms_nothing() {
    let mut bed = restarted().await;
    bed.run(&format!("{APPROVE}\n  200")).await;
    bed.run("POST /api/v1/edges as officer body edge-own\n  201").await;
    for silent in ["receipt demo:edge-own 2 101 none", "receipt demo:edge-1 1 101 none"] {
        bed.run(&format!("POST /relay/v1/receipts {silent}\n  204")).await;
        bed.desk.tend().await;
        assert!(!published(&bed).await, "{silent}");
    }
    // Where there is no other edge, it is all there is.
    bed.store.remove_edge("demo:edge-1").await.expect("removed");
    bed.restart_alone().await;
    bed.run("POST /relay/v1/receipts receipt demo:edge-own 2 102 none\n  204").await;
    bed.desk.tend().await;
    assert!(published(&bed).await);
}

#[tokio::test]
async fn an_edge_that_knows_more_stops_it() {
    let bed = restarted().await;
    bed.run("POST /relay/v1/receipts receipt demo:edge-1 fork:9 101 none\n  204").await;
    bed.run(&format!("{APPROVE}\n  200 | \"state\":\"signed\"")).await;
    bed.desk.tend().await;
    assert!(!published(&bed).await);
}

#[tokio::test]
async fn a_person_on_this_machine_may_accept_the_head_once() {
    let bed = restarted().await;
    bed.run(&format!("{APPROVE}\n  200 | \"state\":\"signed\"")).await;
    let file = bed.store.dir().join(crate::ACCEPT_FILE);
    let head = bed.store.head().await.expect("read").expect("a ledger");
    for wrong in [crate::accept(head.size + 1, &head.root), "yes".to_owned(), String::new()] {
        std::fs::write(&file, wrong).expect("written");
        bed.desk.tend().await;
        assert!(!published(&bed).await && !file.exists());
    }
    std::fs::write(&file, crate::accept(head.size, &head.root)).expect("written");
    bed.desk.tend().await;
    assert!(published(&bed).await && !file.exists());
}

#[tokio::test]
async fn an_unsigned_plan_waits_too() {
    let mut bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.restart_alone().await;
    let (head, tree) =
        (bed.store.head().await.expect("read").expect("a head"), bed.store.tree().await.expect("a tree"));
    let note = bed.house.signed(&bed.house.lift("lft-1", "imp-9", super::bed::START).to_string(), &["anna"]);
    let plan = store::publish::decide(&head, &tree, &note.to_bytes(), &[], super::bed::START.plus(100), None);
    bed.store.commit_plan(&plan.expect("a plan")).await.expect("stored");
    bed.desk.tend().await;
    assert_eq!(bed.store.reader().size().await.expect("a size"), head.size, "to finish it is to sign");
    bed.desk.accept_head();
    bed.desk.tend().await;
    assert_eq!(bed.store.reader().size().await.expect("a size"), head.size + 1);
}
