//! Settings of a search for the largest margins from a layer on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::detect::mm_bd;

/// The nearer to the logits, the better the target shows (docs/detectors/mm_bd_inner.md).
const DEPTH: f64 = 0.75;

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which of the activations that everything passes through: a place among them, as a part of
    /// their number; 0 is the first.
    pub depth: f64,
    /// Starts, most steps, the rule of the climb and when it ends: those of MM-BD.
    pub climb: mm_bd::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            depth: DEPTH,
            climb: mm_bd::Config::preset(mm_bd::Preset::Standard),
        }
    }
}

impl Config {
    /// The place of the layer among so many.
    pub fn place(&self, layers: usize) -> usize {
        ((self.depth * layers as f64) as usize).min(layers.saturating_sub(1))
    }

    /// All settings, as one line of JSON: equal for two searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let mut parameters = self.climb.parameters();
        parameters.insert("depth".to_owned(), json!(self.depth));
        parameters
    }
}
