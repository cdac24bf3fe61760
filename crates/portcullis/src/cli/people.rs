//! The commands about people: who can decide, whose key is suspended, what the next policy says.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Yes;
use crate::duration::Span;

#[derive(Args, Debug)]
pub(crate) struct Quorum {
    /// Just these are awake; again for each. Default: everybody the policy names.
    #[arg(long, value_name = "NAME")]
    pub(crate) with: Vec<String>,
    /// All but these; again for each.
    #[arg(long, value_name = "NAME")]
    pub(crate) without: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Suspend {
    /// Whose key: a person, or a key as the policy writes it (or its beginning).
    #[arg(value_name = "KEY|NAME")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) terms: SuspendTerms,
}

/// How long, why, and by which way.
#[derive(Args, Clone, Debug)]
pub(crate) struct SuspendTerms {
    /// Your reason in one sentence.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// For how long; at most 7 days, and the next policy ends it too.
    #[arg(long = "for", value_name = "TIME", default_value = "7d")]
    pub(crate) span: Span,
    /// Give it straight to an edge, without the desk: only for a key of your own.
    #[arg(long, value_name = "URL")]
    pub(crate) edge: Option<String>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Write policy 0 of a new house, to be signed by everyone it names
    New(PolicyNew),
    /// Print the policy in power: its exact text
    Show,
    /// Propose the policy in FILE, which began as `policy show`: id and version are set for you
    Propose(PolicyFile),
    /// Compare what waits, or a file or a proposal, with the policy in power
    Diff {
        /// A file, or a proposal's id (or the end of it). Default: every policy that waits.
        #[arg(value_name = "FILE|ID")]
        what: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PolicyNew {
    /// The log's origin: a name under your domain, for ever.
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: String,
    /// The log's key, as `key new --for log` printed it.
    #[arg(long, value_name = "VKEY")]
    pub(crate) log: String,
    /// The key for configurations, as `key new --for config` printed it (docs/sites.md).
    #[arg(long, value_name = "VKEY")]
    pub(crate) config: Option<String>,
    /// A witness that must cosign every checkpoint; again for each, and all of them must.
    #[arg(long, value_name = "VKEY")]
    pub(crate) witness: Vec<String>,
    /// A person: id, organisation, roles joined by commas, and the public SSH key; again for each. Roles: assessor,
    /// approver, reviewer, legal, independent.
    #[arg(long, value_name = "NAME:ORG:ROLES:FILE.pub", required = true)]
    pub(crate) person: Vec<String>,
    /// Where.
    #[arg(long, value_name = "FILE", default_value = "policy-0.txt")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct PolicyFile {
    /// The edited text.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Officer {
    /// Propose a policy with this person, or with a further key of a person it names
    Enrol(Enrol),
    /// Make the folder of a person whom the policy names: desk token, trust line, officer.toml (on the desk's machine)
    Kit(Kit),
    /// Suspend every key of a person: the person alone, or two others
    Suspend(SuspendOf),
    /// Propose a policy without this person
    Remove(Remove),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Enrol {
    /// The person's id, public for ever: 3 to 64 of a-z 0-9 - _, a letter first.
    pub(crate) name: String,
    /// Id of the organisation; a trustee belongs to another one than the house. Needed for a new person.
    #[arg(long, value_name = "ORG")]
    pub(crate) organisation: Option<String>,
    /// Joined by commas: assessor, approver, reviewer, legal, independent. Needed for a new person.
    #[arg(long, value_name = "ROLES")]
    pub(crate) roles: Option<String>,
    /// The public SSH key: ssh-ed25519 or sk-ssh-ed25519@openssh.com.
    #[arg(long, value_name = "FILE.pub", required_unless_present = "passkey")]
    pub(crate) key: Option<PathBuf>,
    /// A passkey that the person made with `passkey new`, by its id. Have them read it to you from their device.
    #[arg(long, value_name = "ID", conflicts_with_all = ["key", "replace"])]
    pub(crate) passkey: Option<String>,
    /// Take the person's other keys out in the same policy. A policy ends suspensions, so a lost key must go with it.
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Debug)]
pub(crate) struct Kit {
    /// The person.
    pub(crate) name: String,
    /// Where; it must not be there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The desk's address as this person reaches it. Default: the one in portcullis.toml.
    #[arg(long, value_name = "URL")]
    pub(crate) at: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct SuspendOf {
    /// The person.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) terms: SuspendTerms,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// The person.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) yes: Yes,
}
