//! Unix seconds, written as people read them.

use core::fmt;

/// A moment in whole seconds since 1970-01-01T00:00:00Z, always UTC.
///
/// In notes it is written `2026-11-22T23:15:00Z` (RFC 3339, this one shape only), so that each moment has one
/// spelling and a signer can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// One hour, seconds.
pub(crate) const HOUR: u64 = 3600;
/// One day, seconds.
pub(crate) const DAY: u64 = 24 * HOUR;

impl Time {
    /// The last moment that can be written with a four-digit year: 9999-12-31T23:59:59Z.
    pub const LAST: Self = Self(253_402_300_799);

    /// This moment plus `seconds`, held at the last writable moment.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds).min(Self::LAST.0))
    }

    /// Seconds from `earlier` to this moment; 0 when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads exactly `YYYY-MM-DDTHH:MM:SSZ` from 1970 on, with a day that the month has; anything else is `None`.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let b = s.as_bytes();
        if b.len() != 20 {
            return None;
        }
        for (at, want) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')] {
            if b.get(at) != Some(&want) {
                return None;
            }
        }
        let number = |from: usize, to: usize| -> Option<u64> {
            b.get(from..to)?
                .iter()
                .try_fold(0u64, |n, c| c.is_ascii_digit().then(|| n * 10 + u64::from(c - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if year < 1970 || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let time = Self(days_from_civil(year, month, day)? * DAY + hour * HOUR + minute * 60 + second);
        Some(time)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.0.min(Self::LAST.0);
        let (year, month, day) = civil_from_days(t / DAY);
        let s = t % DAY;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", s / HOUR, s / 60 % 60, s % 60)
    }
}

/// Days since 1970-01-01 of a civil date; `None` when the date does not exist. Method: Hinnant, chrono-compatible
/// calendar algorithms, with March as the first month so that the leap day is the last of the year.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(leap),
        _ => return None,
    };
    if day == 0 || day > longest {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (y / 400, y % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The civil date of a day number since 1970-01-01.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn known_moments() {
        for (text, unix) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2022-09-03T23:15:00Z", 1_662_246_900),
            ("2026-11-22T00:00:00Z", 1_795_305_600),
            ("9999-12-31T23:59:59Z", Time::LAST.0),
        ] {
            assert_eq!(Time::parse(text), Some(Time(unix)), "{text}");
            assert_eq!(Time(unix).to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "2026-11-22T23:15:00+00:00",
            "2026-11-22 23:15:00Z",
            "2026-11-22T23:15Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T23:60:00Z",
            "2026-11-22T23:15:60Z",
            "1969-12-31T23:59:59Z",
            "+026-11-22T23:15:00Z",
            "",
            "2026-11-22T23:15:00z",
            "2026-11-2éT23:15:0Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn print_then_parse_is_identity(t in 0..=Time::LAST.0) {
            assert_eq!(Time::parse(&Time(t).to_string()), Some(Time(t)));
        }
    }
}
