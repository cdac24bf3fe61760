//! Pages: customers and their sites, each with what is in force on it.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{Frame, read_id, render};
use crate::api::look;
use crate::api::resource::{Customer, Site};
use crate::auth::{Authorised, Read};
use crate::desk::Shared;
use crate::error::DeskError;

#[derive(Template)]
#[template(path = "customers.html")]
struct List {
    frame: Frame,
    customers: Vec<Customer>,
}

#[derive(Template)]
#[template(path = "customer.html")]
struct Show {
    frame: Frame,
    customer: Customer,
}

#[derive(Template)]
#[template(path = "sites.html")]
struct Sites {
    frame: Frame,
    sites: Vec<Site>,
}

/// `/customers`
pub(crate) async fn list(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
) -> Result<Response, DeskError> {
    render(&List { frame: Frame::new(&desk, "/customers", &by), customers: look::customers(&desk).await? })
}

/// `/customers/{id}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, DeskError> {
    let id = read_id(path)?;
    let found = look::customers(&desk).await?.into_iter().find(|c| c.id == id.as_str());
    let customer = found.ok_or_else(|| DeskError::NotFound(format!("the customer {id}")))?;
    render(&Show { frame: Frame::new(&desk, "/customers", &by), customer })
}

/// `/sites`
pub(crate) async fn sites(
    State(desk): State<Arc<Shared>>,
    by: Authorised<Read>,
) -> Result<Response, DeskError> {
    let sites = look::customers(&desk).await?.into_iter().flat_map(|c| c.sites).collect();
    render(&Sites { frame: Frame::new(&desk, "/sites", &by), sites })
}
