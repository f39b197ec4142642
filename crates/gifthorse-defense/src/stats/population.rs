//! What clean models have in common, and how they differ: a hierarchical model of their log sizes.
//!
//! `log size = location of the model + scale of the model * residual of the class`. Locations are normal, variances scaled
//! inverse chi-squared (limma's prior), and residuals are those of all classes of all models, as measured: no
//! shape is assumed for the tails.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

use super::library::LibraryModel;
use super::moments::cut_normal;
use super::reference::ScalePrior;
use super::scale_fit::{ModelVariance, fit_prior};

/// What is known of clean models.
#[derive(Debug, Clone)]
pub(super) struct Population {
    prior: Option<ScalePrior>,
    location: f64,
    /// Standard deviation of a further model's location.
    spread: f64,
    residuals: Vec<f64>,
}

/// Location and scale of one model, which its unreached classes do not shift.
struct Moments {
    location: f64,
    variance: ModelVariance,
}

impl Population {
    /// Fits the population to models.
    pub(super) fn fit(models: &[&LibraryModel]) -> Self {
        let moments: Vec<Moments> = models.iter().map(|model| Moments::of(model)).collect();
        let variances: Vec<ModelVariance> = moments.iter().map(|of| of.variance).collect();
        let prior = fit_prior(&variances);
        let count = moments.len() as f64;
        let location = moments.iter().map(|of| of.location).sum::<f64>() / count;
        let squares = moments.iter().map(|of| (of.location - location).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0);
        let residuals = models.iter().zip(&moments);
        Self {
            prior,
            location,
            spread: (variance * (1.0 + 1.0 / count)).sqrt(),
            residuals: residuals
                .flat_map(|(model, of)| residuals_of(model, of, prior))
                .collect(),
        }
    }

    /// How scales differ between models.
    pub(super) fn scale_prior(&self) -> Option<ScalePrior> {
        self.prior
    }

    /// Draws one clean model.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]) {
        let standard: f64 = StandardNormal.sample(rng);
        let location = self.location + self.spread * standard;
        let scale = self.prior.map_or(1.0, |prior| prior.draw(rng));
        for size in log_sizes {
            let residual = self.residuals[rng.random_range(0..self.residuals.len())];
            *size = location + scale * residual;
        }
    }
}

impl Moments {
    fn of(model: &LibraryModel) -> Self {
        let sizes = model.ascending();
        let count = sizes.len() as f64;
        let mean = sizes.iter().sum::<f64>() / count;
        let squares: f64 = sizes.iter().map(|size| (size - mean).powi(2)).sum();
        let degrees = count - 1.0;
        let (shift, stretch) = cut_normal(model.unreached() as f64 / model.classes() as f64);
        let variance = squares * stretch * stretch / degrees.max(1.0);
        Self {
            location: mean + shift * variance.sqrt(),
            variance: ModelVariance { variance, degrees },
        }
    }
}

/// The residuals of a model's classes, as wide as those of a model with many classes; those of unreached classes are where
/// a normal distribution has its largest.
fn residuals_of(model: &LibraryModel, of: &Moments, prior: Option<ScalePrior>) -> Vec<f64> {
    let scale = of.variance.moderated(prior).sqrt();
    let classes = model.classes() as f64;
    // Deviations from a mean that they are part of are too small by this.
    let width = (classes / (classes - 1.0)).sqrt() / scale.max(f64::MIN_POSITIVE);
    let reached = model.log_sizes.iter().flatten();
    let reached = reached.map(|size| (size - of.location) * width);
    let normal = Normal::standard();
    let unreached =
        (0..model.unreached()).map(|rank| normal.inverse_cdf(1.0 - (rank as f64 + 0.5) / classes));
    reached.chain(unreached).collect()
}
