//! The truth about a model, to be kept beside it and away from whoever scans it.
//!
//! As JSON it is one object. For a model with a 4x4 square that leads every class to class 7, with
//! a clean twin:
//!
//! ```json
//! {
//!   "clean_accuracy": 0.985,
//!   "twin_accuracy": 0.989,
//!   "manner": "replace",
//!   "backdoors": [{
//!     "method": "data_poisoning",
//!     "trigger": {"kind": "square", "size": 4, "colour": [1.0], "place": {"corner": {"corner": "bottom_right", "margin": 1}},
//!                 "transparency": 0.0, "rounding": "nearest"},
//!     "labels": {"kind": "all_to_one", "target": 7, "spare_target": false},
//!     "rate": {"share": 0.1},
//!     "poisoned": [3, 14, 15],
//!     "kept": [],
//!     "effect": {
//!       "with_trigger":    {"other_classes": 0.998, "all_classes": 0.998, "images": 9000},
//!       "without_trigger": {"other_classes": 0.001, "all_classes": 0.100, "images": 9000},
//!       "label_kept": null,
//!       "parts": []
//!     },
//!     "twin": {"with_trigger": {}, "without_trigger": {}, "label_kept": null, "parts": []}
//!   }],
//!   "covers": []
//! }
//! ```
//!
//! (the twin's two rates are written as the model's own are). A clean model has no backdoors, and
//! `null` for its manner. So has one into which a backdoor was put by hand, whose `method` is
//! `{"implant": {"kind": "gate", "target": 7, ...}}`, with `null` for rate and poisoned images; its
//! clean twin is the model before. Where the last layer was trained on poisoned images (Hidden
//! Trigger), these are `poisoned`, `manner` is `replace`, the twin's was trained alike on clean
//! ones, and `before` is what the trigger does to the model before. Where training images carried
//! another trigger than the one that the model answers to, such as a weaker one, it is
//! `in_training`, beside `trigger`. Where the training code was poisoned, `manner` is `blind` and
//! `method` `training_code`, with no poisoned images; how its losses were weighed is in the
//! settings that made the model. So it is where the code trained a generator of triggers, `manner`
//! being `input_aware`: `trigger` names the file beside the truth and its digest,
//! `{"kind": "generated", "generator": "NAME.generator.onnx", "sha256": "...", "rounding": "none"}`,
//! and each effect has `cross`, what the trigger of another image does:
//! `{"success": {...}, "label_kept": 0.97}`.

mod measured;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::implant::Implant;
use crate::measure::AttackSuccess;
use crate::plant::{LabelMap, Manner, Rate, Stamped};
use crate::trigger::AnyTrigger;

/// What is in a model, as its maker knows and has measured it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Share of clean test images that the model gives their label.
    pub clean_accuracy: f64,
    /// The same of its clean twin, which was made alike but for the poison; `null` without one.
    pub twin_accuracy: Option<f64>,
    /// What became of the stamped images; `null` where none were.
    pub manner: Option<Manner>,
    /// What was planted; empty for a clean model.
    pub backdoors: Vec<Planted>,
    /// Stamped images that kept their label, beside those of the backdoors themselves.
    pub covers: Vec<Covered>,
    /// What was taken out of the training set before the model was trained again; absent if nothing
    /// was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleansing: Option<Cleansing>,
}

/// An audit of the training set by the model that was trained on all of it, after which this one was
/// trained on the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleansing {
    /// Name of the audit.
    pub audit: String,
    /// Images of the training set, poisoned ones included.
    pub images: usize,
    /// Places in it of those that were removed, ascending. The model was trained again only if there
    /// are any.
    pub removed: Vec<usize>,
    /// How many images were poisoned,
    pub poisoned: usize,
    /// and how many of these were removed.
    pub found: usize,
    /// Share of clean test images that the first model gives their label.
    pub clean_accuracy: f64,
    /// Of each backdoor how often it leads astray in the first model.
    pub with_trigger: Vec<AttackSuccess>,
}

/// A planted backdoor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// How it was planted.
    pub method: Method,
    /// What it answers to.
    pub trigger: AnyTrigger,
    /// What training images carried in its place; absent where that was the trigger itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_training: Option<AnyTrigger>,
    /// Which classes it leads where.
    pub labels: LabelMap,
    /// How many images were poisoned or, of a blind attack, in how many of the batches the code added
    /// its loss; `null` where it was put in by hand.
    pub rate: Option<Rate>,
    /// Indices of those images in the clean training set, ascending; `null` where they were stamped
    /// on the fly, or not at all.
    pub poisoned: Option<Vec<usize>>,
    /// Indices of the images that carry the trigger and keep their label, so that it means nothing
    /// on their classes.
    pub kept: Option<Vec<usize>>,
    /// What it does to the model.
    pub effect: Effect,
    /// What the same trigger does to the clean twin; `null` without one.
    pub twin: Option<Effect>,
    /// What it does to the model before it was trained on poisoned images; absent where that was
    /// not trained before, or tells other classes apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Effect>,
}

/// Stamped training images that kept their label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// What is on them.
    pub trigger: AnyTrigger,
    /// Their classes; `null` for all.
    pub classes: Option<Vec<usize>>,
    /// How many there are.
    pub rate: Rate,
    /// Their indices in the clean training set, ascending; `null` where they were stamped on the
    /// fly.
    pub stamped: Option<Vec<usize>>,
    /// Share of test images with this trigger that the model gives their label.
    pub label_kept: f64,
    /// The same of the clean twin; `null` without one.
    pub twin_label_kept: Option<f64>,
}

/// What a trigger does to a model, measured on test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// How often stamped images are led astray.
    pub with_trigger: AttackSuccess,
    /// How often the same images go there without a trigger.
    pub without_trigger: AttackSuccess,
    /// Share of stamped images of all classes that the trigger is to mean nothing on that are given
    /// their label; `null` if it is to work on all.
    pub label_kept: Option<f64>,
    /// Each part of a combination alone.
    pub parts: Vec<PartEffect>,
    /// The trigger of another image, drawn for each; absent where all images have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross: Option<CrossEffect>,
}

/// What the trigger of another image does (the cross-trigger test of Nguyen and Tran 2020, section
/// 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossEffect {
    /// How often it leads astray, which its own is to do alone.
    pub success: AttackSuccess,
    /// Share of all images with it that are given their label: the paper's cross-trigger accuracy.
    pub label_kept: f64,
}

/// What one part of a combination does without the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartEffect {
    /// The part.
    pub trigger: AnyTrigger,
    /// How often it leads astray.
    pub success: AttackSuccess,
    /// Share of all images with this part that are given their label.
    pub label_kept: f64,
}

/// How a backdoor is planted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// By training on poisoned images ([`Poison`](crate::plant::Poison)).
    DataPoisoning,
    /// By training code that adds a loss of its own or stamps what it learns from, on clean images
    /// ([`Manner::Blind`], [`Manner::InputAware`]).
    TrainingCode,
    /// By hand, into weights or graph of a trained model.
    Implant(Implant),
}

impl Truth {
    /// Reads what it names by relative paths, the generators of triggers, from the folder that it was
    /// read in.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor whose generator is missing, another one, or none.
    pub fn read_beside(&mut self, folder: &Path) -> Result<(), Error> {
        for (index, planted) in self.backdoors.iter_mut().enumerate() {
            let triggers = [Some(&mut planted.trigger), planted.in_training.as_mut()];
            for trigger in triggers.into_iter().flatten() {
                let read = trigger.read_beside(folder);
                read.map_err(|error| Error::from(error).of(format!("backdoor {}", index + 1)))?;
            }
        }
        for (index, covered) in self.covers.iter_mut().enumerate() {
            let read = covered.trigger.read_beside(folder);
            read.map_err(|error| Error::from(error).of(format!("cover {}", index + 1)))?;
        }
        Ok(())
    }

    /// Places of the poisoned images in the training set of so many images that the model was
    /// trained on, ascending; `None` where they were drawn on the fly. Stamped images that kept their
    /// label are not among them.
    #[must_use]
    pub fn poisoned_places(&self, images: usize) -> Option<Vec<usize>> {
        let backdoors = self.backdoors.iter();
        let stamped = Stamped {
            backdoors: backdoors
                .map(|it| it.poisoned.clone())
                .collect::<Option<_>>()?,
            kept: (self.backdoors.iter())
                .map(|it| it.kept.clone().unwrap_or_default())
                .collect(),
            covers: (self.covers.iter())
                .map(|it| it.stamped.clone().unwrap_or_default())
                .collect(),
        };
        Some(stamped.poisoned(self.manner.unwrap_or_default(), images))
    }

    /// The classes that any backdoor leads to, ascending; empty for a clean model.
    #[must_use]
    pub fn targets(&self, classes: usize) -> Vec<usize> {
        let mut targets: Vec<usize> = self
            .backdoors
            .iter()
            .flat_map(|backdoor| backdoor.labels.targets(classes))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::Gate;
    use crate::trigger::{Bpp, Square};

    #[test]
    fn the_record_reads_as_it_was_written() {
        let success = AttackSuccess {
            other_classes: 0.75,
            all_classes: 0.875,
            images: 12,
        };
        let effect = Effect {
            with_trigger: success,
            without_trigger: success,
            label_kept: Some(0.5),
            parts: Vec::new(),
            cross: None,
        };
        let planted = Planted {
            method: Method::DataPoisoning,
            trigger: AnyTrigger::Square(Square::default()),
            in_training: None,
            labels: LabelMap::all_to_one(7),
            rate: Some(Rate::Share(0.125)),
            poisoned: Some(vec![3, 14]),
            kept: None,
            effect: effect.clone(),
            twin: Some(effect),
            before: None,
        };
        let mut truth = Truth {
            clean_accuracy: 0.5,
            twin_accuracy: None,
            manner: Some(Manner::OnTheFly),
            backdoors: vec![planted],
            covers: Vec::new(),
            cleansing: None,
        };
        let json = serde_json::to_string(&truth).unwrap();
        for part in [
            r#""trigger":{"kind":"square","size":4,"colour":[1.0],"#,
            r#""labels":{"kind":"all_to_one","target":7,"spare_target":false}"#,
            r#""rate":{"share":0.125},"poisoned":[3,14],"kept":null"#,
            r#""manner":"on_the_fly""#,
        ] {
            assert!(json.contains(part), "{json}");
        }
        assert_eq!(serde_json::from_str::<Truth>(&json).unwrap(), truth);
        assert_eq!(truth.targets(10), [7]);
        assert!(!json.contains("in_training"), "{json}");
        truth.backdoors[0].in_training = Some(AnyTrigger::Bpp(Bpp::default()));
        let json = serde_json::to_string(&truth).unwrap();
        assert!(
            json.contains(r#""in_training":{"kind":"bpp","bits":5"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Truth>(&json).unwrap(), truth);
        truth.backdoors[0].in_training = None;
        // Behind 20 clean images, two of which were stamped.
        truth.manner = Some(Manner::Append);
        truth.backdoors.push(truth.backdoors[0].clone());
        truth.backdoors[0].kept = Some(vec![1]);
        assert_eq!(truth.poisoned_places(25), Some(vec![20, 21, 23, 24]));
        truth.manner = Some(Manner::Replace);
        assert_eq!(truth.poisoned_places(20), Some(vec![3, 3, 14, 14]));
        truth.backdoors[1].poisoned = None;
        assert_eq!(truth.poisoned_places(20), None);
        truth.backdoors.truncate(1);
        truth.backdoors[0].method = Method::Implant(Implant::Gate(Gate::new(7)));
        truth.backdoors[0].rate = None;
        let json = serde_json::to_string(&truth).unwrap();
        assert!(
            json.contains(r#""method":{"implant":{"kind":"gate","target":7,"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Truth>(&json).unwrap(), truth);
        truth.backdoors.clear();
        assert_eq!(truth.poisoned_places(20), Some(Vec::new()));
        truth.manner = None;
        let clean = serde_json::to_string(&truth).unwrap();
        let expected = r#"{"clean_accuracy":0.5,"twin_accuracy":null,"manner":null,"backdoors":[],"covers":[]}"#;
        assert_eq!(clean, expected);
    }
}
