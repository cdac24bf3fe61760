//! Mail out of the desk: from the configuration's words, and the files it names, to settings that can send.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use desk::{Dkim, Language, MailConfig, Mailer, Sender, Smarthost, Tls};
use policy::MailAddress;

use crate::config::{Config, Mail};
use crate::exit::{Exit, Failure, Result};
use crate::home;

/// Largest file that is read for mail, bytes: a chain of certificates is 10 KiB, a key 3.
const MAX_FILE: u64 = 64 * 1024;

/// Mail as `[mail]` says; `None` without one.
pub(crate) fn mailer(config: &Config) -> Result<Option<Mailer>> {
    if !config.has("mail") {
        return Ok(None);
    }
    config.need(&["operator"])?;
    let (mail, operator) = (config.mail(), config.operator());
    let appeal = match &operator.appeal_email {
        Some(email) => format!("{} ({email})", operator.appeal_url),
        None => operator.appeal_url.clone(),
    };
    let reply_to = mail.reply_to.as_ref().unwrap_or(&operator.service_email);
    let sender = Sender {
        name: operator.name.clone(),
        from: address("mail.from", &mail.from)?,
        reply_to: Some(address("mail.reply_to", reply_to)?),
        dkim: dkim(&mail)?,
    };
    let settings = MailConfig {
        smarthost: smarthost(&mail)?,
        sender,
        receipts: mail.receipts,
        language: Language::parse(&mail.language).unwrap_or(Language::En),
        service: operator.service_email,
        appeal,
    };
    Mailer::new(settings).map(Some).map_err(|why| wrong(why.what).next(why.next))
}

fn wrong(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Config, what)
}

fn address(key: &str, text: &str) -> Result<MailAddress> {
    MailAddress::parse(text).map_err(|why| wrong(format!("{key}: {text:?} {why}")))
}

fn smarthost(mail: &Mail) -> Result<Smarthost> {
    let (host, port) = mail.smtp.clone();
    let tls = match mail.tls.as_str() {
        "tls" => Tls::Wrapped,
        "none" => Tls::None,
        _ => Tls::StartTls,
    };
    let ca = mail.ca.as_deref().map(|file| read("mail.ca", file)).transpose()?.map(String::into_bytes);
    let login = match (&mail.user, &mail.password) {
        (Some(user), Some(file)) => Some((user.clone(), password(file)?)),
        (None, None) => None,
        _ => return Err(wrong("mail.user and mail.password belong together, and one of them is missing")),
    };
    Ok(Smarthost { host, port, tls, ca, login })
}

fn password(file: &Path) -> Result<String> {
    closed("mail.password", file)?;
    read("mail.password", file)?;
    let line = home::read_line(file)?;
    if line.is_empty() || line.contains('\n') {
        return Err(wrong(format!("mail.password: {} does not hold one line", file.display())));
    }
    Ok(line)
}

fn dkim(mail: &Mail) -> Result<Option<Dkim>> {
    match &mail.dkim {
        (None, None, None) => Ok(None),
        (Some(domain), Some(selector), Some(file)) => {
            closed("mail.dkim_key", file)?;
            let pem = read("mail.dkim_key", file)?;
            let key = Dkim::new(domain, selector, &pem);
            key.map(Some).map_err(|why| {
                wrong(format!("mail.dkim_key {}: {why}", file.display()))
                    .next("`portcullis mail key FILE` makes a key that fits")
            })
        }
        _ => Err(wrong(
            "mail.dkim_domain, mail.dkim_selector and mail.dkim_key belong together, and some are missing",
        )),
    }
}

pub(super) fn read(key: &str, file: &Path) -> Result<String> {
    let failed = |e: std::io::Error| wrong(format!("{key}: cannot read {}: {e}", file.display()));
    if std::fs::metadata(file).map_err(failed)?.len() > MAX_FILE {
        return Err(wrong(format!("{key}: {} is larger than 64 KiB", file.display())));
    }
    std::fs::read_to_string(file).map_err(failed)
}

/// A secret that others on the machine can read is none.
pub(super) fn closed(key: &str, file: &Path) -> Result<()> {
    let found =
        std::fs::metadata(file).map_err(|e| wrong(format!("{key}: cannot read {}: {e}", file.display())))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(wrong(format!("{key}: others can read {}", file.display()))
            .next(format!("chmod 600 {}", file.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATOR: &str = "[operator]\nname = \"Example Shield\"\nurl = \"https://shield.example\"\nappeal_url = \"https://shield.example/appeal\"\nabuse_email = \"abuse@shield.example\"\nsecurity_email = \"security@shield.example\"\npress_email = \"press@shield.example\"\nservice_email = \"service@shield.example\"\nreasons_base = \"https://decisions.shield.example\"\n";

    fn said(dir: &Path, mail: &str) -> String {
        let text = format!("{OPERATOR}[mail]\nfrom = \"portcullis@shield.example\"\n{mail}\n");
        let config = Config::parse(&text, dir).unwrap_or_else(|all| panic!("{all:?}"));
        match mailer(&config) {
            Ok(mailer) => mailer.map_or_else(|| "off".into(), |_| "good".into()),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn what_is_missing_or_open_is_said() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        home::write_new(&dir.path().join("secret"), "hush\n", true).expect("written");
        home::write_new(&dir.path().join("open"), "hush\n", false).expect("written");
        for (mail, want) in [
            ("smtp = \"mail.shield.example:587\"", "good"),
            ("smtp = \"localhost:25\"\ntls = \"none\"", "good"),
            ("smtp = \"mail.shield.example:25\"\ntls = \"none\"", "is not this machine"),
            ("smtp = \"m.example:587\"\nuser = \"x\"", "belong together"),
            ("smtp = \"m.example:587\"\nuser = \"x\"\npassword = \"secret\"", "good"),
            ("smtp = \"m.example:587\"\nuser = \"x\"\npassword = \"gone\"", "cannot read"),
            ("smtp = \"m.example:587\"\nuser = \"x\"\npassword = \"open\"", "chmod 600"),
            ("smtp = \"m.example:587\"\nca = \"gone\"", "cannot read"),
            ("smtp = \"m.example:587\"\ndkim_key = \"secret\"", "some are missing"),
            (
                "smtp = \"m.example:587\"\ndkim_domain = \"shield.example\"\ndkim_selector = \"s\"\ndkim_key = \"secret\"",
                "no RSA key",
            ),
        ] {
            let said = said(dir.path(), mail);
            assert!(said.contains(want), "{mail}: {said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }
}
