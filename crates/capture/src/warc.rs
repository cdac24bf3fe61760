//! The archive: WARC/1.1 (ISO 28500:2017), each record a gzip member of its own, with digests on every record.
//!
//! Ours, because the only library writes what validators refuse. Held against two readers of others (`scripts/warc.sh`).

use std::io::Write as _;
use std::net::IpAddr;

use flate2::{Compression, GzBuilder};

use crate::{digest, time};

/// The kinds of record that are written (WARC 1.1, 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Warcinfo,
    Request,
    Response,
    Resource,
    Metadata,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Warcinfo => "warcinfo",
            Self::Request => "request",
            Self::Response => "response",
            Self::Resource => "resource",
            Self::Metadata => "metadata",
        }
    }
}

/// One record, to be written.
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// None for `warcinfo` alone.
    pub(crate) uri: Option<&'a str>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) content_type: &'a str,
    pub(crate) block: &'a [u8],
    /// The payload within the block of a question or an answer, when readers agree on what that is. Elsewhere it is the
    /// block, and FastWARC refuses a second digest of it.
    pub(crate) payload: Option<&'a [u8]>,
    /// The record it belongs to.
    pub(crate) with: Option<&'a str>,
    pub(crate) truncated: Option<&'static str>,
}

/// Writes records one after the other. The same records under the same id give the same bytes.
pub(crate) struct Archive {
    bytes: Vec<u8>,
    capture: [u8; 16],
    records: u64,
    info: Option<String>,
}

impl Archive {
    /// A new archive of the capture with this id.
    pub(crate) fn new(capture: [u8; 16]) -> Self {
        Self { bytes: Vec::new(), capture, records: 0, info: None }
    }

    /// The id that the record after the next `ahead` ones will have: pairs name each other.
    pub(crate) fn id(&self, ahead: u64) -> String {
        let mut half = digest::half(&[&self.capture, &(self.records + ahead).to_be_bytes()]);
        // A UUID of version 8 (RFC 9562, 5.8): made by us, out of a hash.
        half[6] = 0x80 | half[6] & 0x0f;
        half[8] = 0x80 | half[8] & 0x3f;
        format!("<urn:uuid:{}>", uuid(&half))
    }

    /// Appends a record and says which id it got.
    pub(crate) fn add(&mut self, record: &Record<'_>) -> String {
        let id = self.id(0);
        self.records += 1;
        let mut head = format!("WARC/1.1\r\nWARC-Type: {}\r\nWARC-Record-ID: {id}\r\n", record.kind.word());
        let mut field = |name: &str, value: &str| {
            // Nothing of ours has a line end in it; should anything ever have one, it must not become a field.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            head += &format!("{name}: {value}\r\n");
        };
        field("WARC-Date", &time::millis(record.at));
        if let Some(uri) = record.uri {
            field("WARC-Target-URI", uri);
        }
        if let Some(ip) = record.ip {
            field("WARC-IP-Address", &ip.to_string());
        }
        if let Some(with) = record.with {
            let name = if record.kind == Kind::Metadata { "WARC-Refers-To" } else { "WARC-Concurrent-To" };
            field(name, with);
        }
        match &self.info {
            Some(info) => field("WARC-Warcinfo-ID", info),
            None => field("WARC-Filename", crate::WARC),
        }
        if let Some(why) = record.truncated {
            field("WARC-Truncated", why);
        }
        field("WARC-Block-Digest", &format!("sha256:{}", digest::hex(record.block)));
        if let Some(payload) = record.payload {
            field("WARC-Payload-Digest", &format!("sha256:{}", digest::hex(payload)));
        }
        field("Content-Type", record.content_type);
        field("Content-Length", &record.block.len().to_string());
        if record.kind == Kind::Warcinfo {
            self.info = Some(id.clone());
        }
        self.member(&[head.as_bytes(), b"\r\n", record.block, b"\r\n\r\n"]);
        id
    }

    fn member(&mut self, parts: &[&[u8]]) {
        // No name and no time in the member: they would only make the same evidence two files.
        let mut gzip = GzBuilder::new().write(std::mem::take(&mut self.bytes), Compression::default());
        for part in parts {
            gzip.write_all(part).expect("a Vec takes everything");
        }
        self.bytes = gzip.finish().expect("a Vec takes everything");
    }

    /// The file.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// A UUID as it is written.
pub(crate) fn uuid(bytes: &[u8; 16]) -> String {
    let hex = digest::spell(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn record<'a>(kind: Kind, block: &'a [u8]) -> Record<'a> {
        Record {
            kind,
            at: 1_662_246_900_123,
            uri: (kind != Kind::Warcinfo).then_some("http://x.example/"),
            ip: None,
            content_type: "text/plain",
            block,
            payload: Some(block),
            with: None,
            truncated: None,
        }
    }

    #[test]
    fn each_record_is_a_member_of_its_own_and_the_same_twice() {
        let file = |block: &[u8]| {
            let mut archive = Archive::new([7; 16]);
            archive.add(&record(Kind::Warcinfo, b"software: x\r\n"));
            let middle = archive.bytes.len();
            archive.add(&record(Kind::Resource, block));
            (middle, archive.finish())
        };
        let (middle, bytes) = file(b"text");
        assert_eq!((middle, &bytes), (file(b"text").0, &file(b"text").1));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[middle..]).read_to_string(&mut text).expect("a member");
        assert!(text.starts_with("WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:"), "{text}");
        assert!(text.contains("\r\nWARC-Date: 2022-09-03T23:15:00.123Z\r\n"), "{text}");
        assert!(text.ends_with("Content-Length: 4\r\n\r\ntext\r\n\r\n"), "{text}");
        let digest = format!("sha256:{}\r\n", digest::hex(b"text"));
        assert_eq!(text.matches(&digest).count(), 2);
    }

    #[test]
    fn no_value_becomes_a_field() {
        let mut archive = Archive::new([0; 16]);
        let mut bad = record(Kind::Resource, b"");
        bad.uri = Some("http://x.example/\r\nWARC-Type: warcinfo");
        archive.add(&bad);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*archive.finish()).read_to_string(&mut text).expect("a member");
        assert_eq!(text.lines().filter(|line| line.starts_with("WARC-Type")).count(), 1);
    }
}
