//! The values of one witness, checked and brought into order.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::error::StatsError;
use super::evidence::{ClassEvidence, Witness};
use super::set_aside::Thinning;

/// Values of the classes that were reached, in rising order, and the number of those that were
/// not. A class that stands for classes set aside occurs as often as it stands for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    ascending: Vec<f64>,
    classes: Vec<Option<usize>>,
    unreached: usize,
    thinning: Option<Thinning>,
}

/// The value of one class; none if it was never reached. A class that was set aside has no index.
#[derive(Clone, Copy)]
struct Found {
    value: Option<f64>,
    /// The class that is accused.
    class: Option<usize>,
    /// The class that the search was about.
    searched: usize,
}

impl Values {
    /// Checks what a witness found and brings it into order.
    ///
    /// # Errors
    /// A class given twice, a value that is infinite or not a number, or classes set aside for
    /// which a class stands that was not searched, or none.
    pub fn of(witness: &Witness) -> Result<Self, StatsError> {
        check(witness)?;
        let searched: Vec<usize> = witness
            .classes
            .iter()
            .map(ClassEvidence::class_of_search)
            .collect();
        let thinning = witness.set_aside.thinning(&searched)?;
        let found = |of: &ClassEvidence| Found {
            value: of.reached.then_some(of.value),
            class: Some(of.class),
            searched: of.class_of_search(),
        };
        let mut all: Vec<Found> = witness.classes.iter().map(found).collect();
        let stand_ins = witness
            .set_aside
            .stand_ins(&all, |found| found.searched, Found::compare);
        all.extend(stand_ins.into_iter().map(|found| Found {
            class: None,
            ..found
        }));
        Ok(Self::in_order(all, thinning))
    }

    /// The values of a model of the library, whose classes were all searched to the end.
    pub(super) fn of_all(values: &[Option<f64>]) -> Self {
        let found = |(class, &value)| Found {
            value,
            class: Some(class),
            searched: class,
        };
        Self::in_order(values.iter().enumerate().map(found).collect(), None)
    }

    fn in_order(mut found: Vec<Found>, thinning: Option<Thinning>) -> Self {
        found.sort_by(Found::compare);
        let reached = found.partition_point(|found| found.value.is_some());
        Self {
            unreached: found.len() - reached,
            ascending: found.iter().filter_map(|found| found.value).collect(),
            classes: found[..reached].iter().map(|found| found.class).collect(),
            thinning,
        }
    }

    /// Values of the reached classes, smallest first.
    #[must_use]
    pub fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// The accused classes, in the order of [`Self::ascending`], of which searches from several
    /// classes may accuse the same; `None` in the place of a class
    /// that was set aside, whose value is that of the class that stands for it.
    #[must_use]
    pub fn classes(&self) -> &[Option<usize>] {
        &self.classes
    }

    /// How many classes were never reached, or are taken not to be, as those that stand for them.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.unreached
    }

    /// How many classes are compared: those searched to the end and those set aside.
    #[must_use]
    pub fn compared(&self) -> usize {
        self.ascending.len() + self.unreached
    }

    /// How the classes were thinned out; `None` if all were searched to the end.
    #[must_use]
    pub fn thinning(&self) -> Option<Thinning> {
        self.thinning
    }
}

impl Found {
    /// By value, those never reached last; of one value, those set aside last.
    fn compare(&self, other: &Self) -> Ordering {
        let value = |of: &Self| of.value.unwrap_or(f64::INFINITY);
        let index = |of: &Self| match of.class {
            Some(_) => of.searched,
            None => usize::MAX,
        };
        value(self)
            .total_cmp(&value(other))
            .then(index(self).cmp(&index(other)))
    }
}

fn check(witness: &Witness) -> Result<(), StatsError> {
    let mut seen = HashSet::new();
    for found in &witness.classes {
        if !seen.insert(found.class_of_search()) {
            return Err(StatsError::DuplicateClass(found.class_of_search()));
        }
        if !found.value.is_finite() {
            return Err(StatsError::Value {
                method: witness.method.to_string(),
                class: found.class,
                value: found.value,
            });
        }
    }
    Ok(())
}
