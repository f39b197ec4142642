//! A classifier some of whose channels are switched off or kept within bounds while it runs.

use burn_tensor::{Device, Tensor};

use super::Classifier;
use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::edit::Edit;
use crate::layer::Layer;
use crate::network::LayerEdit;
use crate::program::Binary;
use crate::program::section::Section;

/// A change of the values of a layer, channel by channel, before anything reads them. The model
/// file stays as it is.
///
/// The numbers are `[channels]`, for the channels along the layer's [channel
/// axis](Layer::channel_axis). Where they are tracked, they get gradients from whatever the
/// classifier gives under them.
#[derive(Clone, Debug)]
pub struct Intervention {
    layer: Layer,
    function: Binary,
    numbers: Tensor<1>,
}

impl Intervention {
    /// Switches some channels off: their values become zero, as where pruning takes away the
    /// filters that make them.
    ///
    /// # Errors
    /// [`Error::Input`] for a channel that the layer does not have.
    pub fn mask(layer: &Layer, channels: &[usize], device: &Device) -> Result<Self, Error> {
        let mut factors = vec![1.0f32; layer.channels()];
        for &channel in channels {
            let factor = factors.get_mut(channel).ok_or_else(|| {
                Error::Input(format!(
                    "layer `{}` has {} channels, so none of number {channel}",
                    layer.name(),
                    layer.channels()
                ))
            })?;
            *factor = 0.0;
        }
        Self::scale(layer, Tensor::from_floats(&factors[..], device))
    }

    /// Multiplies each channel by a factor: 1 leaves it, 0 switches it off.
    ///
    /// # Errors
    /// [`Error::Input`] unless there is a factor for each channel.
    pub fn scale(layer: &Layer, factors: Tensor<1>) -> Result<Self, Error> {
        Self::new(layer, Binary::Mul, factors)
    }

    /// Keeps each channel below a bound: what is larger becomes the bound (H. Wang et al. 2024,
    /// MM-BM, bounds activations so). Where a value is above it, the gradient goes to the bound,
    /// elsewhere to the value.
    ///
    /// # Errors
    /// [`Error::Input`] unless there is a bound for each channel.
    pub fn bound(layer: &Layer, bounds: Tensor<1>) -> Result<Self, Error> {
        Self::new(layer, Binary::Min, bounds)
    }

    /// Keeps each channel above a bound: what is smaller becomes the bound.
    ///
    /// # Errors
    /// [`Error::Input`] unless there is a bound for each channel.
    pub fn floor(layer: &Layer, bounds: Tensor<1>) -> Result<Self, Error> {
        Self::new(layer, Binary::Max, bounds)
    }

    fn new(layer: &Layer, function: Binary, numbers: Tensor<1>) -> Result<Self, Error> {
        let [count] = numbers.dims();
        if count != layer.channels() {
            return Err(Error::Input(format!(
                "{count} numbers for the {} channels of layer `{}`",
                layer.channels(),
                layer.name()
            )));
        }
        Ok(Self {
            layer: layer.clone(),
            function,
            numbers,
        })
    }

    /// The layer that it changes.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    pub(super) fn edit(&self) -> LayerEdit {
        let operand = Array::from_tensor(self.numbers.clone()).reshape(&self.layer.by_channel());
        LayerEdit {
            layer: self.layer.name().to_owned(),
            edit: Edit {
                function: self.function,
                operand,
            },
            by_sample: false,
        }
    }

    fn untracked(&self) -> Self {
        Self {
            numbers: self.numbers.clone().without_autodiff(),
            ..self.clone()
        }
    }
}

impl Classifier {
    /// The same model under interventions, which come after those that it is under already.
    /// Everything that it gives is given under them: logits, features, predictions.
    ///
    /// The first run compiles the model anew, so that it can be changed at these layers; other
    /// numbers for the same layers need nothing of that, and can be had by another call on the
    /// classifier that this one came from.
    ///
    /// # Errors
    /// [`Error::Input`] for a layer of another model, or numbers on another device than the
    /// model's.
    pub fn with(
        &self,
        interventions: impl IntoIterator<Item = Intervention>,
    ) -> Result<Self, Error> {
        let mut all = self.interventions.clone();
        for intervention in interventions {
            self.network.check_layer(&intervention.layer)?;
            let device = intervention.numbers.device().without_autodiff();
            if device != self.device().clone().without_autodiff() {
                return Err(Error::Input(format!(
                    "the numbers for layer `{}` are on {device:?}, the model is on {:?}",
                    intervention.layer.name(),
                    self.device()
                )));
            }
            all.push(intervention);
        }
        Ok(Self {
            interventions: all,
            ..self.clone()
        })
    }

    /// The interventions that it is under, in the order in which they are made.
    pub fn interventions(&self) -> &[Intervention] {
        &self.interventions
    }

    /// The same classifier with nothing tracked.
    pub(super) fn untracked(&self) -> Self {
        let interventions = self.interventions.iter();
        Self {
            interventions: interventions.map(Intervention::untracked).collect(),
            ..self.clone()
        }
    }
}

/// The whole model, open where it is changed.
pub(super) fn section(interventions: &[Intervention]) -> Section {
    let layers = interventions.iter().map(Intervention::layer);
    Section {
        cuts: layers.map(|layer| layer.name().to_owned()).collect(),
        ..Section::whole()
    }
}

/// What the interventions do in a run.
pub(super) fn edits(interventions: &[Intervention]) -> Vec<LayerEdit> {
    interventions.iter().map(Intervention::edit).collect()
}
