//! Which measure applies to a host. The only place at the edge where that is decided.
//!
//! A [`Table`] is an immutable snapshot of what is in force, so a block is one store of one pointer, whatever the
//! number of hostnames: its size follows measures, hostnames they name and hostnames that moved, never the
//! customer's hostnames. Scope is a predicate evaluated per request, so tomorrow's hostnames are covered too.
//!
//! A measure applies to host h (DESIGN 6, "No quiet block"):
//! - if its subject names h: to the measure's end, whatever the sites file says by then;
//! - if h is bound to the customer now, lies within the scope, and belonged to nobody else in the last 30 days.
//!
//! A measure whose subject named another customer's hostname when it was first seen is refused whole.

use crate::Host;
use crate::bindings::{Bindings, Moved, STRANGER_SECONDS};
use crate::page::{Operator, Pages};
use policy::{Id, Measure, Scope, Time};
use relay::{Active, Effective};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A measure that is in force here, with everything that is served because of it.
#[derive(Debug)]
pub struct Blocked {
    active: Active,
    pub(crate) pages: Pages,
}

impl Blocked {
    /// The measure.
    pub fn measure(&self) -> &Measure {
        &self.active.measure
    }

    /// Whether no clock has ended it yet.
    fn in_force(&self, now: Moment) -> bool {
        now.wall < self.active.measure.until && now.mono < self.active.ends_mono
    }

    /// Whether the scope reaches the site, given that it is the customer's.
    fn reaches(&self, site: &Id) -> bool {
        match &self.active.measure.scope {
            Scope::Customer => true,
            Scope::Site(id) => id == site,
            // Tenants have no sites of their own in the sites file yet; what the subject names is covered.
            Scope::Tenant(_) | Scope::Hostname(_) => false,
        }
    }
}

/// Both clocks, read once per question.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Wall time.
    pub wall: Time,
    /// Monotonic time since the process started.
    pub mono: Duration,
}

/// What is in force.
#[derive(Debug, Default)]
pub struct Table {
    by_customer: HashMap<Id, Vec<Arc<Blocked>>>,
    by_host: HashMap<Host, Vec<Arc<Blocked>>>,
    moved: Moved,
    refused: Vec<Id>,
}

impl Table {
    /// Builds the table. What `before` has already rendered for an unchanged measure is taken over.
    pub fn build(effective: &Effective, bindings: &mut Bindings, operator: &Operator, before: &Self) -> Self {
        let mut table = Self { moved: bindings.moved(), ..Self::default() };
        let mut actives: Vec<&Active> = effective.measures.iter().collect();
        // The strongest first: an order before our own decision, then the one that lasts longest.
        actives.sort_by_key(|a| (!a.measure.ordered, std::cmp::Reverse(a.measure.until), a.measure.index));
        for active in actives {
            let measure = &active.measure;
            let Some(post) = effective.posts.get(&measure.post) else { continue };
            let behind = effective.sites_behind;
            if bindings.judge(&measure.id, &measure.customer, named(measure), measure.until, behind) {
                table.refused.push(measure.id.clone());
                continue;
            }
            let blocked = before.same(active).unwrap_or_else(|| {
                Arc::new(Blocked { active: active.clone(), pages: Pages::render(measure, post, operator) })
            });
            for host in named(measure).filter_map(Host::parse) {
                table.by_host.entry(host).or_default().push(Arc::clone(&blocked));
            }
            table.by_customer.entry(measure.customer.clone()).or_default().push(blocked);
        }
        table
    }

    fn same(&self, active: &Active) -> Option<Arc<Blocked>> {
        let list = self.by_customer.get(&active.measure.customer)?;
        let same =
            |b: &&Arc<Blocked>| b.active.measure == active.measure && b.active.ends_mono == active.ends_mono;
        list.iter().find(same).cloned()
    }

    /// The measure that applies to a host now. `owner` is the customer and site it is bound to, if any.
    pub fn find(
        &self,
        host: &Host,
        owner: Option<(&Id, &Id)>,
        now: impl Fn() -> Moment,
    ) -> Option<&Arc<Blocked>> {
        if self.by_customer.is_empty() {
            return None;
        }
        let by_name = self.by_host.get(host).map_or(&[][..], Vec::as_slice);
        let by_owner = owner.and_then(|(c, _)| self.by_customer.get(c)).map_or(&[][..], Vec::as_slice);
        if by_name.is_empty() && by_owner.is_empty() {
            return None;
        }
        let now = now();
        let named = by_name.iter().find(|b| b.in_force(now));
        named.or_else(|| {
            let (customer, site) = owner?;
            by_owner
                .iter()
                .find(|b| b.in_force(now) && b.reaches(site) && !self.is_stranger(host, customer, now.wall))
        })
    }

    /// Whether the host belonged to somebody else within the last 30 days.
    fn is_stranger(&self, host: &Host, customer: &Id, now: Time) -> bool {
        let before = self.moved.get(host).map_or(&[][..], Vec::as_slice);
        before.iter().any(|(c, until)| c != customer && now.0.saturating_sub(until.0) < STRANGER_SECONDS)
    }

    /// How many hostnames are blocked by name although they left the customer, and how many came to a blocked customer
    /// and are spared. `owner` says whose a hostname is now.
    pub(crate) fn count_moved(&self, now: Time, owner: impl Fn(&Host) -> Option<Id>) -> (usize, usize) {
        let left = |(host, named): &(&Host, &Vec<Arc<Blocked>>)| {
            named.iter().any(|b| owner(host).as_ref() != Some(&b.measure().customer))
        };
        let came = |host: &&Host| {
            let blocked = owner(host).filter(|c| self.by_customer.contains_key(c));
            !self.by_host.contains_key(*host) && blocked.is_some_and(|c| self.is_stranger(host, &c, now))
        };
        (self.by_host.iter().filter(left).count(), self.moved.keys().filter(came).count())
    }

    /// Whether a measure that is in force names this host, so that it is answered even without a site.
    pub fn names(&self, host: &Host) -> bool {
        self.by_host.contains_key(host)
    }

    /// Every hostname that a measure names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Host> {
        self.by_host.keys()
    }

    /// Ids of measures that were refused, because their subject named another customer's hostname.
    pub fn refused(&self) -> &[Id] {
        &self.refused
    }

    /// How many measures the table holds.
    pub fn len(&self) -> usize {
        self.by_customer.values().map(Vec::len).sum()
    }

    /// Whether nothing is in force.
    pub fn is_empty(&self) -> bool {
        self.by_customer.is_empty()
    }
}

/// The hostnames a measure names: of a hostname scope that one, else all of the subject.
fn named(measure: &Measure) -> impl Iterator<Item = &str> {
    let one = match &measure.scope {
        Scope::Hostname(host) => Some(host.as_str()),
        Scope::Customer | Scope::Tenant(_) | Scope::Site(_) => None,
    };
    let all = if one.is_some() { &[][..] } else { measure.hostnames.as_slice() };
    one.into_iter().chain(all.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
