//! `portcullis sign`: one more signature under a text in a file. No desk is needed, and none has to be trusted: policy 0
//! and a new log key are signed this way, and any note may be.

use std::path::{Path, PathBuf};

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
    if !args.add.is_empty() {
        return collect(global, &args.file, note, &args.add);
    }
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
    kept(global, &args.file, &note)
}

/// Those who sign in different places each have a copy; their signatures come together under one.
fn collect(global: &Global, file: &Path, mut note: Note, others: &[PathBuf]) -> Result<Exit> {
    for other in others {
        let bytes = std::fs::read(other).map_err(|e| Failure::io("read", other, &e))?;
        let copy = read(other, &bytes)?;
        if copy.text() != note.text() {
            return Err(Failure::input(format!(
                "{} and {} are not the same text; nothing was changed",
                file.display(),
                other.display()
            ))
            .next("`diff` shows where; whoever signed another text must sign again"));
        }
        for signature in copy.signatures() {
            if !note.signatures().contains(signature) && !note.add(signature.clone()) {
                return Err(Failure::input("the note has no room for another signature"));
            }
        }
    }
    kept(global, file, &note)
}

fn kept(global: &Global, file: &Path, note: &Note) -> Result<Exit> {
    write(file, &note.to_bytes())?;
    let mut names: Vec<&str> = note.signatures().iter().map(|s| s.name.as_str()).collect();
    names.dedup();
    out::note(format_args!("{} holds signatures of {}", file.display(), names.join(", ")));
    out::made(global, "file", file.display());
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
