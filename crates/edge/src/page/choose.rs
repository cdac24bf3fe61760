//! Which form of the answer a request gets: a page for people, a problem for programs, a line for parts of pages.

use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use http::{HeaderMap, HeaderName, Method};

/// Where the blocked hostname serves what stands behind the page.
pub(crate) const PREFIX: &str = "/.well-known/portcullis/";

/// Languages of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Arabic,
}

/// Forms of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Html(Language),
    Problem,
    Line,
    Decision,
    Post,
}

/// Chooses by path, then by what the browser says it is for (`Sec-Fetch-Dest`), then by what is accepted.
pub(crate) fn choose(method: &Method, path: &str, headers: &HeaderMap) -> Form {
    let reads = *method == Method::GET || *method == Method::HEAD;
    match path.strip_prefix(PREFIX).filter(|_| reads) {
        Some("post") => return Form::Post,
        Some("decision") => return Form::Decision,
        Some("page.en") => return Form::Html(Language::English),
        Some("page.ar") => return Form::Html(Language::Arabic),
        _ => {}
    }
    let text = |name| headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
    let accept = text(ACCEPT).unwrap_or_default();
    match text(HeaderName::from_static("sec-fetch-dest")) {
        Some("document" | "iframe" | "frame" | "object" | "embed") => return Form::Html(language(headers)),
        Some("empty") => return Form::Problem,
        Some(_) => return Form::Line,
        None => {}
    }
    let (page, problem) = (taken(accept, &PAGE), taken(accept, &PROBLEM));
    if page > 0 && page >= problem {
        return Form::Html(language(headers));
    }
    let part =
        ["image/", "video/", "audio/", "font/", "text/css"].iter().any(|kind| accept.starts_with(kind));
    if part { Form::Line } else { Form::Problem }
}

/// What a reader of pages names; `*/*` is what programs name.
const PAGE: [&str; 3] = ["text/html", "application/xhtml+xml", "text/*"];
/// What a program names that reads problems.
const PROBLEM: [&str; 3] = ["application/json", "application/problem+json", "application/*"];

/// The weight of the best of these kinds.
fn taken(accept: &str, kinds: &[&str]) -> u32 {
    let named = weighted(accept).filter(|(range, _)| kinds.iter().any(|k| range.eq_ignore_ascii_case(k)));
    named.map(|(_, weight)| weight).max().unwrap_or(0)
}

/// The better of the two by weight; the first named wins a tie; English if neither is named (RFC 9110 section 12.5.4).
fn language(headers: &HeaderMap) -> Language {
    let text = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut best = (0, Language::English);
    for (range, weight) in weighted(text) {
        let language = match range.split('-').next() {
            Some(main) if main.eq_ignore_ascii_case("ar") => Language::Arabic,
            Some(main) if main.eq_ignore_ascii_case("en") => Language::English,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// `text/html;q=0.8` as `("text/html", 800)`. A weight that is no number counts as 1.
fn weighted(list: &str) -> impl Iterator<Item = (&str, u32)> {
    list.split(',').map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|p| p.strip_prefix("q=").or(p.strip_prefix("Q=")))
            .and_then(|q| q.parse::<f32>().ok())
            .unwrap_or(1.0);
        (range, (weight.clamp(0.0, 1.0) * 1000.0) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        use Form::{Decision, Html, Line, Post, Problem};
        use Language::{Arabic, English};
        for (path, headers, expect) in [
            ("/", "accept: text/html,application/xhtml+xml,*/*;q=0.8", Html(English)),
            ("/", "accept: text/html; accept-language: ar-EG,en;q=0.8", Html(Arabic)),
            ("/", "accept: text/html; accept-language: en;q=0.5,ar;q=0.9", Html(Arabic)),
            ("/", "accept: text/html; accept-language: de, ar;q=0, fr", Html(English)),
            ("/", "accept: text/html; accept-language: arn", Html(English)),
            ("/", "accept: text/html;q=0", Problem),
            ("/", "accept: text/html;Q=0", Problem),
            ("/", "accept: text/*", Html(English)),
            ("/", "accept: application/xhtml+xml", Html(English)),
            ("/", "accept: application/json, text/html;q=0.1", Problem),
            ("/", "sec-fetch-dest: document; accept: */*", Html(English)),
            ("/", "sec-fetch-dest: iframe", Html(English)),
            ("/", "sec-fetch-dest: image; accept: text/html", Line),
            ("/", "sec-fetch-dest: script", Line),
            ("/", "sec-fetch-dest: empty; accept: */*", Problem),
            ("/", "accept: application/json", Problem),
            ("/", "accept: */*", Problem),
            ("/", "", Problem),
            ("/", "accept: image/avif,image/webp", Line),
            ("/.well-known/portcullis/post", "", Post),
            ("/.well-known/portcullis/decision", "accept: text/html", Decision),
            ("/.well-known/portcullis/page.ar", "", Html(Arabic)),
            ("/.well-known/portcullis/page.en", "accept-language: ar", Html(English)),
            ("/.well-known/portcullis/else", "accept: text/html", Html(English)),
        ] {
            let mut map = HeaderMap::new();
            // "; name:" separates headers, so that `;q=` stays part of a value.
            for line in headers.split("; ").filter(|l| !l.is_empty()) {
                let (name, value) = line.split_once(": ").expect("header");
                map.insert(HeaderName::try_from(name).expect("name"), value.parse().expect("value"));
            }
            assert_eq!(choose(&Method::GET, path, &map), expect, "{path} {headers}");
        }
        let post = choose(&Method::POST, "/.well-known/portcullis/post", &HeaderMap::new());
        assert_eq!(post, Problem, "what stands behind the page is only read");
    }
}
