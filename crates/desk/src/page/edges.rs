//! Page: every edge, what it holds and enforces, and whether it saw the same log.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Frame, render};
use crate::api::look;
use crate::api::resource::Edge;
use crate::auth::{Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

#[derive(Template)]
#[template(path = "edges.html")]
struct Page {
    frame: Frame,
    edges: Vec<Edge>,
    effective: String,
    size: u64,
    /// The newest configuration, where edges serve what the log says.
    config: Option<u64>,
}

/// `/edges`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
) -> Result<Response, DeskError> {
    let state = desk.state();
    render(&Page {
        frame: Frame::new(&desk, "/edges", &by),
        edges: look::edges(&desk).await?,
        effective: state.effective_hash(desk.now()).to_string(),
        size: state.size(),
        config: state.config().filter(|_| state.config_key().is_some()).map(|c| c.version),
    })
}
