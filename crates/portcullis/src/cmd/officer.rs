//! `portcullis officer enrol | suspend | remove`: people come and go by a policy, and by nothing else.

use ledger::note::{KeyKind, VerifierKey};
use policy::Id;
use policy::note::{Head, PersonKeys, PolicyNote, Role};
use serde_json::Value;

use crate::cli::{self, Enrol, Global, Remove};
use crate::desk_client::{Desk, text};
use crate::exit::{Exit, Failure, Result};
use crate::home::{Officer, new_id};
use crate::house::House;
use crate::{out, sshkey};

pub(super) async fn run(global: &Global, args: cli::Officer) -> Result<Exit> {
    match args {
        cli::Officer::Enrol(args) => enrol(global, args).await,
        cli::Officer::Kit(args) => super::found::kit(global, args).await,
        cli::Officer::Suspend(args) => super::suspend::all_of(global, &args.name, &args.terms).await,
        cli::Officer::Remove(args) => remove(global, args).await,
    }
}

async fn enrol(global: &Global, args: Enrol) -> Result<Exit> {
    let (officer, desk, house) = open(global).await?;
    let mut policy = next(&house)?;
    let key = key(&desk, &policy, &args).await?;
    add(&mut policy, &args, key)?;
    super::policy::submit(global, &officer, &desk, &house, &policy, args.yes).await
}

async fn remove(global: &Global, args: Remove) -> Result<Exit> {
    let (officer, desk, house) = open(global).await?;
    let gone = house.person(&args.name)?.person.clone();
    let mut policy = next(&house)?;
    policy.persons.retain(|p| p.person != gone);
    super::policy::submit(global, &officer, &desk, &house, &policy, args.yes).await
}

async fn open(global: &Global) -> Result<(Officer, Desk, House)> {
    let officer = Officer::open(global)?;
    let desk = Desk::of(&officer)?;
    let house = House::load(&desk, &officer.trust()?).await?;
    Ok((officer, desk, house))
}

/// The newest policy under the next version.
fn next(house: &House) -> Result<PolicyNote> {
    let last = super::policy::newest(house);
    let head = Head { origin: last.head.origin.clone(), id: new_id("pol")? };
    Ok(PolicyNote { head, version: last.version + 1, log_from: None, ..last.clone() })
}

/// How this policy names the keys of a person: marked in a demonstration, and in no other house.
fn key_name(policy: &PolicyNote, person: &str) -> String {
    format!("{}{person}", if policy.is_demo() { "demo:" } else { "" })
}

/// The key to add: an SSH key from its file, or a passkey as the desk has it.
async fn key(desk: &Desk, policy: &PolicyNote, args: &Enrol) -> Result<VerifierKey> {
    let name = key_name(policy, &args.name);
    let Some(wanted) = &args.passkey else {
        let file = args.key.as_ref().ok_or_else(|| Failure::input("--key or --passkey is needed"))?;
        return sshkey::verifier(file, &name);
    };
    let there = super::passkey::all(desk).await?;
    let theirs = |it: &Value| text(it, "key").starts_with(&format!("{name}+"));
    let found = super::passkey::find(&there, wanted, theirs)?;
    let key = VerifierKey::parse(text(found, "key")).ok();
    let key = key.filter(|key| key.name() == name && matches!(key.kind(), KeyKind::Passkey(_)));
    let key = key.ok_or_else(|| {
        Failure::refused(format!("the desk shows something else as the passkey {wanted:?}"))
    })?;
    if let KeyKind::Passkey(passkey) = key.kind() {
        let copied = if passkey.is_synced() {
            "it may be copied to other devices of theirs"
        } else {
            "it stays on its device"
        };
        out::note(format_args!(
            "the passkey {wanted} of {}, used at {}; {copied}",
            args.name,
            passkey.origin()
        ));
    }
    Ok(key)
}

/// Adds the person, or a further key of a person who is there.
fn add(policy: &mut PolicyNote, args: &Enrol, key: VerifierKey) -> Result<()> {
    let id = |what: &str, s: &str| {
        Id::parse(s).ok_or_else(|| {
            Failure::input(format!("{s:?} is no {what}"))
                .next("3 to 64 of a-z 0-9 - _, a letter first; it is public for ever")
        })
    };
    let person = id("id of a person", &args.name)?;
    let roles = args.roles.as_deref().map(roles).transpose()?;
    let organisation = args.organisation.as_deref().map(|o| id("id of an organisation", o)).transpose()?;
    if let Some(known) = policy.persons.iter_mut().find(|p| p.person == person) {
        let other =
            roles.is_some_and(|r| r != known.roles) || organisation.is_some_and(|o| o != known.organisation);
        if other {
            return Err(Failure::input(format!("{person} is there already, with other roles or of another organisation"))
                .next("leave --roles and --organisation out to add a key; change them with `portcullis policy propose`"));
        }
        if args.replace {
            // A policy ends suspensions: a key that is only suspended would count again with it.
            known.keys.clear();
        }
        known.keys.push(key);
        return Ok(());
    }
    if !key.is_ssh() {
        return Err(Failure::input(format!("{person} is new, and a person needs an SSH key first"))
            .next("enrol them with --key FILE.pub; the passkey comes with a policy after it, or with `policy propose`"));
    }
    let (Some(organisation), Some(roles)) = (organisation, roles) else {
        return Err(Failure::input(format!("{person} is new: --organisation and --roles are needed")));
    };
    policy.persons.push(PersonKeys { person, organisation, roles, keys: vec![key] });
    policy.persons.sort_by(|a, b| a.person.cmp(&b.person));
    Ok(())
}

/// Roles in the grammar's order, however they were typed.
pub(super) fn roles(written: &str) -> Result<Vec<Role>> {
    let mut roles = Vec::new();
    for word in written.split(',').map(str::trim) {
        roles.push(Role::parse(word).ok_or_else(|| {
            Failure::input(format!("{word:?} is no role"))
                .next("assessor, approver, reviewer, legal, independent")
        })?);
    }
    roles.sort();
    roles.dedup();
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Time;
    use policy::testkit::House as People;

    #[test]
    fn people_come_with_their_keys() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let key = dir.path().join("key");
        sshkey::generate(&key, "demo:berta").expect("a key");
        let house = People::demo(Time(1_800_000_000));
        let enrol = |name: &str, organisation: Option<&str>, roles: Option<&str>| Enrol {
            name: name.into(),
            organisation: organisation.map(Into::into),
            roles: roles.map(Into::into),
            key: None,
            passkey: None,
            replace: false,
            yes: cli::Yes { yes: true },
        };
        let made = |args: &Enrol| {
            let name = format!("demo:{}", args.name.to_lowercase());
            sshkey::verifier(&dir.path().join("key.pub"), &name).expect("a key")
        };
        for (args, want) in [
            (enrol("berta", Some("trustees"), Some("independent,approver")), Ok(6)),
            (enrol("berta", Some("trustees"), None), Err("are needed")),
            (enrol("berta", Some("Trustees"), Some("approver")), Err("no id of an organisation")),
            (enrol("Berta", Some("trustees"), Some("approver")), Err("no id of a person")),
            (enrol("berta", Some("trustees"), Some("boss")), Err("no role")),
            (enrol("ben", None, None), Ok(5)),
            (enrol("ben", Some("the-house"), Some("approver,assessor")), Ok(5)),
            (enrol("ben", None, Some("approver")), Err("with other roles")),
        ] {
            let mut policy = house.policy();
            let done = add(&mut policy, &args, made(&args))
                .map(|()| policy.persons.len())
                .map_err(|f| f.to_string());
            match (done, want) {
                (Ok(count), Ok(wanted)) => assert_eq!(count, wanted, "{args:?}"),
                (Err(said), Err(wanted)) => assert!(said.contains(wanted), "{said}"),
                (done, _) => panic!("{args:?}: {done:?}"),
            }
            if args.name == "ben" && want.is_ok() {
                let mut policy = house.policy();
                add(&mut policy, &Enrol { replace: true, ..args.clone() }, made(&args))
                    .expect("the same person");
                let ben = policy.persons.iter().find(|p| p.person.as_str() == "ben").expect("there");
                assert_eq!(ben.keys.len(), 1, "the old key goes in the same policy");
            }
            if want.is_ok() {
                // What came out is a policy in its one spelling.
                let read = PolicyNote::parse(&policy.to_string()).expect("the grammar");
                let keys = read.persons.iter().find(|p| p.person.as_str() == args.name).map(|p| p.keys.len());
                assert_eq!(keys, Some(if args.name == "ben" { 2 } else { 1 }));
            }
        }
    }
}
