//! What a row of logits says of a class.

use super::scored::best_other;

/// How far the logit of a class lies above the largest other one; below it, negative.
pub(super) fn margin(row: &[f32], class: usize) -> f64 {
    match (row.get(class), best_other(row, Some(class))) {
        (Some(&own), Some(other)) => f64::from(own) - f64::from(row[other]),
        _ => 0.0,
    }
}

/// The probability that the softmax of logits gives a class.
pub(super) fn probability(row: &[f32], class: usize) -> f64 {
    1.0 - improbability(row, class)
}

/// The probability that the softmax of logits gives to all other classes: also where it is so small
/// that one less it would be 1.
pub(super) fn improbability(row: &[f32], class: usize) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| (f64::from(logit) - f64::from(largest)).exp();
    let sum = |without: Option<usize>| -> f64 {
        let classes = row.iter().enumerate();
        let classes = classes.filter(|(class, _)| Some(*class) != without);
        classes.map(|(_, &logit)| weight(logit)).sum()
    };
    sum(Some(class)) / sum(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_the_way_to_the_best_other_class() {
        assert_eq!(margin(&[3.0, 1.0, 2.5], 0), 0.5);
        assert_eq!(margin(&[3.0, 1.0, 2.5], 1), -2.0);
        assert_eq!(margin(&[3.0], 0), 0.0);
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let row = [1000.0, 1000.0, 999.0];
        let all: f64 = (0..3).map(|class| probability(&row, class)).sum();
        assert!((all - 1.0).abs() < 1e-12);
        assert_eq!(probability(&row, 0), probability(&row, 1));
        let sure = [
            improbability(&[90.0, 0.0], 0),
            improbability(&[91.0, 0.0], 0),
        ];
        assert!(0.0 < sure[1] && sure[1] < sure[0] && sure[0] < 1e-38);
    }
}
