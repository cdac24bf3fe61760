//! The desk as a whole, through its routers: scripts of requests and what must come back.

mod bed;
mod config;
mod crash;
mod document;
mod forms;
mod head;
mod mail;
mod matrix;
mod pages;
mod paging;
mod passkeys;
mod reports;
mod story;
