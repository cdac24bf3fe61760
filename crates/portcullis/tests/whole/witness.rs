//! A witness on its own, as somebody else would run it: nothing counts that it has not seen.

use crate::process::{Running, eventually, free_ports, run};
use crate::town::{Town, portcullis};
use crate::visitor::plain;
use std::fs;
use std::path::Path;

fn start(config: &Path) -> Running {
    let mut witness = Running::start(
        "portcullis witness",
        portcullis().args(["witness", "--demo", "--config"]).arg(config),
    );
    witness.wait_for("portcullis ready");
    witness
}

fn refuses(town: &Town, case: &str) {
    let args =
        ["refuse", case, "--class", "emergency", "--asked-by", "reporter", "--why", "No threat.", "--yes"];
    town.person("anna", &args).ok();
}

#[test]
fn what_no_witness_has_seen_counts_nowhere() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let port = free_ports(1)[0];
    let key = at("witness.key");
    let key = key.to_str().expect("UTF-8");
    let name = "demo:witness-1";
    let vkey = run(portcullis().args(["key", "new", key, "--for", "witness", "--name", name])).ok();
    let given = format!("http://127.0.0.1:{port},{}", vkey.trim());
    let mut town = Town::made(&["--witness", &given]);
    let trust = fs::read_to_string(town.home().join("trust")).expect("init wrote it");
    let log = trust.split(' ').nth(2).expect("the log's key");
    let config = at("witness.toml");
    let table = format!("[witness]\nlisten = \"127.0.0.1:{port}\"\nlogs = [\"{log}\"]\n");
    fs::write(&config, table).expect("a folder of the test's own");

    let mut witness = start(&config);
    town.restart();
    let edge = || town.figure("portcullis_ledger_size");
    assert_eq!(edge(), 1, "entry 0 is cosigned at the start");
    refuses(&town, "cas-one");
    eventually("the edge has it", || (edge() == 2).then_some(()));
    let verify = || town.cli(&["verify", &format!("{}/ledger", town.press())]);
    let said = verify().ok();
    assert!(said.contains("verified: witnessed by demo:witness-1"), "{said}");

    witness.kill();
    refuses(&town, "cas-two");
    let refused = "portcullis_ledger_refused_total{reason=\"unwitnessed\"}";
    eventually("the edge refuses it", || (town.maybe_figure(refused)? > 0).then_some(()));
    assert_eq!(edge(), 2, "logged, and nobody has witnessed it");
    assert!(verify().ok().contains("verified: 0 of 1 witnesses"));

    let _again = start(&config);
    refuses(&town, "cas-three");
    eventually("both are cosigned at once", || (edge() == 4).then_some(()));
    let origin = log.split('+').next().expect("a name");
    let path = relay::compare::witness_path(origin);
    let seen = plain(&format!("http://127.0.0.1:{port}{path}"), &[]);
    assert!(seen.body.starts_with(&format!("{origin}\n4\n")), "{seen:#?}");
    let compare = format!("http://127.0.0.1:{port}{path}");
    let said = town.cli(&["verify", &format!("{}/ledger", town.press()), "--compare", &compare]).ok();
    assert!(said.contains("shows the same log, at 4 entries"), "{said}");
    eventually("the edge has compared", || (town.figure("portcullis_ledger_views") == 1).then_some(()));
}
