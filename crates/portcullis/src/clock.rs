//! The real clock: the only place in Portcullis that asks the machine for the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use policy::{Time, clock::Clock};

/// Wall time from the system, monotonic time since this value was made.
pub(crate) struct RealClock {
    started: Instant,
}

impl RealClock {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> Time {
        // A machine set before 1970 counts as 1970: everything then looks unstarted, nothing looks prolonged.
        Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }

    fn mono(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Milliseconds since 1970, for the time part of new ids.
#[expect(
    clippy::disallowed_methods,
    reason = "ids sort by time to the millisecond; the Clock counts seconds"
)]
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
