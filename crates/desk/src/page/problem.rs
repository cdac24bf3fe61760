//! Page: an error, in the same words as the API's problem document.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::{Frame, render};
use crate::desk::Shared;
use crate::error::Problem;

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    frame: Frame,
    problem: Problem,
}

/// Turns a problem document, on its way out of a page's address, into a page. Who may not read learns nothing of
/// what is in force.
pub(crate) async fn as_page(State(desk): State<Arc<Shared>>, response: Response) -> Response {
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let status = response.status();
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let known = desk.config.open_reads && !refused;
    let frame = if known { Frame::known(&desk, "") } else { Frame::bare(&desk, "") };
    let Ok(mut page) = render(&Page { frame, problem }) else {
        return response;
    };
    *page.status_mut() = status;
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}
