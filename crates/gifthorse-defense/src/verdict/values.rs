//! The values of one witness, checked and brought into order.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::calibration::ClassValues;
use super::error::StatsError;
use super::evidence::{ClassEvidence, Witness};
use super::set_aside::Thinning;

/// Values of the classes that were reached, in rising order, and the number of those that were
/// not. A class that stands for classes set aside occurs as often as it stands for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    ascending: Vec<f64>,
    accused: Vec<Vec<usize>>,
    unreached: usize,
    thinning: Option<Thinning>,
    classes_of_model: Option<usize>,
}

/// The value of one class, or of the model; none if it was never reached.
#[derive(Clone)]
struct Found {
    value: Option<f64>,
    /// The classes that are accused; none by a class that was set aside.
    accused: Vec<usize>,
    /// The class that the search was about.
    searched: usize,
}

impl Values {
    /// Checks what a witness found in a model of so many classes and brings it into order.
    ///
    /// # Errors
    /// A class given twice, a value that is infinite or not a number, or classes set aside for
    /// which a class stands that was not searched, or none.
    pub fn of(witness: &Witness, classes: usize) -> Result<Self, StatsError> {
        check(witness)?;
        let searched: Vec<usize> = witness
            .classes
            .iter()
            .map(ClassEvidence::class_of_search)
            .collect();
        let thinning = witness.set_aside.thinning(&searched)?;
        let found = |of: &ClassEvidence| Found {
            value: of.reached.then_some(of.value),
            accused: of.accused(),
            searched: of.class_of_search(),
        };
        let mut all: Vec<Found> = witness.classes.iter().map(found).collect();
        let stand_ins = witness
            .set_aside
            .stand_ins(&all, |found| found.searched, Found::compare);
        all.extend(stand_ins.into_iter().map(|found| Found {
            accused: Vec::new(),
            ..found
        }));
        Ok(Self {
            classes_of_model: witness.statistic.of_model.then_some(classes),
            ..Self::in_order(all, thinning)
        })
    }

    /// The values of a model of the library, of so many classes, which were all searched to the
    /// end.
    pub(super) fn of_all(values: &ClassValues, classes: usize) -> Self {
        let found = |(searched, &value)| Found {
            value,
            accused: values.accused(searched),
            searched,
        };
        Self {
            classes_of_model: values.of_model.then_some(classes),
            ..Self::in_order(values.values.iter().enumerate().map(found).collect(), None)
        }
    }

    fn in_order(mut found: Vec<Found>, thinning: Option<Thinning>) -> Self {
        found.sort_by(Found::compare);
        let reached = found.partition_point(|found| found.value.is_some());
        Self {
            unreached: found.len() - reached,
            ascending: found.iter().filter_map(|found| found.value).collect(),
            accused: found.drain(..reached).map(|found| found.accused).collect(),
            thinning,
            classes_of_model: None,
        }
    }

    /// Values of the reached classes, smallest first.
    #[must_use]
    pub fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// The classes that each value is held against, in the order of [`Self::ascending`]: usually
    /// one. Searches from several classes may accuse the same; none is accused by a class that was
    /// set aside, whose value is that of the class that stands for it.
    #[must_use]
    pub fn accused(&self) -> &[Vec<usize>] {
        &self.accused
    }

    /// Minus the logarithm of the share of the model's classes that each value is held against, if
    /// one value speaks for the model; 0 where each class has its own.
    pub(super) fn rarity(&self) -> Vec<f64> {
        let share = |accused: &Vec<usize>| match self.classes_of_model {
            Some(classes) => (classes.max(1) as f64 / accused.len().max(1) as f64).ln(),
            None => 0.0,
        };
        self.accused.iter().map(share).collect()
    }

    /// The place of the smallest value that is held against a class.
    #[must_use]
    pub fn place_of(&self, class: usize) -> Option<usize> {
        self.accused
            .iter()
            .position(|accused| accused.contains(&class))
    }

    /// Of how many classes a clean model is that the values are measured by: as many as are
    /// compared, or all of the model where there is one value for it.
    #[must_use]
    pub fn classes_of_model(&self) -> usize {
        self.classes_of_model.unwrap_or_else(|| self.compared())
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
        let index = |of: &Self| match of.accused.is_empty() {
            false => of.searched,
            true => usize::MAX,
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
