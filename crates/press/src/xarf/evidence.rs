//! Evidence: what it says about itself is kept, and its hash; what it is is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::Hash;
use serde_json::Value;

use super::check::{Faults, Fields};

/// Most pieces (xarf-spec, `xarf-core.json`).
const PIECES: usize = 50;
/// Largest piece, bytes (the same).
const PIECE: usize = 5 * 1024 * 1024;
/// Largest evidence in all, bytes (xarf-spec, `docs/implementation-guide.md`).
const ALL: usize = 15 * 1024 * 1024;
/// Longest reference beside a hash that reports the abuse of a child, bytes: a few hashes and numbers. Nothing that can
/// be looked at is so small.
pub(super) const REFERENCE: usize = 1024;

/// One line about each piece. `hash_only`: nothing of the material itself may come.
pub(super) fn read(faults: &mut Faults, fields: &Fields, hash_only: bool) -> Vec<String> {
    let list = match fields.get("evidence") {
        None => return Vec::new(),
        Some(Value::Array(list)) if list.len() <= PIECES => list,
        Some(_) => {
            faults.say("evidence", "must be a list of at most 50 objects");
            return Vec::new();
        }
    };
    let (mut lines, mut all) = (Vec::new(), 0);
    for (n, item) in list.iter().enumerate() {
        let Value::Object(item) = item else {
            faults.say(format!("evidence[{n}]"), "must be an object");
            continue;
        };
        let within = format!("evidence[{n}].");
        let size = all;
        lines.extend(piece(faults, item, &within, hash_only, &mut all));
        if size <= ALL && all > ALL {
            faults.say("evidence", "is larger than 15 MB in all");
        }
    }
    lines
}

fn piece(
    faults: &mut Faults,
    item: &Fields,
    within: &str,
    hash_only: bool,
    all: &mut usize,
) -> Option<String> {
    let before = faults.0.len();
    const KNOWN: [&str; 5] = ["content_type", "description", "payload", "hash", "size"];
    for key in item.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
        faults.say(format!("{within}{key:.60}"), "is not known there");
    }
    let media = faults.text(item, "content_type", within).unwrap_or_default();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
    };
    let plain = media.split(';').next().unwrap_or_default().trim();
    if !media.is_empty() && !plain.split_once('/').is_some_and(|(a, b)| token(a) && token(b)) {
        faults.say(format!("{within}content_type"), "is no media type, as in image/png");
    }
    let description = match item.get("description") {
        None => "",
        Some(Value::String(text)) if text.chars().count() <= 500 => text,
        Some(_) => {
            faults.say(format!("{within}description"), "must be a text of at most 500 characters");
            ""
        }
    };
    let stated = stated(faults, item, within);
    if item.get("size").is_some_and(|size| !size.as_u64().is_some_and(|size| size <= PIECE as u64)) {
        faults.say(format!("{within}size"), "must be a whole number of at most 5242880");
    }
    let payload = match item.get("payload") {
        Some(Value::String(text)) => STANDARD.decode(text).map_err(|_| "is no base64 (RFC 4648, section 4)"),
        Some(_) => Err("must be a text"),
        None => Err("is missing; it may be empty"),
    };
    let payload = payload.map_err(|why| faults.say(format!("{within}payload"), why)).ok()?;
    *all += payload.len();
    if payload.len() > PIECE {
        faults.say(format!("{within}payload"), "is larger than 5 MB");
    }
    if hash_only {
        check_hash_only(faults, within, plain, &payload, stated.is_some());
    } else if let Some(("sha256", hex)) = stated
        && !payload.is_empty()
        && !Hash::of(&payload).to_string().eq_ignore_ascii_case(hex)
    {
        faults.say(format!("{within}hash"), "is not that of the payload");
    }
    (faults.0.len() == before).then(|| line(plain, description, stated, &payload, hash_only))
}

/// The hash that its sender states: algorithm and digits.
fn stated<'i>(faults: &mut Faults, item: &'i Fields, within: &str) -> Option<(&'i str, &'i str)> {
    let hash = item.get("hash")?;
    let parts = hash.as_str().and_then(|text| text.split_once(':'));
    let length = |algorithm: &str| match algorithm {
        "md5" => Some(32),
        "sha1" => Some(40),
        "sha256" => Some(64),
        "sha512" => Some(128),
        _ => None,
    };
    let fits = |(algorithm, hex): &(&str, &str)| {
        length(algorithm) == Some(hex.len()) && hex.bytes().all(|c| c.is_ascii_hexdigit())
    };
    let hash = parts.filter(fits);
    if hash.is_none() {
        faults
            .say(format!("{within}hash"), "must be md5, sha1, sha256 or sha512, a colon, and its hex digits");
    }
    hash
}

/// Material that shows the abuse of children must not be sent to us, nor kept by us: its hash says which it is.
fn check_hash_only(faults: &mut Faults, within: &str, media: &str, payload: &[u8], stated: bool) {
    let readable = |text: &str| text.chars().all(|c| !c.is_control() || c.is_whitespace());
    let reference = media == "text/plain"
        && payload.len() <= REFERENCE
        && std::str::from_utf8(payload).is_ok_and(readable);
    if !payload.is_empty() && !reference {
        let why = "must not come along: send its hash with an empty payload, or text/plain of at most 1 KiB with reference numbers";
        faults.say(format!("{within}payload"), why);
    }
    if !stated {
        faults.say(format!("{within}hash"), "is missing; of this material only hashes are taken");
    }
}

fn line(
    media: &str,
    description: &str,
    stated: Option<(&str, &str)>,
    payload: &[u8],
    hash_only: bool,
) -> String {
    let mut line = format!("evidence: {}", media.to_ascii_lowercase());
    // What comes beside the hash of such material is a note about it, so the note's own hash would mislead.
    if !payload.is_empty() && !hash_only {
        line.push_str(&format!(", {} bytes, sha256 {}", payload.len(), Hash::of(payload)));
    }
    match stated {
        Some(("sha256", _)) if !payload.is_empty() && !hash_only => {}
        Some((algorithm, hex)) => line.push_str(&format!(", as its sender states {algorithm} {hex}")),
        None => {}
    }
    if !description.trim().is_empty() {
        line.push_str(": ");
        line.push_str(&super::one_line(description));
    }
    line
}
