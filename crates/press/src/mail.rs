//! Mails that complain: plain ones, feedback reports (ARF, RFC 5965), and those that bring an XARF v4 report.
//!
//! Reading is a function of the bytes alone, and so is the number of the report that comes of them: whoever is stopped
//! between keeping a report and putting its mail away, and does it again, keeps the same one. MIME is read by
//! `mailparse`, which follows parts only so deep and never looks into a mail within a mail.

mod addresses;
mod arf;
mod html;

use ledger::Hash;
use mailparse::{
    DispositionType, MailAddr, MailHeaderMap as _, ParsedMail, addrparse_header, dateparse, parse_mail,
};
use policy::report::{Category, Channel, MAX_TEXT, Report, Reporter};
use policy::{Id, Time};

use self::addresses::Addresses;
use self::arf::{Feedback, Said};
use crate::report::{Content, content, number};
use crate::xarf;

/// Largest mail, bytes: what large providers let through is 25 MB, in base64; complaints with a screenshot or two are
/// below 5. With its decoded parts and its text it costs four times as much while it is read, one mail at a time.
pub const MAX_MAIL: usize = 10 * 1024 * 1024;
/// Most lines: 10 MiB in base64 have 138,000. A header has one at least, so headers have 10 MB of memory at most.
const MAX_LINES: usize = 300_000;
/// Most lines that begin as a boundary does, and so most parts. Mails have ten; one with a long comparison of texts in it
/// has hundreds.
const MAX_BOUNDARIES: usize = 2_000;
/// Most work for encoded words (RFC 2047), bytes looked at: the parser looks through the rest of a header for the end of
/// each, so it is their number times its length. A subject of a thousand characters in Chinese is 100,000; these are a
/// tenth of a second.
const MAX_ENCODED: usize = 64 * 1024 * 1024;
/// Attachments that are told one by one.
const ATTACHMENTS: usize = 20;
/// Complaints about an XARF attachment that are told, and characters of each.
const COMPLAINTS: usize = 10;
const COMPLAINT: usize = 160;

/// What a mail is.
#[derive(Debug)]
pub enum Reading {
    /// A report.
    Report(Box<Mail>),
    /// Written by a machine that complains of nothing, and why we think so.
    Automatic(&'static str),
    /// Nothing that can be read, and why.
    Unreadable(&'static str),
}

/// A mail that complains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The number of its report: when it came and the beginning of its SHA-256.
    pub id: Id,
    /// How it complains: [`Channel::Mail`], [`Channel::Arf`] or [`Channel::Xarf`].
    pub channel: Channel,
    /// What it says.
    pub content: Content,
}

/// Reads a mail (RFC 5322) with everything that transport put before it. `now` bounds when something can have happened.
#[must_use]
pub fn read(raw: &[u8], now: Time) -> Reading {
    if let Some(why) = too_much(raw) {
        return Reading::Unreadable(why);
    }
    let Ok(mail) = parse_mail(raw) else { return Reading::Unreadable("it is no mail (RFC 5322)") };
    if ["From", "Received", "Subject", "Date"]
        .iter()
        .all(|name| mail.headers.get_first_header(name).is_none())
    {
        return Reading::Unreadable("it has none of the headers of a mail");
    }
    match say(&mail, &Hash::of(raw), now) {
        Ok((channel, content)) => match number(came(&mail), &Hash::of(raw).0) {
            Some(id) => Reading::Report(Box::new(Mail { id, channel, content })),
            None => Reading::Unreadable("its time of arrival is no time"),
        },
        Err(reading) => reading,
    }
}

/// Whether the parser would be asked for more than we give.
fn too_much(raw: &[u8]) -> Option<&'static str> {
    if raw.len() > MAX_MAIL {
        return Some("it is larger than 10 MiB");
    }
    let lines = || raw.split(|byte| *byte == b'\n');
    if lines().count() > MAX_LINES {
        return Some("it has more than 300,000 lines");
    }
    if lines().filter(|line| line.starts_with(b"--")).count() > MAX_BOUNDARIES {
        return Some("it has more than 2,000 lines that begin with two hyphens, as its parts do");
    }
    (encoded(lines()) > MAX_ENCODED).then_some("its headers have too many encoded words")
}

/// What the encoded words of all headers cost; whatever else looks like a header counts as one.
fn encoded<'r>(lines: impl Iterator<Item = &'r [u8]>) -> usize {
    let (mut all, mut words, mut length) = (0_usize, 0_usize, 0_usize);
    for line in lines {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            all = all.saturating_add(words.saturating_mul(length));
            (words, length) = (0, 0);
        }
        words += line.windows(2).filter(|pair| pair == b"=?").count();
        length += line.len() + 1;
    }
    all.saturating_add(words.saturating_mul(length))
}

/// When our own mail server took it: the topmost `Received`, which nobody else can write. 0 when there is none.
fn came(mail: &ParsedMail<'_>) -> Time {
    let received = mail.headers.get_first_value("Received");
    let date = received.as_deref().and_then(|text| text.rsplit_once(';'));
    let time = date.and_then(|(_, date)| u64::try_from(dateparse(date.trim()).ok()?).ok());
    // Nine hexadecimal digits, so that numbers sort by time: the year 4147.
    Time(time.unwrap_or(0).min(0xf_ffff_ffff))
}

/// What it says, and how.
fn say(mail: &ParsedMail<'_>, whole: &Hash, now: Time) -> Result<(Channel, Content), Reading> {
    let leaves: Vec<&ParsedMail<'_>> = mail.parts().filter(|part| part.subparts.is_empty()).collect();
    let mut tail = Vec::new();
    match leaves.iter().find_map(|part| attached(part)).map(|json| xarf::read(&json, now)) {
        Some(Ok(report)) => return Ok((Channel::Xarf, report.content)),
        Some(Err(complaints)) => {
            tail.push("It came with an XARF report that is not valid:".to_owned());
            let told = complaints.iter().take(COMPLAINTS);
            tail.extend(told.map(|(field, why)| format!("  {field:.60}: {why:.COMPLAINT$}")));
        }
        None => {}
    }
    let feedback = match leaves.iter().find(|part| part.ctype.mimetype == arf::PART) {
        Some(part) => match arf::read(part, now) {
            Some(Said::Nothing) => {
                return Err(Reading::Automatic("a feedback report that complains of nothing"));
            }
            Some(Said::Complaint(feedback)) => Some(feedback),
            None => None,
        },
        None => None,
    };
    if feedback.is_none()
        && tail.is_empty()
        && let Some(why) = automatic(mail)
    {
        return Err(Reading::Automatic(why));
    }
    let words = words(mail, &leaves);
    let channel = if feedback.is_some() { Channel::Arf } else { Channel::Mail };
    let Feedback { category, happened, mut named, source, lines } = feedback.unwrap_or(Feedback {
        category: Category::Other,
        happened: None,
        named: Addresses::default(),
        source: None,
        lines: Vec::new(),
    });
    named.scan(&words);
    source.iter().for_each(|source| named.name(source));
    tail.extend(lines);
    tail.extend(attachments(&leaves));
    let text = fit(&words, &tail.join("\n"), whole);
    let text = Report::read_text(&text).map_err(|_| Reading::Unreadable("it has no words"))?;
    let reporter = from(mail);
    Ok((channel, Content { category, about: named.found(), happened, good_faith: false, reporter, text }))
}

/// The XARF report in a part that is one, of whatever version.
fn attached(part: &ParsedMail<'_>) -> Option<Vec<u8>> {
    let json =
        matches!(part.ctype.mimetype.as_str(), "application/json" | "text/json" | "application/xarf+json")
            || file_name(part).is_some_and(|name| name.to_ascii_lowercase().ends_with(".json"));
    if !json {
        return None;
    }
    let body = part.get_body_raw().ok()?;
    let named = |name: &[u8]| body.windows(name.len()).any(|at| at == name);
    named(b"\"xarf_version\"").then_some(body)
}

fn file_name(part: &ParsedMail<'_>) -> Option<String> {
    let named = part.get_content_disposition().params.get("filename").cloned();
    named.or_else(|| part.ctype.params.get("name").cloned())
}

/// Why nobody complains here: a machine answered, or a list passed it on.
fn automatic(mail: &ParsedMail<'_>) -> Option<&'static str> {
    let header =
        |name: &str| mail.headers.get_first_value(name).map(|value| value.trim().to_ascii_lowercase());
    let kind = mail.ctype.params.get("report-type").map(|kind| kind.to_ascii_lowercase());
    // RFC 3834, section 5: anything but `no` is automatic.
    if header("Auto-Submitted").is_some_and(|value| !value.is_empty() && !value.starts_with("no")) {
        Some("an automatic mail (Auto-Submitted)")
    } else if mail.ctype.mimetype == "multipart/report"
        && kind.is_some_and(|kind| kind == "delivery-status" || kind == "disposition-notification")
    {
        Some("a notice about a delivery")
    } else if header("Return-Path").is_some_and(|path| path == "<>") {
        Some("a bounce (its Return-Path is empty)")
    } else if header("List-Id").is_some()
        || header("Precedence").is_some_and(|value| ["list", "bulk", "junk"].contains(&value.as_str()))
    {
        Some("a mail of a list")
    } else {
        None
    }
}

/// Who sent it, as far as that can be kept.
fn from(mail: &ParsedMail<'_>) -> Reporter {
    let header = mail.headers.get_first_header("From");
    let all = header.and_then(|header| addrparse_header(header).ok());
    let first = all.and_then(|all| {
        all.into_inner().into_iter().find_map(|address| match address {
            MailAddr::Single(single) => Some(single),
            MailAddr::Group(group) => group.addrs.into_iter().next(),
        })
    });
    let Some(single) = first else { return Reporter::default() };
    let name = single.display_name.and_then(|name| content::name(name.trim()).ok());
    Reporter { name, email: Reporter::read_email(single.addr.trim()).ok() }
}

/// Subject and body, as people wrote them.
fn words(mail: &ParsedMail<'_>, leaves: &[&ParsedMail<'_>]) -> String {
    let shown =
        |part: &&&ParsedMail<'_>| part.get_content_disposition().disposition != DispositionType::Attachment;
    let bodies = |kind: &str| {
        let fit = leaves.iter().filter(shown).filter(|part| part.ctype.mimetype == kind);
        fit.filter_map(|part| part.get_body().ok()).filter(|body| !body.trim().is_empty()).collect::<Vec<_>>()
    };
    let mut all = bodies("text/plain");
    if all.is_empty() {
        all = bodies("text/html").iter().map(|page| html::words(page)).collect();
    }
    let subject = mail.headers.get_first_value("Subject").unwrap_or_default();
    let subject: String = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if !subject.is_empty() {
        all.insert(0, format!("Subject: {subject}"));
    }
    all.iter().map(|text| text.trim()).collect::<Vec<_>>().join("\n\n")
}

/// One line about everything that came along. There is no place yet to keep it, so only its hash is.
fn attachments(leaves: &[&ParsedMail<'_>]) -> Vec<String> {
    let along: Vec<_> = leaves
        .iter()
        .filter(|part| {
            let kind = part.ctype.mimetype.as_str();
            let attached = part.get_content_disposition().disposition == DispositionType::Attachment;
            // A multipart without parts is nothing that came along.
            let body =
                matches!(kind, "text/plain" | "text/html" | arf::PART) || kind.starts_with("multipart/");
            attached || !body
        })
        .collect();
    let line = |part: &&&ParsedMail<'_>| {
        let kind: String = part.ctype.mimetype.chars().filter(|c| !c.is_whitespace()).take(80).collect();
        match part.get_body_raw() {
            Ok(body) => format!("attachment: {kind}, {} bytes, sha256 {}", body.len(), Hash::of(&body)),
            Err(_) => format!("attachment: {kind}, which cannot be decoded"),
        }
    };
    let mut lines: Vec<String> = along.iter().take(ATTACHMENTS).map(line).collect();
    if along.len() > ATTACHMENTS {
        lines.push(format!("and {} more attachments", along.len() - ATTACHMENTS));
    }
    lines
}

/// Words and what follows them, within what a report holds. What is cut is in the mail, which is kept.
fn fit(words: &str, tail: &str, whole: &Hash) -> String {
    let cut = format!("\n(cut here; the whole mail is in the mailbox, sha256 {whole})");
    let room = MAX_TEXT.saturating_sub(tail.len() + 2);
    let words = if words.len() <= room {
        words.to_owned()
    } else {
        let end = words.floor_char_boundary(room.saturating_sub(cut.len()));
        format!("{}{cut}", &words[..end])
    };
    if tail.is_empty() { words } else { format!("{words}\n\n{tail}") }
}

#[cfg(test)]
mod tests;
