//! A filter fitted to the bench model, and what it says of clean and of stamped images.

use std::sync::OnceLock;

use gifthorse_data::Images;
use gifthorse_defense::filter::{Given, Held, Score, Threshold, named};
use gifthorse_defense::repair::KnownTrigger;
use gifthorse_engine::{Classifier, Opening, Preprocess};
use gifthorse_onnx::Model;

use crate::bench::Bench;

/// The rate of all tests here.
pub const FPR: f64 = 0.05;

pub struct Subject {
    pub bench: Bench,
    pub classifier: Classifier,
    /// The model after unlearning the trigger.
    pub repaired: Classifier,
    pub repaired_model: Model,
}

impl Subject {
    /// The bench with the backdoor, or its clean twin; trained once for all tests.
    pub fn new(backdoored: bool) -> &'static Self {
        static SUBJECTS: [OnceLock<Subject>; 2] = [const { OnceLock::new() }; 2];
        SUBJECTS[usize::from(backdoored)].get_or_init(|| Self::trained(backdoored))
    }

    fn trained(backdoored: bool) -> Self {
        let bench = Bench::new(backdoored);
        let (opening, preprocess) = (Opening::default(), Preprocess::default());
        let patient = bench.patient(&bench.model, (&opening, &preprocess), &[]);
        let classifier = patient.classifier(&bench.model).unwrap();
        let repaired = bench.repaired("unlearning", true).unwrap();
        let repaired_model = repaired.model;
        let repaired = patient.classifier(&repaired_model).unwrap();
        Self {
            bench,
            classifier,
            repaired,
            repaired_model,
        }
    }

    pub fn held(&self) -> Held<'_> {
        Held {
            classifier: &self.classifier,
            repaired: Some(&self.repaired),
        }
    }

    pub fn fitted(&self, name: &str, triggers: &[KnownTrigger]) -> Box<dyn Score> {
        let given = Given {
            held: self.held(),
            images: &self.bench.fit,
            triggers,
            seed: 7,
        };
        named(name).unwrap().fit(&given).unwrap()
    }

    pub fn known(&self) -> &[KnownTrigger] {
        std::slice::from_ref(&self.bench.trigger)
    }

    /// The images of other classes than the target, stamped.
    pub fn stamped(&self) -> Vec<f32> {
        let (images, trigger) = (&self.bench.proof, &self.bench.trigger);
        let labels = images.labels().unwrap();
        let places: Vec<usize> = (0..labels.len())
            .filter(|&place| trigger.is_for(labels[place]))
            .collect();
        let others = images.subset(&places);
        trigger
            .trigger
            .stamp(others.pixels(), self.classifier.shape())
    }
}

/// The scores of images.
pub fn scores(score: &dyn Score, pixels: &[f32]) -> Vec<f64> {
    let scored = score.score(pixels).unwrap();
    scored.iter().map(|scored| scored.score).collect()
}

/// The threshold that some clean images set.
pub fn threshold(score: &dyn Score, images: &Images) -> Threshold {
    Threshold::of_clean(scores(score, images.pixels()), FPR).unwrap()
}

/// The share of images that are flagged.
pub fn flagged(score: &dyn Score, threshold: &Threshold, pixels: &[f32]) -> f64 {
    let scores = scores(score, pixels);
    let flagged = scores
        .iter()
        .filter(|&&score| threshold.flags(score))
        .count();
    flagged as f64 / scores.len() as f64
}
