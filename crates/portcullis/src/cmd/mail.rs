//! `portcullis mail`: the outbox, a test mail, and what DNS needs. On the desk's own machine.

use policy::MailAddress;
use policy::clock::Clock as _;
use store::{Mail, MailState};

use super::token::{open, store_failure};
use crate::cli::{self, Global};
use crate::clock::RealClock;
use crate::config::Config;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out, plane};

/// Mails in one list, of each state.
const LISTED: u32 = 200;

pub(super) async fn run(global: &Global, args: cli::Mail) -> Result<Exit> {
    let now = RealClock::new().now();
    match args {
        cli::Mail::Test { address } => test(global, &address).await,
        cli::Mail::Dns => dns(global),
        cli::Mail::Key { file } => key(global, &file),
        cli::Mail::List { state } => list(global, state).await,
        cli::Mail::Retry { number } => {
            open(global).await?.retry_mail(number, now).await.map_err(store_failure)?;
            out::note("the desk tries it within seconds, if the smarthost is there");
            out::made(global, "queued", number);
            Ok(Exit::Ok)
        }
        cli::Mail::Drop { number } => {
            open(global).await?.drop_mail(number, now).await.map_err(store_failure)?;
            out::note("it is not sent, and not queued again");
            out::made(global, "dropped", number);
            Ok(Exit::Ok)
        }
    }
}

fn mailer(global: &Global) -> Result<desk::Mailer> {
    let config = Config::open(&global.home.join("portcullis.toml"))?;
    config.need(&["mail"])?;
    plane::mail::mailer(&config)?.ok_or_else(|| Failure::new(Exit::Config, "the configuration has no [mail]"))
}

async fn test(global: &Global, address: &str) -> Result<Exit> {
    let to = MailAddress::parse(address)
        .map_err(|why| Failure::input(format!("{address:?} is no address for mail: it {why}")))?;
    let mailer = mailer(global)?;
    let sent =
        mailer.test(&to, RealClock::new().now(), &mut |step| out::note(format_args!("- {step}"))).await;
    let answer = sent.map_err(|why| Failure::new(Exit::Unavailable, why.what).next(why.next))?;
    out::note("look whether it arrived, and at `dkim=` and `spf=` in its Authentication-Results");
    out::made(global, "taken", answer);
    Ok(Exit::Ok)
}

fn dns(global: &Global) -> Result<Exit> {
    let (mailer, config) = (mailer(global)?, Config::open(&global.home.join("portcullis.toml"))?);
    let from = config.mail().from;
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let mut records: Vec<(String, String)> = mailer.dkim_record().into_iter().collect();
    records.push((format!("_dmarc.{domain}"), "v=DMARC1; p=quarantine; adkim=r; aspf=r".into()));
    if global.json {
        let all: Vec<_> = records
            .iter()
            .map(|(n, v)| serde_json::json!({ "name": n, "type": "TXT", "value": v }))
            .collect();
        out::json(&serde_json::json!({ "records": all }));
        return Ok(Exit::Ok);
    }
    for (name, value) in &records {
        out::data(format_args!("{name}. IN TXT {}", quoted(value)));
    }
    if mailer.dkim_record().is_none() {
        out::note("no DKIM key is set: `portcullis mail key dkim.pem` makes one, unless the smarthost signs");
    }
    out::note(format_args!(
        "SPF is for the smarthost: its addresses belong into the TXT record of {domain}, as in \"v=spf1 mx -all\""
    ));
    Ok(Exit::Ok)
}

/// A TXT value in strings of at most 255 bytes (RFC 1035 section 3.3), which readers put together again.
fn quoted(value: &str) -> String {
    let parts: Vec<String> =
        value.as_bytes().chunks(255).map(|part| format!("\"{}\"", String::from_utf8_lossy(part))).collect();
    parts.join(" ")
}

fn key(global: &Global, file: &std::path::Path) -> Result<Exit> {
    let made = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .map_err(|e| Failure::new(Exit::Io, format!("no key could be made: {e}")))?;
    home::write_new(file, &made.serialize_pem(), true)?;
    out::note(
        "set mail.dkim_key, mail.dkim_domain and mail.dkim_selector; then `portcullis mail dns` prints the record",
    );
    out::made(global, "key", file.display());
    Ok(Exit::Ok)
}

async fn list(global: &Global, state: Option<cli::MailWord>) -> Result<Exit> {
    let store = open(global).await?;
    let wanted: Vec<MailState> = match state.and_then(|word| MailState::parse(word.word())) {
        Some(state) => vec![state],
        None => vec![MailState::Queued, MailState::Failed],
    };
    let mut mails = Vec::new();
    for state in wanted {
        mails.extend(store.mails(state, LISTED).await.map_err(store_failure)?);
    }
    if global.json {
        let all: Vec<_> = mails.iter().map(document).collect();
        out::json(&serde_json::json!({ "mails": all }));
        return Ok(Exit::Ok);
    }
    if mails.is_empty() {
        out::data("no mail waits, and none was given up");
        return Ok(Exit::Ok);
    }
    let mut rows = vec![
        ["mail", "kind", "about", "to", "state", "tries", "next", "last error"].map(String::from).to_vec(),
    ];
    rows.extend(mails.iter().map(row));
    out::data(out::table(&rows));
    Ok(Exit::Ok)
}

fn to(mail: &Mail) -> String {
    mail.content.as_ref().map_or_else(|| "(forgotten)".into(), |(to, _, _)| to.to_string())
}

fn row(mail: &Mail) -> Vec<String> {
    let next = if mail.state == MailState::Queued { mail.next.to_string() } else { "-".into() };
    vec![
        mail.id.to_string(),
        mail.kind.word().into(),
        mail.about.clone(),
        to(mail),
        mail.state.word().into(),
        mail.attempts.to_string(),
        next,
        mail.error.clone().unwrap_or_default(),
    ]
}

fn document(mail: &Mail) -> serde_json::Value {
    serde_json::json!({ "mail": mail.id, "kind": mail.kind.word(), "about": mail.about, "who": mail.who,
        "message_id": mail.message_id.as_str(), "state": mail.state.word(), "queued": mail.queued.to_string(),
        "attempts": mail.attempts, "next": mail.next.to_string(), "settled": mail.settled.map(|t| t.to_string()),
        "error": mail.error, "to": mail.content.as_ref().map(|(to, _, _)| to.to_string()) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_records_are_several_strings() {
        assert_eq!(super::quoted("v=DKIM1"), "\"v=DKIM1\"");
        let long = super::quoted(&"x".repeat(300));
        assert_eq!(long, format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45)));
    }
}
