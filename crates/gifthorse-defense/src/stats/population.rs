//! What clean models have in common, and how they differ: a hierarchical model of their log sizes.
//!
//! `log size = location of the model + scale of the model * residual of the class`. Locations are normal, variances scaled
//! inverse chi-squared (limma's prior), and the residuals of a model drawn are those of one measured model, resampled and
//! blurred a little: no shape is assumed, and that some models have more unequal classes than others is kept.

use std::cmp::Ordering;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};

use super::library::LibraryModel;
use super::moments::cut_normal;
use super::reference::ScalePrior;
use super::scale_fit::{ModelVariance, fit_prior};

/// Standard deviation of the noise on a residual that is drawn, in scales: without it, a model of 43 classes drawn from the residuals
/// of ten would have each of them four times.
const BLUR: f64 = 0.3;
/// Residuals of models with fewer classes say little about their shape, and are drawn only for models with as few.
const ENOUGH: usize = 5;

/// What is known of clean models.
#[derive(Debug, Clone)]
pub(super) struct Population {
    prior: Option<ScalePrior>,
    location: f64,
    /// Standard deviation of a further model's location.
    spread: f64,
    /// Of each model, by number of classes.
    residuals: Vec<Vec<f64>>,
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
        let mut residuals: Vec<Vec<f64>> = models
            .iter()
            .zip(&moments)
            .map(|(model, of)| residuals_of(model, of, prior))
            .collect();
        residuals.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| in_order(a, b)));
        Self {
            prior,
            location,
            spread: (variance * (1.0 + 1.0 / count)).sqrt(),
            residuals,
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
        let width = (1.0 + BLUR * BLUR).sqrt();
        let model = self.like(log_sizes.len(), rng);
        for size in log_sizes {
            let noise: f64 = StandardNormal.sample(rng);
            let residual = model.get(rng.random_range(0..model.len()));
            *size = location + scale * (residual.unwrap_or(&0.0) + BLUR * noise) / width;
        }
    }

    /// The residuals of a model drawn at random, of those with classes enough to tell their shape.
    fn like(&self, classes: usize, rng: &mut ChaCha8Rng) -> &[f64] {
        let few = self
            .residuals
            .partition_point(|model| model.len() < classes.min(ENOUGH));
        let few = if few < self.residuals.len() { few } else { 0 };
        &self.residuals[rng.random_range(few..self.residuals.len())]
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

/// The order of two lists of numbers, first differences first.
fn in_order(a: &[f64], b: &[f64]) -> Ordering {
    let mut differences = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
    differences
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The residuals of a model's classes, as wide as those of a model with many classes; those of unreached classes are where
/// a normal distribution has its largest.
fn residuals_of(model: &LibraryModel, of: &Moments, prior: Option<ScalePrior>) -> Vec<f64> {
    let scale = of.variance.moderated(prior).sqrt();
    let classes = model.classes() as f64;
    // Deviations from a mean that they are part of are too small by this.
    let width = (classes / (classes - 1.0)).sqrt() / scale.max(f64::MIN_POSITIVE);
    let ascending = model.ascending();
    let reached = ascending.iter().map(|size| (size - of.location) * width);
    let normal = Normal::standard();
    let unreached =
        (0..model.unreached()).map(|rank| normal.inverse_cdf(1.0 - (rank as f64 + 0.5) / classes));
    reached.chain(unreached).collect()
}
