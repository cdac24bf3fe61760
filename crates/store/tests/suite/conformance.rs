//! What every database under a store must do. Each case is a function over `&Store`, so that another database runs
//! the same; the table at the end runs them on SQLite.

use super::common::{START, check_settled, house_ledger, publish_draft, put_signed, text};
use ledger::Hash;
use policy::testkit::{House, id};
use policy::{Id, Time};
use proptest::prelude::*;
use store::{
    Answer, Draft, DraftState, MAX_BLOB, MAX_COUNTERS, MAX_PASSKEYS, MAX_SESSIONS, NewDraft, Page, Passkey,
    Progress, Receipt, Store, StoreError, publish,
};

type Tested = Result<(), StoreError>;

fn at(seconds: u64) -> Time {
    Time(START.0 + seconds)
}

fn new_draft(name: &str, text: &str, created: Time) -> NewDraft {
    NewDraft { id: id(name), kind: "lift".into(), text: text.into(), created }
}

fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

async fn a_draft_is_put_once(store: &Store) -> Tested {
    let first = store.put_draft(&new_draft("lft-1", "a text\n", at(0))).await?;
    assert_eq!(first.state, DraftState::Collecting);
    assert_eq!(store.put_draft(&new_draft("lft-1", "a text\n", at(9))).await?, first, "later, but the same");
    assert!(is_conflict(&store.put_draft(&new_draft("lft-1", "another text\n", at(0))).await));
    let other_kind = NewDraft { kind: "impose".into(), ..new_draft("lft-1", "a text\n", at(0)) };
    assert!(is_conflict(&store.put_draft(&other_kind).await));
    let long = "x".repeat(ledger::note::MAX_NOTE + 1);
    assert!(matches!(store.put_draft(&new_draft("lft-2", &long, at(0))).await, Err(StoreError::Full { .. })));
    assert_eq!(store.draft(&id("lft-1")).await?, Some(first));
    assert_eq!(store.draft(&id("lft-2")).await?, None);
    Ok(())
}

async fn signatures_gather_in_order(store: &Store) -> Tested {
    let house = House::demo(START);
    let text = text(&house, "lft-1");
    store.put_draft(&new_draft("lft-1", &text, at(0))).await?;
    let [anna, ben] = ["anna", "ben"].map(|who| house.sign(&text, who).to_string());
    store.add_signature(&id("lft-1"), &ben).await?;
    store.add_signature(&id("lft-1"), &anna).await?;
    let draft = store.add_signature(&id("lft-1"), &ben).await?;
    assert_eq!(draft.signatures, [ben.clone(), anna.clone()], "the same line twice is one");
    assert_eq!(draft.to_note(), house.signed(&text, &["ben", "anna"]).to_bytes());
    for bad in ["", "anna", "— anna", &format!("{anna}\n"), &format!("{anna}\n{ben}"), "- anna AAAA"] {
        let refused = store.add_signature(&id("lft-1"), bad).await;
        assert!(matches!(refused, Err(StoreError::Unfit(_))), "{bad:?}: {refused:?}");
    }
    let nobody = store.add_signature(&id("lft-9"), &anna).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))));
    store.void_draft(&id("lft-1")).await?;
    assert_eq!(store.void_draft(&id("lft-1")).await?.state, DraftState::Void, "twice is once");
    assert!(is_conflict(&store.add_signature(&id("lft-1"), &anna).await), "void is for ever");
    Ok(())
}

async fn drafts_are_listed_newest_first(store: &Store) -> Tested {
    for (name, created) in [("lft-a", 5), ("lft-b", 7), ("lft-c", 7), ("lft-d", 1)] {
        store.put_draft(&new_draft(name, "t\n", at(created))).await?;
    }
    let names = |drafts: &[Draft]| drafts.iter().map(|d| d.id.to_string()).collect::<Vec<_>>();
    let all = store.drafts(&Page::default()).await?;
    assert_eq!(names(&all), ["lft-c", "lft-b", "lft-a", "lft-d"]);
    let mut walked = Vec::new();
    let mut page = Page { before: None, limit: 1 };
    while let Some(draft) = store.drafts(&page).await?.pop() {
        page.before = Some((draft.created, draft.id.clone()));
        walked.push(draft);
    }
    assert_eq!(walked, all);
    Ok(())
}

async fn blobs_wait_and_are_bounded(store: &Store) -> Tested {
    let hash = store.put_blob(b"a post", "anna", at(0)).await?;
    assert_eq!(hash, Hash::of(b"a post"));
    assert_eq!(store.put_blob(b"a post", "ben", at(5)).await?, hash);
    assert_eq!(store.blob(&hash).await?.as_deref(), Some(&b"a post"[..]));
    assert_eq!(store.reader().blob(&hash).await?, None, "pending is not public");
    assert_eq!(store.reader().file(&format!("blob/{hash}")).await?, None);
    let larger = store.put_blob(&vec![7; MAX_BLOB + 1], "anna", at(1)).await;
    assert!(matches!(larger, Err(StoreError::Full { .. })));
    let fill = async |by: &str| -> Result<u64, StoreError> {
        let mut fitted = 0;
        for n in 0..=store::MAX_PENDING / MAX_BLOB as u64 {
            let mut blob = vec![7; MAX_BLOB];
            blob[..8].copy_from_slice(&n.to_be_bytes());
            blob[8..8 + by.len()].copy_from_slice(by.as_bytes());
            match store.put_blob(&blob, by, at(1)).await {
                Ok(_) => fitted += 1,
                Err(StoreError::Full { .. }) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(fitted)
    };
    let each = store::MAX_PENDING_EACH / MAX_BLOB as u64;
    let mut fitted = 0;
    for by in ["ben", "clara", "dora", "emil"] {
        fitted += fill(by).await?;
        assert!(fitted <= each * 4);
        let more = store.put_blob(by.as_bytes(), by, at(1)).await;
        assert_eq!(more.is_err(), by != "emil", "{by} has a quarter and no more");
    }
    // anna's post took the room of the last one
    assert_eq!(fitted, 4 * each - 1, "all together are bounded too");
    let late = at(1 + store::PENDING_SECONDS + 1);
    store.put_blob(b"late", "emil", late).await?;
    let first = store.blob(&hash).await?;
    assert_eq!(first.as_deref(), Some(&b"a post"[..]), "put again at 5, it waits from then on");
    store.put_blob(b"later", "emil", at(6 + store::PENDING_SECONDS)).await?;
    assert_eq!(store.blob(&hash).await?, None, "what waited too long is gone");
    Ok(())
}

fn receipt(edge: &str, at: Time, measures: &[&str]) -> Receipt {
    Receipt {
        edge: edge.into(),
        note: format!("note of {at}").into_bytes(),
        at,
        size: 3,
        root: Hash::of(b"root"),
        effective: Hash::of(b"effective"),
        measures: measures.iter().map(|name| id(name)).collect(),
        refused: 2,
        config: Some(3),
        stale: false,
    }
}

async fn edges_report(store: &Store) -> Tested {
    store.enrol_edge("edge-1", "vkey 1", at(0)).await?;
    store.enrol_edge("edge-1", "vkey 1", at(5)).await?;
    store.enrol_edge("edge-2", "vkey 2", at(0)).await?;
    assert!(is_conflict(&store.enrol_edge("edge-1", "vkey 3", at(0)).await));
    let stranger = store.put_receipt(&receipt("edge-3", at(1), &[])).await;
    assert!(matches!(stranger, Err(StoreError::NotFound(_))));
    assert!(store.put_receipt(&receipt("edge-1", at(1), &[])).await?);
    assert!(store.put_receipt(&receipt("edge-1", at(2), &["imp-1", "imp-2"])).await?);
    assert!(store.put_receipt(&receipt("edge-2", at(4), &["imp-1"])).await?);
    assert!(store.put_receipt(&receipt("edge-1", at(6), &["imp-2"])).await?);
    assert!(!store.put_receipt(&receipt("edge-1", at(3), &["imp-1"])).await?, "older: replayed or late");
    let progress = |edge: &str, first, ended| Progress { edge: edge.into(), first: at(first), ended };
    let want = [progress("edge-1", 2, Some(at(6))), progress("edge-2", 4, None)];
    assert_eq!(store.progress(&id("imp-1")).await?, want);
    assert_eq!(store.progress(&id("imp-2")).await?, [progress("edge-1", 2, None)]);
    assert_eq!(store.progress(&id("imp-3")).await?, []);
    let edges = store.edges().await?;
    assert_eq!(edges.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["edge-1", "edge-2"]);
    assert_eq!(edges[0].enrolled, at(0));
    assert_eq!(edges[0].receipt, Some(receipt("edge-1", at(6), &["imp-2"])));
    assert_eq!(store.edge("edge-2").await?, edges.last().cloned());
    assert!(store.remove_edge("edge-2").await? && !store.remove_edge("edge-2").await?);
    assert_eq!(store.progress(&id("imp-1")).await?, [progress("edge-1", 2, Some(at(6)))]);
    Ok(())
}

async fn tokens_are_hashes(store: &Store) -> Tested {
    let secret = Hash::of(b"secret");
    store.add_token("anna's laptop", &secret, "read write", at(3)).await?;
    assert!(is_conflict(&store.add_token("anna's laptop", &Hash::of(b"other"), "read", at(3)).await));
    assert!(is_conflict(&store.add_token("other", &secret, "read", at(3)).await));
    let token = store.token(&secret).await?;
    assert_eq!(
        token.as_ref().map(|t| (t.name.as_str(), t.scope.as_str())),
        Some(("anna's laptop", "read write"))
    );
    assert_eq!(store.tokens().await?, Vec::from_iter(token));
    assert_eq!(store.token(&Hash::of(b"other")).await?, None);
    assert!(store.remove_token("anna's laptop").await? && !store.remove_token("anna's laptop").await?);
    assert_eq!(store.token(&secret).await?, None);
    Ok(())
}

async fn passkeys_come_by_links_and_go_with_their_token(store: &Store) -> Tested {
    let (link, login) = (Hash::of(b"link"), Hash::of(b"login"));
    let is_missing = |got: Result<(), StoreError>| matches!(got, Err(StoreError::NotFound(_)));
    assert!(is_missing(store.add_passkey_link("anna", &link, at(900), at(0)).await), "no token");
    store.add_token("anna", &Hash::of(b"anna"), "officer", at(0)).await?;
    store.add_passkey_link("anna", &link, at(900), at(0)).await?;
    assert_eq!(store.passkey_link(&link, at(899)).await?.as_deref(), Some("anna"));
    assert_eq!(store.passkey_link(&link, at(900)).await?, None, "its time is over");
    let made = |n: u8| Passkey {
        credential: vec![n; 16],
        token: "anna".into(),
        vkey: format!("anna+{n}"),
        kept: "{}".into(),
        created: at(10),
    };
    let late = Passkey { created: at(900), ..made(1) };
    assert!(is_missing(store.enrol_passkey(&link, &late).await));
    assert!(is_missing(store.enrol_passkey(&link, &Passkey { token: "ben".into(), ..made(1) }).await));
    store.enrol_passkey(&link, &made(1)).await?;
    assert!(is_missing(store.enrol_passkey(&link, &made(2)).await), "a link enrols one");
    assert_eq!(store.passkeys(None).await?, [made(1)]);
    assert_eq!(store.passkeys(Some("ben")).await?, []);

    assert_eq!(store.session(&login, at(20)).await?, None);
    let used = Passkey { kept: "{\"used\":1}".into(), ..made(1) };
    store.enter(&login, &used, at(100), at(20)).await?;
    assert_eq!(store.passkeys(Some("anna")).await?.first(), Some(&used));
    let who = store.session(&login, at(99)).await?.map(|t| (t.name, t.scope));
    assert_eq!(who, Some(("anna".into(), "officer".into())));
    assert_eq!(store.session(&login, at(100)).await?, None, "it ends by itself");
    for n in 0..MAX_SESSIONS {
        let secret = Hash::of(&[u8::try_from(n).expect("few")]);
        store.enter(&secret, &used, at(200 + n.unsigned_abs()), at(30)).await?;
    }
    assert_eq!(store.session(&login, at(40)).await?, None, "the one that would end first made room");
    store.leave(&Hash::of(&[1])).await?;
    assert_eq!(store.session(&Hash::of(&[1]), at(40)).await?, None);
    assert!(store.session(&Hash::of(&[2]), at(40)).await?.is_some());
    assert!(store.remove_passkey("anna+1").await? && !store.remove_passkey("anna+1").await?);
    assert_eq!(store.session(&Hash::of(&[2]), at(40)).await?, None, "a login ends with its passkey");
    assert!(is_missing(store.enter(&login, &used, at(100), at(20)).await));

    for n in 0..MAX_PASSKEYS {
        store.add_passkey_link("anna", &link, at(900), at(0)).await?;
        store.enrol_passkey(&link, &made(u8::try_from(n).expect("few") + 1)).await?;
    }
    let more = store.add_passkey_link("anna", &link, at(900), at(0)).await;
    assert!(matches!(more, Err(StoreError::Full { .. })));
    // Whoever gets a token of this name later is not let in by the passkeys of the one before.
    assert!(store.remove_token("anna").await?);
    store.add_token("anna", &Hash::of(b"another anna"), "officer", at(50)).await?;
    assert_eq!(store.passkeys(None).await?, []);
    assert!(store.remove_token("anna").await?);
    Ok(())
}

async fn answers_are_given_again_for_a_day(store: &Store) -> Tested {
    let (request, other) = (Hash::of(b"request"), Hash::of(b"other"));
    let answer = |body: &str| Answer { status: 201, content_type: "text/plain".into(), body: body.into() };
    assert_eq!(store.idempotent("key", &request, at(0)).await?, None);
    store.remember("key", &request, &answer("one"), at(0)).await?;
    store.remember("key", &request, &answer("two"), at(1)).await?;
    assert_eq!(store.idempotent("key", &request, at(86_399)).await?, Some(answer("one")), "the first stays");
    assert!(is_conflict(&store.idempotent("key", &other, at(5)).await));
    assert_eq!(store.idempotent("key", &request, at(86_400)).await?, None);
    store.remember("key", &other, &answer("three"), at(86_400)).await?;
    assert_eq!(store.idempotent("key", &other, at(86_401)).await?, Some(answer("three")));
    Ok(())
}

async fn refusals_are_counted(store: &Store) -> Tested {
    for word in ["quorum", "forked-ledger", "quorum"] {
        store.count(word).await?;
    }
    let counted = store.counters().await?;
    assert_eq!(counted, [("forked-ledger".to_owned(), 1), ("quorum".to_owned(), 2)]);
    for n in 0..MAX_COUNTERS + 10 {
        store.count(&format!("word-{n}")).await?;
    }
    let counted = store.counters().await?;
    assert_eq!(counted.len() as u64, MAX_COUNTERS);
    assert_eq!(counted.iter().map(|(_, times)| times).sum::<u64>(), 3 + MAX_COUNTERS + 10, "none is lost");
    assert!(counted.iter().any(|(what, _)| what == "other"));
    Ok(())
}

async fn there_is_no_ledger_before_it_is_created(store: &Store) -> Tested {
    assert!(store.head().await?.is_none() && store.trust().await?.is_none());
    assert_eq!(store.reader().checkpoint().await?, None);
    assert_eq!(store.reader().size().await?, 0);
    assert_eq!(store.unfinished().await?, None);
    assert_eq!(store.drop_unsigned_plan().await?, None);
    assert!(matches!(store.tree().await, Err(StoreError::NoLedger)));
    let house = House::demo(START);
    assert!(matches!(store.reader().state(&house.trust(), true).await, Err(StoreError::NoLedger)));
    let one_signature = house.signed(&house.policy().to_string(), &["anna"]).to_bytes();
    let refused = store.init_ledger(&house.log, &one_signature, START).await;
    assert!(matches!(refused, Err(StoreError::Unfit(_))), "{refused:?}");
    assert!(store.head().await?.is_none(), "a bad beginning begins nothing");
    Ok(())
}

async fn one_publication_at_a_time(store: &Store) -> Tested {
    let house = House::demo(START);
    let trust = store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    assert_eq!(trust.to_string(), house.trust().to_string());
    let (head, tree) = (store.head().await?.unwrap(), store.tree().await?);
    let [one, two] = [put_signed(store, &house, "lft-1").await, put_signed(store, &house, "lft-2").await];
    let notes = [store.draft(&one).await?.unwrap().to_note(), store.draft(&two).await?.unwrap().to_note()];
    let decide = |n: usize, draft| publish::decide(&head, &tree, &notes[n], &[], at(1), Some(draft)).unwrap();
    let (first, second) = (decide(0, &one), decide(1, &two));
    store.commit_plan(&first).await?;
    assert!(matches!(store.commit_plan(&second).await, Err(StoreError::Busy(_))));
    assert!(is_conflict(&publish::run(store, &second, &house.log).await), "only the stored plan runs");
    let late = house.sign(&text(&house, "lft-1"), "ben").to_string();
    assert!(is_conflict(&store.add_signature(&one, &late).await), "what is being published does not change");
    assert!(is_conflict(&store.void_draft(&one).await));
    let stranger = ledger::note::SigningKey::from_seed("another", [9; 32]).unwrap();
    let refused = publish::run(store, &first, &stranger).await;
    assert!(matches!(refused, Err(StoreError::Unfit(_))), "{refused:?}");
    let done = publish::run(store, &first, &house.log).await?;
    assert_eq!((done.index, done.size), (1, 2));
    assert_eq!(store.reader().checkpoint().await?, Some(done.checkpoint));
    assert!(is_conflict(&publish::run(store, &first, &house.log).await), "it is finished");
    let moved = store.commit_plan(&second).await;
    assert!(matches!(moved, Err(StoreError::HeadMoved { expected: 1, found: 2 })), "{moved:?}");
    assert_eq!(publish_draft(store, &house, &two, &[], at(2)).await?.index, 2);
    let again = publish_draft(store, &house, &two, &[], at(3)).await;
    assert!(is_conflict(&again), "a draft is published once: {again:?}");
    Ok(())
}

async fn what_does_not_fit_is_not_planned(store: &Store) -> Tested {
    let house = House::demo(START);
    store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    let (head, tree) = (store.head().await?.unwrap(), store.tree().await?);
    let note = house.signed(&text(&house, "lft-1"), &["anna"]).to_bytes();
    let back = publish::decide(&head, &tree, &note, &[], Time(START.0 - 1), None);
    assert!(matches!(back, Err(StoreError::Unfit(_))), "time goes back: {back:?}");
    let malformed = publish::decide(&head, &tree, b"no note", &[], at(1), None);
    assert!(matches!(malformed, Err(StoreError::Unfit(_))), "{malformed:?}");
    let other_tree = publish::decide(&head, &ledger::merkle::Tree::new(), &note, &[], at(1), None);
    assert!(matches!(other_tree, Err(StoreError::Unfit(_))), "{other_tree:?}");
    // The largest note that parses is one byte longer than the longest entry, before its `logged` line.
    let line = house.sign("x\n", "anna").to_string();
    let long = format!("{}\n", "x".repeat(ledger::note::MAX_NOTE - line.len() - 3));
    let long = house.signed(&long, &["anna"]).to_bytes();
    assert_eq!(long.len(), ledger::note::MAX_NOTE);
    let long = publish::decide(&head, &tree, &long, &[], at(1), None);
    assert!(matches!(long, Err(StoreError::Full { .. })), "{long:?}");
    let absent = publish::decide(&head, &tree, &note, &[Hash::of(b"absent")], at(1), None).unwrap();
    assert!(
        matches!(store.commit_plan(&absent).await, Err(StoreError::NotFound(_))),
        "its blob was never put"
    );
    assert_eq!(store.unfinished().await?, None);
    Ok(())
}

async fn blobs_of_a_plan_stay(store: &Store) -> Tested {
    let house = House::demo(START);
    store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    let (head, tree) = (store.head().await?.unwrap(), store.tree().await?);
    let blob = store.put_blob(b"a post", "anna", at(0)).await?;
    let nobodys = store.put_blob(b"nobody's", "anna", at(0)).await?;
    let note = house.signed(&text(&house, "lft-1"), &["anna"]).to_bytes();
    let plan = publish::decide(&head, &tree, &note, &[blob, blob], at(1), None).unwrap();
    assert_eq!(plan.blobs(), [blob], "named twice, published once");
    store.commit_plan(&plan).await?;
    let late = at(1 + store::PENDING_SECONDS);
    store.put_blob(b"late", "anna", late).await?;
    assert_eq!(store.blob(&nobodys).await?, None);
    publish::run(store, &plan, &house.log).await?;
    assert_eq!(store.reader().blob(&blob).await?.as_deref(), Some(&b"a post"[..]));
    Ok(())
}

/// Erased, a subject is nowhere; the entry that names its hash stays.
async fn an_erased_subject_is_gone(store: &Store) -> Tested {
    let house = House::demo(START);
    store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    let (head, tree) = (store.head().await?.unwrap(), store.tree().await?);
    let subject = store.put_blob(b"whom it is about", "anna", at(0)).await?;
    let note = house.signed(&text(&house, "lft-1"), &["anna"]).to_bytes();
    let plan = publish::decide(&head, &tree, &note, &[subject], at(1), None).unwrap();
    store.commit_plan(&plan).await?;
    publish::run(store, &plan, &house.log).await?;
    assert!(store.erase_subject(&subject).await?);
    assert!(!store.erase_subject(&subject).await?, "erased once");
    assert_eq!(store.blob(&subject).await?, None);
    assert_eq!(store.reader().file(&format!("blob/{subject}")).await?, None);
    assert_eq!(store.reader().size().await?, 2);
    // Nor is it in what the database keeps beside its rows.
    for file in std::fs::read_dir(store.dir()).expect("readable").flatten().filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).expect("readable");
        let found = bytes.windows(16).any(|w| w == b"whom it is about");
        assert!(!found, "it is in {}", file.path().display());
    }
    Ok(())
}

/// A snapshot stays while anybody needs it, and is no blob.
async fn snapshots_go_when_nobody_needs_them(store: &Store) -> Tested {
    let one = store.put_snapshot(b"one", at(0), |_| true).await?;
    let two = store.put_snapshot(b"two", at(1), |_| true).await?;
    assert_eq!(store.blob(&one).await?, None);
    let late = 2 + store::SNAPSHOT_SECONDS;
    store.put_snapshot(b"three", at(late), |hash| *hash == one).await?;
    assert_eq!(store.snapshot(&one).await?.as_deref(), Some(&b"one"[..]), "needed");
    assert_eq!(store.snapshot(&two).await?, None, "nobody needs it");
    store.put_snapshot(b"three", at(2 * late), |_| false).await?;
    assert_eq!(store.snapshot(&one).await?, None);
    assert!(store.snapshot(&Hash::of(b"three")).await?.is_some(), "just put");
    let large = store.put_snapshot(&vec![7; policy::MAX_SNAPSHOT + 1], at(0), |_| false).await;
    assert!(matches!(large, Err(StoreError::Full { .. })));
    Ok(())
}

/// What a logged note names and nobody else has: kept for good, and never public.
async fn records_outlast_what_waits(store: &Store) -> Tested {
    let house = House::demo(START);
    store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    let assessment = store.put_blob(b"eight sentences", "anna", at(0)).await?;
    let mut finding = house.finding("fnd-1", at(0), &house.subject("cus_first", &["one.first.example"]));
    finding.assessment = assessment;
    let draft =
        NewDraft { id: id("fnd-1"), kind: "finding".into(), text: finding.to_string(), created: START };
    store.put_draft(&draft).await?;
    let note = house.signed(&finding.to_string(), &["anna", "ben"]);
    for signature in note.signatures() {
        store.add_signature(&id("fnd-1"), &signature.to_string()).await?;
    }
    publish_draft(store, &house, &id("fnd-1"), &[], at(1)).await?;
    store.put_blob(b"late", "anna", at(9 * store::PENDING_SECONDS)).await?;
    assert_eq!(store.blob(&assessment).await?.as_deref(), Some(&b"eight sentences"[..]));
    assert_eq!(store.reader().blob(&assessment).await?, None, "a record is not public");
    Ok(())
}

/// The fold over the files: a whole emergency, its blobs, its lift.
async fn the_reader_folds_the_ledger(store: &Store) -> Tested {
    let house = House::demo(START);
    let trust = store.init_ledger(&house.log, &house.policy_note().to_bytes(), START).await?;
    let reader = store.reader();
    let mut state = reader.state(&trust, true).await?;
    assert!(
        matches!(reader.state(&trust, false).await, Err(StoreError::Unfit(_))),
        "demo keys need permission"
    );
    let (post, now) = (b"# Reasons\n", at(60));
    let subject = house.subject("cus_first", &["one.first.example"]);
    let subject_text = subject.to_string();
    let finding = house.finding("fnd-1", now, &subject).to_string();
    let impose = house.emergency("imp-1", now, "fnd-1", &subject, post).to_string();
    let lift = house.lift("lft-1", "imp-1", at(120)).to_string();
    type Case<'t> = (&'t str, &'t str, &'t [&'t str], &'t [&'t [u8]], Time);
    let notes: [Case<'_>; 3] = [
        ("fnd-1", &finding, &["anna", "ben"], &[], now),
        ("imp-1", &impose, &["ben", "clara"], &[post, subject_text.as_bytes()], now),
        ("lft-1", &lift, &["emil"], &[], at(120)),
    ];
    let mut in_force = Vec::new();
    for (name, text, signers, blobs, logged) in notes {
        store.put_draft(&new_draft(name, text, logged)).await?;
        for who in signers {
            store.add_signature(&id(name), &house.sign(text, who).to_string()).await?;
        }
        publish_draft(store, &house, &id(name), blobs, logged).await?;
        let outcomes = reader.catch_up(&mut state).await?;
        assert!(outcomes.len() == 1 && outcomes[0].1.is_applied(), "{name}: {outcomes:?}");
        in_force.push(state.at(logged).len());
    }
    assert_eq!(in_force, [0, 1, 0]);
    let whole = reader.state(&trust, true).await?;
    assert_eq!(whole.effective_hash(at(121)), state.effective_hash(at(121)));
    assert!(whole.subject(&Hash::of(subject_text.as_bytes())).is_some(), "also of a lifted decision");
    assert!(reader.catch_up(&mut state).await?.is_empty());
    Ok(())
}

/// The cases, on SQLite.
macro_rules! on_sqlite {
    ($($case:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    let dir = tempfile::tempdir().unwrap();
                    let store = store::Store::open(dir.path()).await.unwrap();
                    super::$case(&store).await.unwrap();
                    let trust = store.trust().await.unwrap();
                    store.close().await;
                    if let Some(trust) = trust {
                        super::check_settled(dir.path(), &trust).await;
                    }
                }
            )*
        }
    };
}

on_sqlite! {
    a_draft_is_put_once
    signatures_gather_in_order
    drafts_are_listed_newest_first
    blobs_wait_and_are_bounded
    edges_report
    tokens_are_hashes
    passkeys_come_by_links_and_go_with_their_token
    answers_are_given_again_for_a_day
    refusals_are_counted
    there_is_no_ledger_before_it_is_created
    one_publication_at_a_time
    what_does_not_fit_is_not_planned
    blobs_of_a_plan_stay
    records_outlast_what_waits
    an_erased_subject_is_gone
    snapshots_go_when_nobody_needs_them
    the_reader_folds_the_ledger
}

/// Two desks on one directory, the database of one restored from an older copy: the ledger is not given two histories.
#[tokio::test]
async fn a_head_from_a_backup_signs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (house, store, trust) = house_ledger(&dir.path().join("live")).await;
    store.close().await;
    super::common::copy_store(&dir.path().join("live"), &dir.path().join("backup"));
    let store = Store::open(&dir.path().join("live")).await.unwrap();
    let draft = put_signed(&store, &house, "lft-1").await;
    publish_draft(&store, &house, &draft, &[], at(1)).await.unwrap();
    store.close().await;
    for file in ["portcullis.sqlite", "portcullis.sqlite-wal", "portcullis.sqlite-shm"] {
        let (old, live) = (dir.path().join("backup").join(file), dir.path().join("live").join(file));
        drop(std::fs::remove_file(&live));
        if old.exists() {
            std::fs::copy(old, live).unwrap();
        }
    }
    let store = Store::open(&dir.path().join("live")).await.unwrap();
    let draft = put_signed(&store, &house, "lft-2").await;
    let refused = publish_draft(&store, &house, &draft, &[], at(2)).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    store.close().await;
    assert_eq!(
        super::common::check_public(&dir.path().join("live"), &trust).await.len(),
        2,
        "the public still has both"
    );
}

#[tokio::test]
async fn two_stores_on_one_directory_make_one_history() {
    let dir = tempfile::tempdir().unwrap();
    let (house, one, trust) = house_ledger(dir.path()).await;
    let two = Store::open(dir.path()).await.unwrap();
    let (head, tree) = (one.head().await.unwrap().unwrap(), one.tree().await.unwrap());
    let plan = |name: &str| {
        let note = house.signed(&text(&house, name), &["anna"]).to_bytes();
        publish::decide(&head, &tree, &note, &[], at(1), None).unwrap()
    };
    let (mine, yours) = (plan("lft-1"), plan("lft-2"));
    one.commit_plan(&mine).await.unwrap();
    assert!(matches!(two.commit_plan(&yours).await, Err(StoreError::Busy(_))));
    // The other one may finish what the first began, and many may try at once: one entry comes of it.
    let runs = (publish::run(&one, &mine, &house.log), publish::run(&two, &mine, &house.log));
    let (a, b) = tokio::join!(runs.0, runs.1);
    assert!(a.is_ok() || b.is_ok(), "{a:?} {b:?}");
    assert!(matches!(two.commit_plan(&yours).await, Err(StoreError::HeadMoved { .. })));
    assert_eq!(check_settled(dir.path(), &trust).await.len(), 2);
}

/// A press of its own opens what is there, and creates nothing.
#[tokio::test]
async fn a_reader_of_its_own_needs_a_store() {
    let dir = tempfile::tempdir().unwrap();
    assert!(store::Reader::open(dir.path()).await.is_err(), "it creates nothing");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let (_, _store, trust) = house_ledger(dir.path()).await;
    let reader = store::Reader::open(dir.path()).await.unwrap();
    assert_eq!(reader.trust().await.unwrap().map(|t| t.to_string()), Some(trust.to_string()));
    assert_eq!(reader.state(&trust, true).await.unwrap().size(), 1);
}

/// What an edge reported, as a model: what `progress` must say after a run of receipts in the order of their times.
fn model(receipts: &[(u64, Vec<bool>)]) -> Vec<Option<(u64, Option<u64>)>> {
    let mut progress = vec![None; 3];
    for (time, effective) in receipts {
        for (known, now) in progress.iter_mut().zip(effective) {
            *known = match (*known, now) {
                (None, true) => Some((*time, None)),
                (Some((first, _)), true) => Some((first, None)),
                (Some((first, None)), false) => Some((first, Some(*time))),
                (other, false) => other,
            };
        }
    }
    progress
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever older receipts are replayed in between, progress is that of the receipts in order.
    #[test]
    fn replayed_receipts_turn_nothing_back(
        runs in prop::collection::vec((prop::collection::vec(any::<bool>(), 3), any::<prop::sample::Index>()), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(dir.path()).await.unwrap();
            store.enrol_edge("edge-1", "vkey", START).await.unwrap();
            let names = ["imp-0", "imp-1", "imp-2"];
            let mut sent: Vec<(u64, Vec<bool>)> = Vec::new();
            for (n, (effective, replay)) in (1..).zip(runs) {
                sent.push((n, effective));
                for again in [sent.len() - 1, replay.index(sent.len())] {
                    let (time, effective) = &sent[again];
                    let measures: Vec<&str> =
                        names.iter().zip(effective).filter_map(|(name, on)| on.then_some(*name)).collect();
                    let kept = store.put_receipt(&receipt("edge-1", at(*time), &measures)).await.unwrap();
                    assert_eq!(kept, again == sent.len() - 1);
                }
            }
            for (name, want) in names.iter().zip(model(&sent)) {
                let have = store.progress(&id(name)).await.unwrap();
                let have = have.first().map(|p| (p.first.0 - START.0, p.ended.map(|t| t.0 - START.0)));
                assert_eq!(have, want, "{name}");
            }
        });
    }

    /// A plan's stored form gives the same plan back, and reading anything else never panics.
    #[test]
    fn a_plan_is_its_text(
        names in prop::collection::vec("[a-z]{3,12}", 1..5), blobs in 0u8..4, logged in 0u64..1 << 40
    ) {
        let house = House::demo(START);
        let mut tree = ledger::merkle::Tree::new();
        let mut head = store::Head {
            origin: house.origin.clone(),
            size: 0,
            root: Hash::of(b""),
            logged: Time(0),
            checkpoint: Vec::new(),
        };
        let hashes: Vec<Hash> = (0..blobs).map(|n| Hash::of(&[n])).collect();
        for name in names {
            let draft = Id::parse(&name).unwrap();
            let note = house.signed(&text(&house, &name), &["anna"]).to_bytes();
            let plan = publish::decide(&head, &tree, &note, &hashes, Time(logged), Some(&draft)).unwrap();
            prop_assert_eq!(store::Plan::parse(&plan.to_text()), Ok(plan.clone()));
            tree.push(ledger::merkle::leaf_hash(plan.entry()));
            head.size += 1;
            head.root = tree.root_at(head.size).unwrap();
            let text = plan.to_text();
            for cut in 0..text.len() {
                if text.is_char_boundary(cut) && cut % 37 == 0 {
                    prop_assert!(store::Plan::parse(&text[..cut]) != Ok(plan.clone()));
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_plan_parser_panic(text in "(portcullis-plan/v1\n)?(.|\n){0,200}") {
        drop(store::Plan::parse(&text));
    }
}
