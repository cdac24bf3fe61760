//! `refuse`: asked, and not done; on the record, without effect.

use super::{Class, Head, Kind, read_id, read_time, words};
use crate::{GrammarError, Id, Sentence, Time, text::Lines};
use core::fmt;

words! {
    /// Who asked.
    AskedBy {
        /// Somebody who sent a report.
        Reporter = "reporter",
        /// An authority.
        Authority = "authority",
        /// One of the officers.
        Officer = "officer",
    }
}

/// A refusal to impose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// Origin and id.
    pub head: Head,
    /// The case it belongs to.
    pub case: Id,
    /// What was asked for.
    pub class: Class,
    /// Who asked.
    pub asked_by: AskedBy,
    /// When it was refused.
    pub time: Time,
    /// The reason in a sentence.
    pub why: Sentence,
}

impl Refuse {
    /// Reads a refuse note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Refuse, &mut lines)?;
        let case = read_id(&mut lines, "case")?;
        let class = lines.read("class", "emergency, abuse, standing or order", Class::parse)?;
        let asked_by = lines.read("asked-by", "reporter, authority or officer", AskedBy::parse)?;
        let time = read_time(&mut lines, "time")?;
        let why = lines.sentence("why")?;
        lines.end()?;
        Ok(Self { head, case, class, asked_by, time, why })
    }
}

impl fmt::Display for Refuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Refuse, f)?;
        write!(f, "case {}\nclass {}\nasked-by {}\n", self.case, self.class, self.asked_by)?;
        write!(f, "time {}\nwhy {}\n", self.time, self.why)
    }
}
