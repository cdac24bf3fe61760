//! `portcullis sign`: one more signature under a text in a file. No desk is needed, and none has to be trusted: policy 0
//! and a new log key are signed this way, and any note may be.

use std::path::{Path, PathBuf};

use ledger::note::{Note, Signature, VerifierKey};
use policy::AnyNote;

use crate::cli::{Global, SignFile};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;
use crate::{out, review, signing};

pub(super) fn run(global: &Global, args: SignFile) -> Result<Exit> {
    let bytes = std::fs::read(&args.file).map_err(|e| Failure::io("read", &args.file, &e))?;
    let mut note = read(&args.file, &bytes)?;
    // What is signed must have one meaning, and a policy that could never stand needs nobody's signature.
    if let AnyNote::Policy(policy) = review::parse(note.text())? {
        policy.could_stand().map_err(|why| {
            Failure::refused(format!("{}: no log would take this policy: {why}", args.file.display()))
                .next("nothing was signed; edit the text, then all sign it anew (docs/fold.md has the floor)")
        })?;
    }
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
    checked(&named(note.text()), note.text(), &signature, &key)?;
    if !note.signatures().contains(&signature) && !note.add(signature) {
        return Err(Failure::input("the note has no room for another signature"));
    }
    kept(global, &args.file, &note)
}

/// Those who sign in different places each have a copy; their signatures come together under one.
fn collect(global: &Global, file: &Path, mut note: Note, others: &[PathBuf]) -> Result<Exit> {
    let known = named(note.text());
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
            checked(&known, note.text(), signature, other)?;
            if !note.signatures().contains(signature) && !note.add(signature.clone()) {
                return Err(Failure::input("the note has no room for another signature"));
            }
        }
    }
    kept(global, file, &note)
}

/// The keys of those who must all sign policy 0: it names them itself. Who signs another text, a policy in power says.
fn named(text: &str) -> Vec<VerifierKey> {
    match AnyNote::parse(text) {
        Ok(AnyNote::Policy(policy)) if policy.version == 0 => policy.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

/// One bad line of somebody whom the text names would spoil it for all; nobody could take it out again.
fn checked(known: &[VerifierKey], text: &str, signature: &Signature, from: &Path) -> Result<()> {
    let mut theirs = known.iter().filter(|key| key.name() == signature.name);
    if known.is_empty() || theirs.any(|key| key.verify(text.as_bytes(), signature).is_ok()) {
        return Ok(());
    }
    let what = format!(
        "the signature of {} in {} is not by a key that this text gives them",
        signature.name,
        from.display()
    );
    Err(Failure::refused(what)
        .next("nothing was changed; they sign again, with the key that the policy names"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Time;
    use policy::testkit::House;

    #[test]
    fn a_line_that_does_not_verify_spoils_no_founding() {
        let house = House::demo(Time(1_800_000_000));
        let policy = house.policy();
        let text = policy.to_string();
        let (known, from) = (named(&text), Path::new("from-ben.txt"));
        let good = house.sign(&text, "ben");
        checked(&known, &text, &good, from).expect("ben's");
        let mut bad = good.clone();
        *bad.bytes.last_mut().expect("bytes") ^= 1;
        assert!(checked(&known, &text, &bad, from).is_err(), "changed on its way");
        let stolen = Signature { name: house.sign(&text, "anna").name, ..good };
        assert!(checked(&known, &text, &stolen, from).is_err(), "in another's name");
        let nobody = Signature { name: "demo:zoe".into(), ..house.sign(&text, "anna") };
        assert!(checked(&known, &text, &nobody, from).is_err(), "of nobody whom it names");
        // Who signs a later policy, the one in power says.
        let next = policy::note::PolicyNote { version: 1, ..policy }.to_string();
        checked(&named(&next), &next, &bad, from).expect("not ours to judge");
    }
}
