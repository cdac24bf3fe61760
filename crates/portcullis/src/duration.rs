//! Times as people type them: `40s`, `90m`, `24h`, `7d`.

use std::{fmt, str::FromStr};

/// A length of time, whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) u64);

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Ten years, seconds: longer than anything a policy allows, far from overflow.
const LONGEST: u64 = 3_650 * 86_400;

impl FromStr for Span {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{s:?} is not a time; write it as 40s, 90m, 24h or 7d");
        let unit = s.chars().last().ok_or_else(wrong)?;
        let (_, seconds) = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(wrong)?;
        let digits = &s[..s.len() - 1];
        let plain = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        let count: u64 = digits.parse().ok().filter(|n| plain && *n > 0).ok_or_else(wrong)?;
        count.checked_mul(*seconds).filter(|n| *n <= LONGEST).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = UNITS.iter().find(|(_, n)| self.0.is_multiple_of(*n)).unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, seconds, shown) in [
            ("40s", 40, "40s"),
            ("90m", 5_400, "90m"),
            ("24h", 86_400, "1d"),
            ("7d", 604_800, "7d"),
            ("3600s", 3_600, "1h"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.0, span.to_string().as_str()), (seconds, shown), "{text}");
        }
        for bad in ["", "s", "0s", "24", "-1h", "+1h", "1.5h", "1 h", "1w", "99999999d", "ℌ", "1ℌ"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
    }
}
