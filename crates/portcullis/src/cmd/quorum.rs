//! `portcullis quorum`: can tonight's people decide, and who is missing?

use std::collections::BTreeSet;

use policy::Id;
use policy::rota::{self, Act, Answer};
use serde_json::{Value, json};

use super::customers::has_contact;
use crate::cli::{Global, Quorum};
use crate::desk_client::{Desk, list, text};
use crate::exit::{Exit, Result};
use crate::house::{self, House};
use crate::{change, out};

/// Customers without an address that are named in one line.
const NAMED: usize = 5;

pub(super) async fn run(global: &Global, args: Quorum) -> Result<Exit> {
    let desk = Desk::open(global)?;
    let house = House::load(&desk, &house::trust(global)?).await?;
    let here = here(&house, &args)?;
    let answers = rota::ask(&house.people, |id| here.contains(id));
    let decides = answers.iter().any(|a| a.act == Act::Validate && a.is_possible());
    if global.json {
        out::json(&document(&house, &here, &answers, decides));
    } else {
        tell(&house, &here, &answers, decides);
        untold(&desk.get("/customers").await?);
    }
    Ok(if decides { Exit::Ok } else { Exit::Failed })
}

/// Who is awake.
fn here(house: &House, args: &Quorum) -> Result<BTreeSet<Id>> {
    let named = |names: &[String]| -> Result<BTreeSet<Id>> {
        names.iter().map(|name| Ok(house.person(name)?.person.clone())).collect()
    };
    let (with, without) = (named(&args.with)?, named(&args.without)?);
    let all = house.policy().persons.iter().map(|p| p.person.clone());
    let awake = all.filter(|id| with.is_empty() || with.contains(id));
    Ok(awake.filter(|id| !without.contains(id)).collect())
}

fn tell(house: &House, here: &BTreeSet<Id>, answers: &[Answer], decides: bool) {
    let names: Vec<&str> = here.iter().map(Id::as_str).collect();
    out::note(format_args!("policy {}; awake: {}", versions(house), names.join(", ")));
    for (key, person, until) in suspended(house) {
        out::note(format_args!("suspended until {until}: the key {key} of {person}"));
    }
    out::data(table(answers));
    out::note(if decides {
        "an emergency can be decided and validated by these people"
    } else {
        "an emergency can NOT be decided and validated by these people"
    });
}

/// Customers who could not be told what was decided about them.
fn untold(customers: &Value) {
    let all: Vec<&Value> = list(customers, "customers").filter(|c| !has_contact(c)).collect();
    if !all.is_empty() {
        let ids: Vec<&str> = all.iter().take(NAMED).map(|c| text(c, "id")).collect();
        let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
        out::note(format_args!(
            "no mail could tell {}{more} of a decision: `portcullis customers contact CUSTOMER ADDRESS`",
            ids.join(", ")
        ));
    }
}

/// Every act, whether it is possible, and by whom.
pub(super) fn table(answers: &[Answer]) -> String {
    let mut rows = vec![["act", "possible", "by, or what is missing"].map(String::from).to_vec()];
    for answer in answers {
        let possible = if answer.is_possible() { "yes" } else { "no" };
        rows.push(vec![answer.act.to_string(), possible.into(), words(answer)]);
    }
    out::table(&rows)
}

/// The policies that a block must satisfy.
fn versions(house: &House) -> String {
    let all: Vec<String> = house.people.judging().iter().map(|p| p.version.to_string()).collect();
    match all.as_slice() {
        [one] => one.clone(),
        many => format!("{} (a block must satisfy each of them)", many.join(" and ")),
    }
}

fn words(answer: &Answer) -> String {
    if !answer.is_possible() {
        return change::missing(answer);
    }
    let join = |who: &[Id]| who.iter().map(Id::as_str).collect::<Vec<_>>().join(", ");
    match answer.shares.as_slice() {
        [one] => join(&one.who),
        many => {
            let notes: Vec<String> = many.iter().map(|s| format!("{}: {}", s.note, join(&s.who))).collect();
            format!("{} ({})", join(&answer.people()), notes.join("; "))
        }
    }
}

/// Key, person and end of every suspension that counts now.
fn suspended(house: &House) -> Vec<(String, String, String)> {
    let persons = house.policy().persons.iter();
    let keys = persons.flat_map(|p| p.keys.iter().map(move |k| (k.to_string(), p.person.to_string())));
    keys.filter_map(|(key, person)| {
        Some((key.clone(), person, house.people.suspended_until(&key)?.to_string()))
    })
    .collect()
}

fn document(house: &House, here: &BTreeSet<Id>, answers: &[Answer], decides: bool) -> Value {
    let ids = |who: &[Id]| who.iter().map(ToString::to_string).collect::<Vec<_>>();
    let act = |a: &Answer| {
        let notes: Vec<Value> =
            a.shares.iter().map(|s| json!({ "note": s.note, "who": ids(&s.who) })).collect();
        let lack = |l: &rota::Lack| json!({ "count": l.count, "what": l.what, "could": ids(&l.could) });
        let missing: Vec<Vec<Value>> = a.missing.iter().map(|way| way.iter().map(lack).collect()).collect();
        json!({ "act": a.act.word(), "possible": a.is_possible(), "fewest": ids(&a.people()), "notes": notes,
            "missing_any_of": missing, "words": words(a) })
    };
    let suspended: Vec<Value> = suspended(house)
        .into_iter()
        .map(|(key, person, until)| json!({ "key": key, "person": person, "until": until }))
        .collect();
    let policies: Vec<u64> = house.people.judging().iter().map(|p| p.version).collect();
    json!({ "policy": house.policy().version, "judged_by": policies, "awake": here.iter().map(Id::as_str).collect::<Vec<_>>(),
        "suspended": suspended, "emergency_tonight": decides, "acts": answers.iter().map(act).collect::<Vec<_>>() })
}
