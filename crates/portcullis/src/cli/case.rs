//! The commands about cases.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::duration::Span;

#[derive(Args, Debug)]
pub(crate) struct Case {
    /// What is closed, instead of what is open.
    #[arg(long)]
    pub(crate) closed: bool,
    #[command(subcommand)]
    pub(crate) command: Option<CaseCommand>,
}

/// Each takes one person.
#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Begin a case
    Open {
        /// What it is about, in one line.
        title: String,
        /// Whose sites it is about: id or name.
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
        /// Reports that are about it. May be repeated.
        #[arg(long, value_name = "REPORTS")]
        reports: Vec<String>,
    },
    /// What happened, evidence, what authorities were told, and what still closes the emergency track
    Show {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// Every entry as it was written, each with the hash of the one before.
        #[arg(long)]
        journal: bool,
    },
    /// Write down something that happened
    Add {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// What happened, in one sentence.
        what: String,
        /// When it happened (default: now): 2026-11-22T23:15, or 23:15 for the last one; UTC.
        #[arg(long, value_name = "TIME")]
        happened: Option<String>,
        /// When you saw it (default: now).
        #[arg(long, value_name = "TIME")]
        seen: Option<String>,
        /// Where it can be seen.
        #[arg(long, value_name = "ADDRESS")]
        at: Option<String>,
    },
    /// Put reports to it
    Link {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// The reports.
        reports: String,
    },
    /// Attach evidence: a file, sealed at the desk
    Attach {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// What is attached, at most 32 MiB.
        file: PathBuf,
        /// Where it comes from: captured (by us), authority, archive (notarised), customer, reporter or other.
        #[arg(long)]
        source: String,
        /// Which source that is; two pieces from the same one are one source.
        #[arg(long, value_name = "WHO")]
        from: String,
        /// What it shows, in one sentence.
        #[arg(long, value_name = "SENTENCE")]
        what: String,
        /// When it was fetched or handed over (default: now).
        #[arg(long, value_name = "TIME")]
        captured: Option<String>,
    },
    /// Take a copy of evidence; the journal says that you did
    Fetch {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// Its place in the case (1 is the first), or its number.
        evidence: String,
        /// File to write; must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Destroy evidence for good; what it was stays in the journal
    Destroy {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// Its place in the case (1 is the first), or its number.
        evidence: String,
        /// Why, in one sentence: the law, or the person it shows.
        #[arg(long, value_name = "SENTENCE")]
        why: String,
    },
    /// Judge one of the eight criteria (`finding sign` judges all eight)
    Judge {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// identified, credible, imminent, nexus, necessary, process-too-slow, proportionate or adversarial.
        criterion: String,
        /// met, not_met or unknown.
        verdict: String,
        /// The sentence.
        #[arg(long, value_name = "SENTENCE")]
        why: String,
        /// What shows it: places in the case, or numbers; joined by commas.
        #[arg(long, value_name = "LIST", value_delimiter = ',')]
        evidence: Vec<String>,
        /// Until when the danger lasts; `imminent` needs it.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Write down that an authority was told
    Refer {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// Which authority, an id of yours: aut-police-berlin.
        #[arg(long, value_name = "AUTHORITY")]
        to: String,
        /// Its country: DE.
        #[arg(long, value_name = "CODE")]
        country: String,
        /// phone, mail, form, post or in-person.
        #[arg(long)]
        channel: String,
        /// By when it was asked to answer: 4h, or a time. Silence after that is an answer too.
        #[arg(long, value_name = "TIME")]
        answer_by: String,
        /// What it was told and asked, in one sentence.
        #[arg(long, value_name = "SENTENCE")]
        told: String,
        /// What was sent; the journal keeps its SHA-256 (attach it as well, if it is to be kept).
        #[arg(long, value_name = "FILE", conflicts_with = "room")]
        record: Option<PathBuf>,
        /// Open a room in which the authority reads this letter and answers: prints its link, and the code that you give
        /// by telephone, to the number that you hold.
        #[arg(long, value_name = "LETTER")]
        room: Option<PathBuf>,
        /// How long the room is open.
        #[arg(long, value_name = "TIME", default_value = "7d")]
        open: Span,
        /// When it was told (default: now).
        #[arg(long, value_name = "TIME")]
        sent: Option<String>,
    },
    /// Write down what an authority answered; it changes no measure, people decide
    Answer {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// The referral: its place in the case (1 is the first), or its number.
        referral: String,
        /// delivered, acknowledged, acts, cannot-in-time, declines, asks, objects or withdraws.
        answer: String,
        /// Who said it, and how you know that it was they.
        #[arg(long, value_name = "WHO")]
        from: String,
        /// What they said, in one sentence.
        #[arg(long, value_name = "SENTENCE")]
        what: String,
        /// When they said it (default: now).
        #[arg(long, value_name = "TIME")]
        said: Option<String>,
    },
    /// Tell an authority something more; its room shows it
    Reply {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// The referral: its place in the case (1 is the first), or its number.
        referral: String,
        /// What, in one sentence.
        what: String,
    },
    /// Work on it alone: nobody else takes it until four hours after your last entry
    Take {
        /// The number, or four characters of its beginning or end.
        case: String,
    },
    /// Let others take it
    Release {
        /// The number, or four characters of its beginning or end.
        case: String,
    },
    /// End it
    Close {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// How it ended.
        #[arg(long, value_enum)]
        outcome: CaseOutcome,
        /// Why, in one sentence.
        #[arg(long, value_name = "SENTENCE")]
        why: String,
    },
    /// Begin it again
    Reopen {
        /// The number, or four characters of its beginning or end.
        case: String,
        /// Why, in one sentence.
        #[arg(long, value_name = "SENTENCE")]
        why: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CaseOutcome {
    /// There was nothing to do.
    NoAction,
    /// The customer, or somebody else, put an end to it.
    Remedied,
    /// It was decided by a note in the ledger: imposed or refused.
    Decided,
    /// It went to whoever is responsible for it.
    Forwarded,
}

impl CaseOutcome {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoAction => "no-action",
            Self::Remedied => "remedied",
            Self::Decided => "decided",
            Self::Forwarded => "forwarded",
        }
    }
}
