//! Anybody reports, and learns what became of it; nobody else learns anything.

use std::convert::Infallible;

use axum::http::HeaderValue;
use policy::Sentence;
use policy::report::cluster::Outcome;
use proptest::prelude::*;
use store::{Decided, Waiting};

use super::*;

const FORM: &str = "category=phishing&about=https%3A%2F%2Fone.first.example%2Flogin%0D%0Atwo.first.example&happened=2026-11-22T20%3A15&text=It+looks+like+my+bank.%0D%0AIt+is+not.&name=Rosa+Reporter&email=rosa%40home.example&good_faith=yes";

impl Site {
    async fn post(&self, path: &str, body: &[u8]) -> Answer {
        let request =
            Request::builder().method(Method::POST).uri(path).body(Body::from(body.to_vec())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer { status, headers, bytes }
    }

    /// What the desk does every few seconds.
    async fn take_in(&self) -> Vec<policy::report::Report> {
        let mut taken = Vec::new();
        for it in self.store.waiting(10).await.unwrap() {
            let Waiting::Report(report) = it else { panic!("{it:?}") };
            self.store.take_report(&report, None).await.unwrap();
            self.store.taken(&report.id).await.unwrap();
            taken.push(*report);
        }
        taken
    }
}

#[tokio::test]
async fn from_the_form_to_the_answer() {
    let site = Site::demo().await;
    let page = site.get("/report").await;
    assert!(page.header("content-security-policy").contains("form-action 'self'"));
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.text().contains("<form method=\"post\" action=\"/report\""));
    assert!(site.page("/").await.contains("href=\"/report\""), "found from the first page");

    let sent = site.post("/report", FORM.as_bytes()).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let place = sent.header("location").to_owned();
    assert!(site.page(&place).await.contains("We have it"));
    let [report] = &site.take_in().await[..] else { panic!("one report") };
    assert_eq!(
        report.about.iter().map(|a| a.as_str()).collect::<Vec<_>>(),
        ["https://one.first.example/login", "two.first.example"]
    );
    assert_eq!((report.text.as_str(), report.good_faith), ("It looks like my bank.\nIt is not.", true));
    assert_eq!(report.happened, Time::parse("2026-11-22T20:15:00Z"));
    assert_eq!(report.received, START);
    let receipt = site.get(&place).await;
    assert!(receipt.text().contains("We have it") && receipt.header("cache-control") == "no-store");

    let reply = Sentence::parse("The page <b>is</b> gone.").unwrap();
    let decided = Decided { at: START.plus(60), by: "anna".into(), outcome: Some(Outcome::Acted), reply };
    site.store.decide_cluster(&report.id, &decided).await.unwrap();
    let text = site.page(&place).await;
    assert!(
        text.contains("Something was done") && text.contains("The page &#60;b&#62;is&#60;/b&#62; gone."),
        "{text}"
    );
    assert!(!text.contains("Rosa") && !text.contains("anna"), "neither who reported nor who decided");
    let json = site.get(&format!("/api/v1{}", place.replace("/report/", "/reports/"))).await.json();
    assert_eq!((&json["outcome"], &json["decided"]), (&"acted".into(), &"2026-11-22T23:16:00Z".into()));
}

#[tokio::test]
async fn whoever_has_not_the_secret_learns_nothing() {
    let site = Site::demo().await;
    let sent = site.post("/report", FORM.as_bytes()).await;
    let place = sent.header("location").to_owned();
    let (start, secret) = place.rsplit_once('/').unwrap();
    let other =
        if secret.starts_with('0') { secret.replacen('0', "1", 1) } else { format!("0{}", &secret[1..]) };
    let strangers = [
        format!("{start}/{other}"),
        format!("/report/rpt-none/{secret}"),
        format!("{start}/x"),
        "/report/../x".into(),
    ];
    let nothing = site.get(&strangers[0]).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    for taken in [false, true] {
        if taken {
            site.take_in().await;
        }
        for path in &strangers {
            let answer = site.get(path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(
            site.get(&strangers[1]).await.bytes,
            nothing.bytes,
            "the same for one that is there and one that is not"
        );
    }
    // Nothing of a report is among the public files, and no list names it.
    let id = start.rsplit('/').next().unwrap();
    for path in ["/", "/feed.json", "/ledger/", &format!("/ledger/blob/{id}")] {
        assert!(!site.get(path).await.text().contains(id), "{path}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let site = Site::demo().await;
    let sent = site
        .post("/report", b"category=nothing&about=a+b&text=%20&email=nobody&happened=yesterday&name=%3Cb%3E")
        .await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = sent.text();
    for field in ["category", "about", "happened", "text", "email"] {
        assert!(page.contains(&format!("<a href=\"#{field}\">")), "{field} is missing: {page}");
    }
    for typed in ["a b", "nobody", "yesterday", "&#60;b&#62;"] {
        assert!(page.contains(typed), "{typed} is lost: {page}");
    }
    assert!(!page.contains("<a href=\"#name\">"));
    let big = site.post("/report", &vec![b'a'; 97 * 1024]).await;
    assert_eq!(big.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(big.text().contains("What you sent is larger than 96 KiB"));
    let long = format!("{}&name={}", FORM.replace("&name=Rosa+Reporter", ""), "n".repeat(2049));
    let long = site.post("/report", long.as_bytes()).await.text();
    assert!(long.contains(">Name</a>: is longer than 2048 bytes</li>"), "{long}");
    assert!(site.take_in().await.is_empty());
    assert_eq!(site.ask(Method::DELETE, "/report", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn programs_report_too() {
    let site = Site::demo().await;
    let good = json_report("phishing");
    let sent = site.post("/api/v1/reports", good.as_bytes()).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    let sent = sent.json();
    let status = sent["status"].as_str().unwrap().strip_prefix("https://reasons.example").unwrap().to_owned();
    let told = site.get(&status).await.json();
    assert_eq!(
        (&told["id"], &told["outcome"], &told["reply"]),
        (&sent["id"], &"open".into(), &serde_json::Value::Null)
    );
    let [report] = &site.take_in().await[..] else { panic!("one report") };
    assert_eq!(report.channel, policy::report::Channel::Api);
    for (bad, field) in [
        ("nonsense".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        (good.replace("\"text\"", "\"words\""), "body"),
        (good.replace("phishing", "opinion"), "category"),
        (good.replace("true", "\"yes\""), "good_faith"),
        (good.replace("\"category\"", "\"category\":\"other\",\"category\""), "body"),
        (good.replace("Look.", "\u{200b} \\n\u{3164}"), "text"),
        (good.replace("true", "true,\"happened\":\"2026-11-23T23:15:01Z\""), "happened"),
        (good.replace("[\"https", "\"https").replace("\"]", "\""), "about"),
    ] {
        let answer = site.post("/api/v1/reports", bad.as_bytes()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{bad}");
    }
    for (method, path) in [(Method::GET, "/api/v1/reports"), (Method::PUT, "/api/v1/reports/xarf")] {
        let answer = site.ask(method, path, &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["detail"], "Use POST here.");
    }
    let answer = site.ask(Method::POST, "/ledger/trust", &[]).await;
    assert_eq!((answer.header("allow"), answer.text()), ("GET,HEAD", "Use GET or HEAD here.\n".into()));
    assert!(site.take_in().await.is_empty());
}

#[tokio::test]
async fn a_slow_body_and_a_crowd_of_large_ones_are_told_apart() {
    let site = Site::demo().await;
    tokio::time::pause();
    let send = |path: &str, body: Body| {
        let request = Request::builder().method(Method::POST).uri(path).body(body).unwrap();
        site.router.clone().oneshot(request)
    };
    for path in ["/report", "/api/v1/reports", "/api/v1/reports/xarf"] {
        let (sender, body) = http_body_util::channel::Channel::<axum::body::Bytes, Infallible>::new(1);
        assert_eq!(
            send(path, Body::new(body)).await.unwrap().status(),
            StatusCode::REQUEST_TIMEOUT,
            "{path}"
        );
        drop(sender);
    }
    // Sixteen of the largest are under way; the next one is asked to come again, and when they are gone it is read.
    let mut held = Vec::new();
    for _ in 0..16 {
        let (mut sender, body) = http_body_util::channel::Channel::<axum::body::Bytes, Infallible>::new(1);
        let mut answer = Box::pin(send("/api/v1/reports/xarf", Body::new(body)));
        let mut part = Box::pin(sender.send_data(vec![b' '; 2048 * 1024].into()));
        tokio::select! {
            biased;
            _ = &mut answer => panic!("its body has not ended"),
            sent = &mut part => sent.unwrap(),
        }
        tokio::select! {
            biased;
            _ = &mut answer => panic!("its body has not ended"),
            () = tokio::task::yield_now() => {}
        }
        drop(part);
        held.push((sender, answer));
    }
    let crowded = send("/api/v1/reports/xarf", Body::from(" ".repeat(1024))).await.unwrap();
    assert_eq!(
        (crowded.status(), &crowded.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &HeaderValue::from_static("60"))
    );
    drop(held);
    let read = send("/api/v1/reports/xarf", Body::from(" ".repeat(1024))).await.unwrap();
    assert_eq!(read.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let large = send("/api/v1/reports/xarf", Body::from(" ".repeat(2048 * 1024 + 1))).await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn programs_report_in_xarf() {
    let site = Site::demo().await;
    let sample = include_str!("../../tests/xarf-valid.jsonl").lines().nth(10).unwrap();
    let sent = site.post("/api/v1/reports/xarf", sample.as_bytes()).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    let sent = sent.json();
    assert_eq!(sent["evidence"], "hashes kept, contents not");
    let status = sent["status"].as_str().unwrap().strip_prefix("https://reasons.example").unwrap().to_owned();
    assert_eq!(site.get(&status).await.json()["category"], "phishing");
    let [report] = &site.take_in().await[..] else { panic!("one report") };
    assert_eq!(
        (report.channel, report.id.as_str()),
        (policy::report::Channel::Xarf, sent["id"].as_str().unwrap())
    );

    let mut wrong: serde_json::Value = serde_json::from_str(sample).unwrap();
    wrong["report_id"] = "7".into();
    wrong["url"] = serde_json::Value::Null;
    wrong["evidence"][0]["payload"] = "?".into();
    let answer = site.post("/api/v1/reports/xarf", wrong.to_string().as_bytes()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let fields: Vec<&str> = errors.iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["report_id", "url", "evidence[0].payload"]);
    assert!(site.take_in().await.is_empty());
}

fn json_report(category: &str) -> String {
    serde_json::json!({ "category": category, "about": ["https://one.first.example/"], "text": "Look.", "good_faith": true }).to_string()
}

#[tokio::test]
async fn a_flood_ends_with_its_minute() {
    let site = Site::demo().await;
    let good = json_report("other");
    let mut taken = 0;
    while site.post("/api/v1/reports", good.as_bytes()).await.status == StatusCode::CREATED {
        taken += 1;
    }
    assert_eq!(taken, 300);
    let later = site.post("/report", FORM.as_bytes()).await;
    assert_eq!((later.status, later.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "60"));
    assert!(later.text().contains("It looks like my bank."), "nothing is lost");
    site.set_time(START.plus(60));
    assert_eq!(site.post("/report", FORM.as_bytes()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_press_without_an_inbox_says_so() {
    let site = Site::demo().await;
    let config = Config { trust: site.house.trust(), operator: operator() };
    let router = crate::router(config, site.store.reader(), None, Arc::clone(&site.clock) as Arc<dyn Clock>);
    let site = Site { router, ..site };
    assert_eq!(site.get("/report").await.status, StatusCode::NOT_FOUND);
    assert!(!site.page("/").await.contains("href=\"/report\""));
    assert_eq!(
        site.post("/api/v1/reports", json_report("other").as_bytes()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[test]
fn no_bytes_are_a_fault_of_ours() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let site = runtime.block_on(Site::demo());
    let formish = "((category|about|text|happened|email|good_faith)=[!-~]{0,30}&){0,8}";
    let jsonish = "\\{(\"(category|about|text|x)\":(\"[a-z\\\\]{0,9}\"|\\[\\]|null|1),?){0,5}\\}";
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        formish.prop_map(String::into_bytes),
        jsonish.prop_map(String::into_bytes)
    ];
    let config = ProptestConfig { cases: 64, ..ProptestConfig::default() };
    proptest!(config, |(bytes in bytes, minute in 0u64..100)| {
        site.set_time(START.plus(minute * 60));
        for path in ["/report", "/api/v1/reports", "/api/v1/reports/xarf"] {
            let status = runtime.block_on(site.post(path, &bytes)).status;
            prop_assert!(!status.is_server_error() || status == StatusCode::SERVICE_UNAVAILABLE, "{path}: {status}");
        }
    });
}
