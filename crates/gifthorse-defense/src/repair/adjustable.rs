//! A model whose weights a repair moves by a loss of its own.
//!
//! It runs as in use: batch normalisations keep the statistics of the file, so that a batch of
//! images with triggers or noise in them does not move these.

use std::ops::Range;
use std::sync::Arc;

use gifthorse_engine::{Array, Classifier, Layer, Layout, Mode, Tensor, Trainable, alone};
use gifthorse_onnx::Model;
use gifthorse_train::net::Net;
use rayon::prelude::*;

use super::Patient;
use crate::error::Error;

/// Values of all weights, each row-major, in the order of the model's layers.
pub(super) type Weights = Vec<Vec<f32>>;

/// The loss of each image of a part of a batch, `[images, any]`, of which the sum counts: from the
/// places of the images in the batch, and what the model makes of them.
pub(super) type Loss<'a> = &'a (dyn Fn(Range<usize>, Made) -> Result<Array, Error> + Sync);

/// What the model makes of images.
pub(super) struct Made {
    /// `[images, classes]`
    pub logits: Array,
    /// What its taps give, `[images, ...]` each.
    pub features: Vec<Array>,
    /// The images themselves `[images, channels, height, width]`, through which gradients flow
    /// where they are asked for.
    pub images: Tensor<4>,
}

/// What a gradient is taken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Weights,
    Pixels,
    Both,
}

/// A loss and its gradient.
#[derive(Debug, Default)]
pub(super) struct Slope {
    pub loss: f64,
    /// By each weight; empty where not asked for.
    pub weights: Weights,
    /// By each pixel of the batch, row-major as the batch; empty where not asked for.
    pub pixels: Vec<f32>,
}

/// The model, ready to run with any values of its weights.
pub(super) struct Adjustable {
    net: Net,
    classifier: Classifier,
    network: Trainable,
    names: Vec<(String, Vec<usize>)>,
    first: Weights,
    /// Images that run together: half a batch, or what the model takes.
    part: usize,
}

impl Adjustable {
    /// Makes a model ready for batches of so many images.
    ///
    /// # Errors
    /// A model that cannot be trained.
    pub(super) fn new(patient: &Patient<'_>, model: &Model, batch: usize) -> Result<Self, Error> {
        Self::tapped(patient, model, batch, &[])
    }

    /// The same, with layers whose values a loss is given besides.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn tapped(
        patient: &Patient<'_>,
        model: &Model,
        batch: usize,
        layers: &[Layer],
    ) -> Result<Self, Error> {
        let net = patient.net(model)?;
        let classifier = patient.classifier(model)?;
        let part = net.at_once().unwrap_or(batch.div_ceil(2)).max(1);
        let taps: Vec<String> = layers.iter().map(|layer| layer.name().to_owned()).collect();
        let network = Trainable::tapped(
            &Arc::new(net.model().editable_graph()?),
            net.opening(),
            part,
            classifier.network().input(),
            (net.weights(), &taps),
            &Mode::Inference,
            classifier.device(),
        )?;
        let (mut names, mut first) = (Vec::new(), Vec::new());
        for (name, value) in network.parameters()? {
            names.push((name, value.shape()));
            first.push(value.into_vec());
        }
        Ok(Self {
            net,
            classifier,
            network,
            names,
            first,
            part,
        })
    }

    /// The weights of the model's file.
    pub(super) fn first(&self) -> Weights {
        self.first.clone()
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.classifier.classes()
    }

    /// Numbers of an image.
    pub(super) fn size(&self) -> usize {
        self.classifier.shape().iter().product()
    }

    /// The sum of a loss over a batch of images, row-major in [0, 1], and its gradient.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back; what the loss refuses.
    pub(super) fn slope(
        &self,
        weights: &Weights,
        pixels: &[f32],
        by: By,
        loss: Loss<'_>,
    ) -> Result<Slope, Error> {
        let device = self.classifier.device();
        let weights: Vec<Array> = weights
            .iter()
            .map(|values| Array::from_vec(values.clone(), &[values.len()], device))
            .collect();
        let run = |(place, pixels): (usize, &[f32])| {
            self.part(&weights, place * self.part, pixels, by, loss)
        };
        let chunk = self.part * self.size();
        let parts: Result<Vec<Slope>, Error> = if pixels.len() <= chunk {
            pixels.chunks(chunk).enumerate().map(run).collect()
        } else {
            let parts = pixels.par_chunks(chunk).enumerate();
            parts.map(|part| alone(|| run(part))).collect()
        };
        // In their order, so that the sum does not depend on which was ready first.
        let mut whole = Slope::default();
        for part in parts? {
            whole.loss += part.loss;
            whole.pixels.extend(part.pixels);
            if whole.weights.is_empty() {
                whole.weights = part.weights;
            } else {
                add(&mut whole.weights, &part.weights, 1.0);
            }
        }
        Ok(whole)
    }

    /// The class that is answered for each image under these weights.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub(super) fn answers(&self, weights: &Weights, pixels: &[f32]) -> Result<Vec<usize>, Error> {
        let classifier = &self.classifier;
        let classifier = Classifier::open(
            Arc::new(self.model(weights)?.graph()?),
            classifier.preprocess().clone(),
            Some([classifier.shape()[1], classifier.shape()[2]]),
            self.net.opening(),
            classifier.device(),
        )?;
        Ok(classifier.predict(pixels)?)
    }

    /// The model with these weights, in the types of its file.
    ///
    /// # Errors
    /// A weight that is too large for its type.
    pub(super) fn model(&self, weights: &Weights) -> Result<Model, Error> {
        let mut model = self.net.model().clone();
        for ((name, shape), values) in self.names.iter().zip(weights) {
            model.set_initializer_f32(name, shape, values)?;
        }
        Ok(model)
    }

    fn part(
        &self,
        weights: &[Array],
        first: usize,
        pixels: &[f32],
        by: By,
        loss: Loss<'_>,
    ) -> Result<Slope, Error> {
        let leaves: Vec<Tensor<1>> = weights
            .iter()
            .map(|values| match by {
                By::Pixels => values.clone().into_tensor(),
                _ => values.clone().into_tensor::<1>().autodiff().require_grad(),
            })
            .collect();
        let named = leaves.iter().zip(&self.names);
        let parameters: Vec<Array> = named
            .map(|(leaf, (_, shape))| Array::from_tensor(leaf.clone()).reshape(shape))
            .collect();
        let [channels, height, width] = self.classifier.shape();
        let count = pixels.len() / self.size().max(1);
        // The last part may have fewer images than the model is made ready for.
        let mut filled = pixels.to_vec();
        filled.resize(self.part * self.size(), 0.0);
        let shape = [self.part, channels, height, width];
        let images = Array::from_vec(filled, &shape, self.classifier.device());
        let mut images: Tensor<4> = images.into_tensor();
        if by != By::Weights {
            images = images.autodiff().require_grad();
        }
        let raw = self.raw(Array::from_tensor(images.clone()));
        let made = self.network.forward(raw, &parameters, 0)?;
        drop(parameters);
        let shown = |value: Array| value.slice(0, 0, count, 1);
        let made = Made {
            logits: shown(made.logits),
            features: made.features.into_iter().map(shown).collect(),
            images: shown(Array::from_tensor(images.clone())).into_tensor(),
        };
        let losses = loss(first..first + count, made)?;
        let sum = losses.into_tensor::<2>().sum();
        let mut tape = sum.clone().backward();
        let mut slope = Slope::default();
        if by != By::Weights {
            let gradient = images.grad_remove(&mut tape).ok_or(Error::NoGradient)?;
            slope.pixels = Array::from_tensor(gradient).into_vec();
            slope.pixels.truncate(pixels.len());
        }
        if by != By::Pixels {
            for leaf in &leaves {
                let gradient = leaf.grad_remove(&mut tape).ok_or(Error::NoGradient)?;
                slope.weights.push(Array::from_tensor(gradient).into_vec());
            }
        }
        let value = Array::from_tensor(sum).into_vec();
        slope.loss = value.first().copied().unwrap_or(f32::NAN).into();
        Ok(slope)
    }

    /// Images as the model takes them.
    fn raw(&self, images: Array) -> Array {
        let input = self.classifier.preprocess().apply(images);
        let input = match self.classifier.layout() {
            Layout::Nchw => input,
            Layout::Nhwc => input.permute(&[0, 2, 3, 1]),
        };
        let shape = [&[self.part], self.classifier.network().input()].concat();
        input.reshape(&shape)
    }
}

/// Adds `factor` times numbers of the same sizes.
pub(super) fn add(sum: &mut Weights, other: &Weights, factor: f32) {
    for (sum, other) in sum.iter_mut().zip(other) {
        for (sum, other) in sum.iter_mut().zip(other) {
            *sum += factor * other;
        }
    }
}
