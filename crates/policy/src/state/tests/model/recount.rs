//! The rules once more, from the text of the notes and who signed them. Calls nothing of `quorum.rs`, `judge.rs` or
//! `settle.rs`: of the fold it believes only which entries it took.

use super::script::{History, KEYS, Mask};
use super::*;

struct Power {
    from: Time,
    rekeys: bool,
    note: PolicyNote,
}

struct Signed {
    note: AnyNote,
    logged: Time,
    index: u64,
    mask: Mask,
}

/// What was taken, by a certain state.
pub(super) struct Recount<'h> {
    history: &'h History,
    powers: Vec<Power>,
    taken: Vec<Signed>,
    suspended: Vec<Suspend>,
    lifted: Vec<(Id, Mask)>,
}

impl<'h> Recount<'h> {
    /// From the entries that `state` gave effect, and the undos it knows.
    pub(super) fn new(history: &'h History, state: &State) -> Self {
        let note = history.house.policy();
        let powers = Vec::from([Power { from: START, rekeys: false, note }]);
        let (taken, suspended, lifted) = (Vec::new(), Vec::new(), Vec::new());
        let mut this = Self { history, powers, taken, suspended, lifted };
        for (n, line) in history.lines.iter().enumerate() {
            let index = n as u64 + 1;
            if !state.outcomes().get(n + 1).is_some_and(Outcome::is_applied) {
                continue;
            }
            let note = line.note.clone().expect("only what was written by somebody");
            if let AnyNote::Policy(p) = &note {
                this.power(p, line.logged);
            }
            this.undoes(&note, line.mask);
            this.taken.push(Signed { note, logged: line.logged, index, mask: line.mask });
        }
        for outside in &history.outside {
            if state.undos.contains_key(&outside.text) {
                this.undoes(&outside.note, outside.mask);
            }
        }
        this
    }

    fn power(&mut self, note: &PolicyNote, logged: Time) {
        let newest = self.powers.last().expect("never empty");
        let rekeys = newest.note.log != note.log;
        let delay = self.power_at(logged).note.bounds.policy_delay_hours;
        let from = if rekeys { newest.from.max(logged) } else { logged.plus(delay * HOUR) };
        self.powers.push(Power { from, rekeys, note: note.clone() });
    }

    fn undoes(&mut self, note: &AnyNote, mask: Mask) {
        match note {
            AnyNote::Suspend(s) => self.suspended.push(s.clone()),
            AnyNote::Lift(l) => self.lifted.push((l.lifts.clone(), mask)),
            _ => {}
        }
    }

    fn power_at(&self, at: Time) -> &Power {
        self.powers.iter().rfind(|p| p.from <= at).unwrap_or(&self.powers[0])
    }

    /// The policy in power and those it replaced within a week.
    fn policies(&self, at: Time) -> Vec<&PolicyNote> {
        let in_power = |p: &&Power| p.from <= at;
        let known: Vec<&Power> = self.powers.iter().filter(in_power).collect();
        let replaced = |n: usize| known.get(n + 1).is_none_or(|next| at.0 - next.from.0 < 7 * DAY);
        (0..known.len()).filter(|n| replaced(*n)).map(|n| &known[n].note).collect()
    }

    fn is_suspended(&self, key: &str, at: Time) -> bool {
        let over = |s: &Suspend| self.powers.iter().any(|p| !p.rekeys && s.time < p.from && p.from <= at);
        self.suspended.iter().any(|s| s.key == key && s.time <= at && at < s.until && !over(s))
    }

    /// The keys behind a note that take part at `at`, each with its person.
    fn keys(&self, mask: Mask, at: Time) -> Vec<(&'static str, &String)> {
        let all = KEYS.iter().zip(&self.history.vkeys).enumerate();
        let signed = all.filter(|(n, _)| mask & (1 << n) != 0);
        signed.map(|(_, (name, key))| (*name, key)).filter(|(_, key)| !self.is_suspended(key, at)).collect()
    }

    /// The persons of a policy who signed, with keys in use.
    fn persons(&self, mask: Mask, policy: &PolicyNote, at: Time) -> BTreeSet<&'static str> {
        let names = |name: &str, key: &String| {
            let person = policy.persons.iter().find(|p| p.person.as_str() == name);
            person.is_some_and(|p| p.keys.iter().any(|k| k.to_string() == *key))
        };
        self.keys(mask, at).into_iter().filter(|(name, key)| names(name, key)).map(|(name, _)| name).collect()
    }

    /// Whether one of them signed with an SSH key.
    fn by_ssh(&self, mask: Mask, policy: &PolicyNote, at: Time) -> bool {
        let theirs = |key: &str| policy.keys().any(|k| k.to_string() == key && k.is_ssh());
        self.keys(mask, at).into_iter().any(|(_, key)| theirs(key))
    }

    /// The finding of this id: who signed it with a key that was in use then.
    fn finding(&self, id: Option<&Id>) -> (BTreeSet<&'static str>, Mask, Time) {
        let same = |s: &&Signed| matches!(&s.note, AnyNote::Finding(f) if Some(&f.head.id) == id);
        let Some(found) = self.taken.iter().find(same) else { return Default::default() };
        let persons = self.persons(found.mask, &self.power_at(found.logged).note, found.logged);
        (persons, found.mask, found.logged)
    }

    /// Whether two assessors, a proposer, and an independent approver who signed nothing before stand behind it.
    fn four_eyes(&self, mask: Mask, finding: Option<&Id>, at: Time, policy: &PolicyNote) -> bool {
        let (found, found_mask, found_at) = self.finding(finding);
        let then: BTreeSet<&String> = self.keys(found_mask, found_at).into_iter().map(|(_, k)| k).collect();
        let now = self.keys(found_mask, at).into_iter();
        let in_use: BTreeSet<&str> = now.filter(|(_, k)| then.contains(k)).map(|(name, _)| name).collect();
        let assessors = self.persons(found_mask, policy, at);
        let assessors = assessors.iter().filter(|p| in_use.contains(*p) && is(policy, p, Role::Assessor));
        let signed = self.persons(mask, policy, at);
        let approves = |p: &&&str| {
            is(policy, p, Role::Approver) && is(policy, p, Role::Independent) && !found.contains(**p)
        };
        let approvers = signed.iter().filter(approves).count() as u64;
        self.by_ssh(mask, policy, at)
            && assessors.count() as u64 >= policy.bounds.finding_assessors
            && approvers >= policy.bounds.emergency_approvers
            && signed.len() as u64 > policy.bounds.emergency_approvers
    }

    fn order(&self, mask: Mask, at: Time, policy: &PolicyNote) -> bool {
        let signed = self.persons(mask, policy, at);
        signed.len() as u64 >= policy.bounds.order_officers
            && signed.iter().any(|p| is(policy, p, Role::Legal))
            && self.by_ssh(mask, policy, at)
    }

    fn majority(&self, mask: Mask, at: Time, policy: &PolicyNote) -> bool {
        let signed = self.persons(mask, policy, at);
        signed.len() >= 3
            && signed.len() * 2 > policy.persons.len()
            && signed.iter().any(|p| is(policy, p, Role::Independent))
    }

    fn impose(&self, id: &Id) -> (&Signed, &Impose) {
        let mut all = self.taken.iter().filter_map(|s| match &s.note {
            AnyNote::Impose(n) => Some((s, n)),
            _ => None,
        });
        all.find(|(_, n)| n.head.id == *id).expect("a measure comes from an entry")
    }

    fn continues<'s>(&'s self, id: &Id) -> Vec<(&'s Signed, &'s Continue)> {
        let of = |s: &'s Signed| match &s.note {
            AnyNote::Continue(n) if n.continues == *id => Some((s, n)),
            _ => None,
        };
        self.taken.iter().filter_map(of).collect()
    }

    /// Whether what came within the hour before, or runs, is more than one quorum may do.
    fn crowded(&self, this: &Signed, n: &Impose, bounds: &Bounds) -> bool {
        let before = || self.taken.iter().filter(|s| s.index < this.index);
        let (mut count, mut hostnames, mut running, mut customers) = (0, n.hostnames, 0, None);
        for s in before() {
            match &s.note {
                AnyNote::Config(c) => customers = Some(c.customers),
                AnyNote::Impose(i) => {
                    let recent = this.logged.0 - s.logged.0 < HOUR;
                    count += u64::from(recent);
                    hostnames += if recent { i.hostnames } else { 0 };
                    let continued = self.continues(&i.head.id);
                    let until = continued.iter().rfind(|(c, _)| c.index < this.index);
                    let until = until.map_or(i.until, |(_, c)| c.until);
                    let lifts = |l: &Signed| matches!(&l.note, AnyNote::Lift(l) if l.lifts == i.head.id);
                    // Who may lift is asked elsewhere; only more running makes it crowded.
                    running += u64::from(this.logged < until && !before().any(lifts));
                }
                _ => {}
            }
        }
        count >= bounds.imposes_per_hour
            || hostnames > bounds.hostnames_per_hour
            || customers.is_some_and(|c| running + 1 > (c * bounds.customers_percent / 100).max(1))
    }

    /// Whether the decision itself has the people that its class needs.
    pub(super) fn stands(&self, id: &Id) -> bool {
        let (signed, n) = self.impose(id);
        let (mask, at) = (signed.mask, signed.logged);
        self.policies(at).into_iter().all(|policy| {
            let count = self.persons(mask, policy, at).len() as u64;
            let enough = match n.class {
                Class::Emergency => self.four_eyes(mask, n.finding.as_ref(), at, policy),
                Class::Abuse => count >= policy.bounds.abuse_officers.max(2),
                Class::Standing => count >= policy.bounds.standing_officers.max(3),
                Class::Order => self.order(mask, at, policy),
            } && self.by_ssh(mask, policy, at);
            enough && (!self.crowded(signed, n, &policy.bounds) || self.majority(mask, at, policy))
        })
    }

    /// The ends that the note and each continuation that stands give, and the newest order note's `logged`.
    pub(super) fn ends(&self, id: &Id) -> Ends {
        let (signed, n) = self.impose(id);
        let everyone = |mask| self.keys(mask, signed.logged).into_iter().map(|(name, _)| name);
        let mut before: BTreeSet<&str> = everyone(signed.mask).collect();
        before.extend(self.finding(n.finding.as_ref()).0);
        let order = (n.class == Class::Order).then_some(signed.logged);
        let mut ends = Ends { own: n.until, order, ..Ends::default() };
        for (c, n) in self.continues(id) {
            let signs = |policy| self.persons(c.mask, policy, c.logged);
            let holds = |policy| self.four_eyes(c.mask, n.finding.as_ref(), c.logged, policy);
            match n.reason {
                ContinueReason::Validated => {
                    let policy = &self.power_at(c.logged).note;
                    let fresh =
                        signs(policy).iter().any(|p| is(policy, p, Role::Reviewer) && !before.contains(p));
                    let fresh = fresh && self.by_ssh(c.mask, policy, c.logged);
                    ends.validated = ends.validated.or(fresh.then_some(n.until));
                    before.extend(signs(policy));
                }
                ContinueReason::Extended => {
                    let policies = self.policies(c.logged);
                    let mut took_part = self.finding(n.finding.as_ref()).0;
                    took_part.extend(policies.iter().flat_map(|p| signs(p)));
                    let stands = ends.validated.is_some()
                        && policies.into_iter().all(holds)
                        && took_part.iter().any(|p| !before.contains(p));
                    ends.extended = ends.extended.or(stands.then_some(n.until));
                }
                ContinueReason::Order => {
                    if self.policies(c.logged).into_iter().all(|p| self.order(c.mask, c.logged, p)) {
                        ends.order = Some(c.logged);
                        ends.ordered.get_or_insert(c.logged);
                        ends.by_order = Some(n.until).max(ends.by_order);
                    }
                }
            }
        }
        ends
    }

    /// Whether somebody who was an officer when it was logged, or became one later, has lifted it.
    pub(super) fn is_lifted(&self, id: &Id) -> bool {
        let at = self.impose(id).0.logged;
        let from = self.powers.iter().rposition(|p| p.from <= at).unwrap_or_default();
        let later = || self.powers.iter().skip(from).flat_map(|p| p.note.keys()).map(ToString::to_string);
        let keys = KEYS.iter().zip(&self.history.vkeys).enumerate();
        let of =
            |mask: Mask| keys.clone().filter(move |(n, _)| mask & (1 << n) != 0).map(|(_, (_, key))| key);
        self.lifted.iter().any(|(l, mask)| l == id && of(*mask).any(|key| later().any(|k| k == *key)))
    }
}

/// Until when a decision may run, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    pub(super) own: Time,
    pub(super) validated: Option<Time>,
    pub(super) extended: Option<Time>,
    /// The latest end that an order gives.
    pub(super) by_order: Option<Time>,
    /// When the newest order was logged.
    pub(super) order: Option<Time>,
    /// When an order took over.
    pub(super) ordered: Option<Time>,
}

impl Ends {
    pub(super) fn latest(&self) -> Time {
        [self.validated, self.extended, self.by_order].into_iter().flatten().fold(self.own, Time::max)
    }
}

fn is(policy: &PolicyNote, person: &str, role: Role) -> bool {
    policy.persons.iter().any(|p| p.person.as_str() == person && p.roles.contains(&role))
}
