//! Act: somebody opens a case, or writes down what they did and what happened. A case decides nothing.

use policy::case::facts::{Answer, Evidence, Referral};
use policy::case::{Act as Done, Case};
use policy::room::Said;
use policy::{Id, Sentence};
use store::{NewCase, NewRoom, StoreError};

use crate::auth::{Authorised, DestroyEvidence, Permit, WorkCases};
use crate::desk::Shared;
use crate::error::DeskError;

pub(crate) fn who<P: Permit>(by: &Authorised<P>) -> Result<Sentence, DeskError> {
    Sentence::parse(by.name()).map_err(|why| DeskError::Unfit {
        code: "name",
        why: format!("the name of this token cannot stand in a journal: it {why}; make another token"),
    })
}

/// Opens a case with the reports that are about it.
pub(crate) async fn open(
    by: &Authorised<WorkCases>,
    desk: &Shared,
    new: &NewCase,
) -> Result<Case, DeskError> {
    if !new.id.as_str().starts_with("cas-") {
        return Err(DeskError::Unfit { code: "id", why: "the number of a case begins with `cas-`".into() });
    }
    if let Some(customer) = &new.customer
        && !desk.customers().iter().any(|c| c.id == *customer)
    {
        return Err(DeskError::NotFound(format!("the customer {customer}")));
    }
    let case = desk.store.open_case(new, &who(by)?, desk.now()).await?;
    tracing::info!(by = by.name(), case = %case.id, "a case was opened");
    Ok(case)
}

/// Adds an entry.
pub(crate) async fn add(
    by: &Authorised<WorkCases>,
    desk: &Shared,
    id: &Id,
    done: Done,
) -> Result<Case, DeskError> {
    let word = done.word();
    let case = desk.store.add_to_case(id, done, &who(by)?, desk.now()).await?;
    tracing::info!(by = by.name(), case = %id, act = word, "a case goes on");
    Ok(case)
}

/// Seals evidence and keeps it.
pub(crate) async fn attach(
    by: &Authorised<WorkCases>,
    desk: &Shared,
    id: &Id,
    it: Evidence,
    bytes: Vec<u8>,
) -> Result<Case, DeskError> {
    let key = (desk.config.draw)();
    let key = key.ok_or_else(|| DeskError::Defect("the system gives no random bytes".into()))?;
    let number = it.id.clone();
    let case = desk.store.attach(id, it, bytes, key, &who(by)?, desk.now()).await?;
    tracing::info!(by = by.name(), case = %id, evidence = %number, "evidence was attached");
    Ok(case)
}

/// Takes evidence out; that somebody did stands in the journal before they have it.
pub(crate) async fn fetch(
    by: &Authorised<WorkCases>,
    desk: &Shared,
    id: &Id,
    number: &Id,
) -> Result<(Evidence, Vec<u8>), DeskError> {
    let found = desk.store.fetch(id, number, &who(by)?, desk.now()).await?;
    tracing::info!(by = by.name(), case = %id, evidence = %number, "evidence was fetched");
    Ok(found)
}

/// Destroys evidence.
pub(crate) async fn destroy(
    by: &Authorised<DestroyEvidence>,
    desk: &Shared,
    id: &Id,
    number: &Id,
    why: Sentence,
) -> Result<Case, DeskError> {
    let case = desk.store.destroy(id, number, why, &who(by)?, desk.now()).await?;
    tracing::warn!(by = by.name(), case = %id, evidence = %number, "evidence was destroyed");
    Ok(case)
}

/// Writes a referral down and opens a room for the authority.
pub(crate) async fn refer(
    by: &Authorised<WorkCases>,
    desk: &Shared,
    id: &Id,
    it: Referral,
    room: &NewRoom,
) -> Result<Case, DeskError> {
    let referral = it.id.clone();
    let case = desk.store.refer(id, it, room, &who(by)?, desk.now()).await?;
    tracing::info!(by = by.name(), case = %id, %referral, "an authority was told, and has a room");
    Ok(case)
}

/// What an authority said in its room becomes an entry of the case. It executes nothing: people decide.
pub(crate) async fn heard(desk: &Shared, said: &Said, document: Option<Vec<u8>>) -> Result<(), DeskError> {
    let document = match document {
        Some(bytes) => {
            let key = (desk.config.draw)();
            Some((bytes, key.ok_or_else(|| DeskError::Defect("the system gives no random bytes".into()))?))
        }
        None => None,
    };
    let case = match desk.store.take_said(said, document, desk.now()).await {
        Ok(case) => case,
        // Asked again it would say no again, and whatever came later would wait behind it.
        Err(e @ (StoreError::Conflict(_) | StoreError::Full { .. } | StoreError::Unfit(_))) => {
            tracing::error!(answer = %said.id, referral = %said.referral, "an authority's answer is put aside in the inbox; read it there: {e}");
            return Ok(desk.store.aside(&said.id).await?);
        }
        Err(e) => return Err(e.into()),
    };
    // In this order: a crash in between takes it twice, and the second time is none.
    desk.store.taken(&said.id).await?;
    match case {
        Some(case) if said.answer == Answer::Objects => {
            tracing::warn!(%case, referral = %said.referral, "an authority objects: somebody decides anew");
        }
        Some(case) => {
            tracing::info!(%case, referral = %said.referral, answer = %said.answer, "an authority answered");
        }
        None => {
            tracing::warn!(referral = %said.referral, "an answer for a room that is not there, or was taken before")
        }
    }
    Ok(())
}
