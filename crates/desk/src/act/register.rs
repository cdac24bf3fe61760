//! Act: somebody pressed for a decision or against it, and it is written down. It reaches no case and no note.

use policy::Id;
use policy::register::Contact;
use store::Registered;

use crate::auth::{Authorised, Register};
use crate::desk::Shared;
use crate::error::DeskError;

/// Writes it down.
pub(crate) async fn register(
    by: &Authorised<Register>,
    desk: &Shared,
    contact: Contact,
) -> Result<Registered, DeskError> {
    let known = |id: &Id| desk.customers().iter().any(|c| c.id == *id);
    if let Some(unknown) = contact.customer.as_ref().filter(|id| !known(id)) {
        return Err(DeskError::NotFound(format!("the customer {unknown}")));
    }
    let (who, now) = (super::case::who(by)?, desk.now());
    let seq = desk.store.register(&contact, &who, now).await?;
    tracing::info!(by = by.name(), seq, side = %contact.side, "somebody pressed");
    Ok(Registered { seq, at: now, by: who, contact })
}
