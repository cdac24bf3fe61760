//! The result: urlscan.io's names for what it knows too, ours for the rest. What is not known is absent.

mod page;
mod requests;

use serde_json::{Value, json};

use crate::follow::Journey;
use crate::{Captured, Doors, Job, MANIFEST, RESULT, TEXT, WARC, archive, digest, time, warc};

/// Writes a journey down.
pub(crate) fn write(job: &Job, doors: &Doors<'_>, journey: Journey) -> Captured {
    let last = &journey.visits[journey.visits.len() - 1];
    let text = last.look.as_ref().map(|look| look.text.clone()).unwrap_or_default();
    let incomplete = incomplete(&journey);
    let mut result = facts(job, doors, &journey, &text, &incomplete);
    let archive = archive::archive(job, &journey, &text, &result);
    let named = [(WARC, archive), (TEXT, text.clone().into_bytes())];
    result["hashes"] = named
        .iter()
        .map(|(name, bytes)| json!({ "path": name, "sha256": digest::hex(bytes), "bytes": bytes.len() }))
        .collect();
    let mut files: Vec<(&'static str, Vec<u8>)> = named.into();
    files.push((RESULT, format!("{result:#}\n").into_bytes()));
    let manifest: String =
        files.iter().map(|(name, bytes)| format!("{}  {name}\n", digest::hex(bytes))).collect();
    files.push((MANIFEST, manifest.into_bytes()));
    Captured { result, text, incomplete, files }
}

/// Why this is not the whole page, in sentences.
fn incomplete(journey: &Journey) -> Vec<String> {
    let mut why = Vec::new();
    for visit in &journey.visits {
        let url = &visit.exchange.url;
        match (&visit.exchange.error, visit.exchange.cut) {
            (Some(crate::Closed::Refused(error)), _) => why.push(format!("{url} was not asked: {error}")),
            (Some(crate::Closed::Unreachable(error)), _) => why.push(format!("{url}: {error}")),
            (None, Some(cut)) => why.push(format!("{url}: the answer is cut ({})", cut.word())),
            (None, None) => {}
        }
        why.extend(visit.decoding.iter().map(|problem| format!("{url}: {problem}")));
    }
    let last = journey.visits.last().and_then(|visit| visit.look.as_ref());
    why.extend(
        last.iter().flat_map(|look| &look.cut).map(|limit| format!("the limit of {limit} was reached")),
    );
    why.extend(journey.hops.iter().filter_map(|hop| {
        hop.stopped.as_ref().map(|stopped| format!("the redirect to {} was not followed: {stopped}", hop.to))
    }));
    why
}

fn facts(job: &Job, doors: &Doors<'_>, journey: &Journey, text: &str, incomplete: &[String]) -> Value {
    let mut task = json!({
        "uuid": warc::uuid(&job.id),
        "time": time::millis(job.now),
        "url": job.url,
        "method": job.how,
        "source": job.software,
        "visibility": "private",
        "userAgent": job.user_agent,
    });
    let mut submitted = json!({ "at": time::millis(job.now), "how": job.how });
    if let Some(country) = &job.from_country {
        submitted["from_country"] = json!(country);
        task["country"] = json!(country);
    }
    if let Some(domain) = journey.visits[0].exchange.url.host_str() {
        task["domain"] = json!(domain);
    }
    let last = &journey.visits[journey.visits.len() - 1];
    json!({
        "task": task,
        "page": page::page(job, doors, last),
        "lists": page::lists(doors, journey),
        "data": requests::data(doors, journey, job),
        "stats": page::stats(journey),
        "submitted": submitted,
        "forms": page::forms(last),
        "looseFields": page::loose(last),
        "redirects": page::redirects(journey),
        "tls": page::tls(journey),
        "text": { "path": TEXT, "characters": text.chars().count(), "sha256": digest::hex(text.as_bytes()) },
        "capture": about(job, doors, journey, incomplete),
    })
}

/// How it was made: what a reader must know before believing the rest.
fn about(job: &Job, doors: &Doors<'_>, journey: &Journey, incomplete: &[String]) -> Value {
    let mut about = json!({
        "engine": "http",
        "software": job.software,
        "scripts": "not run",
        "payload": "raw",
        "state": if incomplete.is_empty() { "complete" } else { "partial" },
        "incomplete": incomplete,
        "milliseconds": journey.took,
        "limits": {
            "answerBytes": job.limits.answer,
            "headBytes": job.limits.head,
            "allBytes": job.limits.all,
            "decodedBytes": job.limits.decoded,
            "redirects": job.limits.redirects,
            "exchangeSeconds": job.limits.exchange.as_secs_f64(),
            "totalSeconds": job.limits.total.as_secs_f64(),
        },
    });
    // Whoever weighs this must see at once that it could reach what strangers cannot.
    if !job.allowed.networks.is_empty() {
        let networks: Vec<String> = job.allowed.networks.iter().map(ToString::to_string).collect();
        about["allowedAddresses"] = json!(networks);
    }
    if !job.allowed.ports.is_empty() {
        about["allowedPorts"] = json!(job.allowed.ports);
    }
    if let Some((kind, built)) = doors.countries.map(crate::Countries::name) {
        about["countryDatabase"] = json!({ "type": kind, "built": time::millis(built.saturating_mul(1000)) });
    }
    about
}
