//! Golden logs: whole ledgers as this version writes them, which every later version must read with the same verdict, and
//! which an independent checker, written from the documents alone, must judge the same (`docs/check.py`).
//!
//! Each folder beside this file is a ledger as anybody downloads it, the trust line it begins from, and `verdict.json`:
//! what became of each entry, and what is in force at some moments. A change of what this version writes shows as a
//! difference; `PORTCULLIS_UPDATE=1` writes the files anew. Never change a released one: add another.

mod flips;
mod logs;

use ledger::checkpoint;
use ledger::merkle::{Tree, leaf_hash};
use ledger::tile::decode_bundle;
use ledger::{Hash, note::Note};
use logs::{Log, all};
use policy::entry::Entry;
use policy::{AnyNote, Seen, State, Time, Trust};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = item.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it").display().to_string();
                found.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

/// The fold's verdict over a ledger's files, as text that people can compare.
fn verdict(files: &BTreeMap<String, Vec<u8>>, moments: &[Time]) -> Value {
    let trust = String::from_utf8(files["trust"].clone()).expect("text");
    let trust = Trust::parse(trust.trim_end()).expect("a trust line");
    let size = Note::parse(&files["checkpoint"]).expect("a note");
    let size = checkpoint::Checkpoint::parse_text(size.text()).expect("a checkpoint").size;
    let bundle = format!("tile/entries/000.p/{size}");
    let entries = decode_bundle(&files[&bundle]).expect("a bundle");
    let mut state = State::genesis(&trust, &entries[0], true).expect("entry 0");
    let mut tree: Tree = std::iter::once(leaf_hash(&entries[0])).collect();
    for (index, entry) in (1..).zip(&entries[1..]) {
        tree.push(leaf_hash(entry));
        state.apply(index, entry, Seen::CatchUp);
    }
    files.iter().filter(|(name, _)| name.starts_with("blob/")).for_each(|(_, blob)| {
        state.hold(blob);
    });
    let (shown, note) =
        checkpoint::open(&files["checkpoint"], state.log_key()).expect("signed by the newest key");
    assert_eq!(tree.root_at(shown.size), Some(shown.root));
    let witnesses = &state.newest_policy().witnesses;
    let witnesses: Vec<&str> = note.signers(witnesses).expect("good").iter().map(|key| key.name()).collect();
    let entries: Vec<Value> = (0u64..).zip(entries.iter().zip(state.outcomes())).map(|(index, (entry, outcome))| {
        let parsed = Entry::parse(entry).ok().and_then(|e| AnyNote::parse(e.note.text()).ok());
        let kind = parsed.as_ref().map(|n| n.kind().word());
        json!({ "index": index, "kind": kind, "id": parsed.as_ref().map(|n| n.id().as_str()), "effect": outcome.is_applied() })
    }).collect();
    let in_force: BTreeMap<String, Value> = moments
        .iter()
        .map(|at| {
            let measures = state.at(*at);
            let all = measures.iter().map(|m| json!({ "id": m.id.as_str(), "until": m.until.to_string() }));
            (at.0.to_string(), Value::Array(all.collect()))
        })
        .collect();
    json!({
        "size": shown.size,
        "root": shown.root.to_base64(),
        "witnesses": witnesses,
        "entries": entries,
        "in_force": in_force,
    })
}

/// The files of a log as this version writes them.
fn written(log: &Log) -> BTreeMap<String, Vec<u8>> {
    let mut files = log.files();
    let verdict = verdict(&files, &log.moments);
    let text = serde_json::to_string_pretty(&verdict).expect("JSON") + "\n";
    files.insert("verdict.json".into(), text.into_bytes());
    files
}

#[test]
fn this_version_writes_and_reads_the_golden_logs() {
    for (name, log) in all() {
        let (now, dir) = (written(&log), folder(name));
        if std::env::var_os("PORTCULLIS_UPDATE").is_some() {
            drop(fs::remove_dir_all(&dir));
            for (file, bytes) in &now {
                let path = dir.join(file);
                fs::create_dir_all(path.parent().expect("a parent")).expect("made");
                fs::write(path, bytes).expect("written");
            }
        }
        let kept = files(&dir);
        let text =
            |files: &BTreeMap<String, Vec<u8>>| String::from_utf8_lossy(&files["verdict.json"]).into_owned();
        assert_eq!(text(&kept), text(&now), "{name}: another verdict");
        assert!(kept == now, "{name}: other bytes under the same verdict");
        for wanted in log.must_have {
            assert!(text(&kept).contains(wanted), "{name} shows no {wanted}: it proves too little");
        }
    }
}

/// The checker knows nothing of this code: that it agrees proves that the format is documented.
#[test]
fn the_independent_checker_comes_to_the_same_verdict() {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.py");
    for (name, log) in all() {
        let dir = folder(name);
        let kept: Value =
            serde_json::from_slice(&fs::read(dir.join("verdict.json")).expect("kept")).expect("JSON");
        for at in &log.moments {
            let done = Command::new("python3")
                .arg(&checker)
                .arg(&dir)
                .arg(dir.join("trust"))
                .args(["--demo", "--json", "--at", &at.0.to_string()])
                .output()
                .expect("python3; `make test` installs what is missing");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{name} at {at}: {said}");
            let said: Value = serde_json::from_slice(&done.stdout).expect("JSON");
            for key in ["size", "root", "witnesses", "entries"] {
                assert_eq!(said[key], kept[key], "{name} at {at}: {key}");
            }
            assert_eq!(said["in_force"], kept["in_force"][at.0.to_string()], "{name} at {at}");
        }
    }
}

/// One bit changed anywhere in what is signed, and nobody takes it for the log.
#[test]
fn the_independent_checker_refuses_what_was_changed() {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.py");
    let (name, log) = all().swap_remove(0);
    let here = tempfile::tempdir().expect("a temporary folder");
    for (file, at) in [("checkpoint", 40), ("trust", 60), ("tile/entries", 300)] {
        let mut files = files(&folder(name));
        let key = files.keys().find(|k| k.starts_with(file)).expect("there").clone();
        files.get_mut(&key).expect("there")[at] ^= 1;
        for (file, bytes) in &files {
            let path = here.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, bytes).expect("written");
        }
        let mut check = Command::new("python3");
        check.arg(&checker).arg(here.path()).arg(here.path().join("trust"));
        check.args(["--demo", "--json", "--at", &log.moments[0].0.to_string()]);
        assert_eq!(check.output().expect("python3").status.code(), Some(1), "{file}");
    }
    assert!(Hash::of(b"") != Hash::of(b"x"));
}
