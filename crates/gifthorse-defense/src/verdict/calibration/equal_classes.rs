//! The calibration without a library: all classes of a clean model are alike.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Calibration, NullModel, ScalePrior};
use crate::verdict::evidence::Method;

/// Clean models whose classes are all equally hard to reach: values are independent draws from
/// one normal distribution, whatever the method.
///
/// Real classes are not equal: where some are naturally easier than the others, this calibration
/// raises more false alarms than the rate asked for. The name says so in every report.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EqualClasses {
    /// What is known of the scale beforehand; nothing by default.
    pub prior: Option<ScalePrior>,
}

impl Calibration for EqualClasses {
    fn name(&self) -> &str {
        "equal classes"
    }

    fn null_model(&self, _: &Method) -> Option<&dyn NullModel> {
        Some(self)
    }
}

impl NullModel for EqualClasses {
    fn scale_prior(&self) -> Option<ScalePrior> {
        self.prior
    }

    fn draw(&self, rng: &mut ChaCha8Rng, _: usize, values: &mut [f64]) {
        let scale = self.prior.map_or(1.0, |prior| prior.draw(rng));
        for value in values {
            let standard: f64 = StandardNormal.sample(rng);
            *value = scale * standard;
        }
    }
}
