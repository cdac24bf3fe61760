//! What a policy would change, in words: whoever signs it must not have to compare two texts by eye.

use policy::floor::FLOOR;
use policy::note::{PersonKeys, PolicyNote, Role};
use policy::people::People;
use policy::rota::{self, Act, Answer, Lack};
use serde_json::{Value, json};

use crate::house::House;
use crate::out;

/// One change: a fixed word for programs, and a line for people.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    what: &'static str,
    pub(crate) words: String,
}

impl Change {
    pub(crate) fn json(&self) -> Value {
        json!({ "what": self.what, "words": self.words })
    }
}

/// What `new` changes. Empty only when both texts are the same but for id, version and `log-from`.
pub(crate) fn diff(old: &PolicyNote, new: &PolicyNote) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut say = |what, words: String| changes.push(Change { what, words });
    for gone in old.persons.iter().filter(|p| find(new, p).is_none()) {
        say("person-removed", format!("- {}, with {}", person(gone), keys(gone)));
    }
    for now in &new.persons {
        match find(old, now) {
            None => say("person-added", format!("+ {}, with {}", person(now), keys(now))),
            Some(was) => diff_person(was, now, &mut say),
        }
    }
    for ((name, was), (_, now)) in bounds(old).into_iter().zip(bounds(new)).filter(|(a, b)| a != b) {
        let floor = PolicyNote { bounds: FLOOR, ..old.clone() };
        let floor = bounds(&floor).into_iter().find(|(n, _)| *n == name).map(|(_, floor)| floor);
        let floor = floor.unwrap_or_default();
        say("bound", format!("~ bound {name}: {was} becomes {now} (the floor is {floor})"));
    }
    if old.log != new.log {
        say("log-key", format!("~ the log's key: {} becomes {}", old.log, new.log));
    }
    let config = |p: &PolicyNote| p.config.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    if config(old) != config(new) {
        say("config-key", format!("~ the configuration's key: {} becomes {}", config(old), config(new)));
    }
    for gone in old.witnesses.iter().filter(|w| !new.witnesses.contains(w)) {
        say("witness-removed", format!("- witness {gone}"));
    }
    for now in new.witnesses.iter().filter(|w| !old.witnesses.contains(w)) {
        say("witness-added", format!("+ witness {now}"));
    }
    changes
}

fn diff_person(was: &PersonKeys, now: &PersonKeys, say: &mut impl FnMut(&'static str, String)) {
    let name = &now.person;
    if was.organisation != now.organisation {
        let words = format!("~ {name}: of {} becomes of {}", was.organisation, now.organisation);
        say("organisation", words);
    }
    for role in Role::ALL.iter().filter(|r| !was.is(**r) && now.is(**r)) {
        say("role-added", format!("~ {name}: is {} from then on", role.word()));
    }
    for role in Role::ALL.iter().filter(|r| was.is(**r) && !now.is(**r)) {
        say("role-removed", format!("~ {name}: is no longer {}", role.word()));
    }
    for key in was.keys.iter().filter(|k| !now.keys.contains(k)) {
        say("key-removed", format!("~ {name}: without the key {key}"));
    }
    for key in now.keys.iter().filter(|k| !was.keys.contains(k)) {
        say("key-added", format!("~ {name}: with a further key {key}"));
    }
}

fn find<'p>(policy: &'p PolicyNote, person: &PersonKeys) -> Option<&'p PersonKeys> {
    policy.persons.iter().find(|p| p.person == person.person)
}

fn person(p: &PersonKeys) -> String {
    let roles: Vec<&str> = p.roles.iter().map(|r| r.word()).collect();
    format!("{} of {}: {}", p.person, p.organisation, roles.join(", "))
}

fn keys(p: &PersonKeys) -> String {
    let keys: Vec<String> = p.keys.iter().map(|k| format!("key {k}")).collect();
    keys.join(" and ")
}

/// Bounds as the text has them, name and number.
fn bounds(policy: &PolicyNote) -> Vec<(String, String)> {
    let text = policy.to_string();
    let lines = text.lines().filter_map(|line| line.strip_prefix("bound ")?.split_once(' '));
    lines.map(|(name, number)| (name.to_owned(), number.to_owned())).collect()
}

/// What follows from signing it: who must, when it counts, and what to be careful about.
pub(crate) fn consequences(house: &House, new: &PolicyNote) -> Vec<String> {
    let old = house.policy();
    let independent = old.persons.iter().filter(|p| p.is(Role::Independent));
    let name = |p: &PersonKeys| {
        let until = p.keys.iter().map(|key| house.people.suspended_until(&key.to_string())).min().flatten();
        until.map_or_else(|| p.person.to_string(), |until| format!("{}, suspended until {until}", p.person))
    };
    let independent: Vec<String> = independent.map(name).collect();
    let mut lines = vec![format!(
        "must sign: {} of the {} persons of policy {}, one of them independent ({})",
        house.people.majority(),
        old.persons.len(),
        old.version,
        independent.join(", ")
    )];
    if house.people.changes_machines_alone(new) {
        lines.push("takes effect: at once, for it changes keys of machines alone".into());
    } else {
        lines.push(format!("takes effect: {} hours after it is logged", old.bounds.policy_delay_hours));
        lines.push("for 7 days after that, a block must satisfy the old policy and the new one".into());
        let again: Vec<String> = new.keys().map(ToString::to_string).collect();
        for key in again.iter().filter(|k| house.people.suspended_until(k).is_some()) {
            lines.push(format!("CAREFUL: the suspended key {key} counts again when it takes effect"));
        }
    }
    // The fold counts roles; whether there are people enough for all of them at once is another question.
    let answers = rota::ask(&People::alone(new.clone()), |_| true);
    for answer in answers.iter().filter(|a| a.act == Act::Validate && !a.is_possible()) {
        let missing = missing(answer);
        lines.push(format!("CAREFUL: under it nobody could decide and validate an emergency: {missing}"));
    }
    lines
}

/// What an act lacks, in one line: any of the ways would do.
pub(crate) fn missing(answer: &Answer) -> String {
    let one = |way: &Vec<Lack>| way.iter().map(ToString::to_string).collect::<Vec<_>>().join("; and ");
    answer.missing.iter().map(one).collect::<Vec<_>>().join(", or ")
}

/// Shows both before somebody signs.
pub(crate) fn show(house: &House, new: &PolicyNote) {
    let old = house.policy();
    out::note(format_args!("policy {} in power becomes policy {}:\n", old.version, new.version));
    diff(old, new).iter().for_each(|change| out::note(format_args!("  {}", change.words)));
    out::note("");
    consequences(house, new).iter().for_each(out::note);
    out::note("");
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Time;
    use policy::testkit::{self, id};

    #[test]
    fn every_change_is_said() {
        let house = testkit::House::demo(Time(1_800_000_000));
        let old = house.policy();
        assert_eq!(diff(&old, &PolicyNote { version: 1, ..old.clone() }), []);
        let mut new = old.clone();
        let emil = new.persons.pop().expect("emil");
        new.persons[0].roles = vec![Role::Approver, Role::Legal];
        new.persons[1].organisation = id("elsewhere");
        new.persons[2].keys[0] = new.persons[3].keys[0].clone();
        let key = new.persons[3].keys[0].clone();
        new.persons[3].keys.push(emil.keys[0].clone());
        new.bounds.emergency_hours = 24;
        new.config = Some(house.log.verifier());
        new.witnesses = vec![house.log.cosigner()];
        new.log = testkit::House::new("demo:other/ledger", Time(0)).log.verifier();
        let changes = diff(&old, &new);
        let said: Vec<&str> = changes.iter().map(|c| c.what).collect();
        assert_eq!(
            said,
            [
                "person-removed",
                "role-added",
                "role-added",
                "role-removed",
                "organisation",
                "key-removed",
                "key-added",
                "key-added",
                "bound",
                "log-key",
                "config-key",
                "witness-added"
            ]
        );
        assert!(changes[0].words.starts_with("- emil of the-house: legal, with key demo:emil+"));
        assert!(changes.iter().any(|c| c.words.ends_with(&key.to_string())));
        assert!(changes[8].words.contains("bound emergency-hours: 48 becomes 24 (the floor is 48)"));
        let back = diff(&new, &old);
        let added = format!("+ emil of the-house: legal, with key {}", emil.keys[0]);
        assert!(back.iter().any(|c| c.words == added), "{back:?}");
        assert_eq!(back.last().map(|c| c.what), Some("witness-removed"));
    }
}
