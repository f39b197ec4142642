//! A user's own clean models as references, in the spirit of Houtari and Mohanty ("Unmasking the
//! Invisible"), who set their thresholds by two clean models.
//!
//! Models of the user's own data and net say better than any library where the sizes of a further
//! one should lie. But a handful cannot say how far it may lie from them: among three models even
//! the smallest is the smallest in one case of four. So they give the location, and draw the scale
//! towards theirs; how far models of one data set are from one another, how much scales differ and
//! what the residuals look like comes from the library. Nor is this believed: each model of the
//! library is measured by as many others of its data set, as the model at hand by the user's, and
//! by a library without that data set, as the user's is taken not to be in it. The model at hand is
//! ranked among them.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::clean_models::{CleanModels, LEAST_MODELS, usable, values_of};
use super::leave_one_out::Measured;
use super::library::{Library, LibraryModel};
use super::population::{Found, Population};
use super::{Calibration, NullModel};
use crate::verdict::error::LibraryError;
use crate::verdict::evidence::Method;
use crate::verdict::test::Surprises;

/// Ranks among fewer measured models say less than the simulation.
const LEAST_RANKED: usize = 39;

/// Clean models of the user's, and what a library adds to them.
#[derive(Debug, Clone)]
pub struct References {
    populations: BTreeMap<Method, Population>,
    measured: Measured,
    models: usize,
    library_models: usize,
}

impl References {
    /// Fits, for each method that the references were scanned with, the population that they come
    /// from. A library with fewer than five models, or without two data sets of two models each,
    /// adds nothing to a method; if it adds nothing to any, the references are the library. A
    /// method that it adds nothing to, but to others, has no part in the verdict.
    ///
    /// # Errors
    /// References that lack a method that others have, or of which most classes were not reached,
    /// or so few, fewer than five without a library, that nothing can be made of them.
    pub fn fit(references: &Library, library: &Library, seed: u64) -> Result<Self, LibraryError> {
        let own: Vec<&LibraryModel> = references.models().iter().collect();
        let methods = methods_of(&own)?;
        let mut fitted = Self {
            populations: BTreeMap::new(),
            measured: Measured::default(),
            models: own.len(),
            library_models: 0,
        };
        for method in &methods {
            let known = usable(library, method);
            let values = values_of(&known, method);
            let comparable = library
                .methods()
                .get(method)
                .is_some_and(|it| it.comparable);
            let spread = Population::spread_within(&by_data_set(&known, method));
            let Some(spread) = spread.filter(|_| known.len() >= LEAST_MODELS) else {
                continue;
            };
            let population =
                Population::fit(&values, comparable).near(&values_of(&own, method), spread);
            let beside = |place| beside(&known, method, comparable, (place, own.len()), seed);
            fitted.measured.add(method, &known, beside, seed)?;
            fitted.populations.insert(method.clone(), population);
            fitted.library_models = fitted.library_models.max(known.len());
        }
        if !fitted.populations.is_empty() {
            return Ok(fitted);
        }
        let (populations, measured) = CleanModels::fit(references, seed)?.into_parts();
        Ok(Self {
            populations,
            measured,
            ..fitted
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

/// The methods that references were scanned with, which are the same for all.
fn methods_of(references: &[&LibraryModel]) -> Result<Vec<Method>, LibraryError> {
    let used = references.iter().flat_map(|model| model.detectors.keys());
    let mut methods: Vec<Method> = used.cloned().collect();
    methods.sort();
    methods.dedup();
    for model in references {
        for method in &methods {
            match model.detectors.get(method) {
                Some(found) if found.mostly_reached() => {}
                Some(_) => return Err(LibraryError::MostlyUnreached(model.name.clone())),
                None => {
                    return Err(LibraryError::LacksMethod {
                        model: model.name.clone(),
                        method: method.clone(),
                    });
                }
            }
        }
    }
    Ok(methods)
}

fn by_data_set<'a>(models: &[&'a LibraryModel], method: &Method) -> Vec<(&'a str, Found<'a>)> {
    let data = models
        .iter()
        .filter(|model| model.detectors.contains_key(method));
    let data = data.map(|model| model.data.as_str());
    data.zip(values_of(models, method)).collect()
}

/// What a model of the library would be measured by, were its task the user's: as many models of
/// it, with its data set and number of classes, `count` or as many as there are, and a library of
/// other data sets. `None` if there is no other model of its task.
fn beside(
    models: &[&LibraryModel],
    method: &Method,
    comparable: bool,
    (place, count): (usize, usize),
    seed: u64,
) -> Option<Population> {
    let alike = |other: &usize| models[*other].data == models[place].data;
    let (mut siblings, rest): (Vec<usize>, Vec<usize>) = (0..models.len()).partition(alike);
    siblings.retain(|&other| other != place && models[other].classes == models[place].classes);
    if siblings.is_empty() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(place as u64);
    let drawn = sample(&mut rng, siblings.len(), count.min(siblings.len()));
    let drawn: Vec<&LibraryModel> = drawn.into_iter().map(|at| models[siblings[at]]).collect();
    let rest: Vec<&LibraryModel> = rest.into_iter().map(|other| models[other]).collect();
    let spread = Population::spread_within(&by_data_set(&rest, method))?;
    let population = Population::fit(&values_of(&rest, method), comparable);
    Some(population.near(&values_of(&drawn, method), spread))
}

impl Calibration for References {
    fn name(&self) -> &str {
        "reference models"
    }

    fn null_model(&self, method: &Method) -> Option<&dyn NullModel> {
        let population = self.populations.get(method)?;
        Some(population)
    }

    fn ranks(&self, methods: &[&Method]) -> Option<Surprises> {
        let ranks = self.measured.ranks(methods)?;
        (ranks.models() >= LEAST_RANKED).then_some(ranks)
    }
}

#[cfg(test)]
mod tests {
    use super::super::library::ClassValues;
    use super::*;

    /// Four models each of three data sets, whose values follow no pattern.
    fn models(method: &Method) -> Vec<LibraryModel> {
        let value =
            |name: i32, class: i32| -2.0 - f64::from((7 * name + 5 * class * class) % 11) / 10.0;
        let model = |name: i32| {
            let values = (0..6).map(|class| Some(value(name, class)));
            let values = ClassValues {
                values: values.collect(),
                of_model: false,
                leads_to: Vec::new(),
                confirmed: Vec::new(),
            };
            LibraryModel {
                name: format!("{name:02}"),
                recipe: String::new(),
                data: format!("{}", name / 4),
                pixels: 1024,
                classes: 6,
                detectors: BTreeMap::from([(method.clone(), values)]),
            }
        };
        (0..12).map(model).collect()
    }

    #[test]
    fn of_its_data_set_a_model_knows_only_those_drawn_as_references() {
        let method = Method::new("any", "standard").unwrap();
        let surprise = |models: &[LibraryModel]| {
            let models: Vec<&LibraryModel> = models.iter().collect();
            let beside = |place| beside(&models, &method, true, (place, 1), 3);
            let mut measured = Measured::default();
            measured.add(&method, &models, beside, 3).unwrap();
            measured.of(&method).unwrap()["00"].clone()
        };
        let before = surprise(&models(&method));
        let changed = |place: usize| {
            let mut models = models(&method);
            let found = models[place].detectors.get_mut(&method).unwrap();
            found.values[..2].fill(Some(-3.9));
            surprise(&models) != before
        };
        let siblings = (1..4).filter(|&place| changed(place)).count();
        assert_eq!(siblings, 1);
        assert!((4..12).all(changed));
    }
}
