//! Ending what is open: every connection, stream and tunnel has a [`Guard`] that its worker can pull.
//!
//! A guard is told its host before the measure stage looks into the table, and the table is stored before a worker
//! walks over its guards: so whoever still read the old table is found by the walk.

use crate::Host;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// What a guard stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http1,
    Http2,
    Stream,
    Tunnel,
}

/// How to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    No = 0,
    /// Finish what runs, take nothing new (HTTP/1.1: close; HTTP/2: GOAWAY).
    Soft = 1,
    /// Drop it.
    Hard = 2,
}

/// The handle by which something open can be ended.
#[derive(Debug)]
pub(crate) struct Guard {
    kind: Kind,
    cut: AtomicU8,
    streams: AtomicU32,
    /// Seconds of the monotonic clock when it last did something.
    touched: AtomicU64,
    /// Frames of the origin's body that were handed to hyper.
    frames: AtomicU64,
    /// Whether hyper has a frame and has not asked for the next: the visitor does not read.
    held: AtomicBool,
    /// What `frames` was when the worker last looked.
    seen: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    host: Option<Host>,
    busy: bool,
    waker: Option<Waker>,
}

impl Guard {
    pub(crate) fn new(kind: Kind, host: Option<Host>, now: Duration) -> Arc<Self> {
        Arc::new(Self {
            kind,
            cut: AtomicU8::new(Cut::No as u8),
            streams: AtomicU32::new(0),
            touched: AtomicU64::new(now.as_secs()),
            frames: AtomicU64::new(0),
            held: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            state: Mutex::new(State { host, busy: kind == Kind::Tunnel, waker: None }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it works for this host.
    pub(crate) fn begin(&self, host: &Host, now: Duration) {
        self.touched.store(now.as_secs(), Ordering::Relaxed);
        let mut state = self.state();
        state.busy = true;
        if state.host.as_ref() != Some(host) {
            state.host = Some(host.clone());
        }
    }

    /// It works for nobody any more; what is still to be written is ours or buffered already.
    pub(crate) fn settle(&self) {
        self.state().busy = false;
    }

    /// Marks the moment; idle time counts from here.
    pub(crate) fn touch(&self, now: Duration) {
        self.touched.store(now.as_secs(), Ordering::Relaxed);
    }

    /// hyper asks for the next frame.
    pub(crate) fn asked(&self) {
        self.held.store(false, Ordering::Relaxed);
    }

    /// hyper got a frame.
    pub(crate) fn handed(&self) {
        self.held.store(true, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stream_opened(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stream_closed(&self, now: Duration) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
        self.touch(now);
    }

    /// Asks it to end; a stronger wish is never weakened.
    pub(crate) fn pull(&self, cut: Cut) {
        if self.cut.fetch_max(cut as u8, Ordering::AcqRel) < cut as u8
            && let Some(waker) = self.state().waker.take()
        {
            waker.wake();
        }
    }

    fn pulled(&self) -> Cut {
        match self.cut.load(Ordering::Acquire) {
            0 => Cut::No,
            1 => Cut::Soft,
            _ => Cut::Hard,
        }
    }

    /// What a measure on its host does to it. `true` if something was cut that ran.
    fn block(&self, blocked: impl Fn(&Host) -> bool) -> bool {
        let (host, busy) = {
            let state = self.state();
            (state.host.clone(), state.busy)
        };
        if !host.is_some_and(|h| blocked(&h)) {
            return false;
        }
        match self.kind {
            Kind::Http2 => self.pull(Cut::Soft),
            Kind::Http1 if !busy => self.pull(Cut::Soft),
            // A stream that is not busy carries the block page.
            Kind::Stream if !busy => {}
            Kind::Http1 | Kind::Stream | Kind::Tunnel => {
                let first = self.pulled() < Cut::Hard;
                self.pull(Cut::Hard);
                return first;
            }
        }
        false
    }

    /// Closes a connection that nobody uses: politely first, then for good. Drops a stream that nobody reads.
    /// `true` if it was such a stream.
    fn tidy(&self, now: Duration, idle: Duration, stall: Duration) -> bool {
        let used = match self.kind {
            Kind::Http1 => self.state().busy,
            Kind::Http2 => self.streams.load(Ordering::Relaxed) > 0,
            Kind::Stream | Kind::Tunnel => true,
        };
        if used && !(self.kind == Kind::Stream && self.is_stuck()) {
            self.touch(now);
            return false;
        }
        let since = now.as_secs().saturating_sub(self.touched.load(Ordering::Relaxed));
        if self.kind == Kind::Stream {
            let stalled = since >= stall.as_secs();
            if stalled {
                self.pull(Cut::Hard);
            }
            return stalled;
        }
        if since >= idle.as_secs() {
            let polite = since < idle.as_secs() + POLITE_SECONDS;
            self.pull(if polite { Cut::Soft } else { Cut::Hard });
        }
        false
    }

    /// Whether the visitor has not read since the worker last looked.
    fn is_stuck(&self) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        self.seen.swap(frames, Ordering::Relaxed) == frames && self.held.load(Ordering::Relaxed)
    }

    /// Drives a future until it ends or is cut hard (`None`); `soft` is called once when a soft end is asked for.
    pub(crate) async fn watch<F: Future>(
        &self,
        mut future: Pin<&mut F>,
        mut soft: impl FnMut(Pin<&mut F>),
    ) -> Option<F::Output> {
        let mut told = false;
        poll_fn(move |cx| {
            {
                let mut state = self.state();
                if !state.waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                    state.waker = Some(cx.waker().clone());
                }
            }
            match self.pulled() {
                Cut::Hard => return Poll::Ready(None),
                Cut::Soft if !told => {
                    told = true;
                    soft(future.as_mut());
                }
                Cut::Soft | Cut::No => {}
            }
            future.as_mut().poll(cx).map(Some)
        })
        .await
    }
}

/// Time between asking an idle connection to end and dropping it: one retransmission of a lost GOAWAY or FIN.
const POLITE_SECONDS: u64 = 15;

/// Everything open on one worker.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    guards: HashMap<u64, Arc<Guard>>,
}

impl Registry {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enrol(self: &Arc<Self>, guard: Arc<Guard>) -> Enrolled {
        let mut inner = self.inner();
        let key = inner.next;
        inner.next += 1;
        inner.guards.insert(key, guard);
        Enrolled { registry: Arc::clone(self), key }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner().guards.is_empty()
    }

    fn all(&self) -> Vec<Arc<Guard>> {
        self.inner().guards.values().cloned().collect()
    }

    /// Cuts what belongs to a blocked host; says how much of it ran.
    pub(crate) fn block(&self, blocked: impl Fn(&Host) -> bool) -> usize {
        self.all().iter().filter(|guard| guard.block(&blocked)).count()
    }

    /// Closes what is idle or stalled; says how many streams were stalled.
    pub(crate) fn tidy(&self, now: Duration, idle: Duration, stall: Duration) -> usize {
        self.all().iter().filter(|guard| guard.tidy(now, idle, stall)).count()
    }

    pub(crate) fn pull_all(&self, cut: Cut) {
        for guard in self.all() {
            guard.pull(cut);
        }
    }
}

/// Membership in a registry; ends when dropped.
#[derive(Debug)]
pub(crate) struct Enrolled {
    registry: Arc<Registry>,
    key: u64,
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.registry.inner().guards.remove(&self.key);
    }
}
