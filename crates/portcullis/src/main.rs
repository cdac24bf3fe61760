//! The binary: reads the command line, the environment and the clock, and opens the doors.
//!
//! Purpose: one program for operators and officers; the only place where planes meet.
//! Owns: command line, configuration, the real clock, people's signing through `ssh-keygen`, the demonstration.
//! Trusts: the operator's files. What comes from a desk or a press is checked before a person signs it.
//! Never: decides anything, holds a person's private key, or formats a note by hand.

mod change;
mod cli;
mod client;
mod clock;
mod cmd;
mod config;
mod desk_client;
mod duration;
mod exit;
mod home;
mod house;
mod origin;
mod out;
mod plane;
mod review;
mod serve;
mod signing;
mod sshkey;

use std::process::ExitCode;

use clap::Parser as _;

use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => {
            drop(said.print());
            return if said.use_stderr() { Exit::Usage.code() } else { Exit::Ok.code() };
        }
    };
    tell(cli.global.verbose);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::note(format_args!("portcullis: cannot start: {error}"));
            return Exit::Io.code();
        }
    };
    let json = cli.global.json;
    let end = runtime.block_on(cmd::run(cli));
    // Blocking reads (a question at the terminal) must not hold the process when it is to end.
    runtime.shutdown_background();
    match end {
        Ok(exit) => exit.code(),
        Err(failure) => {
            if json {
                out::json(&failure.json());
            }
            out::note(&failure);
            failure.exit.code()
        }
    }
}

/// Progress and trouble go to stderr.
fn tell(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    log.with_target(false).with_ansi(colours).init();
}
