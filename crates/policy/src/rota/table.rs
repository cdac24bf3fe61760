//! The people of the policy in power as a table, what each act needs of them, and what is missing.

use super::{
    Act, Answer, Lack, Share,
    search::{Need, fewest, left},
};
use crate::{
    Id,
    note::{PersonKeys, PolicyNote, Role},
    people::People,
    quorum,
};
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

/// Persons of the policy in power as bits: a policy names at most 64.
pub(super) struct Table<'p> {
    people: &'p People,
    persons: &'p [PersonKeys],
    /// Those who are here.
    here: u64,
}

/// A need, and how to say that it is not met.
struct Row {
    need: Need,
    what: String,
    /// Whether it is the policy in power that asks for it, and not one before it that counts too.
    current: bool,
}

/// The task of an extension that anybody may take who took none of the others.
const FRESH: usize = 3;

impl<'p> Table<'p> {
    pub(super) fn new(people: &'p People, here: impl Fn(&Id) -> bool) -> Self {
        let persons = people.in_power().map_or(&[][..], |p| &p.persons);
        let mut table = Self { people, persons, here: 0 };
        table.here = table.bits(|p| here(&p.person));
        table
    }

    fn bits(&self, fits: impl Fn(&PersonKeys) -> bool) -> u64 {
        let mut bits = 0;
        for (at, _) in self.persons.iter().take(64).enumerate().filter(|(_, p)| fits(p)) {
            bits |= 1 << at;
        }
        bits
    }

    fn ids(&self, bits: u64) -> Vec<Id> {
        let named = self.persons.iter().enumerate().filter(|(at, _)| *at < 64 && bits & (1 << at) != 0);
        named.map(|(_, p)| p.person.clone()).collect()
    }

    /// Who counts as something under a policy, with a key that is not suspended.
    fn who(&self, policy: &PolicyNote, fits: impl Fn(&PersonKeys) -> bool) -> u64 {
        self.bits(|p| self.people.can_sign(p, policy).is_some_and(&fits))
    }

    fn row(
        &self,
        policy: &PolicyNote,
        task: usize,
        need: u64,
        what: &str,
        fits: &dyn Fn(&PersonKeys) -> bool,
    ) -> Row {
        let need = u32::try_from(need).unwrap_or(u32::MAX);
        let current = self.people.in_power().is_some_and(|p| p.version == policy.version);
        Row { need: Need { task, need, who: self.who(policy, fits) }, what: what.to_string(), current }
    }

    /// What an act needs, and over how many tasks that no two may share a person.
    fn rows(&self, act: Act) -> (usize, Vec<Row>) {
        let mut rows = Vec::new();
        let assessor = |p: &PersonKeys| p.is(Role::Assessor);
        let anybody = |_: &PersonKeys| true;
        let each = self.people.judging();
        let Some(now) = self.people.in_power() else { return (1, rows) };
        let officer = "officer (distinct persons)";
        match act {
            Act::Finding => {
                rows.push(self.row(now, 0, now.bounds.finding_assessors, "assessor", &assessor));
                (1, rows)
            }
            Act::Emergency | Act::Validate | Act::Extend => {
                for p in each {
                    rows.push(self.row(p, 0, p.bounds.finding_assessors, "assessor", &assessor));
                    let what = "independent approver who signed nothing before";
                    let approver = PersonKeys::approves_emergencies;
                    rows.push(self.row(p, 1, p.bounds.emergency_approvers, what, &approver));
                }
                if act == Act::Emergency {
                    return (2, rows);
                }
                let what = "reviewer who signed neither the finding nor the decision";
                rows.push(self.row(now, 2, 1, what, &|p| p.is(Role::Reviewer)));
                if act == Act::Validate {
                    return (3, rows);
                }
                for p in each {
                    rows.push(self.row(p, FRESH, 1, "person who took no part in it so far", &anybody));
                }
                (4, rows)
            }
            Act::Abuse | Act::Standing | Act::Order => {
                for p in each {
                    let (need, what) = match act {
                        Act::Abuse => (p.bounds.abuse_officers, officer),
                        Act::Standing => (p.bounds.standing_officers, officer),
                        _ => (
                            p.bounds.order_officers,
                            "officer (one handles legal process, another attests the callback)",
                        ),
                    };
                    rows.push(self.row(p, 0, need, what, &anybody));
                    if act == Act::Order {
                        let legal = "person who handles legal process";
                        rows.push(self.row(p, 0, 1, legal, &|p| p.is(Role::Legal)));
                    }
                }
                (1, rows)
            }
            Act::Lift => {
                // Power down is one signature, and a suspension must not stand in its way.
                let need = Need { task: 0, need: 1, who: self.bits(|_| true) };
                rows.push(Row { need, what: "officer".to_string(), current: true });
                (1, rows)
            }
            Act::Suspend => {
                rows.push(self.row(now, 0, 2, "officer (or the key's own holder)", &anybody));
                (1, rows)
            }
            Act::Policy => {
                let what = "officer (a majority, at least three)";
                rows.push(self.row(now, 0, quorum::majority(now), what, &anybody));
                rows.push(self.row(now, 0, 1, "independent officer", &|p| p.is(Role::Independent)));
                (1, rows)
            }
        }
    }

    pub(super) fn ask(&self, act: Act) -> Answer {
        let (tasks, rows) = self.rows(act);
        let needs: Vec<Need> = rows.iter().map(|r| r.need.clone()).collect();
        let Some(given) = fewest(&needs, tasks, self.here) else {
            return Answer { act, shares: Vec::new(), missing: self.missing(tasks, &rows) };
        };
        let task = |at: usize| given.get(at).copied().unwrap_or_default();
        let mut shares = Vec::new();
        let decision = |more: u64| self.signers(task(0), task(1), more);
        match act {
            Act::Emergency | Act::Validate | Act::Extend => {
                shares.push(Share { note: "finding", who: self.ids(task(0)) });
                shares.push(Share { note: "decision", who: decision(0) });
            }
            _ => shares.push(Share { note: "note", who: self.ids(task(0)) }),
        }
        if matches!(act, Act::Validate | Act::Extend) {
            shares.push(Share { note: "validation", who: self.ids(task(2)) });
        }
        if act == Act::Extend {
            // Whoever signed before may sign again, beside the one who did not.
            shares.push(Share { note: "new-finding", who: self.ids(task(0)) });
            shares.push(Share { note: "extension", who: decision(task(FRESH)) });
        }
        Answer { act, shares, missing: Vec::new() }
    }

    /// Who signs a decision: the approvers, and somebody of the finding who proposes. Under each policy that counts the
    /// proposer must be one more than the approvers.
    fn signers(&self, assessors: u64, approvers: u64, more: u64) -> Vec<Id> {
        let enough = |signers: u64| {
            self.people.judging().iter().all(|p| {
                let count = (self.who(p, |_| true) & signers).count_ones();
                u64::from(count) > p.bounds.emergency_approvers
            })
        };
        let mut each: Vec<u64> = (0..64).map(|at| 1 << at).filter(|bit| assessors & bit != 0).collect();
        // Whoever may approve at all is an officer by trade.
        let trade = self.bits(|p| p.is(Role::Approver));
        each.sort_by_key(|bit| trade & bit == 0);
        let alone = each.into_iter().find(|bit| enough(approvers | bit));
        let proposers = alone.unwrap_or(assessors);
        [self.ids(proposers), self.ids(approvers), self.ids(more & !proposers & !approvers)].concat()
    }

    /// The fewest people that would have to come, in every combination of tasks for which they could. Where somebody
    /// without any role would do, that is what is said.
    fn missing(&self, tasks: usize, rows: &[Row]) -> Vec<Vec<Lack>> {
        let most = |task: usize| rows.iter().filter(|r| r.need.task == task).map(|r| r.need.need).max();
        let most: Vec<u32> = (0..tasks).map(|task| most(task).unwrap_or(0)).collect();
        for total in 1..=most.iter().sum() {
            let mut found: Vec<Vec<Lack>> = Vec::new();
            let mut anybody = 0;
            for come in shared_out(&most, total) {
                // Whoever comes for a task meets every need of it.
                let of = |task: usize| come.get(task).copied().unwrap_or(0);
                let needs: Vec<Need> = rows
                    .iter()
                    .map(|r| Need { need: r.need.need.saturating_sub(of(r.need.task)), ..r.need.clone() })
                    .collect();
                let Some(given) = fewest(&needs, tasks, self.here) else { continue };
                if of(FRESH) > anybody {
                    (anybody, found) = (of(FRESH), Vec::new());
                }
                if of(FRESH) == anybody {
                    let given = self.whoever_helps(given, rows);
                    let lacks = come.iter().zip(&given).enumerate().filter(|(_, (come, _))| **come > 0);
                    found.push(
                        lacks.map(|(task, (come, given))| self.lack(task, *come, *given, rows)).collect(),
                    );
                }
            }
            // A way for which nobody is left to be asked is worth a word only where there is no better one.
            let open = |way: &Vec<Lack>| way.iter().all(|l| l.could.len() as u64 >= l.count);
            if found.iter().any(open) {
                found.retain(open);
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// With everybody else who is here and meets a need: what is said to be missing is then only what is.
    fn whoever_helps(&self, mut given: Vec<u64>, rows: &[Row]) -> Vec<u64> {
        for person in (0..64).map(|at| 1 << at).filter(|person| self.here & person != 0) {
            let idle = given.iter().all(|some| some & person == 0);
            let helps = |task: usize, some: u64| {
                rows.iter()
                    .any(|r| r.need.task == task && r.need.who & person != 0 && left(&r.need, some) > 0)
            };
            let place = given.iter_mut().enumerate().find(|(task, some)| idle && helps(*task, **some));
            if let Some((_, some)) = place {
                *some |= person;
            }
        }
        given
    }

    /// What `count` people who come for a task must be, when these are given to it already.
    fn lack(&self, task: usize, count: u32, given: u64, rows: &[Row]) -> Lack {
        let open = |r: &&Row| r.need.task == task && left(&r.need, given) > 0;
        let all: Vec<&Row> = rows.iter().filter(open).collect();
        let current: Vec<&Row> = all.iter().copied().filter(|r| r.current).collect();
        let before = if current.is_empty() {
            " (under the policy before, which counts for a week)"
        } else if all.iter().any(|r| !r.current && current.iter().all(|c| c.need.who != r.need.who)) {
            " (under the policy before too, which counts for a week)"
        } else {
            ""
        };
        // Rows go from what many are to what few are.
        let rows = if current.is_empty() { &all } else { &current };
        let (Some(general), Some(special)) = (rows.first(), rows.last()) else {
            return Lack { count: u64::from(count), what: "person".to_string(), could: Vec::new() };
        };
        let few = left(&special.need, given);
        let (what, who) = if few < count {
            (format!("{}, {few} of them {}", general.what, special.what), general.need.who)
        } else {
            let who = all.iter().fold(u64::MAX, |who, r| who & r.need.who);
            (special.what.clone(), who)
        };
        Lack { count: u64::from(count), what: what + before, could: self.ids(who & !self.here) }
    }
}

/// Every way to share `total` out, at most so many for each.
fn shared_out(most: &[u32], total: u32) -> Vec<Vec<u32>> {
    let Some((first, rest)) = most.split_first() else {
        return if total == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let mut all = Vec::new();
    for here in 0..=total.min(*first) {
        all.extend(shared_out(rest, total - here).into_iter().map(|more| [vec![here], more].concat()));
    }
    all
}
