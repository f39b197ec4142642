//! The layers that repairs look at.

use gifthorse_engine::{Classifier, Layer};

use crate::activations::activations;
use crate::error::Error;

/// The layer that the logits are an affine function of (the second to last), and the last activation
/// that has places in it (the last convolution's); fewer where there is no such, and none twice.
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

/// The mean of each channel over the places of a layer's values, row-major `[images, ...]`: `[images,
/// channels]`.
pub(super) fn by_channel(layer: &Layer, values: &[f32]) -> Vec<f32> {
    let channels = layer.channels();
    let behind = layer.shape().get(layer.channel_axis()..);
    let inner: usize = behind.unwrap_or_default().iter().product();
    let numbers: usize = layer.shape().iter().product();
    let mut means = vec![0.0; values.len() / numbers.max(1) * channels];
    for (image, row) in values.chunks_exact(numbers.max(1)).enumerate() {
        for (place, value) in row.iter().enumerate() {
            means[image * channels + place / inner.max(1) % channels] += value;
        }
    }
    let places = (numbers / channels.max(1)).max(1) as f32;
    means.iter_mut().for_each(|mean| *mean /= places);
    means
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gifthorse_engine::{Device, Preprocess};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn channels_are_averaged_over_places_and_layers_found() {
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
        assert_eq!(by_channel(&layers[0], &values), [1.5, 5.5, 9.5, 13.5, 17.5, 21.5]);
    }
}
