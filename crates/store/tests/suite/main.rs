//! The store from outside: what every database must do, and what no broken write may do.
#![expect(clippy::unwrap_used, reason = "all of it is tests; clippy knows only the functions marked so")]

mod cases;
mod common;
mod conformance;
mod evidence;
mod fault;
mod mail;
mod pages;
mod rekey;
mod reports;
