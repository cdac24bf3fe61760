//! What mails say: files in `crates/desk/mails`, one for each kind and language, compiled in.

use policy::Sentence;
use store::MailKind;

use crate::error::DeskError;

/// Languages there are templates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// Every language.
    pub const ALL: [Language; 2] = [Language::En, Language::De];

    /// The tag (RFC 5646).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::De => "de",
        }
    }

    /// Reads the tag.
    #[must_use]
    pub fn parse(word: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|l| l.word() == word)
    }
}

/// A text to fill in: a mail of the outbox, or the one of `portcullis mail test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Of(MailKind),
    Test,
}

macro_rules! both {
    ($language:expr, $name:literal) => {
        match $language {
            Language::En => include_str!(concat!("../../mails/", $name, ".en.txt")),
            Language::De => include_str!(concat!("../../mails/", $name, ".de.txt")),
        }
    };
}

impl Text {
    fn source(self, language: Language) -> &'static str {
        match self {
            Text::Of(MailKind::Page) => both!(language, "page"),
            Text::Of(MailKind::Imposed) => both!(language, "imposed"),
            Text::Of(MailKind::Continued) => both!(language, "continued"),
            Text::Of(MailKind::Lifted) => both!(language, "lifted"),
            Text::Of(MailKind::Ended) => both!(language, "ended"),
            Text::Of(MailKind::Outcome) => both!(language, "outcome"),
            Text::Of(MailKind::Receipt) => both!(language, "receipt"),
            Text::Test => both!(language, "test"),
        }
    }

    /// What each must say, in every language. A test holds the files to it.
    #[cfg(test)]
    fn slots(self) -> &'static [&'static str] {
        match self {
            Text::Of(MailKind::Page) => &["case", "key", "link", "need", "operator", "people", "since"],
            Text::Of(MailKind::Imposed) => &[
                "appeal",
                "class",
                "confirm",
                "ground",
                "hostnames",
                "id",
                "operator",
                "reasons",
                "scope",
                "service",
                "since",
                "until",
            ],
            Text::Of(MailKind::Continued) => {
                &["appeal", "confirm", "id", "operator", "reasons", "service", "until", "why"]
            }
            Text::Of(MailKind::Lifted) => &["appeal", "id", "operator", "reasons", "service", "when", "why"],
            Text::Of(MailKind::Ended) => &["appeal", "id", "operator", "reasons", "service", "why"],
            Text::Of(MailKind::Outcome) => {
                &["appeal", "number", "operator", "outcome", "received", "reply", "service"]
            }
            Text::Of(MailKind::Receipt) => &["number", "operator", "received", "service"],
            Text::Test => &["operator"],
        }
    }

    /// Subject and body, with `{slot}` filled in from `values`.
    ///
    /// # Errors
    /// A defect of ours: a template names what nobody filled in.
    pub(crate) fn fill(
        self,
        language: Language,
        values: &[(&str, String)],
    ) -> Result<(Sentence, String), DeskError> {
        let text = fill(self.source(language), values)?;
        let parts = text.strip_prefix("Subject: ").and_then(|t| t.split_once("\n\n"));
        let (subject, body) = parts.ok_or_else(|| defect(self, "has no subject"))?;
        let subject = Sentence::parse(subject).map_err(|why| defect(self, why))?;
        Ok((subject, body.to_owned()))
    }
}

fn defect(text: Text, why: &str) -> DeskError {
    DeskError::Defect(format!("the mail {text:?}: its subject {why}"))
}

/// A phrase of `words.LANGUAGE.txt`, with `{time}` filled in.
///
/// # Errors
/// A defect of ours: there is none.
pub(crate) fn phrase(language: Language, key: &str, time: &str) -> Result<String, DeskError> {
    let found = phrases(language).find(|(k, _)| *k == key);
    let (_, text) = found.ok_or_else(|| DeskError::Defect(format!("no words for {key}")))?;
    fill(text, &[("time", time.to_owned())])
}

fn phrases(language: Language) -> impl Iterator<Item = (&'static str, &'static str)> {
    both!(language, "words").lines().filter_map(|line| line.split_once(" = "))
}

/// Puts values into `{slot}`s. A value is one line, whatever somebody wrote: no value begins a line of its own, and
/// what is filled in is not read again.
fn fill(source: &str, values: &[(&str, String)]) -> Result<String, DeskError> {
    let mut out = String::with_capacity(source.len() * 2);
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        let value = values.iter().find(|(name, _)| *name == slot);
        let (_, value) = value
            .ok_or_else(|| DeskError::Defect(format!("a mail has the slot {{{slot}}}, which is empty")))?;
        out.push_str(before);
        out.extend(value.chars().filter(|c| !c.is_control()));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use policy::Class;
    use policy::note::{ContinueReason, LiftReason};
    use policy::report::cluster::Outcome;

    fn every() -> impl Iterator<Item = (Text, Language)> {
        let texts = MailKind::ALL.map(Text::Of).into_iter().chain([Text::Test]);
        texts.flat_map(|text| Language::ALL.map(|language| (text, language)))
    }

    fn slots_of(source: &str) -> BTreeSet<&str> {
        source.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(slot, _)| slot).collect()
    }

    #[test]
    fn every_mail_says_what_it_must_and_nothing_unknown_in_every_language() {
        for (text, language) in every() {
            let must: BTreeSet<&str> = text.slots().iter().copied().collect();
            assert_eq!(slots_of(text.source(language)), must, "{text:?} {language:?}");
            for line in text.source(language).lines() {
                assert!(line.chars().count() <= 78, "{text:?} {language:?}: {line}");
            }
        }
    }

    #[test]
    fn every_word_is_there_in_every_language_and_no_other() {
        let mut must: BTreeSet<String> = BTreeSet::new();
        must.extend(["emergency", "abuse", "standing", "order"].map(|w| format!("class.{w}")));
        assert!(Class::parse("emergency").is_some());
        must.extend(["customer", "tenant", "site", "hostname"].map(|w| format!("scope.{w}")));
        must.extend(["by", "done", "none"].map(|w| format!("confirm.{w}")));
        must.extend(ContinueReason::ALL.iter().map(|w| format!("continue.{w}")));
        must.extend(LiftReason::ALL.iter().map(|w| format!("lift.{w}")));
        must.extend(["ended", "not-confirmed", "void"].map(|w| format!("end.{w}")));
        must.extend(Outcome::ALL.iter().map(|w| format!("outcome.{w}")));
        for language in Language::ALL {
            let there: BTreeSet<String> = phrases(language).map(|(k, _)| k.to_owned()).collect();
            assert_eq!(there, must, "{language:?}");
            for (key, text) in phrases(language) {
                assert!(slots_of(text).is_subset(&BTreeSet::from(["time"])), "{language:?} {key}");
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_one_line_and_is_not_read_again() {
        for (text, language) in every() {
            let evil = "x\r\nBcc: victim@home.example\r\n\r\n{operator}\u{0}";
            let values: Vec<(&str, String)> = text.slots().iter().map(|s| (*s, evil.to_owned())).collect();
            let (subject, body) = text.fill(language, &values).expect("filled");
            assert!(!subject.as_str().contains(['\r', '\n']));
            let lines = text.source(language).lines().count();
            assert_eq!(body.lines().count() + 2, lines, "{text:?} {language:?}");
            assert!(!body.lines().any(|l| l.starts_with("Bcc:")));
            for missing in 0..values.len() {
                let mut fewer = values.clone();
                fewer.remove(missing);
                assert!(text.fill(language, &fewer).is_err(), "{text:?} without {}", values[missing].0);
            }
        }
    }
}
