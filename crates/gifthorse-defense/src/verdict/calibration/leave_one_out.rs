//! How surprising the classes of measured clean models are, each model measured by a population
//! that it is no part of.
//!
//! The model at hand is ranked among these numbers, so they are found as its own are: by the same
//! comparisons, each class among the classes of as many simulated clean models, and with the same
//! random numbers.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;

use super::library::{ClassValues, LibraryModel};
use super::population::Population;
use crate::verdict::combine::together;
use crate::verdict::error::{LibraryError, StatsError};
use crate::verdict::evidence::Method;
use crate::verdict::test::Surprises;
use crate::verdict::test::comparison::Comparison;
use crate::verdict::test::null::Among;
use crate::verdict::values::Values;

/// For each method and each model, by its name, the surprise at each of its classes.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured(BTreeMap<Method, BTreeMap<String, Vec<f64>>>);

/// What is known beforehand of the library that the program ships with, as it is stored: measured
/// with this seed and rounded to six decimals, by the test that holds it against the library.
#[derive(Deserialize)]
struct Shipped {
    seed: u64,
    surprises: BTreeMap<Method, BTreeMap<String, Vec<f64>>>,
}

impl Measured {
    /// How surprising the models of the library are that the program ships with, for every method
    /// that it knows; nothing if that was measured with another seed.
    ///
    /// # Errors
    /// A program built with a file that holds something else.
    pub(super) fn shipped(seed: u64) -> Result<Self, LibraryError> {
        let stored = include_str!("../../../data/clean_surprises.json");
        let stored: Shipped =
            serde_json::from_str(stored).map_err(|error| LibraryError::Json(error.to_string()))?;
        Ok(match stored.seed == seed {
            true => Self(stored.surprises),
            false => Self::default(),
        })
    }

    /// Measures, with one method, each model by the population that `beside` gives for its place;
    /// models for which it gives none are passed over.
    ///
    /// # Errors
    /// A population drew values that are not finite.
    pub(super) fn add(
        &mut self,
        method: &Method,
        models: &[&LibraryModel],
        beside: impl Fn(usize) -> Option<Population> + Sync,
        seed: u64,
    ) -> Result<(), StatsError> {
        let places = models.par_iter().enumerate();
        let of_models = places.filter_map(|(place, model)| {
            let population = beside(place)?;
            let values = model.detectors.get(method)?;
            let surprises = surprises(values, model, &population, seed);
            Some(surprises.map(|surprises| (model.name.clone(), surprises)))
        });
        let of_models = of_models.collect::<Result<_, _>>()?;
        self.0.insert(method.clone(), of_models);
        Ok(())
    }

    /// The largest surprise of all these methods together at any class of each model that was
    /// measured with all of them; `None` if none was.
    pub(super) fn ranks(&self, methods: &[&Method]) -> Option<Surprises> {
        let of_methods = methods.iter().map(|&method| self.0.get(method));
        let of_methods: Vec<_> = of_methods.collect::<Option<_>>()?;
        let largest = of_methods.first()?.keys().filter_map(|name| {
            let of_model = of_methods.iter().map(|models| models.get(name));
            let of_model: Vec<_> = of_model.collect::<Option<_>>()?;
            let classes = of_model.iter().map(|classes| classes.len()).min()?;
            let of_class = |class: usize| together(of_model.iter().map(|of| of[class]));
            let largest = (0..classes).map(of_class).fold(0.0, f64::max);
            Some(largest - (classes.max(1) as f64).ln())
        });
        let largest: Vec<f64> = largest.collect();
        (!largest.is_empty()).then(|| Surprises::new(largest))
    }

    /// The surprises at the classes of the models measured with one method, by name of the model.
    pub(super) fn of(&self, method: &Method) -> Option<&BTreeMap<String, Vec<f64>>> {
        self.0.get(method)
    }
}

/// The surprise at each class of a model, in class order; 0 at a class that was not reached, and
/// the largest at one that searches from several classes led to.
fn surprises(
    found: &ClassValues,
    model: &LibraryModel,
    population: &Population,
    seed: u64,
) -> Result<Vec<f64>, StatsError> {
    let ordered = Values::of_all(found, model.classes);
    let comparison = Comparison::run(
        (&ordered, model.pixels),
        population,
        true,
        Among::Classes,
        seed,
    )?;
    let mut surprises: Vec<f64> = vec![0.0; model.classes];
    for (accused, surprise) in ordered.accused().iter().zip(comparison.surprises()) {
        for &class in accused {
            surprises[class] = surprises[class].max(surprise);
        }
    }
    Ok(surprises)
}
