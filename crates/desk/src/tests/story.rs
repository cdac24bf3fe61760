//! Scripts: the life of a decision, and everything that must not pass.

use http_body_util::BodyExt as _;
use proptest::prelude::*;

use super::bed::{Bed, UP_TO_THE_APPROVAL};

#[tokio::test]
async fn the_life_of_a_decision() {
    Bed::new().await.run(include_str!("../../tests/life.txt")).await;
}

#[tokio::test]
async fn what_has_no_effect() {
    Bed::new().await.run(include_str!("../../tests/refused.txt")).await;
}

#[tokio::test]
async fn requests_that_are_wrong() {
    Bed::new().await.run(include_str!("../../tests/requests.txt")).await;
}

#[tokio::test]
async fn edges_and_their_receipts() {
    Bed::new().await.run(include_str!("../../tests/edges.txt")).await;
}

#[tokio::test]
async fn undo_from_anywhere() {
    Bed::new().await.run(include_str!("../../tests/undo.txt")).await;
}

#[tokio::test]
async fn people_about_people() {
    Bed::new().await.run(include_str!("../../tests/people.txt")).await;
}

#[tokio::test]
async fn lists_come_in_parts() {
    let bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    let (_, first) = bed.ask("GET /api/v1/notes?limit=1 as reader").await;
    let first: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(first["notes"][0]["id"], "imp-1", "newest first");
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let (_, second) = bed.ask(&format!("GET /api/v1/notes?limit=1&cursor={cursor} as reader")).await;
    let second: serde_json::Value = serde_json::from_str(&second).expect("JSON");
    assert_eq!(second["notes"][0]["id"], "fnd-1");
}

#[tokio::test]
async fn an_open_console_is_open_to_this_machine_only() {
    let bed = Bed::with("demo:localhost/ledger", true).await;
    bed.run(
        "GET /api/v1/status host localhost:8081
  200
GET /api/v1/status host 127.0.0.1:8081
  200
GET /api/v1/status host [::1]:8081
  200
# a page elsewhere that points its own name at this machine
GET /api/v1/status host rebound.example
  401
GET /customers host rebound.example:8081
  401 | !cus_first
GET /api/v1/status
  401
GET /api/v1/status host rebound.example as reader
  200
# open reads open no write
POST /api/v1/notes host localhost body finding
  401 | \"code\":\"no-token\"",
    )
    .await;
}

/// The next event of a bell.
async fn ring(body: &mut axum::body::Body) -> String {
    let frame = body.frame().await.expect("the bell is open").expect("a frame");
    String::from_utf8_lossy(&frame.into_data().expect("data")).into_owned()
}

#[tokio::test]
async fn the_bell_rings_on_connect_and_after_each_publication() {
    let bed = Bed::new().await;
    let response = bed.respond("GET /relay/v1/bell").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut bell = response.into_body();
    assert_eq!(ring(&mut bell).await, "event: checkpoint\ndata: 1\n\n");
    bed.run(UP_TO_THE_APPROVAL).await;
    assert_eq!(ring(&mut bell).await, "event: checkpoint\ndata: 2\n\n");
    bed.run("POST /api/v1/notes/imp-1/signatures as officer sign impose clara").await;
    assert_eq!(ring(&mut bell).await, "event: checkpoint\ndata: 3\n\n");
    assert_eq!(bed.store.reader().size().await.expect("a size"), 3, "what rings is public");
}

#[tokio::test]
async fn a_silent_bell_shows_that_it_lives() {
    let bed = Bed::new().await;
    let mut bell = bed.respond("GET /relay/v1/bell").await.into_body();
    assert_eq!(ring(&mut bell).await, "event: checkpoint\ndata: 1\n\n");
    // From here nothing but the bell waits, so the runtime moves its clock to whatever comes next.
    tokio::time::pause();
    assert_eq!(ring(&mut bell).await, ":\n\n");
    assert_eq!(ring(&mut bell).await, ":\n\n");
}

#[tokio::test]
async fn two_last_signatures_at_once_publish_once() {
    let bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    let sign = "POST /api/v1/notes/imp-1/signatures as officer sign impose";
    let (clara, dora) = (format!("{sign} clara"), format!("{sign} anna"));
    let ((first, _), (second, _)) = tokio::join!(bed.ask(&clara), bed.ask(&dora));
    assert!(first.is_success() && (second.is_success() || second.as_u16() == 409), "{first} {second}");
    assert_eq!(bed.store.reader().size().await.expect("a size"), 3);
    bed.run("GET /api/v1/notes/imp-1 as reader\n  200 | \"state\":\"published\" | \"index\":2").await;
}

#[test]
fn no_bytes_are_a_fault_of_ours_or_reach_the_log() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bed = runtime.block_on(Bed::new());
    runtime.block_on(bed.run(UP_TO_THE_APPROVAL));
    // Half of it looks like a note, so that it comes past the first line.
    let noteish = "(portcullis-(lift|impose|receipt|finding)/v1\n)?([a-z]{1,9} [ -~]{0,20}\n){0,6}(\n— [a-z]{3} [A-Za-z0-9+/]{8,16}={0,2}\n)?";
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..300), noteish.prop_map(String::into_bytes)];
    let paths = [
        "/relay/v1/receipts",
        "/relay/v1/undo",
        "/api/v1/undo",
        "/api/v1/notes",
        "/api/v1/notes/imp-1/signatures",
        "/api/v1/edges",
    ];
    let config = ProptestConfig { cases: 64, ..ProptestConfig::default() };
    proptest!(config, |(bytes in bytes)| {
        for path in paths {
            let status = runtime.block_on(bed.post(path, bytes.clone()));
            prop_assert!(status.is_client_error(), "{path}: {status}");
        }
    });
    assert_eq!(runtime.block_on(bed.store.reader().size()).expect("a size"), 2);
}
