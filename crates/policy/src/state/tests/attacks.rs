//! Attacks on the fold that once worked: fewer people, for longer, or two edges that never agree again.

use super::*;
use crate::Sentence;

fn apply(s: &mut State, e: &[u8]) -> Outcome {
    let n = s.size();
    s.apply(n, e, Seen::CatchUp)
}

#[test]
fn proposing_again_and_again_needs_a_reviewer_and_has_an_end() {
    let mut s = Story::blocked();
    let mut at = T;
    for n in 2..20 {
        at = at.plus(47 * HOUR);
        let f = format!("fnd-{n}");
        let finding = s.house.finding(&f, at, &s.subject);
        s.logs(at, &finding, &["anna", "ben"]).expect("finding");
        let imp = s.house.emergency(&format!("imp-{n}"), at, &f, &s.subject, POST);
        if let Err(e) = s.logs(at, &imp, &["ben", "clara"]) {
            return assert!(at.since(T) <= 144 * HOUR, "{e:?}");
        }
    }
    assert_eq!(s.in_force(at), 0, "blocked {} hours without one validation, by 3 people", at.since(T) / HOUR);
}

fn puppets(house: &House, version: u64, idn: &str) -> (PolicyNote, Vec<ledger::testkit::SshKey>) {
    let mut p = house.policy();
    p.head.id = id(idn);
    p.version = version;
    let mut keys = Vec::new();
    for (n, name) in ["xa", "xb", "xc", "xd"].iter().enumerate() {
        let name = format!("{name}x");
        let k = ledger::testkit::SshKey::from_seed(&format!("demo:{name}"), [100 + n as u8; 32]);
        p.persons.push(PersonKeys {
            person: id(&name),
            organisation: id("puppets"),
            roles: Role::ALL.to_vec(),
            keys: Vec::from([k.verifier().unwrap()]),
        });
        keys.push(k);
    }
    (p, keys)
}
fn with(text: &str, keys: &[&ledger::testkit::SshKey]) -> Note {
    let mut n = Note::new(text).unwrap();
    for k in keys {
        assert!(n.add(k.sign(text).unwrap()));
    }
    n
}

#[test]
fn two_quick_policies_do_not_shorten_the_week() {
    let mut s = Story::new();
    let (p1, k) = puppets(&s.house, 1, "policy-1");
    s.logs(T, &p1, &["anna", "ben", "clara"]).expect("p1");
    let (p2, _) = puppets(&s.house, 2, "policy-2");
    let t1 = T.plus(DAY);
    let note = with(&p2.to_string(), &[&k[0], &k[1], &k[2], &k[3]]);
    let mut note = note;
    note.add(s.house.sign(&p2.to_string(), "anna"));
    assert!(apply(&mut s.state, &Entry { logged: t1, note }.to_bytes()).is_applied());
    let t2 = T.plus(2 * DAY);
    let f = s.house.finding("fnd-1", t2, &s.subject).to_string();
    assert!(
        apply(&mut s.state, &Entry { logged: t2, note: with(&f, &[&k[0], &k[1]]) }.to_bytes()).is_applied()
    );
    let i = s.emergency("imp-1", t2).to_string();
    let o = apply(&mut s.state, &Entry { logged: t2, note: with(&i, &[&k[2], &k[3]]) }.to_bytes());
    assert!(!o.is_applied(), "2 days after policy 0 was replaced nobody of policy 0 is needed");
}

#[test]
fn a_finding_of_the_new_policys_assessors_alone_does_not_carry() {
    let mut s = Story::new();
    let (p1, k) = puppets(&s.house, 1, "policy-1");
    s.logs(T, &p1, &["anna", "ben", "clara"]).expect("p1");
    let t1 = T.plus(DAY);
    let f = s.house.finding("fnd-1", t1, &s.subject).to_string();
    assert!(
        apply(&mut s.state, &Entry { logged: t1, note: with(&f, &[&k[0], &k[1]]) }.to_bytes()).is_applied()
    );
    let i = s.emergency("imp-1", t1);
    assert!(s.logs(t1, &i, &["ben", "clara"]).is_err(), "finding has no assessor of the old policy");
}

#[test]
fn a_key_names_one_person_for_good() {
    let mut s = Story::found();
    let i = s.emergency("imp-1", T);
    s.logs(T, &i, &["dora", "clara"]).expect("impose");
    let mut seed = Hash::of(s.house.origin.as_bytes()).0;
    seed[0] = 4;
    let k = ledger::testkit::SshKey::from_seed("demo:dorb", seed);
    let mut p = s.house.policy();
    p.head.id = id("policy-1");
    p.version = 1;
    p.persons[3].person = id("dorb");
    p.persons[3].keys = Vec::from([k.verifier().unwrap()]);
    let refused = s.logs(T, &p, &["anna", "ben", "clara"]);
    assert!(matches!(refused, Err(Rejected::Policy(_))), "else dora would propose and validate: {refused:?}");
}

#[test]
fn a_suspension_dated_ahead_does_not_last() {
    let mut s = Story::new();
    let n = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[2].keys[0].to_string(),
        time: T.plus(36500 * DAY),
        until: T.plus(36500 * DAY + 7 * DAY),
        why: sentence("x"),
    };
    let r = s.logs(T, &n, &["anna", "ben"]);
    let f = s.house.finding("fnd-1", T.plus(300 * DAY), &s.subject);
    s.logs(T.plus(300 * DAY), &f, &["anna", "ben"]).unwrap();
    let i = s.emergency("imp-1", T.plus(300 * DAY));
    let r2 = s.logs(T.plus(300 * DAY), &i, &["ben", "clara"]);
    assert!(r.is_err() || r2.is_ok(), "clara still suspended after 300 days: {r2:?}");
}

#[test]
fn an_undo_takes_no_id_from_another_note() {
    let mut s = Story::blocked();
    let mut a = s.state.clone();
    let poison = s.house.lift("policy-1", "no-such-thing", T);
    assert!(a.undo(&s.house.signed(&poison.to_string(), &["emil"]).to_bytes(), T.plus(1)).is_applied());
    let (p1, k) = puppets(&s.house, 1, "policy-1");
    let e = s.house.entry(T.plus(60), &p1.to_string(), &["anna", "ben", "clara"]);
    let oa = apply(&mut a, &e);
    assert!(apply(&mut s.state, &e).is_applied());
    let l = s.house.lift("lif-1", "imp-1", T.plus(DAY + 60)).to_string();
    let e = Entry { logged: T.plus(DAY + 60), note: with(&l, &[&k[0]]) }.to_bytes();
    let (la, lb) = (apply(&mut a, &e), apply(&mut s.state, &e));
    assert_eq!(
        (a.at(T.plus(DAY + 61)).len(), a.policy(T.plus(DAY + 61)).version),
        (s.in_force(T.plus(DAY + 61)), 1),
        "{oa:?} {la:?} {lb:?}"
    );
}

#[test]
fn a_suspension_known_here_alone_does_not_change_how_policies_are_judged() {
    let mut s = Story::blocked();
    let mut a = s.state.clone();
    let n = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[2].keys[0].to_string(),
        time: T,
        until: T.plus(DAY),
        why: sentence("x"),
    };
    let n = s.house.signed(&n.to_string(), &["clara"]);
    assert!(a.undo(&n.to_bytes(), T.plus(1)).is_applied());
    let (p1, _) = puppets(&s.house, 1, "policy-1");
    let p = s.house.entry(T.plus(60), &p1.to_string(), &["anna", "ben", "clara"]);
    let e = Entry { logged: T.plus(120), note: n }.to_bytes();
    for x in [&p, &e] {
        apply(&mut a, x);
        apply(&mut s.state, x);
    }
    assert_eq!(
        a.policy(T.plus(30 * DAY)).version,
        s.state.policy(T.plus(30 * DAY)).version,
        "same log, for ever different policy"
    );
}

#[test]
fn a_lift_known_here_alone_does_not_change_how_the_log_is_judged() {
    let mut s = Story::blocked();
    let i = s.emergency("imp-1", T);
    let v = s.house.validation("con-1", &i);
    s.logs(T.plus(60), &v, &["dora"]).unwrap();
    let f = s.house.finding("fnd-2", T.plus(60), &s.subject);
    s.logs(T.plus(60), &f, &["anna", "ben"]).unwrap();
    let mut a = s.state.clone();
    let l = s.house.signed(&s.house.lift("lif-1", "imp-1", T.plus(61)).to_string(), &["emil"]);
    assert!(a.undo(&l.to_bytes(), T.plus(61)).is_applied());
    let x = Continue {
        reason: ContinueReason::Extended,
        finding: Some(id("fnd-2")),
        until: T.plus(144 * HOUR),
        head: s.house.head("con-2"),
        ..v
    };
    let imp2 = s.house.emergency("imp-2", T.plus(70), "fnd-2", &s.subject, POST);
    let es = [
        s.house.entry(T.plus(62), &x.to_string(), &["emil", "clara"]),
        Entry { logged: T.plus(65), note: l }.to_bytes(),
        s.house.entry(T.plus(70), &imp2.to_string(), &["ben", "clara"]),
    ];
    for e in &es {
        apply(&mut a, e);
        apply(&mut s.state, e);
    }
    assert_eq!(a.at(T.plus(71)).len(), s.in_force(T.plus(71)), "same log, same undos; one edge blocks");
}

#[test]
fn a_finding_carries_nothing_after_its_window() {
    let mut s = Story::new();
    let f = Finding { window_until: T.plus(60), ..s.house.finding("fnd-1", T, &s.subject) };
    s.logs(T, &f, &["anna", "ben"]).unwrap();
    let i = s.emergency("imp-1", T.plus(20 * HOUR));
    assert!(s.logs(T.plus(20 * HOUR), &i, &["ben", "clara"]).is_err(), "window ended 20 h ago");
}

#[test]
fn a_blank_post_explains_nothing() {
    let mut s = Story::found();
    let i = s.house.emergency("imp-1", T, "fnd-1", &s.subject, b"");
    s.logs(T, &i, &["ben", "clara"]).unwrap();
    s.state.hold(b"");
    s.state.hold(s.subject.to_string().as_bytes());
    assert_eq!(s.in_force(T), 0, "enforced with zero bytes of reasons");
}

#[test]
fn no_sentence_holds_what_nobody_sees() {
    for c in ['\u{61c}', '\u{ad}', '\u{180e}', '\u{e0041}', '\u{fe0f}', '\u{3164}', '\u{34f}'] {
        assert!(Sentence::parse(&format!("a{c}b")).is_err(), "U+{:04X}", c as u32);
    }
}
#[test]
fn none_is_no_id() {
    assert!(Id::parse("none").is_none());
}

#[test]
fn a_policy_that_nobody_could_follow_is_refused() {
    let mut s = Story::new();
    let mut p = s.house.policy();
    p.head.id = id("policy-1");
    p.version = 1;
    p.persons.truncate(1);
    assert!(
        s.logs(T, &p, &["anna", "ben", "clara"]).is_err(),
        "a policy of one person is accepted; no policy can ever follow"
    );
}

#[test]
fn an_extension_needs_a_finding_made_after_the_validation() {
    let mut s = Story::new();
    for n in ["fnd-1", "fnd-2"] {
        let f = s.house.finding(n, T, &s.subject);
        s.logs(T, &f, &["anna", "ben"]).unwrap();
    }
    let i = s.emergency("imp-1", T);
    s.logs(T, &i, &["ben", "clara"]).unwrap();
    let v = s.house.validation("con-1", &i);
    s.logs(T.plus(60), &v, &["dora"]).unwrap();
    let x = Continue {
        reason: ContinueReason::Extended,
        finding: Some(id("fnd-2")),
        until: T.plus(144 * HOUR),
        head: s.house.head("con-2"),
        ..v
    };
    assert!(
        s.logs(T.plus(62), &x, &["emil", "clara"]).is_err(),
        "the 'new' finding is older than the decision"
    );
}

#[test]
fn a_lift_logged_far_ahead_stops_nothing() {
    let mut s = Story::blocked();
    let l = s.house.lift("lif-9", "nothing-here", T);
    let e = s.house.entry(Time(u64::MAX), &l.to_string(), &["emil"]);
    let n = s.state.size();
    s.state.apply(n, &e, Seen::Live(T));
    let l = s.house.lift("lif-1", "imp-1", T);
    assert!(s.logs(T.plus(9), &l, &["emil"]).is_ok(), "one far `logged` on a lift stops every later entry");
}

#[test]
fn who_could_lift_when_it_was_logged_can_lift_to_its_end() {
    let mut s = Story::blocked();
    let imp = s.emergency("imp-1", T);
    let v = s.house.validation("con-1", &imp);
    s.logs(T.plus(1), &v, &["dora"]).unwrap();
    let mut p = s.house.policy();
    p.head.id = id("policy-1");
    p.version = 1;
    p.persons.pop();
    let gone = s.house.policy().persons[4].person.to_string();
    s.logs(T.plus(2), &p, &["anna", "ben", "clara"]).unwrap();
    let mut a = s.state.clone();
    let l = s.house.signed(&s.house.lift("lif-1", "imp-1", T).to_string(), &[&gone]);
    assert!(a.undo(&l.to_bytes(), T.plus(DAY - 10)).is_applied());
    let e = Entry { logged: T.plus(DAY + 60), note: l }.to_bytes();
    let n = a.size();
    a.apply(n, &e, Seen::CatchUp);
    let o = s.state.apply(n, &e, Seen::CatchUp);
    assert_eq!(a.at(T.plus(DAY + 61)).len(), s.in_force(T.plus(DAY + 61)), "{o:?}");
}
#[test]
fn a_policy_that_could_not_be_signed_is_refused() {
    let mut s = Story::new();
    let mut p = s.house.policy();
    p.head.id = id("policy-1");
    p.version = 1;
    for n in 0u16..140 {
        let name = format!("zz{n:03}");
        let mut seed = [77; 32];
        seed[0] = n as u8;
        let k = ledger::testkit::SshKey::from_seed(&format!("demo:{name}"), seed);
        p.persons.push(PersonKeys {
            person: id(&name),
            organisation: id("org"),
            roles: Vec::from([Role::Assessor]),
            keys: Vec::from([k.verifier().unwrap()]),
        });
    }
    let r = s.logs(T, &p, &["anna", "ben", "clara"]);
    assert!(r.is_err(), "145 persons: majority 73 > 64 signature lines; no policy can ever follow");
}

/// The same notes, undos delivered before, between or after the log's entries: the same end, and never more in force
/// than without the undos.
#[test]
fn undos_come_to_the_same_end_in_any_order() {
    let mut s = Story::new();
    let finding = s.house.finding("fnd-1", T, &s.subject);
    let impose = s.emergency("imp-1", T.plus(10));
    let entries = [
        s.house.entry(T, &finding.to_string(), &["anna", "ben"]),
        s.house.entry(T.plus(10), &impose.to_string(), &["ben", "clara"]),
        s.house.entry(T.plus(60), &s.house.validation("con-1", &impose).to_string(), &["dora"]),
    ];
    let suspend = |name: &str, of: usize| Suspend {
        head: s.house.head(name),
        key: s.house.policy().persons[of].keys[0].to_string(),
        time: T.plus(5),
        until: T.plus(DAY),
        why: sentence("Doubted."),
    };
    let undos = [
        s.house.signed(&s.house.lift("lif-1", "imp-1", T).to_string(), &["emil"]),
        s.house.signed(&suspend("sus-1", 2).to_string(), &["anna", "emil"]),
        s.house.signed(&suspend("sus-2", 3).to_string(), &["dora"]),
        s.house.signed(&suspend("sus-3", 0).to_string(), &["anna"]),
    ];
    for (which, undo) in undos.iter().enumerate() {
        let ends: BTreeSet<Vec<u64>> = (0..=entries.len())
            .map(|when| {
                let mut state = s.house.state();
                for (at, entry) in entries.iter().enumerate() {
                    if at == when {
                        assert!(state.undo(&undo.to_bytes(), T.plus(20)).is_applied(), "{which}");
                    }
                    assert!(apply(&mut state, entry).is_applied(), "{which} {at}: judged by the log alone");
                }
                if when == entries.len() {
                    assert!(state.undo(&undo.to_bytes(), T.plus(90)).is_applied());
                }
                state.hold(POST);
                state.hold(s.subject.to_string().as_bytes());
                // whether it runs now, before and after what a validation would add
                [11, 48 * HOUR + 20].map(|after| state.at(T.plus(after)).len() as u64).to_vec()
            })
            .collect();
        let expect = match which {
            // the validation falls with dora's key, the block does not
            2 => Vec::from([1, 0]),
            _ => Vec::from([0, 0]),
        };
        assert_eq!(ends, BTreeSet::from([expect]), "undo {which}");
    }
    for entry in &entries {
        assert!(apply(&mut s.state, entry).is_applied());
    }
    s.holds();
    assert_eq!([11, 48 * HOUR + 20].map(|after| s.in_force(T.plus(after))), [1, 1], "without any undo");
}

/// Who must not use up a part that somebody else has to take.
#[test]
fn signatures_that_would_not_count_are_known_before_they_are_kept() {
    let s = Story::found();
    let text = s.emergency("imp-1", T).to_string();
    let counts = |so_far: &[&str], name: &str| {
        let note =
            if so_far.is_empty() { Note::new(&text).expect("a text") } else { s.house.signed(&text, so_far) };
        s.state.would_count(&note, &s.house.sign(&text, name), T).is_ok()
    };
    for (so_far, name, expect) in [
        (&[][..], "ben", true),
        (&["ben"], "ben", true),
        (&["ben"], "clara", true),
        (&["clara"], "ben", true),
        (&["ben"], "anna", false),
        (&["ben"], "dora", false),
        (&["ben"], "emil", false),
    ] {
        assert_eq!(counts(so_far, name), expect, "{so_far:?} {name}");
    }
    let finding = s.house.finding("fnd-9", T, &s.subject).to_string();
    let half = s.house.signed(&finding, &["anna"]);
    for (name, expect) in [("ben", true), ("clara", false), ("dora", false)] {
        assert_eq!(s.state.would_count(&half, &s.house.sign(&finding, name), T).is_ok(), expect, "{name}");
    }
    let mut s = Story::blocked();
    let validation = s.house.validation("con-1", &s.emergency("imp-1", T)).to_string();
    let bare = Note::new(&validation).expect("a text");
    for (name, expect) in [("dora", true), ("anna", false), ("clara", false)] {
        let signature = s.house.sign(&validation, name);
        assert_eq!(s.state.would_count(&bare, &signature, T.plus(9)).is_ok(), expect, "{name}");
    }
    for n in 2..=3 {
        let finding = s.house.finding(&format!("fnd-{n}"), T.plus(n), &s.subject);
        s.logs(T.plus(n), &finding, &["anna", "ben"]).expect("a finding");
        let more = s.house.emergency(&format!("imp-{n}"), T.plus(n), &format!("fnd-{n}"), &s.subject, POST);
        s.logs(T.plus(n), &more, &["ben", "clara"]).expect("an emergency");
    }
    let finding = s.house.finding("fnd-4", T.plus(9), &s.subject);
    s.logs(T.plus(9), &finding, &["anna", "ben"]).expect("a finding");
    let fourth = s.house.emergency("imp-4", T.plus(9), "fnd-4", &s.subject, POST).to_string();
    let crowded = s.house.signed(&fourth, &["ben", "clara"]);
    let third = s.house.sign(&fourth, "dora");
    assert!(s.state.would_count(&crowded, &third, T.plus(9)).is_ok(), "the policy quorum may sign it");
}

/// Whoever brings a lift could write anything under other names; only what counts may become public.
#[test]
fn an_undo_carries_no_strangers_lines_into_the_log() {
    let s = Story::blocked();
    let text = s.house.lift("lif-1", "imp-1", T).to_string();
    let stranger = ledger::testkit::SshKey::from_seed("Jane-Doe-lives-here", [9; 32]);
    let mut note = s.house.signed(&text, &["anna"]);
    note.add(stranger.sign(&text).expect("a signature"));
    assert_eq!(note.signatures().len(), 2);
    let clean = s.state.would_undo(&note.to_bytes(), T).expect("anna may");
    assert_eq!(clean.to_bytes(), s.house.signed(&text, &["anna"]).to_bytes());
    assert!(s.state.would_undo(&with(&text, &[&stranger]).to_bytes(), T).is_err());
}

/// Two copies of one lift, the first signed by somebody who may lift nothing of today.
#[test]
fn a_second_copy_of_a_lift_counts_by_its_own_signature() {
    let mut s = Story::new();
    let mut policy = s.house.policy();
    (policy.head.id, policy.version) = (id("policy-1"), 1);
    policy.persons.remove(4);
    s.logs(START, &policy, &["anna", "ben", "clara"]).expect("emil has left");
    let at = START.plus(10 * DAY);
    let lift = s.house.lift("lif-1", "imp-1", at).to_string();
    let emil = s.house.signed(&lift, &["emil"]).to_bytes();
    assert!(!s.state.undo(&emil, at).is_applied(), "he is no officer any more");
    // A decision from before he left he may lift; this copy is good for that alone.
    assert!(s.state.undo(&emil, START.plus(HOUR)).is_applied());
    assert!(s.state.undo(&s.house.signed(&lift, &["anna"]).to_bytes(), at).is_applied());
    let finding = s.house.finding("fnd-1", at, &s.subject);
    s.logs(at, &finding, &["anna", "ben"]).expect("a finding");
    let impose = s.emergency("imp-1", at);
    s.logs(at, &impose, &["ben", "clara"]).expect("logged");
    s.holds();
    assert_eq!(s.in_force(at), 0, "anna's signature lifts it");
}
