//! Pages, and what stands in them as a decision lives and ends.

use super::*;
use policy::note::{AskedBy, Class, Refuse};
use policy::testkit::{id, sentence};

#[tokio::test]
async fn an_empty_ledger_says_so() {
    let site = Site::demo().await;
    let page = site.page("/").await;
    has_in_order(
        &page,
        &["Example Shield", "In force now", "Nothing is blocked.", "No block has been decided yet"],
    );
    has_in_order(
        &page,
        &[
            "Check it yourself",
            "portcullis-trust/v1 demo:localhost/ledger",
            "portcullis verify https://reasons.example/ledger",
        ],
    );
}

#[tokio::test]
async fn a_post_tells_everything_around_the_signed_text() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let page = site.page("/posts/imp-1").await;
    has_in_order(
        &page,
        &[
            "Emergency block",
            "<h1 lang=\"en\" dir=\"ltr\">Why we blocked a customer tonight</h1>",
            "Threats to life escalated faster than any court could act.",
            "Duty office</strong>, Example Shield",
            "<time datetime=\"2026-11-23T00:16:00Z\">23 November 2026, 00:16 UTC</time>",
            "In force, not yet confirmed",
            "It ends by itself on 25 November 2026, 00:16 UTC",
            "Imminent threat to life, version 1",
            "Every site of one customer, also sites added later (3 hostnames when it was decided)",
            "None; this is our own decision",
            "One competent authority, before the decision",
            "<p>Over 48 hours the threats became <em>specific</em>.</p>",
            "<h2>What we did</h2>",
            "<a href=\"https://police.example/\" rel=\"nofollow noopener\">the police</a>",
            "What this is not",
            "This decision is about this emergency alone and is no precedent.",
            "What happened when",
            "Proposed by an officer.",
            "Signed by 2 persons and published in the ledger with its reasons; in force from then on.",
            "/ledger/entry/2",
            "class=\"future\"",
            "Ends by itself, unless an independent reviewer confirms it before.",
            "https://shield.example/appeal",
            "appeal@shield.example",
            &impose.post.to_string(),
            "entry 2</a> of 3",
            "<li>threat to life</li>",
        ],
    );
    assert_eq!(page.matches("<h1").count(), 1);
    assert!(!page.contains("first.example"), "hostnames of the subject are never on a page");
    assert!(!page.contains("cus_first"), "nor the customer");
}

#[tokio::test]
async fn the_state_follows_every_note_and_the_clock() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let state = async || site.get("/decisions/imp-1.json").await.json()["state"].clone();
    assert_eq!(state().await, "in-force");

    site.set_time(impose.until);
    assert_eq!(state().await, "not-confirmed", "nobody confirmed it: it ended with no further note");
    has_in_order(
        &site.page("/posts/imp-1").await,
        &["Ended, not confirmed", "no independent reviewer had confirmed it"],
    );
    assert!(site.page("/").await.contains("Nothing is blocked."));

    let at = impose.since.plus(24 * HOUR);
    site.set_time(at);
    let validation = site.house.validation("con-1", &impose).to_string();
    site.publish(&site.house.signed(&validation, &["dora"]), &[], at).await;
    let page = site.page("/posts/imp-1").await;
    has_in_order(
        &page,
        &["In force, confirmed", "Confirmed by a reviewer who took no part in it", "/ledger/entry/3"],
    );
    let json = site.get("/decisions/imp-1.json").await.json();
    assert_eq!((&json["confirmed"], &json["until"]), (&true.into(), &"2026-11-26T00:16:00Z".into()));

    let at = at.plus(HOUR);
    site.set_time(at);
    let lift = site.house.lift("lft-1", "imp-1", at).to_string();
    site.publish(&site.house.signed(&lift, &["ben"]), &[], at).await;
    assert_eq!(state().await, "lifted");
    let page = site.page("/posts/imp-1").await;
    has_in_order(
        &page,
        &[
            "Lifted",
            "because the danger is over",
            "“The danger is over.”",
            "Would have ended",
            "/ledger/entry/4",
        ],
    );
    has_in_order(
        &site.page("/").await,
        &["Nothing is blocked.", "Lifted", "Why we blocked a customer tonight"],
    );
}

#[tokio::test]
async fn decision_pages_and_json_say_the_facts() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let page = site.page("/decisions/imp-1").await;
    has_in_order(
        &page,
        &[
            "In force, not yet confirmed",
            "imminent-threat-to-life, version 1",
            "To be confirmed by",
            "/ledger/entry/1\">fnd-1</a>",
            &format!("/ledger/blob/{}", impose.subject),
            "Assessor (finding)",
            "the-house",
            "trustees",
            "<code>demo:clara+",
        ],
    );
    let answer = site.get("/decisions/imp-1.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let json = answer.json();
    for (key, value) in [
        ("id", "imp-1"),
        ("origin", "demo:localhost/ledger"),
        ("url", "https://reasons.example/posts/imp-1"),
        ("class", "emergency"),
        ("scope", "customer"),
        ("ground", "imminent-threat-to-life"),
        ("since", "2026-11-23T00:16:00Z"),
        ("until", "2026-11-25T00:16:00Z"),
        ("confirm_by", "2026-11-25T00:16:00Z"),
        ("finding", "fnd-1"),
        ("appeal_url", "https://shield.example/appeal"),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
    assert_eq!(json["post_sha256"], impose.post.to_string());
    assert_eq!((json["index"].as_u64(), json["authorities"].as_u64()), (Some(2), Some(1)));
    assert_eq!(json["signers"].as_array().map(Vec::len), Some(2));
    assert!(json["lifted"].is_null());
}

#[tokio::test]
async fn refusals_and_notes_without_effect_are_on_the_record() {
    let site = Site::demo().await;
    let at = START.plus(HOUR);
    site.set_time(at);
    let refuse = Refuse {
        head: site.house.head("ref-1"),
        case: id("cas-9"),
        class: Class::Emergency,
        asked_by: AskedBy::Authority,
        time: at,
        why: sentence("The authority could not be reached at its <own> number."),
    };
    site.publish(&site.house.signed(&refuse.to_string(), &["ben"]), &[], at).await;
    let subject = site.subject();
    let impose = site.house.emergency("imp-1", at, "fnd-none", &subject, POST.as_bytes()).to_string();
    site.publish(&site.house.signed(&impose, &["anna", "clara"]), &[], at).await;

    let page = site.page("/ledger/").await;
    has_in_order(
        &page,
        &[
            "3 entries",
            "Decision to block",
            "No effect: ",
            "Refusal",
            "ref-1: asked by authority",
            "Accepted",
            "Policy",
        ],
    );
    assert!(page.contains("at its &#60;own&#62; number"), "notes are escaped: {page}");
    let moved = site.get("/decisions/ref-1").await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, "/ledger/entry/1"));
    assert_eq!(
        site.get("/posts/imp-1").await.status,
        StatusCode::NOT_FOUND,
        "a decision without effect is none"
    );
    has_in_order(&site.page("/ledger/entry/2").await, &["No effect: ", "portcullis-impose/v1"]);
}

#[tokio::test]
async fn an_entry_shows_its_exact_text_its_signatures_and_its_proof() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let page = site.page("/ledger/entry/2").await;
    has_in_order(
        &page,
        &[
            "Decision to block",
            "Accepted",
            "/decisions/imp-1",
            &format!("<pre>{impose}</pre>"),
            "demo:anna",
            "Verifies; anna, the-house",
            "demo:clara",
            "Verifies; clara, trustees",
            "Root signed at 3 entries",
            "They are the same",
        ],
    );
    for index in [0, 1] {
        assert!(site.page(&format!("/ledger/entry/{index}")).await.contains("They are the same"), "{index}");
    }
}

#[tokio::test]
async fn a_hostile_post_is_shown_without_its_teeth() {
    let site = Site::demo().await;
    let post = "---\ntitle: </title><script>alert(1)</script>\nsummary: \" onload=\"alert(2)\nauthor: <img src=x>\n---\n<script>alert(3)</script>\n\n[a](javascript:alert(4)) ![b](https://evil.example/b.png) <svg onload=alert(5)>\n\nEnd.\n";
    site.emergency(START.plus(HOUR), post).await;
    for path in ["/", "/posts/imp-1", "/decisions/imp-1", "/ledger/"] {
        let page = site.page(path).await;
        for tooth in ["<script", "<svg", "<img", "href=\"javascript:", "\" onload", "evil.example"] {
            assert!(!page.contains(tooth), "{tooth} on {path}");
        }
    }
    // In a feed a title is text and a content is HTML, so the same teeth look different in each.
    let atom = site.page("/feed.atom").await;
    assert!(!atom.contains("<script") && !atom.contains("<img"), "{atom}");
    let json = site.get("/feed.json").await.json();
    let content = json["items"][0]["content_html"].as_str().unwrap();
    assert!(
        content.contains("<p>End.</p>") && !content.contains("alert") && !content.contains("evil"),
        "{content}"
    );
}

#[tokio::test]
async fn a_text_that_is_no_post_is_shown_as_it_stands() {
    let site = Site::demo().await;
    site.emergency(START.plus(HOUR), "---\nwrong\n<b>&\n").await;
    let page = site.page("/posts/imp-1").await;
    has_in_order(
        &page,
        &[
            "<h1 lang=\"en\" dir=\"ltr\">Emergency block imp-1</h1>",
            "<pre>---\nwrong\n&#60;b&#62;&#38;\n</pre>",
        ],
    );
}

#[tokio::test]
async fn a_changed_or_missing_text_is_never_shown_and_harms_no_other_page() {
    for (content, words) in [(Some("# Another text\n"), "is not what was signed"), (None, "is not held here")]
    {
        let site = Site::demo().await;
        let impose = site.emergency(START.plus(HOUR), POST).await;
        let file = site.blob_file(&impose.post);
        match content {
            Some(content) => std::fs::write(file, content).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
        let page = site.page("/posts/imp-1").await;
        assert!(
            page.contains(words) && !page.contains("Another text") && !page.contains("Over 48 hours"),
            "{page}"
        );
        for path in ["/", "/decisions/imp-1", "/feed.atom", "/feed.json", "/ledger/"] {
            site.page(path).await;
        }
        assert_ne!(site.get(&format!("/ledger/blob/{}", impose.post)).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_post_in_arabic_runs_from_the_right() {
    let site = Site::demo().await;
    site.emergency(START.plus(HOUR), "---\nlanguage: ar\n---\n# عنوان\n\nنص.\n").await;
    let page = site.page("/posts/imp-1").await;
    has_in_order(
        &page,
        &[
            "<html lang=\"en\">",
            "<h1 lang=\"ar\" dir=\"rtl\">عنوان</h1>",
            "<div class=\"prose\" lang=\"ar\" dir=\"rtl\">",
        ],
    );
}

#[tokio::test]
async fn the_index_goes_back_page_by_page_and_posts_know_their_relatives() {
    let site = Site::demo().await;
    let mut at = START;
    // Two to a page more than one page holds; two hours apart, so that the blast radius is never reached.
    for n in 0..32 {
        at = at.plus(2 * HOUR);
        let mut subject = site.house.subject("cus_first", &["one.first.example"]);
        subject.scope = policy::Scope::Site(id("site_one"));
        let rare = if n % 16 == 0 { "rare, " } else { "" };
        let post = format!("---\ntitle: Post {n}.\ntags: {rare}phishing\n---\nText.\n");
        let impose = site.house.abuse(&format!("imp-{n}"), at, &subject, post.as_bytes());
        let note = site.house.signed(&impose.to_string(), &["ben", "clara"]);
        site.publish(&note, &[post.as_bytes(), subject.to_string().as_bytes()], at).await;
    }
    site.set_time(at);
    let first = site.page("/").await;
    has_in_order(&first, &["All decisions", "Post 31.", "Post 30.", "Post 2.", "/?before=3\""]);
    assert!(!first.contains("Post 1."));
    let second = site.page("/?before=3").await;
    has_in_order(&second, &["All decisions", "Post 1.", "Post 0."]);
    assert!(!second.contains("Older decisions"));
    let page = site.page("/posts/imp-0").await;
    has_in_order(&page, &["Related decisions", "Post 16.", "Post 31.", "Post 30."]);
    assert!(!page.contains("Post 29."), "three are enough");
}

#[tokio::test]
async fn only_a_demonstration_says_it_is_one() {
    let demo = Site::demo().await;
    assert!(
        demo.page("/").await.contains("<aside class=\"demo\" aria-label=\"Demonstration\">Demonstration.")
    );
    assert!(demo.get("/nothing").await.text().contains("Demonstration."));
    let real = Site::with(House::new("shield.example/ledger", START)).await;
    assert!(!real.page("/").await.contains("Demonstration"));
    assert!(!real.page("/feed.json").await.contains("Demonstration"));
}

#[tokio::test]
async fn every_page_can_do_nothing_but_be_read() {
    let site = Site::demo().await;
    site.emergency(START.plus(HOUR), POST).await;
    let paths = ["/", "/posts/imp-1", "/decisions/imp-1", "/ledger/", "/ledger/entry/2", "/posts/none"];
    for path in paths {
        let answer = site.get(path).await;
        let page = answer.text();
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        let hash = Hash::of(style.as_bytes()).to_base64();
        assert_eq!(
            answer.header("content-security-policy"),
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "{path}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-type", "text/html; charset=utf-8"),
            ("set-cookie", ""),
        ] {
            assert_eq!(answer.header(name), value, "{name} on {path}");
        }
        let body = page.replace(style, "");
        for forbidden in [
            "<script",
            "<img",
            "<iframe",
            "<form",
            " style=",
            "rel=\"stylesheet\"",
            " src=",
            "@import",
            "url(",
        ] {
            assert!(!body.contains(forbidden), "{forbidden} on {path}");
        }
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{path}");
        assert_eq!((page.matches("<h1").count(), page.matches("<main").count()), (1, 1), "{path}");
    }
}

#[tokio::test]
async fn what_was_proven_is_shown_whatever_the_files_say_later() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let file = site.dir.path().join("ledger/checkpoint");
    let older = std::fs::read(&file).unwrap();
    let at = impose.since.plus(HOUR);
    site.set_time(at);
    let lift = site.house.lift("lft-1", "imp-1", at).to_string();
    site.publish(&site.house.signed(&lift, &["ben"]), &[], at).await;
    assert_eq!(site.get("/decisions/imp-1.json").await.json()["state"], "lifted");
    let newest = std::fs::read(&file).unwrap();
    // An older one that the log did sign, one that it did not, and one with another root under its signature.
    let forged = String::from_utf8(newest.clone()).unwrap().replacen("\n4\n", "\n3\n", 1).into_bytes();
    for bad in [older.clone(), forged, b"demo:localhost/ledger\n300\nAAAA\n".to_vec()] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(
            site.get("/decisions/imp-1.json").await.json()["state"],
            "lifted",
            "no lift is taken back"
        );
    }
    std::fs::write(&file, newest).unwrap();
    assert_eq!(site.get("/decisions/imp-1.json").await.json()["state"], "lifted");
}

#[tokio::test]
async fn a_blob_is_public_with_its_decision_and_a_subject_may_be_forgotten() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let early = Hash::of(b"portcullis-subject/v1 of a decision that is not public");
    let file = site.dir.path().join(format!("ledger/blob/{early}"));
    std::fs::write(file, b"portcullis-subject/v1 of a decision that is not public").unwrap();
    assert_eq!(site.get(&format!("/ledger/blob/{early}")).await.status, StatusCode::NOT_FOUND);
    for (hash, keep) in [(impose.post, "public, max-age=31536000, immutable"), (impose.subject, "no-cache")] {
        let blob = site.get(&format!("/ledger/blob/{hash}")).await;
        assert_eq!((blob.status, blob.header("cache-control")), (StatusCode::OK, keep));
    }
}

/// A narrative that was held back is nobody's to open or to keep shut: its date does it.
#[tokio::test]
async fn what_was_withheld_opens_by_itself() {
    let site = Site::demo().await;
    let (at, narrative) = (site.house.start.plus(3600), b"# The rest\n\nWhat could not be said then.\n");
    let subject = site.subject();
    let finding = site.house.finding("fnd-1", at, &subject).to_string();
    site.publish(&site.house.signed(&finding, &["anna", "ben"]), &[], at).await;
    let opens = at.plus(30 * 86_400);
    let withheld = policy::note::Withheld {
        reason: policy::note::WithholdReason::VictimSafety,
        narrative: Hash::of(narrative),
        opens,
    };
    let impose = site.house.emergency("imp-1", at.plus(60), "fnd-1", &subject, POST.as_bytes());
    let impose = Impose { withheld: Some(withheld), ..impose };
    site.store.put_blob(narrative, "anna", at).await.unwrap();
    let note = site.house.signed(&impose.to_string(), &["anna", "clara"]);
    site.publish(&note, &[POST.as_bytes(), subject.to_string().as_bytes()], at.plus(60)).await;
    let path = format!("/ledger/blob/{}", Hash::of(narrative));
    for (now, open) in
        [(at.plus(60), false), (Time(opens.0 - 1), false), (opens, true), (opens.plus(86_400), true)]
    {
        site.set_time(now);
        let answer = site.get(&path).await;
        assert_eq!(answer.status == StatusCode::OK, open, "{now}");
        assert!(!open || answer.bytes == narrative);
        let page = site.page("/posts/imp-1").await;
        assert!(page.contains("held back"), "that something is held back is public from the first moment");
        assert_eq!(page.contains(&path), open, "{now}");
    }
}
