//! `portcullis customers`: who is behind this edge, and where they are told of decisions.

use std::collections::BTreeSet;

use policy::MailAddress;
use policy::clock::Clock as _;
use serde_json::{Value, json};
use store::Contact;

use super::token::{open, store_failure};
use crate::cli::{self, CustomersCommand, Global};
use crate::clock::RealClock;
use crate::config::Config;
use crate::desk_client::{Desk, is_customer, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::{out, plane};

pub(super) async fn run(global: &Global, args: cli::Customers) -> Result<Exit> {
    if let Some(CustomersCommand::Contact(args)) = args.command {
        return contact(global, args).await;
    }
    let answer = Desk::open(global)?.get("/customers").await?;
    if global.json {
        out::json(&answer);
        return Ok(Exit::Ok);
    }
    let mut rows =
        vec![["customer", "name", "told", "site", "hostnames", "in force"].map(String::from).to_vec()];
    for customer in list(&answer, "customers") {
        let blocked = texts(customer, "in_force").join(" ");
        let told = if has_contact(customer) { "by mail" } else { "NO ADDRESS" };
        for site in list(customer, "sites") {
            let hostnames = texts(site, "hostnames").join(" ");
            let cells =
                [text(customer, "id"), text(customer, "name"), told, text(site, "id"), &hostnames, &blocked];
            rows.push(cells.map(String::from).to_vec());
        }
    }
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}

/// Whether the desk knows where this customer of its answer is told.
pub(super) fn has_contact(customer: &Value) -> bool {
    customer.get("contact") == Some(&Value::Bool(true))
}

/// Shows, sets or forgets an address. Straight in the desk's store: whoever could change it from elsewhere could keep a
/// customer from hearing of a decision.
async fn contact(global: &Global, args: cli::Contact) -> Result<Exit> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["desk"])?;
    let customers = plane::desk::customers(&plane::read_sites(&config.desk().sites)?);
    let found: BTreeSet<_> = customers
        .iter()
        .filter(|c| is_customer(&args.customer, c.id.as_str(), &c.name))
        .map(|c| &c.id)
        .collect();
    let (Some(customer), 1) = (found.first().copied(), found.len()) else {
        return Err(Failure::input(format!("the sites file has no one customer {:?}", args.customer))
            .next("`portcullis customers` lists all; give the id"));
    };
    let store = open(global).await?;
    if args.remove {
        if !store.remove_contact(customer).await.map_err(store_failure)? {
            return Err(Failure::input(format!("no address of {customer} is known")));
        }
        out::note("mails that wait still go there: `portcullis mail list`");
        out::made(global, "removed", customer);
        return Ok(Exit::Ok);
    }
    if let Some(address) = &args.address {
        let address = MailAddress::parse(address)
            .map_err(|why| Failure::input(format!("{address:?} is no address for mail: it {why}")))?;
        let language = args.language.word().to_owned();
        let since = RealClock::new().now();
        let contact = Contact { customer: customer.clone(), address, language, since };
        store.set_contact(&contact).await.map_err(store_failure)?;
        if !config.has("mail") {
            out::note("this desk sends no mail yet: `portcullis config explain mail`");
        }
    }
    let Some(contact) = store.contact(customer).await.map_err(store_failure)? else {
        return Err(Failure::input(format!("no address of {customer} is known"))
            .next(format!("portcullis customers contact {customer} ADDRESS")));
    };
    if global.json {
        out::json(&json!({ "customer": customer.to_string(), "address": contact.address.to_string(),
            "language": contact.language, "since": contact.since.to_string() }));
    } else {
        out::data(format_args!("{customer} is told at {} ({})", contact.address, contact.language));
    }
    Ok(Exit::Ok)
}
