//! Asking witnesses: the log's side of C2SP tlog-witness.

use std::time::Duration;

use bytes::Bytes;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Tree, prove_consistency};
use ledger::note::{Note, Signature, VerifierKey};
use ledger::witness::{AddCheckpoint, parse_size_answer};
use tokio::time::timeout;

use crate::http::{Base, Client, HttpError};
use crate::witness;

/// A witness that has not answered by then is asked again with the next publication, or half a minute later: two
/// seconds are what a decision may take to all edges, and the disk and the way there need a part of it.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Bytes of an answer: a few signature lines.
const MAX_ANSWER: usize = 16 * 1024;

/// One witness, from the log's side.
#[derive(Debug)]
pub struct Asked {
    client: Client,
    /// What it holds, as far as it told.
    size: u64,
}

impl Asked {
    /// A witness at this submission prefix.
    ///
    /// # Errors
    /// [`HttpError::Url`]
    pub fn new(url: &str) -> Result<Self, HttpError> {
        Ok(Self { client: Client::new(Base::parse(url)?), size: 0 })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        self.client.to_string()
    }

    /// Asks for cosignatures by any of these keys under a checkpoint of `tree`, which should hold the log's signature
    /// alone: what others said is none of a witness's business, and some stumble over it.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub async fn ask(
        &mut self,
        note: &Note,
        tree: &Tree,
        keys: &[VerifierKey],
    ) -> Result<Vec<Signature>, String> {
        let late = |_| "it did not answer in time".to_owned();
        timeout(PATIENCE, self.exchange(note, tree, keys)).await.map_err(late)?
    }

    async fn exchange(
        &mut self,
        note: &Note,
        tree: &Tree,
        keys: &[VerifierKey],
    ) -> Result<Vec<Signature>, String> {
        let checkpoint = Checkpoint::parse_text(note.text()).map_err(|e| e.to_string())?;
        // Once more when it holds another size than we thought; a second conflict is another log's doing.
        for _ in 0..2 {
            let proof = prove_consistency(tree, self.size, checkpoint.size)
                .ok_or_else(|| format!("it holds {} entries, more than this log has", self.size))?;
            let request = AddCheckpoint { old: self.size, proof, checkpoint: note.to_bytes() };
            let sent =
                self.client.ask(witness::ADD, "text/plain", Bytes::from(request.to_bytes()), MAX_ANSWER);
            let (status, body) = sent.await.map_err(|e| e.to_string())?;
            match status {
                200 => {
                    self.size = checkpoint.size;
                    let lines = String::from_utf8_lossy(&body).into_owned();
                    let signatures = lines.lines().filter_map(|line| Signature::parse_line(line).ok());
                    let good =
                        |s: &Signature| keys.iter().any(|key| key.verify(note.text().as_bytes(), s).is_ok());
                    let good: Vec<Signature> = signatures.filter(good).collect();
                    let nothing = || {
                        format!("none of its lines is by a witness that the policy names: {:?}", lines.trim())
                    };
                    return if good.is_empty() { Err(nothing()) } else { Ok(good) };
                }
                409 => {
                    let size = parse_size_answer(&body).ok_or("its answer to a wrong size is none")?;
                    self.size = size;
                }
                other => {
                    let said = String::from_utf8_lossy(&body);
                    return Err(format!("it says {other}: {}", said.lines().next().unwrap_or_default()));
                }
            }
        }
        Err(format!("it holds {} entries of another log", self.size))
    }
}
