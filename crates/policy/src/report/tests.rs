use super::cluster::{COMPARED, Cluster, Fingerprint, TAKES_FOR, place};
use super::*;
use proptest::prelude::*;

const T: Time = Time(1_795_309_200);

const LETTER: &str = "To whom it may concern, the site under this address has for many years collected what \
    people post about others, and I am outraged that you go on protecting it. You are responsible for what happens \
    there. I demand that you end your services for this customer at once and say so in public, or I will take my \
    business and that of everybody I know somewhere else. I expect an answer within two days.";

fn report(id: &str, category: Category, about: &str, text: &str) -> Report {
    Report {
        id: Id::parse(id).expect("an id"),
        received: T,
        channel: Channel::Form,
        secret: Hash::of(id.as_bytes()),
        category,
        about: Vec::from([Address::parse(about).expect("an address")]),
        happened: None,
        good_faith: true,
        reporter: Reporter::default(),
        text: Report::read_text(text).expect("a description"),
    }
}

#[test]
fn hostnames_are_found_and_nothing_else_is_taken_for_one() {
    for (address, host) in [
        ("https://One.First.example/a/b?c#d", Some("one.first.example")),
        ("http://user:pass@one.first.example:8080/", Some("one.first.example")),
        ("one.first.example.", Some("one.first.example")),
        ("hxxps://one.first.example/x", Some("one.first.example")),
        ("https://192.0.2.1/", None),
        ("https://[2001:db8::1]/", None),
        ("somewhere", None),
        ("https://münchen.example/", None),
    ] {
        assert_eq!(Address::parse(address).expect("readable").host().as_deref(), host, "{address}");
    }
    for bad in ["", "a b", "a\u{202e}b", &"x".repeat(2049)] {
        assert!(Address::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn form_letters_are_one_and_what_says_something_of_its_own_is_not() {
    let first = report("rpt-1", Category::Harassment, "https://one.first.example/", LETTER);
    let among = [Cluster::of(&first)];
    let at = |category, about: &str, text: &str| Cluster::of(&report("rpt-2", category, about, text));
    let url = "one.first.example";
    let greeting = LETTER.replace("To whom it may concern", "Dear Sir or Madam");
    let signed = alloc::format!("{LETTER}\n\nYours faithfully,\nJohn Q. Public, Springfield");
    let shouted = LETTER.to_uppercase();
    for copy in [LETTER, &greeting, &signed, &shouted] {
        assert!(place(&at(Category::Harassment, url, copy), &among).is_some(), "{copy}");
    }
    let half = LETTER.split_once("You are").expect("two halves").0;
    let own = "He wrote that he will wait for me at the school in Elm Street on Friday at three, and posted a \
               photograph of the gate and of my car with the number plate.";
    let story = alloc::format!("{LETTER} {own}");
    // Nor does anybody write a letter of everything, so that it takes in whatever others say.
    let everything = [Cluster::of(&report("rpt-0", Category::Harassment, url, &story))];
    assert!(place(&at(Category::Harassment, url, own), &everything).is_none());
    for (category, about, text) in [
        (Category::Harassment, url, own),
        (Category::Harassment, url, &story),
        (Category::Harassment, url, half),
        (Category::Doxxing, url, LETTER),
        (Category::Harassment, "two.first.example", LETTER),
    ] {
        assert!(place(&at(category, about, text), &among).is_none(), "{category} {about}");
    }
    // Nobody closes a threat by writing a letter like it.
    let threat = report("rpt-3", Category::ThreatToLife, url, LETTER);
    let among = [Cluster::of(&threat)];
    assert!(place(&at(Category::ThreatToLife, url, &greeting), &among).is_none());
    assert!(place(&at(Category::ThreatToLife, url, &shouted), &among).is_some());
    // Too short to be compared: only the very words.
    let short = [Cluster::of(&report("rpt-4", Category::Phishing, url, "Fake bank login."))];
    assert!(place(&at(Category::Phishing, url, "Fake bank page."), &short).is_none());
    assert!(place(&at(Category::Phishing, url, "fake BANK login"), &short).is_some());
}

#[test]
fn a_cluster_takes_for_a_month_after_its_last_report() {
    let first = Cluster::of(&report("rpt-1", Category::Harassment, "one.first.example", LETTER));
    for (after, takes) in [(0, true), (TAKES_FOR, true), (TAKES_FOR + 1, false)] {
        let new = Cluster { last: first.last.plus(after), ..first.clone() };
        assert_eq!(first.takes(&new), takes, "{after}");
    }
    const { assert!(COMPARED <= 1000, "a report is held against so many, one after the other") };
}

#[test]
fn only_a_mail_may_name_no_address() {
    for channel in Channel::ALL {
        let report =
            Report { about: Vec::new(), channel: *channel, ..report("rpt-1", Category::Other, "x", "x") };
        assert_eq!(Report::parse(&report.to_string()).is_ok(), !channel.needs_address(), "{channel}");
    }
}

#[test]
fn what_nobody_sees_is_no_description() {
    for nothing in ["", " \n\t", "\u{200b}\u{feff}", "\u{2800}\u{3164} \u{ad}", "\u{1}\r\n"] {
        assert!(Report::read_text(nothing).is_err(), "{nothing:?}");
    }
    assert_eq!(Report::read_text("a\u{200d}b ").as_deref(), Ok("a\u{200d}b"), "some scripts need it");
}

#[test]
fn nothing_happened_in_the_future() {
    assert_eq!(Report::read_happened(T.plus(AHEAD), T), Ok(T.plus(AHEAD)), "clocks differ");
    assert!(Report::read_happened(T.plus(AHEAD + 1), T).is_err());
    assert_eq!(Report::read_happened(Time(0), T), Ok(Time(0)));
}

/// A campaign by mail: ten thousand senders, each with a greeting, a name and a town of their own.
#[test]
fn ten_thousand_mails_of_one_campaign_are_one() {
    let greetings = ["Dear Sir or Madam,", "Hello,", "To the abuse team:", "Good morning", "Hi there!"];
    let towns = ["Springfield", "Riverside", "Franklin", "Greenville", "Bristol", "Clinton", "Fairview"];
    let mail = |n: usize| {
        let (greeting, town) = (greetings[n % 5], towns[n % 7]);
        let text = alloc::format!(
            "Subject: Stop protecting them\n\n{greeting}\n\n{LETTER}\n\nYours,\nWriter {n}, {town}"
        );
        let report =
            report(&alloc::format!("rpt-{n:05}"), Category::Other, "https://one.first.example/", &text);
        Cluster::of(&Report { channel: Channel::Mail, ..report })
    };
    let first = [mail(0)];
    let apart = (1..10_000).filter(|n| place(&mail(*n), &first).is_none()).count();
    assert_eq!(apart, 0);
    let own = "Subject: Stop protecting them\n\nHello,\n\nI am the person they write about. He stood at my door in Elm Street \
        last night and says that he will come back on Friday with a knife. Please, I am afraid.";
    assert!(
        place(&Cluster::of(&report("rpt-x", Category::Other, "https://one.first.example/", own)), &first)
            .is_none()
    );
}

fn sentences() -> impl Strategy<Value = Option<Sentence>> {
    proptest::option::of("[a-zäöü ]{1,30}".prop_filter_map("a sentence", |s| Sentence::parse(&s).ok()))
}

proptest! {
    #[test]
    fn reads_and_prints_the_same(
        text in "\\PC{1,400}", lines in proptest::collection::vec("[a-z0-9 :\n\t]{0,60}", 0..5), name in sentences(),
        about in proptest::collection::vec("[!-~]{1,80}", 1..=MAX_ABOUT), happened: Option<u32>, good_faith: bool,
    ) {
        let text = Report::read_text(&alloc::format!("x{text}\n{}", lines.join("\n"))).expect("short");
        let report = Report {
            about: about.iter().map(|a| Address::parse(a).expect("visible ASCII")).collect(),
            happened: happened.map(|n| Time(n.into())),
            good_faith,
            reporter: Reporter { name, email: Some(Reporter::read_email("a@b.example").expect("an address")) },
            text,
            ..report("rpt-1", Category::Other, "x", "x")
        };
        let printed = report.to_string();
        prop_assert!(printed.len() <= MAX_REPORT);
        prop_assert_eq!(Report::parse(&printed).expect("its own text"), report);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}", cut in 0usize..600) {
        drop(Report::parse(&text));
        let printed = report("rpt-1", Category::Other, "x", LETTER).to_string();
        let cut: String = printed.chars().take(cut).collect();
        if let Ok(read) = Report::parse(&cut) {
            prop_assert_eq!(read.to_string(), cut);
        }
        drop(Fingerprint::of(&text));
    }

    /// Random words: what says something else is far away, whatever its length.
    #[test]
    fn strangers_are_not_put_together(
        a in proptest::collection::vec("[a-z]{3,9}", 12..200), b in proptest::collection::vec("[a-z]{3,9}", 12..200),
    ) {
        let of = |id, words: &[String]| Cluster::of(&report(id, Category::Other, "a.example", &words.join(" ")));
        prop_assert!(place(&of("rpt-2", &b), &[of("rpt-1", &a)]).is_none());
    }
}
