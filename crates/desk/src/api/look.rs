//! Looking: from what is held to what is said. The fold's answer is repeated here, never made.

use std::collections::{BTreeMap, BTreeSet};

use ledger::Hash;
use ledger::note::Signature;
use policy::{Id, Measure, Scope, Signer, State, Status as Now, Subject, Time};
use store::{Draft, DraftState, EdgeRow, MailKind, MailState, StoreError};

use super::resource;
use super::resource::{
    Continued, Counter, Customer, Decision, Edge, Entries, Entry, InForce, Lifted, Lost, NoteResource,
    Person, Progress, Site, Standing, Status,
};
use crate::act;
use crate::act::config::Change;
use crate::act::decide::{self, Verdict};
use crate::act::publish;
use crate::desk::{CustomerView, Shared, SiteView};
use crate::error::DeskError;

/// How things stand.
pub(crate) async fn status(desk: &Shared) -> Result<Status, DeskError> {
    let (state, now) = (desk.state(), desk.now());
    let head = desk.store.head().await?.ok_or(StoreError::NoLedger)?;
    let refused = desk.store.counters().await?;
    Ok(Status {
        origin: state.origin().to_owned(),
        trust: desk.trust.to_string(),
        demo: desk.trust.is_demo(),
        now: now.to_string(),
        size: head.size,
        head: head.root.to_base64(),
        logged: head.logged.to_string(),
        policy_version: state.policy(now).version,
        effective: state.effective_hash(now).to_string(),
        in_force: state.at(now).iter().map(in_force).collect(),
        next_change: state.next_change(now).map(|t| t.to_string()),
        edges: edges(desk).await?,
        refused: refused.into_iter().map(|(what, times)| Counter { what, times }).collect(),
        mail: mail(desk).await?,
        untold: act::mail::untold(desk).await?.into_iter().map(untold).collect(),
    })
}

async fn mail(desk: &Shared) -> Result<resource::Mail, DeskError> {
    let figures = desk.store.reader().mail_figures().await?;
    Ok(resource::Mail {
        on: desk.config.mail.is_some(),
        queued: figures.queued,
        oldest: figures.oldest.map(|t| t.to_string()),
        sent: figures.sent,
        failed: figures.failed,
    })
}

fn untold(it: act::mail::Untold) -> resource::Untold {
    resource::Untold {
        decision: it.decision.to_string(),
        customer: it.customer.map(|c| c.to_string()),
        why: it.why,
        late: it.late,
    }
}

/// A measure, for a list.
pub(crate) fn in_force(m: &Measure) -> InForce {
    InForce {
        id: m.id.to_string(),
        class: m.class.to_string(),
        customer: m.customer.to_string(),
        scope: m.scope.to_string(),
        since: m.since.to_string(),
        until: m.until.to_string(),
        confirm_by: m.confirm_by.map(|t| t.to_string()),
    }
}

/// What a configuration takes away.
pub(crate) fn change(change: Change) -> resource::Change {
    let lost = |all: Vec<(String, Id)>| {
        all.into_iter().map(|(hostname, id)| Lost { hostname, customer_id: id.to_string() }).collect()
    };
    resource::Change { withdrawn: lost(change.withdrawn), lowered: lost(change.lowered) }
}

/// Entries from `from` to below `to`, which are public.
pub(crate) async fn entries(desk: &Shared, from: u64, to: u64) -> Result<Entries, DeskError> {
    let bytes = if from < to { desk.store.reader().entries(from, to).await? } else { Vec::new() };
    let entry = |(index, bytes): (u64, Vec<u8>)| match String::from_utf8(bytes) {
        Ok(entry) => Ok(Entry { index, entry }),
        Err(_) => Err(DeskError::Defect(format!("the entry {index} is not text"))),
    };
    let entries = (from..).zip(bytes).map(entry).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = (to < desk.state().size()).then(|| to.to_string());
    Ok(Entries { entries, next_cursor })
}

/// Every edge beside our own log.
pub(crate) async fn edges(desk: &Shared) -> Result<Vec<Edge>, DeskError> {
    let rows = desk.store.edges().await?;
    let ours = desk.public().tree;
    // Most edges hold the same few sizes, and a root takes some hundred hashes.
    let mut roots = BTreeMap::new();
    for r in rows.iter().filter_map(|row| row.receipt.as_ref()) {
        roots.entry(r.size).or_insert_with(|| ours.root_at(r.size));
    }
    let edge = |row: EdgeRow| {
        let root = row.receipt.as_ref().and_then(|r| roots.get(&r.size).copied().flatten());
        edge(row, ours.len(), root)
    };
    Ok(rows.into_iter().map(edge).collect())
}

/// An edge beside our log of `size` entries, whose root at the edge's own size is `root`.
fn edge(row: EdgeRow, size: u64, root: Option<Hash>) -> Edge {
    let receipt = row.receipt;
    let standing = match &receipt {
        None => Standing::Silent,
        Some(r) if r.size > size => Standing::Ahead,
        Some(r) if root != Some(r.root) => Standing::Forked,
        Some(r) if r.size < size => Standing::Behind,
        Some(_) => Standing::Same,
    };
    Edge {
        name: row.name,
        vkey: row.vkey,
        enrolled: row.enrolled.to_string(),
        size: receipt.as_ref().map(|r| r.size),
        root: receipt.as_ref().map(|r| r.root.to_base64()),
        effective: receipt.as_ref().map(|r| r.effective.to_string()),
        at: receipt.as_ref().map(|r| r.at.to_string()),
        measures: receipt.iter().flat_map(|r| &r.measures).map(ToString::to_string).collect(),
        config: receipt.as_ref().and_then(|r| r.config),
        stale: receipt.as_ref().map(|r| r.stale),
        refused: receipt.as_ref().map(|r| r.refused),
        standing,
    }
}

/// A note with what it still lacks, which is what publishing it now would answer.
pub(crate) async fn note(desk: &Shared, draft: Draft) -> Result<NoteResource, DeskError> {
    let (state, now) = (desk.state(), desk.now());
    let (shown, missing, index) = match draft.state {
        DraftState::Collecting => {
            let missing = missing(desk, &state, &draft, now).await?;
            let complete = missing == [publish::UNCONFIRMED];
            (if complete { "signed" } else { draft.state.as_str() }, missing, None)
        }
        DraftState::Published { index } => (draft.state.as_str(), Vec::new(), Some(index)),
        DraftState::Void => (draft.state.as_str(), Vec::new(), None),
    };
    let lines = draft.signatures.iter().filter_map(|line| Signature::parse_line(line).ok());
    let signers = lines.filter_map(|signature| state.check_signature(&draft.text, &signature, now).ok());
    Ok(NoteResource {
        id: draft.id.to_string(),
        kind: draft.kind,
        signed_by: signers.map(|s| person(&s)).collect(),
        text: draft.text,
        state: shown.to_owned(),
        created: draft.created.to_string(),
        signatures: draft.signatures,
        missing,
        index,
    })
}

async fn missing(desk: &Shared, state: &State, draft: &Draft, now: Time) -> Result<Vec<String>, DeskError> {
    // A row that somebody changed shows as what it is, and hides no other.
    let damaged = |why: String| vec![format!("the stored text is damaged ({why}); propose it anew")];
    let note = match act::draft::note(draft) {
        Ok(note) => note,
        Err(e) => return Ok(damaged(e.to_string())),
    };
    if let Err(e) = policy::AnyNote::parse(note.text()) {
        return Ok(damaged(e.to_string()));
    }
    let blobs = publish::blobs(desk, &note).await?;
    Ok(match decide::decide(state, &desk.customers(), &note, &blobs, now, state.newest_logged()) {
        Verdict::Wait(words) => words,
        Verdict::Refuse(no) => vec![no.why],
        Verdict::Publish { .. } if !desk.confirmed.get(&desk.public().tree) => {
            vec![publish::UNCONFIRMED.to_owned()]
        }
        Verdict::Publish { .. } => Vec::new(),
    })
}

fn person(signer: &Signer) -> Person {
    Person { person: signer.person.to_string(), organisation: signer.organisation.to_string() }
}

fn persons(signers: &[Signer]) -> Vec<Person> {
    signers.iter().map(person).collect()
}

/// Decisions, each edge by edge.
pub(crate) async fn decisions(
    desk: &Shared,
    found: &[&policy::Decision],
) -> Result<Vec<Decision>, DeskError> {
    let edges = desk.store.edges().await?;
    let mut decisions = Vec::with_capacity(found.len());
    for d in found {
        decisions.push(decision(desk, d, &edges).await?);
    }
    Ok(decisions)
}

/// One decision by its id, edge by edge, with the note's text.
pub(crate) async fn decision_by_id(desk: &Shared, id: &Id) -> Result<(Decision, String), DeskError> {
    let state = desk.state();
    let found = state.decision(id).ok_or_else(|| DeskError::NotFound(format!("the decision {id}")))?;
    let edges = desk.store.edges().await?;
    Ok((decision(desk, found, &edges).await?, found.impose.to_string()))
}

/// Who is meant. Read from the blob and not from memory: once it is erased, nobody shows it.
pub(crate) async fn subject(desk: &Shared, d: &policy::Decision) -> Result<Option<Subject>, DeskError> {
    let blob = desk.store.blob(&d.impose.subject).await?;
    Ok(blob.and_then(|bytes| Subject::parse(std::str::from_utf8(&bytes).ok()?).ok()))
}

async fn decision(desk: &Shared, d: &policy::Decision, edges: &[EdgeRow]) -> Result<Decision, DeskError> {
    let now = desk.now();
    let impose = &d.impose;
    let subject = subject(desk, d).await?;
    let continues = d.continues.iter().map(|c| Continued {
        id: c.note.head.id.to_string(),
        index: c.index,
        logged: c.logged.to_string(),
        reason: c.note.reason.to_string(),
        until: c.note.until.to_string(),
        why: c.note.why.to_string(),
        by: persons(&c.signers),
    });
    let lifted = d.lifted.as_ref().map(|l| Lifted {
        id: l.id.to_string(),
        index: l.index,
        time: l.time.to_string(),
        reason: l.reason.to_string(),
        why: l.why.to_string(),
        by: persons(&l.by),
    });
    let running = matches!(d.status(now), Now::InForce | Now::Waiting);
    Ok(Decision {
        id: impose.head.id.to_string(),
        index: d.index,
        logged: d.logged.to_string(),
        status: d.status(now).word().to_owned(),
        class: impose.class.to_string(),
        scope: impose.scope.to_string(),
        ground: format!("{} {}", impose.ground, impose.ground_version),
        proposed: impose.proposed.to_string(),
        since: impose.since.to_string(),
        until: d.until().to_string(),
        confirm_by: d.confirm_by().filter(|_| running).map(|t| t.to_string()),
        confirmed: d.confirmed(),
        finding: impose.finding.as_ref().map(ToString::to_string),
        authorities: impose.referral.as_ref().map_or(0, |r| r.count),
        post: impose.post.to_string(),
        post_url: format!("{}/posts/{}", desk.config.press, impose.head.id),
        subject: impose.subject.to_string(),
        customer: subject.as_ref().map(|s| s.customer.to_string()),
        hostnames: subject.map(|s| s.hostnames).unwrap_or_default(),
        told: told(desk, d).await?,
        limiting: impose.limiting.to_string(),
        assessors: persons(&d.assessors),
        signers: persons(&d.signers),
        continues: continues.collect(),
        lifted,
        progress: progress(desk, d, edges).await?,
    })
}

/// When the smarthost took the mail that tells the customer of it.
async fn told(desk: &Shared, d: &policy::Decision) -> Result<Option<String>, DeskError> {
    let mailed = desk.store.mailed(MailKind::Imposed, d.impose.head.id.as_str()).await?;
    let sent = mailed.filter(|(state, _)| *state == MailState::Sent);
    Ok(sent.and_then(|(_, at)| at).map(|at| at.to_string()))
}

/// Every enrolled edge, whether it has heard of the decision or not.
async fn progress(
    desk: &Shared,
    d: &policy::Decision,
    edges: &[EdgeRow],
) -> Result<Vec<Progress>, DeskError> {
    let known = desk.store.progress(&d.impose.head.id).await?;
    let line = |edge: &EdgeRow| {
        let mine = known.iter().find(|p| p.edge == edge.name);
        let state = match (mine, &edge.receipt) {
            (Some(p), _) if p.ended.is_none() => "enforcing",
            (Some(_), _) => "ended",
            (None, None) => "silent",
            (None, Some(r)) if r.size > d.index => "seen",
            (None, Some(_)) => "waiting",
        };
        Progress {
            edge: edge.name.clone(),
            state,
            first: mine.map(|p| p.first.to_string()),
            ended: mine.and_then(|p| p.ended).map(|t| t.to_string()),
        }
    };
    Ok(edges.iter().map(line).collect())
}

/// All customers with what is in force on each.
pub(crate) async fn customers(desk: &Shared) -> Result<Vec<Customer>, DeskError> {
    let measures = desk.state().at(desk.now());
    let contacts = desk.store.contacts().await?;
    let known: BTreeSet<Id> = contacts.into_iter().map(|c| c.customer).collect();
    Ok(desk.customers().iter().map(|c| customer(c, &measures, known.contains(&c.id))).collect())
}

fn customer(c: &CustomerView, measures: &[Measure], contact: bool) -> Customer {
    let mine = measures.iter().filter(|m| m.customer == c.id);
    Customer {
        id: c.id.to_string(),
        name: c.name.clone(),
        sites: c.sites.iter().map(|s| site(c, s, measures)).collect(),
        in_force: mine.map(|m| m.id.to_string()).collect(),
        contact,
    }
}

fn site(c: &CustomerView, s: &SiteView, measures: &[Measure]) -> Site {
    let covers = |m: &&Measure| {
        m.customer == c.id
            && match &m.scope {
                Scope::Customer => true,
                Scope::Site(id) => *id == s.id,
                Scope::Hostname(host) => s.hostnames.contains(host),
                Scope::Tenant(_) => m.hostnames.iter().any(|host| s.hostnames.contains(host)),
            }
    };
    Site {
        id: s.id.to_string(),
        customer: c.id.to_string(),
        hostnames: s.hostnames.clone(),
        in_force: measures.iter().filter(covers).map(|m| m.id.to_string()).collect(),
    }
}
