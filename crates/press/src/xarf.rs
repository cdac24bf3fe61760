//! XARF v4: reports of abuse as JSON, from programs (github.com/xarf/xarf-spec, `docs/specification.md` and `schemas/v4`).
//!
//! The core, the 32 pairs of category and type and what each of them needs are checked as the schemas say, and everything
//! that is wrong is told at once. What else a report says is kept as it is, line by line, for people to read; the
//! contents of its evidence and its `_internal` are not.

mod check;
mod evidence;
mod kinds;

use std::collections::BTreeSet;

use policy::Time;
use policy::report::{Address, Category, MAX_ABOUT, Report, Reporter};
use serde_json::Value;

use self::check::{Faults, Fields, contact, is_tag, is_uuid, is_version, moment, needs};
use self::kinds::{KINDS, Kind};
use crate::report::{Complaint, Content, content, json};

/// A report that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xarf {
    /// What it says.
    pub content: Content,
    /// Pieces of evidence that came with it. Their hashes and descriptions stand in the text.
    pub evidence: usize,
}

/// Fields of the core, which have their own place. The rest is told line by line.
const CORE: [&str; 18] = [
    "xarf_version",
    "report_id",
    "timestamp",
    "reporter",
    "sender",
    "source_identifier",
    "source_port",
    "category",
    "type",
    "evidence_source",
    "evidence",
    "tags",
    "confidence",
    "description",
    "legacy_version",
    "_internal",
    "x_portcullis_type",
    "x_portcullis_good_faith",
];

/// Fields that say where it is, the most telling first: the first one's hostname says whose it is.
const WHERE: [&str; 4] = ["url", "infringing_url", "submission_url", "source_identifier"];

/// Reads a report. `now` is when it came.
///
/// # Errors
/// Everything that is wrong with it, by field.
pub fn read(bytes: &[u8], now: Time) -> Result<Xarf, Vec<Complaint>> {
    let whole = |why: String| vec![("body".into(), why)];
    let value = json::read(bytes).map_err(|why| whole(format!("is no JSON that we take: {why}")))?;
    let Value::Object(fields) = value else { return Err(whole("must be a JSON object".into())) };
    if !fields.contains_key("xarf_version") && fields.contains_key("Version") {
        return Err(vec![("Version".into(), "is that of XARF 3; send XARF 4".into())]);
    }
    let mut faults = Faults::default();
    let kind = core(&mut faults, &fields);
    let happened = match faults.text(&fields, "timestamp", "").map(moment) {
        Some(Some(time)) => Report::read_happened(time, now).map_err(|why| faults.say("timestamp", why)).ok(),
        Some(None) => {
            faults.say("timestamp", "must be a moment, as in 2026-11-22T23:15:00Z");
            None
        }
        None => None,
    };
    let Some(kind) = kind else { return Err(faults.0) };
    needs(&mut faults, &fields, kind);
    let category = category(&mut faults, &fields, kind);
    let evidence = evidence::read(&mut faults, &fields, kind.hash_only());
    if kind.hash_only() {
        for (field, value) in others(&fields).filter(|(_, value)| plain(value).len() > evidence::REFERENCE) {
            let why = format!(
                "is longer than 1 KiB ({} bytes); of this material only hashes are taken",
                plain(value).len()
            );
            faults.say(field, why);
        }
    }
    let about = about(&mut faults, &fields);
    let text = Report::read_text(&text(&fields, kind, &evidence)).map_err(|why| faults.say("body", why));
    let good_faith = fields.get("x_portcullis_good_faith") == Some(&Value::Bool(true));
    let (Ok(text), true) = (text, faults.0.is_empty()) else { return Err(faults.0) };
    let reporter = reporter(&fields);
    let content = Content { category, about, happened, good_faith, reporter, text };
    Ok(Xarf { content, evidence: evidence.len() })
}

/// The core, but for its time and its evidence; and which pair it is.
fn core(faults: &mut Faults, fields: &Fields) -> Option<&'static Kind> {
    if faults.text(fields, "xarf_version", "").is_some_and(|text| !is_version(text)) {
        faults.say("xarf_version", "must be 4.MINOR.PATCH");
    }
    if faults.text(fields, "report_id", "").is_some_and(|text| !is_uuid(text)) {
        faults.say("report_id", "must be a UUID");
    }
    contact(faults, fields, "reporter");
    contact(faults, fields, "sender");
    if let Some(source) = faults.text(fields, "source_identifier", "")
        && let Err(why) = Address::parse(source)
    {
        faults.say("source_identifier", why);
    }
    let wrong = |field: &str, fits: fn(&Value) -> bool| fields.get(field).is_some_and(|value| !fits(value));
    if wrong("source_port", |v| v.as_u64().is_some_and(|port| (1..=65_535).contains(&port))) {
        faults.say("source_port", "must be a whole number from 1 to 65535");
    }
    if wrong("confidence", |v| v.as_f64().is_some_and(|c| (0.0..=1.0).contains(&c))) {
        faults.say("confidence", "must be a number from 0 to 1");
    }
    if wrong("evidence_source", Value::is_string) {
        faults.say("evidence_source", "must be a text");
    }
    if wrong("description", |v| v.as_str().is_some_and(|text| text.chars().count() <= 1000)) {
        faults.say("description", "must be a text of at most 1000 characters");
    }
    if wrong("legacy_version", |v| v == "3") {
        faults.say("legacy_version", "must be \"3\"");
    }
    let tags = |v: &Value| {
        v.as_array().is_some_and(|all| all.len() <= 20 && all.iter().all(|t| t.as_str().is_some_and(is_tag)))
    };
    if wrong("tags", tags) {
        faults.say("tags", "must be a list of at most 20 texts like namespace:value, in lower case");
    }
    if wrong("_internal", Value::is_object) {
        faults.say("_internal", "must be an object; and it is not for us: leave it out");
    }
    if wrong("x_portcullis_good_faith", Value::is_boolean) {
        faults.say("x_portcullis_good_faith", "must be true or false");
    }
    let category = faults.text(fields, "category", "")?;
    let Some(first) = KINDS.iter().find(|kind| kind.category == category) else {
        let all: BTreeSet<&str> = KINDS.iter().map(|kind| kind.category).collect();
        faults.say("category", format!("must be one of {}", Vec::from_iter(all).join(", ")));
        return None;
    };
    let of = || KINDS.iter().filter(|kind| kind.category == first.category);
    let word = faults.text(fields, "type", "")?;
    let kind = of().find(|kind| kind.kind == word);
    if kind.is_none() {
        let all: Vec<&str> = of().map(|kind| kind.kind).collect();
        faults.say("type", format!("must be one of {} in {category}", all.join(", ")));
    }
    kind
}

/// What we hold it for. XARF has no word for what threatens people, so there is a field of ours that says it.
fn category(faults: &mut Faults, fields: &Fields, kind: &Kind) -> Category {
    match fields.get("x_portcullis_type").map(|v| v.as_str().unwrap_or_default()) {
        None => kind.ours,
        Some("threat_to_life") => Category::ThreatToLife,
        Some("doxxing") => Category::Doxxing,
        Some("incitement") => Category::Incitement,
        Some("stalking") => Category::Harassment,
        Some(_) => {
            faults.say("x_portcullis_type", "must be one of threat_to_life, doxxing, incitement, stalking");
            kind.ours
        }
    }
}

/// Where it is.
fn about(faults: &mut Faults, fields: &Fields) -> Vec<Address> {
    let mut about: Vec<Address> = Vec::new();
    for field in WHERE {
        let Some(text) = fields.get(field).and_then(Value::as_str) else { continue };
        match Address::parse(text) {
            Ok(address) if about.len() < MAX_ABOUT && !about.contains(&address) => about.push(address),
            Ok(_) => {}
            // The required ones were complained about already.
            Err(why) if field == "submission_url" => faults.say(field, why),
            Err(_) => {}
        }
    }
    about
}

fn reporter(fields: &Fields) -> Reporter {
    let of = |field| fields.get("reporter").and_then(|contact| contact.get(field)).and_then(Value::as_str);
    Reporter {
        name: of("org").and_then(|org| content::name(org.trim()).ok()),
        email: of("contact").and_then(|email| Reporter::read_email(email).ok()),
    }
}

/// In one line, so that no text of a stranger looks like a line of ours.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What it says, in words.
fn text(fields: &Fields, kind: &Kind, evidence: &[String]) -> String {
    let text = |field| fields.get(field).and_then(Value::as_str).unwrap_or_default();
    let mut lines = Vec::new();
    if !text("description").trim().is_empty() {
        lines.push(format!("{}\n", text("description").trim()));
    }
    lines.push(format!(
        "XARF {} {}/{}, {}",
        text("xarf_version"),
        kind.category,
        kind.kind,
        text("report_id").to_ascii_lowercase()
    ));
    let port = fields.get("source_port").map_or_else(String::new, |port| format!(" port {port}"));
    lines.push(format!("source: {}{port}", one_line(text("source_identifier"))));
    for field in ["evidence_source", "confidence", "legacy_version", "x_portcullis_type", "tags"] {
        lines.extend(fields.get(field).map(|value| format!("{field}: {}", plain(value))));
    }
    if fields.get("sender") != fields.get("reporter") {
        let of = |field| fields.get("sender").and_then(|contact| contact.get(field)).and_then(Value::as_str);
        let [org, mail] = ["org", "contact"].map(|field| one_line(of(field).unwrap_or_default()));
        lines.push(format!("sent by: {org} <{mail}>"));
    }
    for (field, value) in others(fields) {
        lines.push(format!("{}: {}", one_line(field), plain(value)));
    }
    lines.extend_from_slice(evidence);
    lines.join("\n")
}

/// What is not of the core.
fn others(fields: &Fields) -> impl Iterator<Item = (&String, &Value)> {
    fields.iter().filter(|(field, _)| !CORE.contains(&field.as_str()))
}

/// A value in one line: texts as they are, lists of them with commas, the rest as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let all: Vec<String> = list.iter().filter_map(Value::as_str).map(one_line).collect();
            all.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
