//! Bounds the interim answers (1xx) of an origin. hyper reads over them in silence and without end, so an origin that
//! never stops sending them would keep a worker busy for as long as the first byte may take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Interim answers before the final one. Real origins send one 100 and perhaps two 103.
const MOST: u8 = 16;
/// Bytes of all of them together: as many as one head may have.
const BYTES: usize = 64 * 1024;
/// `HTTP/1.1 103`
const STATUS: usize = 12;

/// Set when a request goes out; from then on heads are looked at until the final one begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expecting(Arc<AtomicBool>);

impl Expecting {
    /// A request goes out.
    pub(crate) fn begin(&self) {
        self.0.store(true, Relaxed);
    }
}

/// What the bytes of an answer are so far.
#[derive(Debug, Default)]
pub struct Heads {
    looking: bool,
    status: [u8; STATUS],
    have: usize,
    newline: bool,
    seen: u8,
    bytes: usize,
}

impl Heads {
    /// Before the first byte of an answer.
    pub fn begin() -> Self {
        Self { looking: true, ..Self::default() }
    }

    /// Whether the final head has not begun yet, so that there is something to look at.
    pub fn looks(&self) -> bool {
        self.looking
    }

    /// Reads the next bytes; `false` when there are too many interim answers.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        for &byte in bytes {
            if self.have < STATUS {
                self.status[self.have] = byte;
                self.have += 1;
                if self.have == STATUS && !self.is_interim() {
                    *self = Self::default();
                    return true;
                }
                continue;
            }
            self.bytes += 1;
            // The end of a head: hyper takes bare line ends from origins, so they count here too.
            match byte {
                b'\n' if self.newline => {
                    (self.have, self.newline) = (0, false);
                    self.seen += 1;
                }
                b'\n' => self.newline = true,
                b'\r' => {}
                _ => self.newline = false,
            }
            if self.seen > MOST || self.bytes > BYTES {
                return false;
            }
        }
        true
    }

    /// 101 is final: what follows is a tunnel.
    fn is_interim(&self) -> bool {
        self.status.starts_with(b"HTTP/1.") && &self.status[8..10] == b" 1" && &self.status[9..12] != b"101"
    }
}

/// The bytes of a connection to an origin.
#[derive(Debug)]
pub(crate) struct Bounded<S> {
    inner: S,
    expecting: Expecting,
    heads: Heads,
}

impl<S> Bounded<S> {
    pub(crate) fn new(inner: S) -> (Self, Expecting) {
        let expecting = Expecting::default();
        (Self { inner, expecting: expecting.clone(), heads: Heads::default() }, expecting)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = poll {
            if self.expecting.0.swap(false, Relaxed) {
                self.heads = Heads::begin();
            }
            if self.heads.looking && !self.heads.feed(&buf.filled()[before..]) {
                return Poll::Ready(Err(io::Error::other("too many interim answers")));
            }
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cutting_changes_nothing(bytes in "(HTTP/1[.]1 1[0-9]{2}|HTTP/1[.]1 200|\r\n|\n|a: b|x){0,80}", piece in 1usize..9) {
            prop_assert_eq!(takes(bytes.as_bytes(), piece), takes(bytes.as_bytes(), bytes.len().max(1)));
        }
    }

    fn takes(bytes: &[u8], piece: usize) -> bool {
        let mut heads = Heads::begin();
        bytes.chunks(piece).all(|part| !heads.looks() || heads.feed(part))
    }

    #[test]
    fn interim_answers_are_counted_and_what_follows_is_not() {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let bare = "HTTP/1.0 100 Go\n\n";
        let body = format!("HTTP/1.1 200 OK\r\n\r\n{}", early.repeat(100));
        let tunnel = format!("HTTP/1.1 101 Switching\r\n\r\n{}", early.repeat(100));
        for (text, good) in [
            (body.clone(), true),
            (tunnel, true),
            (format!("{}{body}", early.repeat(16)), true),
            (format!("{}{body}", early.repeat(17)), false),
            (bare.repeat(17), false),
            (format!("HTTP/1.1 103 x\r\nA: {}", "b".repeat(BYTES)), false),
        ] {
            for piece in [1, 7, text.len()] {
                assert_eq!(takes(text.as_bytes(), piece), good, "{piece} {:.40}", text);
            }
        }
    }
}
