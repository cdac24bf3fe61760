//! Both feeds, parsed back by readers that did not write them, field by field.

use super::*;
use atom_syndication::Feed;

async fn atom(site: &Site) -> Feed {
    let answer = site.get("/feed.atom").await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; charset=utf-8");
    Feed::read_from(answer.bytes.as_slice()).unwrap()
}

#[tokio::test]
async fn empty_feeds_are_feeds() {
    let site = Site::demo().await;
    let feed = atom(&site).await;
    assert_eq!(feed.updated().to_rfc3339(), "2026-11-22T23:15:00+00:00", "as old as the ledger");
    assert!(feed.entries().is_empty());
    let json = site.get("/feed.json").await.json();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(json["items"], serde_json::json!([]));
}

#[tokio::test]
async fn atom_carries_the_full_text_and_ids_that_stay() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let before = atom(&site).await;
    assert_eq!(before.title().as_str(), "Example Shield: decisions and their reasons");
    let links: Vec<(&str, &str)> = before.links().iter().map(|link| (link.rel(), link.href())).collect();
    assert_eq!(
        links,
        [("self", "https://reasons.example/feed.atom"), ("alternate", "https://reasons.example/")]
    );
    assert!(before.id().starts_with("urn:uuid:"));
    let [entry] = before.entries() else { panic!("one decision, one entry") };
    assert_eq!(entry.title().as_str(), "Why we blocked a customer tonight");
    assert_eq!(entry.authors().iter().map(|a| a.name()).collect::<Vec<_>>(), ["Duty office"]);
    assert_eq!(
        entry.categories().iter().map(|c| c.term()).collect::<Vec<_>>(),
        ["emergency", "threat to life"]
    );
    assert_eq!(entry.links().first().map(|link| link.href()), Some("https://reasons.example/posts/imp-1"));
    assert_eq!(entry.published().map(|time| time.to_rfc3339()).as_deref(), Some("2026-11-23T00:16:00+00:00"));
    assert_eq!(entry.updated().to_rfc3339(), "2026-11-23T00:16:00+00:00");
    assert!(entry.summary().unwrap().as_str().starts_with("Threats to life"));
    let content = entry.content().unwrap();
    assert_eq!((content.content_type(), content.lang()), (Some("html"), Some("en")));
    has_in_order(
        content.value().unwrap(),
        &["In force, not yet confirmed.", "<em>specific</em>", "<h2>What we did</h2>", "is no precedent."],
    );

    let at = impose.since.plus(HOUR);
    site.set_time(at);
    let lift = site.house.lift("lft-1", "imp-1", at).to_string();
    site.publish(&site.house.signed(&lift, &["clara"]), &[], at).await;
    let after = atom(&site).await;
    assert_eq!(after.id(), before.id());
    assert_eq!(after.entries()[0].id(), entry.id(), "the id stays");
    assert_eq!(after.entries()[0].published(), entry.published());
    assert_eq!(after.entries()[0].updated().to_rfc3339(), "2026-11-23T01:16:00+00:00", "the state changed");
    assert_eq!(after.updated(), after.entries()[0].updated());
}

#[tokio::test]
async fn json_feed_has_the_fields_of_1_1_and_ours() {
    let site = Site::demo().await;
    let impose = site.emergency(START.plus(HOUR), POST).await;
    let answer = site.get("/feed.json").await;
    assert_eq!(answer.header("content-type"), "application/feed+json; charset=utf-8");
    let feed = answer.json();
    for (key, value) in [
        ("version", "https://jsonfeed.org/version/1.1"),
        ("title", "Example Shield: decisions and their reasons"),
        ("home_page_url", "https://reasons.example/"),
        ("feed_url", "https://reasons.example/feed.json"),
        ("language", "en"),
    ] {
        assert_eq!(feed[key], value, "{key}");
    }
    assert_eq!(feed["authors"][0]["url"], "https://shield.example/");
    let item = &feed["items"][0];
    for (key, value) in [
        ("url", "https://reasons.example/posts/imp-1"),
        ("title", "Why we blocked a customer tonight"),
        ("summary", "Threats to life escalated faster than any court could act."),
        ("date_published", "2026-11-23T00:16:00Z"),
        ("date_modified", "2026-11-23T00:16:00Z"),
        ("language", "en"),
    ] {
        assert_eq!(item[key], value, "{key}");
    }
    assert_eq!(item["id"], atom(&site).await.entries()[0].id(), "both feeds name an item alike");
    assert_eq!(item["tags"], serde_json::json!(["emergency", "threat to life"]));
    assert_eq!(item["authors"], serde_json::json!([{ "name": "Duty office" }]));
    has_in_order(item["content_html"].as_str().unwrap(), &["<em>specific</em>", "is no precedent."]);
    let ours = &item["_portcullis"];
    for (key, value) in [
        ("decision_id", "imp-1"),
        ("state", "in-force"),
        ("ground", "imminent-threat-to-life"),
        ("since", "2026-11-23T00:16:00Z"),
        ("until", "2026-11-25T00:16:00Z"),
        ("appeal_url", "https://shield.example/appeal"),
        ("evidence_sha256", &Hash::of(b"assessment").to_string()),
        ("post_sha256", &impose.post.to_string()),
    ] {
        assert_eq!(ours[key], value, "{key}");
    }
}

#[tokio::test]
async fn characters_that_xml_cannot_carry_do_not_break_the_feed() {
    let site = Site::demo().await;
    site.emergency(START.plus(HOUR), "# A\u{fffe}B\n\nform\u{c}feed ]]> & <b>\n").await;
    let feed = atom(&site).await;
    assert_eq!(feed.entries()[0].title().as_str(), "AB");
    assert!(feed.entries()[0].content().unwrap().value().unwrap().contains("formfeed ]]&gt; &amp;"));
}
