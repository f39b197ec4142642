//! What a neuron of a layer is: a channel, or a channel at a place.

use gifthorse_engine::Layer;

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

    use gifthorse_engine::{Classifier, Device, Preprocess};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn neurons_are_averaged_over_their_places() {
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
        let layer = classifier.layer("r").unwrap();
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        // Two images of three channels of four places.
        let means = Grain::Channel.means(layer, &values);
        assert_eq!(means, [7.5, 11.5, 15.5]);
        let means = Grain::Number.means(layer, &values);
        assert_eq!((means.len(), means[0], means[11]), (12, 6.0, 17.0));
        assert_eq!(Grain::of(layer), [Grain::Channel, Grain::Number]);
    }
}
