//! HTTP/1.1 without TLS: proxying, strictness, limits.

mod common;

use common::*;
use edge::Limits;
use policy::Scope;
use std::sync::atomic::Ordering::SeqCst;

#[tokio::test]
async fn proxies_and_says_who_asked() {
    let h = Harness::new().await;
    let response = h
        .raw(
            "GET /a?b=c HTTP/1.1\r\nHost: ONE.first.example.:8080\r\nX-Forwarded-For: 192.0.2.66\r\nForwarded: for=evil\r\n\
             X-Request-Id: mine\r\nConnection: close, x-secret, x-forwarded-proto\r\nX-Secret: 1\r\nTE: trailers\r\nAccept: a\r\n\r\n",
        )
        .await;
    assert_eq!(status(&response), 200, "{response}");
    let seen = body(&response);
    assert!(seen.starts_with("GET /a?b=c\n"), "{seen}");
    for line in [
        "\nhost: one.first.example:8080\n",
        "x-forwarded-for: 127.0.0.1\n",
        "x-forwarded-proto: http\n",
        "x-forwarded-host: one.first.example:8080\n",
        "forwarded: for=127.0.0.1;host=\"one.first.example:8080\";proto=http\n",
        "accept: a\n",
    ] {
        assert_eq!(seen.matches(line).count(), 1, "{line} in {seen}");
    }
    for gone in ["192.0.2.66", "evil", "x-secret", "te:", "mine"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    let id = seen.lines().find_map(|l| l.strip_prefix("x-request-id: ")).expect("id");
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
}

#[tokio::test]
async fn strips_the_origins_hop() {
    let h = Harness::new().await;
    let response = h.get("one.first.example", "/hop").await.to_lowercase();
    assert!(response.contains("x-public: 1"), "{response}");
    for gone in ["x-private", "keep-alive", "proxy-connection"] {
        assert!(!response.contains(gone), "{gone} in {response}");
    }
}

#[tokio::test]
async fn bodies_pass_both_ways() {
    let h = Harness::new().await;
    for framed in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ] {
        let request =
            format!("POST /echo HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n{framed}");
        let response = h.raw(&request).await;
        assert_eq!((status(&response), body(&response)), (200, "hello"), "{response}");
    }
}

#[tokio::test]
async fn head_has_no_body() {
    let h = Harness::new().await;
    let response = h.raw("HEAD /x HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!((status(&response), body(&response)), (200, ""));
}

#[tokio::test]
async fn hosts_that_are_not_ours_get_421() {
    let h = Harness::new().await;
    for host in ["elsewhere.example", "first.example", "127.0.0.1"] {
        assert_eq!(status(&h.get(host, "/").await), 421, "{host}");
    }
    assert_eq!(h.edge().counters().misdirected, 3);
    assert_eq!(h.origin.requests.load(SeqCst), 0);
}

#[tokio::test]
async fn ambiguous_bytes_never_reach_the_origin() {
    let h = Harness::new().await;
    let ok = "GET / HTTP/1.1\r\nHost: one.first.example\r\n";
    for bad in [
        format!("{ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{ok}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        format!("{ok}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        format!("{ok}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        format!("{ok}Transfer-Encoding: xchunked\r\n\r\n"),
        format!("{ok}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        "GET / HTTP/1.1\nHost: one.first.example\n\n".into(),
        "GET / HTTP/1.1\r\nHost: one.first.example\n\r\n".into(),
        format!("{ok}X: a\r\n folded\r\n\r\n"),
        format!("{ok}X: a\r\n\tfolded\r\n\r\n"),
        format!("{ok}Host: one.first.example\r\n\r\n"),
        format!("{ok}X: a\0b\r\n\r\n"),
        format!("{ok}X: a\rb\r\n\r\n"),
        "GET / HTTP/1.1\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: \r\n\r\n".into(),
        "GET / HTTP/1.0\r\nHost: one.first.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        "GET http://two.first.example/ HTTP/1.1\r\nHost: one.first.example\r\n\r\n".into(),
        "GET http://a@one.first.example/ HTTP/1.1\r\nHost: one.first.example\r\n\r\n".into(),
        "GET /%2e%2e/x HTTP/1.1\r\nHost: one.first.example\r\n\r\n".into(),
        "GET /a%2fb HTTP/1.1\r\nHost: one.first.example\r\n\r\n".into(),
        "GET / HTTP/9.9\r\nHost: one.first.example\r\n\r\n".into(),
        " GET / HTTP/1.1\r\nHost: one.first.example\r\n\r\n".into(),
    ] {
        let response = h.raw(&bad).await;
        assert_eq!(status(&response), 400, "{bad:?}: {response:?}");
    }
    for method in ["TRACE", "CONNECT"] {
        let target = if method == "CONNECT" { "one.first.example:80" } else { "/" };
        let response =
            h.raw(&format!("{method} {target} HTTP/1.1\r\nHost: one.first.example:80\r\n\r\n")).await;
        assert_eq!(status(&response), 405, "{response}");
    }
    assert_eq!(h.origin.requests.load(SeqCst), 0);
}

#[tokio::test]
async fn a_second_request_that_is_ambiguous_is_refused_too() {
    let h = Harness::new().await;
    let ok = "GET / HTTP/1.1\r\nHost: one.first.example\r\n";
    let response =
        h.raw(&format!("{ok}\r\n{ok}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).await;
    assert_eq!(response.matches("HTTP/1.1 200").count(), 1, "{response}");
    assert_eq!(response.matches("HTTP/1.1 400").count(), 1, "{response}");
    assert_eq!(h.origin.requests.load(SeqCst), 1);
}

#[tokio::test]
async fn connections_to_the_origin_are_used_again() {
    let h = Harness::new().await;
    let mut visitor = Visitor::clear(h.http).await;
    for _ in 0..5 {
        visitor.send("GET /x HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
        visitor.until("forwarded: for=127.0.0.1;host=one.first.example;proto=http").await;
    }
    assert_eq!(h.origin.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn a_dead_kept_connection_is_tried_again_once() {
    let h = Harness::new().await;
    let mut visitor = Visitor::clear(h.http).await;
    visitor.send("GET /x HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    visitor.until("proto=http").await;
    // The kept connection dies under this request, the new one too: one retry, then 502.
    visitor.send("GET /die HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n\r\n").await;
    let response = visitor.rest().await;
    assert_eq!(status(&response), 502, "{response}");
    assert_eq!(h.origin.requests.load(SeqCst), 3);
    assert_eq!(h.edge().counters().retried, 1);
    assert!(response.contains("x-request-id: "));
}

#[tokio::test]
async fn a_request_with_a_body_is_never_sent_twice() {
    let h = Harness::new().await;
    let mut visitor = Visitor::clear(h.http).await;
    visitor.send("GET /x HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    visitor.until("proto=http").await;
    visitor.send("POST /die HTTP/1.1\r\nHost: one.first.example\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx").await;
    assert_eq!(status(&visitor.rest().await), 502);
    assert_eq!(h.origin.requests.load(SeqCst), 2);
}

/// An upload that goes on after its answer would keep its connection from the next request, and would outlive a block.
#[tokio::test]
async fn an_upload_ends_with_its_answer() {
    let h = Harness::new().await;
    let raw = RawOrigin::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    h.set_sites(&toml(raw.address));
    let mut slow = Visitor::clear(h.http).await;
    slow.send("POST /up HTTP/1.1\r\nHost: one.first.example\r\nContent-Length: 1000000\r\n\r\na").await;
    slow.until("ok").await;
    h.until(|| raw.closed.load(SeqCst) == 1).await;
    // One visitor, so that one worker's pool is asked.
    let mut visitor = Visitor::clear(h.http).await;
    for _ in 0..3 {
        visitor.send("GET / HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
        visitor.until("ok").await;
    }
    assert_eq!(raw.opened.load(SeqCst), 2, "what ended well is used again");
    visitor.send("GET / HTTP/1.1\r\nHost: one.second.example\r\n\r\n").await;
    visitor.until("ok").await;
    assert_eq!(raw.opened.load(SeqCst), 3, "two customers with one origin share no connection");
}

#[tokio::test]
async fn a_bad_or_slow_upload_is_the_visitors_fault() {
    let limits = Limits {
        body_idle: std::time::Duration::from_millis(1),
        body_rate: 1_000_000_000,
        ..Limits::default()
    };
    let h = Harness::new().await;
    let post = "POST /echo HTTP/1.1\r\nHost: one.first.example\r\n";
    for chunks in ["3;x\r\nabc\r\n0\r\n\r\n", "3\r\nabcd", "11111111111111111\r\n"] {
        let response = h.raw(&format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunks}")).await;
        assert_eq!(status(&response), 400, "{chunks}: {response}");
    }
    assert_eq!(h.edge().counters().origin_failed, 0);
    let h = Harness::with(limits).await;
    let mut slow = Visitor::clear(h.http).await;
    slow.send(&format!("{post}Content-Length: 1000000\r\nConnection: close\r\n\r\n")).await;
    let (mut read, mut write) = slow.stream.split();
    let mut answer = [0; 12];
    tokio::select! {
        end = tokio::io::AsyncReadExt::read_exact(&mut read, &mut answer) => { end.expect("an answer"); }
        () = async { while tokio::io::AsyncWriteExt::write_all(&mut write, b"a").await.is_ok() {} std::future::pending().await } => {}
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn interim_answers_have_an_end() {
    const EARLY: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let h = Harness::new().await;
    for (many, expect) in [(3, 200), (17, 502)] {
        let answer = format!("{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", EARLY.repeat(many));
        let raw = RawOrigin::start(&answer).await;
        h.set_sites(&toml(raw.address));
        assert_eq!(status(&h.get("one.first.example", "/").await), expect, "{many}");
    }
}

#[tokio::test]
async fn what_proxies_say_is_said_by_us_alone() {
    let h = Harness::new().await;
    let lines = "X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-Prefix: /x\r\nX-Original-URL: /admin\r\nTransfer_Encoding: chunked\r\n";
    let shown = h
        .raw(&format!("GET /x HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n{lines}\r\n"))
        .await;
    assert_eq!(status(&shown), 200);
    for word in ["6.6.6.6", "prefix", "original", "transfer"] {
        assert!(!body(&shown).to_lowercase().contains(word), "{word}: {shown}");
    }
}

#[tokio::test]
async fn an_origin_does_not_tell_where_it_is() {
    let h = Harness::new().await;
    let raw = RawOrigin::start("").await;
    let said = format!(
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nServer: x (origin-7.internal)\r\nVia: 1.1 origin-7\r\n\
         Alt-Svc: h2=\"{0}\"\r\nLocation: http://{0}/next?a=b\r\nContent-Location: https://elsewhere.example/\r\n\r\n",
        raw.address
    );
    raw.say(said);
    h.set_sites(&toml(raw.address));
    let answer = h.get("one.first.example", "/").await;
    assert!(answer.contains("location: http://one.first.example/next?a=b\r\n"), "{answer}");
    assert!(answer.contains("content-location: https://elsewhere.example/\r\n"), "{answer}");
    for word in ["origin-7", "alt-svc", &raw.address.to_string()] {
        assert!(!answer.contains(word), "{word}: {answer}");
    }
    raw.say(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
            .into(),
    );
    assert_eq!(status(&h.get("one.first.example", "/").await), 502, "framed in two ways");
}

#[tokio::test]
async fn connections_to_origins_are_bounded() {
    // The clock of these tests stands still, so the rate must not end the last loop.
    let (rate, burst) = (1_000_000, 1_000_000);
    let limits =
        Limits { connections_per_origin: 2, exchanges_per_source: 3, rate, burst, ..Limits::default() };
    let h = Harness::with(limits).await;
    let never = "GET /never HTTP/1.1\r\nHost: one.first.example\r\n\r\n";
    let mut waiting = Vec::new();
    for n in 1..=2 {
        let mut visitor = Visitor::clear(h.http).await;
        visitor.send(never).await;
        waiting.push(visitor);
        h.until(|| h.origin.requests.load(SeqCst) == n).await;
    }
    assert_eq!(status(&h.get("one.first.example", "/").await), 503, "the customer's origin has its two");
    assert_eq!(status(&h.get("one.second.example", "/").await), 200, "another customer's has not");
    let mut third = Visitor::clear(h.http).await;
    third.send(&never.replace("first", "second")).await;
    h.until(|| h.origin.requests.load(SeqCst) == 4).await;
    assert_eq!(status(&h.get("one.second.example", "/").await), 429, "the source has its three");
    drop((waiting, third));
    let mut freed = 0;
    while freed != 200 {
        freed = status(&h.get("one.first.example", "/").await);
        assert!([200, 429, 503].contains(&freed), "{freed}");
    }
}

#[tokio::test]
async fn what_stands_behind_a_page_is_never_an_origins_to_say() {
    let h = Harness::new().await;
    for path in
        ["/.well-known/portcullis/decision", "/.well-known/portcullis/post", "/.well-known/portcullis/lift"]
    {
        assert_eq!(status(&h.get("one.first.example", path).await), 404, "{path}");
    }
    assert_eq!(h.origin.requests.load(SeqCst), 0);
}

#[tokio::test]
async fn refusals_cost_the_source_too() {
    let h = Harness::with(Limits { burst: 2, ..Limits::default() }).await;
    let mut seen = Vec::new();
    for host in ["nobody.example", "nobody.example", "nobody.example", "one.first.example"] {
        seen.push(status(&h.get(host, "/").await));
    }
    assert_eq!(seen, [421, 421, 429, 429]);
}

#[tokio::test]
async fn origins_that_fail_or_wait_are_502_and_504() {
    let h =
        Harness::with(Limits { first_byte: std::time::Duration::from_millis(50), ..Limits::default() }).await;
    assert_eq!(status(&h.get("one.first.example", "/never").await), 504);
    h.set_sites(&toml("127.0.0.1:1".parse().expect("address")));
    assert_eq!(status(&h.get("one.first.example", "/").await), 502);
    assert_eq!(h.edge().counters().origin_failed, 2);
}

#[tokio::test]
async fn the_next_origin_is_tried() {
    let h = Harness::new().await;
    let both = format!("\"127.0.0.1:1\", \"{}\"", h.origin.address);
    h.set_sites(&toml(h.origin.address).replace(&format!("\"{}\"", h.origin.address), &both));
    for _ in 0..4 {
        assert_eq!(status(&h.get("one.first.example", "/").await), 200);
    }
}

#[tokio::test]
async fn limits_hold() {
    let limits = Limits { burst: 3, body_bytes: 10, connections_per_source: 2, ..Limits::default() };
    let h = Harness::with(limits).await;
    let big = "POST /echo HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n";
    assert_eq!(status(&h.raw(&format!("{big}Content-Length: 11\r\n\r\n01234567890")).await), 413);
    let chunked = format!("{big}Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n");
    assert_eq!(status(&h.raw(&chunked).await), 413);
    assert_eq!(status(&h.get("one.first.example", "/").await), 200);
    let limited = h.get("one.first.example", "/").await;
    assert_eq!(status(&limited), 429);
    assert!(limited.contains("retry-after: 1\r\n"), "{limited}");
    h.clock.set_mono(11);
    assert_eq!(status(&h.get("one.first.example", "/").await), 200);

    let (mut a, mut b) = (Visitor::clear(h.http).await, Visitor::clear(h.http).await);
    a.send("GET /stream HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    a.until("tick").await;
    b.send("GET /stream HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    b.until("tick").await;
    assert_eq!(Visitor::clear(h.http).await.rest().await, "", "the third is closed");
    assert_eq!(h.edge().counters().connections_refused, 1);
}

#[tokio::test]
async fn heads_are_bounded_in_size_count_and_time() {
    let h = Harness::with(Limits { head: std::time::Duration::from_millis(100), ..Limits::default() }).await;
    let ok = "GET / HTTP/1.1\r\nHost: one.first.example\r\n";
    assert_eq!(status(&h.raw(&format!("{ok}{}\r\n", "A: b\r\n".repeat(101))).await), 431);
    assert_eq!(status(&h.raw(&format!("{ok}A: {}\r\n\r\n", "x".repeat(70_000))).await), 400, "too large");
    assert_eq!(h.raw("").await, "", "a connection that says nothing ends");
    assert_eq!(h.raw(&format!("{ok}X: ")).await, "", "a head that does not end ends the connection");
    assert_eq!(h.origin.requests.load(SeqCst), 0);
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let h = Harness::new().await;
    let mut visitor = Visitor::clear(h.http).await;
    visitor.send("GET /x HTTP/1.1\r\nHost: one.first.example\r\n\r\n").await;
    visitor.until("proto=http").await;
    h.clock.set_mono(100);
    assert_eq!(visitor.rest().await, "");
}

#[tokio::test]
async fn undo_notes_are_taken_on_any_hostname() {
    let h = Harness::new().await;
    let post = |body: &str| {
        format!(
            "POST /.well-known/portcullis/lift HTTP/1.1\r\nHost: one.second.example\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let good = h.raw(&post("good note")).await;
    assert_eq!(status(&good), 202, "{good}");
    assert!(good.contains("application/problem+json") && good.contains("lifted imp-1"));
    assert_eq!(status(&h.raw(&post("bad note")).await), 422);
    assert_eq!(status(&h.raw(&post(&"x".repeat(4097))).await), 413);
    assert_eq!(h.origin.requests.load(SeqCst), 0);
    assert_eq!((h.edge().counters().undone, h.edge().counters().undo_refused), (1, 1));
}

#[tokio::test]
async fn a_new_log_key_is_taken_and_the_checkpoint_shown_on_any_hostname() {
    let h = Harness::new().await;
    let ask = |method: &str, path: &str, body: &str| {
        format!(
            "{method} /.well-known/portcullis/{path} HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    // A policy of many people is longer than a lift may be, and has a bound too.
    for (length, want) in [(60_000, 202), (9, 422), (70_000, 413)] {
        let answer = h.raw(&ask("POST", "log-key", &"x".repeat(length))).await;
        assert_eq!(status(&answer), want, "{length}: {answer}");
    }
    let shown = h.raw(&ask("GET", "checkpoint", "")).await;
    assert_eq!(status(&shown), 200);
    assert!(shown.ends_with("a checkpoint") && shown.contains("no-store"), "{shown}");
    // Everything else there is a path like any other: of a hostname that nobody serves.
    for (method, path) in [("GET", "log-key"), ("POST", "checkpoint"), ("GET", "lift"), ("GET", "log-keys")] {
        assert_eq!(status(&h.raw(&ask(method, path, "")).await), 421, "{method} {path}");
    }
    assert_eq!(h.origin.requests.load(SeqCst), 0);
}

#[tokio::test]
async fn shutdown_lets_what_runs_end() {
    let mut h = Harness::new().await;
    assert_eq!(status(&h.get("one.first.example", "/").await), 200);
    let edge = h.edge.take().expect("runs");
    tokio::task::spawn_blocking(move || edge.shutdown()).await.expect("joined").expect("ended");
    assert!(tokio::net::TcpStream::connect(h.http).await.is_err());
}

#[tokio::test]
async fn a_bad_sites_file_changes_nothing() {
    let h = Harness::new().await;
    let missing = toml(h.origin.address).replace("first.pem", "missing.pem");
    let error = h.try_sites(&missing).expect_err("no such certificate");
    assert!(error.to_string().contains("missing.pem"), "{error}");
    let swapped = toml(h.origin.address).replace("first.key", "second.key");
    assert!(h.try_sites(&swapped).is_err(), "a key of another certificate");
    assert_eq!(status(&h.get("one.first.example", "/").await), 200);
}

#[tokio::test]
async fn what_moved_is_remembered_over_a_restart() {
    let mut h = Harness::new().await;
    let moved = toml(h.origin.address).replace("\"one.second.example\"", "\"new.second.example\"");
    let moved = moved.replace("\"two.first.example\"", "\"one.second.example\"");
    h.set_sites(&moved);
    h.restart(&moved);
    h.block(vec![measure(Scope::Customer, &[])]).await;
    assert_eq!(status(&h.get("one.first.example", "/").await), 403);
    assert_eq!(status(&h.get("one.second.example", "/").await), 200, "it was another customer's an hour ago");
    h.damage_state();
    assert!(h.try_restart(&moved).is_err_and(|e| e.to_string().contains("is damaged")));
}
