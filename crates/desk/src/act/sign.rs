//! Act: a signature comes in. When it is the last one that was missing, the note is published.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::note::{KeyKind, Note, Signature, VerifierKey};
use ledger::sshsig::SshSig;
use ledger::webauthn;
use policy::{Id, Rejected, State, Time};
use serde::Deserialize;
use store::{Draft, DraftState, MAX_PAGE, Page};

use super::publish::{self, Attempt};
use crate::auth::{Authorised, Sign};
use crate::desk::Shared;
use crate::error::DeskError;

/// Checks and keeps one signature, then publishes if nothing is missing. One that is there already counts as asking
/// again, which is how a note goes on after what stood in its way is gone.
pub(crate) async fn sign(
    by: &Authorised<Sign>,
    desk: &Arc<Shared>,
    id: &Id,
    body: &str,
) -> Result<Draft, DeskError> {
    let signature = read(&desk.state(), body, desk.now())?;
    let line = signature.to_string();
    let draft = find(desk, id).await?;
    if matches!(draft.state, DraftState::Published { .. }) && draft.signatures.contains(&line) {
        return Ok(draft);
    }
    let note = note_of(&draft)?;
    let signer = match desk.state().would_count(&note, &signature, desk.now()) {
        Ok(signer) => signer,
        Err(why) => {
            desk.count(why.code()).await;
            return Err(stranger(why));
        }
    };
    // One line of each key: a key can make as many good signatures as it likes, and a note takes only so many.
    let same_key = |line: &String| {
        Signature::parse_line(line).is_ok_and(|s| s.name == signature.name && s.key_id == signature.key_id)
    };
    if draft.state != DraftState::Collecting || !draft.signatures.iter().any(same_key) {
        desk.store.add_signature(id, &line).await?;
        tracing::info!(by = by.name(), %id, person = %signer.person, "signature");
    }
    settle(desk, id, true).await?;
    find(desk, id).await
}

/// What a browser hands out when a passkey has signed (`AuthenticatorAssertionResponse`), and which key it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Assertion {
    /// The key as the policy writes it.
    passkey: String,
    authenticator_data: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    signature: String,
}

/// A signature line, or the file that `ssh-keygen -Y sign` wrote: then the line is made with the name that the policy
/// gives to its key. Or the assertion of a passkey, as JSON.
fn read(state: &State, body: &str, now: Time) -> Result<Signature, DeskError> {
    let unreadable = || {
        DeskError::Unfit {
        code: "signature",
        why: "the body must be one signature line, `— NAME BASE64`, the file that `ssh-keygen -Y sign` wrote, or a passkey's assertion as JSON".into(),
    }
    };
    if body.starts_with('{') {
        return assertion(state, body, now);
    }
    if !body.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return Signature::parse_line(body.strip_suffix('\n').unwrap_or(body)).map_err(|_| unreadable());
    }
    let file = SshSig::from_armor(body).map_err(|_| unreadable())?;
    let made = |key: &&VerifierKey| matches!(key.kind(), KeyKind::Ssh(public) if public == file.public_key());
    let key = state.policy(now).keys().find(made).ok_or_else(|| stranger(Rejected::Quorum(Vec::new())))?;
    Ok(Signature { name: key.name().to_owned(), key_id: key.key_id(), bytes: file.to_blob() })
}

/// What a passkey signed, as a signature line. Whether it is right is for the note to say.
fn assertion(state: &State, body: &str, now: Time) -> Result<Signature, DeskError> {
    let unreadable =
        |why: String| DeskError::Unfit { code: "signature", why: format!("a passkey's assertion: {why}") };
    let it: Assertion = serde_json::from_str(body).map_err(|e| unreadable(e.to_string()))?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|e| unreadable(e.to_string()));
    let key = state.policy(now).keys().find(|key| key.to_string() == it.passkey);
    let key = key.ok_or_else(|| stranger(Rejected::Quorum(Vec::new())))?;
    let (data, client) = (bytes(&it.authenticator_data)?, bytes(&it.client_data)?);
    let made = webauthn::Assertion::from_response(&data, &client, &bytes(&it.signature)?);
    let made = made.map_err(|e| unreadable(e.to_string()))?;
    Ok(Signature { name: key.name().to_owned(), key_id: key.key_id(), bytes: made.to_blob() })
}

/// Publishes the draft if nothing is missing.
pub(crate) async fn settle(desk: &Arc<Shared>, id: &Id, asked: bool) -> Result<(), DeskError> {
    let draft = find(desk, id).await?;
    if draft.state != DraftState::Collecting {
        return Ok(());
    }
    let note = note_of(&draft)?;
    match publish::attempt(desk, note, Some(id.clone())).await? {
        Attempt::Published(_) | Attempt::Waits(_) => Ok(()),
        // Another signature may have published it while we waited for the sequencer: then its id is taken by itself.
        Attempt::Refused(_) if published(desk, id).await? => Ok(()),
        Attempt::Refused(no) => {
            // Counted when somebody asked, not each time the desk looks again by itself.
            if asked {
                desk.count(no.code).await;
            }
            if no.for_ever {
                desk.store.void_draft(id).await?;
            }
            Err(no.into())
        }
    }
}

/// Settles every note that waits. A signature may have been kept when the desk stopped, and nobody would ask again.
pub(crate) async fn settle_all(desk: &Arc<Shared>) -> Result<(), DeskError> {
    let mut page = Page { before: None, limit: MAX_PAGE };
    loop {
        let drafts = desk.store.drafts(&page).await?;
        let Some(last) = drafts.last() else { return Ok(()) };
        page.before = Some((last.created, last.id.clone()));
        for draft in drafts.iter().filter(|d| d.state == DraftState::Collecting && !d.signatures.is_empty()) {
            if let Err(e) = settle(desk, &draft.id, false).await {
                tracing::warn!(id = %draft.id, "not published: {}", e.words());
            }
        }
    }
}

fn note_of(draft: &Draft) -> Result<Note, DeskError> {
    super::draft::note(draft).map_err(|e| DeskError::Defect(format!("the draft {}: {e}", draft.id)))
}

async fn published(desk: &Shared, id: &Id) -> Result<bool, DeskError> {
    Ok(matches!(find(desk, id).await?.state, DraftState::Published { .. }))
}

async fn find(desk: &Shared, id: &Id) -> Result<Draft, DeskError> {
    desk.store.draft(id).await?.ok_or_else(|| DeskError::NotFound(format!("the note {id}")))
}

/// A signature that counts for nobody is the sender's mistake, whatever the state.
fn stranger(why: Rejected) -> DeskError {
    match why {
        Rejected::Quorum(_) => DeskError::Unfit {
            code: "unknown-key",
            why: "the signature is by no key of the policy in power, or by a suspended one; `portcullis show 0` lists the keys".into(),
        },
        other => other.into(),
    }
}
