use super::super::facts::{Channel, Country, Source};
use super::super::tests::facts as any_fact;
use super::super::{Act, Case, Entry};
use super::*;
use alloc::{format, string::ToString, vec};
use proptest::prelude::*;

const T: Time = Time(1_795_309_200);

fn sentence(s: &str) -> Sentence {
    Sentence::parse(s).expect("a sentence")
}

fn id(s: &str) -> Id {
    Id::parse(s).expect("an id")
}

fn opened() -> Case {
    let act = Act::Open { title: sentence("Threats on a forum"), customer: Some(id("cus_first")) };
    Case::begin(&Entry { case: id("cas-1"), seq: 0, previous: None, at: T, by: sentence("anna"), act })
        .expect("an opening")
}

fn evidence(name: &str, source: Source, from: &str) -> Act {
    let sha256 = Hash::of(name.as_bytes());
    let (from, what) = (sentence(from), sentence("He names the school and the hour."));
    Act::Evidence(Evidence { id: id(name), sha256, bytes: 9, source, from, captured: T, what })
}

fn judge(criterion: Criterion, verdict: Verdict, cited: &[&str]) -> Act {
    let until = (criterion == Criterion::Imminent).then(|| T.plus(20 * HOUR));
    let evidence = cited.iter().map(|e| id(e)).collect();
    Act::Judge(Judgement { criterion, verdict, until, evidence, why: sentence("Because.") })
}

fn refer(name: &str, hours: u64) -> Act {
    Act::Refer(Referral {
        id: id(name),
        authority: id("aut-police"),
        country: Country::parse("SE").expect("a country"),
        channel: Channel::Phone,
        sent: T,
        answer_by: T.plus(hours * HOUR),
        record: None,
        told: sentence("All that we know."),
    })
}

fn answer(referral: &str, answer: Answer) -> Act {
    let (from, what) = (sentence("the duty officer, called back"), sentence("In her words."));
    Act::Answer(Answered { referral: id(referral), answer, said: T, from, what })
}

/// What an open track takes, entry by entry.
fn whole() -> Vec<Act> {
    let mut acts = vec![
        evidence("evd-1", Source::Captured, "our capture"),
        evidence("evd-2", Source::Reporter, "the person at risk"),
        refer("ref-1", 4),
        answer("ref-1", Answer::CannotInTime),
    ];
    acts.extend(Criterion::ALL.iter().map(|c| judge(*c, Verdict::Met, &["evd-1", "evd-2"])));
    acts
}

fn does(case: &mut Case, after: u64, act: Act) {
    let entry = case.next(T.plus(after), sentence("anna"), act).expect("a step that fits");
    case.apply(&entry).expect("it fits");
}

fn after(acts: impl IntoIterator<Item = Act>) -> Case {
    let mut case = opened();
    acts.into_iter().for_each(|act| does(&mut case, 1, act));
    case
}

fn codes(case: &Case, hours: u64) -> Vec<&'static str> {
    case.facts.closed_by(T.plus(hours * HOUR)).iter().map(Closed::code).collect()
}

#[test]
fn it_opens_when_nothing_is_left_and_with_less_it_stays_closed() {
    assert_eq!(codes(&opened(), 0), [&["not-judged"; 8][..], &["nobody-told"]].concat());
    assert!(codes(&after(whole()), 1).is_empty());
    // Without any one of them, or with a later one that takes it back.
    for (drop, code) in [(2, "nobody-told"), (3, "their-time"), (4, "not-judged"), (11, "not-judged")] {
        let mut acts = whole();
        acts.remove(drop);
        if drop == 2 {
            acts.remove(2);
        }
        assert_eq!(codes(&after(acts), 1), [code], "without {drop}");
    }
    for (act, code) in [
        (judge(Criterion::Nexus, Verdict::NotMet, &["evd-1"]), "not-met"),
        (judge(Criterion::Adversarial, Verdict::Unknown, &[]), "not-met"),
        (judge(Criterion::Identified, Verdict::Met, &[]), "no-evidence"),
        (judge(Criterion::Nexus, Verdict::Met, &[]), "no-evidence"),
        (judge(Criterion::Credible, Verdict::Met, &["evd-1"]), "one-source"),
        (answer("ref-1", Answer::Acts), "they-act"),
        (answer("ref-1", Answer::Objects), "objection"),
    ] {
        let mut acts = whole();
        acts.push(act.clone());
        assert_eq!(codes(&after(acts), 1), [code], "{act:?}");
    }
    for weighing in [Criterion::Necessary, Criterion::ProcessTooSlow, Criterion::Proportionate] {
        let mut acts = whole();
        acts.push(judge(weighing, Verdict::Met, &[]));
        assert!(codes(&after(acts), 1).is_empty(), "{weighing} is a weighing");
    }
}

#[test]
fn two_sources_are_two_and_one_is_nobodys_word() {
    for (second, from, code) in [
        (Source::Reporter, "OUR CAPTURE", Some("one-source")),
        (Source::Reporter, "a neighbour", None),
        (Source::Captured, "our capture in another country", None),
    ] {
        let mut acts = whole();
        acts[1] = evidence("evd-2", second, from);
        assert_eq!(codes(&after(acts), 1), code.into_iter().collect::<Vec<_>>(), "{second} {from}");
    }
    for (first, code) in [
        (Source::Customer, Some("nothing-own")),
        (Source::Other, Some("nothing-own")),
        (Source::Authority, None),
        (Source::Archive, None),
    ] {
        let mut acts = whole();
        acts[0] = evidence("evd-1", first, "somewhere");
        assert_eq!(codes(&after(acts), 1), code.into_iter().collect::<Vec<_>>(), "{first}");
    }
    // The same file from two people is one source.
    let mut acts = whole();
    let Act::Evidence(copy) = &mut acts[1] else { panic!("evidence") };
    copy.sha256 = Hash::of(b"evd-1");
    assert_eq!(codes(&after(acts), 1), ["one-source"]);
}

#[test]
fn windows_and_judgements_grow_old() {
    let case = after(whole());
    assert!(codes(&case, 19).is_empty());
    assert_eq!(codes(&case, 20), ["window-over"]);
    let stale = codes(&case, 25);
    assert_eq!(stale.iter().filter(|c| **c == "stale").count(), 8, "{stale:?}");
    for (until, code) in [
        (None, Some("no-window")),
        (Some(72), None),
        (Some(73), Some("window-long")),
        (Some(0), Some("window-over")),
    ] {
        let mut acts = whole();
        let until = until.map(|h| T.plus(h * HOUR));
        for act in &mut acts {
            if let Act::Judge(it) = act
                && it.criterion == Criterion::Imminent
            {
                it.until = until;
            }
        }
        assert_eq!(codes(&after(acts), 1), code.into_iter().collect::<Vec<_>>(), "{until:?}");
    }
}

#[test]
fn authorities_have_their_time_and_their_word() {
    let silent = |hours: u64| {
        let mut acts = whole();
        acts[2] = refer("ref-1", hours);
        acts.remove(3);
        after(acts)
    };
    assert_eq!((codes(&silent(4), 3), codes(&silent(4), 4)), (vec!["their-time"], vec![]));
    // One that is silent past its time is enough, whatever time others still have; one that acts closes it.
    let mut case = silent(2);
    does(&mut case, 60, refer("ref-2", 10));
    assert_eq!((codes(&case, 1), codes(&case, 2)), (vec!["their-time"], vec![]));
    does(&mut case, 70, answer("ref-2", Answer::Delivered));
    does(&mut case, 80, answer("ref-2", Answer::Asks));
    assert!(codes(&case, 2).is_empty(), "neither says anything about acting");
    does(&mut case, 90, answer("ref-2", Answer::Acts));
    assert_eq!(codes(&case, 2), ["they-act"]);
    does(&mut case, 95, answer("ref-2", Answer::CannotInTime));
    assert!(codes(&case, 2).is_empty());
    // An objection is weighed by a judgement after it, or taken back.
    does(&mut case, 100, answer("ref-2", Answer::Objects));
    assert_eq!(codes(&case, 2), ["objection"]);
    does(&mut case, 100, judge(Criterion::Proportionate, Verdict::Met, &[]));
    assert_eq!(codes(&case, 2), ["objection"], "in the same second nobody has read it");
    does(&mut case, 101, judge(Criterion::Proportionate, Verdict::Met, &[]));
    assert!(codes(&case, 2).is_empty());
    does(&mut case, 110, answer("ref-2", Answer::Objects));
    does(&mut case, 120, answer("ref-2", Answer::Withdraws));
    assert!(codes(&case, 2).is_empty());
}

#[test]
fn what_is_not_there_cannot_be_cited() {
    let mut case = opened();
    for (act, why) in [
        (judge(Criterion::Nexus, Verdict::Met, &["evd-9"]), Refused::Unknown(id("evd-9"))),
        (answer("ref-9", Answer::Acts), Refused::Unknown(id("ref-9"))),
        (refer("ref-1", 0), Refused::Order),
    ] {
        assert_eq!(case.next(T.plus(1), sentence("anna"), act), Err(why));
    }
    assert_eq!(case.next(T, sentence("anna"), evidence("evd-1", Source::Other, "x")).err(), None);
    does(&mut case, 1, evidence("evd-1", Source::Other, "x"));
    let again = case.next(T.plus(2), sentence("ben"), evidence("evd-1", Source::Captured, "y"));
    assert_eq!(again, Err(Refused::Taken(id("evd-1"))), "evidence is never replaced");
}

#[test]
fn destroyed_evidence_shows_nothing_and_keeps_its_number() {
    let mut case = after(whole());
    does(&mut case, 2, Act::Fetch { evidence: id("evd-2") });
    assert!(codes(&case, 1).is_empty(), "whoever looks changes nothing");
    does(&mut case, 3, Act::Destroy { evidence: id("evd-2"), why: sentence("She asked for it.") });
    assert_eq!(codes(&case, 1), ["one-source"]);
    for (act, why) in [
        (Act::Fetch { evidence: id("evd-2") }, Refused::Unknown(id("evd-2"))),
        (evidence("evd-2", Source::Captured, "again"), Refused::Taken(id("evd-2"))),
        (judge(Criterion::Nexus, Verdict::Met, &["evd-2"]), Refused::Unknown(id("evd-2"))),
    ] {
        assert_eq!(case.next(T.plus(4), sentence("anna"), act), Err(why));
    }
    does(&mut case, 5, Act::Destroy { evidence: id("evd-1"), why: sentence("The law.") });
    assert_eq!(codes(&case, 1), ["no-evidence"; 4]);
}

proptest! {
    /// However many report, press or write: nothing but facts moves the track.
    #[test]
    fn volume_moves_nothing(
        acts in proptest::collection::vec(any_fact(), 0..40), reports in 1usize..60, hours in 0u64..100,
    ) {
        let mut case = opened();
        for act in acts {
            if let Ok(entry) = case.next(T.plus(100 * HOUR), sentence("anna"), act) {
                case.apply(&entry).expect("it fits");
            }
        }
        let before = codes(&case, hours);
        for n in 0..reports {
            does(&mut case, 100 * HOUR, Act::Link { reports: id(&format!("rpt-{n}")) });
        }
        prop_assert_eq!(codes(&case, hours), before);
    }

    /// The invariants of an open track, told another way than the code tells them.
    #[test]
    fn an_open_track_has_everything(acts in proptest::collection::vec(any_fact(), 0..60), hours in 0u64..100) {
        let mut case = after(whole());
        let mut journal = whole();
        for act in acts {
            if let Ok(entry) = case.next(T.plus(100 * HOUR), sentence("anna"), act.clone()) {
                case.apply(&entry).expect("it fits");
                journal.push(act);
            }
        }
        let now = T.plus(hours * HOUR);
        if case.facts.closed_by(now).is_empty() {
            for c in Criterion::ALL {
                let last = journal.iter().rev().find_map(|a| match a {
                    Act::Judge(j) if j.criterion == *c => Some(j.clone()),
                    _ => None,
                });
                prop_assert_eq!(last.map(|j| j.verdict), Some(Verdict::Met), "{}", c);
            }
            prop_assert!(journal.iter().any(|a| matches!(a, Act::Refer(_))));
            prop_assert!(case.facts.window().is_some_and(|until| until > now));
        }
        prop_assert_eq!(
            Case::read(core::iter::once(&opening()).chain(&entries(&journal))).map(|c| c.facts),
            Ok(case.facts).map_err(|()| (0, Refused::Chain))
        );
    }
}

fn opening() -> Entry {
    let act = Act::Open { title: sentence("Threats on a forum"), customer: Some(id("cus_first")) };
    Entry { case: id("cas-1"), seq: 0, previous: None, at: T, by: sentence("anna"), act }
}

/// The journal of these acts, read back from its text.
fn entries(acts: &[Act]) -> Vec<Entry> {
    let mut case = opened();
    let whole = whole().len();
    let step = |(n, act): (usize, &Act)| {
        let at = if n < whole { T.plus(1) } else { T.plus(100 * HOUR) };
        let entry = case.next(at, sentence("anna"), act.clone()).expect("it fitted before");
        case.apply(&entry).expect("it fitted before");
        Entry::parse(&entry.to_string()).expect("its own text")
    };
    acts.iter().enumerate().map(step).collect()
}
