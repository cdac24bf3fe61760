//! Reports: what somebody says is wrong, in one form however it came.
//!
//! A report opens nothing and blocks nobody. How many there are is no input of any finding: what is alike is
//! one cluster ([`cluster`]), which people look at once.

pub mod cluster;

use crate::{
    GrammarError, Id, Sentence, Time,
    note::words,
    subject::is_hostname,
    text::{Lines, is_seen, number, optional, or_none},
    time::DAY,
};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use ledger::Hash;

/// Most addresses in one report: a phishing kit on every hostname of a small customer. More are another report.
pub const MAX_ABOUT: usize = 50;
/// Longest description, bytes: two to four pages.
pub const MAX_TEXT: usize = 16 * 1024;
/// Longest address, bytes: what browsers and proxies pass on.
const MAX_ADDRESS: usize = 2048;
/// Longest e-mail address, bytes (RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.2: 64, `@`, 255).
const MAX_EMAIL: usize = 320;
/// How far ahead of our clock a reporter's may be, seconds: a day, for those who write their local time, or whose clock
/// is wrong.
pub const AHEAD: u64 = DAY;
/// Largest report as text, bytes: addresses, description and a few short lines.
pub const MAX_REPORT: usize = MAX_ABOUT * (MAX_ADDRESS + 8) + MAX_TEXT + 8192;

words! {
    /// What a report is about, the gravest first.
    Category {
        /// Somebody threatens a life, or a place where people are.
        ThreatToLife = "threat-to-life",
        /// Sexual abuse of children.
        ChildSexualAbuse = "child-sexual-abuse",
        /// Where somebody lives, works or moves, published to harm them.
        Doxxing = "doxxing",
        /// Harassment and stalking.
        Harassment = "harassment",
        /// Incitement to violence or hatred.
        Incitement = "incitement",
        /// A page that takes passwords or money in another's name.
        Phishing = "phishing",
        /// Malware, or what controls it.
        Malware = "malware",
        /// Attacks on networks or machines.
        NetworkAttack = "network-attack",
        /// Something else that the reporter holds for illegal.
        Illegal = "illegal",
        /// Anything else.
        Other = "other",
    }
}

impl Category {
    /// How soon people look: 4 is somebody's life, 0 a nuisance (due-process severities S4 to S0).
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Self::ThreatToLife => 4,
            Self::ChildSexualAbuse | Self::Doxxing => 3,
            Self::Harassment | Self::Incitement | Self::Phishing | Self::Malware => 2,
            Self::NetworkAttack | Self::Illegal => 1,
            Self::Other => 0,
        }
    }
}

words! {
    /// How a report came.
    Channel {
        /// The form on the press.
        Form = "form",
        /// The API of the press.
        Api = "api",
        /// XARF v4, over the API of the press or in a mail.
        Xarf = "xarf",
        /// A mail.
        Mail = "mail",
        /// A feedback report in a mail (ARF, RFC 5965).
        Arf = "arf",
    }
}

impl Channel {
    /// Whether a report that came so must say where it is. A mail cannot be asked again, and is read by a person either
    /// way.
    #[must_use]
    pub fn needs_address(self) -> bool {
        match self {
            Self::Form | Self::Api | Self::Xarf => true,
            Self::Mail | Self::Arf => false,
        }
    }
}

/// Where it is, as the reporter wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Reads an address: a URL, a hostname, whatever says where. Nothing is refused for its form but what nobody can
    /// read: a person sorts out the rest.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn parse(s: &str) -> Result<Self, &'static str> {
        if s.len() > MAX_ADDRESS {
            return Err("is longer than 2048 bytes");
        }
        if s.contains(char::is_whitespace) {
            return Err("holds a space; give one address per line");
        }
        Sentence::parse(s).map(|_| Self(s.to_string()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hostname in lower case, if it has one that could be served.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        is_hostname(&host).then_some(host)
    }
}

/// Who reports, as far as they said. Never shown to the customer, and never part of the public record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporter {
    /// Name.
    pub name: Option<Sentence>,
    /// E-mail address; nobody has checked it.
    pub email: Option<Sentence>,
}

impl Reporter {
    /// An e-mail address as far as one can tell without sending to it.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn read_email(s: &str) -> Result<Sentence, &'static str> {
        let fits = s.len() <= MAX_EMAIL
            && !s.contains(char::is_whitespace)
            && s.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !fits {
            return Err("is no e-mail address");
        }
        Sentence::parse(s)
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its number.
    pub id: Id,
    /// When it came, by our clock.
    pub received: Time,
    /// How it came.
    pub channel: Channel,
    /// SHA-256 of the secret in the link to its outcome.
    pub secret: Hash,
    /// What it is about.
    pub category: Category,
    /// Where it is: at most [`MAX_ABOUT`], and at least one where the channel needs one ([`Channel::needs_address`]).
    pub about: Vec<Address>,
    /// When it happened, as the reporter says.
    pub happened: Option<Time>,
    /// Whether the reporter states to believe in good faith that it is accurate and complete (DSA Art. 16(2)(d)).
    pub good_faith: bool,
    /// Who reports.
    pub reporter: Reporter,
    /// What happened and why it is wrong, in the reporter's words (DSA Art. 16(2)(a)); 1 to [`MAX_TEXT`] bytes.
    pub text: String,
}

const FIRST: &str = "portcullis-report/v1";

impl Report {
    /// Makes the description readable: line ends become `\n`, what nobody sees goes, and so does space at the ends.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn read_text(s: &str) -> Result<String, &'static str> {
        let s = s.replace("\r\n", "\n").replace('\r', "\n");
        let plain: String = s.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
        let plain = plain.trim();
        match plain.len() {
            _ if !plain.chars().any(is_seen) => Err("is empty: say what happened"),
            n if n > MAX_TEXT => {
                Err("is longer than 16 KiB; put the rest where we can read it and give the address")
            }
            _ => Ok(plain.to_string()),
        }
    }

    /// When it happened, as far as that can be: at most [`AHEAD`] after the report came.
    ///
    /// # Errors
    /// Says which rule is broken.
    pub fn read_happened(happened: Time, received: Time) -> Result<Time, &'static str> {
        let ahead = happened.since(received) > AHEAD;
        if ahead { Err("lies in the future: say when it happened, or leave it out") } else { Ok(happened) }
    }

    /// Reads a report as the inbox keeps it.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        lines.exactly(FIRST)?;
        let id = lines.read("id", "an id", Id::parse)?;
        let received = lines.read("received", "a time", Time::parse)?;
        let channel = lines.read("channel", "form, api, xarf, mail or arf", Channel::parse)?;
        let secret = lines.read("secret-sha256", "64 lower-case hex digits", Hash::parse_hex)?;
        let category = lines.read("category", "a category", Category::parse)?;
        let mut about = Vec::new();
        while lines.next_is("about") {
            about.push(lines.read("about", "an address", |v| Address::parse(v).ok())?);
        }
        if about.len() > MAX_ABOUT || about.is_empty() && channel.needs_address() {
            return Err(
                lines.wrong(format!("a report names 1 to {MAX_ABOUT} addresses; only a mail may name none"))
            );
        }
        let happened = lines.read("happened", "a time or none", |v| optional(v, Time::parse))?;
        let good_faith = lines.read("good-faith", "yes or no", |v| match v {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })?;
        // A name may be `none`; so names stand behind a word.
        let name = lines.read("name", "none or is NAME", |v| named(v, |v| Sentence::parse(v).ok()))?;
        let email =
            lines.read("email", "none or is ADDRESS", |v| named(v, |v| Reporter::read_email(v).ok()))?;
        let length = lines.read("text", "how many bytes follow", number)?;
        let text = lines.rest().strip_suffix('\n').unwrap_or_default();
        if text.len() as u64 != length || Self::read_text(text).as_deref() != Ok(text) {
            return Err(lines.wrong("another description follows than this line says"));
        }
        let reporter = Reporter { name, email };
        let text = text.to_string();
        Ok(Self { id, received, channel, secret, category, about, happened, good_faith, reporter, text })
    }
}

fn named<T>(v: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if v == "none" { Some(None) } else { v.strip_prefix("is ").and_then(read).map(Some) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, received, channel, secret, category, .. } = self;
        write!(
            f,
            "{FIRST}\nid {id}\nreceived {received}\nchannel {channel}\nsecret-sha256 {secret}\ncategory {category}\n"
        )?;
        for address in &self.about {
            writeln!(f, "about {}", address.as_str())?;
        }
        writeln!(f, "happened {}", or_none(self.happened.as_ref()))?;
        writeln!(f, "good-faith {}", if self.good_faith { "yes" } else { "no" })?;
        for (key, value) in [("name", &self.reporter.name), ("email", &self.reporter.email)] {
            match value {
                Some(value) => writeln!(f, "{key} is {value}")?,
                None => writeln!(f, "{key} none")?,
            }
        }
        write!(f, "text {}\n{}\n", self.text.len(), self.text)
    }
}

#[cfg(test)]
mod tests;
