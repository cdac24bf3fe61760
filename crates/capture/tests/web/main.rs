//! Captures of pages of our own, served over loopback by servers that do what hostile ones do.

mod addresses;
mod bounds;
mod readers;
mod record;
mod redirects;
mod server;
mod tls;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use capture::{Allowed, Answer, Captured, Doors, Job, Limits, NotCaptured, Resolve, Trust};
use serde_json::Value;

/// 2022-09-03T23:15:00Z.
const NOW: u64 = 1_662_246_900_000;

/// Every name is this machine.
struct Loopback;

impl Resolve for Loopback {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Answer<'a> {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

/// Answers differently each time, as a rebinding name server does, and counts.
struct InTurn(Vec<Vec<IpAddr>>, AtomicUsize);

impl InTurn {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |text: &&str| text.parse().expect("an address");
        Self(answers.iter().map(|it| it.iter().map(parse).collect()).collect(), AtomicUsize::new(0))
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl Resolve for InTurn {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Answer<'a> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.get(turn.min(self.0.len() - 1)).cloned();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A capture of `url` that may speak to 127.0.0.1 on `ports`, and to nothing else of this machine.
fn job(url: &str, ports: &[u16]) -> Job {
    Job {
        url: url.to_owned(),
        id: *b"0123456789abcdef",
        now: NOW,
        software: "portcullis/test".into(),
        user_agent: "portcullis-test".into(),
        how: "manual".into(),
        from_country: Some("DE".into()),
        allowed: Allowed { networks: vec!["127.0.0.1/32".parse().expect("a net")], ports: ports.to_vec() },
        limits: Limits::default(),
    }
}

async fn run(job: &Job, resolver: &dyn Resolve, trust: &Trust) -> Result<Captured, NotCaptured> {
    capture::capture(job, &Doors { resolver, trust, countries: None }).await
}

async fn captured(job: &Job) -> Captured {
    run(job, &Loopback, &Trust::mozilla()).await.expect("something to keep")
}

/// A value of a result by its JSON pointer.
fn at<'a>(result: &'a Value, pointer: &str) -> &'a Value {
    result.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing in {result:#}"))
}

/// A file of a capture.
fn file<'a>(captured: &'a Captured, name: &str) -> &'a [u8] {
    let found = captured.files.iter().find(|(it, _)| *it == name);
    &found.unwrap_or_else(|| panic!("no {name}")).1
}

/// The records of the archive, each with head and block, read by nothing of ours but gzip.
fn records(captured: &Captured) -> Vec<(String, Vec<u8>)> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(file(captured, capture::WARC)).read_to_end(&mut bytes).expect("gzip");
    let (mut rest, mut records) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let end = rest.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8(rest[..end].to_vec()).expect("text");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
        let length: usize = length.parse().expect("a number");
        records.push((head, rest[end..end + length].to_vec()));
        assert_eq!(&rest[end + length..end + length + 4], b"\r\n\r\n");
        rest = &rest[end + length + 4..];
    }
    records
}

/// Heads and blocks of the records of one kind.
fn of_kind(captured: &Captured, kind: &str) -> Vec<(String, Vec<u8>)> {
    let line = format!("\r\nWARC-Type: {kind}\r\n");
    records(captured).into_iter().filter(|(head, _)| head.contains(&line)).collect()
}
