//! The ledger's directory: what anybody may copy, and the one way a file comes into it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ledger::Hash;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::Tiles;
use ledger::note::Note;
use ledger::tile::{self, EntriesPath, TilePath, WIDTH};

use crate::fault::{Hook, Write};
use crate::{Result, StoreError};

/// The name of one file of a ledger. It can only be made by parsing or from parts, so it never leaves the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerPath {
    /// The signed checkpoint: the only file that is ever replaced by other bytes.
    Checkpoint,
    /// A tile of hashes, C2SP tlog-tiles.
    Tile(TilePath),
    /// A bundle of entries, C2SP tlog-tiles.
    Entries(EntriesPath),
    /// A subject or a post, by its SHA-256.
    Blob(Hash),
}

impl LedgerPath {
    /// Reads a relative path as served; `None` for anything that is not exactly one of the four kinds.
    #[must_use]
    pub fn parse(path: &str) -> Option<LedgerPath> {
        if path == "checkpoint" {
            return Some(LedgerPath::Checkpoint);
        }
        if let Some(hex) = path.strip_prefix("blob/") {
            return Hash::parse_hex(hex).map(LedgerPath::Blob);
        }
        if path.starts_with("tile/entries/") {
            return EntriesPath::parse(path).ok().map(LedgerPath::Entries);
        }
        TilePath::parse(path).ok().map(LedgerPath::Tile)
    }

    /// Whether a ledger of this size contains the file. Tiles and bundles of a plan that has no checkpoint yet are on
    /// disk, but nobody may see them: they could still change, and a cache would keep the wrong ones for ever.
    #[must_use]
    pub fn within(&self, size: u64) -> bool {
        let covered = |index: u64, width: u16, hashes: u64| {
            index
                .checked_mul(WIDTH)
                .and_then(|first| first.checked_add(u64::from(width)))
                .is_some_and(|end| end <= hashes)
        };
        match self {
            LedgerPath::Checkpoint => size > 0,
            LedgerPath::Blob(_) => true,
            LedgerPath::Entries(path) => covered(path.index, path.width, size),
            LedgerPath::Tile(path) => {
                // Level l holds one hash per 256^l entries; from level 8 on a u64 has none left.
                let hashes = size.checked_shr(8 * u32::from(path.level)).unwrap_or(0);
                covered(path.index, path.width, hashes)
            }
        }
    }
}

impl fmt::Display for LedgerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerPath::Checkpoint => f.write_str("checkpoint"),
            LedgerPath::Tile(path) => path.fmt(f),
            LedgerPath::Entries(path) => path.fmt(f),
            LedgerPath::Blob(hash) => write!(f, "blob/{hash}"),
        }
    }
}

/// The files `checkpoint`, `tile/...`, `tile/entries/...` and `blob/...` under one directory.
///
/// Trusted by nobody: whoever reads it verifies. Lost: publication stops until it is copied back from any mirror.
/// Rolled back: the head row is ahead of the checkpoint file, and nothing is signed. An attacker who writes here can
/// withhold, which `verify` and every edge see; he cannot invent.
#[derive(Debug, Clone)]
pub struct LedgerDir {
    root: PathBuf,
}

impl LedgerDir {
    /// The ledger under this directory, which need not exist yet.
    #[must_use]
    pub fn new(root: PathBuf) -> LedgerDir {
        LedgerDir { root }
    }

    /// A file's bytes, whether the checkpoint covers it or not; `None` when there is no such file.
    ///
    /// # Errors
    /// When the system cannot read it.
    pub fn read(&self, path: &LedgerPath) -> Result<Option<Vec<u8>>> {
        let file = self.root.join(path.to_string());
        match fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("read", &file, e)),
        }
    }

    /// The size that the checkpoint file says, 0 when there is none: how far the ledger is public. The signature is
    /// not checked here; the reader of the ledger does that.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file is not a checkpoint.
    pub fn size(&self) -> Result<u64> {
        let Some(bytes) = self.read(&LedgerPath::Checkpoint)? else { return Ok(0) };
        let note = Note::parse(&bytes).ok();
        let checkpoint = note.and_then(|note| Checkpoint::parse_text(note.text()).ok());
        let damaged =
            || StoreError::Damaged(format!("{} is not a checkpoint", self.root.join("checkpoint").display()));
        checkpoint.map(|checkpoint| checkpoint.size).ok_or_else(damaged)
    }

    /// Removes a blob's file. False when there was none.
    ///
    /// # Errors
    /// When the system cannot remove it.
    pub(crate) fn erase(&self, hash: &Hash) -> Result<bool> {
        let file = self.root.join(LedgerPath::Blob(*hash).to_string());
        match fs::remove_file(&file) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(StoreError::io("remove", &file, e)),
        }
        let folder = file.parent().unwrap_or(&self.root);
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| StoreError::io("sync", folder, e))?;
        Ok(true)
    }

    /// A blob's bytes, which have this hash; `None` when it is not published.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file holds something else.
    pub fn blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        match self.read(&LedgerPath::Blob(*hash))? {
            Some(bytes) if Hash::of(&bytes) != *hash => Err(StoreError::Damaged(format!("the blob {hash}"))),
            bytes => Ok(bytes),
        }
    }

    /// The entries of bundle `index` in a ledger of this size, in order; none when the ledger ends before it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a bundle that must be there is missing, malformed or too short.
    pub fn bundle(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>> {
        let left = size.saturating_sub(index.saturating_mul(WIDTH));
        if left == 0 {
            return Ok(Vec::new());
        }
        let width = u16::try_from(left.min(WIDTH)).expect("256 fits");
        let path = EntriesPath { index, width };
        let damaged = || StoreError::Damaged(format!("the bundle {path}"));
        let bytes = self.read(&LedgerPath::Entries(path))?.ok_or_else(damaged)?;
        let entries = tile::decode_bundle(&bytes).map_err(|_| damaged())?;
        if entries.len() == usize::from(width) { Ok(entries) } else { Err(damaged()) }
    }

    /// Entries `from..to` in a ledger of this size; fewer when it ends before.
    ///
    /// # Errors
    /// As [`LedgerDir::bundle`].
    pub fn entries(&self, from: u64, to: u64, size: u64) -> Result<Vec<Vec<u8>>> {
        let to = to.min(size);
        let mut entries = Vec::new();
        let mut at = from;
        while at < to {
            let index = at / WIDTH;
            let first = index * WIDTH;
            let last = to.min(first + WIDTH);
            let bundle = self.bundle(index, size)?;
            let within = |n: u64| usize::try_from(n - first).expect("at most 256");
            entries.extend(bundle.into_iter().take(within(last)).skip(within(at)));
            at = last;
        }
        Ok(entries)
    }

    /// Writes a file whole or not at all: a temporary file beside it, fsync, rename, fsync of the directory. Doing it
    /// again with the same bytes changes nothing. Only the holder of the publication lock calls it, so the temporary
    /// name may be fixed, and one that a crash left behind is overwritten.
    pub(crate) fn write(&self, hook: &dyn Hook, path: &LedgerPath, bytes: &[u8]) -> Result<()> {
        let file = self.root.join(path.to_string());
        self.write_durably(hook, path, &file, bytes).map_err(|e| StoreError::io("write", &file, e))
    }

    fn write_durably(&self, hook: &dyn Hook, path: &LedgerPath, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let temporary = parent.join(format!(".{}.tmp", name.to_string_lossy()));
        let step = Write::Temporary(path.to_string());
        hook.before(&step)?;
        self.make_dirs(parent)?;
        let mut out = File::create(&temporary)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        hook.after(&step)?;
        let step = Write::Rename(path.to_string());
        hook.before(&step)?;
        fs::rename(&temporary, file)?;
        File::open(parent)?.sync_all()?;
        hook.after(&step)
    }

    /// Makes missing directories and fsyncs every one between the ledger's root and the new one, so that a tile
    /// cannot vanish with the directory that a power cut forgot.
    fn make_dirs(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(dir)?;
        let inside = dir.ancestors().take_while(|ancestor| ancestor.starts_with(&self.root));
        for ancestor in inside {
            File::open(ancestor)?.sync_all()?;
        }
        Ok(())
    }
}

impl Tiles for LedgerDir {
    /// The tile of exactly this width, or the beginning of the full one.
    fn tile(&self, level: u8, index: u64, width: u16) -> Option<Vec<u8>> {
        let exact = self.read(&LedgerPath::Tile(TilePath { level, index, width })).ok()?;
        let bytes = match exact {
            Some(bytes) => bytes,
            None => self.read(&LedgerPath::Tile(TilePath { level, index, width: 256 })).ok()??,
        };
        bytes.get(..usize::from(width) * 32).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let blob = format!("blob/{hex}");
        let good = [
            "checkpoint",
            "tile/0/000",
            "tile/0/000.p/1",
            "tile/1/x001/x234/067.p/255",
            "tile/entries/000",
            "tile/entries/x001/000.p/7",
            &blob,
        ];
        for path in good {
            assert_eq!(LedgerPath::parse(path).map(|p| p.to_string()).as_deref(), Some(path));
        }
        let upper = blob.to_uppercase();
        let bad = [
            "",
            "/",
            "checkpoint/",
            "/checkpoint",
            "./checkpoint",
            "Checkpoint",
            ".checkpoint.tmp",
            "blob",
            "blob/",
            "blob/../checkpoint",
            "blob/..",
            "blob/aa",
            &upper,
            &format!("{blob}/"),
            &format!("{blob}0"),
            "tile/",
            "tile/../../portcullis.sqlite",
            "tile/0/../000",
            "tile/0/000.p/..",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/0",
            "tile/0/x000/000",
            "tile/00/000",
            "tile/64/000",
            "tile/entries/../000",
            "tile/entries/x000/000",
            "tile/entries/000.p/.1.tmp",
            "tile/0/000\0",
            "../portcullis.sqlite",
            "tile/0/x001",
            "tile/0/000.p",
            "tile\\0\\000",
            "tile/0/%2e%2e",
        ];
        for path in bad {
            assert_eq!(LedgerPath::parse(path), None, "{path:?}");
        }
    }

    #[test]
    fn what_a_size_covers() {
        let cases = [
            ("checkpoint", 1),
            ("tile/entries/000.p/1", 1),
            ("tile/0/000.p/1", 1),
            ("tile/0/000.p/255", 255),
            ("tile/0/000", 256),
            ("tile/entries/000", 256),
            ("tile/1/000.p/1", 256),
            ("tile/0/001.p/1", 257),
            ("tile/entries/001.p/1", 257),
            ("tile/1/000.p/2", 512),
            ("tile/1/000", 65_536),
            ("tile/2/000.p/1", 65_536),
            ("tile/entries/255", 65_536),
            ("tile/entries/256.p/1", 65_537),
        ];
        for (path, first) in cases {
            let path = LedgerPath::parse(path).unwrap();
            assert!(!path.within(first - 1), "{path} at {}", first - 1);
            assert!(path.within(first), "{path} at {first}");
        }
        for level in [8, 9, 63] {
            assert!(
                !LedgerPath::Tile(TilePath { level, index: 0, width: 1 }).within(u64::MAX),
                "level {level}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_directory(path in "(tile/|blob/|tile/entries/)?[0-9a-fx./p]{0,70}|.{0,40}") {
            if let Some(parsed) = LedgerPath::parse(&path) {
                prop_assert_eq!(parsed.to_string(), path.clone(), "one spelling per file");
                prop_assert!(!path.contains("..") && !path.starts_with('/'));
            }
        }

        /// What is public stays public.
        #[test]
        fn a_grown_ledger_covers_more(level in 0u8..64, index in any::<u64>(), width in 1u16..=256, size in any::<u64>()) {
            for path in [LedgerPath::Tile(TilePath { level, index, width }), LedgerPath::Entries(EntriesPath { index, width })] {
                prop_assert!(!path.within(size) || path.within(size.saturating_add(1)));
            }
            let small = LedgerPath::Entries(EntriesPath { index: index % 1000, width });
            prop_assert_eq!(small.within(size % 300_000), index % 1000 * 256 + u64::from(width) <= size % 300_000);
        }
    }
}
