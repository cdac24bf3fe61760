//! The ledger as files, for everyone who checks: checkpoint, tiles, entry bundles, blobs and the trust line.
//!
//! The reader parses a path into a typed name before it looks anything up, so no request can name another file.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use ledger::Hash;
use policy::note::Withheld;

use crate::App;
use crate::http::{FOREVER, FRESH, Failure, OCTETS, TEXT, answer};

/// `/ledger/checkpoint`
pub(crate) async fn checkpoint(State(app): State<Arc<App>>, asked: HeaderMap) -> Result<Response, Failure> {
    let bytes = app.reader.checkpoint().await?.ok_or(Failure::NoLedger)?;
    Ok(answer(&asked, TEXT, FRESH, bytes))
}

/// `/ledger/trust`
pub(crate) async fn trust(State(app): State<Arc<App>>, asked: HeaderMap) -> Response {
    answer(&asked, TEXT, FRESH, format!("{}\n", app.config.trust).into_bytes())
}

/// `/ledger/tile/...`: a tile of hashes or a bundle of entries, whole or partial. Even a partial one never changes:
/// its width is part of its name.
pub(crate) async fn tile(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    const MISSING: Failure = Failure::NotFound("No such tile. Names follow C2SP tlog-tiles.");
    let bytes = app.reader.file(&format!("tile/{path}")).await?.ok_or(MISSING)?;
    Ok(answer(&asked, OCTETS, FOREVER, bytes))
}

/// How a subject begins. It may be erased one day, so no cache may keep it for ever.
const SUBJECT: &[u8] = b"portcullis-subject/";

/// `/ledger/blob/{hex}`: a post or a subject that a public decision names, or a narrative that it withheld and whose date
/// has come: it opens by itself, nobody has to remember. The reader hands out only what has this hash;
/// one that lies there before its decision is public is not given out.
pub(crate) async fn blob(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    const MISSING: Failure =
        Failure::NotFound("No text under this hash. A name is 64 lower-case hexadecimal digits.");
    let hash = Hash::parse_hex(&name).ok_or(MISSING)?;
    let now = app.now();
    let (named, opened) = {
        let state = app.fold.current().await?;
        let named = state.decisions().any(|d| d.impose.post == hash || d.impose.subject == hash);
        let opens = |w: &Withheld| w.narrative == hash && w.opens <= now;
        (named, state.decisions().any(|d| d.impose.withheld.as_ref().is_some_and(opens)))
    };
    let bytes = match (named, opened) {
        (true, _) => app.reader.blob(&hash).await?,
        (false, true) => app.reader.record(&hash).await?,
        (false, false) => None,
    };
    let bytes = bytes.ok_or(MISSING)?;
    let keep = if bytes.starts_with(SUBJECT) { FRESH } else { FOREVER };
    Ok(answer(&asked, TEXT, keep, bytes))
}
