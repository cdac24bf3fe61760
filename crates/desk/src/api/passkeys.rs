//! Passkeys over the API: links under which they are enrolled, and which there are.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use ledger::note::{KeyKind, VerifierKey};
use policy::note::PolicyNote;
use policy::people::People;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::handlers::{Answered, Problems, ok};
use crate::act;
use crate::auth::{Authorised, OwnPasskey};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{answer, json};

/// A passkey.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyResource {
    /// Whose: the name of their token.
    name: String,
    /// The key as a policy would write it.
    key: String,
    /// Its id, eight hexadecimal digits, as the page showed it when the passkey was made.
    key_id: String,
    /// Whether it may be copied to other devices (a synced passkey).
    synced: bool,
    /// Whether the policy in power names it: only then does it sign.
    in_policy: bool,
    /// Whether every policy that judges a decision now names it; for a week after a new policy the one before judges too.
    decides: bool,
    /// When it was enrolled.
    created: String,
}

/// All passkeys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Passkeys {
    /// The oldest first.
    passkeys: Vec<PasskeyResource>,
}

/// A link under which one passkey can be enrolled.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// Open it on the device whose passkey it is to be.
    link: String,
    /// Until when.
    until: String,
}

/// Which passkey goes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    /// The key as the list writes it.
    key: String,
}

/// The id in a key's text.
pub(crate) fn key_id(vkey: &str) -> String {
    vkey.split('+').nth(1).unwrap_or_default().to_owned()
}

/// The passkeys of everybody who has a token.
#[utoipa::path(get, path = "/api/v1/passkeys", operation_id = "listPasskeys", tag = "people",
    responses((status = 200, body = Passkeys), Problems))]
pub(crate) async fn list(State(desk): State<Arc<Shared>>, _by: Authorised<OwnPasskey>) -> Answered {
    let state = desk.state();
    let people = People::of(&state, desk.now());
    let names = |policy: &PolicyNote, vkey: &str| policy.keys().any(|key| key.to_string() == vkey);
    let all = desk.store.passkeys(None).await?.into_iter().map(|p| PasskeyResource {
        key_id: key_id(&p.vkey),
        synced: VerifierKey::parse(&p.vkey)
            .is_ok_and(|key| matches!(key.kind(), KeyKind::Passkey(key) if key.is_synced())),
        in_policy: people.in_power().is_some_and(|policy| names(policy, &p.vkey)),
        decides: people.judging().iter().all(|policy| names(policy, &p.vkey)),
        name: p.token,
        key: p.vkey,
        created: p.created.to_string(),
    });
    ok(&Passkeys { passkeys: all.collect() })
}

/// Make a link under which you enrol one passkey, on the device that has it. It holds for 15 minutes. A secret stands in
/// the answer, so no answer is kept for a repeated request.
#[utoipa::path(post, path = "/api/v1/passkeys/links", operation_id = "linkPasskey", tag = "people",
    responses((status = 201, body = Link), Problems))]
pub(crate) async fn link(State(desk): State<Arc<Shared>>, by: Authorised<OwnPasskey>) -> Answered {
    let (link, until) = act::passkey::link(&by, &desk).await?;
    json(StatusCode::CREATED, &Link { link, until: until.to_string() }).map(answer)
}

/// Take a passkey of yours out; whoever is logged in with it is no more. What it signed stands.
#[utoipa::path(post, path = "/api/v1/passkeys/remove", operation_id = "removePasskey", tag = "people",
    request_body = Gone, responses((status = 200, description = "It is gone"), Problems))]
pub(crate) async fn remove(
    State(desk): State<Arc<Shared>>,
    by: Authorised<OwnPasskey>,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let gone: Gone = serde_json::from_slice(&body.0).map_err(|e| DeskError::Request(e.to_string()))?;
    act::passkey::remove(&by, &desk, &gone.key).await?;
    ok(&serde_json::json!({}))
}
