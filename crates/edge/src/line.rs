//! The bytes of one connection below hyper: strictness and the deadlines that hyper does not have.

use crate::counters::Tally;
use crate::limits::Limits;
use crate::wire::{Violation, Wire};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream with a [`Wire`] before it (HTTP/1.1), a deadline for whole heads and one for stalled writes.
pub(crate) struct Line<S> {
    inner: S,
    wire: Option<Wire>,
    /// After a fault: what hyper still gets before an error.
    poison: Option<&'static [u8]>,
    head: Option<Pin<Box<Sleep>>>,
    head_limit: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    stall_limit: Duration,
    tally: Arc<Tally>,
}

impl<S> Line<S> {
    pub(crate) fn new(inner: S, http1: bool, limits: &Limits, tally: Arc<Tally>) -> Self {
        Self {
            inner,
            wire: http1.then(|| Wire::new(limits.head_bytes)),
            poison: None,
            head: http1.then(|| Box::pin(sleep(limits.head))),
            head_limit: limits.head,
            stall: None,
            stall_limit: limits.write_stall,
            tally,
        }
    }

    /// Looks at what was just read. A fault within a head becomes [`POISON`], so that hyper answers 400 and closes; a
    /// fault within a body ends the connection.
    fn inspect(&mut self, buf: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        match wire.feed(&buf.filled()[before..]) {
            Ok(()) if !wire.within_head() => self.head = None,
            Ok(()) if self.head.is_none() => self.head = Some(Box::pin(sleep(self.head_limit))),
            Ok(()) => {}
            Err(Violation { at, in_head, fault }) => {
                self.poison = Some(if in_head { POISON } else { &[] });
                self.tally.refused_bytes.up();
                tracing::debug!(%fault, "bytes refused");
                buf.set_filled(before + at);
                if at == 0 {
                    return self.administer(buf);
                }
            }
        }
        Ok(())
    }

    fn administer(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        match self.poison {
            Some(rest) if !rest.is_empty() => {
                let (now, later) = rest.split_at(rest.len().min(buf.remaining()));
                buf.put_slice(now);
                self.poison = Some(later);
                Ok(())
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not strict HTTP/1.1")),
        }
    }

    fn stalled<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stall = None;
            return poll;
        }
        let limit = self.stall_limit;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the visitor does not read")))
    }
}

/// NUL may stand in no head; the empty line makes hyper look at once.
const POISON: &[u8] = b"\0\r\n\r\n";

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poison.is_some() {
            return Poll::Ready(self.administer(buf));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => Poll::Ready(self.inspect(buf, before)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                if let Some(head) = &mut self.head {
                    ready!(head.as_mut().poll(cx));
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "head took too long")));
                }
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, data);
        self.stalled(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, data);
        self.stalled(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        self.stalled(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.stalled(cx, poll)
    }
}
