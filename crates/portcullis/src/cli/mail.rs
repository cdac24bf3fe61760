//! The commands about mail, and about where customers are told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Mail {
    /// Send one mail that says it is a test, past the outbox, and say each step
    Test {
        /// To whom.
        address: String,
    },
    /// List mails that wait or were given up
    List {
        /// Those in this state instead; of the sent ones the last 200.
        #[arg(long, value_enum)]
        state: Option<MailWord>,
    },
    /// Try a mail again now
    Retry {
        /// Its number in the list.
        number: u64,
    },
    /// Take a mail out: it is not sent, and not queued again
    Drop {
        /// Its number in the list.
        number: u64,
    },
    /// Print the DNS records that belong to the configuration
    Dns,
    /// Write a new DKIM key (RSA, 2048 bits) to FILE, owner only
    Key {
        /// Where; never overwritten.
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MailWord {
    /// Waits for its next attempt.
    Queued,
    /// The smarthost took it.
    Sent,
    /// Given up.
    Failed,
    /// Taken out by somebody.
    Dropped,
}

impl MailWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Customers {
    #[command(subcommand)]
    pub(crate) command: Option<CustomersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustomersCommand {
    /// Say where a customer is told of decisions, on the desk's own machine
    Contact(Contact),
}

#[derive(Args, Debug)]
pub(crate) struct Contact {
    /// Id (cus_first) or name (first-customer).
    pub(crate) customer: String,
    /// The address. Left out: shows the one that is known.
    pub(crate) address: Option<String>,
    /// The language of mails there.
    #[arg(long, value_enum, default_value = "en")]
    pub(crate) language: LanguageWord,
    /// Forget the address.
    #[arg(long, conflicts_with = "address")]
    pub(crate) remove: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LanguageWord {
    /// English.
    En,
    /// German.
    De,
}

impl LanguageWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }
}
