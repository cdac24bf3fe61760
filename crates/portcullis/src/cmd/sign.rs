//! `portcullis sign`: one more signature under a text in a file. No desk is needed, and none has to be trusted: policy 0
//! and a new log key are signed this way, and any note may be.

use std::path::Path;

use ledger::note::Note;

use crate::cli::{Global, SignFile};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::{out, review, signing};

pub(super) fn run(global: &Global, args: SignFile) -> Result<Exit> {
    let bytes = std::fs::read(&args.file).map_err(|e| Failure::io("read", &args.file, &e))?;
    let mut note = read(&args.file, &bytes)?;
    // What is signed must have one meaning.
    review::parse(note.text())?;
    let (name, key) = match (args.name, args.key) {
        (Some(name), Some(key)) => (name, key),
        _ => {
            let officer = Officer::open(global)?;
            (officer.name, officer.key)
        }
    };
    let signature = signing::agree_and_sign_as(&name, &key, note.text(), args.yes)?;
    if !note.signatures().contains(&signature) && !note.add(signature) {
        return Err(Failure::input("the note has no room for another signature"));
    }
    write(&args.file, &note.to_bytes())?;
    let mut names: Vec<&str> = note.signatures().iter().map(|s| s.name.as_str()).collect();
    names.dedup();
    out::note(format_args!("{} holds signatures of {}", args.file.display(), names.join(", ")));
    out::made(global, "file", args.file.display());
    Ok(Exit::Ok)
}

/// A signed note, or a text that nobody has signed yet.
pub(super) fn read(file: &Path, bytes: &[u8]) -> Result<Note> {
    if let Ok(note) = Note::parse(bytes) {
        return Ok(note);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Failure::input(format!("{} is not text", file.display())))?;
    Note::new(text).map_err(|e| Failure::input(format!("{}: {e}", file.display())))
}

/// The old file or the new one, never half of it: others' signatures are in it.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = Path::new(&beside);
    std::fs::write(beside, bytes)
        .and_then(|()| std::fs::File::open(beside)?.sync_all())
        .and_then(|()| std::fs::rename(beside, file))
        .map_err(|e| Failure::io("write", file, &e))
}
