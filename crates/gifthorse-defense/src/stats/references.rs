//! A user's own clean models as a reference, in the spirit of Houtari and Mohanty, who set their thresholds by two clean models.
//!
//! Models of the user's own data and net say better than any library where the sizes of a further one should lie. But a
//! handful cannot say how far it may lie from them: among three models even the smallest is the smallest in one case of
//! four. So they give the location, and draw the scale towards theirs; how far models of one data set are from one another,
//! how much scales differ and what the residuals look like comes from the library. Nor is this believed: each model of the
//! library is measured by as many others of its data set, as the model at hand by the user's, and by a library without that data
//! set, as the user's is taken not to be in it. The model at hand is ranked among them.

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::clean_models::CleanModels;
use super::comparison::Surprises;
use super::error::{LibraryError, StatsError};
use super::library::{Entry, Library, LibraryModel};
use super::measured::{surprises, usable};
use super::population::Population;
use super::reference::{Reference, ScalePrior};

/// Ranks among fewer measured models say less than the simulation.
const LEAST_RANKED: usize = 39;

/// Clean models of the user's, and what a library adds to them.
#[derive(Debug, Clone)]
pub struct References {
    population: Population,
    measured: Option<Surprises>,
    models: usize,
    library_models: usize,
}

impl References {
    /// Fits the population that the references come from. A library with fewer than five models, or without two data sets
    /// of two models each, adds nothing: then the references are the library.
    ///
    /// # Errors
    /// References that are no models, or of which most classes were not reached, or so few, fewer than five without a library,
    /// that nothing can be made of them.
    pub fn fit(
        references: &[LibraryModel],
        library: &Library,
        seed: u64,
    ) -> Result<Self, LibraryError> {
        references.iter().try_for_each(Entry::check)?;
        if let Some(poor) = references.iter().find(|model| !model.mostly_reached()) {
            return Err(LibraryError::MostlyUnreached(poor.name.clone()));
        }
        let known = usable(library).ok();
        let spread = known.as_deref().and_then(Population::spread_within);
        if let (Some(known), Some(spread), false) = (known, spread, references.is_empty()) {
            let own: Vec<&LibraryModel> = references.iter().collect();
            let measured = measured(&known, own.len(), seed)?;
            return Ok(Self {
                population: Population::fit(&known).near(&own, spread),
                measured: (measured.len() >= LEAST_RANKED).then(|| Surprises::new(measured)),
                models: own.len(),
                library_models: known.len(),
            });
        }
        let own = Library::new(library.search(), references.to_vec())?;
        let fitted = CleanModels::fit(&own, seed)?;
        let (population, measured) = fitted.into_parts();
        Ok(Self {
            population,
            measured: Some(measured).filter(|measured| measured.models() >= LEAST_RANKED),
            models: references.len(),
            library_models: 0,
        })
    }

    /// How many models of the library they were completed by; 0 if it added nothing.
    #[must_use]
    pub fn library_models(&self) -> usize {
        self.library_models
    }

    /// How many references there are.
    #[must_use]
    pub fn models(&self) -> usize {
        self.models
    }
}

/// How surprising each model of the library is to what the user's model is measured by, were its data set the user's: as many
/// models of it, `count` or as many as there are, and a library of other data sets.
fn measured(models: &[&LibraryModel], count: usize, seed: u64) -> Result<Vec<f64>, StatsError> {
    let beside = |place: usize| -> Option<Population> {
        let alike = |other: &usize| models[*other].data == models[place].data;
        let (mut siblings, rest): (Vec<usize>, Vec<usize>) = (0..models.len()).partition(alike);
        siblings.retain(|&other| other != place);
        if siblings.is_empty() {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(place as u64);
        let drawn = sample(&mut rng, siblings.len(), count.min(siblings.len()));
        let drawn: Vec<&LibraryModel> = drawn.into_iter().map(|at| models[siblings[at]]).collect();
        let rest: Vec<&LibraryModel> = rest.into_iter().map(|other| models[other]).collect();
        let spread = Population::spread_within(&rest)?;
        Some(Population::fit(&rest).near(&drawn, spread))
    };
    surprises(models, beside, seed)
}

impl Reference for References {
    fn calibration(&self) -> &str {
        "reference models"
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
        self.measured.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four models each of three data sets, whose sizes follow no pattern.
    fn models() -> Vec<LibraryModel> {
        (0..12)
            .map(|name| LibraryModel {
                name: format!("{name}"),
                recipe: String::new(),
                data: format!("{}", name / 4),
                pixels: 1024,
                log_sizes: (0..6)
                    .map(|class| Some(-2.0 - f64::from((7 * name + 5 * class * class) % 11) / 10.0))
                    .collect(),
                confirmed: Vec::new(),
            })
            .collect()
    }

    #[test]
    fn of_its_data_set_a_model_knows_only_those_drawn_as_references() {
        let surprise = |models: &[LibraryModel]| {
            measured(&models.iter().collect::<Vec<_>>(), 1, 3).unwrap()[0]
        };
        let before = surprise(&models());
        let changed = |place: usize| {
            let mut models = models();
            models[place].log_sizes[..2].fill(Some(-3.9));
            surprise(&models) != before
        };
        let siblings = (1..4).filter(|&place| changed(place)).count();
        assert_eq!(siblings, 1);
        assert!((4..12).all(changed));
    }
}
