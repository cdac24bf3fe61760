//! `data`: every exchange in the shape of urlscan.io, which is that of Chromium's network events.

use serde_json::{Map, Value, json};

use super::page::put;
use crate::exchange::{Exchange, Head};
use crate::follow::{Journey, Visit};
use crate::tls::Tls;
use crate::{Doors, Job, time, warc};

pub(super) fn data(doors: &Doors<'_>, journey: &Journey, job: &Job) -> Value {
    let page = journey.visits.last().map_or("", |visit| visit.exchange.url.as_str());
    let requests = journey.visits.iter().enumerate().map(|(number, visit)| {
        let id = format!("{}.{number}", warc::uuid(&job.id));
        json!({ "request": request(visit, &id, page, number), "response": response(doors, visit, &id) })
    });
    let look = journey.visits.last().and_then(|visit| visit.look.as_ref());
    let links = look.iter().flat_map(|look| &look.links);
    let links = links.map(|(url, text)| json!({ "href": url.as_str(), "text": text }));
    json!({ "requests": requests.collect::<Vec<_>>(), "links": links.collect::<Vec<_>>() })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit 53 bits")]
fn request(visit: &Visit, id: &str, page: &str, number: usize) -> Value {
    let exchange = &visit.exchange;
    let mut value = json!({
        "requestId": id,
        "documentURL": page,
        "request": { "url": exchange.url.as_str(), "method": "GET", "headers": sent(&exchange.request) },
        "wallTime": exchange.asked as f64 / 1000.0,
        "time": time::millis(exchange.asked),
        "type": "Document",
    });
    if number == 0 {
        value["primaryRequest"] = json!(true);
    }
    value
}

/// The fields of our own question, as they were sent.
fn sent(request: &[u8]) -> Value {
    let text = String::from_utf8_lossy(request);
    let fields = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

fn response(doors: &Doors<'_>, visit: &Visit, id: &str) -> Value {
    let exchange = &visit.exchange;
    let mut value = Map::new();
    value.insert("requestId".into(), id.into());
    value.insert("type".into(), "Document".into());
    value.insert("resolved".into(), resolved(exchange));
    value.insert("milliseconds".into(), exchange.took.into());
    if let Some(error) = &exchange.error {
        let (crate::Closed::Refused(why) | crate::Closed::Unreachable(why)) = error;
        let refused = matches!(error, crate::Closed::Refused(_));
        value.insert("failed".into(), json!({ "errorText": why, "refused": refused }));
    }
    put(&mut value, "truncated", exchange.cut.map(|cut| cut.word()));
    put(&mut value, "decoding", visit.decoding.as_deref());
    put(&mut value, "charset", visit.charset);
    if !exchange.interim.is_empty() {
        value.insert("interim".into(), json!(exchange.interim));
    }
    if let Some(head) = &exchange.head {
        value.insert("encodedDataLength".into(), exchange.response.len().into());
        value.insert("dataLength".into(), visit.decoded_size.into());
        value.insert("size".into(), visit.size.into());
        value.insert("hash".into(), visit.sha256.as_str().into());
        value.insert("response".into(), inner(exchange, head));
        let country =
            exchange.line.remote.zip(doors.countries).and_then(|(remote, known)| known.of(remote.ip()));
        put(&mut value, "geoip", country.map(|country| json!({ "country": country })));
    }
    value.into()
}

/// What the name's addresses were at that moment, and which of them we would not speak to.
fn resolved(exchange: &Exchange) -> Value {
    let answers = exchange.line.resolved.iter().map(|it| match it.refused {
        None => json!({ "address": it.address.to_string() }),
        Some(why) => json!({ "address": it.address.to_string(), "refused": why.to_string() }),
    });
    answers.collect()
}

fn inner(exchange: &Exchange, head: &Head) -> Value {
    let mut fields = Map::new();
    for (name, value) in &head.fields {
        // As Chromium joins what came more than once.
        match fields.get_mut(name) {
            Some(Value::String(all)) => {
                all.push('\n');
                all.push_str(value);
            }
            _ => drop(fields.insert(name.clone(), value.as_str().into())),
        }
    }
    let mut value = Map::new();
    value.insert("url".into(), exchange.url.as_str().into());
    value.insert("status".into(), head.status.into());
    value.insert("statusText".into(), head.reason.as_str().into());
    value.insert("headers".into(), fields.into());
    value.insert("mimeType".into(), head.media_type().into());
    value.insert("protocol".into(), "http/1.1".into());
    let remote = exchange.line.remote;
    put(&mut value, "remoteIPAddress", remote.map(|remote| remote.ip().to_string()));
    put(&mut value, "remotePort", remote.map(|remote| remote.port()));
    let tls = exchange.line.tls.as_ref();
    let state = match tls {
        None => "insecure",
        Some(tls) if tls.verified() => "secure",
        Some(_) => "insecure-broken",
    };
    value.insert("securityState".into(), state.into());
    put(&mut value, "securityDetails", tls.and_then(details));
    value.into()
}

fn details(tls: &Tls) -> Option<Value> {
    let facts = tls.chain.first()?.facts.as_ref()?;
    Some(json!({
        "protocol": tls.protocol,
        "cipher": tls.cipher,
        "keyExchangeGroup": tls.key_exchange,
        "subjectName": facts.subject_name,
        "sanList": facts.names,
        "issuer": facts.issuer_name,
        "validFrom": facts.not_before,
        "validTo": facts.not_after,
    }))
}
