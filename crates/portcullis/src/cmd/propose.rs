//! `portcullis propose`: an officer puts a block forward. Times are absolute in the text; nobody computes an end later.

use std::path::Path;

use ledger::Hash;
use policy::clock::Clock as _;
use policy::note::{Class, Head, Impose, LegalOrder, Referral, Withheld, WithholdReason};
use policy::{Id, Subject, Time};

use crate::cli::{Emergency, Global, Proposal, Propose, ProposeOrder, ProposeOther};
use crate::clock::RealClock;
use crate::desk_client::{Desk, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::{out, review, signing};

/// How long a proposal stays open, seconds: the floor's 60 minutes. A tighter policy says no.
const OPEN: u64 = policy::floor::FLOOR.approve_minutes * 60;

pub(super) async fn run(global: &Global, args: Propose) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    match args {
        Propose::Emergency(args) => emergency(global, &officer, &desk, args).await,
        Propose::Abuse(args) => other(global, &officer, &desk, Class::Abuse, args).await,
        Propose::Standing(args) => other(global, &officer, &desk, Class::Standing, args).await,
        Propose::Order(args) => order(global, &officer, &desk, args).await,
    }
}

async fn order(global: &Global, officer: &Officer, desk: &Desk, args: ProposeOrder) -> Result<Exit> {
    let customer = desk.customer(&args.proposal.customer).await?;
    let case = super::case::named(desk, args.case.as_deref()).await?;
    let subject = super::finding::subject(officer, &customer, &args.scope, case)?;
    let now = RealClock::new().now();
    let until = now.plus(args.span.0);
    let terms = Terms { class: Class::Order, ground: &args.ground, since: now, until, now };
    let (mut impose, post) = terms.impose(officer.trust()?.origin, &subject, &args.proposal)?;
    impose.order = Some(legal_order(desk, &args.order).await?);
    send(global, officer, desk, &impose, &subject, &post, &args.proposal).await
}

/// `AUTHORITY:FILE`: what the note says of an order. The desk keeps the document, never public, for who signs after.
pub(super) async fn legal_order(desk: &Desk, written: &str) -> Result<LegalOrder> {
    let wrong = || {
        Failure::input(format!("{written:?} is not AUTHORITY:FILE"))
            .next("as in aut-court-berlin:order.pdf: the authority's id, which is public, and the document, which is not")
    };
    let (authority, file) = written.split_once(':').ok_or_else(wrong)?;
    let authority = Id::parse(authority).ok_or_else(wrong)?;
    let document = std::fs::read(file).map_err(|e| Failure::io("read", Path::new(file), &e))?;
    desk.put_blob(&document).await?;
    Ok(LegalOrder { authority, document: Hash::of(&document) })
}

async fn emergency(global: &Global, officer: &Officer, desk: &Desk, args: Emergency) -> Result<Exit> {
    let customer = desk.customer(&args.proposal.customer).await?;
    let finding_id = desk.resolve(&args.finding).await?;
    let (_, finding) = review::finding(desk, &finding_id).await?;
    let case = finding.case.to_string();
    let origin = officer.trust()?.origin;
    let subject = review::subject(desk, &finding.subject, &origin).await?;
    if subject.customer.as_str() != text(&customer, "id") {
        let what =
            format!("the finding {finding_id} is about {}, not {}", subject.customer, text(&customer, "id"));
        return Err(Failure::input(what));
    }
    let (count, record) = super::case::referral_record(desk, &case).await?;
    let now = RealClock::new().now();
    let terms = Terms {
        class: Class::Emergency,
        ground: &args.ground,
        since: now,
        until: now.plus(args.span.0),
        now,
    };
    let (mut impose, post) = terms.impose(origin, &subject, &args.proposal)?;
    impose.finding = Some(finding_id);
    impose.referral = Some(Referral { count, record: Hash::of(record.as_bytes()) });
    desk.put_blob(record.as_bytes()).await?;
    send(global, officer, desk, &impose, &subject, &post, &args.proposal).await
}

async fn other(
    global: &Global,
    officer: &Officer,
    desk: &Desk,
    class: Class,
    args: ProposeOther,
) -> Result<Exit> {
    let customer = desk.customer(&args.proposal.customer).await?;
    let case = super::case::named(desk, args.case.as_deref()).await?;
    let subject = super::finding::subject(officer, &customer, &args.scope, case)?;
    let now = RealClock::new().now();
    let since = if class == Class::Standing { now.plus(args.starts_in.0) } else { now };
    let terms = Terms { class, ground: &args.ground, since, until: since.plus(args.span.0), now };
    let (impose, post) = terms.impose(officer.trust()?.origin, &subject, &args.proposal)?;
    send(global, officer, desk, &impose, &subject, &post, &args.proposal).await
}

/// What differs between the classes.
struct Terms<'a> {
    class: Class,
    ground: &'a str,
    now: Time,
    since: Time,
    until: Time,
}

impl Terms<'_> {
    /// The note, and the post it names.
    fn impose(&self, origin: String, subject: &Subject, proposal: &Proposal) -> Result<(Impose, Vec<u8>)> {
        let (ground, ground_version) = ground(self.ground)?;
        let post = std::fs::read(&proposal.post).map_err(|e| Failure::io("read", &proposal.post, &e))?;
        press::post::Post::reasons(&post)
            .map_err(|e| Failure::input(format!("{}: {e}", proposal.post.display())))?;
        let impose = Impose {
            head: Head { origin, id: new_id("imp")? },
            class: self.class,
            scope: subject.scope.kind(),
            hostnames: subject.hostnames.len() as u64,
            ground,
            ground_version,
            proposed: self.now,
            since: self.since,
            until: self.until,
            approve_by: self.now.plus(OPEN),
            finding: None,
            referral: None,
            order: None,
            post: Hash::of(&post),
            subject: Hash::of(subject.to_string().as_bytes()),
            withheld: withheld(proposal, self.now)?.map(|(withheld, _)| withheld),
            limiting: super::continues::sentence("--limiting", &proposal.limiting)?,
        };
        Ok((impose, post))
    }
}

async fn send(
    global: &Global,
    officer: &Officer,
    desk: &Desk,
    impose: &Impose,
    subject: &Subject,
    post: &[u8],
    proposal: &Proposal,
) -> Result<Exit> {
    review::show_subject(desk, subject).await?;
    signing::typed("the main hostname", main_hostname(subject), proposal.yes.yes)?;
    out::note(format_args!("post       {} ({} bytes)", proposal.post.display(), post.len()));
    desk.put_blob(subject.to_string().as_bytes()).await?;
    desk.put_blob(post).await?;
    if let Some((_, narrative)) = withheld(proposal, impose.proposed)? {
        desk.put_blob(&narrative).await?;
    }
    let id = &impose.head.id;
    let note = signing::put_and_sign(desk, officer, id, &impose.to_string(), proposal.yes).await?;
    let who = match impose.class {
        Class::Emergency => "another, independent officer",
        Class::Abuse => "another officer",
        Class::Standing => "two other officers",
        Class::Order => "another person, one of you for legal process and one who called the authority back",
    };
    let next = format!("by {}, {who}: {} approve {id}", impose.approve_by, global.somebody());
    Ok(signing::report(global, &note, &next))
}

/// The hostname that people know the customer by: the shortest of those that would be blocked.
fn main_hostname(subject: &Subject) -> &str {
    let shortest = subject.hostnames.iter().min_by_key(|host| (host.len(), host.as_str()));
    shortest.map_or("", String::as_str)
}

/// `--withhold REASON:FILE --opens TIME`: what the note says, and the text.
fn withheld(proposal: &Proposal, now: Time) -> Result<Option<(Withheld, Vec<u8>)>> {
    let Some(written) = &proposal.withhold else { return Ok(None) };
    let wrong = || {
        Failure::input(format!("--withhold {written:?} is not REASON:FILE"))
            .next("REASON is victim-safety, investigation, legal-secrecy or child-safety")
    };
    let (reason, file) = written.split_once(':').ok_or_else(wrong)?;
    let reason = WithholdReason::parse(reason).ok_or_else(wrong)?;
    let text = std::fs::read(file).map_err(|e| Failure::io("read", Path::new(file), &e))?;
    press::post::Post::reasons(&text).map_err(|e| Failure::input(format!("{file}: {e}")))?;
    let withheld = Withheld { reason, narrative: Hash::of(&text), opens: now.plus(proposal.opens.0) };
    Ok(Some((withheld, text)))
}

/// `RULE:VERSION`.
fn ground(written: &str) -> Result<(Id, u64)> {
    let read =
        written.split_once(':').and_then(|(rule, version)| Some((Id::parse(rule)?, version.parse().ok()?)));
    read.filter(|(_, version)| *version > 0).ok_or_else(|| {
        Failure::input(format!("--ground {written:?} is not RULE:VERSION"))
            .next("as in imminent-threat-to-life:1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grounds() {
        let (rule, version) = ground("imminent-threat-to-life:1").expect("good");
        assert_eq!((rule.as_str(), version), ("imminent-threat-to-life", 1));
        for bad in ["imminent-threat-to-life", "x:1", "phishing:0", "phishing:-1", "phishing:", ""] {
            assert!(ground(bad).is_err(), "{bad:?}");
        }
    }
}
