//! The room of an authority: its link and a code open it, and what is said there is written into the case, once.

use policy::case::Case;
use policy::case::facts::{Answer, Channel, Country, Referral, Reply, Source};
use policy::room::{MAX_DOCUMENT, code_hash};
use policy::testkit::{id, sentence};
use store::{NewCase, NewRoom, Waiting};

use super::*;

const LETTER: &str = "To the control room.\n\nHe names <the school> and the hour.";
const PLACE: &str = "/authority/ref-1/s3cret";
const CODE: &str = "1234 5678";

/// The fields of the form; the once-only number comes with it.
struct Form<'a>(&'a [(&'a str, &'a str)], Option<Vec<u8>>);

impl Form<'_> {
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let field = |name: &str| format!("--frame\r\ncontent-disposition: form-data; name=\"{name}\"");
        for (name, value) in self.0 {
            body.extend_from_slice(format!("{}\r\n\r\n{value}\r\n", field(name)).as_bytes());
        }
        if let Some(bytes) = &self.1 {
            let head = format!(
                "{}; filename=\"order.pdf\"\r\ncontent-type: application/pdf\r\n\r\n",
                field("document")
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--frame--\r\n");
        body
    }
}

impl Site {
    async fn told() -> Site {
        let site = Site::demo().await;
        let new =
            NewCase { id: id("cas-1"), title: sentence("Threats"), customer: None, reports: Vec::new() };
        site.store.open_case(&new, &sentence("anna"), START).await.unwrap();
        let referral = Referral {
            id: id("ref-1"),
            authority: id("aut-police"),
            country: Country::parse("SE").unwrap(),
            channel: Channel::Mail,
            sent: START,
            answer_by: START.plus(4 * 3600),
            record: None,
            told: sentence("All that we know."),
        };
        let room = NewRoom {
            secret: Hash::of(b"s3cret"),
            code: code_hash(&id("ref-1"), CODE),
            letter: LETTER.into(),
            closes: START.plus(72 * 3600),
        };
        site.store.refer(&id("cas-1"), referral, &room, &sentence("anna"), START).await.unwrap();
        site
    }

    async fn send(&self, path: &str, form: &Form<'_>) -> Answer_ {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "multipart/form-data; boundary=frame")
            .body(Body::from(form.body()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer_ { status, headers, bytes }
    }

    /// What the desk does every few seconds; how many were new.
    async fn hear(&self) -> usize {
        let mut heard = 0;
        for it in self.store.waiting(10).await.unwrap() {
            let Waiting::Said(said, document) = it else { panic!("{it:?}") };
            let document = document.map(|bytes| (bytes, Hash::of(said.id.as_str().as_bytes()).0));
            heard +=
                usize::from(self.store.take_said(&said, document, START.plus(60)).await.unwrap().is_some());
            self.store.taken(&said.id).await.unwrap();
        }
        heard
    }

    async fn case(&self) -> Case {
        self.store.case(&id("cas-1")).await.unwrap().unwrap()
    }

    /// The once-only number of a fresh form.
    async fn once(&self) -> String {
        let inside = self.send(PLACE, &Form(&[("code", CODE)], None)).await;
        assert_eq!(inside.status, StatusCode::OK, "{}", inside.text());
        let text = inside.text();
        let (_, rest) = text.split_once("name=\"once\" value=\"").expect("the form has one");
        rest.split('"').next().unwrap().to_owned()
    }
}

type Answer_ = super::Answer;

#[tokio::test]
async fn the_link_alone_shows_nothing_and_the_code_shows_the_letter() {
    let site = Site::told().await;
    let door = site.get(PLACE).await;
    assert_eq!(door.header("cache-control"), "no-store");
    assert!(door.header("content-security-policy").contains("form-action 'self'"));
    assert!(!door.text().contains("school") && door.text().contains("eight digits"));
    for path in
        ["/authority/ref-1/secret", "/authority/ref-2/s3cret", "/authority/cas-1/s3cret", "/authority/x/y"]
    {
        assert_eq!(site.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            site.send(path, &Form(&[("code", CODE)], None)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let inside = site.send(PLACE, &Form(&[("code", "12345678")], None)).await;
    assert!(inside.text().contains("He names &#60;the school&#62;"), "{}", inside.text());
    assert_eq!(inside.header("cache-control"), "no-store");
    assert_eq!(site.hear().await, 1);
    site.send(PLACE, &Form(&[("code", CODE)], None)).await;
    assert_eq!(site.hear().await, 0, "that it was opened stands in the case once");
    let referred = &site.case().await.facts.referrals[&id("ref-1")];
    assert_eq!(referred.answers.iter().map(|(a, _)| a.answer).collect::<Vec<_>>(), [Answer::Delivered]);
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let site = Site::told().await;
    for n in 0..5 {
        let wrong = site.send(PLACE, &Form(&[("code", "87654321")], None)).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{n}");
        assert!(!wrong.text().contains("school"));
    }
    let right = site.send(PLACE, &Form(&[("code", CODE)], None)).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "the right one does not count any more");
    assert!(!right.text().contains("school") && site.hear().await == 0);
    site.clock.0.store(START.plus(3600).0, Ordering::SeqCst);
    assert_eq!(
        site.send(PLACE, &Form(&[("code", CODE)], None)).await.status,
        StatusCode::OK,
        "an hour later"
    );
}

#[tokio::test]
async fn what_is_said_is_written_down_once_and_does_nothing() {
    let site = Site::told().await;
    let once = site.once().await;
    let order = b"%PDF-1.7 an order".to_vec();
    let fields = [
        ("code", CODE),
        ("once", once.as_str()),
        ("answer", "objects"),
        ("name", "Kim Berg, control room, +46 8 1"),
        ("what", "If it is gone,\r\nwe lose him."),
    ];
    for _ in 0..2 {
        let sent = site.send(PLACE, &Form(&fields, Some(order.clone()))).await;
        assert!(sent.status == StatusCode::OK && sent.text().contains("We have it"), "{}", sent.text());
    }
    assert_eq!(site.hear().await, 2, "that it was opened, and the answer");
    // Somebody loads the page again: the same form, after the desk has taken it.
    site.send(PLACE, &Form(&fields, Some(order.clone()))).await;
    assert_eq!(site.hear().await, 0);
    let case = site.case().await;
    let (said, _) = case.facts.referrals[&id("ref-1")].answers.last().unwrap();
    assert_eq!((said.answer, said.what.as_str()), (Answer::Objects, "If it is gone, we lose him."));
    assert!(said.from.as_str().starts_with("Kim Berg, control room, +46 8 1, in the room"), "{}", said.from);
    let [evidence] = &case.facts.evidence.values().collect::<Vec<_>>()[..] else { panic!("one piece") };
    assert_eq!((evidence.source, evidence.from.as_str()), (Source::Authority, "aut-police"));
    let (_, bytes) =
        site.store.fetch(&case.id, &evidence.id, &sentence("anna"), START.plus(70)).await.unwrap();
    assert_eq!(bytes, order);
    // What we answer stands in the room.
    let reply = Reply { referral: id("ref-1"), what: sentence("We wait until one o'clock.") };
    site.store
        .add_to_case(&case.id, policy::case::Act::Reply(reply), &sentence("anna"), START.plus(80))
        .await
        .unwrap();
    let inside = site.send(PLACE, &Form(&[("code", CODE)], None)).await.text();
    assert!(inside.contains("we lose him") && inside.contains("We wait until one o&#39;clock."), "{inside}");
}

#[tokio::test]
async fn what_does_not_fit_is_said_and_kept_in_the_form() {
    let site = Site::told().await;
    let once = site.once().await;
    let all =
        [("code", CODE), ("once", &once), ("answer", "asks"), ("name", "Kim Berg"), ("what", "Since when?")];
    for (field, value, status, words) in [
        ("answer", "executes", 422, "choose what you answer"),
        ("name", "", 422, "who you are"),
        ("what", " ", 422, "in words"),
        ("once", "x", 422, "not ours"),
        ("code", "1", 403, "not the code"),
    ] {
        let fields: Vec<(&str, &str)> =
            all.iter().map(|(name, old)| (*name, if *name == field { value } else { *old })).collect();
        let said = site.send(PLACE, &Form(&fields, None)).await;
        assert_eq!(said.status.as_u16(), status, "{field}: {}", said.text());
        assert!(said.text().contains(words), "{field}: {}", said.text());
        let kept = said.text().contains("Since when?");
        assert_eq!(kept, status == 422 && field != "what", "{field}");
    }
    let large = site.send(PLACE, &Form(&all, Some(vec![b'x'; MAX_DOCUMENT + 1]))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let many = vec![("x", "y"); 17];
    assert_eq!(site.send(PLACE, &Form(&many, None)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.hear().await, 1, "that it was opened, and nothing else");
    site.clock.0.store(START.plus(72 * 3600).0, Ordering::SeqCst);
    assert_eq!(site.send(PLACE, &Form(&all, None)).await.status, StatusCode::GONE);
    assert!(site.get(PLACE).await.text().contains("This room is closed"));
}

/// The press dies when the document is on disk and the answer is not: whoever sends the form again is heard, and what is
/// left of one who does not goes at the next start.
#[tokio::test]
async fn a_document_without_its_answer_keeps_nobody_out() {
    let site = Site::told().await;
    let once = site.once().await;
    let fields =
        [("code", CODE), ("once", &*once), ("answer", "asks"), ("name", "Kim"), ("what", "And now?")];
    site.send(PLACE, &Form(&fields, Some(b"an order".to_vec()))).await;
    let inbox = site.store.dir().join("inbox");
    let documents = || {
        let all =
            std::fs::read_dir(&inbox).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
        all.filter(|name| name.ends_with(".document")).collect::<Vec<_>>()
    };
    let [document] = &documents()[..] else { panic!("one document") };
    std::fs::remove_file(inbox.join(document.trim_end_matches(".document"))).unwrap();
    std::fs::write(inbox.join(document), b"half of").unwrap();
    let again = site.send(PLACE, &Form(&fields, Some(b"an order".to_vec()))).await;
    assert!(again.text().contains("We have it"));
    assert_eq!(site.hear().await, 2, "that it was opened, and the answer");
    let evidence = site.case().await.facts.evidence.values().next().unwrap().sha256;
    assert_eq!((evidence, documents().len()), (Hash::of(b"an order"), 0));
    // One that its case cannot take keeps nothing else waiting, and nothing of it is lost.
    let third =
        [("code", CODE), ("once", &*site.once().await), ("answer", "asks"), ("name", "Kim"), ("what", "X?")];
    site.send(PLACE, &Form(&third, Some(b"another".to_vec()))).await;
    let Some(Waiting::Said(said, _)) = site.store.waiting(10).await.unwrap().pop() else {
        panic!("an answer")
    };
    site.store.aside(&said.id).await.unwrap();
    assert!(site.store.waiting(10).await.unwrap().is_empty());
    let aside = inbox.join(format!("{}.document.unfit", said.id));
    let left = inbox.join("ans-00000000000000000000000000000000.document");
    std::fs::write(&left, b"of nobody").unwrap();
    drop(site.router);
    store::Inbox::open(site.store.dir()).unwrap();
    assert!(!left.exists() && std::fs::read(&aside).unwrap() == b"another");
}

#[tokio::test]
async fn answers_that_nobody_takes_fill_no_disk() {
    let site = Site::told().await;
    let mut full = 0;
    for n in 0..10 {
        site.clock.0.store(START.plus(n * 3600).0, Ordering::SeqCst);
        for _ in 0..30 {
            let once = site.once().await;
            let fields =
                [("code", CODE), ("once", &*once), ("answer", "asks"), ("name", "Kim"), ("what", "And now?")];
            full += usize::from(site.send(PLACE, &Form(&fields, None)).await.status == 503);
        }
    }
    assert_eq!(full, 300 - (store::MAX_ANSWERS_WAITING - 1), "the opening is one of them");
}

#[tokio::test]
async fn an_authority_that_answers_opens_a_closed_case_again() {
    let site = Site::told().await;
    let close =
        policy::case::Act::Close { outcome: policy::case::Outcome::NoAction, why: sentence("Quiet.") };
    site.store.add_to_case(&id("cas-1"), close, &sentence("anna"), START.plus(1)).await.unwrap();
    let once = site.once().await;
    let fields = [("code", CODE), ("once", &once), ("answer", "asks"), ("name", "Kim"), ("what", "And now?")];
    site.send(PLACE, &Form(&fields, None)).await;
    assert_eq!(site.hear().await, 2);
    assert!(site.case().await.closed.is_none());
}
