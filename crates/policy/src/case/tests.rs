use super::facts::{Answer, Answered, Channel, Country, Evidence, Judgement, Referral, Reply, Source};
use super::*;
use crate::note::{Criterion, Verdict};
use alloc::string::ToString as _;
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
    let entry = Entry { case: id("cas-1"), seq: 0, previous: None, at: T, by: sentence("anna"), act };
    Case::begin(&entry).expect("an opening")
}

impl Case {
    fn does(&mut self, after: u64, by: &str, act: Act) -> Result<(), Refused> {
        let entry = self.next(T.plus(after), sentence(by), act)?;
        self.apply(&entry)
    }
}

fn happened(at: u64, seen: u64) -> Act {
    Act::Happened { happened: T.plus(at), seen: T.plus(seen), place: None, what: sentence("A post.") }
}

#[test]
fn nobody_twice_on_one_case() {
    let mut case = opened();
    case.does(0, "anna", Act::Take).expect("free");
    assert_eq!(case.does(60, "ben", Act::Take), Err(Refused::Held(sentence("anna"))));
    assert_eq!(case.does(60, "ben", Act::Release), Err(Refused::NotYours));
    // Others may add what they know; only her own entries keep it hers.
    case.does(HELD - 60, "ben", happened(0, 10)).expect("what he saw");
    assert_eq!(case.held(T.plus(HELD - 1)), Some(&sentence("anna")));
    assert_eq!(case.held(T.plus(HELD)), None);
    case.does(HELD - 30, "anna", happened(0, 10)).expect("still hers");
    assert_eq!(case.does(HELD, "ben", Act::Take), Err(Refused::Held(sentence("anna"))));
    case.does(HELD, "anna", Act::Release).expect("hers");
    case.does(HELD, "ben", Act::Take).expect("free");
    case.does(2 * HELD, "clara", Act::Take).expect("ben fell asleep");
}

#[test]
fn what_was_closed_stays_so_until_somebody_says_why_not() {
    let mut case = opened();
    case.does(0, "anna", Act::Take).expect("free");
    assert_eq!(case.does(1, "anna", Act::Reopen { why: sentence("x") }), Err(Refused::Open));
    case.does(2, "anna", Act::Close { outcome: Outcome::Remedied, why: sentence("Gone.") }).expect("open");
    assert_eq!(case.held(T.plus(2)), None);
    for act in [Act::Take, happened(0, 0), Act::Close { outcome: Outcome::NoAction, why: sentence("x") }] {
        assert_eq!(case.does(3, "anna", act), Err(Refused::Closed));
    }
    case.does(4, "ben", Act::Reopen { why: sentence("It is back.") }).expect("closed");
    case.does(5, "ben", happened(4, 4)).expect("open");
}

#[test]
fn three_times_in_their_order() {
    let mut case = opened();
    for (after, happened_at, seen, fits) in [
        (100, 50, 60, true),
        (100, 60, 50, false),
        (100, 50, 101, false),
        (101, 10, 100, true),
        (102, 102, 102, true),
    ] {
        assert_eq!(
            case.does(after, "anna", happened(happened_at, seen)).is_ok(),
            fits,
            "{happened_at} {seen}"
        );
    }
    let times: Vec<u64> = case.timeline.iter().map(|l| l.happened.since(T)).collect();
    assert_eq!(times, [10, 50, 102], "in the order in which it happened");
    case.does(103, "anna", Act::Link { reports: id("rpt-1") }).expect("new");
    assert_eq!(case.does(104, "ben", Act::Link { reports: id("rpt-1") }), Err(Refused::Linked));
}

/// Entries that the emergency track is judged by.
pub(super) fn facts() -> impl Strategy<Value = Act> {
    use proptest::sample::select;
    let words = "[a-z][a-zäöü ]{0,20}[a-z]".prop_map(|s| sentence(&s));
    let (evidence, referral) = ("evd-[0-3]".prop_map(|s| id(&s)), "ref-[0-2]".prop_map(|s| id(&s)));
    let cited =
        proptest::collection::btree_set(evidence.clone(), 0..4).prop_map(|ids| ids.into_iter().collect());
    let time = (0u64..100 * 3600).prop_map(|s| T.plus(s));
    prop_oneof![
        (evidence.clone(), select(Source::ALL), "[abc]", time.clone(), words.clone()).prop_map(
            |(id, source, from, captured, what)| Act::Evidence(Evidence {
                sha256: Hash::of(id.as_str().as_bytes()),
                id,
                bytes: 9,
                source,
                from: sentence(&from),
                captured,
                what
            })
        ),
        evidence.clone().prop_map(|evidence| Act::Fetch { evidence }),
        (evidence, words.clone()).prop_map(|(evidence, why)| Act::Destroy { evidence, why }),
        (
            select(Criterion::ALL),
            select(Verdict::ALL),
            proptest::option::of(time.clone()),
            cited,
            words.clone()
        )
            .prop_map(|(criterion, verdict, until, evidence, why)| Act::Judge(Judgement {
                criterion,
                verdict,
                until,
                evidence,
                why
            })),
        (referral.clone(), select(Channel::ALL), time.clone(), 1u64..9000, words.clone()).prop_map(
            |(referral, channel, sent, later, told)| Act::Refer(Referral {
                id: referral,
                authority: id("aut-police"),
                country: Country::parse("SE").expect("a country"),
                channel,
                sent,
                answer_by: sent.plus(later),
                record: later.is_multiple_of(2).then(|| Hash::of(b"record")),
                told
            })
        ),
        (referral.clone(), words.clone()).prop_map(|(referral, what)| Act::Reply(Reply { referral, what })),
        (referral, select(Answer::ALL), time, words.clone(), words).prop_map(
            |(referral, answer, said, from, what)| Act::Answer(Answered {
                referral,
                answer,
                said,
                from,
                what
            })
        ),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let words = "[a-z][a-zäöü ]{0,20}[a-z]".prop_map(|s| sentence(&s));
    let ids = "rpt-[0-9]".prop_map(|s| id(&s));
    let place = proptest::option::of("[!-~]{1,30}".prop_map(|s| Address::parse(&s).expect("visible")));
    prop_oneof![
        (words.clone(), proptest::option::of(ids.clone()))
            .prop_map(|(title, customer)| Act::Open { title, customer }),
        ids.prop_map(|reports| Act::Link { reports }),
        (0u64..200, 0u64..200, place, words.clone()).prop_map(|(h, s, place, what)| Act::Happened {
            happened: T.plus(h),
            seen: T.plus(s),
            place,
            what
        }),
        facts(),
        Just(Act::Take),
        Just(Act::Release),
        words.clone().prop_map(|why| Act::Close { outcome: Outcome::Forwarded, why }),
        words.prop_map(|why| Act::Reopen { why }),
    ]
}

proptest! {
    /// What stands in the journal reads as the same case; whoever touches an entry in between is found out.
    #[test]
    fn the_journal_is_the_case(
        acts in proptest::collection::vec((acts(), 0u64..2 * HELD, "[ab]"), 1..30), flip in any::<proptest::sample::Index>(),
    ) {
        let mut case = opened();
        let open = Act::Open { title: case.title.clone(), customer: case.customer.clone() };
        let first = Entry { case: case.id.clone(), seq: 0, previous: None, at: T, by: sentence("anna"), act: open };
        let mut journal = Vec::from([first]);
        let mut now = T;
        for (act, later, by) in acts {
            now = now.plus(later);
            let before = case.clone();
            match case.next(now, sentence(&by), act) {
                Ok(entry) => {
                    prop_assert_eq!(Entry::parse(&entry.to_string()).expect("its own text"), entry.clone());
                    case.apply(&entry).expect("it was allowed");
                    journal.push(entry);
                }
                Err(_) => prop_assert_eq!(&before, &case),
            }
        }
        prop_assert_eq!(Case::read(&journal).expect("whole"), case.clone());
        let at = flip.index(journal.len());
        let mut dropped = journal.clone();
        dropped.remove(at);
        prop_assert!(Case::read(&dropped).map_or(true, |c| at + 1 == journal.len() && c.head != case.head));
        let mut changed = journal.clone();
        changed[at].by = sentence("mallory");
        prop_assert!(Case::read(&changed).map_or(true, |c| at + 1 == journal.len() && c.head != case.head));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(portcullis-case/v1\n)?([a-z]{1,9} [ -~]{0,20}\n){0,9}") {
        if let Ok(entry) = Entry::parse(&text) {
            prop_assert_eq!(entry.to_string(), text);
        }
    }
}
