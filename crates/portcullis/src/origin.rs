//! The demonstration origins: what a customer would run. Pages, an echo over WebSocket, an event stream and a slow
//! download, so that one can see what happens to each when the customer is blocked.

mod websocket;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, channel::Channel, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;

use crate::config::Listen;
use crate::exit::Result;
use crate::serve;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A kibibyte every tenth of a second: 10 MiB take a quarter of an hour, so a block always comes in the middle.
const PIECE: usize = 1024;
const PIECES: usize = 10 * 1024;
const PIECE_EVERY: Duration = Duration::from_millis(100);
const EVENT_EVERY: Duration = Duration::from_secs(1);

/// Binds one origin; the caller runs what comes back.
pub(crate) async fn open(
    name: &'static str,
    address: std::net::SocketAddr,
) -> Result<impl Future<Output = ()>> {
    let door = serve::open("demonstration origin", &Listen::Tcp(address)).await?;
    Ok(serve::serve(door, service_fn(move |request| async move { Ok(answer(name, request)) })))
}

fn answer(name: &str, request: Request<Incoming>) -> Answer {
    match request.uri().path() {
        "/ws" => websocket::accept(request),
        "/events" => {
            stream("text/event-stream", EVENT_EVERY, usize::MAX, |n| format!("data: event {n}\n\n").into())
        }
        "/download" => download(),
        "/echo" => whole(StatusCode::OK, "text/plain; charset=utf-8", echo(&request)),
        "/" => whole(StatusCode::OK, "text/html; charset=utf-8", page(name, &request)),
        _ => whole(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "nothing here\n".into()),
    }
}

/// A whole answer.
pub(crate) fn whole(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Full::new(text.into()).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}

fn page(name: &str, request: &Request<Incoming>) -> String {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-:".contains(*c)).collect();
    include_str!("demo/page.html").replace("{host}", &host).replace("{origin}", name)
}

/// The request as it arrived, to look at what an edge adds and takes away.
fn echo(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text
}

fn download() -> Answer {
    let mut answer =
        stream("application/octet-stream", PIECE_EVERY, PIECES, |_| Bytes::from_static(&[b'.'; PIECE]));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from(PIECE * PIECES));
    let attachment = header::HeaderValue::from_static("attachment; filename=\"slow.bin\"");
    headers.insert(header::CONTENT_DISPOSITION, attachment);
    answer
}

/// An answer that goes on: a piece at once, then one per tick, until all are sent or the other side is gone.
fn stream(kind: &'static str, every: Duration, count: usize, piece: fn(usize) -> Bytes) -> Answer {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(every);
        for n in 0..count {
            tick.tick().await;
            if sender.send_data(piece(n)).await.is_err() {
                return;
            }
        }
    });
    let mut answer = Response::new(body.boxed());
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests;
