//! What a mail is before it is queued. Nothing here can hold a line break where a header would take one.

use ledger::Hash;
use policy::{MailAddress, Sentence};

use crate::{Result, StoreError};

/// Longest body, bytes: the longest template is below 3 KiB, a sentence in it below 2,100.
pub const MAX_BODY: usize = 16 * 1024;

/// What a mail says, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailKind {
    /// To whoever is on call: somebody is needed.
    Page,
    /// To a customer: a decision was made.
    Imposed,
    /// To a customer: it goes on.
    Continued,
    /// To a customer: it was lifted.
    Lifted,
    /// To a customer: it ended by itself.
    Ended,
    /// To whoever reported something: what became of it.
    Outcome,
    /// To whoever reported something: we have it.
    Receipt,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [MailKind; 7] = [
        MailKind::Page,
        MailKind::Imposed,
        MailKind::Continued,
        MailKind::Lifted,
        MailKind::Ended,
        MailKind::Outcome,
        MailKind::Receipt,
    ];

    /// The word in the database, in lists and in the names of templates.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MailKind::Page => "page",
            MailKind::Imposed => "imposed",
            MailKind::Continued => "continued",
            MailKind::Lifted => "lifted",
            MailKind::Ended => "ended",
            MailKind::Outcome => "outcome",
            MailKind::Receipt => "receipt",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<MailKind> {
        MailKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it tells a customer of a decision.
    #[must_use]
    pub fn to_customer(self) -> bool {
        matches!(self, MailKind::Imposed | MailKind::Continued | MailKind::Lifted | MailKind::Ended)
    }

    /// Whether it goes before the others: customers have a clock of 15 minutes, whoever is on call has less, and no flood
    /// of reports delays them.
    #[must_use]
    pub fn urgent(self) -> bool {
        self < MailKind::Outcome
    }
}

/// The name of a mail for ever (RFC 5322 section 3.6.4), with its angle brackets. It follows from what the mail is about,
/// so the same mail sent again, after a crash or by a desk restored from a backup, has the same one, and whoever gets
/// both can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// The one of this kind of mail about this, to them, from the domain of `from`.
    #[must_use]
    pub fn of(kind: MailKind, about: &str, who: &str, from: &MailAddress) -> MessageId {
        let text = format!("portcullis-mail/v1\n{}\n{about}\n{who}\n", kind.word());
        let hash = Hash::of(text.as_bytes()).to_string();
        // 128 bits: nobody makes two that are the same.
        MessageId(format!("<{}@{}>", &hash[..32], from.domain()))
    }

    /// As it was stored.
    pub(crate) fn stored(text: &str) -> Result<MessageId> {
        let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
        match inner.filter(|t| MailAddress::parse(t).is_ok()) {
            Some(_) => Ok(MessageId(text.to_owned())),
            None => Err(StoreError::Damaged(format!("a mail has the Message-ID {text:?}"))),
        }
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mail to be queued. `kind`, `about` and `who` are its key: what was queued once is never queued again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// What it says.
    pub kind: MailKind,
    /// The note it tells of, the reports with the number of the decision on them, or the alarm with its round and step.
    pub about: String,
    /// The report whose sender is told, or a word: never an address or a customer, because it stays.
    pub who: String,
    /// Where it goes.
    pub to: MailAddress,
    /// Its name.
    pub message_id: MessageId,
    /// Its subject.
    pub subject: Sentence,
    /// Its text, at most [`MAX_BODY`].
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_words_and_customers_come_first() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.word()), Some(kind));
        }
        assert_eq!(MailKind::ALL.map(MailKind::urgent), [true, true, true, true, true, false, false]);
        assert_eq!(MailKind::ALL.map(MailKind::to_customer), [false, true, true, true, true, false, false]);
    }

    #[test]
    fn a_name_follows_from_what_it_is_about() {
        let from = MailAddress::parse("desk@shield.example").unwrap();
        let name = |kind, about, who| MessageId::of(kind, about, who, &from);
        let one = name(MailKind::Lifted, "lif-1", "cus_first");
        assert_eq!(one, name(MailKind::Lifted, "lif-1", "cus_first"));
        for other in [
            name(MailKind::Ended, "lif-1", "cus_first"),
            name(MailKind::Lifted, "lif-2", "cus_first"),
            name(MailKind::Lifted, "lif-1", "cus_second"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(MessageId::stored(one.as_str()).unwrap(), one);
        assert!(MessageId::stored("<a@b.example>\r\nBcc: x").is_err());
    }
}
