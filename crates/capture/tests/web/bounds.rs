use std::io::Read as _;
use std::time::Duration;

use capture::{Closed, NotCaptured, Trust};

use crate::server::{Say, Server, answer};
use crate::{Loopback, at, captured, job, of_kind, run};

fn truncated(captured: &capture::Captured) -> String {
    let head = of_kind(captured, "response").pop().expect("a response").0;
    let line = head.lines().find_map(|line| line.strip_prefix("WARC-Truncated: "));
    line.unwrap_or("whole").to_owned()
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit_and_said_to_be() {
    for framing in ["", "Content-Length: 999999999\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{framing}\r\n<title>Long</title>");
        let server = Server::plain(move |_| Say::Endless(head.clone().into_bytes(), vec![b'a'; 4096])).await;
        let mut job = job(&server.url("/"), &[server.port]);
        job.limits.answer = 100_000;
        let captured = captured(&job).await;
        assert_eq!(truncated(&captured), "length");
        assert_eq!(of_kind(&captured, "response")[0].1.len(), 100_000);
        assert_eq!(at(&captured.result, "/page/title"), "Long", "what came is read");
        assert_eq!(captured.incomplete.len(), 1);
    }
}

#[tokio::test]
async fn endless_chunks_are_cut_too_and_all_redirects_share_one_limit() {
    let endless = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Server::plain(|_| Say::Endless(endless.to_vec(), b"1\r\na\r\n".repeat(100))).await;
    let mut job = job(&server.url("/"), &[server.port]);
    (job.limits.answer, job.limits.all) = (30_000, 30_000);
    let captured = captured(&job).await;
    assert_eq!((truncated(&captured).as_str(), server.heard().len()), ("length", 1));
    assert_eq!(at(&captured.result, "/redirects/0/why"), "no more bytes are taken");
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_time_and_keeps_what_came() {
    let server = Server::plain(|path| match path {
        "/body" => Say::Hang(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nso far".to_vec(),
        ),
        "/head" => Say::Hang(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        _ => Say::Hang(Vec::new()),
    })
    .await;
    let mut job = job(&server.url("/body"), &[server.port]);
    job.limits.exchange = Duration::from_millis(300);
    let body = captured(&job).await;
    assert_eq!((truncated(&body).as_str(), body.text.as_str()), ("time", "so far"));
    job.url = server.url("/head");
    let head = captured(&job).await;
    assert_eq!(truncated(&head), "time");
    assert!(of_kind(&head, "response")[0].1.ends_with(b"Content-"));
    job.url = server.url("/nothing");
    let ended = run(&job, &Loopback, &Trust::mozilla()).await;
    assert!(matches!(ended, Err(NotCaptured::Closed(Closed::Unreachable(_)))), "nothing to keep");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_when_it_unfolds_and_kept_as_it_came() {
    let mut bomb = Vec::new();
    let zeros = std::io::repeat(b'a').take(20_000_000);
    flate2::read::GzEncoder::new(zeros, flate2::Compression::best())
        .read_to_end(&mut bomb)
        .expect("in memory");
    let size = bomb.len();
    let server =
        Server::plain(move |_| answer("200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip", &bomb))
            .await;
    let mut job = job(&server.url("/"), &[server.port]);
    job.limits.decoded = 1_000_000;
    let captured = captured(&job).await;
    assert_eq!(at(&captured.result, "/data/requests/0/response/dataLength"), 1_000_000);
    assert_eq!(at(&captured.result, "/data/requests/0/response/size"), size);
    assert_eq!(truncated(&captured), "whole", "the record has what was sent");
    assert!(captured.incomplete[0].contains("unfolds"), "{:?}", captured.incomplete);
}

#[tokio::test]
async fn a_wrong_length_is_seen() {
    let server = Server::plain(|path| match path {
        "/short" => Say::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nshort".to_vec()),
        "/chunk" => Say::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nchunk\r\n".to_vec()),
        _ => Say::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nlong and more".to_vec()),
    })
    .await;
    for (path, text, cut) in
        [("/short", "short", "disconnect"), ("/chunk", "chunk", "disconnect"), ("/long", "long", "whole")]
    {
        let captured = captured(&job(&server.url(path), &[server.port])).await;
        assert_eq!((captured.text.as_str(), truncated(&captured).as_str()), (text, cut), "{path}");
    }
}

#[tokio::test]
async fn a_flood_of_header_fields_ends_and_is_kept() {
    let server = Server::plain(|path| match path {
        "/many" => Say::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-A: b\r\n".repeat(50)),
        _ => Say::Bytes(
            [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(300), b"\r\nbody".to_vec()].concat(),
        ),
    })
    .await;
    for path in ["/many", "/more"] {
        let captured = captured(&job(&server.url(path), &[server.port])).await;
        assert_eq!(truncated(&captured), "length", "{path}");
        assert!(of_kind(&captured, "response")[0].1.len() <= 2 * 64 * 1024 + 8192, "{path}");
        assert!(captured.incomplete[0].contains("head"), "{:?}", captured.incomplete);
    }
}

#[tokio::test]
async fn what_is_no_http_is_kept_as_it_came() {
    let server = Server::plain(|_| Say::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!(truncated(&captured), "unspecified");
    assert_eq!(of_kind(&captured, "response")[0].1, b"SSH-2.0-OpenSSH_9.2\r\n");
}

#[tokio::test]
async fn interim_answers_do_not_hide_the_answer() {
    let server = Server::plain(|_| {
        Say::Bytes(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                .to_vec(),
        )
    })
    .await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!(at(&captured.result, "/page/status"), "200");
    assert_eq!(at(&captured.result, "/data/requests/0/response/interim/0"), 103);
    assert!(of_kind(&captured, "response")[0].1.starts_with(b"HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_flood_of_interim_answers_is_no_answer() {
    let server = Server::plain(|_| {
        let flood = b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000);
        Say::Bytes([flood, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()].concat())
    })
    .await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!(captured.incomplete.len(), 1, "{:?}", captured.incomplete);
    assert!(captured.result.pointer("/page/status").is_none());
}

#[tokio::test]
async fn a_coding_that_was_not_asked_for_is_kept_and_said() {
    let server = Server::plain(|_| {
        answer("200 OK\r\nContent-Encoding: br\r\nContent-Type: text/html", b"\x0b\x02\x80x\x03")
    })
    .await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert!(captured.incomplete[0].contains("br"), "{:?}", captured.incomplete);
}
