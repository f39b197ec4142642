//! Settings of the search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a trigger must keep to.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// The share of the values of the space that the mask may cover,
    pub mask: f64,
    /// that of the features that the answer may hang on,
    pub features: f64,
    /// and how unlike itself an image may become.
    pub dissimilarity: f64,
    /// How near the mean features may come to those of the class, as a cosine,
    pub cosine: f64,
    /// and how much those under their mask may vary, in units of how much those of clean images do.
    pub spread: f64,
    /// The share of images that is to be led to the class.
    pub led: f64,
    /// The weight of what is beyond its bound, where that is not by the slopes.
    pub weight: f64,
}

/// All settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What a trigger must keep to.
    pub bounds: Bounds,
    /// Most images that are led to a class.
    pub images: usize,
    /// Images in a pass.
    pub batch: usize,
    /// Updates.
    pub updates: usize,
    /// Step size of Adam for the numbers of the space,
    pub space_rate: f32,
    /// and for masks and pattern.
    pub rate: f32,
    /// Decay of Adam's two moments.
    pub betas: (f32, f32),
    /// What part of its bound a mask covers at the beginning.
    pub start: f64,
}

impl Config {
    /// All settings, as one line of JSON: equal for two searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let bounds = &self.bounds;
        let single = |value: f32| json!(f64::from(value));
        let all = [
            ("mask_share", json!(bounds.mask)),
            ("feature_share", json!(bounds.features)),
            ("dissimilarity", json!(bounds.dissimilarity)),
            ("cosine", json!(bounds.cosine)),
            ("spread", json!(bounds.spread)),
            ("success_rate", json!(bounds.led)),
            ("weight", json!(bounds.weight)),
            ("most_images", json!(self.images)),
            ("batch", json!(self.batch)),
            ("updates", json!(self.updates)),
            ("space_learning_rate", single(self.space_rate)),
            ("learning_rate", single(self.rate)),
            ("beta_1", single(self.betas.0)),
            ("beta_2", single(self.betas.1)),
            ("start", json!(self.start)),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).into()
    }
}
