//! The register of contacts, as the public sees it.

use policy::testkit::{id, sentence};

use super::*;

/// The public reads how many pressed, and nothing else of the register.
#[tokio::test]
async fn who_pressed_is_counted_and_not_named() {
    use policy::register::{Contact, Party, Side};
    let site = Site::demo().await;
    assert!(site.page("/contacts").await.contains("Nobody has, so far"));
    let month = START.to_string();
    let month = month.get(..7).unwrap();
    for (party, side) in [
        (Party::PublicOfficial, Side::For),
        (Party::PublicOfficial, Side::For),
        (Party::Press, Side::Against),
    ] {
        let it = Contact {
            when: START,
            party,
            name: sentence("Senator X"),
            side,
            customer: Some(id("cus_first")),
            what: sentence("Drop the site."),
        };
        site.store.register(&it, &sentence("anna"), START).await.unwrap();
        let ahead = Contact { when: START.plus(1), ..it };
        assert!(
            site.store.register(&ahead, &sentence("anna"), START).await.is_err(),
            "not before it happens"
        );
    }
    let page = site.page("/contacts").await;
    assert!(
        page.contains(&format!("<tr><td>{month}</td><td>Public officials</td><td class=\"num\">2</td>")),
        "{page}"
    );
    let json = site.get("/contacts.json").await;
    for told in [&page, &json.text()] {
        assert!(!told.contains("Senator") && !told.contains("cus_first") && !told.contains("Drop the site"));
    }
    let press = serde_json::json!({ "month": month, "party": "press", "for": 0, "against": 1 });
    assert!(json.json()["contacts"].as_array().unwrap().contains(&press), "{}", json.text());
    let kept = site.store.registered(None, 2).await.unwrap();
    assert_eq!(kept.iter().map(|it| it.seq).collect::<Vec<_>>(), [3, 2], "newest first");
    assert_eq!(site.store.registered(Some(2), 5).await.unwrap().len(), 1);
}
