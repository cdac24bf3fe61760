//! The directory of a capture: whole under its name, or not there.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Whether a capture can be put at `out`: nothing is there, or an empty directory.
///
/// # Errors
/// `AlreadyExists` when something is there; else what reading it said.
pub fn free(out: &Path) -> io::Result<()> {
    let taken = |what: &str| Err(io::Error::new(io::ErrorKind::AlreadyExists, what.to_owned()));
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(there) if !there.is_dir() => taken("it is no directory"),
        Ok(_) if fs::read_dir(out)?.next().is_some() => taken("it is not empty"),
        Ok(_) => Ok(()),
    }
}

/// Writes all `files` into a directory beside `out`, makes them durable, and gives it its name. Killed at any moment it
/// leaves either nothing under that name or all of it; what is left then is called `.NAME.partial-ID`.
///
/// # Errors
/// What the disk said; `DirectoryNotEmpty` when somebody else put something at `out` meanwhile.
pub fn place(out: &Path, id: &str, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    let aside = beside(out, id)?;
    let mut builder = DirBuilder::new();
    builder.mode(0o700).create(&aside)?;
    let done = fill(&aside, files).and_then(|()| fs::rename(&aside, out));
    if let Err(error) = done {
        // The first error is the one to tell; a directory that cannot be removed says by its name what it is.
        drop(fs::remove_dir_all(&aside));
        return Err(error);
    }
    File::open(parent(out))?.sync_all()
}

fn fill(aside: &Path, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    for (name, bytes) in files {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    File::open(aside)?.sync_all()
}

fn beside(out: &Path, id: &str) -> io::Result<PathBuf> {
    let name = out.file_name().ok_or_else(|| io::Error::other("it has no name of its own"))?;
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(format!(".partial-{id}"));
    Ok(parent(out).join(aside))
}

fn parent(out: &Path) -> &Path {
    out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn names(at: &Path) -> Vec<String> {
        let read = fs::read_dir(at).expect("a directory");
        let mut names: Vec<String> =
            read.map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn whole_under_its_name_and_for_its_owner_alone() {
        let home = tempfile::tempdir().expect("a directory");
        let out = home.path().join("case-1");
        for existing in [false, true] {
            if existing {
                fs::create_dir(&out).expect("made");
            }
            free(&out).expect("free");
            place(&out, "1", &[("a", b"1".to_vec()), ("b", b"2".to_vec())]).expect("placed");
            assert_eq!(names(home.path()), ["case-1"]);
            assert_eq!(names(&out), ["a", "b"]);
            let mode = |at: &Path| fs::metadata(at).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&out), mode(&out.join("a"))), (0o700, 0o600));
            assert_eq!(free(&out).expect_err("taken").kind(), io::ErrorKind::AlreadyExists);
            fs::remove_dir_all(&out).expect("removed");
        }
    }

    #[test]
    fn what_is_there_stays_and_nothing_is_left_beside_it() {
        let home = tempfile::tempdir().expect("a directory");
        let (full, file) = (home.path().join("full"), home.path().join("file"));
        fs::create_dir(&full).expect("made");
        fs::write(full.join("mine"), "kept").expect("written");
        fs::write(&file, "kept").expect("written");
        for out in [&full, &file] {
            assert_eq!(free(out).expect_err("taken").kind(), io::ErrorKind::AlreadyExists);
            // Even when it came between the question and the answer.
            place(out, "1", &[("a", b"1".to_vec())]).expect_err("taken");
        }
        assert_eq!(names(home.path()), ["file", "full"]);
        assert_eq!(names(&full), ["mine"]);
        place(&home.path().join("none/out"), "1", &[]).expect_err("no parent");
        // The second file cannot be written: then there is no first one either.
        let out = home.path().join("out");
        place(&out, "1", &[("a", b"1".to_vec()), ("no/such", b"2".to_vec())]).expect_err("no such directory");
        assert_eq!(names(home.path()), ["file", "full"]);
    }
}
