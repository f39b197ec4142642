//! What a network makes of images with the trigger, on the inside.

use gifthorse_attack::trigger::stamp;
use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor, last_maps, logits_input};

use crate::spots::{CLASSES, SHAPE, spots, trigger};

const TARGET: usize = 0;

/// A layer's values of images, and the gradient of the sum of the target's logits to them.
fn seen(network: &Classifier, layer: &Layer, images: &Images) -> (Vec<f32>, Vec<f32>) {
    let count = images.len();
    let shape = [count, SHAPE.channels, SHAPE.height, SHAPE.width];
    let pixels = Array::from_vec(images.pixels().to_vec(), &shape, network.device());
    let taps = Taps::with_gradients(std::slice::from_ref(layer));
    let made = network.run(pixels.into_tensor(), &taps).unwrap();
    let mut of_target = vec![0.0; count * CLASSES];
    of_target
        .chunks_exact_mut(CLASSES)
        .for_each(|row| row[TARGET] = 1.0);
    let of_target = Array::from_vec(of_target, &[count, CLASSES], network.device());
    let of_target: Tensor<2> = of_target.into_tensor();
    let gradients = made.logits.mul(of_target.autodiff()).sum().backward();
    let feature = &made.features[0];
    let gradient = feature.gradient(&gradients).unwrap().into_vec();
    (feature.value().clone().detach().into_vec(), gradient)
}

fn stamped(images: &Images) -> Images {
    stamp(images, &trigger("badnets-pattern"), 7).unwrap()
}

/// The mean squared distance of stamped images of other classes from the mean of clean images of
/// the target, before the logits: in units of that of the target's own images.
pub fn distance(network: &Classifier) -> f32 {
    let layer = logits_input(network).unwrap().unwrap();
    let images = spots(200, 6);
    let labels = images.labels().unwrap();
    let size: usize = layer.shape().iter().product();
    let clean = seen(network, &layer, &images).0;
    let with = seen(network, &layer, &stamped(&images)).0;
    let own = |target: bool| move |at: &usize| (labels[*at] == TARGET) == target;
    let target: Vec<usize> = (0..200).filter(own(true)).collect();
    let others: Vec<usize> = (0..200).filter(own(false)).collect();
    let mean: Vec<f32> = (0..size)
        .map(|unit| {
            let values = target.iter().map(|at| clean[at * size + unit]);
            values.sum::<f32>() / target.len() as f32
        })
        .collect();
    let from_mean = |values: &[f32], chosen: &[usize]| {
        let squares = chosen.iter().map(|at| {
            let image = values[at * size..(at + 1) * size].iter().zip(&mean);
            image
                .map(|(value, mean)| (value - mean).powi(2))
                .sum::<f32>()
        });
        squares.sum::<f32>() / chosen.len() as f32
    };
    from_mean(&with, &others) / from_mean(&clean, &target)
}

/// The largest difference of Grad-CAM for the target, its largest value being 1, between an image
/// of another class with the trigger and the image without; the mean over images. Weights of
/// channels are those of the stamped image.
pub fn heat(network: &Classifier) -> f32 {
    let layer = last_maps(network).unwrap().unwrap();
    let images = spots(200, 6);
    let size: usize = layer.shape().iter().product();
    let places = size / layer.shape()[0];
    let clean = seen(network, &layer, &images).0;
    let (with, gradient) = seen(network, &layer, &stamped(&images));
    let map = |values: &[f32], gradient: &[f32]| {
        let mut map = vec![0.0_f32; places];
        let channels = values
            .chunks_exact(places)
            .zip(gradient.chunks_exact(places));
        for (values, gradient) in channels {
            let weight = gradient.iter().sum::<f32>() / places as f32;
            map.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += weight * value);
        }
        let top = map.iter().copied().fold(1e-9, f32::max);
        map.into_iter().map(move |sum| sum.max(0.0) / top)
    };
    let labels = images.labels().unwrap();
    let others = (0..200).filter(|&at| labels[at] != TARGET);
    let differences: Vec<f32> = others
        .map(|at| {
            let own = at * size..(at + 1) * size;
            let gradient = &gradient[own.clone()];
            let pairs = map(&with[own.clone()], gradient).zip(map(&clean[own], gradient));
            pairs.map(|(a, b)| a - b).fold(0.0, f32::max)
        })
        .collect();
    differences.iter().sum::<f32>() / differences.len() as f32
}
