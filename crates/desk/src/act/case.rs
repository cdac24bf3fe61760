//! Act: somebody opens a case, or writes down what they did and what happened. A case decides nothing.

use policy::case::{Act as Done, Case};
use policy::{Id, Sentence};
use store::NewCase;

use crate::auth::{Authorised, WorkCases};
use crate::desk::Shared;
use crate::error::DeskError;

fn who(by: &Authorised<WorkCases>) -> Result<Sentence, DeskError> {
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
