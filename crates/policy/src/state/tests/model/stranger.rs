//! Random histories as ledgers in files, and what `docs/check.py` says of them: it was written from the documents alone,
//! so where it disagrees, the fold, the documents or the checker is wrong.

use super::*;
use ledger::{
    checkpoint::Checkpoint,
    merkle::{Tree, leaf_hash, new_tiles},
    note::SigningKey,
    tile::{EntriesPath, encode_bundle},
};
use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    string::String,
    vec::Vec,
};

/// One process for all ledgers; each is asked about all its moments.
const ASK: &str = "
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import check
for folder in sys.argv[2:]:
    fold, entries, _, _ = check.check(folder, folder + '/trust', int(open(folder + '/now').read()), True)
    with open(folder + '/said', 'w') as said:
        for i, (kind, ident, why) in enumerate(entries):
            print(i, kind or '-', ident or '-', 'rejected' if why else 'applied', file=said)
        for t in map(int, open(folder + '/moments').read().split()):
            print(t, *(f'{d.id}:{d.end}' for d in fold.in_force(t)), file=said)
";

/// The history as the log alone has it: what came past it stands in it where it came, or at its end, or not at all.
fn ledger(history: &History, outside: usize) -> (State, Vec<Vec<u8>>) {
    let mut entries = Vec::from([history.house.entry0()]);
    let undo = |o: &script::Outside, logged| {
        Note::parse(&o.bytes).map(|note| Entry { logged, note }.to_bytes()).ok()
    };
    for place in 0..=history.lines.len() {
        let here = history.outside.iter().filter(|o| outside == 1 && o.place == place);
        entries.extend(here.filter_map(|o| undo(o, o.now)));
        entries.extend(history.lines.get(place).map(|line| line.bytes.clone()));
    }
    let late = history.outside.iter().filter(|_| outside == 2);
    entries.extend(late.filter_map(|o| undo(o, history.end)));
    let mut state = history.house.state();
    for entry in &entries[1..] {
        state.apply(state.size(), entry, Seen::CatchUp);
    }
    hold_all(&mut state, history);
    (state, entries)
}

/// The log's key, which a policy may have changed: one of those that the script uses.
fn log_key(history: &History, state: &State) -> SigningKey {
    let origin = &history.house.origin;
    let all = (0..=u8::MAX).map(|n| SigningKey::from_seed(origin, [n; 32]).expect("a name"));
    let mut all = all.chain([history.house.log.clone()]);
    all.find(|key| key.verifier() == *state.log_key()).expect("a key of the script")
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
}

fn write(folder: &Path, history: &History, state: &State, entries: &[Vec<u8>], at: &BTreeSet<Time>) {
    let tree: Tree = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let size = tree.len();
    for (path, bytes) in new_tiles(&tree, 0, size) {
        put(folder, &path.to_string(), &bytes);
    }
    let width = u16::try_from(size).expect("one bundle");
    put(folder, &EntriesPath { index: 0, width }.to_string(), &encode_bundle(entries).expect("short"));
    for blob in &history.blobs {
        put(folder, &format!("blob/{}", Hash::of(blob)), blob);
    }
    let root = tree.root_at(size).expect("whole");
    let text = Checkpoint { origin: history.house.origin.clone(), size, root }.to_text();
    let mut note = Note::new(&text).expect("a checkpoint");
    note.add(log_key(history, state).sign(&text));
    put(folder, "checkpoint", &note.to_bytes());
    put(folder, "trust", history.house.trust().to_string().as_bytes());
    put(folder, "now", history.end.0.to_string().as_bytes());
    let at: Vec<String> = at.iter().map(|t| t.0.to_string()).collect();
    put(folder, "moments", at.join("\n").as_bytes());
}

/// What the fold says, in the checker's words.
fn says(state: &State, entries: &[Vec<u8>], at: &BTreeSet<Time>) -> String {
    let mut all = String::new();
    for (n, (entry, outcome)) in entries.iter().zip(state.outcomes()).enumerate() {
        let note = Entry::parse(entry).ok().and_then(|e| AnyNote::parse(e.note.text()).ok());
        let (kind, id) = note.as_ref().map_or(("-", "-"), |n| (n.kind().word(), n.id().as_str()));
        let became = if outcome.is_applied() { "applied" } else { "rejected" };
        all += &format!("{n} {kind} {id} {became}\n");
    }
    for t in at {
        all += &t.0.to_string();
        for d in state.decisions().filter(|d| d.status(*t) == Status::InForce) {
            all += &format!(" {}:{}", d.impose.head.id, d.until().0);
        }
        all.push('\n');
    }
    all
}

/// Asks the checker about so many histories, each with what came past the log in three ways.
fn compare(mut runner: TestRunner, count: usize) {
    let made = Command::new("mktemp").args(["-d", "-t", "portcullis-stranger.XXXXXX"]).output();
    let here = String::from_utf8(made.expect("mktemp").stdout).expect("a path");
    let here = Path::new(here.trim_end());
    let mut all: Vec<(PathBuf, History, String)> = Vec::new();
    for n in 0..count {
        let history = histories().new_tree(&mut runner).expect("a history").current();
        let (state, entries) = ledger(&history, n % 3);
        let at = moments(&history, &[&state]);
        let folder = here.join(n.to_string());
        write(&folder, &history, &state, &entries, &at);
        let said = says(&state, &entries, &at);
        all.push((folder, history, said));
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut ask = Command::new("python3");
    ask.args(["-c", ASK]).arg(docs).args(all.iter().map(|(folder, ..)| folder));
    let done = ask.output().expect("python3; `make test` installs what is missing");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for (n, (folder, history, ours)) in all.iter().enumerate() {
        let theirs = fs::read_to_string(folder.join("said")).expect("said");
        let differ = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert!(differ.is_none(), "history {n}, in {}: {differ:?}\n{history:?}", folder.display());
        assert_eq!(ours.len(), theirs.len(), "history {n}");
    }
    fs::remove_dir_all(here).expect("removed");
}

/// Always the same histories.
#[test]
fn a_checker_written_from_the_documents_agrees() {
    compare(TestRunner::deterministic(), 150);
}
