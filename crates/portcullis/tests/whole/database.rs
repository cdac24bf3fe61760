//! Whoever owns the database, down to committing plans that the desk will run with the log's key: nothing is blocked.

use crate::process::eventually;
use crate::town::{FIRST, Town};
use crate::visitor::{Way, get};
use ledger::note::{Note, Signature};
use policy::Id;
use sqlx::Connection;
use store::{Store, publish};

#[test]
fn a_plan_put_into_the_database_is_logged_and_has_no_effect() {
    let mut town = Town::start();
    let north = town.join("north");
    let id = town.propose("24h");
    let before = refused(&town);
    let size = town.status()["size"].as_u64().expect("a number");
    town.main.kill();
    runtime().block_on(commit_with_one_signature(&town, &id));
    town.restart();
    // The desk runs the plan, as it must: the note is now in the log, under the log's signature, without its quorum.
    eventually("both edges have read it and refused it", || {
        let edges = town.status()["edges"].as_array().cloned().unwrap_or_default();
        let all = edges.len() == 2 && edges.iter().all(|edge| edge["size"].as_u64() == Some(size + 1));
        all.then_some(())
    });
    assert!(refused(&town) > before, "a refusal shows: {:#}", town.status());
    for doors in [town.doors(), north.doors] {
        for host in FIRST {
            assert_eq!(get(doors, Way::Http, host, "/").status, 200, "{host}");
        }
    }
}

#[test]
fn a_changed_row_spoils_the_signatures_under_it() {
    let mut town = Town::start();
    let id = town.propose("24h");
    let size = town.status()["size"].clone();
    town.main.kill();
    let other =
        format!("UPDATE draft SET text = replace(text, 'no precedent', 'a precedent') WHERE id = '{id}'");
    assert_eq!(runtime().block_on(execute(&town, other)), 1);
    town.restart();
    let done = town.person("clara", &["approve", &id, "--yes"]);
    assert_eq!(done.code, 65, "{done:#?}");
    assert!(done.err.contains("does not verify"), "{done:#?}");
    let status = town.status();
    assert_eq!(status["size"], size, "nothing was published: {done:#?}");
    let counted = status["refused"].as_array().into_iter().flatten();
    let bad: Vec<_> = counted.filter(|c| c["what"] == "bad-signature").map(|c| c["times"].clone()).collect();
    assert_eq!(bad, [1], "and it shows: {status:#}");
    for host in FIRST {
        assert_eq!(get(town.doors(), Way::Http, host, "/").status, 200, "{host}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What every edge has refused so far, together.
fn refused(town: &Town) -> u64 {
    let edges = town.status()["edges"].as_array().cloned().unwrap_or_default();
    edges.iter().filter_map(|edge| edge["refused"].as_u64()).sum()
}

async fn commit_with_one_signature(town: &Town, id: &str) {
    let store = Store::open(&town.home().join("desk")).await.expect("the desk is dead, its database is ours");
    let id = Id::parse(id).expect("an id");
    let draft = store.draft(&id).await.expect("readable").expect("proposed");
    let mut note = Note::new(&draft.text).expect("a note's text");
    for line in &draft.signatures {
        note.add(Signature::parse_line(line).expect("a signature"));
    }
    assert_eq!(note.signatures().len(), 1, "the proposer alone has signed");
    let head = store.head().await.expect("readable").expect("a ledger");
    let tree = store.tree().await.expect("readable");
    let plan = publish::decide(&head, &tree, &note.to_bytes(), &[], head.logged, None).expect("a plan");
    store.commit_plan(&plan).await.expect("it is only a row");
}

async fn execute(town: &Town, sql: String) -> u64 {
    let url = format!("sqlite://{}", town.home().join("desk/portcullis.sqlite").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.expect("a file");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .execute(&mut database)
        .await
        .expect("it is only a row")
        .rows_affected()
}
