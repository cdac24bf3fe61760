//! Visitors: curl, raw sockets that stay open, and headless Chromium.

use crate::origin::{SOCKET_ACCEPT, SOCKET_KEY};
use crate::process::{DEADLINE, Running, command, eventually, run};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The doors of an edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doors {
    pub(crate) http: u16,
    pub(crate) https: u16,
}

/// How a visitor comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Https,
    Http2,
}

/// All ways of this version.
pub(crate) const WAYS: [Way; 3] = [Way::Http, Way::Https, Way::Http2];

/// An answer as curl saw it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status; 0 when there was no answer.
    pub(crate) status: u16,
    /// `1.1` or `2`.
    pub(crate) version: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The target of a `Link` with this relation.
    pub(crate) fn link(&self, rel: &str) -> Option<String> {
        let wanted = format!("rel=\"{rel}\"");
        let links = self.all("link").join(",");
        let one = links.split(',').find(|one| one.contains(&wanted))?;
        Some(one.split_once('<')?.1.split_once('>')?.0.to_owned())
    }
}

/// GET `http(s)://host/path` at these doors.
pub(crate) fn get(doors: Doors, way: Way, host: &str, path: &str) -> Answer {
    ask(doors, way, host, path, &[])
}

/// The same with more arguments for curl.
pub(crate) fn ask(doors: Doors, way: Way, host: &str, path: &str, more: &[&str]) -> Answer {
    let (scheme, port, version) = match way {
        Way::Http => ("http", doors.http, "--http1.1"),
        Way::Https => ("https", doors.https, "--http1.1"),
        Way::Http2 => ("https", doors.https, "--http2"),
    };
    let mut curl = command("curl");
    curl.args(["--silent", "--insecure", "--max-time", "30", version, "--connect-to"])
        .arg(format!("::127.0.0.1:{port}"))
        .args(more)
        .arg(format!("{scheme}://{host}{path}"));
    fetch(&mut curl)
}

/// Any URL, without a detour.
pub(crate) fn plain(url: &str, more: &[&str]) -> Answer {
    fetch(command("curl").args(["--silent", "--max-time", "30"]).args(more).arg(url))
}

fn fetch(curl: &mut Command) -> Answer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (heads, body) = (folder.path().join("heads"), folder.path().join("body"));
    let done = run(curl
        .arg("--dump-header")
        .arg(&heads)
        .arg("--output")
        .arg(&body)
        .args(["--write-out", "%{http_code} %{http_version}"]));
    let mut words = done.out.split_whitespace();
    let status = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let version = words.next().unwrap_or_default().to_owned();
    // No file: there was no answer, which the status says.
    let read = |path: &Path| fs::read(path).unwrap_or_default();
    let headers = String::from_utf8_lossy(&read(&heads))
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let bytes = read(&body);
    Answer { status, version, headers, body: String::from_utf8_lossy(&bytes).into_owned(), bytes }
}

/// Something that stays open: it counts what arrives and notices when it is cut.
pub(crate) struct Stream {
    what: String,
    bytes: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Stream {
    /// A WebSocket in clear text; the origin's greeting has arrived.
    pub(crate) fn web_socket(doors: Doors, host: &str, path: &str) -> Self {
        let ask = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {SOCKET_KEY}\r\n\r\n"
        );
        let (mut stream, head) = open(doors.http, &ask);
        assert!(head.starts_with("HTTP/1.1 101 "), "no upgrade: {head}");
        assert!(head.contains(SOCKET_ACCEPT), "the origin's proof did not come through: {head}");
        let mut frame = [0; 7];
        stream.read_exact(&mut frame).expect("the origin greets");
        assert_eq!(&frame, b"\x81\x05hello");
        // A client's text frame: final, opcode 1, masked (with zeroes), two bytes. The origin echoes it.
        stream.write_all(b"\x81\x82\0\0\0\0hi").expect("both directions are open");
        let mut echo = [0; 8];
        stream.read_exact(&mut echo).expect("the origin echoes");
        assert_eq!(&echo, b"\x81\x82\0\0\0\0hi");
        Self::watch("WebSocket", stream)
    }

    /// A GET in clear text whose body goes on for minutes; the head has arrived.
    pub(crate) fn body(what: &str, doors: Doors, host: &str, path: &str) -> Self {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (stream, head) = open(doors.http, &ask);
        assert!(head.starts_with("HTTP/1.1 200 "), "{what}: {head}");
        Self::watch(what, stream)
    }

    /// A GET over TLS by curl whose body goes on for minutes; the first bytes have arrived.
    pub(crate) fn body_over_tls(what: &str, doors: Doors, way: Way, host: &str, path: &str) -> Self {
        let version = if way == Way::Http2 { "--http2" } else { "--http1.1" };
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let file = folder.join("body");
        let mut curl = Running::start(
            what,
            command("curl")
                .args(["--silent", "--no-buffer", "--insecure", version, "--connect-to"])
                .arg(format!("::127.0.0.1:{}", doors.https))
                .arg("--output")
                .arg(&file)
                .arg(format!("https://{host}{path}")),
        );
        eventually(&format!("{what} begins"), || {
            assert!(curl.runs(), "{what}: curl ended at once");
            fs::metadata(&file).ok().filter(|it| it.len() > 0)
        });
        let stream = Self::new(what);
        let (bytes, over) = (Arc::clone(&stream.bytes), Arc::clone(&stream.over));
        std::thread::spawn(move || {
            while curl.runs() {
                bytes.store(fs::metadata(&file).map_or(0, |it| it.len()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
            over.store(true, Ordering::Relaxed);
            drop(fs::remove_dir_all(&folder));
        });
        stream
    }

    fn new(what: &str) -> Self {
        Self { what: what.to_owned(), bytes: Arc::default(), over: Arc::default() }
    }

    fn watch(what: &str, mut socket: TcpStream) -> Self {
        let stream = Self::new(what);
        let (bytes, over) = (Arc::clone(&stream.bytes), Arc::clone(&stream.over));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                match socket.read(&mut buffer) {
                    Ok(n) if n > 0 => bytes.fetch_add(n as u64, Ordering::Relaxed),
                    Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                        continue;
                    }
                    Ok(_) | Err(_) => break,
                };
            }
            over.store(true, Ordering::Relaxed);
        });
        stream
    }

    /// Waits until the stream is cut.
    pub(crate) fn is_cut(&self) {
        eventually(&format!("{} is cut", self.what), || self.over.load(Ordering::Relaxed).then_some(()));
    }

    /// Waits until something more has arrived than now.
    pub(crate) fn goes_on(&self) {
        let now = self.bytes.load(Ordering::Relaxed);
        eventually(&format!("{} goes on", self.what), || {
            assert!(!self.over.load(Ordering::Relaxed), "{} was cut", self.what);
            (self.bytes.load(Ordering::Relaxed) > now).then_some(())
        });
    }

    /// Whether nobody has cut it yet.
    pub(crate) fn is_open(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

fn open(port: u16, ask: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the edge listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a positive time");
    stream.write_all(ask.as_bytes()).expect("the edge reads");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        let got = stream.read(&mut byte).expect("the edge answers in time");
        assert_eq!(got, 1, "closed within the head: {}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    (stream, String::from_utf8_lossy(&head).into_owned())
}

/// Headless Chromium with a profile of its own. It leads every name below `localhost` to loopback by itself.
pub(crate) struct Browser {
    profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { profile: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The page as the browser has built it.
    pub(crate) fn dom(&self, url: &str) -> String {
        run(self.command().arg("--dump-dom").arg(url)).ok()
    }

    /// Writes what the browser shows as a PNG file.
    pub(crate) fn screenshot(&self, url: &str, file: &Path) {
        run(self
            .command()
            .arg("--window-size=1000,1400")
            .arg(format!("--screenshot={}", file.display()))
            .arg(url))
        .ok();
        let size = fs::metadata(file).unwrap_or_else(|why| panic!("{}: {why}", file.display())).len();
        assert!(size > 4096, "{} is no picture of a page: {size} bytes", file.display());
    }

    fn command(&self) -> Command {
        let mut chromium = command("chromium");
        chromium
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--ignore-certificate-errors"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()));
        chromium
    }
}
