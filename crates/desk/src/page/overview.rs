//! Page: everything at a glance.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, proposals, render};
use crate::api::lists::{self, Part};
use crate::api::look;
use crate::api::pages::{self, AlarmResource};
use crate::api::resource::{Decision, NoteResource, Status};
use crate::auth::{Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

/// Rows of each short list: what fits on one screen.
const ROWS: u32 = 10;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    alarms: Vec<AlarmResource>,
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
        status: look::status(&desk).await?,
        proposals,
        decisions,
    })
}
