//! People about people: who can decide tonight, a key suspended by two and by its holder, the next policy. Nobody
//! waits here for the day after which a policy counts; what the ledger holds of it is shown.

use crate::process::{eventually, run};
use crate::town::{Town, portcullis};
use serde_json::Value;
use std::fs;
use std::process::Command;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

/// What `quorum --json` says of an act.
fn act(answer: &Value, name: &str) -> Value {
    let acts = answer["acts"].as_array().expect("a list");
    acts.iter().find(|a| a["act"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn tonights_people_suspensions_and_the_next_policy() {
    let mut town = Town::start();
    who_can_decide(&town);
    two_suspend_a_key(&town);
    let edited = a_file_is_proposed(&town);
    a_person_is_enrolled(&town, &edited);
    the_holder_suspends_at_an_edge(&mut town);
    let trust = town.home().join("trust");
    let ledger = format!("{}/ledger", town.press());
    town.cli(&["verify", &ledger, "--trust", trust.to_str().expect("UTF-8")]).ok();
}

fn who_can_decide(town: &Town) {
    let all = town.person("anna", &["quorum", "--json"]).ok();
    let validate = act(&json(&all), "validate");
    assert_eq!(validate["fewest"], serde_json::json!(["anna", "ben", "clara", "dora"]), "{all}");
    // The installation's own home asks too: nobody signs here.
    let home = town.home();
    let asked = run(portcullis().arg("--home").arg(&home).args(["quorum", "--without", "dora"]));
    assert_eq!(asked.code, 1, "{asked:?}");
    let missing = "1 more: reviewer who signed neither the finding nor the decision (dora)";
    assert!(asked.out.contains(missing) && asked.err.contains("can NOT be decided"), "{asked:?}");
    let two = town.person("anna", &["quorum", "--with", "anna", "--with", "clara", "--json"]);
    let (code, two) = (two.code, json(&two.out));
    assert_eq!(
        (code, &act(&two, "finding")["possible"], &act(&two, "abuse")["possible"]),
        (1, &false.into(), &true.into())
    );
    let nobody = town.person("anna", &["quorum", "--with", "emil"]);
    assert!(nobody.code == 65 && nobody.err.contains("it names: anna, ben, clara, dora"), "{nobody:?}");
}

fn two_suspend_a_key(town: &Town) {
    let why = ["--why", "She cannot be reached.", "--yes"];
    let first = town.person("ben", &[&["suspend", "anna", "--for", "3d"][..], &why].concat());
    assert!(first.err.contains("CAREFUL: without it no emergency can be decided"), "{first:?}");
    assert!(first.err.contains("1 more officer (or the key's own holder)"), "{first:?}");
    let id = first.ok().trim().to_owned();
    assert!(id.starts_with("sus-"), "{id}");
    town.person("anna", &["quorum"]).ok();
    let second = town.person("clara", &["approve", &id, "--yes"]);
    assert!(
        second.err.contains("suspends a key of anna") && second.err.contains("published: entry 1"),
        "{second:?}"
    );
    let quorum = town.person("ben", &["quorum"]);
    assert_eq!(quorum.code, 1, "{quorum:?}");
    assert!(quorum.err.contains("suspended until") && quorum.out.contains("1 more: assessor"), "{quorum:?}");
    let long = town.person("ben", &[&["suspend", "anna", "--for", "8d"][..], &why].concat());
    assert!(long.code == 65 && long.err.contains("at most 7 days"), "{long:?}");
}

/// Puts a policy with another bound to the desk, where it stays; its file.
fn a_file_is_proposed(town: &Town) -> String {
    let text = town.person("ben", &["policy", "show"]).ok();
    let file = town.folder().join("new.txt");
    let path = file.to_str().expect("UTF-8").to_owned();
    fs::write(&file, &text).expect("written");
    let same = town.person("ben", &["policy", "propose", &path, "--yes"]);
    assert!(same.code == 65 && same.err.contains("it changes nothing"), "{same:?}");
    // Under the floor, and without the people it takes: said before anybody signs.
    for (from, to, why) in [
        ("bound emergency-hours 48", "bound emergency-hours 49", "looser than the floor"),
        ("reviewer,independent", "independent", "at least one must be a reviewer"),
        ("person dora", "person aora", "persons must stand in the order of their ids"),
    ] {
        fs::write(&file, text.replace(from, to)).expect("written");
        let bad = town.person("ben", &["policy", "propose", &path, "--yes"]);
        assert!(bad.code != 0 && bad.err.contains(why), "{why}: {bad:?}");
    }
    fs::write(&file, text.replace("bound emergency-hours 48", "bound emergency-hours 24")).expect("written");
    let said = town.person("ben", &["policy", "diff", &path]).ok();
    assert!(said.contains("~ bound emergency-hours: 48 becomes 24"), "{said}");
    let proposed = town.person("ben", &["policy", "propose", &path, "--yes"]);
    for words in [
        "~ bound emergency-hours: 48 becomes 24",
        "must sign: 3 of the 4 persons of policy 0, one of them independent (clara, dora)",
        "takes effect: 24 hours after it is logged",
        "a block must satisfy the old policy and the new one",
        "counts again when it takes effect",
    ] {
        assert!(proposed.err.contains(words), "{words}: {proposed:?}");
    }
    let id = proposed.ok().trim().to_owned();
    let waits = town.person("dora", &["policy", "diff"]).ok();
    assert!(waits.contains(&id) && waits.contains("is at the desk; missing: 2 more: officer"), "{waits}");
    path
}

fn a_person_is_enrolled(town: &Town, edited: &str) {
    let key = town.folder().join("emil");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).ok();
    let key = format!("{}.pub", key.display());
    let enrol = ["officer", "enrol", "emil", "--organisation", "demo-trustees", "--key", &key, "--yes"];
    let without = town.person("ben", &enrol);
    assert!(without.code == 65 && without.err.contains("--roles are needed"), "{without:?}");
    let proposed = town.person("ben", &[&enrol[..], &["--roles", "reviewer,approver"]].concat());
    let change = "+ emil of demo-trustees: approver, reviewer, with key demo:emil+";
    assert!(proposed.err.contains(change), "{proposed:?}");
    let id = proposed.ok().trim().to_owned();
    for (name, end) in [("clara", "collecting"), ("dora", "published: entry 2")] {
        let signed = town.person(name, &["approve", &id, "--yes"]);
        assert!(signed.err.contains(change), "whoever signs sees the same: {signed:?}");
        assert!(signed.err.contains(end), "{signed:?}");
        signed.ok();
    }
    let said = town.person("anna", &["policy", "diff"]).ok();
    assert!(
        said.contains(&format!("{id} is in the ledger and takes effect at")) && said.contains(change),
        "{said}"
    );
    let all = json(&town.person("anna", &["policy", "diff", &id, "--json"]).ok());
    assert_eq!(all["candidates"][0]["changes"][0]["what"], "person-added", "{all:#}");
    assert_eq!((&all["in_power"]["version"], &all["candidates"][0]["version"]), (&0.into(), &1.into()));
    assert!(town.person("anna", &["policy", "show"]).ok().contains("\nversion 0\n"), "not in power yet");
    assert_eq!(town.status()["policy_version"], 0);
    let second = town.person("ben", &["policy", "propose", edited, "--yes"]);
    assert!(second.code == 77 && second.err.contains("a policy waits to take effect"), "{second:?}");
}

/// The desk is dead, and a key is lost: its holder goes to any edge that runs.
fn the_holder_suspends_at_an_edge(town: &mut Town) {
    let mut north = town.join("north");
    let door = format!("http://127.0.0.1:{}", north.doors.http);
    let why = ["--why", "My key is lost.", "--edge", &door, "--yes"];
    let other = town.person("dora", &[&["officer", "suspend", "ben"][..], &why].concat());
    assert!(other.code == 65 && other.err.contains("takes two of you"), "{other:?}");
    town.main.kill();
    let mute = town.person("dora", &["suspend", "dora", "--why", "My key is lost.", "--yes"]);
    assert!(mute.code == 69 && mute.err.contains("--edge"), "{mute:?}");
    let other = town.person("dora", &[&["suspend", "ben"][..], &why].concat());
    assert!(other.code == 65 && other.err.contains("no key of yours"), "{other:?}");
    let own = town.person("dora", &[&["officer", "suspend", "dora"][..], &why].concat());
    assert!(own.err.contains("suspended at"), "{own:?}");
    own.ok();
    // The edge keeps it, whatever happens to it, and passes it on when there is a desk again.
    north.kill();
    town.restart();
    north.start();
    eventually("the suspension is in the ledger", || {
        town.log().get(3).is_some_and(|entry| entry.contains("portcullis-suspend/v1")).then_some(())
    });
    let quorum = town.person("ben", &["quorum"]);
    assert!(quorum.code == 1 && quorum.out.contains("1 more: reviewer"), "{quorum:?}");
}
