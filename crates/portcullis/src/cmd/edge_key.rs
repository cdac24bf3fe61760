//! `portcullis edge-key new`: a machine's key.

use crate::cli::{EdgeKey, Global};
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};
use ledger::note::SigningKey;

pub(super) fn run(global: &Global, args: EdgeKey) -> Result<Exit> {
    let EdgeKey::New { file, name } = args;
    let key = new(&name)?;
    home::write_new(&file, &format!("{}\n", key.encode()), true)?;
    out::made(global, "vkey", key.verifier());
    out::note(format_args!(
        "wrote {} (readable by you alone); at the desk: portcullis edges enrol '{}'",
        file.display(),
        key.verifier()
    ));
    Ok(Exit::Ok)
}

/// A new plain Ed25519 key.
pub(super) fn new(name: &str) -> Result<SigningKey> {
    SigningKey::from_seed(name, home::random()?)
        .map_err(|e| Failure::input(format!("{name:?} cannot be a key's name: {e}")))
}
