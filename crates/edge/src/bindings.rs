//! Who a hostname belonged to, so that moving it neither escapes a block nor drags a stranger into one.
//!
//! Pure: times are arguments, and the shell writes [`Bindings::to_text`] into the edge's state directory. If the
//! file is lost, every hostname counts as always having been its present owner's, and measures are judged anew.
//! Whoever can write it can decide whether a hostname that moved lately is covered, and nothing else.

use crate::Host;
use crate::sites::Sites;
use policy::{Id, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

/// A hostname that belonged to somebody else within this time is not covered unless the subject names it (DESIGN 6).
pub const STRANGER_SECONDS: u64 = 30 * 24 * 3600;
/// First line of the file.
const HEADER: &str = "portcullis-bindings/v1";

/// The history of every hostname, and which measures were refused when they were first seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    hosts: BTreeMap<Host, History>,
    judged: BTreeMap<Id, Judged>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct History {
    /// Customer and since when.
    now: Option<(Id, Time)>,
    /// Earlier customers and until when, oldest first.
    before: Vec<(Id, Time)>,
}

/// What was found when a measure was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether its subject named another customer's hostname: refused whole.
    pub refused: bool,
    /// When it may be forgotten, unless it is still in force then.
    pub until: Time,
}

/// Earlier owners of hostnames that moved lately; what the table needs at run time.
pub type Moved = std::collections::HashMap<Host, Vec<(Id, Time)>>;

impl Bindings {
    /// Takes over a new sites file.
    pub fn update(&mut self, sites: &Sites, now: Time) {
        let new: BTreeMap<&Host, &Id> = sites.bindings().collect();
        for (host, history) in &mut self.hosts {
            let same = history.now.as_ref().map(|(c, _)| c) == new.get(host).copied();
            if !same && let Some((customer, _)) = history.now.take() {
                history.before.push((customer, now));
            }
        }
        for (host, customer) in new {
            let history = self.hosts.entry(host.clone()).or_default();
            history.now.get_or_insert_with(|| (customer.clone(), now));
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Time) {
        for history in self.hosts.values_mut() {
            history.before.retain(|(_, until)| now.0.saturating_sub(until.0) < STRANGER_SECONDS);
        }
        self.hosts.retain(|_, h| h.now.is_some() || !h.before.is_empty());
        self.judged.retain(|_, j| now.0.saturating_sub(j.until.0) < STRANGER_SECONDS);
    }

    /// Judges a measure the first time it is seen and keeps to that afterwards. `true`: refused. While the sites here are
    /// `behind` those of the log, a refusal is not kept: the stranger may be none by the newest ones.
    pub fn judge<'h>(
        &mut self,
        id: &Id,
        customer: &Id,
        hostnames: impl Iterator<Item = &'h str>,
        until: Time,
        behind: bool,
    ) -> bool {
        if let Some(judged) = self.judged.get_mut(id) {
            judged.until = judged.until.max(until);
            return judged.refused;
        }
        let owner = |h: &str| self.hosts.get(h).and_then(|history| history.now.as_ref()).map(|(c, _)| c);
        let mut hostnames = hostnames;
        let refused = hostnames.any(|h| owner(h).is_some_and(|o| o != customer));
        if !(refused && behind) {
            self.judged.insert(id.clone(), Judged { refused, until });
        }
        refused
    }

    /// Every judgement that is still remembered.
    pub fn judgements(&self) -> &BTreeMap<Id, Judged> {
        &self.judged
    }

    /// Every hostname with an earlier owner.
    pub fn moved(&self) -> Moved {
        let moved = self.hosts.iter().filter(|(_, h)| !h.before.is_empty());
        moved.map(|(host, history)| (host.clone(), history.before.clone())).collect()
    }

    /// The file's text; [`Bindings::parse`] reads it back.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        let mut line = |args: fmt::Arguments<'_>| text.write_fmt(args).expect("a String takes everything");
        for (host, history) in &self.hosts {
            for (customer, until) in &history.before {
                line(format_args!("before {host} {customer} {}\n", until.0));
            }
            if let Some((customer, since)) = &history.now {
                line(format_args!("now {host} {customer} {}\n", since.0));
            }
        }
        for (id, judged) in &self.judged {
            let word = if judged.refused { "refused" } else { "taken" };
            line(format_args!("{word} {id} {}\n", judged.until.0));
        }
        text
    }

    /// Reads the file's text, strictly: exactly what [`Bindings::to_text`] writes.
    ///
    /// # Errors
    /// The first line that is wrong, counted from 1.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut bindings = Self::default();
        if text.lines().next() != Some(HEADER) {
            return Err(1);
        }
        for (at, line) in text.lines().enumerate().skip(1) {
            bindings.line(line).ok_or(at + 1)?;
        }
        if bindings.to_text() == text { Ok(bindings) } else { Err(text.lines().count()) }
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        if matches!(kind, "refused" | "taken") {
            let (id, until) = (Id::parse(words.next()?)?, Time(words.next()?.parse().ok()?));
            self.judged.insert(id, Judged { refused: kind == "refused", until });
        } else {
            let history = self.hosts.entry(Host::parse(words.next()?)?).or_default();
            let entry = (Id::parse(words.next()?)?, Time(words.next()?.parse().ok()?));
            match kind {
                "before" => history.before.push(entry),
                "now" => history.now = Some(entry),
                _ => return None,
            }
        }
        words.next().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    /// `a=one,two b=three`
    fn sites(text: &str) -> Sites {
        let mut toml = String::new();
        for part in text.split_whitespace() {
            let (customer, hosts) = part.split_once('=').expect("customer=hosts");
            let hosts: Vec<_> = hosts.split(',').map(|h| format!("\"{h}.example\"")).collect();
            write!(
                toml,
                "[[customer]]\nid=\"cus_{customer}\"\nname=\"n\"\n[[customer.site]]\nid=\"site_{customer}\"\n"
            )
            .expect("text");
            writeln!(toml, "hostnames=[{}]\norigins=[\"127.0.0.1:1\"]", hosts.join(",")).expect("text");
        }
        Sites::parse(&toml, Path::new("/")).expect("sites")
    }

    fn id(text: &str) -> Id {
        Id::parse(text).expect("id")
    }

    #[test]
    fn moves_are_remembered_for_thirty_days() {
        let mut b = Bindings::default();
        b.update(&sites("a=one,two"), Time(100));
        assert!(b.moved().is_empty());
        b.update(&sites("a=one b=two"), Time(200));
        b.update(&sites("a=one"), Time(300));
        b.update(&sites("a=one,two"), Time(400));
        assert_eq!(b.moved()["two.example"], [(id("cus_a"), Time(200)), (id("cus_b"), Time(300))]);
        b.update(&sites("a=one,two"), Time(300 + STRANGER_SECONDS));
        assert!(b.moved().is_empty());
    }

    #[test]
    fn a_measure_is_judged_once() {
        let mut b = Bindings::default();
        b.update(&sites("a=one b=two"), Time(100));
        let judge = |b: &mut Bindings, m: &str, hosts: &[&str]| {
            b.judge(&id(m), &id("cus_a"), hosts.iter().copied(), Time(900), false)
        };
        assert!(!judge(&mut b, "imp-1", &["one.example", "elsewhere.example"]));
        assert!(judge(&mut b, "imp-2", &["one.example", "two.example"]));
        b.update(&sites("a=two b=one"), Time(200));
        assert!(!judge(&mut b, "imp-1", &["one.example"]), "taken stays taken when the hostname moves off");
        assert!(judge(&mut b, "imp-2", &["two.example"]), "refused stays refused when the hostname moves on");
    }

    proptest! {
        #[test]
        fn text_is_faithful(steps in prop::collection::vec(("[ab]=(one|two|three)( c=four)?", 1u64..1_000_000), 0..8)) {
            let mut b = Bindings::default();
            for (text, at) in steps {
                b.update(&sites(&text), Time(at));
                b.judge(&id("imp-1"), &id("cus_a"), ["one.example"].into_iter(), Time(at), false);
            }
            prop_assert_eq!(Bindings::parse(&b.to_text()), Ok(b));
        }

        #[test]
        fn never_panics(text in "(portcullis-bindings/v1|now|before|taken|refused|[a-z0-9 \n.]){0,40}") {
            if let Ok(b) = Bindings::parse(&text) {
                prop_assert_eq!(b.to_text(), text);
            }
        }
    }
}
