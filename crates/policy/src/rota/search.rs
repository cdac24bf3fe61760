//! The search behind a rota: the fewest people such that each task has enough of the right ones, nobody in two tasks.

use alloc::{collections::BTreeSet, vec, vec::Vec};

/// One need: of the people given to `task`, at least `need` must be among `who`. People are bits.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) task: usize,
    pub(super) need: u32,
    pub(super) who: u64,
}

/// The fewest of `free` that meet all needs, task by task; `None` when no choice does.
pub(super) fn fewest(needs: &[Need], tasks: usize, free: u64) -> Option<Vec<u64>> {
    let least: u32 = (0..tasks).map(|task| worst(needs, task, 0).map_or(0, |(left, _)| left)).sum();
    // One more person each time, so the first answer is the smallest.
    (least..=free.count_ones()).find_map(|most| {
        let mut search = Search { needs, tasks, seen: BTreeSet::new() };
        search.fill(vec![0; tasks], free, most)
    })
}

/// The need of a task that lacks most, with what it lacks.
fn worst(needs: &[Need], task: usize, given: u64) -> Option<(u32, &Need)> {
    let open = needs.iter().filter(|n| n.task == task).map(|n| (left(n, given), n));
    open.filter(|(left, _)| *left > 0).max_by_key(|(left, _)| *left)
}

/// How many a need still lacks.
pub(super) fn left(need: &Need, given: u64) -> u32 {
    need.need.saturating_sub((need.who & given).count_ones())
}

struct Search<'n> {
    needs: &'n [Need],
    tasks: usize,
    /// Choices that led nowhere.
    seen: BTreeSet<Vec<u64>>,
}

impl Search<'_> {
    fn fill(&mut self, given: Vec<u64>, free: u64, most: u32) -> Option<Vec<u64>> {
        let of = |task: usize| given.get(task).copied().unwrap_or_default();
        let open: Vec<(u32, &Need)> =
            self.needs.iter().map(|n| (left(n, of(n.task)), n)).filter(|(left, _)| *left > 0).collect();
        // The need with the least choice first.
        let slack = |(left, n): &(u32, &Need)| {
            i64::from((n.who & free).count_ones()).saturating_sub(i64::from(*left))
        };
        let Some((_, need)) = open.iter().min_by_key(|o| slack(o)) else { return Some(given) };
        let hopeless = open.iter().any(|o| slack(o) < 0) || !self.could_do(&given, free, most);
        if hopeless || !self.seen.insert(given.clone()) {
            return None;
        }
        for person in self.candidates(need, &open, free) {
            let mut next = given.clone();
            if let Some(task) = next.get_mut(need.task) {
                *task |= person;
            }
            let found = self.fill(next, free & !person, most.saturating_sub(1));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether enough people are left for every group of tasks together (Hall's condition), and within `most`.
    fn could_do(&self, given: &[u64], free: u64, most: u32) -> bool {
        let worst: Vec<(u32, u64)> = (0..self.tasks)
            .filter_map(|task| worst(self.needs, task, given.get(task).copied().unwrap_or_default()))
            .map(|(left, need)| (left, need.who & free))
            .collect();
        (1_u32..1 << worst.len()).all(|group| {
            let members = || worst.iter().enumerate().filter(|(at, _)| group & (1 << at) != 0);
            let lack: u32 = members().map(|(_, (left, _))| left).sum();
            let pool = members().fold(0, |pool, (_, (_, who))| pool | who);
            lack <= most && lack <= pool.count_ones()
        })
    }

    /// Who could be next, one of each sort: people who can do the same are the same here. First those who meet most
    /// needs of this task and are least needed elsewhere.
    fn candidates(&self, need: &Need, open: &[(u32, &Need)], free: u64) -> Vec<u64> {
        let mut sorts = BTreeSet::new();
        let mut found: Vec<(usize, usize, u64)> = Vec::new();
        for person in (0..64).map(|at| 1_u64 << at).filter(|person| need.who & free & person != 0) {
            let sort: Vec<bool> = self.needs.iter().map(|n| n.who & person != 0).collect();
            if sorts.insert(sort) {
                let here = open.iter().filter(|(_, n)| n.task == need.task && n.who & person != 0).count();
                let elsewhere = self.needs.iter().filter(|n| n.task != need.task && n.who & person != 0);
                found.push((usize::MAX - here, elsewhere.count(), person));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, _, person)| person).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every way to give each of `people` one task or none; the fewest people that meet the needs.
    fn by_trying_all(needs: &[Need], tasks: usize, people: u32) -> Option<u32> {
        let choices = tasks + 1;
        (0..choices.pow(people))
            .filter_map(|mut code| {
                let mut given = vec![0_u64; choices];
                for person in 0..people {
                    given[code % choices] |= 1 << person;
                    code /= choices;
                }
                // The last one stands for no task.
                let used: u32 = given.iter().take(tasks).map(|g| g.count_ones()).sum();
                needs.iter().all(|n| left(n, given[n.task]) == 0).then_some(used)
            })
            .min()
    }

    proptest! {
        #[test]
        fn it_finds_what_trying_everything_finds(
            needs in prop::collection::vec((0_usize..3, 0_u32..4, 0_u64..128), 0..7),
        ) {
            let needs: Vec<Need> =
                needs.into_iter().map(|(task, need, who)| Need { task, need, who }).collect();
            let found = fewest(&needs, 3, 127);
            let size = found.as_ref().map(|given| given.iter().map(|g| g.count_ones()).sum::<u32>());
            prop_assert_eq!(size, by_trying_all(&needs, 3, 7), "{:?} {:?}", needs, found);
            for given in found.into_iter() {
                prop_assert_eq!(given.iter().fold(0, |all, g| { assert_eq!(all & g, 0); all | g }) & !127, 0);
                prop_assert!(needs.iter().all(|n| left(n, given[n.task]) == 0));
            }
        }
    }
}
