//! `lift`: one signature ends a measure, from any channel.

use super::{Head, Kind, read_id, read_time, words};
use crate::{GrammarError, Id, Sentence, Time, text::Lines};
use core::fmt;

words! {
    /// Why a measure was lifted.
    LiftReason {
        /// It should not have been imposed; the post is corrected.
        Error = "error",
        /// The customer removed the cause.
        Remedied = "remedied",
        /// The danger is over.
        Over = "over",
        /// An appeal was upheld.
        Appeal = "appeal",
        /// Anything else, said in `why`.
        Other = "other",
    }
}

/// A note that ends a measure at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    /// Origin and id.
    pub head: Head,
    /// The impose note's id.
    pub lifts: Id,
    /// Ground.
    pub reason: LiftReason,
    /// When it was written; the lift works from the moment it arrives.
    pub time: Time,
    /// The reason in a sentence.
    pub why: Sentence,
}

impl Lift {
    /// Reads a lift note's text.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Lift, &mut lines)?;
        let lifts = read_id(&mut lines, "lifts")?;
        let reason = lines.read("reason", "error, remedied, over, appeal or other", LiftReason::parse)?;
        let time = read_time(&mut lines, "time")?;
        let why = lines.sentence("why")?;
        lines.end()?;
        Ok(Self { head, lifts, reason, time, why })
    }
}

impl fmt::Display for Lift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Lift, f)?;
        write!(f, "lifts {}\nreason {}\ntime {}\nwhy {}\n", self.lifts, self.reason, self.time, self.why)
    }
}
