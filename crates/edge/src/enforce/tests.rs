use super::*;
use crate::page;
use crate::sites::Sites;
use std::fmt::Write as _;
use std::path::Path;

const START: u64 = 1_662_246_900;
const DAY: u64 = 86_400;

/// `a/s1=one,two b/s2=three`: customer/site=hosts.
fn sites(text: &str) -> Sites {
    let mut toml = String::new();
    for part in text.split_whitespace() {
        let (who, hosts) = part.split_once('=').expect("who=hosts");
        let (customer, site) = who.split_once('/').expect("customer/site");
        let hosts: Vec<_> = hosts.split(',').map(|h| format!("\"{h}.example\"")).collect();
        writeln!(
            toml,
            "[[customer]]\nid=\"cus_{customer}\"\nname=\"n\"\n[[customer.site]]\nid=\"site_{site}\""
        )
        .expect("text");
        writeln!(toml, "hostnames=[{}]\norigins=[\"127.0.0.1:1\"]", hosts.join(",")).expect("text");
    }
    Sites::parse(&toml, Path::new("/")).expect("sites")
}

fn measure(scope: Scope, hosts: &[&str]) -> Measure {
    let hostnames = hosts.iter().map(|h| format!("{h}.example")).collect();
    Measure { scope, hostnames, customer: id("cus_a"), ..page::tests::measure() }
}

fn id(text: &str) -> Id {
    Id::parse(text).expect("id")
}

struct World {
    bindings: Bindings,
    sites: Sites,
    table: Table,
    effective: Effective,
}

impl World {
    fn new(text: &str, measure: Measure) -> Self {
        let sites = sites(text);
        let mut bindings = Bindings::default();
        bindings.update(&sites, Time(START - 40 * DAY));
        let post: Arc<[u8]> = Arc::from(&b"post"[..]);
        let effective = Effective {
            posts: [(measure.post, post)].into(),
            measures: vec![Active { measure, ends_mono: Duration::from_secs(48 * 3600) }],
            size: 8,
            sites_behind: false,
        };
        let mut world = Self { bindings, sites, table: Table::default(), effective };
        world.build();
        world
    }

    fn build(&mut self) {
        self.table = Table::build(&self.effective, &mut self.bindings, &page::tests::operator(), &self.table);
    }

    fn sites(&mut self, text: &str, at: u64) {
        self.sites = sites(text);
        self.bindings.update(&self.sites, Time(at));
        self.build();
    }

    fn blocked_at(&self, host: &str, wall: u64, mono: u64) -> bool {
        let host = Host::parse(&format!("{host}.example")).expect("host");
        let owner = self
            .sites
            .customers
            .iter()
            .find_map(|c| c.sites.iter().find(|s| s.hostnames.contains(&host)).map(|s| (&c.id, &s.id)));
        let now = || Moment { wall: Time(wall), mono: Duration::from_secs(mono) };
        self.table.find(&host, owner, now).is_some()
    }

    fn blocked(&self, host: &str) -> bool {
        self.blocked_at(host, START + 10, 10)
    }
}

#[test]
fn reaches_the_customer_and_nobody_else() {
    let w = World::new("a/s1=one,two b/s2=three", measure(Scope::Customer, &["one"]));
    assert!(w.blocked("one") && w.blocked("two"));
    assert!(!w.blocked("three") && !w.blocked("elsewhere"));
}

#[test]
fn narrower_scopes_reach_less() {
    let text = "a/s1=one,two a2/s9=nine";
    let site = World::new(&format!("{text} b/s2=three"), measure(Scope::Site(id("site_s1")), &["one"]));
    assert!(site.blocked("one") && site.blocked("two") && !site.blocked("nine") && !site.blocked("three"));
    let other = World::new(text, measure(Scope::Site(id("site_s9")), &[]));
    assert!(!other.blocked("nine"), "another customer's site is not reached by naming its id");
    let host = World::new(text, measure(Scope::Hostname("two.example".into()), &["one", "two"]));
    assert!(host.blocked("two") && !host.blocked("one"));
    let tenant = World::new(text, measure(Scope::Tenant(id("ten_x")), &["one"]));
    assert!(tenant.blocked("one") && !tenant.blocked("two"));
}

#[test]
fn ends_by_either_clock() {
    let w = World::new("a/s1=one", measure(Scope::Customer, &["one"]));
    for (wall, mono, expect) in [
        (START, 0, true),
        (START + 48 * 3600 - 1, 48 * 3600 - 1, true),
        (START + 48 * 3600, 10, false),
        (START + 10, 48 * 3600, false),
        (START - DAY, 48 * 3600, false),
    ] {
        assert_eq!(w.blocked_at("one", wall, mono), expect, "{wall} {mono}");
    }
}

#[test]
fn covers_hostnames_of_tomorrow() {
    let mut w = World::new("a/s1=one b/s2=three", measure(Scope::Customer, &["one"]));
    w.sites("a/s1=one,fresh b/s2=three", START + 5);
    assert!(w.blocked("fresh"));
}

#[test]
fn moving_a_hostname_off_does_not_free_it_if_named() {
    let mut w = World::new("a/s1=one,two b/s2=three", measure(Scope::Customer, &["one"]));
    w.sites("a/s1=late b/s2=three,one,two", START + 5);
    assert!(w.blocked("one"), "named: blocked to the end");
    assert!(!w.blocked("two"), "not named, and another customer's now");
    assert!(!w.blocked("three"));
    w.sites("b/s2=three", START + 6);
    assert!(w.blocked("one"), "deleted and still answered");
    assert!(w.table.names(&Host::parse("one.example").expect("host")));
}

/// The block came faster than the sites it was decided on.
#[test]
fn who_is_a_stranger_is_judged_by_the_sites_of_the_log() {
    let both = measure(Scope::Customer, &["one", "three"]);
    let refused = World::new("a/s1=one b/s2=three", both.clone());
    assert!(!refused.blocked("one") && !refused.table.refused().is_empty());
    let mut w = World::new("a/s1=one", both);
    // Before anything was served by the log, and after: it waits, and is not refused for good.
    w.bindings = Bindings::default();
    w.bindings.update(&sites("a/s1=one b/s2=three"), Time(START - 40 * DAY));
    w.effective.sites_behind = true;
    w.sites("a/s1=one b/s2=three", START + 1);
    assert!(!w.blocked("one") && !w.blocked("three"));
    w.effective.sites_behind = false;
    w.sites("a/s1=one,three b/s2=late", START + 2);
    assert!(w.blocked("one") && w.blocked("three"), "two officers moved it there before the block");
}

#[test]
fn moving_a_strangers_hostname_on_does_not_block_it() {
    let mut w = World::new("a/s1=one b/s2=three", measure(Scope::Customer, &["one"]));
    w.sites("a/s1=one,three b/s2=late", START + 5);
    assert!(!w.blocked("three"));
    w.sites("a/s1=one b/s2=late", START + 6);
    w.sites("a/s1=one,three b/s2=late", START + 7);
    assert!(!w.blocked("three"), "not even by way of deletion");
}

#[test]
fn moves_without_effect_are_counted() {
    let mut w = World::new("a/s1=one,two b/s2=three", measure(Scope::Customer, &["one"]));
    let count = |w: &World| {
        let owner = |h: &Host| w.sites.bindings().find(|(host, _)| *host == h).map(|(_, c)| c.clone());
        w.table.count_moved(Time(START + 10), owner)
    };
    assert_eq!(count(&w), (0, 0));
    w.sites("a/s1=two,three b/s2=one", START + 5);
    assert_eq!(count(&w), (1, 1));
    w.sites("b/s2=three", START + 6);
    assert_eq!(count(&w), (1, 0), "one is named and gone; three is at home again");
}

#[test]
fn a_stranger_of_long_ago_is_none() {
    let mut w = World::new("a/s1=one", measure(Scope::Customer, &["one"]));
    w.bindings = Bindings::default();
    w.sites("a/s1=one b/s2=three", START - 60 * DAY);
    w.sites("a/s1=one,three b/s2=late", START - 31 * DAY);
    assert!(w.blocked("three"));
}

#[test]
fn a_subject_with_a_strangers_hostname_is_refused_whole() {
    let mut w = World::new("a/s1=one b/s2=three", measure(Scope::Customer, &["one", "three"]));
    assert!(!w.blocked("one") && !w.blocked("three"));
    assert_eq!(w.table.refused(), [id("imp-2022")]);
    w.sites("a/s1=one,three b/s2=late", START + 5);
    assert!(!w.blocked("one"), "judged once, at first sight");
    let hostname = World::new("a/s1=one b/s2=three", measure(Scope::Hostname("three.example".into()), &[]));
    assert!(!hostname.blocked("three"));
}

#[test]
fn nothing_without_its_post() {
    let mut w = World::new("a/s1=one", measure(Scope::Customer, &["one"]));
    w.effective.posts.clear();
    w.build();
    assert!(!w.blocked("one"));
}

#[test]
fn unchanged_measures_are_not_rendered_again() {
    let mut w = World::new("a/s1=one", measure(Scope::Customer, &["one"]));
    let first = Arc::as_ptr(&w.table.by_customer[&id("cus_a")][0]);
    w.build();
    assert_eq!(first, Arc::as_ptr(&w.table.by_customer[&id("cus_a")][0]));
    w.effective.measures[0].measure.confirmed = true;
    w.build();
    assert_ne!(first, Arc::as_ptr(&w.table.by_customer[&id("cus_a")][0]));
}

#[test]
fn the_strongest_page_is_shown() {
    let mut w = World::new("a/s1=one", measure(Scope::Customer, &["one"]));
    let mut order = w.effective.measures[0].clone();
    order.measure.id = id("imp-order");
    order.measure.ordered = true;
    w.effective.measures.push(order);
    w.build();
    let host = Host::parse("one.example").expect("host");
    let now = || Moment { wall: Time(START), mono: Duration::ZERO };
    assert_eq!(w.table.find(&host, None, now).map(|b| b.measure().id.as_str()), Some("imp-order"));
}
