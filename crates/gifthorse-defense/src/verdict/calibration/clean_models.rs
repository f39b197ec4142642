//! The library as a calibration: clean models like those that were measured.
//!
//! Two layers. For each method, the [`Population`] is a simple model of the library: how much
//! locations and scales differ between models, and what the residuals of all their classes look
//! like, with the tails that they have. Clean models with any number of classes are drawn from it.
//! It is not believed: each model of the library is itself measured against the population of all
//! the others, and the model at hand is ranked among them. So its p-value holds for models like
//! those of the library, whatever their classes are like and however two methods go together, and
//! is never below 1 / (n + 1).
//!
//! It holds nearly and not exactly: the populations of the others lack the model at hand (the
//! jackknife of conformal prediction; to put it into each of them would take as many fits for every
//! scan). A model unlike the others would widen them, so that theirs would be the smaller
//! surprises: the p-value of such a model errs upwards.

use std::collections::BTreeMap;

use super::leave_one_out::Measured;
use super::library::{ClassValues, Library, LibraryModel, OutOfSpan, Span};
use super::population::{Found, Population};
use super::{Calibration, NullModel};
use crate::verdict::error::LibraryError;
use crate::verdict::evidence::Method;
use crate::verdict::test::Surprises;

/// With fewer models not even the scale of a clean model is known.
pub(super) const LEAST_MODELS: usize = 5;

/// A library of clean models, fitted and measured.
#[derive(Debug, Clone)]
pub struct CleanModels {
    populations: BTreeMap<Method, Population>,
    measured: Measured,
    span: Span,
}

impl CleanModels {
    /// Fits the populations and measures each model of the library against the others, which takes
    /// about a second of two processor cores for 150 models and each method.
    ///
    /// Models of which a method never reached more than half of the classes are left out for it:
    /// where most values are unknown, they do not say what clean models are like. So are methods
    /// with fewer than five models.
    ///
    /// # Errors
    /// No method with five models.
    pub fn fit(library: &Library, seed: u64) -> Result<Self, LibraryError> {
        let all: Vec<&Method> = library.methods().keys().collect();
        Self::fit_to(library, &all, Measured::default(), seed)
    }

    /// The library that the program ships with, fitted to those of these methods that it knows.
    /// With the seed that a scan has if it is given none, how surprising its models are among one
    /// another is known beforehand.
    ///
    /// # Errors
    /// None of these methods has five models; a program built with a damaged library.
    pub fn shipped(methods: &[&Method], seed: u64) -> Result<Self, LibraryError> {
        let known = Measured::shipped(seed)?;
        Self::fit_to(&Library::shipped()?, methods, known, seed)
    }

    fn fit_to(
        library: &Library,
        wanted: &[&Method],
        mut measured: Measured,
        seed: u64,
    ) -> Result<Self, LibraryError> {
        let mut populations = BTreeMap::new();
        let mut most = 0;
        let methods = library.methods().iter();
        for (method, traits) in methods.filter(|(method, _)| wanted.contains(method)) {
            let models = usable(library, method);
            most = most.max(models.len());
            if models.len() < LEAST_MODELS {
                continue;
            }
            let values = values_of(&models, method);
            let others = |left_out: usize| {
                let mut others = values.clone();
                others.remove(left_out);
                Some(Population::fit(&others, traits.comparable))
            };
            if measured.of(method).is_none() {
                measured.add(method, &models, others, seed)?;
            }
            let population = Population::fit(&values, traits.comparable);
            populations.insert(method.clone(), population);
        }
        if populations.is_empty() {
            return Err(LibraryError::TooFewModels {
                found: most,
                needed: LEAST_MODELS,
            });
        }
        Ok(Self {
            populations,
            measured,
            span: Span::of(library.models()),
        })
    }

    /// How many clean models a model is ranked among that was scanned with these methods.
    #[must_use]
    pub fn models(&self, methods: &[&Method]) -> usize {
        let ranks = self.measured.ranks(methods);
        ranks.map_or(0, |ranks| ranks.models())
    }

    /// The surprises at the classes of each model that was measured with a method, in class order,
    /// by name of the model.
    #[must_use]
    pub fn surprises(&self, method: &Method) -> Option<&BTreeMap<String, Vec<f64>>> {
        self.measured.of(method)
    }

    /// The populations and the ranks.
    pub(super) fn into_parts(self) -> (BTreeMap<Method, Population>, Measured) {
        (self.populations, self.measured)
    }
}

/// The models of a library that say what clean models look like to a method: those of which it
/// reached at least half of the classes.
pub(super) fn usable<'a>(library: &'a Library, method: &Method) -> Vec<&'a LibraryModel> {
    let models = library.models().iter();
    let usable = |model: &&LibraryModel| {
        let found = model.detectors.get(method);
        found.is_some_and(ClassValues::mostly_reached)
    };
    models.filter(usable).collect()
}

/// What a method found in the models that went through it.
pub(super) fn values_of<'a>(models: &[&'a LibraryModel], method: &Method) -> Vec<Found<'a>> {
    let found = models.iter().filter_map(|model| {
        let values = model.detectors.get(method)?;
        Some(Found {
            classes: model.classes,
            pixels: model.pixels,
            values,
        })
    });
    found.collect()
}

impl Calibration for CleanModels {
    fn name(&self) -> &str {
        "library of clean models"
    }

    fn null_model(&self, method: &Method) -> Option<&dyn NullModel> {
        let population = self.populations.get(method)?;
        Some(population)
    }

    fn ranks(&self, methods: &[&Method]) -> Option<Surprises> {
        self.measured.ranks(methods)
    }

    fn spans(&self, pixels: usize, classes: usize) -> Result<(), OutOfSpan> {
        self.span.check(pixels, classes)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::verdict::evidence::{Conviction, Statistic, Tail};
    use crate::verdict::{MethodTraits, decide};

    const STATISTIC: Statistic = Statistic {
        found: "found",
        unit: "units",
        tail: Tail::Small,
        whole: 1.0,
        extreme: None,
        comparable: true,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    };

    fn methods() -> [Method; 2] {
        ["one standard", "two standard"].map(|name| name.parse().unwrap())
    }

    /// Values of two methods, of which the second is not comparable.
    fn model(name: usize, rng: &mut ChaCha8Rng) -> LibraryModel {
        let mut normal = || -> f64 { StandardNormal.sample(rng) };
        let classes = 3 + name % 8;
        let detectors = methods().map(|method| {
            let location = -2.5 + 0.3 * normal();
            let values = (0..classes).map(|_| Some(location + 0.3 * normal()));
            let values = ClassValues {
                values: values.collect(),
                of_model: false,
                leads_to: Vec::new(),
                confirmed: Vec::new(),
            };
            (method, values)
        });
        LibraryModel {
            name: format!("{name}"),
            recipe: String::new(),
            data: String::new(),
            pixels: 1024,
            classes,
            detectors: detectors.into(),
        }
    }

    #[test]
    fn a_further_model_is_measured_as_those_that_it_is_ranked_among() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let models: Vec<LibraryModel> = (0..60).map(|name| model(name, &mut rng)).collect();
        let (library, further) = models.split_at(40);
        let known: Vec<&LibraryModel> = library.iter().collect();
        let [one, two] = methods();
        let comparable = [(&one, true), (&two, false)];
        let traits = comparable.map(|(method, comparable)| {
            (
                method.clone(),
                MethodTraits {
                    comparable,
                    of_model: false,
                },
            )
        });
        let library = Library::new(traits.into(), library.to_vec()).unwrap();
        let fitted = CleanModels::fit(&library, 7).unwrap();
        let further: Vec<&LibraryModel> = further.iter().collect();
        let mut as_in_library = Measured::default();
        for (method, comparable) in comparable {
            let population = |_| Some(Population::fit(&values_of(&known, method), comparable));
            as_in_library.add(method, &further, population, 7).unwrap();
        }
        for methods in [vec![&one], vec![&two], vec![&one, &two]] {
            let expected = fitted.ranks(&methods).unwrap();
            let mut found = Vec::new();
            for model in &further {
                let with: Vec<_> = methods.iter().map(|&method| (method, STATISTIC)).collect();
                let decision = decide(&model.evidence(&with), &fitted, 0.05, 7).unwrap();
                found.push(decision.p_value.unwrap());
            }
            let further = as_in_library.ranks(&methods).unwrap();
            let mut expected: Vec<f64> = further
                .all()
                .map(|surprise| expected.p_value(surprise))
                .collect();
            expected.sort_by(f64::total_cmp);
            found.sort_by(f64::total_cmp);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
    }
}
