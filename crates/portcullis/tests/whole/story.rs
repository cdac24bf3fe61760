//! The story: sites are served; a decision reaches every edge; one lifts; a block ends by itself. Order and
//! completeness are asserted, never how long something took.

use crate::process::{Running, eventually};
use crate::town::{FIRST, LIMITING, SECOND, Town, portcullis};
use crate::visitor::{Answer, Browser, Doors, Stream, WAYS, Way, ask, get, plain};
use std::fs;
use std::path::Path;

/// The page and everything around it must fit the first flight of a TCP connection (DESIGN 5).
const PAGE_BYTES: usize = 14 * 1024;

#[test]
fn a_site_is_served_blocked_on_the_record_and_lifted() {
    let town = Town::start();
    let north = town.join("north");
    let edges = [town.doors(), north.doors];
    for doors in edges {
        everything_is_served(doors);
        strangers_are_turned_away(doors);
    }

    // Two edges, every kind of stream, both customers.
    let hit = [
        Stream::web_socket(edges[0], FIRST[2], "/ws"),
        Stream::body("events in clear text", edges[0], FIRST[0], "/events"),
        Stream::body_over_tls("a download over TLS", edges[0], Way::Https, FIRST[1], "/download"),
        Stream::body_over_tls("events over HTTP/2", edges[1], Way::Http2, FIRST[0], "/events"),
        Stream::web_socket(edges[1], FIRST[2], "/ws"),
        Stream::body("a download in clear text", edges[1], FIRST[1], "/download"),
    ];
    let spared = [
        Stream::body("the neighbour's events", edges[0], SECOND, "/events"),
        Stream::body_over_tls("the neighbour's download", edges[1], Way::Http2, SECOND, "/download"),
    ];
    spared.iter().for_each(Stream::goes_on);

    let id = town.propose("24h");
    assert!(hit.iter().all(Stream::is_open), "a proposal is no decision");
    for doors in edges {
        everything_is_served(doors);
    }
    let size = ledger_size(&town);
    town.person("clara", &["approve", &id, "--yes"]).ok();
    assert_eq!(ledger_size(&town), size + 1, "the approval publishes one entry");
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();

    hit.iter().for_each(Stream::is_cut);
    for doors in edges {
        the_first_customer_is_blocked(doors, &id, &town);
        the_second_customer_is_served(doors);
    }
    spared.iter().for_each(Stream::goes_on);
    the_post_is_public(&town, &id);
    people_see_it(&town, &id);

    town.person("dora", &["lift", &id, "--why", "The danger is over.", "--yes"]).ok();
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();
    for doors in edges {
        everything_is_served(doors);
    }
    spared.iter().for_each(Stream::goes_on);
    // The record is complete and in order: second lines of the entries, below `logged`.
    let kinds: Vec<String> =
        town.log().iter().filter_map(|entry| entry.lines().nth(1).map(str::to_owned)).collect();
    assert_eq!(
        kinds,
        ["portcullis-policy/v1", "portcullis-finding/v1", "portcullis-impose/v1", "portcullis-lift/v1"]
    );
    verified(&town);
}

#[test]
fn one_officer_lifts_straight_at_an_edge_and_the_others_follow() {
    let mut town = Town::start();
    let mut north = town.join("north");
    let id = town.block("24h");
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();
    blocked(town.doors(), FIRST[0]);
    blocked(north.doors, FIRST[0]);
    let size = ledger_size(&town);

    let door = format!("http://127.0.0.1:{}", north.doors.http);
    town.person("anna", &["lift", &id, "--why", "A mistake.", "--reason", "error", "--edge", &door, "--yes"])
        .ok();
    served(north.doors, FIRST[0]);
    // The edge forwards it, the desk logs it, the other edge reads it there.
    eventually("the first edge lifts too", || is_served(town.doors(), FIRST[0]).then_some(()));
    eventually("the lift is in the ledger", || (ledger_size(&town) == size + 1).then_some(()));
    // A lift outlives everybody: the edge that took it, and the rest of the house.
    north.kill();
    north.start();
    served(north.doors, FIRST[0]);
    town.main.kill();
    town.restart();
    served(town.doors(), FIRST[0]);
    verified(&town);
}

#[test]
fn a_block_ends_by_itself_with_the_desk_dead() {
    let mut town = Town::start();
    let north = town.join("north");
    let id = town.block("45s");
    blocked(north.doors, FIRST[0]);
    town.main.kill();
    // Page and post come from the edge's memory: desk, database, press and first edge are gone.
    for host in FIRST {
        let page = ask(north.doors, Way::Http, host, "/", &["--header", "Accept: text/html"]);
        is_the_page(&page, &id, &town);
        let post = get(north.doors, Way::Http, host, "/.well-known/portcullis/post");
        assert_eq!((post.status, post.body.contains(REASONS)), (200, true), "{post:#?}");
    }
    eventually("the block ends", || is_served(north.doors, FIRST[0]).then_some(()));
    everything_is_served(north.doors);
    town.restart();
    everything_is_served(town.doors());
    verified(&town);
}

fn everything_is_served(doors: Doors) {
    for way in WAYS {
        for (host, says) in [(FIRST[0], "origin first"), (FIRST[1], "origin first"), (FIRST[2], "socket")] {
            let answer = get(doors, way, host, "/");
            assert_eq!(answer.status, 200, "{way:?} {host}: {answer:#?}");
            assert!(answer.body.contains(says), "{way:?} {host}: {answer:#?}");
            assert_eq!(answer.version, if way == Way::Http2 { "2" } else { "1.1" });
        }
    }
    the_second_customer_is_served(doors);
    for (way, proto) in [(Way::Http, "http"), (Way::Https, "https"), (Way::Http2, "https")] {
        let spoof = ["--header", "X-Forwarded-For: 203.0.113.9", "--header", "X-Hop: kept", "--header"];
        let answer = ask(doors, way, FIRST[0], "/seen", &[&spoof[..], &["Connection: x-hop"]].concat());
        let wanted = format!("for=127.0.0.1 proto={proto} ");
        assert!(answer.body.contains(&wanted), "the origin is told who came, and how: {answer:#?}");
        assert!(
            way == Way::Http2 || answer.body.contains("hop=\n"),
            "a nominated header went through: {answer:#?}"
        );
        assert!(answer.body.contains(&format!("proto={proto}")), "{answer:#?}");
    }
}

fn the_second_customer_is_served(doors: Doors) {
    for way in WAYS {
        let answer = get(doors, way, SECOND, "/");
        assert_eq!(
            (answer.status, answer.body.contains("origin second")),
            (200, true),
            "{way:?}: {answer:#?}"
        );
    }
}

fn strangers_are_turned_away(doors: Doors) {
    for way in [Way::Http, Way::Https] {
        assert_eq!(get(doors, way, "unknown.example", "/").status, if way == Way::Http { 421 } else { 0 });
    }
    // A TLS connection belongs to the customer of its SNI; the other customer's name on it is misdirected.
    let host = format!("Host: {SECOND}");
    assert_eq!(ask(doors, Way::Https, FIRST[0], "/", &["--header", &host]).status, 421);
}

fn blocked(doors: Doors, host: &str) {
    eventually(&format!("{host} is blocked"), || {
        (get(doors, Way::Http, host, "/").status == 403).then_some(())
    });
}

fn served(doors: Doors, host: &str) {
    let answer = get(doors, Way::Http, host, "/");
    assert_eq!(answer.status, 200, "{answer:#?}");
}

fn is_served(doors: Doors, host: &str) -> bool {
    get(doors, Way::Http, host, "/").status == 200
}

fn the_first_customer_is_blocked(doors: Doors, id: &str, town: &Town) {
    for way in WAYS {
        for host in FIRST {
            for path in ["/", "/events", "/any/path?at=all"] {
                let page = ask(doors, way, host, path, &["--header", "Accept: text/html"]);
                assert!(page.body.contains("You did nothing wrong"), "{way:?} {host}{path}: {page:#?}");
                is_the_page(&page, id, town);
            }
        }
        let arabic = ["--header", "Accept: text/html", "--header", "Accept-Language: ar"];
        let page = ask(doors, way, FIRST[2], "/", &arabic);
        assert!(page.body.contains("<html lang=\"ar\" dir=\"rtl\">"), "{page:#?}");
        is_the_page(&page, id, town);
        let api = ask(doors, way, FIRST[0], "/", &["--header", "Accept: application/json"]);
        let problem: serde_json::Value =
            serde_json::from_str(&api.body).unwrap_or_else(|why| panic!("{why}: {api:#?}"));
        assert_eq!((api.status, api.all("content-type")), (403, vec!["application/problem+json"]));
        assert_eq!(problem["block"]["decision_id"], id, "{problem:#}");
        let post = get(doors, way, FIRST[1], "/.well-known/portcullis/post");
        assert_eq!((post.status, post.body.contains(REASONS)), (200, true), "{post:#?}");
    }
}

fn is_the_page(page: &Answer, id: &str, town: &Town) {
    assert_eq!(page.status, 403, "{page:#?}");
    assert!(page.all("content-type")[0].starts_with("text/html"), "{page:#?}");
    assert_eq!(page.all("cache-control"), ["no-store"]);
    assert!(
        page.all("strict-transport-security").is_empty() && page.all("set-cookie").is_empty(),
        "{page:#?}"
    );
    assert!(page.link("blocked-by").is_some(), "{page:#?}");
    let reasons = page.link("describedby").unwrap_or_else(|| panic!("{page:#?}"));
    assert_eq!(reasons, format!("{}/posts/{id}", town.press()));
    assert!(page.body.contains(id) && page.body.contains(&reasons), "{page:#?}");
    let heads: usize = page.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    assert!(heads + page.body.len() < PAGE_BYTES, "{} bytes", heads + page.body.len());
    for never in ["<script", "origin first", "any/path", "First Customer", "cus_first"] {
        assert!(!page.body.contains(never), "{never} in {page:#?}");
    }
}

/// A heading of the demonstration's reasons.
const REASONS: &str = "Why now, and why us";

fn the_post_is_public(town: &Town, id: &str) {
    let post = plain(&format!("{}/posts/{id}", town.press()), &[]);
    assert_eq!(post.status, 200, "{post:#?}");
    for word in [id, REASONS] {
        assert!(post.body.contains(word), "{word}: {post:#?}");
    }
    for (path, kind) in [("feed.atom", "application/atom+xml"), ("feed.json", "application/feed+json")] {
        let feed = plain(&format!("{}/{path}", town.press()), &[]);
        assert_eq!(feed.status, 200, "{feed:#?}");
        assert!(feed.all("content-type")[0].starts_with(kind) && feed.body.contains(id), "{feed:#?}");
    }
    assert_eq!(plain(&format!("{}/decisions/{id}", town.press()), &[]).status, 200);
}

/// A browser shows page and post. The pictures stay for people to look at.
fn people_see_it(town: &Town, id: &str) {
    let browser = Browser::new();
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    fs::create_dir_all(&screenshots).expect("the target folder is writable");
    let page = format!("https://{}:{}/", FIRST[0], town.doors().https);
    let dom = browser.dom(&page);
    assert!(dom.contains(id) && dom.contains("You did nothing wrong"), "{dom}");
    browser.screenshot(&page, &screenshots.join("page.png"));
    let post = format!("{}/posts/{id}", town.press());
    assert!(browser.dom(&post).contains(id));
    browser.screenshot(&post, &screenshots.join("post.png"));
    let neighbour = browser.dom(&format!("https://{SECOND}:{}/", town.doors().https));
    assert!(neighbour.contains("origin second"), "{neighbour}");
}

fn ledger_size(town: &Town) -> u64 {
    town.status()["size"].as_u64().expect("the desk tells the size of the ledger")
}

/// A stranger with one line of trust finds everything right.
fn verified(town: &Town) {
    let trust = town.home().join("trust");
    let url = format!("{}/ledger", town.press());
    town.cli(&["verify", &url, "--trust", trust.to_str().expect("UTF-8")]).ok();
}

/// One process per plane, from the same home: the convenience of `run` is only one.
#[test]
fn the_planes_run_apart() {
    let mut town = Town::start();
    town.main.kill();
    let home = town.home();
    let plane = |name: &str| {
        let mut command = portcullis();
        let mut running = Running::start(name, command.arg("--home").arg(&home).args([name, "--demo"]));
        running.wait_for("portcullis ready");
        running
    };
    let (_desk, mut press, _edge) = (plane("desk"), plane("press"), plane("edge"));
    let id = town.block("24h");
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();
    for host in FIRST {
        assert_eq!(get(town.doors(), Way::Http, host, "/").status, 403, "{host}");
    }
    town.cli(&["verify", &format!("{}/ledger", town.press())]).ok();
    // The public may be cut off from the reasons' first place; the edge goes on showing them.
    press.kill();
    assert_eq!(get(town.doors(), Way::Http, FIRST[0], "/.well-known/portcullis/post").status, 200);
    town.person("dora", &["lift", &id, "--why", "The danger is over.", "--yes"]).ok();
}

#[test]
fn whom_a_decision_was_about_is_erased_when_nothing_needs_it_any_more() {
    let town = Town::start();
    let home = town.home();
    let post = home.join("reasons.md");
    let args = ["propose", "abuse", "first-customer", "--scope", "hostname:live.first.localhost"];
    let more = ["--ground", "phishing:1", "--post", post.to_str().expect("UTF-8"), "--limiting", LIMITING];
    let args = [&args[..], &more[..], &["--for", "10s", "--yes"]].concat();
    let id = town.person("ben", &args).ok().trim().to_owned();
    town.person("clara", &["approve", &id, "--yes"]).ok();
    blocked(town.doors(), "live.first.localhost");
    let early = town.cli(&["desk", "erase-subject", &id, "--yes"]);
    assert!(early.code == 77 && early.err.contains("is needed until"), "{early:?}");
    assert!(town.cli(&["status", &id]).ok().contains("cus_first"), "who runs the desk still sees it");
    let erased = eventually("it ends", || {
        let done = town.cli(&["desk", "erase-subject", &id, "--yes"]);
        (done.code == 0).then_some(done.out)
    });
    assert!(!town.cli(&["status", &id]).ok().contains("cus_first"));
    let blob = format!("{}/ledger/blob/{}", town.press(), erased.trim());
    assert_eq!(plain(&blob, &[]).status, 404);
    let said = town.cli(&["verify", &format!("{}/ledger", town.press())]).ok();
    assert!(said.contains("is gone (its decision has ended)"), "{said}");
    let nobody = town.cli(&["desk", "erase-subject", "imp-nobody", "--yes"]);
    assert!(nobody.code == 65 && nobody.err.contains("no decision"), "{nobody:?}");
}

#[test]
fn a_lift_in_a_file_ends_a_block_with_everything_else_dead() {
    let mut town = Town::start();
    let north = town.join("north");
    let id = town.block("24h");
    blocked(north.doors, FIRST[0]);
    town.main.kill();
    let note = town.folder().join("lift.note");
    let file = note.to_str().expect("UTF-8");
    let written = town.person("dora", &["lift", &id, "--why", "A mistake.", "--out", file, "--yes"]);
    assert!(written.err.contains("inbox") && written.code == 0, "{written:?}");
    blocked(north.doors, FIRST[0]);
    fs::copy(&note, town.folder().join("north/state/ledger/inbox/lift.note")).expect("copied");
    eventually("the edge takes it", || is_served(north.doors, FIRST[0]).then_some(()));
}
