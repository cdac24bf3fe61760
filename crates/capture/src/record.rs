//! The recording connection: what went over it, byte for byte, in both directions.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection to a page is, in the clear or through TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What was sent and received so far.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    pub(crate) sent: Vec<u8>,
    pub(crate) received: Vec<u8>,
    /// The other side had more to say than the limit lets us hear.
    pub(crate) full: bool,
}

/// A connection that keeps what passes, and ends when the other side has said `room` bytes.
pub(crate) struct Recorder {
    stream: Box<dyn Stream>,
    tape: Arc<Mutex<Tape>>,
    room: usize,
}

impl Recorder {
    pub(crate) fn new(stream: Box<dyn Stream>, room: usize) -> (Self, Arc<Mutex<Tape>>) {
        let tape = Arc::new(Mutex::new(Tape::default()));
        (Self { stream, tape: Arc::clone(&tape), room }, tape)
    }
}

/// The tape, even when whoever held it panicked: it is only appended to.
pub(crate) fn read<T>(tape: &Mutex<Tape>, look: impl FnOnce(&mut Tape) -> T) -> T {
    look(&mut tape.lock().unwrap_or_else(PoisonError::into_inner))
}

impl AsyncRead for Recorder {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if read(&this.tape, |tape| tape.full) {
            return Poll::Ready(Err(io::Error::other("the limit is reached")));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let mut over = false;
        read(&this.tape, |tape| {
            let left = this.room - tape.received.len();
            if buf.filled().len() - before > left {
                tape.full = true;
                buf.set_filled(before + left);
            }
            over = tape.full && left == 0;
            tape.received.extend_from_slice(&buf.filled()[before..]);
        });
        // Nothing read would look like the end, which it is not.
        Poll::Ready(if over { Err(io::Error::other("the limit is reached")) } else { Ok(()) })
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = wrote {
            // A request of ours: below `limits::URL` and a few fields, whatever the page says.
            read(&this.tape, |tape| tape.sent.extend_from_slice(&buf[..count]));
        }
        wrote
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn the_tape_ends_exactly_at_the_limit() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (mut recorder, tape) = Recorder::new(Box::new(ours), 10);
        theirs.write_all(b"0123456789abc").await.expect("room");
        recorder.write_all(b"hello").await.expect("room");
        let mut heard = Vec::new();
        assert!(recorder.read_to_end(&mut heard).await.is_err(), "there was more than ten");
        assert_eq!(heard, b"0123456789");
        read(&tape, |tape| {
            assert_eq!((&*tape.received, &*tape.sent, tape.full), (&b"0123456789"[..], &b"hello"[..], true));
        });
    }

    #[tokio::test]
    async fn an_answer_of_exactly_the_limit_is_whole() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let (mut recorder, tape) = Recorder::new(Box::new(ours), 10);
        theirs.write_all(b"0123456789").await.expect("room");
        drop(theirs);
        let mut heard = Vec::new();
        assert!(recorder.read_to_end(&mut heard).await.is_ok());
        read(&tape, |tape| assert!(!tape.full));
    }
}
