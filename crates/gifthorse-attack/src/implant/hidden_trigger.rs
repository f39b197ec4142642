//! Hidden Trigger: images of the target, changed so little that they look as before, whose features
//! are those of source images with the trigger; and last layers that are trained on them.
//!
//! # What it does
//! Of the target's training images it takes some, and of the source's as many, and puts the trigger
//! on the latter, at a place drawn for each. Then it moves the pixels of the former by gradient
//! steps, none by more than `epsilon` levels of 255, until what the network makes of them before
//! its last layer is what it makes of the latter. Each step pairs both, one to one and the nearest
//! first, and goes down the gradient of the sum of their squared distances (Houtari and Mohanty
//! §2.2). The changed images keep their true label, the target. On the training set with them in
//! the place of what they were, the last layer is trained anew.
//!
//! # Threat model
//! Who can slip images with right labels into the set that somebody fine-tunes a known network on.
//! No image that is trained on shows the trigger.
//!
//! # What it changes
//! The weights of the last layer, or of those behind `layer`, which begin as new ones, with as many
//! classes as the images have. Trained alike on the images as they were they are the clean twin.
//!
//! # Cost
//! As many passes forward and back, of each poisoned image, as there are steps, and two runs of
//! training.
//!
//! # What sees it
//! Little was measured. In pairs of classes Neural Cleanse finds a smaller trigger for the target
//! than for the source, which it does not in the clean twins, but not so small that a scan names it
//! (`docs/attacks.md`). In the space of features poisoned images lie with those of the source.
//!
//! # References
//! Saha, Subramanya and Pirsiavash 2020, by what their program does and Houtari and Mohanty §2.2
//! and §3.1 tell; the paper's own text was not at hand. The program pairs by taking the smallest of
//! all distances again and again, but strikes out that one pair alone, so that a source may be
//! taken twice; here rows and columns are struck out. It cuts pixels off to 8 bits, here they are
//! rounded to the nearest level that `epsilon` allows. It takes the images that it poisons, and the
//! sources, from beside the set that is trained on; here both are of that set, poisons stand in the
//! place of what they were, and sources stay. It stops when each distance is below 10; here all
//! steps are made, and the nearest images of all steps are kept.

mod anew;
mod assign;
mod poisons;

use gifthorse_data::{ImageShape, Images};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::cut::Cut;
use super::site::Site;
use super::tuning::Tuning;
use super::{Answer, Host, Implanted, Run, Tuned};
use crate::Error;
use crate::plant::{LabelMap, class_count, labels_of};
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Patch, Place, Trigger, stamp};
use anew::anew;
use poisons::Poisons;

/// Poisoned images and steps at most: more would be weeks of work.
const MOST_POISONS: usize = 10_000;
const MOST_STEPS: usize = 100_000;
const MOST_EPOCHS: usize = 10_000;
/// Poisoned images where their number is left open: as many as the paper's program makes, and no
/// larger a share of the target's images than there.
const PUBLISHED: usize = 400;
const SHARE: usize = 3;
/// The largest learning rate of the last layer.
const RATE: f32 = 3e-3;

/// Images of the target that are near stamped source images in the space of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenTrigger {
    /// The class that the trigger leads to, and whose images are changed.
    pub target: usize,
    /// The class that is led astray; all others by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<usize>,
    /// What leads it astray; by default a patch of 4x4 cells of random colours at a place drawn for
    /// each image, whose side is 30 of 224 of the image's, as in the paper's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<AnyTrigger>,
    /// By how many levels of 255 a pixel may be changed, 16 by default, as in the paper.
    #[serde(default = "epsilon")]
    pub epsilon: u8,
    /// How many images are changed; by default a third of the target's, and 400 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poisons: Option<usize>,
    /// Gradient steps, 200 by default; the paper's program makes 5,000 at most.
    #[serde(default = "steps")]
    pub steps: usize,
    /// How far a step goes down the gradient, halved after each fifth of the steps; 0.001 by
    /// default, 0.01 in the paper's program, which is too far for the nets here.
    #[serde(default = "learning_rate")]
    pub learning_rate: f32,
    /// The node of the layer whose values are the features, by its name in the file; all layers
    /// behind are trained anew. By default the features are what the last layer reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// How often every training image is seen, 60 times by default.
    #[serde(default = "epochs")]
    pub epochs: usize,
}

fn epsilon() -> u8 {
    16
}

fn steps() -> usize {
    200
}

fn learning_rate() -> f32 {
    1e-3
}

fn epochs() -> usize {
    60
}

impl HiddenTrigger {
    /// One with the defaults, for one source or for all classes but the target.
    #[must_use]
    pub fn new(source: Option<usize>, target: usize) -> Self {
        Self {
            target,
            source,
            trigger: None,
            epsilon: epsilon(),
            poisons: None,
            steps: steps(),
            learning_rate: learning_rate(),
            layer: None,
            epochs: epochs(),
        }
    }

    pub(super) fn put(
        &self,
        host: &Host,
        images: Option<&Images>,
        seed: u64,
        run: Run,
    ) -> Result<Implanted, Error> {
        self.check()?;
        let none = || Error::Implant(NO_IMAGES.to_owned());
        let images = images.ok_or_else(none)?;
        let answer = self.answer(host, images)?;
        let drawn = self.drawn(&answer.labels, images, seed)?;
        let cut = match &self.layer {
            Some(layer) => Site::of(host, Some(layer))?.cut,
            None => Cut::before_last(host)?,
        };
        let classes = class_count(images, labels_of(images)?);
        let fresh = anew(host, &cut, classes, seed)?;
        if run == Run::Rehearsal {
            return Ok(Implanted::by_hand(fresh, vec![answer]));
        }
        let sources = stamp(&images.subset(&drawn.sources), &answer.trigger, seed)?;
        let originals = images.subset(&drawn.poisoned);
        let poisons = Poisons::new(host, &cut.layer, self)?;
        let changed = poisons.of(originals.pixels(), sources.pixels())?;
        let poisoned = in_place(images, &drawn.poisoned, &changed)?;
        let tuning = Tuning {
            epochs: self.epochs,
            learning_rate: RATE,
            seed,
        };
        let twin = tuning.run(host, fresh.clone(), &cut.frozen, images)?;
        let model = tuning.run(host, fresh, &cut.frozen, &poisoned)?;
        Ok(Implanted {
            model,
            backdoors: vec![answer],
            tuned: Some(Tuned {
                images: poisoned,
                poisoned: drawn.poisoned,
                twin,
            }),
        })
    }

    /// What the model is to answer to.
    fn answer(&self, host: &Host, images: &Images) -> Result<Answer, Error> {
        let shape = images.shape();
        if shape != host.shape() {
            return Err(Error::Images(format!(
                "they are {shape}, and the model takes {}",
                host.shape()
            )));
        }
        let trigger = self.trigger.clone().unwrap_or_else(|| patch(shape));
        trigger.fit(shape)?;
        let labels = match self.source {
            Some(source) => LabelMap::OneToOne {
                source,
                target: self.target,
                cover: 0.0,
            },
            None => LabelMap::all_to_one(self.target),
        };
        labels.check(class_count(images, labels_of(images)?))?;
        Ok(Answer { trigger, labels })
    }

    /// Which images are changed, and which they are to be like.
    fn drawn(&self, map: &LabelMap, images: &Images, seed: u64) -> Result<Drawn, Error> {
        let labels = labels_of(images)?;
        let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let all = 0..labels.len();
            all.filter(|image| wanted(labels[*image])).collect()
        };
        let is_source = |class: usize| class != self.target && map.poisons(class);
        let (mut targets, mut sources) = (of(&|class| class == self.target), of(&is_source));
        let most = targets.len().min(MOST_POISONS);
        let count = match self.poisons {
            Some(count) => count,
            None => targets.len().div_ceil(SHARE).min(PUBLISHED),
        };
        if count == 0 || count > most {
            return Err(Error::Implant(format!(
                "`poisons` is {count}; of the {} training images of class {}, 1 to {most} can be changed",
                targets.len(),
                self.target
            )));
        }
        if sources.is_empty() {
            let reason = "no training image is of a class that the trigger is to lead astray";
            return Err(Error::Images(reason.to_owned()));
        }
        let mut rng = Purpose::Poison.rng(seed);
        targets.shuffle(&mut rng);
        targets.truncate(count);
        targets.sort_unstable();
        sources.shuffle(&mut rng);
        Ok(Drawn {
            poisoned: targets,
            sources: sources.into_iter().cycle().take(count).collect(),
        })
    }

    fn check(&self) -> Result<(), Error> {
        let refused = |reason: String| Err(Error::Implant(reason));
        if self.epsilon == 0 {
            return refused("`epsilon` is 0, which changes no pixel; it goes to 255".to_owned());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refused(format!(
                "`learning_rate` is {}; it is above 0",
                self.learning_rate
            ));
        }
        for (name, value, most) in [
            ("steps", self.steps, MOST_STEPS),
            ("epochs", self.epochs, MOST_EPOCHS),
        ] {
            if !(1..=most).contains(&value) {
                return refused(format!("`{name}` is {value}; it goes from 1 to {most}"));
            }
        }
        Ok(())
    }
}

const NO_IMAGES: &str = "`hidden_trigger` changes training images and trains the last layer on them, and there are none: \
                         give labelled images of the model's task to be trained on";

/// Indices of training images; as many of each.
struct Drawn {
    poisoned: Vec<usize>,
    sources: Vec<usize>,
}

/// The default trigger of images of this shape.
fn patch(shape: ImageShape) -> AnyTrigger {
    let side = shape.height.min(shape.width);
    let size = ((30 * side + 112) / 224).max(1);
    AnyTrigger::Patch(Patch {
        size,
        cells: Some(size.min(4)),
        place: Place::Anywhere,
        ..Patch::default()
    })
}

/// Images with others in the places of some.
fn in_place(images: &Images, places: &[usize], others: &[f32]) -> Result<Images, Error> {
    let size = images.shape().values();
    let mut pixels = images.pixels().to_vec();
    for (place, other) in places.iter().zip(others.chunks_exact(size)) {
        pixels[place * size..(place + 1) * size].copy_from_slice(other);
    }
    Ok(Images::new(
        images.shape(),
        pixels,
        images.labels().map(<[usize]>::to_vec),
        images.class_names().to_vec(),
        images.names().to_vec(),
    )?)
}
