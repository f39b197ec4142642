//! Simulated clean models that differ as real ones do: in number of classes, data set, recipe,
//! scale, and in how unequal their classes are. They may go through several methods, of which the
//! first is comparable between models.

use std::collections::BTreeMap;

use gifthorse_defense::verdict::{
    ClassValues, Conviction, LibraryModel, Method, MethodTraits, Statistic, Tail,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gumbel, Normal, StandardNormal};

/// Numbers of classes that occur, the usual more often.
pub const CLASSES: [usize; 12] = [2, 3, 4, 5, 8, 10, 10, 10, 10, 15, 20, 43];
const DATA_SETS: usize = 6;
const RECIPES: usize = 8;
/// Value of an infected class to the first method: clean ones have -2.8 on average.
const INFECTED: f64 = -4.6;
/// How far below a clean class an infected one lies to the other methods, at a scale of 0.25 of a
/// model's classes.
const BELOW: f64 = 1.2;

/// How the values of a clean model's class to two methods go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tie {
    /// Not at all.
    Independent,
    /// What is easy by nature is so to all methods: residuals have a correlation of 0.6.
    Correlated,
}

/// The kinds of clean models there are.
pub struct World {
    data_sets: Vec<f64>,
    recipes: Vec<f64>,
    methods: usize,
    tie: Tie,
}

/// How the values of a method are to be read: as sizes of triggers if they are comparable, else as
/// margins.
pub fn statistic(comparable: bool, pixels: usize) -> Statistic {
    if comparable {
        Statistic {
            found: "reached by a trigger",
            unit: "pixels",
            tail: Tail::Small,
            whole: pixels as f64,
            extreme: Some(1.0),
            comparable: true,
            linear: false,
            of_model: false,
            conviction: Conviction::ByTrigger { rate: 0.9 },
        }
    } else {
        Statistic {
            found: "led to with a margin",
            unit: "logits",
            tail: Tail::Large,
            whole: 1.0,
            extreme: None,
            comparable: false,
            linear: false,
            of_model: false,
            conviction: Conviction::ByStatistic,
        }
    }
}

/// The method with a number: `trigger standard`, then `margin1 standard` and so on.
pub fn method(number: usize) -> Method {
    match number {
        0 => Method::new("trigger", "standard").unwrap(),
        _ => Method::new(format!("margin{number}"), "standard").unwrap(),
    }
}

impl World {
    /// Data sets and recipes with their mean values, which differ with standard deviations of 0.35
    /// and 0.2; one method.
    pub fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut means = |count: usize, spread: f64| -> Vec<f64> {
            let normal = Normal::new(0.0, spread).unwrap();
            (0..count).map(|_| normal.sample(rng)).collect()
        };
        Self {
            data_sets: means(DATA_SETS, 0.35),
            recipes: means(RECIPES, 0.2),
            methods: 1,
            tie: Tie::Independent,
        }
    }

    /// The same world seen by so many methods.
    pub fn with_methods(self, methods: usize, tie: Tie) -> Self {
        Self {
            methods,
            tie,
            ..self
        }
    }

    /// The methods, and whether their values are comparable.
    pub fn methods(&self) -> BTreeMap<Method, MethodTraits> {
        let traits = |number| {
            (
                method(number),
                MethodTraits {
                    comparable: number == 0,
                    of_model: false,
                },
            )
        };
        (0..self.methods).map(traits).collect()
    }

    /// One clean model; `classes` or any of the usual numbers.
    pub fn model(&self, name: usize, classes: Option<usize>, rng: &mut ChaCha8Rng) -> LibraryModel {
        let classes = classes.unwrap_or_else(|| CLASSES[rng.random_range(0..CLASSES.len())]);
        let (data, recipe) = (
            rng.random_range(0..self.data_sets.len()),
            rng.random_range(0..self.recipes.len()),
        );
        let own: f64 = StandardNormal.sample(rng);
        let location = -2.8 + self.data_sets[data] + self.recipes[recipe] + 0.15 * own;
        let wide: f64 = StandardNormal.sample(rng);
        let scale = 0.25 * (0.35 * wide).exp();
        // Half of the models have classes that are alike; of the others some are heavy-tailed
        // below, and some have classes that are easier by themselves.
        let kind = rng.random_range(0..4);
        let mut residual = || {
            let normal: f64 = StandardNormal.sample(rng);
            match kind {
                0 => 0.58 - Gumbel::new(0.0, 0.78).unwrap().sample(rng),
                1 if rng.random_bool(0.1) => normal - 2.5,
                _ => normal,
            }
        };
        let residuals: Vec<f64> = (0..classes).map(|_| residual()).collect();
        let mut detectors = BTreeMap::new();
        let values = residuals
            .iter()
            .map(|residual| Some((location + scale * residual).min(0.0)));
        let values = ClassValues {
            values: values.collect(),
            of_model: false,
            leads_to: Vec::new(),
            confirmed: (0..classes).collect(),
        };
        detectors.insert(method(0), values);
        for number in 1..self.methods {
            let logits: f64 = StandardNormal.sample(rng);
            let wide: f64 = StandardNormal.sample(rng);
            let scale = 0.25 * (0.35 * wide).exp();
            let values = residuals.iter().map(|shared| {
                let own: f64 = StandardNormal.sample(rng);
                let residual = match self.tie {
                    Tie::Independent => own,
                    Tie::Correlated => 0.6 * shared + 0.8 * own,
                };
                Some(-3.0 + 0.5 * logits + scale * residual)
            });
            let values = ClassValues {
                values: values.collect(),
                of_model: false,
                leads_to: Vec::new(),
                confirmed: Vec::new(),
            };
            detectors.insert(method(number), values);
        }
        LibraryModel {
            name: format!("model {name}"),
            recipe: format!("recipe {recipe}"),
            data: format!("data set {data}"),
            pixels: 1024,
            classes,
            detectors,
        }
    }

    /// Infects the first classes of a model, visibly to all methods.
    pub fn infect(&self, model: &mut LibraryModel, targets: usize, rng: &mut ChaCha8Rng) {
        let infected = Normal::new(INFECTED, 0.3).unwrap();
        for (number, found) in (0..self.methods).map(|number| (number, method(number))) {
            let found = model.detectors.get_mut(&found).unwrap();
            for value in found.values[..targets].iter_mut().flatten() {
                *value = match number {
                    0 => value.min(infected.sample(rng)),
                    _ => *value - BELOW,
                };
            }
        }
    }

    /// So many of them.
    pub fn models(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<LibraryModel> {
        (0..count).map(|name| self.model(name, None, rng)).collect()
    }
}
