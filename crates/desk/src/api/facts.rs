//! What the emergency track of a case is judged by, over the API: evidence, judgements, referrals, answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ledger::Hash;
use policy::Time;
use policy::case::facts::{Answer, Answered, Channel, Country, Evidence, Judgement, Referral, Reply, Source};
use policy::case::track::Facts;
use policy::note::{Criterion, Verdict};
use serde::{Deserialize, Serialize};
use store::NewRoom;
use utoipa::ToSchema;

use super::cases::{NewEvidence, Whole, id, request, sentence, time, whole};
use super::handlers::{Answered as Replied, Problems};
use crate::act;
use crate::auth::{Authorised, DestroyEvidence, WorkCases};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{Once, json};

/// Something that closes the emergency track.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ClosedBy {
    /// A fixed word.
    pub(crate) code: &'static str,
    /// In words.
    pub(crate) why: String,
}

/// A criterion, as it was judged last.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CriterionResource {
    /// `identified`, `credible`, and so on.
    pub(crate) criterion: &'static str,
    /// `met`, `not_met` or `unknown`; absent while nobody has judged it.
    pub(crate) verdict: Option<&'static str>,
    /// The sentence.
    pub(crate) why: Option<String>,
    /// Until when the danger lasts; `imminent` only.
    pub(crate) until: Option<String>,
    /// What shows it.
    pub(crate) evidence: Vec<String>,
    /// Who judged.
    pub(crate) by: Option<String>,
    /// When.
    pub(crate) at: Option<String>,
}

/// A piece of evidence. Its bytes are fetched by themselves, and whoever does is on the record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EvidenceResource {
    /// Its place among all that was ever attached, from 1. It never changes.
    pub(crate) place: u64,
    /// Its number.
    pub(crate) id: String,
    /// SHA-256, hex.
    pub(crate) sha256: String,
    /// How many bytes.
    pub(crate) bytes: u64,
    /// `captured`, `authority`, `archive`, `customer`, `reporter` or `other`.
    pub(crate) source: &'static str,
    /// Which source.
    pub(crate) from: String,
    /// When it was fetched or handed over.
    pub(crate) captured: String,
    /// What it shows.
    pub(crate) what: String,
}

/// What an authority answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AnswerResource {
    /// What.
    pub(crate) answer: &'static str,
    /// When they said it.
    pub(crate) said: String,
    /// Who, and how we know.
    pub(crate) from: String,
    /// In words.
    pub(crate) what: String,
}

/// What an authority was told, and what came back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReferralResource {
    /// Its place, from 1.
    pub(crate) place: u64,
    /// Its number.
    pub(crate) id: String,
    /// Which authority.
    pub(crate) authority: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: String,
    /// How.
    pub(crate) channel: &'static str,
    /// When.
    pub(crate) sent: String,
    /// By when it was asked to answer.
    pub(crate) answer_by: String,
    /// SHA-256 of what was sent, if it was sent.
    pub(crate) record_sha256: Option<String>,
    /// What it was told.
    pub(crate) told: String,
    /// What came back.
    pub(crate) answers: Vec<AnswerResource>,
}

/// Where a case stands on the emergency track.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Track {
    /// Whether a finding may say that all eight are met.
    pub(crate) open: bool,
    /// What closes it; empty when it is open.
    pub(crate) closed_by: Vec<ClosedBy>,
    /// All eight, in their order.
    pub(crate) criteria: Vec<CriterionResource>,
    /// In the order in which it was attached.
    pub(crate) evidence: Vec<EvidenceResource>,
    /// In the order in which they were written down.
    pub(crate) referrals: Vec<ReferralResource>,
}

pub(super) fn track(facts: &Facts, now: Time) -> Track {
    let closed_by: Vec<ClosedBy> =
        facts.closed_by(now).iter().map(|c| ClosedBy { code: c.code(), why: c.to_string() }).collect();
    Track {
        open: closed_by.is_empty(),
        closed_by,
        criteria: Criterion::ALL.iter().map(|c| criterion(facts, *c)).collect(),
        evidence: (1..)
            .zip(&facts.attached)
            .filter_map(|(n, id)| Some(evidence(n, facts.evidence.get(id)?)))
            .collect(),
        referrals: (1..)
            .zip(&facts.referred)
            .filter_map(|(n, id)| Some(referral(n, facts.referrals.get(id)?)))
            .collect(),
    }
}

fn criterion(facts: &Facts, criterion: Criterion) -> CriterionResource {
    let judged = facts.judged.get(&criterion);
    let it = judged.map(|j| &j.it);
    CriterionResource {
        criterion: criterion.word(),
        verdict: it.map(|it| it.verdict.word()),
        why: it.map(|it| it.why.to_string()),
        until: it.and_then(|it| it.until).map(|until| until.to_string()),
        evidence: it.map(|it| it.evidence.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        by: judged.map(|j| j.by.to_string()),
        at: judged.map(|j| j.at.to_string()),
    }
}

fn evidence(place: u64, it: &Evidence) -> EvidenceResource {
    EvidenceResource {
        place,
        id: it.id.to_string(),
        sha256: it.sha256.to_string(),
        bytes: it.bytes,
        source: it.source.word(),
        from: it.from.to_string(),
        captured: it.captured.to_string(),
        what: it.what.to_string(),
    }
}

fn referral(place: u64, referred: &policy::case::track::Referred) -> ReferralResource {
    let it = &referred.it;
    let answer = |(a, _): &(Answered, Time)| AnswerResource {
        answer: a.answer.word(),
        said: a.said.to_string(),
        from: a.from.to_string(),
        what: a.what.to_string(),
    };
    ReferralResource {
        place,
        id: it.id.to_string(),
        authority: it.authority.to_string(),
        country: it.country.to_string(),
        channel: it.channel.word(),
        sent: it.sent.to_string(),
        answer_by: it.answer_by.to_string(),
        record_sha256: it.record.map(|hash| hash.to_string()),
        told: it.told.to_string(),
        answers: referred.answers.iter().map(answer).collect(),
    }
}

/// A criterion, judged.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJudgement {
    /// `identified`, `credible`, `imminent`, `nexus`, `necessary`, `process-too-slow`, `proportionate` or `adversarial`.
    criterion: String,
    /// `met`, `not_met` or `unknown`.
    verdict: String,
    /// The sentence.
    why: String,
    /// Until when the danger lasts; `imminent` needs it.
    #[serde(default)]
    until: Option<String>,
    /// Numbers of evidence in this case.
    #[serde(default)]
    evidence: Vec<String>,
}

/// An authority was told.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReferral {
    /// Its number, `ref-` and something random.
    referral: String,
    /// Which authority, an id of yours.
    authority: String,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// `phone`, `mail`, `form`, `post` or `in-person`.
    channel: String,
    /// When; now when absent.
    #[serde(default)]
    sent: Option<String>,
    /// By when it was asked to answer.
    answer_by: String,
    /// SHA-256 of what was sent, if it was sent.
    #[serde(default)]
    record_sha256: Option<String>,
    /// What it was told, one sentence.
    told: String,
    /// A room in which it reads and answers.
    #[serde(default)]
    room: Option<NewRoomBody>,
}

/// A room for an authority. Its link is `room_base` of the answer, the referral's number, a slash and the secret.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoomBody {
    /// SHA-256 of the secret in its link, hex.
    secret_sha256: String,
    /// SHA-256 of `portcullis-room/v1 REFERRAL CODE`, hex; the code is eight digits and is given by phone.
    code_sha256: String,
    /// What the authority reads there, at most 32 KiB.
    letter: String,
    /// Until when it is open.
    closes: String,
}

impl NewRoomBody {
    pub(super) fn read(&self) -> Result<NewRoom, DeskError> {
        let hash = |field: &str, text: &str| {
            Hash::parse_hex(text).ok_or_else(|| request(field, "must be a SHA-256 in hex"))
        };
        Ok(NewRoom {
            secret: hash("secret_sha256", &self.secret_sha256)?,
            code: hash("code_sha256", &self.code_sha256)?,
            letter: self.letter.clone(),
            closes: time("closes", &self.closes)?,
        })
    }
}

/// We told an authority something more.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReply {
    /// In which matter.
    referral: String,
    /// One sentence; a room shows it.
    what: String,
}

impl NewReply {
    pub(super) fn read(&self) -> Result<Reply, DeskError> {
        Ok(Reply { referral: id("referral", &self.referral)?, what: sentence("what", &self.what)? })
    }
}

/// An authority answered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAnswer {
    /// To which referral.
    referral: String,
    /// `delivered`, `acknowledged`, `acts`, `cannot-in-time`, `declines`, `asks`, `objects` or `withdraws`.
    answer: String,
    /// When they said it; now when absent.
    #[serde(default)]
    said: Option<String>,
    /// Who, and how we know.
    from: String,
    /// In words, one sentence.
    what: String,
}

/// One of a few words, or which there are.
pub(super) fn word<T: Copy>(
    field: &str,
    text: &str,
    all: &[T],
    said: impl Fn(T) -> &'static str,
) -> Result<T, DeskError> {
    all.iter().copied().find(|it| said(*it) == text).ok_or_else(|| {
        let all: Vec<&str> = all.iter().map(|it| said(*it)).collect();
        request(field, &format!("must be one of {}", all.join(", ")))
    })
}

fn time_or(field: &str, text: Option<&str>, now: Time) -> Result<Time, DeskError> {
    text.map_or(Ok(now), |text| time(field, text))
}

impl NewJudgement {
    pub(super) fn read(&self) -> Result<Judgement, DeskError> {
        let mut evidence = self.evidence.iter().map(|e| id("evidence", e)).collect::<Result<Vec<_>, _>>()?;
        evidence.sort();
        evidence.dedup();
        if evidence.len() > policy::case::facts::MAX_CITED {
            return Err(request("evidence", "names more than 20 pieces"));
        }
        Ok(Judgement {
            criterion: word("criterion", &self.criterion, Criterion::ALL, Criterion::word)?,
            verdict: word("verdict", &self.verdict, Verdict::ALL, Verdict::word)?,
            until: self.until.as_deref().map(|until| time("until", until)).transpose()?,
            evidence,
            why: sentence("why", &self.why)?,
        })
    }
}

impl NewReferral {
    pub(super) fn room(&self) -> Result<Option<NewRoom>, DeskError> {
        self.room.as_ref().map(NewRoomBody::read).transpose()
    }

    pub(super) fn read(&self, now: Time) -> Result<Referral, DeskError> {
        let hash = |text: &String| {
            Hash::parse_hex(text).ok_or_else(|| request("record_sha256", "must be a SHA-256 in hex"))
        };
        Ok(Referral {
            id: numbered("referral", &self.referral, "ref-")?,
            authority: id("authority", &self.authority)?,
            country: Country::parse(&self.country)
                .ok_or_else(|| request("country", "must be two capital letters, as in SE"))?,
            channel: word("channel", &self.channel, Channel::ALL, Channel::word)?,
            sent: time_or("sent", self.sent.as_deref(), now)?,
            answer_by: time("answer_by", &self.answer_by)?,
            record: self.record_sha256.as_ref().map(hash).transpose()?,
            told: sentence("told", &self.told)?,
        })
    }
}

impl NewAnswer {
    pub(super) fn read(&self, now: Time) -> Result<Answered, DeskError> {
        Ok(Answered {
            referral: id("referral", &self.referral)?,
            answer: word("answer", &self.answer, Answer::ALL, Answer::word)?,
            said: time_or("said", self.said.as_deref(), now)?,
            from: sentence("from", &self.from)?,
            what: sentence("what", &self.what)?,
        })
    }
}

fn numbered(field: &str, text: &str, prefix: &str) -> Result<policy::Id, DeskError> {
    let id = id(field, text)?;
    if id.as_str().starts_with(prefix) {
        return Ok(id);
    }
    Err(request(field, &format!("begins with `{prefix}`")))
}

/// Attach evidence: the body, sealed and kept.
#[utoipa::path(post, path = "/api/v1/cases/{id}/evidence", operation_id = "attachEvidence", tag = "cases",
    params(("id" = String, Path, description = "The case's number"), NewEvidence,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "At most 32 MiB"),
    responses((status = 201, body = Whole), Problems))]
pub(crate) async fn attach(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<NewEvidence>, QueryRejection>,
    once: Once,
    body: Octets<{ limits::EVIDENCE }>,
) -> Replied {
    let case = super::handlers::read_id(path)?;
    let Query(new) = query.map_err(|e| DeskError::Request(e.body_text()))?;
    let sha256 = Hash::of(&body.0);
    let act = async {
        let it = Evidence {
            id: numbered("evidence", &new.evidence, "evd-")?,
            sha256,
            bytes: body.0.len() as u64,
            source: word("source", &new.source, Source::ALL, Source::word)?,
            from: sentence("from", &new.from)?,
            captured: time_or("captured", new.captured.as_deref(), desk.now())?,
            what: sentence("what", &new.what)?,
        };
        let it = act::case::attach(&by, &desk, &case, it, body.0).await?;
        json(StatusCode::CREATED, &whole(&desk, &it).await?)
    };
    once.run(&desk, by.name(), &sha256.0, act).await
}

/// Fetch evidence. The journal says who did, before the bytes leave.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence/{evidence}", operation_id = "fetchEvidence", tag = "cases",
    params(("id" = String, Path, description = "The case's number"),
        ("evidence" = String, Path, description = "The evidence's number")),
    responses((status = 200, description = "Its bytes", body = Vec<u8>, content_type = "application/octet-stream"), Problems))]
pub(crate) async fn fetch(
    State(desk): State<Arc<Shared>>,
    by: Authorised<WorkCases>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Replied {
    let (case, number) = both(path)?;
    let (_, bytes) = act::case::fetch(&by, &desk, &case, &number).await?;
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    // A browser must never show what somebody planted: it is saved, under its number.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{number}\""));
    headers.insert(header::CONTENT_DISPOSITION, name.map_err(|e| DeskError::Defect(e.to_string()))?);
    Ok(response)
}

/// Why evidence is destroyed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// One sentence: the law, or the person it shows.
    why: String,
}

/// Destroy evidence: its key and its bytes. What it was stays in the journal, and nothing rests on it any more.
#[utoipa::path(post, path = "/api/v1/cases/{id}/evidence/{evidence}/destroy", operation_id = "destroyEvidence", tag = "cases",
    params(("id" = String, Path, description = "The case's number"),
        ("evidence" = String, Path, description = "The evidence's number")),
    request_body(content = Why),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn destroy(
    State(desk): State<Arc<Shared>>,
    by: Authorised<DestroyEvidence>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Octets<{ limits::JSON }>,
) -> Replied {
    let (case, number) = both(path)?;
    let new: Why = serde_json::from_slice(&body.0)
        .map_err(|e| DeskError::Request(format!("the body must be {{\"why\": ...}}: {e}")))?;
    let it = act::case::destroy(&by, &desk, &case, &number, sentence("why", &new.why)?).await?;
    Ok(Json(whole(&desk, &it).await?).into_response())
}

fn both(path: Result<Path<(String, String)>, PathRejection>) -> Result<(policy::Id, policy::Id), DeskError> {
    let Path((case, evidence)) = path.map_err(|e| DeskError::Request(e.body_text()))?;
    Ok((id("id", &case)?, id("evidence", &evidence)?))
}
