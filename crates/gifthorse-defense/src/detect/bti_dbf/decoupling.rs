//! Which features of an inner layer the answers on clean images hang on.

use std::sync::Arc;

use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor};

use super::distance::between_classes;
use super::mask::Fit;
use crate::clean_features::CleanFeatures;
use crate::detect::mm_bd::margin_weights;
use crate::error::Error;
use crate::subject::Subject;

/// A mask on the features of a layer: with the features inside it alone the model answers as
/// before, and with those outside it alone it does not.
#[derive(Debug)]
pub struct Decoupling {
    clean: Arc<CleanFeatures>,
    /// In [0, 1], one for each number of the layer.
    mask: Vec<f32>,
    /// Mean square of the masked features of an image.
    unit: f64,
    /// How far images of different classes are from one another.
    distance: f64,
}

impl Decoupling {
    /// The mask of a model, fitted to images that it is right on; `None` if it has no activation
    /// that everything passes through.
    ///
    /// # Errors
    /// No images, or none with labels that the model is right on; a model that cannot be run.
    pub fn of(subject: &Subject<'_>) -> Result<Option<Self>, Error> {
        let Some(clean) = subject.facts.clean_features(subject)? else {
            return Ok(None);
        };
        let classifier = subject.classifier;
        let (_, tail) = classifier.split_at(clean.layer())?;
        let fit = Fit {
            tail: &tail,
            features: clean.values(),
            labels: clean.labels(),
        };
        let mask = fit.mask(subject.seed)?;
        classifier.network().forget_sections();
        let squares = clean.values().iter().zip(mask.iter().cycle());
        let squares: f64 = squares.map(|(f, m)| f64::from(f * m).powi(2)).sum();
        let chosen = subject.images()?.search.subset(clean.images());
        Ok(Some(Self {
            unit: (squares / clean.images().len() as f64).max(f64::MIN_POSITIVE),
            distance: between_classes(chosen.pixels(), clean.labels()),
            mask,
            clean,
        }))
    }

    /// The layer.
    pub fn layer(&self) -> &Layer {
        self.clean.layer()
    }

    /// The mask, in [0, 1], one number for each of the layer.
    pub fn mask(&self) -> &[f32] {
        &self.mask
    }

    /// Places of the images among those to search with.
    pub fn images(&self) -> &[usize] {
        self.clean.images()
    }

    /// The median distance of an image to the nearest of another class, as the root of the mean
    /// squared difference of a value.
    pub fn distance(&self) -> f64 {
        self.distance
    }

    /// The slope, along each value of changed images, of the sum of their losses `ln(1 +
    /// exp(-margin))`, and of `weight` times how far their masked features have moved: the squared
    /// distance, in units of the mean square of clean images' masked features. `images` says which
    /// they were before, by their places in [`Self::images`].
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn slopes(
        &self,
        classifier: &Classifier,
        (images, pixels): (&[usize], &[f32]),
        target: usize,
        weight: f64,
    ) -> Result<Vec<f32>, Error> {
        let [channels, height, width] = classifier.shape();
        let (count, device) = (images.len(), classifier.device());
        let shape = [count, channels, height, width];
        let leaf: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
        let leaf = leaf.autodiff().require_grad();
        let taps = Taps::values(std::slice::from_ref(self.layer()));
        let made = classifier.run(leaf.clone(), &taps)?;
        let nothing = || vec![0.0; pixels.len()];
        if !made.logits.is_tracked() {
            return Ok(nothing());
        }
        let matrix = |values: Vec<f32>, rows: usize| -> Tensor<2> {
            let columns = values.len() / rows.max(1);
            let values = Array::from_vec(values, &[rows, columns], device);
            values.into_tensor().autodiff()
        };
        let logits = Array::from_tensor(made.logits.clone().inner()).into_vec();
        let weights = margin_weights(&logits, classifier.classes(), target);
        let towards = made.logits.mul(matrix(weights, count)).sum();
        let value = made.features[0].value().clone();
        let value: Tensor<2> = value.reshape(&[count, self.mask.len()]).into_tensor();
        let moved = value.sub(matrix(self.clean.rows(images), count));
        let moved = moved.mul(matrix(self.mask.clone(), 1));
        let moved = moved.clone().mul(moved).sum();
        let loss = towards.add(moved.mul_scalar(weight / self.unit));
        let mut gradients = loss.backward();
        let gradient = leaf.grad_remove(&mut gradients);
        Ok(gradient.map_or_else(nothing, |it| Array::from_tensor(it).into_vec()))
    }
}
