//! The channel of last resort: a signed lift or suspension as a file in the edge's `inbox` folder. Whoever stands at the
//! machine needs no network, no port and no command.
//!
//! Writing there gives no power: what is in the file proves itself, as from every other channel.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ledger::Hash;
use policy::MAX_UNDO;

use crate::load::count;
use crate::shared::Shared;
use crate::undo::{self, UndoError};

/// Files looked at in one turn; the next turn is a second later.
const PER_TURN: usize = 64;

/// Names read in one turn, whatever they are.
const NAMES: usize = 16 * 1024;

/// Refused files that stay to be looked at; what is beyond them goes, so that they never hide what is good.
const KEPT_REFUSED: usize = 1000;

/// What a refused file's name ends with.
const REFUSED: &str = "refused";

/// Takes what lies in the inbox: a note that has effect is removed, one that has none stays under a name that says so.
pub(crate) fn look(shared: &Shared, inbox: &Path) {
    let files = match waiting(inbox) {
        Ok(files) => files,
        Err(e) => {
            tracing::debug!(error = %e, "the inbox cannot be read");
            return;
        }
    };
    for file in files {
        let done = match read(&file) {
            Ok(note) => match undo::accept(shared, &note) {
                Ok(done) => {
                    tracing::info!(file = %file.display(), "{done}");
                    fs::remove_file(&file)
                }
                // It may have effect later: the ledger is not here yet, or the log takes what fills the room.
                Err(UndoError::NoPolicy | UndoError::Full) => continue,
                Err(why) => refuse(shared, &file, &why.to_string()),
            },
            Err(e) => refuse(shared, &file, &e.to_string()),
        };
        if let Err(e) = done {
            // Seen again in a second, and known then: nothing happens twice.
            tracing::warn!(file = %file.display(), error = %e, "the inbox cannot be cleared");
        }
    }
}

/// Regular files that somebody has put there and finished: a name that begins with a dot or ends with `.tmp` is not.
fn waiting(inbox: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut refused) = (Vec::new(), 0);
    for entry in fs::read_dir(inbox)?.take(NAMES) {
        let entry = entry?;
        let path = entry.path();
        let no_longer = path.extension().is_some_and(|e| e == REFUSED) && {
            refused += 1;
            refused > KEPT_REFUSED
        };
        if no_longer {
            fs::remove_file(&path)?;
            continue;
        }
        let ends = path.extension().is_some_and(|e| e == REFUSED || e == "tmp");
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !ends && !hidden && entry.file_type()?.is_file() && files.len() < PER_TURN {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut note = Vec::new();
    // One byte more than may be tells "too long" from "as long as may be".
    fs::File::open(file)?.take(MAX_UNDO as u64 + 1).read_to_end(&mut note)?;
    Ok(note)
}

fn refuse(shared: &Shared, file: &Path, why: &str) -> io::Result<()> {
    tracing::warn!(file = %file.display(), "no effect: {why}");
    count(&mut shared.lock().refused, "undo-refused");
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(REFUSED);
    // A name that is too long to be made longer gives way to one that fits: else it would be tried every second for ever.
    fs::rename(file, name).or_else(|_| {
        let short = Hash::of(file.as_os_str().as_encoded_bytes());
        fs::rename(file, file.with_file_name(format!("{short}.{REFUSED}")))
    })
}
