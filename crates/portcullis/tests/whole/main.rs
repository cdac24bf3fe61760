//! The whole house with real parts: processes of the built binary, a stock nginx as origin, curl and headless Chromium
//! as visitors, OpenSSH as everybody's pen. `make test` installs what is missing.

mod case;
mod ceremony;
mod config;
mod database;
mod drill;
mod forger;
mod forgery;
mod kill;
mod mail;
mod origin;
mod paging;
mod people;
mod process;
mod rekey;
mod reports;
mod story;
mod town;
mod visitor;
mod witness;
