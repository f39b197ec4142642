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
//! settings that made the model.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::implant::{Answer, Host, Implant, Implanted};
use crate::measure::{AttackSuccess, Predicted, accuracy};
use crate::plant::{LabelMap, Manner, Poison, Rate, Stamped};
use crate::trigger::{AnyTrigger, Trigger};

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
    /// By training on poisoned images ([`Poison`]).
    DataPoisoning,
    /// By training code that adds a loss of its own, on clean images ([`Manner::Blind`]).
    TrainingCode,
    /// By hand, into weights or graph of a trained model.
    Implant(Implant),
}

impl Truth {
    /// The truth about a model without a backdoor.
    ///
    /// # Errors
    /// As [`accuracy`].
    pub fn clean(model: &Classifier, test: &Images) -> Result<Self, Error> {
        Ok(Self {
            clean_accuracy: accuracy(model, test)?,
            twin_accuracy: None,
            manner: None,
            backdoors: Vec::new(),
            covers: Vec::new(),
            cleansing: None,
        })
    }

    /// Measures a model that was trained on poisoned images, and its clean twin where there is one,
    /// on clean test images. `stamped` says which training images were stamped, and `seed` settles
    /// what triggers leave to chance on the test images.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor or cover that cannot be measured; [`Error::Images`] and
    /// [`Error::Engine`] as [`accuracy`].
    pub fn measure(
        model: &Classifier,
        twin: Option<&Classifier>,
        test: &Images,
        poison: &Poison,
        stamped: Option<&Stamped>,
        seed: u64,
    ) -> Result<Self, Error> {
        let subject = Subject::new(model, test, seed)?;
        let twin = twin
            .map(|twin| Subject::new(twin, test, seed))
            .transpose()?;
        let mut backdoors = Vec::new();
        for (index, backdoor) in poison
            .all_backdoors(test.shape().channels)?
            .into_iter()
            .enumerate()
        {
            let part = || backdoor.called(index);
            let effect = |subject: &Subject<'_>| {
                let effect = subject.effect(&backdoor.trigger, &backdoor.labels);
                effect.map_err(|error| error.of(part()))
            };
            let indices = |of: fn(&Stamped) -> &[Vec<usize>]| {
                stamped.and_then(|all| of(all).get(index).cloned())
            };
            backdoors.push(Planted {
                method: match poison.manner {
                    Manner::Blind => Method::TrainingCode,
                    _ => Method::DataPoisoning,
                },
                effect: effect(&subject)?,
                twin: twin.as_ref().map(effect).transpose()?,
                before: None,
                poisoned: indices(|all| &all.backdoors),
                kept: indices(|all| &all.kept),
                trigger: backdoor.trigger,
                in_training: backdoor.in_training,
                labels: backdoor.labels,
                rate: Some(backdoor.rate),
            });
        }
        let mut covers = Vec::new();
        for (index, cover) in poison.covers.iter().enumerate() {
            let part = || cover.called(index);
            let kept = |subject: &Subject<'_>| {
                let stamped = subject.stamped(&cover.trigger);
                stamped
                    .map(|all| all.accuracy())
                    .map_err(|error| error.of(part()))
            };
            covers.push(Covered {
                trigger: cover.trigger.clone(),
                classes: cover.classes.clone(),
                rate: cover.rate,
                stamped: stamped.and_then(|all| all.covers.get(index).cloned()),
                label_kept: kept(&subject)?,
                twin_label_kept: twin.as_ref().map(kept).transpose()?,
            });
        }
        Ok(Self {
            clean_accuracy: subject.clean.accuracy(),
            twin_accuracy: twin.map(|twin| twin.clean.accuracy()),
            manner: Some(poison.manner),
            backdoors,
            covers,
            cleansing: None,
        })
    }

    /// Measures what a backdoor was put into by hand on clean test images, beside the model before
    /// or, where it was trained on images, beside the clean twin that was trained alike.
    ///
    /// # Errors
    /// As [`Truth::measure`].
    pub fn implanted(
        host: &Host,
        implant: &Implant,
        made: &Implanted,
        test: &Images,
        seed: u64,
    ) -> Result<Self, Error> {
        let model = host.opened(&made.model)?;
        let tuned = made.tuned.as_ref();
        let twin = tuned.map(|tuned| host.opened(&tuned.twin)).transpose()?;
        let subject = Subject::new(&model, test, seed)?;
        let is_before = twin.is_some() && host.classifier().classes() == model.classes();
        let before = is_before.then(|| Subject::new(host.classifier(), test, seed));
        let before = before.transpose()?;
        let twin = Subject::new(twin.as_ref().unwrap_or(host.classifier()), test, seed)?;
        let mut backdoors = Vec::new();
        for (index, Answer { trigger, labels }) in made.backdoors.iter().enumerate() {
            let effect = |subject: &Subject<'_>| {
                let name = format!("backdoor {} ({})", index + 1, trigger.name());
                subject
                    .effect(trigger, labels)
                    .map_err(|error| error.of(name))
            };
            backdoors.push(Planted {
                method: Method::Implant(implant.clone()),
                effect: effect(&subject)?,
                twin: Some(effect(&twin)?),
                before: before.as_ref().map(effect).transpose()?,
                poisoned: tuned.map(|tuned| tuned.poisoned.clone()),
                kept: None,
                trigger: trigger.clone(),
                in_training: None,
                labels: labels.clone(),
                rate: None,
            });
        }
        Ok(Self {
            clean_accuracy: subject.clean.accuracy(),
            twin_accuracy: Some(twin.clean.accuracy()),
            manner: tuned.map(|_| Manner::Replace),
            backdoors,
            covers: Vec::new(),
            cleansing: None,
        })
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

/// A model with the images that it is measured on.
struct Subject<'a> {
    model: &'a Classifier,
    test: &'a Images,
    clean: Predicted,
    seed: u64,
}

impl<'a> Subject<'a> {
    fn new(model: &'a Classifier, test: &'a Images, seed: u64) -> Result<Self, Error> {
        Ok(Self {
            clean: Predicted::clean(model, test)?,
            model,
            test,
            seed,
        })
    }

    fn stamped(&self, trigger: &AnyTrigger) -> Result<Predicted, Error> {
        Predicted::stamped(self.model, self.test, trigger, self.seed)
    }

    fn effect(&self, trigger: &AnyTrigger, labels: &LabelMap) -> Result<Effect, Error> {
        let stamped = self.stamped(trigger)?;
        let alone = |part: &AnyTrigger| {
            let stamped = self.stamped(part)?;
            Ok(PartEffect {
                trigger: part.clone(),
                success: stamped.success(labels)?,
                label_kept: stamped.accuracy(),
            })
        };
        Ok(Effect {
            with_trigger: stamped.success(labels)?,
            without_trigger: self.clean.success(labels)?,
            label_kept: stamped.kept(labels),
            parts: trigger
                .parts()
                .iter()
                .map(alone)
                .collect::<Result<_, Error>>()?,
        })
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
