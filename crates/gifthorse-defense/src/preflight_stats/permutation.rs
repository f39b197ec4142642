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
/// Probability below which a permutation is believed to explain more than a usual mistake does.
const PERMUTATION_OVER_KNOWN: f64 = 1e-3;
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
/// The usual mistakes are tried on all images, and the best permutation of all is fitted (an
/// assignment problem), this up to 512 classes. Since a permutation fitted to noise agrees with it,
/// each random half of the images is fitted by itself: where both come to the same permutation it is
/// judged on all images, else that of the first half on the second. The fitted permutation is told
/// where no usual mistake explains the labels, or where it explains clearly more of them than the
/// best of these. A permutation is believed if it gains at least a tenth of accuracy, and more than chance would
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
    if rows > MOST_CLASSES_FITTED {
        return Ok(known);
    }
    let (first, second) = split(confusion, seed);
    let fitted = best_assignment(&first);
    let agreed = fitted.is_some() && fitted == best_assignment(&second);
    let unseen = if agreed { confusion } else { &second };
    let fitted = fitted.and_then(|class_of_label| judge(unseen, class_of_label, None, tried));
    Ok(match (known, fitted) {
        (Some(known), Some(fitted)) if !explains_more(unseen, &fitted, &known) => Some(known),
        (known, fitted) => fitted.or(known),
    })
}

/// Whether `one` agrees with the model on clearly more images than `other` does.
fn explains_more(confusion: &[Vec<u64>], one: &Permutation, other: &Permutation) -> bool {
    let (mut only_one, mut only_other) = (0, 0);
    let classes = one.class_of_label.iter().zip(&other.class_of_label);
    for (row, (one, other)) in confusion.iter().zip(classes).filter(|(_, (a, b))| a != b) {
        only_one += row[*one];
        only_other += row[*other];
    }
    let images: u64 = confusion.iter().flatten().sum();
    let gain = only_one as f64 - only_other as f64;
    gain >= PERMUTATION_GAIN * images as f64
        && mcnemar(only_other, only_one) < PERMUTATION_OVER_KNOWN
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
    fn the_best_explanation_is_told_and_not_the_first_that_helps() {
        // Label 0 is class 1, 1 is 3, 2 is 2, 3 is 0: "one lower" explains half of it, since the last
        // label stands for the first class too.
        let truth = [1, 3, 2, 0];
        for images in [6, 18, 72] {
            let mut exact = vec![vec![0; 4]; 4];
            for (label, class) in truth.into_iter().enumerate() {
                exact[label][class] = images;
            }
            let found = label_permutation(&exact, 1).unwrap().unwrap();
            assert_eq!((found.known, found.class_of_label), (None, truth.to_vec()));
            assert_eq!((found.accuracy_before, found.accuracy_after), (0.25, 1.0));
        }
    }

    #[test]
    fn a_usual_mistake_is_preferred_to_a_fit_that_is_hardly_better() {
        let truth = KnownPermutation::OneHigher.class_of_label(6);
        for seed in 0..20 {
            let noisy = confusion(&truth, 55);
            let found = label_permutation(&noisy, seed).unwrap().unwrap();
            assert_eq!(found.known, Some(KnownPermutation::OneHigher));
        }
    }

    #[test]
    fn chance_is_rarely_taken_for_an_order() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for classes in [2, 3, 4, 6] {
            for round in 0..300 {
                let noise: Vec<Vec<u64>> = (0..classes)
                    .map(|_| {
                        let mut row = vec![0; classes];
                        (0..20).for_each(|_| row[rng.random_range(0..classes)] += 1);
                        row
                    })
                    .collect();
                assert_eq!(label_permutation(&noise, round).unwrap(), None, "{noise:?}");
            }
        }
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
