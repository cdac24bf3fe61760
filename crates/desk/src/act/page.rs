//! Act: the desk finds out whether somebody is needed, calls one after the other, and stops when somebody acknowledges.

use ledger::note::Note;
use policy::page::{
    Ack, Alarm, Call, Facts, Kind, NEWS, Proposal, Round, Turn, alarms, concerned, due, turns,
};
use policy::report::Category;
use policy::{MailAddress, Time};
use store::{MailKind, MessageId, NewMail};
use tokio::task::JoinSet;

use crate::auth::{Acknowledge, Authorised};
use crate::desk::Shared;
use crate::error::DeskError;
use crate::mail::Mailer;
use crate::mail::template::Text;
use crate::pager::{Ended, Page};

/// How far back notes that are being signed are looked at, seconds: a finding carries a decision for a day, and an
/// emergency runs for six at most.
const PROPOSED: u64 = 7 * 24 * 3600;

/// Calls made at the same time. The rest come with the next look, a few seconds later.
const AT_ONCE: usize = 16;

/// The longest that an acknowledgement holds, seconds: a night. Whoever needs longer acknowledges again.
pub(crate) const MAX_HOLD: u64 = 12 * 3600;

type Done<T> = Result<T, DeskError>;

/// What needs somebody now, with the round in which they are called.
pub(crate) struct Open {
    pub(crate) alarm: Alarm,
    pub(crate) round: Option<Round>,
}

/// What was read, and what could not be: one damaged row must not silence all the rest.
#[derive(Default)]
struct Reading {
    failed: Vec<String>,
}

impl Reading {
    fn take<T: Default>(&mut self, what: &str, read: Result<T, impl Into<DeskError>>) -> T {
        read.unwrap_or_else(|e| {
            self.failed.push(format!("{what}: {}", e.into().words()));
            T::default()
        })
    }
}

/// Every alarm, and whether all could be read.
async fn look_around(desk: &Shared, now: Time) -> (Vec<Alarm>, bool) {
    let (store, state) = (&desk.store, desk.state());
    let mut reading = Reading::default();
    let untouched = store.untouched(Category::ThreatToLife.severity(), NEWS as u32).await;
    let (untouched, untouched_in_all) = reading.take("reports", untouched);
    let drafts = reading.take("notes", store.proposed(Time(now.0.saturating_sub(PROPOSED))).await);
    let mut proposals: Vec<Proposal> = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        let note = Note::parse(&draft.to_note()).map_err(|e| DeskError::Defect(e.to_string()));
        let note = reading.take("a note", note.map(Some));
        proposals.extend(note.map(|note| Proposal { note, put: draft.created }));
    }
    let mut cases = Vec::new();
    for (about, case) in concerned(&state, &proposals, now) {
        let found = reading.take("a case", store.case(&case).await);
        cases.extend(found.map(|case| (about, case)));
    }
    let mut rooms = Vec::new();
    for case in reading.take("rooms", store.spoken().await) {
        rooms.push(reading.take("a journal", store.journal(&case).await));
    }
    let given_up = reading.take("mails", store.given_up().await);
    let (blind, new) = desk.config.pager.blind(!reading.failed.is_empty(), now);
    if new {
        tracing::error!("not all can be read that may need somebody: {}", reading.failed.join("; "));
    }
    let facts = Facts {
        state: &state,
        untouched,
        untouched_in_all,
        proposals: &proposals,
        concerned: cases,
        rooms,
        given_up,
        blind,
    };
    (alarms(&facts, now), reading.failed.is_empty())
}

/// What needs somebody now.
pub(crate) async fn open(desk: &Shared) -> Done<Vec<Open>> {
    let (alarms, _) = look_around(desk, desk.now()).await;
    let mut rounds = desk.store.rounds().await?;
    let open = |alarm: Alarm| {
        let at = rounds.iter().position(|r| r.key == alarm.key);
        Open { round: at.map(|at| rounds.swap_remove(at)), alarm }
    };
    Ok(alarms.into_iter().map(open).collect())
}

/// Begins and ends rounds, and makes the calls that are due.
pub(crate) async fn look(desk: &Shared) -> Done<()> {
    let (store, pager, now) = (&desk.store, &desk.config.pager, desk.now());
    if pager.forgets(now) {
        store.forget_rounds(now).await?;
    }
    let (alarms, whole) = look_around(desk, now).await;
    let turns = turns(&alarms, &store.rounds().await?, &pager.rules, whole, now);
    for turn in &turns {
        if let Turn::Begin(key) | Turn::Again(_, key) = turn {
            tracing::warn!(key, "somebody is needed");
        }
    }
    store.turn(&turns, now).await?;
    let calls = due(&alarms, &store.rounds().await?, &pager.rules, now);
    let mut made = JoinSet::new();
    let mut kept = Ok(());
    let mut under_way = Vec::new();
    for call in calls.into_iter().take(AT_ONCE) {
        let Some(alarm) = alarms.iter().find(|a| a.key == call.key) else { continue };
        let Some(step) = pager.steps.get(call.step) else { continue };
        if !store.begin_call(&call, now).await? {
            continue;
        }
        let page = page(desk, alarm, &call);
        if step.mail.is_empty() {
            let calling = pager.caller.call(call.step, page);
            let task = made.spawn(calling);
            under_way.push((task.id(), call));
        } else {
            let ended = mail(desk, &step.mail, alarm, &page, &call).await;
            kept = settle(desk, &call, ended).await.and(kept);
        }
    }
    while let Some(ended) = made.join_next_with_id().await {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, ended),
            Err(e) => (e.id(), Err("the call broke off; this is a fault of Portcullis".to_owned())),
        };
        if let Some((_, call)) = under_way.iter().find(|(task, _)| *task == id) {
            // One that is not written down must not cut off the others.
            kept = settle(desk, call, ended).await.and(kept);
        }
    }
    kept
}

async fn settle(desk: &Shared, call: &Call, ended: Ended) -> Done<()> {
    let (key, step, attempt) = (&call.key, call.step + 1, call.attempts + 1);
    match &ended {
        Ok(_) => tracing::info!(key, step, attempt, "somebody was called"),
        Err(_) => {
            tracing::error!(key, step, attempt, "a call did not get through; `portcullis page` says why");
        }
    }
    Ok(desk.store.call_made(call.round, call.step, &ended).await?)
}

/// Where to read on. Reports and cases have no page of the console: these begin at the overview.
pub(crate) fn link(desk: &Shared, alarm: &Alarm) -> String {
    let path = match (alarm.kind, &alarm.about) {
        (Kind::Sign, Some(about)) => format!("/proposals/{about}"),
        (_, Some(about)) if desk.state().decision(about).is_some() => format!("/decisions/{about}"),
        (_, Some(about)) => format!("/proposals/{about}"),
        (_, None) => "/".into(),
    };
    format!("{}{path}", desk.config.pager.console)
}

fn page(desk: &Shared, alarm: &Alarm, call: &Call) -> Page {
    let page = Page {
        version: 1,
        text: String::new(),
        at: desk.now().to_string(),
        key: alarm.key.clone(),
        kind: alarm.kind.word().to_owned(),
        need: alarm.need.clone(),
        people: alarm.people,
        since: alarm.since.to_string(),
        case: alarm.case.as_ref().map(ToString::to_string),
        link: link(desk, alarm),
        step: call.step + 1,
        person: desk.config.pager.steps.get(call.step).and_then(|s| s.person.clone()),
        attempt: call.attempts + 1,
        test: false,
    };
    page.told()
}

/// Queues a page in the outbox. The key of each mail names round and step, so none is queued twice.
async fn mail(desk: &Shared, to: &[MailAddress], alarm: &Alarm, page: &Page, call: &Call) -> Ended {
    let mailer = desk.config.mail.as_deref().ok_or("this desk sends no mail")?;
    for (number, to) in to.iter().enumerate() {
        let mail = write(mailer, to, alarm, page, (call, number)).map_err(DeskError::words)?;
        desk.store.queue_mail(&mail, desk.now()).await.map_err(|e| e.to_string())?;
    }
    Ok("in the outbox".into())
}

fn write(
    mailer: &Mailer,
    to: &MailAddress,
    alarm: &Alarm,
    page: &Page,
    (call, number): (&Call, usize),
) -> Done<NewMail> {
    let config = &mailer.config;
    let values = [
        ("operator", config.sender.name.clone()),
        ("key", page.key.clone()),
        ("need", page.need.clone()),
        ("people", page.people.to_string()),
        ("since", page.since.clone()),
        ("case", page.case.clone().unwrap_or_else(|| "-".into())),
        ("link", page.link.clone()),
    ];
    let (subject, body) = Text::Of(MailKind::Page).fill(config.language, &values)?;
    let about = format!("{}/{}/{}", alarm.key, call.round, call.step);
    let who = number.to_string();
    let message_id = MessageId::of(MailKind::Page, &about, &who, &config.sender.from);
    Ok(NewMail { kind: MailKind::Page, about, who, to: to.clone(), message_id, subject, body })
}

/// Somebody takes care: nobody is called about it for a while.
pub(crate) async fn acknowledge(
    by: &Authorised<Acknowledge>,
    desk: &Shared,
    key: &str,
    hold: Option<u64>,
) -> Done<Open> {
    let now = desk.now();
    let (alarms, _) = look_around(desk, now).await;
    let alarm = alarms.into_iter().find(|a| a.key == key);
    let alarm = alarm.ok_or_else(|| {
        DeskError::NotFound(format!(
            "an open alarm {key}; what it was about may be done, `portcullis page` lists what is open"
        ))
    })?;
    if hold.is_some_and(|hold| hold == 0 || hold > MAX_HOLD) {
        return Err(DeskError::Unfit {
            code: "hold",
            why: "an acknowledgement holds from a second to twelve hours; acknowledge again when it is over"
                .into(),
        });
    }
    let hold = hold.or(alarm.hold).unwrap_or(desk.config.pager.rules.ack);
    let ack = Ack { by: by.name().to_owned(), at: now, until: now.plus(hold) };
    let round = desk.store.acknowledge(key, &ack).await?;
    tracing::info!(by = by.name(), key, until = %ack.until, "somebody takes care");
    Ok(Open { alarm, round: Some(round) })
}
