//! `portcullis finding draft | sign`: two assessors say, criterion by criterion, whether life is at stake.
//!
//! A draft is a directory: `subject.txt` (who is meant, exact bytes), `finding.txt` (the note as far as it stands) and
//! `criteria.txt`, the one file to edit. Signing builds the assessment and the note from them.

mod criteria;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use ledger::Hash;
use policy::assessment::Assessment;
use policy::clock::Clock as _;
use policy::note::{Criterion, Finding, Head, Verdict};
use policy::{AnyNote, Id, Scope, Sentence, Subject};
use serde_json::{Value, json};

use crate::cli::{FindingDraft, FindingSign, Global};
use crate::clock::RealClock;
use crate::desk_client::{Desk, list, text, texts};
use crate::exit::{Exit, Failure, Result};
use crate::home::{self, Officer, new_id};
use crate::{out, review, signing};

use criteria::Criteria;

const SUBJECT: &str = "subject.txt";
const FINDING: &str = "finding.txt";
const CRITERIA: &str = "criteria.txt";
/// The id under which the draft was put to the desk; from then on its signatures go there.
const SIGNED: &str = "signed";

/// A judgement that stands in the case is not written again for so long, seconds; the desk wants it anew after 24 hours.
const STANDS: u64 = 12 * 3600;

/// What `criteria.txt` begins as.
const BLANK: &str = include_str!("../demo/criteria-blank.txt");

pub(super) async fn draft(global: &Global, args: FindingDraft) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    if args.window.0 > policy::floor::WINDOW {
        return Err(Failure::input("--window is at most 72h: harm that is further away is not imminent"));
    }
    let customer = desk.customer(&args.customer).await?;
    let it = desk.get(&format!("/cases/{}", super::case::resolve(&desk, &args.case).await?)).await?;
    let subject = subject(&officer, &customer, &args.scope, Id::parse(text(&it, "id")))?;
    let blob = subject.to_string();
    let criteria = match &args.criteria {
        Some(file) => std::fs::read_to_string(file).map_err(|e| Failure::io("read", file, &e))?,
        None => form(&subject.scope, &it),
    };
    let now = RealClock::new().now();
    let finding = Finding {
        head: Head { origin: subject.origin.clone(), id: new_id("fnd")? },
        case: subject.case.clone(),
        scope: subject.scope.kind(),
        subject: Hash::of(blob.as_bytes()),
        time: now,
        window_until: now.plus(args.window.0),
        verdicts: [Verdict::Unknown; 8],
        // Signing fills it in, when the sentences are known.
        assessment: Hash([0; 32]),
    };
    std::fs::DirBuilder::new().mode(0o700).create(&args.out).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Exists, format!("{} exists already", args.out.display()))
                .next("name another --out")
        }
        _ => Failure::io("make", &args.out, &e),
    })?;
    for (name, content) in [(SUBJECT, &blob), (FINDING, &finding.to_string()), (CRITERIA, &criteria)] {
        // The subject names the customer, and its salt is what makes the hash in the log say so.
        home::write_new(&args.out.join(name), content, true)?;
    }
    out::note(format_args!(
        "wrote {}: {} hostnames of {}\nnext: edit {}, then {} finding sign {}",
        args.out.display(),
        subject.hostnames.len(),
        text(&customer, "name"),
        args.out.join(CRITERIA).display(),
        global.me(),
        args.out.display()
    ));
    out::made(global, "directory", args.out.display());
    Ok(Exit::Ok)
}

pub(super) async fn sign(global: &Global, args: FindingSign) -> Result<Exit> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let given = Path::new(&args.what);
    if !given.exists() && args.what.contains('/') {
        return Err(Failure::input(format!("there is no directory {}", args.what))
            .next("`portcullis finding draft` makes one; a finding at the desk is named by its id"));
    }
    let dir = if given.is_dir() { given } else { given.parent().unwrap_or(Path::new(".")) };
    // Two findings of one draft would each wait for the other's signature.
    let signed = std::fs::read_to_string(dir.join(SIGNED)).ok().filter(|_| given.exists());
    let note = if given.exists() && signed.is_none() {
        sign_draft(&desk, &officer, dir, &args).await?
    } else {
        let id = desk.resolve(signed.as_deref().map_or(args.what.as_str(), str::trim)).await?;
        let (text, note) = review::fetch(&desk, &officer, &id).await?;
        let AnyNote::Finding(finding) = note else {
            return Err(Failure::input(format!("{id} is a {}, not a finding", note.kind())));
        };
        let assessment = review::assessment(&desk, &finding).await?;
        let subject = review::subject(&desk, &finding.subject, &finding.head.origin).await?;
        review::show_subject(&desk, &subject).await?;
        review::show_assessment(&finding, &assessment);
        show_objections(&desk, finding.case.as_str()).await?;
        signing::add(&desk, &officer, &id, &text, args.yes).await?
    };
    let id = text(&note, "id");
    let next = match text(&note, "state") {
        "published" => format!(
            "an officer proposes with --finding {id} (`{} propose emergency --help` shows how)",
            global.somebody()
        ),
        _ => format!("the second assessor: {} finding sign {id}", global.somebody()),
    };
    Ok(signing::report(global, &note, &next))
}

/// Builds the note from the working files, and is the first to sign it.
async fn sign_draft(desk: &Desk, officer: &Officer, dir: &Path, args: &FindingSign) -> Result<Value> {
    let read = |name: &str| {
        let file = dir.join(name);
        std::fs::read_to_string(&file).map_err(|e| Failure::io("read", &file, &e))
    };
    let wrong = |name: &str, why: String| Failure::input(format!("{}: {why}", dir.join(name).display()));
    let (blob, draft) = (read(SUBJECT)?, read(FINDING)?);
    let subject = Subject::parse(&blob).map_err(|e| wrong(SUBJECT, e.to_string()))?;
    let draft = Finding::parse(&draft).map_err(|e| wrong(FINDING, e.to_string()))?;
    if draft.subject != Hash::of(blob.as_bytes()) {
        let why = format!("it was changed after the draft; {FINDING} names another subject");
        return Err(wrong(SUBJECT, why).next("make a new draft"));
    }
    let criteria = Criteria::parse(&read(CRITERIA)?, draft.scope).map_err(|e| wrong(CRITERIA, e))?;
    let assessment = Assessment {
        origin: draft.head.origin.clone(),
        case: draft.case.clone(),
        scope: draft.scope,
        sentences: criteria.sentences.clone(),
        narrower: criteria.narrower.clone(),
    };
    let assessment_blob = assessment.to_string();
    let now = RealClock::new().now();
    let finding = Finding {
        head: Head { id: new_id("fnd")?, origin: draft.head.origin.clone() },
        time: now,
        window_until: now.plus(draft.window_until.since(draft.time)),
        verdicts: criteria.verdicts,
        assessment: Hash::of(assessment_blob.as_bytes()),
        ..draft
    };
    review::show_subject(desk, &subject).await?;
    review::show_assessment(&finding, &assessment);
    show_objections(desk, finding.case.as_str()).await?;
    if !signing::agreed(&format!("{}: is this how you judge the eight?", officer.name), args.yes.yes)? {
        return Err(Failure::refused("nothing was judged and nothing signed: you said no"));
    }
    judge(desk, &finding, &assessment.sentences, &criteria.cited).await?;
    desk.put_blob(blob.as_bytes()).await?;
    desk.put_blob(assessment_blob.as_bytes()).await?;
    let id = &finding.head.id;
    let note = signing::put_and_sign(desk, officer, id, &finding.to_string(), args.yes).await?;
    home::write_new(&dir.join(SIGNED), &format!("{id}\n"), false)?;
    Ok(note)
}

/// What authorities object to: whoever signs a finding weighs it.
async fn show_objections(desk: &Desk, case: &str) -> Result<()> {
    let it = desk.get(&format!("/cases/{case}")).await?;
    let track = it.get("emergency").unwrap_or(&Value::Null);
    for referral in list(track, "referrals") {
        let about = |a: &&Value| matches!(text(a, "answer"), "objects" | "withdraws");
        let last = list(referral, "answers").filter(about).last();
        if let Some(objection) = last.filter(|a| text(a, "answer") == "objects") {
            let (authority, from) = (text(referral, "authority"), text(objection, "from"));
            out::note(format_args!("CAREFUL: {authority} objects ({from}): {}", text(objection, "what")));
        }
    }
    Ok(())
}

/// Writes the eight judgements into the case, but for those that stand there word for word. The desk takes a finding only
/// for a case that carries it.
async fn judge(desk: &Desk, finding: &Finding, sentences: &[Sentence], cited: &[Vec<String>]) -> Result<()> {
    let it = desk.get(&format!("/cases/{}", finding.case)).await?;
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let objected = list(track, "closed_by").any(|c| text(c, "code") == "objection");
    let all = Criterion::ALL.iter().zip(&finding.verdicts).zip(sentences).zip(cited);
    for (((criterion, verdict), why), cited) in all {
        let evidence = super::case::evidence(&it, cited)?;
        let until = (*criterion == Criterion::Imminent).then(|| finding.window_until.to_string());
        // An objection is weighed by a judgement after it, in whatever words.
        let weighs = *criterion == Criterion::Proportionate && objected;
        let stands = until.is_none()
            && !weighs
            && list(track, "criteria").any(|c| {
                (text(c, "criterion"), text(c, "verdict"), text(c, "why"))
                    == (criterion.word(), verdict.word(), why.as_str())
                    && texts(c, "evidence") == evidence
                    && policy::Time::parse(text(c, "at")).is_some_and(|at| finding.time.since(at) < STANDS)
            });
        if !stands {
            let entry = json!({ "act": "judge", "criterion": criterion.word(), "verdict": verdict.word(),
                "why": why.as_str(), "evidence": evidence, "until": until });
            desk.add_to_case(finding.case.as_str(), &entry).await?;
        }
    }
    Ok(())
}

/// Who is meant: the customer's hostnames in the scope, as the desk lists them now.
pub(super) fn subject(officer: &Officer, customer: &Value, scope: &str, case: Option<Id>) -> Result<Subject> {
    let wrong = || {
        Failure::input(format!("{scope:?} is no scope")).next("customer, tenant:ID, site:ID or hostname:NAME")
    };
    let (kind, name) = scope.split_once(':').unwrap_or((scope, ""));
    let all = || list(customer, "sites").flat_map(|s| texts(s, "hostnames"));
    let site =
        || list(customer, "sites").filter(|s| text(s, "id") == name).flat_map(|s| texts(s, "hostnames"));
    let (scope, hostnames): (Scope, Vec<&str>) = match kind {
        "customer" if name.is_empty() => (Scope::Customer, all().collect()),
        "tenant" => (Scope::Tenant(Id::parse(name).ok_or_else(wrong)?), all().collect()),
        "site" => (Scope::Site(Id::parse(name).ok_or_else(wrong)?), site().collect()),
        "hostname" => (Scope::Hostname(name.to_owned()), all().filter(|host| *host == name).collect()),
        _ => return Err(wrong()),
    };
    if hostnames.is_empty() {
        let sites: Vec<&str> = list(customer, "sites").map(|s| text(s, "id")).collect();
        return Err(Failure::input(format!("{} has no hostname in the scope {scope}", text(customer, "id")))
            .next(format!("its sites are {}", sites.join(", "))));
    }
    let mut hostnames: Vec<String> = hostnames.into_iter().map(str::to_owned).collect();
    hostnames.sort();
    let case = match case {
        Some(case) => case,
        None => new_id("cas")?,
    };
    let id = text(customer, "id");
    Ok(Subject {
        origin: officer.trust()?.origin,
        case,
        salt: Hash(home::random()?),
        customer: Id::parse(id).ok_or_else(|| Failure::input(format!("the customer's id {id:?} is none")))?,
        scope,
        hostnames,
        facts: Vec::new(),
    })
}

/// The form with what the case says: its evidence by place, and the judgements that stand there.
fn form(scope: &Scope, it: &Value) -> String {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let mut text = format!("# Evidence of {}:\n", text(it, "id"));
    for e in list(track, "evidence") {
        let n = super::case::place(e);
        let words = ["source", "from", "what"].map(|key| crate::desk_client::text(e, key));
        text += &format!("#   [{n}] {}, {}: {}\n", words[0], words[1], words[2]);
    }
    let judged = super::case::judged(it);
    for line in blank(scope).lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let known = judged.iter().find(|(criterion, _)| criterion == name);
        text += known.map_or(line, |(_, line)| line);
        text.push('\n');
    }
    text
}

/// The blank form, with a line for each scope that is narrower than this one.
fn blank(scope: &Scope) -> String {
    let lines = Assessment::below(scope.kind())
        .map(|kind| format!("narrower-{kind} Why would one {kind} not be enough?\n"));
    BLANK.to_owned() + &lines.collect::<String>()
}
