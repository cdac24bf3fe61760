//! Clusters: reports that say the same, taken together, so that ten thousand copies are one thing to look at and weigh no more
//! than one.
//!
//! Reports are put together by what they say, and never judged by it. A crowd cannot hide anybody's report: what says
//! something of its own is a cluster of its own, and a threat to life is put only with its very words.

use super::{Category, Report};
use crate::note::words;
use crate::{Id, Time, time::DAY};
use alloc::{string::String, vec::Vec};
use ledger::Hash;

/// How long after its last report a cluster takes another: a form letter goes round for weeks.
pub const TAKES_FOR: u64 = 30 * DAY;

/// Newest clusters of one hostname that a report is held against. Beyond that the oldest takes no more, and what it
/// would have taken is a cluster of its own.
pub const COMPARED: usize = 100;

/// Pairs of words below which a description says too little to be compared by likeness.
const FEW_PAIRS: usize = 24;

/// Words of its own that a copy may have: a greeting, a name and a town. What has more, and more than a third of the
/// letter's length, says something of its own.
const OWN_PAIRS: usize = 8;

words! {
    /// What became of a cluster.
    Outcome {
        /// Something was done: by the customer, or by us.
        Acted = "acted",
        /// It went to whoever is responsible for it.
        Forwarded = "forwarded",
        /// Nothing of what it says was found.
        Unfounded = "unfounded",
        /// It is nothing that we do anything about.
        OutOfScope = "out-of-scope",
        /// The report itself was an abuse.
        Abusive = "abusive",
    }
}

/// What a description says. Case, punctuation and space do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 of its words, in lower case with one space between them.
    pub exact: Hash,
    /// Its pairs of neighbouring words, each by the first four bytes of its SHA-256, in order, each once: at most 8,192,
    /// as [`super::MAX_TEXT`] holds no more words.
    pub pairs: Vec<u32>,
}

impl Fingerprint {
    /// The fingerprint of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let pair = |pair: &[&str]| {
            let [a, b, c, d, ..] = Hash::of(pair.join(" ").as_bytes()).0;
            u32::from_be_bytes([a, b, c, d])
        };
        let mut pairs: Vec<u32> = words.windows(2).map(pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self { exact: Hash::of(words.join(" ").as_bytes()), pairs }
    }

    /// Whether `copy` is this letter: three quarters of its pairs are there, and few others.
    fn is_letter_of(&self, copy: &Self) -> bool {
        let shared = self.pairs.iter().filter(|pair| copy.pairs.binary_search(pair).is_ok()).count();
        let own = copy.pairs.len() - shared;
        self.pairs.len() >= FEW_PAIRS
            && shared * 4 >= self.pairs.len() * 3
            && own <= OWN_PAIRS.max(self.pairs.len() / 3)
    }
}

/// A cluster, as far as a new report is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its number: that of its first report.
    pub id: Id,
    /// What it is about.
    pub category: Category,
    /// The hostname of its first report's first address; `None` when it had none that could be served.
    pub host: Option<String>,
    /// What its first report says.
    pub print: Fingerprint,
    /// When its newest report came.
    pub last: Time,
}

impl Cluster {
    /// The cluster that a report opens.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self {
            id: report.id.clone(),
            category: report.category,
            host: report.about.first().and_then(super::Address::host),
            print: Fingerprint::of(&report.text),
            last: report.received,
        }
    }

    /// Whether a report whose own cluster would be `new` says what this one says.
    #[must_use]
    pub fn takes(&self, new: &Self) -> bool {
        let same = self.print.exact == new.print.exact;
        let says = if self.category == Category::ThreatToLife {
            same
        } else {
            same || self.print.is_letter_of(&new.print)
        };
        self.category == new.category
            && self.host == new.host
            && new.last.since(self.last) <= TAKES_FOR
            && says
    }
}

/// Where a report belongs, among clusters of its host and category, in any order: the one that it says the same as,
/// `None` when it opens its own. Of several the oldest.
#[must_use]
pub fn place<'c>(new: &Cluster, among: &'c [Cluster]) -> Option<&'c Cluster> {
    among.iter().filter(|c| c.takes(new)).min_by_key(|c| &c.id)
}
