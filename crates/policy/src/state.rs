//! The fold: the one place where "is this customer blocked" is decided.
//!
//! The desk shows it, every edge enforces it, anybody recomputes it. [`State::apply`] takes entries in the order of
//! the log and never fails: what does not hold has no effect and says why. Judging ([`judge`]) and changing
//! ([`State::commit`]) are two steps, so a judgement can be had without its change.
//!
//! Notes that undo come from anywhere and in any order, and two who hold the same notes must come to the same end.
//! So what the log's own notes say is judged by the log alone; what undoes is laid over it ([`settle`]): a lift or a
//! suspension takes effect away wherever it is known, and never changes how another note is judged until it is logged.

mod judge;
mod settle;

use crate::{
    AnyNote, Decision, GrammarError, Id, Kind, LOGGED_SKEW, Lifted, MAX_POST, MAX_UNDO, Measure, Rejected,
    Signer, Status, Subject, Time, Trust,
    decision::Counted,
    entry::Entry,
    floor::{CUSTOMER_WINDOW, OLD_AND_NEW},
    note::{Class, Config, Finding, Impose, PersonKeys, PolicyNote},
    quorum::Signers,
    time::HOUR,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use judge::Change;
use ledger::{
    Hash,
    merkle::{Frontier, leaf_hash},
    note::{Note, Signature, VerifierKey},
};

/// How an entry came to whoever folds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It arrived while we watched, at this moment of our clock: a `logged` far from it is a lie.
    Live(Time),
    /// It came later than this moment of our clock, at which we had seen the whole log: a `logged` before it is a lie.
    After(Time),
    /// It was logged before we came.
    CatchUp,
}

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has effect.
    Applied {
        /// Its kind.
        kind: Kind,
        /// Its id.
        id: Id,
    },
    /// It has none.
    Rejected {
        /// Why.
        why: Rejected,
    },
}

impl Outcome {
    /// Whether it has effect.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied { .. })
    }
}

/// A policy and from when it counts.
#[derive(Clone, Debug)]
pub(crate) struct InPower {
    note: PolicyNote,
    from: Time,
    /// It names a new log key and nothing else: whoever decides is as suspended as before.
    rekeys: bool,
}

/// An accepted finding.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    note: Finding,
    index: u64,
    logged: Time,
    signers: Vec<Signer>,
    /// Every key that signed and counted.
    keys: Vec<String>,
    used: bool,
}

/// A suspended key.
#[derive(Clone, Debug)]
pub(crate) struct Suspended {
    text: Hash,
    key: String,
    /// When the note was written.
    from: Time,
    until: Time,
    /// When the log took it; `None` while it is known only from elsewhere.
    logged: Option<Time>,
}

/// A lift, and when the log took it; [`Time::LAST`] when the log says a moment that cannot be.
#[derive(Clone, Debug)]
pub(crate) struct Lift {
    text: Hash,
    lifted: Lifted,
    /// Every key that signed, of whichever policy.
    keys: BTreeSet<String>,
    logged: Option<Time>,
}

/// Everything the log's entries amount to.
#[derive(Clone, Debug)]
pub struct State {
    origin: String,
    size: u64,
    tree: Frontier,
    last_logged: Time,
    ids: BTreeSet<Id>,
    /// Texts of lifts and suspensions that were accepted, and where the log has them.
    undos: BTreeMap<Hash, Option<u64>>,
    policies: Vec<InPower>,
    findings: BTreeMap<Id, Found>,
    decisions: Vec<Decision>,
    by_id: BTreeMap<Id, usize>,
    by_customer: BTreeMap<Id, Vec<usize>>,
    /// By their targets, which may be still to come.
    lifts: BTreeMap<Id, Vec<Lift>>,
    suspended: Vec<Suspended>,
    config: Option<Config>,
    /// Configurations that take something away, which officers signed, in the order of the log.
    withdrawals: Vec<Config>,
    subjects: BTreeMap<Hash, Subject>,
    posts: BTreeSet<Hash>,
    /// Refusals: the case, the note, its place.
    refusals: Vec<(Id, Id, u64)>,
    outcomes: Vec<Outcome>,
}

impl State {
    /// Begins a fold with entry 0: the policy that the trust line names, signed by everyone in it.
    ///
    /// # Errors
    /// [`Rejected::Genesis`] and [`Rejected::Demo`], beside what any note can be refused for.
    pub fn genesis(trust: &Trust, entry0: &[u8], demo_allowed: bool) -> Result<Self, Rejected> {
        if Hash::of(entry0) != trust.entry0 {
            return Err(Rejected::Genesis("entry 0 is not the one the trust line names"));
        }
        let entry = Entry::parse(entry0).map_err(Rejected::Malformed)?;
        let AnyNote::Policy(policy) = AnyNote::parse(entry.note.text())? else {
            return Err(Rejected::Genesis("entry 0 is not a policy"));
        };
        judge::genesis(trust, &policy, &entry.note, demo_allowed)?;
        let id = policy.head.id.clone();
        let mut tree = Frontier::new();
        tree.push(leaf_hash(entry0));
        Ok(Self {
            origin: trust.origin.clone(),
            size: 1,
            tree,
            last_logged: entry.logged,
            ids: BTreeSet::from([id.clone()]),
            undos: BTreeMap::new(),
            policies: Vec::from([InPower { note: policy, from: entry.logged, rekeys: false }]),
            findings: BTreeMap::new(),
            decisions: Vec::new(),
            by_id: BTreeMap::new(),
            by_customer: BTreeMap::new(),
            lifts: BTreeMap::new(),
            suspended: Vec::new(),
            config: None,
            withdrawals: Vec::new(),
            subjects: BTreeMap::new(),
            posts: BTreeSet::new(),
            refusals: Vec::new(),
            outcomes: Vec::from([Outcome::Applied { kind: Kind::Policy, id }]),
        })
    }

    /// Takes the entry at `index`, which must be [`State::size`]. An entry without effect still takes its place.
    pub fn apply(&mut self, index: u64, entry: &[u8], seen: Seen) -> Outcome {
        if index != self.size {
            return Outcome::Rejected { why: Rejected::Index };
        }
        self.size += 1;
        let outcome = self.take(index, entry, seen).unwrap_or_else(|why| Outcome::Rejected { why });
        self.tree.push(leaf_hash(entry));
        self.outcomes.push(outcome.clone());
        outcome
    }

    fn take(&mut self, index: u64, entry: &[u8], seen: Seen) -> Result<Outcome, Rejected> {
        let entry = Entry::parse(entry).map_err(Rejected::Malformed)?;
        let note = AnyNote::parse(entry.note.text())?;
        // What undoes knows no clock: a wrong `logged` neither stops it nor stops what comes after it.
        let undoes = matches!(note.kind(), Kind::Lift | Kind::Suspend);
        if !undoes && entry.logged < self.last_logged {
            return Err(Rejected::LoggedWentBack);
        }
        let off = match seen {
            Seen::Live(now) => now.since(entry.logged).max(entry.logged.since(now)),
            Seen::After(looked) => looked.since(entry.logged),
            Seen::CatchUp => 0,
        };
        if !undoes && off > LOGGED_SKEW {
            return Err(Rejected::LoggedOff);
        }
        let mut change = self.judge(&note, &entry.note, entry.logged)?;
        // But a lift gives no hours back for a time that it only says: by the log or by our clock it came later.
        if (off > LOGGED_SKEW || entry.logged < self.last_logged)
            && let Change::Lift { ended, .. } = &mut change
        {
            *ended = Time::LAST;
        }
        // Only an entry with effect moves the clock of the log: a rejected one with a far `logged` cannot freeze it.
        if !undoes {
            self.last_logged = entry.logged;
        }
        self.commit(change, &note, &entry.note, Some(index), entry.logged);
        Ok(Outcome::Applied { kind: note.kind(), id: note.id().clone() })
    }

    /// Takes a lift or a suspension from any channel: file, bus, or a visitor's POST. No log is needed.
    pub fn undo(&mut self, note: &[u8], now: Time) -> Outcome {
        self.take_undo(note, now).unwrap_or_else(|why| Outcome::Rejected { why })
    }

    /// Whether this undoes something, by somebody who may: the note with the signatures that count and no others, as
    /// it may become public. One that was taken before is good again.
    ///
    /// # Errors
    /// Why it has no effect.
    pub fn would_undo(&self, bytes: &[u8], now: Time) -> Result<Note, Rejected> {
        let (signed, note) = read_undo(bytes)?;
        if !self.undos.contains_key(&Hash::of(signed.text().as_bytes())) {
            self.judge(&note, &signed, now)?;
        }
        let mut clean = Note::new(signed.text()).map_err(|_| Rejected::Malformed("not a note's text"))?;
        for signature in signed.signatures() {
            let mut keys = self.policies.iter().flat_map(|p| p.note.keys());
            if keys.any(|key| key.verify(signed.text().as_bytes(), signature).is_ok()) {
                clean.add(signature.clone());
            }
        }
        Ok(clean)
    }

    fn take_undo(&mut self, bytes: &[u8], now: Time) -> Result<Outcome, Rejected> {
        let (signed, note) = read_undo(bytes)?;
        let applied = Outcome::Applied { kind: note.kind(), id: note.id().clone() };
        let known = self.undos.contains_key(&Hash::of(signed.text().as_bytes()));
        let change = match self.judge(&note, &signed, now) {
            // Another copy of a lift may be signed by somebody whose signature counts where the first one's does not.
            Ok(change) if !known || matches!(change, Change::Lift { .. }) => change,
            Ok(_) => return Ok(applied),
            Err(_) if known => return Ok(applied),
            Err(why) => return Err(why),
        };
        self.commit(change, &note, &signed, None, now);
        Ok(applied)
    }

    /// Whether the log would give this note effect if it took it at `logged`.
    ///
    /// # Errors
    /// Why it would not; [`Rejected::Quorum`] when only signatures are missing.
    pub fn would_apply(&self, note: &Note, logged: Time) -> Result<(), Rejected> {
        let parsed = AnyNote::parse(note.text())?;
        self.judge(&parsed, note, logged.max(self.last_logged)).map(|_| ())
    }

    /// What a note still lacks at `now`, in words; empty when it would be accepted.
    #[must_use]
    pub fn missing(&self, note: &Note, now: Time) -> Vec<String> {
        match self.would_apply(note, now) {
            Ok(()) => Vec::new(),
            Err(Rejected::Quorum(words)) => words,
            Err(other) => Vec::from([format!("{other}")]),
        }
    }

    /// Whose signature this is.
    ///
    /// # Errors
    /// When it verifies under no key of the policy in power, or the key is suspended and the text is no lift.
    pub fn check_signature(&self, text: &str, signature: &Signature, now: Time) -> Result<Signer, Rejected> {
        let mut note = Note::new(text).map_err(|_| Rejected::Malformed("not a note's text"))?;
        note.add(signature.clone());
        let lifts = matches!(AnyNote::parse(text)?, AnyNote::Lift(_));
        let signers = Signers::find(&note, self.policy(now), |key| lifts || !self.log_suspends(key, now))?;
        let nobody = || Rejected::Quorum(Vec::from(["a signature by a key of the policy in power".into()]));
        signers.record().into_iter().next().ok_or_else(nobody)
    }

    /// Whose signature this is, if it would bring the note nearer to being accepted. One that does not is worse than
    /// none: whoever signed can take no other part in the matter.
    ///
    /// # Errors
    /// As [`State::check_signature`]; [`Rejected::NoUse`] with the reason when it would not count.
    pub fn would_count(&self, note: &Note, signature: &Signature, now: Time) -> Result<Signer, Rejected> {
        let signer = self.check_signature(note.text(), signature, now)?;
        let policy = self.policy(now);
        let signers = Signers::find(note, policy, |_| true)?;
        if signers.ids().contains(&signer.person) {
            return Ok(signer);
        }
        let mut with = note.clone();
        with.add(signature.clone());
        let lacks = |note: &Note| match self.would_apply(note, now) {
            Err(Rejected::Quorum(words)) => words,
            _ => Vec::new(),
        };
        let (before, after) = (lacks(note), lacks(&with));
        let useless = !before.is_empty() && before == after;
        // The place beside the proposer is the approver's: another in it would only use up a person.
        let taken = match AnyNote::parse(note.text())? {
            AnyNote::Impose(impose) if impose.class == Class::Emergency => {
                let finding = impose.finding.as_ref().and_then(|id| self.findings.get(id));
                let assessed = finding.is_some_and(|f| f.signers.iter().any(|s| s.person == signer.person));
                let person = policy.persons.iter().find(|p| p.person == signer.person);
                let approver = !assessed && person.is_some_and(PersonKeys::approves_emergencies);
                signers.len() > 0 && !approver && !signers.persons().any(PersonKeys::approves_emergencies)
            }
            _ => false,
        };
        if useless || taken {
            let name = &signer.person;
            let words =
                format!("{name}'s signature would not count here; still missing: {}", before.join("; "));
            return Err(Rejected::NoUse(words));
        }
        Ok(signer)
    }

    /// Tells the fold that this blob is held. True when some decision refers to it and it is what it should be.
    pub fn hold(&mut self, blob: &[u8]) -> bool {
        let hash = Hash::of(blob);
        let mut wanted = false;
        if blob.len() <= MAX_POST
            // An edge enforces what it can explain: nothing but blanks explains nothing.
            && core::str::from_utf8(blob).is_ok_and(|text| !text.trim().is_empty())
            && self.decisions.iter().any(|d| d.impose.post == hash)
        {
            wanted |= true;
            self.posts.insert(hash);
        }
        if self.decisions.iter().any(|d| d.impose.subject == hash)
            && let Some(subject) = core::str::from_utf8(blob).ok().and_then(|t| Subject::parse(t).ok())
            && subject.origin == self.origin
        {
            wanted |= true;
            self.subjects.insert(hash, subject);
            self.settle_subject(&hash);
        }
        wanted
    }

    /// The blobs that decisions not yet ended at `now` refer to and that are not held.
    #[must_use]
    pub fn wanted(&self, now: Time) -> Vec<Hash> {
        let open = self.decisions.iter().filter(|d| d.lifted.is_none() && !d.void && now < d.until());
        let mut wanted: BTreeSet<Hash> = BTreeSet::new();
        for d in open {
            if !self.posts.contains(&d.impose.post) {
                wanted.insert(d.impose.post);
            }
            if !self.subjects.contains_key(&d.impose.subject) {
                wanted.insert(d.impose.subject);
            }
        }
        wanted.into_iter().collect()
    }

    /// The subjects not held of emergencies that count against their customers' hours at `now`, running or not. With
    /// one missing, a later emergency of the same customer may be enforced for longer than it ought to be.
    #[must_use]
    pub fn counted(&self, now: Time) -> Vec<Hash> {
        let counts = |d: &&Decision| {
            d.impose.class == Class::Emergency && !d.void && now.since(d.until()) < CUSTOMER_WINDOW
        };
        let subjects = self.decisions.iter().filter(counts).map(|d| d.impose.subject);
        let missing: BTreeSet<Hash> = subjects.filter(|s| !self.subjects.contains_key(s)).collect();
        missing.into_iter().collect()
    }

    /// The blobs that anybody needs at `now`: of decisions that have not ended, post and subject; of emergencies that
    /// count against their customers' hours, the subject.
    #[must_use]
    pub fn needed(&self, now: Time) -> BTreeSet<Hash> {
        let mut needed = BTreeSet::new();
        for d in &self.decisions {
            if now < d.until() && d.lifted.is_none() {
                needed.insert(d.impose.post);
            }
            if now < subject_until(d) {
                needed.insert(d.impose.subject);
            }
        }
        needed
    }

    /// Until when a subject is needed by any decision; `None` when none names it. After that it may be erased: nobody
    /// learns from the log whom the decision was about, and nothing that is decided later depends on it.
    #[must_use]
    pub fn subject_needed_until(&self, subject: &Hash) -> Option<Time> {
        self.decisions.iter().filter(|d| d.impose.subject == *subject).map(subject_until).max()
    }

    /// Forgets the blobs that nobody needs at `now`: a later decision that names one of them wants it anew.
    pub fn forget(&mut self, now: Time) {
        let needed = self.needed(now);
        self.subjects.retain(|hash, _| needed.contains(hash));
        self.posts.retain(|hash| needed.contains(hash));
    }

    /// What is in force and can be explained at `now`, in the order of the log.
    #[must_use]
    pub fn at(&self, now: Time) -> Vec<Measure> {
        self.decisions.iter().filter_map(|d| self.measure(d, now)).collect()
    }

    /// The next moment after `now` at which [`State::at`] gives another answer with no new note.
    #[must_use]
    pub fn next_change(&self, now: Time) -> Option<Time> {
        let live = self.decisions.iter().filter(|d| d.lifted.is_none() && !d.void);
        live.flat_map(|d| [d.impose.since, d.until()]).filter(|t| *t > now).min()
    }

    fn measure(&self, d: &Decision, now: Time) -> Option<Measure> {
        let impose = &d.impose;
        let subject = self.subjects.get(&impose.subject)?;
        let named =
            subject.scope.kind() == impose.scope && subject.hostnames.len() as u64 == impose.hostnames;
        let explainable = self.posts.contains(&impose.post) && named;
        if d.status(now) != Status::InForce || !explainable {
            return None;
        }
        Some(Measure {
            id: impose.head.id.clone(),
            class: impose.class,
            customer: subject.customer.clone(),
            scope: subject.scope.clone(),
            hostnames: subject.hostnames.clone(),
            since: impose.since,
            until: d.until(),
            confirm_by: d.confirm_by(),
            confirmed: d.confirmed(),
            ground: impose.ground.clone(),
            ground_version: impose.ground_version,
            authorities: impose.referral.as_ref().map_or(0, |r| r.count),
            ordered: d.ordered(),
            post: impose.post,
            subject: impose.subject,
            limiting: impose.limiting.clone(),
            withheld: impose.withheld.clone(),
            index: d.index,
            logged: d.logged,
        })
    }

    /// A hash over what is in force at `now`: two edges that enforce the same give the same.
    #[must_use]
    pub fn effective_hash(&self, now: Time) -> Hash {
        let mut text = format!("portcullis-effective/v1\norigin {}\n", self.origin);
        for m in self.at(now) {
            text += &format!("measure {} until {}\n", m.id, m.until);
        }
        Hash::of(text.as_bytes())
    }

    /// A decision by its id.
    #[must_use]
    pub fn decision(&self, id: &Id) -> Option<&Decision> {
        self.by_id.get(id).and_then(|at| self.decisions.get(*at))
    }

    /// All decisions, in the order of the log.
    pub fn decisions(&self) -> impl DoubleEndedIterator<Item = &Decision> {
        self.decisions.iter()
    }

    /// An accepted finding by its id, with whether a decision has used it.
    #[must_use]
    pub fn finding(&self, id: &Id) -> Option<(&Finding, bool)> {
        self.findings.get(id).map(|f| (&f.note, f.used))
    }

    /// The case that a note rests on, if it opens or continues an emergency.
    #[must_use]
    pub fn case_of(&self, note: &AnyNote) -> Option<Id> {
        let of_finding = |finding: &Option<Id>| Some(self.finding(finding.as_ref()?)?.0.case.clone());
        match note {
            AnyNote::Finding(n) => n.opens_emergency().then(|| n.case.clone()),
            AnyNote::Impose(n) => of_finding(&n.finding),
            AnyNote::Continue(n) => of_finding(&self.decision(&n.continues)?.impose.finding),
            _ => None,
        }
    }

    /// The notes that had effect and name this case, in the order of the log: findings, decisions (by their finding, or by
    /// their subject where it is held), refusals.
    pub fn notes_of(&self, case: &Id) -> Vec<(Kind, Id, u64)> {
        let of = |d: &&Decision| {
            let found = d.impose.finding.as_ref().and_then(|id| self.findings.get(id));
            let found = found.is_some_and(|found| found.note.case == *case);
            found || self.subjects.get(&d.impose.subject).is_some_and(|s| s.case == *case)
        };
        let findings = self.findings.values().filter(|f| f.note.case == *case);
        let findings = findings.map(|f| (Kind::Finding, f.note.head.id.clone(), f.index));
        let decisions = self.decisions.iter().filter(of);
        let decisions = decisions.map(|d| (Kind::Impose, d.impose.head.id.clone(), d.index));
        let refusals = self.refusals.iter().filter(|(of, ..)| of == case);
        let refusals = refusals.map(|(_, id, index)| (Kind::Refuse, id.clone(), *index));
        let mut all: Vec<_> = findings.chain(decisions).chain(refusals).collect();
        all.sort_by_key(|(_, _, index)| *index);
        all
    }

    /// Where refusals stand in the log, the oldest first.
    pub fn refusals(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.refusals.iter().map(|(_, _, index)| *index)
    }

    /// Whether somebody who may lift it has lifted this decision, which may be still to come: then it will never have
    /// effect.
    #[must_use]
    pub fn is_lifted(&self, id: &Id, now: Time) -> bool {
        let since = self.decision(id).map_or(now, |d| d.logged);
        self.lifts_of(id, since).next().is_some()
    }

    /// The subject of a decision, while it is held.
    #[must_use]
    pub fn subject(&self, hash: &Hash) -> Option<&Subject> {
        self.subjects.get(hash)
    }

    /// Whether the log holds a note with this id that had effect.
    #[must_use]
    pub fn has_logged(&self, id: &Id) -> bool {
        self.ids.contains(id)
    }

    /// Where the log holds this lift or suspension, named by the hash of its text: whoever writes one may give it any
    /// id.
    #[must_use]
    pub fn logged_undo(&self, text: &Hash) -> Option<u64> {
        self.undos.get(text).copied().flatten()
    }

    /// What became of each entry, by index.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Number of entries taken.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The newest `logged` of an entry with effect.
    #[must_use]
    pub fn newest_logged(&self) -> Time {
        self.last_logged
    }

    /// The policy in power at `now`.
    #[must_use]
    pub fn policy(&self, now: Time) -> &PolicyNote {
        let in_power = self.policies.iter().rev().find(|p| p.from <= now);
        &in_power.or(self.policies.first()).expect("a state begins with a policy").note
    }

    /// The newest policy, whether or not it is in power already: the next one follows it.
    #[must_use]
    pub fn newest_policy(&self) -> &PolicyNote {
        &self.policies.last().expect("a state begins with a policy").note
    }

    /// The log's key: the newest policy's, whether or not it is in power already.
    #[must_use]
    pub fn log_key(&self) -> &VerifierKey {
        &self.newest_policy().log
    }

    /// The key of the machine that publishes configurations: the newest policy's, as the log's key.
    #[must_use]
    pub fn config_key(&self) -> Option<&VerifierKey> {
        self.newest_policy().config.as_ref()
    }

    /// The configuration that edges serve: the last one the log has.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// What somebody who serves version `version` (0: none) goes through to reach the newest: each configuration since
    /// that takes something away, and the newest. All others say that they take nothing, so what disappears from one of
    /// these to the next must be in the next one's own counts.
    #[must_use]
    pub fn configs_after(&self, version: u64) -> Vec<&Config> {
        let Some(newest) = self.config.as_ref().filter(|newest| newest.version > version) else {
            return Vec::new();
        };
        let between = self.withdrawals.iter().filter(|c| c.version > version && c.version < newest.version);
        between.chain([newest]).collect()
    }

    /// Whether the hash is of a snapshot that somebody who catches up may still need: one of those, or the one before it.
    #[must_use]
    pub fn needs_config(&self, snapshot: &Hash) -> bool {
        let mut all = self.withdrawals.iter().chain(&self.config);
        all.any(|c| c.snapshot == *snapshot || c.previous == Some(*snapshot))
    }

    /// The root hash of the entries taken.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Reads a policy that names a new log key, wherever it comes from: officers outrank the log. Gives the policy; its
    /// `log_from` says which log the key goes on from, and whoever holds another must go back to that.
    ///
    /// # Errors
    /// Why it is none, or does not follow.
    pub fn would_rekey(&self, note: &Note, now: Time) -> Result<PolicyNote, Rejected> {
        let AnyNote::Policy(policy) = AnyNote::parse(note.text())? else {
            return Err(Rejected::Policy("only a policy names a new log key".into()));
        };
        if policy.head.origin != self.origin {
            return Err(Rejected::ForeignOrigin);
        }
        if policy.log == *self.log_key() {
            return Err(Rejected::Policy("it names the key that the log has already".into()));
        }
        self.judge_policy(&policy, note, now)?;
        Ok(policy)
    }

    /// Every policy with effect, in the order of their versions, and from when each counts.
    pub(crate) fn policies(&self) -> impl Iterator<Item = (&PolicyNote, Time)> {
        self.policies.iter().map(|p| (&p.note, p.from))
    }

    /// The keys that the log suspends at `now`, and until when at the latest.
    pub(crate) fn suspensions(&self, now: Time) -> impl Iterator<Item = (&str, Time)> {
        let counts = move |s: &&Suspended| now < s.until && self.log_suspends(&s.key, now);
        self.suspended.iter().filter(counts).map(|s| (s.key.as_str(), s.until))
    }

    /// Which policy is in power at `now`.
    pub(crate) fn policy_at(&self, now: Time) -> usize {
        self.policies.iter().rposition(|p| p.from <= now).unwrap_or(0)
    }

    /// The policies an impose logged at `now` must satisfy: the one in power, and each that was replaced less than a
    /// week ago.
    pub(crate) fn policies_for_impose(&self, now: Time) -> impl Iterator<Item = &PolicyNote> {
        let at = self.policy_at(now);
        let young = |p: &&InPower| now.since(p.from) < OLD_AND_NEW;
        // Policy 0 replaced nothing; of any other that is young, the one before it counts too.
        let more = self.policies.iter().take(at + 1).skip(1).rev().take_while(young).count();
        self.policies.iter().skip(at - more).take(more + 1).map(|p| &p.note)
    }

    /// Whether a policy that came to power after `from` renewed what was suspended then.
    fn renewed(&self, from: Time, now: Time) -> bool {
        self.policies.iter().any(|p| !p.rekeys && p.from > from && p.from <= now)
    }

    /// Whether the log suspends a key at `now`: until its end, or until a policy that came to power after it. What the
    /// log does not have is left out, or two who heard of it at different times would judge the log differently.
    fn log_suspends(&self, key: &str, now: Time) -> bool {
        let mut of_key = self.suspended.iter().filter(|s| s.key == key && now < s.until);
        of_key.any(|s| s.logged.is_some_and(|logged| logged <= now && !self.renewed(logged, now)))
    }

    /// Whether this decision and those of the hour before it go beyond what the policy lets a class's quorum do.
    fn is_crowded(&self, n: &Impose, policy: &PolicyNote, logged: Time) -> bool {
        let hour = || self.decisions.iter().rev().take_while(|d| logged.since(d.logged) < HOUR);
        let hostnames = hour().map(|d| d.impose.hostnames).sum::<u64>() + n.hostnames;
        hour().count() as u64 >= policy.bounds.imposes_per_hour
            || hostnames > policy.bounds.hostnames_per_hour
            || self.config.as_ref().is_some_and(|config| {
                // One decision is always within it, or a house of nine customers could never act.
                let most = (config.customers * policy.bounds.customers_percent / 100).max(1);
                self.logged_in_force(logged) + 1 > most
            })
    }

    /// Decisions that run at `logged` or will, by the log alone. The log names no customer, so each counts as one.
    fn logged_in_force(&self, logged: Time) -> u64 {
        let lifted = |d: &Decision| self.lifts_of(&d.impose.head.id, d.logged).any(|l| l.logged.is_some());
        self.decisions.iter().filter(|d| logged < d.logged_until() && !lifted(d)).count() as u64
    }

    /// Carries out what was judged. Nothing here can be refused any more.
    fn commit(&mut self, change: Change, note: &AnyNote, signed: &Note, index: Option<u64>, logged: Time) {
        let text = Hash::of(signed.text().as_bytes());
        let index_or_0 = index.unwrap_or_default();
        if index.is_some() {
            self.ids.insert(note.id().clone());
        }
        if matches!(note.kind(), Kind::Lift | Kind::Suspend) {
            let known = self.undos.entry(text).or_default();
            *known = known.or(index);
        }
        let logged_here = index.map(|_| logged);
        match change {
            Change::Finding(note, signers, keys) => {
                let found = Found { index: index_or_0, logged, signers, keys, used: false, note };
                self.findings.insert(found.note.head.id.clone(), found);
            }
            Change::Impose { impose, signers, assessors, under, keys, crowded } => {
                self.use_finding(impose.finding.as_ref());
                let at = self.decisions.len();
                self.by_id.insert(impose.head.id.clone(), at);
                let subject = impose.subject;
                self.decisions.push(Decision {
                    index: index_or_0,
                    logged,
                    impose,
                    signers,
                    assessors,
                    under,
                    keys,
                    crowded,
                    continues: Vec::new(),
                    lifted: None,
                    void: false,
                    cap: None,
                    counted: Counted::default(),
                });
                self.settle_subject(&subject);
                self.settle(at);
            }
            Change::Continue { at, note, signers, under, keys } => {
                self.use_finding(note.finding.as_ref());
                if let Some(d) = self.decisions.get_mut(at) {
                    let index = index_or_0;
                    d.continues.push(crate::Continued {
                        index,
                        logged,
                        note,
                        signers,
                        under,
                        keys,
                        void: false,
                    });
                }
                self.settle(at);
            }
            Change::Lift { target, lifted, keys, ended } => {
                let (lifted, logged) = (Lifted { index, ..lifted }, index.map(|_| ended));
                self.lift(&target, Lift { text, lifted, keys, logged });
            }
            Change::Suspend { key, from, until } => {
                match self.suspended.iter_mut().find(|s| s.text == text) {
                    Some(known) => known.logged = logged_here,
                    None => {
                        self.suspended.push(Suspended { text, key, from, until, logged: logged_here });
                    }
                }
                self.settle_all();
            }
            Change::Policy { note, from, rekeys } => {
                self.policies.push(InPower { note, from, rekeys });
                // An officer of the new policy may have lifted already.
                self.settle_all();
            }
            Change::Config(note) => {
                self.withdrawals.extend(note.takes_away().then(|| note.clone()));
                self.config = Some(note);
            }
            Change::Refuse { case, id } => self.refusals.push((case, id, index_or_0)),
        }
    }

    fn lift(&mut self, target: &Id, lift: Lift) {
        let lifts = self.lifts.entry(target.clone()).or_default();
        match lifts.iter_mut().find(|l| l.text == lift.text) {
            Some(known) => {
                // The log's place once it has one, and whoever signed any copy of the text.
                if lift.logged.is_some() {
                    (known.lifted.index, known.logged) = (lift.lifted.index, lift.logged);
                }
                judge::merge(&mut known.lifted.by, lift.lifted.by);
                known.keys.extend(lift.keys);
            }
            None => lifts.push(lift),
        }
        if let Some(at) = self.by_id.get(target).copied() {
            self.settle(at);
        }
    }

    fn use_finding(&mut self, id: Option<&Id>) {
        if let Some(found) = id.and_then(|id| self.findings.get_mut(id)) {
            found.used = true;
        }
    }
}

/// Until when somebody needs a decision's subject: to enforce it, and to count an emergency's hours. A lift ends the
/// first at once, and the customer's hours are counted up to it; the whole time is kept, because a lift may fall.
fn subject_until(d: &Decision) -> Time {
    let counted = if d.impose.class == Class::Emergency { CUSTOMER_WINDOW } else { 0 };
    d.until().plus(counted)
}

fn read_undo(bytes: &[u8]) -> Result<(Note, AnyNote), Rejected> {
    if bytes.len() > MAX_UNDO {
        return Err(Rejected::Malformed("a note that undoes has at most 4096 bytes"));
    }
    let signed = Note::parse(bytes).map_err(|_| Rejected::Malformed("not a signed note"))?;
    let note = AnyNote::parse(signed.text())?;
    if matches!(note.kind(), Kind::Lift | Kind::Suspend) {
        Ok((signed, note))
    } else {
        Err(Rejected::NotAnUndo)
    }
}

impl From<GrammarError> for Outcome {
    fn from(e: GrammarError) -> Self {
        Self::Rejected { why: e.into() }
    }
}

#[cfg(test)]
mod tests;
