//! `Refresh`: the redirect that is no status, as header field and as `<meta http-equiv>`.
//!
//! Source: HTML Living Standard, 4.2.5.3, "shared declarative refresh steps". The time is read as there; the fraction,
//! which browsers drop, is dropped.

/// What a refresh asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Seconds to wait.
    pub after: u64,
    /// Where to, as written; nothing means the page itself.
    pub to: Option<String>,
}

/// Reads the value of a `Refresh` field or the `content` of its `<meta>`. What browsers ignore is nothing here too.
pub fn parse(value: &str) -> Option<Refresh> {
    let value = value.trim_start_matches(space);
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = value.split_at(digits);
    if number.is_empty() && !rest.starts_with('.') {
        return None;
    }
    // Longer than a u64 is longer than anybody waits.
    let after = if number.is_empty() { 0 } else { number.parse().unwrap_or(u64::MAX) };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if rest.is_empty() {
        return Some(Refresh { after, to: None });
    }
    if !rest.starts_with(|c| matches!(c, ';' | ',') || space(c)) {
        return None;
    }
    let rest = rest.trim_start_matches(space);
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start_matches(space);
    if rest.is_empty() {
        return Some(Refresh { after, to: None });
    }
    let target = unquote(after_url(rest).unwrap_or(rest));
    Some(Refresh { after, to: Some(target.to_owned()) })
}

/// What follows `url =` in any case, or nothing when it does not begin so.
fn after_url(text: &str) -> Option<&str> {
    let word = text.get(..3)?;
    let rest = text.get(3..)?.trim_start_matches(space);
    word.eq_ignore_ascii_case("url")
        .then_some(rest)?
        .strip_prefix('=')
        .map(|rest| rest.trim_start_matches(space))
}

fn unquote(text: &str) -> &str {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split(quote).next().unwrap_or_default(),
        _ => text,
    }
}

/// ASCII whitespace of HTML.
fn space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_browsers_read_it() {
        let to = |after, to: &str| Some(Refresh { after, to: Some(to.into()) });
        for (value, read) in [
            ("0; url=/next", to(0, "/next")),
            ("5;URL='http://a.example/x y'z", to(5, "http://a.example/x y")),
            (" 1 , url = \"b\"c", to(1, "b")),
            ("0;next.html", to(0, "next.html")),
            ("0 next.html", to(0, "next.html")),
            ("0;url", to(0, "url")),
            ("0;urn:x", to(0, "urn:x")),
            ("0.9;url=a", to(0, "a")),
            (".5;url=a", to(0, "a")),
            ("1.2.3;a", to(1, "a")),
            ("0;'a'", to(0, "a")),
            ("0; url='", to(0, "")),
            ("30", Some(Refresh { after: 30, to: None })),
            ("30;", Some(Refresh { after: 30, to: None })),
            ("99999999999999999999;a", to(u64::MAX, "a")),
            ("", None),
            ("url=/next", None),
            ("-1;url=a", None),
            ("+0;url=a", None),
            ("0x;a", None),
            ("٣;a", None),
        ] {
            assert_eq!(parse(value), read, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_a_target_is_a_part_of_the_value(value: String) {
            if let Some(Refresh { to: Some(to), .. }) = parse(&value) {
                prop_assert!(value.contains(&to));
            }
        }

        #[test]
        fn what_is_written_plainly_is_read(after in 0u64..1_000_000, to in "[a-z0-9/:.?=&_-]{1,40}", quoted: bool) {
            let written = if quoted { format!("{after}; url=\"{to}\"") } else { format!("{after};url={to}") };
            prop_assert_eq!(parse(&written), Some(Refresh { after, to: Some(to) }));
        }
    }
}
