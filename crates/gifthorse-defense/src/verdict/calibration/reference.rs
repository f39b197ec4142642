//! What clean models look like: the reference that a model's classes are measured against.

use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};

use crate::verdict::error::StatsError;
use crate::verdict::test::comparison::Surprises;

/// A population of clean models.
///
/// The verdict asks it for clean models, and finds out by simulation how often one of them would
/// look as suspicious as the model at hand. Everything that distinguishes one calibration from
/// another is behind this trait, so that a library of measured clean models can take the place of
/// [`EqualClasses`].
pub trait Reference: Sync {
    /// How the verdict is calibrated, in two or three words for the report.
    fn calibration(&self) -> &str;

    /// What is known beforehand of the scale of a clean model's log sizes; `None` estimates it from
    /// the model alone.
    fn scale_prior(&self) -> Option<ScalePrior> {
        None
    }

    /// Draws one clean model: fills `log_sizes`, one slot for each class, in any order, all
    /// reached.
    ///
    /// The location is free, unless [`Self::knows_sizes`]; so is the scale, unless
    /// [`Self::scale_prior`] gives one, of which the scale must then be a draw.
    fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]);

    /// Whether the models drawn have the sizes of clean models and not only their differences. If so, a class is
    /// also flagged for being small beside the smallest of clean models, without a look at the other classes.
    fn knows_sizes(&self) -> bool {
        false
    }

    /// How surprising clean models were that were measured, each against a reference like this one; `None` where the
    /// models drawn are taken at their word.
    fn measured(&self) -> Option<&Surprises> {
        None
    }
}

/// Knowledge of the scale from elsewhere: the variance of a clean model's log sizes is distributed
/// like `d * s^2 / chi^2(d)`.
///
/// The scale estimated from a model is drawn towards `s` as if `s` had been estimated from `d + 1`
/// more classes (the moderated t statistic of limma), which steadies it where classes are few.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalePrior {
    scale: f64,
    degrees_of_freedom: f64,
}

impl ScalePrior {
    /// `scale` is the standard deviation of `ln(norm)` over the classes of a usual clean model;
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

    /// Typical standard deviation of a clean model's log sizes.
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
    pub(in crate::verdict) fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        match ChiSquared::new(self.degrees_of_freedom) {
            Ok(chi_squared) => {
                self.scale * (self.degrees_of_freedom / chi_squared.sample(rng)).sqrt()
            }
            Err(_) => self.scale,
        }
    }
}

/// Clean models whose classes are all equally hard to reach: log sizes are independent draws from
/// one normal distribution.
///
/// Real classes are not equal: where some are naturally easier than the others, this reference
/// raises more false alarms than the rate asked for. The label says so in every report.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EqualClasses {
    /// What is known of the scale beforehand; nothing by default.
    pub prior: Option<ScalePrior>,
}

impl Reference for EqualClasses {
    fn calibration(&self) -> &str {
        "equal classes"
    }

    fn scale_prior(&self) -> Option<ScalePrior> {
        self.prior
    }

    fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]) {
        let scale = self.prior.map_or(1.0, |prior| prior.draw(rng));
        for size in log_sizes {
            let standard: f64 = StandardNormal.sample(rng);
            *size = scale * standard;
        }
    }
}
