//! What edges call: the doorbell, receipts, and undo notes they were handed. No token: a bell says what is public, a
//! receipt is signed by its edge, an undo note by an officer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::act;
use crate::api::handlers::undone;
use crate::body::Octets;
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;
use crate::once::answer;

type Desk = State<Arc<Shared>>;

/// Server-sent events: the newest size at once, and again after each publication.
pub(crate) async fn bell(State(desk): Desk) -> Result<Response, DeskError> {
    let permit = Arc::clone(&desk.bells).try_acquire_owned();
    let permit =
        permit.map_err(|_| DeskError::Busy("all bells are taken; look at the checkpoint instead".into()))?;
    let (sender, body) = Channel::<Bytes>::new(limits::RINGS);
    tokio::spawn(ring(desk.bell.subscribe(), sender, permit));
    let mut response = Body::new(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(relay::bell::MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Rings until the edge goes away or the desk does.
async fn ring(mut sizes: watch::Receiver<u64>, mut to: Sender<Bytes>, _permit: OwnedSemaphorePermit) {
    loop {
        let size = *sizes.borrow_and_update();
        if to.send_data(Bytes::from(relay::bell::event(size))).await.is_err() {
            return;
        }
        loop {
            match tokio::time::timeout(relay::bell::PING_EVERY, sizes.changed()).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return,
                Err(_) if to.send_data(Bytes::from_static(relay::bell::PING.as_bytes())).await.is_err() => {
                    return;
                }
                Err(_) => {}
            }
        }
    }
}

/// A receipt: 204 when it is kept.
pub(crate) async fn receipts(
    State(desk): Desk,
    body: Octets<{ limits::RECEIPT }>,
) -> Result<StatusCode, DeskError> {
    let waited = !desk.confirmed.get(&desk.public().tree);
    act::receipt::receipt(&desk, &body.0).await?;
    if waited && desk.confirmed.get(&desk.public().tree) {
        // What people signed in the meantime lacks nothing now.
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if let Err(e) = act::sign::settle_all(&desk).await {
                tracing::error!("notes that waited could not be looked at: {}", e.words());
            }
        });
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A snapshot for an enrolled edge that asks for it.
pub(crate) async fn config(
    State(desk): Desk,
    body: Octets<{ limits::CONFIG_REQUEST }>,
) -> Result<Response, DeskError> {
    let snapshot = match act::config::give(&desk, &body.0).await {
        Ok(snapshot) => snapshot,
        Err(e) => {
            desk.count("config-request").await;
            return Err(e);
        }
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/toml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, snapshot).into_response())
}

/// An undo note from an edge: 202 when it is logged, now or before.
pub(crate) async fn undo(State(desk): Desk, body: Octets<{ limits::UNDO }>) -> Result<Response, DeskError> {
    let done = act::undo::undo(&desk, &body.0).await?;
    undone(StatusCode::ACCEPTED, done).map(answer)
}
