//! How a command ends: a fixed exit code, what went wrong, and what to do next.

use std::fmt;

/// Exit codes, the same for every command. The numbers above 60 are those of `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Ok = 0,
    /// It ran, and the answer is no: not verified, not observed, not all edges have it, not enough people.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong.
    Config = 64,
    /// A file or an argument is not what it should be.
    Input = 65,
    /// Nobody answers.
    Unavailable = 69,
    /// It exists already and is not overwritten.
    Exists = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Refused: not allowed, or declined by the person asked.
    Refused = 77,
}

/// What `--help` says about exit codes.
pub(crate) const TABLE: &str = "\
Exit codes:
  0   done
  1   it ran, and the answer is no (not verified, not observed in time, too few people)
  2   the command line is wrong
  64  the configuration is wrong
  65  a file or an argument is not what it should be
  69  nobody answers
  73  exists already, not overwritten
  74  reading or writing failed
  77  refused: not allowed, or you said no";

impl Exit {
    pub(crate) fn code(self) -> std::process::ExitCode {
        std::process::ExitCode::from(self as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    what: String,
    next: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), next: None }
    }

    pub(crate) fn input(what: impl Into<String>) -> Self {
        Self::new(Exit::Input, what)
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// A file that could not be read or written.
    pub(crate) fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Io, format!("cannot {doing} {}: {error}", path.display()))
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "error": { "exit": self.exit as u8, "what": self.what, "next": self.next } })
    }

    /// Adds what the person can do about it.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "portcullis: {}", self.what)?;
        self.next.iter().try_for_each(|next| write!(f, "\n  next: {next}"))
    }
}

impl std::error::Error for Failure {}

/// What most functions of the roof return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_help() {
        for exit in [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::Config,
            Exit::Input,
            Exit::Unavailable,
            Exit::Exists,
            Exit::Io,
            Exit::Refused,
        ] {
            let row = format!("\n  {:<3} ", exit as u8);
            assert!(TABLE.contains(&row), "{exit:?}");
        }
    }
}
