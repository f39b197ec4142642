//! The layers that repairs look at.

use gifthorse_engine::{Classifier, Layer};

use crate::activations::activations;
use crate::error::Error;

/// The layer that the logits are an affine function of (the second to last), and the last
/// activation that has places in it (the last convolution's); fewer where there is no such, and
/// none twice.
///
/// # Errors
/// What the lowering refuses.
pub(super) fn last_layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let affine = classifier.network().affine_end()?;
    let second_to_last = affine.map(|end| end.layer.clone());
    let second_to_last = second_to_last.filter(|layer| layer.channels() > 1);
    let convolution = last_convolution(classifier)?;
    let convolution = convolution.filter(|layer| second_to_last.as_ref() != Some(layer));
    Ok(second_to_last.into_iter().chain(convolution).collect())
}

/// The last activation with places in it that everything passes through.
///
/// # Errors
/// What the lowering refuses.
pub(super) fn last_convolution(classifier: &Classifier) -> Result<Option<Layer>, Error> {
    let mut all = activations(classifier)?.into_iter().map(|it| it.after);
    Ok(all.find(|layer| layer.shape().len() == 3))
}

/// What a neuron of a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// A channel, whatever the place.
    Channel,
    /// A number: a channel at a place.
    Number,
}

impl Grain {
    /// Those that make a difference in a layer.
    pub(super) fn of(layer: &Layer) -> &'static [Self] {
        match numbers(layer) == layer.channels() {
            true => &[Self::Channel],
            false => &[Self::Channel, Self::Number],
        }
    }

    /// How many neurons a layer has.
    pub(super) fn count(self, layer: &Layer) -> usize {
        match self {
            Self::Channel => layer.channels(),
            Self::Number => numbers(layer),
        }
    }

    /// The neuron that each number of a layer's value for an image belongs to.
    pub(super) fn neurons(self, layer: &Layer) -> Vec<usize> {
        let behind = layer.shape().get(layer.channel_axis()..);
        let inner: usize = behind.unwrap_or_default().iter().product();
        let neuron = |place: usize| match self {
            Self::Channel => place / inner.max(1) % layer.channels().max(1),
            Self::Number => place,
        };
        (0..numbers(layer)).map(neuron).collect()
    }

    /// The mean of each neuron over the places that it has and all images, from a layer's values,
    /// row-major `[images, ...]`.
    pub(super) fn means(self, layer: &Layer, values: &[f32]) -> Vec<f64> {
        let neurons = self.neurons(layer);
        let mut means = vec![0.0f64; self.count(layer)];
        for (value, &neuron) in values.iter().zip(neurons.iter().cycle()) {
            means[neuron] += f64::from(*value);
        }
        let each = values.len() as f64 / means.len().max(1) as f64;
        means.iter_mut().for_each(|mean| *mean /= each.max(1.0));
        means
    }
}

/// How many numbers a layer's value for an image has.
fn numbers(layer: &Layer) -> usize {
    layer.shape().iter().product()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gifthorse_engine::{Device, Preprocess};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn neurons_are_averaged_over_their_places_and_layers_found() {
        let dims = |dims: &[usize]| dims.iter().map(|&n| Dim::Fixed(n)).collect::<Vec<_>>();
        let weight = |name: &str, shape: &[usize]| {
            let values = vec![0.5; shape.iter().product()];
            Tensor::from_f32(name, shape, &values).unwrap()
        };
        let model = GraphBuilder::new("g", 17)
            .input("x", ElementType::F32, &dims(&[1, 1, 2, 2]))
            .tensor(&weight("k", &[3, 1, 1, 1]))
            .tensor(&weight("w", &[3, 2]))
            .node("Conv", "conv", &["x", "k"], &["c"], [])
            .node("Relu", "relu", &["c"], &["r"], [])
            .node("GlobalAveragePool", "pool", &["r"], &["p"], [])
            .node("Flatten", "flat", &["p"], &["f"], [])
            .node("MatMul", "fc", &["f", "w"], &["y"], [])
            .output("y", ElementType::F32, &dims(&[1, 2]))
            .finish()
            .unwrap();
        let graph = Arc::new(model.graph().unwrap());
        let classifier =
            Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
        let layers = last_layers(&classifier).unwrap();
        let names: Vec<&str> = layers.iter().map(Layer::name).collect();
        // The map behind the activation is what the logits are affine in.
        assert_eq!(names, ["r"]);
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        // Two images of three channels of four places.
        let means = Grain::Channel.means(&layers[0], &values);
        assert_eq!(means, [7.5, 11.5, 15.5]);
        let means = Grain::Number.means(&layers[0], &values);
        assert_eq!((means.len(), means[0], means[11]), (12, 6.0, 17.0));
        assert_eq!(Grain::of(&layers[0]), [Grain::Channel, Grain::Number]);
    }
}
