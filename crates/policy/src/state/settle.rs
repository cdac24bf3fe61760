//! What follows for decisions from everything that is known, in whatever order it came: lifts, keys that were suspended,
//! and what earlier emergencies leave of a customer's hours. Nothing here judges a note.

use super::{Lift, State};
use crate::{
    Decision, Id, Time,
    decision::{Continued, Counted, Under},
    floor::CUSTOMER_WINDOW,
    note::{Class, ContinueReason, PolicyNote},
    quorum::{self, Signers},
    time::HOUR,
};
use alloc::{
    collections::BTreeSet,
    string::{String, ToString as _},
    vec::Vec,
};
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

    /// The lift by an officer of any policy that was in power since the decision was logged: who could lift it at some
    /// moment can lift it whenever the note is read. Of several, the one that the log has first, whichever came first.
    fn lift_of(&self, d: &Decision) -> Option<&Lift> {
        let place = |l: &&Lift| (l.lifted.index.is_none(), l.lifted.index, l.text.0);
        self.lifts_of(&d.impose.head.id, d.logged).min_by_key(place)
    }

    /// The lifts of a decision by officers of any policy that was in power at `since` or later.
    pub(super) fn lifts_of(&self, target: &Id, since: Time) -> impl Iterator<Item = &Lift> {
        self.lifts.get(target).into_iter().flatten().filter(move |l| self.may_lift(&l.keys, since))
    }

    /// Whether one of these keys belongs to a policy that was in power at `since` or later.
    pub(super) fn may_lift(&self, keys: &BTreeSet<String>, since: Time) -> bool {
        let mut later = self.policies.iter().skip(self.policy_at(since)).flat_map(|p| p.note.keys());
        later.any(|key| keys.contains(&key.to_string()))
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
        let nobody = BTreeSet::new();
        let before = d.under.as_ref().map_or(&nobody, |under| &under.persons);
        self.policies_for_impose(d.logged).all(|policy| {
            let signers = Signers::of(policy, &d.keys, |key| !self.is_suspended(key, d.logged));
            let assessed =
                |under| quorum::finding(&self.assessors(under, policy, d.logged), policy).is_empty();
            d.under.as_ref().is_none_or(assessed)
                && quorum::impose(d.impose.class, &signers, before, policy).is_empty()
                && (!d.crowded || quorum::policy(&signers, policy).is_empty())
        })
    }

    /// Who is left under a finding: with keys that were not suspended when it was logged, nor when it was used.
    fn assessors<'p>(&self, under: &Under, policy: &'p PolicyNote, used: Time) -> Signers<'p> {
        let suspended = |key: &str| self.is_suspended(key, under.logged) || self.is_suspended(key, used);
        Signers::of(policy, &under.keys, |key| !suspended(key))
    }

    /// The same for a continue note.
    fn goes_on(&self, d: &Decision, c: &Continued) -> bool {
        if self.suspended.is_empty() {
            return true;
        }
        let holds = |policy: &PolicyNote| {
            let signers = Signers::of(policy, &c.keys, |key| !self.is_suspended(key, c.logged));
            match (c.note.reason, &c.under) {
                (ContinueReason::Extended, Some(under)) => {
                    let assessors = self.assessors(under, policy, c.logged);
                    quorum::finding(&assessors, policy).is_empty()
                        && quorum::emergency(&signers, &under.persons, policy).is_empty()
                        && quorum::somebody_new(&signers, &assessors, &d.before(c.index)).is_empty()
                }
                (ContinueReason::Order, _) => quorum::order(&signers, policy).is_empty(),
                _ => quorum::reviewer(&signers, &d.before(c.index)).is_empty(),
            }
        };
        // A reviewer confirms what stands under the policy in power; what runs on for days needs old and new.
        match c.note.reason {
            ContinueReason::Validated => holds(self.policy(c.logged)),
            ContinueReason::Extended => {
                let validated = d.logged_continue(ContinueReason::Validated);
                validated.is_some_and(|v| self.goes_on(d, v)) && self.policies_for_impose(c.logged).all(holds)
            }
            ContinueReason::Order => self.policies_for_impose(c.logged).all(holds),
        }
    }

    /// The end that earlier emergencies of the same customer leave to this one: within [`CUSTOMER_WINDOW`], all of them
    /// together run no longer than an extended one may, and those that no reviewer confirmed together no longer than
    /// an unconfirmed one may. Else proposing again and again would need no reviewer and have no end.
    ///
    /// What fell by an undo was in force until somebody brought it, so it counts on: else whoever signs could suspend
    /// their own key after each emergency and propose the next.
    fn settle_cap(&mut self, at: usize) {
        let Some(d) = self.decisions.get(at).filter(|d| d.impose.class == Class::Emergency) else { return };
        let Some(customer) = self.customer_of(at) else { return };
        let earlier = self.by_customer.get(customer).into_iter().flatten().take_while(|other| **other < at);
        let earlier = earlier.filter_map(|other| self.decisions.get(*other));
        let earlier: Vec<&Decision> = earlier.filter(|e| e.impose.class == Class::Emergency).collect();
        let bounds = &self.policy(d.logged).bounds;
        let left = |hours: u64, used: u64| d.impose.since.plus((hours * HOUR).saturating_sub(used));
        let window = Time(d.impose.since.0.saturating_sub(CUSTOMER_WINDOW));
        let cap = |end: fn(&Decision) -> Time, confirmed: fn(&Decision) -> bool| {
            let (mut all, mut unconfirmed) = (0, 0);
            for e in &earlier {
                let ran = end(e).since(e.impose.since.max(window));
                all += ran;
                unconfirmed += if confirmed(e) { 0 } else { ran };
            }
            let most = left(bounds.extended_hours, all);
            if confirmed(d) { most } else { most.min(left(bounds.emergency_hours, unconfirmed)) }
        };
        let logged = cap(|e| e.counted.logged, |e| e.logged_continue(ContinueReason::Validated).is_some());
        let known = cap(|e| e.counted.known, Decision::confirmed);
        // A lift that the log does not have gives nothing back: others may not know of it.
        let lifted = self.lifts_of(&d.impose.head.id, d.logged).filter_map(|l| l.logged).min();
        let counted = |end: Time| lifted.map_or(end, |lifted| lifted.min(end));
        let counted = Counted {
            logged: counted(d.own_end(logged, |_| true)),
            known: counted(d.own_end(logged, |c| c.note.reason != ContinueReason::Order || !c.void)),
        };
        if let Some(d) = self.decisions.get_mut(at) {
            (d.cap, d.counted) = (Some(known), counted);
        }
    }
}
