//! What a block does: page, cuts, ends, and nobody else touched.

mod common;

use common::*;
use policy::{Measure, Scope};
use std::sync::atomic::Ordering::SeqCst;

const STREAM: &str = "GET /stream HTTP/1.1\r\nHost: HOST\r\n\r\n";
const SOCKET: &str =
    "GET /ws HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";

async fn open(h: &Harness, request: &str, host: &str, sign: &str) -> Visitor {
    let mut visitor = Visitor::clear(h.http).await;
    visitor.send(&request.replace("HOST", host)).await;
    visitor.until(sign).await;
    visitor
}

#[tokio::test]
async fn websockets_pass_and_echo() {
    let h = Harness::new().await;
    let mut visitor = Visitor::clear(h.http).await;
    visitor.send(&SOCKET.replace("HOST", "one.first.example")).await;
    let answer = visitor.until("welcome").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.to_lowercase().contains("upgrade: websocket"));
    visitor.send("bytes \n with bare line ends\n").await;
    visitor.until("with bare line ends\n").await;
}

#[tokio::test]
async fn other_upgrades_do_not_pass() {
    let h = Harness::new().await;
    let request =
        "GET /x HTTP/1.1\r\nHost: one.first.example\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n";
    let response = h.raw(request).await;
    assert_eq!(status(&response), 200);
    assert!(!body(&response).contains("upgrade"), "{response}");
    // A head that follows a refused upgrade is not even read: the connection ends.
    let first = "GET /x HTTP/1.1\r\nHost: one.first.example\r\nUpgrade: h2c\r\n\r\n";
    let bad = "GET /y HTTP/1.1\r\nHost: one.first.example\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n";
    let response = h.raw(&format!("{first}{bad}")).await;
    assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
    let unasked = h.get("one.first.example", "/ws").await;
    assert_eq!(status(&unasked), 502, "{unasked}");
}

#[tokio::test]
async fn open_things_of_the_customer_are_cut_and_others_go_on() {
    let h = Harness::new().await;
    let mut stream = open(&h, STREAM, "one.first.example", "tick").await;
    let mut second_host = open(&h, STREAM, "two.first.example", "tick").await;
    let mut socket = open(&h, SOCKET, "one.first.example", "welcome").await;
    let mut idle = open(&h, "GET /x HTTP/1.1\r\nHost: HOST\r\n\r\n", "one.first.example", "proto=http").await;
    let mut waiting = Visitor::clear(h.http).await;
    waiting.send("GET /never HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    // A download whose reader does not read: the cut must not wait for it.
    let mut stalled = Visitor::clear(h.http).await;
    stalled.send("GET /flood HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    stalled.until("tick").await;
    let mut stranger = open(&h, STREAM, "one.second.example", "tick").await;
    let mut stranger_socket = open(&h, SOCKET, "one.second.example", "welcome").await;
    let before = h.origin.requests.load(SeqCst);
    assert!(before >= 7);

    h.block_customer().await;
    for (name, visitor) in [
        ("stream", &mut stream),
        ("host", &mut second_host),
        ("socket", &mut socket),
        ("waiting", &mut waiting),
        ("stalled", &mut stalled),
    ] {
        let rest = visitor.rest().await;
        assert!(!rest.ends_with("0\r\n\r\n"), "{name} was cut, not ended");
    }
    assert_eq!(idle.rest().await, "");
    stranger.until("tick").await;
    stranger_socket.send("still here").await;
    stranger_socket.until("still here").await;
    h.until(|| h.edge().counters().cut == 5).await;
}

#[tokio::test]
async fn the_page_is_served_on_every_hostname_and_only_there() {
    let h = Harness::new().await;
    h.block_customer().await;
    let before = h.origin.requests.load(SeqCst);
    for host in ["one.first.example", "two.first.example", "ONE.first.example."] {
        let request = format!(
            "GET /any?x=secret HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nAccept-Language: ar\r\n\r\n"
        );
        let page = h.raw(&request).await;
        assert_eq!(status(&page), 403);
        let head = page.to_lowercase();
        for must in [
            "connection: close",
            "cache-control: no-store",
            "rel=\"blocked-by\"",
            "rel=\"describedby\"",
            "content-language: ar",
        ] {
            assert!(head.contains(must), "{must} in {page}");
        }
        assert!(page.contains("dir=\"rtl\"") && !page.contains("secret") && !page.contains("127.0.0.1"));
        assert!(page.len() < 14 * 1024);
    }
    let head = h.raw("HEAD / HTTP/1.1\r\nHost: one.first.example\r\nAccept: text/html\r\n\r\n").await;
    assert_eq!((status(&head), body(&head)), (403, ""));
    let post = h.get("one.first.example", "/.well-known/portcullis/post").await;
    assert_eq!((status(&post), body(&post)), (200, "# Reasons\n"));
    let decision = h.get("one.first.example", "/.well-known/portcullis/decision").await;
    assert!(status(&decision) == 200 && body(&decision).contains("\"decision_id\":\"imp-1\""));
    assert!(h.get("one.first.example", "/").await.contains("application/problem+json"));
    assert_eq!(h.origin.requests.load(SeqCst), before, "the origin saw nothing");
    assert_eq!(status(&h.get("one.second.example", "/").await), 200);
}

#[tokio::test]
async fn the_page_follows_the_note_and_ends_with_it() {
    let h = Harness::new().await;
    h.block_customer().await;
    let get = async || h.raw("GET / HTTP/1.1\r\nHost: one.first.example\r\nAccept: text/html\r\n\r\n").await;
    assert!(get().await.contains("Must be confirmed"));
    let confirmed =
        Measure { confirm_by: None, confirmed: true, ..measure(Scope::Customer, &["one.first.example"]) };
    h.block(vec![confirmed]).await;
    let mut page = String::new();
    while !page.contains("has confirmed it") {
        page = get().await;
        assert_eq!(status(&page), 403);
    }
    h.block(vec![]).await;
    h.until(|| h.edge().counters().measures == 0).await;
    assert_eq!(status(&h.get("one.first.example", "/").await), 200);
}

#[tokio::test]
async fn each_clock_ends_it_with_nobody_else_alive() {
    for clock in ["wall", "mono"] {
        let h = Harness::new().await;
        h.block_customer().await;
        assert_eq!(status(&h.get("one.first.example", "/").await), 403);
        match clock {
            "wall" => h.clock.set_wall(START + 48 * 3600),
            _ => h.clock.set_mono(48 * 3600),
        }
        assert_eq!(status(&h.get("one.first.example", "/").await), 200, "{clock}");
    }
}

#[tokio::test]
async fn moving_hostnames_neither_frees_nor_drags_in() {
    let h = Harness::new().await;
    h.block_customer().await;
    let plain = toml(h.origin.address);
    // The named hostname goes to the other customer, and the other's comes here.
    h.set_sites(
        &plain.replace("one.first", "XX").replace("one.second", "one.first").replace("XX", "one.second"),
    );
    assert_eq!(status(&h.get("one.first.example", "/").await), 403, "named: stays blocked");
    assert_eq!(status(&h.get("one.second.example", "/").await), 200, "a stranger's: not dragged in");
    // Deleted, it is still answered, and so is a new hostname of the customer.
    h.set_sites(&plain.replace("\"one.first.example\", ", "\"new.first.example\", "));
    assert_eq!(status(&h.get("one.first.example", "/").await), 403);
    assert_eq!(status(&h.get("new.first.example", "/").await), 403);
    h.clock.set_wall(START + 48 * 3600);
    assert_eq!(status(&h.get("one.first.example", "/").await), 421);
}

/// What a pipe or a device says may never come, and never end: it is not asked.
#[tokio::test]
async fn a_certificate_that_is_no_plain_file_is_refused() {
    let h = Harness::new().await;
    let pipe = h.dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo of coreutils");
    assert!(made.success());
    let plain = toml(h.origin.address);
    for bad in ["pipe", "/dev/zero", "."] {
        let (start, rest) = plain.split_once("certificate = \"").expect("a site with TLS");
        let (_, end) = rest.split_once('"').expect("a path");
        let with = format!("{start}certificate = \"{bad}\"{end}");
        let refused = h.try_sites(&with).expect_err("no plain file");
        assert!(refused.to_string().contains("plain file"), "{refused}");
    }
    h.block_customer().await;
    assert_eq!(status(&h.get("one.first.example", "/").await), 403);
}

#[tokio::test]
async fn a_subject_that_names_a_stranger_has_no_effect() {
    let h = Harness::new().await;
    h.block(vec![measure(Scope::Customer, &["one.first.example", "one.second.example"])]).await;
    assert_eq!(h.edge().counters().measures_refused, 1);
    for host in ["one.first.example", "one.second.example"] {
        assert_eq!(status(&h.get(host, "/").await), 200);
    }
}

#[tokio::test]
async fn certificate_challenges_still_pass_and_nothing_beside_them() {
    let h = Harness::new().await;
    h.block_customer().await;
    let good = h.get("one.first.example", "/.well-known/acme-challenge/abc-_1").await;
    assert_eq!((status(&good), body(&good)), (200, key_authorisation("abc-_1").as_str()));
    for line in
        ["content-type: text/plain\r\n", "cache-control: no-store\r\n", "x-content-type-options: nosniff\r\n"]
    {
        assert!(good.contains(line), "{good}");
    }
    for other in ["long", "chat"] {
        let path = format!("/.well-known/acme-challenge/{other}");
        assert_eq!(status(&h.get("one.first.example", &path).await), 404, "{other}");
    }
    for path in
        ["/.well-known/acme-challenge/a/b", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/a.b"]
    {
        assert_eq!(status(&h.get("one.first.example", path).await), 403, "{path}");
    }
}

/// The way for certificate authorities is none for the blocked customer: no tunnel, no question, no upload, nothing of
/// the visitor's.
#[tokio::test]
async fn a_challenge_is_no_way_around_a_block() {
    let h = Harness::new().await;
    h.block_customer().await;
    let head = |target: &str, more: &str| {
        format!("GET /.well-known/acme-challenge/{target} HTTP/1.1\r\nHost: one.first.example\r\n{more}\r\n")
    };
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    for (target, more) in [
        ("a", upgrade),
        ("a", "Upgrade: h2c\r\n"),
        ("a?q=secret", "Connection: close\r\n"),
        ("a", "Connection: close\r\nContent-Length: 3\r\n\r\nabc"),
        ("a", "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
    ] {
        assert_eq!(status(&h.raw(&head(target, more)).await), 403, "{target} {more}");
    }
    assert_eq!(h.origin.requests.load(SeqCst), 0);
    let private = "Cookie: session=1\r\nAuthorization: Basic eDp5\r\nX-More: 1\r\nConnection: close\r\n";
    assert_eq!(status(&h.raw(&head("a", private)).await), 200, "the origin sees Host alone");
    // An origin that switches protocols all the same gives nobody a tunnel.
    let raw =
        RawOrigin::start("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            .await;
    h.set_sites(&toml(raw.address));
    assert_eq!(status(&h.raw(&head("a", "Connection: close\r\n")).await), 404);
    h.until(|| raw.closed.load(SeqCst) == 1).await;
    assert_eq!(h.edge().counters().tunnels, 0);
}

#[tokio::test]
async fn limits_hold_for_the_page_too() {
    let h = Harness::with(edge::Limits { burst: 2, ..edge::Limits::default() }).await;
    h.block_customer().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(status(&h.get("one.first.example", "/").await));
    }
    assert_eq!(seen, [403, 403, 429]);
}

#[tokio::test]
async fn undo_notes_are_taken_under_every_name() {
    let h = Harness::new().await;
    h.block_customer().await;
    for host in ["one.first.example", "one.second.example", "nobody.example", "127.0.0.1:8080"] {
        let request = format!(
            "POST /.well-known/portcullis/lift HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 9\r\n\r\ngood note"
        );
        assert_eq!(status(&h.raw(&request).await), 202, "{host}");
    }
}
