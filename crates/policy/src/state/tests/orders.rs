//! Legal process: who signs, how long, what it takes over, and what it never does.

use super::*;

const AUTHORITY: &str = "aut-court-berlin";

fn order() -> Option<LegalOrder> {
    Some(LegalOrder { authority: id(AUTHORITY), document: Hash::of(b"order") })
}

/// An impose note on an order, from `at` for 30 days.
fn ordered(s: &Story, name: &str, at: Time) -> Impose {
    let impose = s.house.emergency(name, at, "fnd-none", &s.subject, POST);
    Impose {
        class: Class::Order,
        ground: id("legal-order"),
        until: at.plus(30 * DAY),
        finding: None,
        referral: None,
        order: order(),
        ..impose
    }
}

/// A continue note on an order, of `imp-1`, for 30 days from `at`.
fn takes_over(s: &Story, name: &str, at: Time) -> Continue {
    let validation = s.house.validation(name, &s.emergency("imp-1", T));
    Continue { reason: ContinueReason::Order, order: order(), until: at.plus(30 * DAY), ..validation }
}

#[test]
fn an_order_takes_legal_and_another() {
    for (names, ok) in [
        (&["emil", "anna"][..], true),
        (&["emil", "clara"], true),
        (&["emil"], false),
        (&["anna", "ben", "clara", "dora"], false),
        (&[], false),
    ] {
        let mut s = Story::new();
        let impose = ordered(&s, "imp-1", T);
        assert_eq!(s.logs(T, &impose, names).is_ok(), ok, "{names:?}");
        s.state.hold(POST);
        s.state.hold(s.subject.to_string().as_bytes());
        let measures = s.state.at(T);
        assert_eq!(
            (measures.len(), measures.iter().all(|m| m.ordered)),
            (usize::from(ok), true),
            "{names:?}"
        );
        assert!(measures.iter().all(|m| m.confirm_by.is_none()), "an order waits for no reviewer");
    }
}

#[test]
fn bounds_of_an_order() {
    let rows: [Row; 5] = [
        ("90 days and a second", |n| n.until = T.plus(90 * DAY + 1), "bound"),
        ("no order", |n| n.order = None, "form"),
        ("a finding", |n| n.finding = Some(id("fnd-1")), "form"),
        ("starts later", |n| n.since = n.approve_by.plus(1), "bound"),
        ("an emergency with an order", |n| n.class = Class::Emergency, "form"),
    ];
    for (what, change, code) in rows {
        let mut s = Story::new();
        let mut impose = ordered(&s, "imp-1", T);
        change(&mut impose);
        let outcome = s.logs(T, &impose, &["emil", "anna"]);
        assert_eq!(outcome.map_err(|e| e.code()), Err(code), "{what}");
    }
    let mut s = Story::new();
    let impose = Impose { until: T.plus(90 * DAY), ..ordered(&s, "imp-1", T) };
    s.logs(T, &impose, &["emil", "anna"]).expect("90 days to the second");
}

#[test]
fn an_order_takes_over_an_emergency_and_is_renewed() {
    let mut s = Story::blocked();
    let at = T.plus(40 * HOUR);
    let next = takes_over(&s, "con-1", at);
    for names in [&["emil"][..], &["anna", "ben", "clara"], &["dora"]] {
        assert!(s.logs(at, &next, names).is_err(), "{names:?}");
    }
    s.logs(at, &next, &["emil", "dora"]).expect("legal and another");
    let d = s.state.decision(&id("imp-1")).expect("there").clone();
    assert_eq!((d.until(), d.ordered(), d.confirm_by()), (at.plus(30 * DAY), true, None));
    let measure = s.state.at(T.plus(20 * DAY)).remove(0);
    assert_eq!((measure.ordered, measure.class), (true, Class::Emergency));
    assert_eq!(s.state.next_change(at), Some(at.plus(30 * DAY)));
    let renewed = at.plus(29 * DAY);
    let again = takes_over(&s, "con-2", renewed);
    s.logs(renewed, &again, &["emil", "anna"]).expect("renewed");
    assert_eq!(s.in_force(renewed.plus(29 * DAY)), 1);
    assert_eq!(s.in_force(renewed.plus(30 * DAY)), 0, "it ends by itself");
}

#[test]
fn what_an_order_took_over_only_an_order_continues() {
    let mut s = Story::blocked();
    let next = takes_over(&s, "con-1", T.plus(60));
    s.logs(T.plus(60), &next, &["emil", "anna"]).expect("taken over");
    let validation = s.house.validation("con-2", &s.emergency("imp-1", T));
    let refused = s.logs(T.plus(120), &validation, &["dora"]);
    assert!(matches!(refused, Err(Rejected::Target(_))), "it would end the order's time: {refused:?}");
}

#[test]
fn an_order_wakes_nothing() {
    let mut s = Story::blocked();
    let late = T.plus(48 * HOUR);
    let next = takes_over(&s, "con-1", late);
    assert!(matches!(s.logs(late, &next, &["emil", "anna"]), Err(Rejected::Target(_))), "over by time");
    let mut s = Story::blocked();
    let lift = s.house.lift("lif-1", "imp-1", T);
    s.logs(T.plus(60), &lift, &["anna"]).expect("lifted");
    let next = takes_over(&s, "con-1", T.plus(120));
    assert!(matches!(s.logs(T.plus(120), &next, &["emil", "anna"]), Err(Rejected::Target(_))), "lifted");
}

#[test]
fn any_officer_lifts_what_was_ordered() {
    let mut s = Story::new();
    let impose = ordered(&s, "imp-1", T);
    s.logs(T, &impose, &["emil", "anna"]).expect("in force");
    s.holds();
    let lift = s.house.signed(&s.house.lift("lif-1", "imp-1", T).to_string(), &["clara"]).to_bytes();
    assert!(s.state.undo(&lift, T.plus(1)).is_applied());
    assert_eq!(s.in_force(T.plus(1)), 0);
}

/// Time under an order is the authority's. It does not use up a customer's emergency hours, and a customer without
/// hours left stays blocked while an order stands.
#[test]
fn a_customers_hours_and_an_order() {
    let mut s = Story::blocked();
    let at = T.plus(40 * HOUR);
    let next = Continue { until: at.plus(5 * DAY), ..takes_over(&s, "con-1", at) };
    s.logs(at, &next, &["emil", "anna"]).expect("taken over");
    let later = at.plus(6 * DAY);
    let finding = s.house.finding("fnd-2", later, &s.subject);
    s.logs(later, &finding, &["anna", "ben"]).expect("a finding");
    let second = s.house.emergency("imp-2", later, "fnd-2", &s.subject, POST);
    s.logs(later, &second, &["ben", "clara"]).expect("in force");
    // 40 of 48 unconfirmed hours are used: the order came after them.
    assert_eq!(s.state.decision(&id("imp-2")).map(Decision::until), Some(later.plus(8 * HOUR)));
    let order = Continue { continues: id("imp-2"), ..takes_over(&s, "con-2", later.plus(HOUR)) };
    s.logs(later.plus(HOUR), &order, &["emil", "anna"]).expect("taken over");
    assert_eq!(s.state.decision(&id("imp-2")).map(Decision::until), Some(later.plus(HOUR + 30 * DAY)));
}

/// The log is judged without subjects, so it may take an order after the customer's hours were used up. It has no effect.
#[test]
fn an_order_after_the_hours_are_over_wakes_nothing() {
    let mut s = Story::blocked();
    let later = T.plus(10 * DAY);
    let finding = s.house.finding("fnd-2", later, &s.subject);
    s.logs(later, &finding, &["anna", "ben"]).expect("a finding");
    let second = s.house.emergency("imp-2", later, "fnd-2", &s.subject, POST);
    s.logs(later, &second, &["ben", "clara"]).expect("logged");
    assert_eq!(s.state.decision(&id("imp-2")).map(Decision::until), Some(later), "48 hours were used");
    let order = Continue { continues: id("imp-2"), ..takes_over(&s, "con-1", later.plus(HOUR)) };
    s.logs(later.plus(HOUR), &order, &["emil", "anna"]).expect("logged");
    assert_eq!(s.in_force(later.plus(2 * HOUR)), 0);
}

#[test]
fn an_order_signed_with_a_suspended_key_falls() {
    let mut s = Story::blocked();
    let at = T.plus(40 * HOUR);
    let next = takes_over(&s, "con-1", at);
    s.logs(at, &next, &["emil", "anna"]).expect("taken over");
    let suspend = Suspend {
        head: s.house.head("sus-1"),
        key: s.house.policy().persons[4].keys[0].to_string(),
        time: at,
        until: at.plus(DAY),
        why: sentence("Stolen."),
    };
    let note = s.house.signed(&suspend.to_string(), &["anna", "ben"]).to_bytes();
    assert!(s.state.undo(&note, at.plus(60)).is_applied());
    assert_eq!(s.state.decision(&id("imp-1")).map(Decision::until), Some(T.plus(48 * HOUR)));
}

#[test]
fn an_order_needs_the_old_policy_for_a_week() {
    let mut s = Story::new();
    let mut policy = s.house.policy();
    policy.head.id = id("policy-1");
    policy.version = 1;
    // The new policy makes ben a lawyer; under the old one he is none.
    policy.persons[1].roles = Vec::from([Role::Assessor, Role::Approver, Role::Legal]);
    s.logs(START, &policy, &["anna", "ben", "clara"]).expect("a policy");
    let young = START.plus(2 * DAY);
    let impose = ordered(&s, "imp-1", young);
    assert!(s.logs(young, &impose, &["anna", "ben"]).is_err());
    let old = START.plus(9 * DAY);
    let impose = ordered(&s, "imp-1", old);
    s.logs(old, &impose, &["anna", "ben"]).expect("after a week");
}

/// A house of one customer with many hostnames, and the same in several decisions: what one hour blocks is counted.
#[test]
fn more_than_a_thousand_hostnames_in_an_hour_need_the_policy_quorum() {
    let hosts: Vec<String> = (0..600).map(|n| format!("h{n:04}.first.example")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut s = Story::new();
    s.subject = Subject { scope: Scope::Site(id("site_one")), ..s.house.subject("cus_first", &hosts) };
    let first = s.house.abuse("imp-1", T, &s.subject, POST);
    s.logs(T, &first, &["anna", "ben"]).expect("600");
    let second = s.house.abuse("imp-2", T.plus(60), &s.subject, POST);
    assert_eq!(s.logs(T.plus(60), &second, &["anna", "ben"]), Err(Rejected::BlastRadius));
    s.logs(T.plus(60), &second, &["anna", "ben", "clara"]).expect("with the policy quorum");
    let third = s.house.abuse("imp-3", T.plus(2 * HOUR), &s.subject, POST);
    s.logs(T.plus(2 * HOUR), &third, &["anna", "ben"]).expect("an hour later");
    s.holds();
    assert_eq!(s.in_force(T.plus(2 * HOUR)), 3);
}

/// The note counts what the subject names. One that counts less would slip under the bound, and is not enforced.
#[test]
fn a_note_that_counts_fewer_hostnames_than_it_blocks_is_not_enforced() {
    let mut s = Story::found();
    let impose = Impose { hostnames: 1, ..s.emergency("imp-1", T) };
    s.logs(T, &impose, &["ben", "clara"]).expect("logged");
    s.holds();
    assert_eq!(s.in_force(T), 0);
}
