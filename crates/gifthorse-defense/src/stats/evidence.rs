//! What the searches found, checked and brought into order.

use std::collections::HashSet;

use super::confirmation::Confirmation;
use super::error::StatsError;

/// Norms below this many pixels count as this many: one grey level of one pixel, below which a
/// stored trigger holds nothing.
const LEAST_NORM: f64 = 1.0 / 255.0;

/// What is known of a model after the searches: one entry for each class that was searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The classes searched, in any order, each once.
    pub classes: Vec<ClassEvidence>,
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
/// not.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSizes {
    ascending: Vec<f64>,
    classes: Vec<usize>,
    unreached: usize,
}

impl LogSizes {
    /// Checks the evidence and takes the logarithms: `ln(norm / pixels)`, natural, so 0 is a
    /// trigger that covers the image.
    ///
    /// Norms below a single grey level of a single pixel (1/255) count as that, so that a class
    /// reached by no trigger at all has a finite size.
    ///
    /// # Errors
    /// No classes, no pixels, a class given twice, or a norm that is negative, infinite or not a
    /// number.
    pub fn new(evidence: &Evidence) -> Result<Self, StatsError> {
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
        let pixels = evidence.pixels as f64;
        let mut reached: Vec<(f64, usize)> = evidence
            .classes
            .iter()
            .filter(|found| found.reached)
            .map(|found| ((found.norm.max(LEAST_NORM) / pixels).ln(), found.class))
            .collect();
        reached.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let unreached = evidence.classes.len() - reached.len();
        let (ascending, classes) = reached.into_iter().unzip();
        Ok(Self {
            ascending,
            classes,
            unreached,
        })
    }

    /// Log sizes of the reached classes, smallest first.
    #[must_use]
    pub fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// The reached classes, in the order of [`Self::ascending`].
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// How many classes were never reached.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.unreached
    }

    /// How many classes were searched.
    #[must_use]
    pub fn searched(&self) -> usize {
        self.ascending.len() + self.unreached
    }
}
