//! Act: witnesses cosign the newest checkpoint. It is public before they do; edges whose policy wants witnesses wait for
//! them, and whoever verifies sees how many there are.

use ledger::note::{Note, VerifierKey};
use tokio::task::JoinSet;

use crate::desk::{Public, Sequencer, Shared};

/// Asks all witnesses at once whether they cosign the newest checkpoint, and publishes what they gave. What fails is told
/// and tried again by [`again`].
pub(crate) async fn newest(desk: &Shared, _held: &Sequencer) {
    let Public { state, tree } = desk.public();
    let keys = state.policy(desk.now()).witnesses.clone();
    let mut witnesses = desk.witnesses.lock().await;
    if keys.is_empty() || witnesses.is_empty() {
        return;
    }
    let head = match desk.store.head().await {
        Ok(Some(head)) if head.size == tree.len() => head,
        Ok(_) => return,
        Err(e) => return tracing::error!("the head could not be read to be cosigned: {e}"),
    };
    let Ok(mut note) = Note::parse(&head.checkpoint) else { return };
    let lacks = keys.iter().any(|key| !note.signatures().iter().any(|s| key.is_named_by(s)));
    if !lacks {
        return;
    }
    let Some(bare) = bare(&note, state.log_key()) else { return };
    let mut asking = JoinSet::new();
    for mut witness in witnesses.drain(..) {
        let (note, tree, keys) = (bare.clone(), tree.clone(), keys.clone());
        asking.spawn(async move {
            let given = witness.ask(&note, &tree, &keys).await;
            (witness, given)
        });
    }
    let before = note.signatures().len();
    // A task that panicked takes its witness with it; the others go on, and the next start has it again.
    while let Some(answered) = asking.join_next().await {
        let Ok((witness, given)) = answered else { continue };
        match given {
            Ok(lines) => {
                for line in lines {
                    let known =
                        note.signatures().iter().any(|s| (&s.name, s.key_id) == (&line.name, line.key_id));
                    if !known {
                        note.add(line);
                    }
                }
            }
            Err(why) => tracing::warn!(witness = %witness.address(), "not cosigned: {why}"),
        }
        witnesses.push(witness);
    }
    if note.signatures().len() > before
        && let Err(e) = desk.store.put_cosigned(&note).await
    {
        tracing::error!("cosignatures could not be published: {e}");
    }
}

/// Asks witnesses to cosign the head once more, until somebody has confirmed it. One that has seen more does not; what
/// anybody recorded of an earlier answer has an earlier time.
pub(crate) async fn confirm(desk: &Shared) {
    let Public { state, tree } = desk.public();
    if desk.confirmed.get(&tree) {
        return;
    }
    let keys = state.policy(desk.now()).witnesses.clone();
    let head = desk.store.head().await.ok().flatten().and_then(|head| Note::parse(&head.checkpoint).ok());
    let Some(note) = head.and_then(|note| bare(&note, state.log_key())) else { return };
    for witness in desk.witnesses.lock().await.iter_mut() {
        match witness.ask(&note, &tree, &keys).await {
            Ok(lines) => {
                let time =
                    |line: &_| keys.iter().find_map(|key| key.verify(note.text().as_bytes(), line).ok()?);
                lines.iter().filter_map(time).for_each(|at| desk.confirmed.report(policy::Time(at)));
            }
            Err(why) => tracing::warn!(
                witness = %witness.address(),
                "it does not confirm the head: {why}. If it has seen more, this desk was restored from a backup"
            ),
        }
    }
}

/// The checkpoint with the log's signature alone.
fn bare(note: &Note, log: &VerifierKey) -> Option<Note> {
    let mut bare = Note::new(note.text()).ok()?;
    let line = note.signatures().iter().find(|s| log.is_named_by(s))?;
    bare.add(line.clone()).then_some(bare)
}

/// Asks again those who had not cosigned the newest checkpoint, and rings when edges may take it now.
pub(crate) async fn again(desk: &Shared) {
    let held = desk.sequencer.lock().await;
    let before = desk.store.head().await.ok().flatten().map(|head| head.checkpoint);
    newest(desk, &held).await;
    let after = desk.store.head().await.ok().flatten().map(|head| head.checkpoint);
    if after != before {
        desk.bell.send_modify(|_| {});
    }
}
