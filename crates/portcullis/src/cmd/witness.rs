//! `portcullis witness`: a witness alone, on somebody else's machine than the log's, or it is none.

use std::sync::Arc;

use crate::cli::{Global, Run};
use crate::clock::RealClock;
use crate::config::Config;
use crate::exit::{Exit, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: Run) -> Result<Exit> {
    let config = Config::open(&args.config.unwrap_or_else(|| global.home.join("portcullis.toml")))?;
    config.need(&["witness"])?;
    let settings = config.witness();
    let vkey = plane::witness::start(&settings, args.demo, Arc::new(RealClock::new())).await?;
    out::note(format_args!(
        "witness: {}, watches {}\nin a policy: witness {vkey}",
        super::desk::at(settings.listen),
        settings.logs.join(", ")
    ));
    out::data("portcullis ready");
    plane::stopped().await?;
    Ok(Exit::Ok)
}
