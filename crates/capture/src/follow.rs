//! From the address that was asked for to the page: every redirect with its own question and answer.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::connect::Connector;
use crate::decode::{self, Decoded};
use crate::dom::Document;
use crate::dom::look::{Look, look};
use crate::exchange::{Ask, Exchange, Head, exchange};
use crate::limits::{self, Limits};
use crate::refresh::{self, Refresh};
use crate::{Job, digest};

/// How an answer sends its reader elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A status of 301, 302, 303, 307 or 308 with `Location` (RFC 9110, 15.4).
    Http,
    /// The `Refresh` field.
    RefreshHeader,
    /// `<meta http-equiv="refresh">`.
    Meta,
}

impl Way {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::RefreshHeader => "refresh-header",
            Self::Meta => "meta",
        }
    }
}

/// One redirect.
pub(crate) struct Hop {
    pub(crate) from: Url,
    /// The target, absolute when it can be made so.
    pub(crate) to: String,
    pub(crate) way: Way,
    pub(crate) status: u16,
    /// Seconds the page would have waited; nobody waits here.
    pub(crate) after: u64,
    /// Why it was not followed.
    pub(crate) stopped: Option<String>,
}

/// One exchange and what was read out of it.
pub(crate) struct Visit {
    pub(crate) exchange: Exchange,
    /// SHA-256 of the body as sent, framing undone, hex.
    pub(crate) sha256: String,
    pub(crate) size: usize,
    /// Bytes after the content coding is undone.
    pub(crate) decoded_size: usize,
    /// What was wrong with the coding.
    pub(crate) decoding: Option<String>,
    pub(crate) charset: Option<&'static str>,
    /// What the page says, when it is one.
    pub(crate) look: Option<Look>,
}

/// Everything that happened, in its order. There is at least one visit.
pub(crate) struct Journey {
    pub(crate) visits: Vec<Visit>,
    pub(crate) hops: Vec<Hop>,
    /// Milliseconds it took.
    pub(crate) took: u64,
}

/// Goes from `start` to the last answer.
pub(crate) async fn journey(connector: &Connector<'_>, job: &Job, start: Url) -> Journey {
    let begun = Instant::now();
    let end = begun + job.limits.total;
    let mut made = Journey { visits: Vec::new(), hops: Vec::new(), took: 0 };
    let (mut been, mut room, mut url) = (BTreeSet::new(), job.limits.all, start);
    loop {
        been.insert(url.as_str().to_owned());
        let ask = Ask {
            url: &url,
            user_agent: &job.user_agent,
            now: job.now.saturating_add(millis(begun.elapsed())),
            deadline: end.min(Instant::now() + job.limits.exchange),
            room: room.min(job.limits.answer),
        };
        let exchange = exchange(connector, &job.limits, ask).await;
        room -= exchange.response.len().min(room);
        let visit = read(exchange, &job.limits, end);
        let next = next(&visit);
        made.visits.push(visit);
        let Some((way, written, after)) = next else { break };
        let exchange = &made.visits[made.visits.len() - 1].exchange;
        let mut hop = Hop {
            from: exchange.url.clone(),
            to: limits::cut(&written, limits::URL).to_owned(),
            way,
            status: exchange.head.as_ref().map_or(0, |head| head.status),
            after,
            stopped: None,
        };
        let target = aim(&mut hop, &made.visits[made.visits.len() - 1], &written).and_then(|target| {
            let followed = made.hops.len();
            let stop = match () {
                () if been.contains(target.as_str()) => "it leads in a circle".to_owned(),
                () if followed >= job.limits.redirects => {
                    format!("{} redirects were followed, and no more are", job.limits.redirects)
                }
                () if room == 0 => "no more bytes are taken".to_owned(),
                () if Instant::now() >= end => "the time is up".to_owned(),
                () => return Ok(target),
            };
            Err(stop)
        });
        hop.stopped = target.as_ref().err().cloned();
        made.hops.push(hop);
        match target {
            Ok(target) => url = target,
            Err(_) => break,
        }
    }
    made.took = millis(begun.elapsed());
    made
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The absolute target of a redirect, as it is asked for; the reason when nobody asks for such a thing.
fn aim(hop: &mut Hop, visit: &Visit, written: &str) -> Result<Url, String> {
    if written.len() > limits::URL {
        return Err(format!("its address has more than {} bytes", limits::URL));
    }
    let page = &visit.exchange.url;
    let base = visit.look.as_ref().filter(|_| hop.way == Way::Meta).and_then(|look| look.base.as_ref());
    let target = base.unwrap_or(page).join(written).map_err(|error| format!("it is no address: {error}"))?;
    hop.to = target.as_str().to_owned();
    crate::askable(target)
}

/// Where an answer sends its reader: browsers look in this order.
fn next(visit: &Visit) -> Option<(Way, String, u64)> {
    let head = visit.exchange.head.as_ref()?;
    if matches!(head.status, 301 | 302 | 303 | 307 | 308)
        && let Some(location) = head.field("location")
    {
        return Some((Way::Http, location.trim().to_owned(), 0));
    }
    let wanted = |refresh: Refresh| {
        refresh.to.filter(|_| refresh.after <= limits::REFRESH).map(|to| (to, refresh.after))
    };
    if let Some((to, after)) = head.field("refresh").and_then(refresh::parse).and_then(wanted) {
        return Some((Way::RefreshHeader, to, after));
    }
    let meta = visit.look.as_ref()?.refresh.clone()?;
    wanted(meta).map(|(to, after)| (Way::Meta, to, after))
}

/// Reads what an answer carries.
fn read(mut exchange: Exchange, limits: &Limits, end: Instant) -> Visit {
    let body = std::mem::take(&mut exchange.body);
    let mut visit = Visit {
        sha256: digest::hex(&body),
        size: body.len(),
        decoded_size: 0,
        decoding: None,
        charset: None,
        look: None,
        exchange,
    };
    let Some(head) = &visit.exchange.head else { return visit };
    let Decoded { bytes, problem } = decode::content(head.all("content-encoding"), &body, limits.decoded);
    (visit.decoded_size, visit.decoding) = (bytes.len(), problem);
    let kind = kind(head, &bytes);
    if kind == Readable::No {
        return visit;
    }
    let (text, charset) = decode::characters(&bytes, head.field("content-type"));
    visit.charset = Some(charset);
    visit.look = Some(if kind == Readable::Html {
        let late = end.min(Instant::now() + limits.parse);
        look(&Document::parse(&text, || Instant::now() < late), &visit.exchange.url)
    } else {
        let kept = limits::cut(&text, limits::TEXT);
        let cut = if kept.len() < text.len() { vec!["text"] } else { Vec::new() };
        Look { text: kept.to_owned(), cut, ..Look::default() }
    });
    visit
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Readable {
    Html,
    Text,
    No,
}

/// How a body is read. What names no type is a page when it looks like one (MIME Sniffing, 7.1, shortened).
fn kind(head: &Head, bytes: &[u8]) -> Readable {
    match head.media_type().as_str() {
        "text/html" | "application/xhtml+xml" => Readable::Html,
        "" if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<') => Readable::Html,
        "" if std::str::from_utf8(bytes).is_ok() => Readable::Text,
        kind if kind.starts_with("text/") || kind == "application/json" => Readable::Text,
        _ => Readable::No,
    }
}
