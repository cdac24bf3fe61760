//! Acts: a passkey is enrolled, a person logs in and out. A passkey stands for its holder's token, with its role; for a
//! decision it counts once a policy names it.

use ledger::Hash;
use policy::{Id, Time};
use serde::Serialize;
use webauthn_rs::prelude::{CreationChallengeResponse, PublicKeyCredential, RegisterPublicKeyCredential};

use crate::auth::{Authorised, OwnPasskey};
use crate::desk::Shared;
use crate::error::DeskError;
use crate::passkey::Passkeys;

/// How long a link enrols, seconds: it is opened on a telephone that lies beside the keyboard.
const LINK: u64 = 15 * 60;

/// How long a login lasts, seconds: one night.
pub(crate) const LOGIN: u64 = 12 * 3600;

/// What a browser needs to ask for a passkey, and the id under which it answers.
#[derive(Serialize)]
pub(crate) struct Begun<T: Serialize> {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) options: T,
}

fn passkeys(desk: &Shared) -> Result<&Passkeys, DeskError> {
    desk.passkeys.as_ref().ok_or_else(|| {
        DeskError::NotFound(
            "passkeys; write `origin = \"https://desk.example.org\"` under [desk], the address at which people open it"
                .into(),
        )
    })
}

fn random(desk: &Shared) -> Result<[u8; 32], DeskError> {
    (desk.config.draw)().ok_or_else(|| DeskError::Busy("there is no randomness now".into()))
}

/// Makes a link under which whoever holds this token enrols one passkey.
pub(crate) async fn link(by: &Authorised<OwnPasskey>, desk: &Shared) -> Result<(String, Time), DeskError> {
    let at = passkeys(desk)?.origin();
    key_name(desk, by.name())?;
    let secret = Hash(random(desk)?).to_string();
    let until = desk.now().plus(LINK);
    desk.store.add_passkey_link(by.name(), &Hash::of(secret.as_bytes()), until, desk.now()).await?;
    tracing::info!(by = by.name(), "link for a passkey");
    Ok((format!("{at}/passkey/{secret}"), until))
}

/// For whom this link enrols.
pub(crate) async fn whose(desk: &Shared, secret: &str) -> Result<String, DeskError> {
    passkeys(desk)?;
    let found = desk.store.passkey_link(&Hash::of(secret.as_bytes()), desk.now()).await?;
    found.ok_or_else(|| {
        DeskError::NotFound(
            "this link: it was used, or its 15 minutes are over; `portcullis passkey new` makes another"
                .into(),
        )
    })
}

/// The browser is asked to make a passkey.
pub(crate) async fn begin_enrol(
    desk: &Shared,
    secret: &str,
) -> Result<Begun<CreationChallengeResponse>, DeskError> {
    let name = whose(desk, secret).await?;
    let there = desk.store.passkeys(Some(&name)).await?;
    let id = Hash(random(desk)?).to_string();
    let mut user = [0; 16];
    user.copy_from_slice(&random(desk)?[..16]);
    let options = passkeys(desk)?.begin_enrol(id.clone(), user, &name, &there, desk.now())?;
    Ok(Begun { id, options })
}

/// The browser has made one: it is kept, and the link is used up.
pub(crate) async fn finish_enrol(
    desk: &Shared,
    secret: &str,
    id: &str,
    answer: &RegisterPublicKeyCredential,
) -> Result<store::Passkey, DeskError> {
    let name = whose(desk, secret).await?;
    let key_name = key_name(desk, &name)?;
    let made = passkeys(desk)?.finish_enrol(id, &name, &key_name, answer, desk.now())?;
    let vkey = made.key.to_string();
    let new = store::Passkey {
        credential: made.credential,
        token: name,
        vkey,
        kept: made.kept,
        created: desk.now(),
    };
    desk.store.enrol_passkey(&Hash::of(secret.as_bytes()), &new).await?;
    tracing::info!(by = new.token, key = new.vkey, "passkey enrolled");
    Ok(new)
}

/// The browser is asked for a passkey of this name. A name without one gets a question of the same shape, about a
/// credential that nobody has: who has passkeys here is nobody's business.
pub(crate) async fn begin_enter(desk: &Shared, name: &str) -> Result<Begun<serde_json::Value>, DeskError> {
    let at = passkeys(desk)?;
    let (name, theirs) = &typed(desk, name).await?;
    let id = Hash(random(desk)?).to_string();
    let options = match at.begin_enter(id.clone(), name, theirs, desk.now())? {
        Some(options) => serde_json::to_value(options).map_err(|e| DeskError::Defect(e.to_string()))?,
        None => at.decoy(name, &random(desk)?),
    };
    Ok(Begun { id, options })
}

/// A login.
pub(crate) async fn finish_enter(
    desk: &Shared,
    name: &str,
    id: &str,
    answer: &PublicKeyCredential,
) -> Result<String, DeskError> {
    let at = passkeys(desk)?;
    let (name, theirs) = &typed(desk, name).await?;
    let used = at.finish_enter(id, name, theirs, answer, desk.now())?;
    let secret = Hash(random(desk)?).to_string();
    let (now, until) = (desk.now(), desk.now().plus(LOGIN));
    desk.store.enter(&Hash::of(secret.as_bytes()), &used, until, now).await?;
    tracing::info!(by = used.token, "logged in");
    Ok(secret)
}

/// Ends the login that the browser holds.
pub(crate) async fn leave(desk: &Shared, secret: &str) -> Result<(), DeskError> {
    Ok(desk.store.leave(&Hash::of(secret.as_bytes())).await?)
}

/// Takes a passkey out: its holder's, by whoever holds their token. What it signed stands.
pub(crate) async fn remove(by: &Authorised<OwnPasskey>, desk: &Shared, vkey: &str) -> Result<(), DeskError> {
    let theirs = desk.store.passkeys(Some(by.name())).await?;
    let there = theirs.iter().any(|p| p.vkey == vkey) && desk.store.remove_passkey(vkey).await?;
    if !there {
        return Err(DeskError::NotFound(format!("a passkey of {} with this key", by.name())));
    }
    tracing::info!(by = by.name(), key = vkey, "passkey taken out");
    Ok(())
}

/// The name under which a policy would name the keys of whoever holds this token.
fn key_name(desk: &Shared, token: &str) -> Result<String, DeskError> {
    let (mark, name) =
        if desk.trust.is_demo() { (DEMO, token.strip_prefix(DEMO).unwrap_or(token)) } else { ("", token) };
    let person = Id::parse(name).ok_or_else(|| DeskError::Unfit {
        code: "name",
        why: format!(
            "the token is named {token:?}, and a passkey belongs to a person: it needs a token with a person's id as its \
             name (3 to 64 of a-z 0-9 - _, a letter first), as `portcullis officer kit` makes it"
        ),
    })?;
    Ok(format!("{mark}{person}"))
}

/// The token that somebody means who types this at the login, with its passkeys.
async fn typed(desk: &Shared, name: &str) -> Result<(String, Vec<store::Passkey>), DeskError> {
    let marked = desk.trust.is_demo().then(|| format!("{DEMO}{}", name.trim()));
    for name in [Some(name.trim().to_owned()), marked].into_iter().flatten() {
        let theirs = desk.store.passkeys(Some(&name)).await?;
        if !theirs.is_empty() {
            return Ok((name, theirs));
        }
    }
    Ok((name.to_owned(), Vec::new()))
}

/// How names of a demonstration begin.
const DEMO: &str = "demo:";
