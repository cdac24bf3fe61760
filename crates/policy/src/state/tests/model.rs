//! The fold against random histories: what people do in any order, right or wrong, and what must hold whatever they do.

mod recount;
mod script;
mod stranger;

use super::*;
use crate::note::Config;
use proptest::prelude::*;
use recount::Recount;
use script::{History, histories};

/// Numbers that say when something arrives.
type Dice = Vec<u8>;

fn dice() -> impl Strategy<Value = Dice> {
    proptest::collection::vec(0u8.., 48)
}

fn die(dice: &[u8], n: usize) -> usize {
    usize::from(dice[n % dice.len()])
}

/// When undos and blobs reach whoever folds.
struct Way {
    /// Of each undo: after how many entries.
    undos: Vec<Option<usize>>,
    /// Of each blob.
    blobs: Vec<Option<usize>>,
}

impl Way {
    /// Nothing but the log, and every blob at once.
    fn log_alone(h: &History) -> Self {
        Self {
            undos: Vec::from_iter(h.outside.iter().map(|_| None)),
            blobs: Vec::from_iter(h.blobs.iter().map(|_| Some(0))),
        }
    }

    /// Every undo when it was written, every blob at once.
    fn prompt(h: &History) -> Self {
        Self { undos: h.outside.iter().map(|o| Some(o.place)).collect(), ..Self::log_alone(h) }
    }

    /// Every undo and every blob at some time.
    fn random(h: &History, dice: &[u8]) -> Self {
        let places = h.lines.len() + 1;
        Self {
            undos: (0..h.outside.len()).map(|n| Some(die(dice, n) % places)).collect(),
            blobs: (0..h.blobs.len()).map(|n| Some(die(dice, n + 20) % places)).collect(),
        }
    }
}

/// Somebody who folds a history.
struct Folds<'h> {
    history: &'h History,
    way: &'h Way,
    state: State,
    /// What was refused when it came is brought again when all else is there.
    refused: Vec<usize>,
    /// Sees each entry when it comes.
    watches: bool,
}

impl<'h> Folds<'h> {
    fn new(history: &'h History, way: &'h Way) -> Self {
        Self { history, way, state: history.house.state(), refused: Vec::new(), watches: false }
    }

    /// What comes after so many entries, but before the next.
    fn beside(&mut self, place: usize) {
        let now = place.checked_sub(1).map_or(START, |n| self.history.lines[n].now);
        for (n, _) in self.way.undos.iter().enumerate().filter(|(_, at)| **at == Some(place)) {
            if !self.state.undo(&self.history.outside[n].bytes, now).is_applied() {
                self.refused.push(n);
            }
        }
        // A blob that nobody asked for yet is not kept; it comes again.
        for (n, _) in self.way.blobs.iter().enumerate().filter(|(_, at)| at.is_some_and(|at| at <= place)) {
            self.state.hold(&self.history.blobs[n]);
        }
    }

    fn entry(&mut self, n: usize) -> Outcome {
        let line = &self.history.lines[n];
        let seen = if self.watches { Seen::Live(line.now) } else { line.seen };
        self.state.apply(self.state.size(), &line.bytes, seen)
    }

    fn through(mut self, from: usize) -> State {
        self.beside(from);
        for n in from..self.history.lines.len() {
            self.entry(n);
            self.beside(n + 1);
        }
        for n in &self.refused {
            self.state.undo(&self.history.outside[*n].bytes, self.history.end);
        }
        self.state
    }
}

fn fold(history: &History, way: &Way) -> State {
    Folds::new(history, way).through(0)
}

fn hold_all(state: &mut State, history: &History) {
    for blob in &history.blobs {
        state.hold(blob);
    }
}

/// Every moment at which something begins or ends in one of these states, and the seconds around it.
fn moments(history: &History, states: &[&State]) -> BTreeSet<Time> {
    let of = |d: &Decision| {
        let continues = d.continues.iter().flat_map(|c| [c.logged, c.note.until]);
        continues.chain([d.logged, d.impose.since, d.impose.until, d.until()]).collect::<Vec<Time>>()
    };
    let lines = history.lines.iter().map(|l| l.now);
    let all = states.iter().flat_map(|s| s.decisions().flat_map(of)).chain(lines);
    all.flat_map(|t| [Time(t.0 - 1), t]).collect()
}

/// What is in force at each of these moments.
fn ids(state: &State, at: &BTreeSet<Time>) -> BTreeSet<(Time, Id)> {
    at.iter().flat_map(|t| state.at(*t).into_iter().map(|m| (*t, m.id))).collect()
}

/// Everything that whoever folds could ever act on, beside the log's own size and root.
fn everything(state: &State, like: &State) -> String {
    let mut state = state.clone();
    (state.tree, state.outcomes, state.size) = (like.tree.clone(), Vec::new(), 0);
    format!("{state:?}")
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() }
}

/// Each measure that is in force at some moment, as it is then.
fn measures(history: &History, state: &State) -> Vec<Measure> {
    let mut all: Vec<Measure> = Vec::new();
    for t in moments(history, &[state]) {
        all.extend(state.at(t).into_iter().filter(|m| !all.contains(m)).collect::<Vec<_>>());
    }
    all
}

proptest! {
    #![proptest_config(config(128))]

    /// Counted again by other code, from what people signed.
    #[test]
    fn nobody_blocks_alone(history in histories(), dice in dice()) {
        for way in [Way::log_alone(&history), Way::random(&history, &dice)] {
            let state = fold(&history, &way);
            let recount = Recount::new(&history, &state);
            for m in measures(&history, &state) {
                prop_assert!(recount.stands(&m.id), "too few people stand behind {}", m.id);
                prop_assert!(!recount.is_lifted(&m.id), "{} was lifted", m.id);
                let ends = recount.ends(&m.id);
                prop_assert!(m.until <= ends.latest(), "too few people stand behind the end of {}: {} {ends:?}", m.id, m.until);
                prop_assert!(!m.confirmed || ends.validated.is_some(), "no reviewer confirmed {}", m.id);
                prop_assert!(!m.ordered || ends.order.is_some(), "no order stands behind {}", m.id);
            }
        }
    }

    #[test]
    fn nothing_is_in_force_for_ever(history in histories(), dice in dice()) {
        let state = fold(&history, &Way::random(&history, &dice));
        let recount = Recount::new(&history, &state);
        for m in measures(&history, &state) {
            let ends = recount.ends(&m.id);
            let last = match (ends.order.filter(|_| m.ordered), m.class) {
                (Some(order), _) => order.plus(90 * DAY),
                (None, Class::Emergency) if ends.extended.is_some() => m.since.plus(144 * HOUR),
                (None, Class::Emergency) if ends.validated.is_some() => m.since.plus(72 * HOUR),
                (None, Class::Emergency) => m.since.plus(48 * HOUR),
                (None, Class::Abuse) => m.since.plus(30 * DAY),
                (None, Class::Standing) => m.since.plus(365 * DAY),
                (None, Class::Order) => m.since,
            };
            prop_assert!(m.until <= last, "{} {} runs to {} instead of {last}", m.class, m.id, m.until);
        }
        for days in [400, 1000, 100_000] {
            prop_assert_eq!(state.at(history.end.plus(days * DAY)).len(), 0);
        }
        prop_assert_eq!(state.next_change(history.end.plus(400 * DAY)), None);
    }

    /// The log is judged by the log alone, and what is laid over it only takes away.
    #[test]
    fn an_undo_never_adds_a_measure(history in histories(), dice in dice()) {
        let without = fold(&history, &Way::log_alone(&history));
        let with = fold(&history, &Way::random(&history, &dice));
        prop_assert_eq!(without.outcomes(), with.outcomes(), "an undo changed how the log is judged");
        let mut with = with;
        hold_all(&mut with, &history);
        let mut one_by_one = without.clone();
        let moments = moments(&history, &[&without, &with]);
        let mut before = ids(&without, &moments);
        let now = ids(&with, &moments);
        prop_assert!(now.is_subset(&before), "undos on the way added {:?}", now.difference(&before));
        for n in 0..history.outside.len() {
            let outside = &history.outside[(n + die(&dice, 47)) % history.outside.len()];
            one_by_one.undo(&outside.bytes, history.end);
            let now = ids(&one_by_one, &moments);
            prop_assert!(now.is_subset(&before), "{:?} added {:?}", outside.note, now.difference(&before));
            before = now;
        }
    }

    /// By which channel, in which order and at what time undos and blobs came is the same in the end.
    #[test]
    fn who_holds_the_same_comes_to_the_same(history in histories(), one in dice(), two in dice()) {
        let ways = [Way::prompt(&history), Way::random(&history, &one), Way::random(&history, &two)];
        let mut states: Vec<State> = ways.iter().map(|way| fold(&history, way)).collect();
        for state in &mut states {
            hold_all(state, &history);
        }
        // An undo that some refuse is not one that all hold.
        let held: BTreeSet<Vec<&Hash>> = states.iter().map(|s| s.undos.keys().collect()).collect();
        prop_assume!(held.len() == 1);
        let moments = moments(&history, &states.iter().collect::<Vec<_>>());
        for t in moments {
            for other in &states[1..] {
                prop_assert_eq!(states[0].at(t), other.at(t));
                prop_assert_eq!(states[0].effective_hash(t), other.effective_hash(t));
            }
        }
    }

    /// What the log has in the end counts from there, wherever it was known from before.
    #[test]
    fn an_undo_counts_the_same_from_the_log_and_from_elsewhere(history in histories(), dice in dice()) {
        let mut late = fold(&history, &Way::log_alone(&history));
        let mut early = fold(&history, &Way::random(&history, &dice));
        hold_all(&mut early, &history);
        for o in &history.outside {
            let Ok(note) = Note::parse(&o.bytes) else { continue };
            let entry = Entry { logged: history.end, note }.to_bytes();
            let outcomes = [&mut late, &mut early].map(|s| s.apply(s.size(), &entry, Seen::CatchUp));
            prop_assert_eq!(&outcomes[0], &outcomes[1]);
            if !outcomes[0].is_applied() {
                // known to one of them alone, or to both already
                late.undo(&o.bytes, o.now);
            }
        }
        prop_assume!(late.undos == early.undos);
        for t in moments(&history, &[&late, &early]) {
            prop_assert_eq!(late.at(t), early.at(t), "at {}", t);
        }
    }

    /// What has no effect has none: everything but the log's size and root is as if rubbish stood there. And what
    /// is said before is what happens.
    #[test]
    fn what_is_rejected_changes_nothing_and_was_said_before(history in histories(), dice in dice()) {
        let way = Way::random(&history, &dice);
        let mut folds = Folds::new(&history, &way);
        for (n, line) in history.lines.iter().enumerate() {
            folds.beside(n);
            let before = folds.state.clone();
            let outcome = folds.entry(n);
            let after = &folds.state;
            if !outcome.is_applied() {
                let mut rubbish = before.clone();
                rubbish.apply(rubbish.size(), b"rubbish", Seen::CatchUp);
                prop_assert_eq!(everything(&rubbish, after), everything(after, after), "{:?}", outcome);
            }
            prop_assert!(after.newest_logged() >= before.newest_logged(), "the log's clock went back");
            if outcome.is_applied() {
                prop_assert_ne!(everything(&before, after), everything(after, after), "it left no trace");
            }
            let Ok(entry) = Entry::parse(&line.bytes) else { continue };
            let said = before.would_apply(&entry.note, line.logged);
            let clock = [Rejected::LoggedOff, Rejected::LoggedWentBack].map(|why| Outcome::Rejected { why });
            if !clock.contains(&outcome) && line.logged >= before.newest_logged() {
                let happened = match outcome {
                    Outcome::Applied { .. } => Ok(()),
                    Outcome::Rejected { why } => Err(why),
                };
                prop_assert_eq!(said, happened, "said before {}", line.logged);
            }
        }
        for o in &history.outside {
            let before = folds.state.clone();
            let (would, did) = (before.would_undo(&o.bytes, o.now), folds.state.undo(&o.bytes, o.now));
            prop_assert_eq!(would.is_ok(), did.is_applied(), "{:?} {:?}", would, did);
            if !did.is_applied() {
                prop_assert_eq!(format!("{before:?}"), format!("{:?}", folds.state));
            }
        }
    }

    #[test]
    fn a_clock_ends_it_when_it_was_said(history in histories(), dice in dice()) {
        let state = fold(&history, &Way::random(&history, &dice));
        let mut t = START;
        while let Some(next) = state.next_change(t) {
            prop_assert!(next > t);
            let now = state.at(t);
            let length = next.0 - t.0;
            for sample in [t.0 + length / 3, t.0 + length / 2, next.0 - 1] {
                prop_assert_eq!(&state.at(Time(sample)), &now, "between {} and {}", t, next);
            }
            for m in &now {
                prop_assert!(m.since <= t && next <= m.until);
            }
            t = next;
        }
        prop_assert_eq!(state.at(t).len(), 0, "nothing changes any more");
    }

    /// A fold that stops, is written down and goes on is the fold that never stopped, and a note that comes twice
    /// came once.
    #[test]
    fn who_stops_and_goes_on_comes_to_the_same(history in histories(), dice in dice()) {
        let way = Way::random(&history, &dice);
        let whole = fold(&history, &way);
        let stop = die(&dice, 40) % (history.lines.len() + 1);
        let mut folds = Folds::new(&history, &way);
        for n in 0..stop {
            folds.beside(n);
            folds.entry(n);
        }
        let refused = folds.refused.clone();
        let copy = Folds { history: &history, way: &way, state: folds.state.clone(), refused, watches: false };
        drop(folds);
        let went_on = copy.through(stop);
        prop_assert_eq!(format!("{whole:?}"), format!("{went_on:?}"));
        let mut twice = whole.clone();
        for o in history.outside.iter().filter(|o| whole.undos.contains_key(&o.text)) {
            prop_assert!(twice.undo(&o.bytes, history.end.plus(60)).is_applied());
        }
        for (blob, _) in history.blobs.iter().zip(&way.blobs).filter(|(_, at)| at.is_some()) {
            twice.hold(blob);
        }
        prop_assert_eq!(format!("{whole:?}"), format!("{twice:?}"));
    }
}

/// Pieces of time.
type Spans = Vec<(Time, Time)>;

/// The most seconds that any 30 days hold of these.
fn most(spans: &Spans) -> u64 {
    let ends = spans.iter().flat_map(|(from, to)| [from.plus(30 * DAY), *to]);
    let within = |end: Time| {
        let begin = Time(end.0 - 30 * DAY);
        spans.iter().map(|(from, to)| (*to).min(end).since((*from).max(begin))).sum::<u64>()
    };
    ends.map(within).max().unwrap_or_default()
}

/// From `from` to `to`, when one of `customer`'s emergencies that `counts` was in force, by `state`.
fn spans(
    state: &State,
    from: Time,
    to: Time,
    cuts: &BTreeSet<Time>,
    counts: impl Fn(&Measure, Time) -> bool,
) -> Spans {
    let mut cuts: Vec<Time> = cuts.range(from..to).copied().collect();
    cuts.insert(0, from);
    cuts.push(to);
    let runs = |t: Time| state.at(t).iter().any(|m| m.class == Class::Emergency && counts(m, t));
    cuts.windows(2).map(|pair| (pair[0], pair[1])).filter(|(t, _)| runs(*t)).collect()
}

const CUSTOMERS: [&str; 2] = ["cus_first", "cus_other"];

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_customers_emergencies_together_have_an_end(history in histories(), dice in dice()) {
        for way in [Way::log_alone(&history), Way::random(&history, &dice)] {
            let mut state = fold(&history, &way);
            hold_all(&mut state, &history);
            let recount = Recount::new(&history, &state);
            let cuts = moments(&history, &[&state]);
            let last = history.end.plus(400 * DAY);
            for customer in CUSTOMERS {
                let own = |m: &Measure, t: Time| {
                    m.customer.as_str() == customer && recount.ends(&m.id).ordered.is_none_or(|order| t < order)
                };
                let all = most(&spans(&state, START, last, &cuts, own));
                prop_assert!(all <= 144 * HOUR, "{customer}: {} h", all / HOUR);
                let alone = |m: &Measure, t: Time| own(m, t) && !m.confirmed;
                let all = most(&spans(&state, START, last, &cuts, alone));
                prop_assert!(all <= 48 * HOUR, "{customer}: {} h that no reviewer confirmed", all / HOUR);
            }
        }
    }

    /// The same, for whoever is blocked: not as it looks in the end, but as it was, hour by hour.
    #[test]
    fn whoever_is_blocked_waits_no_longer_than_the_hours_together(history in histories()) {
        // They watch: an entry that is dated back deceives only those who come later.
        let way = Way::prompt(&history);
        let mut folds = Folds { watches: true, ..Folds::new(&history, &way) };
        let end = Folds { watches: true, ..Folds::new(&history, &way) }.through(0);
        let reviewed = |m: &Measure| {
            end.decision(&m.id).is_some_and(|d| d.logged_continue(ContinueReason::Validated).is_some())
        };
        let mut lived: Vec<(Spans, Spans)> = CUSTOMERS.iter().map(|_| (Vec::new(), Vec::new())).collect();
        for n in 0..=history.lines.len() {
            folds.beside(n);
            let from = n.checked_sub(1).map_or(START, |n| history.lines[n].now);
            let to = history.lines.get(n).map_or(history.end.plus(400 * DAY), |l| l.now);
            let cuts = moments(&history, &[&folds.state]);
            for (customer, (all, alone)) in CUSTOMERS.iter().zip(&mut lived) {
                let own = |m: &Measure, _| m.customer.as_str() == *customer && !m.ordered;
                all.extend(spans(&folds.state, from, to, &cuts, own));
                alone.extend(spans(&folds.state, from, to, &cuts, |m, t| own(m, t) && !reviewed(m)));
            }
            if n < history.lines.len() {
                folds.entry(n);
            }
        }
        for (all, alone) in &lived {
            prop_assert!(most(all) <= 144 * HOUR, "{} h", most(all) / HOUR);
            prop_assert!(most(alone) <= 48 * HOUR, "{} h that no reviewer saw", most(alone) / HOUR);
        }
    }
}

/// How often something happened in a history.
#[derive(Debug, Default)]
struct Seldom {
    histories: usize,
    entries: usize,
    applied: usize,
    measures: usize,
    in_force: usize,
    emergency: usize,
    abuse: usize,
    standing: usize,
    order: usize,
    validated: usize,
    extended: usize,
    taken_over: usize,
    capped: usize,
    capped_to_nothing: usize,
    lifted: usize,
    voids: usize,
    voids_a_continuation: usize,
    policies: usize,
    rekeys: usize,
    configs: usize,
    outside: usize,
    refused_outside: usize,
    order_matters: usize,
    crowded: usize,
}

impl Seldom {
    fn count(&mut self, h: &History) {
        self.histories += 1;
        self.entries += h.lines.len();
        self.applied += h.lines.iter().filter(|l| l.applied).count();
        let (plain, full) = (fold(h, &Way::log_alone(h)), fold(h, &Way::prompt(h)));
        let all = measures(h, &plain);
        self.measures += all.len();
        self.in_force += usize::from(!all.is_empty());
        let of = |class| usize::from(all.iter().any(|m| m.class == class));
        self.emergency += of(Class::Emergency);
        self.abuse += of(Class::Abuse);
        self.standing += of(Class::Standing);
        self.order += of(Class::Order);
        let any = |fits: &dyn Fn(&Decision) -> bool| usize::from(full.decisions().any(fits));
        let has = |reason| any(&move |d: &Decision| d.logged_continue(reason).is_some_and(|c| !c.void));
        self.validated += has(ContinueReason::Validated);
        self.extended += has(ContinueReason::Extended);
        self.taken_over += has(ContinueReason::Order);
        self.capped += any(&|d| d.cap.is_some_and(|cap| cap < d.logged_until()));
        self.capped_to_nothing += any(&|d| d.cap.is_some_and(|cap| cap <= d.impose.since));
        self.lifted += any(&|d| d.lifted.is_some());
        self.voids += any(&|d| d.void);
        self.voids_a_continuation += any(&|d| d.continues.iter().any(|c| c.void));
        self.crowded += any(&|d| d.crowded);
        self.policies += usize::from(full.policies.iter().skip(1).any(|p| !p.rekeys));
        self.rekeys += usize::from(full.policies.iter().any(|p| p.rekeys));
        self.configs += usize::from(full.config.is_some());
        let taken = |s: &State| h.outside.iter().filter(|o| s.undos.contains_key(&o.text)).count();
        self.outside += h.outside.len();
        self.refused_outside += h.outside.len() - taken(&full);
        let late =
            Way { undos: h.outside.iter().map(|_| Some(h.lines.len())).collect(), ..Way::log_alone(h) };
        self.order_matters += usize::from(fold(h, &late).undos != full.undos);
    }
}

/// Random histories are worth little if nothing ever happens in them.
#[test]
fn histories_are_worth_folding() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seldom = Seldom::default();
    for _ in 0..128 {
        let history = histories().new_tree(&mut runner).expect("a history").current();
        seldom.count(&history);
    }
    let Seldom { histories, in_force, validated, extended, capped, voids, .. } = seldom;
    let often = [(in_force, 2), (validated, 4), (extended, 30), (capped, 4), (voids, 4)];
    assert!(often.iter().all(|(n, part)| n * part >= histories), "{seldom:?}");
    let Seldom { abuse, standing, order, taken_over, lifted, policies, rekeys, configs, crowded, .. } =
        seldom;
    let sometimes = [abuse, standing, order, taken_over, lifted, policies, rekeys, configs, crowded];
    assert!(sometimes.iter().all(|n| *n > 0), "{seldom:?}");
}

// What the histories above found, each made as small as it gets.

fn suspension(s: &Story, of: usize, from: Time, until: Time) -> Vec<u8> {
    let key = s.house.policy().persons[of].keys[0].to_string();
    let head = s.house.head(&format!("sus-{}", s.state.undos.len()));
    let n = Suspend { head, key, time: from, until, why: sentence("Doubted.") };
    s.house.signed(&n.to_string(), &[s.house.people[of].0.as_str()]).to_bytes()
}

/// Another emergency of the same customer, by ben and clara.
fn block(s: &mut Story, n: usize, at: Time) {
    let found = format!("fnd-{n}");
    let finding = s.house.finding(&found, at, &s.subject);
    s.logs(at, &finding, &["anna", "ben"]).expect("a finding");
    let impose = s.house.emergency(&format!("imp-{n}"), at, &found, &s.subject, POST);
    s.logs(at, &impose, &["ben", "clara"]).expect("an emergency");
}

fn order_until(s: &Story, target: &Impose, until: Time) -> Continue {
    let order = Some(LegalOrder { authority: id("aut-court"), document: Hash::of(b"order") });
    let validation = s.house.validation("con-order", target);
    Continue { reason: ContinueReason::Order, order, until, ..validation }
}

fn extended(s: &mut Story, at: Time, assessors: &[&str], names: &[&str]) {
    let finding = s.house.finding("fnd-x", at, &s.subject);
    s.logs(at, &finding, assessors).expect("a new finding");
    let validation = s.house.validation("con-x", &s.emergency("imp-1", T));
    let reason = ContinueReason::Extended;
    let n = Continue { reason, finding: Some(id("fnd-x")), until: T.plus(144 * HOUR), ..validation };
    s.logs(at.plus(60), &n, names).expect("an extension");
}

/// Whoever signed could suspend their own key for the second in which they signed: the emergency falls when it is
/// over anyway, and the next one has all its hours again, for ever and without a reviewer.
#[test]
fn who_suspends_their_own_key_gains_no_hours() {
    let mut s = Story::blocked();
    let later = T.plus(48 * HOUR);
    assert_eq!(s.in_force(Time(later.0 - 1)), 1, "all hours are used");
    let own = suspension(&s, 2, T, T.plus(1));
    assert!(s.state.undo(&own, later).is_applied());
    block(&mut s, 2, later);
    assert_eq!(s.in_force(later), 0);
    // and the same through the log
    let mut s = Story::blocked();
    let note = Note::parse(&own).expect("a note");
    assert!(s.state.apply(3, &Entry { logged: later, note }.to_bytes(), Seen::CatchUp).is_applied());
    block(&mut s, 2, later);
    assert_eq!(s.in_force(later), 0);
}

/// An emergency with a validation had used up all hours; without, it had used less, and later ones have more.
#[test]
fn a_validation_that_falls_gives_no_hours_back() {
    let mut s = Story::blocked();
    let first = s.emergency("imp-1", T);
    s.logs(T.plus(60), &s.house.validation("con-1", &first), &["dora"]).expect("a validation");
    let later = T.plus(80 * HOUR);
    block(&mut s, 2, later);
    let second = s.house.emergency("imp-2", later, "fnd-2", &s.subject, POST);
    s.logs(later.plus(60), &s.house.validation("con-2", &second), &["dora"]).expect("a validation");
    let mut third = s.house.emergency("imp-3", later.plus(73 * HOUR), "fnd-3", &s.subject, POST);
    block(&mut s, 3, third.since);
    third.head = s.house.head("imp-3");
    s.logs(third.since.plus(60), &s.house.validation("con-3", &third), &["dora"]).expect("a validation");
    let at = third.since.plus(HOUR);
    assert_eq!(s.in_force(at), 0, "72 and 72 hours are used");
    let fallen = suspension(&s, 3, T, T.plus(61));
    assert!(s.state.undo(&fallen, at).is_applied());
    assert_eq!(s.in_force(at), 0);
}

/// Its time was the order's. Without the order it was the emergency's.
#[test]
fn an_order_that_falls_leaves_its_time_to_the_emergency() {
    let mut s = Story::blocked();
    let order = order_until(&s, &s.emergency("imp-1", T), T.plus(30 * DAY));
    s.logs(T.plus(HOUR), &order, &["emil", "anna"]).expect("taken over");
    let fallen = suspension(&s, 4, T.plus(HOUR), T.plus(2 * HOUR));
    assert!(s.state.undo(&fallen, T.plus(40 * HOUR)).is_applied());
    assert_eq!(s.in_force(T.plus(47 * HOUR)), 1);
    block(&mut s, 2, T.plus(49 * HOUR));
    assert_eq!(s.in_force(T.plus(49 * HOUR)), 0, "48 hours that no reviewer confirmed are used");
}

#[test]
fn what_a_fallen_note_shortened_stays_short() {
    for (reason, names, who) in
        [(ContinueReason::Order, &["emil", "anna"][..], 4), (ContinueReason::Validated, &["dora"], 3)]
    {
        let mut s = Story::blocked();
        let target = s.emergency("imp-1", T);
        let until = T.plus(10 * HOUR);
        let n = match reason {
            ContinueReason::Order => order_until(&s, &target, until),
            _ => Continue { until, ..s.house.validation("con-1", &target) },
        };
        s.logs(T.plus(60), &n, names).expect("a continuation");
        assert_eq!(s.in_force(until), 0);
        let fallen = suspension(&s, who, T, T.plus(120));
        assert!(s.state.undo(&fallen, T.plus(200)).is_applied());
        assert_eq!(s.in_force(until), 0, "{reason}");
    }
}

#[test]
fn an_extension_falls_with_its_validation() {
    let mut s = Story::found();
    let short = Impose { until: T.plus(24 * HOUR), ..s.emergency("imp-1", T) };
    s.logs(T, &short, &["ben", "clara"]).expect("an emergency of a day");
    s.holds();
    s.logs(T.plus(60), &s.house.validation("con-1", &short), &["dora"]).expect("a validation");
    extended(&mut s, T.plus(HOUR), &["anna", "ben"], &["emil", "clara"]);
    let fallen = suspension(&s, 3, T, T.plus(120));
    assert!(s.state.undo(&fallen, T.plus(2 * HOUR)).is_applied());
    assert_eq!([23, 24].map(|hours| s.in_force(T.plus(hours * HOUR))), [1, 0]);
}

#[test]
fn an_extension_falls_with_its_only_new_person() {
    let mut s = Story::blocked();
    s.logs(T.plus(60), &s.house.validation("con-1", &s.emergency("imp-1", T)), &["dora"]).expect("confirmed");
    extended(&mut s, T.plus(HOUR), &["anna", "ben"], &["ben", "clara", "emil"]);
    assert_eq!(s.in_force(T.plus(100 * HOUR)), 1);
    let fallen = suspension(&s, 4, T.plus(HOUR), T.plus(2 * HOUR));
    assert!(s.state.undo(&fallen, T.plus(3 * HOUR)).is_applied());
    assert_eq!(s.in_force(T.plus(100 * HOUR)), 0);
}

/// Whoever hears of the suspension in time refuses the finding; whoever hears of it later comes to the same.
#[test]
fn a_finding_falls_with_a_key_that_was_suspended_when_it_was_logged() {
    let mut s = Story::found();
    s.logs(T.plus(60), &s.emergency("imp-1", T.plus(60)), &["ben", "clara"]).expect("an emergency");
    s.holds();
    let fallen = suspension(&s, 0, T, T.plus(30));
    assert!(s.state.undo(&fallen, T.plus(90)).is_applied());
    assert_eq!(s.in_force(T.plus(90)), 0);
}

/// A lift is taken whatever time it says. It gives no hours back for a time that it only says.
#[test]
fn a_lift_dated_back_gives_no_hours_back() {
    let late = T.plus(47 * HOUR);
    for (logged, seen) in [(Time(T.0 - 1), Seen::CatchUp), (T, Seen::Live(late))] {
        let mut s = Story::blocked();
        let lift = s.house.lift("lif-1", "imp-1", T);
        let entry = s.house.entry(logged, &lift.to_string(), &["emil"]);
        assert!(s.state.apply(3, &entry, seen).is_applied());
        block(&mut s, 2, late);
        assert_eq!([0, 2].map(|hours| s.in_force(late.plus(hours * HOUR))), [0, 0], "{seen:?}");
    }
}

/// What a lift gives back of a customer's hours is by the log, not by which of two lifts came first.
#[test]
fn of_two_lifts_the_logs_counts() {
    let mut one = Story::blocked();
    let lift = |n: &str, by: &str| one.house.signed(&one.house.lift(n, "imp-1", T).to_string(), &[by]);
    let (logged, outside) = (lift("lif-1", "anna"), lift("lif-2", "emil").to_bytes());
    let entry = Entry { logged: T.plus(HOUR), note: logged }.to_bytes();
    let mut two = Story { house: House::demo(START), state: one.state.clone(), subject: one.subject.clone() };
    assert!(one.state.undo(&outside, T.plus(60)).is_applied());
    for s in [&mut one, &mut two] {
        assert!(s.state.apply(3, &entry, Seen::CatchUp).is_applied());
        block(s, 2, T.plus(DAY));
    }
    assert!(two.state.undo(&outside, T.plus(2 * DAY)).is_applied());
    assert_eq!(one.state.at(T.plus(DAY)), two.state.at(T.plus(DAY)));
    assert_eq!(one.in_force(T.plus(DAY + 46 * HOUR)), 1, "an hour is used");
}
