//! `portcullis suspend`: a lost or doubted key signs nothing more. Its holder alone, at once, or two others.

use ledger::note::{Note, VerifierKey};
use policy::Id;
use policy::clock::Clock as _;
use policy::note::{Head, Suspend};
use policy::rota::{self, Act};
use serde_json::Value;

use crate::cli::{self, Global, SuspendTerms};
use crate::clock::RealClock;
use crate::desk_client::{Desk, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::house::House;
use crate::{change, out, signing, sshkey};

/// What to do while the desk is silent.
const NO_DESK: &str = "an edge takes it without the desk, for a key of your own: the same command with --edge http://ANY-HOSTNAME-IT-SERVES";

pub(super) async fn run(global: &Global, args: cli::Suspend) -> Result<Exit> {
    let scene = Scene::open(global, &args.terms).await?;
    let key = match &scene.house {
        Some(house) => find(house, &args.key)?.clone(),
        None => scene.own_key(&args.key)?,
    };
    let (id, answer) = scene.suspend(global, &key, &args.terms).await?;
    if global.json {
        out::json(&answer)
    } else {
        out::data(id)
    }
    Ok(Exit::Ok)
}

/// Every key of a person, one note each.
pub(super) async fn all_of(global: &Global, name: &str, terms: &SuspendTerms) -> Result<Exit> {
    let scene = Scene::open(global, terms).await?;
    let mine = scene.signing_key()?;
    let mut keys = match &scene.house {
        Some(house) => house.person(name)?.keys.clone(),
        None => vec![scene.own_key(name)?],
    };
    // Suspended, the key that signs could suspend nothing more: it comes last.
    keys.sort_by_key(|key| *key == mine);
    let mut answers = Vec::new();
    for key in &keys {
        let (id, answer) = scene.suspend(global, key, terms).await?;
        if !global.json {
            out::data(id);
        }
        answers.push(answer);
    }
    if global.json {
        out::json(&Value::Array(answers));
    }
    Ok(Exit::Ok)
}

/// Who acts, where, and in which house; without a desk, a key of one's own can still be suspended at an edge.
struct Scene {
    officer: Officer,
    desk: Desk,
    house: Option<House>,
}

impl Scene {
    async fn open(global: &Global, terms: &SuspendTerms) -> Result<Self> {
        let officer = Officer::open(global)?;
        let desk = Desk::of(&officer)?;
        let house = match House::load(&desk, &officer.trust()?).await {
            Err(f) if f.exit == Exit::Unavailable && terms.edge.is_some() => {
                out::note("the desk does not answer; the edge takes a suspension of your own key without it");
                None
            }
            Err(f) if f.exit == Exit::Unavailable => return Err(f.next(NO_DESK)),
            loaded => Some(loaded?),
        };
        Ok(Self { officer, desk, house })
    }

    fn signing_key(&self) -> Result<VerifierKey> {
        sshkey::verifier(&self.officer.key, &self.officer.name)
    }

    /// The key that is meant when nobody can be asked: the one that signs, or another of the same person, whole.
    fn own_key(&self, wanted: &str) -> Result<VerifierKey> {
        let mine = self.signing_key()?;
        if wanted == self.officer.person() || wanted == self.officer.name {
            return Ok(mine);
        }
        let given = VerifierKey::parse(wanted).ok().filter(|key| key.name() == mine.name());
        given.ok_or_else(|| {
            Failure::input(format!("without the desk, {wanted:?} is no key of yours that is known"))
                .next("give your own name, or the whole key as the policy writes it")
        })
    }

    /// One note about one key; its id, and what came of it.
    async fn suspend(&self, global: &Global, key: &VerifierKey, terms: &SuspendTerms) -> Result<(Id, Value)> {
        let Self { officer, desk, house } = self;
        let holder = key.name().strip_prefix("demo:").unwrap_or(key.name());
        let bounds = house.as_ref().map_or(&policy::floor::FLOOR, |h| &h.policy().bounds);
        let days = bounds.suspend_days;
        if terms.span.0 > days * 86_400 {
            return Err(Failure::input(format!("--for {} is too long: a key is suspended for at most {days} days", terms.span))
                .next("for good, propose a policy without the key: `portcullis policy propose`, or `officer remove`"));
        }
        let own = holder == officer.person();
        if !own && terms.edge.is_some() {
            let what = format!("an edge takes only what is complete, and a key of {holder} takes two of you");
            return Err(
                Failure::input(what).next("leave --edge out; the second signs with `portcullis approve`")
            );
        }
        let now = RealClock::new().now();
        let note = Suspend {
            head: Head { origin: officer.trust()?.origin, id: new_id("sus")? },
            key: key.to_string(),
            time: now,
            until: now.plus(terms.span.0),
            why: super::continues::sentence("--why", &terms.why)?,
        };
        if let Some(house) = house {
            show(house, &note);
        }
        let written = note.to_string();
        if !own {
            let sent = signing::put_and_sign(desk, officer, &note.head.id, &written, terms.yes).await?;
            let id = &note.head.id;
            let next = format!("a second officer, not {holder}: {} approve {id}", global.somebody());
            let done = text(&sent, "state") == "published";
            signing::tell(&sent, if done { "" } else { &next });
            return Ok((note.head.id, sent));
        }
        let signature = signing::agree_and_sign(officer, &written, terms.yes)?;
        let mut signed = Note::new(&written).map_err(|e| Failure::input(e.to_string()))?;
        signed.add(signature);
        let answer = match &terms.edge {
            Some(edge) => super::lift::at_edge(edge, signed.to_bytes(), "suspended").await?,
            None => {
                let answer = desk.undo(signed.to_bytes()).await.map_err(|f| match f.exit {
                    Exit::Unavailable => f.next(NO_DESK),
                    _ => f,
                })?;
                let index = answer.get("index").unwrap_or(&Value::Null);
                out::note(format_args!("suspended: entry {index} of the ledger"));
                answer
            }
        };
        Ok((note.head.id, answer))
    }
}

/// The one key that is meant.
fn find<'h>(house: &'h House, wanted: &str) -> Result<&'h VerifierKey> {
    let policy = house.policy();
    if wanted.contains('+') {
        let found: Vec<_> = policy.keys().filter(|k| k.to_string().starts_with(wanted)).collect();
        return match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(Failure::input(format!(
                "the policy in power has no key that is or begins with {wanted:?}"
            ))
            .next("`portcullis policy show` lists them")),
            _ => {
                Err(Failure::input(format!("{wanted:?} could be any of several keys"))
                    .next("give more of it"))
            }
        };
    }
    let person = house.person(wanted)?;
    match person.keys.as_slice() {
        [one] => Ok(one),
        several => {
            let keys: Vec<String> = several.iter().map(|k| format!("\n    {k}")).collect();
            Err(Failure::input(format!("{} has several keys; say which:{}", person.person, keys.concat()))
                .next("name the key (its beginning is enough), or suspend all of them with `portcullis officer suspend`"))
        }
    }
}

/// Shows whose key it is, what follows, and who is then missing.
pub(super) fn show(house: &House, note: &Suspend) {
    let policy = house.policy();
    let holder = policy.persons.iter().find(|p| p.keys.iter().any(|k| k.to_string() == note.key));
    let Some(holder) = holder else {
        out::note("CAREFUL: the key belongs to nobody in the policy in power");
        return;
    };
    out::note(format_args!(
        "suspends a key of {} ({}) until {}",
        holder.person, holder.organisation, note.until
    ));
    out::note(
        "it takes no part in any decision until then, also not through a finding it signed; it may still lift",
    );
    if let Some(until) = house.people.suspended_until(&note.key) {
        out::note(format_args!("it is suspended already, until {until}"));
    }
    let other =
        |k: &VerifierKey| k.to_string() != note.key && house.people.suspended_until(&k.to_string()).is_none();
    if holder.keys.iter().any(other) {
        out::note(format_args!("{} has another key, which goes on counting", holder.person));
        return;
    }
    let possible = |answers: Vec<rota::Answer>| answers.into_iter().find(|a| a.act == Act::Validate);
    let before = possible(rota::ask(&house.people, |_| true));
    let after = possible(rota::ask(&house.people, |id| *id != holder.person));
    if let (Some(before), Some(mut after)) = (before, after)
        && before.is_possible()
        && !after.is_possible()
    {
        // The holder is not who could stand in.
        after.missing.iter_mut().flatten().for_each(|lack| lack.could.retain(|id| *id != holder.person));
        out::note(format_args!(
            "CAREFUL: without it no emergency can be decided and validated: {}",
            change::missing(&after)
        ));
    }
}
