//! Archives as readers of others see them. `scripts/warc.sh` installs those into target/ the first time, and says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::server::{Say, Server, answer};
use crate::{captured, file, job};

fn show(files: &[PathBuf]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/warc.sh");
    Command::new(script).args(files).output().expect("a shell")
}

#[tokio::test]
async fn three_readers_of_others_accept_every_kind_of_archive_and_no_changed_one() {
    let server = Server::plain(|path| match path {
        "/moved" => answer("302 Found\r\nLocation: /chunked", b"moved"),
        "/chunked" => Say::Bytes(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<p>x\r\n0\r\n\r\n".to_vec(),
        ),
        "/endless" => Say::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 1000]),
        "/slow" => Say::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow".to_vec()),
        "/head" => Say::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-A: b\r\n".repeat(100)),
        "/half" => Say::Hang(b"HTTP/1.1 200 OK\r\nX-A".to_vec()),
        "/hints" => Say::Bytes(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 204 None\r\n\r\n".to_vec()),
        "/empty" => answer("200 OK", b""),
        _ => Say::Bytes(b"SSH-2.0-x\r\n".to_vec()),
    })
    .await;
    let home = tempfile::tempdir().expect("a directory");
    let mut files = Vec::new();
    for name in ["moved", "endless", "slow", "head", "half", "hints", "empty", "other"] {
        let mut job = job(&server.url(&format!("/{name}")), &[server.port]);
        job.limits.exchange = Duration::from_millis(500);
        job.limits.answer = 200_000;
        let captured = captured(&job).await;
        files.push(home.path().join(format!("{name}.warc.gz")));
        std::fs::write(&files[files.len() - 1], file(&captured, capture::WARC)).expect("written");
    }
    let shown = show(&files);
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success(), "{said}\n{}", String::from_utf8_lossy(&shown.stderr));
    assert_eq!(said.matches("response ").count(), 9, "{said}");
    assert_eq!(said.matches(" length\n").count(), 2, "{said}");
    // One letter of a text that is stored as it is.
    let changed = home.path().join("changed.warc.gz");
    let mut bytes = Vec::new();
    let good = std::fs::read(&files[0]).expect("there");
    let mut reader = flate2::read::MultiGzDecoder::new(&*good);
    std::io::Read::read_to_end(&mut reader, &mut bytes).expect("gzip");
    let text = String::from_utf8(bytes).expect("text").replace("moved\r\n\r\nWARC", "mOved\r\n\r\nWARC");
    // Members again, one for each record.
    let mut starts: Vec<usize> = text.match_indices("WARC/1.1\r\n").map(|(at, _)| at).collect();
    starts.push(text.len());
    let mut packed = Vec::new();
    for pair in starts.windows(2) {
        let member = &text.as_bytes()[pair[0]..pair[1]];
        let mut encoder = flate2::read::GzEncoder::new(member, flate2::Compression::default());
        std::io::Read::read_to_end(&mut encoder, &mut packed).expect("in memory");
    }
    std::fs::write(&changed, packed).expect("written");
    assert!(!show(&[changed]).status.success(), "a changed body is noticed");
}
