//! `portcullis verify`: an outsider's whole check, trusting only the trust line.
//!
//! Log signature, every entry under the signed root, every tile as it should be, every entry through the same fold
//! that edges enforce, every blob against its hash. What one reader cannot see is said too: whether others are shown
//! the same log.

mod source;
mod views;

use std::path::Path;

use ledger::checkpoint::Checkpoint;
use ledger::merkle::{self, Tree};
use ledger::note::Note;
use ledger::{Hash, tile};
use policy::clock::Clock as _;
use policy::{Outcome, Rejected, Seen, State, Status, Time, Trust};
use serde_json::json;

use crate::cli::{self, Global};
use crate::clock::RealClock;
use crate::exit::{Exit, Failure, Result};
use crate::{home, out};

use source::Source;
use views::{signatures, views};

pub(super) async fn run(global: &Global, args: cli::Verify) -> Result<Exit> {
    let trust = trust(global, args.trust.as_deref())?;
    let source = Source::open(&args.ledger)?;
    let now = RealClock::new().now();
    let mut report = Report { lines: Vec::new(), sound: true, forked: false };
    let checked = check(&source, &trust, &args.compare, now, &mut report).await?;
    if global.json {
        out::json(&report.json(&source, &trust, checked.as_ref()));
    } else {
        report.lines.iter().for_each(|line| out::data(line.text()));
        out::data(report.verdict(checked.as_ref()));
    }
    Ok(if report.sound { Exit::Ok } else { Exit::Failed })
}

/// The trust line: given, in a file, or the home's.
fn trust(global: &Global, given: Option<&str>) -> Result<Trust> {
    match given {
        Some(line) if line.starts_with("portcullis-trust/") => home::trust(line),
        Some(file) => home::trust(&home::read_line(Path::new(file))?),
        None => {
            let line = home::read_line(&global.home.join("trust")).map_err(|f| {
                f.next("say what you trust: --trust with the line or a file that holds it; get it from somebody you know, not from the ledger's own server")
            })?;
            home::trust(&line)
        }
    }
}

/// What was found, line by line.
struct Report {
    lines: Vec<Line>,
    sound: bool,
    forked: bool,
}

struct Line {
    good: bool,
    words: String,
}

impl Line {
    fn text(&self) -> String {
        format!("{}  {}", if self.good { "ok " } else { "BAD" }, self.words)
    }
}

impl Report {
    fn good(&mut self, words: impl Into<String>) {
        self.lines.push(Line { good: true, words: words.into() });
    }

    fn bad(&mut self, words: impl Into<String>) {
        self.sound = false;
        self.lines.push(Line { good: false, words: words.into() });
    }

    /// All that can be said in the end. What one reader cannot see is whether others are shown the same log.
    fn verdict(&self, checked: Option<&Checked>) -> String {
        match checked.filter(|_| self.sound) {
            None if self.forked => "NOT verified: FORKED, the log's key signed two histories; keep both checkpoints".into(),
            None => "NOT verified".into(),
            Some(c) if c.witnesses.len() as u64 >= c.wanted.max(1) => {
                format!("verified: witnessed by {}", c.witnesses.join(", "))
            }
            Some(c) if c.wanted > 0 => format!(
                "verified: {} of {} witnesses that its policy wants; edges wait for the others",
                c.witnesses.len(),
                c.wanted
            ),
            Some(c) if c.views > 0 => format!("verified: {} other views show the same log, unwitnessed", c.views),
            Some(_) => "verified: one view, unwitnessed (it proves what this log says, not that everybody is shown the same log)".into(),
        }
    }

    fn json(&self, source: &Source, trust: &Trust, checked: Option<&Checked>) -> serde_json::Value {
        let lines: Vec<_> = self.lines.iter().map(|l| json!({ "ok": l.good, "what": l.words })).collect();
        json!({
            "ledger": source.to_string(),
            "origin": trust.origin,
            "demo": trust.is_demo(),
            "verified": self.sound,
            "verdict": self.verdict(checked),
            "forked": self.forked,
            "witnessed": checked.is_some_and(|c| c.witnesses.len() as u64 >= c.wanted.max(1)),
            "witnesses": checked.map(|c| c.witnesses.clone()),
            "views": checked.map(|c| c.views),
            "size": checked.map(|c| c.checkpoint.size),
            "root": checked.map(|c| c.checkpoint.root.to_base64()),
            "rejected": checked.map(|c| c.rejected.iter().map(|(i, why)| json!({ "index": i, "code": why.code(), "why": why.to_string() })).collect::<Vec<_>>()),
            "in_force": checked.map(|c| c.in_force.clone()),
            "checks": lines,
        })
    }
}

/// What a sound enough log amounts to.
struct Checked {
    checkpoint: Checkpoint,
    rejected: Vec<(u64, Rejected)>,
    in_force: Vec<String>,
    /// Witnesses of the policy that cosigned.
    witnesses: Vec<String>,
    /// How many of them the policy wants.
    wanted: u64,
    /// Others that show the same log.
    views: u64,
}

/// Runs all checks, in an order in which each may lean on those before it. `None` when one failed on which the rest
/// stands.
async fn check(
    source: &Source,
    trust: &Trust,
    compare: &[String],
    now: Time,
    report: &mut Report,
) -> Result<Option<Checked>> {
    let signed = source.get("checkpoint").await?.ok_or_else(|| {
        Failure::input(format!("{source} holds no checkpoint: this is no ledger")).next(
            "give the address as in http://127.0.0.1:8082/ledger, or the directory that holds `checkpoint`",
        )
    })?;
    // Whose key must have signed it, the entries say: a policy may have named a new one.
    let unproven = Note::parse(&signed).map_err(|e| e.to_string());
    let unproven = unproven.and_then(|n| Checkpoint::parse_text(n.text()).map_err(|e| e.to_string()));
    let checkpoint = match unproven {
        Ok(checkpoint) => checkpoint,
        Err(why) => {
            report.bad(format!("checkpoint: {why}"));
            return Ok(None);
        }
    };
    let Some(entries) = entries(source, checkpoint.size, report).await? else { return Ok(None) };
    let mut tree = Tree::new();
    entries.iter().for_each(|entry| tree.push(merkle::leaf_hash(entry)));
    if tree.root_at(checkpoint.size) != Some(checkpoint.root) {
        report.bad("the entries are not those under the checkpoint's root");
        return Ok(None);
    }
    report.good(format!("all {} entries stand under the checkpoint's root", entries.len()));
    tiles(source, &tree, checkpoint.size, report).await?;
    let Some((mut state, rejected)) = fold(trust, &entries, report) else { return Ok(None) };
    let Some((witnesses, wanted)) = signatures(&signed, &state, now, report) else { return Ok(None) };
    let views = views(compare, &tree, state.log_key(), report).await?;
    blobs(source, &mut state, now, report).await?;
    let in_force = decisions(&state, now, report);
    Ok(Some(Checked { checkpoint, rejected, in_force, witnesses, wanted, views }))
}

async fn entries(source: &Source, size: u64, report: &mut Report) -> Result<Option<Vec<Vec<u8>>>> {
    let mut entries = Vec::new();
    for path in relay::sync::bundles(0, size) {
        let Some(bytes) = source.get(&path.to_string()).await? else {
            report.bad(format!("{path} is missing"));
            return Ok(None);
        };
        match tile::decode_bundle(&bytes) {
            Ok(bundle) if bundle.len() == usize::from(path.width) => entries.extend(bundle),
            Ok(bundle) => {
                report.bad(format!("{path} holds {} entries instead of {}", bundle.len(), path.width));
                return Ok(None);
            }
            Err(why) => {
                report.bad(format!("{path}: {why}"));
                return Ok(None);
            }
        }
    }
    Ok(Some(entries))
}

/// The hash tiles are derived from the entries; a wrong one would mislead those who fetch only proofs.
async fn tiles(source: &Source, tree: &Tree, size: u64, report: &mut Report) -> Result<()> {
    let expected = merkle::new_tiles(tree, 0, size);
    let count = expected.len();
    let mut wrong = Vec::new();
    for (path, bytes) in expected {
        match source.get(&path.to_string()).await? {
            Some(found) if found == bytes => {}
            Some(_) => wrong.push(format!("{path} differs")),
            None => wrong.push(format!("{path} is missing")),
        }
    }
    if wrong.is_empty() {
        report.good(format!("{count} tiles of hashes are as the entries make them"));
    }
    wrong.into_iter().for_each(|what| report.bad(what));
    Ok(())
}

/// Every entry through the fold. A rejected entry is no fault of the log: it is on the record and has no effect.
fn fold(trust: &Trust, entries: &[Vec<u8>], report: &mut Report) -> Option<(State, Vec<(u64, Rejected)>)> {
    let first = entries.first().map_or(&[][..], Vec::as_slice);
    let mut state = match State::genesis(trust, first, trust.is_demo()) {
        Ok(state) => state,
        Err(why) => {
            report.bad(format!("entry 0: {why}"));
            return None;
        }
    };
    let demo = if trust.is_demo() { "; DEMONSTRATION keys, they prove nothing about people" } else { "" };
    report.good(format!("entry 0 is the policy that the trust line names, signed by everyone in it{demo}"));
    let mut rejected = Vec::new();
    for (index, entry) in (1..).zip(entries.iter().skip(1)) {
        if let Outcome::Rejected { why } = state.apply(index, entry, Seen::CatchUp) {
            rejected.push((index, why));
        }
    }
    let effect = entries.len() - rejected.len();
    report.good(format!("{effect} entries have effect, {} have none", rejected.len()));
    for (index, why) in &rejected {
        report.good(format!("  entry {index} has no effect: {why}"));
    }
    Some((state, rejected))
}

/// Subjects and posts of all decisions. One that is gone is no forgery: a subject is erased on purpose, and an edge
/// then enforces nothing.
async fn blobs(source: &Source, state: &mut State, now: Time, report: &mut Report) -> Result<()> {
    let wanted: Vec<(Hash, &str, String, bool)> = state
        .decisions()
        .flat_map(|d| {
            let (id, runs) = (d.impose.head.id.to_string(), d.lifted.is_none() && !d.void && now < d.until());
            [(d.impose.post, "post", id.clone(), runs), (d.impose.subject, "subject", id, runs)]
        })
        .collect();
    let (mut good, all) = (0, wanted.len());
    for (hash, what, id, runs) in wanted {
        match source.get(&format!("blob/{hash}")).await? {
            Some(blob) if Hash::of(&blob) != hash => {
                report.bad(format!("the {what} of {id} is not the one its note names"))
            }
            Some(blob) if state.hold(&blob) => good += 1,
            Some(_) => report.bad(format!("the {what} of {id} is not what a {what} must be")),
            None if runs => report.bad(format!("the {what} of {id} is missing, so no edge enforces it")),
            None => report.good(format!("the {what} of {id} is gone (its decision has ended)")),
        }
    }
    report.good(format!("{good} of {all} posts and subjects are the ones their notes name"));
    Ok(())
}

fn decisions(state: &State, now: Time, report: &mut Report) -> Vec<String> {
    for d in state.decisions() {
        let signers: Vec<String> =
            d.signers.iter().map(|s| format!("{} ({})", s.person, s.organisation)).collect();
        let id = &d.impose.head.id;
        let status = d.status(now);
        let end = match (&d.lifted, status) {
            (Some(lifted), _) => format!("lifted at {}: {}", lifted.time, lifted.why),
            (None, Status::Ended | Status::NotConfirmed) => format!("ended at {}", d.until()),
            (None, Status::Void) => "a key under it was suspended when it signed".to_owned(),
            (None, _) => format!("until {}", d.until()),
        };
        let words = format!(
            "decision {id} ({}, {}): {end}; signed by {}",
            d.impose.class,
            status.word(),
            signers.join(", ")
        );
        report.good(words);
    }
    let in_force: Vec<String> = state.at(now).iter().map(|m| m.id.to_string()).collect();
    let words = if in_force.is_empty() { "nothing".to_owned() } else { in_force.join(", ") };
    report.good(format!("in force now: {words}"));
    in_force
}

#[cfg(test)]
mod tests;
