//! Golden notes, one file a kind: what every later version must read, byte for byte.

use super::*;
use crate::testkit::{House, id, sentence};
use crate::{Scope, Time};
use alloc::{format, vec::Vec};
use ledger::Hash;

/// Name, text of the file, text as this version writes it.
fn golden() -> Vec<(&'static str, &'static str, String)> {
    let mut all = of_people();
    all.extend(of_machines());
    all
}

/// What concerns our own machines.
fn of_machines() -> Vec<(&'static str, &'static str, String)> {
    let house = House::demo(Time(1_795_305_600)).configured();
    let witness = |name: &str, n: u8| {
        ledger::note::SigningKey::from_seed(&format!("demo:{name}"), [n; 32]).expect("a name").cosigner()
    };
    let rekey = PolicyNote {
        head: house.head("policy-1"),
        version: 1,
        log: ledger::note::SigningKey::from_seed(&house.origin, [7; 32]).expect("a name").verifier(),
        log_from: Some((5, Hash::of(b"root"))),
        witnesses: Vec::from([witness("witness-1", 8), witness("witness-2", 9)]),
        ..house.policy()
    };
    let config = Config {
        head: house.head("cfg-2"),
        version: 2,
        previous: Some(Hash::of(b"sites before")),
        snapshot: Hash::of(b"sites"),
        customers: 120,
        hostnames: 4_711,
        withdrawn: 1,
        lowered: 0,
        time: Time::parse("2026-11-22T23:15:00Z").expect("a time"),
    };
    Vec::from([
        ("config", include_str!("golden/config.txt"), config.to_string()),
        ("policy-rekey", include_str!("golden/policy-rekey.txt"), rekey.to_string()),
    ])
}

/// What people sign.
fn of_people() -> Vec<(&'static str, &'static str, String)> {
    let house = House::demo(Time(1_795_305_600));
    let at = Time::parse("2026-11-22T23:15:00Z").expect("a time");
    let subject = house.subject("cus_first", &["one.first.example", "two.first.example"]);
    let site = crate::Subject { scope: Scope::Site(id("site_one")), ..subject.clone() };
    let impose = house.emergency("imp-1", at, "fnd-1", &subject, b"post");
    let withheld = Withheld {
        reason: WithholdReason::VictimSafety,
        narrative: Hash::of(b"narrative"),
        opens: at.plus(30 * 86_400),
    };
    let refuse = Refuse {
        head: house.head("ref-1"),
        case: id("cas-2"),
        class: Class::Emergency,
        asked_by: AskedBy::Reporter,
        time: at,
        why: sentence("Revolting, but no threat to anybody."),
    };
    let suspend = Suspend {
        head: house.head("sus-1"),
        key: house.policy().persons[1].keys[0].to_string(),
        time: at,
        until: at.plus(7 * 86_400),
        why: sentence("The laptop was stolen."),
    };
    let order = LegalOrder { authority: id("aut-court-berlin"), document: Hash::of(b"order") };
    Vec::from([
        ("finding", include_str!("golden/finding.txt"), house.finding("fnd-1", at, &subject).to_string()),
        ("impose-emergency", include_str!("golden/impose-emergency.txt"), impose.to_string()),
        (
            "impose-abuse",
            include_str!("golden/impose-abuse.txt"),
            house.abuse("imp-2", at, &site, b"post").to_string(),
        ),
        (
            "impose-standing",
            include_str!("golden/impose-standing.txt"),
            Impose {
                class: Class::Standing,
                finding: None,
                withheld: Some(withheld),
                since: at.plus(31 * 86_400),
                until: at.plus(300 * 86_400),
                ..impose.clone()
            }
            .to_string(),
        ),
        (
            "impose-order",
            include_str!("golden/impose-order.txt"),
            Impose { class: Class::Order, finding: None, order: Some(order), ..impose.clone() }.to_string(),
        ),
        ("continue", include_str!("golden/continue.txt"), house.validation("con-1", &impose).to_string()),
        ("lift", include_str!("golden/lift.txt"), house.lift("lif-1", "imp-1", at).to_string()),
        ("refuse", include_str!("golden/refuse.txt"), refuse.to_string()),
        ("suspend", include_str!("golden/suspend.txt"), suspend.to_string()),
        ("policy", include_str!("golden/policy.txt"), house.policy().to_string()),
    ])
}

#[test]
fn golden_files_are_what_this_version_writes_and_reads() {
    for (name, file, written) in golden() {
        assert_eq!(written, file, "{name}");
        let note = AnyNote::parse(file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(note.to_text(), file, "{name}");
    }
}

/// A note without a line, with a line twice, or with two lines exchanged is another text or none: never the same
/// note, and never one that reads but prints otherwise.
#[test]
fn every_line_is_needed_once_and_in_its_place() {
    for (name, file, _) in golden() {
        let lines: Vec<&str> = file.lines().collect();
        for i in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(i);
            let mut twice = lines.clone();
            twice.insert(i, lines[i]);
            let mut swapped = lines.clone();
            swapped.swap(i, (i + 1).min(lines.len() - 1));
            for (how, changed) in [("without", without), ("twice", twice), ("swapped", swapped)] {
                let text = changed.join("\n") + "\n";
                if text == file {
                    continue;
                }
                let key = lines[i].split(' ').next().unwrap_or_default();
                // A policy with fewer keys is a policy; it is another one, and nobody signed it.
                let read = AnyNote::parse(&text);
                assert!(
                    read.is_err() || (name.starts_with("policy") && ["key", "witness"].contains(&key)),
                    "{name}: line {i} {how} is read\n{text}"
                );
            }
        }
    }
}

#[test]
fn other_spellings_are_refused() {
    for (name, file, _) in golden() {
        for changed in [
            file.replace('\n', "\r\n"),
            file.trim_end().into(),
            format!("{file}\n"),
            format!("{file}extra line\n"),
            format!(" {file}"),
            file.replacen(' ', "  ", 1),
            file.replace("/v1\n", "/v2\n"),
            file.replacen("origin demo:localhost/ledger", "origin demo:local host", 1),
        ] {
            assert!(AnyNote::parse(&changed).is_err(), "{name}: {changed:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC*") {
        drop(AnyNote::parse(&text));
        drop(crate::Subject::parse(&text));
        drop(crate::assessment::Assessment::parse(&text));
        drop(crate::Trust::parse(&text));
        drop(crate::entry::Entry::parse(text.as_bytes()));
    }

    #[test]
    fn what_reads_prints_the_same(which in 0usize..12, at in 0usize..400, with in "[ -~\n]{0,6}") {
        let (_, file, _) = golden().swap_remove(which);
        let at = at.min(file.len());
        let changed = format!("{}{with}{}", &file[..at], &file[at..]);
        if let Ok(note) = AnyNote::parse(&changed) {
            assert_eq!(note.to_text(), changed);
        }
    }
}
