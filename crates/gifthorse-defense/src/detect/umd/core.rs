//! The pairs whose changes work on one another: chosen greedily (Xiang et al. 2023).

use super::transfers::Transfers;

/// Couples of pairs that a choice begins with.
const STARTS: usize = 5;

/// Pairs of different sources that were chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Core {
    /// Their places, in the order in which they were chosen.
    pub members: Vec<usize>,
    /// The mean mutual transferability with the other members, of the member that has least.
    pub cohesion: f64,
    /// How far that lies above the share of images that the members' changes lead on average to the
    /// pair outside of the core that they work on most.
    pub margin: f64,
}

/// What is known of a choice under way, so that a further pair can be weighed quickly.
struct Choice<'a> {
    transfers: &'a Transfers,
    members: Vec<usize>,
    is_member: Vec<bool>,
    has_source: Vec<bool>,
    /// For each pair, the sum of its mutual transferability with the members,
    mutual: Vec<f64>,
    /// and of what the members' changes do to it.
    from_members: Vec<f64>,
}

impl<'a> Choice<'a> {
    fn new(transfers: &'a Transfers) -> Self {
        let pairs = transfers.pairs().len();
        let sources = transfers.pairs().iter().map(|pair| pair.source + 1).max();
        Self {
            transfers,
            members: Vec::new(),
            is_member: vec![false; pairs],
            has_source: vec![false; sources.unwrap_or(0)],
            mutual: vec![0.0; pairs],
            from_members: vec![0.0; pairs],
        }
    }

    fn add(&mut self, new: usize) {
        self.members.push(new);
        self.is_member[new] = true;
        self.has_source[self.transfers.pairs()[new].source] = true;
        for pair in 0..self.mutual.len() {
            // A change that works on the images that it was made for says nothing.
            if pair != new {
                self.mutual[pair] += self.transfers.mutual(new, pair);
                self.from_members[pair] += self.transfers.one_way(new, pair);
            }
        }
    }

    /// Cohesion with a further member.
    fn cohesion_with(&self, new: usize) -> f64 {
        let others = self.members.len() as f64;
        let sum = |&member: &usize| self.mutual[member] + self.transfers.mutual(member, new);
        let least = self
            .members
            .iter()
            .map(sum)
            .fold(self.mutual[new], f64::min);
        least / others
    }

    /// The largest share of images that the changes of the members and of a further one lead on
    /// average to a pair outside.
    fn strays_with(&self, new: usize) -> f64 {
        let outside = (0..self.mutual.len()).filter(|&pair| !self.is_member[pair] && pair != new);
        let sum = outside.map(|pair| self.from_members[pair] + self.transfers.one_way(new, pair));
        sum.fold(0.0, f64::max) / (self.members.len() + 1) as f64
    }

    /// The eligible pair of a new source with the largest margin, as the core that it makes.
    fn best_next(&self, eligible: &[bool]) -> Option<(usize, Core)> {
        let mut best: Option<(usize, Core)> = None;
        for (pair, of) in self.transfers.pairs().iter().enumerate() {
            if !eligible[pair] || self.has_source[of.source] {
                continue;
            }
            let cohesion = self.cohesion_with(pair);
            let known = best
                .as_ref()
                .map_or(f64::NEG_INFINITY, |(_, core)| core.margin);
            // Strays only take away from it.
            if cohesion <= known {
                continue;
            }
            let margin = cohesion - self.strays_with(pair);
            if margin > known {
                let members = self.members.iter().copied().chain([pair]).collect();
                let core = Core {
                    members,
                    cohesion,
                    margin,
                };
                best = Some((pair, core));
            }
        }
        best
    }
}

/// The core of pairs of which only the eligible ones can be members: from each of the five couples
/// of the largest mutual transferability, always the pair of a new source is added that gives the
/// largest margin, and the best set on the way counts. `None` if no two of the pairs have different
/// sources.
pub fn core(transfers: &Transfers, eligible: &[bool]) -> Option<Core> {
    let mut best: Option<Core> = None;
    for (a, b) in couples(transfers, eligible) {
        let mut choice = Choice::new(transfers);
        choice.add(a);
        let cohesion = choice.cohesion_with(b);
        let mut reached = Core {
            members: vec![a, b],
            cohesion,
            margin: cohesion - choice.strays_with(b),
        };
        choice.add(b);
        while let Some((next, core)) = choice.best_next(eligible) {
            if core.margin > reached.margin {
                reached = core;
            }
            choice.add(next);
        }
        if best
            .as_ref()
            .is_none_or(|best| reached.margin > best.margin)
        {
            best = Some(reached);
        }
    }
    best
}

/// The couples of eligible pairs of different sources with the largest mutual transferability, the
/// first of equals.
fn couples(transfers: &Transfers, eligible: &[bool]) -> Vec<(usize, usize)> {
    let pairs = transfers.pairs();
    let mut best: Vec<(f64, (usize, usize))> = Vec::new();
    for a in (0..pairs.len()).filter(|&a| eligible[a]) {
        for b in (a + 1..pairs.len()).filter(|&b| eligible[b]) {
            if pairs[a].source == pairs[b].source {
                continue;
            }
            let mutual = transfers.mutual(a, b);
            let place = best.partition_point(|&(known, _)| known >= mutual);
            if place < STARTS {
                best.insert(place, (mutual, (a, b)));
                best.truncate(STARTS);
            }
        }
    }
    best.into_iter().map(|(_, couple)| couple).collect()
}

#[cfg(test)]
mod tests {
    use super::super::transfers::Pair;
    use super::*;

    const CLASSES: usize = 5;
    const IMAGES: usize = 4;

    /// Pairs and what they do: the change of a pair leads its own source to its target, and a
    /// backdoored one leads other backdoored sources to theirs.
    fn transfers(map: &[(usize, usize)]) -> Transfers {
        let all =
            (0..CLASSES).flat_map(|source| (0..CLASSES).map(move |target| Pair { source, target }));
        let pairs: Vec<Pair> = all.filter(|pair| pair.source != pair.target).collect();
        let labels: Vec<usize> = (0..CLASSES * IMAGES).map(|i| i % CLASSES).collect();
        let planted = |pair: &Pair| map.contains(&(pair.source, pair.target));
        let led = |pair: &Pair, class: usize| match map.iter().find(|(source, _)| *source == class)
        {
            _ if class == pair.source => pair.target,
            Some(&(_, target)) if planted(pair) => target,
            _ => class,
        };
        let answers: Vec<Vec<usize>> = pairs
            .iter()
            .map(|pair| labels.iter().map(|&label| led(pair, label)).collect())
            .collect();
        Transfers::new(pairs, &labels, answers.iter().map(Vec::as_slice))
    }

    fn chosen(map: &[(usize, usize)], without: Option<(usize, usize)>) -> Vec<(usize, usize)> {
        let transfers = transfers(map);
        let pairs = transfers.pairs();
        let all: Vec<(usize, usize)> = pairs.iter().map(|it| (it.source, it.target)).collect();
        let eligible: Vec<bool> = all.iter().map(|pair| Some(*pair) != without).collect();
        let core = core(&transfers, &eligible).unwrap();
        let mut members: Vec<_> = core.members.iter().map(|&place| all[place]).collect();
        members.sort_unstable();
        members
    }

    #[test]
    fn the_core_is_the_map_that_was_planted() {
        for map in [
            &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)][..],
            &[(0, 3), (1, 3), (2, 3), (4, 3)],
            &[(1, 4), (2, 0)],
            &[(0, 1), (1, 0), (3, 1)],
        ] {
            assert_eq!(chosen(map, None), map);
        }
    }

    #[test]
    fn a_pair_that_was_not_reached_is_not_of_it() {
        let map = [(0, 3), (1, 3), (2, 3)];
        assert_eq!(chosen(&map, Some((1, 3))), [(0, 3), (2, 3)]);
    }

    #[test]
    fn its_margin_is_cohesion_less_what_strays() {
        let transfers = transfers(&[(0, 3), (1, 3)]);
        let core = core(&transfers, &[true; CLASSES * (CLASSES - 1)]).unwrap();
        assert_eq!((core.cohesion, core.margin), (1.0, 1.0));
        assert_eq!(transfers.one_way(core.members[0], core.members[1]), 1.0);
    }

    #[test]
    fn without_two_sources_there_is_none() {
        let transfers = transfers(&[(0, 3)]);
        let one_source: Vec<bool> = transfers.pairs().iter().map(|it| it.source == 1).collect();
        assert_eq!(core(&transfers, &one_source), None);
    }
}
