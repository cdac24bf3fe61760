//! Pages: logging in with a passkey, and out. Without script the command line does all of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{Frame, read_json, render};
use crate::act::passkey::{self, LOGIN};
use crate::api::handlers::ok;
use crate::auth::{COOKIE, asks_ourselves, cookie};
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

#[derive(Template)]
#[template(path = "enter.html")]
struct Page {
    frame: Frame,
    /// Whether this desk knows passkeys.
    passkeys: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    name: String,
    id: String,
    answer: PublicKeyCredential,
}

/// `/enter`
pub(crate) async fn show(State(desk): State<Arc<Shared>>) -> Result<Response, DeskError> {
    render(&Page { frame: Frame::bare(&desk, "/enter"), passkeys: desk.passkeys.is_some() })
}

/// `/enter/begin`
pub(crate) async fn begin(
    State(desk): State<Arc<Shared>>,
    body: Octets<{ limits::CEREMONY }>,
) -> Result<Response, DeskError> {
    let Begin { name } = read_json(&body.0)?;
    ok(&passkey::begin_enter(&desk, &name).await?)
}

/// `/enter/finish`: the browser keeps the login as a cookie that no script can read.
pub(crate) async fn finish(
    State(desk): State<Arc<Shared>>,
    body: Octets<{ limits::CEREMONY }>,
) -> Result<Response, DeskError> {
    let Finish { name, id, answer } = read_json(&body.0)?;
    let secret = passkey::finish_enter(&desk, &name, &id, &answer).await?;
    let mut response = ok(&serde_json::json!({ "next": "/" }))?;
    set_cookie(&mut response, &secret, LOGIN)?;
    Ok(response)
}

/// `/leave`
pub(crate) async fn leave(State(desk): State<Arc<Shared>>, parts: Parts) -> Result<Response, DeskError> {
    let Some(passkeys) = &desk.passkeys else { return Err(DeskError::NotFound("logins".into())) };
    if !asks_ourselves(&parts, passkeys.origin()) {
        return Err(DeskError::Foreign);
    }
    if let Some(secret) = cookie(&parts) {
        passkey::leave(&desk, secret).await?;
    }
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/enter")]).into_response();
    set_cookie(&mut response, "", 0)?;
    Ok(response)
}

/// `Lax`: a link in a page or a mail to a proposal opens it; what changes things asks for the origin besides.
fn set_cookie(response: &mut Response, secret: &str, seconds: u64) -> Result<(), DeskError> {
    let cookie = format!("{COOKIE}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|e| DeskError::Defect(format!("a cookie: {e}")))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}
