//! What the searches found, checked and brought into order.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::verdict::calibration::library::LibraryModel;
use crate::verdict::confirmation::Confirmation;
use crate::verdict::error::StatsError;
use crate::verdict::set_aside::{SetAside, Thinning};

/// Norms below this many pixels count as this many: one grey level of one pixel, below which a
/// stored trigger holds nothing.
const LEAST_NORM: f64 = 1.0 / 255.0;

/// What is known of a model after the searches: one entry for each class that was searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The classes searched, in any order, each once.
    pub classes: Vec<ClassEvidence>,
    /// Classes whose search was ended early; not in `classes`.
    pub set_aside: SetAside,
    /// Height times width of the model's input.
    pub pixels: usize,
    /// Whether the model's gradients can be trusted to lead a search.
    pub gradients: GradientHealth,
}

/// The outcome of the search for one target class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassEvidence {
    /// Class index.
    pub class: usize,
    /// L1 norm of the mask, in pixels: of the smallest that reached the success threshold or, if
    /// none did, of the last.
    pub norm: f64,
    /// Whether any mask reached the success threshold. A class that was never reached is censored:
    /// the trigger that it needs is larger than any found, so it is never a candidate.
    pub reached: bool,
    /// The trigger tried on held-out images; `None` if it was not tried.
    pub confirmation: Option<Confirmation>,
}

/// Outcome of the gradient health check that comes before any search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GradientHealth {
    /// Gradients lead where finite differences say they should.
    Sound,
    /// Gradients vanish or lie, so that large triggers say nothing; with the reason in words.
    Unsound(String),
}

/// Log sizes of the classes that were reached, in rising order, and the number of those that were
/// not. A class that stands for classes set aside occurs as often as it stands for one.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSizes {
    ascending: Vec<f64>,
    classes: Vec<Option<usize>>,
    unreached: usize,
    thinning: Option<Thinning>,
}

impl LogSizes {
    /// Checks the evidence and takes the logarithms: `ln(norm / pixels)`, natural, so 0 is a
    /// trigger that covers the image.
    ///
    /// Norms below a single grey level of a single pixel (1/255) count as that, so that a class
    /// reached by no trigger at all has a finite size.
    ///
    /// # Errors
    /// No classes, no pixels, a class given twice, a norm that is negative, infinite or not a
    /// number, or classes set aside for which none of the others stands.
    pub fn new(evidence: &Evidence) -> Result<Self, StatsError> {
        check(evidence)?;
        let searched: Vec<usize> = evidence.classes.iter().map(|found| found.class).collect();
        let thinning = evidence.set_aside.thinning(&searched)?;
        let mut found: Vec<Size> = evidence
            .classes
            .iter()
            .map(|found| Size {
                log: found.reached.then(|| log_size(found.norm, evidence.pixels)),
                class: Some(found.class),
            })
            .collect();
        if let Some(thinning) = &thinning {
            found.extend(stand_ins(&found, &evidence.set_aside, thinning));
        }
        found.sort_by(Size::compare);
        Ok(Self::of_sorted(&found, thinning))
    }

    /// The sizes of a model of the library, whose classes were all searched to the end.
    pub(in crate::verdict) fn of_model(model: &LibraryModel) -> Self {
        let mut found: Vec<Size> = model
            .log_sizes
            .iter()
            .enumerate()
            .map(|(class, &log)| Size {
                log,
                class: Some(class),
            })
            .collect();
        found.sort_by(Size::compare);
        Self::of_sorted(&found, None)
    }

    fn of_sorted(found: &[Size], thinning: Option<Thinning>) -> Self {
        let reached = found.partition_point(|size| size.log.is_some());
        Self {
            unreached: found.len() - reached,
            ascending: found.iter().filter_map(|size| size.log).collect(),
            classes: found[..reached].iter().map(|size| size.class).collect(),
            thinning,
        }
    }

    /// Log sizes of the reached classes, smallest first.
    #[must_use]
    pub fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// The reached classes, in the order of [`Self::ascending`]; `None` in the place of a class that was
    /// set aside, whose size is that of the class that stands for it.
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

/// `ln(norm / pixels)`.
pub(in crate::verdict) fn log_size(norm: f64, pixels: usize) -> f64 {
    (norm.max(LEAST_NORM) / pixels as f64).ln()
}

/// The size of one class; none if it was never reached. A class that was set aside has no index.
#[derive(Clone, Copy)]
struct Size {
    log: Option<f64>,
    class: Option<usize>,
}

impl Size {
    /// By size, those never reached last; of one size, those set aside last.
    fn compare(&self, other: &Self) -> Ordering {
        let size = |of: &Self| of.log.unwrap_or(f64::INFINITY);
        let index = |of: &Self| of.class.unwrap_or(usize::MAX);
        size(self)
            .total_cmp(&size(other))
            .then(index(self).cmp(&index(other)))
    }
}

/// The sizes that classes set aside are taken to have.
fn stand_ins(found: &[Size], aside: &SetAside, thinning: &Thinning) -> Vec<Size> {
    let drawn = |size: &&Size| {
        size.class
            .is_some_and(|class| aside.sample.contains(&class))
    };
    let mut sample: Vec<Size> = found.iter().filter(drawn).copied().collect();
    sample.sort_by(Size::compare);
    let repeated = sample.iter().zip(thinning.weights());
    repeated
        .flat_map(|(size, weight)| {
            vec![
                Size {
                    class: None,
                    ..*size
                };
                weight - 1
            ]
        })
        .collect()
}

fn check(evidence: &Evidence) -> Result<(), StatsError> {
    if evidence.classes.is_empty() {
        return Err(StatsError::NoClasses);
    }
    if evidence.pixels == 0 {
        return Err(StatsError::NoPixels);
    }
    let mut seen = HashSet::new();
    for found in &evidence.classes {
        if !seen.insert(found.class) {
            return Err(StatsError::DuplicateClass(found.class));
        }
        if !found.norm.is_finite() || found.norm < 0.0 {
            return Err(StatsError::Norm {
                class: found.class,
                norm: found.norm,
            });
        }
    }
    Ok(())
}
