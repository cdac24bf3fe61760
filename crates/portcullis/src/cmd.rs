//! One file per command; this one only says which is which.

mod approve;
mod capture;
mod case;
mod config;
mod contacts;
mod continues;
mod customers;
mod desk;
mod drill;
mod edge;
mod edges;
mod finding;
mod found;
mod init;
mod key;
mod lift;
mod log;
mod mail;
mod officer;
mod openapi;
mod page;
mod passkey;
mod policy;
mod propose;
mod quorum;
mod refuse;
mod reports;
mod run;
mod show;
mod sign;
mod status;
mod suspend;
mod token;
mod verify;
mod witness;

use crate::cli::{Cli, Command, Finding};
use crate::exit::{Exit, Result};

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    let global = cli.global;
    match cli.command {
        Command::Init(args) => init::run(&global, args).await,
        Command::Run(args) => run::run(&global, args).await,
        Command::Desk(args) => desk::run(&global, args).await,
        Command::Press(args) => desk::press(&global, args).await,
        Command::Edge(args) => edge::run(&global, args).await,
        Command::Witness(args) => witness::run(&global, args).await,
        Command::Key(args) => key::run(&global, args),
        Command::Sign(args) => sign::run(&global, args),
        Command::Log(args) => log::run(&global, args).await,
        Command::Edges(args) => edges::run(&global, args).await,
        Command::Capture(args) => capture::run(&global, args).await,
        Command::Case(args) => case::run(&global, args).await,
        Command::Contacts(args) => contacts::run(&global, args).await,
        Command::Reports(args) => reports::run(&global, args).await,
        Command::Customers(args) => customers::run(&global, args).await,
        Command::Finding(Finding::Draft(args)) => finding::draft(&global, args).await,
        Command::Finding(Finding::Sign(args)) => finding::sign(&global, args).await,
        Command::Propose(args) => propose::run(&global, args).await,
        Command::Approve(args) => approve::run(&global, args).await,
        Command::Continue(args) => continues::run(&global, args).await,
        Command::Lift(args) => lift::run(&global, args).await,
        Command::Refuse(args) => refuse::run(&global, args).await,
        Command::Quorum(args) => quorum::run(&global, args).await,
        Command::Suspend(args) => suspend::run(&global, args).await,
        Command::Policy(args) => policy::run(&global, args).await,
        Command::Officer(args) => officer::run(&global, args).await,
        Command::Passkey(args) => passkey::run(&global, args).await,
        Command::Status(args) => status::run(&global, args).await,
        Command::Show(args) => show::run(&global, args).await,
        Command::Verify(args) => verify::run(&global, args).await,
        Command::Drill(args) => drill::run(args).await,
        Command::Page(args) => page::run(&global, args).await,
        Command::Mail(args) => mail::run(&global, args).await,
        Command::Config(args) => config::run(&global, args),
        Command::Token(args) => token::run(&global, args).await,
        Command::Openapi => openapi::run(),
    }
}
