//! Refuses every head that two servers could read differently. Nothing is repaired.
//!
//! Framing is checked below hyper (`wire.rs`); h2 refuses connection headers by itself (RFC 9113 section 8.2.2).

use crate::Host;
use crate::exchange::{Ctx, Exchange, Flow};
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, Method, StatusCode, Uri, Version};

pub(crate) fn run(ctx: &Ctx, ex: &mut Exchange) -> Flow {
    ctx.tally.requests.up();
    let checked = count(&ex.parts.headers, ctx.limits.head_lines)
        .and_then(|()| method(&ex.parts.method))
        .and_then(|()| path(&ex.parts.method, &ex.parts.uri))
        .and_then(|()| one_length(&ex.parts.headers))
        .and_then(|()| authority(ex.parts.version, &ex.parts.uri, &ex.parts.headers));
    match checked {
        Ok((host, port)) => {
            (ex.host, ex.port) = (Some(host), port);
            Flow::Next
        }
        Err(Refused(status, why)) => {
            ctx.tally.refused_head.up();
            super::shield::refuse(ctx, ex, status, why)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Refused(StatusCode, &'static str);

fn bad<T>(why: &'static str) -> Result<T, Refused> {
    Err(Refused(StatusCode::BAD_REQUEST, why))
}

/// hyper counts for HTTP/1.1 only.
fn count(headers: &HeaderMap, most: usize) -> Result<(), Refused> {
    if headers.len() <= most {
        return Ok(());
    }
    Err(Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Too many header lines."))
}

/// wire.rs has seen to it on HTTP/1.1.
fn one_length(headers: &HeaderMap) -> Result<(), Refused> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    lengths.next();
    if lengths.next().is_some() { bad("More than one Content-Length.") } else { Ok(()) }
}

fn method(method: &Method) -> Result<(), Refused> {
    match *method {
        Method::CONNECT | Method::TRACE => {
            Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "This method is not served."))
        }
        _ => Ok(()),
    }
}

/// The path must mean the same before and after decoding: no encoded slash, backslash or NUL, no dot segments in any
/// spelling, no broken percent sign. The query is the origin's own.
fn path(method: &Method, uri: &Uri) -> Result<(), Refused> {
    let path = uri.path();
    if path == "*" {
        return if *method == Method::OPTIONS { Ok(()) } else { bad("The path is ambiguous.") };
    }
    if !path.starts_with('/') || path.contains('\\') {
        return bad("The path is ambiguous.");
    }
    if !path.bytes().any(|b| matches!(b, b'%' | b'.')) {
        return Ok(());
    }
    let bytes = path.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'%') {
        match bytes.get(at + 1..at + 3).and_then(hex) {
            None | Some(b'/' | b'\\' | 0) => return bad("The path is ambiguous."),
            Some(_) => {}
        }
    }
    if path.split('/').any(is_dots) { bad("The path is ambiguous.") } else { Ok(()) }
}

fn hex(pair: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
}

/// `.` or `..` in any spelling, also with path parameters behind it (`..;x`).
fn is_dots(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    if name.is_empty() || name.len() > 6 {
        return false;
    }
    let plain = name.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// The one host that a request is for: of `Host` and the target's authority, if both are there, both the same.
/// HTTP/1.1 must name it in `Host` whatever the target says (RFC 9112 section 3.2).
fn authority(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(Host, Option<u16>), Refused> {
    let mut lines = headers.get_all(HOST).iter();
    let (line, more) = (lines.next(), lines.next());
    if more.is_some() {
        return bad("More than one Host.");
    }
    let named = match line.map(|l| l.to_str()) {
        Some(Ok(text)) => Some(read(text)?),
        Some(Err(_)) => return bad("Host is not a hostname."),
        None => None,
    };
    let target = uri.authority().map(|a| read(a.as_str())).transpose()?;
    if !matches!(uri.scheme_str(), None | Some("http" | "https")) {
        return bad("This scheme is not served.");
    }
    match (target, named) {
        (Some(target), Some(named)) if target != named => bad("Host and target differ."),
        (_, Some(one)) => Ok(one),
        (Some(one), None) if version != Version::HTTP_11 => Ok(one),
        (_, None) => bad("Host is missing."),
    }
}

fn read(text: &str) -> Result<(Host, Option<u16>), Refused> {
    let Some(host) = Host::parse(text) else { return bad("Host is not a hostname.") };
    Ok((host, text.rsplit_once(':').and_then(|(_, port)| port.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: Version, method_: &str, target: &str, hosts: &[&str]) -> Result<String, u16> {
        let m: Method = method_.parse().expect("method");
        let uri: Uri = target.parse().expect("target");
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().expect("value"));
        }
        method(&m)
            .and_then(|()| path(&m, &uri))
            .and_then(|()| authority(version, &uri, &headers))
            .map(|(host, port)| format!("{host} {port:?}"))
            .map_err(|refused| refused.0.as_u16())
    }

    #[test]
    fn strict() {
        let plain = || Ok("a.example None".to_owned());
        for (method, target, hosts, expect) in [
            ("GET", "/", &["a.example"][..], plain()),
            ("GET", "/", &["A.Example."], plain()),
            ("GET", "/", &["a.example:8080"], Ok("a.example Some(8080)".to_owned())),
            ("OPTIONS", "*", &["a.example"], plain()),
            ("GET", "http://a.example/", &["A.example"], plain()),
            ("GET", "https://a.example/", &[], plain()),
            ("GET", "/a.b/..c/c../...;/%41?x=../%2f", &["a.example"], plain()),
            ("GET", "/", &[], Err(400)),
            ("GET", "/", &["a.example", "a.example"], Err(400)),
            ("GET", "/", &["a.example, b.example"], Err(400)),
            ("GET", "/", &["me@a.example"], Err(400)),
            ("GET", "/", &[""], Err(400)),
            ("GET", "http://a.example/", &["b.example"], Err(400)),
            ("GET", "http://a.example:81/", &["a.example"], Err(400)),
            ("GET", "http://me@a.example/", &["a.example"], Err(400)),
            ("GET", "ftp://a.example/", &["a.example"], Err(400)),
            ("GET", "*", &["a.example"], Err(400)),
            ("GET", "/a%2Fb", &["a.example"], Err(400)),
            ("GET", "/a%2fb", &["a.example"], Err(400)),
            ("GET", "/a%5cb", &["a.example"], Err(400)),
            ("GET", "/a%00", &["a.example"], Err(400)),
            ("GET", "/a%", &["a.example"], Err(400)),
            ("GET", "/a%4", &["a.example"], Err(400)),
            ("GET", "/a%zz", &["a.example"], Err(400)),
            ("GET", "/..", &["a.example"], Err(400)),
            ("GET", "/a/../b", &["a.example"], Err(400)),
            ("GET", "/a/./b", &["a.example"], Err(400)),
            ("GET", "/a/%2e%2E/b", &["a.example"], Err(400)),
            ("GET", "/a/.%2e", &["a.example"], Err(400)),
            ("GET", "/a/..;x=1/b", &["a.example"], Err(400)),
            ("TRACE", "/", &["a.example"], Err(405)),
            ("CONNECT", "a.example:443", &["a.example"], Err(405)),
        ] {
            // The one form that only HTTP/2 and HTTP/1.0 may have.
            let version = if hosts.is_empty() { Version::HTTP_2 } else { Version::HTTP_11 };
            assert_eq!(check(version, method, target, hosts), expect, "{method} {target} {hosts:?}");
        }
        assert_eq!(check(Version::HTTP_11, "GET", "http://a.example/", &[]), Err(400));
    }
}
