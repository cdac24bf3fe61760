//! What is wrong with a configuration, and calls to programs and servers that behave badly.

use std::path::Path;

use desk::Page;
use policy::Time;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::home;

fn said(dir: &Path, more: &str) -> String {
    let text = format!("[desk]\n[page]\n{more}\n");
    let config = Config::parse(&text, dir).unwrap_or_else(|all| panic!("{all:?}"));
    match pager(&config) {
        Ok(pager) => {
            format!("good: {}", pager.steps.iter().map(|s| s.who.clone()).collect::<Vec<_>>().join(", "))
        }
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn what_is_missing_or_open_is_said() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let long = "0123456789abcdef0123456789abcdef\n";
    home::write_new(&dir.path().join("secret"), long, true).expect("written");
    home::write_new(&dir.path().join("open"), long, false).expect("written");
    home::write_new(&dir.path().join("short"), "hush\n", true).expect("written");
    let step = |more: &str| format!("[[page.step]]\nafter = \"0m\"\n{more}\n");
    let run = "command = [\"/bin/true\"]";
    let hook = "webhook = \"http://127.0.0.1:9/p4ssw0rd\"";
    for (more, want) in [
        (step(run), "good: /bin/true"),
        (step(&format!("{run}\nperson = \"anna\"")), "good: anna (/bin/true)"),
        (step(hook), "good: 127.0.0.1"),
        (step(&format!("{hook}\nsecret = \"secret\"")), "good"),
        (step(&format!("{hook}\nsecret = \"open\"")), "chmod 600"),
        (step(&format!("{hook}\nsecret = \"short\"")), "at least 32 characters"),
        (step(&format!("{hook}\nsecret = \"gone\"")), "cannot read"),
        (step(&format!("{run}\nsecret = \"secret\"")), "only a webhook"),
        (String::new(), "needs 1 to 20 steps, and has 0"),
        (step(run).repeat(21), "and has 21"),
        (step(""), "exactly one of"),
        (step(&format!("{run}\n{hook}")), "exactly one of"),
        (step("command = [\"/nowhere/dial\"]"), "cannot find the program /nowhere/dial"),
        (step(&format!("command = [\"{}\"]", dir.path().join("open").display())), "chmod +x"),
        (step("webhook = \"http://hooks.example/x\""), "https:// only"),
        (step("mail = [\"anna@shield.example\"]"), "no [mail]"),
        (step(&format!("{run}\nhours = \"20:00-08:00\"")), "nobody is called"),
        (step(&format!("{run}\nhours = \"20:00-08:00\"")) + &step(run), "good"),
        (step(run).replace("0m", "5m") + &step(run), "not in the order"),
        (format!("ack = \"13h\"\n{}", step(run)), "at most 12h"),
        (format!("repeat = \"10s\"\n{}", step(run)), "at least 1m"),
    ] {
        let said = said(dir.path(), &more);
        assert!(said.contains(want), "{more}: {said}");
        assert!(!said.contains("p4ssw0rd") && !said.contains("0123456789"), "{said}");
    }
    let none = Config::parse("[desk]\n", dir.path()).unwrap_or_else(|all| panic!("{all:?}"));
    assert!(pager(&none).expect("good").steps.is_empty(), "without [page] nobody is called");
}

fn page() -> Page {
    Page::test("Example Shield", 0, Some("anna".into()), "https://desk.example", Time(1_800_000_000))
}

async fn run(script: &str) -> Ended {
    command::run(&["/bin/sh".into(), "-c".into(), script.into(), "x".into(), "$(id)".into()], &page()).await
}

#[tokio::test]
async fn a_command_gets_the_page_and_no_shell_and_is_bounded() {
    let got = run("read line; echo \"$line\" | head -c 150").await.expect("ends well");
    assert!(got.starts_with("{\"version\":1,\"text\":\"This is a test of paging"), "{got}");
    let got = run("echo $PORTCULLIS_PAGE_KEY $PORTCULLIS_PAGE_TEST $PORTCULLIS_PAGE_PERSON \"$1\"").await;
    assert_eq!(got, Ok("test 1 anna $(id)".into()), "an argument is what was written");
    assert_eq!(run("exit 0").await, Ok("done".into()), "who does not read is not waited for");
    assert_eq!(run("echo no line >&2; exit 3").await, Err("ended with 3: no line".into()));
    assert!(run("kill -9 $$").await.expect_err("killed").starts_with("was killed"));
    let long = run("head -c 3000000 /dev/zero | tr '\\0' x; exit 1").await.expect_err("ends badly");
    assert!(long.len() < 300, "{}", long.len());
    // A child of its own holds the outputs open, and the command is over all the same.
    assert!(run("sleep 30 & echo here").await.is_ok());
    let gone = command::run(&["/nowhere/dial".into()], &page()).await.expect_err("not there");
    assert!(gone.contains("could not be started"), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_never_ends_is_ended() {
    let said = run("sleep 600").await.expect_err("too long");
    assert!(said.contains("did not end within 20 seconds"), "{said}");
}

/// A server of one answer; what it was sent comes back.
async fn once(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let served = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        let mut got = Vec::new();
        while !String::from_utf8_lossy(&got).contains("\"test\":true}") {
            assert!(tcp.read_buf(&mut got).await.expect("reads") > 0);
        }
        tcp.write_all(answer.as_bytes()).await.expect("writes");
        String::from_utf8_lossy(&got).into_owned()
    });
    (port, served)
}

#[tokio::test]
async fn a_webhook_believes_nothing_but_the_status() {
    for (answer, want) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok("200 OK")),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok("204 No Content")),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            Err("a redirect is not followed"),
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 7\r\n\r\nno\u{1b}[2J!",
            Err("401 Unauthorized: no [2J"),
        ),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 99999999\r\n\r\n", Err("500")),
        ("HELLO\r\n\r\n", Err("the connection broke")),
    ] {
        let (port, served) = once(answer).await;
        let hook =
            Hook::new(&format!("http://127.0.0.1:{port}/in?tpl=1"), Some(vec![7; 32]), None).expect("local");
        match (hook.post(&page()).await, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want),
            (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
            (got, want) => panic!("{got:?} is not {want:?}"),
        }
        let got = served.await.expect("served").to_lowercase();
        assert!(
            got.starts_with("post /in?tpl=1 http/1.1\r\n") && got.contains("x-portcullis-signature: sha256="),
            "{got}"
        );
    }
    let nobody = Hook::new("http://127.0.0.1:1/", None, None).expect("local").post(&page()).await;
    assert!(nobody.expect_err("nobody is there").contains("could not connect"));
}
