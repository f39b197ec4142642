//! What clean models look like: what the values of a model's classes are measured against.
//!
//! - [`EqualClasses`]: nothing is known but that the classes of a clean model are alike;
//! - [`CleanModels`]: a [`Library`] of clean models that every detector was run on;
//! - [`References`]: clean models of the user's own, completed by a library.

mod clean_models;
mod equal_classes;
mod leave_one_out;
pub(super) mod library;
mod population;
mod references;

use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution};

pub use clean_models::CleanModels;
pub use equal_classes::EqualClasses;
pub use library::{
    Backdoored, BackdooredModel, ClassValues, Entry, Library, LibraryModel, MethodTraits,
    ModelFile, OutOfSpan,
};
pub use references::References;

use super::error::StatsError;
use super::evidence::Method;
use super::test::Surprises;

/// What clean models look like to the witnesses of a verdict.
pub trait Calibration: Sync {
    /// How the verdict is calibrated, in two or three words for the report.
    fn name(&self) -> &str;

    /// What clean models look like to one method; `None` if none were measured with it, so that
    /// what it found has no part in the verdict.
    fn null_model(&self, method: &Method) -> Option<&dyn NullModel>;

    /// How surprising clean models were, to all of these methods together, that were measured with
    /// all of them; `None` where the models drawn are taken at their word.
    fn ranks(&self, methods: &[&Method]) -> Option<Surprises> {
        let _ = methods;
        None
    }

    /// Whether models with so many pixels and classes are like those that the calibration knows.
    /// The values of one that is not are not compared with theirs, only with one another.
    ///
    /// # Errors
    /// They are not, and in what.
    fn spans(&self, pixels: usize, classes: usize) -> Result<(), OutOfSpan> {
        let _ = (pixels, classes);
        Ok(())
    }
}

/// What the values of a clean model's classes look like to one method: a distribution over whole
/// models.
pub trait NullModel: Sync {
    /// What is known beforehand of the scale of a clean model's values; `None` estimates it from
    /// the model alone.
    fn scale_prior(&self) -> Option<ScalePrior> {
        None
    }

    /// Draws one clean model of so many classes: fills `values`, one slot for each class in any
    /// order, or a single one for the model, all reached.
    ///
    /// The location is free, unless [`Self::location`] knows it; so is the scale, unless
    /// [`Self::scale_prior`] gives one, of which the scale must then be a draw.
    fn draw(&self, rng: &mut ChaCha8Rng, classes: usize, values: &mut [f64]);

    /// Where the values of a clean model of so many classes usually lie, if those of different
    /// models can be compared. A class is then also flagged for being small beside the smallest of
    /// clean models, without a look at the other classes.
    fn location(&self, classes: usize) -> Option<f64> {
        let _ = classes;
        None
    }

    /// How much higher the values of a clean model with so many pixels lie than those drawn, which
    /// are of models with images of a usual size.
    fn shift(&self, pixels: usize) -> f64 {
        let _ = pixels;
        0.0
    }
}

/// Knowledge of the scale from elsewhere: the variance of a clean model's values is distributed
/// like `d * s^2 / chi^2(d)`.
///
/// The scale estimated from a model is drawn towards `s` as if `s` had been estimated from `d + 1`
/// more classes (the moderated t statistic of Smyth 2004, limma), which steadies it where classes
/// are few.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalePrior {
    scale: f64,
    degrees_of_freedom: f64,
}

impl ScalePrior {
    /// `scale` is the standard deviation of the values over the classes of a usual clean model;
    /// `degrees_of_freedom` how alike clean models are in it (1: hardly, 100: nearly equal).
    ///
    /// # Errors
    /// Either is not positive and finite.
    pub fn new(scale: f64, degrees_of_freedom: f64) -> Result<Self, StatsError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if positive(scale) && positive(degrees_of_freedom) {
            Ok(Self {
                scale,
                degrees_of_freedom,
            })
        } else {
            Err(StatsError::ScalePrior {
                scale,
                degrees_of_freedom,
            })
        }
    }

    /// Typical standard deviation of a clean model's values.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Weight of the prior, in degrees of freedom.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.degrees_of_freedom
    }

    /// Draws the standard deviation of one clean model.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        match ChiSquared::new(self.degrees_of_freedom) {
            Ok(chi_squared) => {
                self.scale * (self.degrees_of_freedom / chi_squared.sample(rng)).sqrt()
            }
            Err(_) => self.scale,
        }
    }
}
