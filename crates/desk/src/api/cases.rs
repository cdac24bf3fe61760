//! Cases over the API. They hold what is not public, so no read of them is open without a token.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use policy::case::{Act as Done, Case as Journal, Entry, Outcome};
use policy::report::Address;
use policy::{Id, Sentence, Time};
use serde::{Deserialize, Serialize};
use store::NewCase;
use utoipa::ToSchema;

use super::facts;
use super::handlers::{Answered, Problems, ok, read_id};
use super::lists::Which;
use crate::act;
use crate::auth::{Authorised, ReadCases, WorkCases};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{Once, json};

/// A case, as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Case {
    /// Its number.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) title: String,
    /// Whose sites, if anybody's.
    pub(crate) customer_id: Option<String>,
    /// When it was opened.
    pub(crate) opened: String,
    /// Who works on it, if anybody did something in the last four hours.
    pub(crate) taken_by: Option<String>,
    /// `open`, or how it ended: `no-action`, `remedied`, `decided`, `forwarded`.
    pub(crate) outcome: &'static str,
    /// Clusters of reports that are about it.
    pub(crate) reports: Vec<String>,
}

/// A list of cases.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Cases {
    /// The oldest first.
    cases: Vec<Case>,
    /// Give it as `cursor` for the next part; absent at the end.
    next_cursor: Option<String>,
}

/// Something that happened, with its three times.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// When it happened.
    pub(crate) happened: String,
    /// When somebody of ours saw it.
    pub(crate) seen: String,
    /// When it was written down.
    pub(crate) recorded: String,
    /// Who wrote it down.
    pub(crate) by: String,
    /// Where it can be seen.
    pub(crate) place: Option<String>,
    /// What happened.
    pub(crate) what: String,
}

/// An entry of the journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    /// When it was written down.
    pub(crate) at: String,
    /// Who: the name of their token.
    pub(crate) by: String,
    /// What they did.
    pub(crate) act: &'static str,
    /// Its exact text; its SHA-256 stands in the next one.
    pub(crate) text: String,
}

/// A note of the ledger that names the case.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Noted {
    /// Its kind.
    pub(crate) kind: &'static str,
    /// Its id.
    pub(crate) id: String,
    /// Its place in the ledger.
    pub(crate) index: u64,
}

/// A whole case.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) case: Case,
    /// What happened, in that order.
    pub(crate) timeline: Vec<Line>,
    /// What people did, in that order.
    pub(crate) journal: Vec<Step>,
    /// The hash of the newest entry: whoever wrote it down can tell later that nothing was changed.
    pub(crate) head: String,
    /// Notes of the ledger that name the case.
    pub(crate) notes: Vec<Noted>,
    /// Evidence, judgements and referrals, and what still closes the emergency track.
    pub(crate) emergency: facts::Track,
    /// Where rooms for authorities are: a referral's number, a slash and its secret follow.
    pub(crate) room_base: String,
}

/// A case to be opened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCaseBody {
    /// Its number, `cas-` and something random.
    id: String,
    /// What it is about, for lists.
    title: String,
    /// Whose sites, if anybody's.
    #[serde(default)]
    customer_id: Option<String>,
    /// Clusters of reports that are about it.
    #[serde(default)]
    reports: Vec<String>,
}

/// What somebody did.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum NewEntry {
    /// Put a cluster of reports to it.
    Link {
        /// Its number.
        reports: String,
    },
    /// Wrote down something that happened.
    Happened {
        /// When it happened.
        happened: String,
        /// When somebody of ours saw it; now when absent.
        #[serde(default)]
        seen: Option<String>,
        /// Where it can be seen.
        #[serde(default)]
        place: Option<String>,
        /// One sentence.
        what: String,
    },
    /// Judged one of the eight criteria of the emergency track.
    Judge(facts::NewJudgement),
    /// Told an authority.
    Refer(facts::NewReferral),
    /// Wrote down what an authority answered.
    Answer(facts::NewAnswer),
    /// Told an authority something more.
    Reply(facts::NewReply),
    /// Took it, so that nobody else works on it.
    Take {},
    /// Gave it back.
    Release {},
    /// Ended it.
    Close {
        /// `no-action`, `remedied`, `decided` or `forwarded`.
        outcome: String,
        /// One sentence.
        why: String,
    },
    /// Began it again.
    Reopen {
        /// One sentence.
        why: String,
    },
}

/// What a piece of evidence is; its bytes are the body.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NewEvidence {
    /// Its number, `evd-` and something random.
    pub(super) evidence: String,
    /// `captured`, `authority`, `archive`, `customer`, `reporter` or `other`.
    pub(super) source: String,
    /// Which source; two pieces from the same one are one source.
    pub(super) from: String,
    /// When it was fetched or handed over; now when absent.
    #[serde(default)]
    pub(super) captured: Option<String>,
    /// What it shows, one sentence.
    pub(super) what: String,
}

pub(super) fn request(what: &str, why: &str) -> DeskError {
    DeskError::Request(format!("`{what}` {why}"))
}

pub(super) fn id(what: &str, text: &str) -> Result<Id, DeskError> {
    Id::parse(text).ok_or_else(|| request(what, "must be an id"))
}

pub(super) fn sentence(what: &str, text: &str) -> Result<Sentence, DeskError> {
    Sentence::parse(text).map_err(|why| request(what, why))
}

pub(super) fn time(what: &str, text: &str) -> Result<Time, DeskError> {
    Time::parse(text).ok_or_else(|| request(what, "must be a time like 2026-11-22T23:15:00Z"))
}

impl NewEntry {
    pub(crate) fn act(self, now: Time) -> Result<Done, DeskError> {
        Ok(match self {
            Self::Link { reports } => Done::Link { reports: id("reports", &reports)? },
            Self::Happened { happened, seen, place, what } => Done::Happened {
                happened: time("happened", &happened)?,
                seen: seen.map_or(Ok(now), |seen| time("seen", &seen))?,
                place: place
                    .map(|place| Address::parse(&place).map_err(|why| request("place", why)))
                    .transpose()?,
                what: sentence("what", &what)?,
            },
            Self::Judge(it) => Done::Judge(it.read()?),
            Self::Refer(it) => Done::Refer(it.read(now)?),
            Self::Answer(it) => Done::Answer(it.read(now)?),
            Self::Reply(it) => Done::Reply(it.read()?),
            Self::Take {} => Done::Take,
            Self::Release {} => Done::Release,
            Self::Close { outcome, why } => Done::Close {
                outcome: Outcome::parse(&outcome).ok_or_else(|| {
                    let all: Vec<&str> = Outcome::ALL.iter().map(|o| o.word()).collect();
                    request("outcome", &format!("must be one of {}", all.join(", ")))
                })?,
                why: sentence("why", &why)?,
            },
            Self::Reopen { why } => Done::Reopen { why: sentence("why", &why)? },
        })
    }
}

fn case(it: &Journal, now: Time) -> Case {
    Case {
        id: it.id.to_string(),
        title: it.title.to_string(),
        customer_id: it.customer.as_ref().map(ToString::to_string),
        opened: it.opened.to_string(),
        taken_by: it.held(now).map(ToString::to_string),
        outcome: it.closed.map_or("open", |(outcome, _)| outcome.word()),
        reports: it.reports.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) async fn whole(desk: &Shared, it: &Journal) -> Result<Whole, DeskError> {
    let line = |l: &policy::case::Line| Line {
        happened: l.happened.to_string(),
        seen: l.seen.to_string(),
        recorded: l.recorded.to_string(),
        by: l.by.to_string(),
        place: l.place.as_ref().map(|p| p.as_str().to_owned()),
        what: l.what.to_string(),
    };
    let step = |e: Entry| Step {
        at: e.at.to_string(),
        by: e.by.to_string(),
        act: e.act.word(),
        text: e.to_string(),
    };
    let state = desk.state();
    let noted = state.notes_of(&it.id).into_iter().map(|(kind, id, index)| Noted {
        kind: kind.word(),
        id: id.to_string(),
        index,
    });
    Ok(Whole {
        case: case(it, desk.now()),
        timeline: it.timeline.iter().map(line).collect(),
        journal: desk.store.journal(&it.id).await?.into_iter().map(step).collect(),
        head: it.head.to_string(),
        notes: noted.collect(),
        emergency: facts::track(&it.facts, desk.now()),
        room_base: format!("{}/authority/", desk.config.press),
    })
}

/// Cases, the oldest first.
#[utoipa::path(get, path = "/api/v1/cases", operation_id = "listCases", tag = "cases", params(Which),
    responses((status = 200, body = Cases), Problems))]
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<ReadCases>,
    query: Result<Query<Which>, QueryRejection>,
) -> Answered {
    let Query(which) = query.map_err(|e| DeskError::Request(e.body_text()))?;
    let (cases, next_cursor) = queue(&desk, &which).await?;
    ok(&Cases { cases, next_cursor })
}

/// A part of the list, and the cursor of the next.
pub(crate) async fn queue(desk: &Shared, which: &Which) -> Result<(Vec<Case>, Option<String>), DeskError> {
    let queue = which.queue("closed")?;
    let found = desk.store.cases(&queue).await?;
    let full = found.len() as u64 >= u64::from(queue.limit);
    let next_cursor = found.last().filter(|_| full).map(|it| it.id.to_string());
    let now = desk.now();
    Ok((found.iter().map(|it| case(it, now)).collect(), next_cursor))
}

/// One case: what happened, what people did, and which notes name it.
#[utoipa::path(get, path = "/api/v1/cases/{id}", operation_id = "getCase", tag = "cases",
    params(("id" = String, Path, description = "Its number")),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn get(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<ReadCases>,
    path: Result<Path<String>, PathRejection>,
) -> Answered {
    let id = read_id(path)?;
    let it = desk.store.case(&id).await?.ok_or_else(|| DeskError::NotFound(format!("the case {id}")))?;
    ok(&whole(&desk, &it).await?)
}

/// Open a case with the reports that are about it.
#[utoipa::path(post, path = "/api/v1/cases", operation_id = "openCase", tag = "cases",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = NewCaseBody),
    responses((status = 201, body = Whole), Problems))]
pub(crate) async fn open(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    once: Once,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let act = async {
        let new: NewCaseBody = serde_json::from_slice(&body.0).map_err(|e| {
            DeskError::Request(format!("the body must be {{\"id\": ..., \"title\": ...}}: {e}"))
        })?;
        let new = NewCase {
            id: id("id", &new.id)?,
            title: sentence("title", &new.title)?,
            customer: new.customer_id.map(|c| id("customer_id", &c)).transpose()?,
            reports: new.reports.iter().map(|r| id("reports", r)).collect::<Result<_, _>>()?,
        };
        let it = act::case::open(&by, &desk, &new).await?;
        json(StatusCode::CREATED, &whole(&desk, &it).await?)
    };
    once.run(&desk, by.name(), &body.0, act).await
}

/// Write down what was done, or what happened.
#[utoipa::path(post, path = "/api/v1/cases/{id}/entries", operation_id = "addToCase", tag = "cases",
    params(("id" = String, Path, description = "Its number"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = NewEntry),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn add(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    path: Result<Path<String>, PathRejection>,
    once: Once,
    body: Octets<{ limits::ENTRY }>,
) -> Answered {
    let id = read_id(path)?;
    let act = async {
        let new: NewEntry = serde_json::from_slice(&body.0).map_err(|e| {
            DeskError::Request(format!("the body must be {{\"act\": ...}} and what belongs to it: {e}"))
        })?;
        let room = match &new {
            NewEntry::Refer(it) => it.room()?,
            _ => None,
        };
        let it = match (new.act(desk.now())?, room) {
            (Done::Refer(it), Some(room)) => act::case::refer(&by, &desk, &id, it, &room).await?,
            (done, _) => act::case::add(&by, &desk, &id, done).await?,
        };
        json(StatusCode::OK, &whole(&desk, &it).await?)
    };
    once.run(&desk, by.name(), &body.0, act).await
}
