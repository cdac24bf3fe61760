//! `portcullis capture` as a person calls it: without a home, against a server of one page.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Shop</title>\
    <form id=login method=post action=/in><input type=password name=pass required></form><p>words of strangers";

/// Serves one page for ever, and says where.
fn server(answer: &'static str) -> u16 {
    serve(Some(answer)).0
}

/// Serves one page, or silence; says where, and each time that it was asked.
fn serve(answer: Option<&'static str>) -> (u16, Receiver<()>) {
    let (asked, heard) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            drop(lines);
            // Most tests do not listen.
            asked.send(()).unwrap_or_default();
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).expect("somebody listens"),
                None => held.push(stream),
            }
        }
    });
    (port, heard)
}

fn command(home: &Path, port: u16, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let port = port.to_string();
    command.args(["capture", "--port", &port, "--allow-address", "127.0.0.1/32"]).args(more);
    command.env_clear().current_dir(home);
    command
}

fn run(home: &Path, port: u16, more: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(home, port, more).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_summary_says_what_was_there_and_keeps_the_text_to_itself() {
    let home = tempfile::tempdir().expect("a directory");
    let port = server(PAGE);
    let url = format!("http://shop.example:{port}/");
    let place = format!("shop.example:{port}:127.0.0.1");
    let (code, said, noted) = run(home.path(), port, &[&url, "--out", "a", "--resolve", &place]);
    assert_eq!(code, Some(0), "{noted}");
    for part in [
        &*url,
        "127.0.0.1",
        "200 text/html",
        "Shop",
        "login (post",
        "password pass, required",
        "sha256",
        "ALLOWED",
    ] {
        assert!(said.contains(part), "{part:?} is missing in\n{said}");
    }
    assert!(!said.contains("words of strangers"), "{said}");
    let (_, said, _) = run(home.path(), port, &[&url, "--out", "b", "--resolve", &place, "--text"]);
    assert!(said.contains("words of strangers"));
    let (_, said, _) = run(home.path(), port, &[&url, "--out", "c", "--resolve", &place, "--json"]);
    let result: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(result["page"]["title"], "Shop");
    let names: Vec<_> = std::fs::read_dir(home.path()).expect("there").collect();
    assert_eq!(names.len(), 3, "nothing else is written: {names:?}");
}

#[test]
fn each_failure_has_its_code_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let port = server(PAGE);
    std::fs::create_dir(home.path().join("taken")).expect("made");
    std::fs::write(home.path().join("taken/mine"), "kept").expect("written");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let own = format!("http://127.0.0.1:{port}/");
    let gone = format!("http://127.0.0.1:{closed}/");
    let private = format!("http://127.0.0.2:{port}/");
    for (url, out, port, code) in [
        (&*own, "taken", port, 73),
        (&*gone, "out", closed, 69),
        (&*private, "out", port, 77),
        ("http://127.0.0.1:1/", "out", port, 77),
        ("ftp://x.example/", "out", port, 65),
    ] {
        let (ended, said, noted) = run(home.path(), port, &[url, "--out", out]);
        assert_eq!((ended, said.as_str()), (Some(code), ""), "{url}: {noted}");
        assert!(noted.contains("next:"), "{url}: {noted}");
    }
    assert_eq!(std::fs::read_dir(home.path()).expect("there").count(), 1);
    let moved = server("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n");
    let (code, said, _) = run(home.path(), moved, &[&format!("http://127.0.0.1:{moved}/"), "--out", "part"]);
    assert_eq!(code, Some(1), "kept, but not the page");
    assert!(said.contains("INCOMPLETE http://10.0.0.1/ was not asked"), "{said}");
}

#[test]
fn killed_on_the_way_it_leaves_nothing_that_looks_whole() {
    let home = tempfile::tempdir().expect("a directory");
    let (port, heard) = serve(None);
    let url = format!("http://127.0.0.1:{port}/");
    let mut started = command(home.path(), port, &[&url, "--out", "out"]);
    let mut child = started.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    heard.recv_timeout(Duration::from_secs(30)).expect("it asks");
    child.kill().expect("killed");
    assert!(!child.wait().expect("ended").success());
    assert_eq!(std::fs::read_dir(home.path()).expect("there").count(), 0);
}
