//! Act: reports come in, and somebody says what became of them. Nothing here blocks anybody or opens the way to it: a
//! finding is made by people, and how many reported is no input of it.

use policy::report::Report;
use policy::report::cluster::Outcome;
use policy::{Id, Sentence};
use store::{ClusterRow, Decided, Waiting};

use super::mail;
use crate::auth::{Authorised, Triage};
use crate::desk::Shared;
use crate::error::DeskError;
use crate::limits;

/// Takes what waits in the inbox into the queue. What stops here stays in the inbox, and is taken next time.
pub(crate) async fn take_in(desk: &Shared) -> Result<(), DeskError> {
    loop {
        let waiting = desk.store.waiting(limits::TAKEN_AT_ONCE).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for it in waiting {
            match it {
                Waiting::Report(report) => {
                    let host = report.about.first().and_then(policy::report::Address::host);
                    let customer = host.and_then(|host| owner(desk, &host));
                    let receipt =
                        desk.config.mail.as_deref().and_then(|mailer| mail::receipt(mailer, &report));
                    let taken = desk.store.take_report_with(&report, customer.as_ref(), receipt.as_ref());
                    let cluster = taken.await?;
                    // The other order would lose it if we stopped in between; this one takes it twice, which is once.
                    desk.store.taken(&report.id).await?;
                    tracing::info!(report = %report.id, %cluster, category = %report.category, "a report came in");
                }
                Waiting::Said(said, document) => super::case::heard(desk, &said, document).await?,
                Waiting::Unfit(name) => {
                    tracing::error!(file = name, "this file in the inbox is no report; look at it");
                }
            }
        }
    }
}

/// Whose hostname it is.
fn owner(desk: &Shared, host: &str) -> Option<Id> {
    let customers = desk.customers();
    let has = |site: &crate::SiteView| site.hostnames.iter().any(|h| h == host);
    customers.iter().find(|c| c.sites.iter().any(has)).map(|c| c.id.clone())
}

/// Says what became of a cluster, in words that everybody who reported it reads; or opens it again (`None`).
pub(crate) async fn decide(
    by: &Authorised<Triage>,
    desk: &Shared,
    id: &Id,
    outcome: Option<Outcome>,
    reply: &str,
) -> Result<ClusterRow, DeskError> {
    let reply = Sentence::parse(reply)
        .map_err(|why| DeskError::Unfit { code: "reply", why: format!("`reply` {why}") })?;
    let decided = Decided { at: desk.now(), by: by.name().to_owned(), outcome, reply };
    let write = |report: &Report, seq: u64| {
        mail::outcome(desk.config.mail.as_deref()?, (id, seq), report, decided.outcome?, &decided.reply)
    };
    let row = desk.store.decide_cluster_with(id, &decided, &write).await?;
    let word = outcome.map_or("open", Outcome::word);
    tracing::info!(by = by.name(), reports = %id, outcome = word, "what became of reports");
    Ok(row)
}
