//! `continue`: a running measure goes on. Without one it ends.

use super::{Head, Kind, LegalOrder, read_id, read_time, words};
use crate::{
    GrammarError, Id, Sentence, Time,
    text::{Lines, optional, or_none},
};
use core::fmt;

words! {
    /// On what ground a measure goes on.
    ContinueReason {
        /// A reviewer outside all of it confirmed it.
        Validated = "validated",
        /// A new finding and a full quorum with a new person; once.
        Extended = "extended",
        /// Legal process took over, or renews what it caused.
        Order = "order",
    }
}

/// A note that moves the end of a running measure. It never widens the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continue {
    /// Origin and id.
    pub head: Head,
    /// The impose note's id.
    pub continues: Id,
    /// Ground.
    pub reason: ContinueReason,
    /// The new end.
    pub until: Time,
    /// The new finding (extended only).
    pub finding: Option<Id>,
    /// The order (order only).
    pub order: Option<LegalOrder>,
    /// The reason in a sentence.
    pub why: Sentence,
}

impl Continue {
    /// Reads a continue note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Continue, &mut lines)?;
        let continues = read_id(&mut lines, "continues")?;
        let reason = lines.read("reason", "validated, extended or order", ContinueReason::parse)?;
        let until = read_time(&mut lines, "until")?;
        let finding = lines.read("finding", "a finding's id or none", |v| optional(v, Id::parse))?;
        let order = lines.read("order", "AUTHORITY SHA256 or none", |v| optional(v, LegalOrder::parse))?;
        let why = lines.sentence("why")?;
        lines.end()?;
        Ok(Self { head, continues, reason, until, finding, order, why })
    }
}

impl fmt::Display for Continue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Continue, f)?;
        write!(f, "continues {}\nreason {}\nuntil {}\n", self.continues, self.reason, self.until)?;
        write!(f, "finding {}\norder {}\n", or_none(self.finding.as_ref()), or_none(self.order.as_ref()))?;
        writeln!(f, "why {}", self.why)
    }
}
