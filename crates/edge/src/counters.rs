//! What is counted, per worker without contention, summed when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One figure, with what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// In lower case with underscores, as Prometheus writes names.
    pub name: &'static str,
    /// What it counts, one sentence.
    pub help: &'static str,
    /// Its value now.
    pub value: u64,
    /// Whether it only ever rises until the edge ends; else it is a state that comes and goes.
    pub rises: bool,
}

macro_rules! counters {
    (rise: $(#[doc = $doc:literal] $name:ident,)+ stand: $(#[doc = $state_doc:literal] $state:ident,)+) => {
        /// Totals since the edge started, and how things stand.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $(#[doc = $doc] pub $name: u64,)+ $(#[doc = $state_doc] pub $state: u64,)+ }

        impl Counters {
            /// Every figure, in a fixed order.
            pub fn figures(&self) -> Vec<Figure> {
                let rise = [$((stringify!($name), $doc, self.$name),)+].map(|f| (f, true));
                let stand = [$((stringify!($state), $state_doc, self.$state),)+].map(|f| (f, false));
                let figure = |((name, help, value), rises): ((&'static str, &'static str, u64), bool)| Figure {
                    name,
                    help: help.trim(),
                    value,
                    rises,
                };
                rise.into_iter().chain(stand).map(figure).collect()
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
    rise:
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
    stand:
    /// Measures in force.
    measures,
    /// Measures refused, because their subject names another customer's hostname.
    measures_refused,
    /// Hostnames that are no longer the blocked customer's and stay blocked, because the subject names them.
    hostnames_kept,
    /// Hostnames that came to a blocked customer and are spared, because they were somebody else's within 30 days.
    hostnames_spared,
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
