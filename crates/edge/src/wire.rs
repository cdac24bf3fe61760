//! What hyper repairs or hides, seen before hyper sees it: strict framing of HTTP/1.1 requests.
//!
//! hyper takes a bare LF as a line end, drops `Content-Length` silently beside `Transfer-Encoding`, and
//! merges equal `Content-Length` lines. Each of these has been used to make two servers disagree about
//! where a request ends. This machine reads every byte of a connection in front of hyper and stops at
//! the first that is not strict. It repairs nothing and decides nothing else.
//!
//! Source: RFC 9112 sections 2.2, 5.2, 6.1, 6.3, 7.1.

use std::fmt;

/// Why a connection's bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line that ends in LF alone.
    BareLf,
    /// CR or NUL within a line.
    BareCr,
    /// An empty line before the request line.
    EmptyLine,
    /// Not `method target HTTP/1.x`.
    RequestLine,
    /// A header line that continues the one before.
    Fold,
    /// No plain name and colon.
    Name,
    /// `Content-Length` is no number.
    Length,
    /// More than one `Content-Length`.
    TwoLengths,
    /// `Transfer-Encoding` is not one plain `chunked`.
    Coding,
    /// `Transfer-Encoding` on HTTP/1.0.
    CodingOnOld,
    /// Both ways of framing.
    LengthAndCoding,
    /// A malformed chunk.
    Chunk,
    /// A line or the trailer is too large.
    TooLarge,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLf => "line ends in a bare LF",
            Self::BareCr => "CR or NUL within a line",
            Self::EmptyLine => "empty line before the request line",
            Self::RequestLine => "request line is not `method target HTTP/1.x`",
            Self::Fold => "folded header line",
            Self::Name => "header line without a plain name and colon",
            Self::Length => "Content-Length is not a number",
            Self::TwoLengths => "more than one Content-Length",
            Self::Coding => "Transfer-Encoding is not one plain `chunked`",
            Self::CodingOnOld => "Transfer-Encoding on HTTP/1.0",
            Self::LengthAndCoding => "both Content-Length and Transfer-Encoding",
            Self::Chunk => "malformed chunk",
            Self::TooLarge => "line or trailer too large",
        })
    }
}

/// Where in the fed bytes the fault is, and whether it is within a head (hyper then still answers 400).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Offset in the bytes fed last.
    pub at: usize,
    /// Whether it lies within a head.
    pub in_head: bool,
    /// What is wrong.
    pub fault: Fault,
}

/// A chunk size has at most 16 hexadecimal digits: 64 bits.
const CHUNK_DIGITS: usize = 16;
/// All trailer lines of one request together: as large as nginx takes, and we forward none.
const TRAILER_BYTES: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    Sized(u64),
    ChunkSize,
    ChunkData(u64),
    Trailer,
    /// After a request to upgrade: the bytes belong to the tunnel, or the connection closes with the answer.
    Tunnel,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    begun: bool,
    old: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

/// The machine. One per connection.
#[derive(Debug)]
pub struct Wire {
    place: Place,
    head: Head,
    /// The part of a line that came in an earlier read.
    carry: Vec<u8>,
    /// Bytes of whole lines of this head or this trailer.
    used: usize,
    most: usize,
}

impl Wire {
    /// `most`: bytes of one head.
    pub fn new(most: usize) -> Self {
        Self { place: Place::Head, head: Head::default(), carry: Vec::new(), used: 0, most }
    }

    /// Whether a head has begun and not ended.
    pub fn within_head(&self) -> bool {
        self.place == Place::Head && (self.head.begun || !self.carry.is_empty())
    }

    /// Reads the next bytes of the connection, in whatever pieces they come.
    ///
    /// # Errors
    /// The first byte that is not strict; the connection must then be closed.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += match self.place {
                Place::Tunnel => return Ok(()),
                Place::Sized(left) => self.skip(left, rest.len(), Place::Sized, Place::Head),
                // The two bytes after the data are read as an empty line.
                Place::ChunkData(left) if left > 0 => {
                    self.skip(left, rest.len(), Place::ChunkData, Place::ChunkData(0))
                }
                _ => self.lines(rest).map_err(|(offset, fault)| Violation {
                    at: at + offset,
                    in_head: self.place == Place::Head,
                    fault,
                })?,
            };
        }
        Ok(())
    }

    fn skip(&mut self, left: u64, have: usize, more: fn(u64) -> Place, done: Place) -> usize {
        let take = left.min(have as u64);
        self.place = if take == left { done } else { more(left - take) };
        take as usize
    }

    /// Takes one line, or the beginning of one, and says how many bytes that was.
    fn lines(&mut self, rest: &[u8]) -> Result<usize, (usize, Fault)> {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            if self.used + self.carry.len() + rest.len() > self.most {
                return Err((0, Fault::TooLarge));
            }
            self.carry.extend_from_slice(rest);
            return Ok(rest.len());
        };
        self.used += self.carry.len() + end + 1;
        if self.used > self.most {
            return Err((end, Fault::TooLarge));
        }
        let result = if self.carry.is_empty() {
            self.line(&rest[..end])
        } else {
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(&rest[..end]);
            let result = self.line(&line);
            line.clear();
            self.carry = line;
            result
        };
        result.map(|()| end + 1).map_err(|fault| (end, fault))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let line = line.strip_suffix(b"\r").ok_or(Fault::BareLf)?;
        if memchr::memchr2(b'\r', 0, line).is_some() {
            return Err(Fault::BareCr);
        }
        match self.place {
            Place::Head if !self.head.begun => self.request_line(line),
            Place::Head if line.is_empty() => self.end_of_head(),
            Place::Head => self.field(line),
            Place::ChunkSize => self.chunk_size(line),
            Place::ChunkData(_) if line.is_empty() => {
                self.used = 0;
                self.place = Place::ChunkSize;
                Ok(())
            }
            Place::ChunkData(_) => Err(Fault::Chunk),
            Place::Trailer => self.trailer(line),
            Place::Sized(_) | Place::Tunnel => Ok(()),
        }
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.is_empty() {
            return Err(Fault::EmptyLine);
        }
        let mut parts = line.split(|&b| b == b' ');
        let (method, target, version) = (parts.next(), parts.next(), parts.next());
        let some = |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty());
        let old = match version {
            Some(b"HTTP/1.1") => false,
            Some(b"HTTP/1.0") => true,
            _ => return Err(Fault::RequestLine),
        };
        // A fragment has no place in a target (RFC 9112 section 3.2); the parser behind us would drop it in silence.
        let fragment = target.is_some_and(|t| memchr::memchr(b'#', t).is_some());
        if !some(method) || !some(target) || fragment || parts.next().is_some() {
            return Err(Fault::RequestLine);
        }
        self.head = Head { begun: true, old, ..Head::default() };
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        if matches!(line[0], b' ' | b'\t') {
            return Err(Fault::Fold);
        }
        let colon = memchr::memchr(b':', line).ok_or(Fault::Name)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || name.iter().any(|b| matches!(b, b' ' | b'\t')) {
            return Err(Fault::Name);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.head.length.is_some() {
                return Err(Fault::TwoLengths);
            }
            self.head.length = Some(number(value).ok_or(Fault::Length)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.head.old {
                return Err(Fault::CodingOnOld);
            }
            if self.head.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::Coding);
            }
            self.head.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.head.upgrade = true;
        }
        if self.head.chunked && self.head.length.is_some() {
            return Err(Fault::LengthAndCoding);
        }
        Ok(())
    }

    fn end_of_head(&mut self) -> Result<(), Fault> {
        let head = std::mem::take(&mut self.head);
        self.used = 0;
        self.place = match head {
            Head { chunked: true, .. } => Place::ChunkSize,
            Head { length: Some(length @ 1..), .. } => Place::Sized(length),
            // A request to upgrade that has a body is not upgraded (stage/upstream), so its body counts.
            Head { upgrade: true, old: false, .. } => Place::Tunnel,
            _ => Place::Head,
        };
        Ok(())
    }

    /// No chunk extensions: nobody sends them but those who probe for servers that skip them differently.
    fn chunk_size(&mut self, line: &[u8]) -> Result<(), Fault> {
        let digits = !line.is_empty() && line.len() <= CHUNK_DIGITS && line.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(line).map_err(|_| Fault::Chunk)?;
        let size = u64::from_str_radix(text, 16).map_err(|_| Fault::Chunk)?;
        if !digits {
            return Err(Fault::Chunk);
        }
        self.used = 0;
        self.place = if size == 0 { Place::Trailer } else { Place::ChunkData(size) };
        Ok(())
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.is_empty() {
            self.place = Place::Head;
            self.used = 0;
            return Ok(());
        }
        if self.used > TRAILER_BYTES {
            return Err(Fault::TooLarge);
        }
        if matches!(line[0], b' ' | b'\t') { Err(Fault::Fold) } else { Ok(()) }
    }
}

fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The parser behind us counts in fewer bits and would say that the head is too large.
    std::str::from_utf8(value).ok()?.parse().ok().filter(|length| *length <= u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(input: &str) -> Option<Fault> {
        Wire::new(65_536).feed(input.as_bytes()).err().map(|v| v.fault)
    }

    #[test]
    fn vectors() {
        let h = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (input, expect) in [
            (format!("{h}\r\n"), None),
            (format!("{h}\r\n{h}\r\n"), None),
            (format!("{h}Content-Length: 3\r\n\r\nabc{h}\r\n"), None),
            (format!("{h}Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n{h}\r\n"), None),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n{h}\r\n"), None),
            (format!("{h}Upgrade: websocket\r\n\r\n\x01\n\n"), None),
            ("GET / HTTP/1.1\nHost: a\n\n".into(), Some(Fault::BareLf)),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n".into(), Some(Fault::BareLf)),
            (format!("{h}X: a\rb\r\n\r\n"), Some(Fault::BareCr)),
            (format!("{h}X: a\0b\r\n\r\n"), Some(Fault::BareCr)),
            (format!("\r\n{h}\r\n"), Some(Fault::EmptyLine)),
            ("GET /\r\n".into(), Some(Fault::RequestLine)),
            ("GET /a#b HTTP/1.1\r\n".into(), Some(Fault::RequestLine)),
            ("GET  / HTTP/1.1\r\n".into(), Some(Fault::RequestLine)),
            ("GET / x HTTP/1.1\r\n".into(), Some(Fault::RequestLine)),
            ("GET / HTTP/1.1 \r\n".into(), Some(Fault::RequestLine)),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), Some(Fault::RequestLine)),
            (format!("{h}X: a\r\n b\r\n\r\n"), Some(Fault::Fold)),
            (format!("{h}X : a\r\n\r\n"), Some(Fault::Name)),
            (format!("{h}: a\r\n\r\n"), Some(Fault::Name)),
            (format!("{h}X\r\n\r\n"), Some(Fault::Name)),
            (format!("{h}Content-Length: +3\r\n\r\n"), Some(Fault::Length)),
            (format!("{h}Content-Length: 3,3\r\n\r\n"), Some(Fault::Length)),
            (format!("{h}Content-Length:\r\n\r\n"), Some(Fault::Length)),
            (format!("{h}Content-Length: 18446744073709551615\r\n\r\n"), Some(Fault::Length)),
            (format!("{h}Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), Some(Fault::TwoLengths)),
            (format!("{h}Transfer-Encoding: gzip, chunked\r\n\r\n"), Some(Fault::Coding)),
            (format!("{h}Transfer-Encoding: xchunked\r\n\r\n"), Some(Fault::Coding)),
            (
                format!("{h}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
                Some(Fault::Coding),
            ),
            (
                format!("{h}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
                Some(Fault::LengthAndCoding),
            ),
            (
                format!("{h}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
                Some(Fault::LengthAndCoding),
            ),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), Some(Fault::CodingOnOld)),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n"), Some(Fault::Chunk)),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n"), Some(Fault::Chunk)),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n"), Some(Fault::BareLf)),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"), Some(Fault::Chunk)),
            (format!("{h}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), Some(Fault::Chunk)),
        ] {
            assert_eq!(check(&input), expect, "{input:?}");
        }
    }

    #[test]
    fn an_endless_line_has_an_end() {
        let mut wire = Wire::new(1024);
        let fault = (0..100).find_map(|_| wire.feed(&[b'a'; 100]).err()).expect("stops");
        assert_eq!(fault.fault, Fault::TooLarge);
        assert!(wire.carry.len() <= 1024);
        let mut wire = Wire::new(1024);
        let head = format!("GET / HTTP/1.1\r\n{}", "A: b\r\n".repeat(200));
        assert_eq!(wire.feed(head.as_bytes()).map_err(|v| v.fault), Err(Fault::TooLarge));
        let mut wire = Wire::new(64);
        let small = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
        assert_eq!(wire.feed(small.as_bytes()), Ok(()), "each head counts for itself");
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::sample::select(vec![
            "GET / HTTP/1.1\r\n",
            "Host: a\r\n",
            "\r\n",
            "\n",
            "Content-Length: 2\r\n",
            "ab",
            " ",
            "0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "2\r\n",
            "Upgrade: websocket\r\n",
            "\0",
            "POST /x HTTP/1.0\r\n",
        ]);
        prop::collection::vec(words, 0..14).prop_map(|w| w.concat().into_bytes())
    }

    proptest! {
        /// However the bytes are cut into reads, the same byte is refused for the same reason.
        #[test]
        fn cutting_changes_nothing(input in pieces(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let whole = Wire::new(65_536).feed(&input);
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(input.len() + 1)).collect();
            at.extend([0, input.len()]);
            at.sort_unstable();
            let mut wire = Wire::new(65_536);
            let mut split = Ok(());
            for pair in at.windows(2) {
                if let Err(v) = wire.feed(&input[pair[0]..pair[1]]) {
                    split = Err(Violation { at: v.at + pair[0], ..v });
                    break;
                }
            }
            prop_assert_eq!(split, whole);
        }

        #[test]
        fn never_panics(input in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut wire = Wire::new(128);
            let refused = wire.feed(&input).is_err();
            prop_assert!(refused || wire.carry.len() <= 128);
        }
    }
}
