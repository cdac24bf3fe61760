//! Evidence, judgements, referrals and answers of a case, and what they leave closed.

use std::path::Path;

use ledger::Hash;
use policy::clock::Clock as _;
use serde_json::{Value, json};

use crate::cli::{CaseCommand, Global};
use crate::clock::RealClock;
use crate::desk_client::{Desk, list, text, texts};
use crate::duration::Span;
use crate::exit::{Exit, Failure, Result};
use crate::home::{self, new_id};
use crate::out;

use super::{made, resolve, when};

pub(super) async fn run(global: &Global, desk: &Desk, command: CaseCommand) -> Result<Exit> {
    let now = RealClock::new().now();
    let (case, entry) = match command {
        CaseCommand::Attach { case, file, source, from, what, captured } => {
            let id = resolve(desk, &case).await?;
            let bytes = std::fs::read(&file).map_err(|e| Failure::io("read", &file, &e))?;
            let captured = said("--captured", captured.as_deref(), now)?;
            let number = new_id("evd")?;
            let mut fields = vec![
                ("evidence", number.as_str()),
                ("source", source.as_str()),
                ("from", from.as_str()),
                ("what", what.as_str()),
            ];
            fields.extend(captured.as_deref().map(|captured| ("captured", captured)));
            let it = desk.attach(&id, &fields, bytes).await?;
            return Ok(did(global, &it, number.as_str()));
        }
        CaseCommand::Fetch { case, evidence, out } => {
            let id = resolve(desk, &case).await?;
            let it = desk.get(&format!("/cases/{id}")).await?;
            let [number] = numbers(&it, "evidence", &[evidence])?.try_into().unwrap_or_default();
            return fetch(global, desk, &it, &number, &out).await;
        }
        CaseCommand::Destroy { case, evidence, why } => {
            let id = resolve(desk, &case).await?;
            let it = desk.get(&format!("/cases/{id}")).await?;
            let [number] = numbers(&it, "evidence", &[evidence])?.try_into().unwrap_or_default();
            return Ok(made(global, &desk.destroy(&id, &number, &why).await?));
        }
        CaseCommand::Judge { case, criterion, verdict, why, evidence, until } => {
            let it = desk.get(&format!("/cases/{}", resolve(desk, &case).await?)).await?;
            let evidence = numbers(&it, "evidence", &evidence)?;
            let until = until.map(|until| moment("--until", &until, now)).transpose()?;
            let entry = json!({ "act": "judge", "criterion": criterion, "verdict": verdict, "why": why,
                "evidence": evidence, "until": until });
            (text(&it, "id").to_owned(), entry)
        }
        CaseCommand::Refer { case, to, country, channel, answer_by, told, record, room, open, sent } => {
            let hash = |file: std::path::PathBuf| {
                let bytes = std::fs::read(&file).map_err(|e| Failure::io("read", &file, &e))?;
                Ok(Hash::of(&bytes).to_string())
            };
            let number = new_id("ref")?;
            let room = room.map(|letter| Room::draw(&letter)).transpose()?;
            let record = match (&room, record) {
                (Some(room), _) => Some(Hash::of(room.letter.as_bytes()).to_string()),
                (None, record) => record.map(hash).transpose()?,
            };
            let entry = json!({ "act": "refer", "referral": number.as_str(), "authority": to, "country": country,
                "channel": channel, "sent": said("--sent", sent.as_deref(), now)?,
                "answer_by": moment("--answer-by", &answer_by, now)?, "record_sha256": record, "told": told,
                "room": room.as_ref().map(|room| room.body(&number, now.plus(open.0))) });
            let it = desk.add_to_case(&resolve(desk, &case).await?, &entry).await?;
            if let Some(room) = room {
                room.tell(&format!("{}{number}/{}", text(&it, "room_base"), room.secret));
            }
            return Ok(did(global, &it, number.as_str()));
        }
        CaseCommand::Reply { case, referral, what } => {
            let it = desk.get(&format!("/cases/{}", resolve(desk, &case).await?)).await?;
            let [number] = numbers(&it, "referrals", &[referral])?.try_into().unwrap_or_default();
            (text(&it, "id").to_owned(), json!({ "act": "reply", "referral": number, "what": what }))
        }
        CaseCommand::Answer { case, referral, answer, from, what, said: at } => {
            let it = desk.get(&format!("/cases/{}", resolve(desk, &case).await?)).await?;
            let [number] = numbers(&it, "referrals", &[referral])?.try_into().unwrap_or_default();
            let entry = json!({ "act": "answer", "referral": number, "answer": answer, "from": from, "what": what,
                "said": said("--said", at.as_deref(), now)? });
            (text(&it, "id").to_owned(), entry)
        }
        _ => return Err(Failure::new(Exit::Failed, "this command is about no facts")),
    };
    let it = desk.add_to_case(&case, &entry).await?;
    tell_track(&it);
    Ok(made(global, &it))
}

/// A room for an authority. The desk learns the hashes of secret and code alone.
struct Room {
    letter: String,
    secret: String,
    code: String,
}

impl Room {
    fn draw(letter: &Path) -> Result<Self> {
        let letter = std::fs::read_to_string(letter).map_err(|e| Failure::io("read", letter, &e))?;
        let secret = Hash::of(&home::random::<32>()?).to_string();
        // 64 random bits over 10^8 codes: none is likelier than another by more than 10^-11.
        let drawn = u64::from_be_bytes(home::random()?) % 10_u64.pow(policy::room::CODE_DIGITS);
        Ok(Self { letter, secret, code: format!("{drawn:08}") })
    }

    fn body(&self, referral: &policy::Id, closes: policy::Time) -> Value {
        json!({ "secret_sha256": Hash::of(self.secret.as_bytes()).to_string(),
            "code_sha256": policy::room::code_hash(referral, &self.code).to_string(),
            "letter": self.letter, "closes": closes.to_string() })
    }

    fn tell(&self, link: &str) {
        let (first, second) = self.code.split_at(4);
        out::note(format_args!(
            "the room, for the authority alone:\n  link  {link}\n  code  {first} {second}\nsend the link as you like; give the \
             code by telephone, to the number that you hold, never to one that a message gave you. Neither is shown again."
        ));
    }
}

/// What was added, by its own number, and what the case lacks still.
fn did(global: &Global, it: &Value, number: &str) -> Exit {
    if global.json {
        out::json(it);
    } else {
        out::data(number);
        tell_track(it);
    }
    Exit::Ok
}

/// A time that somebody gave. Without one the desk's clock counts, which need not agree with ours.
fn said(flag: &str, given: Option<&str>, now: policy::Time) -> Result<Option<String>> {
    given.map(|given| when(flag, Some(given), now)).transpose()
}

/// A span from now, or a time.
fn moment(flag: &str, said: &str, now: policy::Time) -> Result<String> {
    match said.parse::<Span>() {
        Ok(span) => Ok(now.plus(span.0).to_string()),
        Err(_) => when(flag, Some(said), now),
    }
}

/// The numbers of evidence or referrals that are named by their place in the case, or by beginning or end.
fn numbers(it: &Value, kind: &str, named: &[String]) -> Result<Vec<String>> {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let all: Vec<&str> = list(track, kind).map(|e| text(e, "id")).collect();
    let one = |name: &String| {
        let placed = name.parse::<u64>().ok().and_then(|n| list(track, kind).find(|e| place(e) == n));
        let place = placed.and_then(|e| all.iter().find(|id| **id == text(e, "id")));
        let fits =
            |id: &&&str| name.len() >= 4 && (id.starts_with(name.as_str()) || id.ends_with(name.as_str()));
        let found: Vec<&&str> = place.into_iter().chain(all.iter().filter(fits)).collect();
        match found.as_slice() {
            [one] => Ok((**one).to_owned()),
            [] => Err(Failure::input(format!("{} has no {kind} {name:?}", text(it, "id")))
                .next(format!("`portcullis case show {}` numbers them, from 1", text(it, "id")))),
            _ => Err(Failure::input(format!("{name:?} could be more than one; give the whole number"))),
        }
    };
    named.iter().map(one).collect()
}

/// The place of a piece or a referral in its case, from 1; 0 when the answer says none.
pub(in crate::cmd) fn place(it: &Value) -> u64 {
    it.get("place").and_then(Value::as_u64).unwrap_or_default()
}

/// Numbers of evidence in a case by their places.
pub(in crate::cmd) fn evidence(it: &Value, named: &[String]) -> Result<Vec<String>> {
    numbers(it, "evidence", named)
}

async fn fetch(global: &Global, desk: &Desk, it: &Value, number: &str, file: &Path) -> Result<Exit> {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let named = list(track, "evidence").find(|e| text(e, "id") == number).map(|e| text(e, "sha256"));
    if file.exists() {
        return Err(Failure::new(Exit::Exists, format!("{} exists already", file.display())));
    }
    let bytes = desk.fetch(text(it, "id"), number).await?;
    if named != Some(Hash::of(&bytes).to_string().as_str()) {
        return Err(Failure::refused(
            "what the desk gave is not what the journal names; nothing was written",
        ));
    }
    home::write_new_bytes(file, &bytes, true)?;
    out::note(format_args!("wrote {}; open it with care: it is what somebody else made", file.display()));
    out::made(global, "file", file.display());
    Ok(Exit::Ok)
}

/// What closes the emergency track, if a case is on its way there at all.
fn tell_track(it: &Value) {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    match track.get("open").and_then(Value::as_bool) {
        Some(true) => out::note("the emergency track is open: a finding may say that all eight are met"),
        _ => {
            out::note("what closes the emergency track:");
            list(track, "closed_by").for_each(|c| out::note(format_args!("  {}", text(c, "why"))));
        }
    }
}

/// Evidence, authorities and criteria of a case.
pub(super) fn show(it: &Value) {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let any = |kind: &str| list(track, kind).next().is_some();
    if any("evidence") {
        out::data("\nevidence (`case fetch` takes a copy)");
    }
    for e in list(track, "evidence") {
        let n = place(e);
        out::data(format_args!(
            "{n:>3}  {}, {}, {}: {}\n     {}",
            text(e, "source"),
            text(e, "from"),
            text(e, "captured"),
            text(e, "what"),
            text(e, "id")
        ));
    }
    if any("referrals") {
        out::data("\nauthorities");
    }
    for r in list(track, "referrals") {
        let n = place(r);
        out::data(format_args!(
            "{n:>3}  {} ({}), by {} at {}, to answer by {}: {}\n     {}",
            text(r, "authority"),
            text(r, "country"),
            text(r, "channel"),
            text(r, "sent"),
            text(r, "answer_by"),
            text(r, "told"),
            text(r, "id")
        ));
        for a in list(r, "answers") {
            let (said, from) = (text(a, "said"), text(a, "from"));
            out::data(format_args!("     {} at {said}, {from}: {}", text(a, "answer"), text(a, "what")));
        }
    }
    if list(track, "criteria").any(|c| !text(c, "verdict").is_empty()) {
        out::data("\nthe eight criteria");
        for c in list(track, "criteria").filter(|c| !text(c, "verdict").is_empty()) {
            let by = format!("{} at {}", text(c, "by"), text(c, "at"));
            out::data(format_args!(
                "  {:<17} {:<8} {} ({by})",
                text(c, "criterion"),
                text(c, "verdict"),
                text(c, "why")
            ));
        }
    }
    if any("evidence") || any("referrals") {
        tell_track(it);
    }
}

/// What the authorities were told and what they answered, for those who sign after: as the journal has it. How many.
pub(in crate::cmd) async fn referral_record(desk: &Desk, case: &str) -> Result<(u64, String)> {
    let it = desk.get(&format!("/cases/{case}")).await?;
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let mut authorities: Vec<&str> = list(track, "referrals").map(|r| text(r, "authority")).collect();
    authorities.sort_unstable();
    authorities.dedup();
    let told: Vec<&str> = list(&it, "journal")
        .filter(|step| matches!(text(step, "act"), "refer" | "answer"))
        .map(|step| text(step, "text"))
        .collect();
    if told.is_empty() {
        return Err(Failure::input(format!("{case} says of no authority that it was told"))
            .next("`portcullis case refer` writes it down; at least one must know before"));
    }
    Ok((authorities.len() as u64, told.join("\n")))
}

/// The verdicts that a case has, as lines of a criteria file.
pub(in crate::cmd) fn judged(it: &Value) -> Vec<(String, String)> {
    let track = it.get("emergency").unwrap_or(&Value::Null);
    let line = |c: &Value| {
        let places: Vec<String> = texts(c, "evidence")
            .iter()
            .filter_map(|id| list(track, "evidence").find(|e| text(e, "id") == *id))
            .map(|e| place(e).to_string())
            .collect();
        let cited = if places.is_empty() { String::new() } else { format!("[{}] ", places.join(",")) };
        let line = format!("{} {} {cited}{}", text(c, "criterion"), text(c, "verdict"), text(c, "why"));
        (text(c, "criterion").to_owned(), line)
    };
    list(track, "criteria").filter(|c| !text(c, "verdict").is_empty()).map(line).collect()
}
