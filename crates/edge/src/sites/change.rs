//! What a new sites file takes away from somebody (DESIGN 6, no quiet block). Pure.
//!
//! Both kinds of loss add up over several files: what is lost from the first to the last was lost in one of the steps
//! between, so whoever missed steps can still hold the last one to what all of them announced.

use super::{Site, Sites};
use crate::Host;
use policy::Id;
use policy::note::Config;
use std::collections::HashMap;

/// Hostnames that lose something, each with the customer it belonged to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// They stop reaching what they reached: gone, somebody else's, in another site (a decision about one site would
    /// reach them, or lose them), with other origins, or another `Host` sent to those. An origin more is another set: one
    /// that does not answer, or answers wrongly, takes its share of the requests.
    pub withdrawn: Vec<(Host, Id)>,
    /// They are still served, and without TLS, or with another certificate than before (the edge's default one, if they
    /// named none): one for other names keeps visitors out.
    pub lowered: Vec<(Host, Id)>,
}

impl Change {
    /// From one sites file to the next.
    #[must_use]
    pub fn between(before: &Sites, after: &Sites) -> Self {
        let next: HashMap<&Host, (&Id, &Site)> =
            by_host(after).map(|(h, id, site)| (h, (id, site))).collect();
        let mut change = Self::default();
        for (host, customer, site) in by_host(before) {
            let lost = || (host.clone(), customer.clone());
            match next.get(host) {
                None => change.withdrawn.push(lost()),
                Some((owner, now)) => {
                    let same = *owner == customer
                        && site.id == now.id
                        && share(&site.origins) == share(&now.origins)
                        && site.host_header == now.host_header;
                    if !same {
                        change.withdrawn.push(lost());
                    }
                    if now.certificate != site.certificate {
                        change.lowered.push(lost());
                    }
                }
            }
        }
        change
    }
}

/// Whether sites files are what the log says of them: `base` is served now, `steps` lead from it to the last one, and
/// each with the sites just before it where others lie between, which all say that they take nothing away.
///
/// # Errors
/// The first step that does more than its note says, in words.
pub fn as_announced(base: Option<&Sites>, steps: &[(&Config, Option<&Sites>, &Sites)]) -> Result<(), String> {
    let mut before = base;
    for (note, previous, sites) in steps {
        let version = note.version;
        if let Some(previous) = previous {
            let quiet = before.map(|before| Change::between(before, previous)).unwrap_or_default();
            if let Some((host, _)) = quiet.withdrawn.iter().chain(&quiet.lowered).next() {
                return Err(format!(
                    "a configuration before {version} takes something from {host}, and no note says so"
                ));
            }
            before = Some(*previous);
        }
        let (customers, hostnames) = (sites.served_customers(), sites.bindings().count() as u64);
        if (customers, hostnames) != (note.customers, note.hostnames) {
            return Err(format!(
                "configuration {version} has {customers} customers with {hostnames} hostnames, and its note says {} with {}",
                note.customers, note.hostnames
            ));
        }
        if let Some(before) = before {
            let change = Change::between(before, sites);
            for (lost, said, word) in [
                (&change.withdrawn, note.withdrawn, "stop reaching their origin"),
                (&change.lowered, note.lowered, "lose their TLS or their certificate"),
            ] {
                if lost.len() as u64 > said {
                    let first = lost.first().map(|(host, _)| host.to_string()).unwrap_or_default();
                    return Err(format!(
                        "configuration {version} lets {} hostnames {word}, {first} among them, and its note admits {said}",
                        lost.len()
                    ));
                }
            }
        }
        before = Some(sites);
    }
    Ok(())
}

/// Origins in any order, as often as each stands there: they take turns.
fn share(origins: &[String]) -> Vec<&String> {
    let mut all: Vec<&String> = origins.iter().collect();
    all.sort_unstable();
    all
}

fn by_host(sites: &Sites) -> impl Iterator<Item = (&Host, &Id, &Site)> {
    let sites = sites.customers.iter().flat_map(|c| c.sites.iter().map(move |s| (&c.id, s)));
    sites.flat_map(|(id, site)| site.hostnames.iter().map(move |host| (host, id, site)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    /// `customer host origin,origin [host_header] [tls] [@site]`, one site each, named after its host unless it says so.
    fn sites(lines: &[&str]) -> Sites {
        let mut toml = String::new();
        for (at, line) in lines.iter().enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            let origins: Vec<String> = words[2].split(',').map(|o| format!("\"{o}:80\"")).collect();
            let named = words.iter().find_map(|word| word.strip_prefix('@'));
            let id = format!("site_{}", named.unwrap_or(&words[1][..1]));
            toml += &format!("[[customer]]\nid=\"cus_{}_{at}\"\nname=\"n\"\n[[customer.site]]\n", words[0]);
            toml += &format!("id=\"{id}\"\nhostnames=[\"{}\"]\norigins=[{}]\n", words[1], origins.join(","));
            for word in words[3..].iter().filter(|word| !word.starts_with('@')) {
                toml += &match *word {
                    "tls" => "certificate=\"c\"\nkey=\"k\"\n".to_owned(),
                    "tls2" => "certificate=\"c2\"\nkey=\"k\"\n".to_owned(),
                    header => format!("host_header=\"{header}\"\n"),
                };
            }
        }
        let mut sites = Sites::parse(&toml, Path::new("/")).expect("sites");
        for customer in &mut sites.customers {
            let id = customer.id.as_str().rsplit_once('_').expect("numbered").0.to_owned();
            customer.id = Id::parse(&id).expect("id");
        }
        sites
    }

    fn lost(before: &[&str], after: &[&str]) -> (Vec<String>, Vec<String>) {
        let change = Change::between(&sites(before), &sites(after));
        let names = |lost: &[(Host, Id)]| lost.iter().map(|(h, id)| format!("{h} of {id}")).collect();
        (names(&change.withdrawn), names(&change.lowered))
    }

    #[test]
    fn what_takes_something_away() {
        let none: (Vec<String>, Vec<String>) = Default::default();
        let withdrawn = (vec!["a.example of cus_one".to_owned()], Vec::new());
        let lowered = (Vec::new(), vec!["a.example of cus_one".to_owned()]);
        let both = (withdrawn.0.clone(), lowered.1.clone());
        for (before, after, want) in [
            (&["one a.example x"][..], &["one a.example x"][..], &none),
            (&["one a.example x"], &["one a.example x", "one b.example y"], &none),
            (&["one a.example x,y"], &["one a.example y,x"], &none),
            (&["one a.example x"], &["one a.example y,x"], &withdrawn),
            (&["one a.example x,y"], &["one a.example x,y,y"], &withdrawn),
            (&["one a.example x"], &["one b.example x", "one a.example x"], &none),
            (&["one a.example x"], &["one a.example x @blocked"], &withdrawn),
            (&["one a.example x tls"], &["one a.example x tls2"], &lowered),
            (&["one a.example x"], &["one a.example x tls"], &lowered),
            (&["one a.example x"], &[], &withdrawn),
            (&["one a.example x"], &["two a.example x"], &withdrawn),
            (&["one a.example x"], &["one a.example y"], &withdrawn),
            (&["one a.example x,y"], &["one a.example y"], &withdrawn),
            (&["one a.example x"], &["one a.example x other.example"], &withdrawn),
            (&["one a.example x tls"], &["one a.example x"], &lowered),
            (&["one a.example x tls"], &["one a.example y"], &both),
            (&["one a.example x tls"], &[], &withdrawn),
        ] {
            assert_eq!(&lost(before, after), want, "{before:?} -> {after:?}");
        }
    }

    fn note(version: u64, sites: &Sites, withdrawn: u64, lowered: u64) -> Config {
        Config {
            head: policy::note::Head { origin: "demo:x".into(), id: Id::parse("cfg-1").expect("id") },
            version,
            previous: None,
            snapshot: ledger::Hash::of(b""),
            customers: sites.served_customers(),
            hostnames: sites.bindings().count() as u64,
            withdrawn,
            lowered,
            time: policy::Time(0),
        }
    }

    #[test]
    fn more_than_announced_is_not_served() {
        let before = sites(&["one a.example x tls", "two b.example y"]);
        let gone = sites(&["two b.example y"]);
        let bare = sites(&["one a.example x", "two b.example y"]);
        for (after, withdrawn, lowered, ok) in [
            (&before, 0, 0, true),
            (&gone, 0, 0, false),
            (&gone, 1, 0, true),
            (&gone, 0, 1, false),
            (&bare, 0, 0, false),
            (&bare, 1, 0, false),
            (&bare, 0, 1, true),
        ] {
            let note = note(2, after, withdrawn, lowered);
            assert_eq!(as_announced(Some(&before), &[(&note, None, after)]).is_ok(), ok, "{after:?} {note}");
            // Nothing was served by the log before: there is nothing to hold it against.
            assert!(as_announced(None, &[(&note, None, after)]).is_ok());
            let wrong = Config { customers: 9, ..note };
            assert!(as_announced(None, &[(&wrong, None, after)]).is_err(), "counts are the file's");
        }
        let (one, two) = (note(2, &gone, 1, 0), note(3, &gone, 0, 0));
        as_announced(Some(&before), &[(&one, None, &gone), (&two, None, &gone)])
            .expect("each step for itself");
        // Nor is a loss that nobody announced laundered by a later step that two officers signed for another reason.
        let dummy = sites(&["three c.example z", "two b.example y"]);
        let approved = note(4, &gone, 1, 0);
        as_announced(Some(&before), &[(&approved, Some(&dummy), &gone)])
            .expect_err("a disappeared before that");
        as_announced(Some(&dummy), &[(&approved, None, &gone)]).expect("c, as it says");
        as_announced(None, &[(&note(5, &gone, 0, 0), Some(&dummy), &gone)])
            .expect_err("a new edge sees it too");
        // What an announced step took away does not excuse the one after it.
        let (one, two) = (note(2, &gone, 1, 0), note(3, &Sites::default(), 0, 0));
        as_announced(Some(&before), &[(&one, None, &gone), (&two, None, &Sites::default())])
            .expect_err("b disappears");
    }

    fn file() -> impl Strategy<Value = Vec<String>> {
        let site = ("(one|two)", "(x|y|x,y)", "( other\\.example)?", "( tls2?)?");
        let line = |host: &'static str| {
            let site = site.prop_map(move |(c, o, h, t)| format!("{c} {host} {o}{h}{t}"));
            prop::option::weighted(0.8, site)
        };
        (line("a.example"), line("b.example")).prop_map(|(a, b)| a.into_iter().chain(b).collect())
    }

    proptest! {
        /// Whoever missed the file between cannot see a loss that nobody announced.
        #[test]
        fn losses_add_up(files in prop::collection::vec(file(), 3)) {
            let files: Vec<Sites> =
                files.iter().map(|f| sites(&f.iter().map(String::as_str).collect::<Vec<_>>())).collect();
            let (first, second) = (Change::between(&files[0], &files[1]), Change::between(&files[1], &files[2]));
            let whole = Change::between(&files[0], &files[2]);
            let hosts = |all: &[(Host, Id)]| all.iter().map(|(h, _)| h.clone()).collect::<Vec<_>>();
            let known = |a: &[(Host, Id)], b: &[(Host, Id)]| [hosts(a), hosts(b)].concat();
            let withdrawn = known(&first.withdrawn, &second.withdrawn);
            prop_assert!(hosts(&whole.withdrawn).iter().all(|h| withdrawn.contains(h)));
            // Whoever was withdrawn between may come back without TLS: the first loss was announced as the larger one.
            let lowered = [known(&first.lowered, &second.lowered), hosts(&first.withdrawn)].concat();
            prop_assert!(hosts(&whole.lowered).iter().all(|h| lowered.contains(h)));
        }
    }
}
