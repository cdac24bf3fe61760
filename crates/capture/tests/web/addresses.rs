use capture::{Closed, NotCaptured, Trust};

use crate::server::{Server, answer, page};
use crate::{InTurn, at, captured, job, run};

fn refused(ended: Result<capture::Captured, NotCaptured>) -> bool {
    matches!(ended, Err(NotCaptured::Closed(Closed::Refused(_))))
}

#[tokio::test]
async fn a_private_address_is_refused_in_every_spelling() {
    // Somebody listens: were the address not refused, there would be an answer.
    let server = Server::plain(|_| page("secret")).await;
    let port = server.port;
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.０.０.１",
        "127。0。0。1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "user@127.0.0.1",
        "0",
        "0.0.0.0",
        "[::]",
        "localhost",
        "10.0.0.1",
        "192.168.257",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "100.100.100.200",
    ] {
        let mut job = job(&format!("http://{host}:{port}/"), &[port]);
        job.allowed.networks.clear();
        let ended = run(&job, &capture::System, &Trust::mozilla()).await;
        assert!(refused(ended), "{host}");
    }
    assert_eq!(server.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    let server = Server::plain(|_| page("secret")).await;
    let mut job = job(&format!("http://intranet.example:{}/", server.port), &[server.port]);
    job.allowed.networks.clear();
    for answers in [&["127.0.0.1"][..], &["::ffff:127.0.0.1"], &["10.0.0.1", "fd00::1"]] {
        assert!(refused(run(&job, &InTurn::new(&[answers]), &Trust::mozilla()).await), "{answers:?}");
    }
    assert_eq!(server.heard().len(), 0);
}

#[tokio::test]
async fn a_name_is_asked_once_for_each_connection_and_a_second_answer_gains_nothing() {
    let server = Server::plain(|path| match path {
        "/" => answer("302 Found\r\nLocation: /again", b""),
        _ => page("secret"),
    })
    .await;
    let job = job(&format!("http://rebind.example:{}/", server.port), &[server.port]);
    // 127.0.0.1 is allowed here and stands for the public address; 127.0.0.2 is what the attacker is after.
    let resolver = InTurn::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let captured = run(&job, &resolver, &Trust::mozilla()).await.expect("the first answer");
    assert_eq!(resolver.asked(), 2, "once for each connection");
    assert_eq!(server.heard(), ["GET / HTTP/1.1"]);
    assert!(
        captured.incomplete.iter().any(|why| why.contains("127.0.0.2 is loopback")),
        "{:?}",
        captured.incomplete
    );
    assert_eq!(at(&captured.result, "/data/requests/1/response/resolved/0/refused"), "loopback");
    assert_eq!(at(&captured.result, "/data/requests/1/response/failed/refused"), true);
}

#[tokio::test]
async fn of_several_addresses_only_the_public_one_is_spoken_to() {
    let server = Server::plain(|_| page("x")).await;
    let job = job(&format!("http://mixed.example:{}/", server.port), &[server.port]);
    let resolver = InTurn::new(&[&["127.0.0.3", "10.0.0.1", "127.0.0.1"]]);
    let captured = run(&job, &resolver, &Trust::mozilla()).await.expect("an answer");
    assert_eq!(at(&captured.result, "/page/ip"), "127.0.0.1");
    assert_eq!(at(&captured.result, "/data/requests/0/response/resolved/1/refused"), "private");
}

#[tokio::test]
async fn a_redirect_into_the_network_is_refused_and_recorded() {
    let server =
        Server::plain(|_| answer("302 Found\r\nLocation: http://169.254.169.254/latest/", b"")).await;
    let captured = captured(&job(&server.url("/"), &[server.port])).await;
    assert_eq!(
        captured.incomplete,
        ["http://169.254.169.254/latest/ was not asked: the address 169.254.169.254 is link-local"]
    );
    assert_eq!(at(&captured.result, "/capture/state"), "partial");
    assert_eq!(
        at(&captured.result, "/capture/allowedAddresses/0"),
        "127.0.0.1/32",
        "what was allowed is on the record"
    );
}

#[tokio::test]
async fn other_ports_and_other_schemes_are_refused() {
    let server = Server::plain(|_| page("x")).await;
    assert!(refused(run(&job(&server.url("/"), &[]), &crate::Loopback, &Trust::mozilla()).await));
    for bad in [
        "",
        "x",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://",
        "http://1.2.3.4.5/",
        "http://a b/",
        "gopher://x/",
    ] {
        let ended = run(&job(bad, &[]), &crate::Loopback, &Trust::mozilla()).await;
        assert!(matches!(ended, Err(NotCaptured::Address(_))), "{bad:?}");
    }
    assert_eq!(server.heard().len(), 0);
}
