//! What is counted, per worker without contention, summed when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Totals since the edge started.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[$doc])* pub $name: u64,)+ }

        impl Counters {
            /// Name and value of each counter, in a fixed order.
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }

        /// One worker's share.
        #[derive(Debug, Default)]
        pub(crate) struct Tally { $(pub(crate) $name: Count,)+ }

        impl Tally {
            pub(crate) fn add_to(&self, total: &mut Counters) {
                $(total.$name += self.$name.get();)+
            }
        }
    };
}

counters! {
    /// Connections taken.
    connections,
    /// Connections refused: too many in all, or from one source.
    connections_refused,
    /// TLS handshakes that failed or took too long.
    handshakes_failed,
    /// Requests that reached the head stage.
    requests,
    /// Connections whose bytes were not strict HTTP/1.1 (400).
    refused_bytes,
    /// Heads refused (400, 405).
    refused_head,
    /// Authorities nobody here serves, or another customer's than the connection's (421).
    misdirected,
    /// Requests over a source's rate (429).
    limited,
    /// Answers given because of a measure.
    blocked,
    /// Connections, streams and tunnels cut because of a measure.
    cut,
    /// HTTP/2 streams dropped because the visitor did not read.
    stalled,
    /// Undo notes that were taken (202).
    undone,
    /// Undo notes that were refused (422).
    undo_refused,
    /// Answers 502 and 504.
    origin_failed,
    /// Requests sent a second time, because a kept connection had died.
    retried,
    /// New connections to origins.
    origin_connections,
    /// Tunnels opened.
    tunnels,
    /// Measures in force.
    measures,
    /// Measures refused, because their subject names another customer's hostname.
    measures_refused,
}

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
