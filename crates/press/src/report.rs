//! Reports: the form, the API beside it, and what became of one, for whoever holds its secret.
//!
//! Nobody here judges a report: it is kept in the inbox, and the desk takes it from there. What cannot be kept is said at
//! once, with what was typed still there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ledger::Hash;
use policy::report::cluster::Outcome;
use policy::report::{Address, Category, Channel, MAX_ABOUT, Report, Reporter};
use policy::{Id, Sentence, Time};
use serde_json::{Value, json};
use store::{Inbox, StoreError, Told};

use crate::App;
use crate::http::{Failure, HTML, JSON, Meant, PROBLEM};
use crate::pages::Frame;
use crate::words::When;

/// Largest body of a report, bytes: [`policy::report::MAX_TEXT`] of description with every byte escaped (three for
/// one), and as much again for addresses.
const BODY: usize = 96 * 1024;

/// How long a body may take: 96 KiB at 32 kbit/s, a bad line in a crisis, are 24 seconds.
const SLOW: Duration = Duration::from_secs(40);

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

/// What somebody typed, or sent, before anybody has looked at it.
#[derive(Debug, Default)]
struct Draft {
    category: String,
    about: String,
    happened: String,
    text: String,
    name: String,
    email: String,
    good_faith: bool,
}

/// A field that must be changed, and why.
type Complaint = (&'static str, String);

impl Draft {
    fn from_form(body: &[u8]) -> Draft {
        let mut draft = Draft::default();
        for (key, value) in form_urlencoded::parse(body) {
            let value = value.into_owned();
            match key.as_ref() {
                "category" => draft.category = value,
                "about" => draft.about = value,
                "happened" => draft.happened = value,
                "text" => draft.text = value,
                "name" => draft.name = value,
                "email" => draft.email = value,
                "good_faith" => draft.good_faith = true,
                _ => {}
            }
        }
        draft
    }

    /// The API's fields. One that it does not know is an error: it would be lost.
    fn from_json(body: &[u8]) -> Result<Draft, Vec<Complaint>> {
        let wrong = |field, why: &str| vec![(field, why.to_owned())];
        let value: Value =
            serde_json::from_slice(body).map_err(|e| vec![("body", format!("is no JSON: {e}"))])?;
        let Value::Object(fields) = value else { return Err(wrong("body", "must be a JSON object")) };
        let mut draft = Draft::default();
        for (key, value) in fields {
            let text = |field| match &value {
                Value::String(text) => Ok(text.clone()),
                Value::Null => Ok(String::new()),
                _ => Err(wrong(field, "must be a string")),
            };
            match key.as_str() {
                "category" => draft.category = text("category")?,
                "happened" => draft.happened = text("happened")?,
                "text" => draft.text = text("text")?,
                "name" => draft.name = text("name")?,
                "email" => draft.email = text("email")?,
                "good_faith" => {
                    draft.good_faith =
                        value.as_bool().ok_or_else(|| wrong("good_faith", "must be true or false"))?;
                }
                "about" => {
                    let list =
                        value.as_array().ok_or_else(|| wrong("about", "must be a list of addresses"))?;
                    for address in list {
                        let address =
                            address.as_str().ok_or_else(|| wrong("about", "must be a list of strings"))?;
                        draft.about.push_str(address);
                        draft.about.push('\n');
                    }
                }
                other => {
                    return Err(vec![("body", format!("has the field {other:?}, which is not known here"))]);
                }
            }
        }
        Ok(draft)
    }

    /// The report that it amounts to, or everything that is wrong with it.
    fn report(
        &self,
        channel: Channel,
        id: Id,
        secret: Hash,
        received: Time,
    ) -> Result<Report, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut say = |field, why: &str| complaints.push((field, why.to_owned()));
        let category = Category::parse(&self.category);
        if category.is_none() {
            say("category", "choose what it is about");
        }
        let lines: Vec<&str> = self.about.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut about = Vec::new();
        for line in lines.iter().take(MAX_ABOUT) {
            match Address::parse(line) {
                Ok(address) => about.push(address),
                Err(why) => say("about", &format!("{line:.60} {why}")),
            }
        }
        if lines.is_empty() {
            say("about", "say where it is: the address of the page, one per line");
        } else if lines.len() > MAX_ABOUT {
            say("about", "names more than 50 addresses; send the rest as another report");
        }
        let happened = match self.happened.trim() {
            "" => None,
            text => {
                let time = moment(text);
                if time.is_none() {
                    say("happened", "must be a date and a time, as in 2026-11-22T23:15");
                }
                time
            }
        };
        let text = Report::read_text(&self.text).map_err(|why| say("text", why)).unwrap_or_default();
        let mut optional = |field, text: &str, read: fn(&str) -> Result<Sentence, &'static str>| {
            let text = text.trim();
            let read = (!text.is_empty()).then(|| read(text))?;
            read.map_err(|why| complaints.push((field, why.to_owned()))).ok()
        };
        let name = optional("name", &self.name, Sentence::parse);
        let email = optional("email", &self.email, Reporter::read_email);
        match category.filter(|_| complaints.is_empty()) {
            Some(category) => Ok(Report {
                id,
                received,
                channel,
                secret,
                category,
                about,
                happened,
                good_faith: self.good_faith,
                reporter: Reporter { name, email },
                text,
            }),
            None => Err(complaints),
        }
    }
}

/// A moment as browsers send it (no seconds, no zone), or as the API writes it; UTC either way.
fn moment(text: &str) -> Option<Time> {
    [String::new(), "Z".into(), ":00Z".into()].iter().find_map(|end| Time::parse(&format!("{text}{end}")))
}

/// Why a report was not taken.
enum Refusal {
    /// It must be changed.
    Unfit(Vec<Complaint>),
    /// Not now.
    Later(&'static str),
    /// Something is broken here.
    Broken(Failure),
}

/// The body, within its bounds.
async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let large = "is larger than 96 KiB, or did not arrive within 40 seconds";
    match tokio::time::timeout(SLOW, to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) | Err(_) => Err(Refusal::Unfit(vec![("body", large.into())])),
    }
}

/// Keeps a report. Its number, and the secret to ask with.
async fn take(app: &App, draft: &Draft, channel: Channel) -> Result<(Id, String), Refusal> {
    let intake = app.intake.as_ref().ok_or(Refusal::Later("This press takes no reports."))?;
    let now = app.now();
    let random = (intake.draw)().ok_or_else(|| Refusal::Broken(Failure::Broken("no randomness".into())))?;
    let (number, secret) = random.split_at(8);
    // Numbers in the order of their coming; 64 random bits beside it, so that none is guessed or given twice.
    let number = format!("rpt-{:09x}-{}", now.0, hex(number));
    let (id, secret) = (Id::parse(&number), hex(secret));
    let id = id.ok_or_else(|| Refusal::Broken(Failure::Broken(format!("{number} is no id"))))?;
    let report = draft.report(channel, id, Hash::of(secret.as_bytes()), now).map_err(Refusal::Unfit)?;
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

fn hex(bytes: &[u8]) -> String {
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
        self.complaints.iter().find(|(of, _)| *of == field).map(|(_, why)| why.as_str())
    }
}

fn form(app: &App, draft: &Draft, refusal: Option<Refusal>) -> Result<Response, Failure> {
    let (status, complaints, later) = match refusal {
        None => (StatusCode::OK, Vec::new(), None),
        Some(Refusal::Unfit(complaints)) => (StatusCode::UNPROCESSABLE_ENTITY, complaints, None),
        Some(Refusal::Later(why)) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), Some(why)),
        Some(Refusal::Broken(failure)) => return Err(failure),
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
pub(crate) fn told(status: StatusCode, kind: &'static str, body: String) -> Response {
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
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return form(&app, &Draft::default(), Some(refusal)),
    };
    let draft = Draft::from_form(&body);
    match take(&app, &draft, Channel::Form).await {
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
        let draft = Draft::from_json(&read(body).await?).map_err(Refusal::Unfit)?;
        take(&app, &draft, Channel::Api).await
    };
    let problem = |status: StatusCode, detail: String, complaints: &[Complaint]| {
        let errors: Vec<Value> =
            complaints.iter().map(|(field, why)| json!({ "field": field, "what": why })).collect();
        let title = status.canonical_reason();
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail, "errors": errors });
        Ok(told(status, PROBLEM, body.to_string()))
    };
    match taken.await {
        Ok((id, secret)) => {
            let base = &app.config.operator.reasons_base;
            let (page, api) =
                (format!("{base}/report/{id}/{secret}"), format!("{base}/api/v1/reports/{id}/{secret}"));
            let body = json!({ "id": id.as_str(), "page": page, "status": api });
            Ok(told(StatusCode::CREATED, JSON, body.to_string()))
        }
        Err(Refusal::Unfit(complaints)) => {
            let all: Vec<String> =
                complaints.iter().map(|(field, why)| format!("`{field}`: {why}")).collect();
            problem(StatusCode::UNPROCESSABLE_ENTITY, all.join("; "), &complaints)
        }
        Err(Refusal::Later(why)) => problem(StatusCode::SERVICE_UNAVAILABLE, why.into(), &[]),
        Err(Refusal::Broken(failure)) => Err(failure),
    }
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
