//! What a case holds beside its timeline: evidence, judgements of the eight criteria, referrals to authorities and what
//! they answered. How they read and are written.

use crate::{
    GrammarError, Id, Sentence, Time,
    note::{Criterion, Verdict, read_hash, read_id, read_time, words},
    text::{Lines, number, optional, or_none},
};
use alloc::{string::ToString, vec::Vec};
use core::fmt;
use ledger::Hash;

/// Most pieces of evidence under one judgement: a sentence that needs more than a screenful proves nothing.
pub const MAX_CITED: usize = 20;

words! {
    /// Where a piece of evidence comes from.
    Source {
        /// We fetched it.
        Captured = "captured",
        /// An authority gave it to us.
        Authority = "authority",
        /// A notarised archive.
        Archive = "archive",
        /// The customer gave it to us.
        Customer = "customer",
        /// Somebody who reported gave it to us.
        Reporter = "reporter",
        /// Anybody else.
        Other = "other",
    }
}

impl Source {
    /// Whether it needs nobody's word: a screenshot can be painted, what we fetched was there.
    #[must_use]
    pub fn is_own(self) -> bool {
        matches!(self, Self::Captured | Self::Authority | Self::Archive)
    }
}

words! {
    /// How an authority was told.
    Channel {
        /// By telephone, to the number in the directory.
        Phone = "phone",
        /// By e-mail.
        Mail = "mail",
        /// Through its own form or portal.
        Form = "form",
        /// By letter or fax.
        Post = "post",
        /// In person.
        InPerson = "in-person",
    }
}

words! {
    /// What an authority answered.
    Answer {
        /// A machine says that it arrived.
        Delivered = "delivered",
        /// A person has it.
        Acknowledged = "acknowledged",
        /// It acts by itself within the window.
        Acts = "acts",
        /// It cannot act within the window.
        CannotInTime = "cannot-in-time",
        /// It is not the one to act.
        Declines = "declines",
        /// It asks something.
        Asks = "asks",
        /// Acting would harm its work, or somebody.
        Objects = "objects",
        /// What it objected to is over.
        Withdraws = "withdraws",
    }
}

/// Something kept, by its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its number.
    pub id: Id,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many bytes.
    pub bytes: u64,
    /// What kind of source it comes from.
    pub source: Source,
    /// Which one; two pieces from the same one are one source.
    pub from: Sentence,
    /// When it was fetched or handed over.
    pub captured: Time,
    /// What it shows.
    pub what: Sentence,
}

impl Evidence {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        Ok(Self {
            id: read_id(lines, "evidence")?,
            sha256: read_hash(lines, "sha256")?,
            bytes: lines.read("bytes", "a number", number)?,
            source: lines.read("source", "a kind of source", Source::parse)?,
            from: lines.sentence("from")?,
            captured: read_time(lines, "captured")?,
            what: lines.sentence("what")?,
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, sha256, bytes, source, from, captured, what } = self;
        write!(f, "evidence {id}\nsha256 {sha256}\nbytes {bytes}\nsource {source}\nfrom {from}\n")?;
        write!(f, "captured {captured}\nwhat {what}\n")
    }
}

/// One criterion, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Which one.
    pub criterion: Criterion,
    /// How.
    pub verdict: Verdict,
    /// Until when the danger lasts; `imminent` states it, the others need none.
    pub until: Option<Time>,
    /// What shows it, each piece once, in the order of their numbers.
    pub evidence: Vec<Id>,
    /// The sentence.
    pub why: Sentence,
}

impl Judgement {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        Ok(Self {
            criterion: lines.read("criterion", "one of the eight", Criterion::parse)?,
            verdict: lines.read("verdict", "met, not_met or unknown", Verdict::parse)?,
            until: lines.read("until", "a time or none", |v| optional(v, Time::parse))?,
            evidence: lines.read("evidence", "none, or numbers in their order, joined by commas", cited)?,
            why: lines.sentence("why")?,
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { criterion, verdict, until, evidence, why } = self;
        let evidence: Vec<&str> = evidence.iter().map(Id::as_str).collect();
        let evidence = if evidence.is_empty() { "none".to_string() } else { evidence.join(",") };
        let until = or_none(until.as_ref());
        write!(f, "criterion {criterion}\nverdict {verdict}\nuntil {until}\nevidence {evidence}\nwhy {why}\n")
    }
}

fn cited(text: &str) -> Option<Vec<Id>> {
    if text == "none" {
        return Some(Vec::new());
    }
    let ids: Option<Vec<Id>> = text.split(',').map(Id::parse).collect();
    ids.filter(|ids| ids.len() <= MAX_CITED && ids.is_sorted_by(|a, b| a < b))
}

/// What was sent to an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Its number.
    pub id: Id,
    /// Which authority.
    pub authority: Id,
    /// Its country, as in ISO 3166-1 alpha-2.
    pub country: Country,
    /// How it was told.
    pub channel: Channel,
    /// When.
    pub sent: Time,
    /// By when it was asked to answer. Silence after that is an answer too.
    pub answer_by: Time,
    /// SHA-256 of what was sent; `None` when `told` is all there is, as after a call.
    pub record: Option<Hash>,
    /// What it was told and asked.
    pub told: Sentence,
}

impl Referral {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        Ok(Self {
            id: read_id(lines, "referral")?,
            authority: read_id(lines, "authority")?,
            country: lines.read("country", "two capital letters", Country::parse)?,
            channel: lines.read("channel", "a channel", Channel::parse)?,
            sent: read_time(lines, "sent")?,
            answer_by: read_time(lines, "answer-by")?,
            record: lines.read("record-sha256", "a hash or none", |v| optional(v, Hash::parse_hex))?,
            told: lines.sentence("told")?,
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, authority, country, channel, sent, answer_by, record, told } = self;
        let record = or_none(record.as_ref());
        write!(f, "referral {id}\nauthority {authority}\ncountry {country}\nchannel {channel}\n")?;
        write!(f, "sent {sent}\nanswer-by {answer_by}\nrecord-sha256 {record}\ntold {told}\n")
    }
}

/// A country, as in ISO 3166-1 alpha-2: two capital letters; which of them are given is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads one.
    #[must_use]
    pub fn parse(s: &str) -> Option<Self> {
        let code: [u8; 2] = s.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{}", char::from(*c)))
    }
}

/// What we told an authority after the referral: the answer to what it asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// In which matter.
    pub referral: Id,
    /// What.
    pub what: Sentence,
}

impl Reply {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        Ok(Self { referral: read_id(lines, "referral")?, what: lines.sentence("what")? })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "referral {}\nwhat {}\n", self.referral, self.what)
    }
}

/// What an authority answered, as one of ours wrote it down. It changes no measure: people decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To what.
    pub referral: Id,
    /// What.
    pub answer: Answer,
    /// When they said it.
    pub said: Time,
    /// Who, and how we know.
    pub from: Sentence,
    /// In their words, or ours.
    pub what: Sentence,
}

impl Answered {
    pub(super) fn read(lines: &mut Lines<'_>) -> Result<Self, GrammarError> {
        Ok(Self {
            referral: read_id(lines, "referral")?,
            answer: lines.read("answer", "an answer", Answer::parse)?,
            said: read_time(lines, "said")?,
            from: lines.sentence("from")?,
            what: lines.sentence("what")?,
        })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { referral, answer, said, from, what } = self;
        write!(f, "referral {referral}\nanswer {answer}\nsaid {said}\nfrom {from}\nwhat {what}\n")
    }
}
