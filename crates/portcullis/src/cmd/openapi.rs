//! `portcullis openapi`: the desk's API description, as the desk has it.

use crate::exit::{Exit, Result};
use crate::out;

pub(super) fn run() -> Result<Exit> {
    out::data(desk::openapi_json().trim_end());
    Ok(Exit::Ok)
}
