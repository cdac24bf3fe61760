//! Every limit of the edge in one place, each with its arithmetic.
//!
//! A limit that a caller does not set keeps the value of [`Limits::default`], which is meant to be safe
//! on a machine with 1 GiB for the edge.

use std::time::Duration;

/// What one visitor, one source and all of them together may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time for a whole TLS handshake. A browser on a 1 s round trip needs 3 s; 10 s is three times that.
    pub handshake: Duration,
    /// Time for a whole HTTP/1.1 head, from its first byte (on a fresh connection: from the start).
    /// 64 KiB at 5 KiB/s need 13 s.
    pub head: Duration,
    /// Bytes of one head, on every protocol. Browsers send below 8 KiB, large cookies and tokens reach
    /// 32 KiB; 64 KiB is twice that. In all: 20,000 connections x 64 KiB = 1.3 GB is the theoretical
    /// worst case, and needs one partly sent head per connection within the head deadline.
    pub head_bytes: usize,
    /// Header lines of one head. Browsers send about 20; 100 is what nginx and hyper take.
    pub head_lines: usize,
    /// HTTP/2 streams open at once per connection (RFC 9113 section 6.5.2 advises at least 100).
    pub streams: u32,
    /// HTTP/2 streams that were reset before we took them up; beyond it the connection ends
    /// (rapid reset, CVE-2023-44487). 20 is hyper's own default, kept visible here.
    pub pending_resets: usize,
    /// HTTP/2 send buffer per stream: 64 KiB is one default window, so that 100 streams hold 6.4 MiB.
    pub stream_buffer: usize,
    /// Bytes of one request body: 100 MiB, as the common default of hosting panels.
    pub body_bytes: u64,
    /// Longest silence while a request body arrives.
    pub body_idle: Duration,
    /// Bytes per second that a request body must keep up on the whole, after its first `body_idle`. As Apache asks
    /// for: a modem sends ten times that, and whoever sends less holds an origin's connection for nothing.
    pub body_rate: u64,
    /// Longest time that a visitor may leave our bytes unread before the connection, or the HTTP/2 stream, is closed.
    /// A stream holds at most one frame of 64 KiB, so this asks for about 1 KiB/s.
    pub write_stall: Duration,
    /// Longest idle time of a kept-alive connection. 75 s as nginx: longer than the 60 s of load balancers.
    pub keep_alive: Duration,
    /// Connections open at once from one source (IPv4 /32, IPv6 /64). A browser opens 6 per host;
    /// 256 serves forty people behind one address with every slot in use.
    pub connections_per_source: u32,
    /// Connections open at once in all; each worker takes its share. An idle TLS connection costs about
    /// 40 KiB: 20,000 x 40 KiB = 800 MB.
    pub connections: usize,
    /// Connections open at once to all origins, each worker its share: with the visitors' it makes 28,192 files.
    pub origin_connections: usize,
    /// Connections open at once to one origin of one customer, so that one slow origin cannot take all.
    pub connections_per_origin: usize,
    /// Requests of one source that wait for origins or are being answered by them, at once. Forty people behind one
    /// address with twelve each are 480.
    pub exchanges_per_source: u32,
    /// Requests per second that one source may keep up.
    pub rate: u32,
    /// Requests that one source may send at once above the rate: two seconds of it.
    pub burst: u32,
    /// Time to open a connection to an origin, per address.
    pub connect: Duration,
    /// Time from the last byte of a request to the first byte of its response.
    pub first_byte: Duration,
    /// Longest silence of an origin within a response. Event streams send a comment every 15 to 60 s.
    pub response_idle: Duration,
    /// Longest silence, both ways, of a tunnel (WebSocket pings are commonly 20 to 60 s apart).
    pub tunnel_idle: Duration,
    /// Idle connections kept per origin and worker: five HTTP/2 visitors with 100 streams each leave 500 behind, and
    /// with fewer places the next burst connects anew. 512 of about 16 KiB are 8 MiB.
    pub pool_per_origin: usize,
    /// Longest time that a pooled connection may lie idle. Below the 60 s of common origins.
    pub pool_idle: Duration,
    /// Time that open exchanges get to end when the edge is shut down.
    pub drain: Duration,
}

/// Slots of the rate table: 65,536 x 16 bytes = 1 MiB. A source only holds a slot while it owes time, at
/// most burst/rate = 2 s, so 65,536 slots are exact up to about 32,000 sources per second.
pub const RATE_SLOTS: usize = 65_536;
/// Slots of the coarse table that sources share when theirs is full: 4,096 x 8 bytes = 32 KiB.
pub const COARSE_SLOTS: usize = 4_096;
/// A coarse prefix (/24, /56) gets this many times what one source gets.
pub const COARSE_FACTOR: u32 = 8;
/// Slots of the connection counters: 65,536 x 4 bytes = 256 KiB; two of 20,000 connections share a slot
/// rarely, and then share one allowance.
pub const SOURCE_SLOTS: usize = 65_536;
/// A lift or suspend note (DESIGN section 6: at most 4 KiB from any channel).
pub const LIFT_BYTES: usize = 4_096;
/// A policy that names a new log key: as large as a note may be (C2SP signed-note leaves it open; ours is 64 KiB).
pub const LOG_KEY_BYTES: usize = 64 * 1024;
/// What an origin may answer to an ACME challenge of a blocked hostname; a key authorisation is 88 bytes.
pub const ACME_BYTES: usize = 512;
/// A challenge token: RFC 8555 asks for at least 128 bits, which is 22 characters; 128 are plenty.
pub const ACME_TOKEN: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            head_bytes: 64 * 1024,
            head_lines: 100,
            streams: 100,
            pending_resets: 20,
            stream_buffer: 64 * 1024,
            body_bytes: 100 * 1024 * 1024,
            body_idle: Duration::from_secs(30),
            body_rate: 500,
            write_stall: Duration::from_secs(60),
            keep_alive: Duration::from_secs(75),
            connections_per_source: 256,
            connections: 20_000,
            origin_connections: 8_192,
            connections_per_origin: 1_024,
            exchanges_per_source: 512,
            rate: 200,
            burst: 400,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            response_idle: Duration::from_secs(300),
            tunnel_idle: Duration::from_secs(3600),
            pool_per_origin: 512,
            pool_idle: Duration::from_secs(50),
            drain: Duration::from_secs(10),
        }
    }
}
