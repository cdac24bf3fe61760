//! What one hostname costs among ten million: nanoseconds per lookup, bytes each, seconds to build.
//!
//! `cargo run --profile bench-release -p portcullis-edge --example hostmap [NAMES]` prints one line of JSON.
//! Part of `make bench-block`. Each lookup waits for the one before it, so nothing hides its cache misses. `read_ns` is
//! the floor: one read of memory that waits for the one before it, over as many bytes as the map has.
#![expect(clippy::print_stdout, reason = "the result is the output")]

use edge::hostmap::HostMap;
use std::hint::black_box;
use std::time::Instant;

/// Lookups per kind: 4 Mi, long enough for a tenth of a second, spread over the whole map.
const LOOKUPS: usize = 4 << 20;
/// Rounds per kind; the median counts.
const ROUNDS: usize = 5;

fn main() {
    let names: usize =
        std::env::args().nth(1).map_or(10_000_000, |text| text.parse().expect("NAMES is a number"));
    let listed = Names::make((0..names).map(name));
    let start = Instant::now();
    let map =
        HostMap::build(listed.iter().enumerate().map(|(i, it)| (it, u32::try_from(i).expect("below 2^31"))));
    let build = start.elapsed().as_secs_f64();
    assert_eq!(map.len(), names, "every name is in the map once");

    let hits = Names::make(order(names).map(name));
    let misses = Names::make(order(names).map(|i| format!("no{i}.t{}.open{}.example", i % 5003, i % 97)));
    let (hit, miss) = (time(&map, &hits, true), time(&map, &misses, false));
    let each = map.bytes() as f64 / names as f64;
    let read = read_time(map.bytes());
    println!(
        "{{\"names\":{names},\"hit_ns\":{hit:.1},\"miss_ns\":{miss:.1},\"read_ns\":{read:.1},\
         \"bytes_per_name\":{each:.1},\"mean_name_bytes\":{:.1},\"build_s\":{build:.2}}}",
        listed.text.len() as f64 / names as f64
    );
}

fn name(i: usize) -> String {
    format!("ad{i}.t{}.blocked{}.example", i % 5003, i % 97)
}

/// Indices below `names` in an order that no cache can guess: a full-period linear congruential generator's high bits.
fn order(names: usize) -> impl Iterator<Item = usize> {
    let mut state: u64 = 1;
    (0..LOOKUPS).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % names
    })
}

/// The median nanoseconds per lookup.
fn time(map: &HostMap, asked: &Names, listed: bool) -> f64 {
    median(|| {
        let (mut at, mut found) = (0, 0);
        while at < LOOKUPS {
            let site = map.get(asked.get(at));
            found += usize::from(site.is_some());
            // Adds 1: a site is below 2^31. The next lookup cannot start before this one is answered.
            at += 1 + black_box((site.unwrap_or(0) >> 31) as usize);
        }
        assert_eq!(found, if listed { LOOKUPS } else { 0 });
    })
}

/// The median nanoseconds of a read that waits for the one before it, spread over this many bytes.
fn read_time(bytes: usize) -> f64 {
    // One word per cache line of 64 bytes says which line is next: a cycle through all of them (Hull and Dobell: odd
    // increment, multiplier 1 modulo 4) that no prefetcher follows.
    let lines = (bytes / 64).next_power_of_two() / 2;
    let next = |i: usize| i.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7F) & (lines - 1);
    let chain: Vec<[usize; 8]> = (0..lines).map(|i| [next(i); 8]).collect();
    median(|| {
        let mut at = 0;
        for _ in 0..LOOKUPS {
            at = chain[at][0];
        }
        black_box(at);
    })
}

/// The median over the rounds of the nanoseconds that one of `LOOKUPS` takes.
fn median(round: impl Fn()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_nanos() as f64 / LOOKUPS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Many names in one piece of memory, so that reading them costs what reading a request's buffer costs: nothing new.
struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    fn make(names: impl Iterator<Item = String>) -> Self {
        let (mut text, mut ends) = (String::new(), vec![0]);
        for name in names {
            text.push_str(&name);
            ends.push(text.len());
        }
        Self { text, ends }
    }

    fn get(&self, i: usize) -> &str {
        &self.text[self.ends[i]..self.ends[i + 1]]
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.ends.windows(2).map(|pair| &self.text[pair[0]..pair[1]])
    }
}
