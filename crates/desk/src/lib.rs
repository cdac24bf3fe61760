//! People at work: the API and the read-only console.
//!
//! Purpose: takes notes and signatures from people, publishes what the fold accepts, and shows what became of it.
//! Owns: routes, tokens' roles, error answers, the console's pages, the doorbell, the one sequencer of this process.
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
mod once;
mod page;
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
