//! Labels that are the model's classes numbered otherwise.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use super::error::PreflightError;
use super::known_permutation::KnownPermutation;
use super::paired::mcnemar;

/// Probability below which a permutation of the labels is believed, after correction for those
/// tried.
const PERMUTATION_LEVEL: f64 = 1e-4;
/// Accuracy that a permutation has to gain to be worth telling.
const PERMUTATION_GAIN: f64 = 0.1;
/// Share of a label's images, averaged over labels, that has to agree with the model after
/// renumbering: a model that takes most images for a few classes agrees with some permutation on
/// these, but on no more.
const PERMUTATION_RECALL: f64 = 0.5;
/// Most classes for which all permutations are searched; the time grows with the third power.
const MOST_CLASSES_FITTED: usize = 512;

/// A renumbering of the labels under which they agree with the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Permutation {
    /// Entry i: the model's class that label i stands for.
    pub class_of_label: Vec<usize>,
    /// The usual mistake that it is, if it is one.
    pub known: Option<KnownPermutation>,
    /// Accuracy with the labels as they are, on the images that the permutation was judged on.
    pub accuracy_before: f64,
    /// Accuracy with the labels renumbered, on the same images.
    pub accuracy_after: f64,
    /// Probability of such a gain by chance, corrected for the permutations tried.
    pub p_value: f64,
}

/// Finds out whether the labels are the model's classes numbered otherwise.
/// `confusion[label][class]` counts the images of a label that the model takes for a class.
///
/// The usual mistakes are tried first, on all images. If none explains the labels, the best
/// permutation of all is fitted on a random half of the images (an assignment problem) and judged
/// on the other half, since a permutation fitted to noise agrees with it; this up to 512 classes. A
/// permutation is believed if it gains at least a tenth of accuracy, and more than chance would
/// give it (p < 0.0001, exact McNemar test against the labels as they are), and agrees with half of
/// the images of an average label.
///
/// # Errors
/// The matrix is not square.
pub fn label_permutation(
    confusion: &[Vec<u64>],
    seed: u64,
) -> Result<Option<Permutation>, PreflightError> {
    let rows = confusion.len();
    if let Some((row, columns)) = confusion
        .iter()
        .map(Vec::len)
        .enumerate()
        .find(|(_, columns)| *columns != rows)
    {
        return Err(PreflightError::NotSquare { row, columns, rows });
    }
    if !could_gain(confusion) {
        return Ok(None);
    }
    let tried = KnownPermutation::ALL.len() + 1;
    let known = KnownPermutation::ALL
        .into_iter()
        .filter_map(|known| judge(confusion, known.class_of_label(rows), Some(known), tried))
        .max_by(|a, b| a.accuracy_after.total_cmp(&b.accuracy_after));
    if known.is_some() || rows > MOST_CLASSES_FITTED {
        return Ok(known);
    }
    let (fitted, judged) = split(confusion, seed);
    Ok(best_assignment(&fitted)
        .and_then(|class_of_label| judge(&judged, class_of_label, None, tried)))
}

/// Whether even the best class for each label by itself would gain enough.
fn could_gain(confusion: &[Vec<u64>]) -> bool {
    let right: u64 = confusion
        .iter()
        .enumerate()
        .map(|(label, row)| row[label])
        .sum();
    let best: u64 = confusion.iter().filter_map(|row| row.iter().max()).sum();
    let images: u64 = confusion.iter().flatten().sum();
    (best - right) as f64 > PERMUTATION_GAIN * images as f64
}

fn judge(
    confusion: &[Vec<u64>],
    class_of_label: Vec<usize>,
    known: Option<KnownPermutation>,
    tried: usize,
) -> Option<Permutation> {
    let (mut images, mut before, mut after, mut lost, mut gained) = (0, 0, 0, 0, 0);
    let (mut labels, mut recall) = (0u32, 0.0);
    for (label, (row, &class)) in confusion.iter().zip(&class_of_label).enumerate() {
        let of_label: u64 = row.iter().sum();
        images += of_label;
        before += row[label];
        after += row[class];
        if class != label {
            lost += row[label];
            gained += row[class];
        }
        if of_label > 0 {
            labels += 1;
            recall += row[class] as f64 / of_label as f64;
        }
    }
    let p_value = (mcnemar(lost, gained) * tried as f64).min(1.0);
    let accuracy = |right: u64| right as f64 / images as f64;
    let believed = p_value < PERMUTATION_LEVEL
        && accuracy(after) - accuracy(before) >= PERMUTATION_GAIN
        && recall >= PERMUTATION_RECALL * f64::from(labels);
    believed.then(|| Permutation {
        class_of_label,
        known,
        accuracy_before: accuracy(before),
        accuracy_after: accuracy(after),
        p_value,
    })
}

/// Deals the images into two halves at random.
fn split(confusion: &[Vec<u64>], seed: u64) -> (Vec<Vec<u64>>, Vec<Vec<u64>>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let first: Vec<Vec<u64>> = confusion
        .iter()
        .map(|row| row.iter().map(|&count| half_of(count, &mut rng)).collect())
        .collect();
    let second = confusion
        .iter()
        .zip(&first)
        .map(|(all, taken)| {
            all.iter()
                .zip(taken)
                .map(|(all, taken)| all - taken)
                .collect()
        })
        .collect();
    (first, second)
}

/// How many of `count` images fall into the first half, each by the toss of a coin.
fn half_of(count: u64, rng: &mut ChaCha8Rng) -> u64 {
    Binomial::new(count, 0.5).map_or(count / 2, |coins| coins.sample(rng))
}

fn best_assignment(confusion: &[Vec<u64>]) -> Option<Vec<usize>> {
    let weights = confusion.iter().map(|row| {
        row.iter()
            .map(|&count| i64::try_from(count).unwrap_or(i64::MAX))
            .collect::<Vec<_>>()
    });
    let matrix = Matrix::from_rows(weights).ok()?;
    Some(kuhn_munkres(&matrix).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::RngExt;

    use super::*;

    /// Confusion of a model that is right in `percent` of 100 images a label, the errors spread
    /// over all classes, with the labels renumbered.
    fn confusion(class_of_label: &[usize], percent: u32) -> Vec<Vec<u64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let classes = class_of_label.len();
        class_of_label
            .iter()
            .map(|&class| {
                let mut row = vec![0; classes];
                for _ in 0..100 {
                    let right = rng.random_range(0..100) < percent;
                    row[if right {
                        class
                    } else {
                        rng.random_range(0..classes)
                    }] += 1;
                }
                row
            })
            .collect()
    }

    #[test]
    fn the_usual_mistakes_are_named() {
        for classes in [12, 43, 1283] {
            for known in KnownPermutation::ALL {
                let truth = known.class_of_label(classes);
                let found = label_permutation(&confusion(&truth, 80), 1)
                    .unwrap()
                    .unwrap();
                assert_eq!(
                    (found.known, &found.class_of_label),
                    (Some(known), &truth),
                    "{classes}"
                );
                assert!(found.accuracy_after > 0.7 && found.accuracy_before < 0.2);
            }
        }
    }

    #[test]
    fn any_permutation_is_found() {
        for classes in [3, 10, 43] {
            let mut truth: Vec<usize> = (0..classes)
                .map(|label| (label * 7 + 3) % classes)
                .collect();
            truth.swap(0, 1);
            let found = label_permutation(&confusion(&truth, 80), 1)
                .unwrap()
                .unwrap();
            assert_eq!((found.known, found.class_of_label), (None, truth));
        }
        let swapped = label_permutation(&confusion(&[1, 0], 80), 1)
            .unwrap()
            .unwrap();
        assert_eq!(swapped.class_of_label, [1, 0]);
    }

    #[test]
    fn two_labels_swapped_out_of_ten_are_found() {
        let mut truth: Vec<usize> = (0..10).collect();
        truth.swap(3, 5);
        assert_eq!(
            label_permutation(&confusion(&truth, 97), 1)
                .unwrap()
                .unwrap()
                .class_of_label,
            truth
        );
    }

    #[test]
    fn right_labels_and_models_that_guess_have_no_permutation() {
        let identity: Vec<usize> = (0..10).collect();
        for percent in [0, 30, 60, 98] {
            assert_eq!(
                label_permutation(&confusion(&identity, percent), 1).unwrap(),
                None,
                "{percent}"
            );
        }
        // Few images: the best permutation fits them by chance, and is not believed.
        for seed in 0..50 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let few: Vec<Vec<u64>> = (0..40)
                .map(|_| {
                    (0..40)
                        .map(|_| u64::from(rng.random_range(0..20) == 0))
                        .collect()
                })
                .collect();
            assert_eq!(label_permutation(&few, seed).unwrap(), None);
        }
        // Everything taken for class 3, and label 7 is most of the images.
        let collapsed: Vec<Vec<u64>> = (0..10)
            .map(|label| {
                (0..10)
                    .map(|class| {
                        if class == 3 {
                            if label == 7 { 900 } else { 20 }
                        } else {
                            0
                        }
                    })
                    .collect()
            })
            .collect();
        assert_eq!(label_permutation(&collapsed, 1).unwrap(), None);
    }

    #[test]
    fn a_matrix_that_is_not_square_is_refused() {
        let ragged = vec![vec![1, 2], vec![3]];
        assert_eq!(
            label_permutation(&ragged, 1),
            Err(PreflightError::NotSquare {
                row: 1,
                columns: 1,
                rows: 2
            })
        );
        assert_eq!(label_permutation(&[], 1), Ok(None));
    }

    proptest! {
        #[test]
        fn any_square_matrix_is_survived(
            matrix in (0usize..14).prop_flat_map(|n| proptest::collection::vec(proptest::collection::vec(0u64..2000, n), n)),
            seed in any::<u64>(),
        ) {
            if let Some(found) = label_permutation(&matrix, seed).unwrap() {
                let mut classes = found.class_of_label.clone();
                classes.sort_unstable();
                prop_assert_eq!(classes, (0..matrix.len()).collect::<Vec<_>>());
                prop_assert!(found.accuracy_after > found.accuracy_before);
            }
        }
    }
}
