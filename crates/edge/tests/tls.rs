//! TLS with SNI, HTTP/2 and what a connection belongs to.

mod common;

use common::*;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use policy::Scope;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Sender = SendRequest<Full<Bytes>>;

async fn tls(h: &Harness, name: &str, alpn: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(h.root.clone())).expect("root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(h.https).await?;
    let name = ServerName::try_from(name.to_owned()).expect("name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn two(h: &Harness, name: &str) -> (Sender, tokio::task::JoinHandle<hyper::Result<()>>) {
    let stream = tls(h, name, b"h2").await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("h2");
    (sender, tokio::spawn(connection))
}

async fn ask(sender: &mut Sender, host: &str, path: &str) -> hyper::Result<Response<Incoming>> {
    let request = Request::get(format!("https://{host}{path}")).header("accept", "text/html");
    let request = request.body(Full::default()).expect("request");
    timeout(PATIENCE, sender.send_request(request)).await.expect("an answer")
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.expect("body").to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads frames until the stream ends or fails; `true` if it failed.
async fn fails(response: &mut Response<Incoming>) -> bool {
    let read = async {
        loop {
            match response.body_mut().frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return true,
                None => return false,
            }
        }
    };
    timeout(PATIENCE, read).await.expect("the stream ends")
}

#[tokio::test]
async fn each_name_has_its_certificate() {
    let h = Harness::new().await;
    for name in ["one.first.example", "one.second.example", "default.example"] {
        tls(&h, name, b"http/1.1").await.expect(name);
    }
    assert!(
        tls(&h, "elsewhere.example", b"http/1.1").await.is_err(),
        "the default certificate does not name it"
    );
}

#[tokio::test]
async fn http1_over_tls() {
    let h = Harness::new().await;
    let mut visitor = Visitor { stream: tls(&h, "one.first.example", b"http/1.1").await.expect("TLS") };
    visitor.send("GET /x HTTP/1.1\r\nHost: one.first.example\r\nConnection: close\r\n\r\n").await;
    let response = visitor.rest().await;
    assert!(body(&response).contains("x-forwarded-proto: https\n"), "{response}");
    let mut strict = Visitor { stream: tls(&h, "one.first.example", b"http/1.1").await.expect("TLS") };
    strict.send("GET /x HTTP/1.1\nHost: one.first.example\n\n").await;
    assert_eq!(status(&strict.rest().await), 400);
}

#[tokio::test]
async fn http2_proxies() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    let seen = text(ask(&mut sender, "one.first.example", "/a?b").await.expect("answer")).await;
    for line in [
        "GET /a?b\n",
        "host: one.first.example\n",
        "forwarded: for=127.0.0.1;host=one.first.example;proto=https\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    let request = Request::post("https://one.first.example/echo").body(Full::from("hello")).expect("request");
    assert_eq!(text(sender.send_request(request).await.expect("answer")).await, "hello");
    let hop = ask(&mut sender, "one.first.example", "/hop").await.expect("answer");
    assert!(hop.headers().contains_key("x-public") && !hop.headers().contains_key("x-private"));
}

#[tokio::test]
async fn a_connection_belongs_to_the_customer_of_its_name() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    for (host, expect) in
        [("two.first.example", 200), ("one.second.example", 421), ("elsewhere.example", 421)]
    {
        assert_eq!(ask(&mut sender, host, "/").await.expect("answer").status().as_u16(), expect, "{host}");
    }
    let (mut unknown, _) = two(&h, "default.example").await;
    assert_eq!(ask(&mut unknown, "one.first.example", "/").await.expect("answer").status().as_u16(), 421);
}

#[tokio::test]
async fn a_block_ends_streams_and_sends_goaway() {
    let h = Harness::new().await;
    let (mut first, ended) = two(&h, "one.first.example").await;
    let (mut second, second_ended) = two(&h, "one.second.example").await;
    let mut stream = ask(&mut first, "one.first.example", "/stream").await.expect("answer");
    // Nobody reads this one, so it waits for flow control when the block comes.
    let mut flood = ask(&mut first, "one.first.example", "/flood").await.expect("answer");
    let mut stranger = ask(&mut second, "one.second.example", "/stream").await.expect("answer");
    h.block_customer().await;
    assert!(fails(&mut stream).await && fails(&mut flood).await);
    timeout(PATIENCE, ended).await.expect("GOAWAY ends the connection").expect("joined").ok();
    assert!(stranger.body_mut().frame().await.is_some_and(|f| f.is_ok()));
    assert_eq!(ask(&mut second, "one.second.example", "/").await.expect("answer").status(), 200);
    assert!(!second_ended.is_finished());

    let (mut again, ended) = two(&h, "one.first.example").await;
    let page = ask(&mut again, "one.first.example", "/").await.expect("page");
    assert_eq!(page.status(), 403);
    assert!(!page.headers().contains_key("connection"));
    assert!(text(page).await.contains("You did nothing wrong"));
    timeout(PATIENCE, ended).await.expect("GOAWAY after the page").expect("joined").ok();
}

#[tokio::test]
async fn a_narrow_block_leaves_the_other_streams_of_the_connection() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "two.first.example").await;
    let mut blocked = ask(&mut sender, "one.first.example", "/stream").await.expect("answer");
    let mut free = ask(&mut sender, "two.first.example", "/stream").await.expect("answer");
    h.block(vec![measure(Scope::Hostname("one.first.example".into()), &["one.first.example"])]).await;
    assert!(fails(&mut blocked).await);
    for _ in 0..5 {
        assert!(free.body_mut().frame().await.is_some_and(|f| f.is_ok()));
    }
    assert_eq!(ask(&mut sender, "two.first.example", "/").await.expect("answer").status(), 200);
}

#[tokio::test]
async fn tls_stays_valid_for_a_blocked_hostname_that_was_deleted() {
    let h = Harness::new().await;
    h.block_customer().await;
    h.set_sites(&toml(h.origin.address).replace("\"one.first.example\", ", ""));
    let (mut sender, _) = two(&h, "one.first.example").await;
    assert_eq!(ask(&mut sender, "one.first.example", "/").await.expect("page").status(), 403);
}

#[tokio::test]
async fn heads_are_strict_on_http2_too() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    let request = |path: &str, host: Option<&str>| {
        let mut request = Request::get(format!("https://one.first.example{path}"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.body(Full::default()).expect("request")
    };
    for (path, host, expect) in [
        ("/a%2fb", None, 400),
        ("/%2e%2e/b", None, 400),
        ("/", Some("two.first.example"), 400),
        ("/", Some("one.first.example"), 200),
    ] {
        let response = sender.send_request(request(path, host)).await.expect("answer");
        assert_eq!(response.status().as_u16(), expect, "{path} {host:?}");
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_dropped() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    let mut flood = ask(&mut sender, "one.first.example", "/flood").await.expect("answer");
    let mut ticks = ask(&mut sender, "one.first.example", "/stream").await.expect("answer");
    let dropped = async {
        let mut clock = 10;
        // Time moves only while the other stream is read: that one must live on.
        while h.edge().counters().stalled == 0 {
            assert!(ticks.body_mut().frame().await.is_some_and(|f| f.is_ok()));
            clock += 1;
            h.clock.set_mono(clock);
        }
        assert!(ticks.body_mut().frame().await.is_some_and(|f| f.is_ok()));
    };
    timeout(PATIENCE, dropped).await.expect("the stalled stream is dropped");
    assert!(fails(&mut flood).await);
}

/// The same for our own answers: a window of nothing must not keep the connection of a blocked customer open.
#[tokio::test]
async fn a_page_that_nobody_reads_is_dropped() {
    let h = Harness::new().await;
    h.block_customer().await;
    let stream = tls(&h, "one.first.example", b"h2").await.expect("TLS");
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(0);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("h2");
    let connection = tokio::spawn(connection);
    let sender: &mut Sender = &mut sender;
    let mut page = ask(sender, "one.first.example", "/").await.expect("a head");
    assert_eq!(page.status().as_u16(), 403);
    let mut clock = 10;
    h.until(|| {
        clock += 1;
        h.clock.set_mono(clock);
        h.edge().counters().stalled == 1
    })
    .await;
    assert!(fails(&mut page).await);
    timeout(PATIENCE, connection).await.expect("the connection ends").expect("no panic").ok();
}

#[tokio::test]
async fn header_lines_are_counted_on_http2() {
    let h = Harness::new().await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    let mut request = Request::get("https://one.first.example/");
    for i in 0..101 {
        request = request.header(format!("x-{i}"), "1");
    }
    let response =
        sender.send_request(request.body(Full::default()).expect("request")).await.expect("answer");
    assert_eq!(response.status().as_u16(), 431);
}

/// HTTP/2 streams that are reset as soon as the edge has them cost the origin no more than the source may ask anyway.
#[tokio::test]
async fn rapid_resets_stay_within_the_allowance() {
    let h = Harness::with(edge::Limits { burst: 20, ..edge::Limits::default() }).await;
    let (mut sender, _) = two(&h, "one.first.example").await;
    for round in 1..=60 {
        let request = Request::get("https://one.first.example/never").body(Full::default()).expect("request");
        let answer = sender.send_request(request);
        tokio::select! {
            limited = answer => assert_eq!(limited.expect("answer").status().as_u16(), 429),
            () = h.until(|| h.edge().counters().requests >= round && h.edge().counters().limited + 20 >= round) => {}
        }
    }
    h.until(|| h.edge().counters().limited == 40).await;
    assert!(h.origin.requests.load(std::sync::atomic::Ordering::SeqCst) <= 20);
}
