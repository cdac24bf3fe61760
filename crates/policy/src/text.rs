//! `key value` lines in fixed order: how every text that people sign is read and written.

use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

/// Longest line, bytes: a vkey of an SSH key is under 300, a sentence under 2,100; a terminal still shows it whole.
const MAX_LINE: usize = 4096;
/// Longest sentence, bytes: about 300 words. Longer reasons belong into the post.
const MAX_SENTENCE: usize = 2048;

/// Why a text is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrammarError {
    /// 1-based line.
    pub line: usize,
    /// What is wrong and what is expected.
    pub what: String,
}

impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// One line of plain words: not empty, no space at either end, no control or bidirectional-override character
/// (what a signer reads must be what the text says).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence(String);

impl Sentence {
    /// Reads a sentence.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn parse(s: &str) -> Result<Self, &'static str> {
        if s.is_empty() {
            return Err("is empty");
        }
        if s.len() > MAX_SENTENCE {
            return Err("is longer than 2048 bytes; put the rest into the post");
        }
        if s.trim() != s {
            return Err("begins or ends with a space");
        }
        if s.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err("holds a control, line-breaking or text-direction character");
        }
        Ok(Self(s.to_string()))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that nobody sees, or that change how the rest of a line looks: all that Unicode 17 lists as
/// `Bidi_Control` or `Default_Ignorable_Code_Point`, and the line and paragraph separators.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character leaves anything to be seen. U+2800 is a Braille pattern without dots.
pub(crate) fn is_seen(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !is_invisible(c) && c != '\u{2800}'
}

/// Reads lines in order.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    /// A text is one or more lines, each ended by `\n`.
    pub(crate) fn new(text: &'a str) -> Result<Self, GrammarError> {
        if !text.ends_with('\n') {
            return Err(GrammarError {
                line: text.lines().count(),
                what: "the text must end with a newline".into(),
            });
        }
        Ok(Self { rest: text, line: 0 })
    }

    /// An error about the line read last.
    pub(crate) fn wrong(&self, what: impl Into<String>) -> GrammarError {
        GrammarError { line: self.line, what: what.into() }
    }

    fn peek(&self) -> Option<&'a str> {
        self.rest.split_once('\n').map(|(line, _)| line)
    }

    /// Whether the next line has this key.
    pub(crate) fn next_is(&self, key: &str) -> bool {
        self.peek().and_then(|l| l.split_once(' ')).is_some_and(|(k, _)| k == key)
    }

    /// A whole line that must be this one.
    pub(crate) fn exactly(&mut self, want: &str) -> Result<(), GrammarError> {
        let line = self.take()?;
        if line == want { Ok(()) } else { Err(self.wrong(format!("expected `{want}`"))) }
    }

    fn take(&mut self) -> Result<&'a str, GrammarError> {
        self.line += 1;
        let Some((line, rest)) = self.rest.split_once('\n') else {
            return Err(self.wrong("the text ends here, but more lines are needed"));
        };
        if line.len() > MAX_LINE {
            return Err(self.wrong("the line is longer than 4096 bytes"));
        }
        self.rest = rest;
        Ok(line)
    }

    /// The value of the next line, whose key must be `key`.
    pub(crate) fn value(&mut self, key: &str) -> Result<&'a str, GrammarError> {
        let line = self.take()?;
        match line.split_once(' ') {
            Some((k, v)) if k == key && !v.is_empty() => Ok(v),
            _ => Err(self.wrong(format!("expected `{key} ...`"))),
        }
    }

    /// The value of the next line, read by `parse`; `want` tells what it should have been.
    pub(crate) fn read<T>(
        &mut self,
        key: &str,
        want: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, GrammarError> {
        let value = self.value(key)?;
        parse(value).ok_or_else(|| self.wrong(format!("`{key}` must be {want}")))
    }

    /// A sentence.
    pub(crate) fn sentence(&mut self, key: &str) -> Result<Sentence, GrammarError> {
        let value = self.value(key)?;
        Sentence::parse(value).map_err(|why| self.wrong(format!("`{key}` {why}")))
    }

    /// All that follows, to the end.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<(), GrammarError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        self.line += 1;
        Err(self.wrong("nothing may stand here; the text should have ended"))
    }
}

/// A decimal number in its one spelling.
pub(crate) fn number(s: &str) -> Option<u64> {
    let n: u64 = s.parse().ok()?;
    (n.to_string() == s).then_some(n)
}

/// `none`, or what `parse` reads.
pub(crate) fn optional<T>(s: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if s == "none" { Some(None) } else { parse(s).map(Some) }
}

/// Shows an optional value as `none` or as itself.
pub(crate) fn or_none<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".into(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        assert!(Sentence::parse("A plain sentence, with ümlauts and 漢字.").is_ok());
        for bad in
            ["", " x", "x ", "a\nb", "a\tb", "a\u{202e}b", "a\u{2028}b", "a\u{200b}b", &"x".repeat(2049)]
        {
            assert!(Sentence::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        for (text, want) in
            [("0", Some(0)), ("17", Some(17)), ("017", None), ("+1", None), ("", None), ("1 ", None)]
        {
            assert_eq!(number(text), want, "{text:?}");
        }
    }
}
