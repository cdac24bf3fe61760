//! Act: who is owed a mail, and handing them over. What is owed follows from what is public and from reports that were
//! decided; nobody sends a mail by hand, and none is owed twice.

use policy::report::Report;
use policy::report::cluster::Outcome;
use policy::{Decision, Id, MailAddress, Sentence, Status, Time};
use store::{Contact, Mail, MailKind, MailState, MessageId, NewMail};

use crate::desk::Shared;
use crate::error::DeskError;
use crate::mail::template::{Text, phrase};
use crate::mail::{Language, Mailer, Parts, Refused, Session, Unreachable};

/// What happened longer ago is told to nobody, seconds: whoever turns mail on, or names a contact, is told of the last
/// week and of what is in force.
const NEWS: u64 = 7 * 24 * 3600;

/// By when a customer is to be told, seconds after the log has it.
pub(crate) const TELL_WITHIN: u64 = 15 * 60;

/// Who is told, in the key of a mail to a customer. No id: beside the decision it would say whom that was about, after
/// its subject is erased.
const CUSTOMER: &str = "customer";

/// Mails handed over in one look at the outbox: 50 of 3 KiB are a second at a slow smarthost.
const AT_ONCE: u32 = 50;

/// Connections opened in one look: a smarthost that drops each mail is left alone then.
const RECONNECTS: usize = 3;

type Done<T> = Result<T, DeskError>;

/// Something that a customer is owed a mail about.
struct Event<'a> {
    kind: MailKind,
    /// The note, or the decision where no note ended it.
    about: &'a Id,
    decision: &'a Decision,
    /// A key of the phrases, and the moment in it.
    why: (String, Time),
    until: Time,
}

/// Queues what customers are owed, from the fold. Run again, it adds nothing.
pub(crate) async fn derive(desk: &Shared, mailer: &Mailer) -> Done<()> {
    let (state, now) = (desk.state(), desk.now());
    for decision in state.decisions() {
        for event in events(decision, now) {
            if desk.store.mailed(event.kind, event.about.as_str()).await?.is_none() {
                queue(desk, mailer, &event, now).await?;
            }
        }
    }
    Ok(())
}

/// What is news about a decision, in the order in which it happened.
fn events(decision: &Decision, now: Time) -> Vec<Event<'_>> {
    let news = |at: Time| now.since(at) < NEWS;
    let status = decision.status(now);
    let id = &decision.impose.head.id;
    let event =
        |kind, about, why: String, at: Time, until| Event { kind, about, decision, why: (why, at), until };
    let mut events = Vec::new();
    if news(decision.logged) || matches!(status, Status::InForce | Status::Waiting) {
        events.push(event(MailKind::Imposed, id, String::new(), decision.logged, decision.impose.until));
    }
    for c in decision.continues.iter().filter(|c| news(c.logged)) {
        let why = format!("continue.{}", c.note.reason);
        events.push(event(MailKind::Continued, &c.note.head.id, why, c.logged, c.note.until));
    }
    let until = decision.until();
    match (status, &decision.lifted) {
        // One that the log does not have yet is told when it has it.
        (Status::Lifted, Some(lift)) if lift.index.is_some() && news(lift.time) => {
            events.push(event(MailKind::Lifted, &lift.id, format!("lift.{}", lift.reason), lift.time, until));
        }
        (Status::Ended | Status::NotConfirmed, _) if news(until) => {
            events.push(event(MailKind::Ended, id, format!("end.{}", status.word()), until, until));
        }
        (Status::Void, _) if news(decision.logged) => {
            events.push(event(MailKind::Ended, id, "end.void".into(), until, until));
        }
        _ => {}
    }
    events
}

async fn queue(desk: &Shared, mailer: &Mailer, event: &Event<'_>, now: Time) -> Done<()> {
    // Once the subject is erased, nobody knows whom it was about, and nobody is told.
    let Some(subject) = crate::api::look::subject(desk, event.decision).await? else { return Ok(()) };
    let Some(contact) = desk.store.contact(&subject.customer).await? else { return Ok(()) };
    let mail = to_customer(desk, mailer, event, &contact, now)?;
    if desk.store.queue_mail(&mail, now).await? {
        tracing::info!(kind = event.kind.word(), about = %event.about, customer = %contact.customer, "a mail to the customer is queued");
    }
    Ok(())
}

fn to_customer(
    desk: &Shared,
    mailer: &Mailer,
    event: &Event<'_>,
    contact: &Contact,
    now: Time,
) -> Done<NewMail> {
    let language = Language::parse(&contact.language).unwrap_or(mailer.config.language);
    let impose = &event.decision.impose;
    let (why, at) = &event.why;
    let words = |key: &str, time: Time| phrase(language, key, &time.to_string());
    let confirm = match event.decision.confirm_by().filter(|by| now < *by) {
        Some(by) => words("confirm.by", by)?,
        None if event.decision.confirmed() => words("confirm.done", *at)?,
        None => words("confirm.none", *at)?,
    };
    let mut values = common(mailer);
    values.extend([
        ("id", impose.head.id.to_string()),
        ("class", words(&format!("class.{}", impose.class), *at)?),
        ("ground", format!("{} {}", impose.ground, impose.ground_version)),
        ("scope", words(&format!("scope.{}", impose.scope), *at)?),
        ("hostnames", impose.hostnames.to_string()),
        ("since", impose.since.to_string()),
        ("until", event.until.to_string()),
        ("when", at.to_string()),
        ("confirm", confirm),
        ("reasons", format!("{}/posts/{}", desk.config.press, impose.head.id)),
    ]);
    if !why.is_empty() {
        values.push(("why", words(why, *at)?));
    }
    write(mailer, event.kind, (event.about.as_str(), CUSTOMER), &contact.address, language, &values)
}

fn common(mailer: &Mailer) -> Vec<(&'static str, String)> {
    let config = &mailer.config;
    vec![
        ("operator", config.sender.name.clone()),
        ("service", config.service.clone()),
        ("appeal", config.appeal.clone()),
    ]
}

fn write(
    mailer: &Mailer,
    kind: MailKind,
    (about, who): (&str, &str),
    to: &MailAddress,
    language: Language,
    values: &[(&str, String)],
) -> Done<NewMail> {
    let (subject, body) = Text::Of(kind).fill(language, values)?;
    let message_id = MessageId::of(kind, about, who, &mailer.config.sender.from);
    let (about, who) = (about.to_owned(), who.to_owned());
    Ok(NewMail { kind, about, who, to: to.clone(), message_id, subject, body })
}

/// The address of whoever reported something, if they gave one that mail can go to.
fn reporter(report: &Report) -> Option<MailAddress> {
    MailAddress::parse(report.reporter.email.as_ref()?.as_str()).ok()
}

/// The receipt for a report, where the operator turned them on. It repeats nothing of what the report says: whoever
/// types another's address into the form sends them no words of his own.
pub(crate) fn receipt(mailer: &Mailer, report: &Report) -> Option<NewMail> {
    let to = reporter(report).filter(|_| mailer.config.receipts)?;
    let mut values = common(mailer);
    values.extend([("number", report.id.to_string()), ("received", report.received.to_string())]);
    let key = (report.id.as_str(), report.id.as_str());
    told(write(mailer, MailKind::Receipt, key, &to, mailer.config.language, &values))
}

/// What became of a report, to whoever sent it. `seq` is the number of the decision on its cluster.
pub(crate) fn outcome(
    mailer: &Mailer,
    (cluster, seq): (&Id, u64),
    report: &Report,
    outcome: Outcome,
    reply: &Sentence,
) -> Option<NewMail> {
    let to = reporter(report)?;
    let language = mailer.config.language;
    let mut values = common(mailer);
    values.extend([
        ("number", report.id.to_string()),
        ("received", report.received.to_string()),
        ("reply", reply.to_string()),
    ]);
    let written = phrase(language, &format!("outcome.{outcome}"), "").and_then(|words| {
        values.push(("outcome", words));
        write(
            mailer,
            MailKind::Outcome,
            (&format!("{cluster}/{seq}"), report.id.as_str()),
            &to,
            language,
            &values,
        )
    });
    told(written)
}

/// A mail that cannot be written keeps no report from being taken or decided.
fn told(written: Done<NewMail>) -> Option<NewMail> {
    written.map_err(|e| tracing::error!("a mail to a reporter could not be written: {}", e.words())).ok()
}

/// Hands over what is due.
pub(crate) async fn deliver(desk: &Shared, mailer: &Mailer) -> Done<()> {
    let now = desk.now();
    if mailer.forgets(now) {
        desk.store.forget_mails(now).await?;
    }
    if mailer.rests(now) {
        return Ok(());
    }
    let mut due = desk.store.due_mails(now, AT_ONCE).await?.into_iter().peekable();
    for _ in 0..RECONNECTS {
        if due.peek().is_none() {
            return Ok(());
        }
        let config = &mailer.config;
        let mut session = match config.smarthost.open(config.sender.from.domain(), &mut |_| ()).await {
            Ok(session) => session,
            Err(why) => return unreachable(desk, mailer, &why).await,
        };
        mailer.reached();
        for mail in due.by_ref() {
            match hand_over(desk, mailer, &mut session, &mail).await? {
                Next::Same => {}
                Next::Another => break,
                Next::None(why) => return unreachable(desk, mailer, &why).await,
            }
        }
        session.close().await;
    }
    Ok(())
}

async fn unreachable(desk: &Shared, mailer: &Mailer, why: &Unreachable) -> Done<()> {
    let now = desk.now();
    mailer.not_reached(now);
    tracing::warn!("mails wait: {}; {}", why.what, why.next);
    Ok(desk.store.mails_unreachable(&why.what, now).await?)
}

/// What the next mail goes over.
enum Next {
    Same,
    Another,
    None(Unreachable),
}

async fn hand_over(desk: &Shared, mailer: &Mailer, session: &mut Session, mail: &Mail) -> Done<Next> {
    let (store, now) = (&desk.store, desk.now());
    let Some((to, subject, body)) = &mail.content else { return Ok(Next::Same) };
    let sender = &mailer.config.sender;
    let parts = Parts { to, message_id: mail.message_id.as_str(), date: mail.queued, subject, body };
    if !store.begin_mail(mail, now).await? {
        return Ok(Next::Same);
    }
    let bytes = match sender.write(&parts) {
        Ok(bytes) => bytes,
        // Our own fault; those behind it must not wait for it.
        Err(why) => {
            tracing::error!(mail = mail.id, "a mail could not be written: {why}");
            store.mail_refused(mail.id, &why, true, now).await?;
            return Ok(Next::Same);
        }
    };
    let sent = session.send(&sender.from, to, &bytes, &mut |_| ()).await;
    let (mail, kind, now) = (mail.id, mail.kind.word(), desk.now());
    match sent {
        Ok(_) => {
            store.mail_sent(mail, now).await?;
            tracing::info!(mail, kind, "a mail was handed over");
            Ok(Next::Same)
        }
        Err(Refused::Mail { what, for_good }) => {
            tracing::warn!(mail, kind, for_good, "a mail was refused; `portcullis mail list` says why");
            store.mail_refused(mail, &what, for_good, now).await?;
            Ok(if session.lives().await { Next::Same } else { Next::Another })
        }
        Err(Refused::Lost(what)) => {
            store.mail_refused(mail, &what, false, now).await?;
            Ok(Next::Another)
        }
        Err(Refused::Smarthost(why)) => {
            store.mail_refused(mail, &why.what, false, now).await?;
            Ok(Next::None(why))
        }
    }
}

/// A customer who was not told of a decision that holds.
pub(crate) struct Untold {
    pub(crate) decision: Id,
    pub(crate) customer: Option<Id>,
    /// `no-contact`, `mail-off`, or the state of the mail.
    pub(crate) why: &'static str,
    /// Whether they should have been told by now.
    pub(crate) late: bool,
}

/// Who was not told of what holds.
pub(crate) async fn untold(desk: &Shared) -> Done<Vec<Untold>> {
    let (state, now) = (desk.state(), desk.now());
    let mut untold = Vec::new();
    for decision in state.decisions() {
        if !matches!(decision.status(now), Status::InForce | Status::Waiting) {
            continue;
        }
        let id = &decision.impose.head.id;
        let mailed = desk.store.mailed(MailKind::Imposed, id.as_str()).await?;
        if mailed.is_some_and(|(state, _)| state == MailState::Sent) {
            continue;
        }
        let customer = crate::api::look::subject(desk, decision).await?.map(|s| s.customer);
        let contact = match &customer {
            Some(customer) => desk.store.contact(customer).await?,
            None => None,
        };
        let why = match (mailed, contact) {
            (Some((state, _)), _) => state.word(),
            (None, _) if desk.config.mail.is_none() => "mail-off",
            (None, None) => "no-contact",
            (None, Some(_)) => MailState::Queued.word(),
        };
        let late = now.since(decision.logged) > TELL_WITHIN;
        untold.push(Untold { decision: id.clone(), customer, why, late });
    }
    Ok(untold)
}
