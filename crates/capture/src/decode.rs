//! Bodies as people see them: content coding undone under a limit, characters read as browsers read them.

use std::io::Read;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::limits;

/// A body without its coding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// Why it is not the whole body, or not decoded.
    pub(crate) problem: Option<String>,
}

/// Undoes `codings` (the values of `Content-Encoding`, RFC 9110 8.4), the last one first.
pub(crate) fn content<'a>(codings: impl Iterator<Item = &'a str>, body: &[u8], limit: usize) -> Decoded {
    let layers: Vec<String> = codings
        .flat_map(|value| value.split(','))
        .map(|layer| layer.trim().to_ascii_lowercase())
        .filter(|layer| !layer.is_empty() && layer != "identity")
        .take(limits::LAYERS + 1)
        .collect();
    let mut decoded = Decoded { bytes: body.to_vec(), problem: None };
    if layers.len() > limits::LAYERS {
        decoded.problem = Some(format!("more than {} layers of Content-Encoding", limits::LAYERS));
        return decoded;
    }
    for layer in layers.iter().rev() {
        let (bytes, problem) = match layer.as_str() {
            "gzip" | "x-gzip" => unfold(MultiGzDecoder::new(&*decoded.bytes), limit),
            // The standard means zlib; some servers send the bare stream, and browsers take both.
            "deflate" => match unfold(ZlibDecoder::new(&*decoded.bytes), limit) {
                (bytes, Some(_)) if bytes.is_empty() => unfold(DeflateDecoder::new(&*decoded.bytes), limit),
                read => read,
            },
            other => {
                decoded.problem = Some(format!("Content-Encoding {other:?}, which was not asked for"));
                return decoded;
            }
        };
        decoded.bytes = bytes;
        if problem.is_some() {
            decoded.problem = problem;
            return decoded;
        }
    }
    decoded
}

fn unfold(reader: impl Read, limit: usize) -> (Vec<u8>, Option<String>) {
    let mut bytes = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX);
    match reader.take(room.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > limit => {
            bytes.truncate(limit);
            (bytes, Some(format!("unfolds to more than {limit} bytes")))
        }
        Ok(_) => (bytes, None),
        Err(error) => (bytes, Some(format!("broken compression: {error}"))),
    }
}

/// The characters of a page, and the name of the encoding they were read in: byte order mark, else `Content-Type`, else
/// what the page says in its first 1024 bytes, else UTF-8 when it is, else windows-1252 (HTML, 13.2.3.2).
pub(crate) fn characters(bytes: &[u8], content_type: Option<&str>) -> (String, &'static str) {
    let said = || {
        let label = content_type.and_then(charset).or_else(|| declared(bytes))?;
        Encoding::for_label(label.as_bytes())
    };
    let guess = || if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 };
    let (encoding, _) = Encoding::for_bom(bytes).unwrap_or_else(|| (said().unwrap_or_else(guess), 0));
    // Honours a byte order mark itself, which then is the one found above.
    let (text, used, _) = encoding.decode(bytes);
    (text.into_owned(), used.name())
}

/// The `charset` of a media type.
fn charset(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("charset=")? + "charset=".len();
    let value = content_type.get(at..)?.trim_start_matches(['"', '\'']);
    let end =
        value.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.+".contains(c))).unwrap_or(value.len());
    (end > 0).then(|| value[..end].to_owned())
}

/// What the beginning of a page says about its encoding.
fn declared(bytes: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let label = start.split("<meta").skip(1).find_map(|meta| charset(meta.split('>').next()?))?;
    // A page whose tags can be read as ASCII is not UTF-16, whatever it says (13.2.3.3).
    Some(if label.starts_with("utf-16") { "utf-8".to_owned() } else { label })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use proptest::prelude::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzEncoder::new(bytes, Compression::default()).read_to_end(&mut out).expect("in memory");
        out
    }

    #[test]
    fn what_was_offered_is_undone_and_nothing_else() {
        let page = b"<p>page</p>".repeat(50);
        let mut zlib = Vec::new();
        flate2::read::ZlibEncoder::new(&*page, Compression::default())
            .read_to_end(&mut zlib)
            .expect("in memory");
        let mut bare = Vec::new();
        let encoder = flate2::read::DeflateEncoder::new(&*page, Compression::default());
        { encoder }.read_to_end(&mut bare).expect("in memory");
        for (coding, body) in [
            ("gzip", gzip(&page)),
            ("X-GZIP", gzip(&page)),
            ("deflate", zlib),
            ("deflate", bare),
            ("gzip, gzip", gzip(&gzip(&page))),
            ("identity", page.clone()),
        ] {
            let decoded = content([coding].into_iter(), &body, 1 << 20);
            assert_eq!((decoded.bytes, decoded.problem), (page.clone(), None), "{coding}");
        }
        for (coding, word) in [("br", "br"), ("gzip,gzip,gzip,gzip", "layers"), ("gzip", "compression")] {
            let decoded = content([coding].into_iter(), &page, 1 << 20);
            assert!(decoded.problem.expect(coding).contains(word), "{coding}");
        }
    }

    #[test]
    fn a_bomb_is_cut_at_the_limit() {
        let bomb = gzip(&vec![b'a'; 1 << 20]);
        let decoded = content(["gzip"].into_iter(), &bomb, 1000);
        assert_eq!(decoded.bytes.len(), 1000);
        assert!(decoded.problem.expect("it says so").contains("1000"));
        assert_eq!(content(["gzip"].into_iter(), &bomb, 1 << 20).problem, None, "exactly the limit is whole");
    }

    #[test]
    fn characters_as_browsers_read_them() {
        for (bytes, content_type, text, name) in [
            (&b"\xe4"[..], None, "ä", "windows-1252"),
            (b"\xc3\xa4", None, "ä", "UTF-8"),
            (b"\xc3\xa4", Some("text/html; charset=\"iso-8859-1\""), "Ã¤", "windows-1252"),
            (b"\xff\xfe\xe4\x00", Some("text/html;charset=utf-8"), "ä", "UTF-16LE"),
            (b"<meta charset=koi8-r>\xc1", None, "<meta charset=koi8-r>а", "KOI8-R"),
            (b"\xc3\xa4", Some("text/html; charset=none-such"), "ä", "UTF-8"),
        ] {
            assert_eq!(characters(bytes, content_type), (text.to_owned(), name), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_body_gets_past_the_limit(body: Vec<u8>, codings: Vec<String>, limit in 0usize..100) {
            let known = ["gzip", "deflate", "gzip, deflate"];
            for coding in known {
                prop_assert!(content([coding].into_iter(), &body, limit).bytes.len() <= limit.max(body.len()));
            }
            let decoded = content(codings.iter().map(String::as_str), &body, limit);
            prop_assert!(decoded.bytes.len() <= limit.max(body.len()));
        }

        #[test]
        fn any_bytes_are_some_characters(bytes: Vec<u8>, content_type: Option<String>) {
            let (text, _) = characters(&bytes, content_type.as_deref());
            prop_assert!(text.len() <= bytes.len() * 3);
        }
    }
}
