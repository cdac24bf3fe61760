//! Addresses that a text complains about: URLs, also such as people break on purpose so that nobody follows them.

use policy::report::{Address, MAX_ABOUT};

/// Longest run of characters that is looked at, bytes: a URL of 2,048 with every dot in brackets.
const LONGEST: usize = 8192;

/// How people break addresses, and what they mean.
const BROKEN: [(&str, &str); 11] = [
    ("[://]", "://"),
    ("[:]", ":"),
    ("[/]", "/"),
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("hxxp", "http"),
    ("fxp:", "ftp:"),
];

/// Addresses in the order in which they were named, each once, at most [`MAX_ABOUT`].
#[derive(Debug, Default)]
pub(super) struct Addresses(Vec<Address>);

impl Addresses {
    pub(super) fn found(self) -> Vec<Address> {
        self.0
    }

    /// One that is named as such.
    pub(super) fn name(&mut self, text: &str) {
        if self.0.len() < MAX_ABOUT
            && let Ok(address) = Address::parse(&mend(text.trim()).0)
            && !self.0.contains(&address)
        {
            self.0.push(address);
        }
    }

    /// Those in a text.
    pub(super) fn scan(&mut self, text: &str) {
        let apart = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '`' | '|');
        for run in text.split(apart).filter(|run| (4..=LONGEST).contains(&run.len())) {
            if self.0.len() >= MAX_ABOUT {
                return;
            }
            let (run, broken) = mend(run);
            if let Some(url) = url_in(&run) {
                self.name(url);
            } else if broken {
                let bare = trim(run.trim_start_matches(['(', '[', '{', '*']));
                if Address::parse(bare).is_ok_and(|address| address.host().is_some()) {
                    self.name(bare);
                }
            }
        }
    }
}

/// What was broken on purpose, whole again; and whether anything was.
fn mend(run: &str) -> (String, bool) {
    let lower = run.to_ascii_lowercase();
    let (mut out, mut at, mut broken) = (String::with_capacity(run.len()), 0, false);
    while at < run.len() {
        match BROKEN.iter().find(|(how, _)| lower[at..].starts_with(how)) {
            Some((how, meant)) => {
                out.push_str(meant);
                at += how.len();
                broken = true;
            }
            None => {
                let c = run[at..].chars().next().unwrap_or_default();
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    (out, broken)
}

/// The URL in a run without spaces: from its scheme, without what closes the sentence around it.
fn url_in(run: &str) -> Option<&str> {
    let lower = run.to_ascii_lowercase();
    let start = ["http://", "https://", "ftp://"].iter().filter_map(|scheme| lower.find(scheme)).min()?;
    let url = trim(&run[start..]);
    url.split_once("://").is_some_and(|(_, rest)| !rest.is_empty()).then_some(url)
}

/// Without the punctuation at its end; a bracket stays where its partner is inside.
fn trim(mut url: &str) -> &str {
    // Once for all: nothing that opens a bracket is ever cut off.
    let opens = ['(', '[', '{'].map(|bracket| url.contains(bracket));
    loop {
        let cut = match url.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?' | '*' | '_' | '…' | '»' | '”' | '’') => true,
            Some(')') => !opens[0],
            Some(']') => !opens[1],
            Some('}') => !opens[2],
            _ => false,
        };
        if !cut {
            return url;
        }
        let end = url.char_indices().next_back().map_or(0, |(at, _)| at);
        url = &url[..end];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str) -> Vec<String> {
        let mut all = Addresses::default();
        all.scan(text);
        all.found().iter().map(|a| a.as_str().to_owned()).collect()
    }

    #[test]
    fn addresses_are_found_whole_or_broken() {
        for (text, found) in [
            ("See https://one.first.example/a?b=c#d.", &["https://one.first.example/a?b=c#d"][..]),
            ("(https://one.first.example/a_(b))", &["https://one.first.example/a_(b))"]),
            ("<https://one.first.example>,", &["https://one.first.example"]),
            ("[a link](http://one.first.example/x)", &["http://one.first.example/x"]),
            ("hxxps://one[.]first[.]example/x", &["https://one.first.example/x"]),
            ("HXXP[:]//one(dot)first{.}example", &["http://one.first.example"]),
            ("hxxps[://]one[.]first.example", &["https://one.first.example"]),
            ("the site one[.]first[.]example, again", &["one.first.example"]),
            ("192[.]0[.]2[.]7", &[]),
            ("a https://x.example/ b https://x.example/", &["https://x.example/"]),
            ("one.first.example, index.html and a@b.example", &[]),
            ("http:// https://. ftp://!", &[]),
            ("[.] (dot) hxxp", &[]),
        ] {
            assert_eq!(scan(text), found, "{text}");
        }
        let many: String = (0..99).map(|n| format!("https://h{n}.example/ ")).collect();
        assert_eq!(scan(&many).len(), MAX_ABOUT);
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(text in "(\\PC|\\[\\.\\]|https?://|hxxp|[\\(\\)\\]]){0,80}") {
            prop_assert!(scan(&text).iter().all(|a| Address::parse(a).is_ok()));
        }
    }
}
