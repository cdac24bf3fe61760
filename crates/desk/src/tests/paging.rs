//! Somebody is needed: who is called, by whom it is stopped, and what no page says.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ledger::Hash;
use policy::case::Act;
use policy::case::facts::Answer;
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::{id, sentence};
use sqlx::Connection as _;
use store::fault::{Hook, NoFaults, Write};
use store::{Contact, Inbox, MailKind, MailState, NewRoom};

use super::bed::{Bed, START, UP_TO_THE_APPROVAL};

/// Looks every five seconds from one second after the start to another; which steps were called when, of which alarm.
async fn between(bed: &Bed, from: u64, to: u64) -> Vec<(u64, usize, String)> {
    let mut made = Vec::new();
    for at in (from..to).step_by(5) {
        bed.at(at);
        bed.desk.page().await;
        made.extend(bed.calls.take().into_iter().map(|(step, page)| (at, step, page.key)));
    }
    made
}

fn calls(made: &[(u64, usize, String)]) -> Vec<(u64, usize, &str)> {
    made.iter().map(|(at, step, key)| (*at, *step, key.as_str())).collect()
}

async fn threat(bed: &Bed, name: &str, host: &str) {
    let report = Report {
        id: id(name),
        received: START,
        channel: Channel::Form,
        secret: Hash::of(name.as_bytes()),
        category: Category::ThreatToLife,
        about: vec![Address::parse(&format!("https://{host}/t")).expect("an address")],
        happened: None,
        good_faith: true,
        reporter: Reporter { name: Some(sentence("Rosa Meyer")), email: None },
        text: format!("He names the school on {host}."),
    };
    Inbox::open(bed.dir.path()).expect("an inbox").append(&report).await.expect("kept");
    bed.desk.take_in().await;
}

#[tokio::test]
async fn one_after_the_other_is_called_until_somebody_acknowledges() {
    let bed = Bed::new().await;
    assert!(between(&bed, 0, 60).await.is_empty(), "nobody is needed");
    threat(&bed, "rpt-1", "one.first.example").await;
    let made = between(&bed, 60, 400).await;
    assert_eq!(calls(&made), [(60, 1, "report"), (360, 2, "report")]);
    bed.run(
        "GET /api/v1/pages as analyst
  200 | \"steps\":3 | \"key\":\"report\" | \"who\":\"anna\" | \"state\":\"done\" | \"outcome\":\"taken\" | \"acknowledged\":null
POST /api/v1/pages/report-rpt-1/ack as analyst json {}
  404 | portcullis page
POST /api/v1/pages/report/ack as analyst json {\"seconds\":50000}
  422 | twelve hours
POST /api/v1/pages/report/ack as analyst json {\"secs\":1}
  400
POST /api/v1/pages/report/ack as analyst json {}
  200 | \"by\":\"analyst\" | \"until\":\"2027-01-15T08:36:35Z\"
GET / as reader
  200 | Somebody is needed | analyst takes care",
    )
    .await;
    assert!(between(&bed, 400, 2195).await.is_empty(), "she takes care");
    assert_eq!(calls(&between(&bed, 2195, 2300).await), [(2195, 1, "report")], "and fell asleep");
    bed.run("GET / as reader\n  200 | Nobody has acknowledged it | portcullis page ack report").await;
    // Somebody looks: it is in a case.
    bed.run("POST /api/v1/cases as analyst body case\n  201").await;
    assert!(between(&bed, 2300, 4000).await.is_empty());
    bed.run(
        "GET /api/v1/pages as officer\n  200 | \"alarms\":[]\nGET / as reader\n  200 | !Somebody is needed",
    )
    .await;
}

#[tokio::test]
async fn a_step_by_mail_goes_through_the_outbox_once_and_then_it_begins_again() {
    let mut bed = Bed::new().await;
    threat(&bed, "rpt-1", "one.first.example").await;
    let made = between(&bed, 0, 890).await;
    assert_eq!(calls(&made), [(0, 1, "report"), (300, 2, "report")]);
    let mails = bed.store.mails(MailState::Queued, 10).await.expect("reads");
    assert_eq!(mails.len(), 1);
    let (to, subject, body) = mails[0].content.clone().expect("kept");
    assert_eq!((mails[0].kind, to.as_str()), (MailKind::Page, "oncall@house.example"));
    assert_eq!(subject.as_str(), "You are needed: report");
    assert!(
        body.contains("A threat to life was reported") && body.contains("https://desk.house.example/"),
        "{body}"
    );
    assert!(!body.contains("Rosa") && !body.contains("school") && !body.contains("first.example"), "{body}");
    bed.restart(Arc::new(NoFaults)).await.expect("opens");
    assert_eq!(calls(&between(&bed, 900, 1000).await), [(900, 1, "report")]);
    assert_eq!(bed.store.mails(MailState::Queued, 10).await.expect("reads").len(), 1);
}

#[tokio::test]
async fn a_telephone_that_is_out_of_order_is_tried_and_passed_over_and_shows() {
    let bed = Bed::new().await;
    threat(&bed, "rpt-1", "one.first.example").await;
    bed.calls.broken.store(true, Ordering::SeqCst);
    let made = between(&bed, 0, 100).await;
    let want = [(0, 1), (20, 1), (40, 1), (45, 2), (65, 2), (85, 2)];
    let steps: Vec<(u64, usize)> = made.iter().map(|(at, step, _)| (*at, *step)).collect();
    assert_eq!(steps, want);
    assert_eq!(bed.desk.page_figures().await.expect("counted").failed, 2);
    bed.run("GET /api/v1/pages as analyst\n  200 | \"state\":\"failed\",\"attempts\":3 | out of order").await;
}

#[tokio::test]
async fn no_page_says_what_anybody_wrote() {
    let bed = Bed::new().await;
    threat(&bed, "rpt-1", "one.first.example").await;
    objection(&bed, "Rosa Meyer, Lindenstrasse 5, is in danger.").await;
    bed.run(UP_TO_THE_FINDING).await;
    bed.desk.page().await;
    let pages = bed.calls.take();
    assert_eq!(pages.len(), 2, "{pages:?}");
    for (_, page) in &pages {
        let json = serde_json::to_string(page).expect("JSON");
        for word in ["Rosa", "Linden", "school", "Threats", "first.example", "cus_first", "duty officer"] {
            assert!(!json.contains(word), "{word} in {json}");
        }
        assert!(!page.test && page.link.starts_with("https://desk.house.example/"), "{page:?}");
    }
}

/// The house's case has everything; the authority that was told answers in a room.
async fn objection(bed: &Bed, what: &str) {
    let referral = policy::testkit::open_track(START).into_iter().find_map(|act| match act {
        Act::Refer(it) => Some(policy::case::facts::Referral { id: id("ref-2"), ..it }),
        _ => None,
    });
    let room = NewRoom {
        secret: Hash::of(b"s"),
        code: Hash::of(b"c"),
        letter: "All.".into(),
        closes: START.plus(86_400),
    };
    bed.store
        .refer(&id("cas-1"), referral.expect("a referral"), &room, &sentence("anna"), START)
        .await
        .expect("told");
    let said = policy::room::Said {
        id: id("ans-1"),
        referral: id("ref-2"),
        at: START,
        answer: Answer::Objects,
        name: sentence("The duty officer"),
        what: sentence(what),
        document: None,
    };
    bed.store.take_said(&said, None, START).await.expect("taken");
}

const UP_TO_THE_FINDING: &str = "
POST /api/v1/blobs as officer body subject
  201
GET /api/v1/pages as analyst
  200 | answer-cas-1 | !objection-";

#[tokio::test]
async fn each_need_calls_and_stops_when_it_is_met() {
    let bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    let one = between(&bed, 100, 110).await;
    assert_eq!(calls(&one), [(100, 1, "sign-imp-1")]);
    bed.run("GET /api/v1/pages as analyst\n  200 | https://desk.house.example/proposals/imp-1 | \"case_id\":\"cas-1\"").await;
    bed.run("POST /api/v1/notes/imp-1/signatures as officer sign impose clara\n  200").await;
    assert!(between(&bed, 110, 500).await.is_empty());
    // An authority objects to what runs: two needs, of which one is met by any entry and the other by weighing it.
    objection(&bed, "Not now.").await;
    let two = between(&bed, 500, 510).await;
    assert_eq!(calls(&two), [(500, 1, "objection-ref-2"), (500, 1, "answer-cas-1")]);
    bed.run("POST /api/v1/cases/cas-1/entries as analyst body take\n  200").await;
    bed.run("GET /api/v1/pages as analyst\n  200 | objection-ref-2 | decisions/imp-1 | !answer-cas-1").await;
    let weighed = policy::testkit::open_track(START)
        .into_iter()
        .find(|act| matches!(act, Act::Judge(it) if it.criterion == policy::note::Criterion::Proportionate));
    let now = START.plus(600);
    bed.store
        .add_to_case(&id("cas-1"), weighed.expect("judged"), &sentence("anna"), now)
        .await
        .expect("weighed");
    assert!(between(&bed, 600, 700).await.is_empty());
    // Half of its time is gone, and nobody has validated it.
    let half = 60 + 24 * 3600;
    assert_eq!(calls(&between(&bed, half, half + 10).await), [(half, 1, "validate-imp-1-1")]);
    bed.run(&format!("POST /api/v1/pages/validate-imp-1-1/ack as officer json {{}}\n  200 | \"until\":\"2027-01-16T20:01:00Z\"\nat {half}")).await;
    assert!(between(&bed, half + 10, half + 4000).await.is_empty(), "until the next stage");
    let later = half + 12 * 3600;
    assert_eq!(calls(&between(&bed, later, later + 10).await), [(later, 1, "validate-imp-1-2")]);
    bed.run("POST /api/v1/notes as officer body validation\n  201\nPOST /api/v1/notes/con-1/signatures as officer sign validation dora\n  200").await;
    assert!(between(&bed, later + 10, later + 1000).await.is_empty());
}

#[tokio::test]
async fn a_mail_to_a_customer_that_was_given_up_calls_and_a_page_that_was_does_not() {
    let bed = Bed::new().await;
    let address = policy::MailAddress::parse("abuse@first.example").expect("an address");
    let contact = Contact { customer: id("cus_first"), address, language: "en".into(), since: START };
    bed.store.set_contact(&contact).await.expect("set");
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run("POST /api/v1/notes/imp-1/signatures as officer sign impose clara\n  200").await;
    bed.desk.post().await;
    let mail = bed.store.mails(MailState::Queued, 10).await.expect("reads").remove(0);
    assert!(between(&bed, 200, 210).await.is_empty());
    bed.store.mail_refused(mail.id, "no such user", true, START.plus(210)).await.expect("refused");
    assert_eq!(calls(&between(&bed, 210, 220).await), [(210, 1, "mail")]);
    bed.run("GET /api/v1/pages as analyst\n  200 | A mail to a customer was given up | !no such user | !abuse@first.example").await;
    bed.store.drop_mail(mail.id, START.plus(220)).await.expect("dropped");
    assert!(between(&bed, 220, 700).await.is_empty());
    // A page by mail that is given up is no alarm of its own: it would call for ever.
    threat(&bed, "rpt-1", "one.first.example").await;
    between(&bed, 700, 1400).await;
    let page = bed.store.mails(MailState::Queued, 10).await.expect("reads");
    let page = page.iter().find(|m| m.kind == MailKind::Page).expect("queued");
    bed.store.mail_refused(page.id, "no", true, START.plus(1400)).await.expect("refused");
    bed.run("GET /api/v1/pages as analyst\n  200 | \"key\":\"report\" | !\"key\":\"mail\"").await;
}

#[tokio::test]
async fn what_cannot_be_read_is_an_alarm_and_silences_nothing() {
    let bed = Bed::new().await;
    threat(&bed, "rpt-1", "one.first.example").await;
    objection(&bed, "Not now.").await;
    between(&bed, 0, 10).await;
    let db = bed.dir.path().join("portcullis.sqlite");
    spoil(&db, "UPDATE case_entry SET text = 'x' WHERE case_id = 'cas-1' AND seq = 3").await;
    let made = between(&bed, 10, 200).await;
    assert_eq!(calls(&made), [(130, 1, "blind")]);
    bed.run("GET /api/v1/pages as analyst\n  200 | blind | \"key\":\"report\" | !answer-cas-1").await;
    // The alarm whose case cannot be read is not over: its round goes on when it can be read again.
    assert!(bed.store.rounds().await.expect("reads").iter().any(|r| r.key == "answer-cas-1"));
}

async fn spoil(db: &std::path::Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(db);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opens");
    sqlx::query(sql).execute(&mut connection).await.expect("spoilt");
}

/// Fails the `n`th write, before it is done or after, and every later one: the process is dead from then on.
struct DiesAt {
    n: usize,
    after: bool,
    seen: AtomicUsize,
}

impl Hook for DiesAt {
    fn before(&self, _: &Write) -> io::Result<()> {
        let n = self.seen.fetch_add(1, Ordering::SeqCst);
        if n > self.n || (n == self.n && !self.after) { Err(io::Error::other("killed")) } else { Ok(()) }
    }

    fn after(&self, _: &Write) -> io::Result<()> {
        if self.seen.load(Ordering::SeqCst) > self.n { Err(io::Error::other("killed")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn killed_at_every_write_each_step_is_called_and_once_more_at_most() {
    for after in [false, true] {
        for n in 0..4 {
            let mut bed = Bed::new().await;
            threat(&bed, "rpt-1", "one.first.example").await;
            bed.restart(Arc::new(DiesAt { n, after, seen: AtomicUsize::new(0) })).await.expect("opens");
            let mut made = between(&bed, 0, 10).await;
            bed.restart(Arc::new(NoFaults)).await.expect("opens");
            made.extend(between(&bed, 10, 500).await);
            let times = |step| made.iter().filter(|(_, s, _)| *s == step).count();
            // Writes: the round, the call, its end. Only an end that was not written down calls again.
            let again = usize::from(n == 2 && !after);
            assert_eq!((times(1), times(2)), (1 + again, 1), "write {n}, after it: {after}: {made:?}");
        }
    }
}
