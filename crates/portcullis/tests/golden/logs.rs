//! The stories that the golden logs tell. Together they hold every kind of note, accepted and refused.

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Tree, leaf_hash, new_tiles};
use ledger::note::{Note, SigningKey};
use ledger::tile::{EntriesPath, encode_bundle};
use policy::entry::Entry;
use policy::note::{
    AskedBy, Class, Config, Continue, ContinueReason, Impose, LegalOrder, PolicyNote, Refuse, Role, Suspend,
};
use policy::testkit::{House, id, sentence};
use policy::{Scope, Subject, Time};
use std::collections::BTreeMap;

const START: Time = Time(1_795_305_600);
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const POST: &[u8] = b"# Reasons\n\nWhy.\n";
const QUORUM: [&str; 2] = ["ben", "clara"];
const ASSESSORS: [&str; 2] = ["anna", "ben"];
const MAJORITY: [&str; 3] = ["anna", "ben", "clara"];

/// A log in the making.
pub(crate) struct Log {
    house: House,
    entries: Vec<Vec<u8>>,
    blobs: Vec<Vec<u8>>,
    /// Who signs checkpoints now.
    key: SigningKey,
    cosigners: Vec<usize>,
    /// When to ask what is in force.
    pub(crate) moments: Vec<Time>,
    /// What the verdict must contain, so that the story keeps proving something.
    pub(crate) must_have: &'static [&'static str],
}

impl Log {
    fn new(house: House) -> Self {
        let key = SigningKey::parse(&house.log.encode()).expect("its own encoding");
        let entries = vec![house.entry0()];
        let blobs = vec![POST.to_vec()];
        Self { house, entries, blobs, key, cosigners: Vec::new(), moments: Vec::new(), must_have: &[] }
    }

    fn tree(&self) -> Tree {
        self.entries.iter().map(|entry| leaf_hash(entry)).collect()
    }

    fn log(&mut self, at: Time, text: &impl ToString, names: &[&str]) {
        self.entries.push(self.house.entry(at, &text.to_string(), names));
    }

    fn note(&mut self, at: Time, note: Note) {
        self.entries.push(Entry { logged: at, note }.to_bytes());
    }

    fn subject(&mut self, customer: &str, scope: Scope, hosts: &[&str]) -> Subject {
        let subject = Subject { scope, ..self.house.subject(customer, hosts) };
        self.blobs.push(subject.to_string().into_bytes());
        subject
    }

    /// A finding and an emergency of 48 hours, with their quorums.
    fn emergency(&mut self, n: &str, at: Time, subject: &Subject) -> Impose {
        let finding = self.house.finding(&format!("fnd-{n}"), at, subject);
        self.log(at, &finding, &ASSESSORS);
        let impose = self.house.emergency(&format!("imp-{n}"), at, &format!("fnd-{n}"), subject, POST);
        self.log(at.plus(60), &impose, &QUORUM);
        impose
    }

    /// All files as a press serves them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let tree = self.tree();
        let size = tree.len();
        let mut files: BTreeMap<String, Vec<u8>> =
            new_tiles(&tree, 0, size).into_iter().map(|(path, bytes)| (path.to_string(), bytes)).collect();
        let width = u16::try_from(size).expect("one bundle");
        let path = EntriesPath { index: 0, width };
        files.insert(path.to_string(), encode_bundle(&self.entries).expect("short"));
        for blob in &self.blobs {
            files.insert(format!("blob/{}", Hash::of(blob)), blob.clone());
        }
        let root = tree.root_at(size).expect("whole");
        let text = Checkpoint { origin: self.house.origin.clone(), size, root }.to_text();
        let mut note = Note::new(&text).expect("a checkpoint");
        note.add(self.key.sign(&text));
        for n in &self.cosigners {
            note.add(self.house.witnesses[*n].cosign(&text, START.0));
        }
        files.insert("checkpoint".into(), note.to_bytes());
        let trust = policy::Trust { entry0: Hash::of(&self.entries[0]), ..self.house.trust() };
        files.insert("trust".into(), format!("{trust}\n").into_bytes());
        files
    }
}

pub(crate) fn all() -> Vec<(&'static str, Log)> {
    vec![
        ("emergency", emergency()),
        ("orders-and-others", orders_and_others()),
        ("undone", undone()),
        ("policies", policies()),
        ("hours", hours()),
        ("passkeys", passkeys()),
    ]
}

/// Passkeys beside SSH keys: what they may sign alone, and what they may not.
fn passkeys() -> Log {
    let mut log = Log::new(House::demo(START).with_passkeys());
    let subject = log.subject("cus_first", Scope::Customer, &["one.first.example"]);
    let at = START.plus(HOUR);
    let finding = log.house.finding("fnd-1", at, &subject);
    log.log(at, &finding, &["phone:anna", "phone:ben"]);
    let impose = log.house.emergency("imp-1", at.plus(60), "fnd-1", &subject, POST);
    log.log(at.plus(60), &impose, &["phone:ben", "phone:clara"]);
    log.log(at.plus(120), &impose, &["ben", "phone:clara"]);
    let validation = log.house.validation("con-1", &impose);
    log.log(at.plus(HOUR), &validation, &["phone:dora"]);
    log.log(at.plus(2 * HOUR), &validation, &["phone:dora", "dora"]);
    log.log(at.plus(3 * HOUR), &log.house.lift("lif-1", "imp-1", at.plus(3 * HOUR)), &["phone:emil"]);
    let next = PolicyNote { head: log.house.head("policy-1"), version: 1, ..log.house.policy() };
    log.log(at.plus(4 * HOUR), &next, &["phone:anna", "phone:ben", "phone:clara"]);
    log.log(at.plus(5 * HOUR), &next, &["phone:anna", "ben", "phone:clara"]);
    log.moments = vec![at.plus(90), at.plus(120), at.plus(3 * HOUR)];
    log.must_have = &["imp-1"];
    log
}

/// One emergency as it should go, and all that is refused on the way.
fn emergency() -> Log {
    let mut log = Log::new(House::demo(START));
    let subject = log.subject("cus_first", Scope::Customer, &["one.first.example", "two.first.example"]);
    let at = START.plus(HOUR);
    let finding = log.house.finding("fnd-1", at, &subject);
    log.log(at, &finding, &["anna"]);
    log.log(at, &finding, &["anna", "clara"]);
    log.log(at, &finding, &ASSESSORS);
    let impose = log.house.emergency("imp-1", at.plus(60), "fnd-1", &subject, POST);
    let again = |name: &str| Impose { head: log.house.head(name), ..impose.clone() };
    let (long, late, other) = (again("imp-long"), again("imp-late"), again("imp-other"));
    log.log(at.plus(60), &impose, &["ben"]);
    log.log(at.plus(60), &impose, &["anna", "ben"]);
    log.log(at.plus(60), &impose, &["ben", "dora"]);
    log.log(at.plus(60), &Impose { until: long.since.plus(48 * HOUR + 1), ..long }, &QUORUM);
    log.log(at.plus(60), &Impose { subject: Hash::of(b"somebody else"), ..other }, &QUORUM);
    log.entries.push(b"logged 1\nno note at all\n".to_vec());
    log.log(at.plus(120), &impose, &QUORUM);
    log.log(at.plus(180), &impose, &QUORUM);
    log.log(at.plus(2 * HOUR), &late, &QUORUM);
    let validation = log.house.validation("con-1", &impose);
    log.log(at.plus(40 * HOUR), &validation, &["anna"]);
    log.log(at.plus(40 * HOUR), &validation, &["dora"]);
    let refuse = Refuse {
        head: log.house.head("ref-1"),
        case: id("cas-2"),
        class: Class::Order,
        asked_by: AskedBy::Authority,
        time: at,
        why: sentence("Not authentic."),
    };
    log.log(at.plus(41 * HOUR), &refuse, &[]);
    log.log(at.plus(41 * HOUR), &refuse, &["emil"]);
    let more = at.plus(60 * HOUR);
    let second = log.house.finding("fnd-2", more, &subject);
    log.log(more, &second, &["anna", "ben"]);
    let extension = Continue {
        head: log.house.head("con-2"),
        reason: ContinueReason::Extended,
        until: impose.since.plus(144 * HOUR),
        finding: Some(id("fnd-2")),
        ..validation
    };
    log.log(more.plus(60), &extension, &QUORUM);
    log.log(more.plus(60), &extension, &["emil", "clara"]);
    log.log(more.plus(90), &Continue { head: log.house.head("con-3"), ..extension }, &["emil", "clara"]);
    log.moments = [at, at.plus(200), at.plus(50 * HOUR), at.plus(100 * HOUR), at.plus(145 * HOUR)].into();
    log.must_have = &["imp-1", "con-2", "\"effect\": false"];
    log
}

/// Orders, abuse, standing decisions, configurations and what one hour may block.
fn orders_and_others() -> Log {
    let mut log = Log::new(House::demo(START).configured().witnessed(3, 2));
    log.cosigners = vec![0, 2];
    let at = START.plus(HOUR);
    let config = |log: &Log, version: u64, withdrawn: u64| Config {
        head: log.house.head(&format!("cfg-{version}")),
        version,
        previous: (version > 1).then(|| Hash::of(format!("sites {}", version - 1).as_bytes())),
        snapshot: Hash::of(format!("sites {version}").as_bytes()),
        customers: 100,
        hostnames: 400,
        withdrawn,
        lowered: 0,
        time: at,
    };
    let (one, two) = (config(&log, 1, 0), config(&log, 2, 1));
    let signed = |log: &Log, config: &Config, names: &[&str]| log.house.config_note(config, names);
    for note in [
        signed(&log, &two, &ASSESSORS),
        signed(&log, &one, &[]),
        signed(&log, &two, &["anna"]),
        signed(&log, &two, &ASSESSORS),
    ] {
        log.note(at, note);
    }
    log.log(
        at,
        &Config { head: log.house.head("cfg-3"), version: 3, previous: Some(two.snapshot), ..two },
        &MAJORITY,
    );
    let site = log.subject("cus_second", Scope::Site(id("site_one")), &["shop.second.example"]);
    let abuse = log.house.abuse("imp-abuse", at, &site, POST);
    log.log(at, &abuse, &["anna"]);
    log.log(at, &Impose { scope: policy::ScopeKind::Customer, ..abuse.clone() }, &ASSESSORS);
    log.log(at, &abuse, &ASSESSORS);
    let order = Some(LegalOrder { authority: id("aut-court-berlin"), document: Hash::of(b"order") });
    let ordered = Impose {
        head: log.house.head("imp-order"),
        class: Class::Order,
        ground: id("legal-order"),
        until: at.plus(90 * DAY),
        order: order.clone(),
        ..abuse.clone()
    };
    log.log(at, &ordered, &["anna", "ben"]);
    log.log(at, &ordered, &["anna", "emil"]);
    let standing = Impose {
        head: log.house.head("imp-standing"),
        class: Class::Standing,
        ground: id("published-rule"),
        since: at.plus(31 * DAY),
        until: at.plus(300 * DAY),
        ..abuse.clone()
    };
    log.log(at, &Impose { since: at.plus(29 * DAY), ..standing.clone() }, &MAJORITY);
    log.log(at, &standing, &MAJORITY);
    let fourth = Impose { head: log.house.head("imp-fourth"), ..abuse.clone() };
    log.log(at.plus(HOUR - 1), &Impose { proposed: at, ..fourth.clone() }, &ASSESSORS);
    log.log(at.plus(HOUR - 1), &fourth, &["anna", "ben", "dora"]);
    let takes_over = |name: &str, log: &Log, from: Time| Continue {
        head: log.house.head(name),
        continues: id("imp-abuse"),
        reason: ContinueReason::Order,
        until: from.plus(80 * DAY),
        finding: None,
        order: order.clone(),
        why: sentence("Order of the court."),
    };
    let (first, second) =
        (takes_over("con-1", &log, at.plus(2 * HOUR)), takes_over("con-2", &log, at.plus(70 * DAY)));
    log.log(at.plus(2 * HOUR), &first, &["clara", "dora"]);
    log.log(at.plus(2 * HOUR), &first, &["emil", "dora"]);
    log.log(at.plus(70 * DAY), &second, &["emil", "anna"]);
    log.log(at.plus(151 * DAY), &takes_over("con-3", &log, at.plus(151 * DAY)), &["emil", "anna"]);
    log.moments =
        [at, at.plus(DAY), at.plus(32 * DAY), at.plus(149 * DAY), at.plus(151 * DAY), at.plus(400 * DAY)]
            .into();
    log.must_have = &["imp-order", "imp-standing", "con-2", "cfg-2", "demo:witness-2"];
    log
}

/// Lifts and suspensions: before, after, doubled, and what falls with a key.
fn undone() -> Log {
    let mut log = Log::new(House::demo(START));
    let first = log.subject("cus_first", Scope::Customer, &["one.first.example"]);
    let second =
        log.subject("cus_second", Scope::Hostname("shop.second.example".into()), &["shop.second.example"]);
    let at = START.plus(HOUR);
    let suspend = |log: &Log, name: &str, person: usize, from: Time, until: Time| Suspend {
        head: log.house.head(name),
        key: log.house.policy().persons[person].keys[0].to_string(),
        time: from,
        until,
        why: sentence("The laptop was stolen."),
    };
    let early = log.house.lift("lif-early", "imp-2", at);
    log.log(at, &early, &["dora"]);
    log.log(at, &early, &["dora"]);
    log.emergency("1", at, &first);
    log.emergency("2", at.plus(HOUR + 1), &second);
    log.log(at.plus(3 * HOUR), &log.house.lift("lif-none", "imp-1", at), &[]);
    let long = suspend(&log, "sus-long", 1, at, at.plus(7 * DAY + 1));
    log.log(at.plus(3 * HOUR), &long, &["anna", "clara"]);
    // clara's key is suspended from before she approved: what she approved falls.
    let clara = suspend(&log, "sus-clara", 2, at, at.plus(3 * DAY));
    log.log(at.plus(4 * HOUR), &clara, &["anna"]);
    log.log(at.plus(4 * HOUR), &clara, &["anna", "ben"]);
    let finding = log.house.finding("fnd-3", at.plus(5 * HOUR), &first);
    log.log(at.plus(5 * HOUR), &finding, &ASSESSORS);
    let third = log.house.emergency("imp-3", at.plus(5 * HOUR), "fnd-3", &first, POST);
    log.log(at.plus(5 * HOUR), &third, &QUORUM);
    // A lift knows no clock, and a suspended key still lifts.
    log.log(Time(1), &log.house.lift("imp-1", "imp-1", at), &["clara"]);
    let after = at.plus(4 * DAY);
    log.emergency("4", after, &first);
    let own = suspend(&log, "sus-own", 1, after, after.plus(DAY));
    log.log(after.plus(HOUR), &own, &["ben"]);
    log.log(after.plus(2 * HOUR), &log.house.lift("lif-4", "imp-4", after), &["emil"]);
    log.log(after.plus(2 * HOUR), &log.house.lift("lif-5", "imp-4", after), &["anna"]);
    log.moments = [at.plus(HOUR), at.plus(6 * HOUR), after.plus(90), after.plus(3 * HOUR)].into();
    log.must_have = &["sus-clara", "lif-early", "lif-5"];
    log
}

/// Policies: tightened, waiting, old and new for a week, a new log key in between.
fn policies() -> Log {
    let mut log = Log::new(House::demo(START));
    let first = log.subject("cus_first", Scope::Customer, &["one.first.example"]);
    let at = START.plus(HOUR);
    let next = |log: &Log, version: u64| PolicyNote {
        head: log.house.head(&format!("policy-{version}")),
        version,
        ..log.house.policy()
    };
    let mut one = next(&log, 1);
    one.bounds.emergency_hours = 24;
    // dora may assess and no longer approves alone; ben becomes a reviewer too.
    one.persons[3].roles = vec![Role::Assessor, Role::Reviewer, Role::Independent];
    let mut loose = next(&log, 1);
    loose.bounds.emergency_hours = 49;
    log.log(at, &loose, &MAJORITY);
    log.log(at, &next(&log, 2), &MAJORITY);
    log.log(at, &one, &["anna", "ben"]);
    log.log(at, &one, &["anna", "ben", "emil"]);
    log.log(at, &one, &MAJORITY);
    log.log(
        at.plus(HOUR),
        &PolicyNote { head: log.house.head("policy-2"), version: 2, ..one.clone() },
        &MAJORITY,
    );
    let new_key = SigningKey::from_seed(&log.house.origin, [77; 32]).expect("a name");
    let tree = log.tree();
    let here = (tree.len(), tree.root_at(tree.len()).expect("whole"));
    let rekey = PolicyNote {
        head: log.house.head("policy-2"),
        version: 2,
        log: new_key.verifier(),
        log_from: Some((here.0 + 1, here.1)),
        ..one.clone()
    };
    log.log(at.plus(2 * HOUR), &rekey, &MAJORITY);
    let tree = log.tree();
    let here = (tree.len(), tree.root_at(tree.len()).expect("whole"));
    log.log(at.plus(2 * HOUR), &PolicyNote { log_from: Some(here), ..rekey }, &MAJORITY);
    log.key = new_key;
    // 30 hours later the new one is in power, and the old one counts too: 24 hours at most, assessors of both.
    let young = at.plus(30 * HOUR);
    let by_dora = log.house.finding("fnd-1", young, &first);
    log.log(young, &by_dora, &["anna", "dora"]);
    let short =
        Impose { until: young.plus(24 * HOUR), ..log.house.emergency("imp-1", young, "fnd-1", &first, POST) };
    log.log(young, &short, &QUORUM);
    let finding = log.house.finding("fnd-2", young, &first);
    log.log(young, &finding, &ASSESSORS);
    let long = log.house.emergency("imp-2", young, "fnd-2", &first, POST);
    log.log(young, &long, &QUORUM);
    let short = Impose { until: young.plus(24 * HOUR), ..long };
    log.log(young, &short, &QUORUM);
    log.log(young.plus(HOUR), &log.house.lift("lif-2", "imp-2", young), &["emil"]);
    // After the week dora's assessment counts alone with anna's.
    let old = at.plus(40 * DAY);
    let by_dora = log.house.finding("fnd-3", old, &first);
    log.log(old, &by_dora, &["anna", "dora"]);
    let third =
        Impose { until: old.plus(24 * HOUR), ..log.house.emergency("imp-3", old, "fnd-3", &first, POST) };
    log.log(old, &third, &QUORUM);
    log.moments = [young, young.plus(2 * HOUR), old, old.plus(25 * HOUR)].into();
    log.must_have = &["policy-1", "policy-2", "imp-3"];
    log
}

/// A customer's hours: emergency after emergency has an end, an order is another matter.
fn hours() -> Log {
    let mut log = Log::new(House::demo(START));
    let first = log.subject("cus_first", Scope::Customer, &["one.first.example"]);
    let second = log.subject("cus_second", Scope::Customer, &["shop.second.example"]);
    let at = START.plus(HOUR);
    log.emergency("1", at, &first);
    log.log(at.plus(30 * HOUR), &log.house.lift("lif-1", "imp-1", at), &["anna"]);
    let two = log.emergency("2", at.plus(40 * HOUR), &first);
    log.emergency("3", at.plus(70 * HOUR), &first);
    log.log(at.plus(50 * HOUR).max(at.plus(70 * HOUR + 90)), &log.house.validation("con-2", &two), &["dora"]);
    log.emergency("4", at.plus(80 * HOUR), &second);
    let order = Continue {
        head: log.house.head("con-4"),
        continues: id("imp-4"),
        reason: ContinueReason::Order,
        until: at.plus(60 * DAY),
        finding: None,
        order: Some(LegalOrder { authority: id("aut-court-berlin"), document: Hash::of(b"order") }),
        why: sentence("Order of the court."),
    };
    log.log(at.plus(90 * HOUR), &order, &["emil", "dora"]);
    let five = log.emergency("5", at.plus(100 * HOUR), &first);
    log.log(at.plus(101 * HOUR), &log.house.validation("con-5", &five), &["dora"]);
    log.emergency("6", at.plus(10 * DAY), &first);
    log.emergency("7", at.plus(45 * DAY), &first);
    log.moments = [1, 35, 41, 60, 72, 100, 120, 150, 240, 250, 45 * 24 + 1, 45 * 24 + 49, 61 * 24]
        .map(|h| at.plus(h * HOUR))
        .into();
    log.must_have = &["imp-7", "con-4"];
    log
}
