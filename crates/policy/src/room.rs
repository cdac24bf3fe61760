//! What an authority says in the room that was opened for it: as the inbox keeps it until the desk writes it into the case.
//! It decides nothing and changes no measure.

use crate::{
    GrammarError, Id, Sentence, Time,
    case::facts::Answer,
    note::{read_hash, read_id, read_time},
    text::{Lines, number},
};
use alloc::{format, string::String};
use core::fmt;
use ledger::Hash;

/// Largest document that is handed over, bytes: a scanned order of twenty pages is under ten MiB.
pub const MAX_DOCUMENT: usize = 10 << 20;

/// Largest text of one answer, bytes: ten lines, of which two may be sentences of 2,048 bytes.
pub const MAX_SAID: usize = 8192;

/// Digits of a code: one in a hundred million, and a room is closed to guessing after a few.
pub const CODE_DIGITS: u32 = 8;

/// Who writes entries of a case that come from a room: the name that stands in its journal.
pub const WRITER: &str = "the room";

/// A document that lies beside an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many bytes, at most [`MAX_DOCUMENT`].
    pub bytes: u64,
}

/// What somebody said in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its number.
    pub id: Id,
    /// The referral whose room it is.
    pub referral: Id,
    /// When, by our clock.
    pub at: Time,
    /// What.
    pub answer: Answer,
    /// Who, in their own words.
    pub name: Sentence,
    /// In their words.
    pub what: Sentence,
    /// What they handed over.
    pub document: Option<Document>,
}

const FIRST: &str = "portcullis-answer/v1";

impl Said {
    /// Reads it as the inbox keeps it.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        lines.exactly(FIRST)?;
        let id = read_id(&mut lines, "id")?;
        let referral = read_id(&mut lines, "referral")?;
        let at = read_time(&mut lines, "at")?;
        let answer = lines.read("answer", "an answer", Answer::parse)?;
        let name = lines.sentence("name")?;
        let what = lines.sentence("what")?;
        let document = if lines.next_is("bytes") {
            let limit = |v: &str| number(v).filter(|n| *n <= MAX_DOCUMENT as u64);
            let bytes = lines.read("bytes", "a number of at most 10 MiB", limit)?;
            Some(Document { bytes, sha256: read_hash(&mut lines, "sha256")? })
        } else {
            None
        };
        lines.end()?;
        Ok(Self { id, referral, at, answer, name, what, document })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, referral, at, answer, name, what, document } = self;
        write!(
            f,
            "{FIRST}\nid {id}\nreferral {referral}\nat {at}\nanswer {answer}\nname {name}\nwhat {what}\n"
        )?;
        match document {
            Some(Document { sha256, bytes }) => write!(f, "bytes {bytes}\nsha256 {sha256}\n"),
            None => Ok(()),
        }
    }
}

/// The hash under which a room's code is kept: bound to the room, so that one code fits one room.
#[must_use]
pub fn code_hash(referral: &Id, code: &str) -> Hash {
    let plain: String = code.chars().filter(char::is_ascii_digit).collect();
    Hash::of(format!("portcullis-room/v1 {referral} {plain}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn id(s: &str) -> Id {
        Id::parse(s).expect("an id")
    }

    #[test]
    fn a_code_fits_one_room_however_it_is_typed() {
        let hash = code_hash(&id("ref-1"), "1234 5678");
        assert_eq!(hash, code_hash(&id("ref-1"), "12-34-56-78"));
        assert_ne!(hash, code_hash(&id("ref-2"), "12345678"));
        assert_ne!(hash, code_hash(&id("ref-1"), "12345679"));
    }

    proptest! {
        #[test]
        fn it_reads_as_it_was_written(
            answer in proptest::sample::select(Answer::ALL), at in 0u64..2_000_000_000, name in "[A-Z][a-z]{1,20}",
            what in "[A-Za-zäß][ -~]{0,60}[a-z.]", bytes in proptest::option::of(0u64..2 * MAX_DOCUMENT as u64),
        ) {
            let document = bytes.map(|bytes| Document { bytes, sha256: Hash::of(b"order") });
            let said = Said {
                id: id("ans-1"), referral: id("ref-1"), at: Time(at), answer,
                name: Sentence::parse(&name).expect("a name"), what: Sentence::parse(&what).expect("words"), document,
            };
            let fits = said.document.as_ref().is_none_or(|d| d.bytes <= MAX_DOCUMENT as u64);
            prop_assert_eq!(Said::parse(&said.to_string()).ok(), fits.then_some(said));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(portcullis-answer/v1\n)?([a-z0-9]{1,9} [ -~]{0,20}\n){0,9}") {
            if let Ok(said) = Said::parse(&text) {
                prop_assert_eq!(said.to_string(), text);
            }
        }
    }
}
