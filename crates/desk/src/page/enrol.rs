//! Pages: a passkey is enrolled under a link that was made with its holder's token.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{Frame, read_json, render};
use crate::act::passkey;
use crate::api::handlers::ok;
use crate::api::passkeys::key_id;
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

#[derive(Template)]
#[template(path = "enrol.html")]
struct Page {
    frame: Frame,
    name: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    id: String,
    answer: RegisterPublicKeyCredential,
}

/// `/passkey/{secret}`
pub(crate) async fn show(
    State(desk): State<Arc<Shared>>,
    Path(secret): Path<String>,
) -> Result<Response, DeskError> {
    let name = passkey::whose(&desk, &secret).await?;
    render(&Page { frame: Frame::bare(&desk, "/enter"), name, secret })
}

/// `/passkey/{secret}/begin`
pub(crate) async fn begin(
    State(desk): State<Arc<Shared>>,
    Path(secret): Path<String>,
) -> Result<Response, DeskError> {
    ok(&passkey::begin_enrol(&desk, &secret).await?)
}

/// `/passkey/{secret}/finish`
pub(crate) async fn finish(
    State(desk): State<Arc<Shared>>,
    Path(secret): Path<String>,
    body: Octets<{ limits::CEREMONY }>,
) -> Result<Response, DeskError> {
    let Finish { id, answer } = read_json(&body.0)?;
    let made = passkey::finish_enrol(&desk, &secret, &id, &answer).await?;
    ok(&serde_json::json!({ "key": key_id(&made.vkey) }))
}
