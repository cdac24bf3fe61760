//! The people a ledger names at a moment: which policies judge a decision now, which one waits, whose keys are
//! suspended. Read from the fold, which alone says what has effect.

use crate::{
    State, Time,
    note::{PersonKeys, PolicyNote},
    quorum,
};
use alloc::{string::String, string::ToString, vec::Vec};
use ledger::note::VerifierKey;

/// Who may sign at a moment.
#[derive(Clone, Debug)]
pub struct People {
    /// Every policy with effect, in the order of their versions, and from when each counts.
    policies: Vec<PolicyNote>,
    from: Vec<Time>,
    /// Which one is in power, and the first that a decision must still satisfy.
    at: usize,
    first: usize,
    /// Suspended keys, and until when.
    suspended: Vec<(String, Time)>,
}

impl People {
    /// Reads them from the fold, which alone says what has effect.
    #[must_use]
    pub fn of(state: &State, now: Time) -> Self {
        let (policies, from) = state.policies().map(|(note, from)| (note.clone(), from)).unzip();
        let at = state.policy_at(now);
        let first = (at + 1).saturating_sub(state.policies_for_impose(now).count());
        let suspended = state.suspensions(now).map(|(key, until)| (key.into(), until)).collect();
        Self { policies, from, at, first, suspended }
    }

    /// The people of a policy as if it alone were in power.
    #[must_use]
    pub fn alone(policy: PolicyNote) -> Self {
        let (policies, from) = (Vec::from([policy]), Vec::from([Time(0)]));
        Self { policies, from, at: 0, first: 0, suspended: Vec::new() }
    }

    /// The policy in power; `None` only without any entry.
    #[must_use]
    pub fn in_power(&self) -> Option<&PolicyNote> {
        self.policies.get(self.at)
    }

    /// The policies that a decision must satisfy now, the one in power last: for a week the ones before it count too.
    #[must_use]
    pub fn judging(&self) -> &[PolicyNote] {
        self.policies.get(self.first..=self.at).unwrap_or_default()
    }

    /// The policy that the log has and that is not in power yet, and when it will be.
    #[must_use]
    pub fn waiting(&self) -> Option<(&PolicyNote, Time)> {
        let last = self.policies.len().checked_sub(1).filter(|last| *last > self.at)?;
        Some((self.policies.get(last)?, *self.from.get(last)?))
    }

    /// Until when a key (vkey) is suspended; `None` when it is not.
    #[must_use]
    pub fn suspended_until(&self, key: &str) -> Option<Time> {
        self.suspended.iter().filter(|(suspended, _)| suspended == key).map(|(_, until)| *until).max()
    }

    /// Whether a person of the policy in power has an SSH key that counts, under another policy that judges too. A
    /// passkey beside suspended SSH keys is not asked for: it could sign only beside somebody else's SSH key.
    pub(crate) fn can_sign<'a>(&self, person: &PersonKeys, policy: &'a PolicyNote) -> Option<&'a PersonKeys> {
        let counts = |k: &&VerifierKey| k.is_ssh() && self.suspended_until(&k.to_string()).is_none();
        let mut holders = person.keys.iter().filter(counts).filter_map(|key| policy.holder(key));
        holders.find(|holder| holder.person == person.person)
    }

    /// How many persons must sign the next policy: a majority of the one in power, at least three, one of them
    /// independent.
    #[must_use]
    pub fn majority(&self) -> u64 {
        self.in_power().map_or(0, quorum::majority)
    }

    /// Whether `next` changes the keys of our own machines alone: then it takes effect at once.
    #[must_use]
    pub fn changes_machines_alone(&self, next: &PolicyNote) -> bool {
        self.policies.last().is_some_and(|last| next.differs_in_machines_alone(last))
    }
}
