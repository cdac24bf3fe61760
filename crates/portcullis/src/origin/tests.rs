use super::*;
use crate::client::{Address, Ask, ask};

/// An origin on a port of the system's choosing.
async fn origin() -> Address {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let service = service_fn(|request| async { Ok(answer("one", request)) });
    tokio::spawn(serve::serve(serve::Door::Tcp(listener), service));
    Address::parse(&format!("http://{address}")).expect("an address")
}

#[tokio::test]
async fn answers() {
    let origin = origin().await;
    for (path, status, has) in [
        ("/", 200, "one.first.localhost"),
        ("/echo", 200, "host: one.first.localhost"),
        ("/ws", 426, "WebSocket"),
        ("/other", 404, "nothing here"),
    ] {
        let answer =
            ask(&origin, Ask { host: Some("one.first.localhost"), ..Ask::get(path) }).await.expect(path);
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(String::from_utf8_lossy(&answer.body).contains(has), "{path}");
    }
}

#[tokio::test]
async fn streams_begin_at_once_and_say_what_they_are() {
    for (answer, kind, first) in [
        (download(), "application/octet-stream", PIECE),
        (
            stream("text/event-stream", EVENT_EVERY, 3, |n| format!("data: event {n}\n\n").into()),
            "text/event-stream",
            15,
        ),
    ] {
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind);
        let frame = answer.into_body().frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data").len(), first);
    }
}
