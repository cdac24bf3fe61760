//! Mails that are owed: to whom, when, and what must not stand in them.

use std::collections::BTreeSet;

use ledger::Hash;
use policy::MailAddress;
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::testkit::{id, sentence};
use store::{Contact, Inbox, Mail, MailKind, MailState, fault};

use super::bed::{Bed, START, UP_TO_THE_APPROVAL};

async fn tell_the_first(bed: &Bed, language: &str) {
    let address = MailAddress::parse("abuse@first.example").expect("an address");
    let contact = Contact { customer: id("cus_first"), address, language: language.into(), since: START };
    bed.store.set_contact(&contact).await.expect("set");
}

async fn queued(bed: &Bed) -> Vec<Mail> {
    bed.desk.post().await;
    let mut all = bed.store.mails(MailState::Queued, 200).await.expect("reads");
    all.reverse();
    all
}

fn kinds(mails: &[Mail]) -> Vec<(MailKind, &str)> {
    mails.iter().map(|m| (m.kind, m.about.as_str())).collect()
}

fn text(mail: &Mail) -> String {
    let (to, subject, body) = mail.content.as_ref().expect("kept");
    format!("To: {to}\nSubject: {subject}\n\n{body}")
}

const APPROVED: &str = "POST /api/v1/notes/imp-1/signatures as officer sign impose clara\n  200";

#[tokio::test]
async fn a_customer_is_told_of_each_step_once_and_of_nobody() {
    let mut bed = Bed::new().await;
    tell_the_first(&bed, "en").await;
    bed.run(UP_TO_THE_APPROVAL).await;
    assert!(queued(&bed).await.is_empty(), "nothing is decided");
    bed.run(APPROVED).await;
    let one = queued(&bed).await;
    assert_eq!(kinds(&one), [(MailKind::Imposed, "imp-1")]);
    let said = text(&one[0]);
    for words in [
        "To: abuse@first.example",
        "imp-1",
        "emergency: an imminent threat to life",
        "must confirm it by",
        "http://127.0.0.1:8082/posts/imp-1",
        "https://house.example/appeal",
        "service@house.example",
        "everything of yours (3 hostnames)",
    ] {
        assert!(said.contains(words), "{words} in\n{said}");
    }
    for person in ["anna", "ben", "clara", "dora", "first.example/", "one.first"] {
        assert!(!said.contains(person), "{person} in\n{said}");
    }
    bed.run("POST /api/v1/notes as officer body validation\n  201\nPOST /api/v1/notes/con-1/signatures as officer sign validation dora\n  200").await;
    let two = queued(&bed).await;
    assert_eq!(kinds(&two)[1..], [(MailKind::Continued, "con-1")]);
    assert!(text(&two[1]).contains("has confirmed it"), "{}", text(&two[1]));
    bed.run("at 200\nPOST /api/v1/undo as officer signed lift anna\n  200").await;
    let three = queued(&bed).await;
    assert_eq!(kinds(&three)[2..], [(MailKind::Lifted, "lif-1")]);
    // The same desk again, and one that died in between: nothing more is owed.
    assert_eq!(queued(&bed).await.len(), 3);
    bed.restart(std::sync::Arc::new(fault::NoFaults)).await.expect("opens");
    assert_eq!(queued(&bed).await.len(), 3);
    let names: BTreeSet<_> = three.iter().map(|m| m.message_id.as_str()).collect();
    assert_eq!(names.len(), 3);
    // A desk whose database lost the outbox owes the same mails again, under the same names.
    let other = Bed::new().await;
    tell_the_first(&other, "en").await;
    other.run(UP_TO_THE_APPROVAL).await;
    other.run(APPROVED).await;
    other.run("at 200\nPOST /api/v1/undo as officer signed lift anna\n  200").await;
    let again = queued(&other).await;
    assert_eq!(kinds(&again), [(MailKind::Imposed, "imp-1"), (MailKind::Lifted, "lif-1")]);
    assert!(again.iter().all(|m| names.contains(m.message_id.as_str())));
}

#[tokio::test]
async fn what_ends_by_itself_is_told_and_old_news_is_not() {
    let bed = Bed::new().await;
    tell_the_first(&bed, "de").await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run(APPROVED).await;
    queued(&bed).await;
    bed.at(60 + 48 * 3600);
    let told = queued(&bed).await;
    assert_eq!(kinds(&told)[1..], [(MailKind::Ended, "imp-1")]);
    let said = text(&told[1]);
    assert!(said.contains("niemand hat sie rechtzeitig bestätigt"), "{said}");
    // Another desk turns mail on a month later: what is long over is told to nobody.
    let late = Bed::new().await;
    late.run(UP_TO_THE_APPROVAL).await;
    late.run(APPROVED).await;
    late.at(30 * 86_400);
    tell_the_first(&late, "en").await;
    assert!(queued(&late).await.is_empty());
}

#[tokio::test]
async fn a_customer_nobody_can_tell_shows() {
    let bed = Bed::new().await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run(APPROVED).await;
    assert!(queued(&bed).await.is_empty());
    bed.run(
        "GET /api/v1/status as reader
  200 | \"untold\":[{\"decision\":\"imp-1\",\"customer\":\"cus_first\",\"why\":\"no-contact\",\"late\":false}]
GET / as reader
  200 | Customers who were not told | no address is known
GET /api/v1/customers as reader
  200 | \"contact\":false
at 1200
GET /api/v1/status as reader
  200 | \"why\":\"no-contact\",\"late\":true",
    )
    .await;
    // Once there is an address, it is told what holds; the address itself is in no answer.
    tell_the_first(&bed, "en").await;
    let told = queued(&bed).await;
    assert_eq!(kinds(&told), [(MailKind::Imposed, "imp-1")]);
    bed.run(
        "GET /api/v1/status as reader
  200 | \"why\":\"queued\" | \"queued\":1 | !abuse@first.example
GET /api/v1/customers as reader
  200 | \"contact\":true | !abuse@first.example",
    )
    .await;
    let now = START.plus(1200);
    assert!(bed.store.begin_mail(&told[0], now).await.expect("begun") || told[0].attempts > 0);
    bed.store.mail_sent(told[0].id, now).await.expect("sent");
    bed.run(
        "GET /api/v1/status as reader
  200 | \"untold\":[] | \"sent\":1
GET /api/v1/decisions/imp-1 as reader
  200 | \"told\":\"2027-01-15T08:20:00Z\"",
    )
    .await;
}

async fn comes(bed: &Bed, name: &str, words: &str, email: Option<&str>) {
    let email = email.map(|e| Reporter::read_email(e).expect("an address"));
    let report = Report {
        id: id(name),
        received: START,
        channel: Channel::Form,
        secret: Hash::of(name.as_bytes()),
        category: Category::Phishing,
        about: vec![Address::parse("https://one.first.example/buy-pills").expect("an address")],
        happened: None,
        good_faith: true,
        reporter: Reporter { name: Some(sentence("Buy pills at evil.example")), email },
        text: words.to_owned(),
    };
    Inbox::open(bed.dir.path()).expect("an inbox").append(&report).await.expect("kept");
    bed.desk.take_in().await;
}

#[tokio::test]
async fn reporters_get_a_receipt_with_none_of_their_words_and_the_outcome() {
    let bed = Bed::new().await;
    comes(&bed, "rpt-1", "Buy pills at evil.example", Some("rosa@home.example")).await;
    comes(&bed, "rpt-2", "Buy pills at evil.example", Some("x@home")).await;
    comes(&bed, "rpt-3", "Buy pills at evil.example", Some("\"a b\"@home.example").filter(|_| false)).await;
    let mails = queued(&bed).await;
    assert_eq!(kinds(&mails), [(MailKind::Receipt, "rpt-1")], "an address that is none gets nothing");
    assert!(!text(&mails[0]).contains("pills") && !text(&mails[0]).contains("evil"), "{}", text(&mails[0]));
    bed.run("POST /api/v1/reports/rpt-1/outcome as analyst body gone\n  200").await;
    let mails = queued(&bed).await;
    assert_eq!(kinds(&mails)[1..], [(MailKind::Outcome, "rpt-1/0")]);
    let said = text(&mails[1]);
    assert!(said.contains("The page is gone.") && said.contains("something was done"), "{said}");
    assert!(!said.contains("pills"), "{said}");
    bed.run("POST /api/v1/reports/rpt-1/outcome as analyst body back\n  200").await;
    assert_eq!(queued(&bed).await.len(), 2, "opened again: nothing to say yet");
    bed.run("POST /api/v1/reports/rpt-1/outcome as analyst body gone\n  200").await;
    assert_eq!(kinds(&queued(&bed).await)[2..], [(MailKind::Outcome, "rpt-1/2")]);
}

/// Nobody is at the smarthost's address: mails wait, no attempt is counted, and it is not asked all the time.
#[tokio::test]
async fn a_smarthost_that_is_not_there_costs_no_mail_an_attempt() {
    let bed = Bed::new().await;
    tell_the_first(&bed, "en").await;
    bed.run(UP_TO_THE_APPROVAL).await;
    bed.run(APPROVED).await;
    let mail = queued(&bed).await.remove(0);
    assert_eq!(mail.attempts, 0);
    assert!(mail.error.expect("said").contains("could not connect at the smarthost 127.0.0.1:1"));
    assert_eq!(bed.store.due_mails(START.plus(100), 10).await.expect("reads").len(), 1, "it stays due");
}
