//! `portcullis customers`: who is behind this edge.

use crate::cli::Global;
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Result};
use crate::out;

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let answer = Desk::open(global)?.get("/customers").await?;
    if global.json {
        out::json(&answer);
        return Ok(Exit::Ok);
    }
    let mut rows = vec![["customer", "name", "site", "hostnames", "in force"].map(String::from).to_vec()];
    for customer in list(&answer, "customers") {
        let blocked = texts(customer, "in_force").join(" ");
        for site in list(customer, "sites") {
            let hostnames = texts(site, "hostnames").join(" ");
            let cells =
                [text(customer, "id"), text(customer, "name"), text(site, "id"), &hostnames, &blocked];
            rows.push(cells.map(String::from).to_vec());
        }
    }
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}
