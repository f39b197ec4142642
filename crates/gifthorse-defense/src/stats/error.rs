//! What can be wrong with the numbers handed to the statistics.

use thiserror::Error;

/// Input that no statistic can be made of. Everything that is merely *not enough to tell* is an
/// inconclusive [`Decision`](super::Decision), not an error.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StatsError {
    /// No class was searched.
    #[error("no class was searched: the evidence must hold at least one class")]
    NoClasses,
    /// A norm is negative, infinite or not a number.
    #[error("class {class}: the norm is {norm}, but must be a finite number that is not negative")]
    Norm {
        /// Class index.
        class: usize,
        /// The norm given.
        norm: f64,
    },
    /// A class occurs twice.
    #[error("class {0} occurs twice in the evidence; give each class once")]
    DuplicateClass(usize),
    /// Classes were set aside and none stands for them.
    #[error(
        "{0} classes were set aside, and none stands for them: search some of them, drawn at random"
    )]
    NoSample(usize),
    /// A class that stands for others is not in the evidence.
    #[error("class {0} stands for classes that were set aside, but is not in the evidence itself")]
    SampleNotSearched(usize),
    /// The image has no pixels.
    #[error("the image has 0 pixels; give height times width of the model's input")]
    NoPixels,
    /// More successes than trials.
    #[error("{successes} successes in {trials} trials: there cannot be more successes than trials")]
    Successes {
        /// Successes given.
        successes: u64,
        /// Trials given.
        trials: u64,
    },
    /// A confidence level outside (0, 1).
    #[error("the confidence level is {0}, but must lie between 0 and 1, both excluded")]
    Confidence(f64),
    /// A false positive rate that the simulation cannot resolve.
    #[error("the false positive rate is {0}, but must lie between 0.001 and 0.5")]
    FalsePositiveRate(f64),
    /// A scale prior that is not a distribution.
    #[error(
        "the prior of the scale has scale {scale} and {degrees_of_freedom} degrees of freedom, but both must be positive and finite"
    )]
    ScalePrior {
        /// Scale given, in natural logarithms of the size.
        scale: f64,
        /// Degrees of freedom given.
        degrees_of_freedom: f64,
    },
    /// A reference drew a clean model that is no model.
    #[error(
        "the reference \"{calibration}\" drew a clean model whose log sizes are not all finite"
    )]
    Reference {
        /// The label of the reference.
        calibration: String,
    },
}
