//! No quiet block: which sites edges serve is in the log, and taking service away needs two people in the open.

use crate::process::{eventually, free_ports, run};
use crate::town::{Edge, FIRST, SECOND, Town};
use crate::visitor::{Doors, Way, get, plain};
use std::fs;
use std::process::Command;

/// The last site of the sites file is the second customer's.
fn without_second(sites: &str) -> String {
    let (before, _) = sites.rsplit_once("[[customer]]").expect("two customers");
    before.to_owned()
}

/// An edge with a folder of its own: an empty sites file, and no certificates yet.
fn join(town: &Town, name: &str) -> Edge {
    let folder = town.folder().join(name);
    fs::create_dir(&folder).expect("one edge per name");
    let key = folder.join("edge.key");
    let path = key.to_str().expect("temporary folders are UTF-8");
    let vkey = town.cli(&["key", "new", path, "--for", "edge", "--name", name]).ok();
    town.cli(&["edges", "enrol", vkey.trim()]).ok();
    let sites = folder.join("sites.toml");
    fs::write(&sites, "").expect("written");
    let ports = free_ports(2);
    let doors = Doors { http: ports[0], https: ports[1] };
    Edge::make(&folder, doors, &town.home(), &[("sites", sites.to_str().expect("UTF-8").to_owned())])
}

fn served(doors: Doors, host: &str) -> bool {
    get(doors, Way::Http, host, "/").status == 200
}

#[test]
fn edges_serve_what_the_log_names_and_two_people_take_service_away() {
    let mut town = Town::made(&["--sites-in-log"]);
    town.restart();
    let version = || town.figure("portcullis_config_version");
    eventually("the first configuration is served", || (version() == 1).then_some(()));
    assert!(town.log()[1].contains("portcullis-config/v1") && town.log()[1].contains("\nhostnames 4\n"));
    let mut north = join(&town, "north");
    assert!(
        !served(north.doors, FIRST[0]),
        "its certificates are missing, so it serves what it has: nothing"
    );
    run(Command::new("cp").arg("-a").arg(town.home().join("certs")).arg(town.folder().join("north"))).ok();
    eventually("it is tried again", || served(north.doors, FIRST[0]).then_some(()));

    // Somebody takes the second customer out of the file. Nothing happens, but that it waits at the desk.
    let file = town.home().join("sites.toml");
    let sites = fs::read_to_string(&file).expect("readable");
    fs::write(&file, without_second(&sites)).expect("written");
    let draft = eventually("it waits", || {
        let notes = plain(&format!("{}/api/v1/notes", town.desk()), &[]).body;
        let notes: serde_json::Value = serde_json::from_str(&notes).expect("JSON");
        let drafts = notes["notes"].as_array().expect("a list").clone();
        let draft = drafts.iter().find(|n| n["kind"] == "config" && n["state"] == "collecting")?;
        draft["id"].as_str().map(str::to_owned)
    });
    assert!(served(town.doors(), SECOND) && served(north.doors, SECOND));
    let first = town.person("anna", &["approve", &draft, "--yes"]);
    assert!(first.err.contains("withdrawn  1 hostnames") && first.err.contains(SECOND), "{first:?}");
    assert!(first.err.contains("collecting") && served(town.doors(), SECOND), "{first:?}");
    // An edge that sleeps through it all is held to the same when it is back.
    north.kill();
    let second = town.person("dora", &["approve", &draft, "--yes"]);
    assert!(second.err.contains("published"), "{second:?}");
    eventually("it is done", || (version() == 2).then_some(()));
    assert!(!served(town.doors(), SECOND) && served(town.doors(), FIRST[0]));
    north.start();
    eventually("it goes on", || (!served(north.doors, SECOND)).then_some(()));
    assert!(town.log()[2].contains("\nwithdrawn 1\n"), "in public");
    eventually("both say what they serve", || {
        let edges: serde_json::Value =
            serde_json::from_str(&town.cli(&["edges", "--json"]).ok()).expect("JSON");
        let edges = edges["edges"].as_array().expect("a list").clone();
        (edges.len() == 2 && edges.iter().all(|e| e["config"] == 2)).then_some(())
    });

    // Put back by the machine alone; and what an edge serves it serves without anybody.
    fs::write(&file, &sites).expect("written");
    eventually("it is served again", || served(north.doors, SECOND).then_some(()));
    town.main.kill();
    north.kill();
    north.start();
    assert!(served(north.doors, SECOND) && served(north.doors, FIRST[0]));
    // Nor does a certificate that is gone keep the edge from what else it does.
    north.kill();
    fs::remove_dir_all(town.folder().join("north/certs")).expect("removed");
    north.start();
    assert!(served(north.doors, SECOND));
}
