//! A decision as facts: a table for people, JSON for machines.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use policy::{Decision, Id, Signer, Time};
use serde_json::{Value, json};

use crate::http::{FRESH, Failure, HTML, JSON, answer};
use crate::pages::Frame;
use crate::view::{self, Card, Step};
use crate::{App, fold, words};

struct Fact {
    name: &'static str,
    value: String,
    href: Option<String>,
}

struct SignerRow {
    role: &'static str,
    organisation: String,
    key: String,
}

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage<'a> {
    frame: Frame<'a>,
    card: Card,
    notice: String,
    facts: Vec<Fact>,
    signers: Vec<SignerRow>,
    steps: Vec<Step>,
}

/// `/decisions/{id}` and `/decisions/{id}.json`. Another note's id leads to its ledger entry.
pub(crate) async fn page_or_json(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    const MISSING: Failure = Failure::NotFound("No decision has this id.");
    let as_json = name.strip_suffix(".json");
    let id = Id::parse(as_json.unwrap_or(&name)).ok_or(MISSING)?;
    let now = app.now();
    let (decision, scope, finding) = {
        let state = app.fold.current().await?;
        let Some(decision) = state.decision(&id).cloned() else {
            let index = fold::index_of(&state, &id).filter(|_| as_json.is_none()).ok_or(MISSING)?;
            return Ok(Redirect::to(&format!("/ledger/entry/{index}")).into_response());
        };
        let finding = decision.impose.finding.as_ref().and_then(|id| fold::index_of(&state, id));
        let scope = words::scope_counted(decision.impose.scope, decision.impose.hostnames);
        (decision, scope, finding)
    };
    if as_json.is_some() {
        let body = format!("{:#}\n", as_value(&app, &decision, now));
        return Ok(answer(&asked, JSON, FRESH, body.into_bytes()));
    }
    let reasons = app.posts.get(&decision.impose.post).await?;
    let card = app.card(&decision, &reasons, now);
    let html = DecisionPage {
        frame: Frame::of(&app),
        notice: words::notice(&decision, now),
        facts: facts(&decision, &card, scope, finding, now),
        signers: signers(&decision),
        steps: view::timeline(&decision, now),
        card,
    }
    .render()?;
    Ok(answer(&asked, HTML, FRESH, html.into_bytes()))
}

fn facts(decision: &Decision, card: &Card, scope: String, finding: Option<u64>, now: Time) -> Vec<Fact> {
    let impose = &decision.impose;
    let plain = |name, value: String| Fact { name, value, href: None };
    let time = |name, time: Time| plain(name, view::moment(time));
    let blob = |name, hash: &ledger::Hash| Fact {
        name,
        value: hash.to_string(),
        href: Some(format!("/ledger/blob/{hash}")),
    };
    let mut facts = vec![
        plain("Class", card.class.to_string()),
        plain("Scope", scope),
        plain(
            "Ground",
            format!("{} (rule {}, version {})", card.ground, impose.ground, impose.ground_version),
        ),
        time("Proposed", impose.proposed),
        time("To be approved by", impose.approve_by),
        time("Logged", decision.logged),
        time("Since", impose.since),
        time(words::end_label(decision), decision.until()),
        plain("Court order", words::order(impose.order.as_ref())),
        plain("Authorities told", words::authorities(impose.referral.as_ref().map_or(0, |r| r.count))),
    ];
    if let Some(by) = decision.confirm_by() {
        facts.push(time("To be confirmed by", by));
    }
    if let Some(id) = &impose.finding {
        facts.push(Fact {
            name: "Finding",
            value: id.to_string(),
            href: finding.map(|index| format!("/ledger/entry/{index}")),
        });
    }
    if let Some(withheld) = &impose.withheld {
        facts.push(plain("Held back", words::withheld(withheld, now)));
        if withheld.opens <= now {
            facts.push(blob("What was held back (SHA-256)", &withheld.narrative));
        }
    }
    facts.push(plain("Not a precedent for", impose.limiting.to_string()));
    facts.push(blob("Reasons (SHA-256)", &impose.post));
    facts.push(blob("Subject (SHA-256)", &impose.subject));
    facts.push(Fact {
        name: "Ledger entry",
        value: decision.index.to_string(),
        href: Some(format!("/ledger/entry/{}", decision.index)),
    });
    facts
}

fn signers(decision: &Decision) -> Vec<SignerRow> {
    let mut rows = Vec::new();
    let mut add = |role, signers: &[Signer]| {
        rows.extend(signers.iter().map(|signer| SignerRow {
            role,
            organisation: signer.organisation.to_string(),
            key: name_and_id(&signer.key),
        }));
    };
    add("Assessor (finding)", &decision.assessors);
    add("Decision", &decision.signers);
    for continued in &decision.continues {
        add("Continuation", &continued.signers);
    }
    if let Some(lift) = &decision.lifted {
        add("Lift", &lift.by);
    }
    rows
}

/// A key as `name+id`, without the public key itself, which the JSON has in full.
fn name_and_id(key: &str) -> String {
    let end = key.match_indices('+').nth(1).map_or(key.len(), |(at, _)| at);
    key.get(..end).unwrap_or(key).to_string()
}

/// The decision as JSON. Names are those of the note; times are RFC 3339, UTC; what does not apply is `null`.
pub(crate) fn as_value(app: &App, decision: &Decision, now: Time) -> Value {
    let impose = &decision.impose;
    let operator = &app.config.operator;
    let base = &operator.reasons_base;
    let id = impose.head.id.as_str();
    let moment = |time: Time| time.to_string();
    let keys = |signers: &[Signer]| -> Vec<Value> {
        signers
            .iter()
            .map(|signer| json!({ "organisation": signer.organisation.as_str(), "key": signer.key }))
            .collect()
    };
    let continues: Vec<Value> = decision
        .continues
        .iter()
        .map(|continued| {
            json!({
                "id": continued.note.head.id.as_str(),
                "reason": continued.note.reason.word(),
                "until": moment(continued.note.until),
                "why": continued.note.why.to_string(),
                "index": continued.index,
                "logged": moment(continued.logged),
                "signers": keys(&continued.signers),
            })
        })
        .collect();
    let lifted = decision.lifted.as_ref().map(|lift| {
        json!({
            "id": lift.id.as_str(),
            "time": moment(lift.time),
            "reason": lift.reason.word(),
            "why": lift.why.to_string(),
            "index": lift.index,
            "signers": keys(&lift.by),
        })
    });
    json!({
        "id": id,
        "origin": app.config.trust.origin,
        "url": format!("{base}/posts/{id}"),
        "state": decision.status(now).word(),
        "confirmed": decision.confirmed(),
        "class": impose.class.word(),
        "scope": impose.scope.word(),
        "ground": impose.ground.as_str(),
        "ground_version": impose.ground_version,
        "proposed": moment(impose.proposed),
        "approve_by": moment(impose.approve_by),
        "since": moment(impose.since),
        "until": moment(decision.until()),
        "confirm_by": decision.confirm_by().map(moment),
        "finding": impose.finding.as_ref().map(Id::as_str),
        "assessors": keys(&decision.assessors),
        "authorities": impose.referral.as_ref().map_or(0, |referral| referral.count),
        "order": impose.order.as_ref().map(|order| json!({
            "authority": order.authority.as_str(),
            "document_sha256": order.document.to_string(),
        })),
        "withheld": impose.withheld.as_ref().map(|withheld| json!({
            "reason": withheld.reason.word(),
            "narrative_sha256": withheld.narrative.to_string(),
            "opens": moment(withheld.opens),
        })),
        "limiting": impose.limiting.to_string(),
        "post_sha256": impose.post.to_string(),
        "subject_sha256": impose.subject.to_string(),
        "signers": keys(&decision.signers),
        "continues": continues,
        "lifted": lifted,
        "appeal_url": operator.appeal_url,
        "index": decision.index,
        "logged": moment(decision.logged),
        "entry_url": format!("{base}/ledger/entry/{}", decision.index),
        "ledger_url": format!("{base}/ledger"),
    })
}
