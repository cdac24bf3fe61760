//! Why the fold gives a note no effect.

use crate::GrammarError;
use alloc::{string::String, vec::Vec};
use core::fmt;

/// The reason a note has no effect. [`Rejected::code`] is what counters and receipts use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The entry is not `logged UNIX` and a signed note.
    Malformed(&'static str),
    /// The text is not in the grammar.
    Grammar(GrammarError),
    /// A note of another installation.
    ForeignOrigin,
    /// Entry 0 is not the one the trust line names, or is no policy 0 signed by everyone it names.
    Genesis(&'static str),
    /// A demonstration key or origin where none is allowed.
    Demo,
    /// An entry out of its place.
    Index,
    /// `logged` went back.
    LoggedWentBack,
    /// `logged` differs from the clock of an edge that watched it arrive.
    LoggedOff,
    /// A known key with a signature that does not verify.
    BadSignature,
    /// The id was accepted before.
    DuplicateId,
    /// Persons or roles are missing; each string says one thing that is missing.
    Quorum(Vec<String>),
    /// No such finding, or not one that opens this decision.
    Finding(&'static str),
    /// A time bound is broken.
    Bound(&'static str),
    /// Logged after `approve-by`.
    Late,
    /// The target is unknown or not running.
    Target(&'static str),
    /// A policy that does not follow.
    Policy(String),
    /// A configuration that does not follow, or without its key.
    Config(&'static str),
    /// A signature that would bring its note no nearer, in words.
    NoUse(String),
    /// More impose notes within the hour than the policy allows.
    BlastRadius,
    /// The class and the note's other lines do not fit together.
    Form(&'static str),
    /// Not a note that undoes something: only lift and suspend are valid from any channel.
    NotAnUndo,
}

impl Rejected {
    /// A fixed word for counters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Grammar(_) => "grammar",
            Self::ForeignOrigin => "foreign-origin",
            Self::Genesis(_) => "genesis",
            Self::Demo => "demo",
            Self::Index => "index",
            Self::LoggedWentBack => "logged-went-back",
            Self::LoggedOff => "logged-off",
            Self::BadSignature => "bad-signature",
            Self::DuplicateId => "duplicate-id",
            Self::Quorum(_) => "quorum",
            Self::Finding(_) => "finding",
            Self::Bound(_) => "bound",
            Self::Late => "late",
            Self::Target(_) => "target",
            Self::Policy(_) => "policy",
            Self::Config(_) => "config",
            Self::NoUse(_) => "no-use",
            Self::BlastRadius => "blast-radius",
            Self::Form(_) => "form",
            Self::NotAnUndo => "not-an-undo",
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) | Self::Genesis(what) | Self::Finding(what) => f.write_str(what),
            Self::Bound(what) | Self::Target(what) | Self::Form(what) | Self::Config(what) => f.write_str(what),
            Self::Grammar(e) => write!(f, "the text is not in the grammar: {e}"),
            Self::ForeignOrigin => f.write_str("the note is meant for another log"),
            Self::Demo => {
                f.write_str("demonstration keys are refused here (start with --demo to allow them)")
            }
            Self::Index => f.write_str("the entry does not stand where it should"),
            Self::LoggedWentBack => f.write_str("`logged` is earlier than in the entry before"),
            Self::LoggedOff => f.write_str(
                "`logged` differs by more than 10 minutes from when it arrived, or from when we had looked",
            ),
            Self::BadSignature => f.write_str("a signature of a known key does not verify"),
            Self::DuplicateId => f.write_str("a note with this id was accepted before"),
            Self::Quorum(missing) => write!(f, "missing: {}", missing.join("; ")),
            Self::Late => f.write_str("logged after `approve-by`: the proposal is void"),
            Self::Policy(what) => f.write_str(what),
            Self::NoUse(what) => f.write_str(what),
            Self::BlastRadius => f.write_str(
                "more decisions within 60 minutes than one quorum may take: the policy quorum must sign this one, a majority of \
                 all officers with an independent one",
            ),
            Self::NotAnUndo => f.write_str("only a lift or a suspension is valid outside the log"),
        }
    }
}

impl From<GrammarError> for Rejected {
    fn from(e: GrammarError) -> Self {
        Self::Grammar(e)
    }
}
