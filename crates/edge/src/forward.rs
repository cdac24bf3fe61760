//! Heads between visitor and origin: written anew from the parsed form, without what belongs to one hop.

use crate::exchange::Exchange;
use crate::world::Served;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, COOKIE, EXPECT, FORWARDED, HOST, HeaderName, LOCATION,
    PROXY_AUTHORIZATION, SERVER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use std::net::IpAddr;

/// Fields of one hop (RFC 9110 section 7.6.1), beside what `Connection` nominates.
const HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What only a proxy says to an origin, beside everything that begins with `x-forwarded` or `x-original-`. There are no
/// trusted proxies before us yet, so the visitor's own words are dropped.
const OURS: [&str; 12] = [
    "x-real-ip",
    "x-request-id",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "client-ip",
    "forwarded-for",
    "x-rewrite-url",
    "x-host",
    "front-end-https",
];

/// Whether an origin must not hear this from a visitor. A name with an underscore is one with a hyphen to CGI and all
/// that came after it, so it would pass for what we or the framing say; nginx drops such names too.
fn is_ours(name: &str) -> bool {
    name.starts_with("x-forwarded")
        || name.starts_with("x-original-")
        || name.contains('_')
        || OURS.contains(&name)
}

/// Removes the fields of one hop and all that `Connection` nominates.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let nominated: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        for name in nominated {
            headers.remove(name);
        }
    }
    for name in &HOP {
        headers.remove(name);
    }
}

/// What an origin says about itself: where it is, what it runs, and another way to it.
const ITS_OWN: [HeaderName; 4] =
    [SERVER, VIA, HeaderName::from_static("alt-svc"), HeaderName::from_static("x-powered-by")];

/// An origin's answer head for the visitor: without the fields of one hop, and without what tells where the origin is.
pub(crate) fn answer(headers: &mut HeaderMap, ex: &Exchange) {
    strip(headers);
    for name in &ITS_OWN {
        headers.remove(name);
    }
    let Some(served) = &ex.served else { return };
    for name in [LOCATION, CONTENT_LOCATION] {
        let Some(here) = headers.get(&name).and_then(|value| public(value, ex, served)) else { continue };
        headers.insert(name, here);
    }
}

/// The same address under the visitor's own name, if it names an origin of the site.
fn public(value: &HeaderValue, ex: &Exchange, served: &Served) -> Option<HeaderValue> {
    let uri: Uri = value.to_str().ok()?.parse().ok()?;
    let named = uri.authority()?.as_str();
    let with_port = || format!("{named}:{}", if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let mut addresses = served.addresses();
    addresses.any(|a| a.eq_ignore_ascii_case(named) || a.eq_ignore_ascii_case(&with_port())).then_some(())?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let scheme = if ex.conn.tls { "https" } else { "http" };
    HeaderValue::try_from(format!("{scheme}://{}{path}", authority(ex))).ok()
}

/// The value of `Upgrade` if this is a request for a WebSocket (RFC 6455 section 4.1).
pub(crate) fn wants_websocket(ex: &Exchange) -> Option<HeaderValue> {
    let headers = &ex.parts.headers;
    let value = headers.get(UPGRADE)?;
    let asked = value.as_bytes().eq_ignore_ascii_case(b"websocket") && ex.parts.version == Version::HTTP_11;
    let nominated = headers.get_all(CONNECTION).iter().filter_map(|v| v.to_str().ok());
    let nominated = nominated.flat_map(|v| v.split(',')).any(|t| t.trim().eq_ignore_ascii_case("upgrade"));
    (asked && nominated && ex.parts.method == Method::GET).then(|| value.clone())
}

/// The head for the origin. Takes the visitor's headers out of the exchange.
pub(crate) fn request(ex: &mut Exchange, served: &Served, upgrade: bool) -> Request<()> {
    let host = authority(ex);
    let mut headers = std::mem::take(&mut ex.parts.headers);
    let websocket = if upgrade { headers.get(UPGRADE).cloned() } else { None };
    strip(&mut headers);
    join_cookies(&mut headers);
    headers.remove(EXPECT);
    headers.remove(PROXY_AUTHORIZATION);
    // hyper writes it anew from the body, one line whatever HTTP/2 gave
    headers.remove(CONTENT_LENGTH);
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    let proto = if ex.conn.tls { "https" } else { "http" };
    let peer = ex.conn.peer.ip().to_canonical();
    headers.insert("x-forwarded-for", ex.conn.forwarded_for.clone());
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
    headers.insert("x-request-id", ex.id.header());
    let forwarded = forwarded(peer, &host, proto);
    for (name, text) in [(FORWARDED, forwarded), (HeaderName::from_static("x-forwarded-host"), host.clone())]
    {
        headers.insert(name, HeaderValue::try_from(text).expect("made of hostname, address and plain words"));
    }
    let own = || HeaderValue::try_from(host).expect("a hostname is a header value");
    headers.insert(HOST, served.host_header.clone().unwrap_or_else(own));
    if let Some(value) = websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, value);
    }
    let path = ex.parts.uri.path_and_query().cloned();
    let mut request = Request::new(());
    *request.method_mut() = ex.parts.method.clone();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    *request.headers_mut() = headers;
    request
}

/// The question for one ACME challenge of a blocked hostname: a name, and nothing of the visitor's.
pub(crate) fn challenge(ex: &Exchange, served: &Served) -> Request<()> {
    let host = ex.host.as_ref().map(crate::Host::as_str).unwrap_or_default();
    let own = || HeaderValue::try_from(host).expect("a hostname is a header value");
    let mut request = Request::new(());
    *request.uri_mut() = ex.path().parse().unwrap_or_default();
    request.headers_mut().insert(HOST, served.host_header.clone().unwrap_or_else(own));
    request
}

/// HTTP/2 may send a cookie in pieces; HTTP/1.1 must see one line (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&pieces.join(&b"; "[..]));
    headers.insert(COOKIE, joined.expect("header values joined by a separator are a header value"));
}

/// `host` or `host:port`, normalised, as origins need it to build links.
fn authority(ex: &Exchange) -> String {
    let host = ex.host.as_ref().map(crate::Host::as_str).unwrap_or_default();
    match ex.port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// RFC 7239: IPv6 in brackets and quotes, and quotes around anything with a colon (section 6).
fn forwarded(peer: IpAddr, host: &str, proto: &str) -> String {
    let peer = match peer {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("\"[{v6}]\""),
    };
    let quote = if host.contains(':') { "\"" } else { "" };
    format!("for={peer};host={quote}{host}{quote};proto={proto}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_connection_nominates() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret"),
            ("connection", "x-forwarded-for"),
            ("x-secret", "1"),
            ("x-forwarded-for", "192.0.2.9"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("http2-settings", "AA"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ] {
            headers.append(name.parse::<HeaderName>().expect("name"), HeaderValue::from_static(value));
        }
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn what_proxies_say_is_not_taken_from_visitors() {
        for (name, ours) in [
            ("x-forwarded-for", true),
            ("x-forwarded-prefix", true),
            ("x_forwarded_for", true),
            ("transfer_encoding", true),
            ("x-original-url", true),
            ("true-client-ip", true),
            ("x-requested-with", false),
            ("user-agent", false),
        ] {
            assert_eq!(is_ours(name), ours, "{name}");
        }
    }

    #[test]
    fn cookies_become_one_line() {
        let mut headers = HeaderMap::new();
        for piece in ["a=b", "c=d", "e=f"] {
            headers.append(COOKIE, HeaderValue::from_static(piece));
        }
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=b; c=d; e=f"]);
    }

    #[test]
    fn forwarded_is_quoted_as_the_rfc_says() {
        for (peer, host, expect) in [
            ("192.0.2.1", "a.example", "for=192.0.2.1;host=a.example;proto=https"),
            ("2001:db8::1", "a.example", "for=\"[2001:db8::1]\";host=a.example;proto=https"),
            ("192.0.2.1", "a.example:8443", "for=192.0.2.1;host=\"a.example:8443\";proto=https"),
        ] {
            assert_eq!(forwarded(peer.parse().expect("address"), host, "https"), expect);
        }
    }
}
