//! The settings of a training run.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::{Augment, Optimiser, Schedule, Shaping, Sharpness};

/// How to train. Together with the images and the network's first weights it settles the result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// How often every image is seen.
    pub epochs: usize,
    /// Images for each update of the weights.
    pub batch: usize,
    /// Parts that each batch is cut into and that are computed side by side; divides `batch`.
    pub shards: usize,
    /// How a gradient becomes an update.
    pub optimiser: Optimiser,
    /// The largest learning rate.
    pub learning_rate: f32,
    /// The share of it over time.
    pub schedule: Schedule,
    /// How images are changed each time that they are seen.
    pub augment: Augment,
    /// The share of each label that goes to all classes alike, in `[0, 1)`.
    #[serde(skip_serializing_if = "is_nothing")]
    pub label_smoothing: f32,
    /// Whether each update takes its gradient from where the loss is worst nearby.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<Sharpness>,
    /// Whether the gradient of each image is clipped, and noise added to their sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shaping: Option<Shaping>,
    /// When the model is good enough to stop before the last epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<StopAt>,
    /// Settles the order of the images, how they are augmented and what dropout drops.
    pub seed: u64,
}

impl Default for Recipe {
    /// Ten epochs of Adam in batches of 64, two shards, at most 0.003, one cycle, images as they
    /// are.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 64,
            shards: 2,
            optimiser: Optimiser::ADAM,
            learning_rate: 3e-3,
            schedule: Schedule::OneCycle { warm_up: 0.2 },
            augment: Augment::default(),
            label_smoothing: 0.0,
            sharpness: None,
            shaping: None,
            stop_at: None,
            seed: 0,
        }
    }
}

/// Whether a share is left out of the file, as before there were any.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_nothing(share: &f32) -> bool {
    *share == 0.0
}

impl Recipe {
    /// Refuses what no training can follow, whatever the images.
    ///
    /// # Errors
    /// [`Error::Recipe`] naming the setting.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Recipe(reason));
        let Self {
            epochs,
            batch,
            shards,
            learning_rate,
            ..
        } = *self;
        if epochs == 0 || batch == 0 || shards == 0 {
            return refuse("epochs, batch and shards have to be at least 1".to_owned());
        }
        if !batch.is_multiple_of(shards) {
            return refuse(format!(
                "a batch of {batch} images does not divide into {shards} shards"
            ));
        }
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return refuse(format!(
                "the learning rate {learning_rate} is not above zero"
            ));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return refuse(format!(
                "label_smoothing = {} is not in [0, 1)",
                self.label_smoothing
            ));
        }
        if let Some(stop_at) = self.stop_at {
            stop_at.check()?;
        }
        if let Some(sharpness) = self.sharpness {
            sharpness.check()?;
        }
        if let Some(shaping) = self.shaping {
            shaping.check()?;
            if self.sharpness.is_some() {
                return refuse(
                    "sharpness and shaping change the same gradient: take one".to_owned(),
                );
            }
        }
        self.schedule.check()?;
        self.optimiser.check()
    }
}

/// What a model has to reach in an epoch's [`crate::Exam`] to be done. Whatever is left out need
/// not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopAt {
    /// Share of test images that are given their label (CA), in `[0, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_accuracy: Option<f64>,
    /// Share of stamped test images that are taken for the target (ASR), in `[0, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack_success: Option<f64>,
}

impl StopAt {
    fn check(self) -> Result<(), Error> {
        let named = [
            ("clean_accuracy", self.clean_accuracy),
            ("attack_success", self.attack_success),
        ];
        if named.iter().all(|(_, wanted)| wanted.is_none()) {
            let reason = "stop_at names neither clean_accuracy nor attack_success";
            return Err(Error::Recipe(reason.to_owned()));
        }
        for (name, wanted) in named {
            if let Some(wanted) = wanted
                && !(0.0..=1.0).contains(&wanted)
            {
                return Err(Error::Recipe(format!(
                    "stop_at.{name} = {wanted} is not a share from 0 to 1"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let good = Recipe::default();
        assert!(good.check().is_ok());
        let stop_at = |clean_accuracy, attack_success| Recipe {
            stop_at: Some(StopAt {
                clean_accuracy,
                attack_success,
            }),
            ..good
        };
        assert!(stop_at(Some(0.9), None).check().is_ok());
        let schedule = |schedule| Recipe { schedule, ..good };
        let optimiser = |optimiser| Recipe { optimiser, ..good };
        for bad in [
            Recipe { epochs: 0, ..good },
            Recipe { batch: 0, ..good },
            Recipe { shards: 0, ..good },
            Recipe { shards: 3, ..good },
            Recipe {
                learning_rate: 0.0,
                ..good
            },
            Recipe {
                learning_rate: f32::NAN,
                ..good
            },
            Recipe {
                label_smoothing: 1.0,
                ..good
            },
            Recipe {
                sharpness: Some(Sharpness { radius: 0.0 }),
                ..good
            },
            Recipe {
                shaping: Some(Shaping {
                    clip: 0.0,
                    noise: 0.0,
                }),
                ..good
            },
            Recipe {
                shaping: Some(Shaping {
                    clip: 1.0,
                    noise: f32::NAN,
                }),
                ..good
            },
            Recipe {
                sharpness: Some(Sharpness { radius: 0.5 }),
                shaping: Some(Shaping {
                    clip: 1.0,
                    noise: 0.0,
                }),
                ..good
            },
            stop_at(None, None),
            stop_at(Some(0.9), Some(98.0)),
            schedule(Schedule::OneCycle { warm_up: 1.0 }),
            schedule(Schedule::Step {
                every: 0,
                factor: 0.1,
            }),
            schedule(Schedule::Step {
                every: 1,
                factor: 0.0,
            }),
            optimiser(Optimiser::Sgd {
                momentum: 1.0,
                weight_decay: 0.0,
            }),
            optimiser(Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: -1e-4,
            }),
            optimiser(Optimiser::Adadelta {
                decay: 0.95,
                epsilon: 0.0,
            }),
        ] {
            assert!(matches!(bad.check(), Err(Error::Recipe(_))), "{bad:?}");
        }
    }

    #[test]
    fn it_is_written_as_a_table_whose_entries_have_defaults() {
        let text = r#"{
            "epochs": 5,
            "optimiser": { "kind": "adam" },
            "schedule": { "kind": "one_cycle", "warm_up": 0.2 },
            "augment": { "crop": 2, "flip": true },
            "stop_at": { "clean_accuracy": 0.98, "attack_success": 0.99 }
        }"#;
        let recipe: Recipe = serde_json::from_str(text).unwrap();
        let expected = Recipe {
            epochs: 5,
            augment: Augment {
                crop: 2,
                flip: true,
            },
            stop_at: Some(StopAt {
                clean_accuracy: Some(0.98),
                attack_success: Some(0.99),
            }),
            ..Recipe::default()
        };
        assert_eq!(recipe, expected);
        let written = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&written).unwrap(), recipe);
        for wrong in [
            r#"{ "epoch": 5 }"#,
            r#"{ "optimiser": { "kind": "adam", "momentum": 0.9 } }"#,
            r#"{ "schedule": { "kind": "cosine", "every": 3 } }"#,
        ] {
            assert!(serde_json::from_str::<Recipe>(wrong).is_err(), "{wrong}");
        }
    }
}
