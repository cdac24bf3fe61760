//! Page: everything at a glance.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{Frame, proposals, render, see};
use crate::act;
use crate::api::lists::{self, Part};
use crate::api::look;
use crate::api::pages::{self, AlarmResource};
use crate::api::resource::{Decision, NoteResource, Status};
use crate::auth::{Acknowledge, Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

/// Rows of each short list: what fits on one screen.
const ROWS: u32 = 10;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    alarms: Vec<AlarmResource>,
    /// Whether whoever reads is called, and may say that they take care.
    called: bool,
    status: Status,
    proposals: Vec<NoteResource>,
    decisions: Vec<Decision>,
}

/// `/`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
) -> Result<Response, DeskError> {
    let part = Part { limit: Some(ROWS), cursor: None };
    let state = desk.state();
    let decisions = look::decisions(&desk, &lists::decisions(&state, &part)?.0).await?;
    let proposals = proposals::collecting(&desk, ROWS as usize).await?;
    let alarms = pages::all(&desk).await?;
    render(&Page {
        frame: Frame::new(&desk, "/", &by),
        alarms,
        called: by.is_called(),
        status: look::status(&desk).await?,
        proposals,
        decisions,
    })
}

/// `/pages/{key}/ack`: "I take care of it", for as long as fits the alarm.
pub(crate) async fn acknowledge(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Acknowledge>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let Path(key) = path.map_err(|e| DeskError::NotFound(e.body_text()))?;
    act::page::acknowledge(&by, &desk, &key, None).await?;
    see("/")
}
