//! Somebody reports, people look, and the reporter is told; a process that is killed forgets nothing it acknowledged.

use crate::process::{eventually, run};
use crate::town::{FIRST, Town, portcullis};
use crate::visitor::{Browser, plain};
use serde_json::Value;
use std::fs;

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

/// Puts a mail where a mail server would: written aside, then moved in.
fn deliver(town: &Town, name: &str, raw: &str) {
    let mail = town.home().join("mail");
    fs::write(mail.join("tmp").join(name), raw).expect("a folder of the test's own");
    fs::rename(mail.join("tmp").join(name), mail.join("new").join(name)).expect("the same");
}

fn names(town: &Town, folder: &str) -> Vec<String> {
    let items = fs::read_dir(town.home().join("mail").join(folder)).expect("there");
    items.map(|item| item.expect("an item").file_name().to_string_lossy().into_owned()).collect()
}

fn letter(n: usize) -> String {
    format!(
        "Received: from home{n}.example by mail.shield.example; Mon, 23 Nov 2026 00:01:{n:02} +0000\r\nFrom: Writer {n} <w{n}@home{n}.example>\r\n\
         Subject: Stop this\r\n\r\nDear Sir or Madam number {n},\r\n\r\nI am outraged that you go on protecting https://{}/ and demand that you end \
         your services for this customer at once and say so in public, or I will take my business elsewhere.\r\n\r\nWriter {n}\r\n",
        FIRST[0]
    )
}

#[test]
fn mails_become_reports_once_whoever_is_killed() {
    let mut town = Town::made(&[]);
    let file = town.home().join("portcullis.toml");
    let config =
        fs::read_to_string(&file).expect("made").replace("[press]\n", "[press]\nmaildir = \"mail\"\n");
    fs::write(&file, config).expect("a folder of the test's own");
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(town.home().join("mail").join(folder)).expect("a folder of the test's own");
    }
    town.restart();
    for n in 0..40 {
        deliver(&town, &format!("1795392000.M{n:02}.host"), &letter(n));
    }
    let bounce =
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\n\r\nSorry.\r\n";
    deliver(&town, "1795392001.bounce.host", bounce);
    deliver(&town, "1795392002.noise.host", "\u{1}\u{2}");
    // In the middle of it, or before, or after: what was kept is not kept twice, and nothing is lost.
    eventually("the press begins", || (names(&town, "new").len() < 42).then_some(()));
    town.main.kill();
    // As if it had been killed between keeping a report and putting its mail away; and in the middle of writing one.
    for seen in names(&town, "cur") {
        let mail = town.home().join("mail");
        let back = seen.strip_suffix(":2,S").expect("seen");
        fs::rename(mail.join("cur").join(&seen), mail.join("new").join(back)).expect("the same folder");
    }
    let half = town.home().join("desk/inbox/.rpt-06b03c4f0-0123456789abcdef");
    fs::write(&half, "portcullis-rep").expect("the test's own");
    town.restart();
    assert!(!half.exists(), "what a killed press left is gone");
    eventually("all mails are put away", || names(&town, "new").is_empty().then_some(()));
    assert_eq!((names(&town, "cur").len(), names(&town, ".Unreadable/new").len()), (40, 1));
    assert_eq!(names(&town, ".Automatic/cur"), ["1795392001.bounce.host:2,S"]);
    let open = eventually("all are one line in the queue", || {
        let open = queue(&town, &[]);
        (open.first()?["count"] == 40).then_some(open)
    });
    assert_eq!((open.len(), &open[0]["customer_id"]), (1, &"cus_first".into()), "{open:?}");

    // One by hand, and the same again.
    let eml = town.folder().join("letter.eml");
    fs::write(&eml, letter(41)).expect("the test's own");
    let import = ["reports", "import", eml.to_str().expect("UTF-8")];
    let number = town.cli(&import).ok();
    assert_eq!(town.cli(&import).ok(), number, "from its bytes alone");
    assert!(
        town.cli(&["reports", "import", file.to_str().expect("UTF-8")])
            .err
            .contains("cannot be read as a mail")
    );
    let shown = eventually("it is with the others", || {
        let shown = town.person("anna", &["reports", "show", number.trim(), "--json"]);
        serde_json::from_str::<Value>(&shown.out).ok().filter(|it| it["count"] == 41)
    });
    assert_eq!(shown["reports"][0]["channel"], "mail");
}

#[test]
fn programs_report_in_xarf_and_a_decision_stands() {
    let town = Town::start();
    let sample = include_str!("../../../press/tests/xarf-valid.jsonl").lines().nth(10).expect("32 lines");
    let url = format!("{}/api/v1/reports/xarf", town.press());
    let send = |body: &str| plain(&url, &["--json", body]);
    let first = send(sample);
    assert_eq!(first.status, 201, "{}", first.body);
    let first: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(first["evidence"], "hashes kept, contents not");
    let copy: Value = serde_json::from_str(&send(sample).body).expect("JSON");
    let wrong = send(&sample.replace("phishing\",\"desc", "rudeness\",\"desc"));
    assert!(wrong.status == 422 && wrong.body.contains("\"field\":\"type\""), "{}", wrong.body);
    let get = plain(&url, &[]);
    assert_eq!((get.status, get.all("allow")), (405, vec!["POST"]));
    eventually("both are one line in the queue", || (queue(&town, &[]).first()?["count"] == 2).then_some(()));

    // By the number of the second one, whole or its end; decided once.
    let number = copy["id"].as_str().expect("a number");
    let close = |part: &str, outcome: &str| {
        town.person("anna", &["reports", "close", part, "--outcome", outcome, "--reply", "The page is gone."])
    };
    close(&number[number.len() - 6..], "acted").ok();
    let again = close(number, "unfounded");
    assert!(
        again.code != 0 && again.err.contains("decided: acted, at ") && again.err.contains("reopen it first"),
        "{again:?}"
    );
    let status = first["status"].as_str().expect("an address").to_owned();
    let told = plain(&format!("{}{}", town.press(), &status[status.find("/api/").expect("a path")..]), &[]);
    assert!(told.body.contains("\"outcome\":\"acted\""), "{}", told.body);
    self::send(&town, "Something else altogether.");
    eventually("another one is there", || (queue(&town, &[]).len() == 1).then_some(()));
    let vague = town.person("anna", &["reports", "show", "rpt-"]);
    assert!(vague.code != 0 && vague.err.contains("rpt- could be any of: rpt-"), "{vague:?}");
}
