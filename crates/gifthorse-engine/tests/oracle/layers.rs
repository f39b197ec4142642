//! Layers of a plain, a residual, a branching and a transformer net (`oracle/layers.py`): features
//! against onnxruntime, gradients to them against PyTorch in f64, heads and tails, and channels
//! masked and bounded against onnxruntime on an edited file.
//!
//! Errors may be [`FACTOR`] times as large as PyTorch's own largest in f32 on the same net, as for
//! whole networks (`accuracy.rs`).

use std::sync::Arc;

use gifthorse_engine::{
    Array, Classifier, Device, Error, Gradients, Intervention, Layer, Preprocess, Taps, Tensor,
};
use gifthorse_onnx::Model;
use serde::Deserialize;

use crate::{formula, golden};

/// How many times PyTorch's error is allowed.
const FACTOR: f64 = 4.0;
/// Values that are stored of a larger array.
const SAMPLED: usize = 64;

#[derive(Deserialize)]
struct Entry {
    name: String,
    images: usize,
    /// PyTorch's largest relative error in f32, over all layers and gradients.
    pytorch: f64,
    layers: Vec<Place>,
    cuts: Vec<String>,
    mask: Mask,
    bound: Bound,
}

#[derive(Deserialize)]
struct Place {
    name: String,
    shape: Vec<usize>,
}

#[derive(Deserialize)]
struct Mask {
    layer: String,
    channels: Vec<usize>,
}

#[derive(Deserialize)]
struct Bound {
    layer: String,
}

impl Entry {
    fn stored(&self, name: &str) -> Vec<f32> {
        golden::array(&format!("layers/{}.npz", self.name), name)
    }

    fn classifier(&self) -> Classifier {
        let file: Vec<u8> = golden::array(&format!("layers/{}.npz", self.name), "model");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, file).unwrap();
        let graph = Arc::new(Model::read(&path).unwrap().graph().unwrap());
        Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
    }

    fn assert_close(&self, got: &[f32], wanted: &[f32], what: &str) {
        let error = golden::relative_error(got, wanted);
        let allowed = FACTOR * self.pytorch;
        // Not `error > allowed`, which lets pass what is not a number.
        assert!(
            error <= allowed,
            "{}, {what}: relative error {error:.1e}, allowed {allowed:.1e}",
            self.name
        );
    }

    /// Images as a leaf, row-major, and in their shape.
    fn images(&self, classifier: &Classifier) -> (Tensor<1>, Tensor<4>) {
        let [channels, height, width] = classifier.shape();
        let count = self.images * channels * height * width;
        let x: Vec<f32> = formula::uniform(formula::FIRST_TENSOR, count, 0.0, 1.0).collect();
        let leaf = Tensor::<1>::from_floats(&x[..], &Device::flex().autodiff()).require_grad();
        let shaped = leaf.clone().reshape([self.images, channels, height, width]);
        (leaf, shaped)
    }
}

fn entries() -> Vec<Entry> {
    let entries = golden::index::<Entry>("layers.json");
    let names: Vec<&str> = entries.iter().map(|e| &e.name[..]).collect();
    assert_eq!(names, ["plain", "residual", "branching", "transformer"]);
    entries
}

/// The gradients of `sum(coefficient(i) * logit[i])`.
fn backward(logits: &Tensor<2>) -> Gradients {
    let shape = logits.dims();
    let weights = formula::coefficients(shape[0] * shape[1]);
    let weights = Tensor::<1>::from_floats(&weights[..], &logits.device());
    (logits.clone() * weights.reshape(shape)).sum().backward()
}

fn sampled(values: Vec<f32>) -> Vec<f32> {
    if values.len() <= SAMPLED {
        return values;
    }
    let at = formula::positions(values.len(), SAMPLED);
    at.into_iter().map(|i| values[i]).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[test]
fn the_layers_are_those_values_that_have_a_row_for_each_image() {
    for entry in entries() {
        let classifier = entry.classifier();
        let listed = classifier.layers().unwrap().iter();
        let listed: Vec<_> = listed.map(|l| (l.name(), l.shape())).collect();
        let wanted = entry.layers.iter();
        let wanted: Vec<_> = wanted.map(|l| (&l.name[..], &l.shape[..])).collect();
        assert_eq!(listed, wanted, "{}", entry.name);
    }
}

#[test]
fn features_are_those_of_onnxruntime_and_their_gradients_those_of_pytorch() {
    for entry in entries() {
        let classifier = entry.classifier();
        let (leaf, images) = entry.images(&classifier);
        let taps = Taps::with_gradients(classifier.layers().unwrap());
        let tapped = classifier.run(images, &taps).unwrap();
        entry.assert_close(
            &values(tapped.logits.clone()),
            &entry.stored("logits"),
            "logits",
        );
        let gradients = backward(&tapped.logits);
        for (at, feature) in tapped.features.iter().enumerate() {
            let what = feature.layer().name();
            assert_eq!(feature.value().shape()[1..], *feature.layer().shape());
            let value = sampled(feature.value().clone().into_vec());
            entry.assert_close(&value, &entry.stored(&format!("{at}.feature")), what);
            let gradient = feature.gradient(&gradients).unwrap();
            assert_eq!(gradient.shape(), feature.value().shape());
            let wanted = entry.stored(&format!("{at}.gradient"));
            entry.assert_close(
                &sampled(gradient.into_vec()),
                &wanted,
                &format!("gradient to {what}"),
            );
        }
        let image = sampled(values(leaf.grad(&gradients).unwrap()));
        let wanted = entry.stored("image.gradient");
        entry.assert_close(&image, &wanted, "gradient to the image");

        // One layer at a time, with images that are not tracked, and features alone.
        for (at, layer) in classifier.layers().unwrap().iter().enumerate().step_by(3) {
            let what = format!("{} alone", layer.name());
            let (_, images) = entry.images(&classifier);
            let layer = std::slice::from_ref(layer);
            let still = images.clone().without_autodiff();
            let tapped = classifier.run(still, &Taps::with_gradients(layer)).unwrap();
            let gradient = tapped.features[0]
                .gradient(&backward(&tapped.logits))
                .unwrap();
            let wanted = entry.stored(&format!("{at}.gradient"));
            entry.assert_close(&sampled(gradient.into_vec()), &wanted, &what);

            let tapped = classifier.run(images, &Taps::values(layer)).unwrap();
            let value = sampled(tapped.features[0].value().clone().into_vec());
            entry.assert_close(&value, &entry.stored(&format!("{at}.feature")), &what);
            assert!(
                tapped.features[0]
                    .gradient(&backward(&tapped.logits))
                    .is_none()
            );
        }
    }
}

#[test]
fn features_alone_have_gradients_to_the_images() {
    // Of a loss on the features: the sum of coefficients times the logits, which are the last
    // layer.
    for entry in entries() {
        let classifier = entry.classifier();
        let (leaf, images) = entry.images(&classifier);
        let last = classifier.layers().unwrap().last().unwrap();
        let taps = Taps::values(std::slice::from_ref(last));
        let tapped = classifier.run(images, &taps).unwrap();
        let feature: Tensor<2> = tapped.features[0].value().clone().into_tensor();
        let image = leaf.grad(&backward(&feature)).unwrap();
        let wanted = entry.stored("image.gradient");
        entry.assert_close(&sampled(values(image)), &wanted, "gradient to the image");
    }
}

#[test]
fn head_and_tail_are_the_classifier_where_a_layer_is_a_cut_and_refused_elsewhere() {
    for entry in entries() {
        let classifier = entry.classifier();
        let mut cuts = Vec::new();
        for (at, layer) in classifier.layers().unwrap().iter().enumerate() {
            let (head, tail) = match classifier.split_at(layer) {
                Ok(parts) => parts,
                Err(Error::NoCut {
                    layer: name,
                    crossing,
                }) => {
                    assert_eq!(name, layer.name());
                    assert!(!crossing.is_empty() && !crossing.contains(&name));
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            cuts.push(layer.name());
            let what = format!("split at {}", layer.name());
            let (leaf, images) = entry.images(&classifier);
            let features = head.features(images).unwrap();
            let wanted = entry.stored(&format!("{at}.feature"));
            entry.assert_close(&sampled(features.clone().into_vec()), &wanted, &what);
            let logits = tail.logits(features).unwrap();
            entry.assert_close(&values(logits.clone()), &entry.stored("logits"), &what);
            let image = leaf.grad(&backward(&logits)).unwrap();
            let wanted = entry.stored("image.gradient");
            entry.assert_close(&sampled(values(image)), &wanted, &what);
        }
        assert_eq!(cuts, entry.cuts, "{}", entry.name);
    }
}

#[test]
fn what_crosses_a_layer_is_named() {
    let entries = entries();
    let crossing = |net: usize, name: &str| {
        let classifier = entries[net].classifier();
        let error = classifier
            .split_at(classifier.layer(name).unwrap())
            .unwrap_err();
        let Error::NoCut { crossing, .. } = &error else {
            panic!("{error}");
        };
        assert!(
            crossing.iter().all(|c| error.to_string().contains(c)),
            "{error}"
        );
        crossing.clone()
    };
    // Beside the first block's second convolution goes what came into the block.
    let inside = "/block1/two/two.0/Conv_output_0";
    assert_eq!(crossing(1, inside), ["/Relu_output_0"]);
    // Beside one branch go the other two.
    let inside = "/first/Relu_1_output_0";
    assert_eq!(
        crossing(2, inside),
        ["/first/Relu_2_output_0", "/first/Relu_3_output_0"]
    );
}

/// The classifier under the interventions of the golden file; the bounds are tracked.
fn changed(entry: &Entry, classifier: &Classifier) -> (Classifier, Tensor<1>, Layer) {
    let device = Device::flex();
    let layer = classifier.layer(&entry.mask.layer).unwrap();
    let mask = Intervention::mask(layer, &entry.mask.channels, &device).unwrap();
    let bounds = &entry.stored("changed.bounds")[..];
    let bounds = Tensor::<1>::from_floats(bounds, &device.autodiff()).require_grad();
    let bounded = classifier.layer(&entry.bound.layer).unwrap().clone();
    let bound = Intervention::bound(&bounded, bounds.clone()).unwrap();
    (classifier.with([mask, bound]).unwrap(), bounds, bounded)
}

#[test]
fn masked_and_bounded_channels_are_those_of_an_edited_file() {
    for entry in entries() {
        let plain = entry.classifier();
        let (changed, bounds, bounded) = changed(&entry, &plain);
        let (leaf, images) = entry.images(&plain);
        let taps = Taps::with_gradients(std::slice::from_ref(&bounded));
        let tapped = changed.run(images.clone(), &taps).unwrap();
        let wanted = entry.stored("changed.logits");
        entry.assert_close(&values(tapped.logits.clone()), &wanted, "changed logits");
        let gradients = backward(&tapped.logits);
        for (what, got) in [
            (
                "changed.image.gradient",
                values(leaf.grad(&gradients).unwrap()),
            ),
            (
                "changed.bounds.gradient",
                values(bounds.grad(&gradients).unwrap()),
            ),
            // A feature is what the rest of the model reads: the bounded one.
            (
                "changed.gradient",
                tapped.features[0].gradient(&gradients).unwrap().into_vec(),
            ),
        ] {
            entry.assert_close(&sampled(got), &entry.stored(what), what);
        }
        // All ways to the logits are under the interventions.
        let logits = changed.logits(images.clone()).unwrap();
        entry.assert_close(&values(logits), &wanted, "logits alone");
        let pixels = values(images.clone());
        entry.assert_close(&changed.evaluate(&pixels).unwrap(), &wanted, "evaluated");
        for cut in &entry.cuts {
            let layer = changed.layer(cut).unwrap();
            let (head, tail) = changed.split_at(layer).unwrap();
            let logits = tail.logits(head.features(images.clone()).unwrap()).unwrap();
            let what = format!("changed and split at {cut}");
            entry.assert_close(&values(logits), &wanted, &what);
        }
        // The classifier that they came from is as it was.
        entry.assert_close(
            &plain.evaluate(&pixels).unwrap(),
            &entry.stored("logits"),
            "unchanged",
        );
    }
}

#[test]
fn what_does_not_fit_a_layer_is_refused() {
    let entries = entries();
    let [one, other] = [0, 1].map(|net| entries[net].classifier());
    let device = Device::flex();
    let layer = one.layers().unwrap()[0].clone();
    let refused = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Input(_)), "{error}");
        assert!(error.to_string().contains(layer.name()), "{error}");
    };
    refused(Intervention::mask(&layer, &[6], &device).map(drop));
    refused(Intervention::bound(&layer, Tensor::zeros([5], &device)).map(drop));
    refused(layer.clone().with_channel_axis(0).map(drop));
    refused(layer.clone().with_channel_axis(4).map(drop));
    let rows = layer.clone().with_channel_axis(2).unwrap();
    assert_eq!((layer.channels(), rows.channels()), (6, 8));
    let (_, images) = entries[0].images(&one);
    refused(
        other
            .run(images.clone(), &Taps::values(std::slice::from_ref(&layer)))
            .map(drop),
    );
    refused(other.split_at(&layer).map(drop));
    let mask = Intervention::mask(&layer, &[0], &device).unwrap();
    refused(other.with([mask]).map(drop));
    let (_, tail) = one.split_at(&layer).unwrap();
    refused(tail.logits(Array::from_tensor(images)).map(drop));
}
