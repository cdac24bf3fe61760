//! Forgeries: each has no effect on any edge and shows in a count, and the genuine thing works right after, so that
//! none of these tests passes because nothing works.

use crate::forger::{Forger, entry, now, second_key};
use crate::process::eventually;
use crate::town::{Edge, FIRST, SECOND, Town};
use crate::visitor::{Doors, Way, ask, get};
use ledger::Hash;
use ledger::note::{Note, Signature};
use ledger::testkit::SshKey;
use ledger::tile::{EntriesPath, decode_bundle, encode_bundle};
use policy::note::{Impose, PolicyNote};
use policy::testkit::House;
use policy::{Subject, Time};
use std::fs;

const POST: &[u8] = b"# Reasons\n\nThe danger is imminent.\n";

/// What a forger writes into the log: a case has ids of its own, so cases do not disturb each other.
struct Case<'a> {
    name: &'static str,
    forger: &'a Forger,
    now: Time,
}

impl Case<'_> {
    fn house(&self) -> &House {
        &self.forger.house
    }

    fn subject(&self) -> Subject {
        subject(self.house())
    }

    fn finding(&self, by: &[&str]) -> Vec<u8> {
        let text = self.house().finding(&format!("fnd-{}", self.name), self.now, &self.subject()).to_string();
        self.house().entry(self.now, &text, by)
    }

    fn impose(&self) -> Impose {
        let (name, finding) = (format!("imp-{}", self.name), format!("fnd-{}", self.name));
        self.house().emergency(&name, self.now, &finding, &self.subject(), POST)
    }

    fn signed(&self, impose: &Impose, by: &[&str]) -> Vec<u8> {
        self.house().entry(self.now, &impose.to_string(), by)
    }
}

/// The whole first customer. A subject names its hostnames in their order.
fn subject(house: &House) -> Subject {
    let mut names = FIRST;
    names.sort_unstable();
    house.subject("cus_first", &names)
}

/// Name of the case, how many of its entries must be refused, the entries.
type Forgery = (&'static str, u64, fn(&Case<'_>) -> Vec<Vec<u8>>);

const GOOD: [&str; 2] = ["anna", "ben"];
const QUORUM: [&str; 2] = ["ben", "clara"];

const FORGERIES: &[Forgery] = &[
    ("one-signature", 1, |c| vec![c.finding(&GOOD), c.signed(&c.impose(), &["ben"])]),
    ("nobody", 1, |c| vec![c.finding(&GOOD), c.signed(&c.impose(), &["emil"])]),
    ("two-keys-of-one", 2, |c| {
        let text = c.house().finding("fnd-two-keys-of-one", c.now, &c.subject()).to_string();
        let mut note = c.house().signed(&text, &["ben"]);
        note.add(second_key().sign(&text).expect("a valid name"));
        vec![entry(c.now, note), c.signed(&c.impose(), &QUORUM)]
    }),
    ("approved-by-own-key", 1, |c| {
        let text = c.impose().to_string();
        let mut note = c.house().signed(&text, &["ben"]);
        note.add(second_key().sign(&text).expect("a valid name"));
        vec![c.finding(&GOOD), entry(c.now, note)]
    }),
    ("signed-before", 1, |c| vec![c.finding(&["anna", "clara"]), c.signed(&c.impose(), &QUORUM)]),
    ("not-independent", 1, |c| vec![c.finding(&["anna", "clara"]), c.signed(&c.impose(), &["anna", "ben"])]),
    ("no-finding", 1, |c| vec![c.signed(&c.impose(), &QUORUM)]),
    ("one-assessor", 2, |c| vec![c.finding(&["anna"]), c.signed(&c.impose(), &QUORUM)]),
    ("other-subject", 1, |c| {
        let subject = c.house().subject("cus_second", &[SECOND]);
        let impose = Impose { subject: Hash::of(subject.to_string().as_bytes()), ..c.impose() };
        vec![c.finding(&GOOD), c.signed(&impose, &QUORUM)]
    }),
    ("too-long", 1, |c| {
        let impose = c.impose();
        vec![
            c.finding(&GOOD),
            c.signed(&Impose { until: impose.since.plus(48 * 3600 + 1), ..impose }, &QUORUM),
        ]
    }),
    ("too-late", 1, |c| {
        let proposed = Time(c.now.0 - 3601);
        let impose = Impose { proposed, approve_by: proposed.plus(3600), ..c.impose() };
        vec![c.finding(&GOOD), c.signed(&impose, &QUORUM)]
    }),
    ("long-approval", 1, |c| {
        let impose = c.impose();
        vec![
            c.finding(&GOOD),
            c.signed(&Impose { approve_by: impose.proposed.plus(3601), ..impose }, &QUORUM),
        ]
    }),
    ("elsewhere", 2, |c| {
        let other = House::new("demo:elsewhere/ledger", c.house().start);
        let finding = other.finding("fnd-elsewhere", c.now, &c.subject()).to_string();
        let impose = other.emergency("imp-elsewhere", c.now, "fnd-elsewhere", &c.subject(), POST).to_string();
        vec![other.entry(c.now, &finding, &GOOD), other.entry(c.now, &impose, &QUORUM)]
    }),
    ("our-people-elsewhere", 1, |c| {
        let other = House::new("demo:elsewhere/ledger", c.house().start);
        let impose = other.emergency("imp-ours", c.now, "fnd-our-people-elsewhere", &c.subject(), POST);
        vec![c.finding(&GOOD), c.signed(&impose, &QUORUM)]
    }),
    ("changed-after-signing", 1, |c| {
        let before = c.house().signed(&c.impose().to_string(), &QUORUM);
        let longer = Impose { ground_version: 2, ..c.impose() };
        let mut note = Note::new(&longer.to_string()).expect("a note's text");
        for it in before.signatures() {
            note.add(it.clone());
        }
        vec![c.finding(&GOOD), entry(c.now, note)]
    }),
    ("stranger-with-a-name", 1, |c| {
        let text = c.impose().to_string();
        let mut note = c.house().signed(&text, &["ben"]);
        note.add(SshKey::from_seed("demo:clara", [9; 32]).sign(&text).expect("a valid name"));
        vec![c.finding(&GOOD), entry(c.now, note)]
    }),
    ("back-in-time", 1, |c| {
        let before = Time(c.now.0 - 7200);
        vec![c.finding(&GOOD), c.house().entry(before, &c.impose().to_string(), &QUORUM)]
    }),
    ("loose-policy", 1, |c| {
        let mut policy =
            PolicyNote { head: c.house().head("policy-loose"), version: 1, ..c.forger.policy.clone() };
        policy.bounds.emergency_hours = 49;
        vec![c.house().entry(c.now, &policy.to_string(), &["anna", "ben", "clara", "dora", "emil"])]
    }),
    ("not-a-note", 4, |c| {
        let stamp = format!("logged {}\n", c.now.0).into_bytes();
        let noise = [&stamp[..], &[0xff; 200]].concat();
        let unsigned = [&stamp[..], c.impose().to_string().as_bytes()].concat();
        vec![Vec::new(), noise, unsigned, vec![b'a'; ledger::tile::MAX_ENTRY]]
    }),
    ("crowd", 1, |c| {
        let text = c.impose().to_string();
        let good = c.house().signed(&text, &QUORUM).to_bytes();
        let crowd: Vec<u8> = (0..ledger::note::MAX_SIGNATURES)
            .flat_map(|i| {
                let one = Signature { name: format!("nobody-{i}"), key_id: [1, 2, 3, 4], bytes: vec![7; 64] };
                format!("{one}\n").into_bytes()
            })
            .collect();
        let stamp = format!("logged {}\n", c.now.0).into_bytes();
        vec![c.finding(&GOOD), [stamp, good, crowd].concat()]
    }),
    ("wrong-grammar", 1, |c| {
        let text = c.impose().to_string().replacen("class emergency\n", "class emergency\nforever yes\n", 1);
        vec![c.finding(&GOOD), c.house().entry(c.now, &text, &QUORUM)]
    }),
];

/// Even with the log's own key and every byte on the wire, nothing but the quorum blocks.
#[test]
fn entries_forged_with_the_stolen_log_key_have_no_effect_and_are_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut forger = Forger::new();
    let subject = subject(&forger.house).to_string();
    forger.blob(&Hash::of(subject.as_bytes()), subject.as_bytes());
    forger.blob(&Hash::of(POST), POST);
    let edge = forger.edge(&folder);
    forger.receipt("of entry 0", |said| said.size == 1);
    for (name, refused, make) in FORGERIES {
        let before = forger.last().expect("there is one").refused;
        let entries = make(&Case { name, forger: &forger, now: now() });
        forger.append(entries);
        let said = forger.receipt(name, |said| said.size == forger.size());
        assert_eq!((said.refused - before, said.measures.as_str()), (*refused, "none"), "{name}: {said:?}");
        nobody_is_blocked(edge.doors, name);
    }
    the_genuine_thing_works(&mut forger, &edge);
}

/// The control: a true decision blocks, after which forged ways out of it and back into it have no effect either.
fn the_genuine_thing_works(forger: &mut Forger, edge: &Edge) {
    let genuine = {
        let case = Case { name: "genuine", forger, now: now() };
        vec![case.finding(&GOOD), case.signed(&case.impose(), &QUORUM)]
    };
    let replay = genuine[1].clone();
    // Unlogged: the same note by any other way is nothing.
    let note = replay.splitn(2, |byte| *byte == b'\n').nth(1).expect("an entry has two parts").to_vec();
    let before = forger.last().expect("there is one").refused;
    knock(edge, &note, false);
    nobody_is_blocked(edge.doors, "unlogged");
    forger.append(genuine);
    let said = forger.receipt("the genuine block", |said| said.measures == "imp-genuine");
    assert!(said.refused > before, "the unlogged note was counted: {said:?}");
    eventually("the genuine block", || {
        (get(edge.doors, Way::Http, FIRST[0], "/").status == 403).then_some(())
    });

    // A lift by a key that nobody knows, in the log and at the door.
    let text = forger.house.lift("lft-forged", "imp-genuine", now()).to_string();
    let mut forged = Note::new(&text).expect("a note's text");
    forged.add(SshKey::from_seed("demo:dora", [9; 32]).sign(&text).expect("a valid name"));
    knock(edge, &forged.to_bytes(), false);
    knock(edge, &vec![b'a'; policy::MAX_UNDO + 1], false);
    let before = forger.last().expect("there is one").refused;
    forger.append([entry(now(), forged)]);
    let said = forger.receipt("the forged lift", |said| said.size == forger.size());
    assert!(said.refused > before && said.measures == "imp-genuine", "{said:?}");
    assert_eq!(get(edge.doors, Way::Http, FIRST[0], "/").status, 403);

    // The genuine lift at the door; then the old block again under its id.
    let text = forger.house.lift("lft-genuine", "imp-genuine", now()).to_string();
    let lift = forger.house.signed(&text, &["dora"]);
    knock(edge, &lift.to_bytes(), true);
    nobody_is_blocked(edge.doors, "lifted");
    forger.append([entry(now(), lift), replay]);
    let said = forger.receipt("the replay", |said| said.size == forger.size());
    assert_eq!(said.measures, "none", "{said:?}");
    nobody_is_blocked(edge.doors, "replayed");
}

/// POSTs a note at the edge's door for lifts.
fn knock(edge: &Edge, note: &[u8], taken: bool) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("note");
    fs::write(&file, note).expect("a folder of the test's own");
    let data = format!("@{}", file.display());
    let more = ["--data-binary", data.as_str(), "--header", "Content-Type: text/plain"];
    let answer = ask(edge.doors, Way::Http, FIRST[0], "/.well-known/portcullis/lift", &more);
    assert_eq!((200..300).contains(&answer.status), taken, "{answer:#?}");
    assert!(taken || (400..500).contains(&answer.status), "{answer:#?}");
}

fn nobody_is_blocked(doors: Doors, why: &str) {
    for host in FIRST.into_iter().chain([SECOND]) {
        let answer = get(doors, Way::Http, host, "/");
        assert_eq!(answer.status, 200, "{why}, {host}: {answer:#?}");
    }
}

/// Name, and what is served instead of the truth.
type Lie = (&'static str, fn(&Forger));

const LIES: &[Lie] = &[
    ("an old checkpoint", |it| it.serve_history(&it.entries()[..1])),
    ("a fork of the same length", |it| {
        let mut entries = it.fork();
        entries.push(it.entries()[1].clone());
        entries.push(b"logged 1\nanother history\n".to_vec());
        it.serve_history(&entries);
    }),
    ("a longer fork", |it| {
        let mut entries = it.fork();
        entries.resize(6, b"logged 1\nanother history\n".to_vec());
        it.serve_history(&entries);
    }),
    ("a checkpoint of another key", |it| {
        let mut other = House::demo(it.house.start);
        other.log = ledger::note::SigningKey::from_seed(&it.house.origin, [5; 32]).expect("a valid name");
        it.change(|files| {
            let text = String::from_utf8(files["checkpoint"].clone()).expect("a checkpoint is text");
            let text =
                format!("{}\n", text.split("\n\n").next().expect("a note").replacen("\n3\n", "\n4\n", 1));
            let mut note = Note::new(&text).expect("a note's text");
            note.add(other.log.sign(&text));
            files.insert("checkpoint".into(), note.to_bytes());
        });
    }),
    ("noise for a checkpoint", |it| {
        it.change(|files| drop(files.insert("checkpoint".into(), vec![0xff; 1 << 20])));
    }),
];

/// Whoever owns the network or the log's key cannot take an edge back, sideways, or anywhere it was not.
#[test]
fn forked_old_and_foreign_checkpoints_change_nothing_and_are_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut forger = Forger::new();
    let edge = forger.edge(&folder);
    block(&mut forger, "held");
    for (name, lie) in LIES {
        let before = forger.last().expect("there is one");
        lie(&forger);
        let said = forger.receipt(name, |said| said.refused > before.refused);
        assert_eq!((said.size, said.measures.as_str()), (3, "imp-held"), "{name}: {said:?}");
        assert_eq!(get(edge.doors, Way::Http, FIRST[0], "/").status, 403, "{name}");
        forger.publish();
    }
    // A key that signed two histories is followed no more; a lift in its log still gets through, for it needs no log.
    let lift = forger.house.lift("lft-true", "imp-held", now()).to_string();
    let lift = forger.house.entry(now(), &lift, &["dora"]);
    forger.append([lift]);
    forger.receipt("the lift alone", |said| said.size == 3 && said.measures == "none");
    nobody_is_blocked(edge.doors, "lifted");
}

/// A true block of the first customer, in force.
fn block(forger: &mut Forger, name: &'static str) {
    let case = Case { name, forger, now: now() };
    let subject = case.subject().to_string();
    let entries = vec![case.finding(&GOOD), case.signed(&case.impose(), &QUORUM)];
    forger.blob(&Hash::of(subject.as_bytes()), subject.as_bytes());
    forger.blob(&Hash::of(POST), POST);
    forger.append(entries);
    forger.receipt("the block", |said| said.measures == format!("imp-{name}"));
}

/// Bytes on the way or on the server's disk are changed: the edge stays where it was until the true ones come.
#[test]
fn changed_tiles_and_blobs_are_refused_and_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut forger = Forger::new();
    let edge = forger.edge(&folder);
    forger.receipt("of entry 0", |said| said.size == 1);
    let case = Case { name: "true", forger: &forger, now: now() };
    let subject = case.subject().to_string();
    let entries = vec![case.finding(&GOOD), case.signed(&case.impose(), &QUORUM)];

    // An entry that says something else than what the checkpoint's root stands for.
    let before = forger.last().expect("there is one");
    forger.append_changed(entries, |files| {
        let path = EntriesPath { index: 0, width: 3 }.to_string();
        let mut bundle = decode_bundle(&files[&path]).expect("a bundle");
        let last = bundle[2].len() - 2;
        bundle[2][last] ^= 1;
        files.insert(path, encode_bundle(&bundle).expect("entries fit"));
    });
    let said = forger.receipt("a changed tile", |said| said.refused > before.refused);
    assert_eq!((said.size, said.measures.as_str()), (1, "none"), "{said:?}");
    nobody_is_blocked(edge.doors, "changed tile");

    // The true tile, but blobs with other words under the same names, and then one that never ends.
    forger.blob(&Hash::of(subject.as_bytes()), subject.replacen("first", "third", 1).as_bytes());
    forger.blob(&Hash::of(POST), b"# Other reasons\n");
    forger.publish();
    let before = forger.receipt("the true tile", |said| said.size == 3);
    let said = forger.receipt("the false blobs are counted", |said| said.refused > before.refused);
    assert_eq!(said.measures, "none", "{said:?}");
    nobody_is_blocked(edge.doors, "changed blobs");

    forger.blob(&Hash::of(subject.as_bytes()), subject.as_bytes());
    forger.blob(&Hash::of(POST), &vec![b'a'; 16 * policy::MAX_POST]);
    let said = forger.receipt("the endless blob is counted", |now| now.refused > said.refused);
    assert_eq!(said.measures, "none", "{said:?}");
    nobody_is_blocked(edge.doors, "oversized blob");

    forger.blob(&Hash::of(POST), POST);
    forger.receipt("the true blobs", |said| said.measures == "imp-true");
    eventually("the block", || (get(edge.doors, Way::Http, FIRST[0], "/").status == 403).then_some(()));
}

/// The sites file is plain configuration; moving hostnames in it is no way out of a block and no way into one.
#[test]
fn a_hostname_moved_off_or_onto_the_blocked_customer_changes_nothing() {
    let town = Town::start();
    let id = town.block("24h");
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();
    let file = town.home().join("sites.toml");
    let text = fs::read_to_string(&file).expect("the town has sites");
    // The blocked name goes to the neighbour, the neighbour's to the blocked customer; a new name shows that it was read.
    let swapped = text
        .replacen(FIRST[0], "swap", 1)
        .replacen(SECOND, FIRST[0], 1)
        .replacen("swap", SECOND, 1)
        .replacen(&format!("\"{}\"]", FIRST[0]), &format!("\"{}\", \"new.second.localhost\"]", FIRST[0]), 1);
    assert_ne!(swapped, text);
    fs::write(&file, swapped).expect("a folder of the test's own");
    eventually("the sites are read again", || {
        (get(town.doors(), Way::Http, "new.second.localhost", "/").status == 200).then_some(())
    });
    for (host, status) in [(FIRST[0], 403), (FIRST[1], 403), (FIRST[2], 403), (SECOND, 200)] {
        assert_eq!(get(town.doors(), Way::Http, host, "/").status, status, "{host}");
    }
    assert_eq!(town.figure("portcullis_edge_hostnames_kept"), 1);
    assert_eq!(town.figure("portcullis_edge_hostnames_spared"), 1);
}

/// The desk refuses early what edges would refuse anyway, says so, and keeps nothing of it.
#[test]
fn the_desk_takes_no_second_signature_of_somebody_who_signed_before() {
    let town = Town::start();
    let id = town.propose("24h");
    let size = town.status()["size"].clone();
    for name in ["ben", "anna", "dora"] {
        let done = town.person(name, &["approve", &id, "--yes"]);
        assert_eq!(done.code, 77, "{name}: {done:#?}");
        assert!(done.err.contains("signed it already") || done.err.contains("would not count"), "{done:#?}");
        assert_eq!(town.status()["size"], size, "{name} must not be able to complete it");
        nobody_is_blocked(town.doors(), name);
    }
    town.person("clara", &["approve", &id, "--yes"]).ok();
    town.cli(&["status", &id, "--watch", "--timeout", "120s"]).ok();
    assert_eq!(get(town.doors(), Way::Http, FIRST[0], "/").status, 403);
}
