//! Visitors of the drill: what they see, and connections they hold open.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::exit::{Exit, Failure, Result};

/// A connection whose answer goes on.
pub(super) struct Stream {
    /// Ends when the connection does.
    reader: JoinHandle<()>,
}

impl Stream {
    /// Opens it, and returns when the first bytes of the answer's body (or the upgrade) have come.
    pub(super) async fn open(port: u16, host: &str, path: &str) -> Result<Self> {
        let failed = |what: &str| Failure::new(Exit::Failed, format!("{path} on {host}: {what}"));
        let mut connection =
            TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| failed(&e.to_string()))?;
        // The key is the RFC's own example (RFC 6455 section 1.3).
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let more = if path == "/ws" { upgrade } else { "" };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{more}\r\n");
        connection.write_all(request.as_bytes()).await.map_err(|e| failed(&e.to_string()))?;
        let mut seen = Vec::new();
        let begun = async {
            while !begins(path, &seen) {
                match connection.read_buf(&mut seen).await {
                    Ok(0) => return Err(failed("closed before it began")),
                    Ok(_) => {}
                    Err(e) => return Err(failed(&e.to_string())),
                }
            }
            Ok(())
        };
        timeout(super::PATIENCE, begun).await.map_err(|_| failed("did not begin"))??;
        let reader = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            // A reset is as much an end as a close.
            while connection.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
        });
        Ok(Self { reader })
    }

    /// Whether it ends within this time.
    pub(super) async fn ends_within(&mut self, time: Duration) -> bool {
        self.reader.is_finished() || timeout(time, &mut self.reader).await.is_ok()
    }
}

/// Whether the answer has begun: a 101, or a 200 with the first of its body.
fn begins(path: &str, seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if path == "/ws" {
        head.starts_with("HTTP/1.1 101")
    } else {
        head.starts_with("HTTP/1.1 200") && !body.is_empty()
    }
}
