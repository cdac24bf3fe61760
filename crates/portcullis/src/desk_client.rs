//! The desk's API, from the side of a person. Answers are JSON values: `--json` passes them on as they are, and what
//! a person signs is never taken from them without its hash being checked.

use http::StatusCode;
use ledger::Hash;
use policy::Id;
use serde_json::Value;

use crate::cli::Global;
use crate::client::{Address, Answer, Ask, ask};
use crate::config::{Config, Listen};
use crate::exit::{Exit, Failure, Result};
use crate::home::Officer;

const API: &str = "/api/v1";

/// Shortest part of an id that is taken for the whole: four hex digits out of 32 rarely meet, and then it is said.
const MIN_PART: usize = 4;

/// A desk, and who asks it.
pub(crate) struct Desk {
    address: Address,
    /// Reading needs none where the desk listens on this machine only.
    token: Option<String>,
}

impl Desk {
    /// The desk of this person.
    pub(crate) fn of(officer: &Officer) -> Result<Self> {
        Ok(Self { address: Address::parse(&officer.desk)?, token: Some(officer.token.clone()) })
    }

    /// The desk for commands that sign nothing: of the person the flags name, or of the installation in this home.
    pub(crate) fn open(global: &Global) -> Result<Self> {
        let config = global.home.join("portcullis.toml");
        if global.person.is_some() || !config.exists() {
            return Self::of(&Officer::open(global)?);
        }
        let config = Config::open(&config)?;
        config.need(&["desk"])?;
        let address = match (&global.desk, config.desk().listen) {
            (Some(address), _) => address.clone(),
            (None, Listen::Tcp(address)) => format!("http://{address}"),
            (None, Listen::Unix(path)) => format!("unix:{}", path.display()),
        };
        Ok(Self { address: Address::parse(&address)?, token: None })
    }

    /// Uploads a blob.
    pub(crate) async fn put_blob(&self, bytes: &[u8]) -> Result<()> {
        self.post("/blobs", "application/octet-stream", bytes.to_vec()).await.map(|_| ())
    }

    /// A blob, checked against its hash.
    pub(crate) async fn blob(&self, hash: &Hash, what: &str) -> Result<Vec<u8>> {
        let missing = || Failure::input(format!("the desk does not have the {what} {hash}"));
        self.find_blob(hash, what).await?.ok_or_else(missing)
    }

    /// A blob, checked against its hash, if the desk has it.
    pub(crate) async fn find_blob(&self, hash: &Hash, what: &str) -> Result<Option<Vec<u8>>> {
        let Some(answer) = self.find(&format!("{API}/blobs/{hash}")).await? else { return Ok(None) };
        if Hash::of(&answer.body) != *hash {
            let what = format!(
                "the desk's {what} is not the one the note names (its SHA-256 is {})",
                Hash::of(&answer.body)
            );
            return Err(
                Failure::refused(what).next("do not sign; tell the others: the desk gives out another text")
            );
        }
        Ok(Some(answer.body.to_vec()))
    }

    /// Puts a text to be signed.
    pub(crate) async fn draft(&self, text: &str) -> Result<Value> {
        self.post("/notes", "text/plain; charset=utf-8", text.into()).await
    }

    /// Adds a signature line.
    pub(crate) async fn sign(&self, id: &Id, line: &str) -> Result<Value> {
        self.post(&format!("/notes/{id}/signatures"), "text/plain; charset=utf-8", line.into()).await
    }

    /// Hands in a whole signed lift or suspension.
    pub(crate) async fn undo(&self, note: Vec<u8>) -> Result<Value> {
        self.post("/undo", "text/plain; charset=utf-8", note).await
    }

    /// Enrols an edge.
    pub(crate) async fn enrol(&self, vkey: &str) -> Result<Value> {
        let body = serde_json::json!({ "vkey": vkey }).to_string();
        self.post("/edges", "application/json", body.into()).await
    }

    /// Says what became of reports.
    pub(crate) async fn decide_reports(&self, id: &str, outcome: &str, reply: &str) -> Result<Value> {
        let body = serde_json::json!({ "outcome": outcome, "reply": reply }).to_string();
        self.post(&format!("/reports/{id}/outcome"), "application/json", body.into()).await
    }

    /// Takes care of an alarm.
    pub(crate) async fn acknowledge(&self, key: &str, seconds: Option<u64>) -> Result<Value> {
        let body = serde_json::json!({ "seconds": seconds }).to_string();
        self.post(&format!("/pages/{key}/ack"), "application/json", body.into()).await
    }

    /// Opens a case.
    pub(crate) async fn open_case(&self, case: &Value) -> Result<Value> {
        self.post("/cases", "application/json", case.to_string().into()).await
    }

    /// Adds an entry to a case.
    pub(crate) async fn add_to_case(&self, id: &str, entry: &Value) -> Result<Value> {
        self.post(&format!("/cases/{id}/entries"), "application/json", entry.to_string().into()).await
    }

    /// Attaches evidence to a case.
    pub(crate) async fn attach(&self, case: &str, fields: &[(&str, &str)], bytes: Vec<u8>) -> Result<Value> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(&format!("/cases/{case}/evidence?{query}"), "application/octet-stream", bytes).await
    }

    /// Takes a copy of evidence.
    pub(crate) async fn fetch(&self, case: &str, number: &str) -> Result<Vec<u8>> {
        let answer = self.ask(Ask::get(&format!("{API}/cases/{case}/evidence/{number}"))).await?;
        Ok(answer.body.to_vec())
    }

    /// Destroys evidence.
    pub(crate) async fn destroy(&self, case: &str, number: &str, why: &str) -> Result<Value> {
        let body = serde_json::json!({ "why": why }).to_string();
        self.post(&format!("/cases/{case}/evidence/{number}/destroy"), "application/json", body.into()).await
    }

    /// Writes a contact into the register.
    pub(crate) async fn add_contact(&self, contact: &Value) -> Result<Value> {
        self.post("/contacts", "application/json", contact.to_string().into()).await
    }

    /// A link under which whoever has our token makes a passkey.
    pub(crate) async fn passkey_link(&self) -> Result<Value> {
        self.post("/passkeys/links", "application/json", b"{}".to_vec()).await
    }

    /// Takes a passkey of ours out.
    pub(crate) async fn remove_passkey(&self, which: &Value) -> Result<Value> {
        self.post("/passkeys/remove", "application/json", which.to_string().into()).await
    }

    /// `GET` of a path under the API.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        json(self.ask(Ask::get(&format!("{API}{path}"))).await?)
    }

    /// A note with the text it claims to have.
    pub(crate) async fn note(&self, id: &Id) -> Result<Value> {
        self.get(&format!("/notes/{id}")).await
    }

    /// A decision, if the ledger has it.
    pub(crate) async fn decision(&self, id: &Id) -> Result<Option<Value>> {
        self.find(&format!("{API}/decisions/{id}")).await?.map(json).transpose()
    }

    /// `GET` of what may not be there.
    async fn find(&self, path: &str) -> Result<Option<Answer>> {
        let answer = ask(&self.address, Ask { token: self.token.as_deref(), ..Ask::get(path) }).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            _ => Err(problem(&answer)),
        }
    }

    /// The one id of a note or decision that begins or ends like this.
    pub(crate) async fn resolve(&self, part: &str) -> Result<Id> {
        // A whole id (kind, hyphen, 32 hex digits) is taken at its word: the desk need not know it.
        if let Some(id) = Id::parse(part).filter(is_whole) {
            return Ok(id);
        }
        let (notes, decisions) =
            (self.get("/notes?limit=200").await?, self.get("/decisions?limit=200").await?);
        let mut ids: Vec<&str> =
            list(&notes, "notes").chain(list(&decisions, "decisions")).map(|n| text(n, "id")).collect();
        ids.sort_unstable();
        ids.dedup();
        let fits =
            |id: &&str| *id == part || part.len() >= MIN_PART && (id.starts_with(part) || id.ends_with(part));
        let found: Vec<&str> = ids.into_iter().filter(fits).collect();
        match found.as_slice() {
            [one] => {
                Id::parse(one).ok_or_else(|| Failure::new(Exit::Failed, "the desk listed what is no id"))
            }
            [] => Err(Failure::input(format!("no note with an id that is, begins or ends with {part:?}"))
                .next("`portcullis status` lists what is in force and what waits for signatures; give at least four characters")),
            several => Err(Failure::input(format!("{part:?} could be any of: {}", several.join(", ")))),
        }
    }

    /// The customer that this id or name means.
    pub(crate) async fn customer(&self, wanted: &str) -> Result<Value> {
        let all = self.get("/customers").await?;
        let found = list(&all, "customers").find(|c| is_customer(wanted, text(c, "id"), text(c, "name")));
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = list(&all, "customers").map(|c| text(c, "id")).collect();
            Failure::input(format!("there is no customer {wanted:?}"))
                .next(format!("there are: {}", known.join(", ")))
        })
    }

    async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> Result<Value> {
        json(self.ask(Ask::post(&format!("{API}{path}"), kind, body)).await?)
    }

    async fn ask(&self, request: Ask<'_>) -> Result<Answer> {
        let answer = ask(&self.address, Ask { token: self.token.as_deref(), ..request }).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(problem(&answer)) }
    }
}

/// Whether somebody who writes `wanted` means the customer with this id and name.
pub(crate) fn is_customer(wanted: &str, id: &str, name: &str) -> bool {
    let slug = |name: &str| name.to_lowercase().replace(' ', "-");
    id == wanted || slug(name) == slug(wanted)
}

/// Members of a list in an answer.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A text in an answer; empty when it is not there.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a note is at the desk and not public yet.
pub(crate) fn waits(note: &Value) -> bool {
    matches!(text(note, "state"), "collecting" | "signed")
}

/// A list of texts in an answer.
pub(crate) fn texts<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    list(value, key).filter_map(Value::as_str).collect()
}

fn is_whole(id: &Id) -> bool {
    id.as_str()
        .split_once('-')
        .is_some_and(|(_, rest)| rest.len() == 32 && rest.bytes().all(|c| c.is_ascii_hexdigit()))
}

fn json(answer: Answer) -> Result<Value> {
    serde_json::from_slice(&answer.body)
        .map_err(|e| Failure::new(Exit::Unavailable, format!("the desk's answer is no JSON: {e}")))
}

/// A problem document (RFC 9457) as a failure.
fn problem(answer: &Answer) -> Failure {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let detail = match text(&said, "detail") {
        "" => format!("status {}", answer.status),
        detail => detail.to_owned(),
    };
    let exit = match answer.status {
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Exit::Input,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Exit::Unavailable,
        status if status.is_server_error() => Exit::Failed,
        _ => Exit::Refused,
    };
    Failure::new(exit, format!("the desk says no: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_ids_need_no_look_up() {
        for (id, whole) in [
            ("imp-0193583e2b7c7d3f8a4b5c6d7e8f9a0b", true),
            ("imp-0193583e2b7c", false),
            ("policy-0", false),
            ("imp-0193583e2b7c7d3f8a4b5c6d7e8f9axx", false),
        ] {
            assert_eq!(is_whole(&Id::parse(id).expect(id)), whole, "{id}");
        }
    }

    #[test]
    fn problems_keep_their_words_and_get_an_exit_code() {
        for (status, body, exit, words) in [
            (
                409,
                r#"{"detail":"missing: a reviewer","code":"quorum"}"#,
                Exit::Refused,
                "missing: a reviewer",
            ),
            (401, r#"{"detail":"no token"}"#, Exit::Refused, "no token"),
            (422, r#"{"detail":"line 3"}"#, Exit::Input, "line 3"),
            (503, "busy", Exit::Unavailable, "status 503"),
            (500, "", Exit::Failed, "status 500"),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = Answer { status, body: body.as_bytes().to_vec().into() };
            let failure = problem(&answer);
            assert_eq!(failure.exit, exit, "{status}");
            assert!(failure.to_string().contains(words), "{status}");
        }
    }
}
