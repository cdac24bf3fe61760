//! Feedback reports (ARF, RFC 5965): what a mailbox provider says about a mail that somebody complained of.

use ledger::Hash;
use mailparse::{MailHeaderMap as _, ParsedMail, parse_headers};
use policy::Time;
use policy::report::{Category, Report};

use super::addresses::Addresses;

/// The media type of the part that machines read (RFC 5965, section 2).
pub(super) const PART: &str = "message/feedback-report";

/// Fields that are kept for people, each as often as it is there. Those that name who got the mail
/// (`Original-Rcpt-To`) are not: they are no business of ours.
const KEPT: [&str; 11] = [
    "Feedback-Type",
    "User-Agent",
    "Incidents",
    "Arrival-Date",
    "Received-Date",
    "Source-IP",
    "Reported-Domain",
    "Reported-URI",
    "Original-Mail-From",
    "Reporting-MTA",
    "Authentication-Results",
];

/// Lines of a feedback report that are kept, and characters of each.
const LINES: usize = 40;
const LINE: usize = 200;

/// A feedback report, as far as it is one for us.
pub(super) struct Feedback {
    pub(super) category: Category,
    pub(super) happened: Option<Time>,
    pub(super) named: Addresses,
    /// The address of the machine it came from, which is named last.
    pub(super) source: Option<String>,
    pub(super) lines: Vec<String>,
}

/// What a part says that is a feedback report.
pub(super) enum Said {
    Complaint(Feedback),
    /// It complains of nothing.
    Nothing,
}

/// Reads the part; `None` when it has no `Feedback-Type`, which each must have (RFC 5965, section 3.1).
pub(super) fn read(part: &ParsedMail<'_>, now: Time) -> Option<Said> {
    // It may have come in base64, so what was counted outside says nothing about it.
    let body = part.get_body_raw().ok().filter(|body| super::too_much(body).is_none())?;
    let (fields, _) = parse_headers(&body).ok()?;
    let category = match fields.get_first_value("Feedback-Type")?.trim().to_ascii_lowercase().as_str() {
        "fraud" => Category::Phishing,
        "virus" => Category::Malware,
        // A mail that was no spam; a mail whose sender could not be proven (RFC 6591).
        "not-spam" | "auth-failure" => return Some(Said::Nothing),
        _ => Category::Other,
    };
    let mut named = Addresses::default();
    for field in ["Reported-URI", "Reported-Domain"] {
        fields.get_all_values(field).iter().for_each(|value| named.name(value));
    }
    let date = ["Arrival-Date", "Received-Date"].iter().find_map(|field| fields.get_first_value(field));
    let happened = date.and_then(|date| u64::try_from(mailparse::dateparse(&date).ok()?).ok());
    let mut lines = Vec::new();
    for field in KEPT {
        for value in fields.get_all_values(field).iter().take(LINES.saturating_sub(lines.len())) {
            let value: String = value.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.push(format!("{field}: {value:.LINE$}"));
        }
    }
    if lines.len() == LINES {
        lines.push(format!("and perhaps more; sha256 of this part {}", Hash::of(&body)));
    }
    Some(Said::Complaint(Feedback {
        category,
        happened: happened.and_then(|time| Report::read_happened(Time(time), now).ok()),
        named,
        source: fields.get_first_value("Source-IP"),
        lines,
    }))
}
