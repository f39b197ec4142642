//! A gamma distribution fitted by maximum likelihood, as `scipy.stats.gamma.fit` does it.

use statrs::function::gamma::{checked_gamma_ur, digamma, ln_gamma};

use super::nelder_mead::minimise;

/// Keeps the first guess of the shape finite where the numbers are not skewed.
const LEAST_SKEWNESS: f64 = 1e-8;
/// Distance of the first guess of the location from the smallest number, as a share of their range,
/// where that of the moments is no lower bound.
const DISTANCE: f64 = 0.1;
/// Numbers are all the same, but for rounding, where the logarithm of their mean and the mean of
/// their logarithms differ by no more.
const LEAST_GAP: f64 = 1e-13;
/// What a number outside of the support adds to the negative logarithm of the likelihood.
const OUTSIDE: f64 = 100.0 * 709.782_712_893_384;

/// A gamma distribution that begins at `location`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gamma {
    /// Shape, positive.
    pub shape: f64,
    /// Lower end of the support.
    pub location: f64,
    /// Scale, positive.
    pub scale: f64,
}

impl Gamma {
    /// All three parameters by maximum likelihood, from a first guess by moments. With a shape
    /// below 1 the likelihood has no maximum, and where the search ends then is part of the
    /// published rule.
    ///
    /// `None` if the numbers are all the same, or the search leaves the parameters' range.
    pub fn fit(numbers: &[f64]) -> Option<Self> {
        let [shape, location, scale] = first_guess(numbers)?;
        let of = |&[shape, location, scale]: &[f64; 3]| {
            Self {
                shape,
                location,
                scale,
            }
            .surprise(numbers)
        };
        let [shape, location, scale] = minimise([shape, location, scale], of);
        Self {
            shape,
            location,
            scale,
        }
        .checked()
    }

    /// Shape and scale by maximum likelihood with the location at zero.
    ///
    /// `None` if the numbers are all the same, or one is not positive.
    pub fn fit_from_zero(numbers: &[f64]) -> Option<Self> {
        if numbers.iter().any(|&x| x <= 0.0) {
            return None;
        }
        let mean = mean(numbers.iter().copied());
        Self::of_means(mean, self::mean(numbers.iter().map(|x| x.ln())))
    }

    /// The same of numbers of which only the mean and the mean of their logarithms are known: it
    /// does not depend on more.
    pub fn of_means(mean: f64, mean_of_logarithms: f64) -> Option<Self> {
        let gap = mean.ln() - mean_of_logarithms;
        if gap.is_nan() || gap <= LEAST_GAP {
            return None;
        }
        // ln(a) - digamma(a) falls from infinity to 0 and lies between 1/(2a) and 1/a.
        let (mut low, mut high) = ((0.5 / gap).ln(), (1.0 / gap).ln());
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if middle - digamma(middle.exp()) > gap {
                low = middle;
            } else {
                high = middle;
            }
        }
        let shape = (0.5 * (low + high)).exp();
        Self {
            shape,
            location: 0.0,
            scale: mean / shape,
        }
        .checked()
    }

    /// The probability of a number above `x`.
    pub fn above(&self, x: f64) -> Option<f64> {
        let z = (x - self.location) / self.scale;
        if z <= 0.0 {
            return Some(1.0);
        }
        checked_gamma_ur(self.shape, z).ok()
    }

    /// The negative logarithm of the likelihood, with a penalty for numbers outside of the support.
    fn surprise(&self, numbers: &[f64]) -> f64 {
        if self.shape.is_nan() || self.shape <= 0.0 || self.scale.is_nan() || self.scale <= 0.0 {
            return f64::INFINITY;
        }
        let norm = ln_gamma(self.shape);
        let of = |&x: &f64| {
            let z = (x - self.location) / self.scale;
            let log = if self.shape == 1.0 {
                0.0
            } else {
                (self.shape - 1.0) * z.ln()
            };
            let density = log - z - norm;
            if z < 0.0 || !density.is_finite() {
                OUTSIDE
            } else {
                -density
            }
        };
        numbers.iter().map(of).sum::<f64>() + numbers.len() as f64 * self.scale.ln()
    }

    fn checked(self) -> Option<Self> {
        let is_gamma = self.shape.is_finite()
            && self.shape > 0.0
            && self.location.is_finite()
            && self.scale.is_finite()
            && self.scale > 0.0;
        is_gamma.then_some(self)
    }
}

/// Shape, location and scale by the method of moments.
fn first_guess(numbers: &[f64]) -> Option<[f64; 3]> {
    let mean = mean(numbers.iter().copied());
    let moment = |power| self::mean(numbers.iter().map(|x| (x - mean).powi(power)));
    let (variance, third) = (moment(2), moment(3));
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let skewness = third / variance.powf(1.5);
    let shape = 4.0 / (LEAST_SKEWNESS + skewness * skewness);
    let scale = (variance / shape).sqrt();
    let location = mean - scale * shape;
    let smallest = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    if location < smallest {
        return Some([shape, location, scale]);
    }
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some([shape, smallest - DISTANCE * (largest - smallest), 1.0])
}

fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = numbers.len();
    numbers.sum::<f64>() / count as f64
}
