//! `policy`: who may decide, and bounds that may only be tighter than the floor.

use super::{Head, Kind, words};
use crate::{
    GrammarError, Id,
    floor::Bounds,
    quorum::is_demo,
    text::{Lines, number, optional, or_none},
};
use alloc::{collections::BTreeSet, format, string::ToString, vec::Vec};
use core::fmt;
use ledger::{
    Hash,
    note::{KeyKind, VerifierKey},
};

words! {
    /// What a person may do. Roles say what a signature can count as; quorums count persons.
    Role {
        /// Signs findings.
        Assessor = "assessor",
        /// Approves what another proposed.
        Approver = "approver",
        /// Validates within 48 hours.
        Reviewer = "reviewer",
        /// Handles legal process.
        Legal = "legal",
        /// Stands outside the house's line of command.
        Independent = "independent",
    }
}

/// Most persons in a policy: everyone signs policy 0, and a note has at most so many signature lines.
const MAX_PERSONS: usize = ledger::note::MAX_SIGNATURES;
/// Most witnesses: as many as every verifier of notes must accept signatures (C2SP signed-note).
const MAX_WITNESSES: usize = 16;
/// Most keys of one person: a machine, a spare, a hardware key, and the same again while they are replaced.
const MAX_KEYS: usize = 8;

/// A person and the keys that speak for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonKeys {
    /// The person.
    pub person: Id,
    /// The organisation: a trustee belongs to another one.
    pub organisation: Id,
    /// Roles, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// SSH keys, at least one, and passkeys; each is named after the person.
    pub keys: Vec<VerifierKey>,
}

impl PersonKeys {
    /// Whether the person may approve an emergency.
    pub(crate) fn approves_emergencies(&self) -> bool {
        self.is(Role::Approver) && self.is(Role::Independent)
    }

    /// Whether the person has the role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Who may decide what, with which quorum, for how long.
#[derive(Clone, Debug)]
pub struct PolicyNote {
    /// Origin and id.
    pub head: Head,
    /// Counted from 0 without gaps.
    pub version: u64,
    /// The log's key.
    pub log: VerifierKey,
    /// Size and root of the log that a new key goes on from; `None` while the key stays.
    pub log_from: Option<(u64, Hash)>,
    /// The key of the machine that publishes configurations; `None` where edges read files of their own.
    pub config: Option<VerifierKey>,
    /// Keys of witnesses, in the order of their names.
    pub witnesses: Vec<VerifierKey>,
    /// Persons, in the order of their ids.
    pub persons: Vec<PersonKeys>,
    /// Bounds.
    pub bounds: Bounds,
}

impl PolicyNote {
    /// Reads a policy's text. Whether its bounds respect the floor is for the fold to say.
    ///
    /// # Errors
    /// Line and reason.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let mut lines = Lines::new(text)?;
        let head = Head::read(Kind::Policy, &mut lines)?;
        let version = lines.read("version", "a number from 0", number)?;
        let log = lines.read("log", "the log's key (vkey)", read_key)?;
        if log.name() != head.origin || !matches!(log.kind(), KeyKind::Ed25519(_)) {
            return Err(lines.wrong("the log's key must be a plain Ed25519 key named after the origin"));
        }
        let log_from = lines.read("log-from", "SIZE ROOT (as in a checkpoint) or none", |v| {
            optional(v, |v| {
                let (size, root) = v.split_once(' ')?;
                Some((number(size).filter(|n| *n > 0)?, Hash::parse_base64(root)?))
            })
        })?;
        let config = lines.read("config", "the configuration's key (vkey, plain Ed25519) or none", |v| {
            optional(v, |v| read_key(v).filter(|k| matches!(k.kind(), KeyKind::Ed25519(_))))
        })?;
        // The log's key orders entries and signs nothing else, and a key speaks for one, once.
        let mut seen = BTreeSet::from([*log.public_key()]);
        if config.as_ref().is_some_and(|key| !seen.insert(*key.public_key())) {
            return Err(lines.wrong("the configuration's key must not be the log's"));
        }
        let witnesses = read_witnesses(&mut lines, &mut seen)?;
        let persons = read_persons(&mut lines, &mut seen)?;
        let bounds = Bounds::read(&mut lines)?;
        lines.end()?;
        Ok(Self { head, version, log, log_from, config, witnesses, persons, bounds })
    }

    /// The keys of all persons.
    pub fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.persons.iter().flat_map(|p| &p.keys)
    }

    /// Whose key this is.
    #[must_use]
    pub fn holder(&self, key: &VerifierKey) -> Option<&PersonKeys> {
        self.persons.iter().find(|p| p.keys.iter().any(|k| k == key))
    }

    /// Whether both differ in the keys of our own machines alone, and not in who decides, within which bounds, watched
    /// by whom.
    pub(crate) fn differs_in_machines_alone(&self, other: &Self) -> bool {
        let people = |p: &Self| (p.persons.clone(), p.witnesses.clone(), p.bounds.clone());
        (self.log != other.log || self.config != other.config) && people(self) == people(other)
    }

    /// Whether anything in it is for demonstration only.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        let mut keys = self.keys().chain(&self.witnesses).chain(&self.config);
        is_demo(&self.head.origin) || is_demo(self.log.name()) || keys.any(|k| is_demo(k.name()))
    }
}

/// A key in its one spelling.
fn read_key(v: &str) -> Option<VerifierKey> {
    VerifierKey::parse(v).ok().filter(|k| k.to_string() == v)
}

/// Public keys that stand in the policy already.
type Seen = BTreeSet<[u8; 32]>;

fn read_witnesses(lines: &mut Lines<'_>, seen: &mut Seen) -> Result<Vec<VerifierKey>, GrammarError> {
    let mut witnesses: Vec<VerifierKey> = Vec::new();
    while lines.next_is("witness") {
        let key = lines.read("witness", "a witness's key (vkey of a cosigner)", |v| {
            read_key(v).filter(|key| matches!(key.kind(), KeyKind::Cosigner(_)))
        })?;
        if witnesses.last().is_some_and(|last| last.name() >= key.name()) || witnesses.len() == MAX_WITNESSES
        {
            return Err(lines.wrong(format!(
                "witnesses must stand in the order of their names, each once, at most {MAX_WITNESSES}"
            )));
        }
        if !seen.insert(*key.public_key()) {
            return Err(lines.wrong("this key stands here already; a key speaks for one, once"));
        }
        witnesses.push(key);
    }
    Ok(witnesses)
}

fn read_persons(lines: &mut Lines<'_>, seen: &mut Seen) -> Result<Vec<PersonKeys>, GrammarError> {
    let mut persons: Vec<PersonKeys> = Vec::new();
    while lines.next_is("person") {
        let mut person = lines.read("person", "PERSON ORGANISATION ROLES, roles joined by commas in the order assessor,approver,reviewer,legal,independent", read_person)?;
        if persons.last().is_some_and(|last| last.person >= person.person) {
            return Err(lines.wrong("persons must stand in the order of their ids, each once"));
        }
        while lines.next_is("key") {
            let key = lines.read("key", "an SSH key or a passkey (vkey) named after the person", |v| {
                let key = read_key(v)?;
                let name = key.name().strip_prefix(crate::quorum::DEMO).unwrap_or(key.name());
                let fits = matches!(key.kind(), KeyKind::Ssh(_) | KeyKind::Passkey(_));
                (name == person.person.as_str() && fits).then_some(key)
            })?;
            if !seen.insert(*key.public_key()) {
                return Err(lines.wrong("this key stands here already; a key speaks for one person, once"));
            }
            person.keys.push(key);
        }
        if person.keys.is_empty() || person.keys.len() > MAX_KEYS {
            return Err(lines.wrong(format!("a person has 1 to {MAX_KEYS} keys")));
        }
        // Else a policy could be made under which nobody could give power to anything.
        if !person.keys.iter().any(VerifierKey::is_ssh) {
            return Err(lines.wrong("a person has at least one SSH key; a passkey comes beside it"));
        }
        persons.push(person);
    }
    if persons.is_empty() || persons.len() > MAX_PERSONS {
        return Err(lines.wrong(format!("a policy names 1 to {MAX_PERSONS} persons")));
    }
    Ok(persons)
}

fn read_person(v: &str) -> Option<PersonKeys> {
    let mut words = v.split(' ');
    let (person, organisation) = (Id::parse(words.next()?)?, Id::parse(words.next()?)?);
    let roles: Option<Vec<Role>> = words.next()?.split(',').map(Role::parse).collect();
    let roles = roles?;
    let in_order = roles.windows(2).all(|pair| pair.first() < pair.last());
    (words.next().is_none() && in_order).then_some(PersonKeys {
        person,
        organisation,
        roles,
        keys: Vec::new(),
    })
}

impl fmt::Display for PolicyNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.write(Kind::Policy, f)?;
        write!(f, "version {}\nlog {}\n", self.version, self.log)?;
        match &self.log_from {
            Some((size, root)) => writeln!(f, "log-from {size} {}", root.to_base64())?,
            None => f.write_str("log-from none\n")?,
        }
        writeln!(f, "config {}", or_none(self.config.as_ref()))?;
        for witness in &self.witnesses {
            writeln!(f, "witness {witness}")?;
        }
        for p in &self.persons {
            let roles: Vec<&str> = p.roles.iter().map(|r| r.word()).collect();
            writeln!(f, "person {} {} {}", p.person, p.organisation, roles.join(","))?;
            for key in &p.keys {
                writeln!(f, "key {key}")?;
            }
        }
        self.bounds.write(f)
    }
}
