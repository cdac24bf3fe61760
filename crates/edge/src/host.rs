//! The one way a hostname is written down, whether it came from SNI, `Host`, `:authority` or the sites file.

use std::fmt;
use std::sync::Arc;

/// Longest hostname in presentation form without the trailing dot (RFC 1035 section 2.3.4).
pub const MAX_HOST: usize = 253;
/// Longest label of a hostname (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// A hostname: lower case, without port and trailing dot, labels of `a-z 0-9 - _`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(Arc<str>);

impl Host {
    /// Reads `host[.][:port]`. `None` for anything that is not a plain hostname: user information,
    /// address literals in brackets, empty or over-long labels, other bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let name = match text.rsplit_once(':') {
            None => text,
            Some((name, port)) => {
                let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
                if !digits || port.parse::<u16>().is_err() {
                    return None;
                }
                name
            }
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() || name.len() > MAX_HOST {
            return None;
        }
        let (mut label, mut upper) = (0, false);
        for byte in name.bytes() {
            match byte {
                b'.' if label == 0 => return None,
                b'.' => label = 0,
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
                b'A'..=b'Z' => (label, upper) = (label + 1, true),
                _ => return None,
            }
            if label > MAX_LABEL {
                return None;
            }
        }
        if label == 0 {
            return None;
        }
        Some(Self(if upper { name.to_ascii_lowercase().into() } else { name.into() }))
    }

    /// Reads a hostname as people write it: Unicode labels become their ASCII form (UTS 46).
    pub fn from_person(text: &str) -> Option<Self> {
        if text.is_ascii() {
            return Self::parse(text);
        }
        Self::parse(&idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL).ok()?)
    }

    /// The hostname as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.0)
    }
}

impl std::borrow::Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling() {
        let long = format!("{}.example", "a".repeat(64));
        for (input, expect) in [
            ("one.example", Some("one.example")),
            ("ONE.Example", Some("one.example")),
            ("one.example.", Some("one.example")),
            ("one.example:443", Some("one.example")),
            ("one.example.:80", Some("one.example")),
            ("a_b.example", Some("a_b.example")),
            ("localhost", Some("localhost")),
            ("", None),
            (".", None),
            (":80", None),
            ("one.example..", None),
            (".one.example", None),
            ("one..example", None),
            ("one.example:", None),
            ("one.example:+80", None),
            ("one.example:99999", None),
            ("one.example:80:80", None),
            ("me@one.example", None),
            ("[::1]", None),
            ("[::1]:80", None),
            ("one.example/", None),
            ("one.example,two.example", None),
            ("one example", None),
            ("onè.example", None),
            ("one%2eexample", None),
            (long.as_str(), None),
        ] {
            assert_eq!(Host::parse(input).as_ref().map(Host::as_str), expect, "{input:?}");
        }
    }

    #[test]
    fn people_write_unicode() {
        assert_eq!(Host::from_person("bücher.example").expect("valid").as_str(), "xn--bcher-kva.example");
        assert_eq!(Host::from_person("a b.example"), None);
    }

    proptest! {
        #[test]
        fn parse_is_idempotent(text in "\\PC{0,80}") {
            if let Some(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(host.as_str()), Some(host));
            }
        }
    }
}
