//! Mails as they arrive, each a file beside the crate.

use policy::report::Address;
use proptest::prelude::*;

use super::*;

/// Half an hour after the mails came.
const NOW: Time = Time(1_795_390_500);
const PLAIN: &str = include_str!("../../tests/mail/plain.eml");
const HTML: &str = include_str!("../../tests/mail/html.eml");
const ARF: &str = include_str!("../../tests/mail/arf.eml");
const XARF: &str = include_str!("../../tests/mail/xarf.eml");
const XARF_INVALID: &str = include_str!("../../tests/mail/xarf-invalid.eml");
const BOUNCE: &str = include_str!("../../tests/mail/bounce.eml");
const ATTACHED: &str = include_str!("../../tests/mail/attached.eml");

fn mail(raw: &str) -> Mail {
    match read(raw.as_bytes(), NOW) {
        Reading::Report(mail) => *mail,
        other => panic!("{other:?}"),
    }
}

fn about(mail: &Mail) -> Vec<&str> {
    mail.content.about.iter().map(Address::as_str).collect()
}

#[test]
fn a_plain_mail_says_what_its_writer_wrote() {
    let it = mail(PLAIN);
    let content = &it.content;
    assert_eq!((it.channel, content.category, content.good_faith), (Channel::Mail, Category::Other, false));
    assert_eq!(about(&it), ["https://one.first.example/login", "http://two.first.example/a?b=c"]);
    assert_eq!(content.reporter.name.as_ref().map(ToString::to_string).as_deref(), Some("Rosa Repörter"));
    assert_eq!(
        content.reporter.email.as_ref().map(ToString::to_string).as_deref(),
        Some("rosa@home.example")
    );
    assert_eq!(
        content.text,
        "Subject: Phishing bei fünf Banken\n\nGrüße,\n\nhxxps://one[.]first[.]example/login asks for my password, and so does\n\
         http://two.first.example/a?b=c.  A long line that goes on over the end."
    );
    // 2026-11-22T23:05:10Z by our own server, whatever the line below it claims.
    let digest = Hash::of(PLAIN.as_bytes()).to_string();
    assert_eq!(it.id.as_str(), format!("rpt-{:09x}-{}", 1_795_388_710, &digest[..16]));
}

#[test]
fn the_number_comes_from_the_bytes_alone() {
    let Reading::Report(later) = read(PLAIN.as_bytes(), NOW.plus(9_999_999)) else { panic!("a report") };
    assert_eq!(later.id, mail(PLAIN).id);
    assert_ne!(mail(&PLAIN.replace("Rosa", "Ross")).id, later.id);
    let (_, unstamped) = PLAIN.split_once("Date: Sun").expect("a date");
    assert!(mail(&format!("Date: Sun{unstamped}")).id.as_str().starts_with("rpt-000000000-"));
}

#[test]
fn a_mail_of_html_alone_is_read_with_its_links() {
    let it = mail(HTML);
    assert_eq!(about(&it), ["https://one.first.example/login?a=1&b=2"]);
    assert!(
        it.content.text.starts_with("Subject: Look\n\nThey take my password at\n"),
        "{}",
        it.content.text
    );
    assert!(!it.content.text.contains("tracker"), "what a mail would load is not what it says");
}

#[test]
fn a_feedback_report_is_read_by_its_fields() {
    let it = mail(ARF);
    assert_eq!((it.channel, it.content.category), (Channel::Arf, Category::Phishing));
    assert_eq!(
        about(&it),
        [
            "https://one.first.example/login",
            "mailto:somespammer@spam.example",
            "one.first.example",
            "192.0.2.7"
        ]
    );
    assert_eq!(it.content.happened, Time::parse("2026-11-22T22:00:00Z"));
    let text = &it.content.text;
    assert!(text.contains("Feedback-Type: fraud\nUser-Agent: SomeGenerator/1.0\n"), "{text}");
    assert!(text.contains("\nattachment: message/rfc822, "), "{text}");
    assert!(!text.contains("victim@"), "who got it is no business of ours: {text}");
    for (word, category) in
        [("virus", Category::Malware), ("abuse", Category::Other), ("opt-out", Category::Other)]
    {
        let it = mail(&ARF.replace("Feedback-Type: fraud", &format!("Feedback-Type: {word}")));
        assert_eq!((it.channel, it.content.category), (Channel::Arf, category), "{word}");
    }
    let fine = ARF.replace("Feedback-Type: fraud", "Feedback-Type: not-spam");
    assert!(matches!(read(fine.as_bytes(), NOW), Reading::Automatic(_)));
}

#[test]
fn an_xarf_report_in_a_mail_is_that_report() {
    let it = mail(XARF);
    assert_eq!((it.channel, it.content.category), (Channel::Xarf, Category::Phishing));
    let line = include_str!("../../tests/xarf-valid.jsonl").lines().nth(10).expect("32 lines");
    assert_eq!(it.content, xarf::read(line.as_bytes(), NOW).expect("valid").content);
}

#[test]
fn an_xarf_report_that_is_not_valid_is_still_a_mail() {
    let it = mail(XARF_INVALID);
    assert_eq!((it.channel, it.content.category), (Channel::Mail, Category::Other));
    let text = &it.content.text;
    assert!(text.contains("not valid:\n  evidence[0].payload: must not come along"), "{text}");
    assert!(text.contains("\nattachment: application/json, ") && !text.contains("UElDVFVSRQ"), "{text}");
}

#[test]
fn of_what_comes_along_only_hashes_are_kept() {
    let it = mail(ATTACHED);
    let line = format!("\n\nattachment: image/png, 5 bytes, sha256 {}", Hash::of(b"house"));
    assert!(it.content.text.ends_with(&line), "{}", it.content.text);
    assert_eq!(about(&it), ["https://forum.example/t/7"]);
}

#[test]
fn what_machines_write_is_no_report() {
    assert!(matches!(read(BOUNCE.as_bytes(), NOW), Reading::Automatic("a notice about a delivery")));
    for (header, automatic) in [
        ("Auto-Submitted: auto-replied (vacation)", true),
        ("Auto-Submitted: no", false),
        ("List-Id: <members.example>", true),
        ("Precedence: bulk", true),
        ("Precedence: first-class", false),
    ] {
        let raw = PLAIN.replacen("Date:", &format!("{header}\r\nDate:"), 1);
        assert_eq!(matches!(read(raw.as_bytes(), NOW), Reading::Automatic(_)), automatic, "{header}");
    }
    let bounced = PLAIN.replacen("<rosa@home.example>", "<>", 1);
    assert!(matches!(read(bounced.as_bytes(), NOW), Reading::Automatic(_)));
}

#[test]
fn a_long_mail_is_cut_where_it_says_so() {
    let long = PLAIN.replace("asks for", &"ein schöner Satz ".repeat(2_000).replace('ö', "=F6"));
    let it = mail(&long);
    let digest = Hash::of(long.as_bytes());
    assert!(it.content.text.len() <= MAX_TEXT && it.content.text.len() > MAX_TEXT - 300);
    assert!(it.content.text.ends_with(&format!("the whole mail is in the mailbox, sha256 {digest})")));
}

fn unreadable(raw: &[u8]) -> &'static str {
    match read(raw, NOW) {
        Reading::Unreadable(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_mail_or_too_much_is_put_aside() {
    assert!(unreadable(b"").contains("no") && unreadable(&[0xff; 99]).contains("no"));
    assert!(unreadable(b"From: a@b.example\r\n\r\n \r\n").contains("no words"));
    assert!(unreadable(&vec![b'a'; MAX_MAIL + 1]).contains("10 MiB"));
    assert!(unreadable(&b"a:\n".repeat(MAX_LINES + 1)).contains("lines"));
    let parts =
        format!("Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(2_001));
    assert!(unreadable(parts.as_bytes()).contains("parts"));
    for words in ["=?utf-8?q?a?= ".repeat(3_000), "=?utf-8?q?a?=\n ".repeat(3_000), "=?".repeat(8_000)] {
        let raw = format!("Subject: {words}\n\nx");
        assert!(unreadable(raw.as_bytes()).contains("encoded words"));
        // Nor in what is encoded itself: there it is no feedback report, and the mail is still one.
        let hidden = ARF.replace("User-Agent: SomeGenerator/1.0", &format!("User-Agent: {}", words.trim()));
        assert!(unreadable(hidden.as_bytes()).contains("encoded words"));
    }
    assert!(encoded([&b"Subject: =?utf-8?q?a?="[..], b" =?utf-8?q?a?=", b"A: b"].into_iter()) == 2 * 38);
    let mut deep = String::from("Subject: x\n");
    for n in 0..150 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n:03}\n\n--b{n:03}\n"));
    }
    assert!(unreadable(deep.as_bytes()).contains("no mail"), "deeper than the parser goes");
}

/// Mails within mails, ten thousand deep and encoded: a parser that looks into them ends the whole process.
#[test]
fn nobody_looks_into_a_mail_within_a_mail() {
    use base64::Engine as _;
    let inner = "Content-Type: message/rfc822\n\n".repeat(10_000) + "Subject: x\n\nhttps://hidden.example/";
    let encoded = base64::engine::general_purpose::STANDARD.encode(&inner);
    for (encoding, body) in [("base64", &encoded), ("8bit", &inner)] {
        let raw = format!(
            "From: a@b.example\nSubject: Look\nContent-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n{body}"
        );
        let it = mail(&raw);
        let line = format!(
            "attachment: message/rfc822, {} bytes, sha256 {}",
            inner.len(),
            Hash::of(inner.as_bytes())
        );
        assert_eq!(it.content.text, format!("Subject: Look\n\n{line}"));
        assert!(it.content.about.is_empty());
    }
}

proptest! {
    /// Whatever arrives is read one way or another, and what is a report can be kept.
    #[test]
    fn any_mail_is_read(
        which in 0usize..6, at: prop::sample::Index, cut: prop::sample::Index, insert in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut raw = [PLAIN, HTML, ARF, XARF, BOUNCE, ATTACHED][which].as_bytes().to_vec();
        let (from, to) = (at.index(raw.len()), cut.index(raw.len()));
        raw.splice(from..to.max(from).min(from + 40), insert);
        if let Reading::Report(mail) = read(&raw, NOW) {
            let report = mail.content.report(mail.id, mail.channel, Hash::of(b""), NOW);
            prop_assert_eq!(Report::parse(&report.to_string()).expect("can be kept"), report);
        }
    }

    #[test]
    fn any_bytes_are_read(raw in prop::collection::vec(any::<u8>(), 0..400), text in "((From|Content-Type|a): ?\\PC{0,20}\r?\n){0,6}\n?\\PC{0,60}") {
        drop(read(&raw, NOW));
        drop(read(text.as_bytes(), NOW));
    }
}
