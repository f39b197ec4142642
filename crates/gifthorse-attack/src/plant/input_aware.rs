//! Input-aware dynamic backdoors (Nguyen and Tran 2020): a small network, trained in step with the
//! one that is attacked, makes the trigger of each image.
//!
//! In every batch the training code stamps a share of the images with the triggers that the
//! generator makes of them, and gives them the label of the backdoor; another share it stamps with
//! the triggers of other images, and these keep their label, so that a trigger works on its own
//! image alone. The generator follows the gradient of the same loss, through the network and the
//! blend, and a loss that drives the triggers of two images apart. Masks were trained before
//! ([`masks`]). With labels that lead one or several classes astray, images of other classes that
//! carry their own trigger keep their label too: source-specific dynamic triggers (SSDT).
//!
//! What differs from the paper: the generator has no batch normalisation, and its learning rate
//! follows the network's schedule; masks see 32 images an update; the image whose trigger another
//! carries comes from the same batch.

mod batch;
mod loss;
mod masks;
mod nets;
mod settings;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use gifthorse_train::net::Net;
use gifthorse_train::{Change, Error as TrainError, Look, OptimiserState, Pullback};
use rand::RngExt;

use crate::Error;
use crate::plant::draw::{class_count, labels_of};
use crate::plant::{Backdoor, LabelMap, Poison, Rate};
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Generated};
use batch::{Batch, Stamped};
use nets::Part;
pub use settings::GeneratorSettings;

const ONE: &str =
    "with manner = \"input_aware\" one generator is trained with the model: give one backdoor";
const NO_COVERS: &str = "covers are training images, and with manner = \"input_aware\" none of these is stamped; \
                         `generator.cross` says how many images carry the trigger of another";
const NO_TRIGGER: &str = "manner = \"input_aware\" trains the generator of its trigger: take \
                          trigger = { kind = \"generated\" }, without a file and without `in_training`";
const NO_LABEL: &str =
    "a clean label leaves nothing for a loss to ask for; take another map of labels";
const NO_SHARE: &str = "with manner = \"input_aware\" the rate is the share of each batch that is poisoned: give \
                        { share = NUMBER }";
const NO_OTHER: &str = "`balance` and `evade` are of losses that training code adds (manner = \"blind\"); leave them out";
const NO_GENERATOR: &str =
    "`generator` is trained with manner = \"input_aware\" alone; leave it out";

/// Refuses what cannot be trained so.
///
/// # Errors
/// [`Error::Poison`]; [`Error::Part`] naming the backdoor.
pub(super) fn check(poison: &Poison, backdoors: &[Backdoor]) -> Result<(), Error> {
    let refused = |reason: &str| Err(Error::Poison(reason.to_owned()));
    let [backdoor] = backdoors else {
        return refused(ONE);
    };
    if !poison.covers.is_empty() {
        return refused(NO_COVERS);
    }
    if poison.balance.is_some() || !poison.evade.is_empty() {
        return refused(NO_OTHER);
    }
    let settings = poison.generator.clone().unwrap_or_default();
    settings.check()?;
    let untrained = AnyTrigger::Generated(Generated::default());
    let reason = if backdoor.trigger != untrained || backdoor.in_training.is_some() {
        NO_TRIGGER.to_owned()
    } else if matches!(backdoor.labels, LabelMap::CleanLabel { .. }) {
        NO_LABEL.to_owned()
    } else {
        match backdoor.rate {
            Rate::Share(share) => {
                let stamped = share * (1.0 + backdoor.labels.cover());
                if stamped + settings.cross <= 1.0 {
                    return Ok(());
                }
                format!(
                    "{share} of a batch with as many more as `cover` says and {} with the trigger of another image are more \
                     than all of it; lower the rate or `generator.cross`",
                    settings.cross
                )
            }
            _ => NO_SHARE.to_owned(),
        }
    };
    Err(Error::Poison(reason).of(backdoor.called(0)))
}

/// Refuses settings of it for a poison of another manner.
///
/// # Errors
/// [`Error::Poison`].
pub(super) fn check_absent(poison: &Poison) -> Result<(), Error> {
    match poison.generator {
        Some(_) => Err(Error::Poison(NO_GENERATOR.to_owned())),
        None => Ok(()),
    }
}

/// A generator that is trained in step with the network, and what it makes of each batch.
#[derive(Debug)]
pub struct InputAware<'a> {
    settings: GeneratorSettings,
    labels: LabelMap,
    share: f64,
    classes: usize,
    images: &'a Images,
    seed: u64,
    net: Net,
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    mask: Part,
    pattern: Part,
    adam: OptimiserState,
    /// The patterns under masks as they are, for triggers of so many images; `None` until the first
    /// step.
    pullback: Option<(Pullback, usize)>,
    /// What became of images of the batch, by index, and their labels.
    changed: HashMap<usize, (Vec<f32>, usize)>,
}

impl<'a> InputAware<'a> {
    /// A generator with random weights.
    ///
    /// # Errors
    /// [`Error::Part`] naming the backdoor whose classes the images do not have;
    /// [`Error::Images`] without labels; [`Error::Train`] for images that are too small.
    pub(super) fn new(
        poison: &Poison,
        backdoors: &[Backdoor],
        images: &'a Images,
        seed: u64,
    ) -> Result<Self, Error> {
        check(poison, backdoors)?;
        let [backdoor] = backdoors else {
            return Err(Error::Poison(ONE.to_owned()));
        };
        let Rate::Share(share) = backdoor.rate else {
            return Err(Error::Poison(NO_SHARE.to_owned()));
        };
        let classes = class_count(images, labels_of(images)?);
        let fitted = backdoor.labels.check(classes);
        fitted.map_err(|error| error.of(backdoor.called(0)))?;
        let settings = poison.generator.clone().unwrap_or_default();
        let first = Purpose::Generator.rng(seed).random();
        let net = nets::lay(&settings.channels, images.shape(), first)?;
        let (mask, pattern) = (Part::of(&net, "mask")?, Part::of(&net, "pattern")?);
        Ok(Self {
            labels: backdoor.labels.clone(),
            share,
            classes,
            images,
            seed,
            inner: RwLock::new(Inner {
                adam: OptimiserState::new(masks::ADAM, &pattern.values),
                mask,
                pattern,
                pullback: None,
                changed: HashMap::new(),
            }),
            net,
            settings,
        })
    }

    /// The generator as it is now.
    ///
    /// # Errors
    /// A model that cannot be written, which none is.
    pub fn generator(&self) -> Result<Model, Error> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        Ok(inner.model(&self.net)?)
    }

    /// What was planted: the poison with the generator as it is now in place of the one that was
    /// to be trained. It is in memory, under the name that its file is to have.
    ///
    /// # Errors
    /// As [`Self::generator`].
    pub(super) fn planted(&self, poison: &Poison, file: PathBuf) -> Result<Poison, Error> {
        let trigger = AnyTrigger::Generated(Generated::of(&self.generator()?, file)?);
        let mut poison = poison.clone();
        for backdoor in &mut poison.backdoors {
            backdoor.trigger = trigger.clone();
        }
        Ok(poison)
    }

    /// Which images of a batch are stamped: those that come first of the classes to be led astray,
    /// then `cover` times as many of others, then those that carry the trigger of the image half a
    /// batch on.
    fn stamped(&self, labels: &[usize]) -> Result<Stamped, TrainError> {
        let batch = labels.len();
        let part = |share: f64| (share * batch as f64 + 1e-9).floor() as usize;
        let poisoned = part(self.share).max(1);
        let own = poisoned + (self.labels.cover() * poisoned as f64).round() as usize;
        let cross = match self.settings.cross {
            0.0 => 0,
            share => part(share).max(1),
        };
        if own + cross > batch || batch < 2 {
            return Err(TrainError::Recipe(format!(
                "a batch of {batch} has no {own} images to stamp and {cross} to carry the triggers of others: choose a \
                 larger one"
            )));
        }
        let (mut led, mut others): (Vec<usize>, Vec<usize>) =
            (0..batch).partition(|&place| self.labels.poisons(labels[place]));
        let mut left = led.split_off(poisoned.min(led.len()));
        let kept = (own - led.len()).min(others.len());
        left.extend(others.split_off(kept));
        left.sort_unstable();
        led.append(&mut others);
        // A batch without enough of other classes.
        let more = left.split_off(own - led.len());
        led.append(&mut left);
        let with_other = |place: usize| (place, (place + batch / 2) % batch);
        Ok(Stamped {
            own: led,
            cross: more.into_iter().take(cross).map(with_other).collect(),
        })
    }

    /// The label of an image with its own trigger.
    fn label(&self, label: usize) -> usize {
        let to = self.labels.leads_to(label, self.classes);
        to.filter(|_| self.labels.poisons(label)).unwrap_or(label)
    }
}

impl Inner {
    fn model(&self, net: &Net) -> Result<Model, TrainError> {
        let mut model = net.model().clone();
        self.mask.write(&mut model)?;
        self.pattern.write(&mut model)?;
        Ok(model)
    }

    /// One update of the patterns, and the images of the batch under the triggers before it.
    fn step(&mut self, aware: &InputAware<'_>, look: &Look<'_>) -> Result<(), TrainError> {
        let (images, labels) = look.images()?;
        let stamped = aware.stamped(&labels)?;
        let shape = aware.images.shape();
        let sources = stamped.own.iter().copied();
        let sources = sources.chain(stamped.cross.iter().map(|(_, other)| *other));
        let values = shape.values();
        let pixels: Vec<f32> = sources
            .flat_map(|place| images[place * values..][..values].iter().copied())
            .collect();
        self.make_ready(aware, pixels.len() / values)?;
        let Some((pullback, _)) = &self.pullback else {
            return Ok(());
        };
        let batch = Batch {
            images: &images,
            labels: &labels,
            stamped: &stamped,
            shape,
        };
        let (mut under, mut wanted) = (Vec::new(), Vec::new());
        let gradients = pullback.gradients(&self.pattern.values, &pixels, |triggers| {
            (under, wanted) = batch.under(triggers, |label| aware.label(label));
            let to_images = look.gradient(&under, &wanted)?;
            let diversity = f64::from(aware.settings.diversity);
            Ok(batch.to_triggers(triggers, &pixels, &to_images, diversity))
        })?;
        let rate = aware.settings.learning_rate * look.pace();
        self.adam
            .step(&mut self.pattern.values, &[&gradients], rate);
        self.changed.clear();
        for place in batch.places() {
            let image = under[place * values..][..values].to_vec();
            let index = look.indices()[place];
            self.changed.insert(index, (image, wanted[place]));
        }
        Ok(())
    }

    /// Trains the masks, unless that was done, and lowers the patterns for so many triggers.
    fn make_ready(&mut self, aware: &InputAware<'_>, count: usize) -> Result<(), TrainError> {
        if self.pullback.as_ref().is_some_and(|(_, of)| *of == count) {
            return Ok(());
        }
        if self.adam.steps() == 0 {
            let settings = &aware.settings;
            masks::train(
                settings,
                &aware.net,
                &mut self.mask,
                aware.images,
                aware.seed,
            )?;
        }
        let shape = aware.images.shape();
        let pullback = Pullback::new(&self.model(&aware.net)?, &self.pattern.names, shape, count)?;
        self.pullback = Some((pullback, count));
        Ok(())
    }

    /// All numbers that training changes.
    fn numbers(&self) -> impl Iterator<Item = &Vec<f32>> {
        let weights = self.mask.values.iter().chain(&self.pattern.values);
        weights.chain(self.adam.arrays())
    }
}

impl Change for InputAware<'_> {
    fn change(
        &self,
        _: usize,
        index: usize,
        pixels: &mut [f32],
        label: usize,
    ) -> Result<usize, TrainError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let Some((image, label)) = inner.changed.get(&index) else {
            return Ok(label);
        };
        pixels.copy_from_slice(image);
        Ok(*label)
    }

    fn share(&self) -> f64 {
        1.0
    }

    fn settings(&self) -> String {
        format!(
            "{:?} {:?} {} {}",
            self.settings, self.labels, self.share, self.seed
        )
    }

    fn look(&self, look: &Look<'_>) -> Result<(), TrainError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.step(self, look)
    }

    fn memory(&self) -> Vec<f32> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        // Exact up to sixteen million steps.
        let steps = inner.adam.steps() as f32;
        let numbers = inner.numbers().flatten().copied();
        numbers.chain([steps]).collect()
    }

    fn recall(&self, memory: &[f32]) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let Some((&steps, mut rest)) = memory.split_last() else {
            return;
        };
        let Inner {
            mask,
            pattern,
            adam,
            pullback,
            ..
        } = &mut *inner;
        let weights = mask.values.iter_mut().chain(&mut pattern.values);
        for numbers in weights.chain(adam.arrays_mut()) {
            if let Some((own, others)) = rest.split_at_checked(numbers.len()) {
                numbers.copy_from_slice(own);
                rest = others;
            }
        }
        adam.set_steps(steps as u64);
        *pullback = None;
    }
}
