//! Reports: from the inbox to the answer.

use ledger::Hash;
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::{id, sentence};
use store::Inbox;

use super::bed::{Bed, START};

pub(super) async fn comes(bed: &Bed, name: &str, category: Category, about: &str, text: &str) {
    let report = Report {
        id: id(name),
        received: START,
        channel: Channel::Form,
        secret: Hash::of(name.as_bytes()),
        category,
        about: vec![Address::parse(about).expect("an address")],
        happened: None,
        good_faith: true,
        reporter: Reporter { name: Some(sentence("Rosa Reporter")), email: None },
        text: text.to_owned(),
    };
    Inbox::open(bed.dir.path()).expect("an inbox").append(&report).await.expect("kept");
    bed.desk.take_in().await;
}

#[tokio::test]
async fn from_the_inbox_to_the_answer() {
    let bed = Bed::new().await;
    comes(&bed, "rpt-1", Category::Phishing, "https://ONE.first.example/login", "It looks like my bank.")
        .await;
    comes(&bed, "rpt-2", Category::Phishing, "one.first.example", "It looks like my bank!").await;
    comes(
        &bed,
        "rpt-3",
        Category::ThreatToLife,
        "https://elsewhere.example/",
        "He says he will come on Friday.",
    )
    .await;
    bed.run(include_str!("../../tests/reports.txt")).await;
    // Whoever reported it is told, and what people said about themselves stays here.
    let told =
        bed.store.reader().told(&id("rpt-2"), &Hash::of(b"rpt-2")).await.expect("reads").expect("theirs");
    assert_eq!(told.decided.expect("decided").2.as_str(), "The page is gone.");
    assert_eq!(bed.desk.doorbell().borrow().to_owned(), 1, "no entry of the log comes from a report");
    bed.run(include_str!("../../tests/cases.txt")).await;
}

/// The writer is gone while reports come in: they wait, and are there once when it is back.
#[tokio::test]
async fn what_could_not_be_taken_waits() {
    let mut bed = Bed::new().await;
    bed.store.close().await;
    comes(&bed, "rpt-1", Category::Other, "one.first.example", "Look.").await;
    bed.restart(std::sync::Arc::new(store::fault::NoFaults)).await.expect("opens");
    bed.desk.take_in().await;
    bed.desk.take_in().await;
    bed.run("GET /api/v1/reports as analyst\n  200 | \"id\":\"rpt-1\" | \"count\":1").await;
}
