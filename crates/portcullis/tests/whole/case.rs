//! A phishing page on an ordinary day: somebody reports it, two people decide, and the case says all of it.

use crate::process::eventually;
use crate::reports::{queue, send};
use crate::town::{FIRST, Town};
use crate::visitor::{Way, get, plain};
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

/// What stands behind a word of the output, as in `link  http://...`.
fn after<'t>(text: &'t str, word: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| panic!("no {word} in {text}")).trim()
}

/// An officer of an authority, with a browser and a telephone, objects and hands over a document; nothing goes on before
/// somebody has decided again.
#[test]
fn an_authority_answers_in_its_room() {
    let mut town = Town::start();
    let draft = town.draft();
    let id = serde_json::from_str::<Value>(&town.person("anna", &["case", "--json"]).ok()).expect("JSON");
    let id = id["cases"][0]["id"].as_str().expect("a number").to_owned();
    let letter = town.folder().join("letter.txt");
    std::fs::write(&letter, "To the control room.\n\nHe names the school and the hour.\n").expect("written");
    let refer = ["case", "refer", &id, "--to", "aut-police-north", "--country", "SE", "--channel", "mail"];
    let rest = ["--answer-by", "4h", "--told", "All of it.", "--room", letter.to_str().expect("UTF-8")];
    let told = town.person("anna", &[&refer[..], &rest[..]].concat());
    let (link, code) = (after(&told.err, "link").to_owned(), after(&told.err, "code").to_owned());
    assert!(!told.out.contains(&code), "data is no place for it: {told:?}");
    let door = plain(&link, &[]);
    assert!(door.status == 200 && !door.body.contains("school"), "{}", door.body);
    let inside = plain(&link, &["-F", &format!("code={code}")]);
    assert!(inside.body.contains("He names the school"), "{}", inside.body);
    let (_, once) = inside.body.split_once("name=\"once\" value=\"").expect("a form");
    let order = town.folder().join("order.pdf");
    std::fs::write(&order, b"%PDF-1.7 an order").expect("written");
    let fields = [
        format!("code={code}"),
        format!("once={}", once.split('"').next().expect("its end")),
        "answer=objects".into(),
        "name=Kim Berg, control room".into(),
        "what=If it is gone, we lose him.".into(),
        format!("document=@{}", order.display()),
    ];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["-F", field.as_str()]).collect();
    assert!(plain(&link, &more).body.contains("We have it"));
    // What was acknowledged is on disk, whoever is killed next.
    town.main.kill();
    town.restart();
    let it = eventually("it stands in the case", || {
        let it = case(&town, &id);
        (it["emergency"]["evidence"].as_array()?.len() == 3).then_some(it)
    });
    assert_eq!(it["emergency"]["referrals"][1]["answers"][1]["answer"], "objects", "{it}");
    // Whoever signs sees it, and weighs it by judging the eight; in the second in which it came nobody has read it.
    let signed = eventually("the finding waits for the second assessor", || {
        let signed = town.person("anna", &["finding", "sign", &draft, "--yes"]);
        assert!(signed.err.contains("CAREFUL: aut-police-north objects (Kim Berg"), "{signed:?}");
        (signed.code == 0).then_some(signed)
    });
    let again = fields.iter().map(|field| field.replace("once=", "once=f").replace("lose", "are losing"));
    let again: Vec<String> = again.filter(|field| !field.starts_with("document")).collect();
    let fresh = plain(&link, &["-F", &format!("code={code}")]).body;
    let (_, once) = fresh.split_once("name=\"once\" value=\"").expect("a form");
    let once = format!("once={}", once.split('"').next().expect("its end"));
    let more: Vec<&str> = again
        .iter()
        .map(|field| if field.starts_with("once=") { once.as_str() } else { field.as_str() })
        .flat_map(|field| ["-F", field])
        .collect();
    assert!(plain(&link, &more).body.contains("We have it"));
    eventually("it stands in the case too", || {
        case(&town, &id)["emergency"]["closed_by"].as_array().filter(|all| !all.is_empty()).map(drop)
    });
    let second = town.person("ben", &["finding", "sign", signed.out.trim(), "--yes"]);
    assert!(second.err.contains("objects; judge `proportionate` again"), "{second:?}");
    let copy = town.folder().join("copy.pdf");
    let out = copy.to_str().expect("UTF-8");
    town.person("anna", &["case", "fetch", &id, "3", "--out", out]).ok();
    assert_eq!(std::fs::read(&copy).expect("a copy"), b"%PDF-1.7 an order");
    let shown = town.person("anna", &["case", "show", &id]).ok();
    assert!(shown.contains("objects at ") && shown.contains("If it is gone, we lose him."), "{shown}");
}
