//! What can be wrong with the numbers handed to the statistics.

use thiserror::Error;

use super::evidence::Method;

/// Input that no statistic can be made of. Everything that is merely *not enough to tell* is an
/// inconclusive [`Decision`](super::Decision), not an error.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StatsError {
    /// The name of a detector and its preset is none.
    #[error("\"{0}\" is no method: give the name of a detector and of its preset, one word each")]
    Method(String),
    /// Two witnesses of one method.
    #[error("{0} is in the evidence twice; give each method once")]
    DuplicateMethod(String),
    /// A value is infinite or not a number.
    #[error("class {class}: the value of {method} is {value}, but must be a finite number")]
    Value {
        /// The method.
        method: String,
        /// Class index.
        class: usize,
        /// The value given.
        value: f64,
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
    /// A calibration drew a clean model that is no model.
    #[error("the calibration drew a clean model whose values are not all finite")]
    NullModel,
}

/// A library of clean models, or a file of backdoored ones, that is none.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LibraryError {
    /// The text is not such a file.
    #[error("this is no library of models: {0}")]
    Json(String),
    /// The file has another version.
    #[error(
        "the library has version {found} of the format, but this program reads version {known}"
    )]
    Version {
        /// Version of the file.
        found: u32,
        /// Version that is read.
        known: u32,
    },
    /// Two models have one name.
    #[error("two models of the library are called \"{0}\"; give each a name of its own")]
    DuplicateName(String),
    /// A model has no classes to compare.
    #[error("model \"{0}\" has {1} classes, but at least 2 are needed")]
    TooFewClasses(String, usize),
    /// The image has no pixels.
    #[error("model \"{0}\" has images of 0 pixels; give height times width of its input")]
    NoPixels(String),
    /// A value that cannot be one.
    #[error(
        "model \"{model}\", class {class}: the value of {method} is {value}, but must be a finite number"
    )]
    Value {
        /// Name of the model.
        model: String,
        /// Method that gave it.
        method: Method,
        /// Class index.
        class: usize,
        /// The value given.
        value: f64,
    },
    /// A model has as many values as it has no classes.
    #[error(
        "model \"{model}\" has {classes} classes, but {values} values of {method}; give one for each"
    )]
    Values {
        /// Name of the model.
        model: String,
        /// Method that gave them.
        method: Method,
        /// Values given.
        values: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// A model has a value for each class of a method that gives one for the model, or the other
    /// way round.
    #[error(
        "what model \"{model}\" has of {method} is not of the kind that the file says: a value for each class, or one \
         for the model"
    )]
    OfModel {
        /// Name of the model.
        model: String,
        /// The method.
        method: Method,
    },
    /// A model has values of a method that the file does not declare.
    #[error(
        "model \"{model}\" has values of {method}, which the file does not list among its methods"
    )]
    UndeclaredMethod {
        /// Name of the model.
        model: String,
        /// The method.
        method: Method,
    },
    /// A reference lacks what another has.
    #[error(
        "model \"{model}\" was not scanned with {method}, as the other references were; scan all with the same detectors"
    )]
    LacksMethod {
        /// Name of the model.
        model: String,
        /// The method.
        method: Method,
    },
    /// A class is named that the model does not have.
    #[error("model \"{model}\" names class {class}, which it does not have")]
    NoSuchClass {
        /// Name of the model.
        model: String,
        /// Class index.
        class: usize,
    },
    /// Too few models to calibrate anything on.
    #[error(
        "the library has {found} clean models that can be used, but at least {needed} are needed"
    )]
    TooFewModels {
        /// Models of which at least half of the classes were reached.
        found: usize,
        /// Models needed.
        needed: usize,
    },
    /// A model that says nothing, as a reference.
    #[error(
        "model \"{0}\" is no reference: for more than half of its classes no trigger was found at all"
    )]
    MostlyUnreached(String),
    /// The numbers of the models lead to none.
    #[error("the library leads to no clean model: {0}")]
    Simulation(#[from] StatsError),
    /// Some classes were left out or eliminated early.
    #[error(
        "model \"{0}\": not every class was searched to the end; scan it in full (--search full, without --classes and --max-time)"
    )]
    NotAllSearched(String),
}
