//! The form of a post: Markdown, with an optional block of `key: value` lines at its top.
//!
//! ```text
//! ---
//! title: Why we blocked a customer tonight
//! summary: One sentence for feeds and lists.
//! author: Duty office
//! tags: emergency, threat to life
//! language: en
//! ---
//!
//! The reasons, as Markdown.
//! ```
//!
//! Every key is optional and appears at most once; an unknown key is an error, so that a misspelt one cannot hide.

use core::fmt;

use crate::markdown;

/// Longest post, in bytes: what the policy lets a note refer to.
pub const MAX_POST: usize = policy::MAX_POST;

/// Longest title, in characters: two lines of a headline.
pub const MAX_TITLE: usize = 200;

/// Longest summary, in characters: one paragraph in a feed reader.
pub const MAX_SUMMARY: usize = 500;

/// Longest author line, in characters.
pub const MAX_AUTHOR: usize = 100;

/// Most tags on a post.
pub const MAX_TAGS: usize = 16;

/// Longest tag, in characters.
pub const MAX_TAG: usize = 40;

/// Longest language tag, in characters: RFC 5646 section 4.4.1 asks for at least 35.
const MAX_LANGUAGE: usize = 35;

/// The line that opens and closes the block at the top.
const FENCE: &str = "---";

/// Languages that are written from right to left, by primary subtag.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "arc", "dv", "fa", "he", "ps", "sd", "ur", "yi"];

/// A post, parsed and rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The `title` line, or else the first heading; `None` when there is neither.
    pub title: Option<String>,
    /// The `summary` line, or else the first paragraph, shortened; empty when there is neither.
    pub summary: String,
    /// The `author` line: an office, never a private person's name unless that person wrote it there.
    pub author: Option<String>,
    /// The `tags` line, split at commas, in its order.
    pub tags: Vec<String>,
    /// The `language` line (BCP 47), `en` when there is none.
    pub language: String,
    /// The text as HTML that carries no script, picture or foreign attribute. Headings start at `h2`.
    pub html: String,
}

/// Why a text is not a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostError {
    /// Line of the fault, counted from 1; 0 when it concerns the whole text.
    pub line: usize,
    /// What is wrong, in words for the author.
    pub what: String,
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "post: {}", self.what),
            line => write!(f, "post, line {line}: {}", self.what),
        }
    }
}

impl core::error::Error for PostError {}

fn fault(line: usize, what: impl Into<String>) -> PostError {
    PostError { line, what: what.into() }
}

impl Post {
    /// Parses a post blob.
    ///
    /// # Errors
    /// When the text is longer than [`MAX_POST`], is not UTF-8, or its opening block is not in the form above.
    pub fn parse(bytes: &[u8]) -> Result<Post, PostError> {
        if bytes.len() > MAX_POST {
            return Err(fault(0, format!("{} bytes, the longest allowed is {MAX_POST}", bytes.len())));
        }
        let text = core::str::from_utf8(bytes)
            .map_err(|e| fault(0, format!("not UTF-8 from byte {}", e.valid_up_to())))?;
        let (front, body) = Front::split(text)?;
        let rendered = markdown::render(body, front.title.as_deref());
        Ok(Post {
            title: front.title.or(rendered.heading),
            summary: front.summary.or(rendered.paragraph).unwrap_or_default(),
            author: front.author,
            tags: front.tags,
            language: front.language.unwrap_or_else(|| "en".to_string()),
            html: rendered.html,
        })
    }

    /// Parses a post that is to carry a decision: with a title and with a text below it.
    ///
    /// # Errors
    /// As [`Post::parse`], and when it gives no reasons.
    pub fn reasons(bytes: &[u8]) -> Result<Post, PostError> {
        let post = Self::parse(bytes)?;
        if post.title.is_none() {
            return Err(fault(0, "it has no title: write `title: …` at its top, or a heading"));
        }
        if !post.html.contains("<p") && !post.html.contains("<li") {
            return Err(fault(
                0,
                "it has no text below its title: the reasons are what is published with a block",
            ));
        }
        Ok(post)
    }

    /// `rtl` or `ltr`, for the `dir` attribute.
    #[must_use]
    pub fn direction(&self) -> &'static str {
        let primary = self.language.split('-').next().unwrap_or_default();
        if RIGHT_TO_LEFT.contains(&primary.to_ascii_lowercase().as_str()) { "rtl" } else { "ltr" }
    }
}

/// The values of the opening block.
#[derive(Default)]
struct Front {
    title: Option<String>,
    summary: Option<String>,
    author: Option<String>,
    tags: Vec<String>,
    language: Option<String>,
}

impl Front {
    /// Splits a text into its opening block and the Markdown after it.
    fn split(text: &str) -> Result<(Front, &str), PostError> {
        let mut front = Front::default();
        let Some(mut rest) = text.strip_prefix(FENCE).and_then(|rest| rest.strip_prefix('\n')) else {
            return Ok((front, text));
        };
        let mut seen: Vec<&str> = Vec::new();
        for line in 2.. {
            let Some((content, after)) =
                rest.split_once('\n').or_else(|| (rest == FENCE).then_some((rest, "")))
            else {
                break;
            };
            rest = after;
            if content == FENCE {
                return Ok((front, rest));
            }
            let Some((key, value)) = content.split_once(": ") else {
                return Err(fault(line, "expected `key: value`, or `---` to end the block"));
            };
            if seen.contains(&key) {
                return Err(fault(line, format!("`{key}` appears twice")));
            }
            seen.push(key);
            front.set(key, value).map_err(|what| fault(line, what))?;
        }
        Err(fault(1, "the block that `---` opens is not closed by a line `---`"))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "title" => self.title = Some(one_line(key, value, MAX_TITLE)?),
            "summary" => self.summary = Some(one_line(key, value, MAX_SUMMARY)?),
            "author" => self.author = Some(one_line(key, value, MAX_AUTHOR)?),
            "tags" => self.tags = tags(value)?,
            "language" => self.language = Some(language(value)?),
            _ => {
                return Err(format!(
                    "unknown key `{}`; known: title, summary, author, tags, language",
                    key.chars().take(MAX_TAG).collect::<String>()
                ));
            }
        }
        Ok(())
    }
}

/// A value that can stand in a headline: no control character, and none that turns the writing direction, with
/// which a title could show something other than it says.
/// Characters that turn the reading direction of what follows them.
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn one_line(key: &str, value: &str, longest: usize) -> Result<String, String> {
    let value = value.trim();
    if value.is_empty() {
        return Err(format!("`{key}` is empty; leave the line out"));
    }
    if value.chars().count() > longest {
        return Err(format!("`{key}` is longer than {longest} characters"));
    }
    if value.chars().any(|c| c.is_control() || turns(c)) {
        return Err(format!("`{key}` contains a control character"));
    }
    Ok(value.to_string())
}

fn tags(value: &str) -> Result<Vec<String>, String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in value.split(',') {
        let tag = one_line("tags", tag, MAX_TAG)?;
        if !tag.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'')) {
            return Err(format!("tag `{tag}`: only letters, digits, spaces, `-` and `'`"));
        }
        if tags.contains(&tag) {
            return Err(format!("tag `{tag}` appears twice"));
        }
        tags.push(tag);
    }
    if tags.len() > MAX_TAGS {
        return Err(format!("{} tags, the most allowed is {MAX_TAGS}", tags.len()));
    }
    Ok(tags)
}

/// The shape of a language tag, RFC 5646: letters, then groups of one to eight letters or digits.
fn language(value: &str) -> Result<String, String> {
    let value = value.trim();
    let mut parts = value.split('-');
    let primary = parts.next().unwrap_or_default();
    let shaped = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !shaped || value.len() > MAX_LANGUAGE {
        return Err("`language` is a tag such as `en` or `pt-BR`".to_string());
    }
    Ok(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_post() {
        let text = "---\ntitle: Why: we acted\nsummary: In one line.\nauthor: Duty office\ntags: emergency, threat to life\nlanguage: ar\n---\n\n# Why: we acted\n\nBecause.\n";
        let post = Post::parse(text.as_bytes()).unwrap();
        assert_eq!(post.title.as_deref(), Some("Why: we acted"));
        assert_eq!(post.summary, "In one line.");
        assert_eq!(post.author.as_deref(), Some("Duty office"));
        assert_eq!(post.tags, ["emergency", "threat to life"]);
        assert_eq!((post.language.as_str(), post.direction()), ("ar", "rtl"));
        assert_eq!(post.html, "<p>Because.</p>\n");
    }

    #[test]
    fn reasons_have_a_title_and_a_text() {
        for (text, good) in [
            ("# Title\n\nReasons.", true),
            ("---\ntitle: x\n---\n- a reason\n", true),
            ("---\ntitle: x\n---\n", false),
            ("# Title alone\n", false),
            ("hello\n", false),
            ("", false),
        ] {
            assert_eq!(Post::reasons(text.as_bytes()).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn defaults() {
        let post = Post::parse(b"# Title\n\nFirst words.\n").unwrap();
        assert_eq!(post.title.as_deref(), Some("Title"));
        assert_eq!(post.summary, "First words.");
        assert_eq!((post.author, post.tags, post.language.as_str()), (None, vec![], "en"));
        let empty = Post::parse(b"").unwrap();
        assert_eq!((empty.title, empty.summary.as_str(), empty.html.as_str()), (None, "", ""));
        // A rule in the middle of a text is not an opening block.
        assert_eq!(Post::parse(b"words\n\n---\n\nmore\n").unwrap().title, None);
        assert_eq!(Post::parse(b"---\n---").unwrap().html, "");
    }

    #[test]
    fn faults_name_their_line() {
        let long = format!("---\ntitle: {}\n---\n", "x".repeat(MAX_TITLE + 1));
        let crowd = format!(
            "---\ntags: {}\n---\n",
            (0..=MAX_TAGS).map(|n| format!("t{n}")).collect::<Vec<_>>().join(", ")
        );
        let cases: &[(&str, usize, &str)] = &[
            ("---\ntitle: a\n", 1, "not closed"),
            ("---\n", 1, "not closed"),
            ("---\ntitle a\n---\n", 2, "key: value"),
            ("---\n\n---\n", 2, "key: value"),
            ("---\ntitle: a\ntitle: b\n---\n", 3, "twice"),
            ("---\ntitel: a\n---\n", 2, "unknown key `titel`"),
            ("---\ntitle:  \n---\n", 2, "empty"),
            ("---\ntitle: a\u{202e}b\n---\n", 2, "control"),
            ("---\ntitle: a\u{0007}b\n---\n", 2, "control"),
            ("---\ntags: a,,b\n---\n", 2, "empty"),
            ("---\ntags: <b>\n---\n", 2, "only letters"),
            ("---\ntags: a, a\n---\n", 2, "twice"),
            ("---\nlanguage: english\n---\n", 2, "such as"),
            ("---\nlanguage: en\" onload=\"x\n---\n", 2, "such as"),
            (&long, 2, "longer than 200"),
            (&crowd, 2, "17 tags"),
        ];
        for (text, line, words) in cases {
            let error = Post::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, *line, "{text:?}: {error}");
            assert!(error.to_string().contains(words), "{text:?}: {error}");
        }
        assert!(Post::parse(&vec![b'a'; MAX_POST]).is_ok());
        assert!(Post::parse(&vec![b'a'; MAX_POST + 1]).unwrap_err().what.contains("262145 bytes"));
        assert!(Post::parse(b"ab\xff").unwrap_err().what.contains("byte 2"));
    }

    /// Texts made to grow or to be slow. The longest HTML is 27 times its text (one `>` becomes a whole tag pair).
    #[test]
    fn no_text_of_the_largest_size_grows_without_bound() {
        let wide = "|a".repeat(20_000) + "|\n" + &"|-".repeat(20_000) + "|\n" + &"|x\n".repeat(60_000);
        let reference = format!("[a]: https://a.example/{}\n\n{}", "x".repeat(2000), "[a]".repeat(80_000));
        let repeated =
            [">", "[", "*a ", "![", "- ", "<", "`` ` ", "\"&", "# "].map(|piece| piece.repeat(MAX_POST));
        for text in repeated.iter().chain([&wide, &reference]) {
            let html = Post::parse(&text.as_bytes()[..text.len().min(MAX_POST)]).unwrap().html;
            assert!(html.len() <= 32 * MAX_POST, "{} bytes from {:?}", html.len(), &text[..8]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            drop(Post::parse(&bytes));
        }

        #[test]
        fn near_posts_are_parsed_or_refused(lines in proptest::collection::vec(
            prop_oneof![
                Just("---".to_string()), Just("title: t".to_string()), Just("tags: a, b".to_string()),
                Just("language: en".to_string()), Just(String::new()), "[a-z]{0,8}: \\PC{0,20}", "\\PC{0,30}",
            ],
            0..12,
        )) {
            drop(Post::parse(lines.join("\n").as_bytes()));
        }

        #[test]
        fn what_is_written_is_read(
            title in "[A-Za-z][A-Za-z :.&<>]{0,30}[a-z]",
            summary in "[A-Za-z][A-Za-z :.&<>]{0,30}[a-z]",
            tag in "[a-z]{1,10}",
            body in "[a-z \n]{0,80}",
        ) {
            let text = format!("---\ntags: {tag}\nsummary: {summary}\ntitle: {title}\n---\n{body}");
            let post = Post::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(post.title, Some(title));
            prop_assert_eq!(post.summary, summary);
            prop_assert_eq!(post.tags, vec![tag]);
        }
    }
}
