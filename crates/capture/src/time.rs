//! Moments as files write them.

use policy::Time;

/// Milliseconds since 1970 as RFC 3339 with three digits: WARC 1.1 and urlscan.io both write it so.
pub(crate) fn millis(at: u64) -> String {
    let whole = Time(at / 1000).to_string();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), at % 1000)
}

/// Seconds since 1970, which may lie before it, as RFC 3339; nothing when they do.
pub(crate) fn seconds(at: i64) -> Option<String> {
    u64::try_from(at).ok().map(|at| Time(at).to_string())
}
