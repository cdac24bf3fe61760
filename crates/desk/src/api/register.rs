//! The register of contacts over the API: who pressed for a decision or against it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use policy::register::{Contact, Party, Side};
use serde::{Deserialize, Serialize};
use store::Registered;
use utoipa::ToSchema;

use super::cases::{id, request, sentence, time};
use super::facts::word;
use super::handlers::{Answered, Problems, ok, read_part};
use super::lists::Part;
use crate::act;
use crate::auth::{Authorised, ReadRegister, Register};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::{Once, json};

/// A contact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ContactResource {
    /// Its place in the register, from 1.
    seq: u64,
    /// When they pressed.
    when: String,
    /// `public-official`, `authority`, `press`, `organisation`, `business`, `customer` or `person`.
    party: &'static str,
    /// Who.
    name: String,
    /// `for` acting, or `against` it.
    side: &'static str,
    /// About whom.
    customer_id: Option<String>,
    /// What they said.
    what: String,
    /// When it was written down.
    at: String,
    /// By whom.
    by: String,
}

/// A part of the register.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Contacts {
    /// Newest first.
    contacts: Vec<ContactResource>,
    /// Give it as `cursor` for the next part; absent at the end.
    next_cursor: Option<String>,
}

/// Somebody pressed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContact {
    /// `public-official`, `authority`, `press`, `organisation`, `business`, `customer` or `person`.
    party: String,
    /// Who.
    name: String,
    /// `for` acting, or `against` it.
    side: String,
    /// What they said or wrote, and how; one sentence.
    what: String,
    /// When; now when absent.
    #[serde(default)]
    when: Option<String>,
    /// About whom.
    #[serde(default)]
    customer_id: Option<String>,
}

fn contact(it: &Registered) -> ContactResource {
    let c = &it.contact;
    ContactResource {
        seq: it.seq,
        when: c.when.to_string(),
        party: c.party.word(),
        name: c.name.to_string(),
        side: c.side.word(),
        customer_id: c.customer.as_ref().map(ToString::to_string),
        what: c.what.to_string(),
        at: it.at.to_string(),
        by: it.by.to_string(),
    }
}

/// Who pressed, newest first. The public sees how many, by month; no case and no finding sees any of it.
#[utoipa::path(get, path = "/api/v1/contacts", operation_id = "listContacts", tag = "contacts", params(Part),
    responses((status = 200, body = Contacts), Problems))]
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    _by: Authorised<ReadRegister>,
    query: Result<Query<Part>, QueryRejection>,
) -> Answered {
    let part = read_part(query)?;
    let before = part.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| request("cursor", "must be the `next_cursor` of an answer before"))?;
    let limit = part.limit();
    let found = desk.store.registered(before, limit).await?;
    let full = found.len() as u64 >= u64::from(limit);
    let next_cursor = found.last().filter(|_| full).map(|it| it.seq.to_string());
    ok(&Contacts { contacts: found.iter().map(contact).collect(), next_cursor })
}

/// Write down that somebody pressed for a decision or against it.
#[utoipa::path(post, path = "/api/v1/contacts", operation_id = "addContact", tag = "contacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same answer for 24 hours")),
    request_body(content = NewContact),
    responses((status = 201, body = ContactResource), Problems))]
pub(crate) async fn add(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Register>,
    once: Once,
    body: Octets<{ limits::JSON }>,
) -> Answered {
    let act = async {
        let new: NewContact = serde_json::from_slice(&body.0).map_err(|e| {
            DeskError::Request(format!(
                "the body must be {{\"party\": ..., \"name\": ..., \"side\": ...}}: {e}"
            ))
        })?;
        let it = Contact {
            when: new.when.map_or(Ok(desk.now()), |when| time("when", &when))?,
            party: word("party", &new.party, Party::ALL, Party::word)?,
            name: sentence("name", &new.name)?,
            side: word("side", &new.side, Side::ALL, Side::word)?,
            customer: new.customer_id.map(|c| id("customer_id", &c)).transpose()?,
            what: sentence("what", &new.what)?,
        };
        json(StatusCode::CREATED, &contact(&act::register::register(&by, &desk, it).await?))
    };
    once.run(&desk, by.name(), &body.0, act).await
}
