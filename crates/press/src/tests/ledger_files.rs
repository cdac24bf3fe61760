//! The ledger's files, caching, and everything that is refused.

use super::*;
use ledger::tile::decode_bundle;

const FOREVER: &str = "public, max-age=31536000, immutable";

#[tokio::test]
async fn files_have_their_bytes_their_kind_and_their_age() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let blob = format!("/ledger/blob/{}", impose.post);
    let cases = [
        ("/ledger/checkpoint", "text/plain; charset=utf-8", "no-cache"),
        ("/ledger/trust", "text/plain; charset=utf-8", "no-cache"),
        ("/ledger/tile/0/000.p/3", "application/octet-stream", FOREVER),
        ("/ledger/tile/entries/000.p/3", "application/octet-stream", FOREVER),
        (&blob, "text/plain; charset=utf-8", FOREVER),
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/feed.atom", "application/atom+xml; charset=utf-8", "no-cache"),
    ];
    for (path, kind, cache) in cases {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    assert_eq!(site.get(&blob).await.bytes, POST.as_bytes());
    let entries = decode_bundle(&site.get("/ledger/tile/entries/000.p/3").await.bytes).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0], site.house.entry0());
    let leaves: Vec<u8> = entries.iter().flat_map(|entry| ledger::merkle::leaf_hash(entry).0).collect();
    assert_eq!(site.get("/ledger/tile/0/000.p/3").await.bytes, leaves);
    assert_eq!(site.page("/ledger/trust").await, format!("{}\n", site.house.trust()));
    let checkpoint = site.get("/ledger/checkpoint").await.bytes;
    let (head, _) = ledger::checkpoint::open(&checkpoint, &site.house.log.verifier()).unwrap();
    assert_eq!(head.size, 3);
    assert_eq!(site.get("/ledger/checkpoint").await.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn what_a_visitor_holds_is_not_sent_again_until_it_changes() {
    let site = Site::demo().await;
    for path in ["/", "/feed.atom", "/feed.json", "/ledger/checkpoint", "/ledger/"] {
        let first = site.get(path).await;
        let tag = first.header("etag").to_string();
        for held in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_string()] {
            let again = site.ask(Method::GET, path, &[("if-none-match", &held)]).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path} {held}");
            assert!(again.bytes.is_empty() && again.header("etag") == tag, "{path}");
        }
        let other = site.ask(Method::GET, path, &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
    let before = site.get("/").await.header("etag").to_string();
    site.emergency(START.plus(HOUR), POST).await;
    let after = site.ask(Method::GET, "/", &[("if-none-match", &before)]).await;
    assert_eq!(after.status, StatusCode::OK, "a decision changes the index at once");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_form_of_its_address() {
    let site = Site::demo().await;
    let zero = format!("/ledger/blob/{}", "0".repeat(64));
    let upper = format!("/ledger/blob/{}", "A".repeat(64));
    let long_id = format!("/posts/{}", "a".repeat(500));
    let (html, text) = ("text/html; charset=utf-8", "text/plain; charset=utf-8");
    let cases = [
        ("/nothing", html),
        ("/posts/none", html),
        ("/posts/No%20Id", html),
        ("/posts/..", html),
        ("/posts/%2e%2e%2f%2e%2e", html),
        (&long_id, html),
        ("/posts/", html),
        ("/decisions/none", html),
        ("/decisions/none.json", "application/problem+json"),
        ("/decisions/policy-0.json", "application/problem+json"),
        ("/ledger/entry/1", html),
        ("/ledger/entry/00", html),
        ("/ledger/entry/-1", html),
        ("/ledger/entry/18446744073709551616", html),
        (&zero, text),
        (&upper, text),
        ("/ledger/blob/short", text),
        ("/ledger/blob/..%2f..%2fportcullis.sqlite", text),
        ("/ledger/tile/../../portcullis.sqlite", text),
        ("/ledger/tile/..%2f..%2fportcullis.sqlite", text),
        ("/ledger/tile/0/000", text),
        ("/ledger/tile/0/000.p/2", text),
        ("/ledger/tile/0/001", text),
        ("/ledger/tile/9/000", text),
        ("/ledger/tile/entries/000.p/0", text),
        ("/ledger/tile/entries/x000/000", text),
        ("/ledger/portcullis.sqlite", html),
    ];
    for (path, kind) in cases {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}: it may exist in a second");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!answer.text().contains("SQLite"), "{path}");
    }
    let problem = site.get("/decisions/none.json").await.json();
    assert_eq!((problem["status"].as_u64(), problem["title"].as_str()), (Some(404), Some("Not here")));
    assert_eq!(site.get("/posts/%ff").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn everything_is_only_read() {
    let site = Site::demo().await;
    for path in ["/", "/feed.atom", "/ledger/checkpoint", "/posts/x"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = site.ask(method.clone(), path, &[]).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{method} {path}");
        }
    }
    let head = site.ask(Method::HEAD, "/", &[]).await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
    assert!(head.header("content-length").parse::<u64>().unwrap() > 1000);
}

#[tokio::test]
async fn without_a_ledger_nothing_is_pretended() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap();
    let house = House::demo(START);
    let clock = Arc::new(ManualClock(AtomicU64::new(START.0)));
    let config = Config { trust: house.trust(), operator: operator() };
    let router = crate::router(config, store.reader(), None, Arc::clone(&clock) as Arc<dyn Clock>);
    let site = Site { dir, store, house, clock, router };
    for path in ["/", "/feed.atom", "/ledger/checkpoint", "/ledger/"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.header("retry-after"), "60", "{path}");
    }
}

#[tokio::test]
async fn another_house_s_trust_line_opens_nothing() {
    let site = Site::demo().await;
    let other = House::demo(START.plus(1));
    let config = Config { trust: other.trust(), operator: operator() };
    let router = crate::router(config, site.store.reader(), None, Arc::clone(&site.clock) as Arc<dyn Clock>);
    let site = Site { router, ..site };
    let answer = site.get("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.text().contains("entry 0"), "inner words stay inside: {}", answer.text());
}

#[tokio::test]
async fn security_txt_has_what_rfc_9116_demands() {
    let site = Site::demo().await;
    assert_eq!(
        site.page("/.well-known/security.txt").await,
        "Contact: mailto:security@shield.example\nExpires: 2027-05-21T00:00:00Z\nPreferred-Languages: en\nCanonical: https://reasons.example/.well-known/security.txt\n"
    );
    let config =
        Config { trust: site.house.trust(), operator: Operator { security_email: None, ..operator() } };
    let router = crate::router(config, site.store.reader(), None, Arc::clone(&site.clock) as Arc<dyn Clock>);
    let site = Site { router, ..site };
    assert_eq!(site.get("/.well-known/security.txt").await.status, StatusCode::NOT_FOUND);
}
