//! The usual ways in which labels come to be numbered otherwise than a model's classes.

/// The usual ways in which labels come to be numbered otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownPermutation {
    /// The labels were numbered by class names sorted as strings, "0", "1", "10", "11", "2", ...;
    /// the model's classes are the numbers.
    LabelsSortedAsStrings,
    /// The model's classes were numbered by class names sorted as strings; the labels are the
    /// numbers.
    ClassesSortedAsStrings,
    /// As [`Self::LabelsSortedAsStrings`], with names that start at "1".
    LabelsSortedAsStringsFromOne,
    /// As [`Self::ClassesSortedAsStrings`], with names that start at "1".
    ClassesSortedAsStringsFromOne,
    /// Label i is the model's class i + 1, the last one class 0.
    OneHigher,
    /// Label i is the model's class i - 1, the first one the last class.
    OneLower,
    /// The order is reversed.
    Reversed,
}

impl KnownPermutation {
    pub(super) const ALL: [Self; 7] = [
        Self::LabelsSortedAsStrings,
        Self::ClassesSortedAsStrings,
        Self::LabelsSortedAsStringsFromOne,
        Self::ClassesSortedAsStringsFromOne,
        Self::OneHigher,
        Self::OneLower,
        Self::Reversed,
    ];

    /// What went wrong, as the end of a sentence that begins "the labels are ...".
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::LabelsSortedAsStrings => {
                "numbered by class names sorted as strings (0, 1, 10, 11, 2, ...), the model's classes by value"
            }
            Self::ClassesSortedAsStrings => {
                "numbered by value, the model's classes by class names sorted as strings (0, 1, 10, 11, 2, ...)"
            }
            Self::LabelsSortedAsStringsFromOne => {
                "numbered by class names sorted as strings (1, 10, 11, 2, ...), the model's classes by value"
            }
            Self::ClassesSortedAsStringsFromOne => {
                "numbered by value, the model's classes by class names sorted as strings (1, 10, 11, 2, ...)"
            }
            Self::OneHigher => "one lower than the model's classes (label 0 is class 1)",
            Self::OneLower => "one higher than the model's classes (label 1 is class 0)",
            Self::Reversed => "in the reverse order of the model's classes",
        }
    }

    /// Entry i: the model's class that label i stands for.
    #[must_use]
    pub fn class_of_label(self, classes: usize) -> Vec<usize> {
        match self {
            Self::LabelsSortedAsStrings => sorted_as_strings(classes, 0),
            Self::ClassesSortedAsStrings => inverse(&sorted_as_strings(classes, 0)),
            Self::LabelsSortedAsStringsFromOne => sorted_as_strings(classes, 1),
            Self::ClassesSortedAsStringsFromOne => inverse(&sorted_as_strings(classes, 1)),
            Self::OneHigher => (0..classes).map(|label| (label + 1) % classes).collect(),
            Self::OneLower => (0..classes)
                .map(|label| (label + classes - 1) % classes)
                .collect(),
            Self::Reversed => (0..classes).rev().collect(),
        }
    }
}

/// Classes in the order of their numbers as strings, the numbers starting at `first`.
fn sorted_as_strings(classes: usize, first: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by_cached_key(|class| (class + first).to_string());
    order
}

fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    for (from, &to) in permutation.iter().enumerate() {
        inverse[to] = from;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_sort_as_strings() {
        assert_eq!(
            KnownPermutation::LabelsSortedAsStrings.class_of_label(12),
            [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        assert_eq!(
            KnownPermutation::LabelsSortedAsStringsFromOne.class_of_label(12),
            [0, 9, 10, 11, 1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(
            KnownPermutation::ClassesSortedAsStrings.class_of_label(12),
            [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3]
        );
    }
}
