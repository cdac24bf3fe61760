//! The sites file becomes the configuration of the log: alone where nobody loses anything, by two officers elsewhere.

use super::bed::{Bed, START, edge_key};
use crate::{Change, Offered};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use ledger::Hash;
use policy::testkit::{House, id};
use policy::{Id, Time};
use relay::config::Request as Ask;
use tower::ServiceExt as _;

const TWO: &[u8] = b"cus_first one.first.example tls\ncus_second shop.second.example\n";
const THREE: &[u8] =
    b"cus_first one.first.example tls\ncus_first new.first.example\ncus_second shop.second.example\n";
const WITHOUT_SHOP: &[u8] = b"cus_first one.first.example tls\ncus_first new.first.example\n";
const WITHOUT_TLS: &[u8] = b"cus_first one.first.example\ncus_second shop.second.example\n";

async fn bed() -> Bed {
    Bed::of(House::demo(START).configured(), false).await
}

async fn offer(bed: &Bed, sites: &[u8]) -> Offered {
    bed.desk.offer(sites).await.expect("taken")
}

/// The id under which it waits.
async fn waits(bed: &Bed, sites: &[u8]) -> (Id, Change) {
    match offer(bed, sites).await {
        Offered::Waits(id, change) => (id, change),
        other => panic!("{other:?}"),
    }
}

async fn signs(bed: &Bed, draft: &Id, person: &str) -> (StatusCode, String) {
    let text = bed.store.draft(draft).await.expect("read").expect("a draft").text;
    let body = bed.house.sign(&text, person).to_string().into_bytes();
    let request = Request::post(format!("/api/v1/notes/{draft}/signatures"));
    let request =
        request.header("authorization", "Bearer officer").body(Body::from(body)).expect("a request");
    let response = bed.desk.api_router().oneshot(request).await.expect("an answer");
    let (status, body) =
        (response.status(), response.into_body().collect().await.expect("a body").to_bytes());
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_house_without_the_key_has_local_files() {
    let bed = Bed::new().await;
    assert_eq!(offer(&bed, TWO).await, Offered::Local);
    bed.run("GET /api/v1/customers as reader\n  200 | cus_first by the log | cus_second by the log").await;
    assert!(bed.desk.offer(b"garbage").await.is_err());
    bed.run("GET /api/v1/entries as reader\n  200 | !\"index\":1").await;
}

#[tokio::test]
async fn what_takes_nothing_away_is_published_at_once() {
    let bed = bed().await;
    assert_eq!(offer(&bed, TWO).await, Offered::Published(1));
    assert_eq!(offer(&bed, TWO).await, Offered::Current);
    assert_eq!(offer(&bed, THREE).await, Offered::Published(2));
    bed.desk.tend().await;
    bed.run("GET /api/v1/entries as reader\n  200 | portcullis-config/v1 | withdrawn 0 | \"index\":2 | !\"index\":3")
        .await;
    bed.run("GET /api/v1/customers as reader\n  200 | cus_first by the log").await;
    assert!(bed.desk.offer(b"garbage").await.is_err());
}

#[tokio::test]
async fn taking_service_away_waits_for_two_officers_who_see_whose() {
    let bed = bed().await;
    offer(&bed, THREE).await;
    let (draft, change) = waits(&bed, WITHOUT_SHOP).await;
    assert_eq!(change.withdrawn, [("shop.second.example".to_owned(), id("cus_second"))]);
    assert_eq!(waits(&bed, WITHOUT_SHOP).await.0, draft, "the same file again is the same draft");
    let look = format!(
        "GET /api/v1/notes/{draft}/change as reader\n  200 | withdrawn | shop.second.example | cus_second"
    );
    bed.run(&look).await;
    bed.run(&format!(
        "GET /proposals/{draft} as reader\n  200 | withdrawn shop.second.example of cus_second"
    ))
    .await;
    bed.run("GET /api/v1/customers as reader\n  200 | cus_second").await;
    let (status, body) = signs(&bed, &draft, "anna").await;
    assert!(status.is_success() && body.contains("collecting"), "one is not two: {body}");
    bed.desk.tend().await;
    let (status, body) = signs(&bed, &draft, "clara").await;
    assert!(status.is_success() && body.contains("published"), "{body}");
    bed.run("GET /api/v1/entries as reader\n  200 | withdrawn 1").await;
    bed.run("GET /api/v1/customers as reader\n  200 | !cus_second").await;
    assert_eq!(offer(&bed, WITHOUT_SHOP).await, Offered::Current);
}

#[tokio::test]
async fn what_nobody_wants_any_more_cannot_be_signed() {
    let bed = bed().await;
    offer(&bed, TWO).await;
    let (gone, _) = waits(&bed, b"cus_second shop.second.example\n").await;
    let (bare, change) = waits(&bed, WITHOUT_TLS).await;
    assert_eq!(change.lowered, [("one.first.example".to_owned(), id("cus_first"))]);
    assert!(!signs(&bed, &gone, "anna").await.0.is_success(), "another file came after it");
    assert!(signs(&bed, &bare, "anna").await.0.is_success());
    assert_eq!(offer(&bed, TWO).await, Offered::Current, "the file was put back");
    assert!(!signs(&bed, &bare, "clara").await.0.is_success());
}

#[tokio::test]
async fn no_officer_writes_a_configuration() {
    let mut bed = bed().await;
    offer(&bed, TWO).await;
    let (draft, _) = waits(&bed, WITHOUT_TLS).await;
    let text = bed.store.draft(&draft).await.expect("read").expect("a draft").text;
    let lie = text.replace("lowered 1", "lowered 0").replace(draft.as_str(), "cfg-lie");
    bed.texts.insert("lie", lie.into_bytes());
    bed.run("POST /api/v1/notes as officer body lie\n  422 | \"code\":\"config\"").await;
}

#[tokio::test]
async fn it_waits_for_the_head_like_everything_else() {
    let mut bed = bed().await;
    offer(&bed, TWO).await;
    bed.restart_alone().await;
    let (_, change) = waits(&bed, THREE).await;
    assert_eq!(change, Change::default());
    bed.desk.accept_head();
    bed.desk.tend().await;
    assert_eq!(offer(&bed, THREE).await, Offered::Current);
}

#[tokio::test]
async fn a_snapshot_is_for_enrolled_edges_alone() {
    let bed = bed().await;
    offer(&bed, TWO).await;
    let (draft, _) = waits(&bed, WITHOUT_TLS).await;
    bed.run("POST /api/v1/edges as officer body edge-1\n  201").await;
    let ask = |edge: &'static str, snapshot: &'static [u8], time: Time| Ask {
        origin: bed.house.origin.clone(),
        edge: edge.split('/').next().expect("a name").to_owned(),
        snapshot: Hash::of(snapshot),
        time,
    };
    for (edge, snapshot, time, want) in [
        ("demo:edge-1", TWO, START, 200),
        ("demo:edge-1", TWO, START.plus(600), 200),
        ("demo:edge-1", TWO, START.plus(601), 422),
        ("demo:edge-1", WITHOUT_TLS, START, 404),
        ("demo:edge-2", TWO, START, 403),
        ("demo:edge-1/other", TWO, START, 403),
    ] {
        let bytes = ask(edge, snapshot, time).sign(&edge_key(edge)).expect("signed");
        let request = Request::post(relay::config::PATH).body(Body::from(bytes)).expect("a request");
        let response = bed.desk.relay_router().oneshot(request).await.expect("an answer");
        assert_eq!(response.status().as_u16(), want, "{edge} {time}");
        if want == 200 {
            assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), TWO);
        }
    }
    // Nor is it in any answer for people: it names origins.
    for snapshot in [TWO, WITHOUT_TLS] {
        let hash = Hash::of(snapshot);
        bed.run(&format!("GET /api/v1/blobs/{hash} as officer\n  404")).await;
    }
    // A waiting one is not given to edges before its people have signed.
    for person in ["anna", "ben"] {
        assert!(signs(&bed, &draft, person).await.0.is_success());
    }
    let bytes = ask("demo:edge-1", WITHOUT_TLS, START).sign(&edge_key("demo:edge-1")).expect("signed");
    assert_eq!(bed.post(relay::config::PATH, bytes).await, StatusCode::OK);
}

#[tokio::test]
async fn a_desk_that_lost_the_old_file_says_which_it_was() {
    let bed = bed().await;
    offer(&bed, TWO).await;
    // Two hours later somebody else's file has come and gone, and with it everything that nobody needs: not this one.
    bed.at(7200);
    waits(&bed, WITHOUT_TLS).await;
    bed.at(14_400);
    assert_eq!(offer(&bed, TWO).await, Offered::Current);
    assert_eq!(offer(&bed, THREE).await, Offered::Published(2));
    bed.at(21_600);
    bed.store.put_snapshot(b"another", START.plus(21_600), |_| false).await.expect("everything goes");
    let why = bed.desk.offer(TWO).await.expect_err("nobody knows what it takes away");
    assert!(why.contains(&Hash::of(THREE).to_string()), "{why}");
    assert_eq!(offer(&bed, THREE).await, Offered::Current, "put back");
    waits(&bed, TWO).await;
}

#[tokio::test]
async fn a_desk_with_another_key_publishes_nothing() {
    let mut bed = bed().await;
    bed.house = House::new("demo:elsewhere/ledger", START).configured();
    let key = bed.house.config.take();
    bed.house = House::demo(START);
    bed.house.config = key;
    bed.restart_alone().await;
    let why = bed.desk.offer(TWO).await.expect_err("not the policy's key");
    assert!(why.contains("the policy says that demo:config+"), "{why}");
    bed.run("GET /api/v1/notes as reader\n  200 | \"notes\":[]").await;
}

#[tokio::test]
async fn nothing_is_published_that_no_edge_could_fetch() {
    let bed = bed().await;
    offer(&bed, TWO).await;
    let (draft, _) = waits(&bed, WITHOUT_TLS).await;
    bed.store.put_snapshot(b"another", START.plus(7200), |hash| *hash == Hash::of(TWO)).await.expect("put");
    signs(&bed, &draft, "anna").await;
    let (_, body) = signs(&bed, &draft, "clara").await;
    assert!(
        body.contains("collecting") && body.contains("which the desk reads from its sites file"),
        "{body}"
    );
    bed.desk.tend().await;
    assert_eq!(offer(&bed, WITHOUT_TLS).await, Offered::Current, "the file brought it back");
}

#[tokio::test]
async fn a_draft_that_follows_another_configuration_is_void() {
    let bed = bed().await;
    offer(&bed, TWO).await;
    let (draft, _) = waits(&bed, WITHOUT_TLS).await;
    let text = bed.store.draft(&draft).await.expect("read").expect("a draft").text;
    // As if it had been written on what was served before.
    let old = text
        .replace(draft.as_str(), "cfg-old")
        .replace(&format!("previous {}", Hash::of(TWO)), &format!("previous {}", Hash::of(THREE)));
    let new = store::NewDraft { id: id("cfg-old"), kind: "config".into(), text: old, created: START.plus(1) };
    bed.store.put_draft(&new).await.expect("put");
    assert_eq!(waits(&bed, WITHOUT_TLS).await.0, draft);
    let stale = bed.store.draft(&id("cfg-old")).await.expect("read").expect("a draft");
    assert_eq!(stale.state, store::DraftState::Void);
}

#[tokio::test]
async fn a_desk_killed_between_text_and_signature_signs_when_it_is_back() {
    let mut bed = bed().await;
    offer(&bed, TWO).await;
    let config = policy::note::Config {
        head: policy::note::Head { origin: bed.house.origin.clone(), id: id("cfg-2-crash") },
        version: 2,
        previous: Some(Hash::of(TWO)),
        snapshot: Hash::of(THREE),
        customers: 2,
        hostnames: 3,
        withdrawn: 0,
        lowered: 0,
        time: START,
    };
    let text = config.to_string();
    let new = store::NewDraft { id: id("cfg-2-crash"), kind: "config".into(), text, created: START };
    bed.store.put_draft(&new).await.expect("put");
    bed.restart(std::sync::Arc::new(store::fault::NoFaults)).await.expect("opens");
    let offered = bed.desk.offer(THREE).await.expect("the same draft, signed");
    assert!(matches!(offered, Offered::Published(2)), "{offered:?}");
}
