//! Settings of a search among the transformations of one family.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How much images may be changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// In the unit of the family.
    Fixed(f64),
    /// As a part of the distance of images to the nearest of another class, and with `weight` on
    /// how far the features that the answers hang on move
    /// ([`Decoupling`](crate::detect::bti_dbf::Decoupling)).
    Decoupled {
        /// The part of the distance.
        part: f64,
        /// The weight.
        weight: f64,
    },
}

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How much images may be changed.
    pub budget: Budget,
    /// Most images that are led to a class.
    pub images: usize,
    /// Images in a pass.
    pub batch: usize,
    /// Updates.
    pub updates: usize,
    /// Step size of Adam, in units of the family's numbers.
    pub learning_rate: f32,
    /// Decay of Adam's two moments.
    pub betas: (f32, f32),
}

impl Config {
    /// All settings, as one line of JSON: equal for two searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let mut parameters = BTreeMap::from([
            ("most_images".to_owned(), json!(self.images)),
            ("batch".to_owned(), json!(self.batch)),
            ("updates".to_owned(), json!(self.updates)),
            (
                "learning_rate".to_owned(),
                json!(f64::from(self.learning_rate)),
            ),
            ("beta_1".to_owned(), json!(f64::from(self.betas.0))),
            ("beta_2".to_owned(), json!(f64::from(self.betas.1))),
        ]);
        match self.budget {
            Budget::Fixed(budget) => {
                parameters.insert("budget".to_owned(), json!(budget));
            }
            Budget::Decoupled { part, weight } => {
                parameters.insert("budget_of_distance".to_owned(), json!(part));
                parameters.insert("feature_weight".to_owned(), json!(weight));
            }
        }
        parameters
    }
}
