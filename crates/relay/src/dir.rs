//! The edge's state directory: what it verified, so that it goes on enforcing after a restart with no network.
//!
//! | file | trusted | may be lost | may be rolled back | what who changes it gains |
//! |---|---|---|---|---|
//! | `checkpoint` | by the log's signature | yes: the root over the stamped entries stands in | to an older one, together with nothing else: newer entries are fetched again | nothing that the log did not sign |
//! | `entries/<n>` | by the root in `checkpoint` | yes: fetched again | with `checkpoint` | nothing that officers did not sign |
//! | `staged/<n>` | no | yes | no meaning | nothing |
//! | `seen/<n>` | as far as the disk is | yes: the entries are then folded as caught up, as a new edge would | no | an entry that came too early or too late is taken as a new edge would take it |
//! | `blobs/<sha256>`, as long as it is needed | by its name | yes: fetched again | no meaning | nothing |
//! | `undo/<sha256>` | by the officer's signature inside | the log holds it soon; until then a lift is forgotten | as lost | the block of a lifted customer until the log tells again |
//! | `inbox/*` | no: judged like a note from any channel | a note that nobody has taken yet | no meaning | nothing |
//! | `elapsed` | as far as the disk is | wall time and verified time still end the measure | as lost | as lost |
//! | `looked` | as far as the disk is | new entries are then folded as caught up | as lost | a back-dated entry is taken as a new edge would take it |
//! | `forked` | as far as the disk is | the edge follows a log whose key signed two histories, until it sees both again | as lost | stop the edge from learning, until a new log key |
//! | `rekey` | by the policy quorum inside | the edge takes the old log key until it sees the new log | as lost | as lost |
//! | `config` | as far as the disk is | the edge serves its local sites file until the desk answers | the next one is held against the older one | what this edge serves, until the next configuration; no measure |
//! | `fork-*` | by the log's signature inside | the proof of a fork is lost | no meaning | nothing |
//! | `damaged/*` | no | yes | no meaning | nothing |
//!
//! Every file that no signature or name covers by itself ends with a line `sha256 <hex>` over what stands before it.
//! That line guards against a bad disk, not against a person. Each write is: temporary file, fsync, rename, fsync of
//! the folder; so a file is the old one or the new one, whenever the power goes.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ledger::Hash;
use ledger::tile::{decode_bundle, encode_bundle};
use policy::{Seen, Time};

/// Largest `entries/<n>` file: 256 entries of 65,535 bytes with two bytes of length each, and the seal.
pub(crate) const MAX_BUNDLE: usize = 256 * (2 + 65_535);
/// Largest blob: a post or a subject, whichever may be larger.
pub(crate) const MAX_BLOB: usize =
    if policy::MAX_POST > policy::MAX_SUBJECT { policy::MAX_POST } else { policy::MAX_SUBJECT };
/// Largest `seen/<n>` file: a first line and 256 lines of `after ` and a u64.
const MAX_SEEN: usize = 32 + 256 * 27;
/// Largest `elapsed` file: 8,000 measures on lines of at most 130 bytes.
const MAX_ELAPSED: usize = 1024 * 1024;
/// Largest `looked` file: a u64 and a newline.
const MAX_LOOKED: usize = 21;
/// Largest `undo/<sha256>` file: three lines of head and the note.
const MAX_UNDO_FILE: usize = 128 + policy::MAX_UNDO;
/// Undo notes kept. Each is signed by an officer, so only an officer can fill this: 4,096 files are 16 MiB.
pub(crate) const MAX_UNDOS: usize = 4096;
/// Fork evidence files kept: two prove a fork, the rest shows how it went on; 64 of at most 64 KiB are 4 MiB.
const MAX_EVIDENCE: usize = 64;
/// `sha256 ` and 64 hex digits and a newline.
const SEAL: usize = 72;

/// Largest `config` file: two lines of head and the snapshot.
const MAX_CONFIG: usize = 64 + policy::MAX_SNAPSHOT;

/// Largest `forked` file: a vkey of a plain key under an origin of 300 bytes.
const MAX_VKEY: usize = 512;

/// Where people put notes that undo.
const INBOX: &str = "inbox";

const SEEN_FIRST: &str = "portcullis-seen/v1";
const CONFIG_FIRST: &str = "portcullis-applied-config/v1";
const UNDO_FIRST: &str = "portcullis-undo/v1";

/// What reading a file gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// There is none.
    Missing,
    /// There is one, and it is not what we wrote.
    Damaged,
    /// As written.
    Whole(T),
}

impl<T> Found<T> {
    fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Found<U> {
        match self {
            Self::Missing => Found::Missing,
            Self::Damaged => Found::Damaged,
            Self::Whole(value) => read(value).map_or(Found::Damaged, Found::Whole),
        }
    }
}

/// An undo note as it was accepted: where in the fold it took effect, so that a restart folds it at the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    /// Its place among the undos of this edge, from 0.
    pub(crate) nr: u64,
    /// Entries folded before it.
    pub(crate) at: u64,
    /// Wall time of acceptance.
    pub(crate) received: Time,
    /// The signed note.
    pub(crate) note: Vec<u8>,
}

/// The directory, locked for this process.
#[derive(Debug)]
pub(crate) struct Dir {
    root: PathBuf,
    _lock: File,
    #[cfg(test)]
    pub(crate) fuse: tests::Fuse,
}

impl Dir {
    /// Opens or creates it, and clears away temporary files of a process that was killed.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        for folder in ["", "entries", "staged", "seen", "blobs", "undo", "damaged", INBOX] {
            // subjects name the customer's hostnames: for this edge's user alone
            fs::DirBuilder::new().recursive(true).mode(0o700).create(root.join(folder))?;
        }
        let lock = File::create(root.join("lock"))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!(
                    "{} is in use by another edge process; give each edge its own directory",
                    root.display()
                ),
            ),
            TryLockError::Error(e) => e,
        })?;
        for folder in ["", "entries", "staged", "seen", "blobs", "undo"] {
            for entry in fs::read_dir(root.join(folder))? {
                let path = entry?.path();
                // what was staged and not promoted was not proven
                if folder == "staged" || path.extension().is_some_and(|e| e == "tmp") {
                    fs::remove_file(path)?;
                }
            }
        }
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
            #[cfg(test)]
            fuse: tests::Fuse::default(),
        })
    }

    /// Where people put notes that undo.
    pub(crate) fn inbox(&self) -> PathBuf {
        self.root.join(INBOX)
    }

    pub(crate) fn checkpoint(&self) -> io::Result<Found<Vec<u8>>> {
        self.read("checkpoint", ledger::note::MAX_NOTE)
    }

    pub(crate) fn put_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.write("checkpoint", note)
    }

    /// The entries of bundle `n`, as far as they were fetched.
    pub(crate) fn entries(&self, n: u64) -> io::Result<Found<Vec<Vec<u8>>>> {
        let bytes = self.read(&format!("entries/{n}"), MAX_BUNDLE + SEAL)?;
        Ok(bytes.and_then(unseal).and_then(|b| decode_bundle(&b).ok()))
    }

    /// Keeps fetched entries aside until they are proven. Nothing but [`Dir::staged`] and [`Dir::promote`] looks there.
    pub(crate) fn stage(&self, n: u64, entries: &[Vec<u8>]) -> io::Result<()> {
        let bytes = encode_bundle(entries).map_err(|e| io::Error::other(e.to_string()))?;
        self.write(&format!("staged/{n}"), &seal(bytes))
    }

    pub(crate) fn staged(&self, n: u64) -> io::Result<Found<Vec<Vec<u8>>>> {
        let bytes = self.read(&format!("staged/{n}"), MAX_BUNDLE + SEAL)?;
        Ok(bytes.and_then(unseal).and_then(|b| decode_bundle(&b).ok()))
    }

    /// Makes the staged bundle the kept one: it was proven.
    pub(crate) fn promote(&self, n: u64) -> io::Result<()> {
        self.step()?;
        fs::rename(self.root.join(format!("staged/{n}")), self.root.join(format!("entries/{n}")))?;
        // stopped here: entries that are proven, but not yet stamped and not yet under the held checkpoint
        self.step()?;
        File::open(self.root.join("entries"))?.sync_all()
    }

    /// How the entries of bundle `n` were taken, in their order.
    pub(crate) fn seen(&self, n: u64) -> io::Result<Found<Vec<Seen>>> {
        let bytes = self.read(&format!("seen/{n}"), MAX_SEEN + SEAL)?;
        Ok(bytes.and_then(unseal).and_then(|b| parse_seen(&b)))
    }

    pub(crate) fn put_seen(&self, n: u64, seen: &[Seen]) -> io::Result<()> {
        self.write(&format!("seen/{n}"), &seal(print_seen(seen).into_bytes()))
    }

    /// The blob of this hash, if it is here and still has it.
    pub(crate) fn blob(&self, hash: &Hash) -> io::Result<Found<Vec<u8>>> {
        let bytes = self.read(&format!("blobs/{hash}"), MAX_BLOB)?;
        Ok(bytes.and_then(|b| (Hash::of(&b) == *hash).then_some(b)))
    }

    pub(crate) fn put_blob(&self, hash: &Hash, bytes: &[u8]) -> io::Result<()> {
        self.write(&format!("blobs/{hash}"), bytes)
    }

    /// Removes the blobs that are not among these. Gives how many went.
    pub(crate) fn keep_blobs(&self, needed: &BTreeSet<Hash>) -> io::Result<u64> {
        let mut gone = 0;
        for entry in fs::read_dir(self.root.join("blobs"))? {
            let entry = entry?;
            let hash = entry.file_name().to_str().and_then(Hash::parse_hex);
            if hash.is_some_and(|hash| !needed.contains(&hash)) {
                self.step()?;
                fs::remove_file(entry.path())?;
                gone += 1;
            }
        }
        if gone > 0 {
            File::open(self.root.join("blobs"))?.sync_all()?;
        }
        Ok(gone)
    }

    /// All undo notes in the order of acceptance, and the names of files that are damaged.
    pub(crate) fn undos(&self) -> io::Result<(Vec<Undo>, Vec<String>)> {
        let (mut undos, mut damaged) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(self.root.join("undo"))? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().map(|n| format!("undo/{n}")) else { continue };
            match self.read(&name, MAX_UNDO_FILE + SEAL)?.and_then(unseal).and_then(|b| parse_undo(&b)) {
                Found::Whole(undo) => undos.push(undo),
                Found::Damaged => damaged.push(name),
                Found::Missing => {}
            }
        }
        undos.sort_by_key(|u| u.nr);
        Ok((undos, damaged))
    }

    pub(crate) fn put_undo(&self, undo: &Undo) -> io::Result<()> {
        let head = format!("{UNDO_FIRST}\nnr {}\nat {}\nreceived {}\n", undo.nr, undo.at, undo.received.0);
        let bytes = [head.as_bytes(), &undo.note].concat();
        self.write(&format!("undo/{}", Hash::of(&undo.note)), &seal(bytes))
    }

    pub(crate) fn elapsed(&self) -> io::Result<Found<String>> {
        let bytes = self.read("elapsed", MAX_ELAPSED + SEAL)?;
        Ok(bytes.and_then(unseal).and_then(|b| String::from_utf8(b).ok()))
    }

    pub(crate) fn put_elapsed(&self, text: &str) -> io::Result<()> {
        self.write("elapsed", &seal(text.as_bytes().to_vec()))
    }

    /// When a successful look at the log was, a minute before the last at most.
    pub(crate) fn looked(&self) -> io::Result<Found<Time>> {
        let time = |bytes: Vec<u8>| str::from_utf8(&bytes).ok()?.trim_end().parse().ok().map(Time);
        Ok(self.read("looked", MAX_LOOKED + SEAL)?.and_then(unseal).and_then(time))
    }

    pub(crate) fn put_looked(&self, looked: Time) -> io::Result<()> {
        self.write("looked", &seal(format!("{}\n", looked.0).into_bytes()))
    }

    /// The key of the log that signed two histories (vkey).
    pub(crate) fn forked(&self) -> io::Result<Found<String>> {
        let bytes = self.read("forked", MAX_VKEY + SEAL)?;
        Ok(bytes.and_then(unseal).and_then(|b| String::from_utf8(b).ok()))
    }

    pub(crate) fn put_forked(&self, vkey: &str) -> io::Result<()> {
        self.write("forked", &seal(vkey.as_bytes().to_vec()))
    }

    /// The policy note that names a new log key and that the log did not show yet.
    pub(crate) fn rekey(&self) -> io::Result<Found<Vec<u8>>> {
        self.read("rekey", ledger::note::MAX_NOTE)
    }

    pub(crate) fn put_rekey(&self, note: &[u8]) -> io::Result<()> {
        self.write("rekey", note)
    }

    /// The snapshot of a configuration that is served, with its version.
    pub(crate) fn config(&self) -> io::Result<Found<(u64, Vec<u8>)>> {
        Ok(self.read("config", MAX_CONFIG + SEAL)?.and_then(unseal).and_then(|b| parse_config(&b)))
    }

    pub(crate) fn put_config(&self, version: u64, snapshot: &[u8]) -> io::Result<()> {
        let head = format!("{CONFIG_FIRST}\nversion {version}\n");
        self.write("config", &seal([head.as_bytes(), snapshot].concat()))
    }

    /// Keeps a checkpoint that takes part in a fork. False when there are already as many as are kept.
    pub(crate) fn put_evidence(&self, size: u64, note: &[u8]) -> io::Result<bool> {
        let name = format!("fork-{size}-{}", &Hash::of(note).to_string()[..8]);
        if self.root.join(&name).exists() {
            return Ok(true);
        }
        if self.evidence()?.len() >= MAX_EVIDENCE {
            return Ok(false);
        }
        self.write(&name, note)?;
        Ok(true)
    }

    /// The names of the kept evidence files.
    pub(crate) fn evidence(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            if let Some(name) = entry?.file_name().to_str()
                && name.starts_with("fork-")
                && !name.ends_with(".tmp")
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Moves a damaged file out of the way, into `damaged/`, where an operator can look at it. The last one of each
    /// name is kept, so this cannot fill the disk.
    pub(crate) fn set_aside(&self, name: &str) -> io::Result<()> {
        let to = self.root.join("damaged").join(name.replace('/', "-"));
        match fs::rename(self.root.join(name), to) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn read(&self, name: &str, cap: usize) -> io::Result<Found<Vec<u8>>> {
        let file = match File::open(self.root.join(name)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(e) => return Err(e),
        };
        let mut bytes = Vec::new();
        // one byte more than the cap tells "as long as the cap" from "longer"
        match file.take(cap as u64 + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() <= cap => Ok(Found::Whole(bytes)),
            // an unreadable sector is damage like any other: set aside and fetched again
            Ok(_) | Err(_) => Ok(Found::Damaged),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        let to = self.root.join(name);
        let tmp = self.root.join(format!("{name}.tmp"));
        let mut file = File::create(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // stopped here: a temporary file that the next start removes
        self.step()?;
        fs::rename(&tmp, &to)?;
        // stopped here: the new file, or after a power cut the old one
        self.step()?;
        let folder = to.parent().unwrap_or(&self.root);
        File::open(folder)?.sync_all()
    }

    /// A place where a test can end the process.
    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        self.fuse.step()
    }

    #[cfg(not(test))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "the shape of the test's hook above")]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let line = format!("sha256 {}\n", Hash::of(&bytes));
    bytes.extend_from_slice(line.as_bytes());
    bytes
}

fn unseal(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let body = bytes.len().checked_sub(SEAL)?;
    let line = bytes.split_off(body);
    (format!("sha256 {}\n", Hash::of(&bytes)).as_bytes() == line).then_some(bytes)
}

fn print_seen(seen: &[Seen]) -> String {
    let mut text = format!("{SEEN_FIRST}\n");
    for one in seen {
        match one {
            Seen::Live(time) => text.push_str(&format!("live {}\n", time.0)),
            Seen::After(time) => text.push_str(&format!("after {}\n", time.0)),
            Seen::CatchUp => text.push_str("catchup\n"),
        }
    }
    text
}

fn parse_seen(bytes: &[u8]) -> Option<Vec<Seen>> {
    let text = core::str::from_utf8(bytes).ok()?;
    let lines = text.strip_prefix(SEEN_FIRST)?.strip_prefix('\n')?;
    lines
        .split_terminator('\n')
        .map(|line| match line.split_once(' ') {
            None if line == "catchup" => Some(Seen::CatchUp),
            Some(("live", time)) => Some(Seen::Live(Time(time.parse().ok()?))),
            Some(("after", time)) => Some(Seen::After(Time(time.parse().ok()?))),
            _ => None,
        })
        .collect()
}

fn parse_config(bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let rest = bytes.strip_prefix(CONFIG_FIRST.as_bytes())?.strip_prefix(b"\nversion ")?;
    let end = rest.iter().position(|&b| b == b'\n')?;
    let version = core::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    Some((version, rest.get(end + 1..)?.to_vec()))
}

fn parse_undo(bytes: &[u8]) -> Option<Undo> {
    let mut rest = bytes.strip_prefix(UNDO_FIRST.as_bytes())?.strip_prefix(b"\n")?;
    let mut number = |key: &str| -> Option<u64> {
        let end = rest.iter().position(|&b| b == b'\n')?;
        let line = core::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
        line.strip_prefix(key)?.parse().ok()
    };
    let (nr, at, received) = (number("nr ")?, number("at ")?, Time(number("received ")?));
    Some(Undo { nr, at, received, note: rest.to_vec() })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// Ends the "process" at the n-th step of a write: that step and all later ones fail.
    #[derive(Debug)]
    pub(crate) struct Fuse(AtomicI64);

    impl Default for Fuse {
        fn default() -> Self {
            Self(AtomicI64::new(i64::MAX))
        }
    }

    impl Fuse {
        pub(crate) fn burn_after(&self, steps: i64) {
            self.0.store(steps, Ordering::Relaxed);
        }

        pub(crate) fn burnt(&self) -> bool {
            self.0.load(Ordering::Relaxed) < 0
        }

        pub(super) fn step(&self) -> io::Result<()> {
            if self.0.fetch_sub(1, Ordering::Relaxed) <= 0 {
                self.0.store(-1, Ordering::Relaxed);
                return Err(io::Error::other("the test ends the process here"));
            }
            Ok(())
        }
    }

    fn dir() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = Dir::open(temp.path()).expect("opens");
        (temp, dir)
    }

    #[test]
    fn what_is_written_is_read() {
        let (_temp, dir) = dir();
        assert_eq!(dir.entries(0).expect("io"), Found::Missing);
        let entries = vec![b"one".to_vec(), vec![], b"three".to_vec()];
        dir.stage(0, &entries).expect("io");
        assert_eq!(dir.entries(0).expect("io"), Found::Missing, "staged is not kept");
        dir.promote(0).expect("io");
        assert_eq!(dir.entries(0).expect("io"), Found::Whole(entries));
        dir.put_elapsed("text\n").expect("io");
        assert_eq!(dir.elapsed().expect("io"), Found::Whole("text\n".to_owned()));
        let undo = |nr, note: &[u8]| Undo { nr, at: 3, received: Time(9), note: note.to_vec() };
        dir.put_undo(&undo(1, b"b\n\nc")).expect("io");
        dir.put_undo(&undo(0, b"a")).expect("io");
        assert_eq!(dir.undos().expect("io"), (vec![undo(0, b"a"), undo(1, b"b\n\nc")], vec![]));
    }

    #[test]
    fn any_changed_or_cut_byte_is_damage() {
        let (temp, dir) = dir();
        let hash = Hash::of(b"a blob");
        dir.put_blob(&hash, b"a blob").expect("io");
        dir.stage(4, &[b"entry".to_vec()]).expect("io");
        dir.promote(4).expect("io");
        dir.put_seen(4, &[]).expect("io");
        dir.put_elapsed("x").expect("io");
        let whole = |name: &str| match name.split('/').next() {
            Some("blobs") => matches!(dir.blob(&hash).expect("io"), Found::Whole(_)),
            Some("entries") => matches!(dir.entries(4).expect("io"), Found::Whole(_)),
            Some("seen") => matches!(dir.seen(4).expect("io"), Found::Whole(_)),
            _ => matches!(dir.elapsed().expect("io"), Found::Whole(_)),
        };
        for name in [&format!("blobs/{hash}"), "entries/4", "seen/4", "elapsed"] {
            let path = temp.path().join(name);
            let good = fs::read(&path).expect("read");
            assert!(whole(name), "{name}");
            for at in 0..good.len() {
                let mut bad = good.clone();
                bad[at] ^= 1;
                fs::write(&path, &bad).expect("write");
                assert!(!whole(name), "{name} byte {at}");
                fs::write(&path, &good[..at]).expect("write");
                assert!(!whole(name), "{name} cut at {at}");
            }
            dir.set_aside(name).expect("io");
            assert!(!path.exists());
        }
    }

    #[test]
    fn one_process_per_directory_and_no_left_overs() {
        let temp = tempfile::tempdir().expect("a folder");
        let first = Dir::open(temp.path()).expect("opens");
        fs::write(temp.path().join("undo/x.tmp"), "half").expect("write");
        let error = Dir::open(temp.path()).expect_err("locked").to_string();
        assert!(error.contains("another edge process"), "{error}");
        drop(first);
        Dir::open(temp.path()).expect("opens again");
        assert!(!temp.path().join("undo/x.tmp").exists());
    }

    #[test]
    fn evidence_is_bounded() {
        let (_temp, dir) = dir();
        for n in 0..MAX_EVIDENCE as u64 {
            assert!(dir.put_evidence(n, b"checkpoint").expect("io"));
        }
        assert!(!dir.put_evidence(1000, b"checkpoint").expect("io"));
        assert!(dir.put_evidence(3, b"checkpoint").expect("io"), "one that is there stays there");
        assert_eq!(dir.evidence().expect("io").len(), MAX_EVIDENCE);
    }

    #[test]
    fn a_write_that_stops_leaves_old_or_new() {
        for steps in 0..4 {
            let (temp, dir) = dir();
            dir.put_elapsed("old").expect("io");
            dir.fuse.burn_after(steps);
            let result = dir.put_elapsed("new");
            assert_eq!(result.is_err(), steps < 3);
            drop(dir);
            let dir = Dir::open(temp.path()).expect("opens");
            let expect = if steps < 2 { "old" } else { "new" };
            assert_eq!(dir.elapsed().expect("io"), Found::Whole(expect.to_owned()), "{steps}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse_seen(&bytes);
            parse_undo(&bytes);
            unseal(bytes);
        }

        #[test]
        fn stamps_come_back(times in prop::collection::vec((0u8..3, any::<u64>()), 0..256)) {
            let stamp = |(kind, time): &(u8, u64)| match kind {
                0 => Seen::CatchUp,
                1 => Seen::Live(Time(*time)),
                _ => Seen::After(Time(*time)),
            };
            let seen: Vec<Seen> = times.iter().map(stamp).collect();
            let text = print_seen(&seen);
            prop_assert!(text.len() <= MAX_SEEN);
            let back = parse_seen(text.as_bytes()).expect("reads");
            prop_assert_eq!(print_seen(&back), text);
        }
    }
}
