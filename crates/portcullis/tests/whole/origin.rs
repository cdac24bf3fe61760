//! Origins: a stock nginx with pages, a download and an event stream that both last for minutes, and a WebSocket.

use crate::process::{Running, command, eventually, free_ports};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// Stock nginx with a configuration of its own.
pub(crate) struct Nginx {
    _running: Running,
    pub(crate) port: u16,
}

/// Bytes of the download. At the rate below it lasts 17 minutes, longer than any test.
const DOWNLOAD: u64 = 64 << 20;
/// Events in the stream: 20 bytes each, at the rate below 34 minutes.
const EVENTS: u32 = 100_000;

impl Nginx {
    /// Starts nginx in `folder`; `name` stands in every page it serves.
    pub(crate) fn start(folder: &Path, name: &str) -> Self {
        let port = free_ports(1)[0];
        let home = folder.join(format!("nginx-{name}"));
        let root = home.join("root");
        fs::create_dir_all(&root).expect("a folder of the test's own");
        fs::write(root.join("index.html"), format!("<!doctype html><title>{name}</title><p>origin {name}\n"))
            .expect("a folder of the test's own");
        let download = fs::File::create(root.join("download")).expect("a folder of the test's own");
        download.set_len(DOWNLOAD).expect("a sparse file");
        let events: String = (0..EVENTS).map(|i| format!("data: event {i:05}\n\n")).collect();
        fs::write(root.join("events"), events).expect("a folder of the test's own");
        let conf = home.join("nginx.conf");
        fs::write(&conf, config(&home, port)).expect("a folder of the test's own");
        let log = home.join("error.log");
        let running = Running::start(
            &format!("nginx {name}"),
            command("nginx").arg("-e").arg(&log).arg("-p").arg(&home).arg("-c").arg(&conf),
        );
        eventually("nginx listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { _running: running, port }
    }
}

/// One process without a master, so that killing it leaves nothing behind.
fn config(home: &Path, port: u16) -> String {
    let home = home.display();
    format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log {home}/access.log; default_type text/html; keepalive_timeout 300;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{
    listen 127.0.0.1:{port};
    root {home}/root;
    location = /events {{ default_type text/event-stream; limit_rate 1k; }}
    location = /download {{ default_type application/octet-stream; limit_rate 64k; }}
    location = /seen {{ default_type text/plain;
      return 200 \"host=$host forwarded=$http_forwarded for=$http_x_forwarded_for proto=$http_x_forwarded_proto hop=$http_x_hop\\n\"; }}
  }}
}}
"
    )
}

/// An origin whose WebSocket says a text frame, echoes what it gets, and then holds the line open.
///
/// The edge must not care about the content, so the handshake's proof is what a client of ours can check: the header.
pub(crate) struct WebSocketOrigin {
    pub(crate) port: u16,
}

impl WebSocketOrigin {
    /// Serves from a thread until the test process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("bound").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || serve_socket(stream));
            }
        });
        Self { port }
    }
}

/// The key of RFC 6455 section 1.3 and its accept value, so that no hash is needed here: the visitor sends this key.
pub(crate) const SOCKET_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What answers [`SOCKET_KEY`].
pub(crate) const SOCKET_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// `true` when the connection was an upgrade that was held until the other side closed it.
fn serve_socket(mut stream: TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return false;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    if !head.contains("upgrade: websocket") || !head.contains(&SOCKET_KEY.to_lowercase()) {
        let page = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 7\r\nconnection: close\r\n\r\nsocket\n";
        return stream.write_all(page.as_bytes()).is_err();
    }
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {SOCKET_ACCEPT}\r\n\r\n"
    );
    // A server's text frame: final, opcode 1, five bytes, no mask (RFC 6455 section 5.2).
    if stream.write_all(answer.as_bytes()).is_err() || stream.write_all(b"\x81\x05hello").is_err() {
        return false;
    }
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return true,
            Ok(n) if stream.write_all(&buffer[..n]).is_err() => return true,
            Ok(_) => {}
        }
    }
}
