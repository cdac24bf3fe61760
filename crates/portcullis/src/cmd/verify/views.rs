//! Who else saw this log: its own signature, its witnesses, and what others show.

use ledger::checkpoint;
use ledger::merkle::Tree;
use ledger::note::VerifierKey;
use policy::{State, Time};

use super::{Report, source};
use crate::exit::Result;

/// The log's signature, and the cosignatures of the policy's witnesses with the time each gives.
pub(super) fn signatures(
    signed: &[u8],
    state: &State,
    now: Time,
    report: &mut Report,
) -> Option<(Vec<String>, u64)> {
    let note = match checkpoint::open(signed, state.log_key()) {
        Ok((_, note)) => note,
        Err(why) => {
            report.bad(format!("checkpoint: {why}"));
            return None;
        }
    };
    report.good(format!("the checkpoint of {} entries is signed by {}", state.size(), state.log_key()));
    let policy = state.policy(now);
    let mut witnesses = Vec::new();
    for key in &policy.witnesses {
        let mut lines = note.signatures().iter().filter(|s| key.is_named_by(s));
        match lines.next().map(|line| key.verify(note.text().as_bytes(), line)) {
            Some(Ok(time)) => {
                let at = time.map_or_else(String::new, |t| format!(" at {}", Time(t)));
                report.good(format!("cosigned by {}{at}", key.name()));
                witnesses.push(key.name().to_owned());
            }
            Some(Err(why)) => report.bad(format!("the cosignature of {}: {why}", key.name())),
            None => report.good(format!("not cosigned by {}", key.name())),
        }
    }
    Some((witnesses, policy.bounds.witness_quorum))
}

/// Checkpoints that others show: one that fits is another view of the same log, one that does not proves a fork.
pub(super) async fn views(
    compare: &[String],
    tree: &Tree,
    key: &VerifierKey,
    report: &mut Report,
) -> Result<u64> {
    let mut views = 0;
    for other in compare {
        let note = source::file(other).await?;
        let (shown, _) = match checkpoint::open(&note, key) {
            Ok(shown) => shown,
            Err(why) => {
                report.bad(format!("{other} shows no checkpoint of this log: {why}"));
                continue;
            }
        };
        match tree.root_at(shown.size) {
            Some(root) if root == shown.root => {
                views += 1;
                report.good(format!("{other} shows the same log, at {} entries", shown.size));
            }
            Some(_) => {
                report.forked = true;
                report.bad(format!(
                    "{other} shows another history of {} entries, signed by the same key",
                    shown.size
                ));
            }
            None => report.bad(format!(
                "{other} shows {} entries, {} more than are here: this view is behind, or is being held back",
                shown.size,
                shown.size - tree.len()
            )),
        }
    }
    Ok(views)
}
