//! What a report says, however it came, and what is wrong with it.

use std::borrow::Cow;

use ledger::Hash;
use policy::report::{Address, Category, Channel, Report, Reporter};
use policy::{Id, Sentence, Time};

/// A field that must be changed, and why.
pub type Complaint = (Cow<'static, str>, String);

/// What a report says: everything that is not ours to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it is about.
    pub category: Category,
    /// Where it is.
    pub about: Vec<Address>,
    /// When it happened.
    pub happened: Option<Time>,
    /// Whether good faith is stated.
    pub good_faith: bool,
    /// Who reports.
    pub reporter: Reporter,
    /// What happened, and why it is wrong.
    pub text: String,
}

impl Content {
    /// The report that it is. `secret` is the hash of what its reporter asks with.
    #[must_use]
    pub fn report(self, id: Id, channel: Channel, secret: Hash, received: Time) -> Report {
        let Self { category, about, happened, good_faith, reporter, text } = self;
        Report { id, received, channel, secret, category, about, happened, good_faith, reporter, text }
    }
}

/// A name: one line. Its own bound is told in its own words, and not in those of a sentence in a note.
pub(crate) fn name(text: &str) -> Result<Sentence, &'static str> {
    Sentence::parse(text).map_err(|why| if text.len() > NAME { "is longer than 2048 bytes" } else { why })
}

/// Longest name, bytes: that of a [`Sentence`].
const NAME: usize = 2048;
