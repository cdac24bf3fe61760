//! The log's key is stolen. The policy quorum names a new one, and everybody goes on, with the first trust line.

use crate::process::{eventually, run};
use crate::town::{FIRST, Town, portcullis};
use crate::visitor::{Way, get, plain};
use std::fs;

#[test]
fn a_stolen_log_key_is_replaced_by_the_policy_quorum() {
    let mut town = Town::start();
    let mut edge = town.join("edge-two");
    let id = town.block("24h");
    town.cli(&["status", &id, "--watch", "--timeout", "60s"]).ok();
    let at = |name: &str| town.folder().join(name).display().to_string();
    let (key, policy) = (at("new-log.key"), at("policy-1.txt"));
    let trust = fs::read_to_string(town.home().join("trust")).expect("init wrote it");
    let origin = trust.split(' ').nth(1).expect("an origin");
    let vkey = run(portcullis().args(["key", "new", &key, "--for", "log", "--name", origin])).ok();
    fs::write(&policy, town.cli(&["log", "rekey", vkey.trim()]).ok()).expect("a folder of the test's own");
    let doors =
        [format!("http://127.0.0.1:{}", town.doors().http), format!("http://127.0.0.1:{}", edge.doors.http)];
    let deliver = ["log", "deliver", &policy, "--edge", &doors[0], "--edge", &doors[1]];
    for person in ["anna", "ben"] {
        town.person(person, &["sign", &policy, "--yes"]).ok();
        assert_ne!(
            town.cli(&deliver).code,
            0,
            "{person}: two are no majority of four, and none is independent"
        );
    }
    town.person("clara", &["sign", &policy, "--yes"]).ok();
    town.cli(&deliver).ok();

    // Whoever has the old key publishes on: no edge takes it.
    let size = town.figure("portcullis_ledger_size");
    let refuse = |case: &str| {
        let args = ["refuse", case, "--class", "abuse", "--asked-by", "reporter", "--why", "No.", "--yes"];
        town.person("anna", &args)
    };
    refuse("cas-thief").ok();
    let refused = "portcullis_ledger_refused_total{reason=\"checkpoint\"}";
    eventually("the edge refuses the old key", || (town.maybe_figure(refused)? > 0).then_some(()));
    assert_eq!(town.figure("portcullis_ledger_size"), size);
    let busy = town.cli(&["log", "adopt", &policy, "--key", &key]);
    assert!(busy.err.contains("the desk is running"), "{busy:?}");

    town.main.kill();
    let adopted = town.cli(&["log", "adopt", &policy, "--key", &key]).ok();
    assert_eq!(adopted.trim(), (size + 1).to_string(), "the thief's entry is let go of");
    fs::copy(&key, town.home().join("log.key")).expect("the new key takes its place");
    town.restart();
    let own = |t: &Town| t.figure("portcullis_ledger_size");
    // The refusal of the thief's time was a person's draft: signed as it is, it is logged again.
    eventually("the first edge follows", || (own(&town) == size + 2).then_some(()));
    for doors in [town.doors(), edge.doors] {
        assert_eq!(get(doors, Way::Http, FIRST[0], "/").status, 403, "what is in force stays");
    }
    edge.kill();
    edge.start();
    town.cli(&["lift", &id, "--why", "The danger is over.", "--yes"]).ok();
    eventually("and both take a lift from the new log", || {
        let open = |doors| get(doors, Way::Http, FIRST[0], "/").status == 200;
        (open(town.doors()) && open(edge.doors)).then_some(())
    });
    let said = town.cli(&["verify", &format!("{}/ledger", town.press())]).ok();
    assert!(said.contains("verified: one view"), "with the trust line of the first day: {said}");
    assert_eq!(plain(&format!("{}/ledger/", town.press()), &[]).status, 200, "the press follows too");
}
