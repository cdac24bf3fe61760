//! Whether a measure applies to the host. The answer is given by the page stage, after the limits.

use crate::exchange::{Ctx, Exchange, Flow};
use crate::limits::ACME_TOKEN;
use http::{Method, StatusCode};

/// Where certificate authorities look (RFC 8555 section 8.3).
pub(crate) const ACME: &str = "/.well-known/acme-challenge/";

pub(crate) fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    let Some(host) = &ex.host else { return Flow::Drop };
    let owner = ex.served.as_ref().map(|s| (&s.customer, &s.site));
    let table = ctx.shared.table.load();
    ex.measure = table.find(host, owner, || ctx.shared.moment()).cloned();
    if ex.measure.is_some() || ex.served.is_some() {
        return Flow::Next;
    }
    // Named by a measure that has ended since, and no site any more.
    ctx.tally.misdirected.up();
    super::shield::refuse(ctx, ex, StatusCode::MISDIRECTED_REQUEST, "This host is not served here.")
}

/// Whether a request for a blocked hostname is an ACME challenge that the origin may answer: one base64url segment.
pub(crate) fn is_challenge(method: &Method, path: &str) -> bool {
    let token = path.strip_prefix(ACME).unwrap_or_default();
    let fits = (1..=ACME_TOKEN).contains(&token.len());
    let plain = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits && plain && (*method == Method::GET || *method == Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_one_segment() {
        let long = format!("{ACME}{}", "a".repeat(ACME_TOKEN + 1));
        for (method, path, expect) in [
            ("GET", "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", true),
            ("HEAD", "/.well-known/acme-challenge/a-_Z", true),
            ("POST", "/.well-known/acme-challenge/a", false),
            ("GET", "/.well-known/acme-challenge/", false),
            ("GET", "/.well-known/acme-challenge/a/b", false),
            ("GET", "/.well-known/acme-challenge/a.txt", false),
            ("GET", "/.well-known/acme-challenge/a%20", false),
            ("GET", "/.well-known/acme-challenges/a", false),
            ("GET", long.as_str(), false),
        ] {
            assert_eq!(is_challenge(&method.parse().expect("method"), path), expect, "{path}");
        }
    }
}
