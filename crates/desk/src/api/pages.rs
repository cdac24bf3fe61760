//! Alarms over the API: what needs somebody now, who was called, and "I take care of it".

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use policy::Time;
use policy::page::{Called, Made};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::handlers::{Answered, Problems, ok};
use crate::act;
use crate::act::page::Open;
use crate::auth::{Acknowledge, Authorised, ReadPages};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{Once, json};

/// Who takes care.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Acknowledged {
    /// The name of their token.
    pub(crate) by: String,
    /// When they said so.
    pub(crate) at: String,
    /// Until when nobody is called.
    pub(crate) until: String,
}

/// A call of the round that is open.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CallMade {
    /// Which step, from 1.
    step: usize,
    /// Who.
    who: String,
    /// `calling`, `done` or `failed`.
    state: &'static str,
    /// How often it was tried.
    attempts: u64,
    /// When it was tried last.
    at: String,
    /// What came of it, in words.
    outcome: String,
}

/// Something that needs somebody now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AlarmResource {
    /// Its name.
    pub(crate) key: String,
    /// `objection`, `sign`, `report`, `validate`, `answer`, `mail` or `blind`, the most urgent first.
    pub(crate) kind: &'static str,
    /// Since when.
    pub(crate) since: String,
    /// What is needed, in a sentence.
    pub(crate) need: String,
    /// The fewest people it takes.
    pub(crate) people: u64,
    /// The case it belongs to.
    case_id: Option<String>,
    /// Where to read on.
    link: String,
    /// Who takes care of it now.
    pub(crate) acknowledged: Option<Acknowledged>,
    /// Who was called in this round, in the order of the steps.
    calls: Vec<CallMade>,
}

/// Everything that needs somebody now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Pages {
    /// How many steps there are; with none nobody is called.
    steps: usize,
    /// The most urgent first.
    alarms: Vec<AlarmResource>,
}

/// "I take care of it."
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAck {
    /// For how long, seconds, at most twelve hours; what fits the alarm when absent.
    #[serde(default)]
    seconds: Option<u64>,
}

/// An alarm as it stands at `now`.
pub(crate) fn alarm(desk: &Shared, open: Open, now: Time) -> AlarmResource {
    let Open { alarm, round } = open;
    let link = act::page::link(desk, &alarm);
    let ack = round.as_ref().filter(|r| r.is_quiet(now)).and_then(|r| r.ack.clone());
    let call = |it: &Called| CallMade {
        step: it.step + 1,
        who: desk.config.pager.steps.get(it.step).map_or_else(|| "-".into(), |s| s.who.clone()),
        state: match it.made {
            Made::Calling => "calling",
            Made::Done => "done",
            Made::Failed => "failed",
        },
        attempts: it.attempts,
        at: it.last.to_string(),
        outcome: it.outcome.clone(),
    };
    AlarmResource {
        kind: alarm.kind.word(),
        since: alarm.since.to_string(),
        need: alarm.need,
        people: alarm.people,
        case_id: alarm.case.map(|id| id.to_string()),
        link,
        acknowledged: ack.map(|ack| Acknowledged {
            by: ack.by,
            at: ack.at.to_string(),
            until: ack.until.to_string(),
        }),
        calls: round.iter().flat_map(|r| &r.calls).map(call).collect(),
        key: alarm.key,
    }
}

/// Everything that needs somebody now.
pub(crate) async fn all(desk: &Shared) -> Result<Vec<AlarmResource>, DeskError> {
    let open = act::page::open(desk).await?;
    let now = desk.now();
    Ok(open.into_iter().map(|open| alarm(desk, open, now)).collect())
}

/// What needs somebody now, and who was called about it.
#[utoipa::path(get, path = "/api/v1/pages", operation_id = "listPages", tag = "pages",
    responses((status = 200, body = Pages), Problems))]
pub(crate) async fn list(State(desk): State<Arc<Shared>>, _by: Authorised<ReadPages>) -> Answered {
    ok(&Pages { steps: desk.config.pager.steps.len(), alarms: all(&desk).await? })
}

/// Take care of an alarm: nobody is called about it until the time is over, or something is added to it.
#[utoipa::path(post, path = "/api/v1/pages/{key}/ack", operation_id = "acknowledgePage", tag = "pages",
    params(("key" = String, Path, description = "The alarm's whole key"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = NewAck),
    responses((status = 200, body = AlarmResource), Problems))]
pub(crate) async fn acknowledge(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Acknowledge>,
    path: Result<Path<String>, PathRejection>,
    once: Once,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let Path(key) = path.map_err(|e| DeskError::Request(e.body_text()))?;
    let act = async {
        let new: NewAck = serde_json::from_slice(&body.0)
            .map_err(|e| DeskError::Request(format!("the body must be {{}} or {{\"seconds\": ...}}: {e}")))?;
        let open = act::page::acknowledge(&by, &desk, &key, new.seconds).await?;
        json(StatusCode::OK, &alarm(&desk, open, desk.now()))
    };
    once.run(&desk, by.name(), &body.0, act).await
}
