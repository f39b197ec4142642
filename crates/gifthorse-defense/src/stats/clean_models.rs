//! The library as a reference: clean models like those that were measured.
//!
//! Two layers. The [`Population`] is a simple model of the library: how much locations and scales differ between models,
//! and what the residuals of all their classes look like, with the tails that they have. Clean models with any
//! number of classes are drawn from it. It is not believed: each model of the library is itself measured against the
//! population of all the others, and the model at hand is ranked among them. So its p-value holds for models
//! like those of the library, whatever their classes are like, and is never below 1 / (n + 1).

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::comparison::{Comparison, Surprises};
use super::error::{LibraryError, StatsError};
use super::evidence::LogSizes;
use super::library::{Library, LibraryModel};
use super::population::Population;
use super::reference::{Reference, ScalePrior};

/// Clean models simulated to measure one model of the library: its surprise need not be finer than the rank that it is for.
const DRAWS_EACH: usize = 2_000;
/// With fewer models not even the scale of a clean model is known.
const LEAST_MODELS: usize = 5;

/// A library of clean models, fitted and measured.
#[derive(Debug, Clone)]
pub struct CleanModels {
    population: Population,
    measured: Surprises,
}

impl CleanModels {
    /// Fits the population and measures each model of the library against the others, which takes about a second of two
    /// processor cores for 150 models.
    ///
    /// Models of which more than half of the classes were never reached are left out: about such a model nothing is
    /// said either.
    ///
    /// # Errors
    /// Fewer than five models.
    pub fn fit(library: &Library, seed: u64) -> Result<Self, LibraryError> {
        let models = usable(library)?;
        let surprise = |left_out: usize| -> Result<f64, StatsError> {
            let others = models.iter().enumerate();
            let others = others.filter(|(place, _)| *place != left_out);
            let others: Vec<&LibraryModel> = others.map(|(_, model)| *model).collect();
            Alone(Population::fit(&others)).surprise(models[left_out], seed)
        };
        let measured = (0..models.len())
            .into_par_iter()
            .map(surprise)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            population: Population::fit(&models),
            measured: Surprises::new(measured),
        })
    }

    /// The smallest p-value that so many models can vouch for.
    #[must_use]
    pub fn smallest_p_value(&self) -> f64 {
        self.measured.smallest_p_value()
    }

    /// The population and the ranks.
    pub(super) fn into_parts(self) -> (Population, Surprises) {
        (self.population, self.measured)
    }

    /// How many clean models the model at hand is ranked among.
    #[must_use]
    pub fn models(&self) -> usize {
        self.measured.models()
    }
}

impl Reference for CleanModels {
    fn calibration(&self) -> &str {
        "library of clean models"
    }

    fn scale_prior(&self) -> Option<ScalePrior> {
        self.population.scale_prior()
    }

    fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]) {
        self.population.draw(rng, log_sizes);
    }

    fn knows_sizes(&self) -> bool {
        true
    }

    fn measured(&self) -> Option<&Surprises> {
        Some(&self.measured)
    }
}

/// The models of a library that can serve as a yardstick: those about which something could be said.
///
/// # Errors
/// Fewer than five.
pub(super) fn usable(library: &Library) -> Result<Vec<&LibraryModel>, LibraryError> {
    let models: Vec<&LibraryModel> = library
        .models()
        .iter()
        .filter(|model| model.mostly_reached())
        .collect();
    if models.len() < LEAST_MODELS {
        return Err(LibraryError::TooFewModels {
            found: models.len(),
            needed: LEAST_MODELS,
        });
    }
    Ok(models)
}

/// A population without ranks, by which a clean model is measured.
pub(super) struct Alone(pub Population);

impl Alone {
    /// How surprising the model is.
    ///
    /// # Errors
    /// The population drew log sizes that are not finite.
    pub(super) fn surprise(&self, model: &LibraryModel, seed: u64) -> Result<f64, StatsError> {
        let sizes = LogSizes::of_model(model);
        let comparison = Comparison::run(&sizes, self, DRAWS_EACH, seed)?;
        Ok(comparison.surprises().first().copied().unwrap_or(0.0))
    }
}

impl Reference for Alone {
    fn calibration(&self) -> &str {
        "population of clean models"
    }

    fn scale_prior(&self) -> Option<ScalePrior> {
        self.0.scale_prior()
    }

    fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]) {
        self.0.draw(rng, log_sizes);
    }

    fn knows_sizes(&self) -> bool {
        true
    }
}
