//! Which records a capture has: what was asked and answered, what the server showed, what the page said.

use serde_json::Value;

use crate::Job;
use crate::exchange::Exchange;
use crate::follow::{Journey, Visit};
use crate::tls::Tls;
use crate::warc::{Archive, Kind, Record};

/// The archive of a journey. `facts` is the result without what can only be known when the archive is made.
pub(crate) fn archive(job: &Job, journey: &Journey, text: &str, facts: &Value) -> Vec<u8> {
    let mut archive = Archive::new(job.id);
    let info = format!(
        "software: {}\r\nformat: WARC File Format 1.1\r\n\
         conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n\
         http-header-user-agent: {}\r\nrobots: ignore\r\n",
        line(&job.software),
        line(&job.user_agent),
    );
    archive.add(&Record {
        kind: Kind::Warcinfo,
        at: job.now,
        uri: None,
        ip: None,
        content_type: "application/warc-fields",
        block: info.as_bytes(),
        payload: None,
        with: None,
        truncated: None,
    });
    let mut last = None;
    for visit in &journey.visits {
        last = exchange(&mut archive, &visit.exchange).or(last);
    }
    let page = &journey.visits[journey.visits.len() - 1];
    if page.look.is_some() {
        said(&mut archive, page, text, last.as_deref());
    }
    let facts = format!("{facts:#}\n");
    archive.add(&Record {
        kind: Kind::Metadata,
        at: job.now.saturating_add(journey.took),
        uri: Some(page.exchange.url.as_str()),
        ip: None,
        content_type: "application/json",
        block: facts.as_bytes(),
        payload: None,
        with: last.as_deref(),
        truncated: None,
    });
    archive.finish()
}

/// Question, answer and certificates of one exchange; the answer's id when there is one.
fn exchange(archive: &mut Archive, exchange: &Exchange) -> Option<String> {
    if exchange.request.is_empty() {
        return None;
    }
    let answered = !exchange.response.is_empty();
    // The question comes first and names the answer after it.
    let answer = archive.id(1);
    let uri = exchange.url.as_str();
    let ip = exchange.line.remote.map(|remote| remote.ip());
    let asked = archive.add(&Record {
        kind: Kind::Request,
        at: exchange.asked,
        uri: Some(uri),
        ip,
        content_type: "application/http;msgtype=request",
        block: &exchange.request,
        payload: Some(b""),
        with: answered.then_some(&*answer),
        truncated: None,
    });
    if answered {
        archive.add(&Record {
            kind: Kind::Response,
            at: exchange.asked,
            uri: Some(uri),
            ip,
            content_type: "application/http;msgtype=response",
            block: &exchange.response,
            payload: payload(exchange),
            with: Some(&asked),
            truncated: exchange.cut.map(|cut| cut.word()),
        });
    }
    if let Some(chain) = exchange.line.tls.as_ref().and_then(pem) {
        archive.add(&Record {
            kind: Kind::Resource,
            at: exchange.asked,
            uri: Some(&format!("urn:certificates:{uri}")),
            ip,
            content_type: "application/pem-certificate-chain",
            block: chain.as_bytes(),
            payload: None,
            with: Some(&asked),
            truncated: None,
        });
    }
    answered.then_some(answer)
}

/// The payload, when every reader means the same by it. The standard takes a transfer coding off first (WARC 1.1, 6.3.2);
/// the readers in use digest what stands there (webrecorder/warcio#74). So a chunked answer has the digest of its block,
/// and the one of its body in the result.
fn payload(exchange: &Exchange) -> Option<&[u8]> {
    let head = exchange.head.as_ref()?;
    let plain = head.field("transfer-encoding").is_none();
    plain.then(|| exchange.response.get(head.length..)).flatten()
}

/// The page's text, as crawlers name it.
fn said(archive: &mut Archive, page: &Visit, text: &str, answer: Option<&str>) {
    archive.add(&Record {
        kind: Kind::Resource,
        at: page.exchange.asked,
        uri: Some(&format!("urn:text:{}", page.exchange.url)),
        ip: None,
        content_type: "text/plain; charset=utf-8",
        block: text.as_bytes(),
        payload: None,
        with: answer,
        truncated: None,
    });
}

fn pem(tls: &Tls) -> Option<String> {
    use base64::Engine as _;
    let mut all = String::new();
    for certificate in &tls.chain {
        let text = base64::engine::general_purpose::STANDARD.encode(&certificate.der);
        all += "-----BEGIN CERTIFICATE-----\n";
        for start in (0..text.len()).step_by(64) {
            all += &text[start..text.len().min(start + 64)];
            all.push('\n');
        }
        all += "-----END CERTIFICATE-----\n";
    }
    (!all.is_empty()).then_some(all)
}

fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
