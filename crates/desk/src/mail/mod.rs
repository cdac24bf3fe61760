//! Mail out of the desk: what it says, how it looks on the wire, and who takes it. The outbox itself is in `store`.

mod message;
mod smtp;
pub(crate) mod template;

use std::sync::{Mutex, PoisonError};

use policy::{MailAddress, Time};

pub use message::{Dkim, Sender};
pub use smtp::{Refused, Smarthost, Tls, Unreachable};
pub use template::Language;

pub(crate) use message::Parts;
pub(crate) use smtp::Session;

/// What the roof tells the desk about mail; there is none without it.
#[derive(Debug)]
pub struct MailConfig {
    /// Where mails are handed in.
    pub smarthost: Smarthost,
    /// Who writes.
    pub sender: Sender,
    /// Whether whoever reports something gets a receipt. Addresses are unchecked, so this writes to strangers.
    pub receipts: bool,
    /// The language for people of whom nobody knows one.
    pub language: Language,
    /// Where a human answers.
    pub service: String,
    /// Where people appeal, in one line.
    pub appeal: String,
}

/// Mail as it runs: the settings, and whether the smarthost was there lately.
#[derive(Debug)]
pub struct Mailer {
    pub(crate) config: MailConfig,
    rest: Mutex<Rest>,
}

#[derive(Debug, Default)]
struct Rest {
    failures: u32,
    until: Time,
    forgotten: Time,
}

/// The pause after the smarthost was not there, seconds: 5, 10, 20 and so on.
const REST: u64 = 5;
/// The longest: a customer is to be told within 15 minutes, so it is asked three times in them.
const LONGEST_REST: u64 = 300;
/// How often old mails are looked for, to forget what they knew, seconds.
const FORGET_EVERY: u64 = 3600;

impl Mailer {
    /// Takes the settings, if mail could be sent by them.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn new(config: MailConfig) -> Result<Mailer, Unreachable> {
        config.smarthost.check()?;
        Ok(Mailer { config, rest: Mutex::default() })
    }

    /// Sends one mail that says it is a test, past the outbox. `tell` hears each step. Says what the smarthost said.
    ///
    /// # Errors
    /// What went wrong, and what to do.
    pub async fn test(
        &self,
        to: &MailAddress,
        now: Time,
        tell: &mut (dyn FnMut(String) + Send),
    ) -> Result<String, Unreachable> {
        let MailConfig { smarthost, sender, language, .. } = &self.config;
        let defect =
            |what: String| Unreachable { what, next: "this is a fault of Portcullis; please report it" };
        let operator = [("operator", sender.name.clone())];
        let (subject, body) =
            template::Text::Test.fill(*language, &operator).map_err(|e| defect(e.words()))?;
        let name = ledger::Hash::of(format!("test {to} {now}").as_bytes()).to_string();
        let message_id = format!("<{}@{}>", &name[..32], sender.from.domain());
        let parts = Parts { to, message_id: &message_id, date: now, subject: &subject, body: &body };
        let bytes = sender.write(&parts).map_err(defect)?;
        tell(match &sender.dkim {
            Some(dkim) => format!("signed; receivers look for {}", dkim.record().0),
            None => "not signed here; the smarthost must do it".into(),
        });
        let mut session = smarthost.open(sender.from.domain(), tell).await?;
        let sent = session.send(&sender.from, to, &bytes, tell).await;
        session.close().await;
        sent.map_err(|refused| match refused {
            Refused::Smarthost(why) => why,
            Refused::Lost(what) => {
                Unreachable { what, next: "the connection broke; look at the smarthost's own log" }
            }
            Refused::Mail { what, .. } => Unreachable {
                what,
                next: "the smarthost does not take this mail: may this user send from this address, and to that one?",
            },
        })
    }

    /// The record that belongs to the DKIM key, if there is one: name and value.
    #[must_use]
    pub fn dkim_record(&self) -> Option<(String, String)> {
        self.config.sender.dkim.as_ref().map(Dkim::record)
    }

    pub(crate) fn rests(&self, now: Time) -> bool {
        now < self.rest().until
    }

    pub(crate) fn reached(&self) {
        let mut rest = self.rest();
        (rest.failures, rest.until) = (0, Time(0));
    }

    pub(crate) fn not_reached(&self, now: Time) {
        let mut rest = self.rest();
        let pause = REST.saturating_mul(1 << rest.failures.min(16)).min(LONGEST_REST);
        rest.failures = rest.failures.saturating_add(1);
        rest.until = now.plus(pause);
    }

    /// Whether it is time to forget what old mails knew; once in [`FORGET_EVERY`].
    pub(crate) fn forgets(&self, now: Time) -> bool {
        let mut rest = self.rest();
        let due = now.since(rest.forgotten) >= FORGET_EVERY;
        if due {
            rest.forgotten = now;
        }
        due
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
