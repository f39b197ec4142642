//! What a filter says of one image.

/// What a filter says of one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// How suspicious it is; larger is more. Never "not a number": what cannot be scored is as
    /// suspicious as can be.
    pub score: f64,
    /// The class that the model gives it.
    pub answer: usize,
    /// The class to give instead if it is stamped; `None` if the filter has no opinion.
    pub safe_label: Option<usize>,
}

impl Scored {
    /// A score and the model's own answer.
    pub fn new(score: f64, answer: usize) -> Self {
        let score = if score.is_nan() { f64::INFINITY } else { score };
        Self {
            score,
            answer,
            safe_label: None,
        }
    }

    /// The same with a class to give instead.
    #[must_use]
    pub fn with_safe_label(self, safe_label: Option<usize>) -> Self {
        Self { safe_label, ..self }
    }
}

/// The largest of a row of logits that is not of the class `without`; `None` if there is no other.
/// Logits that are not numbers lose against all others, and the first of equals is taken.
pub(super) fn best_other(row: &[f32], without: Option<usize>) -> Option<usize> {
    let others = (0..row.len()).filter(|&class| Some(class) != without);
    others.reduce(|best, class| {
        let is_better = row[class] > row[best] || (row[best].is_nan() && !row[class].is_nan());
        if is_better { class } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_other_class_is_never_the_one_left_out() {
        assert_eq!(best_other(&[3.0, 1.0, 2.0], None), Some(0));
        assert_eq!(best_other(&[3.0, 1.0, 2.0], Some(0)), Some(2));
        assert_eq!(best_other(&[3.0, f32::NAN, f32::NAN], Some(0)), Some(1));
        assert_eq!(best_other(&[3.0, f32::NAN, -1.0], Some(0)), Some(2));
        assert_eq!(best_other(&[3.0], Some(0)), None);
    }

    #[test]
    fn what_cannot_be_scored_is_suspicious() {
        assert_eq!(Scored::new(f64::NAN, 0).score, f64::INFINITY);
    }
}
