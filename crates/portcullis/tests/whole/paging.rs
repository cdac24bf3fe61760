//! A threat to life is reported at night: a program of the house dials, the desk dies while it does, a webhook that is not
//! ours takes what comes next, and it ends when somebody acknowledges.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::mail::{certificates, secret};
use crate::process::{Running, eventually, free_ports};
use crate::town::{FIRST, Town};
use crate::visitor::plain;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A program that writes down what it was told, and then does not end while `hold` is there.
fn dialler(folder: &Path) -> String {
    let file = folder.join("dial");
    let text = format!(
        "#!/bin/sh\ncd '{}'\nprintf '%s %s %s ' \"$1\" \"$PORTCULLIS_PAGE_KEY\" \"$PORTCULLIS_PAGE_ATTEMPT\" >> dialled\n\
         cat >> dialled\necho >> dialled\nwhile [ -e hold ]; do sleep 0.1; done\n",
        folder.display()
    );
    fs::write(&file, text).expect("the test's own");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("the test's own");
    file.to_str().expect("UTF-8").to_owned()
}

fn dialled(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("dialled")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn configure(town: &Town, dial: &str, port: u16, ca: &Path) -> u16 {
    let figures = free_ports(1)[0];
    let file = town.home().join("portcullis.toml");
    let text = fs::read_to_string(&file).expect("init wrote it");
    let text = text.replace("[desk]\n", &format!("[desk]\nmetrics = \"127.0.0.1:{figures}\"\n"));
    secret(&town.home().join("page.secret"), SECRET);
    let page = format!(
        "\n[page]\nconsole = \"https://desk.shield.example\"\nrepeat = \"1h\"\nca = \"{}\"\n\
         [[page.step]]\nafter = \"0m\"\nperson = \"anna\"\ncommand = [\"{dial}\", \"+49 170; touch oops\"]\n\
         [[page.step]]\nafter = \"30s\"\nwebhook = \"https://localhost:{port}/in/p4ssw0rd\"\nsecret = \"page.secret\"\n",
        ca.display()
    );
    fs::write(&file, text + &page).expect("the test's own");
    figures
}

fn threat(town: &Town) {
    let about = format!("about=https://{}/t", FIRST[0]);
    let text = "text=He names Rosa, the school and the hour.";
    let fields = ["category=threat-to-life", &about, text, "name=Rosa Reporter", "good_faith=yes"];
    let more: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", *field]).collect();
    assert_eq!(plain(&format!("{}/report", town.press()), &more).status, 303);
}

fn posted(hook: &Running) -> Vec<Value> {
    let said = hook.said();
    said.lines().filter(|l| l.starts_with('{')).map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

fn alarms(town: &Town) -> Vec<Value> {
    let all: Value = serde_json::from_str(&town.cli(&["page", "--json"]).ok()).expect("JSON");
    all["alarms"].as_array().expect("a list").clone()
}

#[test]
fn whoever_is_needed_is_called_though_the_desk_is_killed_and_it_ends_when_somebody_acknowledges() {
    let mut town = Town::made(&[]);
    let folder = town.folder().to_owned();
    let (ca, certificate, key) = certificates(&folder);
    let sink = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whole/hook_sink.py");
    let mut hook = Running::start(
        "hook_sink.py",
        Command::new("python3").arg(sink).arg(certificate).arg(key).arg(SECRET),
    );
    let port = hook.wait_for("listening ").trim_start_matches("listening ").parse().expect("a port");
    let dial = dialler(&folder);
    let figures = configure(&town, &dial, port, &ca);
    town.cli(&["config", "check"]).ok();
    town.cli(&["page", "test"]).ok();
    assert!(dialled(&folder)[0].contains("\"test\":true"), "{:?}", dialled(&folder));
    assert_eq!(
        (posted(&hook)[0]["good"].clone(), posted(&hook)[0]["page"]["test"].clone()),
        (true.into(), true.into())
    );

    // The desk dies while anna's telephone rings; the next one rings it once more.
    fs::write(folder.join("hold"), "").expect("the test's own");
    town.restart();
    threat(&town);
    eventually("it rings", || (dialled(&folder).len() == 2).then_some(()));
    town.main.kill();
    fs::remove_file(folder.join("hold")).expect("the test's own");
    town.restart();
    eventually("it rings again", || (dialled(&folder).len() == 3).then_some(()));
    let lines = dialled(&folder);
    for (line, attempt) in lines[1..].iter().zip(["1", "2"]) {
        assert!(line.starts_with("+49 170; touch oops report "), "{line}");
        assert!(
            line.contains(&format!(" {attempt} {{\"version\":1")) && line.contains("\"person\":\"anna\""),
            "{line}"
        );
    }
    assert!(!folder.join("oops").exists(), "no shell reads an argument");
    eventually("the webhook is called", || (posted(&hook).len() == 2).then_some(()));
    let page = posted(&hook).remove(1);
    assert_eq!((&page["path"], &page["good"]), (&"/in/p4ssw0rd".into(), &true.into()), "{page}");
    let told = format!("{lines:?} {page}");
    for word in ["Rosa", "school", FIRST[0], "cus_first"] {
        assert!(!told.contains(word), "{word} in {told}");
    }

    // Both stand in the list, and nobody has acknowledged it.
    let open = eventually("both calls are written down", || {
        let open = alarms(&town);
        (open[0]["calls"].as_array()?.len() == 2 && open[0]["calls"][1]["state"] == "done").then_some(open)
    });
    assert_eq!((&open[0]["calls"][0]["attempts"], &open[0]["acknowledged"]), (&2.into(), &Value::Null));
    assert!(!open[0].to_string().contains("p4ssw0rd"), "{}", open[0]);
    let figure = |name: &str| {
        let text = plain(&format!("http://127.0.0.1:{figures}/metrics"), &[]).body;
        text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    };
    assert_eq!(figure("portcullis_pages_unanswered").as_deref(), Some("1"));
    let key = open[0]["key"].as_str().expect("a key").to_owned();
    let said = town.cli(&["page", "ack", &key]).ok();
    assert!(said.contains("anna takes care until"), "{said}");
    assert_eq!(figure("portcullis_pages_unanswered").as_deref(), Some("0"));
    assert!(town.cli(&["page"]).ok().contains("anna takes care until"));
    let overview = plain(&town.desk(), &[]).body;
    assert!(overview.contains("Somebody is needed") && overview.contains("takes care"), "{overview}");
    // A case is opened with it: nobody is needed any more.
    let number = crate::reports::queue(&town, &[])[0]["id"].as_str().expect("a number").to_owned();
    town.cli(&["case", "open", "A threat", "--customer", "first-customer", "--reports", &number]).ok();
    assert!(town.cli(&["page"]).ok().contains("nobody is needed"));
    assert_eq!(dialled(&folder).len(), 3, "{:?}", dialled(&folder));
}
