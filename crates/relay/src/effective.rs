//! What this edge enforces now: the fold's answer, cut short by whichever clock says so first.
//!
//! Three clocks can end a measure, and none can prolong it (DESIGN 6): wall time; the newest `logged` of a verified
//! entry; and the time this edge has already enforced it, which is counted on the monotonic clock and kept over
//! restarts, so that a wall clock set back gains nothing. Once one clock ended a measure here, it stays ended until a
//! new note moves its `until`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ledger::Hash;
use policy::{Id, Measure, Time};

/// A measure in force on this edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// What is enforced, as the fold says it.
    pub measure: Measure,
    /// It also ends when the monotonic clock reaches this, whatever the wall clock says.
    pub ends_mono: Duration,
}

/// Everything the data plane enforces, and the reasons it serves for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// In log order.
    pub measures: Vec<Active>,
    /// The posts of exactly these measures by their hash.
    pub posts: BTreeMap<Hash, Arc<[u8]>>,
    /// Entries of the log that were folded to get here.
    pub size: u64,
    /// The log names a configuration that is not served here yet: whose a hostname is may be known wrongly.
    pub sites_behind: bool,
}

/// The three clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Wall time; may jump.
    pub wall: Time,
    /// Monotonic time since this process began.
    pub mono: Duration,
    /// The newest `logged` of a verified entry; never goes back.
    pub newest: Time,
}

impl Clocks {
    /// The time it certainly is by now, unless log or wall clock run ahead: both may only end things.
    #[must_use]
    pub fn floor(&self) -> Time {
        self.wall.max(self.newest)
    }
}

/// What is in force, of the measures the fold gives for `clocks.floor()`. A measure without its post is left out: an
/// edge enforces only what it can explain.
#[must_use]
pub fn effective(
    measures: Vec<Measure>,
    posts: &BTreeMap<Hash, Arc<[u8]>>,
    elapsed: &mut Elapsed,
    clocks: &Clocks,
    size: u64,
) -> Effective {
    elapsed.settle(clocks);
    let mut out = Effective { size, ..Effective::default() };
    for measure in measures {
        let Some(post) = posts.get(&measure.post) else { continue };
        let Some(ends_mono) = elapsed.admit(&measure.id, measure.until, clocks) else { continue };
        out.posts.insert(measure.post, Arc::clone(post));
        out.measures.push(Active { measure, ends_mono });
    }
    out
}

/// The hash of what is in force, as a receipt carries it: the same as `State::effective_hash` as long as no clock of
/// this edge ended something early, so that the desk compares one with the other.
#[must_use]
pub fn hash(origin: &str, effective: &Effective) -> Hash {
    let mut text = format!("portcullis-effective/v1\norigin {origin}\n");
    for active in &effective.measures {
        text.push_str(&format!("measure {} until {}\n", active.measure.id, active.measure.until));
    }
    Hash::of(text.as_bytes())
}

/// How long each measure has been enforced here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elapsed {
    rows: BTreeMap<Id, Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// What time it was, at least, when enforcement began. `until` minus this is all the time there is.
    accepted: Time,
    /// The `until` that `ended` is about.
    until: Time,
    /// Seconds enforced before `from`.
    before: u64,
    /// Monotonic time since when it is enforced in this process.
    from: Duration,
    /// A clock has ended it.
    ended: bool,
}

impl Row {
    /// The moment on the monotonic clock when all the time there is has been used.
    fn ends(&self) -> Duration {
        let left = self.until.since(self.accepted).saturating_sub(self.before);
        self.from.saturating_add(Duration::from_secs(left))
    }

    fn seconds(&self, mono: Duration) -> u64 {
        self.before.saturating_add(mono.saturating_sub(self.from).as_secs())
    }
}

const FIRST: &str = "portcullis-elapsed/v1";

impl Elapsed {
    /// Marks what a clock has ended by now.
    pub fn settle(&mut self, clocks: &Clocks) {
        for row in self.rows.values_mut() {
            row.ended |= row.until <= clocks.floor() || row.ends() <= clocks.mono;
        }
    }

    /// Begins or goes on with the measure `id`; `None` when it is over. Gives the moment on the monotonic clock when
    /// it ends at the latest.
    pub fn admit(&mut self, id: &Id, until: Time, clocks: &Clocks) -> Option<Duration> {
        let row = self.rows.entry(id.clone()).or_insert_with(|| Row {
            accepted: clocks.floor(),
            until,
            before: 0,
            from: clocks.mono,
            ended: false,
        });
        if row.until != until {
            row.until = until;
            row.ended = false;
        }
        row.ended |= until <= clocks.floor() || row.ends() <= clocks.mono;
        (!row.ended).then(|| row.ends())
    }

    /// Forgets the measures that can never be in force again by themselves.
    pub fn retain(&mut self, mut keep: impl FnMut(&Id) -> bool) {
        self.rows.retain(|id, _| keep(id));
    }

    /// Whether something is being enforced, so that the count changes with time.
    #[must_use]
    pub fn running(&self) -> bool {
        self.rows.values().any(|r| !r.ended)
    }

    /// The text that [`Elapsed::parse`] reads after a restart.
    #[must_use]
    pub fn to_text(&self, clocks: &Clocks) -> String {
        let mut text = format!("{FIRST}\nsaved {}\n", clocks.wall.0);
        for (id, row) in &self.rows {
            let (accepted, until, seconds) = (row.accepted.0, row.until.0, row.seconds(clocks.mono));
            let state = if row.ended { "ended" } else { "running" };
            text.push_str(&format!("measure {id} {accepted} {until} {seconds} {state}\n"));
        }
        text
    }

    /// Goes on counting after a restart. The time the process was away counts too, as far as the wall clock shows
    /// it; a wall clock set back meanwhile adds nothing and takes nothing away.
    #[must_use]
    pub fn parse(text: &str, clocks: &Clocks) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != FIRST {
            return None;
        }
        let saved = Time(lines.next()?.strip_prefix("saved ")?.parse().ok()?);
        let away = clocks.wall.since(saved);
        let mut rows = BTreeMap::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let ["measure", id, accepted, until, seconds, state] = words[..] else { return None };
            let seconds: u64 = seconds.parse().ok()?;
            let ended = match state {
                "ended" => true,
                "running" => false,
                _ => return None,
            };
            let row = Row {
                accepted: Time(accepted.parse().ok()?),
                until: Time(until.parse().ok()?),
                before: seconds.saturating_add(away),
                from: clocks.mono,
                ended,
            };
            rows.insert(Id::parse(id)?, row);
        }
        Some(Self { rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3600;
    const NOON: u64 = 1_795_000_000;

    fn id() -> Id {
        Id::parse("imp_one").expect("an id")
    }

    /// Wall time as an offset to NOON, monotonic seconds, newest verified time as an offset.
    fn at(wall: i64, mono: u64, newest: i64) -> Clocks {
        let time = |offset: i64| Time(NOON.checked_add_signed(offset).expect("in range"));
        Clocks { wall: time(wall), mono: Duration::from_secs(mono), newest: time(newest) }
    }

    /// A measure accepted at NOON, `until` 48 h later, admitted first at mono 100.
    fn begun() -> Elapsed {
        let mut elapsed = Elapsed::default();
        let ends = elapsed.admit(&id(), Time(NOON + 48 * HOUR), &at(0, 100, 0));
        assert_eq!(ends, Some(Duration::from_secs(100 + 48 * HOUR)));
        elapsed
    }

    #[test]
    fn any_clock_ends_it_and_none_prolongs_it() {
        let h = |hours: i64| hours * 3600;
        for (name, clocks, in_force) in [
            ("all clocks agree, before", at(h(47), 100 + 47 * HOUR, 0), true),
            ("all clocks agree, at the end", at(h(48), 100 + 48 * HOUR, 0), false),
            ("wall set back an hour, before", at(h(46), 100 + 47 * HOUR, 0), true),
            ("wall set back an hour, at the end", at(h(47), 100 + 48 * HOUR, 0), false),
            ("wall set back a day, at the end", at(h(24), 100 + 48 * HOUR, 0), false),
            ("wall set back before the beginning", at(h(-100), 100 + 48 * HOUR, 0), false),
            ("wall jumps forward", at(h(48), 101, 0), false),
            ("a later entry is verified", at(h(1), 101, h(48)), false),
            ("a later entry, but earlier than until", at(h(1), 101, h(47)), true),
        ] {
            let mut elapsed = begun();
            let ends = elapsed.admit(&id(), Time(NOON + 48 * HOUR), &clocks);
            assert_eq!(ends.is_some(), in_force, "{name}");
            if in_force {
                assert_eq!(ends, Some(Duration::from_secs(100 + 48 * HOUR)), "{name}: the end does not move");
            }
        }
    }

    #[test]
    fn ended_is_ended_until_a_note_moves_until() {
        let mut elapsed = begun();
        elapsed.settle(&at(49 * 3600, 200, 0));
        let back = at(3600, 300, 0);
        assert_eq!(
            elapsed.admit(&id(), Time(NOON + 48 * HOUR), &back),
            None,
            "the jump is over, the end stays"
        );
        let extended = elapsed.admit(&id(), Time(NOON + 72 * HOUR), &back);
        assert_eq!(
            extended,
            Some(Duration::from_secs(100 + 72 * HOUR)),
            "all time since acceptance still counts"
        );
    }

    #[test]
    fn restarts() {
        let h = |hours: i64| hours * 3600;
        // (name, hours enforced before the stop, wall at restart, mono seconds left from restart)
        for (name, ran, wall, left) in [
            ("no time away", 10, h(10), Some(38 * HOUR)),
            ("two hours away", 10, h(12), Some(36 * HOUR)),
            ("away, wall set back an hour below the stop", 10, h(9), Some(38 * HOUR)),
            ("away, wall set back a day", 30, h(6), Some(18 * HOUR)),
            ("away past the end", 10, h(48), None),
            ("wall jumped far ahead", 1, h(1000), None),
        ] {
            let text = begun().to_text(&at(h(ran), 100 + ran.unsigned_abs() * HOUR, 0));
            let now = at(wall, 7, 0);
            let mut elapsed = Elapsed::parse(&text, &now).expect(name);
            let ends = elapsed.admit(&id(), Time(NOON + 48 * HOUR), &now);
            assert_eq!(ends, left.map(|l| Duration::from_secs(7 + l)), "{name}");
        }
    }

    #[test]
    fn a_late_edge_gets_no_more_time_than_is_left() {
        let mut elapsed = Elapsed::default();
        let wall_is_a_day_slow = at(0, 0, 24 * 3600);
        let ends = elapsed.admit(&id(), Time(NOON + 48 * HOUR), &wall_is_a_day_slow);
        assert_eq!(
            ends,
            Some(Duration::from_secs(24 * HOUR)),
            "the newest entry shows what time it is at least"
        );
    }

    #[test]
    fn what_is_kept_is_read_strictly() {
        let mut elapsed = begun();
        elapsed.settle(&at(49 * 3600, 100, 0));
        let clocks = at(0, 100, 0);
        let good = elapsed.to_text(&clocks);
        assert_eq!(Elapsed::parse(&good, &clocks).expect("reads").to_text(&clocks), good);
        for (from, to) in [
            ("elapsed/v1", "elapsed/v2"),
            ("saved", "safe"),
            (" ended", ""),
            ("ended", "maybe"),
            (" 0 ", " -1 "),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(Elapsed::parse(&good.replacen(from, to, 1), &clocks), None, "{from}");
        }
        assert_eq!(Elapsed::parse("", &clocks), None);
    }

    proptest! {
        /// Whatever the wall clock does and however often the process restarts, the time in force never exceeds the
        /// time there was.
        #[test]
        fn never_longer_than_granted(
            moves in prop::collection::vec((0u64..HOUR, -2i64 * 86_400..86_400, any::<bool>()), 1..60),
        ) {
            let until = Time(NOON + 10 * HOUR);
            let mut elapsed = Elapsed::default();
            let (mut mono, mut truth) = (0u64, 0u64);
            prop_assert!(elapsed.admit(&id(), until, &at(0, 0, 0)).is_some());
            for (seconds, skew, restart) in moves {
                truth += seconds;
                mono += seconds;
                let clocks = at(i64::try_from(truth).expect("small") + skew, mono, 0);
                if restart {
                    let text = elapsed.to_text(&clocks);
                    mono = 0;
                    let reborn = Clocks { mono: Duration::ZERO, ..clocks };
                    elapsed = Elapsed::parse(&text, &reborn).expect("reads");
                }
                let clocks = Clocks { mono: Duration::from_secs(mono), ..clocks };
                let admitted = elapsed.admit(&id(), until, &clocks);
                prop_assert!(admitted.is_none() || truth < 10 * HOUR, "in force after {truth} s, skew {skew}");
            }
        }

        #[test]
        fn any_text_never_panics(text in "(portcullis-elapsed/v1\nsaved [0-9]{1,22}\n)?(measure [a-z_]{1,5}( [0-9]{1,22}){0,4} (ended|running)\n?){0,4}") {
            let clocks = at(0, 5, 0);
            if let Some(mut elapsed) = Elapsed::parse(&text, &clocks) {
                elapsed.settle(&clocks);
                prop_assert!(elapsed.to_text(&clocks).starts_with(FIRST));
            }
        }
    }
}
