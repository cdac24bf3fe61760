//! The words of a mail that has only HTML, for people to read and for addresses to be found in. What comes out is plain
//! text and is escaped like any other wherever it is shown, so nothing depends on how well this reads HTML.

/// Elements whose content nobody sees.
const UNSEEN: [&str; 4] = ["script", "style", "head", "title"];
/// Elements that end a line.
const LINES: [&str; 14] =
    ["br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "hr"];

/// The text of a page, and where its links go.
pub(super) fn words(html: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(html.len() / 2), html);
    while let Some((text, after)) = rest.split_once('<') {
        push(&mut out, text);
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let Some((tag, inside)) = after.split_once('>') else {
            // No tag at all: a sign like any other.
            out.push('<');
            push(&mut out, after);
            return out;
        };
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        rest = inside;
        if UNSEEN.contains(&name.as_str()) && !tag.starts_with('/') {
            rest = after_end_of(&name, inside);
        } else if LINES.contains(&name.as_str()) {
            out.push('\n');
        } else if name == "a"
            && let Some(link) = attribute(tag, "href")
        {
            out.push_str(" <");
            push(&mut out, link);
            out.push_str("> ");
        } else if name == "td" {
            out.push(' ');
        }
    }
    push(&mut out, rest);
    out
}

/// What follows the element's end.
fn after_end_of<'h>(name: &str, html: &'h str) -> &'h str {
    let mut from = 0;
    while let Some(at) = html[from..].find("</") {
        let tag = from + at + 2;
        from = tag;
        if html.get(tag..tag + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return html[tag..].split_once('>').map_or("", |(_, rest)| rest);
        }
    }
    ""
}

/// The value of an attribute.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))? + name.len() + 1;
    let value = tag.get(at..)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => value[1..].split(quote).next(),
        None => value.split_whitespace().next(),
    }
}

/// A text with its character references (HTML Living Standard, section 13.1.4) replaced: the few that mails use.
fn push(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        // Not further than the longest one: a page of nothing but `&` would be searched to its end for each.
        let end = after.bytes().take(LONGEST + 1).position(|byte| byte == b';');
        let reference = end.map(|end| (&after[..end], &after[end + 1..]));
        match reference.and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
}

/// Longest character reference that is known here, bytes: `#x10FFFF`.
const LONGEST: usize = 8;

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')]
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_seen_is_what_is_read() {
        for (html, text) in [
            ("<p>Look at <b>this</b>:<br>x &lt; y &amp; z&#33;</p>", "\nLook at this:\nx < y & z!\n"),
            ("<style>p{}</STYLE>a<!-- <b> -->b<script>1<2</script >c", "abc"),
            ("<A title=1 HREF='https://x.example/?a=1&amp;b'>click</a>", " <https://x.example/?a=1&b> click"),
            ("a < b", "a < b"),
            ("<script>never ends", ""),
            ("&unknown; &#xffffffff; &", "&unknown; &#xffffffff; &"),
        ] {
            assert_eq!(words(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "(\\PC|<|>|&|</?(a|p|script) ?|href=|;|\"){0,80}") {
            drop(words(&html));
        }
    }
}
