//! Who signed, and what is still missing. Quorums count persons, never keys. Whatever gives power needs one signature
//! by an SSH key too: a page could swap what a passkey signs, and what `ssh-keygen` signs was read on another machine.

use crate::{
    Id, Rejected, Signer,
    floor::POLICY_PERSONS,
    note::{Class, PersonKeys, PolicyNote, Role},
};
use alloc::{collections::BTreeMap, collections::BTreeSet, format, string::String, vec::Vec};
use ledger::note::Note;

/// Every demonstration name begins so: no origin of a real log and no person can.
pub(crate) const DEMO: &str = "demo:";

/// Whether a key name or an origin is for demonstration.
pub(crate) fn is_demo(name: &str) -> bool {
    name.starts_with(DEMO)
}

/// The persons who signed, each once, with the key they used.
pub(crate) struct Signers<'p> {
    persons: BTreeMap<&'p Id, (&'p PersonKeys, String)>,
    /// Whether a key of any of them was an SSH key.
    ssh: bool,
}

impl<'p> Signers<'p> {
    /// Finds the signers. `counts` says whether a key may take part (a suspended one may not, except in a lift).
    pub(crate) fn find(
        note: &Note,
        policy: &'p PolicyNote,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Self, Rejected> {
        let keys = note.signers(policy.keys()).map_err(|_| Rejected::BadSignature)?;
        let (mut persons, mut ssh) = (BTreeMap::new(), false);
        for key in keys {
            let vkey = format!("{key}");
            if let Some(person) = policy.holder(key)
                && counts(&vkey)
            {
                persons.entry(&person.person).or_insert((person, vkey));
                ssh |= key.is_ssh();
            }
        }
        Ok(Self { persons, ssh })
    }

    /// The persons behind keys whose signatures were checked before.
    pub(crate) fn of(policy: &'p PolicyNote, keys: &[String], counts: impl Fn(&str) -> bool) -> Self {
        let (mut persons, mut ssh) = (BTreeMap::new(), false);
        for (person, key) in policy.persons.iter().flat_map(|p| p.keys.iter().map(move |key| (p, key))) {
            let vkey = format!("{key}");
            if keys.contains(&vkey) && counts(&vkey) {
                persons.entry(&person.person).or_insert((person, vkey));
                ssh |= key.is_ssh();
            }
        }
        Self { persons, ssh }
    }

    pub(crate) fn len(&self) -> usize {
        self.persons.len()
    }

    pub(crate) fn persons(&self) -> impl Iterator<Item = &'p PersonKeys> {
        self.persons.values().map(|(p, _)| *p)
    }

    pub(crate) fn ids(&self) -> BTreeSet<Id> {
        self.persons.keys().map(|id| (*id).clone()).collect()
    }

    /// For the record: person, organisation, key.
    pub(crate) fn record(&self) -> Vec<Signer> {
        let signer = |(p, key): &(&PersonKeys, String)| Signer {
            person: p.person.clone(),
            organisation: p.organisation.clone(),
            key: key.clone(),
        };
        self.persons.values().map(signer).collect()
    }

    fn count(&self, fits: impl Fn(&PersonKeys) -> bool) -> u64 {
        self.persons().filter(|p| fits(p)).count() as u64
    }
}

/// Every key of a policy that signed and counts, of each person all.
pub(crate) fn keys_of(
    note: &Note,
    policy: &PolicyNote,
    counts: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Rejected> {
    let keys = note.signers(policy.keys()).map_err(|_| Rejected::BadSignature)?;
    Ok(keys.into_iter().map(|key| format!("{key}")).filter(|key| counts(key)).collect())
}

fn lack(missing: &mut Vec<String>, need: u64, have: u64, what: &str) {
    if have < need {
        let colon = if need - have == 1 { "" } else { ":" };
        missing.push(format!("{} more{colon} {what}", need - have));
    }
}

/// What gives power: one of the signatures by an SSH key, whoever's. Said when nothing else is missing: until then the
/// next signature may bring it.
fn ssh(missing: &mut Vec<String>, signers: &Signers<'_>) {
    if missing.is_empty() {
        lack(missing, 1, u64::from(signers.ssh), "signature by an SSH key (all so far are by passkeys)");
    }
}

/// A finding: distinct assessors. Passkeys alone may sign it: it gives no power without a decision.
pub(crate) fn finding(signers: &Signers<'_>, policy: &PolicyNote) -> Vec<String> {
    let mut missing = Vec::new();
    let assessors = signers.count(|p| p.is(Role::Assessor));
    lack(&mut missing, policy.bounds.finding_assessors, assessors, "assessor (person with that role)");
    missing
}

/// What an impose of this class still lacks. `before`: who signed the finding under an emergency.
pub(crate) fn impose(
    class: Class,
    signers: &Signers<'_>,
    before: &BTreeSet<Id>,
    policy: &PolicyNote,
) -> Vec<String> {
    match class {
        Class::Emergency => emergency(signers, before, policy),
        Class::Abuse => officers(signers, policy.bounds.abuse_officers),
        Class::Standing => officers(signers, policy.bounds.standing_officers),
        Class::Order => order(signers, policy),
    }
}

/// What an order causes: somebody who handles legal process, and another who attests that the authority was called
/// back on a number from the directory.
pub(crate) fn order(signers: &Signers<'_>, policy: &PolicyNote) -> Vec<String> {
    let mut missing = Vec::new();
    let need = policy.bounds.order_officers;
    lack(&mut missing, 1, signers.count(|p| p.is(Role::Legal)), "person who handles legal process");
    lack(
        &mut missing,
        need,
        signers.len() as u64,
        "person (one handles legal process, another attests the callback)",
    );
    ssh(&mut missing, signers);
    missing
}

/// An extension: somebody who signed it or its finding and took no part `before`.
pub(crate) fn somebody_new(
    signers: &Signers<'_>,
    assessors: &Signers<'_>,
    before: &BTreeSet<Id>,
) -> Vec<String> {
    let mut missing = Vec::new();
    let new = |p: &PersonKeys| !before.contains(&p.person);
    lack(&mut missing, 1, signers.count(new) + assessors.count(new), "person who took no part so far");
    missing
}

/// An emergency: a proposer, and independent approvers who signed nothing before.
pub(crate) fn emergency(signers: &Signers<'_>, before: &BTreeSet<Id>, policy: &PolicyNote) -> Vec<String> {
    let mut missing = Vec::new();
    let need = policy.bounds.emergency_approvers;
    let approvers = signers.count(|p| p.approves_emergencies() && !before.contains(&p.person));
    lack(&mut missing, need, approvers, "independent approver who signed nothing in this matter before");
    // Every approver needed is one person, the proposer is another.
    lack(&mut missing, need + 1, signers.len() as u64, "person (proposer and approver are never the same)");
    ssh(&mut missing, signers);
    missing
}

/// So many distinct persons.
pub(crate) fn persons(signers: &Signers<'_>, need: u64) -> Vec<String> {
    let mut missing = Vec::new();
    lack(&mut missing, need, signers.len() as u64, "officer (distinct persons)");
    missing
}

/// So many distinct persons, for what gives power.
pub(crate) fn officers(signers: &Signers<'_>, need: u64) -> Vec<String> {
    let mut missing = persons(signers, need);
    ssh(&mut missing, signers);
    missing
}

/// A reviewer who signed none of what came before.
pub(crate) fn reviewer(signers: &Signers<'_>, before: &BTreeSet<Id>) -> Vec<String> {
    let mut missing = Vec::new();
    let reviewers = signers.count(|p| p.is(Role::Reviewer) && !before.contains(&p.person));
    lack(&mut missing, 1, reviewers, "reviewer who signed neither the finding nor the decision");
    ssh(&mut missing, signers);
    missing
}

/// A majority of the policy's persons, at least three, at least one independent.
pub(crate) fn policy(signers: &Signers<'_>, policy: &PolicyNote) -> Vec<String> {
    let mut missing = Vec::new();
    lack(&mut missing, majority(policy), signers.len() as u64, "officer (a majority, at least three)");
    lack(&mut missing, 1, signers.count(|p| p.is(Role::Independent)), "independent officer");
    ssh(&mut missing, signers);
    missing
}

/// How many persons that are.
pub(crate) fn majority(policy: &PolicyNote) -> u64 {
    (policy.persons.len() / 2 + 1).max(POLICY_PERSONS) as u64
}

/// Two persons other than the key's holder, or the holder.
pub(crate) fn suspend(signers: &Signers<'_>, key: &str, policy: &PolicyNote) -> Vec<String> {
    let holds = |p: &PersonKeys| p.keys.iter().any(|k| format!("{k}") == key);
    if signers.persons().any(holds) {
        return Vec::new();
    }
    let mut missing = Vec::new();
    let others = signers.count(|p| !holds(p));
    if policy.keys().any(|k| format!("{k}") == key) {
        lack(&mut missing, 2, others, "officer (or the key's own holder)");
    } else {
        lack(&mut missing, 2, others, "officer");
    }
    missing
}
