//! Settings of a search among the transformations of one family.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How much images may be changed, in the unit of the family.
    pub budget: f64,
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
        BTreeMap::from([
            ("budget".to_owned(), json!(self.budget)),
            ("most_images".to_owned(), json!(self.images)),
            ("batch".to_owned(), json!(self.batch)),
            ("updates".to_owned(), json!(self.updates)),
            (
                "learning_rate".to_owned(),
                json!(f64::from(self.learning_rate)),
            ),
            ("beta_1".to_owned(), json!(f64::from(self.betas.0))),
            ("beta_2".to_owned(), json!(f64::from(self.betas.1))),
        ])
    }
}
