//! From hostname to site: an immutable map made for ten million names.
//!
//! The names themselves are not kept. A slot holds 96 bits of two keyed hashes of the name and the site, so that a
//! lookup is one cache miss, hit or not. The slot's place adds more bits: with ten million names (24 bits of place),
//! a name that is not in the map is taken for one that is with a probability of 2 in 2^96 per lookup, and nobody can
//! search for such a name without the keys, which are drawn anew for each map.
//!
//! Bytes per name: 16 / load, and the load is between 3/8 and 3/4: 21 to 43.

use std::hash::{BuildHasher, RandomState};

/// Position of a site in the list that the map was built from.
pub type SiteIndex = u32;

/// Marks an empty slot; no list of sites is that long.
const NO_SITE: SiteIndex = SiteIndex::MAX;
/// Slots are filled to at most 3/4: linear probing then looks at 2.5 slots per hit on average, four to a cache line.
const LOAD: (usize, usize) = (3, 4);

#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
struct Slot {
    first: u64,
    second: u32,
    site: SiteIndex,
}

const EMPTY: Slot = Slot { first: 0, second: 0, site: NO_SITE };

/// An immutable map from hostname to site.
#[derive(Debug)]
pub struct HostMap {
    slots: Vec<Slot>,
    len: usize,
    keys: [RandomState; 2],
}

impl HostMap {
    /// Builds the map. Of a name that comes twice the first stands. Names must be normalised ([`crate::Host`]).
    pub fn build<'a>(names: impl IntoIterator<Item = (&'a str, SiteIndex)>) -> Self {
        let mut map = Self { slots: vec![EMPTY], len: 0, keys: [RandomState::new(), RandomState::new()] };
        let listed: Vec<Slot> = names.into_iter().map(|(name, site)| map.slot(name, site)).collect();
        map.slots = vec![EMPTY; (listed.len() * LOAD.1 / LOAD.0 + 1).next_power_of_two()];
        for wanted in listed {
            let at = map.find(&wanted);
            if map.slots[at].site == NO_SITE && wanted.site != NO_SITE {
                map.slots[at] = wanted;
                map.len += 1;
            }
        }
        map
    }

    /// The site of a normalised hostname.
    pub fn get(&self, name: &str) -> Option<SiteIndex> {
        let site = self.slots[self.find(&self.slot(name, NO_SITE))].site;
        (site != NO_SITE).then_some(site)
    }

    /// Where the name is, or where it would be: there is always an empty slot.
    fn find(&self, wanted: &Slot) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = wanted.first as usize & mask;
        loop {
            let slot = &self.slots[at];
            if slot.site == NO_SITE || (slot.first == wanted.first && slot.second == wanted.second) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    fn slot(&self, name: &str, site: SiteIndex) -> Slot {
        let [first, second] = &self.keys;
        Slot { first: first.hash_one(name), second: second.hash_one(name) as u32, site }
    }

    /// How many names the map holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the map holds no name.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the map occupies on the heap.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn holds_a_hundred_thousand_in_64_bytes_each() {
        let names: Vec<String> =
            (0..100_000).map(|i| format!("host-{i}.customer{}.example", i % 977)).collect();
        let map = HostMap::build(names.iter().enumerate().map(|(i, n)| (n.as_str(), i as u32)));
        assert_eq!(map.len(), names.len());
        assert!(map.bytes() <= 64 * names.len(), "{} bytes each", map.bytes() / names.len());
        for (i, name) in names.iter().enumerate() {
            assert_eq!(map.get(name), Some(i as u32));
        }
        assert_eq!(map.get("host-100000.customer0.example"), None);
    }

    #[test]
    fn empty_map_answers() {
        let map = HostMap::build([]);
        assert!(map.is_empty());
        assert_eq!(map.get("one.example"), None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_map(
            names in proptest::collection::vec(("[a-c.]{1,6}", 0..NO_SITE), 0..60),
            asked in proptest::collection::vec("[a-c.]{1,6}", 0..60),
        ) {
            let map = HostMap::build(names.iter().map(|(n, s)| (n.as_str(), *s)));
            let mut truth = HashMap::new();
            for (name, site) in &names {
                truth.entry(name.as_str()).or_insert(*site);
            }
            prop_assert_eq!(map.len(), truth.len());
            for name in names.iter().map(|(n, _)| n).chain(&asked) {
                prop_assert_eq!(map.get(name), truth.get(name.as_str()).copied());
            }
        }
    }
}
