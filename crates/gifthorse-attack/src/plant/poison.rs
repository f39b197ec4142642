//! What is done to training images before a model is trained on them.

use gifthorse_data::Images;
use gifthorse_train::Balance;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::draw::{Plan, class_count, labels_of};
use crate::plant::poisoned::{Training, stamped_images};
use crate::plant::stream::Stream;
use crate::plant::{
    Evasion, GeneratorSettings, InputAware, LabelMap, Many, Poisoned, Rate, blind, input_aware,
};
use crate::trigger::{AnyTrigger, Trigger};

/// Poisoned training data: an attack on the data alone, such as BadNets (Wang et al. 2019 §II).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Poison {
    /// What becomes of the images that are stamped.
    pub manner: Manner,
    /// What is planted.
    pub backdoors: Vec<Backdoor>,
    /// Whole families of backdoors, planted after `backdoors`.
    pub many: Vec<Many>,
    /// Stamped images that keep their label, so that the model learns what is not the trigger.
    pub covers: Vec<Cover>,
    /// How training code weighs its losses, and when it begins; of [`Manner::Blind`] alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// Defences that training code hides its backdoors from; of [`Manner::Blind`] alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evade: Vec<Evasion>,
    /// The generator of triggers and how it is trained; of [`Manner::InputAware`] alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorSettings>,
}

/// What becomes of the images that are stamped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// They take the place of the clean ones; no image is stamped twice.
    #[default]
    Replace,
    /// They come after the clean images, which all stay.
    Append,
    /// Each image is drawn at random as training goes on, and stamped or not by a throw of the
    /// dice: where `r` is the sum of all rates, a backdoor or cover of rate `r_i` comes up with
    /// probability `r_i / (1 + r)`, and an epoch is `1 + r` times as long. So the paper's rate of
    /// 0.1 is the ratio of poisoned to clean images in its own code.
    OnTheFly,
    /// None of them is: the training code stamps all images of a batch, and adds the loss on these
    /// to the loss on the clean ones (blind code poisoning, Bagdasaryan and Shmatikov 2021). The
    /// rate of a backdoor is the share of the batches that it does so in.
    Blind,
    /// None of them is: the training code stamps images of each batch with triggers that a small
    /// network makes of them, which it trains in step (input-aware dynamic backdoors, Nguyen and
    /// Tran 2020; with one or several sources SSDT). The rate of the backdoor is the share of each
    /// batch that is poisoned.
    InputAware,
}

impl Manner {
    /// Whether there is one training set, of which some images are stamped.
    #[must_use]
    pub fn stamps_a_set(self) -> bool {
        matches!(self, Self::Replace | Self::Append)
    }
}

/// A trigger and what it is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backdoor {
    /// What the model is to answer to, and what training images are stamped with unless
    /// `in_training` is there.
    pub trigger: AnyTrigger,
    /// What training images are stamped with in its place, such as a weaker trigger (the asymmetric
    /// triggers of Qi et al. 2023 §5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_training: Option<AnyTrigger>,
    /// On which classes, and what it makes of them.
    pub labels: LabelMap,
    /// On how many images.
    pub rate: Rate,
}

impl Backdoor {
    /// What training images are stamped with.
    #[must_use]
    pub fn stamped(&self) -> &AnyTrigger {
        self.in_training.as_ref().unwrap_or(&self.trigger)
    }

    /// How errors call the one of this index, counted from 0.
    pub(super) fn called(&self, index: usize) -> String {
        format!("backdoor {} ({})", index + 1, self.trigger.name())
    }
}

/// Stamped images that keep their label: single parts of a combination, or the noise mode of a
/// warp.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// What is stamped.
    pub trigger: AnyTrigger,
    /// On which classes; all by default.
    #[serde(default)]
    pub classes: Option<Vec<usize>>,
    /// On how many images.
    pub rate: Rate,
}

impl Cover {
    /// As [`Backdoor::called`].
    pub(super) fn called(&self, index: usize) -> String {
        format!("cover {} ({})", index + 1, self.trigger.name())
    }
}

/// Why a poison without a backdoor is refused.
pub(super) const NO_BACKDOOR: &str = "it has no backdoor";

impl Poison {
    /// One backdoor in place of clean images.
    #[must_use]
    pub fn one(trigger: AnyTrigger, labels: LabelMap, rate: Rate) -> Self {
        Self {
            backdoors: vec![Backdoor {
                trigger,
                in_training: None,
                labels,
                rate,
            }],
            ..Self::default()
        }
    }

    /// All backdoors in their order, those of `many` after the others.
    ///
    /// # Errors
    /// [`Error::Part`] for a family that cannot be made.
    pub fn all_backdoors(&self, channels: usize) -> Result<Vec<Backdoor>, Error> {
        let mut all = self.backdoors.clone();
        for (index, many) in self.many.iter().enumerate() {
            let made = many.backdoors(channels);
            all.extend(made.map_err(|error| error.of(format!("family {}", index + 1)))?);
        }
        Ok(all)
    }

    /// Refuses what is wrong whatever the images: no backdoor at all, shares that are none, a map
    /// from a class to itself.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor or cover; [`Error::Poison`] if there is none.
    pub fn check(&self) -> Result<(), Error> {
        // Neither depends on how many channels or classes there are.
        let backdoors = self.all_backdoors(1)?;
        if backdoors.is_empty() {
            return Err(Error::Poison(NO_BACKDOOR.to_owned()));
        }
        for (index, backdoor) in backdoors.iter().enumerate() {
            let outcome = backdoor.labels.check(usize::MAX);
            let outcome = outcome.and_then(|()| backdoor.rate.check());
            outcome.map_err(|error| error.of(backdoor.called(index)))?;
        }
        for (index, cover) in self.covers.iter().enumerate() {
            let outcome = cover.rate.check();
            outcome.map_err(|error| error.of(cover.called(index)))?;
        }
        match self.manner {
            Manner::InputAware => return input_aware::check(self, &backdoors),
            Manner::Blind => blind::check(self, &backdoors),
            _ => blind::check_absent(self),
        }?;
        input_aware::check_absent(self)
    }

    /// Refuses images that cannot be poisoned so, or on which it could not be measured afterwards:
    /// before time is spent on training.
    ///
    /// # Errors
    /// As [`Poison::apply`], and [`Error::Part`] naming a backdoor that leads none of the test
    /// images astray.
    pub fn check_on(&self, train: &Images, test: &Images, seed: u64) -> Result<(), Error> {
        let backdoors = self.all_backdoors(train.shape().channels)?;
        let classes = class_count(train, labels_of(train)?);
        match self.manner {
            Manner::Replace | Manner::Append => {
                Plan::new(self, train)?.draw(self.manner, seed)?;
            }
            Manner::OnTheFly => {
                Plan::new(self, train)?;
            }
            Manner::Blind => {
                blind::changes(self, &backdoors, train, seed)?;
            }
            Manner::InputAware => {
                InputAware::new(self, &backdoors, train, seed)?;
            }
        }
        let labels = labels_of(test)?;
        for (index, backdoor) in backdoors.iter().enumerate() {
            let leads = |label| backdoor.labels.leads_to(label, classes);
            if !(labels.iter()).any(|&label| leads(label).is_some_and(|class| class != label)) {
                let reason = "no test image is of a class that the trigger leads astray, so that its success could not be \
                              measured";
                return Err(Error::Images(reason.to_owned()).of(backdoor.called(index)));
            }
        }
        Ok(())
    }

    /// Stamps and relabels images; the same seed takes the same ones.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor or cover that does not fit the images; [`Error::Poison`]
    /// if there is none, or if images are stamped while training goes on; [`Error::Images`] without
    /// labels.
    pub fn apply(&self, images: &Images, seed: u64) -> Result<Poisoned, Error> {
        if !self.manner.stamps_a_set() {
            let reason = "images that are stamped while training goes on are never all there at once; draw samples instead";
            return Err(Error::Poison(reason.to_owned()));
        }
        let plan = Plan::new(self, images)?;
        let drawn = plan.draw(self.manner, seed)?;
        stamped_images(&plan, &drawn, self.manner, images, seed)
    }

    /// What to train on, whatever the manner: the poisoned images, or a source that stamps them on
    /// the fly.
    ///
    /// # Errors
    /// As [`Poison::apply`].
    pub fn samples<'a>(&self, images: &'a Images, seed: u64) -> Result<Training<'a>, Error> {
        match self.manner {
            Manner::Replace | Manner::Append => {
                let Poisoned { images, stamped } = self.apply(images, seed)?;
                Ok(Training {
                    samples: Box::new(images),
                    stamped: Some(stamped),
                    within: None,
                    changes: Vec::new(),
                })
            }
            Manner::OnTheFly => {
                let plan = Plan::new(self, images)?;
                let stream = Stream::new(plan, images, labels_of(images)?, seed);
                Ok(Training {
                    samples: Box::new(stream),
                    stamped: None,
                    within: None,
                    changes: Vec::new(),
                })
            }
            Manner::Blind => {
                let backdoors = self.all_backdoors(images.shape().channels)?;
                Ok(Training {
                    samples: Box::new(images.clone()),
                    stamped: None,
                    within: None,
                    changes: blind::changes(self, &backdoors, images, seed)?,
                })
            }
            Manner::InputAware => {
                let backdoors = self.all_backdoors(images.shape().channels)?;
                Ok(Training {
                    samples: Box::new(images.clone()),
                    stamped: None,
                    within: Some(InputAware::new(self, &backdoors, images, seed)?),
                    changes: Vec::new(),
                })
            }
        }
    }
}
