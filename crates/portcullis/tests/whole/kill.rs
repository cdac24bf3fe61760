//! kill -9 of desk or edge at any point of a publication: after the restart the end is the same, nothing is doubled
//! and nothing is half public. The points are spread by delays; what is asserted does not depend on where they fall.

use crate::process::{Running, eventually};
use crate::town::{FIRST, Town, portcullis};
use crate::visitor::{Way, get};
use std::time::Duration;

/// From before the command reaches the desk to after it is done.
const DELAYS: [u64; 8] = [5, 30, 60, 90, 130, 180, 250, 400];

#[test]
fn the_desk_killed_at_any_point_publishes_exactly_once() {
    let mut town = Town::start();
    let mut findings = Vec::new();
    for delay in DELAYS {
        let finding = draft(&town);
        let mut pen = person(&town, "ben", &["finding", "sign", &finding, "--yes"]);
        std::thread::sleep(Duration::from_millis(delay));
        town.main.kill();
        pen.end();
        town.restart();
        again(&town, "ben", &["finding", "sign", &finding, "--yes"], &finding);
        findings.push(finding);
        the_log_is_whole(&town, &findings);
    }
}

#[test]
fn desk_and_edge_killed_at_any_point_of_a_decision_come_to_the_same_end() {
    let mut town = Town::start();
    let mut north = town.join("north");
    // Three: more decisions within the hour need the policy quorum.
    for (number, delay) in [(0, 40), (1, 110), (2, 220)] {
        let id = town.propose("24h");
        let mut pen = person(&town, "clara", &["approve", &id, "--yes"]);
        std::thread::sleep(Duration::from_millis(delay));
        north.kill();
        town.main.kill();
        pen.end();
        town.restart();
        // The desk signs nothing before another edge than that of its own home has reported, so it must run by then.
        north.start();
        again(&town, "clara", &["approve", &id, "--yes"], &id);
        for doors in [town.doors(), north.doors] {
            eventually("blocked", || (get(doors, Way::Http, FIRST[0], "/").status == 403).then_some(()));
        }
        // The edge alone dies while the lift is on its way.
        let mut pen = person(&town, "dora", &["lift", &id, "--why", "The danger is over.", "--yes"]);
        std::thread::sleep(Duration::from_millis(delay));
        north.kill();
        assert_eq!(pen.end(), 0, "{}", pen.said());
        north.start();
        for doors in [town.doors(), north.doors] {
            eventually("lifted", || (get(doors, Way::Http, FIRST[0], "/").status == 200).then_some(()));
        }
        assert_eq!(count(&town.log(), &format!("lifts {id}")), 1, "round {number}");
        the_log_is_whole(&town, &[id]);
    }
}

/// A finding with one signature.
fn draft(town: &Town) -> String {
    let out = town.folder().join("draft");
    drop(std::fs::remove_dir_all(&out));
    let out = out.to_str().expect("UTF-8").to_owned();
    let criteria = town.home().join("criteria.txt");
    let criteria = criteria.to_str().expect("UTF-8").to_owned();
    town.person("anna", &["finding", "draft", "first-customer", "--criteria", &criteria, "--out", &out]).ok();
    town.person("anna", &["finding", "sign", &out, "--yes"]).ok().trim().to_owned()
}

/// A command of a person that runs while the test goes on.
fn person(town: &Town, name: &str, args: &[&str]) -> Running {
    let home = town.home().join("people").join(name);
    Running::start(name, portcullis().arg("--home").arg(home).args(args))
}

/// The person tries again, as people do, until the note is published.
fn again(town: &Town, name: &str, args: &[&str], id: &str) {
    eventually(&format!("{id} is published"), || {
        // Refused with "already published" is as good as success: what counts is the log.
        town.person(name, args);
        (count(&town.log(), &format!("id {id}")) > 0).then_some(())
    });
}

/// Every id is in the log exactly once, and a stranger finds everything right.
fn the_log_is_whole(town: &Town, ids: &[String]) {
    let entries = town.log();
    for id in ids {
        assert_eq!(count(&entries, &format!("id {id}")), 1, "{id}: {entries:#?}");
    }
    let trust = town.home().join("trust");
    let url = format!("{}/ledger", town.press());
    town.cli(&["verify", &url, "--trust", trust.to_str().expect("UTF-8")]).ok();
}

/// How many entries have this line.
fn count(entries: &[String], line: &str) -> usize {
    entries.iter().filter(|entry| entry.lines().any(|it| it == line)).count()
}
