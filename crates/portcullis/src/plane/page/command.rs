//! A command that calls somebody: a program with its arguments, and no shell in between.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use desk::{Ended, Page};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::line;

/// How long it may take: a gateway's API answers in a second or two, a modem dials in ten.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long its outputs are read after it ended: a child of its own may hold them open.
const REST: Duration = Duration::from_millis(500);

/// Bytes kept of each output; the rest is read and thrown away, so that nothing waits for us.
const KEPT: u64 = 4096;

/// Whether this can be run, as far as one can see now.
pub(super) fn check(program: &str) -> Result<(), String> {
    let found = std::fs::metadata(program).map_err(|e| format!("cannot find the program {program}: {e}"))?;
    if !found.is_file() || found.permissions().mode() & 0o111 == 0 {
        return Err(format!("{program} is no program that can be run; chmod +x it"));
    }
    Ok(())
}

/// Runs it: the page is JSON on stdin, and its parts are in the environment.
pub(super) async fn run(words: &[String], page: &Page) -> Ended {
    let Some((program, arguments)) = words.split_first() else { return Err("there is no program".into()) };
    let json = serde_json::to_vec(page).map_err(|e| e.to_string())?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).current_dir("/");
    for (name, value) in [
        ("KEY", page.key.as_str()),
        ("KIND", &page.kind),
        ("NEED", &page.need),
        ("TEXT", &page.text),
        ("SINCE", &page.since),
        ("CASE", page.case.as_deref().unwrap_or_default()),
        ("LINK", &page.link),
        ("PERSON", page.person.as_deref().unwrap_or_default()),
        ("STEP", &page.step.to_string()),
        ("ATTEMPT", &page.attempt.to_string()),
        ("TEST", if page.test { "1" } else { "" }),
    ] {
        command.env(format!("PORTCULLIS_PAGE_{name}"), value);
    }
    let mut child = command.spawn().map_err(|e| format!("could not be started: {e}"))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // Who does not read what they are told has the environment.
            drop(stdin.write_all(&json).await);
        }
    });
    let (out, err) = (tokio::spawn(some(stdout)), tokio::spawn(some(stderr)));
    let Ok(ended) = timeout(PATIENCE, child.wait()).await else {
        drop(child.start_kill());
        return Err(format!("did not end within {} seconds, and was ended", PATIENCE.as_secs()));
    };
    let status = ended.map_err(|e| e.to_string())?;
    let said = async |task| timeout(REST, task).await.ok().and_then(Result::ok).unwrap_or_default();
    let (out, err): (Vec<u8>, Vec<u8>) = (said(out).await, said(err).await);
    let words = line(if err.is_empty() { &out } else { &err });
    match status.code() {
        Some(0) => Ok(if words.is_empty() { "done".into() } else { words }),
        Some(code) => Err(format!("ended with {code}: {words}")),
        None => Err(format!("was killed: {words}")),
    }
}

/// The beginning of an output; all of it is read.
async fn some(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut from) = from else { return Vec::new() };
    let mut kept = Vec::new();
    if (&mut from).take(KEPT).read_to_end(&mut kept).await.is_ok() {
        drop(tokio::io::copy(&mut from, &mut tokio::io::sink()).await);
    }
    kept
}
