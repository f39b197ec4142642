//! Classes whose search was ended early, and those that stand for them.
//!
//! A scan of many classes searches to the end only the classes whose search got ahead of the
//! others, and a few of the rest, drawn at random. What the rest would have come to is not known
//! class by class, but the drawn ones say how it is distributed: each stands for as many classes as
//! there are for each drawn one. So the comparison is still one of all classes. Left out, the
//! classes set aside would leave the finalists, the smallest of all, to be compared with one
//! another; taken for larger than all others they would be believed to be what nobody measured.
//!
//! The simulated clean models go the same way (see
//! [`Null::simulate_thinned`](super::Null::simulate_thinned)), as if the early phase had picked
//! exactly the smallest classes. Real ones pick less well. If they pick at random, the smallest
//! class found is larger than the smallest of all and false alarms are rarer than asked for; in
//! between they are up to a fifth more frequent (decision 0004).

use std::cmp::Ordering;

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use crate::verdict::error::StatsError;

/// Classes set aside, and the sample that stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    /// How many classes were set aside.
    pub classes: usize,
    /// The classes of the evidence that were drawn at random from those not ahead of the others, in
    /// any order; a class named twice counts once. Not empty if classes were set aside.
    pub sample: Vec<usize>,
}

/// How many classes of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinning {
    /// Classes searched because they were ahead.
    pub finalists: usize,
    /// Classes searched because they were drawn from the others.
    pub sample: usize,
    /// Classes set aside.
    pub set_aside: usize,
}

impl SetAside {
    /// Whether classes were set aside and none stands for them, so that nothing is known of them.
    pub(super) fn is_unrepresented(&self) -> bool {
        self.classes > 0 && self.sample.is_empty()
    }

    /// What the classes set aside are taken to have come to: findings of the classes that stand for
    /// them, each as often as it stands for another, in the order of `compare`. `class` gives a
    /// finding's class.
    #[must_use]
    pub fn stand_ins<T: Clone>(
        &self,
        found: &[T],
        class: impl Fn(&T) -> usize,
        compare: impl Fn(&T, &T) -> Ordering,
    ) -> Vec<T> {
        let drawn = |found: &&T| self.sample.contains(&class(found));
        let mut sample: Vec<T> = found.iter().filter(drawn).cloned().collect();
        if sample.is_empty() {
            return sample;
        }
        sample.sort_by(compare);
        let thinning = Thinning {
            finalists: found.len() - sample.len(),
            sample: sample.len(),
            set_aside: self.classes,
        };
        let repeated = sample.into_iter().zip(thinning.weights());
        repeated
            .flat_map(|(found, weight)| vec![found; weight - 1])
            .collect()
    }

    /// The numbers, for evidence of so many classes.
    ///
    /// # Errors
    /// Classes were set aside, and no class stands for them, or one that is not in the evidence.
    pub(super) fn thinning(&self, classes: &[usize]) -> Result<Option<Thinning>, StatsError> {
        if self.classes == 0 {
            return Ok(None);
        }
        if self.sample.is_empty() {
            return Err(StatsError::NoSample(self.classes));
        }
        if let Some(&class) = self.sample.iter().find(|class| !classes.contains(class)) {
            return Err(StatsError::SampleNotSearched(class));
        }
        let drawn = |class: &&usize| self.sample.contains(class);
        let sample = classes.iter().filter(drawn).count();
        Ok(Some(Thinning {
            finalists: classes.len() - sample,
            sample,
            set_aside: self.classes,
        }))
    }
}

impl Thinning {
    /// How many classes each of the sample stands for, itself among them, from the smallest to the
    /// largest.
    #[must_use]
    pub fn weights(&self) -> Vec<usize> {
        let rest = self.sample + self.set_aside;
        let before = |place: usize| (place * rest).div_ceil(self.sample);
        (0..self.sample)
            .map(|place| before(place + 1) - before(place))
            .collect()
    }

    /// Makes a model whose classes are all known into one that was thinned out: of the rest, which
    /// are all but the smallest, a random few stand for all. Takes and leaves sizes in rising
    /// order.
    pub(super) fn apply(&self, ascending: &mut [f64], rng: &mut ChaCha8Rng) {
        let rest = &mut ascending[self.finalists..];
        let mut drawn = sample(rng, rest.len(), self.sample).into_vec();
        drawn.sort_unstable();
        let drawn: Vec<f64> = drawn.into_iter().map(|place| rest[place]).collect();
        let mut slots = rest.iter_mut();
        for (size, weight) in drawn.into_iter().zip(self.weights()) {
            slots.by_ref().take(weight).for_each(|slot| *slot = size);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_sample_stands_for_all_of_the_rest() {
        for (sample, set_aside) in [(1, 5), (3, 4), (7, 7), (24, 1235)] {
            let thinning = Thinning {
                finalists: 2,
                sample,
                set_aside,
            };
            let weights = thinning.weights();
            assert_eq!(weights.len(), sample);
            assert_eq!(weights.iter().sum::<usize>(), sample + set_aside);
            let (least, most) = (weights.iter().min(), weights.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1, "{weights:?}");
        }
    }

    #[test]
    fn thinning_keeps_the_smallest_and_repeats_a_few_of_the_rest() {
        let thinning = Thinning {
            finalists: 3,
            sample: 4,
            set_aside: 13,
        };
        let whole: Vec<f64> = (0..20).map(f64::from).collect();
        let mut thinned = whole.clone();
        thinning.apply(&mut thinned, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(thinned[..3], whole[..3]);
        assert!(thinned.is_sorted());
        let mut rest = thinned[3..].to_vec();
        rest.dedup();
        assert_eq!(rest.len(), 4);
        assert!(rest.iter().all(|size| whole[3..].contains(size)));
    }

    #[test]
    fn without_a_sample_nothing_can_be_said() {
        let aside = |classes, sample: &[usize]| SetAside {
            classes,
            sample: sample.to_vec(),
        };
        assert_eq!(aside(0, &[]).thinning(&[1, 2]), Ok(None));
        assert_eq!(
            aside(3, &[]).thinning(&[1, 2]),
            Err(StatsError::NoSample(3))
        );
        assert_eq!(
            aside(3, &[2, 5]).thinning(&[1, 2]),
            Err(StatsError::SampleNotSearched(5))
        );
    }

    #[test]
    fn a_class_named_twice_stands_for_others_once() {
        let aside = SetAside {
            classes: 3,
            sample: vec![2, 2, 2],
        };
        let thinning = aside.thinning(&[1, 2]).unwrap().unwrap();
        assert_eq!((thinning.finalists, thinning.sample), (1, 1));
    }
}
