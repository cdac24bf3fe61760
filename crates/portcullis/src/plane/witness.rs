//! The witness's two doors on one address: checkpoints come in, and its own view of each log goes out (C2SP
//! tlog-witness).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use ledger::Hash;
use ledger::note::VerifierKey;
use ledger::witness::MAX_BODY;
use policy::clock::Clock;
use relay::witness::{ADD, Witness};

use crate::config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, serve};

/// A body of 70 KB on a slow line; a log waits for less.
const BODY: Duration = Duration::from_secs(10);

/// Opens the memory, binds, and serves until the process ends. Gives the key that stands in policies.
pub(crate) async fn start(
    config: &config::Witness,
    demo: bool,
    clock: Arc<dyn Clock>,
) -> Result<VerifierKey> {
    let mut logs = Vec::new();
    for text in &config.logs {
        let log = VerifierKey::parse(text)
            .map_err(|e| Failure::new(Exit::Config, format!("witness.logs: {text:?} is no key: {e}")))?;
        if log.name().starts_with("demo:") && !demo {
            return Err(Failure::new(Exit::Config, format!("{} is a demonstration log", log.name()))
                .next("start with --demo to watch it all the same"));
        }
        logs.push(log);
    }
    let key = home::machine_key(&config.key)?;
    let door = serve::open("witness", &config.listen).await?;
    let witness = Witness::open(&config.dir, key, logs).map_err(|e| {
        Failure::new(Exit::Io, format!("the witness cannot open {}: {e}", config.dir.display()))
    })?;
    let witness = Arc::new(witness);
    let vkey = witness.cosigner();
    tokio::spawn(serve::serve(
        door,
        service_fn(move |request: Request<Incoming>| {
            let (witness, clock) = (Arc::clone(&witness), Arc::clone(&clock));
            async move { Ok::<_, Infallible>(answer(witness, clock, request).await) }
        }),
    ));
    Ok(vkey)
}

async fn answer(
    witness: Arc<Witness>,
    clock: Arc<dyn Clock>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if path == ADD {
        if request.method() != Method::POST {
            let mut no = plain(StatusCode::METHOD_NOT_ALLOWED, "POST\n".into());
            no.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return no;
        }
        let collected =
            tokio::time::timeout(BODY, Limited::new(request.into_body(), MAX_BODY).collect()).await;
        let body = match collected {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "no such request is as long\n".into()),
            Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "it did not arrive in time\n".into()),
        };
        // It waits for the disk.
        let judged = tokio::task::spawn_blocking(move || witness.add(&body, clock.now()).http()).await;
        let Ok((status, kind, body)) = judged else {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed over this request\n".into());
        };
        let mut response = plain(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        return response;
    }
    let origin = path.strip_prefix('/').and_then(|p| p.strip_suffix("/checkpoint")).and_then(Hash::parse_hex);
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    match origin.filter(|_| read).and_then(|origin| witness.checkpoint(&origin)) {
        Some(note) => plain(StatusCode::OK, String::from_utf8_lossy(&note).into_owned()),
        None => plain(
            StatusCode::NOT_FOUND,
            "here are POST /add-checkpoint and GET /<hex SHA-256 of a log's origin>/checkpoint\n".into(),
        ),
    }
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
