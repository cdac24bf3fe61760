//! Pages: the queue of reports, and what became of each cluster. What reporters wrote is folded until somebody asks.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use ledger::Hash;
use policy::report::cluster::Outcome;
use policy::{Id, Sentence};
use store::NewCase;

use super::form::Form;
use super::{Frame, read_id, render, see};
use crate::act;
use crate::api::lists::Which;
use crate::api::reports::{self, Cluster, NewOutcome, Whole};
use crate::auth::{Authorised, ReadReports, Triage, WorkCases};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

#[derive(Template)]
#[template(path = "reports.html")]
struct List {
    frame: Frame,
    decided: bool,
    reports: Vec<Cluster>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Show {
    frame: Frame,
    it: Whole,
    outcomes: Vec<&'static str>,
    /// The number that a case opened from here will have.
    case: String,
}

/// `/reports`
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    by: Authorised<ReadReports>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Response, DeskError> {
    let Query(which) = query.map_err(|e| DeskError::Request(e.body_text()))?;
    let decided = which.state.as_deref() == Some("decided");
    let (reports, next_cursor) = reports::queue(&desk, &which).await?;
    render(&List { frame: Frame::new(&desk, "/reports", &by), decided, reports, next_cursor })
}

/// `/reports/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<ReadReports>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let Path(part) = path.map_err(|e| DeskError::NotFound(e.body_text()))?;
    let row = reports::holding(&desk, &part).await?;
    let it = reports::whole(&desk, row).await?;
    let outcomes = Outcome::ALL.iter().map(|o| o.word()).collect();
    let random = (desk.config.draw)().ok_or_else(|| DeskError::Busy("there is no randomness now".into()))?;
    let case = format!("cas-{:.32}", Hash(random).to_string());
    render(&Show { frame: Frame::new(&desk, "/reports", &by), it, outcomes, case })
}

/// `/reports/{id}/outcome`
pub(crate) async fn decide(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Triage>,
    path: Result<Path<String>, PathRejection>,
    body: Octets<{ limits::JSON }>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let new: NewOutcome = Form::read(&body.0).into()?;
    let row = desk.store.cluster(&id).await?;
    let row = row.ok_or_else(|| DeskError::NotFound(format!("the reports {id}")))?;
    // The same once more is a second click.
    if !reports::says(&row, &new) {
        act::report::decide(&by, &desk, &id, reports::outcome(&new.outcome)?, &new.reply).await?;
    }
    see(&format!("/reports/{id}"))
}

/// `/reports/{id}/case`: opens a case with them.
pub(crate) async fn open_case(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    path: Result<Path<String>, PathRejection>,
    body: Octets<{ limits::JSON }>,
) -> Result<Response, DeskError> {
    let reports = read_id(path)?;
    let row = desk.store.cluster(&reports).await?;
    let row = row.ok_or_else(|| DeskError::NotFound(format!("the reports {reports}")))?;
    let mut form = Form::read(&body.0);
    let title = form.take("title").unwrap_or_default();
    let title = Sentence::parse(&title).map_err(|why| DeskError::Request(format!("`title` {why}")))?;
    // The form says which number the case will have, so that a second click opens no second one.
    let id = form.take("id").and_then(|id| Id::parse(&id));
    let id = id.ok_or_else(|| DeskError::Request("`id` must be an id".into()))?;
    let new = NewCase { id: id.clone(), title, customer: row.customer, reports: vec![reports] };
    match act::case::open(&by, &desk, &new).await {
        Err(DeskError::Conflict(_)) if desk.store.case(&id).await?.is_some() => {}
        other => drop(other?),
    }
    see(&format!("/cases/{id}"))
}
