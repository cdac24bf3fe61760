//! A phishing page on an ordinary day: somebody reports it, two people decide, and the case says all of it.

use crate::process::eventually;
use crate::reports::{queue, send};
use crate::town::{FIRST, Town};
use crate::visitor::{Way, get};
use serde_json::Value;

fn case(town: &Town, id: &str) -> Value {
    serde_json::from_str(&town.person("anna", &["case", "show", id, "--json"]).ok()).expect("JSON")
}

#[test]
fn a_phishing_page_on_an_ordinary_day() {
    let town = Town::start();
    send(&town, "It looks like my bank, and asks for my password.");
    let open = eventually("it is in the queue", || Some(queue(&town, &[])).filter(|all| !all.is_empty()));
    let reports = open[0]["id"].as_str().expect("a number").to_owned();
    let opened = ["case", "open", "A page like a bank's", "--customer", "cus_first", "--reports", &reports];
    let id = town.person("anna", &opened).ok().trim().to_owned();
    town.person("anna", &["case", "take", &id]).ok();
    let twice = town.person("ben", &["case", "take", &id]);
    assert!(twice.code != 0 && twice.err.contains("anna works on it"), "{twice:?}");
    let place = format!("https://{}/login", FIRST[0]);
    let saw =
        ["case", "add", &id, "It asks for a password.", "--happened", "2026-11-22T22:40", "--at", &place];
    town.person("ben", &saw).ok();

    // Two people, two steps.
    let scope = format!("hostname:{}", FIRST[0]);
    let post = town.home().join("reasons.md");
    let propose =
        ["propose", "abuse", "cus_first", "--scope", &scope, "--ground", "phishing:1", "--case", &id];
    let rest = ["--post", post.to_str().expect("UTF-8"), "--limiting", "This page alone.", "--yes"];
    let proposed = town.person("anna", &[&propose[..], &rest[..]].concat()).ok();
    town.person("ben", &["approve", proposed.trim(), "--yes"]).ok();
    eventually("it is enforced", || {
        (get(town.doors(), Way::Http, FIRST[0], "/").status == 403).then_some(())
    });
    assert_eq!(get(town.doors(), Way::Http, FIRST[1], "/").status, 200, "nothing else is");

    town.person("anna", &["case", "close", &id, "--outcome", "decided", "--why", "The page is blocked."])
        .ok();
    town.person("anna", &["reports", "close", &reports, "--outcome", "acted", "--reply", "It is blocked."])
        .ok();
    let it = case(&town, &id);
    assert_eq!(it["notes"][0]["id"], proposed.trim(), "{it}");
    assert_eq!((&it["outcome"], &it["reports"][0]), (&"decided".into(), &reports.as_str().into()));
    assert_eq!(
        (&it["timeline"][0]["happened"], &it["timeline"][0]["by"]),
        (&"2026-11-22T22:40:00Z".into(), &"ben".into())
    );
    let acts: Vec<&str> =
        it["journal"].as_array().expect("a list").iter().filter_map(|e| e["act"].as_str()).collect();
    assert_eq!(acts, ["open", "link", "take", "happened", "close"]);
    let shown = town.person("anna", &["case", "show", &id[id.len() - 6..], "--journal"]).ok();
    assert!(shown.contains("  | It asks for a password.") && shown.contains("\nprevious "), "{shown}");
    let listed = town.person("anna", &["case", "--closed"]).ok();
    assert!(listed.contains("A page like a bank's") && listed.contains("decided"), "{listed}");
    // A finding of a case that nobody knows is a typing error.
    let odd = town
        .person("anna", &["finding", "draft", "cus_first", "--case", "cas-0000", "--out", "/nonexistent"]);
    assert!(odd.code != 0 && odd.err.contains("no case"), "{odd:?}");
}
