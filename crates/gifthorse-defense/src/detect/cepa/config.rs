//! Settings of a CEPA search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Settings under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Ours: distances in units of how far clean images lie from one another.
    Standard,
    /// Distances as they are, as published; step size and limit are ours there too.
    Paper,
    /// As standard, with images of one class at a time: all pairs of classes, as in §3.
    Pairs,
}

impl Preset {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Paper, Self::Pairs];

    /// Its name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Paper => "paper",
            Self::Pairs => "pairs",
        }
    }
}

/// All settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The preset that these settings started from.
    pub preset: Preset,
    /// Most images of a class, on average over those that there are images of.
    pub per_class: usize,
    /// Most images in all.
    pub images: usize,
    /// Images in a pass.
    pub batch: usize,
    /// Most steps for a layer.
    pub steps: usize,
    /// Step size of Adam on the perturbations, in pixel values.
    pub learning_rate: f32,
    /// First weight of the distance from the consensus.
    pub initial_weight: f32,
    /// Factor by which the weight grows and shrinks.
    pub factor: f32,
    /// Steps in a row, all with enough images at the target or all without, before the weight
    /// changes.
    pub patience: usize,
    /// Share of the images that has to be at the target.
    pub rate: f64,
    /// Steps without smaller perturbations before the search ends.
    pub stop_patience: usize,
}

impl Config {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        let paper = Self {
            preset,
            per_class: 10,
            images: 90,
            batch: 32,
            steps: 1000,
            learning_rate: 0.01,
            initial_weight: 0.01,
            factor: 1.5,
            patience: 5,
            rate: 0.9,
            stop_patience: 50,
        };
        match preset {
            Preset::Paper => paper,
            Preset::Standard | Preset::Pairs => Self {
                images: 48,
                steps: 300,
                ..paper
            },
        }
    }

    /// All settings, as one line of JSON: equal for two searches that would go the same way.
    pub fn fingerprint(&self) -> String {
        json!(self.parameters()).to_string()
    }

    /// The settings by name, for reports.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let units = match self.preset {
            Preset::Standard | Preset::Pairs => "spread of clean images",
            Preset::Paper => "values of the layer",
        };
        BTreeMap::from([
            ("distances_in".to_owned(), json!(units)),
            (
                "each_source_by_itself".to_owned(),
                json!(self.preset == Preset::Pairs),
            ),
            ("images_per_class".to_owned(), json!(self.per_class)),
            ("most_images".to_owned(), json!(self.images)),
            ("batch".to_owned(), json!(self.batch)),
            ("steps".to_owned(), json!(self.steps)),
            (
                "learning_rate".to_owned(),
                json!(f64::from(self.learning_rate)),
            ),
            (
                "initial_weight".to_owned(),
                json!(f64::from(self.initial_weight)),
            ),
            ("factor".to_owned(), json!(f64::from(self.factor))),
            ("patience".to_owned(), json!(self.patience)),
            ("rate".to_owned(), json!(self.rate)),
            ("stop_patience".to_owned(), json!(self.stop_patience)),
        ])
    }
}
