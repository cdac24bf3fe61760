use serde_json::Value;

use crate::server::{Say, Server, answer, page};
use crate::{at, captured, file, job, of_kind, records};

/// What the record of a page must be able to say: two forms, one of them hidden, each with its fields and HTML; text,
/// address, submission.
#[tokio::test]
async fn a_page_with_two_forms_is_told_whole() {
    let server = Server::plain(|_| {
        page(
            "<title>The post</title><h1>Blocking</h1><p>Why.</p>\
             <form id=subscribe method=post action=/join><input type=email name=email required><input type=hidden name=source value=post></form>\
             <form style='position:absolute;left:-5000px' name=trap action=//list.example/x><input name=b_name tabindex=-1></form>",
        )
    })
    .await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    let result = &captured.result;
    assert_eq!(at(result, "/task/visibility"), "private");
    assert_eq!(at(result, "/task/uuid"), "30313233-3435-3637-3839-616263646566");
    assert_eq!(
        at(result, "/submitted"),
        &serde_json::json!({ "at": "2022-09-03T23:15:00.000Z", "how": "manual", "from_country": "DE" })
    );
    assert_eq!((at(result, "/page/ip"), at(result, "/page/server")), (&"127.0.0.1".into(), &"test".into()));
    assert!(result.pointer("/page/country").is_none(), "nobody knows it");
    assert_eq!(at(result, "/forms").as_array().map(Vec::len), Some(2));
    assert_eq!((at(result, "/forms/0/hidden"), at(result, "/forms/1/hidden")), (&false.into(), &true.into()));
    assert_eq!(at(result, "/forms/0/inputs/0/required"), true);
    assert_eq!(at(result, "/forms/0/inputs/1/value"), "post");
    assert_eq!(
        (at(result, "/forms/1/actionHost"), at(result, "/forms/1/crossOrigin")),
        (&"list.example".into(), &true.into())
    );
    assert!(
        at(result, "/forms/1/html")
            .as_str()
            .is_some_and(|html| html.starts_with("<form style=") && html.ends_with("</form>"))
    );
    assert_eq!(captured.text, "Blocking\nWhy.\n");
    assert_eq!(file(&captured, capture::TEXT), captured.text.as_bytes());
    assert_eq!(at(result, "/data/requests/0/request/request/headers/user-agent"), "portcullis-test");
}

#[tokio::test]
async fn every_record_has_its_digests_and_the_answer_is_byte_for_byte() {
    let said = b"HTTP/1.1 200 Fine\r\nX-OddCase: 1\r\ncontent-length: 5\r\nX-OddCase: 2\r\nContent-Type: text/plain\r\n\r\nhello";
    let server = Server::plain(|_| Say::Bytes(said.to_vec())).await;
    let captured = captured(&job(&server.url("/x?y=z"), &[server.port])).await;
    for (head, _) in records(&captured) {
        assert!(
            head.starts_with("WARC/1.1\r\n") && head.contains("\r\nWARC-Block-Digest: sha256:"),
            "{head}"
        );
    }
    let (head, block) = of_kind(&captured, "response").remove(0);
    assert_eq!(block, said);
    // printf hello | sha256sum
    assert!(head.contains(
        "WARC-Payload-Digest: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    ));
    assert!(head.contains("\r\nWARC-IP-Address: 127.0.0.1\r\n"));
    let (asked, block) = of_kind(&captured, "request").remove(0);
    assert!(block.starts_with(b"GET /x?y=z HTTP/1.1\r\n"));
    let id = |head: &str, name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).expect("there")
    };
    assert_eq!(id(&head, "WARC-Concurrent-To: "), id(&asked, "WARC-Record-ID: "));
    assert_eq!(id(&asked, "WARC-Concurrent-To: "), id(&head, "WARC-Record-ID: "));
    assert_eq!(at(&captured.result, "/data/requests/0/response/response/headers/X-OddCase"), "1\n2");
    let facts = of_kind(&captured, "metadata").remove(0).1;
    let facts: Value = serde_json::from_slice(&facts).expect("JSON");
    assert_eq!(at(&facts, "/page"), at(&captured.result, "/page"));
}

#[tokio::test]
async fn a_chunked_answer_keeps_its_chunks_and_has_the_digest_of_its_body_in_the_result() {
    let said = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let server = Server::plain(|_| Say::Bytes(said.to_vec())).await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    let (head, block) = of_kind(&captured, "response").remove(0);
    assert_eq!((&block[..], captured.text.as_str()), (&said[..], "hello"));
    assert!(!head.contains("WARC-Payload-Digest"), "readers do not agree on it");
    let hash = at(&captured.result, "/data/requests/0/response/hash");
    assert_eq!(hash, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

#[tokio::test]
async fn the_manifest_names_every_other_file_with_its_hash() {
    let server = Server::plain(|_| answer("404 Not Found", b"")).await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!(at(&captured.result, "/page/status"), "404");
    let home = tempfile::tempdir().expect("a directory");
    let out = home.path().join("out");
    capture::place(&out, "1", &captured.files).expect("placed");
    let checked = std::process::Command::new("sha256sum")
        .args(["--strict", "-c", "MANIFEST"])
        .current_dir(&out)
        .output();
    let checked = checked.expect("sha256sum is on every Debian");
    assert!(checked.status.success(), "{checked:?}");
    let manifest = String::from_utf8(file(&captured, capture::MANIFEST).to_vec()).expect("text");
    let names: Vec<&str> = manifest.lines().map(|line| &line[66..]).collect();
    assert_eq!(names, [capture::WARC, capture::TEXT, capture::RESULT]);
}

/// `data/country.mmdb` was written by the PyPI package `mmdb_writer`: 127.0.0.0/8 is in DE.
#[tokio::test]
async fn a_country_is_known_when_somebody_knows_it() {
    let known =
        capture::Countries::read(include_bytes!("../data/country.mmdb").to_vec()).expect("a database");
    let server = Server::plain(|_| page("x")).await;
    let doors = capture::Doors {
        resolver: &crate::Loopback,
        trust: &capture::Trust::mozilla(),
        countries: Some(&known),
    };
    let captured = capture::capture(&job(&server.url("/"), &[server.port]), &doors).await.expect("a page");
    assert_eq!(at(&captured.result, "/page/country"), "DE");
    assert_eq!(at(&captured.result, "/lists/countries/0"), "DE");
    assert_eq!(at(&captured.result, "/capture/countryDatabase/type"), "Test-Country");
    assert_eq!(known.of([1, 1, 1, 1].into()), None);
    assert!(capture::Countries::read(b"no database".to_vec()).is_err());
}
