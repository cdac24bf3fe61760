//! Rounds of calls: whatever is killed, an alarm is called, and nobody is called without end.

use std::sync::Arc;

use crate::common::{BreakOne, Broken, START};
use crate::reports::{fresh, report};
use policy::page::{Ack, Call, Made, Rules, Step, Turn, due, turns};
use policy::report::Category;
use policy::report::cluster::Outcome;
use policy::testkit::{id, sentence};
use policy::{State, Time};
use store::{Decided, NewCase, PageFigures, ROUNDS_KEPT, Store};

const KEY: &str = "report";

fn call(round: u64, step: usize, attempts: u64) -> Call {
    Call { round, key: KEY.into(), step, attempts }
}

fn ack(at: Time, hold: u64) -> Ack {
    Ack { by: "anna".into(), at, until: at.plus(hold) }
}

#[tokio::test]
async fn a_round_is_what_was_written() {
    let (_dir, store) = fresh().await;
    store.turn(&[Turn::Begin(KEY.into()), Turn::Begin("mail".into())], START).await.expect("begins");
    store.turn(&[Turn::Begin(KEY.into())], START.plus(9)).await.expect("is open already");
    let rounds = store.rounds().await.expect("reads");
    assert_eq!(rounds.len(), 2);
    let round = rounds[0].id;
    assert!(store.begin_call(&call(round, 0, 0), START).await.expect("begins"));
    assert!(!store.begin_call(&call(round, 0, 0), START).await.expect("answers"), "somebody else makes it");
    let failed = Err("the gateway said\n no \u{1b}[2J".to_owned());
    store.call_made(round, 0, &failed).await.expect("kept");
    assert!(store.begin_call(&call(round, 0, 1), START.plus(20)).await.expect("tries again"));
    store.call_made(round, 0, &Ok("taken".into())).await.expect("kept");
    assert!(!store.begin_call(&call(round, 0, 2), START.plus(40)).await.expect("answers"), "it was taken");
    let found = store.rounds().await.expect("reads").remove(0);
    let made = &found.calls[0];
    assert_eq!((made.attempts, made.first, made.last), (2, START, START.plus(20)));
    assert_eq!((made.made, made.outcome.as_str()), (Made::Done, "taken"));
    // Who acknowledged is not called, even when it was decided a moment before.
    let taken = store.acknowledge(KEY, &ack(START.plus(50), 100)).await.expect("acknowledged");
    assert_eq!((taken.id, taken.ack), (round, Some(ack(START.plus(50), 100))));
    assert!(!store.begin_call(&call(round, 1, 0), START.plus(60)).await.expect("answers"));
    assert!(store.begin_call(&call(round, 1, 0), START.plus(150)).await.expect("begins"));
    store.call_made(round, 1, &failed).await.expect("kept");
    let words = store.rounds().await.expect("reads").remove(0).calls.remove(1).outcome;
    assert!(!words.contains(['\n', '\u{1b}']), "{words:?}");
    let figures = store.page_figures(START.plus(60)).await.expect("counts");
    assert_eq!(figures, PageFigures { open: 2, unanswered: 1, failed: 1 });
    // Over, and in the end forgotten.
    store.turn(&[Turn::Again(round, KEY.into())], START.plus(200)).await.expect("turns");
    assert!(!store.begin_call(&call(round, 2, 0), START.plus(201)).await.expect("answers"), "it is over");
    let again = store.rounds().await.expect("reads");
    assert!(again.iter().any(|r| r.key == KEY && r.id != round && r.calls.is_empty() && r.ack.is_none()));
    store
        .turn(&again.iter().map(|r| Turn::End(r.id)).collect::<Vec<_>>(), START.plus(300))
        .await
        .expect("ends");
    assert_eq!(store.page_figures(START).await.expect("counts"), PageFigures::default());
    store.forget_rounds(START.plus(200 + ROUNDS_KEPT)).await.expect("forgets");
    // Somebody may take care of what nobody was called for yet.
    let alone = store.acknowledge("sign-imp-1", &ack(START.plus(400), 60)).await.expect("acknowledged");
    assert!(alone.calls.is_empty());
    assert_eq!(store.rounds().await.expect("reads"), [alone]);
}

/// One look of a desk whose calls all get through.
async fn look(store: &Store, rules: &Rules, now: Time, made: &mut Vec<usize>) -> store::Result<()> {
    let alarms = store.untouched(4, 4).await?.0;
    let house = policy::testkit::House::demo(START);
    let state: State = house.state();
    let facts = policy::page::Facts {
        state: &state,
        untouched_in_all: alarms.len() as u64,
        untouched: alarms,
        proposals: &[],
        concerned: Vec::new(),
        rooms: Vec::new(),
        given_up: None,
        blind: None,
    };
    let alarms = policy::page::alarms(&facts, now);
    store.turn(&turns(&alarms, &store.rounds().await?, rules, true, now), now).await?;
    for call in due(&alarms, &store.rounds().await?, rules, now) {
        if store.begin_call(&call, now).await? {
            made.push(call.step);
            store.call_made(call.round, call.step, &Ok("taken".into())).await?;
        }
    }
    Ok(())
}

/// Every write of a look is broken in both ways, as a blip and as a death; then the desk starts again.
#[tokio::test]
async fn an_alarm_is_called_whatever_breaks_and_once_more_at_most() {
    const WRITES: [&str; 3] = ["page-turn", "page-call", "page-made"];
    let step = |after| Step { after, hours: None };
    let rules = Rules { steps: vec![step(0), step(300)], ack: 1800, repeat: 300 };
    for (at, what) in WRITES.iter().enumerate() {
        for how in [Broken::Failed, Broken::FailedButStored] {
            for dead in [false, true] {
                let case = format!("{what} {how:?} dead {dead}");
                let (dir, store) = fresh().await;
                store.take_report(&threat(), None).await.expect("taken");
                store.close().await;
                let hook = Arc::new(BreakOne::new(at, how, dead));
                let store = Store::open_with(dir.path(), hook).await.expect("opens");
                let mut made = Vec::new();
                assert!(look(&store, &rules, START, &mut made).await.is_err(), "{case}");
                store.close().await;
                let store = Store::open(dir.path()).await.expect("opens");
                for seconds in (5..=400).step_by(5) {
                    look(&store, &rules, START.plus(seconds), &mut made).await.expect("looks");
                }
                let first = made.iter().filter(|step| **step == 0).count();
                let second = made.iter().filter(|step| **step == 1).count();
                // Only a call whose end was not written down is made again.
                let again = usize::from(*what == "page-made" && how == Broken::Failed);
                assert_eq!((first, second), (1 + again, 1), "{case}");
            }
        }
    }
}

fn threat() -> policy::report::Report {
    report(1, Category::ThreatToLife, "one.example", "He names the school.")
}

#[tokio::test]
async fn a_cluster_is_untouched_until_somebody_did_anything_with_it() {
    let (_dir, store) = fresh().await;
    store.take_report(&threat(), None).await.expect("taken");
    let other = report(2, Category::Phishing, "one.example", "It asks for a password.");
    store.take_report(&other, None).await.expect("taken");
    assert_eq!(store.untouched(4, 4).await.expect("reads"), (vec![(id("rpt-00001"), START.plus(1))], 1));
    assert_eq!(store.untouched(4, 0).await.expect("reads"), (vec![], 1));
    let decided =
        |outcome| Decided { at: START.plus(1), by: "anna".into(), outcome, reply: sentence("Thank you.") };
    store.decide_cluster(&id("rpt-00001"), &decided(Some(Outcome::Acted))).await.expect("decided");
    assert_eq!(store.untouched(4, 4).await.expect("reads").1, 0);
    store.decide_cluster(&id("rpt-00001"), &decided(None)).await.expect("opened again");
    assert_eq!(store.untouched(4, 4).await.expect("reads").1, 0, "somebody looked at it");
    let (_dir, store) = fresh().await;
    store.take_report(&threat(), None).await.expect("taken");
    let new = NewCase {
        id: id("cas-1"),
        title: sentence("Threat"),
        customer: None,
        reports: vec![id("rpt-00001")],
    };
    store.open_case(&new, &sentence("anna"), START).await.expect("opened");
    assert_eq!(store.untouched(4, 4).await.expect("reads").1, 0);
}
