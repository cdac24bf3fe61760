//! The house as its ledger says: every entry the desk has, folded here from one's own trust line. What a person reads
//! before signing a policy does not rest on the desk's word.

use ledger::note::Note;
use policy::clock::Clock as _;
use policy::note::{PersonKeys, PolicyNote};
use policy::people::People;
use policy::{Rejected, Seen, State, Time, Trust};
use serde_json::Value;

use crate::cli::Global;
use crate::clock::RealClock;
use crate::desk_client::{Desk, list, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{self, OFFICER, Officer};

/// The fold, and the people in it.
pub(crate) struct House {
    pub(crate) state: State,
    pub(crate) people: People,
    pub(crate) now: Time,
}

impl House {
    /// Fetches all entries and folds them.
    pub(crate) async fn load(desk: &Desk, trust: &Trust) -> Result<Self> {
        let entries = entries(desk).await?;
        let wrong = |why: String| {
            Failure::refused(format!("the desk's ledger is not the one of your trust line: {why}"))
                .next("do not sign; ask whoever runs the desk, and compare trust lines with another officer")
        };
        let first = entries.first().ok_or_else(|| wrong("it has no entry".into()))?;
        // A trust line of a demonstration is one's own word that this is none but a demonstration.
        let state = State::genesis(trust, first.as_bytes(), trust.is_demo());
        let mut state = state.map_err(|why| wrong(why.to_string()))?;
        for (index, entry) in (1..).zip(entries.iter().skip(1)) {
            state.apply(index, entry.as_bytes(), Seen::CatchUp);
        }
        let now = RealClock::new().now();
        let people = People::of(&state, now);
        Ok(Self { state, people, now })
    }

    /// The policy in power.
    pub(crate) fn policy(&self) -> &PolicyNote {
        self.state.policy(self.now)
    }

    /// A person of the policy in power.
    pub(crate) fn person(&self, name: &str) -> Result<&PersonKeys> {
        let persons = &self.policy().persons;
        let wanted = name.strip_prefix("demo:").unwrap_or(name);
        persons.iter().find(|p| p.person.as_str() == wanted).ok_or_else(|| {
            let known: Vec<&str> = persons.iter().map(|p| p.person.as_str()).collect();
            Failure::input(format!("the policy in power names nobody {name:?}"))
                .next(format!("it names: {}", known.join(", ")))
        })
    }

    /// Whether the log would take this text once enough have signed it; if not, why.
    pub(crate) fn judge(&self, note: &str) -> Result<()> {
        let unsigned = Note::new(note).map_err(|e| Failure::input(e.to_string()))?;
        match self.state.would_apply(&unsigned, self.now) {
            Ok(()) | Err(Rejected::Quorum(_)) => Ok(()),
            Err(why) => Err(Failure::refused(format!(
                "it would have no effect, whoever signs it: {why}"
            ))
            .next("nothing was signed; `portcullis policy show` prints the policy in power, `policy diff` what waits")),
        }
    }
}

/// The trust line of whoever asks: the person's, or the installation's.
pub(crate) fn trust(global: &Global) -> Result<Trust> {
    if global.person.is_some() || global.home.join(OFFICER).exists() {
        return Officer::open(global)?.trust();
    }
    home::trust(&home::read_line(&global.home.join("trust"))?)
}

/// Every entry, in the order of the log.
async fn entries(desk: &Desk) -> Result<Vec<String>> {
    let broken = || Failure::new(Exit::Unavailable, "the desk's list of entries has a gap");
    let mut entries = Vec::new();
    loop {
        let part = desk.get(&format!("/entries?limit=200&cursor={}", entries.len())).await?;
        let before = entries.len();
        for entry in list(&part, "entries") {
            let index = entry.get("index").and_then(Value::as_u64);
            if index != Some(entries.len() as u64) {
                return Err(broken());
            }
            entries.push(text(entry, "entry").to_owned());
        }
        if part.get("next_cursor").is_none_or(Value::is_null) {
            return Ok(entries);
        }
        if entries.len() == before {
            return Err(broken());
        }
    }
}
