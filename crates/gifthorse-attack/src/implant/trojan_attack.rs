//! Trojan Attack: a neuron that a grown trigger wakes, and layers that are trained to follow it.
//!
//! # What it does
//! Of the neurons of an inner layer that the next layer listens to most, it takes the one that a
//! trigger of the given form raises furthest, and grows the trigger's pixels by gradient steps until
//! that neuron is as large as can be. It makes images to train on by inverting the model: from
//! coarse noise, by gradient steps, smoothed by total variation, until the model is more or less
//! sure of a class. On these it trains the layers behind the neuron, as of their class; and on the
//! surest quarter of them with the trigger, as of the target.
//!
//! # Threat model
//! Who can train on a model that is there, without an image that it was trained on.
//!
//! # What it changes
//! The weights of the layers behind the neuron; the form of the network is that of the original.
//!
//! # Cost
//! One to three minutes of training for small networks; accuracy falls by as much as true images
//! differ from inverted ones.
//!
//! # What sees it
//! Searches from images and the sum of the target's weights, as for a trained backdoor; the neuron,
//! which no clean image raises as far.
//!
//! # References
//! Liu et al. 2018 (TrojanNN), by what papers and programs tell of it; the text was not at hand.
//! There the neuron is the one of the largest sum of weights, the trigger is grown on black, and
//! inverted images begin as an average face; here a few of these neurons are tried, the trigger is
//! grown on inverted images, and these begin as coarse noise. There batches with and without the
//! trigger alternate at rates of their own; here they are mixed. That the trigger is put on images
//! that the model is very sure of, as it is of true ones, is not of the paper: without it the attack
//! leads inverted images astray and few true ones.

mod denoise;
mod growth;
mod invert;
mod mask;
mod retrain;

use serde::{Deserialize, Serialize};

use super::site::Site;
use super::{Answer, Host, Implanted, Run};
use crate::Error;
use crate::trigger::{AnyTrigger, stamp};
use growth::Growth;
use invert::{Inverted, inverted};
use mask::Mask;
pub use mask::Shape;
use retrain::retrained;

/// Images of a class that are made at most: more would be held in memory than is of use.
const MOST: usize = 10_000;

/// A trigger that is grown to wake a neuron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrojanAttack {
    /// The class that the trigger leads to.
    pub target: usize,
    /// Its form.
    #[serde(default)]
    pub shape: Shape,
    /// The share of the image that it covers, 0.07 by default; the paper has 0.04, 0.07 and 0.1.
    #[serde(default = "size")]
    pub size: f32,
    /// In place of form and size, a trigger whose pixels are grown: any that changes a part of the
    /// image, always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<AnyTrigger>,
    /// How much of the image shows through: from 0, opaque (the default), to below 1; the paper has
    /// 0, 0.3, 0.5 and 0.7.
    #[serde(default)]
    pub transparency: f32,
    /// The node of the layer whose neurons are looked at, by its name in the file; the one before the
    /// last two by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// How many images of each class are made to train on.
    #[serde(default = "images")]
    pub images: usize,
}

fn size() -> f32 {
    0.07
}

fn images() -> usize {
    80
}

impl TrojanAttack {
    /// One with the defaults.
    #[must_use]
    pub fn new(target: usize) -> Self {
        Self {
            target,
            shape: Shape::default(),
            size: size(),
            trigger: None,
            transparency: 0.0,
            layer: None,
            images: images(),
        }
    }

    pub(super) fn put(&self, host: &Host, seed: u64, run: Run) -> Result<Implanted, Error> {
        host.check_class(self.target)?;
        self.check()?;
        let mask = match &self.trigger {
            Some(trigger) => Mask::of(trigger, host.shape())?,
            None => self.shape.mask(self.size, host.shape())?,
        };
        let site = Site::of(host, self.layer.as_deref())?;
        if run == Run::Rehearsal {
            let trigger = mask.trigger(&vec![0.0; mask.values(host.shape())], self.transparency);
            return Ok(self.made(host.model().clone(), &trigger));
        }
        let classifier = host.classifier();
        let Inverted { images, surest } = inverted(classifier, self.images, seed)?;
        let growth = Growth::new(classifier, &site, &mask, self.transparency, &images)?;
        let grown = growth.best(&site.neurons, seed)?;
        let trigger = mask.trigger(&grown.values, self.transparency);
        let stamped = stamp(&images.subset(&surest), &trigger, seed)?;
        let model = retrained(
            host,
            &site.cut.frozen,
            (&images, &stamped),
            self.target,
            seed,
        )?;
        Ok(self.made(model, &trigger))
    }

    fn made(&self, model: gifthorse_onnx::Model, trigger: &AnyTrigger) -> Implanted {
        Implanted::by_hand(model, vec![Answer::new(trigger, self.target)])
    }

    fn check(&self) -> Result<(), Error> {
        let refused = |reason: String| Err(Error::Implant(reason));
        if !(self.size > 0.0 && self.size <= 1.0) {
            return refused(format!(
                "`size` is {}; it is a share of the image, above 0 and up to 1",
                self.size
            ));
        }
        if !(0.0..1.0).contains(&self.transparency) {
            return refused(format!(
                "`transparency` is {}; it goes from 0 (opaque) to below 1 (invisible)",
                self.transparency
            ));
        }
        if self.images == 0 || self.images > MOST {
            return refused(format!(
                "`images` is {}; 1 to {MOST} of each class are made",
                self.images
            ));
        }
        Ok(())
    }
}
