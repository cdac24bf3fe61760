//! Addresses that mail can go to.

use crate::subject::is_hostname;
use alloc::{format, string::String};
use core::fmt;

/// Where a mail can go: `LOCAL@HOSTNAME` in ASCII, the local part as RFC 5321 section 4.1.2 `Dot-string`. Quoted local
/// parts, addresses in brackets and SMTPUTF8 are not taken: they are rare, and each is a way to say something else to
/// the next program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress(String);

impl MailAddress {
    /// Longest local part, bytes (RFC 5321, section 4.5.3.1.1).
    const MAX_LOCAL: usize = 64;

    /// Reads an address. The domain is kept in lower case.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn parse(text: &str) -> Result<MailAddress, &'static str> {
        let (local, domain) = text.rsplit_once('@').ok_or("holds no @")?;
        let atom = |part: &str| {
            let special = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
            !part.is_empty() && part.bytes().all(special)
        };
        if local.len() > MailAddress::MAX_LOCAL {
            return Err("has more than 64 bytes before the @");
        }
        if !local.split('.').all(atom) {
            return Err(
                "has something before the @ that is no plain name (ASCII letters, digits, and . _ - +)",
            );
        }
        let domain = domain.to_ascii_lowercase();
        if !is_hostname(&domain) {
            return Err("has no hostname after the @ (in ASCII, as DNS writes it)");
        }
        Ok(MailAddress(format!("{local}@{domain}")))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the @.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for good in ["a@b.example", "abuse+x@customer.example", "o'neil.x@EXAMPLE.org"] {
            assert!(MailAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b",
            "a b@c.example",
            "a@b.example\r\nBcc: x@y.example",
            "a\r\n@b.example",
            "\"a\"@b.example",
            "a..b@c.example",
            ".a@c.example",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
            "a@b@c.example",
            "ä@b.example",
            "a@bücher.example",
            "<a@b.example>",
            "a,b@c.example",
        ] {
            assert!(MailAddress::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(MailAddress::parse("A@EXAMPLE.org").expect("an address").as_str(), "A@example.org");
        assert!(MailAddress::parse(&format!("{}@b.example", "x".repeat(65))).is_err());
    }

    proptest! {
        /// Whatever is taken can neither begin a new header nor mean two recipients.
        #[test]
        fn no_address_says_more_than_one(text in "[a-z@.<>,; \\r\\n\"äA-Z0-9+-]{0,40}") {
            if let Ok(address) = MailAddress::parse(&text) {
                prop_assert!(address.as_str().bytes().all(|c| c.is_ascii_graphic()));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
                prop_assert!(!address.as_str().contains(['<', '>', ',', ';', '"', '\\', ' ']));
                prop_assert_eq!(MailAddress::parse(address.as_str()), Ok(address));
            }
        }
    }
}
