//! `portcullis key new`: a machine's key.

use crate::cli::{Global, Key, Machine};
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};
use ledger::note::SigningKey;

pub(super) fn run(global: &Global, args: Key) -> Result<Exit> {
    let Key::New { file, name, machine } = args;
    let key = new(&name)?;
    home::write_new(&file, &format!("{}\n", key.encode()), true)?;
    // A witness cosigns, which is another kind of signature and so another public key.
    let vkey = if machine == Machine::Witness { key.cosigner() } else { key.verifier() };
    out::made(global, "vkey", &vkey);
    let what_next = match machine {
        Machine::Edge => format!("at the desk: portcullis edges enrol '{vkey}'"),
        Machine::Witness => format!("in the policy: witness {vkey}"),
        Machine::Log => format!("in the policy: log {vkey}"),
        Machine::Config => format!("in the policy: config {vkey}"),
    };
    out::note(format_args!("wrote {} (readable by you alone); {what_next}", file.display()));
    Ok(Exit::Ok)
}

/// A new plain Ed25519 key.
pub(super) fn new(name: &str) -> Result<SigningKey> {
    SigningKey::from_seed(name, home::random()?)
        .map_err(|e| Failure::input(format!("{name:?} cannot be a key's name: {e}")))
}
