//! The ceremonies of WebAuthn, at one origin: a passkey is enrolled, a person logs in. The library checks them; what a
//! passkey signs under a note is checked by the ledger and not here.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::Hash;
use ledger::note::{KeyKind, VerifierKey};
use ledger::webauthn;
use policy::Time;
use webauthn_rs::prelude::{
    COSEAlgorithm, COSEKeyType, CreationChallengeResponse, Credential, Passkey, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse, Url,
    Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::error::DeskError;

/// How long a ceremony may take, seconds: somebody looks for their key, and types a PIN twice.
const CEREMONY: u64 = 300;

/// Ceremonies of one name that are under way; beyond it the oldest is forgotten. Whoever begins more than these within
/// the seconds that a login takes keeps that name from logging in by passkey, and nobody else.
const EACH: usize = 16;

/// Ceremonies that are under way in all: one name each for the 64 persons of the largest policy, some kilobytes each.
const ALL: usize = 64 * EACH;

/// What the roof was told about passkeys, ready to use.
pub(crate) struct Passkeys {
    library: Webauthn,
    origin: String,
    /// What credentials of names without passkeys are made of.
    decoy: [u8; 32],
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    id: String,
    name: String,
    until: Time,
    step: Step,
}

enum Step {
    Enrol(Box<PasskeyRegistration>),
    Enter(Box<PasskeyAuthentication>),
}

/// A passkey as it was made, and the key that a policy would name.
pub(crate) struct Made {
    pub(crate) credential: Vec<u8>,
    pub(crate) key: VerifierKey,
    /// What the library keeps of it.
    pub(crate) kept: String,
}

impl Passkeys {
    /// For one origin, in the spelling of [`webauthn::PublicKey::origin`]; its host is the RP ID.
    pub(crate) fn new(origin: &str, operator: &str, decoy: [u8; 32]) -> Result<Self, String> {
        let words =
            || format!("{origin:?} is no origin at which browsers offer passkeys: https://desk.example.org");
        // The spelling decides, not what a parser makes of it: it stands in every key.
        if !webauthn::is_origin(origin) {
            return Err(words());
        }
        let url = Url::parse(origin).map_err(|_| words())?;
        let rp_id = url.domain().ok_or_else(words)?;
        let builder = WebauthnBuilder::new(rp_id, &url).map_err(|e| format!("{}: {e}", words()))?;
        let library = builder.rp_name(operator).build().map_err(|e| format!("{}: {e}", words()))?;
        Ok(Self { library, origin: origin.to_owned(), decoy, waiting: Mutex::default() })
    }

    /// The origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Begins to enrol a passkey for a name that has these already. `user`: random bytes, which the authenticator keeps.
    pub(crate) fn begin_enrol(
        &self,
        id: String,
        user: [u8; 16],
        name: &str,
        there: &[store::Passkey],
        now: Time,
    ) -> Result<CreationChallengeResponse, DeskError> {
        let there = there.iter().map(|p| p.credential.clone()).collect();
        let begun = self.library.start_passkey_registration(Uuid::from_bytes(user), name, name, Some(there));
        let (mut options, state) = begun.map_err(defect)?;
        // The ledger knows no other: whoever has only RSA is told by their browser, before they make one in vain.
        options.public_key.pub_key_cred_params.retain(|p| p.alg == COSEAlgorithm::ES256 as i64);
        self.wait(id, name, now, Step::Enrol(Box::new(state)));
        Ok(options)
    }

    /// Ends an enrolment. `key_name`: how a policy names the person's keys.
    pub(crate) fn finish_enrol(
        &self,
        id: &str,
        name: &str,
        key_name: &str,
        answer: &RegisterPublicKeyCredential,
        now: Time,
    ) -> Result<Made, DeskError> {
        let Some(Step::Enrol(state)) = self.take(id, name, now) else { return Err(over()) };
        let made = self.library.finish_passkey_registration(answer, &state);
        let made = made.map_err(|e| refused(&format!("the passkey could not be enrolled: {e}")))?;
        let kept = serde_json::to_string(&made).map_err(defect)?;
        let credential = Credential::from(made);
        let key = match &credential.cred.key {
            COSEKeyType::EC_EC2(key) => {
                let (x, y) = (<[u8; 32]>::try_from(&key.x[..]), <[u8; 32]>::try_from(&key.y[..]));
                x.ok().zip(y.ok()).and_then(|(x, y)| {
                    webauthn::PublicKey::new(&x, &y, credential.backup_eligible, &self.origin).ok()
                })
            }
            _ => None,
        };
        let key = key.ok_or_else(|| refused("this authenticator made no ES256 key"))?;
        let key = VerifierKey::new(key_name, KeyKind::Passkey(key)).map_err(defect)?;
        Ok(Made { credential: credential.cred_id.to_vec(), key, kept })
    }

    /// Begins a login of whoever has these passkeys. `None` when there are none: the caller shows what looks the same.
    pub(crate) fn begin_enter(
        &self,
        id: String,
        name: &str,
        theirs: &[store::Passkey],
        now: Time,
    ) -> Result<Option<RequestChallengeResponse>, DeskError> {
        let theirs = theirs.iter().map(|p| serde_json::from_str(&p.kept).map_err(defect));
        let theirs = theirs.collect::<Result<Vec<Passkey>, _>>()?;
        if theirs.is_empty() {
            return Ok(None);
        }
        let (options, state) = self.library.start_passkey_authentication(&theirs).map_err(defect)?;
        self.wait(id, name, now, Step::Enter(Box::new(state)));
        Ok(Some(options))
    }

    /// What a browser is asked for a name without passkeys: the same each time, as it would be with one.
    pub(crate) fn decoy(&self, name: &str, challenge: &[u8; 32]) -> serde_json::Value {
        let url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let credential = Hash::of(&[&self.decoy[..], name.as_bytes()].concat()).0;
        let rp_id = self.origin.split(['/', ':']).nth(3).unwrap_or_default();
        serde_json::json!({ "publicKey": {
            "challenge": url(challenge),
            "timeout": 300_000,
            "rpId": rp_id,
            "allowCredentials": [{ "type": "public-key", "id": url(&credential) }],
            "userVerification": "required",
        } })
    }

    /// Ends a login: which of the passkeys it was, and what is to be kept of it now.
    pub(crate) fn finish_enter(
        &self,
        id: &str,
        name: &str,
        theirs: &[store::Passkey],
        answer: &PublicKeyCredential,
        now: Time,
    ) -> Result<store::Passkey, DeskError> {
        let Some(Step::Enter(state)) = self.take(id, name, now) else { return Err(over()) };
        let result = self.library.finish_passkey_authentication(answer, &state);
        let result = result.map_err(|e| refused(&format!("the passkey was not accepted: {e}")))?;
        let used = theirs.iter().find(|p| p.credential == result.cred_id().as_slice());
        let mut used = used.cloned().ok_or_else(over)?;
        let mut passkey: Passkey = serde_json::from_str(&used.kept).map_err(defect)?;
        passkey.update_credential(&result);
        used.kept = serde_json::to_string(&passkey).map_err(defect)?;
        Ok(used)
    }

    fn wait(&self, id: String, name: &str, now: Time, step: Step) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|w| w.until > now);
        let theirs = waiting.iter().filter(|w| w.name == name).count();
        let oldest = if theirs >= EACH {
            waiting.iter().position(|w| w.name == name)
        } else {
            (waiting.len() >= ALL).then_some(0)
        };
        if let Some(oldest) = oldest {
            waiting.remove(oldest);
        }
        waiting.push(Waiting { id, name: name.to_owned(), until: now.plus(CEREMONY), step });
    }

    /// A ceremony ends once, however it ends.
    fn take(&self, id: &str, name: &str, now: Time) -> Option<Step> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().position(|w| w.id == id && w.name == name)?;
        let found = waiting.remove(at);
        (found.until > now).then_some(found.step)
    }
}

fn over() -> DeskError {
    refused("this took longer than five minutes, or was begun anew elsewhere; begin again")
}

fn refused(why: &str) -> DeskError {
    DeskError::Unfit { code: "passkey", why: why.to_owned() }
}

fn defect(e: impl std::fmt::Display) -> DeskError {
    DeskError::Defect(format!("passkeys: {e}"))
}

impl std::fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passkeys").field("origin", &self.origin).finish_non_exhaustive()
    }
}
