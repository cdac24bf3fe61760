//! Random histories: people who act in a random order, mostly as the rules want it, sometimes not.

use super::*;
use alloc::vec;
use ledger::{note::SigningKey, testkit::SshKey};
use proptest::prelude::*;

/// Who can sign: the five, a newcomer whom a policy may name, a second key of ben, and the passkeys of the five.
pub(super) const KEYS: [&str; 12] =
    ["anna", "ben", "clara", "dora", "emil", "gerd", "ben", "anna", "ben", "clara", "dora", "emil"];
const SPARE: usize = 6;
const NEWCOMER: usize = 5;
/// Who signed, as bits of [`KEYS`].
pub(super) type Mask = u16;
/// How far the bit of a person's passkey stands from that of their SSH key.
const PHONE: usize = 7;
/// The five.
const ALL: Mask = 31;

const ANNA: Mask = 1;
const BEN: Mask = 2;
const CLARA: Mask = 4;
const DORA: Mask = 8;
const EMIL: Mask = 16;
const GERD: Mask = 32;
const BEN2: Mask = 64;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Finding,
    Emergency,
    /// A finding and its emergency.
    Block,
    Abuse,
    Standing,
    Order,
    Validate,
    /// A new finding and the extension on it.
    Extend,
    TakeOver,
    Lift,
    Refuse,
    Suspend,
    Policy,
    Rekey,
    Config,
    Rubbish,
    Again,
    LiftOutside,
    SuspendOutside,
}

/// One action, when, and how: `pick` chooses among targets and variants, `who` signs if `twist` makes it wrong.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) what: What,
    pub(super) gap: u64,
    pub(super) pick: u8,
    pub(super) who: u8,
    pub(super) twist: u8,
}

/// What can be wrong with an action.
mod twist {
    pub(super) const SIGNERS: u8 = 0;
    pub(super) const LONG: u8 = 1;
    pub(super) const TARGET: u8 = 2;
    pub(super) const BACK: u8 = 3;
    pub(super) const UNSEEN: u8 = 4;
    pub(super) const SIGNATURE: u8 = 5;
    /// Not wrong: shorter than it may be.
    pub(super) const SHORT: u8 = 6;
    pub(super) const COUNT: u8 = 7;
    pub(super) const NOTHING: u8 = 8;
}

/// An entry of the log as it comes to whoever folds it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) bytes: Vec<u8>,
    pub(super) seen: Seen,
    /// When it really came.
    pub(super) now: Time,
    pub(super) logged: Time,
    /// Who signed, as bits of [`KEYS`].
    pub(super) mask: Mask,
    pub(super) note: Option<AnyNote>,
    pub(super) applied: bool,
}

/// A lift or a suspension that came by another channel.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    pub(super) bytes: Vec<u8>,
    pub(super) now: Time,
    /// After how many entries it was written.
    pub(super) place: usize,
    pub(super) mask: Mask,
    pub(super) note: AnyNote,
    /// What it is known by.
    pub(super) text: Hash,
}

/// What happened.
pub(super) struct History {
    pub(super) house: House,
    pub(super) lines: Vec<Line>,
    pub(super) outside: Vec<Outside>,
    pub(super) blobs: Vec<Vec<u8>>,
    pub(super) vkeys: Vec<String>,
    /// The fold of the log alone.
    pub(super) state: State,
    pub(super) end: Time,
    script: Vec<Step>,
}

impl core::fmt::Debug for History {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for step in &self.script {
            writeln!(f, "{step:?}")?;
        }
        for (at, (line, what)) in self.lines.iter().zip(self.state.outcomes().iter().skip(1)).enumerate() {
            let text = core::str::from_utf8(&line.bytes).unwrap_or_default();
            let text: Vec<&str> = text.lines().filter(|l| !l.starts_with('\u{2014}')).collect();
            writeln!(f, "[{}] {:?} {:07b} {what:?}\n{}", at + 1, line.seen, line.mask, text.join("\n"))?;
        }
        for o in &self.outside {
            writeln!(f, "outside after {} at {} by {:07b}: {:?}", o.place, o.now, o.mask, o.note)?;
        }
        Ok(())
    }
}

fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 1..120u64,
        4 => 600..3 * HOUR,
        4 => 10 * HOUR..49 * HOUR,
        2 => 2 * DAY..9 * DAY,
        1 => 20 * DAY..33 * DAY,
    ]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        1 => Just(What::Finding),
        1 => Just(What::Emergency),
        5 => Just(What::Block),
        3 => Just(What::Abuse),
        3 => Just(What::Standing),
        2 => Just(What::Order),
        2 => Just(What::Validate),
        2 => Just(What::TakeOver),
        2 => Just(What::Lift),
        1 => Just(What::Refuse),
        2 => Just(What::Suspend),
        3 => Just(What::Policy),
        1 => Just(What::Rekey),
        1 => Just(What::Config),
        1 => Just(What::Rubbish),
        1 => Just(What::Again),
        2 => Just(What::LiftOutside),
        4 => Just(What::SuspendOutside),
    ]
}

/// One action, of which one in so many is wrong.
fn step(
    what: impl Strategy<Value = What>,
    gap: impl Strategy<Value = u64>,
    right: u32,
) -> impl Strategy<Value = Step> {
    let wrong = prop_oneof![2 => 0..twist::NOTHING, 1 => Just(twist::LONG)];
    let twist = prop_oneof![right => Just(twist::NOTHING), 1 => wrong];
    let parts = (what, gap, 0u8.., 0..128u8, twist);
    parts.prop_map(|(what, gap, pick, who, twist)| Step { what, gap, pick, who, twist })
}

/// What follows an emergency, mostly in time; a new policy and what it would allow; many decisions in an hour.
fn course() -> impl Strategy<Value = Vec<Step>> {
    let undo =
        prop_oneof![3 => Just(What::SuspendOutside), 1 => Just(What::Suspend), 1 => Just(What::LiftOutside)];
    let kinds = prop_oneof![Just(What::Block), Just(What::Abuse), Just(What::Order)];
    let next = |what, gap: core::ops::Range<u64>| step(Just(what), gap, 6).boxed();
    let block = || step(Just(What::Block), gap(), 6).boxed();
    let undo = step(undo, 1..10 * HOUR, 6).boxed();
    let validated = || next(What::Validate, 1..46 * HOUR);
    let extended = || next(What::Extend, 1..24 * HOUR);
    let ordered = || next(What::TakeOver, 1..40 * HOUR);
    let follow = |steps: &[&BoxedStrategy<Step>]| steps.iter().map(|s| (*s).clone()).collect::<Vec<_>>();
    prop_oneof![
        3 => follow(&[&block(), &validated()]),
        3 => follow(&[&block(), &validated(), &extended()]),
        3 => follow(&[&block(), &validated(), &extended(), &undo]),
        2 => follow(&[&block(), &validated(), &undo]),
        1 => follow(&[&block(), &validated(), &ordered(), &undo]),
        2 => follow(&[&block(), &ordered(), &undo]),
        2 => follow(&[&block(), &undo, &block()]),
        1 => follow(&[&block(), &next(What::Lift, 1..DAY), &next(What::LiftOutside, 1..DAY), &block()]),
        2 => follow(&[&next(What::Policy, 1..DAY), &step(kinds, 25 * HOUR..7 * DAY, 6).boxed()]),
        1 => proptest::collection::vec(step(Just(What::Abuse), 1..600u64, 6), 4..6),
    ]
}

/// Histories of up to 22 actions: some follow one another as they should, others are just any.
pub(super) fn histories() -> impl Strategy<Value = History> {
    let any = proptest::collection::vec(step(what(), gap(), 3), 1..5);
    let parts = proptest::collection::vec(prop_oneof![2 => course(), 1 => any], 1..8);
    parts.prop_map(|parts| write(&parts.concat()[..parts.iter().map(Vec::len).sum::<usize>().min(22)]))
}

/// Carries out a script.
pub(super) fn write(script: &[Step]) -> History {
    let mut w = Writer::new();
    for step in script {
        w.now = w.now.plus(step.gap);
        w.act(step);
    }
    let Writer { house, state, lines, outside, keys: _, now, .. } = w;
    let mut blobs: Vec<Vec<u8>> = POSTS.iter().map(|p| p.to_vec()).collect();
    blobs.extend(subjects(&house).iter().map(|s| s.to_string().into_bytes()));
    let vkeys = w.vkeys;
    History { house, lines, outside, blobs, vkeys, state, end: now, script: script.to_vec() }
}

const POSTS: [&[u8]; 2] = [POST, b"# Other reasons\n"];

fn subjects(house: &House) -> [Subject; 3] {
    let first = house.subject("cus_first", &["one.first.example", "two.first.example"]);
    let site = Subject { scope: Scope::Site(id("site_one")), ..first.clone() };
    let other = house.subject("cus_other", &["shop.other.example"]);
    [first, site, Subject { scope: Scope::Site(id("site_two")), ..other }]
}

struct Writer {
    house: House,
    keys: Vec<SshKey>,
    vkeys: Vec<String>,
    state: State,
    now: Time,
    lines: Vec<Line>,
    outside: Vec<Outside>,
    count: usize,
    decisions: usize,
}

impl Writer {
    fn new() -> Self {
        let house = House::demo(START).configured().with_passkeys();
        let keys =
            Vec::from([SshKey::from_seed("demo:gerd", [100; 32]), SshKey::from_seed("demo:ben", [102; 32])]);
        let own = house.people.iter().map(|p| &p.3).chain(&keys);
        let own = own.map(|k| k.verifier().expect("a name").to_string());
        let phones = house.passkeys.iter().map(|k| k.verifier().expect("a name").to_string());
        let vkeys = own.chain(phones).collect();
        let state = house.state();
        let (now, lines, outside) = (START, Vec::new(), Vec::new());
        Self { house, keys, vkeys, state, now, lines, outside, count: 0, decisions: 0 }
    }

    fn sign(&self, text: &str, mask: Mask) -> Note {
        let mut note = Note::new(text).expect("a text");
        for (n, name) in KEYS.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0) {
            let signature = match n {
                NEWCOMER | SPARE => self.keys[n - NEWCOMER].sign(text).expect("a name"),
                PHONE.. => self.house.sign(text, &format!("phone:{name}")),
                _ => self.house.sign(text, name),
            };
            assert!(note.add(signature));
        }
        note
    }

    fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}", self.count)
    }

    fn decision(&mut self) -> String {
        self.decisions += 1;
        format!("imp-{}", self.decisions)
    }

    /// A note on the log, as `step` would have it.
    fn log(&mut self, step: &Step, note: &impl ToString, mask: Mask) {
        let text = note.to_string();
        let mask = if step.twist == twist::SIGNERS { anybody(step) } else { phoned(mask, step) };
        let mut signed = self.sign(&text, mask);
        if step.twist == twist::SIGNATURE {
            signed.add(self.house.sign("another text\n", "emil"));
        }
        let note = AnyNote::parse(&text).expect("in the grammar");
        self.put(step, signed, mask, Some(note));
    }

    fn put(&mut self, step: &Step, note: Note, mask: Mask, parsed: Option<AnyNote>) {
        let logged = if step.twist == twist::BACK { Time(self.now.0 - 2 * HOUR) } else { self.now };
        self.bytes(step, Entry { logged, note }.to_bytes(), logged, mask, parsed);
    }

    fn bytes(&mut self, step: &Step, bytes: Vec<u8>, logged: Time, mask: Mask, note: Option<AnyNote>) {
        let seen = match step.pick % 4 {
            _ if step.twist == twist::UNSEEN => Seen::Live(logged.plus(HOUR)),
            0 => Seen::Live(self.now.plus(5)),
            1 => Seen::After(Time(self.now.0 - 60)),
            _ => Seen::CatchUp,
        };
        let outcome = self.state.apply(self.state.size(), &bytes, seen);
        let (now, applied) = (self.now, outcome.is_applied());
        self.lines.push(Line { bytes, seen, now, logged, mask, note, applied });
    }

    /// A decision that runs by the log, or any; now and then one that does not exist yet.
    fn target(&self, step: &Step, fits: impl Fn(&Decision) -> bool) -> Option<Decision> {
        let now = self.now;
        let runs = |d: &&Decision| d.impose.since <= now && now < d.logged_until() && fits(d);
        let running: Vec<&Decision> = self.state.decisions().filter(runs).collect();
        let all: Vec<&Decision> = self.state.decisions().collect();
        let wrong = step.twist == twist::TARGET || running.is_empty();
        let among = if wrong { all } else { running };
        (!among.is_empty()).then(|| among[usize::from(step.pick / 4) % among.len()].clone())
    }

    fn act(&mut self, step: &Step) {
        match step.what {
            What::Finding => self.finding(step, None),
            What::Emergency => self.emergency(step),
            What::Block => {
                self.finding(step, None);
                // a minute on, so that a suspension may fall between the two
                self.now = self.now.plus(60);
                self.emergency(step);
            }
            What::Abuse | What::Standing | What::Order => self.impose(step),
            What::Validate => self.validate(step),
            What::Extend => self.extend(step),
            What::TakeOver => self.take_over(step),
            What::Lift | What::LiftOutside => self.lift(step),
            What::Suspend | What::SuspendOutside => self.suspend(step),
            What::Refuse => self.refuse(step),
            What::Policy => self.policy(step),
            What::Rekey => self.rekey(step),
            What::Config => self.config(step),
            What::Rubbish => self.rubbish(step),
            What::Again => self.again(step),
        }
    }

    fn finding(&mut self, step: &Step, subject: Option<Subject>) {
        let all = subjects(&self.house);
        let subject = subject.unwrap_or_else(|| all[[0, 0, 1, 0, 2][usize::from(step.pick) % 5]].clone());
        let name = self.name("fnd");
        let mut finding = self.house.finding(&name, self.now, &subject);
        if step.twist == twist::LONG {
            finding.verdicts[usize::from(step.pick) % 8] = Verdict::Unknown;
        }
        let two = ANNA | BEN;
        let masks = [two, two, two, two | EMIL, two, ANNA | BEN2, two, two | CLARA, two, two | GERD];
        let mask = masks[usize::from(step.pick / 5) % masks.len()];
        self.log(step, &finding, if self.may(step, "gerd", Role::Assessor) { ANNA | GERD } else { mask });
    }

    fn emergency(&mut self, step: &Step) {
        let open = self.state.findings.values().filter(|f| !f.used || step.twist == twist::TARGET);
        let Some(found) = open.max_by_key(|f| f.index).map(|f| f.note.clone()) else { return };
        let all = subjects(&self.house);
        let same = |s: &&Subject| Hash::of(s.to_string().as_bytes()) == found.subject;
        let subject = all.iter().find(same).expect("one of the house's").clone();
        let name = self.decision();
        let proposed = Time(self.now.0 - u64::from(step.pick % 3) * 600);
        let post = POSTS[usize::from(step.pick % 8 == 7)];
        let mut n = self.house.emergency(&name, proposed, found.head.id.as_str(), &subject, post);
        n.until = self.until(step, n.since, self.state.policy(self.now).bounds.emergency_hours * HOUR);
        if step.twist == twist::COUNT {
            n.hostnames += 1;
        }
        let pair = BEN | CLARA;
        let masks =
            [pair, pair, EMIL | CLARA, pair, ANNA | CLARA, pair, pair, ALL, pair | DORA, BEN2 | CLARA];
        let mask = masks[usize::from(step.pick / 7) % masks.len()];
        self.log(step, &n, if self.may(step, "emil", Role::Approver) { BEN | EMIL } else { mask });
    }

    /// Whether it is done by somebody whom a new policy gave this role.
    fn may(&self, step: &Step, person: &str, role: Role) -> bool {
        let persons = &self.state.policy(self.now).persons;
        step.who >= 64 && persons.iter().any(|p| p.person == id(person) && p.is(role))
    }

    fn until(&self, step: &Step, since: Time, longest: u64) -> Time {
        match step.twist {
            twist::LONG => since.plus(longest + 1),
            twist::SHORT => since.plus((longest / 6).max(self.now.since(since) + 2 * HOUR)),
            _ => since.plus(longest),
        }
    }

    fn impose(&mut self, step: &Step) {
        let (site, post) = (subjects(&self.house)[1 + usize::from(step.pick % 2)].clone(), POSTS[0]);
        let bounds = self.state.policy(self.now).bounds.clone();
        let name = self.decision();
        let mut n = self.house.abuse(&name, self.now, &site, post);
        let pick = usize::from(step.pick / 2);
        let masks = match step.what {
            What::Abuse => {
                n.until = self.until(step, n.since, bounds.abuse_days * DAY);
                [ANNA | EMIL, BEN | DORA, CLARA | EMIL, 31]
            }
            What::Standing => {
                (n.class, n.ground) = (Class::Standing, id("terms"));
                n.since = self.now.plus(bounds.standing_notice_days * DAY);
                n.until = self.until(step, n.since, bounds.standing_days * DAY);
                [ANNA | BEN | EMIL, CLARA | DORA | EMIL, ANNA | BEN | BEN2 | GERD, 31]
            }
            _ => {
                (n.class, n.ground, n.order) = (Class::Order, id("legal-order"), self.order());
                n.until = self.until(step, self.now, bounds.order_days * DAY);
                [
                    EMIL | ANNA,
                    EMIL | CLARA,
                    EMIL | BEN | DORA,
                    if self.may(step, "gerd", Role::Legal) { GERD | ANNA } else { 31 },
                ]
            }
        };
        self.log(step, &n, masks[pick % masks.len()]);
    }

    fn order(&self) -> Option<LegalOrder> {
        Some(LegalOrder { authority: id("aut-court"), document: Hash::of(self.house.origin.as_bytes()) })
    }

    fn continues(&mut self, target: &Decision, reason: ContinueReason, until: Time) -> Continue {
        let name = self.name("con");
        Continue { reason, until, ..self.house.validation(&name, &target.impose) }
    }

    fn validate(&mut self, step: &Step) {
        let fresh = |d: &Decision| d.impose.class == Class::Emergency && d.continues.is_empty();
        let Some(d) = self.target(step, fresh) else { return };
        let hours = self.state.policy(self.now).bounds.validated_hours;
        let until = self.until(step, d.impose.since, hours * HOUR);
        let n = self.continues(&d, ContinueReason::Validated, until);
        self.log(
            step,
            &n,
            [DORA, DORA, DORA, DORA | EMIL, DORA, GERD, DORA, DORA | GERD][usize::from(step.pick) % 8],
        );
    }

    fn extend(&mut self, step: &Step) {
        let valid = |d: &Decision| {
            d.logged_continue(ContinueReason::Validated).is_some()
                && d.logged_continue(ContinueReason::Extended).is_none()
        };
        let Some(d) = self.target(step, valid) else { return };
        let all = subjects(&self.house);
        let same = |s: &&Subject| Hash::of(s.to_string().as_bytes()) == d.impose.subject;
        self.finding(step, all.iter().find(same).cloned());
        let found = format!("fnd-{}", self.count);
        self.now = self.now.plus(30);
        let hours = self.state.policy(self.now).bounds.extended_hours;
        let until = self.until(step, d.impose.since, hours * HOUR);
        let n = Continue { finding: Some(id(&found)), ..self.continues(&d, ContinueReason::Extended, until) };
        let masks = [EMIL | CLARA, BEN | CLARA | EMIL, EMIL | CLARA, CLARA | GERD, ANNA | CLARA | EMIL];
        self.log(step, &n, masks[usize::from(step.pick) % masks.len()]);
    }

    fn take_over(&mut self, step: &Step) {
        let Some(d) = self.target(step, |_| true) else { return };
        let long = step.who.is_multiple_of(8);
        let step = &Step { twist: if long { twist::LONG } else { step.twist }, ..step.clone() };
        let days = self.state.policy(self.now).bounds.order_days;
        let days = if step.pick.is_multiple_of(3) { 5.min(days) } else { days };
        let until = self.until(step, self.now, days * DAY);
        let n = Continue { order: self.order(), ..self.continues(&d, ContinueReason::Order, until) };
        self.log(step, &n, [EMIL | ANNA, EMIL | CLARA, EMIL | DORA | BEN][usize::from(step.pick) % 3]);
    }

    /// A note that undoes, to the log or past it.
    fn undo(&mut self, step: &Step, note: &impl ToString, mask: Mask) {
        if matches!(step.what, What::Lift | What::Suspend) {
            return self.log(step, note, mask);
        }
        let text = note.to_string();
        let mask = if step.twist == twist::SIGNERS { anybody(step) } else { phoned(mask, step) };
        let bytes = self.sign(&text, mask).to_bytes();
        let (note, place) = (AnyNote::parse(&text).expect("in the grammar"), self.lines.len());
        let text = Hash::of(text.as_bytes());
        self.outside.push(Outside { bytes, now: self.now, place, mask, note, text });
    }

    fn lift(&mut self, step: &Step) {
        let known = self.target(step, |_| true).map(|d| d.impose.head.id.to_string());
        let next = format!("imp-{}", self.decisions + 1);
        let target = if step.pick % 4 == 3 { next } else { known.unwrap_or(next) };
        let name = self.name("lif");
        let n = self.house.lift(&name, &target, self.now);
        self.undo(step, &n, 1 << (step.who % 12));
    }

    fn suspend(&mut self, step: &Step) {
        // Mostly a key that took part in something that runs, from before it signed.
        let d = self.target(step, |_| true);
        let signed = d.map(|d| (d.signers, d.continues, d.assessors, d.logged));
        let mut choices: Vec<(String, Time)> =
            Vec::from([(self.vkeys[usize::from(step.who % 12)].clone(), self.now)]);
        if let Some((signers, continues, assessors, logged)) = signed {
            choices.extend(signers.iter().chain(&assessors).map(|s| (s.key.clone(), Time(logged.0 - 5))));
            // when the finding was logged, and not when it was used
            choices.extend(assessors.iter().map(|s| (s.key.clone(), Time(logged.0 - 65))));
            for c in continues {
                let found = c.under.iter().flat_map(|under| &under.keys);
                let of = c.signers.iter().map(|s| &s.key).chain(found);
                choices.extend(of.map(|key| (key.clone(), Time(c.logged.0 - 5))));
            }
        }
        let (key, time) = choices[usize::from(step.pick) % choices.len()].clone();
        let longest = self.state.policy(self.now).bounds.suspend_days * DAY;
        let lasts = [longest, 10, DAY.min(longest)][usize::from(step.who) % 3];
        let until = if step.twist == twist::LONG { time.plus(longest + 1) } else { time.plus(lasts) };
        let holder = self.vkeys.iter().position(|k| *k == key).unwrap_or_default();
        let name = self.name("sus");
        let n = Suspend { head: self.house.head(&name), key, time, until, why: sentence("Doubted.") };
        let two = [ANNA | EMIL, BEN | DORA, CLARA | DORA][usize::from(step.who) % 3];
        self.undo(step, &n, if step.pick.is_multiple_of(2) { 1 << holder } else { two });
    }

    fn refuse(&mut self, step: &Step) {
        let name = self.name("ref");
        let n = Refuse {
            head: self.house.head(&name),
            case: id("cas-9"),
            class: Class::Abuse,
            asked_by: AskedBy::Reporter,
            time: self.now,
            why: sentence("No."),
        };
        self.log(step, &n, 1 << (step.who % 5));
    }

    /// The newest policy, with a change that may tighten it or move roles.
    fn policy(&mut self, step: &Step) {
        let mut n = self.state.policies.last().expect("a policy").note.clone();
        let name = self.name("policy");
        (n.head, n.version, n.log_from) = (self.house.head(&name), n.version + 1, None);
        let original = self.house.policy();
        match step.pick % 10 {
            0 => n.bounds.emergency_hours = 24,
            1 => (n.bounds.abuse_officers, n.bounds.order_officers) = (3, 3),
            2 => n.bounds.imposes_per_hour = 1,
            3 => n.persons = original.persons,
            4 => n.persons.retain(|p| p.person != id("emil")),
            5 => roles(&mut n, "emil", &[Role::Assessor, Role::Approver, Role::Legal, Role::Independent]),
            6 => roles(&mut n, "clara", &[Role::Assessor, Role::Approver, Role::Reviewer, Role::Independent]),
            7 => self.newcomer(&mut n),
            8 => self.second_key(&mut n),
            _ => n.bounds = Bounds { finding_assessors: 2, validated_hours: 60, ..original.bounds },
        }
        if step.twist == twist::LONG {
            n.bounds.emergency_hours = 49;
        }
        let masks = [ANNA | BEN | CLARA, BEN | DORA | EMIL, ALL, ANNA | BEN | CLARA | DORA];
        self.log(step, &n, masks[usize::from(step.who) % masks.len()]);
    }

    fn newcomer(&self, n: &mut PolicyNote) {
        if n.persons.iter().any(|p| p.person == id("gerd")) {
            return;
        }
        n.persons.push(PersonKeys {
            person: id("gerd"),
            organisation: id("trustees"),
            roles: Vec::from([Role::Assessor, Role::Reviewer, Role::Legal]),
            keys: Vec::from([self.keys[0].verifier().expect("a name")]),
        });
    }

    fn second_key(&self, n: &mut PolicyNote) {
        let key = self.keys[1].verifier().expect("a name");
        if let Some(ben) = n.persons.iter_mut().find(|p| p.person == id("ben"))
            && !ben.keys.contains(&key)
        {
            ben.keys.push(key);
        }
    }

    fn rekey(&mut self, step: &Step) {
        let mut n = self.state.policies.last().expect("a policy").note.clone();
        let name = self.name("policy");
        (n.head, n.version) = (self.house.head(&name), n.version + 1);
        n.log = SigningKey::from_seed(&self.house.origin, [step.pick | 1; 32]).expect("a name").verifier();
        let size = self.state.size() + u64::from(step.twist == twist::TARGET);
        n.log_from = Some((size, self.state.root()));
        self.log(step, &n, ANNA | BEN | CLARA);
    }

    fn config(&mut self, step: &Step) {
        let (last, name) = (self.state.config().cloned(), self.name("cfg"));
        let version = last.as_ref().map_or(1, |c| c.version + 1);
        let n = Config {
            head: self.house.head(&name),
            version,
            previous: last.map(|c| c.snapshot),
            snapshot: Hash::of(name.as_bytes()),
            customers: 10 + u64::from(step.who % 32),
            hostnames: 100,
            withdrawn: u64::from(step.pick % 2),
            lowered: 0,
            time: self.now,
        };
        let mask = if step.twist == twist::SIGNERS { anybody(step) } else { phoned(ANNA | EMIL, step) };
        let mut note = self.sign(&n.to_string(), mask);
        note.add(self.house.config.as_ref().expect("configured").sign(&n.to_string()));
        self.put(step, note, mask, Some(AnyNote::Config(n)));
    }

    fn rubbish(&mut self, step: &Step) {
        let bytes = match step.pick % 3 {
            0 => Vec::from(*b"rubbish"),
            1 => format!("logged {}\n\u{2014}", self.now.0).into_bytes(),
            _ => {
                let stranger = House::new("demo:other/ledger", START);
                let lift = stranger.lift("lif-1", "imp-1", self.now).to_string();
                stranger.entry(self.now, &lift, &["anna"])
            }
        };
        self.bytes(step, bytes, self.now, 0, None);
    }

    /// An entry that stands in the log already, or a note that came past it.
    fn again(&mut self, step: &Step) {
        let pick = usize::from(step.who);
        if step.pick.is_multiple_of(2) && !self.outside.is_empty() {
            let o = self.outside[pick % self.outside.len()].clone();
            let note = Note::parse(&o.bytes);
            return note.map_or((), |note| self.put(step, note, o.mask, Some(o.note)));
        }
        if self.lines.is_empty() {
            return;
        }
        let Line { bytes, mask, note, .. } = self.lines[pick % self.lines.len()].clone();
        if let Ok(entry) = Entry::parse(&bytes) {
            self.put(step, entry.note, mask, note);
        }
    }
}

/// Signers of no plan.
fn anybody(step: &Step) -> Mask {
    Mask::from(step.who) | (Mask::from(step.pick) << PHONE & ALL << PHONE)
}

/// The same persons: of one step in four all but the first sign with their passkeys, of one in sixteen all.
fn phoned(mask: Mask, step: &Step) -> Mask {
    let five = mask & ALL;
    let stay = match step.pick / 3 % 16 {
        0 => 0,
        4 | 8 | 12 => five & five.wrapping_neg(),
        _ => return mask,
    };
    (mask & !ALL) | stay | (five & !stay) << PHONE
}

fn roles(n: &mut PolicyNote, of: &str, roles: &[Role]) {
    if let Some(p) = n.persons.iter_mut().find(|p| p.person == id(of)) {
        p.roles = roles.to_vec();
    }
}
