//! Paging: from the configuration's words to a pager that can call.

mod command;
mod webhook;

use std::pin::Pin;
use std::sync::Arc;

use desk::{Caller, Ended, Page, PageStep, Pager};
use policy::MailAddress;
use policy::page::{Rules, Step};

use crate::config::{self, Config, Listen};
use crate::exit::{Exit, Failure, Result};
use webhook::Hook;

/// Most steps: a team of twenty, five minutes apart, is an hour and a half.
const MAX_STEPS: usize = 20;

/// The longest that an acknowledgement may hold, seconds: a night, as the desk has it.
const LONGEST_ACK: u64 = 12 * 3600;

/// The shortest time before all are called again, seconds: less is no call but a noise.
const SHORTEST_REPEAT: u64 = 60;

/// Shortest secret of a webhook, bytes: 128 bits in hex.
const SHORTEST_SECRET: usize = 32;

/// How a step calls.
enum Way {
    Command(Arc<[String]>),
    Webhook(Arc<Hook>),
    /// The desk's own: it queues mails.
    Mail,
}

/// Makes the calls of a configuration.
struct Ways(Vec<Way>);

impl Caller for Ways {
    fn call(&self, step: usize, page: Page) -> Pin<Box<dyn Future<Output = Ended> + Send>> {
        match self.0.get(step) {
            Some(Way::Command(words)) => {
                let words = Arc::clone(words);
                Box::pin(async move { command::run(&words, &page).await })
            }
            Some(Way::Webhook(hook)) => {
                let hook = Arc::clone(hook);
                Box::pin(async move { hook.post(&page).await })
            }
            Some(Way::Mail) | None => Box::pin(async { Err("there is nothing to call here".to_owned()) }),
        }
    }
}

/// The pager that `[page]` describes; one that calls nobody without it.
pub(crate) fn pager(config: &Config) -> Result<Pager> {
    let page = config.page();
    let console = page.console.clone().unwrap_or_else(|| match config.desk().listen {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(_) => String::new(),
    });
    if !config.has("page") {
        return Ok(Pager::nobody(console));
    }
    check(&page)?;
    let roots =
        if page.steps.iter().any(|s| s.webhook.is_some()) { webhook::tls(page.ca.as_deref())? } else { None };
    let (mut rules, mut steps, mut ways) = (Vec::new(), Vec::new(), Vec::new());
    for (number, step) in page.steps.iter().enumerate() {
        let place = format!("step {} of [page]", number + 1);
        let (way, what, mail) = match (step.command.as_slice(), &step.webhook, step.mail.as_slice()) {
            ([program, ..], None, []) => {
                command::check(program).map_err(|why| wrong(format!("{place}: {why}")))?;
                (Way::Command(step.command.clone().into()), program.clone(), Vec::new())
            }
            ([], Some(url), []) => {
                let secret = step.secret.as_deref().map(|file| secret(&place, file)).transpose()?;
                let hook =
                    Hook::new(url, secret, roots.clone()).map_err(|why| wrong(format!("{place}: {why}")))?;
                let host = hook.host().to_owned();
                (Way::Webhook(Arc::new(hook)), host, Vec::new())
            }
            ([], None, all @ [_, ..]) => {
                if !config.has("mail") {
                    return Err(wrong(format!("{place} is a mail, and there is no [mail] to send it with"))
                        .next("docs/mail.md says how to begin"));
                }
                let mails = all.iter().map(|text| {
                    MailAddress::parse(text).map_err(|why| wrong(format!("{place}: {text:?} {why}")))
                });
                (Way::Mail, "mail".to_owned(), mails.collect::<Result<Vec<_>>>()?)
            }
            _ => {
                return Err(wrong(format!("{place} needs exactly one of command, webhook and mail"))
                    .next("write two steps with the same `after` to call two at once"));
            }
        };
        if step.secret.is_some() && step.webhook.is_none() {
            return Err(wrong(format!("{place} has a secret, which only a webhook needs")));
        }
        rules.push(Step { after: step.after, hours: step.hours });
        let who = step.person.as_ref().map_or_else(|| what.clone(), |person| format!("{person} ({what})"));
        steps.push(PageStep { who, person: step.person.clone(), mail });
        ways.push(way);
    }
    let rules = Rules { steps: rules, ack: page.ack, repeat: page.repeat };
    Ok(Pager::new(rules, steps, console, Arc::new(Ways(ways))))
}

/// What is wrong with all of it together.
fn check(page: &config::Page) -> Result<()> {
    if page.steps.is_empty() || page.steps.len() > MAX_STEPS {
        return Err(wrong(format!("[page] needs 1 to {MAX_STEPS} steps, and has {}", page.steps.len()))
            .next("each begins with [[page.step]]; leave [page] out to call nobody"));
    }
    if !page.steps.is_sorted_by_key(|s| s.after) {
        return Err(wrong("the steps of [page] are not in the order of their `after`")
            .next("they are called in the order in which they are written"));
    }
    if page.steps.iter().all(|s| s.hours.is_some()) {
        return Err(wrong("every step of [page] has hours, so there are some in which nobody is called")
            .next("leave `hours` out of one step, usually the last"));
    }
    if page.ack == 0 || page.ack > LONGEST_ACK || page.repeat < SHORTEST_REPEAT {
        return Err(wrong("page.ack is at most 12h and not 0, page.repeat at least 1m"));
    }
    Ok(())
}

fn secret(place: &str, file: &std::path::Path) -> Result<Vec<u8>> {
    let key = format!("{place}, secret");
    super::mail::closed(&key, file)?;
    let text = super::mail::read(&key, file)?;
    let line = text.trim();
    if line.len() < SHORTEST_SECRET || line.contains('\n') {
        let what = format!("{key}: {} does not hold one line of at least 32 characters", file.display());
        return Err(wrong(what).next("head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE"));
    }
    Ok(line.as_bytes().to_vec())
}

fn wrong(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Config, what)
}

/// Words of a program or a server in one line, cut.
fn line(bytes: &[u8]) -> String {
    /// What fits into a row of a list.
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().chars().take(MOST).collect()
}

#[cfg(test)]
mod tests;
