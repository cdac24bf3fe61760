//! The outbox: what is queued once goes out, whatever breaks, and what it knew of people goes.

use std::sync::Arc;

use crate::common::{BreakOne, Broken, START};
use crate::reports::{fresh, report};
use policy::report::cluster::Outcome;
use policy::report::{Category, Report, Reporter};
use policy::testkit::{id, sentence};
use policy::{MailAddress, Sentence, Time};
use store::{
    Contact, Decided, GIVE_UP, KEPT, MAX_OUTCOMES, Mail, MailKind, MailState, MessageId, NewMail,
    RECEIPT_EVERY, RECEIPTS_PER_HOUR, Store, StoreError, pause,
};

fn address(text: &str) -> MailAddress {
    MailAddress::parse(text).expect("an address")
}

fn mail(kind: MailKind, about: &str, who: &str, to: &str) -> NewMail {
    NewMail {
        kind,
        about: about.into(),
        who: who.into(),
        to: address(to),
        message_id: MessageId::of(kind, about, who, &address("desk@shield.example")),
        subject: sentence("About your site"),
        body: "Dear customer,\n\nsomething happened.\n".into(),
    }
}

fn imposed(about: &str) -> NewMail {
    mail(MailKind::Imposed, about, "customer", "abuse@customer.example")
}

/// One look of a desk at its outbox, with a smarthost that takes everything.
async fn post(store: &Store, now: Time, taken: &mut Vec<MessageId>) -> Result<(), StoreError> {
    for mail in store.due_mails(now, 10).await? {
        if store.begin_mail(&mail, now).await? {
            taken.push(mail.message_id.clone());
            store.mail_sent(mail.id, now).await?;
        }
    }
    Ok(())
}

async fn all(store: &Store) -> Vec<Mail> {
    let mut all = Vec::new();
    for state in MailState::ALL {
        all.extend(store.mails(state, 200).await.expect("reads"));
    }
    all
}

/// Every write from queue to sent is broken in both ways, as a blip and as a death; then the desk starts again.
#[tokio::test]
async fn a_mail_goes_out_whatever_breaks_and_a_second_copy_has_the_same_name() {
    const WRITES: [&str; 3] = ["mail", "mail-begun", "mail-sent"];
    for (at, what) in WRITES.iter().enumerate() {
        for how in [Broken::Failed, Broken::FailedButStored] {
            for dead in [false, true] {
                let case = format!("{what}, {how:?}, dead {dead}");
                let dir = tempfile::tempdir().unwrap();
                let hook = Arc::new(BreakOne::new(at, how, dead));
                let store = Store::open_with(dir.path(), hook.clone()).await.unwrap();
                let (mut taken, mut now) = (Vec::new(), START);
                let queued = store.queue_mail(&imposed("imp-1"), now).await;
                let posted = if queued.is_ok() { post(&store, now, &mut taken).await } else { Ok(()) };
                assert!(queued.is_err() || posted.is_err(), "{case}: the break was met");
                assert!(hook.seen().len() > at, "{case}");
                drop(store);
                // The desk derives the mail anew from what is public, and goes on.
                let store = Store::open(dir.path()).await.unwrap();
                for _ in 0..3 {
                    store.queue_mail(&imposed("imp-1"), now).await.unwrap();
                    post(&store, now, &mut taken).await.unwrap();
                    now = now.plus(pause(1));
                }
                let kept = all(&store).await;
                assert_eq!(kept.len(), 1, "{case}: one mail");
                assert_eq!(kept[0].state, MailState::Sent, "{case}");
                let twice = *what == "mail-sent" && how == Broken::Failed;
                assert_eq!(taken.len(), if twice { 2 } else { 1 }, "{case}");
                assert!(taken.iter().all(|name| *name == kept[0].message_id), "{case}: {taken:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_desk_that_dies_in_every_attempt_waits_between_them() {
    let (_dir, store) = fresh().await;
    store.queue_mail(&imposed("imp-1"), START).await.unwrap();
    let (mut now, mut begun) = (START, Vec::new());
    while now.since(START) < 3 * 3600 {
        for mail in store.due_mails(now, 10).await.unwrap() {
            assert!(store.begin_mail(&mail, now).await.unwrap());
            assert!(!store.begin_mail(&mail, now).await.unwrap(), "nobody else begins the same attempt");
            begun.push(now.since(START));
        }
        now = now.plus(10);
    }
    assert_eq!(begun, [0, 30, 90, 210, 450, 930, 1890, 3810, 7410]);
    assert_eq!((pause(1), pause(8), pause(u64::MAX)), (30, 3600, 3600));
}

#[tokio::test]
async fn what_is_refused_is_tried_for_four_days_and_then_given_up() {
    let (_dir, store) = fresh().await;
    for about in ["imp-1", "imp-2", "imp-3"] {
        assert!(store.queue_mail(&imposed(about), START).await.unwrap());
        assert!(!store.queue_mail(&imposed(about), START).await.unwrap(), "once");
    }
    let due = store.due_mails(START, 10).await.unwrap();
    assert!(store.begin_mail(&due[0], START).await.unwrap());
    store.mail_refused(due[0].id, "550 no such user", true, START).await.unwrap();
    assert!(store.begin_mail(&due[1], START).await.unwrap());
    store.mail_refused(due[1].id, "451 later\r\n\u{1b}[2J", false, START).await.unwrap();
    store.mails_unreachable("connection refused", START).await.unwrap();
    let state = async |n: usize| all(&store).await.into_iter().find(|m| m.id == due[n].id).unwrap();
    assert_eq!(state(0).await.state, MailState::Failed);
    assert_eq!(
        (state(1).await.state, state(1).await.error.as_deref()),
        (MailState::Queued, Some("451 later   [2J"))
    );
    assert_eq!(
        (state(2).await.attempts, state(2).await.next),
        (0, START),
        "nobody was there: that is no attempt"
    );
    let late = START.plus(GIVE_UP);
    store.mail_refused(due[1].id, "451 later", false, late).await.unwrap();
    store.mails_unreachable("connection refused", late).await.unwrap();
    assert_eq!((state(1).await.state, state(2).await.state), (MailState::Failed, MailState::Failed));
    let figures = store.reader().mail_figures().await.unwrap();
    assert_eq!((figures.queued, figures.failed, figures.oldest), (0, 3, None));
    // A person may try again, or take it out.
    store.retry_mail(due[0].id, late).await.unwrap();
    assert_eq!(store.due_mails(late, 10).await.unwrap().len(), 1);
    store.drop_mail(due[0].id, late).await.unwrap();
    assert!(matches!(store.drop_mail(due[0].id, late).await, Err(StoreError::Conflict(_))));
    assert!(matches!(store.drop_mail(99, late).await, Err(StoreError::NotFound(_))));
    assert!(store.due_mails(late, 10).await.unwrap().is_empty());
    assert!(!store.queue_mail(&imposed("imp-1"), late).await.unwrap(), "what was dropped stays dropped");
}

#[tokio::test]
async fn customers_come_before_reporters() {
    let (_dir, store) = fresh().await;
    for n in 0..50 {
        let who = format!("rpt-{n}");
        let one = mail(MailKind::Outcome, "rpt-0/0", &who, &format!("{who}@home.example"));
        store.queue_mail(&one, START).await.unwrap();
    }
    store.queue_mail(&imposed("imp-1"), START.plus(60)).await.unwrap();
    assert_eq!(store.due_mails(START.plus(60), 1).await.unwrap()[0].kind, MailKind::Imposed);
}

/// After 30 days nobody learns from the database, its file or its log whom we wrote to or what.
#[tokio::test]
async fn what_a_mail_knew_is_gone_and_that_it_was_sent_stays() {
    let (dir, store) = fresh().await;
    let mut taken = Vec::new();
    store.queue_mail(&imposed("imp-1"), START).await.unwrap();
    post(&store, START, &mut taken).await.unwrap();
    assert_eq!(store.forget_mails(START.plus(KEPT - 1)).await.unwrap(), 0);
    assert_eq!(store.forget_mails(START.plus(KEPT)).await.unwrap(), 1);
    let kept = all(&store).await.remove(0);
    assert_eq!((kept.state, kept.content), (MailState::Sent, None));
    // At once, when nobody may know any more whom a decision was about; what still waited is not sent.
    let waits = NewMail { to: address("later@customer.example"), ..imposed("imp-2") };
    store.queue_mail(&waits, START).await.unwrap();
    store.forget_mails_about("imp-2", START).await.unwrap();
    assert!(store.due_mails(START.plus(KEPT), 10).await.unwrap().is_empty());
    assert_eq!(all(&store).await.iter().filter(|m| m.content.is_some()).count(), 0);
    assert!(!store.queue_mail(&imposed("imp-1"), START.plus(KEPT)).await.unwrap(), "it was told");
    assert!(matches!(store.retry_mail(kept.id, START).await, Err(StoreError::Conflict(_))));
    store.close().await;
    for item in std::fs::read_dir(dir.path()).unwrap() {
        let path = item.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let there = bytes.windows(16).any(|w| w == b"customer.example");
            assert!(!there, "{}", path.display());
        }
    }
}

fn from(n: u64, email: &str) -> Report {
    let reporter = Reporter { name: None, email: Reporter::read_email(email).ok() };
    Report { reporter, ..report(n, Category::Phishing, "a.example", "Look.") }
}

fn receipt(report: &Report) -> NewMail {
    let to = report.reporter.email.as_ref().expect("an address");
    mail(MailKind::Receipt, report.id.as_str(), report.id.as_str(), to.as_str())
}

#[tokio::test]
async fn receipts_are_few_for_one_address_and_few_in_all() {
    let (_dir, store) = fresh().await;
    let take =
        async |report: &Report| store.take_report_with(report, None, Some(&receipt(report))).await.unwrap();
    let victim = from(0, "victim@home.example");
    take(&victim).await;
    take(&victim).await;
    for n in 1..20 {
        take(&from(n, if n % 2 == 0 { "victim@home.example" } else { "Victim@HOME.example" })).await;
    }
    let queued = async || store.mails(MailState::Queued, 200).await.unwrap().len() as u64;
    assert_eq!(queued().await, 1, "one address, one receipt");
    for n in 20..200 {
        take(&from(n, &format!("a{n}@home.example"))).await;
    }
    assert_eq!(queued().await, RECEIPTS_PER_HOUR);
    take(&from(RECEIPT_EVERY, "victim@home.example")).await;
    assert_eq!(queued().await, RECEIPTS_PER_HOUR + 1, "the next day");
}

#[tokio::test]
async fn an_outcome_is_told_to_each_address_once_with_the_decision() {
    let (_dir, store) = fresh().await;
    let mut cluster = id("rpt-none");
    for n in 0..250 {
        let one = match n {
            0 => report(n, Category::Phishing, "a.example", "Look."),
            n if n % 2 == 0 => from(n, "same@home.example"),
            n => from(n, &format!("a{n}@home.example")),
        };
        cluster = store.take_report(&one, None).await.unwrap();
    }
    let write = |report: &Report, seq: u64| {
        let to = report.reporter.email.as_ref()?;
        Some(mail(MailKind::Outcome, &format!("rpt-00000/{seq}"), report.id.as_str(), to.as_str()))
    };
    let decide = async |outcome, reply: &str, at: u64| {
        let reply = Sentence::parse(reply).unwrap();
        let decided = Decided { at: Time(START.0 + at), by: "anna".into(), outcome, reply };
        store.decide_cluster_with(&cluster, &decided, &write).await.unwrap();
        store.mails(MailState::Queued, 200).await.unwrap().len()
    };
    assert_eq!(decide(Some(Outcome::Acted), "Gone.", 300).await, 126);
    assert_eq!(decide(Some(Outcome::Acted), "Gone.", 301).await, 126, "the same decision is the same");
}

#[tokio::test]
async fn more_addresses_than_are_told_in_one_go() {
    let (_dir, store) = fresh().await;
    let mut cluster = id("rpt-none");
    for n in 0..=MAX_OUTCOMES as u64 {
        cluster = store.take_report(&from(n, &format!("a{n}@home.example")), None).await.unwrap();
    }
    let write = |report: &Report, _| {
        Some(mail(MailKind::Outcome, "x", report.id.as_str(), report.reporter.email.as_ref()?.as_str()))
    };
    let decided =
        Decided { at: START, by: "anna".into(), outcome: Some(Outcome::Acted), reply: sentence("Gone.") };
    store.decide_cluster_with(&cluster, &decided, &write).await.unwrap();
    assert_eq!(store.reader().mail_figures().await.unwrap().queued, MAX_OUTCOMES as u64);
}

#[tokio::test]
async fn contacts_come_change_and_go() {
    let (_dir, store) = fresh().await;
    let one = Contact {
        customer: id("cus_first"),
        address: address("abuse@customer.example"),
        language: "de".into(),
        since: START,
    };
    assert_eq!(store.contact(&one.customer).await.unwrap(), None);
    store.set_contact(&one).await.unwrap();
    let other = Contact { address: address("new@customer.example"), ..one.clone() };
    store.set_contact(&other).await.unwrap();
    assert_eq!(store.contact(&one.customer).await.unwrap(), Some(other.clone()));
    assert_eq!(store.contacts().await.unwrap(), [other]);
    assert!(store.remove_contact(&one.customer).await.unwrap());
    assert!(!store.remove_contact(&one.customer).await.unwrap());
}
