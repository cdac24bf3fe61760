//! Pages: cases, their timeline, and what still closes the emergency track. Each form writes one entry.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::form::Form;
use super::{Frame, read_id, render, see};
use crate::act;
use crate::api::cases::{self, Case, NewEntry, Whole};
use crate::api::lists::Which;
use crate::auth::{Authorised, ReadCases, WorkCases};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

#[derive(Template)]
#[template(path = "cases.html")]
struct List {
    frame: Frame,
    closed: bool,
    cases: Vec<Case>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "case.html")]
struct Show {
    frame: Frame,
    it: Whole,
    /// For the fields of a form: now, as `datetime-local` writes it, and in full.
    now: String,
}

impl Show {
    fn local(&self) -> &str {
        self.now.get(..16).unwrap_or_default()
    }

    /// Whether whoever reads has it.
    fn mine(&self) -> bool {
        self.it.case.taken_by.as_deref() == Some(self.frame.who.as_str())
    }
}

/// `/cases`
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    by: Authorised<ReadCases>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Response, DeskError> {
    let Query(which) = query.map_err(|e| DeskError::Request(e.body_text()))?;
    let closed = which.state.as_deref() == Some("closed");
    let (cases, next_cursor) = cases::queue(&desk, &which).await?;
    render(&List { frame: Frame::new(&desk, "/cases", &by), closed, cases, next_cursor })
}

/// `/cases/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<ReadCases>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let it = desk.store.case(&id).await?.ok_or_else(|| DeskError::NotFound(format!("the case {id}")))?;
    let it = cases::whole(&desk, &it).await?;
    render(&Show { frame: Frame::new(&desk, "/cases", &by), it, now: desk.now().to_string() })
}

/// `/cases/{id}/entries`
pub(crate) async fn add(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    path: Result<Path<String>, PathRejection>,
    body: Octets<{ limits::ENTRY }>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let mut form = Form::read(&body.0);
    let head = form.take("head");
    let new: NewEntry = form.into()?;
    let done = new.act(desk.now())?;
    let it = desk.store.case(&id).await?.ok_or_else(|| DeskError::NotFound(format!("the case {id}")))?;
    // The journal went on since the form was shown, and the newest entry is this one: a second click.
    let newest = desk.store.journal(&id).await?.pop();
    let again = head.is_some_and(|head| head != it.head.to_string())
        && newest.is_some_and(|entry| entry.act == done && entry.by.as_str() == by.name());
    if !again {
        act::case::add(&by, &desk, &id, done).await?;
    }
    see(&format!("/cases/{id}"))
}
