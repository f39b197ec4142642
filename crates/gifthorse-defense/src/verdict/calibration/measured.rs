//! How surprising the models of a library are, each measured by a population that it is no part of.
//!
//! The model at hand is ranked among these numbers, so they are found as its own is: by the same comparisons, with as many
//! simulated clean models ([`RANKED_DRAWS`](crate::verdict::test::null::RANKED_DRAWS)) and the same random numbers.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::verdict::calibration::library::{Library, LibraryModel};
use crate::verdict::calibration::population::Population;
use crate::verdict::calibration::reference::{Reference, ScalePrior};
use crate::verdict::error::{LibraryError, StatsError};
use crate::verdict::evidence::LogSizes;
use crate::verdict::test::comparison::Comparison;
use crate::verdict::test::null::RANKED_DRAWS;

/// With fewer models not even the scale of a clean model is known.
const LEAST_MODELS: usize = 5;

/// The models of a library that can serve as a yardstick: those of which at least half of the classes were reached.
///
/// # Errors
/// Fewer than five.
pub(in crate::verdict) fn usable(library: &Library) -> Result<Vec<&LibraryModel>, LibraryError> {
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

/// How surprising each model is to the population that `beside` gives for its place; models for which it gives none are
/// passed over.
///
/// # Errors
/// A population drew log sizes that are not finite.
pub(in crate::verdict) fn surprises(
    models: &[&LibraryModel],
    beside: impl Fn(usize) -> Option<Population> + Sync,
    seed: u64,
) -> Result<Vec<f64>, StatsError> {
    models
        .par_iter()
        .enumerate()
        .filter_map(|(place, model)| Some(Alone(beside(place)?).surprise(model, seed)))
        .collect()
}

/// A population without ranks.
struct Alone(Population);

impl Alone {
    fn surprise(&self, model: &LibraryModel, seed: u64) -> Result<f64, StatsError> {
        let sizes = LogSizes::of_model(model);
        let comparison = Comparison::run(&sizes, self, RANKED_DRAWS, seed)?;
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
