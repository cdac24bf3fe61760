//! Names of notes, cases, customers and persons.

use alloc::string::String;
use core::fmt;

/// A name in a note: 3 to 64 bytes, `[a-z]` first, then `[a-z0-9_-]`. It can stand in a file name, a URL and a
/// shell word without quoting. `none` is no id: in notes it says that there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// Reads an id; `None` when it is not one.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let tail = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
        let fits = (3..=64).contains(&s.len())
            && s.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && s.bytes().all(tail)
            && s != "none";
        fits.then(|| Self(s.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for good in ["abc", "imp-0193583e2b7c7d3f", "cus_first", "a23"] {
            assert_eq!(Id::parse(good).expect(good).as_str(), good);
        }
        for bad in ["", "ab", "none", "1bc", "-abc", "Abc", "abC", "a b", "abc\n", "äbc", &"a".repeat(65)] {
            assert!(Id::parse(bad).is_none(), "{bad:?}");
        }
    }
}
