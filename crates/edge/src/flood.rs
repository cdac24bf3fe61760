//! Who asks too much: rates and connections per source, in memory that never grows.
//!
//! A source is an IPv4 address or an IPv6 /64. The rate is kept as one timestamp per source (the virtual
//! scheduling form of the token bucket, ITU-T I.371): "the moment when this source's debt is paid". A source
//! whose moment has passed owes nothing, so its slot can be given away without forgetting anything. When all
//! slots of a set still owe, the request is counted against the source's wider prefix instead: coarser, never open.

use crate::limits::{COARSE_FACTOR, COARSE_SLOTS, RATE_SLOTS, SOURCE_SLOTS};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Where a request comes from, as far as limits care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    V4(u32),
    V6(u64),
}

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6((v6.to_bits() >> 64) as u64),
        }
    }

    /// The /24 or /56 around it.
    fn wider(self) -> Self {
        match self {
            Self::V4(bits) => Self::V4(bits & !0xff),
            Self::V6(bits) => Self::V6(bits & !0xff),
        }
    }
}

/// Slots per set: one cache line of 64 bytes holds four of 16.
const WAYS: usize = 4;

#[derive(Debug, Default)]
struct Slot {
    tag: AtomicU64,
    paid: AtomicU64,
}

/// The rate limiter, shared by all workers. Times are microseconds of a monotonic clock.
#[derive(Debug)]
pub(crate) struct Rates {
    slots: Box<[Slot]>,
    coarse: Box<[AtomicU64]>,
    seed: RandomState,
    interval: u64,
    tolerance: u64,
}

impl Rates {
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        let interval = 1_000_000 / u64::from(rate.max(1));
        Self {
            slots: (0..RATE_SLOTS).map(|_| Slot::default()).collect(),
            coarse: (0..COARSE_SLOTS).map(|_| AtomicU64::new(0)).collect(),
            seed: RandomState::new(),
            interval,
            tolerance: interval * u64::from(burst.max(1)),
        }
    }

    /// Takes one request from the source's allowance, or says how long until there is one again.
    pub(crate) fn take(&self, source: Source, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX / 2);
        // 0 means a free slot, so no tag is 0.
        let tag = self.seed.hash_one(source) | 1;
        let first = (tag >> 20) as usize % (RATE_SLOTS / WAYS) * WAYS;
        let set = &self.slots[first..first + WAYS];
        if let Some(slot) = set.iter().find(|slot| slot.tag.load(Relaxed) == tag) {
            return charge(&slot.paid, now, self.interval, self.tolerance);
        }
        // Two workers may claim one slot at once; then one source's first requests count for the other.
        if let Some(slot) = set.iter().find(|slot| slot.paid.load(Relaxed) <= now) {
            slot.tag.store(tag, Relaxed);
            return charge(&slot.paid, now, self.interval, self.tolerance);
        }
        let wide = self.seed.hash_one(source.wider()) as usize % COARSE_SLOTS;
        charge(&self.coarse[wide], now, self.interval / u64::from(COARSE_FACTOR), self.tolerance)
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>() + self.coarse.len() * 8
    }
}

fn charge(paid: &AtomicU64, now: u64, interval: u64, tolerance: u64) -> Result<(), Duration> {
    let mut before = paid.load(Relaxed);
    loop {
        let after = before.max(now) + interval;
        if after - now > tolerance {
            return Err(Duration::from_micros(after - now - tolerance));
        }
        match paid.compare_exchange_weak(before, after, Relaxed, Relaxed) {
            Ok(_) => return Ok(()),
            Err(other) => before = other,
        }
    }
}

/// How many connections each source has open, shared by all workers.
#[derive(Debug)]
pub(crate) struct Open {
    slots: Box<[AtomicU32]>,
    seed: RandomState,
    most: u32,
}

impl Open {
    pub(crate) fn new(most: u32) -> Self {
        Self { slots: (0..SOURCE_SLOTS).map(|_| AtomicU32::new(0)).collect(), seed: RandomState::new(), most }
    }

    fn slot(&self, source: Source) -> &AtomicU32 {
        &self.slots[self.seed.hash_one(source) as usize % SOURCE_SLOTS]
    }

    /// Counts one more, unless the source has its most. Every `true` needs one [`Open::leave`].
    pub(crate) fn enter(&self, source: Source) -> bool {
        let most = self.most;
        self.slot(source).fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1)).is_ok()
    }

    pub(crate) fn leave(&self, source: Source) {
        self.slot(source).fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_addresses_and_64s() {
        let of = |s: &str| Source::of(s.parse().expect("address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("2001:db8::1").wider(), of("2001:db8:0:ff::1").wider());
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1").wider(), of("192.0.2.200").wider());
    }

    #[test]
    fn burst_then_rate() {
        let rates = Rates::new(10, 20);
        let source = Source::V4(1);
        let at = Duration::from_secs(100);
        assert_eq!((0..100).filter(|_| rates.take(source, at).is_ok()).count(), 20);
        let wait = rates.take(source, at).expect_err("spent");
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert!(rates.take(source, at + wait).is_ok());
        assert_eq!((0..100).filter(|_| rates.take(source, at + Duration::from_secs(1)).is_ok()).count(), 9);
        assert!(rates.take(Source::V4(2), at).is_ok(), "a neighbour has its own");
    }

    #[test]
    fn a_million_rotating_sources_stay_bounded_and_do_not_open_the_gate() {
        let rates = Rates::new(200, 400);
        let before = rates.bytes();
        let now = Duration::from_secs(1);
        let source = |i: u64| Source::V6(0x2001_0db8_0000_0000 | i);
        let passed = (0..1_000_000).filter(|&i| rates.take(source(i), now).is_ok()).count();
        assert_eq!(rates.bytes(), before);
        // Exact slots, then the 3,907 prefixes of /56 (each at most 8 x 400).
        assert!((RATE_SLOTS..=RATE_SLOTS + 3_907 * 3_200).contains(&passed), "{passed}");
        // One /56 that rotates through all its /64s gets no more than the prefix allows.
        let one =
            (0..100_000).filter(|&i| rates.take(Source::V6(0x2001_0db9_0000_0000 | (i % 256)), now).is_ok());
        assert!(one.count() <= 3_200 + 256 * 400);
        let later = now + Duration::from_secs(60);
        assert!(rates.take(Source::V4(7), later).is_ok(), "debts are paid, slots are free again");
    }

    #[test]
    fn connections_are_capped_and_given_back() {
        let open = Open::new(3);
        let source = Source::V4(9);
        assert_eq!((0..5).filter(|_| open.enter(source)).count(), 3);
        open.leave(source);
        assert!(open.enter(source));
        assert!(!open.enter(source));
    }
}
