//! Reports: the form, the API beside it, and what became of one, for whoever holds its secret.
//!
//! Nobody here judges a report: it is kept in the inbox, and the desk takes it from there. What cannot be kept is said at
//! once, with what was typed still there.

mod body;
pub(crate) mod content;
mod draft;
pub(crate) mod json;

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ledger::Hash;
use policy::report::cluster::Outcome;
use policy::report::{Category, Channel};
use policy::{Id, Time};
use serde_json::{Value, json};
use store::{Inbox, StoreError, Told};

pub(crate) use self::body::Room;
pub use self::content::{Complaint, Content};
use self::draft::Draft;
use crate::App;
use crate::http::{Failure, HTML, JSON, Meant, PROBLEM};
use crate::pages::Frame;
use crate::words::When;
use crate::xarf;

/// Largest body of a report, KiB: [`policy::report::MAX_TEXT`] of description with every byte escaped (three for one),
/// and as much again for addresses.
const BODY: usize = 96;

/// Largest body of an XARF report, KiB: a screenshot and a page's source in base64. The format allows 20 MB, but the
/// contents of evidence are not kept, so a larger one can as well come with its hash and an empty payload.
const XARF_BODY: usize = 2048;

/// Reports that are taken in a minute, all together. A campaign of ten thousand in an hour passes; a machine does not
/// fill the disk.
const PER_MINUTE: u32 = 300;

/// 32 random bytes, from whoever has a source of them; `None` when it gives none.
pub type Draw = Arc<dyn Fn() -> Option<[u8; 32]> + Send + Sync>;

/// Where reports go.
#[derive(Clone)]
pub struct Intake {
    /// Keeps them until the desk takes them.
    pub inbox: Inbox,
    /// Makes their numbers and secrets.
    pub draw: Draw,
}

/// How many were taken in this minute.
#[derive(Debug, Default)]
pub(crate) struct Minute(Mutex<(u64, u32)>);

impl Minute {
    fn has_room(&self, now: Time) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.0 / 60;
        if held.0 != minute {
            *held = (minute, 0);
        }
        held.1 += 1;
        held.1 <= PER_MINUTE
    }
}

/// Why a report was not taken.
enum Refusal {
    /// It must be changed.
    Unfit(Vec<Complaint>),
    /// It is larger than this many KiB.
    Large(usize),
    /// It did not arrive in time.
    Slow,
    /// It broke off.
    Cut,
    /// Not now.
    Later(&'static str),
    /// Something is broken here.
    Broken(Failure),
}

/// Keeps a report. Its number, and the secret to ask with.
async fn take(app: &App, content: Content, channel: Channel, now: Time) -> Result<(Id, String), Refusal> {
    let intake = app.intake.as_ref().ok_or(Refusal::Later("This press takes no reports."))?;
    let random = (intake.draw)().ok_or_else(|| Refusal::Broken(Failure::Broken("no randomness".into())))?;
    let (digits, secret) = random.split_at(8);
    let (id, secret) = (number(now, digits), hex(secret));
    let id = id.ok_or_else(|| Refusal::Broken(Failure::Broken("a number is no id".into())))?;
    let report = content.report(id, channel, Hash::of(secret.as_bytes()), now);
    if !app.minute.has_room(now) {
        return Err(Refusal::Later(
            "Very many reports come in at this moment. Please send it again in a minute.",
        ));
    }
    match intake.inbox.append(&report).await {
        Ok(()) => Ok((report.id, secret)),
        Err(StoreError::Full { .. }) => Err(Refusal::Later(
            "More reports wait than we can keep. Please send it again later, or by mail to the address below.",
        )),
        Err(e) => Err(Refusal::Broken(Failure::from(e))),
    }
}

/// A report's number: in the order of their coming, and 64 bits beside it, so that none is guessed or given twice.
pub(crate) fn number(came: Time, digits: &[u8]) -> Option<Id> {
    Id::parse(&format!("rpt-{:09x}-{}", came.0, hex(digits.get(..8)?)))
}

impl Refusal {
    /// How it is answered: which fields must be changed, or why it is not taken now.
    fn told(self) -> Result<(StatusCode, Vec<Complaint>, Option<&'static str>), Failure> {
        let body = |why: String| vec![("body".into(), why)];
        Ok(match self {
            Self::Unfit(complaints) => (StatusCode::UNPROCESSABLE_ENTITY, complaints, None),
            Self::Large(most) => {
                let why = format!("is larger than {most} KiB; send less, and say where the rest can be read");
                (StatusCode::PAYLOAD_TOO_LARGE, body(why), None)
            }
            Self::Slow => (
                StatusCode::REQUEST_TIMEOUT,
                body("did not arrive within 40 seconds; send it again".into()),
                None,
            ),
            Self::Cut => (StatusCode::BAD_REQUEST, body("broke off; send it again".into()), None),
            Self::Later(why) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), Some(why)),
            Self::Broken(failure) => return Err(failure),
        })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|n| char::from_digit(n.into(), 16)).collect()
}

/// A category, as the form offers it.
struct Choice {
    word: &'static str,
    words: &'static str,
    chosen: bool,
}

fn words(category: Category) -> &'static str {
    match category {
        Category::ThreatToLife => "A threat to somebody's life",
        Category::ChildSexualAbuse => "Sexual abuse of children",
        Category::Doxxing => "Somebody's address or whereabouts, published to harm them",
        Category::Harassment => "Harassment or stalking",
        Category::Incitement => "Incitement to violence or hatred",
        Category::Phishing => "Phishing: it takes passwords or money in another's name",
        Category::Malware => "Malware",
        Category::NetworkAttack => "An attack on a network or a machine",
        Category::Illegal => "Something else that I hold for illegal",
        Category::Other => "Something else",
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct FormPage<'a> {
    frame: Frame<'a>,
    help: Option<&'a str>,
    choices: Vec<Choice>,
    draft: &'a Draft,
    complaints: Vec<Complaint>,
    /// Said above the form: not now.
    later: Option<&'static str>,
}

impl FormPage<'_> {
    /// What is wrong with a field.
    fn of(&self, field: &str) -> Option<&str> {
        self.complaints.iter().find(|(of, _)| of == field).map(|(_, why)| why.as_str())
    }
}

fn form(app: &App, draft: &Draft, refusal: Option<Refusal>) -> Result<Response, Failure> {
    let (status, complaints, later) = match refusal {
        None => (StatusCode::OK, Vec::new(), None),
        Some(refusal) => refusal.told()?,
    };
    let choice =
        |c: &Category| Choice { word: c.word(), words: words(*c), chosen: draft.category == c.word() };
    let page = FormPage {
        frame: Frame::of(app),
        help: app.config.operator.help_url.as_deref(),
        choices: Category::ALL.iter().map(choice).collect(),
        draft,
        complaints,
        later,
    };
    Ok(told(status, HTML, page.render()?))
}

/// An answer that is for this visitor alone, and whose status is meant.
fn told(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.extensions_mut().insert(Meant);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// `GET /report`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    if app.intake.is_none() {
        return Err(Failure::NotFound("This press takes no reports."));
    }
    form(&app, &Draft::default(), None)
}

/// `POST /report`: kept, and on to the page that says so, which may be loaded again without sending it twice.
pub(crate) async fn submit(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let body = match app.room.read(body, BODY).await {
        Ok(body) => body,
        Err(refusal) => return form(&app, &Draft::default(), Some(refusal)),
    };
    let (draft, now) = (Draft::from_form(&body.bytes), app.now());
    let taken = match draft.content(now) {
        Ok(content) => take(&app, content, Channel::Form, now).await,
        Err(complaints) => Err(Refusal::Unfit(complaints)),
    };
    match taken {
        Ok((id, secret)) => {
            let mut response = told(StatusCode::SEE_OTHER, HTML, String::new());
            let place = HeaderValue::from_str(&format!("/report/{id}/{secret}"));
            let place = place.map_err(|e| Failure::Broken(e.to_string()))?;
            response.headers_mut().insert(header::LOCATION, place);
            Ok(response)
        }
        Err(refusal) => form(&app, &draft, Some(refusal)),
    }
}

/// `POST /api/v1/reports`
pub(crate) async fn submit_json(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let taken = async {
        let (body, now) = (app.room.read(body, BODY).await?, app.now());
        let content = Draft::from_json(&body.bytes).and_then(|draft| draft.content(now));
        take(&app, content.map_err(Refusal::Unfit)?, Channel::Api, now).await
    };
    answered(&app, taken.await, None)
}

/// `POST /api/v1/reports/xarf`
pub(crate) async fn submit_xarf(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let mut evidence = None;
    let taken = async {
        let (body, now) = (app.room.read(body, XARF_BODY).await?, app.now());
        let report = xarf::read(&body.bytes, now).map_err(Refusal::Unfit)?;
        evidence = (report.evidence > 0).then_some("hashes kept, contents not");
        take(&app, report.content, Channel::Xarf, now).await
    };
    let taken = taken.await;
    answered(&app, taken, evidence)
}

/// What a program is answered: where to ask what became of it, or what is wrong with which field. `evidence` says what
/// was kept of that.
fn answered(
    app: &App,
    taken: Result<(Id, String), Refusal>,
    evidence: Option<&str>,
) -> Result<Response, Failure> {
    let refusal = match taken {
        Ok((id, secret)) => {
            let base = &app.config.operator.reasons_base;
            let mut body = json!({
                "id": id.as_str(),
                "page": format!("{base}/report/{id}/{secret}"),
                "status": format!("{base}/api/v1/reports/{id}/{secret}"),
            });
            if let Some(evidence) = evidence {
                body["evidence"] = evidence.into();
            }
            return Ok(told(StatusCode::CREATED, JSON, body.to_string()));
        }
        Err(refusal) => refusal,
    };
    let (status, complaints, later) = refusal.told()?;
    let all: Vec<String> = complaints.iter().map(|(field, why)| format!("`{field}`: {why}")).collect();
    let errors: Vec<Value> =
        complaints.iter().map(|(field, why)| json!({ "field": field, "what": why })).collect();
    let detail = later.map_or_else(|| all.join("; "), ToOwned::to_owned);
    let body = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail, "errors": errors });
    Ok(told(status, PROBLEM, body.to_string()))
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    frame: Frame<'a>,
    help: Option<&'a str>,
    id: String,
    about: &'static str,
    received: When,
    /// When somebody decided, what that means, and in which words they said it.
    decided: Option<(When, &'static str, String)>,
}

fn became(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acted => "Something was done",
        Outcome::Forwarded => "It went to whoever is responsible for it",
        Outcome::Unfounded => "Nothing of it was found",
        Outcome::OutOfScope => "It is nothing that we do anything about",
        Outcome::Abusive => "The report itself was held for an abuse",
    }
}

/// What became of a report, for whoever holds its secret. Everybody else learns nothing, not even whether it exists.
async fn look(app: &App, id: &str, secret: &str) -> Result<(Id, Told), Failure> {
    let nothing = Failure::NotFound("There is no report under this address. Please check that it is whole.");
    let (Some(id), Some(intake)) = (Id::parse(id), &app.intake) else { return Err(nothing) };
    let secret = Hash::of(secret.as_bytes());
    // In this order: the desk puts it into its queue before it leaves the inbox.
    let told = match intake.inbox.told(&id, &secret).await? {
        Some(told) => Some(told),
        None => app.reader.told(&id, &secret).await?,
    };
    told.map(|told| (id, told)).ok_or(nothing)
}

/// `GET /report/{id}/{secret}`
pub(crate) async fn receipt(
    State(app): State<Arc<App>>,
    Path((id, secret)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, it) = look(&app, &id, &secret).await?;
    let page = ReceiptPage {
        frame: Frame::of(&app),
        help: app.config.operator.help_url.as_deref(),
        id: id.to_string(),
        about: words(it.category),
        received: When::from(it.received),
        decided: it.decided.map(|(at, outcome, reply)| (When::from(at), became(outcome), reply.to_string())),
    };
    Ok(told(StatusCode::OK, HTML, page.render()?))
}

/// `GET /api/v1/reports/{id}/{secret}`
pub(crate) async fn receipt_json(
    State(app): State<Arc<App>>,
    Path((id, secret)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, it) = look(&app, &id, &secret).await?;
    let (at, outcome, reply) = match it.decided {
        Some((at, outcome, reply)) => (Some(at.to_string()), outcome.word(), Some(reply.to_string())),
        None => (None, "open", None),
    };
    let body = json!({
        "id": id.as_str(),
        "category": it.category.word(),
        "received": it.received.to_string(),
        "outcome": outcome,
        "decided": at,
        "reply": reply,
    });
    Ok(told(StatusCode::OK, JSON, body.to_string()))
}
