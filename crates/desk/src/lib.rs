//! People at work: the API and the console.
//!
//! Purpose: takes notes and signatures from people, publishes what the fold accepts, shows what became of it, tells by
//! mail whom it is about, and calls people in the night when one is needed.
//! Owns: routes, tokens' roles, error answers, the console's pages, the doorbell, the one sequencer of this process, mail.
//! Trusts: the roof for clock, log key and customer list; nobody else. What it publishes, every edge checks again.
//! Never: holds a person's key, decides what is in force (the fold does), or shows what the store does not hold.

mod act;
mod api;
mod auth;
mod body;
mod desk;
mod error;
mod head;
mod limits;
mod mail;
mod once;
mod page;
mod pager;
mod passkey;
mod relays;
mod routes;
#[cfg(test)]
mod tests;

pub use act::config::{Change, Offered, Snapshots};
pub use api::openapi_json;
pub use auth::Role;
pub use desk::{Config, CustomerView, Desk, Draw, SiteView};
pub use error::OpenError;
pub use head::{ACCEPT_FILE, accept};
pub use mail::{Dkim, Language, MailConfig, Mailer, Refused, Sender, Smarthost, Tls, Unreachable};
pub use pager::{ACK, Caller, Ended, Page, PageStep, Pager, REPEAT};
