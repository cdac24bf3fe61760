//! The command line. Help texts are written for somebody who is tired and has to get it right.

mod capture;
mod case;
mod mail;
mod page;
mod people;
mod register;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{duration::Span, exit};

pub(crate) use capture::Capture;
pub(crate) use case::*;
pub(crate) use mail::{Contact, Customers, CustomersCommand, Mail, MailWord};
pub(crate) use page::{Page, PageCommand};
pub(crate) use people::{
    Enrol, Kit, Officer, Policy, PolicyFile, PolicyNew, Quorum, Remove, Suspend, SuspendTerms,
};
pub(crate) use register::{Contacts, ContactsCommand};

/// A security edge you host yourself, which can block on the record and only so.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 110, after_help = exit::TABLE)]
#[command(after_long_help = exit::TABLE, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Home directory: of an installation (made by `init`) or of one person.
    #[arg(long, global = true, value_name = "DIR", env = "PORTCULLIS_HOME", default_value = "demo")]
    pub(crate) home: PathBuf,
    /// Act as this person: key and token from HOME/people/NAME.
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// The desk's address, http://HOST:PORT or unix:/path (default: from the person's officer.toml).
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) desk: Option<String>,
    /// One JSON document on stdout instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on stderr; twice: everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    /// How to call the program again as the same person, so that what is printed can be pasted.
    pub(crate) fn me(&self) -> String {
        let person = self.person.as_ref().map_or_else(String::new, |name| format!(" --as {name}"));
        format!("{}{person}", self.somebody())
    }

    /// The same for another person, who adds `--as` or has a home of their own.
    pub(crate) fn somebody(&self) -> String {
        let program = std::env::args().next().unwrap_or_else(|| "portcullis".into());
        let home = self.home.display().to_string();
        if home == "demo" { program } else { format!("{program} --home {home}") }
    }
}

/// The commands, in the order in which people need them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a home directory with keys, policy 0, sites and configuration
    #[command(after_help = "\
Examples:
  portcullis init --demo
  portcullis init --demo --dir /tmp/try --port-base 18080
  portcullis --home /srv/portcullis init --policy policy-0.txt --log-key log.key \\
    --operator 'Example Shield' --domain shield.example          # docs/founding.md")]
    Init(Init),
    /// Run everything in one process: desk, press, relay and one edge
    #[command(after_help = "\
Examples:
  portcullis run --demo
  portcullis --home /srv/portcullis run")]
    Run(Run),
    /// Run the desk alone, with the relay that edges ring at
    #[command(after_help = "\
Examples:
  portcullis --home /srv/portcullis desk
  portcullis --home /srv/portcullis desk accept-head 42     # after a restored backup, with no edge left to ask
  portcullis --home /srv/portcullis desk erase-subject imp-0193…     # 30 days after an emergency has ended")]
    Desk(DeskArgs),
    /// Run the press alone, on the desk's machine: posts, decisions, feeds and the ledger
    #[command(after_help = "Example:\n  portcullis --home /srv/portcullis press")]
    Press(Run),
    /// Run one edge alone, joined to a desk elsewhere
    #[command(after_help = "\
Examples:
  portcullis key new edge2.key --name edge-2
  portcullis edges enrol 'edge-2+…'
  portcullis edge --config edge2.toml")]
    Edge(Run),
    /// Run a witness: it signs that it has seen one history of each log, and never two (C2SP tlog-witness)
    #[command(after_help = "\
Examples:
  portcullis key new witness.key --for witness --name witness.example.org
  portcullis witness --config witness.toml
  portcullis witness --config witness.toml let-go log.example.net/ledger   # its officers named a new key")]
    Witness(WitnessArgs),
    /// Make the key of a machine
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis key new edge2.key --name edge-2
  portcullis key new witness.key --for witness --name witness.example.org"
    )]
    Key(Key),
    /// Add your signature to a text in a file, without a desk
    #[command(after_help = "\
Examples:
  portcullis sign policy-1.txt --as anna
  portcullis sign policy-0.txt --name anna --key ~/.ssh/portcullis_ed25519")]
    Sign(SignFile),
    /// A stolen log key, or a fork: name a new key, tell the edges, let the ledger go on
    #[command(
        subcommand,
        after_help = "\
Examples, in their order; a majority of the officers signs (at least three, one of them independent):
  portcullis key new new-log.key --for log --name shield.example/ledger       # prints VKEY
  portcullis log rekey VKEY > policy-1.txt                                    # from all entries, or --size N
  portcullis sign policy-1.txt --as anna                                      # each of them, in turn
  portcullis log deliver policy-1.txt --edge http://edge1.example             # the old key is worth nothing there
  portcullis log adopt policy-1.txt --key new-log.key                         # on the desk's machine, desk stopped"
    )]
    Log(Log),
    /// What people reported: the gravest first, copies together; say what became of it
    #[command(
        after_help = "Examples:\n  portcullis reports --as anna\n  portcullis reports show rpt-0679fd3b4 --as anna\n  \
            portcullis reports close rpt-0679fd3b4 --outcome acted --reply 'The page is gone.' --as anna"
    )]
    Reports(Reports),
    /// Keep what a page is now, over HTTP: its answers byte for byte, its forms, its text, its certificates
    #[command(after_help = "\
Examples:
  portcullis capture https://forum.example/t/7 --out t-7
  portcullis capture https://forum.example/t/7 --out t-7 --from-country DE --country-db GeoLite2-Country.mmdb
  portcullis capture http://127.0.0.1:8080/ --out own --allow-address 127.0.0.0/8 --port 8080   # a page of one's own

It runs no script, needs no home and reads no configuration. Run it as a user of its own (docs/capture.md).
Ends with 0 when the whole page was kept, and with 1 when a part of it was: the result says which.")]
    Capture(Capture),
    /// Everything about one matter: what happened, who did what, which notes came of it
    #[command(
        after_help = "Examples:\n  portcullis case open 'Threats on a forum' --customer first-customer --reports rpt-0679fd3b4 --as anna\n  \
            portcullis case add cas-0193 'He names the school and the hour.' --happened 22:40 --at https://forum.example/t/7 --as anna\n  \
            portcullis case show cas-0193 --as anna\n  portcullis case --as anna"
    )]
    Case(Case),
    /// Who pressed for a decision or against it: written down, counted in public, and no input of any finding
    #[command(
        after_help = "Examples:\n  portcullis contacts add 'Asked on the telephone that we drop the site.' --name 'Senator X' \\\n    \
            --party public-official --side for --customer first-customer --as anna\n  portcullis contacts --as anna"
    )]
    Contacts(Contacts),
    /// List edges, enrol one, or forget one
    #[command(
        after_help = "Examples:\n  portcullis edges --as anna\n  portcullis edges enrol 'edge-2+…' --as anna"
    )]
    Edges(Edges),
    /// List customers with their sites, or say where one is told of decisions
    #[command(after_help = "\
Examples:
  portcullis customers --as anna
  portcullis customers contact first-customer abuse@customer.example --language de   # on the desk's machine
  portcullis customers contact first-customer --remove")]
    Customers(Customers),
    /// Draft or sign a finding: is life at stake? (two assessors)
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis finding draft first-customer --case cas-0193… --out finding --as anna
  portcullis finding sign finding --as anna           # after editing finding/criteria.txt; prints the id
  portcullis finding sign fnd-0193… --as ben"
    )]
    Finding(Finding),
    /// Propose a block: shows the text, signs it, sends it to the desk (an officer)
    #[command(
        subcommand,
        after_help = "\
Example:
  portcullis propose emergency first-customer --finding fnd-0193… --post demo/reasons.md \\
    --limiting 'About this emergency alone; no precedent.' --as ben"
    )]
    Propose(Propose),
    /// Sign what another proposed, after checking all of it: a block, a continuation, a suspension, a policy
    #[command(after_help = "Example:\n  portcullis approve imp-0193… --as clara")]
    Approve(Sign),
    /// Let a running block go on: confirmed by a reviewer, extended once, or taken over by a legal order
    #[command(after_help = "\
Examples:
  portcullis continue imp-0193… --validated --why 'The finding holds; the window is open.' --as dora
  portcullis continue imp-0193… --extended fnd-0194… --why 'He is still at large.' --as ben
  portcullis continue imp-0193… --order aut-court-berlin:order.pdf --for 30d --why 'Order of 23 November.' --as emil")]
    Continue(Continue),
    /// End a block now: one signature, through the desk or straight at an edge
    #[command(after_help = "\
Examples:
  portcullis lift imp-0193… --why 'The danger is over.' --as anna
  portcullis lift imp-0193… --why 'Wrong customer.' --reason error --edge http://127.0.0.1:8080 --as anna
  portcullis lift imp-0193… --why 'Wrong customer.' --out lift.note --as anna    # a file, for whoever stands at an edge")]
    Lift(Lift),
    /// Put on the record that something was asked and not done
    #[command(after_help = "\
Example:
  portcullis refuse cas-0193… --class emergency --asked-by authority --why 'The order could not be verified.' --as anna")]
    Refuse(Refuse),
    /// Can these people decide tonight, and who is missing?
    #[command(after_help = "\
Examples:
  portcullis quorum                                   # everybody the policy names
  portcullis quorum --with anna --with clara          # only these are awake
  portcullis quorum --without dora                    # who stands in for her?

Ends with 0 when an emergency can be decided tonight and validated in time, and with 1 when not.")]
    Quorum(Quorum),
    /// Suspend a key that is lost or doubted, for a week: its holder alone, or two others
    #[command(after_help = "\
Examples:
  portcullis suspend anna --why 'My laptop was stolen.' --as anna
  portcullis suspend anna --why 'Stolen.' --edge http://127.0.0.1:8080 --as anna     # no desk
  portcullis suspend anna --why 'She cannot be reached.' --as ben     # prints sus-…
  portcullis approve sus-0193… --as clara")]
    Suspend(Suspend),
    /// Who may decide what: show the policy, propose the next one, compare
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis policy new --origin shield.example/ledger --log 'shield.example/ledger+…' \\
    --person anna:the-house:assessor:anna.pub --person ben:trustees:independent:ben.pub   # docs/founding.md
  portcullis policy show > new.txt                    # edit it, then
  portcullis policy propose new.txt --as anna         # prints pol-…
  portcullis policy diff pol-0193… --as ben
  portcullis approve pol-0193… --as ben"
    )]
    Policy(Policy),
    /// Enrol a person or a further key, suspend one's keys, or remove a person: through the policy
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis officer enrol emil --organisation trustees --roles approver,independent \\
    --key emil.pub --as anna
  portcullis officer enrol anna --key anna-spare.pub --as anna
  portcullis officer enrol anna --passkey 1f2e3d4c --as anna   # after `passkey new`
  portcullis officer kit emil --dir emil              # on the desk's machine, to hand over
  portcullis officer suspend ben --why 'His key may be copied.' --as anna
  portcullis officer remove ben --as anna"
    )]
    Officer(Officer),
    /// Make, list or remove passkeys for the console, and for approving on a telephone
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis passkey new --as clara                   # prints a link; open it on the telephone
  portcullis passkey list --as clara
  portcullis officer enrol clara --passkey 1f2e3d4c --as clara
  portcullis passkey remove 1f2e3d4c --as clara

A passkey logs in at once, and signs once a policy names it. Lifting, refusing and findings take passkeys alone;
whatever blocks, prolongs or changes the policy needs one signature by an SSH key beside them."
    )]
    Passkey(Passkey),
    /// What is in force, and which edge has it
    #[command(after_help = "\
Examples:
  portcullis status --as anna
  portcullis status imp-0193… --watch --as anna       # until every edge has it")]
    Status(Status),
    /// Show a note or an entry of the ledger as it was signed
    #[command(after_help = "Examples:\n  portcullis show imp-0193… --as anna\n  portcullis show 0")]
    Show(Show),
    /// Check a whole ledger, trusting only one line
    #[command(after_help = "\
Examples:
  portcullis verify http://127.0.0.1:8082/ledger
  portcullis verify demo/desk/ledger --trust demo/trust     # without a network
  portcullis verify http://127.0.0.1:8082/ledger --compare http://127.0.0.1:8080/.well-known/portcullis/checkpoint")]
    Verify(Verify),
    /// Walk the whole story by itself in a temporary home, and say what happened
    #[command(after_help = "Example:\n  portcullis drill")]
    Drill(Drill),
    /// List what needs somebody now and who was called; take care of it; test who is called
    #[command(after_help = "\
Examples, of whoever is on call; docs/paging.md begins at the beginning:
  portcullis page --as anna
  portcullis page ack report --as anna                        # nobody is called for 30 minutes
  portcullis page ack --all --hold 2h --as anna
  portcullis page test                                        # on the desk's machine: calls everybody, says that it is a test")]
    Page(Page),
    /// Mail out of the desk: send a test, look at what waits, print what DNS needs
    #[command(
        subcommand,
        after_help = "\
Examples, on the desk's machine; docs/mail.md begins at the beginning:
  portcullis mail key dkim.pem
  portcullis mail dns
  portcullis mail test me@elsewhere.example
  portcullis mail list
  portcullis mail retry 17"
    )]
    Mail(Mail),
    /// Check or explain the configuration
    #[command(
        subcommand,
        after_help = "\
Examples:
  portcullis config check
  portcullis config explain edge.listen"
    )]
    Config(Config),
    /// Make, list or remove tokens for the desk's API
    #[command(
        subcommand,
        after_help = "Examples:\n  portcullis token create monitoring --role reader\n  portcullis token list"
    )]
    Token(Token),
    /// Print the desk's API description (OpenAPI)
    #[command(after_help = "Example:\n  portcullis openapi > openapi.json")]
    Openapi,
}

#[derive(Args, Debug, Default)]
pub(crate) struct Init {
    /// Keys, people and sites for demonstration. They are marked `demo`, and nothing accepts them without --demo.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Where (default: the --home directory).
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Eight ports in a row from N on, instead of 8080-8084, 8443, 9001 and 9002.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1024..=65_520))]
    pub(crate) port_base: Option<u16>,
    /// A witness that must cosign every checkpoint: its address and what `key new --for witness` printed. May be
    /// repeated; all of them must.
    #[arg(long, value_name = "URL,VKEY")]
    pub(crate) witness: Vec<String>,
    /// In the demonstration: a key for configurations too, so that which sites edges serve is in the log, and taking
    /// service away needs two.
    #[arg(long, requires = "demo")]
    pub(crate) sites_in_log: bool,
    /// Policy 0, signed by everyone it names (`policy new`, `sign`): founds a real house.
    #[arg(long, value_name = "FILE", conflicts_with = "demo", requires = "found")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) found: Found,
}

/// What a real house begins with, beside policy 0.
#[derive(Args, Debug, Default)]
#[group(id = "found", multiple = true)]
pub(crate) struct Found {
    /// The private key of the log that policy 0 names; it is copied into the home.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_key: Option<PathBuf>,
    /// The private key for configurations, where policy 0 names one; it is copied too.
    #[arg(long, value_name = "FILE")]
    pub(crate) config_key: Option<PathBuf>,
    /// The operator's name, as pages and posts sign.
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// The operator's domain: addresses for appeals, abuse, press and so on are proposed under it.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Accept demonstration keys; `run` also starts the demonstration origins.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Configuration file (default: HOME/portcullis.toml).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DeskArgs {
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(subcommand)]
    pub(crate) command: Option<DeskCommand>,
}

#[derive(Args, Debug)]
pub(crate) struct WitnessArgs {
    #[command(flatten)]
    pub(crate) run: Run,
    #[command(subcommand)]
    pub(crate) command: Option<WitnessCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Put aside what was promised for a log under its old key, so that the new one in `witness.logs` is believed afresh
    ///
    /// Only needed when the log's officers replaced a stolen key and went on from before what this witness holds. Check
    /// first that they did: `portcullis verify` follows their log to the new key. The witness must be stopped.
    LetGo {
        /// The log's origin.
        origin: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeskCommand {
    /// Say that this desk's ledger is the newest there is, when no enrolled edge and no witness can say so
    AcceptHead {
        /// How many entries it has, typed by you: a backup has fewer than the public saw, and publishing on it would give
        /// the log two histories, which every edge refuses for good.
        size: u64,
    },
    /// Erase whom an ended decision was about: customer, hostnames, facts, and the salt of their hash
    EraseSubject {
        /// The decision's id.
        id: String,
        /// Do not ask before erasing.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Write a new key to FILE (owner only) and print its public part, to be enrolled at the desk
    New {
        /// Where; never overwritten.
        file: PathBuf,
        /// The machine's name; a log's is its origin.
        #[arg(long, default_value = "edge")]
        name: String,
        /// What the machine does; it decides which public key is printed.
        #[arg(long = "for", value_enum, default_value = "edge", value_name = "MACHINE")]
        machine: Machine,
    },
}

/// Machines that have keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Machine {
    /// Enforces, and reports.
    Edge,
    /// Watches logs.
    Witness,
    /// Orders entries.
    Log,
    /// Publishes configurations.
    Config,
}

#[derive(Args, Debug)]
pub(crate) struct SignFile {
    /// The text, or the note that others have signed. Rewritten with your signature.
    pub(crate) file: PathBuf,
    /// Sign with this SSH key (a private key file, or a `.pub` whose key the agent holds) instead of your home's.
    #[arg(long, value_name = "FILE", requires = "name")]
    pub(crate) key: Option<PathBuf>,
    /// The key's name as the policy writes it.
    #[arg(long, requires = "key")]
    pub(crate) name: Option<String>,
    /// Sign nothing: take over the signatures under another copy of the same text. May be repeated.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "name"])]
    pub(crate) add: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Print the policy that names a new key, to be signed by the policy quorum
    Rekey(Rekey),
    /// Bring the signed policy to edges: from then on they take nothing of the old key
    Deliver(Deliver),
    /// Let the desk's ledger go on under the new key (on the desk's machine, with the desk stopped)
    Adopt(Adopt),
}

#[derive(Args, Debug)]
pub(crate) struct Rekey {
    /// What `key new --for log` printed.
    pub(crate) vkey: String,
    /// How many entries are kept: all that are not the thief's (default: all).
    #[arg(long, value_name = "N")]
    pub(crate) size: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct Deliver {
    /// The signed policy.
    pub(crate) file: PathBuf,
    /// An edge, under any name it serves. May be repeated.
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) edge: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Adopt {
    /// The signed policy.
    pub(crate) file: PathBuf,
    /// The new key's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Reports {
    /// What is decided, instead of what is open.
    #[arg(long)]
    pub(crate) decided: bool,
    #[command(subcommand)]
    pub(crate) command: Option<ReportsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportsCommand {
    /// Read the first reports of those that say the same, and what was decided
    Show {
        /// The number of any report in it, or four characters or more of its end that fit no other.
        id: String,
    },
    /// Say what became of it; takes one person
    Close {
        /// The number of any report in it, or four characters or more of its end that fit no other.
        id: String,
        /// What became of it.
        #[arg(long, value_enum)]
        outcome: OutcomeWord,
        /// One sentence for everybody who reported it.
        #[arg(long, value_name = "SENTENCE")]
        reply: String,
    },
    /// Open it again; takes one person
    Reopen {
        /// The number of any report in it, or four characters or more of its end that fit no other.
        id: String,
        /// Why, for the record.
        #[arg(long = "why", value_name = "SENTENCE")]
        reply: String,
    },
    /// Take a mail in as a report, on the press's machine: one message, or all that is new in a Maildir
    #[command(after_help = "\
Examples:
  portcullis --home /srv/portcullis reports import complaint.eml
  portcullis --home /srv/portcullis reports import - < complaint.eml
  portcullis --home /srv/portcullis reports import ~/Maildir")]
    Import {
        /// A message (RFC 5322), a Maildir, or - for a message on standard input.
        #[arg(value_name = "FILE|DIR|-")]
        from: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutcomeWord {
    /// Something was done, by the customer or by us.
    Acted,
    /// It went to whoever is responsible for it.
    Forwarded,
    /// Nothing of what it says was found.
    Unfounded,
    /// It is nothing that we do anything about.
    OutOfScope,
    /// The report itself was an abuse.
    Abusive,
}

impl OutcomeWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::Forwarded => "forwarded",
            Self::Unfounded => "unfounded",
            Self::OutOfScope => "out-of-scope",
            Self::Abusive => "abusive",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Edges {
    #[command(subcommand)]
    pub(crate) command: Option<EdgesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EdgesCommand {
    /// Let the edge with this key report to the desk
    Enrol {
        /// What `key new` printed.
        vkey: String,
    },
    /// Forget an edge that is gone for good, on the desk's own machine: nobody waits for it any more
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Finding {
    /// Write the working files: who is meant, and the eight criteria to fill in
    Draft(FindingDraft),
    /// Sign: the first assessor gives the directory, the second one the id
    Sign(FindingSign),
}

#[derive(Args, Debug)]
pub(crate) struct FindingSign {
    /// The directory of the draft, or the finding's id or the end of it.
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Debug)]
pub(crate) struct FindingDraft {
    /// Id (cus_first) or name (first-customer).
    pub(crate) customer: String,
    /// Directory for the working files; must not exist.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// customer, tenant:ID, site:ID or hostname:NAME. The narrowest that suffices.
    #[arg(long, default_value = "customer")]
    pub(crate) scope: String,
    /// Start from this filled-in criteria file.
    #[arg(long, value_name = "FILE")]
    pub(crate) criteria: Option<PathBuf>,
    /// The case whose evidence and referrals it rests on: `portcullis case` lists them.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: String,
    /// For how long harm is expected; at most 72h.
    #[arg(long, value_name = "TIME", default_value = "48h")]
    pub(crate) window: Span,
}

/// A note to be signed.
#[derive(Args, Debug)]
pub(crate) struct Sign {
    /// Its id, or the end of it.
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Yes {
    /// Do not ask before signing.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Propose {
    /// An imminent threat to life that cannot wait for a court: needs a finding; at most 48 hours
    Emergency(Emergency),
    /// Phishing, malware, child sexual abuse: one tenant, site or hostname; at most 30 days
    Abuse(ProposeOther),
    /// Breach of a published rule: starts 30 days after it is logged; at most a year
    Standing(ProposeOther),
    /// What an authority ordered: one who handles legal process, another who called it back; at most 90 days
    Order(ProposeOrder),
}

#[derive(Args, Debug)]
pub(crate) struct Proposal {
    /// Id (cus_first) or name (first-customer).
    pub(crate) customer: String,
    /// The reasons, Markdown, at most 256 KiB. Published with the block.
    #[arg(long, value_name = "FILE")]
    pub(crate) post: PathBuf,
    /// What this decision is not a precedent for, in one sentence.
    #[arg(long, value_name = "TEXT")]
    pub(crate) limiting: String,
    /// Hold a part of the reasons back: victim-safety, investigation, legal-secrecy or child-safety, and its file. Its
    /// hash stands in the note, the press shows the text by itself when the time has come, and it is counted.
    #[arg(long, value_name = "REASON:FILE")]
    pub(crate) withhold: Option<String>,
    /// When that opens, from now; at most 365 days.
    #[arg(long, value_name = "TIME", default_value = "30d", requires = "withhold")]
    pub(crate) opens: Span,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Debug)]
pub(crate) struct Emergency {
    #[command(flatten)]
    pub(crate) proposal: Proposal,
    /// The finding, signed by two assessors.
    #[arg(long, value_name = "ID")]
    pub(crate) finding: String,
    /// The published rule and its version.
    #[arg(long, value_name = "RULE:VERSION", default_value = "imminent-threat-to-life:1")]
    pub(crate) ground: String,
    /// How long it runs unless a reviewer continues it.
    #[arg(long = "for", value_name = "TIME", default_value = "48h")]
    pub(crate) span: Span,
}

#[derive(Args, Debug)]
pub(crate) struct ProposeOther {
    #[command(flatten)]
    pub(crate) proposal: Proposal,
    /// tenant:ID, site:ID, hostname:NAME (or customer, for a standing decision only).
    #[arg(long)]
    pub(crate) scope: String,
    /// The case it belongs to (default: a new number): `portcullis case` lists them.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,
    /// The published rule and its version.
    #[arg(long, value_name = "RULE:VERSION")]
    pub(crate) ground: String,
    /// How long it runs.
    #[arg(long = "for", value_name = "TIME", default_value = "7d")]
    pub(crate) span: Span,
    /// When it starts (standing only; at least 30 days after it is logged).
    #[arg(long, value_name = "TIME", default_value = "31d")]
    pub(crate) starts_in: Span,
}

#[derive(Args, Debug)]
pub(crate) struct ProposeOrder {
    #[command(flatten)]
    pub(crate) proposal: Proposal,
    /// customer, tenant:ID, site:ID or hostname:NAME: no wider than the order.
    #[arg(long)]
    pub(crate) scope: String,
    /// The authority's id (public), and the order's document (kept at the desk; its SHA-256 is public).
    #[arg(long, value_name = "AUTHORITY:FILE")]
    pub(crate) order: String,
    /// The case it belongs to (default: a new number): `portcullis case` lists them.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,
    /// The published rule and its version.
    #[arg(long, value_name = "RULE:VERSION", default_value = "legal-order:1")]
    pub(crate) ground: String,
    /// How long it runs: not longer than the order says, and at most 90 days.
    #[arg(long = "for", value_name = "TIME", default_value = "30d")]
    pub(crate) span: Span,
}

#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("reason").required(true))]
pub(crate) struct Continue {
    /// The decision.
    pub(crate) id: String,
    /// You checked it and it holds: it may run to 72 hours after its start (one reviewer).
    #[arg(long, group = "reason")]
    pub(crate) validated: bool,
    /// A new finding, made after the validation, carries it to 144 hours after its start, once (a whole quorum, with
    /// somebody who took no part so far).
    #[arg(long, group = "reason", value_name = "FINDING")]
    pub(crate) extended: Option<String>,
    /// An authority's order takes over, or renews what an order caused: its id, and the document (two persons, one of
    /// them for legal process).
    #[arg(long, group = "reason", value_name = "AUTHORITY:FILE")]
    pub(crate) order: Option<String>,
    /// With --order: for how long from now, at most 90 days.
    #[arg(long = "for", value_name = "TIME", default_value = "30d", requires = "order")]
    pub(crate) span: Span,
    /// Your reason in one sentence.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Debug)]
pub(crate) struct Lift {
    /// The decision.
    pub(crate) id: String,
    /// Your reason in one sentence.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// Under which heading.
    #[arg(long, value_enum, default_value = "over")]
    pub(crate) reason: LiftReason,
    /// Give it straight to an edge, without the desk. The edge applies it at once and passes it on.
    #[arg(long, value_name = "URL")]
    pub(crate) edge: Option<String>,
    /// Only write the signed lift into a file. Whoever has it may bring it to any edge, and needs no key for that.
    #[arg(long, value_name = "FILE", conflicts_with = "edge")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

impl Lift {
    /// Whether the desk has no part in it.
    pub(crate) fn alone(&self) -> bool {
        self.edge.is_some() || self.out.is_some()
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LiftReason {
    /// The danger is over.
    Over,
    /// It should not have been imposed.
    Error,
    /// The customer removed the cause.
    Remedied,
    /// An appeal was upheld.
    Appeal,
    /// Anything else; --why says it.
    Other,
}

#[derive(Args, Debug)]
pub(crate) struct Refuse {
    /// The case it belongs to.
    pub(crate) case: String,
    /// What was asked for: emergency, abuse, standing or order.
    #[arg(long)]
    pub(crate) class: String,
    /// Who asked: reporter, authority or officer.
    #[arg(long)]
    pub(crate) asked_by: String,
    /// Your reason in one sentence.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    #[command(flatten)]
    pub(crate) yes: Yes,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// One decision.
    pub(crate) id: Option<String>,
    /// Wait until every enrolled edge has it (or has let it go, when it ended).
    #[arg(long)]
    pub(crate) watch: bool,
    /// How long --watch waits.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) timeout: Span,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// A note's id (asks the desk), or an entry's number (asks the press).
    pub(crate) what: String,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Address of a press's ledger, or a ledger's directory.
    pub(crate) ledger: String,
    /// The trust line, or a file with it (default: HOME/trust).
    #[arg(long, value_name = "LINE|FILE")]
    pub(crate) trust: Option<String>,
    /// A checkpoint that others show: of an edge (http://EDGE/.well-known/portcullis/checkpoint), of a witness, or a
    /// file. One that does not fit proves that the log forked. May be repeated.
    #[arg(long, value_name = "URL|FILE")]
    pub(crate) compare: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Drill {
    /// Keep the temporary home to look at.
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Read the file and say everything that is wrong with it
    Check {
        /// Default: HOME/portcullis.toml.
        file: Option<PathBuf>,
    },
    /// Explain one key, or list all
    Explain {
        /// As in edge.listen; a table's name explains its keys.
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Print a new token (only its hash is kept)
    Create {
        /// What it is for.
        name: String,
        /// What it lets its holder do: `reader` reads, `analyst` handles reports too, `officer` also submits notes and
        /// signatures (but signs nothing: keys sign).
        #[arg(long, value_enum)]
        role: TokenRole,
    },
    /// List the names of all tokens
    List,
    /// Make a token worthless
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Passkey {
    /// Print a link under which you make one, on the device that is to have it
    New,
    /// List everybody's passkeys
    List,
    /// Take one of yours out, and end its logins
    Remove {
        /// Its id, as the list shows it.
        #[arg(value_name = "ID")]
        key: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TokenRole {
    Reader,
    Analyst,
    Officer,
}

#[cfg(test)]
mod tests;
