//! Logits and features in one pass.

use burn_tensor::{Gradients, Tensor};

use super::Classifier;
use super::intervention::{edits, section};
use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::edit::Edit;
use crate::layer::Layer;
use crate::network::LayerEdit;
use crate::program::Binary;

/// The layers whose features a pass is to give besides the logits.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    layers: Vec<Layer>,
    gradients: bool,
}

impl Taps {
    /// Features alone: they are tracked if the images are, but what is computed from the logits has
    /// no gradient to them.
    pub fn values(layers: &[Layer]) -> Self {
        Self {
            layers: layers.to_vec(),
            gradients: false,
        }
    }

    /// Features through which gradients flow: whatever is computed from the logits has a gradient
    /// to each feature ([`Feature::gradient`]), as well as to the images if they are tracked.
    ///
    /// The model runs in more pieces than otherwise, so that logits may differ in their last
    /// digits.
    pub fn with_gradients(layers: &[Layer]) -> Self {
        Self {
            layers: layers.to_vec(),
            gradients: true,
        }
    }
}

/// What a pass gives.
#[derive(Clone, Debug)]
pub struct Tapped {
    /// `[batch, classes]`
    pub logits: Tensor<2>,
    /// In the order of the taps.
    pub features: Vec<Feature>,
}

/// The value of a layer for a batch of images.
#[derive(Clone, Debug)]
pub struct Feature {
    layer: Layer,
    value: Array,
    /// Zeros that were added to the value: the gradient to them is the gradient to it. (Burn keeps
    /// gradients of leaves alone.)
    leaf: Option<Tensor<1>>,
}

impl Feature {
    /// The layer.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Its value `[batch, ...]`, batch first, under the classifier's interventions; tracked if the
    /// images are.
    pub fn value(&self) -> &Array {
        &self.value
    }

    /// The gradient `[batch, ...]` of what `gradients` were made from to this feature, untracked.
    /// `None` if it does not depend on the feature, or the taps were not
    /// [`with_gradients`](Taps::with_gradients).
    pub fn gradient(&self, gradients: &Gradients) -> Option<Array> {
        let gradient = self.leaf.as_ref()?.grad(gradients)?;
        Some(Array::from_tensor(gradient).reshape(&self.value.shape()))
    }
}

impl Classifier {
    /// Logits and features of images `[batch, channels, height, width]` in [0, 1], in one pass.
    ///
    /// # Errors
    /// Images of another shape; layers of another model.
    pub fn run(&self, images: Tensor<4>, taps: &Taps) -> Result<Tapped, Error> {
        let (batch, device) = (images.dims()[0], images.device().autodiff());
        let mut section = section(&self.interventions);
        let mut edits = edits(&self.interventions);
        let mut leaves = Vec::with_capacity(taps.layers.len());
        for layer in &taps.layers {
            self.network.check_layer(layer)?;
            section.taps.insert(layer.name().to_owned());
            let leaf = taps.gradients.then(|| {
                let count = batch * layer.shape().iter().product::<usize>();
                Tensor::<1>::zeros([count], &device).require_grad()
            });
            if let Some(leaf) = &leaf {
                let shape: Vec<usize> = [&[batch], layer.shape()].concat();
                section.cuts.insert(layer.name().to_owned());
                edits.push(LayerEdit {
                    layer: layer.name().to_owned(),
                    edit: Edit {
                        function: Binary::Add,
                        operand: Array::from_tensor(leaf.clone()).reshape(&shape),
                    },
                    by_sample: true,
                });
            }
            leaves.push(leaf);
        }
        let raw = self.raw(Array::from_tensor(images))?;
        let made = self.network.run(raw, &section, &edits)?;
        let features = taps.layers.iter().zip(leaves).map(|(layer, leaf)| {
            let value = made.taps.get(layer.name()).cloned();
            let missing = || Error::Internal(format!("no value of layer `{}`", layer.name()));
            Ok(Feature {
                layer: layer.clone(),
                value: value.ok_or_else(missing)?,
                leaf,
            })
        });
        Ok(Tapped {
            features: features.collect::<Result<_, Error>>()?,
            logits: made.end.into_tensor(),
        })
    }
}
