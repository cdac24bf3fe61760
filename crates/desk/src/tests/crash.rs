//! The process is killed between any two writes of a publication, in both ways a write can break. The end is always
//! the same: one entry, one decision, nothing doubled, nothing half-public.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::fault::{Hook, NoFaults, Write};

use super::bed::{Bed, START, UP_TO_THE_APPROVAL};

/// Fails the `n`th write, before it is done or after, and every later one: the process is dead from then on.
struct DiesAt {
    n: usize,
    after: bool,
    seen: AtomicUsize,
}

impl DiesAt {
    fn new(n: usize, after: bool) -> Arc<DiesAt> {
        Arc::new(DiesAt { n, after, seen: AtomicUsize::new(0) })
    }

    fn died(&self) -> bool {
        self.seen.load(Ordering::SeqCst) > self.n
    }
}

impl Hook for DiesAt {
    fn before(&self, _: &Write) -> io::Result<()> {
        let n = self.seen.fetch_add(1, Ordering::SeqCst);
        if n > self.n || (n == self.n && !self.after) { Err(io::Error::other("killed")) } else { Ok(()) }
    }

    fn after(&self, _: &Write) -> io::Result<()> {
        if self.died() { Err(io::Error::other("killed")) } else { Ok(()) }
    }
}

const APPROVE: &str = "POST /api/v1/notes/imp-1/signatures as officer sign impose clara";

/// A desk one signature short, whose disk dies at the given write; false when no write was that far.
async fn killed(n: usize, after: bool) -> (Bed, bool) {
    let mut bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    let hook = DiesAt::new(n, after);
    bed.restart(Arc::<DiesAt>::clone(&hook)).await.expect("a desk opens");
    let (status, body) = bed.ask(APPROVE).await;
    let died = hook.died();
    assert!(!died || status.is_server_error(), "write {n}: {status} {body}");
    (bed, died)
}

/// What must hold in the end.
async fn same_end(bed: &Bed, case: &str) {
    assert_eq!(bed.store.reader().size().await.expect("a size"), 3, "{case}");
    assert!(bed.store.unfinished().await.expect("plans").is_none(), "{case}");
    let head = bed.store.head().await.expect("a head").expect("a ledger");
    let public = bed.store.reader().checkpoint().await.expect("a checkpoint");
    assert_eq!(public, Some(head.checkpoint), "{case}: the head and the public checkpoint are one");
    let state = bed.store.reader().state(&bed.house.trust(), true).await.expect("a fold from nothing");
    assert_eq!(state.at(START.plus(100)).len(), 1, "{case}");
    bed.run(
        "GET /api/v1/notes/imp-1 as reader
  200 | \"state\":\"published\" | \"index\":2
GET /api/v1/status as reader
  200 | \"size\":3 | \"in_force\":[{\"id\":\"imp-1\"",
    )
    .await;
}

#[tokio::test]
async fn killed_at_every_write_then_started_again() {
    for after in [false, true] {
        let mut writes = 0;
        loop {
            let (mut bed, died) = killed(writes, after).await;
            bed.restart(Arc::new(NoFaults)).await.expect("the next start");
            // If not even the plan was stored, the signature was: sent again, it publishes.
            bed.run(&format!("{APPROVE}\n  200 | \"state\":\"published\"")).await;
            same_end(&bed, &format!("write {writes}, after it: {after}")).await;
            if !died {
                break;
            }
            writes += 1;
        }
        assert!(writes >= 10, "a publication with two blobs has more writes than {writes}");
    }
}

#[tokio::test]
async fn an_old_unsigned_plan_is_decided_again() {
    // A process that dies before the head is swapped leaves an unsigned plan: here, after the first blob.
    let (mut bed, died) = killed(2, true).await;
    assert!(died);
    bed.at(100 + 301);
    bed.restart(Arc::new(NoFaults)).await.expect("the next start");
    same_end(&bed, "decided again").await;
    bed.run("GET /api/v1/decisions/imp-1 as reader\n  200 | \"logged\":\"2027-01-15T08:06:41Z\"").await;
}

#[tokio::test]
async fn an_unsigned_plan_that_is_too_late_publishes_nothing() {
    let (mut bed, _) = killed(2, true).await;
    bed.at(60 + 3601);
    bed.restart(Arc::new(NoFaults)).await.expect("the next start");
    assert_eq!(bed.store.reader().size().await.expect("a size"), 2);
    bed.run(&format!(
        "{APPROVE}
  409 | \"code\":\"conflict\" | void
GET /api/v1/notes/imp-1 as reader
  200 | \"state\":\"void\"
GET /api/v1/status as reader
  200 | \"size\":2 | \"in_force\":[]"
    ))
    .await;
}

#[tokio::test]
async fn a_lift_that_cannot_be_logged_is_not_shown_as_one() {
    let mut bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run(&format!("{APPROVE}\n  200 | \"index\":2")).await;
    bed.restart(DiesAt::new(0, false)).await.expect("a desk opens");
    bed.run(
        "POST /relay/v1/undo signed lift anna
  500 | \"code\":\"defect\" | !killed
GET /api/v1/status as reader
  200 | \"size\":3 | \"in_force\":[{\"id\":\"imp-1\"
GET /api/v1/decisions/imp-1 as reader
  200 | \"status\":\"in-force\"",
    )
    .await;
    bed.restart(Arc::new(NoFaults)).await.expect("the next start");
    bed.run(
        "POST /relay/v1/undo signed lift anna
  202 | \"index\":3
GET /api/v1/decisions/imp-1 as reader
  200 | \"status\":\"lifted\"",
    )
    .await;
    // A fold from nothing does not hold what an ended decision referred to; the page still says who was meant.
    bed.restart(Arc::new(NoFaults)).await.expect("one more start");
    bed.run("GET /api/v1/decisions/imp-1 as reader\n  200 | \"customer\":\"cus_first\"").await;
}

#[tokio::test]
async fn another_log_key_does_not_open_the_desk() {
    let mut bed = Bed::new().await;
    bed.house = policy::testkit::House::new("demo:elsewhere/ledger", START);
    let refused = bed.restart(Arc::new(NoFaults)).await.expect_err("another ledger's key");
    assert!(refused.to_string().contains("the log key is demo:elsewhere/ledger"), "{refused}");
}
