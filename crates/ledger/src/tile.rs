//! Tiles (C2SP tlog-tiles): the names under which a log's hashes and entries are stored and served, and the bundles
//! the entries are packed in.

#[cfg(test)]
mod tests;

use crate::encoding;
use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

/// How many hashes or entries a complete tile holds.
pub const WIDTH: u64 = 256;
/// How many rows of the tree a tile stands for: 2^8 = [`WIDTH`].
pub(crate) const HEIGHT: u32 = 8;
/// The largest entry, in bytes: its length is written in 16 bits.
pub const MAX_ENTRY: usize = 65_535;
/// The largest bundle, in bytes: 256 entries, each of [`MAX_ENTRY`] and its length, which is 16 MiB.
pub const MAX_BUNDLE: usize = 256 * (2 + MAX_ENTRY);

/// The place of a tile of hashes, below the prefix of the log: `tile/<level>/<index>[.p/<width>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// 0 holds leaf hashes, each higher level the roots of complete tiles below; at most [`TilePath::MAX_LEVEL`].
    pub level: u8,
    /// The number of the tile in its level.
    pub index: u64,
    /// How many hashes are in it, 1 to 256; a path names it when it is less than 256.
    pub width: u16,
}

impl TilePath {
    /// The highest level that a path can name (C2SP tlog-tiles).
    pub const MAX_LEVEL: u8 = 63;

    /// Reads what `Display` prints and no other spelling.
    ///
    /// # Errors
    /// When it is no path of a tile of hashes.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let (level, rest) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(TileError::Path)?;
        let level = encoding::decimal(level).and_then(|level| u8::try_from(level).ok());
        let level = level.filter(|&level| level <= Self::MAX_LEVEL).ok_or(TileError::Path)?;
        let (index, width) = parse_place(rest)?;
        Ok(Self { level, index, width })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_place(f, self.index, self.width)
    }
}

/// The place of a bundle of entries, below the prefix of the log: `tile/entries/<index>[.p/<width>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntriesPath {
    /// The number of the bundle: entries 256 `index` and following.
    pub index: u64,
    /// How many entries are in it, 1 to 256; a path names it when it is less than 256.
    pub width: u16,
}

impl EntriesPath {
    /// Reads what `Display` prints and no other spelling.
    ///
    /// # Errors
    /// When it is no path of a bundle.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let (index, width) = parse_place(path.strip_prefix("tile/entries/").ok_or(TileError::Path)?)?;
        Ok(Self { index, width })
    }
}

impl fmt::Display for EntriesPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_place(f, self.index, self.width)
    }
}

/// Packs entries: for each its length as a big-endian u16 and its bytes.
///
/// # Errors
/// When there is no entry, more than 256, or one longer than [`MAX_ENTRY`].
pub fn encode_bundle(entries: &[Vec<u8>]) -> Result<Vec<u8>, TileError> {
    if !has_bundle_width(entries.len()) {
        return Err(TileError::Width);
    }
    let mut out = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::LongEntry)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// Unpacks what [`encode_bundle`] packs.
///
/// # Errors
/// When an entry is cut short, or there is no entry or more than 256.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<Vec<u8>>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(TileError::Short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or(TileError::Short)?;
        entries.push(entry.to_vec());
        if !has_bundle_width(entries.len()) {
            return Err(TileError::Width);
        }
        rest = after;
    }
    if entries.is_empty() { Err(TileError::Width) } else { Ok(entries) }
}

/// Why bytes are no bundle, or a path no path of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TileError {
    /// No path of the expected kind, or another spelling of one.
    Path,
    /// A bundle holds 1 to 256 entries.
    Width,
    /// An entry is longer than [`MAX_ENTRY`].
    LongEntry,
    /// The bundle ends within an entry.
    Short,
}

impl fmt::Display for TileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("no path of a tile"),
            Self::Width => write!(f, "a bundle holds 1 to {WIDTH} entries"),
            Self::LongEntry => write!(f, "an entry is longer than {MAX_ENTRY} bytes"),
            Self::Short => f.write_str("the bundle ends within an entry"),
        }
    }
}

impl core::error::Error for TileError {}

fn has_bundle_width(entries: usize) -> bool {
    u64::try_from(entries).is_ok_and(|count| (1..=WIDTH).contains(&count))
}

/// `1234067` is written `x001/x234/067`.
fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let digits = index.to_string();
    // Zeros in front fill the first group: one of 3, 4 and 5 digits is padded to 3, 6 and 6.
    let mut groups = digits.as_bytes().rchunks(3).rev().peekable();
    while let Some(group) = groups.next() {
        let group = core::str::from_utf8(group).map_err(|_| fmt::Error)?;
        let (mark, end) = if groups.peek().is_some() { ("x", "/") } else { ("", "") };
        write!(f, "{mark}{group:0>3}{end}")?;
    }
    if u64::from(width) == WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
}

fn parse_place(text: &str) -> Result<(u64, u16), TileError> {
    let (place, width) = match text.split_once(".p/") {
        Some((place, width)) => (place, encoding::decimal(width).filter(|width| (1..WIDTH).contains(width))),
        None => (text, Some(WIDTH)),
    };
    let width = width.and_then(|width| u16::try_from(width).ok()).ok_or(TileError::Path)?;
    let (front, last) = place.rsplit_once('/').map_or((None, place), |(front, last)| (Some(front), last));
    let mut digits = String::new();
    for group in front.iter().flat_map(|front| front.split('/')) {
        digits.push_str(three_digits(group.strip_prefix('x').ok_or(TileError::Path)?)?);
    }
    digits.push_str(three_digits(last)?);
    // Only a place below 1000 may begin with a group of zeros.
    if front.is_some() && digits.starts_with("000") {
        return Err(TileError::Path);
    }
    Ok((digits.parse().map_err(|_| TileError::Path)?, width))
}

fn three_digits(group: &str) -> Result<&str, TileError> {
    let plain = group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    if plain { Ok(group) } else { Err(TileError::Path) }
}
