//! Judging a note against the state: pure, and the only place where "yes" is said.

use super::State;
use crate::{
    AnyNote, Decision, Id, Kind, Lifted, Rejected, Signer, Time, Trust,
    decision::Under,
    floor::{POLICY_PERSONS, WINDOW},
    note::{
        Class, Config, Continue, ContinueReason, Finding, Impose, Lift, PolicyNote, Role, ScopeKind, Suspend,
    },
    quorum::{self, Signers},
    time::{DAY, HOUR},
};
use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use ledger::{
    Hash,
    note::{Note, VerifierKey},
};

/// What an accepted note changes.
pub(super) enum Change {
    Finding(Finding, Vec<Signer>, Vec<String>),
    Impose {
        impose: Impose,
        signers: Vec<Signer>,
        assessors: Vec<Signer>,
        under: Option<Under>,
        keys: Vec<String>,
        crowded: bool,
    },
    Continue {
        at: usize,
        note: Continue,
        signers: Vec<Signer>,
        under: Option<Under>,
        keys: Vec<String>,
    },
    Lift {
        target: Id,
        lifted: Lifted,
        keys: BTreeSet<String>,
        /// From when it gives back hours of the customer, once the log has it.
        ended: Time,
    },
    Suspend {
        key: String,
        from: Time,
        until: Time,
    },
    Policy {
        note: PolicyNote,
        from: Time,
        rekeys: bool,
    },
    Config(Config),
    Refuse {
        case: Id,
        id: Id,
    },
}

/// Grounds an abuse decision may rest on (DESIGN 6).
const ABUSE_GROUNDS: [&str; 3] = ["phishing", "malware", "child-sexual-abuse"];

/// Entry 0: a policy 0 for this log, within the floor, signed by everyone it names.
pub(super) fn genesis(trust: &Trust, policy: &PolicyNote, note: &Note, demo: bool) -> Result<(), Rejected> {
    if policy.is_demo() && !demo {
        return Err(Rejected::Demo);
    }
    if policy.head.origin != trust.origin || policy.log != trust.log {
        return Err(Rejected::Genesis("policy 0 names another log than the trust line"));
    }
    if policy.version != 0 || policy.log_from.is_some() {
        return Err(Rejected::Genesis("the first policy has version 0 and `log-from none`"));
    }
    policy.could_stand()?;
    let signers = Signers::find(note, policy, |_| true)?;
    if signers.len() != policy.persons.len() {
        return Err(Rejected::Genesis("policy 0 is not signed by everyone it names"));
    }
    need(quorum::policy(&signers, policy))
}

fn need(missing: Vec<String>) -> Result<(), Rejected> {
    if missing.is_empty() { Ok(()) } else { Err(Rejected::Quorum(missing)) }
}

fn ensure(holds: bool, why: Rejected) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(why) }
}

impl State {
    /// What `note` would change if the log took it at `logged`, or why nothing.
    pub(super) fn judge(&self, note: &AnyNote, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        ensure(note.origin() == self.origin, Rejected::ForeignOrigin)?;
        self.judge_id(note, signed)?;
        match note {
            AnyNote::Finding(n) => self.judge_finding(n, signed, logged),
            AnyNote::Impose(n) => self.judge_impose(n, signed, logged),
            AnyNote::Continue(n) => self.judge_continue(n, signed, logged),
            AnyNote::Lift(n) => self.judge_lift(n, signed, logged),
            AnyNote::Suspend(n) => self.judge_suspend(n, signed, logged),
            AnyNote::Policy(n) => self.judge_policy_here(n, signed, logged),
            AnyNote::Config(n) => self.judge_config(n, signed, logged),
            AnyNote::Refuse(n) => {
                let signers = self.signers(signed, self.policy(logged), logged)?;
                need(quorum::persons(&signers, 1))?;
                Ok(Change::Refuse { case: n.case.clone(), id: n.head.id.clone() })
            }
        }
    }

    /// An id counts once in the log. What undoes is known by its text: it may have any id, so that nobody takes an id
    /// away from somebody else's note by way of an undo, nor an undo's effect by way of its id.
    fn judge_id(&self, note: &AnyNote, signed: &Note) -> Result<(), Rejected> {
        let known = match note.kind() {
            Kind::Lift | Kind::Suspend => self.logged_undo(&Hash::of(signed.text().as_bytes())).is_some(),
            _ => self.ids.contains(note.id()),
        };
        ensure(!known, Rejected::DuplicateId)
    }

    /// Signers whose keys the log does not suspend.
    fn signers<'p>(&self, signed: &Note, policy: &'p PolicyNote, at: Time) -> Result<Signers<'p>, Rejected> {
        Signers::find(signed, policy, |key| !self.log_suspends(key, at))
    }

    /// All their keys. What does not count now never will: an undo that is known later only takes away.
    fn keys(&self, signed: &Note, policy: &PolicyNote, at: Time) -> Result<Vec<String>, Rejected> {
        quorum::keys_of(signed, policy, |key| !self.log_suspends(key, at))
    }

    fn judge_finding(&self, n: &Finding, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        ensure(n.window_until > n.time, Rejected::Bound("`window-until` must be after `time`"))?;
        ensure(n.window_until.since(n.time) <= WINDOW, Rejected::Bound("the window is at most 72 hours"))?;
        ensure(n.time <= logged.plus(crate::LOGGED_SKEW), Rejected::Bound("`time` lies in the future"))?;
        let policy = self.policy(logged);
        let signers = self.signers(signed, policy, logged)?;
        need(quorum::finding(&signers, policy))?;
        Ok(Change::Finding(n.clone(), signers.record(), self.keys(signed, policy, logged)?))
    }

    fn judge_impose(&self, n: &Impose, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        judge_form(n)?;
        ensure(logged <= n.approve_by, Rejected::Late)?;
        let found = n.finding.as_ref().map(|id| self.usable_finding(id, n, logged)).transpose()?;
        let under = found.map(|found| self.under(found, logged));
        let nobody = BTreeSet::new();
        let before = under.as_ref().map_or(&nobody, |under| &under.persons);
        // Beyond the bounds of one policy it is extraordinary under all that judge it.
        let crowded = self.policies_for_impose(logged).any(|policy| self.is_crowded(n, policy, logged));
        let (mut record, mut keys) = (Vec::new(), Vec::new());
        for policy in self.policies_for_impose(logged) {
            judge_bounds(n, policy, logged)?;
            let signers = self.signers(signed, policy, logged)?;
            if let Some(under) = &under {
                judge_assessors(under, policy)?;
            }
            need(quorum::impose(n.class, &signers, before, policy))?;
            ensure(!crowded || quorum::policy(&signers, policy).is_empty(), Rejected::BlastRadius)?;
            merge(&mut record, signers.record());
            keys.extend(self.keys(signed, policy, logged)?);
        }
        let assessors = found.map(|found| found.signers.clone()).unwrap_or_default();
        Ok(Change::Impose { impose: n.clone(), signers: record, assessors, under, keys, crowded })
    }

    /// A finding that carries this decision.
    fn usable_finding(&self, id: &Id, n: &Impose, logged: Time) -> Result<&super::Found, Rejected> {
        let found = self.open_finding(id, &n.subject, logged)?;
        ensure(found.note.scope == n.scope, Rejected::Finding("the finding is about another scope"))?;
        Ok(found)
    }

    /// What of a finding counts for a note that is logged now.
    fn under(&self, found: &super::Found, logged: Time) -> Under {
        let counts = |key: &&String| !self.log_suspends(key, logged);
        Under {
            logged: found.logged,
            persons: found.signers.iter().map(|s| s.person.clone()).collect(),
            keys: found.keys.iter().filter(counts).cloned().collect(),
        }
    }

    fn open_finding(&self, id: &Id, subject: &Hash, logged: Time) -> Result<&super::Found, Rejected> {
        let found = self.findings.get(id).ok_or(Rejected::Finding("the log holds no such finding"))?;
        let hours = self.policy(logged).bounds.finding_hours;
        let fresh = logged < found.logged.plus(hours * HOUR) && logged < found.note.time.plus(hours * HOUR);
        ensure(
            found.note.opens_emergency(),
            Rejected::Finding("the finding does not have all eight criteria met"),
        )?;
        ensure(fresh, Rejected::Finding("the finding is too old to carry a decision"))?;
        let open = logged < found.note.window_until;
        ensure(open, Rejected::Finding("the window that the finding states is over"))?;
        ensure(!found.used, Rejected::Finding("the finding carried a decision already"))?;
        ensure(found.note.subject == *subject, Rejected::Finding("the finding is about another subject"))?;
        Ok(found)
    }

    fn judge_continue(&self, n: &Continue, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let ordered = n.reason == ContinueReason::Order;
        ensure(
            ordered == n.order.is_some(),
            Rejected::Form("`order` goes with reason order, and only with it"),
        )?;
        let extends = n.reason == ContinueReason::Extended;
        ensure(
            extends == n.finding.is_some(),
            Rejected::Form("a new finding goes with an extension, and only with it"),
        )?;
        let at = *self.by_id.get(&n.continues).ok_or(Rejected::Target("there is no such decision"))?;
        let d = self.decisions.get(at).ok_or(Rejected::Target("there is no such decision"))?;
        // By the log alone: a lift that is known only here must not change how the log is read.
        let lifted = self.lifts_of(&d.impose.head.id, d.logged).any(|l| l.logged.is_some());
        let runs = !lifted && d.impose.since <= logged && logged < d.logged_until();
        ensure(runs, Rejected::Target("the decision is not in force"))?;
        ensure(n.until > logged, Rejected::Bound("`until` is over already"))?;
        let emergency =
            d.impose.class == Class::Emergency && d.logged_continue(ContinueReason::Order).is_none();
        ensure(
            ordered || emergency,
            Rejected::Target("only an emergency that no order has taken over is continued this way"),
        )?;
        match n.reason {
            ContinueReason::Validated => self.judge_validation(at, d, n, signed, logged),
            ContinueReason::Extended => self.judge_extension(at, d, n, signed, logged),
            ContinueReason::Order => self.judge_order(at, n, signed, logged),
        }
    }

    fn judge_validation(
        &self,
        at: usize,
        d: &Decision,
        n: &Continue,
        signed: &Note,
        logged: Time,
    ) -> Result<Change, Rejected> {
        let again = d.logged_continue(ContinueReason::Validated).is_some();
        ensure(!again, Rejected::Target("it was validated already"))?;
        let policy = self.policy(logged);
        let signers = self.signers(signed, policy, logged)?;
        need(quorum::reviewer(&signers, &d.before(u64::MAX)))?;
        within(n.until, d.impose.since.plus(policy.bounds.validated_hours * HOUR))?;
        let keys = self.keys(signed, policy, logged)?;
        let (note, signers) = (n.clone(), signers.record());
        Ok(Change::Continue { at, note, signers, under: None, keys })
    }

    fn judge_extension(
        &self,
        at: usize,
        d: &Decision,
        n: &Continue,
        signed: &Note,
        logged: Time,
    ) -> Result<Change, Rejected> {
        let extended = d.logged_continue(ContinueReason::Extended).is_some();
        let validated = d.logged_continue(ContinueReason::Validated).filter(|_| !extended);
        let validated = validated.ok_or(Rejected::Target("it is extended once, after validation"))?.index;
        let id = n.finding.as_ref().ok_or(Rejected::Form("an extension needs a new finding"))?;
        let found = self.open_finding(id, &d.impose.subject, logged)?;
        ensure(
            found.index > validated,
            Rejected::Finding("an extension needs a finding made after the validation"),
        )?;
        let (before, under) = (d.before(u64::MAX), self.under(found, logged));
        let (mut record, mut keys) = (Vec::new(), Vec::new());
        for policy in self.policies_for_impose(logged) {
            let signers = self.signers(signed, policy, logged)?;
            let assessors = judge_assessors(&under, policy)?;
            need(quorum::emergency(&signers, &under.persons, policy))?;
            need(quorum::somebody_new(&signers, &assessors, &before))?;
            within(n.until, d.impose.since.plus(policy.bounds.extended_hours * HOUR))?;
            merge(&mut record, signers.record());
            keys.extend(self.keys(signed, policy, logged)?);
        }
        Ok(Change::Continue { at, note: n.clone(), signers: record, under: Some(under), keys })
    }

    /// An order takes over whatever runs, of any class, and renews what an order caused. It moves the end and nothing
    /// else: scope and subject stay those of the decision.
    fn judge_order(&self, at: usize, n: &Continue, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let (mut record, mut keys) = (Vec::new(), Vec::new());
        for policy in self.policies_for_impose(logged) {
            let signers = self.signers(signed, policy, logged)?;
            need(quorum::order(&signers, policy))?;
            within(n.until, logged.plus(policy.bounds.order_days * DAY))?;
            merge(&mut record, signers.record());
            keys.extend(self.keys(signed, policy, logged)?);
        }
        Ok(Change::Continue { at, note: n.clone(), signers: record, under: None, keys })
    }

    /// One officer, any key of the policy, suspended or not: power down is one signature. A suspension must not be a
    /// way to prevent a lift, and two edges that learn of both in another order must come to the same end.
    fn judge_lift(&self, n: &Lift, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let (mut by, mut keys) = (Vec::new(), BTreeSet::new());
        for policy in self.policies.iter().rev() {
            merge(&mut by, Signers::find(signed, &policy.note, |_| true)?.record());
            keys.extend(quorum::keys_of(signed, &policy.note, |_| true)?);
        }
        let target = self.by_id.get(&n.lifts).and_then(|at| self.decisions.get(*at));
        let since = target.map_or(logged, |d| d.logged);
        if !self.may_lift(&keys, since) {
            return Err(Rejected::Quorum(Vec::from([String::from("1 more officer (distinct persons)")])));
        }
        let lifted = Lifted {
            index: None,
            id: n.head.id.clone(),
            time: n.time,
            reason: n.reason,
            why: n.why.clone(),
            by,
        };
        Ok(Change::Lift { target: n.lifts.clone(), lifted, keys, ended: logged })
    }

    fn judge_suspend(&self, n: &Suspend, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let policy = self.policy(logged);
        let longest = policy.bounds.suspend_days * DAY;
        // From `time` and from now: else a `time` in the far future would suspend until then.
        let most = longest.saturating_add(crate::LOGGED_SKEW);
        let within = n.until > n.time && n.until.since(n.time) <= longest && n.until.since(logged) <= most;
        ensure(within, Rejected::Bound("a key is suspended for at most 7 days"))?;
        let signers = self.signers(signed, policy, logged)?;
        need(quorum::suspend(&signers, &n.key, policy))?;
        Ok(Change::Suspend { key: n.key.clone(), from: n.time, until: n.until })
    }

    /// A public key names one person for good: else a person could take part twice under two names.
    fn judge_names(&self, policy: &PolicyNote) -> Result<(), Rejected> {
        for before in self.policies.iter().flat_map(|p| &p.note.persons) {
            let same = |k: &VerifierKey| before.keys.iter().any(|b| b.public_key() == k.public_key());
            let moved = policy.persons.iter().find(|p| p.person != before.person && p.keys.iter().any(same));
            if let Some(moved) = moved {
                let (now, was) = (&moved.person, &before.person);
                return Err(Rejected::Policy(format!("a key of {now} was {was}'s")));
            }
        }
        Ok(())
    }

    /// A policy, wherever it is read.
    pub(super) fn judge_policy(
        &self,
        n: &PolicyNote,
        signed: &Note,
        logged: Time,
    ) -> Result<Change, Rejected> {
        let newest = self.policies.last().ok_or(Rejected::Genesis("there is no policy yet"))?;
        let rekeys = n.differs_in_machines_alone(&newest.note);
        ensure(
            rekeys || newest.from <= logged,
            Rejected::Policy("a policy waits to take effect; no second one may wait".into()),
        )?;
        let next = newest.note.version + 1;
        ensure(n.version == next, Rejected::Policy(format!("the next policy has version {next}")))?;
        ensure(
            rekeys || n.log == newest.note.log,
            Rejected::Policy("a policy with a new log key changes nothing else".into()),
        )?;
        ensure(
            (n.log != newest.note.log) == n.log_from.is_some(),
            Rejected::Policy("`log-from` goes with a new log key, and only with it".into()),
        )?;
        ensure(!n.is_demo() || newest.note.is_demo(), Rejected::Demo)?;
        n.could_stand()?;
        self.judge_names(n)?;
        let policy = self.policy(logged);
        let signers = self.signers(signed, policy, logged)?;
        need(quorum::policy(&signers, policy))?;
        // Who decides stays the same: nobody gains a day by a machine's new key, and a stolen one must go at once.
        let from = if rekeys {
            newest.from.max(logged)
        } else {
            logged.plus(policy.bounds.policy_delay_hours * HOUR)
        };
        Ok(Change::Policy { note: n.clone(), from, rekeys })
    }

    /// The machine with the configuration's key, and officers where anybody loses something. What the note counts is for
    /// whoever has both snapshots to check.
    fn judge_config(&self, n: &Config, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let (version, previous) = self.config().map_or((0, None), |last| (last.version, Some(last.snapshot)));
        // The same once more would be another version of nothing: nobody would look at what it says.
        let follows = n.version == version + 1 && n.previous == previous && previous != Some(n.snapshot);
        ensure(follows, Rejected::Config("it does not follow the configuration that the log has"))?;
        ensure(n.time <= logged.plus(crate::LOGGED_SKEW), Rejected::Bound("`time` lies in the future"))?;
        let key = self.config_key().ok_or(Rejected::Config("the policy names no key for configurations"))?;
        let machine = signed.signers([key]).map_err(|_| Rejected::BadSignature)?;
        ensure(!machine.is_empty(), Rejected::Config("it is not signed with the configuration's key"))?;
        let suspended = self.log_suspends(&key.to_string(), logged);
        ensure(!suspended, Rejected::Config("the configuration's key is suspended"))?;
        let policy = self.policy(logged);
        let officers = self.signers(signed, policy, logged)?;
        if n.takes_away() {
            need(quorum::officers(&officers, policy.bounds.config_officers))?;
        }
        Ok(Change::Config(n.clone()))
    }

    /// A policy as an entry: a new log key goes on from exactly what stands before it.
    fn judge_policy_here(&self, n: &PolicyNote, signed: &Note, logged: Time) -> Result<Change, Rejected> {
        let change = self.judge_policy(n, signed, logged)?;
        let here = (self.tree.size(), self.tree.root());
        let follows = n.log_from.is_none_or(|from| from == here);
        ensure(follows, Rejected::Policy("the new log key goes on from another log than this one".into()))?;
        Ok(change)
    }
}

impl PolicyNote {
    /// Whether a house could live under it, whoever signs it: within the floor, not too tight, with people enough.
    ///
    /// # Errors
    /// [`Rejected::Policy`] says what is wrong, and names the bound.
    pub fn could_stand(&self) -> Result<(), Rejected> {
        if let Some(key) = self.bounds.looser_than_floor() {
            return Err(Rejected::Policy(format!("bound `{key}` is looser than the floor")));
        }
        judge_people(self)
    }
}

/// A policy under which nobody could decide, or no policy could follow, would brick the house.
fn judge_people(policy: &PolicyNote) -> Result<(), Rejected> {
    let count = |role| policy.persons.iter().filter(|p| p.is(role)).count() as u64;
    if let Some(key) = policy.bounds.unworkable() {
        return Err(Rejected::Policy(format!("bound `{key}` is too tight to live with")));
    }
    let few = |what: &str| Err(Rejected::Policy(format!("it names too few persons: {what}")));
    if policy.persons.len() < POLICY_PERSONS {
        return few("at least three are needed");
    }
    if (policy.witnesses.len() as u64) < policy.bounds.witness_quorum {
        return Err(Rejected::Policy("it names fewer witnesses than `witness-quorum` wants".into()));
    }
    if count(Role::Independent) == 0 {
        return few("at least one must be independent");
    }
    if count(Role::Assessor) < policy.bounds.finding_assessors {
        return few("not enough assessors for a finding");
    }
    let approvers = policy.persons.iter().filter(|p| p.approves_emergencies()).count() as u64;
    if approvers < policy.bounds.emergency_approvers {
        return few("not enough independent approvers for an emergency");
    }
    if count(Role::Reviewer) == 0 {
        return few("at least one must be a reviewer");
    }
    Ok(())
}

/// A finding was judged when it was logged. It must hold under the policy that judges the decision too: else a new
/// policy's assessors would carry what the old policy's never saw, and a suspended key would take part.
fn judge_assessors<'p>(under: &Under, policy: &'p PolicyNote) -> Result<Signers<'p>, Rejected> {
    let assessors = Signers::of(policy, &under.keys, |_| true);
    let few = "too few who signed the finding are assessors under this policy, with keys in use";
    ensure(quorum::finding(&assessors, policy).is_empty(), Rejected::Finding(few))?;
    Ok(assessors)
}

/// Adds the persons that are not there yet.
pub(super) fn merge(all: &mut Vec<Signer>, more: Vec<Signer>) {
    for signer in more {
        if !all.iter().any(|s| s.person == signer.person) {
            all.push(signer);
        }
    }
}

/// An end within what a continuation may reach.
fn within(until: Time, last: Time) -> Result<(), Rejected> {
    ensure(until <= last, Rejected::Bound("`until` is later than this continuation may reach"))
}

/// Class and lines must fit together.
fn judge_form(n: &Impose) -> Result<(), Rejected> {
    let form = |holds: bool, what: &'static str| ensure(holds, Rejected::Form(what));
    form((n.class == Class::Order) == n.order.is_some(), "`order` goes with class order, and only with it")?;
    form(n.scope != ScopeKind::Hostname || n.hostnames == 1, "a scope of one hostname counts one hostname")?;
    match n.class {
        Class::Emergency => {
            form(n.finding.is_some(), "an emergency needs a finding")?;
            form(n.referral.is_some(), "an emergency needs at least one authority told before")
        }
        Class::Abuse => {
            form(n.scope != ScopeKind::Customer, "an abuse decision is never customer-wide")?;
            form(n.finding.is_none(), "only an emergency rests on a finding: write `finding none`")?;
            let ground = ABUSE_GROUNDS.contains(&n.ground.as_str());
            form(ground, "an abuse decision rests on phishing, malware or child-sexual-abuse")
        }
        Class::Standing | Class::Order => {
            form(n.finding.is_none(), "only an emergency rests on a finding: write `finding none`")
        }
    }
}

/// Times within the bounds of a policy.
fn judge_bounds(n: &Impose, policy: &PolicyNote, logged: Time) -> Result<(), Rejected> {
    let bound = |holds: bool, what: &'static str| ensure(holds, Rejected::Bound(what));
    let b = &policy.bounds;
    bound(n.approve_by >= n.proposed, "`approve-by` lies before `proposed`")?;
    let open = n.approve_by.since(n.proposed);
    bound(open <= b.approve_minutes * 60, "`approve-by` is too long after `proposed`")?;
    bound(n.proposed <= logged.plus(crate::LOGGED_SKEW), "`proposed` lies in the future")?;
    bound(n.until > n.since && n.until > logged, "`until` must be after `since` and not over yet")?;
    if let Some(withheld) = &n.withheld {
        let last = logged.plus(b.withheld_days * DAY);
        let opens = withheld.opens > n.proposed && withheld.opens <= last;
        bound(opens, "what is withheld opens after `proposed` and within a year (or the policy's bound)")?;
    }
    let run = n.until.since(n.since);
    match n.class {
        Class::Emergency => bound(
            run <= b.emergency_hours * HOUR,
            "an emergency runs at most 48 hours (or the policy's bound)",
        )?,
        Class::Abuse => bound(
            run <= b.abuse_days * DAY,
            "an abuse decision runs at most 30 days (or the policy's bound)",
        )?,
        Class::Standing => bound(
            run <= b.standing_days * DAY,
            "a standing decision runs at most a year (or the policy's bound)",
        )?,
        Class::Order => {
            let last = logged.plus(b.order_days * DAY);
            bound(
                n.until <= last,
                "an order runs at most 90 days (or the policy's bound) before it is renewed",
            )?;
        }
    }
    if n.class == Class::Standing {
        let notice = logged.plus(b.standing_notice_days * DAY);
        return bound(n.since >= notice, "a standing decision starts at least 30 days after it is logged");
    }
    bound(
        n.since >= n.proposed && n.since <= n.approve_by,
        "`since` must lie between `proposed` and `approve-by`",
    )
}
