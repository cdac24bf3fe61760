//! Markdown to HTML that cannot act: no raw HTML, no pictures, only three kinds of link, no attribute but ours.
//!
//! The text comes from a blob that officers signed, yet a signature does not make a text harmless: it was drafted
//! from what strangers sent. So the output is built from an allow-list of events, and the page's
//! Content-Security-Policy stands behind it as the second wall.

use askama::Template;
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};

/// What may start a link's address. Anything else (a script, a data address, a path on our own host) loses the
/// link and keeps its words.
const LINK_SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// Longest link address kept, in bytes: what browsers agree to carry (2,048) and no more.
const MAX_HREF: usize = 2048;

/// Longest text taken from a heading or a paragraph as a default, in characters: two lines in a feed reader.
pub(crate) const MAX_EXCERPT: usize = 280;

/// Around a table: a wide one scrolls by itself, so that the page never does (WCAG 1.4.10), also by keyboard.
const TABLE_OPENS: &str = "<div class=\"scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\">\n";
const TABLE_CLOSES: &str = "</div>\n";

/// A rendered Markdown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// HTML fragment: block elements only, headings from `h2` down (the page around it owns the `h1`).
    pub(crate) html: String,
    /// Text of the first heading, if there is one.
    pub(crate) heading: Option<String>,
    /// Text of the first paragraph, cut to [`MAX_EXCERPT`] characters.
    pub(crate) paragraph: Option<String>,
}

#[derive(Template)]
#[template(source = r#"<a href="{{ href }}" rel="nofollow noopener">"#, ext = "html")]
struct Anchor<'a> {
    href: &'a str,
}

/// Renders `text`. A heading that opens the text and equals `title` (or any opening heading, when `title` is
/// `None`) is left out of the HTML, because the page prints it as its `h1`.
pub(crate) fn render(text: &str, title: Option<&str>) -> Rendered {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
    let heading = plain_text_of(&events, |tag| matches!(tag, Tag::Heading { .. }));
    let paragraph = plain_text_of(&events, |tag| matches!(tag, Tag::Paragraph));
    let skip = match (title, &heading) {
        (None, Some(_)) => opening_heading_length(&events),
        (Some(title), Some(first)) if title == first => opening_heading_length(&events),
        _ => 0,
    };
    let body = events.get(skip..).unwrap_or_default();
    let shift = heading_shift(body);
    let safe = Filter::new(shift).run(body);
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    html::push_html(&mut html, safe.into_iter());
    Rendered { html, heading, paragraph }
}

/// The address to print for a link, or `None` when the link must lose its address.
fn allowed_href(kind: LinkType, destination: &str) -> Option<String> {
    let address =
        if kind == LinkType::Email { format!("mailto:{destination}") } else { destination.to_string() };
    let harmless = address.len() <= MAX_HREF && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    let scheme = LINK_SCHEMES
        .iter()
        .any(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    (harmless && scheme).then_some(address)
}

/// Number of events of a heading that stands first in the text; 0 when something else stands first.
fn opening_heading_length(events: &[Event<'_>]) -> usize {
    if !matches!(events.first(), Some(Event::Start(Tag::Heading { .. }))) {
        return 0;
    }
    events.iter().position(|event| matches!(event, Event::End(TagEnd::Heading(_)))).map_or(0, |end| end + 1)
}

/// How far to move headings so that the highest one becomes `h2`.
fn heading_shift(events: &[Event<'_>]) -> i8 {
    let highest = events
        .iter()
        .filter_map(|event| match event {
            Event::Start(Tag::Heading { level, .. }) => Some(depth(*level)),
            _ => None,
        })
        .min();
    highest.map_or(0, |level| 2 - level)
}

fn depth(level: HeadingLevel) -> i8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn moved(level: HeadingLevel, shift: i8) -> HeadingLevel {
    match depth(level) + shift {
        i8::MIN..=2 => HeadingLevel::H2,
        3 => HeadingLevel::H3,
        4 => HeadingLevel::H4,
        5 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// Text of the first element that `wanted` accepts and that has any text, without its marks.
fn plain_text_of(events: &[Event<'_>], wanted: impl Fn(&Tag<'_>) -> bool) -> Option<String> {
    let mut rest = events.iter();
    while let Some(event) = rest.next() {
        let Event::Start(tag) = event else { continue };
        if !wanted(tag) {
            continue;
        }
        let end = tag.to_end();
        let mut text = String::new();
        for inner in rest.by_ref() {
            match inner {
                Event::End(tag) if *tag == end => break,
                Event::Text(words) | Event::Code(words) => text.push_str(words),
                Event::SoftBreak | Event::HardBreak => text.push(' '),
                _ => {}
            }
        }
        let text = excerpt(&text);
        if !text.is_empty() {
            return Some(text);
        }
    }
    None
}

/// `text` on one line, cut at a word within [`MAX_EXCERPT`] characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    let mut length = 0;
    // It stands in titles and feeds, between words of ours: it must not turn the direction of those.
    let apart = |c: char| c.is_whitespace() || c.is_control() || crate::post::turns(c);
    for word in text.split(apart).filter(|word| !word.is_empty()) {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > MAX_EXCERPT {
            short.push('…');
            return short;
        }
        if length > 0 {
            short.push(' ');
            length += 1;
        }
        short.extend(word.chars().take(MAX_EXCERPT));
        length += word_length.min(MAX_EXCERPT);
    }
    short
}

/// The allow-list: walks the events and keeps what may appear.
struct Filter {
    shift: i8,
    /// For each open link: whether its address was kept.
    links: Vec<bool>,
    /// Depth inside pictures; their alternative text stays, in brackets.
    pictures: usize,
}

impl Filter {
    fn new(shift: i8) -> Filter {
        Filter { shift, links: Vec::new(), pictures: 0 }
    }

    fn run<'e>(mut self, events: &[Event<'e>]) -> Vec<Event<'e>> {
        let mut safe = Vec::with_capacity(events.len());
        for event in events {
            if matches!(event, Event::Start(Tag::Table(_))) {
                safe.push(Event::Html(CowStr::Borrowed(TABLE_OPENS)));
            }
            safe.extend(self.keep(event));
            if matches!(event, Event::End(TagEnd::Table)) {
                safe.push(Event::Html(CowStr::Borrowed(TABLE_CLOSES)));
            }
        }
        safe
    }

    fn keep<'e>(&mut self, event: &Event<'e>) -> Option<Event<'e>> {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(*tag),
            Event::Text(_) | Event::Code(_) | Event::SoftBreak | Event::HardBreak | Event::Rule => {
                Some(event.clone())
            }
            // Raw HTML never passes; the rest belongs to extensions that are switched off.
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => None,
        }
    }

    fn open<'e>(&mut self, tag: &Tag<'e>) -> Option<Event<'e>> {
        let kept = match tag {
            Tag::Link { link_type, dest_url, .. } => {
                let anchor = allowed_href(*link_type, dest_url)
                    .filter(|_| self.pictures == 0)
                    .and_then(|href| Anchor { href: &href }.render().ok());
                self.links.push(anchor.is_some());
                return anchor.map(|html| Event::InlineHtml(CowStr::from(html)));
            }
            Tag::Image { .. } => {
                self.pictures += 1;
                return Some(Event::Text(CowStr::from("[picture not shown: ")));
            }
            Tag::Heading { level, .. } => Tag::Heading {
                level: moved(*level, self.shift),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            },
            // An info string would become a class, an alignment a style attribute: neither is ours.
            Tag::CodeBlock(_) => Tag::CodeBlock(CodeBlockKind::Indented),
            Tag::Table(columns) => Tag::Table(vec![pulldown_cmark::Alignment::None; columns.len()]),
            Tag::BlockQuote(_) => Tag::BlockQuote(None),
            Tag::Paragraph
            | Tag::List(_)
            | Tag::Item
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough => tag.clone(),
            _ => return None,
        };
        Some(Event::Start(kept))
    }

    fn close<'e>(&mut self, tag: TagEnd) -> Option<Event<'e>> {
        match tag {
            TagEnd::Link => {
                self.links.pop().unwrap_or(false).then_some(Event::InlineHtml(CowStr::Borrowed("</a>")))
            }
            TagEnd::Image => {
                self.pictures = self.pictures.saturating_sub(1);
                Some(Event::Text(CowStr::Borrowed("]")))
            }
            TagEnd::Heading(level) => Some(Event::End(TagEnd::Heading(moved(level, self.shift)))),
            TagEnd::BlockQuote(_) => Some(Event::End(TagEnd::BlockQuote(None))),
            TagEnd::Paragraph
            | TagEnd::CodeBlock
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough => Some(Event::End(tag)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html_of(text: &str) -> String {
        render(text, Some("not this")).html
    }

    #[test]
    fn what_could_act_is_gone() {
        // (Markdown, what must remain)
        let cases: &[(&str, &str)] = &[
            ("<script>alert(1)</script>", ""),
            ("a <script>alert(1)</script> b", "<p>a alert(1) b</p>\n"),
            ("a <b onclick=x>bold</b>", "<p>a bold</p>\n"),
            ("<svg onload=alert(1)>", ""),
            ("<svg/onload=alert(1)>", "<p>&lt;svg/onload=alert(1)&gt;</p>\n"),
            ("<math><mi xlink:href=\"javascript:x\">t</mi></math>", "<p>t</p>\n"),
            ("<!-- note -->", ""),
            ("<iframe src=//x></iframe>\n\nafter", "<p>after</p>\n"),
            ("[x](javascript:alert(1))", "<p>x</p>\n"),
            ("[x](JaVaScRiPt:alert(1))", "<p>x</p>\n"),
            ("[x](&#106;avascript:alert(1))", "<p>x</p>\n"),
            ("[x](<java\tscript:alert(1)>)", "<p>x</p>\n"),
            ("[x](data:text/html;base64,PHNjcmlwdD4=)", "<p>x</p>\n"),
            ("[x](vbscript:x)", "<p>x</p>\n"),
            ("[x](file:///etc/passwd)", "<p>x</p>\n"),
            ("[x](//other.example/)", "<p>x</p>\n"),
            ("[x](/posts/other)", "<p>x</p>\n"),
            ("[x](#y)", "<p>x</p>\n"),
            ("[x](<https://a.example/a b>)", "<p>x</p>\n"),
            ("![p](https://a.example/p.png)", "<p>[picture not shown: p]</p>\n"),
            ("![p](data:image/svg+xml,<svg/onload=x>)", "<p>[picture not shown: p]</p>\n"),
            ("![p [l](https://a.example)](https://b.example/p.png)", "<p>[picture not shown: p l]</p>\n"),
            (
                "[ok](https://a.example/?a=1&b=2 \"t\")",
                "<p><a href=\"https://a.example/?a=1&#38;b=2\" rel=\"nofollow noopener\">ok</a></p>\n",
            ),
            (
                "[q](https://a.example/\"onmouseover=x)",
                "<p><a href=\"https://a.example/&#34;onmouseover=x\" rel=\"nofollow noopener\">q</a></p>\n",
            ),
            (
                "<me@a.example>",
                "<p><a href=\"mailto:me@a.example\" rel=\"nofollow noopener\">me@a.example</a></p>\n",
            ),
            (
                "<https://a.example>",
                "<p><a href=\"https://a.example\" rel=\"nofollow noopener\">https://a.example</a></p>\n",
            ),
            ("<javascript:alert(1)>", "<p>javascript:alert(1)</p>\n"),
            ("```js\"><script>\nx\n```", "<pre><code>x\n</code></pre>\n"),
            ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>\n"),
            ("&lt;script&gt;", "<p>&lt;script&gt;</p>\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(html_of(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_table_carries_no_style() {
        let html = html_of("| a | b |\n|:--|--:|\n| 1 | 2 |\n");
        let whole = html.starts_with(TABLE_OPENS) && html.ends_with(TABLE_CLOSES) && html.contains("<table>");
        assert!(whole && !html.contains("style"), "{html}");
    }

    #[test]
    fn headings_start_below_the_page_title() {
        for (text, title, expected) in [
            ("# A\n\n## B\n", None, "<h2>B</h2>\n"),
            ("# A\n\n## B\n", Some("A"), "<h2>B</h2>\n"),
            ("# A\n\n## B\n", Some("Other"), "<h2>A</h2>\n<h3>B</h3>\n"),
            ("#### deep\n\n##### deeper\n", Some("x"), "<h2>deep</h2>\n<h3>deeper</h3>\n"),
            ("word\n\n# A\n", None, "<p>word</p>\n<h2>A</h2>\n"),
        ] {
            assert_eq!(render(text, title).html, expected, "{text:?} {title:?}");
        }
    }

    #[test]
    fn defaults_come_from_the_text() {
        let page = render("intro *now*\nand `then`\n\n# The *title*\n\nsecond\n", None);
        assert_eq!(page.heading.as_deref(), Some("The title"));
        let turned = render("# a\u{202e}b\u{61c}c\n", None);
        assert_eq!(turned.heading.as_deref(), Some("a b c"), "a title turns no words of ours");
        assert_eq!(page.paragraph.as_deref(), Some("intro now and then"));
        assert_eq!(excerpt(&"word ".repeat(200)).chars().count(), MAX_EXCERPT);
        assert_eq!(excerpt(&"x".repeat(5000)).chars().count(), MAX_EXCERPT);
    }

    /// Every tag in `html`, as written between `<` and `>`.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|piece| piece.split('>').next().unwrap_or("")).collect()
    }

    fn tag_is_ours(tag: &str) -> bool {
        const PLAIN: [&str; 21] = [
            "p",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
        ];
        let name = tag.trim_start_matches('/');
        PLAIN.contains(&name)
            || matches!(name, "br /" | "hr /" | "a" | "div")
            || TABLE_OPENS.trim_end() == format!("<{tag}>")
            || name
                .strip_prefix("ol start=\"")
                .is_some_and(|n| n.trim_end_matches('"').parse::<u64>().is_ok())
            || (tag.starts_with("a href=\"") && tag.ends_with("\" rel=\"nofollow noopener\""))
    }

    proptest! {
        #[test]
        fn any_text_gives_only_our_tags(text in "[\\PC\n]{0,400}") {
            let html = html_of(&text);
            for tag in tags(&html) {
                prop_assert!(tag_is_ours(tag), "{tag:?} from {text:?}");
            }
        }

        #[test]
        fn hostile_pieces_in_any_order_give_only_our_tags(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("<script>"), Just("</script>"), Just("<svg onload=x>"), Just("["), Just("]("), Just(")"),
                    Just("!["), Just("javascript:x"), Just("https://a.example"), Just("\""), Just("'"), Just("<"),
                    Just(">"), Just("`"), Just("\n"), Just("\n\n"), Just("    "), Just("> "), Just("- "),
                    Just("| a | b |\n|:-|-:|\n"), Just("&#60;"), Just("# "), Just("~~"), Just("*"), Just("{#id}"),
                    Just("7. "), Just("\\"), Just("[r]: data:x"), Just("[r]"), Just("<!--"), Just("-->"),
                ],
                0..40,
            )
        ) {
            let text: String = pieces.concat();
            let html = html_of(&text);
            for tag in tags(&html) {
                prop_assert!(tag_is_ours(tag), "{tag:?} from {text:?}");
            }
        }
    }
}
