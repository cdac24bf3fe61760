//! Paging as it runs: who is called at which step, and how a page looks. When, is `policy::page`; what dials, is the roof's.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use policy::page::Rules;
use policy::{MailAddress, Time};
use serde::Serialize;

/// What a call came to: the words that stand in the list afterwards.
pub type Ended = Result<String, String>;

/// Makes calls: runs a command, posts to a webhook. Bounded in time by whoever implements it.
pub trait Caller: Send + Sync {
    /// Calls the step of this number, from 0.
    fn call(&self, step: usize, page: Page) -> Pin<Box<dyn Future<Output = Ended> + Send>>;
}

/// Who is called at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageStep {
    /// In words, for lists: a name, or what is called.
    pub who: String,
    /// The person, where the step is one person's.
    pub person: Option<String>,
    /// Mails go through the outbox; without any, the [`Caller`] is asked.
    pub mail: Vec<MailAddress>,
}

/// What goes out. Nothing in it was written by anybody outside: a page lies on locked screens and in the logs of
/// gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The form of this document: 1.
    pub version: u8,
    /// Need, key and link in one line, for whatever shows one text (Matrix, Mattermost).
    pub text: String,
    /// When it was written: whoever checks a signature refuses what is old.
    pub at: String,
    /// What to acknowledge.
    pub key: String,
    /// What it is about, in a word.
    pub kind: String,
    /// What is needed, in a sentence.
    pub need: String,
    /// The fewest people it takes.
    pub people: u64,
    /// Since when.
    pub since: String,
    /// The case.
    pub case: Option<String>,
    /// Where to read on.
    pub link: String,
    /// Which step this is, from 1.
    pub step: usize,
    /// Whom the configuration names for it.
    pub person: Option<String>,
    /// Which try of this call, from 1: whoever gets the same again knows it.
    pub attempt: u64,
    /// Whether it is a test and nobody is needed.
    pub test: bool,
}

/// What the roof tells the desk about paging.
pub struct Pager {
    /// When; with no step nobody is called, and alarms show all the same.
    pub rules: Rules,
    /// Whom, step by step: as many as the rules have.
    pub steps: Vec<PageStep>,
    /// Where the console is, for links, without a slash at the end.
    pub console: String,
    /// What dials.
    pub caller: Arc<dyn Caller>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    blind: Option<Time>,
    forgotten: Time,
}

/// How often rounds that are over are looked for, to forget them, seconds.
const FORGET_EVERY: u64 = 3600;

impl Pager {
    /// Takes the settings.
    #[must_use]
    pub fn new(rules: Rules, steps: Vec<PageStep>, console: String, caller: Arc<dyn Caller>) -> Self {
        Self { rules, steps, console, caller, memory: Mutex::default() }
    }

    /// A pager that calls nobody.
    #[must_use]
    pub fn nobody(console: String) -> Self {
        let rules = Rules { steps: Vec::new(), ack: ACK, repeat: REPEAT };
        Self::new(rules, Vec::new(), console, Arc::new(Nobody))
    }

    /// Since when not all can be read; says too whether that is news.
    pub(crate) fn blind(&self, is: bool, now: Time) -> (Option<Time>, bool) {
        let mut memory = self.memory();
        let before = memory.blind;
        memory.blind = is.then(|| before.unwrap_or(now));
        (memory.blind, is && before.is_none())
    }

    /// Whether it is time to forget rounds that are over; once in [`FORGET_EVERY`].
    pub(crate) fn forgets(&self, now: Time) -> bool {
        let mut memory = self.memory();
        let due = now.since(memory.forgotten) >= FORGET_EVERY;
        if due {
            memory.forgotten = now;
        }
        due
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For how long an acknowledgement holds when nobody says, seconds: half an hour, in which whoever woke up has looked and
/// done something that takes the alarm away, or fallen asleep again.
pub const ACK: u64 = 30 * 60;

/// How long after the last step the first is called again when nobody says, seconds.
pub const REPEAT: u64 = 5 * 60;

impl Page {
    /// A page that says that it is a test and nobody is needed.
    #[must_use]
    pub fn test(operator: &str, step: usize, person: Option<String>, console: &str, now: Time) -> Self {
        Self {
            version: 1,
            text: String::new(),
            at: now.to_string(),
            key: "test".into(),
            kind: "test".into(),
            need: format!("This is a test of paging at {operator}: nobody is needed."),
            people: 0,
            since: now.to_string(),
            case: None,
            link: format!("{console}/"),
            step: step + 1,
            person,
            attempt: 1,
            test: true,
        }
        .told()
    }

    /// With its text made of the rest.
    pub(crate) fn told(mut self) -> Self {
        self.text = format!("{} [{}] {}", self.need, self.key, self.link);
        self
    }
}

impl fmt::Debug for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager")
            .field("rules", &self.rules)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

struct Nobody;

impl Caller for Nobody {
    fn call(&self, _: usize, _: Page) -> Pin<Box<dyn Future<Output = Ended> + Send>> {
        Box::pin(async { Err("nobody is configured".to_owned()) })
    }
}
