//! Somebody reports, people look, and the reporter is told; a process that is killed forgets nothing it acknowledged.

use crate::process::{eventually, run};
use crate::town::{FIRST, Town, portcullis};
use crate::visitor::{Browser, plain};
use serde_json::Value;

pub(crate) fn send(town: &Town, text: &str) -> String {
    let about = format!("about=https://{}/login", FIRST[0]);
    let text = format!("text={text}");
    let fields = [
        "category=phishing",
        &about,
        &text,
        "name=Rosa Reporter",
        "email=rosa@home.example",
        "good_faith=yes",
    ];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", *field]).collect();
    let sent = plain(&format!("{}/report", town.press()), &more);
    assert_eq!(sent.status, 303, "{}", sent.body);
    sent.all("location")[0].to_owned()
}

pub(crate) fn queue(town: &Town, more: &[&str]) -> Vec<Value> {
    let args = [&["reports", "--json"], more].concat();
    let answer: Value = serde_json::from_str(&town.person("anna", &args).ok()).expect("JSON");
    answer["reports"].as_array().expect("a list").clone()
}

#[test]
fn a_report_is_read_and_answered() {
    let mut town = Town::start();
    let first = send(&town, "It looks like my bank, and asks for my password.");
    // What was acknowledged is on disk, whoever is killed next.
    town.main.kill();
    town.restart();
    let copy = send(&town, "it looks like my BANK and asks for my password");
    let open = eventually("both are in the queue", || {
        let open = queue(&town, &[]);
        (open.first()?["count"] == 2).then_some(open)
    });
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((&open[0]["customer_id"], &open[0]["severity"]), (&"cus_first".into(), &2.into()));
    let number = open[0]["id"].as_str().expect("a number").to_owned();
    let part = &number[number.len() - 6..];
    let shown = town.person("anna", &["reports", "show", part]).ok();
    assert!(
        shown.contains("  | It looks like my bank, and asks for my password.")
            && shown.contains("Rosa Reporter")
    );
    let page = |place: &str| plain(&format!("{}{place}", town.press()), &[]);
    assert!(page(&first).body.contains("We have it") && page(&copy).body.contains("We have it"));

    let reply = "The customer took the page down.";
    let closed = town.person("anna", &["reports", "close", part, "--outcome", "acted", "--reply", reply]);
    assert!(closed.err.contains("2 reports; this is what whoever sent them reads"), "{closed:?}");
    for place in [&first, &copy] {
        let told = page(place);
        assert!(told.body.contains(reply) && !told.body.contains("Rosa"), "{}", told.body);
    }
    assert!(queue(&town, &[]).is_empty());
    assert_eq!(queue(&town, &["--decided"])[0]["outcome"], "acted");
    town.person("anna", &["reports", "reopen", part, "--why", "It is back."]).ok();
    assert_eq!(queue(&town, &[]).len(), 1);

    // No report, and nothing that anybody said of one, comes anywhere near the log or a block.
    assert_eq!(town.log().len(), 1);
    let nobody = run(portcullis().arg("--home").arg(town.home()).arg("reports"));
    assert!(nobody.code != 0 && nobody.err.contains("--as"), "{nobody:?}");
    let local = plain(&format!("{}/api/v1/reports", town.desk()), &[]);
    assert_eq!(local.status, 401, "an open console shows no report");

    // The form, in a browser without a script.
    let browser = Browser::new();
    let form = browser.dom(&format!("{}/report", town.press()));
    assert!(form.contains("Is somebody in danger now?") && form.contains("Send the report"));
}
