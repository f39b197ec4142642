//! A classifier in two: what leads to a layer, and what follows it.

use std::collections::HashSet;

use burn_tensor::{Device, Tensor};

use super::Classifier;
use super::intervention::{Intervention, edits, section};
use crate::error::Error;
use crate::execute::array::Array;
use crate::layer::Layer;
use crate::network::Batching;
use crate::program::Program;
use crate::program::section::Section;

/// The part of a classifier from the images to a layer.
#[derive(Clone, Debug)]
pub struct Head {
    classifier: Classifier,
    layer: Layer,
    section: Section,
}

/// The part of a classifier from a layer to the logits.
#[derive(Clone, Debug)]
pub struct Tail {
    classifier: Classifier,
    layer: Layer,
    section: Section,
}

impl Head {
    /// The layer that it ends at.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The layer's value `[batch, ...]` for images `[batch, channels, height, width]` in [0, 1];
    /// differentiable. Interventions at the layer itself are made here.
    ///
    /// # Errors
    /// Images of another shape.
    pub fn features(&self, images: Tensor<4>) -> Result<Array, Error> {
        let raw = self.classifier.raw(Array::from_tensor(images))?;
        self.classifier.run_section(raw, &self.section)
    }

    /// The layer's values for any number of images, row-major `[images, ...]`, untracked.
    ///
    /// `pixels` is row-major `[images, channels, height, width]` in [0, 1].
    ///
    /// # Errors
    /// A number of pixels that is no whole number of images.
    pub fn evaluate(&self, pixels: &[f32]) -> Result<Vec<f32>, Error> {
        let still = Self {
            classifier: self.classifier.untracked(),
            ..self.clone()
        };
        let [channels, height, width] = self.classifier.shape();
        let size = channels * height * width;
        let mut values = Vec::new();
        for part in pixels.chunks(Classifier::EVALUATION_BATCH * size) {
            if !part.len().is_multiple_of(size) {
                let reason = format!("{} pixels are not images of {size} each", pixels.len());
                return Err(Error::Input(reason));
            }
            let shape = [part.len() / size, channels, height, width];
            let images = Array::from_vec(part.to_vec(), &shape, self.classifier.device());
            values.extend(still.features(images.into_tensor())?.into_vec());
        }
        Ok(values)
    }
}

impl Tail {
    /// The layer that it begins at.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        self.classifier.device()
    }

    /// Logits `[batch, classes]` of values of the layer `[batch, ...]`; differentiable.
    ///
    /// # Errors
    /// Values of another shape.
    pub fn logits(&self, features: Array) -> Result<Tensor<2>, Error> {
        let logits = self.classifier.run_section(features, &self.section)?;
        Ok(logits.into_tensor())
    }
}

impl Classifier {
    /// Splits the classifier at a layer: `tail.logits(head.features(images))` is `logits(images)`,
    /// but for rounding.
    ///
    /// # Errors
    /// [`Error::NoCut`] if the logits are computed from more than the layer, as within one of
    /// several branches; a layer of another model.
    pub fn split_at(&self, layer: &Layer) -> Result<(Head, Tail), Error> {
        self.network.check_layer(layer)?;
        let name = layer.name().to_owned();
        let tail = Section {
            from: Some(name.clone()),
            ..Section::whole()
        };
        let head = Section {
            to: Some(name.clone()),
            ..Section::whole()
        };
        let batch = match self.network.batching() {
            Batching::Parts(size) => size,
            Batching::Whole => self.network.declared_batch().unwrap_or(1),
        };
        let after = own_names(&self.network.lowered(batch, &tail)?);
        let (in_tail, in_head): (Vec<Intervention>, Vec<Intervention>) = self
            .interventions
            .iter()
            .cloned()
            .partition(|intervention| after.contains(intervention.layer().name()));
        let part = |interventions: Vec<Intervention>| Self {
            interventions,
            ..self.clone()
        };
        let open = |ends: Section, interventions: &[Intervention]| Section {
            cuts: section(interventions).cuts,
            ..ends
        };
        Ok((
            Head {
                layer: layer.clone(),
                section: open(head, &in_head),
                classifier: part(in_head),
            },
            Tail {
                layer: layer.clone(),
                section: open(tail, &in_tail),
                classifier: part(in_tail),
            },
        ))
    }

    /// The part of the classifier up to a layer, whether or not the logits are computed from more
    /// than that.
    ///
    /// # Errors
    /// A layer of another model; what the lowering refuses.
    pub fn head(&self, layer: &Layer) -> Result<Head, Error> {
        self.network.check_layer(layer)?;
        let ends = Section {
            to: Some(layer.name().to_owned()),
            ..Section::whole()
        };
        let batch = self.network.declared_batch().unwrap_or(1);
        let inside = self.network.lowered(batch, &ends)?.names;
        let mut classifier = self.clone();
        classifier
            .interventions
            .retain(|made| inside.contains_key(made.layer().name()));
        let cuts = section(&classifier.interventions).cuts;
        Ok(Head {
            layer: layer.clone(),
            section: Section { cuts, ..ends },
            classifier,
        })
    }

    fn run_section(&self, input: Array, section: &Section) -> Result<Array, Error> {
        let edits = edits(&self.interventions);
        Ok(self.network.run(input, section, &edits)?.end)
    }
}

/// The names of what a program makes, without those of its input.
fn own_names(program: &Program) -> HashSet<String> {
    let names = program.names.iter();
    let own = names.filter(|(_, id)| **id != program.input);
    own.map(|(name, _)| name.clone()).collect()
}
