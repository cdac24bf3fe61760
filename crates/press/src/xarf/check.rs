//! Whether fields are what the schemas say.

use std::net::IpAddr;

use policy::Time;
use policy::report::{Address, Reporter};
use policy::subject::is_hostname;
use serde_json::{Map, Value};

use super::kinds::{Kind, Port, Rule};
use crate::report::Complaint;

pub(super) type Fields = Map<String, Value>;

/// Everything that is wrong, by field.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Complaint>);

impl Faults {
    pub(super) fn say(&mut self, field: impl Into<String>, why: impl Into<String>) {
        // A document has at most 100,000 values, and nobody reads more than this of what is wrong with them.
        if self.0.len() < MOST {
            self.0.push((field.into().into(), why.into()));
        }
    }

    /// A text that must be there.
    pub(super) fn text<'f>(&mut self, fields: &'f Fields, field: &str, within: &str) -> Option<&'f str> {
        let path = format!("{within}{field}");
        match fields.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => return Some(text),
            Some(Value::String(_)) => self.say(path, "is empty"),
            Some(_) => self.say(path, "must be a text"),
            None => self.say(path, "is missing"),
        }
        None
    }
}

/// Complaints in one answer.
const MOST: usize = 100;

/// A moment (RFC 3339, section 5.6), down to the second: with any offset, fractions dropped.
pub(super) fn moment(text: &str) -> Option<Time> {
    let (date, rest) = (text.get(..19)?, text.get(19..)?);
    let date = format!("{}T{}Z", date.get(..10)?, date.get(11..)?);
    let between = text.as_bytes().get(10)?;
    if !matches!(between, b'T' | b't' | b' ') {
        return None;
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            fraction.get(digits..).filter(|_| digits > 0)?
        }
        None => rest,
    };
    let time = Time::parse(&date)?;
    if matches!(rest, "Z" | "z") {
        return Some(time);
    }
    let two = |part: &str, most: u64| {
        part.parse::<u64>().ok().filter(|n| *n <= most && part.bytes().all(|c| c.is_ascii_digit()))
    };
    let (sign, offset) = rest.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
    let offset = two(hours, 23)? * 3600 + two(minutes, 59)? * 60;
    match sign {
        "+" => time.0.checked_sub(offset).map(Time),
        "-" => time.0.checked_add(offset).map(Time),
        _ => None,
    }
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]);
    lengths && parts.iter().all(|part| part.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// `4.MINOR.PATCH`.
pub(super) fn is_version(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    text.strip_prefix("4.").and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| number(a) && number(b))
}

/// `namespace:value`, in lower case.
pub(super) fn is_tag(text: &str) -> bool {
    let part = |part: &str, more: &[u8]| {
        let first = part.as_bytes().first().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        first && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c))
    };
    text.split_once(':').is_some_and(|(space, value)| part(space, b"_+-") && part(value, b"_+-."))
}

/// A text with a scheme that can be an address of a report.
fn is_uri(text: &str) -> Result<(), &'static str> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
    });
    if !has_scheme {
        return Err("must be a whole address, as in https://shop.example/login");
    }
    Address::parse(text).map(drop)
}

/// What is wrong with an organisation: who complains, or who sends the complaint.
pub(super) fn contact(faults: &mut Faults, fields: &Fields, field: &'static str) {
    let Some(Value::Object(contact)) = fields.get(field) else {
        let why = if fields.contains_key(field) { "must be an object" } else { "is missing" };
        return faults.say(field, why);
    };
    let within = format!("{field}.");
    if faults.text(contact, "org", &within).is_some_and(|org| org.chars().count() > 200) {
        faults.say(format!("{within}org"), "is longer than 200 characters");
    }
    if let Some(address) = faults.text(contact, "contact", &within)
        && let Err(why) = Reporter::read_email(address)
    {
        faults.say(format!("{within}contact"), why);
    }
    if faults.text(contact, "domain", &within).is_some_and(|d| !is_hostname(&d.to_ascii_lowercase())) {
        faults.say(format!("{within}domain"), "is no hostname");
    }
    for key in contact.keys().filter(|key| !["org", "contact", "domain"].contains(&key.as_str())) {
        faults.say(format!("{within}{key:.60}"), "is not known there");
    }
}

/// What is wrong with the fields that a pair needs.
pub(super) fn needs(faults: &mut Faults, fields: &Fields, kind: &Kind) {
    for (field, rule) in kind.needs {
        match fields.get(*field) {
            None => faults.say(*field, format!("is missing; {}/{} needs it", kind.category, kind.kind)),
            Some(value) => rule.check(value).unwrap_or_else(|why| faults.say(*field, why)),
        }
    }
    let text = |field| fields.get(field).and_then(Value::as_str).unwrap_or_default();
    let port = match kind.port {
        Port::Free => false,
        Port::OfAddress => text("source_identifier").parse::<IpAddr>().is_ok(),
        Port::OfSmtp => text("protocol") == "smtp",
    };
    if port && !fields.contains_key("source_port") {
        faults.say("source_port", "is missing; who used this address then is not known without it");
    }
    if port && kind.port == Port::OfSmtp && Reporter::read_email(text("smtp_from")).is_err() {
        faults.say("smtp_from", "must be there with `protocol` smtp, and be an e-mail address");
    }
    if let Some((object, one_of)) = kind.inner {
        let inner = fields.get(object).and_then(Value::as_object);
        if !inner.is_some_and(|inner| one_of.iter().any(|field| inner.contains_key(*field))) {
            faults.say(object, format!("must be an object with {}", one_of.join(" or ")));
        }
    }
}

impl Rule {
    fn check(self, value: &Value) -> Result<(), String> {
        let text = value.as_str();
        match self {
            Self::Text(most) => match text {
                Some(text) if text.chars().count() <= most => Ok(()),
                Some(_) => Err(format!("is longer than {most} characters")),
                None => Err("must be a text".into()),
            },
            Self::Uri => is_uri(text.ok_or("must be a text")?).map_err(Into::into),
            Self::When => match text.and_then(moment) {
                Some(_) => Ok(()),
                None => Err("must be a moment, as in 2026-11-22T23:15:00Z".into()),
            },
            Self::OneOf(words) => match text {
                Some(text) if words.contains(&text) => Ok(()),
                _ => Err(format!("must be one of {}", words.join(", "))),
            },
            Self::Whole(least, most) => match value.as_i64() {
                Some(number) if (least..=most).contains(&number) => Ok(()),
                _ if most == i64::MAX => Err(format!("must be a whole number from {least}")),
                _ => Err(format!("must be a whole number from {least} to {most}")),
            },
            Self::Texts(least, words) => {
                let list = value.as_array().ok_or("must be a list of texts")?;
                let fits =
                    |item: &Value| item.as_str().is_some_and(|w| words.is_empty() || words.contains(&w));
                if list.len() < least {
                    Err(format!("must have at least {least}"))
                } else if !list.iter().all(fits) && words.is_empty() {
                    Err("must be a list of texts".into())
                } else if !list.iter().all(fits) {
                    Err(format!("must be a list of these: {}", words.join(", ")))
                } else {
                    Ok(())
                }
            }
            Self::Cve => {
                let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
                let number = text.and_then(|t| t.strip_prefix("CVE-")).and_then(|rest| rest.split_once('-'));
                let fits = number.is_some_and(|(year, n)| year.len() == 4 && digits(year) && digits(n));
                if fits {
                    Ok(())
                } else {
                    Err("must be the number of a vulnerability, as in CVE-2021-44228".into())
                }
            }
        }
    }
}
