//! What the page is and says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use url::Url;

use crate::dom::look::{Form, Input};
use crate::follow::{Journey, Visit};
use crate::tls::{Certificate, Tls};
use crate::{Doors, Job, time};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Keeps what is known.
pub(super) fn put(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value.into());
    }
}

pub(super) fn page(job: &Job, doors: &Doors<'_>, last: &Visit) -> Value {
    let exchange = &last.exchange;
    let mut page = Map::new();
    page.insert("url".into(), exchange.url.as_str().into());
    put(&mut page, "domain", exchange.url.host_str());
    let ip = exchange.line.remote.map(|remote| remote.ip());
    put(&mut page, "ip", ip.map(|ip| ip.to_string()));
    put(&mut page, "country", ip.zip(doors.countries).and_then(|(ip, countries)| countries.of(ip)));
    if let Some(head) = &exchange.head {
        // urlscan.io's status is a string.
        page.insert("status".into(), head.status.to_string().into());
        page.insert("mimeType".into(), head.media_type().into());
        put(&mut page, "server", head.field("server"));
    }
    if let Some(look) = &last.look {
        put(&mut page, "title", look.title.as_deref());
        put(&mut page, "language", look.language.as_deref());
    }
    let own = exchange.line.tls.as_ref().and_then(|tls| tls.chain.first()).and_then(|it| it.facts.as_ref());
    if let Some(facts) = own {
        page.insert("tlsIssuer".into(), facts.issuer_name.as_str().into());
        put(&mut page, "tlsValidFrom", time::seconds(facts.not_before));
        page.insert("tlsValidDays".into(), (facts.not_after.saturating_sub(facts.not_before) / DAY).into());
        let now = i64::try_from(job.now / 1000).unwrap_or(i64::MAX);
        page.insert("tlsAgeDays".into(), (now.saturating_sub(facts.not_before) / DAY).into());
    }
    page.into()
}

pub(super) fn lists(doors: &Doors<'_>, journey: &Journey) -> Value {
    let exchanges = || journey.visits.iter().map(|visit| &visit.exchange);
    let each = |words: Vec<String>| {
        let mut seen = BTreeSet::new();
        words.into_iter().filter(|word| seen.insert(word.clone())).collect::<Vec<_>>()
    };
    let ips = || exchanges().filter_map(|it| it.line.remote.map(|remote| remote.ip()));
    let countries = doors.countries.map(|known| ips().filter_map(|ip| known.of(ip)).collect());
    let domains = exchanges().filter_map(|it| it.url.host_str().map(str::to_owned)).collect();
    let servers = exchanges().filter_map(|it| it.head.as_ref()?.field("server").map(str::to_owned)).collect();
    let last = journey.visits.last().and_then(|visit| visit.look.as_ref());
    let linked = last.iter().flat_map(|look| &look.links).filter_map(|(url, _)| url.host_str());
    let certificates: BTreeMap<&str, Value> = exchanges()
        .filter_map(|it| it.line.tls.as_ref()?.chain.first())
        .filter_map(|it| Some((it.sha256.as_str(), it.facts.as_ref()?)))
        .map(|(hash, facts)| {
            let value = json!({
                "subjectName": facts.subject_name, "issuer": facts.issuer_name, "sanList": facts.names,
                "validFrom": facts.not_before, "validTo": facts.not_after,
            });
            (hash, value)
        })
        .collect();
    let mut lists = json!({
        "ips": each(ips().map(|ip| ip.to_string()).collect()),
        "domains": each(domains),
        "urls": each(exchanges().map(|it| it.url.as_str().to_owned()).collect()),
        "servers": each(servers),
        "hashes": each(journey.visits.iter().filter(|it| it.exchange.head.is_some()).map(|it| it.sha256.clone()).collect()),
        "linkDomains": each(linked.map(str::to_owned).collect()),
        "certificates": certificates.into_values().collect::<Vec<_>>(),
    });
    if let Some(countries) = countries {
        lists["countries"] = json!(each(countries));
    }
    lists
}

pub(super) fn stats(journey: &Journey) -> Value {
    let answered = journey.visits.iter().filter(|visit| visit.exchange.head.is_some());
    let (all, secure) = answered.fold((0, 0), |(all, secure), visit| {
        (all + 1, secure + usize::from(visit.exchange.url.scheme() == "https"))
    });
    let links =
        journey.visits.last().and_then(|visit| visit.look.as_ref()).map_or(0, |look| look.links.len());
    let percentage = (secure * 100_usize).checked_div(all).unwrap_or(0);
    json!({ "secureRequests": secure, "securePercentage": percentage, "totalLinks": links })
}

pub(super) fn redirects(journey: &Journey) -> Value {
    let hops = journey.hops.iter().map(|hop| {
        let mut value = json!({
            "from": hop.from.as_str(),
            "to": hop.to,
            "status": hop.status,
            "kind": hop.way.word(),
            "followed": hop.stopped.is_none(),
        });
        if hop.after > 0 {
            value["afterSeconds"] = json!(hop.after);
        }
        if let Some(why) = &hop.stopped {
            value["why"] = json!(why);
        }
        if hop.from.scheme() == "https" && hop.to.starts_with("http:") {
            value["losesTls"] = json!(true);
        }
        value
    });
    hops.collect()
}

/// The TLS of each exchange that had some, with the whole chain.
pub(super) fn tls(journey: &Journey) -> Value {
    let exchanges = journey.visits.iter().map(|visit| &visit.exchange);
    let seen = exchanges.filter_map(|it| it.line.tls.as_ref().map(|tls| connection(&it.url, tls)));
    seen.collect()
}

fn connection(url: &Url, tls: &Tls) -> Value {
    let mut value = Map::new();
    value.insert("url".into(), url.as_str().into());
    put(&mut value, "protocol", tls.protocol.as_deref());
    put(&mut value, "cipher", tls.cipher.as_deref());
    put(&mut value, "keyExchangeGroup", tls.key_exchange.as_deref());
    value.insert("verified".into(), tls.verified().into());
    value.insert("problems".into(), json!(tls.problems));
    // Nobody looked it up, and a reader must not think so.
    value.insert("revocation".into(), "not checked".into());
    value.insert("chain".into(), tls.chain.iter().map(certificate).collect());
    value.into()
}

fn certificate(certificate: &Certificate) -> Value {
    let mut value = json!({ "sha256": certificate.sha256 });
    match &certificate.facts {
        None => value["unreadable"] = json!(true),
        Some(facts) => {
            value["subject"] = json!(facts.subject);
            value["issuer"] = json!(facts.issuer);
            value["serial"] = json!(facts.serial);
            value["sanList"] = json!(facts.names);
            value["validFrom"] = json!(time::seconds(facts.not_before));
            value["validTo"] = json!(time::seconds(facts.not_after));
        }
    }
    value
}

pub(super) fn forms(last: &Visit) -> Value {
    let Some(look) = &last.look else { return json!([]) };
    look.forms.iter().map(|it| form(it, &last.exchange.url)).collect()
}

/// Fields outside every form: scripts send what is typed there.
pub(super) fn loose(last: &Visit) -> Value {
    last.look.iter().flat_map(|look| &look.loose).map(input).collect()
}

fn form(form: &Form, page: &Url) -> Value {
    let mut value = Map::new();
    put(&mut value, "name", form.name.as_deref());
    put(&mut value, "id", form.id.as_deref());
    value.insert("method".into(), form.method.as_str().into());
    put(&mut value, "action", form.action.as_ref().map(Url::as_str));
    put(&mut value, "actionWritten", form.action_written.as_deref());
    if let Some(action) = &form.action {
        put(&mut value, "actionHost", action.host_str());
        value.insert("crossOrigin".into(), (action.origin() != page.origin()).into());
    }
    value.insert("hidden".into(), form.hidden.is_some().into());
    put(&mut value, "hiddenBy", form.hidden.as_deref());
    value.insert("hasPassword".into(), form.inputs.iter().any(|it| it.kind == "password").into());
    value.insert("hasPayment".into(), form.inputs.iter().any(pays).into());
    value.insert("inputs".into(), form.inputs.iter().map(input).collect());
    value.insert("html".into(), form.html.as_str().into());
    if form.html_cut {
        value.insert("htmlCut".into(), true.into());
    }
    value.into()
}

/// Whether a field says itself that it takes a card (`autocomplete`: HTML, 4.10.18.7.1).
fn pays(input: &Input) -> bool {
    let wants = input.autocomplete.as_deref().unwrap_or_default().to_ascii_lowercase();
    wants.split_ascii_whitespace().any(|word| word.starts_with("cc-"))
}

fn input(input: &Input) -> Value {
    let mut value = Map::new();
    value.insert("tag".into(), input.tag.as_str().into());
    value.insert("type".into(), input.kind.as_str().into());
    put(&mut value, "name", input.name.as_deref());
    put(&mut value, "id", input.id.as_deref());
    put(&mut value, "autocomplete", input.autocomplete.as_deref());
    put(&mut value, "placeholder", input.placeholder.as_deref());
    put(&mut value, "value", input.value.as_deref());
    value.insert("required".into(), input.required.into());
    value.insert("hidden".into(), input.hidden.is_some().into());
    put(&mut value, "hiddenBy", input.hidden.as_deref());
    value.into()
}
