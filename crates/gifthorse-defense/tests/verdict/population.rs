//! Simulated clean models that differ as real ones do: in number of classes, data set, recipe, scale, and in how unequal
//! their classes are.

use gifthorse_defense::verdict::LibraryModel;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gumbel, Normal, StandardNormal};

/// Numbers of classes that occur, the usual more often.
pub const CLASSES: [usize; 12] = [2, 3, 4, 5, 8, 10, 10, 10, 10, 15, 20, 43];
const DATA_SETS: usize = 6;
const RECIPES: usize = 8;

/// The kinds of clean models there are.
pub struct World {
    data_sets: Vec<f64>,
    recipes: Vec<f64>,
}

impl World {
    /// Data sets and recipes with their mean log sizes, which differ with standard deviations of 0.35 and 0.2.
    pub fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut means = |count: usize, spread: f64| -> Vec<f64> {
            let normal = Normal::new(0.0, spread).unwrap();
            (0..count).map(|_| normal.sample(rng)).collect()
        };
        Self {
            data_sets: means(DATA_SETS, 0.35),
            recipes: means(RECIPES, 0.2),
        }
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
        // Half of the models have classes that are alike; of the others some are heavy-tailed below, and some have classes
        // that are easier by themselves.
        let kind = rng.random_range(0..4);
        let log_sizes = (0..classes).map(|_| {
            let normal: f64 = StandardNormal.sample(rng);
            let residual = match kind {
                0 => 0.58 - Gumbel::new(0.0, 0.78).unwrap().sample(rng),
                1 if rng.random_bool(0.1) => normal - 2.5,
                _ => normal,
            };
            Some((location + scale * residual).min(0.0))
        });
        LibraryModel {
            name: format!("model {name}"),
            recipe: format!("recipe {recipe}"),
            data: format!("data set {data}"),
            pixels: 1024,
            log_sizes: log_sizes.collect(),
            confirmed: (0..classes).collect(),
        }
    }

    /// So many of them.
    pub fn models(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<LibraryModel> {
        (0..count).map(|name| self.model(name, None, rng)).collect()
    }
}
