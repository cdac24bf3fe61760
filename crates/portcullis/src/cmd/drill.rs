//! `portcullis drill`: the whole story, walked by itself with real processes in a temporary home.
//!
//! It runs this same binary as its users do: one process with all planes, a second edge that joins over the network,
//! and every command of an emergency. It believes nothing that it did not see as a visitor.

mod stage;
mod visitor;

use std::time::Duration;

use crate::cli;
use crate::exit::{Exit, Failure, Result};
use crate::out;

use stage::{EDGES, Stage};
use visitor::Stream;

use super::init::{FIRST, SECOND};

/// How long the first block runs: time enough to see it, to stop the desk, and to wait for its end.
const SHORT: &str = "40s";
const SHORT_SECONDS: u64 = 40;

/// How long anything that should happen "within a second" is waited for. A busy machine is no failed drill.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn run(args: cli::Drill) -> Result<Exit> {
    let mut stage = Stage::set(args.keep).await?;
    let walked = walk(&mut stage).await;
    stage.clear().await;
    match walked {
        Ok(()) => {
            out::data(format_args!("drill: all of it happened, in {} s", stage.seconds()));
            Ok(Exit::Ok)
        }
        Err(failure) => {
            out::data(format_args!("drill: FAILED after {} s", stage.seconds()));
            Err(failure)
        }
    }
}

async fn walk(stage: &mut Stage) -> Result<()> {
    stage.start_all().await?;
    stage.start_second_edge().await?;
    served(stage, "before anything is decided").await?;
    first_emergency(stage).await?;
    end_without_desk(stage).await?;
    second_emergency(stage).await?;
    stage.verify().await
}

/// Every hostname of both customers on both edges.
async fn served(stage: &Stage, when: &str) -> Result<()> {
    for edge in EDGES {
        for host in FIRST.iter().chain([&SECOND]) {
            stage.see(edge, host, 200).await?;
        }
    }
    stage.tell(format_args!(
        "{when}: {} hostnames of both customers are served on both edges",
        FIRST.len() + 1
    ));
    Ok(())
}

/// Two assessors, an officer, an independent approver; fewer have no effect; open connections are cut.
async fn first_emergency(stage: &mut Stage) -> Result<()> {
    let finding = finding(stage, "finding-1").await?;
    let mut theirs = Vec::new();
    for edge in EDGES {
        for path in ["/events", "/download", "/ws"] {
            theirs.push((path, Stream::open(stage.port(edge), FIRST[2], path).await?));
        }
    }
    let mut stranger = Stream::open(stage.port(0), SECOND, "/events").await?;
    stage.tell(format_args!(
        "visitors hold an event stream, a download and a WebSocket of First Customer on each edge"
    ));
    let id = propose(stage, &finding, SHORT).await?;
    let alone = stage.refused(&["approve", &id, "--yes"], "ben").await;
    for edge in EDGES {
        stage.see(edge, FIRST[0], 200).await?;
    }
    stage.tell(format_args!("the proposer cannot approve alone: {}; nothing is blocked", alone?));
    approve(stage, &id).await?;
    for (path, stream) in &mut theirs {
        if !stream.ends_within(PATIENCE).await {
            return Err(failed(format!("{path} of the blocked customer was not cut")));
        }
    }
    stage.tell(format_args!("all six open connections of First Customer were cut"));
    if stranger.ends_within(Duration::ZERO).await {
        return Err(failed("the event stream of the other customer was cut"));
    }
    stage.see(0, SECOND, 200).await?;
    stage.tell(format_args!("Second Customer is untouched; its event stream goes on"));
    reasons(stage, &id).await
}

/// Evidence of two sources, and an authority that was told and cannot act in time.
async fn case(stage: &Stage) -> Result<String> {
    let open = ["case", "open", "Calls to gather at a home", "--customer", "first-customer"];
    let case = stage.me(&open, "anna").await?;
    let what = "Two people, their address, a place and an hour.";
    for (file, source, from) in
        [("home/capture.txt", "captured", "our capture"), ("home/archive.txt", "archive", "the web archive")]
    {
        let file = stage.path(file);
        let args = ["case", "attach", &case, &file, "--source", source, "--from", from, "--what", what];
        stage.me(&args, "anna").await?;
    }
    let told = "What was found, and what we consider doing.";
    let refer = ["--country", "SE", "--channel", "phone", "--answer-by", "4h", "--told", told];
    stage.me(&[&["case", "refer", &case, "--to", "aut-police"], &refer[..]].concat(), "anna").await?;
    let (from, said) = ("the duty officer, called back", "A court order takes three days.");
    let answer = ["case", "answer", &case, "1", "cannot-in-time", "--from", from, "--what", said];
    stage.me(&answer, "anna").await?;
    stage.tell(format_args!("anna opened the case {case}: two sources, and police that cannot act in time"));
    Ok(case)
}

async fn finding(stage: &Stage, name: &str) -> Result<String> {
    let (draft, criteria) = (stage.path(name), stage.path("home/criteria.txt"));
    let case = case(stage).await?;
    let args =
        ["finding", "draft", "first-customer", "--case", &case, "--criteria", &criteria, "--out", &draft];
    stage.me(&args, "anna").await?;
    let id = stage.me(&["finding", "sign", &draft, "--yes"], "anna").await?;
    stage.me(&["finding", "sign", &id, "--yes"], "ben").await?;
    stage.tell(format_args!("anna and ben signed the finding {id}"));
    Ok(id)
}

async fn propose(stage: &Stage, finding: &str, span: &str) -> Result<String> {
    let post = stage.path("home/reasons.md");
    let limiting = "About this drill alone; it is no precedent.";
    let args = ["propose", "emergency", "first-customer", "--finding", finding, "--post", &post];
    let rest = ["--limiting", limiting, "--for", span, "--yes"];
    let id = stage.me(&[&args[..], &rest[..]].concat(), "ben").await?;
    stage.tell(format_args!("ben proposed {id}, for {span}"));
    Ok(id)
}

/// The last signature, and how long it took until both edges refused all three hostnames.
async fn approve(stage: &Stage, id: &str) -> Result<()> {
    stage.me(&["approve", id, "--yes"], "clara").await?;
    let began = tokio::time::Instant::now();
    for edge in EDGES {
        for host in FIRST {
            stage.until_seen(edge, host, 403, PATIENCE).await?;
        }
    }
    let took = began.elapsed().as_millis();
    stage.tell(format_args!(
        "clara approved; {took} ms later both edges refused all {} hostnames",
        FIRST.len()
    ));
    stage.me(&["status", id, "--watch"], "clara").await?;
    stage.tell(format_args!("both edges reported it to the desk, signed"));
    Ok(())
}

/// The page says why, and the reasons are there for everybody.
async fn reasons(stage: &Stage, id: &str) -> Result<()> {
    let page = stage.page(1, FIRST[0]).await?;
    let holds = |words: &str| page.contains(words);
    if !holds(id) || !holds("You did nothing wrong") {
        return Err(failed("the block page does not name the decision"));
    }
    let post = stage.press(&format!("/posts/{id}")).await?;
    if !post.contains("What this is not") {
        return Err(failed("the press does not show the reasons"));
    }
    stage.tell(format_args!("the page names the decision and links to the reasons, which the press shows"));
    Ok(())
}

/// With desk, press, relay and the first edge gone, the second edge goes on alone, and ends the block by itself.
async fn end_without_desk(stage: &mut Stage) -> Result<()> {
    stage.stop_all().await;
    stage.see(1, FIRST[0], 403).await?;
    stage.see(1, SECOND, 200).await?;
    stage.tell(format_args!(
        "desk, press, relay and the first edge are stopped; the second edge still blocks, alone"
    ));
    for host in FIRST {
        stage.until_seen(1, host, 200, Duration::from_secs(SHORT_SECONDS) + PATIENCE).await?;
    }
    stage.tell(format_args!(
        "its time was over, and it ended by itself: nobody confirmed it, nobody had to lift it"
    ));
    stage.start_all().await?;
    served(stage, "after the desk came back").await
}

/// A second emergency, validated by a reviewer, then lifted with one signature, straight at an edge.
async fn second_emergency(stage: &Stage) -> Result<()> {
    let finding = finding(stage, "finding-2").await?;
    let id = propose(stage, &finding, "24h").await?;
    approve(stage, &id).await?;
    stage.me(&["continue", &id, "--validated", "--why", "It holds.", "--yes"], "dora").await?;
    stage.tell(format_args!("dora, who signed nothing before, validated it: it may run to 72 hours"));
    let edge = format!("http://{}:{}", FIRST[0], stage.port(1));
    stage.me(&["lift", &id, "--why", "The danger is over.", "--edge", &edge, "--yes"], "anna").await?;
    let began = tokio::time::Instant::now();
    for edge in [1, 0] {
        for host in FIRST {
            stage.until_seen(edge, host, 200, PATIENCE).await?;
        }
    }
    let took = began.elapsed().as_millis();
    stage.tell(format_args!(
        "anna lifted it alone, at the second edge; {took} ms later both edges served again"
    ));
    stage.me(&["status", &id, "--watch"], "anna").await?;
    stage.tell(format_args!("the lift stands in the ledger, and both edges reported it"));
    Ok(())
}

fn failed(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, what)
}
