//! What an edge and a desk count, for Prometheus and whoever reads its text format (OpenMetrics 1.0). Without it, an edge's
//! refusals would be seen by nobody but its own log.

use std::convert::Infallible;
use std::fmt;
use std::sync::Weak;

use bytes::Bytes;
use edge::EdgeHandle;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use relay::{Monitor, Status};

use crate::serve::{self, Door};

/// Where it is; everything else there is a 404.
pub(crate) const PATH: &str = "/metrics";

/// The media type of OpenMetrics 1.0, which Prometheus has read since 2.5.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Both halves of an edge: the engine that carries requests, and the tail that follows the ledger.
#[derive(Clone)]
pub(super) struct Source {
    /// Gone when the edge stops; the listener must not keep it alive.
    pub(super) engine: Weak<EdgeHandle>,
    pub(super) tail: Monitor,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// Serves an edge's figures until the process ends.
pub(super) async fn serve(door: Door, source: Source) {
    serve_text(door, move || {
        let text = text(&source).map_err(|e| e.to_string());
        async move { text }
    })
    .await;
}

/// Serves the desk's figures until the process ends.
pub(super) async fn serve_desk(door: Door, desk: desk::Desk) {
    serve_text(door, move || {
        let desk = desk.clone();
        async move {
            let (figures, untold) = desk.mail_figures().await?;
            let pages = desk.page_figures().await?;
            text(&Posted { figures, untold, pages, now: desk.now() }).map_err(|e| e.to_string())
        }
    })
    .await;
}

async fn serve_text<F, T>(door: Door, text: F)
where
    F: Fn() -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Result<String, String>> + Send + 'static,
{
    let answer = move |request: Request<Incoming>| {
        let text = text.clone();
        async move { Ok::<_, Infallible>(answer(request.method(), request.uri().path(), text()).await) }
    };
    serve::serve(door, service_fn(answer)).await;
}

async fn answer(
    method: &Method,
    path: &str,
    text: impl Future<Output = Result<String, String>>,
) -> Response<Full<Bytes>> {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let (status, kind, body) = if path != PATH {
        (StatusCode::NOT_FOUND, plain, format!("the figures are at {PATH}\n"))
    } else if method != Method::GET && method != Method::HEAD {
        (StatusCode::METHOD_NOT_ALLOWED, plain, "GET or HEAD\n".to_owned())
    } else {
        match text.await {
            Ok(text) => (StatusCode::OK, HeaderValue::from_static(OPEN_METRICS), text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, plain, format!("{error}\n")),
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn text<C: Collector + Clone>(source: &C) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("portcullis");
    registry.register_collector(Box::new(source.clone()));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// Outbox and pages when somebody asked.
#[derive(Clone, Debug)]
struct Posted {
    figures: store::MailFigures,
    untold: u64,
    pages: store::PageFigures,
    now: policy::Time,
}

impl Collector for Posted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = &self.figures;
        let age = figures.oldest.map_or(0, |oldest| self.now.since(oldest));
        one(&mut encoder, "mail_queued", "Mails that wait.", figures.queued, false)?;
        one(&mut encoder, "mail_oldest_seconds", "How long the oldest of them waits.", age, false)?;
        one(&mut encoder, "mail_sent", "Mails that the smarthost took.", figures.sent, true)?;
        one(
            &mut encoder,
            "mail_failed",
            "Mails that were given up and not tried again: an alarm.",
            figures.failed,
            false,
        )?;
        let help = "Decisions that hold and whose customer should have been told by now: an alarm.";
        one(&mut encoder, "customers_untold", help, self.untold, false)?;
        one(&mut encoder, "pages_open", "Needs of somebody that are open.", self.pages.open, false)?;
        let help = "Those of them that nobody has acknowledged.";
        one(&mut encoder, "pages_unanswered", help, self.pages.unanswered, false)?;
        let help = "Calls about them that did not get through: an alarm.";
        one(&mut encoder, "pages_failed", help, self.pages.failed, false)
    }
}

impl Collector for Source {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.engine.upgrade().map(|engine| engine.counters().figures());
        for figure in figures.into_iter().flatten() {
            let name = format!("edge_{}", figure.name);
            one(&mut encoder, &name, figure.help, figure.value, figure.rises)?;
        }
        let status = self.tail.status();
        for (name, help, value) in standing(&status) {
            one(&mut encoder, name, help, value, false)?;
        }
        let (none, help) =
            (ConstCounter::new(0_u64), "What the ledger's server showed and had no effect, by reason");
        let mut family = encoder.encode_descriptor("ledger_refused", help, NO_UNIT, none.metric_type())?;
        for (reason, n) in &status.refused {
            ConstCounter::new(*n).encode(family.encode_family(&[("reason", *reason)])?)?;
        }
        Ok(())
    }
}

const NO_UNIT: Option<&Unit> = None;

fn one(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64, rises: bool) -> fmt::Result {
    if rises {
        let counter = ConstCounter::new(value);
        counter.encode(encoder.encode_descriptor(name, help, NO_UNIT, counter.metric_type())?)
    } else {
        let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        gauge.encode(encoder.encode_descriptor(name, help, NO_UNIT, gauge.metric_type())?)
    }
}

/// How the edge stands to its ledger.
fn standing(status: &Status) -> [(&'static str, &'static str, u64); 12] {
    [
        ("ledger_size", "Entries verified and folded.", status.size),
        ("ledger_stale", "1: no successful look at the log for a minute.", status.stale.into()),
        ("ledger_bell", "1: the doorbell is connected.", status.bell.into()),
        ("ledger_incomplete", "1: entries are missing on this edge's disk.", status.incomplete.into()),
        ("ledger_undos_pending", "Lifts and suspends that the log does not hold yet.", status.undos_pending),
        ("ledger_undos_unlogged", "Those that it ought to hold by now: an alarm.", status.undos_unlogged),
        (
            "ledger_frozen",
            "1: the log forked, and waits for a new key by the policy quorum: an alarm.",
            status.frozen.into(),
        ),
        ("ledger_views", "Peers and witnesses that hold the same log.", status.views),
        (
            "ledger_held_back",
            "1: others have held more of the log for over a minute: an alarm.",
            status.held_back.into(),
        ),
        (
            "config_version",
            "The configuration of the log that is served; 0: the local sites file.",
            status.config.unwrap_or(0),
        ),
        (
            "config_refused",
            "1: the newest configuration of the log is not served, the last good one is: an alarm.",
            status.config_refused.is_some().into(),
        ),
        ("ledger_forks", "Proofs kept that the log signed two histories: an alarm.", status.fork_evidence),
    ]
}
