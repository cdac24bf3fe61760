//! Rooms: where an authority reads what it was told, and answers, without software of ours and without an account.
//!
//! Two things open a room: its link, and the code that was given by telephone. Nothing that is said here executes
//! anything; it goes into the inbox, and the desk writes it into the case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use ledger::Hash;
use policy::case::facts::Answer;
use policy::room::{Document, MAX_DOCUMENT, Said, code_hash};
use policy::{Id, Sentence, Time};
use store::{Room, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::App;
use crate::http::{Failure, HTML};
use crate::pages::Frame;
use crate::report::told;
use crate::words::When;

/// Largest body, bytes: a document, and a few short fields with their frames around it.
const BODY: usize = MAX_DOCUMENT + 64 * 1024;

/// How long a body may take: ten MiB at one Mbit/s are 84 seconds.
const SLOW: Duration = Duration::from_secs(120);

/// Longest field that is no document, bytes: a sentence, each byte escaped.
const FIELD: usize = 8192;

/// Wrong codes for one room in an hour. With eight digits, a month of guessing at that rate finds one in 28,000.
const TRIES: u32 = 5;

/// Rooms whose tries are remembered; only whoever has a room's link gets that far.
const WATCHED: usize = 1000;

/// Answers that a room takes in an hour: a conversation, and no flood.
const ANSWERS: u32 = 30;

/// What may be said, as the form offers it.
const CHOICES: [(Answer, &str); 7] = [
    (Answer::Acknowledged, "We have it, and somebody works on it"),
    (Answer::Asks, "We have a question"),
    (Answer::Acts, "We act ourselves, in time"),
    (Answer::CannotInTime, "We cannot act in time"),
    (Answer::Declines, "We are not the ones to act"),
    (Answer::Objects, "We object: what you consider would harm our work, or somebody"),
    (Answer::Withdraws, "We object no longer"),
];

/// Bodies that are read at once, all rooms together: four of the largest are 40 MiB.
const AT_ONCE: usize = 4;

/// Wrong codes and answers of this hour, by room; and how many bodies may still come in.
#[derive(Debug)]
pub(crate) struct Doors {
    counted: Mutex<BTreeMap<Id, Counted>>,
    bodies: Semaphore,
    /// Rooms whose body is being read: one each, so that whoever holds one link keeps nobody from the other rooms.
    busy: Mutex<BTreeSet<Id>>,
}

/// The right to send a body, given back when it is dropped.
struct Place<'d> {
    doors: &'d Doors,
    room: Id,
    _body: SemaphorePermit<'d>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.doors.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.room);
    }
}

impl Default for Doors {
    fn default() -> Self {
        Self { counted: Mutex::default(), bodies: Semaphore::new(AT_ONCE), busy: Mutex::default() }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    hour: u64,
    wrong: u32,
    answers: u32,
}

impl Doors {
    /// A place for a body of this room, if there is one now.
    fn place(&self, room: &Id) -> Option<Place<'_>> {
        let body = self.bodies.try_acquire().ok()?;
        let free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(room.clone());
        free.then(|| Place { doors: self, room: room.clone(), _body: body })
    }

    /// Counts, and says what was counted in this hour; `None` when too many rooms are watched already.
    fn count(&self, room: &Id, now: Time, add: impl FnOnce(&mut Counted)) -> Option<Counted> {
        let mut held = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.0 / 3600;
        if held.len() >= WATCHED && !held.contains_key(room) {
            held.retain(|_, counted| counted.hour == hour);
        }
        if held.len() >= WATCHED && !held.contains_key(room) {
            return None;
        }
        let counted = held.entry(room.clone()).or_default();
        if counted.hour != hour {
            *counted = Counted { hour, ..Counted::default() };
        }
        add(counted);
        Some(*counted)
    }
}

/// What somebody sent.
#[derive(Debug, Default)]
struct Sent {
    code: String,
    answer: String,
    name: String,
    what: String,
    /// Drawn when the form was made: the same form twice is one answer.
    once: String,
    document: Option<Bytes>,
}

/// Why something was not taken.
enum Refusal {
    /// In words for whoever sent it; what was typed stays.
    Unfit(StatusCode, &'static str),
    Broken(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// Both methods of a room's address, with the limit of its body.
pub(crate) fn door() -> MethodRouter<Arc<App>> {
    get(knock).post(enter).layer(DefaultBodyLimit::max(BODY))
}

#[derive(Template)]
#[template(path = "room.html")]
struct Page<'a> {
    frame: Frame<'a>,
    id: String,
    closes: When,
    /// Said above everything: what was wrong, or that something was taken.
    notice: Option<(&'static str, bool)>,
    /// What is inside, for whoever had the code.
    inside: Option<Inside<'a>>,
}

struct Inside<'a> {
    letter: &'a str,
    lines: Vec<Line>,
    choices: &'a [(Answer, &'static str)],
    sent: &'a Sent,
    once: String,
}

struct Line {
    at: When,
    /// What it means, when it is theirs.
    answer: Option<&'static str>,
    what: String,
}

/// The room of a link. Whoever has not the secret learns nothing, not even whether there is one.
async fn find(app: &App, id: &str, secret: &str) -> Result<(Id, Room), Failure> {
    let nothing = Failure::NotFound("There is no room under this address. Please check that it is whole.");
    let (Some(id), true) = (Id::parse(id), app.intake.is_some()) else { return Err(nothing) };
    let room = app.reader.room(&id, &Hash::of(secret.as_bytes())).await?;
    room.map(|room| (id, room)).ok_or(nothing)
}

fn page(
    app: &App,
    status: StatusCode,
    (id, room): (&Id, &Room),
    notice: Option<(&'static str, bool)>,
    sent: Option<&Sent>,
) -> Result<Response, Failure> {
    let inside = match sent {
        None => None,
        Some(sent) => Some(Inside {
            letter: &room.letter,
            lines: room.lines.iter().map(line).collect(),
            choices: &CHOICES,
            sent,
            once: drawn(app)?,
        }),
    };
    let closes = When::from(room.closes);
    let page = Page { frame: Frame::of(app), id: id.to_string(), closes, notice, inside };
    Ok(told(status, HTML, page.render()?))
}

fn line(it: &store::RoomLine) -> Line {
    let words = |answer: Answer| {
        CHOICES
            .iter()
            .find(|(choice, _)| *choice == answer)
            .map_or("This room was opened", |(_, words)| words)
    };
    Line { at: When::from(it.at), answer: it.answer.map(words), what: it.what.to_string() }
}

fn drawn(app: &App) -> Result<String, Failure> {
    let intake = app.intake.as_ref().ok_or(Failure::NotFound("This press takes no answers."))?;
    let random = (intake.draw)().ok_or_else(|| Failure::Broken("no randomness".into()))?;
    Ok(Hash::of(&random).to_string())
}

/// `GET /authority/{id}/{secret}`: asks for the code, and shows nothing else.
async fn knock(
    State(app): State<Arc<App>>,
    Path((id, secret)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, room) = find(&app, &id, &secret).await?;
    let over = (room.closes <= app.now()).then_some((CLOSED, true));
    page(&app, StatusCode::OK, (&id, &room), over, None)
}

const CLOSED: &str = "This room is closed. Please call us; we open another.";

/// `POST /authority/{id}/{secret}`: with the code the letter and what was said; with an answer, that too.
async fn enter(
    State(app): State<Arc<App>>,
    Path((id, secret)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (id, room) = find(&app, &id, &secret).await?;
    let here = (&id, &room);
    if room.closes <= app.now() {
        return page(&app, StatusCode::GONE, here, Some((CLOSED, true)), None);
    }
    let Some(_place) = app.doors.place(&id) else {
        let why = "Very much comes in at this moment. Please send it again in a minute, or call us.";
        return page(&app, StatusCode::SERVICE_UNAVAILABLE, here, Some((why, true)), None);
    };
    let sent = match tokio::time::timeout(SLOW, read(request)).await {
        Ok(Ok(sent)) => sent,
        Ok(Err(Refusal::Broken(failure))) => return Err(failure),
        Ok(Err(Refusal::Unfit(status, why))) => return page(&app, status, here, Some((why, true)), None),
        Err(_) => {
            let why = "It did not arrive within two minutes. Please send it again, or call us.";
            return page(&app, StatusCode::REQUEST_TIMEOUT, here, Some((why, true)), None);
        }
    };
    let tried = app.doors.count(&id, app.now(), |_| {});
    if tried.is_none_or(|tried| tried.wrong >= TRIES) {
        let why = "Too many wrong codes in this hour. Please call us; the code is given by telephone.";
        return page(&app, StatusCode::TOO_MANY_REQUESTS, here, Some((why, true)), None);
    }
    if code_hash(&id, &sent.code) != room.code {
        app.doors.count(&id, app.now(), |counted| counted.wrong += 1);
        let why = "This is not the code of this room. It has eight digits, and we give it by telephone.";
        return page(&app, StatusCode::FORBIDDEN, here, Some((why, true)), None);
    }
    opened(&app, here).await?;
    if sent.answer.is_empty() {
        return page(&app, StatusCode::OK, here, None, Some(&sent));
    }
    match say(&app, &id, &sent).await {
        Ok(()) => {
            let taken =
                ("We have it. It stands below within seconds; people read it, nothing acts on it.", false);
            let empty = Sent { code: sent.code, name: sent.name, ..Sent::default() };
            page(&app, StatusCode::OK, here, Some(taken), Some(&empty))
        }
        Err(Refusal::Unfit(status, why)) => page(&app, status, here, Some((why, true)), Some(&sent)),
        Err(Refusal::Broken(failure)) => Err(failure),
    }
}

/// That somebody with the code was here, once.
async fn opened(app: &App, (id, room): (&Id, &Room)) -> Result<(), Failure> {
    let before = room.lines.iter().any(|line| line.answer == Some(Answer::Delivered));
    let Some(intake) = app.intake.as_ref().filter(|_| !before) else { return Ok(()) };
    let number = Hash::of(format!("opened {id}").as_bytes()).to_string();
    let said = Said {
        id: Id::parse(&format!("ans-{number:.32}")).ok_or_else(|| Failure::Broken("no number".into()))?,
        referral: id.clone(),
        at: app.now(),
        answer: Answer::Delivered,
        name: sentence("Somebody with the link and the code"),
        what: sentence("Opened the room."),
        document: None,
    };
    match intake.inbox.append_said(&said, None).await {
        // It waits for the desk already, or stands behind too much that does: reading goes on.
        Ok(()) | Err(StoreError::Conflict(_) | StoreError::Full { .. }) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn sentence(words: &str) -> Sentence {
    Sentence::parse(words).expect("our own words are a sentence")
}

/// Keeps an answer.
async fn say(app: &App, id: &Id, sent: &Sent) -> Result<(), Refusal> {
    let unfit = |why| Refusal::Unfit(StatusCode::UNPROCESSABLE_ENTITY, why);
    let intake = app.intake.as_ref().ok_or(Failure::NotFound("This press takes no answers."))?;
    let answer = CHOICES.iter().find(|(choice, _)| choice.word() == sent.answer).map(|(choice, _)| *choice);
    let answer = answer.ok_or_else(|| unfit("Please choose what you answer."))?;
    // One line in the journal, whatever was typed.
    let plain = |text: &str| Sentence::parse(&text.split_whitespace().collect::<Vec<_>>().join(" ")).ok();
    let name = plain(&sent.name).filter(|name| name.as_str().len() <= 300);
    let name = name.ok_or_else(|| unfit("Please say who you are: name, office, and how we reach you."))?;
    let what = plain(&sent.what);
    let what = what
        .ok_or_else(|| unfit("Please say it in words, at most about 300; hand over a document for more."))?;
    let known = sent.once.len() == 64 && sent.once.bytes().all(|b| b.is_ascii_hexdigit());
    let number = Hash::of(format!("{id} {}", if known { &sent.once } else { "" }).as_bytes()).to_string();
    let number = Id::parse(&format!("ans-{number:.32}")).filter(|_| known);
    let number = number.ok_or_else(|| unfit("The form is not ours; please load this page again."))?;
    let counted = app.doors.count(id, app.now(), |counted| counted.answers += 1);
    if counted.is_none_or(|counted| counted.answers > ANSWERS) {
        let why = "Very many answers came from this room in this hour. Please call us.";
        return Err(Refusal::Unfit(StatusCode::TOO_MANY_REQUESTS, why));
    }
    let document = sent.document.as_ref().filter(|bytes| !bytes.is_empty());
    let said = Said {
        id: number,
        referral: id.clone(),
        at: app.now(),
        answer,
        name,
        what,
        document: document.map(|bytes| Document { sha256: Hash::of(bytes), bytes: bytes.len() as u64 }),
    };
    match intake.inbox.append_said(&said, document.map(|bytes| bytes.to_vec())).await {
        // The same form twice is one answer.
        Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
        Err(StoreError::Full { .. }) => {
            let why = "We cannot take more at this moment. Please call us.";
            Err(Refusal::Unfit(StatusCode::SERVICE_UNAVAILABLE, why))
        }
        Err(e) => Err(Refusal::Broken(e.into())),
    }
}

async fn read(request: Request<Body>) -> Result<Sent, Refusal> {
    let unfit =
        |_| Refusal::Unfit(StatusCode::BAD_REQUEST, "The form did not arrive whole. Please send it again.");
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| {
        Refusal::Unfit(StatusCode::BAD_REQUEST, "The form is not ours; please load this page again.")
    })?;
    let mut sent = Sent::default();
    // Six fields are ours; a few more are read past, and no more.
    for _ in 0..16 {
        let Some(field) = parts.next_field().await.map_err(unfit)? else { return Ok(sent) };
        let name = field.name().unwrap_or_default().to_owned();
        let limit = if name == "document" { MAX_DOCUMENT } else { FIELD };
        let bytes = bounded(field, limit).await?;
        if name == "document" {
            sent.document = Some(bytes.into());
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match name.as_str() {
            "code" => sent.code = text,
            "answer" => sent.answer = text,
            "name" => sent.name = text,
            "what" => sent.what = text,
            "once" => sent.once = text,
            _ => {}
        }
    }
    Err(Refusal::Unfit(StatusCode::BAD_REQUEST, "The form is not ours; please load this page again."))
}

async fn bounded(mut field: Field<'_>, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut all = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|e| {
        Refusal::Unfit(
            if e.status() == StatusCode::PAYLOAD_TOO_LARGE { e.status() } else { StatusCode::BAD_REQUEST },
            "It did not arrive whole, or is larger than 10 MiB. Please send less, or call us.",
        )
    })? {
        if all.len() + piece.len() > limit {
            let why =
                "A document may have 10 MiB, and a field about 300 words. Please send less, or call us.";
            return Err(Refusal::Unfit(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_link_keeps_nobody_from_the_other_rooms() {
        let doors = Doors::default();
        let id = |n: usize| Id::parse(&format!("ref-{n}")).expect("an id");
        let first = doors.place(&id(0)).expect("free");
        assert!(doors.place(&id(0)).is_none(), "one body at a time");
        let others: Vec<_> = (1..AT_ONCE).map(|n| doors.place(&id(n)).expect("free")).collect();
        assert!(doors.place(&id(9)).is_none(), "no more than four in all");
        drop(first);
        assert!(doors.place(&id(0)).is_some());
        drop(others);
        assert_eq!(doors.bodies.available_permits(), AT_ONCE);
    }
}
