//! What follows for decisions from everything that is known, in whatever order it came: lifts, keys that were suspended,
//! and what earlier emergencies leave of a customer's hours. Nothing here judges a note.

use super::{Lift, State};
use crate::{
    Decision, Id, Signer, Time,
    decision::Continued,
    floor::CUSTOMER_WINDOW,
    note::{Class, ContinueReason, PolicyNote},
    quorum::{self, Signers},
    time::HOUR,
};
use alloc::{collections::BTreeSet, vec::Vec};
use ledger::Hash;

impl State {
    /// Everything anew.
    pub(super) fn settle_all(&mut self) {
        for at in 0..self.decisions.len() {
            self.settle_one(at);
        }
        for at in 0..self.decisions.len() {
            self.settle_cap(at);
        }
    }

    /// One decision, and what it leaves to later ones of the same customer.
    pub(super) fn settle(&mut self, at: usize) {
        self.settle_one(at);
        let customer = self.customer_of(at).and_then(|customer| self.by_customer.get(customer));
        for at in customer.map_or_else(|| Vec::from([at]), Clone::clone) {
            self.settle_cap(at);
        }
    }

    /// A subject has come: now it is known whose decisions these are.
    pub(super) fn settle_subject(&mut self, subject: &Hash) {
        let Some(customer) = self.subjects.get(subject).map(|s| s.customer.clone()) else { return };
        let all = self.by_customer.entry(customer).or_default();
        for (at, _) in self.decisions.iter().enumerate().filter(|(_, d)| d.impose.subject == *subject) {
            if let Err(place) = all.binary_search(&at) {
                all.insert(place, at);
            }
        }
        for at in all.clone() {
            self.settle_cap(at);
        }
    }

    fn customer_of(&self, at: usize) -> Option<&Id> {
        let subject = &self.decisions.get(at)?.impose.subject;
        self.subjects.get(subject).map(|s| &s.customer)
    }

    fn settle_one(&mut self, at: usize) {
        let Some(d) = self.decisions.get(at) else { return };
        let lifted = self.lift_of(d).map(|l| l.lifted.clone());
        let void = !self.stands(d);
        let gone: Vec<bool> = d.continues.iter().map(|c| !self.goes_on(d, c)).collect();
        if let Some(d) = self.decisions.get_mut(at) {
            (d.lifted, d.void) = (lifted, void);
            for (c, gone) in d.continues.iter_mut().zip(gone) {
                c.void = gone;
            }
        }
    }

    /// The first lift by an officer of any policy that was in power since the decision was logged: who could lift it at
    /// some moment can lift it whenever the note is read.
    fn lift_of(&self, d: &Decision) -> Option<&Lift> {
        self.lifts_of(&d.impose.head.id, d.logged).next()
    }

    /// The lifts of a decision by officers of any policy that was in power at `since` or later.
    pub(super) fn lifts_of(&self, target: &Id, since: Time) -> impl Iterator<Item = &Lift> {
        self.lifts.get(target).into_iter().flatten().filter(move |l| self.may_lift(&l.lifted.by, since))
    }

    /// Whether one of these keys belongs to a policy that was in power at `since` or later.
    pub(super) fn may_lift(&self, by: &[Signer], since: Time) -> bool {
        let later = self.policies.iter().skip(self.policy_at(since));
        let mut keys = later.flat_map(|p| p.note.keys()).map(alloc::string::ToString::to_string);
        keys.any(|key| by.iter().any(|signer| signer.key == key))
    }

    /// Whether a key was suspended at `at`, by whichever notes are known now and by what they say themselves.
    fn is_suspended(&self, key: &str, at: Time) -> bool {
        let mut of_key = self.suspended.iter().filter(|s| s.key == key);
        of_key.any(|s| s.from <= at && at < s.until && !self.renewed(s.from, at))
    }

    /// Whether enough signatures are left under a decision without those by suspended keys.
    fn stands(&self, d: &Decision) -> bool {
        if self.suspended.is_empty() {
            return true;
        }
        let before: BTreeSet<Id> = d.assessors.iter().map(|s| s.person.clone()).collect();
        self.policies_for_impose(d.logged).all(|policy| {
            let signers = Signers::of(policy, &d.keys, |key| !self.is_suspended(key, d.logged));
            (d.impose.class != Class::Emergency || self.assessed(&d.assessors, policy, d.logged))
                && quorum::impose(d.impose.class, &signers, &before, policy).is_empty()
                && (!d.crowded || quorum::policy(&signers, policy).is_empty())
        })
    }

    fn assessed(&self, assessors: &[Signer], policy: &PolicyNote, at: Time) -> bool {
        quorum::assessed(assessors, policy, |key| self.is_suspended(key, at))
    }

    /// The same for a continue note.
    fn goes_on(&self, d: &Decision, c: &Continued) -> bool {
        if self.suspended.is_empty() {
            return true;
        }
        let persons = |all: &[Signer]| all.iter().map(|s| s.person.clone()).collect::<BTreeSet<Id>>();
        let holds = |policy: &PolicyNote| {
            let signers = Signers::of(policy, &c.keys, |key| !self.is_suspended(key, c.logged));
            match c.note.reason {
                ContinueReason::Validated => {
                    let before = persons(&[&d.signers[..], &d.assessors[..]].concat());
                    quorum::reviewer(&signers, &before).is_empty()
                }
                ContinueReason::Extended => {
                    self.assessed(&c.assessors, policy, c.logged)
                        && quorum::emergency(&signers, &persons(&c.assessors), policy).is_empty()
                }
                ContinueReason::Order => quorum::order(&signers, policy).is_empty(),
            }
        };
        // A reviewer confirms what stands under the policy in power; what runs on for days needs old and new.
        match c.note.reason {
            ContinueReason::Validated => holds(self.policy(c.logged)),
            ContinueReason::Extended | ContinueReason::Order => self.policies_for_impose(c.logged).all(holds),
        }
    }

    /// The end that earlier emergencies of the same customer leave to this one: within [`CUSTOMER_WINDOW`], all of them
    /// together run no longer than an extended one may, and those that no reviewer confirmed together no longer than
    /// an unconfirmed one may. Else proposing again and again would need no reviewer and have no end.
    fn settle_cap(&mut self, at: usize) {
        let Some(d) = self.decisions.get(at).filter(|d| d.impose.class == Class::Emergency) else { return };
        let Some(customer) = self.customer_of(at) else { return };
        let earlier = self.by_customer.get(customer).into_iter().flatten().take_while(|other| **other < at);
        let (mut all, mut unconfirmed) = (0, 0);
        for e in earlier.filter_map(|other| self.decisions.get(*other)) {
            if e.void || e.impose.class != Class::Emergency {
                continue;
            }
            // A lift that the log does not have gives nothing back: others may not know of it.
            let lifted = self.lift_of(e).and_then(|l| l.logged);
            let end = lifted.map_or(e.own_end(), |logged| logged.min(e.own_end()));
            let window = Time(d.impose.since.0.saturating_sub(CUSTOMER_WINDOW));
            let ran = end.since(e.impose.since.max(window));
            all += ran;
            unconfirmed += if e.confirmed() { 0 } else { ran };
        }
        let bounds = &self.policy(d.logged).bounds;
        let left = |hours: u64, used: u64| d.impose.since.plus((hours * HOUR).saturating_sub(used));
        let most = left(bounds.extended_hours, all);
        let cap = if d.confirmed() { most } else { most.min(left(bounds.emergency_hours, unconfirmed)) };
        if let Some(d) = self.decisions.get_mut(at) {
            d.cap = Some(cap);
        }
    }
}
