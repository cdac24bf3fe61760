use super::*;
use policy::{Id, Scope, Sentence};

pub(crate) fn operator() -> Operator {
    Operator {
        name: "Example Shield".into(),
        url: "https://shield.example/".into(),
        appeal_url: "https://shield.example/appeal".into(),
        appeal_email: "appeal@shield.example".into(),
        abuse_email: "abuse@shield.example".into(),
        security_email: "security@shield.example".into(),
        press_email: "press@shield.example".into(),
        service_email: "service@shield.example".into(),
        help_url: "https://shield.example/help".into(),
        check_url: "https://shield.example/check".into(),
        reasons_base: "https://press.shield.example/".into(),
    }
}

pub(crate) fn measure() -> Measure {
    Measure {
        id: Id::parse("imp-2022").expect("id"),
        class: Class::Emergency,
        customer: Id::parse("cus_secretname").expect("id"),
        scope: Scope::Customer,
        hostnames: vec!["one.first.example".into()],
        since: Time(1_662_246_900),
        until: Time(1_662_246_900 + 48 * 3600),
        confirm_by: Some(Time(1_662_246_900 + 48 * 3600)),
        confirmed: false,
        ground: Id::parse("threat-to-life").expect("id"),
        ground_version: 3,
        authorities: 2,
        ordered: false,
        post: Hash::of(b"post"),
        subject: Hash::of(b"subject"),
        limiting: Sentence::parse("Not a precedent for content that is <revolting> & \"legal\".")
            .expect("sentence"),
        withheld: None,
        index: 7,
        logged: Time(1_662_246_890),
    }
}

fn render(m: &Measure) -> Pages {
    Pages::render(m, &Arc::from(&b"# Reasons"[..]), &operator())
}

fn page(m: &Measure, language: Language) -> String {
    let (_, _, body) = render(m).answer(Form::Html(language));
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

#[test]
fn says_what_it_must() {
    let text = page(&measure(), Language::English);
    for must in [
        "You did nothing wrong",
        "avert a threat to human life",
        "We are not its host",
        "Imminent threat to human life",
        "<code>threat-to-life</code>, version 3",
        "No court and no authority ordered this",
        "Authorities told before we acted: 2",
        "finds nobody guilty",
        "2022-09-03 23:15 UTC",
        "2022-09-05 23:15 UTC",
        "datetime=\"2022-09-05T23:15:00Z\"",
        "must confirm it, or it ends",
        "<code>imp-2022</code>",
        "https://press.shield.example/posts/imp-2022",
        "/.well-known/portcullis/post",
        "https://shield.example/check",
        "https://shield.example/appeal",
        "export your data",
        "https://shield.example/help",
        "emergency number",
        "mailto:abuse@shield.example",
        "mailto:press@shield.example",
        "mailto:service@shield.example",
        "lang=\"ar\"",
    ] {
        assert!(text.contains(must), "misses {must:?}");
    }
    let arabic = page(&measure(), Language::Arabic);
    for must in ["<html lang=\"ar\" dir=\"rtl\">", "أنت لم ترتكب أي خطأ", "imp-2022", "page.en", "23:15 UTC"]
    {
        assert!(arabic.contains(must), "misses {must:?}");
    }
}

#[test]
fn never_says_what_it_must_not() {
    for language in [Language::English, Language::Arabic] {
        let text = page(&measure(), language);
        assert!(!text.contains("<revolting>"), "escaped");
        assert!(
            text.contains("&#60;revolting&#62; &#38;") || text.contains("&lt;revolting&gt; &amp;"),
            "shown"
        );
        let bare = text.replace("/.well-known/portcullis/", "").to_lowercase();
        for never in [
            "portcullis",
            "<script",
            "cus_secretname",
            "one.first.example",
            "<img",
            "@import",
            "url(",
            " onclick",
        ] {
            assert!(!bare.contains(never), "{never}");
        }
        assert!(!bare.contains("src="), "loads nothing");
    }
}

#[test]
fn follows_each_note() {
    let waiting = page(&measure(), Language::English);
    let m =
        Measure { confirm_by: None, confirmed: true, until: Time(1_662_246_900 + 72 * 3600), ..measure() };
    let confirmed = page(&m, Language::English);
    assert!(waiting.contains("Must be confirmed") && !waiting.contains("has confirmed it"));
    assert!(confirmed.contains("has confirmed it") && !confirmed.contains("Must be confirmed"));
    assert!(confirmed.contains("2022-09-06 23:15 UTC"));
}

#[test]
fn an_order_is_451_and_says_so() {
    let m = Measure { class: Class::Order, ordered: true, confirm_by: None, ..measure() };
    let (status, _, body) = render(&m).answer(Form::Html(Language::English));
    assert_eq!(status, StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS);
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(text.contains("A verified legal order stands behind this block"));
    assert!(!text.contains("our own decision") && !text.contains("threat to human life"));
}

#[test]
fn headers_and_size() {
    let long = Sentence::parse(&"<".repeat(1000)).expect("sentence");
    for m in [measure(), Measure { limiting: long, ..measure() }] {
        for form in [Form::Html(Language::English), Form::Html(Language::Arabic), Form::Problem, Form::Line] {
            let (status, headers, body) = render(&m).answer(form);
            assert_eq!(status, StatusCode::FORBIDDEN);
            let links: Vec<_> = headers.get_all("link").iter().map(|v| v.to_str().expect("text")).collect();
            assert_eq!(
                links,
                [
                    "<https://shield.example/>; rel=\"blocked-by\"",
                    "<https://press.shield.example/posts/imp-2022>; rel=\"describedby\"",
                ]
            );
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers["vary"], "Accept, Accept-Language, Sec-Fetch-Dest");
            assert!(
                !headers.contains_key("strict-transport-security") && !headers.contains_key("set-cookie")
            );
            let head: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
            assert!(head + body.len() + 200 < PAGE_BYTES, "{form:?}: {} bytes", head + body.len());
        }
    }
}

#[test]
fn programs_get_a_problem() {
    let (_, headers, body) = render(&measure()).answer(Form::Problem);
    assert_eq!(headers["content-type"], "application/problem+json");
    let v: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    for (pointer, expect) in [
        ("/status", json!(403)),
        ("/title", json!("Forbidden")),
        ("/block/decision_id", json!("imp-2022")),
        ("/block/until", json!("2022-09-05T23:15:00Z")),
        ("/block/url", json!("https://press.shield.example/posts/imp-2022")),
        ("/block/appeal_url", json!("https://shield.example/appeal")),
        ("/block/confirmed", json!(false)),
    ] {
        assert_eq!(v.pointer(pointer), Some(&expect), "{pointer}");
    }
    let (_, _, line) = render(&measure()).answer(Form::Line);
    assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
}

#[test]
fn the_post_is_served_as_it_is() {
    let (status, headers, body) = render(&measure()).answer(Form::Post);
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"# Reasons"[..]));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
}

#[test]
fn the_page_is_well_formed_for_assistive_technology() {
    for (language, tag) in
        [(Language::English, "lang=\"en\" dir=\"ltr\""), (Language::Arabic, "lang=\"ar\" dir=\"rtl\"")]
    {
        let text = page(&measure(), language);
        assert!(text.contains(&format!("<html {tag}>")));
        assert_eq!(text.matches("<h1>").count(), 1);
        for pair in ["main", "nav", "footer", "dl", "ul", "dd", "dt", "p", "li", "code", "bdi", "time"] {
            let opened =
                text.matches(&format!("<{pair}>")).count() + text.matches(&format!("<{pair} ")).count();
            assert_eq!(opened, text.matches(&format!("</{pair}>")).count(), "{pair}");
        }
        assert!(text.contains("<title>") && text.contains("name=\"viewport\""));
    }
}

#[test]
fn the_style_is_the_one_that_the_policy_allows() {
    for language in [Language::English, Language::Arabic] {
        let (_, headers, body) = render(&measure()).answer(Form::Html(language));
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        let style =
            text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
        let allowed = format!("style-src 'sha256-{}'", Hash::of(style.as_bytes()).to_base64());
        let policy = headers["content-security-policy"].to_str().expect("text");
        assert!(policy.contains(&allowed) && policy.starts_with("default-src 'none'"), "{policy}");
    }
}
