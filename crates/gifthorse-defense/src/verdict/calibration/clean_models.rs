//! The library as a reference: clean models like those that were measured.
//!
//! Two layers. The [`Population`] is a simple model of the library: how much locations and scales differ between models,
//! and what the residuals of all their classes look like, with the tails that they have. Clean models with any
//! number of classes are drawn from it. It is not believed: each model of the library is itself measured against the
//! population of all the others, and the model at hand is ranked among them. So its p-value holds for models
//! like those of the library, whatever their classes are like, and is never below 1 / (n + 1).
//!
//! It holds nearly and not exactly: the populations of the others lack the model at hand (the jackknife of conformal
//! prediction; to put it into each of them would take as many fits for every scan). A model unlike the others would widen
//! them, so that theirs would be the smaller surprises: the p-value of such a model errs upwards.

use rand_chacha::ChaCha8Rng;

use crate::verdict::calibration::library::{Library, LibraryModel};
use crate::verdict::calibration::measured::{surprises, usable};
use crate::verdict::calibration::population::Population;
use crate::verdict::calibration::reference::{Reference, ScalePrior};
use crate::verdict::error::LibraryError;
use crate::verdict::test::comparison::Surprises;

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
    /// Models of which more than half of the classes were never reached are left out: where most sizes are unknown, they are
    /// no yardstick.
    ///
    /// # Errors
    /// Fewer than five models.
    pub fn fit(library: &Library, seed: u64) -> Result<Self, LibraryError> {
        let models = usable(library)?;
        let others = |left_out: usize| {
            let others = models.iter().enumerate();
            let others = others.filter(|(place, _)| *place != left_out);
            let others: Vec<&LibraryModel> = others.map(|(_, &model)| model).collect();
            Some(Population::fit(&others))
        };
        let measured = surprises(&models, others, seed)?;
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
    pub(in crate::verdict) fn into_parts(self) -> (Population, Surprises) {
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::verdict::decide::decide;

    fn model(name: usize, rng: &mut ChaCha8Rng) -> LibraryModel {
        let mut normal = || -> f64 { StandardNormal.sample(rng) };
        let location = -2.5 + 0.3 * normal();
        LibraryModel {
            name: format!("{name}"),
            recipe: String::new(),
            data: String::new(),
            pixels: 1024,
            log_sizes: (0..3 + name % 8)
                .map(|_| Some((location + 0.3 * normal()).min(0.0)))
                .collect(),
            confirmed: Vec::new(),
        }
    }

    #[test]
    fn a_further_model_is_measured_as_those_that_it_is_ranked_among() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let models: Vec<LibraryModel> = (0..60).map(|name| model(name, &mut rng)).collect();
        let (library, further) = models.split_at(40);
        let known: Vec<&LibraryModel> = library.iter().collect();
        let library = Library::new("simulated", library.to_vec()).unwrap();
        let fitted = CleanModels::fit(&library, 7).unwrap();
        for model in further {
            let as_in_library =
                surprises(&[model], |_| Some(Population::fit(&known)), 7).unwrap()[0];
            let decision = decide(&model.evidence(), &fitted, 0.05, 7).unwrap();
            let (found, expected) = (
                decision.p_value.unwrap(),
                fitted.measured.p_value(as_in_library),
            );
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}
