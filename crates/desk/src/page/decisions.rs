//! Pages: decisions, and one decision with its timeline and its progress edge by edge.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use ledger::Hash;
use policy::note::{Head, Lift, LiftReason};
use policy::{Id, Sentence};
use serde::Deserialize;

use super::form::Form;
use super::{Frame, read_id, render, see};
use crate::act;
use crate::api::lists::{self, Part};
use crate::api::look;
use crate::api::resource::{Decision, Person};
use crate::auth::{self, Authorised, Read};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

#[derive(Template)]
#[template(path = "decisions.html")]
struct List {
    frame: Frame,
    decisions: Vec<Decision>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "decision.html")]
struct Show {
    frame: Frame,
    decision: Decision,
    timeline: Vec<Step>,
    /// The id of a lift that can be written here.
    lift: Option<String>,
    text: String,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    at: String,
    what: String,
    /// Still to come.
    future: bool,
}

/// `/decisions`
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, DeskError> {
    let Query(part) = part.map_err(|e| DeskError::Request(e.body_text()))?;
    let state = desk.state();
    let (found, next_cursor) = lists::decisions(&state, &part)?;
    let decisions = look::decisions(&desk, &found).await?;
    render(&List { frame: Frame::new(&desk, "/decisions", &by), decisions, next_cursor })
}

/// `/decisions/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let (decision, text) = look::decision_by_id(&desk, &read_id(path)?).await?;
    let frame = Frame::new(&desk, "/decisions", &by);
    let timeline = timeline(&decision, &frame.now);
    // Who comes with a token has the command line; who is logged in may have no more than a telephone.
    let ends = decision.status != "lifted" && by.is_officer() && desk.passkeys.is_some();
    let random = (desk.config.draw)().ok_or_else(|| DeskError::Busy("there is no randomness now".into()))?;
    let lift = ends.then(|| format!("lft-{:.32}", Hash(random).to_string()));
    render(&Show { frame, timeline, text, decision, lift })
}

/// `/decisions/{id}/lift`: writes the text of a lift, and goes where its one signature is given.
pub(crate) async fn lift(
    State(desk): State<Arc<Shared>>,
    by: Authorised<auth::Draft>,
    path: Result<Path<String>, PathRejection>,
    body: Octets<{ limits::JSON }>,
) -> Result<Response, DeskError> {
    let lifts = read_id(path)?;
    let new: NewLift = Form::read(&body.0).into()?;
    let unfit = |field: &str, why: &str| DeskError::Request(format!("`{field}` {why}"));
    let id = Id::parse(&new.id).ok_or_else(|| unfit("id", "must be an id"))?;
    // A second click: the text is there, and may be signed.
    if desk.store.draft(&id).await?.is_none() {
        let note = Lift {
            head: Head { origin: desk.trust.origin.clone(), id: id.clone() },
            lifts,
            reason: LiftReason::parse(&new.reason).ok_or_else(|| unfit("reason", "must be chosen"))?,
            time: desk.now(),
            why: Sentence::parse(&new.why).map_err(|why| unfit("why", why))?,
        };
        act::draft::draft(&by, &desk, &note.to_string()).await?;
    }
    see(&format!("/proposals/{id}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLift {
    id: String,
    reason: String,
    why: String,
}

/// What happened and what is still to come, oldest first. RFC 3339 times in UTC sort as text.
fn timeline(d: &Decision, now: &str) -> Vec<Step> {
    let past = |at: &String, what: String| Step { at: at.clone(), what, future: false };
    // What an edge reported has happened, even if its clock is ahead of ours.
    let planned =
        |at: &String, what: &str| Step { at: at.clone(), what: what.into(), future: at.as_str() > now };
    let mut steps = vec![
        past(&d.proposed, "Proposed".into()),
        past(&d.logged, format!("Signed by {}, published as entry {}", names(&d.signers), d.index)),
    ];
    if d.since > d.logged {
        steps.push(planned(&d.since, "Takes effect"));
    }
    for c in &d.continues {
        let words = format!(
            "{} by {} as entry {}: now until {}. {}",
            c.reason,
            names(&c.by),
            c.index,
            c.until,
            c.why
        );
        steps.push(past(&c.logged, words));
    }
    for p in &d.progress {
        steps.extend(p.first.iter().map(|at| past(at, format!("Enforced by {}", p.edge))));
        steps.extend(p.ended.iter().map(|at| past(at, format!("No longer enforced by {}", p.edge))));
    }
    steps.push(match &d.lifted {
        Some(l) => past(&l.time, format!("Lifted by {} ({}): {}", names(&l.by), l.reason, l.why)),
        None => planned(&d.until, ending(d)),
    });
    steps.sort_by(|a, b| a.at.cmp(&b.at));
    steps
}

fn ending(d: &Decision) -> &'static str {
    match (d.status.as_str(), d.confirm_by.is_some()) {
        ("not-confirmed", _) => "Ended by itself: no reviewer had confirmed it",
        ("ended", _) => "Ended by itself",
        (_, true) => "Ends by itself, unless a reviewer who took no part confirms it before",
        (_, false) => "Ends by itself",
    }
}

fn names(persons: &[Person]) -> String {
    let names: Vec<&str> = persons.iter().map(|p| p.person.as_str()).collect();
    names.join(", ")
}

/// Persons with their organisations, for a line of facts.
fn people(persons: &[Person]) -> String {
    let people: Vec<String> = persons.iter().map(|p| format!("{} ({})", p.person, p.organisation)).collect();
    people.join(", ")
}
