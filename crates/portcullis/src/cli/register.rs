//! The command about the register of contacts.

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Contacts {
    #[command(subcommand)]
    pub(crate) command: Option<ContactsCommand>,
}

/// Takes one person.
#[derive(Debug, Subcommand)]
pub(crate) enum ContactsCommand {
    /// Write down that somebody pressed; a campaign is one contact
    Add {
        /// What they said or wrote, and how, in one sentence.
        what: String,
        /// Who: a name, an office, a paper.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What they are: public-official, authority (outside of legal process), press, organisation, business, customer or
        /// person.
        #[arg(long)]
        party: String,
        /// What they pressed for: `for` acting, or `against` it.
        #[arg(long, value_parser = ["for", "against"])]
        side: String,
        /// About whom: id or name.
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
        /// When (default: now): 2026-11-22T23:15, or 23:15 for the last one; UTC.
        #[arg(long, value_name = "TIME")]
        when: Option<String>,
    },
}
