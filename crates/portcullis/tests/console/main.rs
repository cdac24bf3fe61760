//! The console and the public pages in a real browser: with a passkey, by keyboard alone, without script, and as axe-core
//! sees them.

#![expect(clippy::tests_outside_test_module, reason = "the whole target is tests")]

mod browser;
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use browser::{Browser, ENTER, SPACE};
use ledger::note::VerifierKey;
use policy::note::PolicyNote;
use policy::testkit::id;
use policy::{Scope, Subject};
use world::World;

const POST: &[u8] = b"# Reasons\n\nA page that asks for passwords of others.\n";
const HOUR: u64 = 3600;

/// A passkey on this browser, named by a policy that is in power.
fn with_passkey(world: &World, browser: &Browser) {
    let made = world.ask("clara", "POST", "/passkeys/links", b"");
    browser.go(made["link"].as_str().expect("a link"));
    browser.shows("A passkey for clara");
    browser.tab_to("form[data-passkey=enrol] button");
    browser.press(ENTER);
    let shown = browser.shows("portcullis officer enrol clara --passkey");
    let listed = world.ask("clara", "GET", "/passkeys", b"");
    let listed = &listed["passkeys"][0];
    assert!(shown.contains(listed["key_id"].as_str().expect("an id")), "{shown}");
    let key = VerifierKey::parse(listed["key"].as_str().expect("a key")).expect("a vkey");
    let mut next = PolicyNote { head: world.house.head("policy-1"), version: 1, ..world.house.policy() };
    let clara = next.persons.iter_mut().find(|p| p.person == id("clara")).expect("clara");
    clara.keys.push(key);
    world.note("policy-1", &next.to_string(), &["anna", "ben", "clara"]);
    let mine = || world.ask("clara", "GET", "/passkeys", b"")["passkeys"][0].clone();
    assert!(!mine()["in_policy"].as_bool().expect("a flag"));
    world.later(25 * HOUR);
    assert!(mine()["in_policy"].as_bool().expect("a flag") && !mine()["decides"].as_bool().expect("a flag"));
    // For a week the policy before judges decisions too.
    world.later(7 * 24 * HOUR);
    assert!(mine()["decides"].as_bool().expect("a flag"));
}

fn log_in(world: &World, browser: &Browser) {
    browser.go(&format!("{}/enter", world.console));
    browser.tab_to("#name");
    browser.press("clara");
    browser.press(ENTER);
    browser.shows("Log out");
}

/// An abuse decision that ben has signed; what is missing is one more.
fn proposed(world: &World, name: &str) {
    let host = ["forum.first.example"];
    let site = Scope::Site(id("site_forum"));
    let subject = Subject { scope: site, ..world.house.subject("cus_first", &host) };
    for blob in [POST, subject.to_string().as_bytes()] {
        world.ask("ben", "POST", "/blobs", blob);
    }
    let impose = world.house.abuse(name, world.now(), &subject, POST);
    world.note(name, &impose.to_string(), &["ben"]);
}

#[test]
fn a_passkey_is_made_logs_in_and_approves_by_keyboard_alone() {
    let (world, browser) = (World::new(), Browser::open(true));
    with_passkey(&world, &browser);
    log_in(&world, &browser);
    proposed(&world, "imp-1");
    browser.go(&format!("{}/proposals/imp-1", world.console));
    let page = browser.shows("Sign with your passkey");
    assert!(page.contains("forum.first.example") && page.contains("asks for passwords"), "{page}");
    browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("console-sign.png"));
    browser.tab_to("#read");
    browser.press(SPACE);
    browser.tab_to("form[data-passkey=sign] button");
    browser.press(ENTER);
    browser.shows("published as entry");
    let entry = world.ask("anna", "GET", "/decisions/imp-1", b"");
    let signers = entry["signers"].as_array().expect("signers");
    assert!(signers.iter().any(|s| s["person"] == "clara"), "{entry}");

    // Power down is one signature, and a telephone is enough.
    browser.tab_to("a[href='/decisions/imp-1']");
    browser.press(ENTER);
    browser.shows("Edge by edge");
    browser.tab_to("summary");
    browser.press(ENTER);
    browser.tab_to("#reason");
    browser.press("the danger");
    browser.tab_to("#why");
    browser.press("The page is gone.");
    browser.tab_to("main form button");
    browser.press(ENTER);
    browser.shows("Sign with your passkey");
    browser.tab_to("#read");
    browser.press(SPACE);
    browser.tab_to("form[data-passkey=sign] button");
    browser.press(ENTER);
    browser.shows("In force now: nothing is blocked");
    assert_eq!(world.ask("anna", "GET", "/decisions/imp-1", b"")["status"], "lifted");

    // A night is over, and somebody leaves.
    browser.tab_to(".who button");
    browser.press(ENTER);
    browser.shows("Log in with your passkey");
    proposed(&world, "imp-2");
    browser.go(&format!("{}/proposals/imp-2", world.console));
    let page = browser.shows("ssh-keygen -Y sign");
    assert!(!page.contains("Sign with your passkey"), "nobody is logged in:\n{page}");
}

/// The work of an analyst: forms need no script, and no mouse.
#[test]
fn a_report_becomes_a_case_by_keyboard_alone_without_script() {
    let (world, browser, plain) = (World::new(), Browser::open(true), Browser::open(false));
    with_passkey(&world, &browser);
    log_in(&world, &browser);
    world.report("rpt-1", "He says he comes on Friday.");
    browser.lend_login(&plain, &format!("{}/enter", world.console));
    plain.go(&format!("{}/reports", world.console));
    plain.shows("threat-to-life");
    plain.tab_to("a[href='/reports/rpt-1']");
    plain.press(ENTER);
    let page = plain.shows("Open a case with it");
    assert!(!page.contains("He says he comes"), "folded until somebody asks:\n{page}");
    plain.tab_to("summary");
    plain.press(ENTER);
    plain.shows("He says he comes on Friday.");
    plain.tab_to("#title");
    plain.press("He comes on Friday");
    plain.press(ENTER);
    plain.shows("The emergency track: closed");
    plain.tab_to("main form button");
    plain.press(ENTER);
    plain.shows("Give it back");
    plain.tab_to("summary");
    plain.press(ENTER);
    plain.tab_to("#criterion");
    plain.press("identified");
    plain.tab_to("#verdict");
    plain.press("unknown");
    plain.tab_to("#why");
    plain.press("Nobody knows yet who it is.");
    plain.tab_to("main form button");
    plain.press(ENTER);
    plain.shows("Nobody knows yet who it is.");
}

#[test]
fn without_script_everything_is_read_and_the_command_line_is_named() {
    let (world, browser) = (World::new(), Browser::open(false));
    proposed(&world, "imp-1");
    browser.go(&format!("{}/enter", world.console));
    browser.shows("A passkey needs script in this browser");
    browser.go(&world.console);
    browser.shows("imp-1");
    browser.tab_to("a[href='/proposals/imp-1']");
    browser.press(ENTER);
    browser.shows("portcullis approve imp-1");
    browser.tab_to("nav a[href='/customers']");
    browser.press(ENTER);
    browser.shows("First Customer");
}

/// Where `make test` unpacks it, and this test too.
fn axe() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp has a parent");
    let done = Command::new(root.join("scripts/axe.sh")).arg(target).output().expect("bash");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let file = PathBuf::from(String::from_utf8_lossy(&done.stdout).trim());
    std::fs::read_to_string(file).expect("axe-core")
}

/// Every page that people see, on a telephone's screen, in light and in dark.
#[test]
fn no_page_has_what_people_stumble_over() {
    let (world, browser, axe) = (World::new(), Browser::open(true), axe());
    let made = world.ask("ben", "POST", "/passkeys/links", b"");
    world.report("rpt-1", "He says he comes on Friday.");
    let case = serde_json::json!({ "id": "cas-1", "title": "Threats", "customer_id": "cus_first", "reports": ["rpt-1"] });
    world.ask("anna", "POST", "/cases", case.to_string().as_bytes());
    let mut pages = vec![(made["link"].as_str().expect("a link").to_owned(), "enrol")];
    with_passkey(&world, &browser);
    proposed(&world, "imp-1");
    let line = {
        let text = world.ask("ben", "GET", "/notes/imp-1", b"")["text"].clone();
        world.house.sign(text.as_str().expect("a text"), "clara").to_string()
    };
    world.ask("clara", "POST", "/notes/imp-1/signatures", line.as_bytes());
    proposed(&world, "imp-2");
    pages.push((format!("{}/enter", world.console), "enter"));
    for path in [
        "",
        "decisions",
        "decisions/imp-1",
        "proposals",
        "proposals/imp-2",
        "reports",
        "reports/rpt-1",
        "cases",
        "cases/cas-1",
        "customers",
        "customers/cus_first",
        "sites",
        "edges",
        "ledger",
        "nothing",
    ] {
        pages.push((format!("{}/{path}", world.console), "console"));
    }
    for path in ["", "posts/imp-1", "report", "contacts", "nothing"] {
        pages.push((format!("{}/{path}", world.press), "press"));
    }
    let mut found = Vec::new();
    for (n, (url, what)) in pages.iter().enumerate() {
        // Before the login it is a page for strangers.
        if n == 2 {
            log_in(&world, &browser);
        }
        browser.go(url);
        browser.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
        found.extend(browser.stumbles(&axe).into_iter().map(|it| format!("{url}: {it}")));
        let wide = browser.run("return document.documentElement.scrollWidth > innerWidth");
        if wide == serde_json::Value::Bool(true) {
            found.push(format!("{url}: it is wider than a telephone"));
        }
        if let Some(folder) = std::env::var_os("PORTCULLIS_PICTURES") {
            browser.picture(&Path::new(&folder).join(format!("{n:02}-{what}.png")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
