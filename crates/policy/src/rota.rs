//! Can these people decide, and who is missing? A search over who could sign what, by the rules of the policy: nothing
//! here judges a note, and the fold is asked in the tests whether it says the same.

mod search;
mod table;
#[cfg(test)]
mod tests;

use crate::{Id, people::People};
use alloc::{string::String, vec::Vec};
use core::fmt;
use table::Table;

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Something that takes people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act { $($(#[$doc])* $name,)+ }

        impl Act {
            /// Every act, in the order in which people meet them.
            pub const ALL: &'static [Act] = &[$(Act::$name),+];

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Act::$name => $word),+ }
            }
        }
    };
}

acts! {
    /// A finding that can carry an emergency.
    Finding = "finding",
    /// An emergency: finding, proposal, approval.
    Emergency = "emergency",
    /// The same, and then its validation by somebody outside of it.
    Validate = "validate",
    /// All of that, and then its extension with somebody who took no part so far.
    Extend = "extend",
    /// An abuse decision.
    Abuse = "abuse",
    /// A standing decision.
    Standing = "standing",
    /// What an authority ordered.
    Order = "order",
    /// The end of a decision.
    Lift = "lift",
    /// The suspension of anybody's key. Everybody suspends a key of their own alone.
    Suspend = "suspend",
    /// A new policy.
    Policy = "policy",
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Who would sign one note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// `finding`, `decision`, `validation`, `new-finding`, `extension`, or `note` where there is only one.
    pub note: &'static str,
    /// Its signers; of a decision and an extension the proposer first.
    pub who: Vec<Id>,
}

/// People who are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// How many.
    pub count: u64,
    /// What they must be.
    pub what: String,
    /// Who of the policy could be it and is not here.
    pub could: Vec<Id>,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} more: {}", self.count, self.what)?;
        let names: Vec<&str> = self.could.iter().map(Id::as_str).collect();
        match names.as_slice() {
            [] => f.write_str(" (nobody else in the policy could)"),
            names => write!(f, " ({})", names.join(", ")),
        }
    }
}

/// Whether an act is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The act.
    pub act: Act,
    /// One choice of the fewest people; empty when it is not possible.
    pub shares: Vec<Share>,
    /// What is missing: any one of these would do; empty when it is possible.
    pub missing: Vec<Vec<Lack>>,
}

impl Answer {
    /// Whether these people can do it.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.missing.is_empty()
    }

    /// The fewest who can, by name.
    #[must_use]
    pub fn people(&self) -> Vec<Id> {
        let mut all: Vec<Id> = self.shares.iter().flat_map(|s| s.who.clone()).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Asks for every act whether the people who are `here` can do it.
#[must_use]
pub fn ask(people: &People, here: impl Fn(&Id) -> bool) -> Vec<Answer> {
    let table = Table::new(people, here);
    Act::ALL.iter().map(|act| table.ask(*act)).collect()
}
