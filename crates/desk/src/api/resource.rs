//! What the API says, field by field. The console's pages show the same values.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How things stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The log's origin. Begins with `demo:` for a demonstration.
    pub(crate) origin: String,
    /// The trust line edges and outsiders start from.
    pub(crate) trust: String,
    /// Whether this is a demonstration.
    pub(crate) demo: bool,
    /// The desk's clock.
    pub(crate) now: String,
    /// Entries in the ledger.
    pub(crate) size: u64,
    /// The ledger's root hash over them, base64 as in the checkpoint.
    pub(crate) head: String,
    /// When the newest entry was logged.
    pub(crate) logged: String,
    /// Version of the policy in power.
    pub(crate) policy_version: u64,
    /// Hash over what is in force now; an edge that enforces the same reports the same.
    pub(crate) effective: String,
    /// What is in force now.
    pub(crate) in_force: Vec<InForce>,
    /// When that changes by itself, if it does.
    pub(crate) next_change: Option<String>,
    /// Every enrolled edge.
    pub(crate) edges: Vec<Edge>,
    /// What was refused since the installation began, by word.
    pub(crate) refused: Vec<Counter>,
    /// Mail out of the desk.
    pub(crate) mail: Mail,
    /// Decisions that hold and whose customer was not told by mail.
    pub(crate) untold: Vec<Untold>,
}

/// Mail out of the desk, in numbers. Addresses and texts are in no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Mail {
    /// Whether this desk sends mail.
    pub(crate) on: bool,
    /// Mails that wait.
    pub(crate) queued: u64,
    /// Since when the oldest waits.
    pub(crate) oldest: Option<String>,
    /// Mails that the smarthost took, ever.
    pub(crate) sent: u64,
    /// Mails that were given up.
    pub(crate) failed: u64,
}

/// A customer who was not told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Untold {
    /// The decision.
    pub(crate) decision: String,
    /// Whom it is about, while its subject is held.
    pub(crate) customer: Option<String>,
    /// `no-contact`, `mail-off`, or where the mail is: `queued`, `failed`, `dropped`.
    pub(crate) why: &'static str,
    /// Whether they should have been told by now: 15 minutes after the log had it.
    pub(crate) late: bool,
}

/// A measure in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InForce {
    /// The decision's id.
    pub(crate) id: String,
    /// Its class.
    pub(crate) class: String,
    /// The customer.
    pub(crate) customer: String,
    /// What is covered: `customer`, `tenant ID`, `site ID` or `hostname NAME`.
    pub(crate) scope: String,
    /// Start.
    pub(crate) since: String,
    /// End as it stands.
    pub(crate) until: String,
    /// By when a reviewer must confirm it, if that is still to come.
    pub(crate) confirm_by: Option<String>,
}

/// A refused thing and how often.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Counter {
    /// A code of the fold or of the desk.
    pub(crate) what: String,
    /// Times.
    pub(crate) times: u64,
}

/// An enrolled edge and its newest receipt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Edge {
    /// Its name.
    pub(crate) name: String,
    /// Its verifier key.
    pub(crate) vkey: String,
    /// When it was enrolled.
    pub(crate) enrolled: String,
    /// Entries it holds; absent while it never reported.
    pub(crate) size: Option<u64>,
    /// The root it holds, base64.
    pub(crate) root: Option<String>,
    /// The hash of what it enforces, hex.
    pub(crate) effective: Option<String>,
    /// The edge's time of its newest receipt.
    pub(crate) at: Option<String>,
    /// Decisions it enforces.
    pub(crate) measures: Vec<String>,
    /// The version of the configuration whose sites it serves; absent where it reads a file of its own.
    pub(crate) config: Option<u64>,
    /// Whether it has not seen the log for a minute.
    pub(crate) stale: Option<bool>,
    /// How much it refused.
    pub(crate) refused: Option<u64>,
    /// Its checkpoint beside ours: `silent` (never reported), `same`, `behind`, `ahead` (the desk was set back) or
    /// `forked` (it was shown another log).
    pub(crate) standing: Standing,
}

/// See [`Edge::standing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    Silent,
    Same,
    Behind,
    Ahead,
    Forked,
}

impl Standing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Standing::Silent => "silent",
            Standing::Same => "same",
            Standing::Behind => "behind",
            Standing::Ahead => "ahead",
            Standing::Forked => "forked",
        }
    }
}

/// A note being signed, or what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NoteResource {
    /// The id in its text.
    pub(crate) id: String,
    /// Its kind.
    pub(crate) kind: String,
    /// The exact text to sign.
    pub(crate) text: String,
    /// `collecting`; `signed`, when nothing is missing but that somebody confirms the head of a desk that has just
    /// started (the desk then publishes it by itself); `published`; or `void`.
    pub(crate) state: String,
    /// When it was put.
    pub(crate) created: String,
    /// Signature lines, in the order they came.
    pub(crate) signatures: Vec<String>,
    /// Whose signatures these are.
    pub(crate) signed_by: Vec<Person>,
    /// What it still lacks, in words; empty unless `collecting` or `signed`.
    pub(crate) missing: Vec<String>,
    /// Its place in the ledger, once published.
    pub(crate) index: Option<u64>,
}

/// A person behind a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Person {
    /// The person's id in the policy.
    pub(crate) person: String,
    /// The person's organisation.
    pub(crate) organisation: String,
}

/// A list of notes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Notes {
    /// Newest first.
    pub(crate) notes: Vec<NoteResource>,
    /// Give it as `cursor` for the next part; absent at the end.
    pub(crate) next_cursor: Option<String>,
}

/// A hostname that loses something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Lost {
    /// The hostname.
    pub(crate) hostname: String,
    /// Its customer before the change.
    pub(crate) customer_id: String,
}

/// What a configuration takes away.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    /// Hostnames that stop reaching their origin: gone, moved to another customer, an origin removed, another `Host`
    /// sent to it.
    pub(crate) withdrawn: Vec<Lost>,
    /// Hostnames that are served without TLS from then on.
    pub(crate) lowered: Vec<Lost>,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Entry {
    /// Its place, from 0.
    pub(crate) index: u64,
    /// Its exact text: `logged UNIX-SECONDS`, then the signed note.
    pub(crate) entry: String,
}

/// A part of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Entries {
    /// Oldest first.
    pub(crate) entries: Vec<Entry>,
    /// Give it as `cursor` for the next part; absent at the end.
    pub(crate) next_cursor: Option<String>,
}

/// A stored blob.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Blob {
    /// Its SHA-256, hex.
    pub(crate) sha256: String,
}

/// A logged undo note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Undone {
    /// The note's id.
    pub(crate) id: String,
    /// `lift` or `suspend`.
    pub(crate) kind: String,
    /// Its place in the ledger.
    pub(crate) index: u64,
}

/// A decision to block, and all that came after it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Decision {
    /// The impose note's id.
    pub(crate) id: String,
    /// Its place in the ledger.
    pub(crate) index: u64,
    /// When it was logged.
    pub(crate) logged: String,
    /// `waiting`, `in-force`, `lifted`, `not-confirmed` or `ended`.
    pub(crate) status: String,
    /// `emergency`, `abuse` or `standing`.
    pub(crate) class: String,
    /// How wide: `customer`, `tenant`, `site` or `hostname`.
    pub(crate) scope: String,
    /// The rule and its version.
    pub(crate) ground: String,
    /// When it was proposed.
    pub(crate) proposed: String,
    /// Start.
    pub(crate) since: String,
    /// End as it stands.
    pub(crate) until: String,
    /// By when a reviewer must confirm it, if that is still to come.
    pub(crate) confirm_by: Option<String>,
    /// Whether a reviewer confirmed it.
    pub(crate) confirmed: bool,
    /// The finding behind it.
    pub(crate) finding: Option<String>,
    /// Authorities told before.
    pub(crate) authorities: u64,
    /// SHA-256 of the post.
    pub(crate) post: String,
    /// Where the post can be read.
    pub(crate) post_url: String,
    /// SHA-256 of the subject.
    pub(crate) subject: String,
    /// The customer, while the subject is held.
    pub(crate) customer: Option<String>,
    /// The hostnames the subject named.
    pub(crate) hostnames: Vec<String>,
    /// When the customer was told by mail: the smarthost took it then.
    pub(crate) told: Option<String>,
    /// What it is not a precedent for.
    pub(crate) limiting: String,
    /// Who signed the finding.
    pub(crate) assessors: Vec<Person>,
    /// Who signed the decision.
    pub(crate) signers: Vec<Person>,
    /// Continue notes, oldest first.
    pub(crate) continues: Vec<Continued>,
    /// The lift.
    pub(crate) lifted: Option<Lifted>,
    /// Edge by edge.
    pub(crate) progress: Vec<Progress>,
}

/// A continue note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Continued {
    /// Its id.
    pub(crate) id: String,
    /// Its place in the ledger.
    pub(crate) index: u64,
    /// When it was logged.
    pub(crate) logged: String,
    /// `validated` or `extended`.
    pub(crate) reason: String,
    /// The new end.
    pub(crate) until: String,
    /// The reason in a sentence.
    pub(crate) why: String,
    /// Who signed.
    pub(crate) by: Vec<Person>,
}

/// A lift.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Lifted {
    /// Its id.
    pub(crate) id: String,
    /// Its place in the ledger; absent while it is being logged.
    pub(crate) index: Option<u64>,
    /// When it was written.
    pub(crate) time: String,
    /// The ground.
    pub(crate) reason: String,
    /// The reason in a sentence.
    pub(crate) why: String,
    /// Who signed.
    pub(crate) by: Vec<Person>,
}

/// A decision on one edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// The edge.
    pub(crate) edge: String,
    /// `silent` (never reported), `waiting` (has not seen the entry), `seen` (has the entry, does not enforce it),
    /// `enforcing`, `ended`.
    pub(crate) state: &'static str,
    /// The edge's time when it first said that it enforces it.
    pub(crate) first: Option<String>,
    /// The edge's time when it first said that it no longer does.
    pub(crate) ended: Option<String>,
}

/// A list of decisions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Decisions {
    /// Newest first.
    pub(crate) decisions: Vec<Decision>,
    /// Give it as `cursor` for the next part; absent at the end.
    pub(crate) next_cursor: Option<String>,
}

/// All enrolled edges.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Edges {
    /// By name.
    pub(crate) edges: Vec<Edge>,
}

/// An edge to be enrolled.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEdge {
    /// Its verifier key, as `portcullis key new` prints it.
    pub(crate) vkey: String,
}

/// All customers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Customers {
    /// As in the sites file.
    pub(crate) customers: Vec<Customer>,
}

/// A customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Customer {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether there is an address where they are told of decisions.
    pub(crate) contact: bool,
    /// Its sites.
    pub(crate) sites: Vec<Site>,
    /// Decisions in force that cover all of it or a part.
    pub(crate) in_force: Vec<String>,
}

/// All sites.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Sites {
    /// As in the sites file.
    pub(crate) sites: Vec<Site>,
}

/// A site.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Site {
    /// Its id.
    pub(crate) id: String,
    /// The customer it belongs to.
    pub(crate) customer: String,
    /// Its hostnames.
    pub(crate) hostnames: Vec<String>,
    /// Decisions in force that cover it or a hostname of it.
    pub(crate) in_force: Vec<String>,
}

impl Decision {
    /// Edges that enforce it now, by their receipts.
    pub(crate) fn enforcing(&self) -> usize {
        self.progress.iter().filter(|p| p.state == "enforcing").count()
    }
}

impl Progress {
    /// The state as people read it.
    pub(crate) fn words(&self) -> &'static str {
        match self.state {
            "silent" => "never reported",
            "waiting" => "has not seen it yet",
            "seen" => "has seen it, does not enforce it",
            "enforcing" => "enforces it",
            _ => "let it go",
        }
    }
}
