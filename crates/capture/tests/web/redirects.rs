use serde_json::json;

use crate::server::{Server, answer, page};
use crate::{at, captured, job, of_kind};

fn to(status: u16, location: &str) -> crate::server::Say {
    answer(&format!("{status} Moved\r\nLocation: {location}"), b"gone")
}

#[tokio::test]
async fn every_kind_is_followed_and_each_has_its_question_and_answer() {
    let server = Server::plain(|path| match path {
        "/307" => to(307, "../308#part"),
        "/308" => to(308, "/refresh"),
        "/refresh" => answer("200 OK\r\nRefresh: 1; url=/meta", b""),
        "/meta" => page("<base href='/b/'><meta http-equiv=refresh content='0; URL=\"end\"'>"),
        "/b/end" => page("<title>The end</title>Here."),
        _ => answer("404 Not Found", b""),
    })
    .await;
    // The beginning of the chain knows the port of its end.
    let port = server.port;
    let server = Server::plain(move |path| match path {
        "/a/303?x=1" => to(303, &format!("//127.0.0.1:{port}/307")),
        "/" => to(301, "/a/302"),
        _ => to(302, "303?x=1"),
    })
    .await;
    let captured = captured(&job(&server.url("/#part"), &[server.port, port])).await;
    let result = &captured.result;
    assert_eq!(captured.incomplete, Vec::<String>::new());
    let kinds: Vec<_> = at(result, "/redirects")
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (&it["kind"], &it["status"]))
        .collect();
    let (http, refresh, meta) = (json!("http"), json!("refresh-header"), json!("meta"));
    let status = |n: u16| json!(n);
    assert_eq!(
        kinds,
        [
            (&http, &status(301)),
            (&http, &status(302)),
            (&http, &status(303)),
            (&http, &status(307)),
            (&http, &status(308)),
            (&refresh, &status(200)),
            (&meta, &status(200)),
        ]
    );
    assert_eq!(at(result, "/page/url"), &json!(format!("http://127.0.0.1:{port}/b/end")));
    assert_eq!(at(result, "/page/title"), "The end");
    assert_eq!(at(result, "/redirects/5/afterSeconds"), 1);
    assert_eq!(at(result, "/task/url"), &json!(server.url("/#part")), "as submitted");
    assert_eq!(at(result, "/data/requests").as_array().expect("a list").len(), 8);
    assert_eq!((of_kind(&captured, "request").len(), of_kind(&captured, "response").len()), (8, 8));
    let first = &of_kind(&captured, "response")[0].1;
    assert!(first.starts_with(b"HTTP/1.1 301 Moved\r\n") && first.ends_with(b"\r\n\r\ngone"));
}

#[tokio::test]
async fn a_circle_and_a_chain_without_end_are_left_and_said() {
    let server = Server::plain(|path| match path {
        "/a" => to(302, "/b"),
        "/b" => page("<meta http-equiv=refresh content='0;/a'>"),
        path => to(302, &format!("{path}x")),
    })
    .await;
    let circle = captured(&job(&server.url("/a"), &[server.port])).await;
    assert!(circle.incomplete[0].contains("circle"), "{:?}", circle.incomplete);
    assert_eq!(server.heard().len(), 2);
    assert_eq!(at(&circle.result, "/redirects/1/followed"), false);
    let mut job = job(&server.url("/x"), &[server.port]);
    job.limits.redirects = 3;
    let chain = captured(&job).await;
    assert_eq!(at(&chain.result, "/redirects").as_array().expect("a list").len(), 4);
    assert_eq!(at(&chain.result, "/redirects/3/why"), "3 redirects were followed, and no more are");
    assert_eq!(at(&chain.result, "/capture/state"), "partial");
    assert_eq!(server.heard().len(), 2 + 4);
}

#[tokio::test]
async fn what_is_no_web_address_is_not_followed() {
    for target in [
        "ftp://x.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
    ] {
        let server = Server::plain(move |_| to(302, target)).await;
        let captured = captured(&job(&server.url("/"), &[server.port])).await;
        assert_eq!(at(&captured.result, "/redirects/0/followed"), false, "{target}");
        assert_eq!(server.heard().len(), 1, "{target}");
        assert_eq!(at(&captured.result, "/page/status"), "302");
    }
}

#[tokio::test]
async fn a_page_that_renews_itself_is_no_redirect() {
    let server = Server::plain(|_| {
        answer(
            "200 OK\r\nContent-Type: text/html\r\nRefresh: 30",
            b"<meta http-equiv=refresh content='3600;/x'>",
        )
    })
    .await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!((captured.incomplete.len(), server.heard().len()), (0, 1));
}
