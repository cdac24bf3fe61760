//! Reports over the API. They hold what people said about themselves, so no read of them is open without a token.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use policy::Id;
use policy::report::Report;
use policy::report::cluster::Outcome;
use serde::{Deserialize, Serialize};
use store::{ClusterRow, Decided};
use utoipa::ToSchema;

use super::handlers::{Answered, Problems, ok, read_id};
use super::lists::Which;
use crate::act;
use crate::auth::{Authorised, ReadReports, Triage};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{Once, json};

/// Reports that say the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Cluster {
    /// Its number: that of its first report.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) category: &'static str,
    /// 4 (a life) to 0 (a nuisance): who is looked at first.
    pub(crate) severity: u8,
    /// The hostname it is about, if it names one that could be served.
    pub(crate) host: Option<String>,
    /// Whose hostname that was when the first report came.
    pub(crate) customer_id: Option<String>,
    /// When the first report came.
    pub(crate) first: String,
    /// When the newest report came.
    pub(crate) last: String,
    /// How many there are. It says nothing about what they say.
    pub(crate) count: u64,
    /// `open`, or what became of it: `acted`, `forwarded`, `unfounded`, `out-of-scope`, `abusive`.
    pub(crate) outcome: &'static str,
    /// What its reporters were told.
    pub(crate) reply: Option<String>,
}

/// A list of clusters.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Clusters {
    /// The gravest first, and of those the oldest.
    reports: Vec<Cluster>,
    /// Give it as `cursor` for the next part; absent at the end.
    next_cursor: Option<String>,
}

/// One report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    /// Its number.
    pub(crate) id: String,
    /// When it came.
    pub(crate) received: String,
    /// How it came: `form`, `api`, `xarf`, `mail` or `arf`.
    pub(crate) channel: &'static str,
    /// Where it is, as the reporter wrote it.
    pub(crate) about: Vec<String>,
    /// When it happened, as the reporter says.
    pub(crate) happened: Option<String>,
    /// Whether the reporter stated to believe in good faith that it is accurate and complete.
    pub(crate) good_faith: bool,
    /// The reporter's name, as they gave it. Never tell the customer.
    pub(crate) name: Option<String>,
    /// The reporter's e-mail address, unchecked. Never tell the customer.
    pub(crate) email: Option<String>,
    /// The reporter's words.
    pub(crate) text: String,
}

/// What somebody decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    /// When.
    pub(crate) at: String,
    /// The name of the token.
    pub(crate) by: String,
    /// As in the list; `open` when it was opened again.
    pub(crate) outcome: &'static str,
    /// What its reporters were told.
    pub(crate) reply: String,
}

/// A cluster with its reports.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    /// The first 20 reports.
    pub(crate) reports: Vec<Item>,
    /// Everything that was decided, in order.
    pub(crate) history: Vec<Step>,
    /// Cases that it is in.
    pub(crate) cases: Vec<String>,
}

/// What became of a cluster.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOutcome {
    /// `acted`, `forwarded`, `unfounded`, `out-of-scope`, `abusive`, or `open` to open it again.
    pub(crate) outcome: String,
    /// One sentence for everybody who reported it.
    pub(crate) reply: String,
}

fn cluster(row: &ClusterRow) -> Cluster {
    let outcome = row.decided.as_ref().and_then(|d| d.outcome);
    Cluster {
        id: row.id.to_string(),
        category: row.category.word(),
        severity: row.category.severity(),
        host: row.host.clone(),
        customer_id: row.customer.as_ref().map(ToString::to_string),
        first: row.first.to_string(),
        last: row.last.to_string(),
        count: row.reports,
        outcome: outcome.map_or("open", Outcome::word),
        reply: row.decided.as_ref().map(|d| d.reply.to_string()),
    }
}

fn item(report: Report) -> Item {
    Item {
        id: report.id.to_string(),
        received: report.received.to_string(),
        channel: report.channel.word(),
        about: report.about.iter().map(|a| a.as_str().to_owned()).collect(),
        happened: report.happened.map(|t| t.to_string()),
        good_faith: report.good_faith,
        name: report.reporter.name.map(|n| n.to_string()),
        email: report.reporter.email.map(|e| e.to_string()),
        text: report.text,
    }
}

fn step(decided: Decided) -> Step {
    Step {
        at: decided.at.to_string(),
        by: decided.by,
        outcome: decided.outcome.map_or("open", Outcome::word),
        reply: decided.reply.to_string(),
    }
}

/// Reports that came in, as clusters of those that say the same.
#[utoipa::path(get, path = "/api/v1/reports", operation_id = "listReports", tag = "reports", params(Which),
    responses((status = 200, body = Clusters), Problems))]
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<ReadReports>,
    query: Result<Query<Which>, QueryRejection>,
) -> Answered {
    let Query(which) = query.map_err(|e| DeskError::Request(e.body_text()))?;
    let (reports, next_cursor) = queue(&desk, &which).await?;
    ok(&Clusters { reports, next_cursor })
}

/// A part of the queue, and the cursor of the next.
pub(crate) async fn queue(desk: &Shared, which: &Which) -> Result<(Vec<Cluster>, Option<String>), DeskError> {
    let queue = which.queue("decided")?;
    let rows = desk.store.clusters(&queue).await?;
    let full = rows.len() as u64 >= u64::from(queue.limit);
    let next_cursor = rows.last().filter(|_| full).map(|row| row.id.to_string());
    Ok((rows.iter().map(cluster).collect(), next_cursor))
}

/// Whether this is what was decided last.
pub(crate) fn says(row: &ClusterRow, new: &NewOutcome) -> bool {
    row.decided.as_ref().is_some_and(|d| {
        d.outcome.map_or("open", Outcome::word) == new.outcome && d.reply.as_str() == new.reply
    })
}

/// The outcome of a word; none opens it again.
pub(crate) fn outcome(word: &str) -> Result<Option<Outcome>, DeskError> {
    match word {
        "open" => Ok(None),
        word => Outcome::parse(word).map(Some).ok_or_else(|| {
            let all: Vec<&str> = Outcome::ALL.iter().map(|o| o.word()).collect();
            DeskError::Request(format!("`outcome` must be one of {}, open", all.join(", ")))
        }),
    }
}

pub(crate) async fn whole(desk: &Shared, row: ClusterRow) -> Result<Whole, DeskError> {
    let reports = desk.store.reports_of(&row.id, limits::REPORTS_SHOWN).await?;
    let history = desk.store.outcomes_of(&row.id).await?;
    let cases = desk.store.cases_of(&row.id).await?;
    Ok(Whole {
        cases: cases.iter().map(ToString::to_string).collect(),
        cluster: cluster(&row),
        reports: reports.into_iter().map(item).collect(),
        history: history.into_iter().map(step).collect(),
    })
}

/// The cluster that holds this report.
pub(crate) async fn holding(desk: &Shared, part: &str) -> Result<ClusterRow, DeskError> {
    let readable = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    let fits = (limits::PART_OF_NUMBER..=64).contains(&part.len()) && part.bytes().all(readable);
    let found = if fits { desk.store.find_clusters(part).await? } else { Vec::new() };
    let missing = || {
        let what = format!("a report with a number that is, begins or ends with {part:.80}");
        DeskError::NotFound(format!("{what}; give at least {} characters", limits::PART_OF_NUMBER))
    };
    match found.as_slice() {
        [one] => desk.store.cluster(one).await?.ok_or_else(missing),
        [] => Err(missing()),
        several => {
            let all: Vec<&str> = several.iter().map(Id::as_str).collect();
            let more = if several.len() >= store::FOUND as usize { ", and perhaps more" } else { "" };
            Err(DeskError::Conflict(format!("{part} could be any of: {}{more}", all.join(", "))))
        }
    }
}

/// One cluster: its first reports, and what was decided.
#[utoipa::path(get, path = "/api/v1/reports/{id}", operation_id = "getReports", tag = "reports",
    params(("id" = String, Path, description = "The number of any report in it, or at least four characters of its beginning or end that fit no other cluster")),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn get(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<ReadReports>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let Path(part) = path.map_err(|e| DeskError::Request(e.body_text()))?;
    ok(&whole(&desk, holding(&desk, &part).await?).await?)
}

/// Say what became of a cluster. Everybody who reported it reads the reply.
#[utoipa::path(post, path = "/api/v1/reports/{id}/outcome", operation_id = "decideReports", tag = "reports",
    params(("id" = String, Path, description = "The whole number of any report in it"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = NewOutcome),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn decide(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Triage>,
    path: Result<Path<String>, PathRejection>,
    once: Once,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let id = read_id(path)?;
    let act = async {
        let new: NewOutcome = serde_json::from_slice(&body.0).map_err(|e| {
            DeskError::Request(format!("the body must be {{\"outcome\": ..., \"reply\": ...}}: {e}"))
        })?;
        let outcome = outcome(&new.outcome)?;
        // A whole number only: a part of one could mean another one tomorrow.
        let cluster = desk.store.cluster_of(id.as_str()).await?.unwrap_or_else(|| id.clone());
        let row = act::report::decide(&by, &desk, &cluster, outcome, &new.reply).await?;
        json(StatusCode::OK, &whole(&desk, row).await?)
    };
    once.run(&desk, by.name(), &body.0, act).await
}
