//! Seeded draws that keep classes balanced: which images to use, and which to hold out.
//!
//! Only labels are needed, so a draw can be made before any image is decoded.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws `n` indices into `labels` (all of them if there are fewer), as evenly over the classes as
/// they allow: one image of each class in turn, until `n` are drawn or a class runs out.
///
/// Which images of a class, and which classes get one more when `n` does not divide evenly, depends
/// on `seed` alone. The indices come in ascending order.
#[must_use]
pub fn balanced_sample(labels: &[usize], n: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut classes = shuffled_classes(labels, &mut rng);
    classes.shuffle(&mut rng);
    let mut drawn = Vec::with_capacity(n.min(labels.len()));
    while drawn.len() < n && !classes.is_empty() {
        let left = n - drawn.len();
        drawn.extend(classes.iter_mut().take(left).filter_map(Vec::pop));
        classes.retain(|class| !class.is_empty());
    }
    drawn.sort_unstable();
    drawn
}

/// Draws `n` of the indices `0..available` (all if there are fewer), in ascending order.
pub(crate) fn plain_sample(available: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..available).collect();
    indices.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    indices.truncate(n);
    indices.sort_unstable();
    indices
}

/// Splits the indices into `labels` into two disjoint sets, `(search, held out)`, each with its
/// share of every class: `holdout_share` (0 to 1; values outside are clamped) of a class is held
/// out.
///
/// Counts are rounded class by class. With a share strictly between 0 and 1, a class of two or more
/// images has at least one in each set; a class of one image is in the search set. The indices come
/// in ascending order.
#[must_use]
pub fn split_holdout(labels: &[usize], holdout_share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let share = holdout_share.clamp(0.0, 1.0);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A stream of its own, so that a holdout drawn with the seed of a sample does not repeat its
    // order.
    rng.set_stream(1);
    let (mut search, mut holdout) = (Vec::new(), Vec::new());
    for class in shuffled_classes(labels, &mut rng) {
        let mut held = (class.len() as f64 * share).round() as usize;
        if share > 0.0 && share < 1.0 {
            held = held.clamp(usize::from(class.len() > 1), class.len() - 1);
        }
        holdout.extend_from_slice(&class[..held]);
        search.extend_from_slice(&class[held..]);
    }
    search.sort_unstable();
    holdout.sort_unstable();
    (search, holdout)
}

/// The indices of each class, in random order; classes in the order of their labels.
fn shuffled_classes(labels: &[usize], rng: &mut impl Rng) -> Vec<Vec<usize>> {
    let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(i);
    }
    let mut classes: Vec<_> = classes.into_values().collect();
    for class in &mut classes {
        class.shuffle(rng);
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_class(labels: &[usize], indices: &[usize]) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        for &i in indices {
            *counts.entry(labels[i]).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn a_sample_is_balanced_although_the_classes_are_not() {
        let labels: Vec<usize> = (0..1000).map(|i| usize::from(i % 10 == 0)).collect();
        let drawn = balanced_sample(&labels, 100, 1);
        assert_eq!(per_class(&labels, &drawn), [(0, 50), (1, 50)].into());
        let mut distinct = drawn.clone();
        distinct.dedup();
        assert_eq!(distinct, drawn, "ascending and without repeats");
    }

    #[test]
    fn a_class_that_runs_out_is_made_up_by_the_others() {
        let labels = [7, 7, 7, 7, 7, 3];
        let drawn = balanced_sample(&labels, 4, 9);
        assert_eq!(per_class(&labels, &drawn), [(7, 3), (3, 1)].into());
        assert_eq!(balanced_sample(&labels, 100, 9), [0, 1, 2, 3, 4, 5]);
        assert!(balanced_sample(&labels, 0, 9).is_empty());
        assert!(balanced_sample(&[], 5, 9).is_empty());
    }

    #[test]
    fn the_odd_image_does_not_always_go_to_the_first_class() {
        let labels = [0, 0, 1, 1];
        let extra_to_first = (0..64)
            .filter(|&seed| balanced_sample(&labels, 3, seed)[1] == 1)
            .count();
        assert!((10..54).contains(&extra_to_first), "{extra_to_first} of 64");
    }

    #[test]
    fn the_seed_decides() {
        let labels = vec![0; 1000];
        assert_eq!(
            balanced_sample(&labels, 10, 5),
            balanced_sample(&labels, 10, 5)
        );
        assert_ne!(
            balanced_sample(&labels, 10, 5),
            balanced_sample(&labels, 10, 6)
        );
        assert_ne!(plain_sample(1000, 10, 5), plain_sample(1000, 10, 6));
        assert_eq!(plain_sample(3, 10, 5), [0, 1, 2]);
    }

    #[test]
    fn a_holdout_is_disjoint_complete_and_stratified() {
        let labels: Vec<usize> = (0..100).map(|i| i % 4).collect();
        let (search, holdout) = split_holdout(&labels, 0.2, 3);
        assert_eq!(
            per_class(&labels, &holdout),
            [(0, 5), (1, 5), (2, 5), (3, 5)].into()
        );
        let mut all = [search, holdout].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn small_classes_are_in_both_sets_if_they_can_be() {
        let (search, holdout) = split_holdout(&[0, 0, 1, 2, 2, 2], 0.1, 0);
        assert_eq!(holdout.len(), 2, "one of class 0, one of class 2");
        assert!(search.contains(&2), "the one image of class 1 is searched");
        assert!(split_holdout(&[0, 0], 0.0, 0).1.is_empty());
        assert!(split_holdout(&[0, 0], 1.0, 0).0.is_empty());
    }
}
