use super::*;

fn complaints(text: &str) -> Vec<String> {
    match Config::parse(text, Path::new("/base")) {
        Ok(_) => Vec::new(),
        Err(all) => all.iter().map(ToString::to_string).collect(),
    }
}

/// A file with every key of the table, each set to its example.
fn everything() -> String {
    let mut text = String::new();
    for (table, _) in TABLES {
        text += &if table == STEP { format!("[[{table}]]\n") } else { format!("[{table}]\n") };
        for field in FIELDS.iter().filter(|f| f.table() == table) {
            text += &format!("{} = {}\n", field.key(), field.example);
        }
    }
    text
}

#[test]
fn every_example_is_good_and_every_default_too() {
    assert_eq!(complaints(&everything()), Vec::<String>::new());
    let required: String = TABLES
        .iter()
        .map(|(table, _)| {
            let lines = FIELDS.iter().filter(|f| f.table() == *table && f.need == Need::Required);
            let lines: String = lines.map(|f| format!("{} = {}\n", f.key(), f.example)).collect();
            let head = if *table == STEP { format!("[[{table}]]") } else { format!("[{table}]") };
            format!("{head}\n{lines}")
        })
        .collect();
    assert_eq!(complaints(&required), Vec::<String>::new());
}

#[test]
fn every_field_is_in_a_known_table_once_and_explained() {
    let mut seen = std::collections::BTreeSet::new();
    for field in FIELDS {
        assert!(TABLES.iter().any(|(t, _)| *t == field.table()), "{}", field.name);
        assert!(seen.insert(field.name), "{} twice", field.name);
        assert!(field.doc.ends_with('.'), "{}", field.name);
    }
}

#[test]
fn values_arrive_where_they_belong() {
    let config = Config::parse(&everything(), Path::new("/base")).expect("good");
    let edge = config.edge();
    assert_eq!(edge.trust, Path::new("/base/trust"));
    assert_eq!(edge.dir, Path::new("/var/lib/portcullis/edge"));
    assert_eq!(edge.listen.len(), 2);
    assert_eq!(edge.workers, 4);
    assert_eq!(config.desk().listen, Listen::Unix("/run/portcullis/desk.sock".into()));
    assert_eq!(config.press_listen(), Listen::Tcp("127.0.0.1:8082".parse().expect("an address")));
    let operator = config.operator();
    for text in [
        &operator.url,
        &operator.appeal_url,
        &operator.abuse_email,
        &operator.security_email,
        &operator.press_email,
        &operator.service_email,
    ] {
        assert!(!text.is_empty());
    }
    for text in [&operator.appeal_email, &operator.help_url, &operator.check_url] {
        assert!(text.is_some());
    }
    assert_eq!(operator.name, "Example Shield");
    assert_eq!(operator.reasons_base, "https://decisions.shield.example");
    assert_eq!(config.log().key, Path::new("/base/log.key"));
}

#[test]
fn what_is_wrong_is_said_all_at_once_with_lines_and_suggestions() {
    let text = "[egde]\n[log]\nkey = \"\"\nkey2 = \"\"\n[desk]\nlistne = \"127.0.0.1:1\"\n[press]\nlisten = 5\n[edge]\nledger = \"http://x/ledger\"\nlisten = [\"nowhere\"]\nworkers = -1\n";
    assert_eq!(
        complaints(text),
        [
            "1: unknown table [egde]; did you mean `edge`?",
            "3: `key` must be a file or directory; a relative one starts where this file is, as in \"log.key\"",
            "4: unknown key `key2` in [log]; did you mean `key`?",
            "6: unknown key `listne` in [desk]; did you mean `listen`?",
            "8: `listen` must be \"IP:PORT\" or \"unix:PATH\", as in \"127.0.0.1:8082\"",
            "9: [edge] needs `relay = \"http://127.0.0.1:8083\"`: The desk's relay address.",
            "11: `listen` must be a list of \"IP:PORT\", as in [\"0.0.0.0:80\", \"[::]:80\"]",
            "12: `workers` must be a whole number from 0, as in 4",
        ]
    );
}

#[test]
fn steps_are_read_one_by_one() {
    let text = "[page]\nack = \"1h\"\n[[page.step]]\nafter = \"0m\"\ncommand = [\"/bin/true\"]\n[[page.step]]\nafter = \"5m\"\nmail = [\"a@b.example\"]\nhours = \"20:00-08:00\"\nperson = \"anna\"\n";
    let page = Config::parse(text, Path::new("/base")).expect("good").page();
    assert_eq!((page.ack, page.repeat, page.steps.len()), (3600, 300, 2));
    assert_eq!((page.steps[0].after, page.steps[0].command.clone()), (0, vec!["/bin/true".to_owned()]));
    let second = &page.steps[1];
    assert_eq!((second.after, second.hours.is_some(), second.person.as_deref()), (300, true, Some("anna")));
    assert!(second.command.is_empty(), "a step has nothing of the one before");
    assert_eq!(
        complaints(
            "[page]\nsteps = 1\n[[page.step]]\ncommand = [\"true\"]\n[[page.step]]\nafter = \"soon\"\nhours = \"8-9\"\nwebhok = \"https://x\"\n"
        ),
        [
            "2: unknown key `steps` in [page]",
            "3: [page.step] needs `after = \"5m\"`: When it is called, after it began; the first step usually at 0m, the next ones five minutes apart.",
            "4: `command` must be a list: the whole path of a program, and its arguments, as in [\"/usr/local/bin/dial\", \"+491701234567\"]",
            "6: `after` must be a time such as 40s, 5m or 2h; 0m is at once, as in \"5m\"",
            "7: `hours` must be hours of a day in UTC, HH:MM-HH:MM, as in \"20:00-08:00\"",
            "8: unknown key `webhok` in [page.step]; did you mean `webhook`?",
        ]
    );
    for odd in ["[page]\nstep = 1\n", "[page.step]\nafter = \"0m\"\n", "[page]\nstep = [1]\n"] {
        assert!(complaints(odd)[0].contains("[[page.step]]"), "{odd}");
    }
    assert!(complaints("[\"page.step\"]\n")[0].contains("unknown table"), "it is no table of its own");
}

#[test]
fn broken_toml_is_a_complaint_with_a_line() {
    let said = complaints("[operator]\nname = \n");
    assert!(said.iter().any(|c| c.starts_with("2: ")), "{said:?}");
}

#[test]
fn missing_tables_are_named() {
    let config = Config::parse("[press]\n", Path::new("/base")).expect("good");
    let failure = config.need(&["press", "edge", "log"]).expect_err("two are missing").to_string();
    assert!(failure.contains("no [edge], [log]"), "{failure}");
}
