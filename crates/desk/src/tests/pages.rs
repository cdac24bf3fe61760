//! The console: what every page must have, what it must show, and what it must never hold.

use http_body_util::BodyExt as _;

use policy::report::Category;

use super::bed::{Bed, UP_TO_THE_APPROVAL};
use super::reports::comes;
use crate::routes;

/// Everything there is to show: a decision in force on one of two edges, a proposal one signature short.
async fn busy(origin: &str) -> Bed {
    let bed = Bed::with(origin, true).await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run(
        "POST /api/v1/notes/imp-1/signatures as officer sign impose clara
  200 | \"index\":2
at 101
POST /api/v1/edges as officer body edge-1
POST /api/v1/edges as officer body edge-2
POST /relay/v1/receipts receipt demo:edge-1 3 101 imp-1
POST /api/v1/notes as officer body validation
  201",
    )
    .await;
    bed
}

#[tokio::test]
async fn every_page_stands_alone_and_says_what_is_in_force() {
    let bed = busy("demo:localhost/ledger").await;
    comes(&bed, "rpt-1", Category::Phishing, "one.first.example", "It looks like my bank.").await;
    for (method, path, _) in routes::CONSOLE {
        let path = match *path {
            "/reports/{id}" => "/reports/rpt-1",
            "/cases/{id}" => "/cases/cas-1",
            "/customers/{id}" => "/customers/cus_first",
            "/decisions/{id}" => "/decisions/imp-1",
            "/proposals/{id}" => "/proposals/con-1",
            other => other,
        };
        // What people said about themselves is open to nobody.
        let closed = path.starts_with("/reports") || path.starts_with("/cases");
        let who = if closed { "as analyst" } else { "host localhost" };
        let response = bed.respond(&format!("{method} {path} {who}")).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        let csp = headers["content-security-policy"].to_str().expect("ASCII").to_owned();
        assert!(csp.starts_with("default-src 'none'; style-src 'sha256-"), "{csp}");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let html = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        for want in [
            "<!doctype html>",
            "<html lang=\"en\">",
            "In force now: 1 block",
            "<a href=\"/decisions/imp-1\">imp-1</a>",
            "DEMO.",
            "id=\"main\"",
            "To the content",
            "</html>",
        ] {
            assert!(html.contains(want), "{path} lacks {want}:\n{html}");
        }
        for never in ["<script", "style=", "onclick", "http-equiv", "<img", "<link", "First <Customer>"] {
            assert!(!html.contains(never), "{path} holds {never}");
        }
        let forms = html.matches("<form").count();
        assert!(closed || forms == 0, "{path}: who only reads finds nothing to send");
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert_eq!(html.matches("<main").count(), 1, "{path}");
        let current =
            if path.matches('/').count() == 2 { 1 } else { html.matches("aria-current=\"page\"").count() };
        assert_eq!(current, 1, "{path} marks where one is");
        let style = html.split("<style>").nth(1).and_then(|s| s.split("</style>").next()).expect("a style");
        let hash = ::ledger::Hash::of(style.as_bytes()).to_base64();
        assert!(csp.contains(&hash), "{path}: the policy names the stylesheet that is there");
    }
}

#[tokio::test]
async fn pages_say_what_people_need() {
    let bed = busy("demo:localhost/ledger").await;
    for (path, wanted) in [
        ("/", &["Waiting for signatures", "con-1", "1 of 2", "3 entries"][..]),
        ("/customers", &["First &#60;Customer&#62;", "blocked", "not blocked"]),
        ("/customers/cus_first", &["live.first.example", "site_one"]),
        ("/sites", &["shop.second.example", "site_live"]),
        ("/decisions", &["imp-1", "in force", "1 of 2"]),
        (
            "/decisions/imp-1",
            &[
                "Proposed",
                "Signed by ben, clara, published as entry 2",
                "Enforced by demo:edge-1",
                "never reported",
                "unless a reviewer who took no part confirms it before (to come)",
                "portcullis continue imp-1 --validated",
                "portcullis lift imp-1",
                "http://127.0.0.1:8082/posts/imp-1",
                "portcullis-impose/v1",
            ],
        ),
        ("/proposals", &["con-1", "collecting", "1 more reviewer", "published as entry 1"]),
        (
            "/proposals/con-1",
            &["1 more reviewer", "ssh-keygen -Y sign -n portcullis-note/v1", "portcullis-continue/v1"],
        ),
        (
            "/proposals/imp-1",
            &["published as entry 2", "/decisions/imp-1", "A threat to life.", "hostname live.first.example"],
        ),
        ("/edges", &["demo:edge-1", "same log", "never reported", "another than here now"]),
        (
            "/ledger",
            &["portcullis-trust/v1 demo:localhost/ledger", "impose imp-1", "http://127.0.0.1:8082/ledger/"],
        ),
    ] {
        let (status, html) = bed.ask(&format!("GET {path} host localhost")).await;
        assert_eq!(status.as_u16(), 200, "{path}");
        for want in wanted {
            assert!(html.contains(want), "{path} lacks {want}:\n{html}");
        }
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_is_a_page_and_tells_strangers_nothing() {
    let bed = busy("demo:localhost/ledger").await;
    for (path, status, wants, nevers) in [
        ("/nothing host localhost", 404, "no such thing here", "<script"),
        ("/decisions/imp-9 host localhost", 404, "In force now: 1 block", "<script"),
        ("/decisions/%3Cscript%3E host localhost", 404, "&#60;script&#62;", "<script>"),
        ("/proposals?cursor=x host localhost", 400, "next_cursor", "<script"),
        ("/decisions/imp-1 host rebound.example", 401, "portcullis token create", "imp-1"),
        ("/nothing host rebound.example", 404, "no such thing here", "<script"),
    ] {
        let response = bed.respond(&format!("GET {path}")).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let html = String::from_utf8_lossy(&bytes);
        assert!(html.contains(wants) && !html.contains(nevers), "{path}:\n{html}");
    }
}

#[tokio::test]
async fn a_real_desk_carries_no_demo_banner() {
    let bed = Bed::with("ledger.example/log", true).await;
    let (_, html) = bed.ask("GET / host localhost").await;
    assert!(!html.contains("DEMO.") && html.contains("In force now: nothing is blocked"), "{html}");
}
