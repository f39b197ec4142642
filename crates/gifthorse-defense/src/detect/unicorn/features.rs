//! What a changed image does to the features of an inner layer, and which way it does more.

use std::sync::Arc;

use gifthorse_engine::{Array, Classifier, Head, Tail, Tensor};

use super::config::Bounds;
use super::snapshot::Missed;
use crate::clean_features::CleanFeatures;
use crate::error::Error;

/// The model in two parts, and clean images between them.
pub struct Features {
    head: Head,
    tail: Tail,
    clean: Arc<CleanFeatures>,
    target: usize,
    /// The mean of those of the target class; `None` if no image is of it.
    of_target: Option<Vec<f32>>,
    /// How much a feature of clean images varies, on average.
    unit: f64,
}

/// What a pass gives.
pub struct Pass {
    /// Slopes along the values of the changed images.
    pub of_images: Vec<f32>,
    /// Slopes along the mask of the features.
    pub of_mask: Vec<f32>,
    /// The share of images that are led to the class by the features under the mask.
    pub led: f64,
    /// How much the features under the mask vary from image to image, in units of how much those of
    /// clean images do.
    pub spread: f64,
}

impl Features {
    /// Of a model and a class.
    ///
    /// # Errors
    /// A model that cannot be split.
    pub fn new(
        classifier: &Classifier,
        clean: Arc<CleanFeatures>,
        target: usize,
    ) -> Result<Self, Error> {
        let (head, tail) = classifier.split_at(clean.layer())?;
        let (labels, numbers) = (clean.labels(), clean.numbers());
        let all: Vec<usize> = (0..labels.len()).collect();
        let of_class: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&i| labels[i] == target)
            .collect();
        let mean = |rows: &[usize]| -> Vec<f32> {
            let mut sums = vec![0.0_f64; numbers];
            for (place, value) in clean.rows(rows).iter().enumerate() {
                sums[place % numbers] += f64::from(*value);
            }
            let count = rows.len() as f64;
            sums.iter().map(|sum| (sum / count) as f32).collect()
        };
        let centre = mean(&all);
        let mut squares = vec![0.0_f64; numbers];
        for (place, value) in clean.values().iter().enumerate() {
            squares[place % numbers] += f64::from(value - centre[place % numbers]).powi(2);
        }
        let deviations = squares.iter().map(|sum| (sum / all.len() as f64).sqrt());
        Ok(Self {
            unit: (deviations.sum::<f64>() / numbers as f64).max(f64::MIN_POSITIVE),
            of_target: (!of_class.is_empty()).then(|| mean(&of_class)),
            head,
            tail,
            target,
            clean,
        })
    }

    fn matrix(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows.max(1);
        let values = Array::from_vec(values, &[rows, columns], self.tail.device());
        values.into_tensor()
    }

    /// Shows the model changed images, `[images, channels, height, width]`. `images` says which
    /// they were, by their places among the clean ones; outside the `mask` each has the features of
    /// the clean image `apart` places further on, which in a whole round are its own once, as they
    /// may be in the program's shuffles.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn pass(
        &self,
        (images, pixels, shape): (&[usize], &[f32], [usize; 3]),
        mask: &[f32],
        (bounds, missed, apart): (&Bounds, Missed, usize),
    ) -> Result<Pass, Error> {
        let (count, numbers) = (images.len(), self.clean.numbers());
        let device = self.tail.device();
        let [channels, height, width] = shape;
        let whole = [count, channels, height, width];
        let leaf: Tensor<4> = Array::from_vec(pixels.to_vec(), &whole, device).into_tensor();
        let leaf = leaf.autodiff().require_grad();
        let mask_leaf = self.matrix(mask.to_vec(), 1).autodiff().require_grad();
        let features = self.head.features(leaf.clone())?;
        let features: Tensor<2> = features.reshape(&[count, numbers]).into_tensor();
        let mut others = images.to_vec();
        others.rotate_left(apart % count);
        let others = self.matrix(self.clean.rows(&others), count).autodiff();
        let mixed = others
            .clone()
            .add(features.clone().sub(others).mul(mask_leaf.clone()));
        let behind = [&[count], self.tail.layer().shape()].concat();
        let logits = self
            .tail
            .logits(Array::from_tensor(mixed).reshape(&behind))?;
        let values = Array::from_tensor(logits.clone().inner()).into_vec();
        let (spread, loose) = self.spread(&features, mask);
        let pass = Pass {
            of_images: vec![0.0; pixels.len()],
            of_mask: vec![0.0; mask.len()],
            led: led(&values, values.len() / count, self.target),
            spread,
        };
        // A model that passes no gradient back leaves everything as it is.
        if !logits.is_tracked() || !features.is_tracked() {
            return Ok(pass);
        }
        let mut loss = self
            .cross_entropy(logits, count)
            .mul_scalar(1.0 + missed.led);
        if let Some((cosine, towards)) = self.cosine(&features)
            && cosine > bounds.cosine
        {
            loss = loss.add(towards);
        }
        if spread > bounds.spread {
            loss = loss.add(loose.mul_scalar(bounds.weight * (1.0 + missed.spread)));
        }
        let mut gradients = loss.backward();
        let take = |gradient: Option<Array>, nothing: Vec<f32>| match gradient {
            Some(gradient) => gradient.into_vec(),
            None => nothing,
        };
        let of_images = leaf.grad_remove(&mut gradients).map(Array::from_tensor);
        let of_mask = mask_leaf
            .grad_remove(&mut gradients)
            .map(Array::from_tensor);
        Ok(Pass {
            of_images: take(of_images, pass.of_images),
            of_mask: take(of_mask, pass.of_mask),
            ..pass
        })
    }

    /// The mean cross entropy of the class.
    fn cross_entropy(&self, logits: Tensor<2>, count: usize) -> Tensor<1> {
        let classes = logits.dims()[1];
        let mut signs = vec![0.0; count * classes];
        for row in signs.chunks_exact_mut(classes) {
            row[self.target] = -1.0 / count as f32;
        }
        let log_p: Tensor<2> = Array::from_tensor(logits).log_softmax(1).into_tensor();
        log_p.mul(self.matrix(signs, count).autodiff()).sum()
    }

    /// The cosine between the mean features of the images and those of the class.
    fn cosine(&self, features: &Tensor<2>) -> Option<(f64, Tensor<1>)> {
        let of_target = self.of_target.clone()?;
        let squares: f64 = of_target.iter().map(|&f| f64::from(f).powi(2)).sum();
        let norm = squares.sqrt().max(f64::MIN_POSITIVE);
        let mean = features.clone().mean_dim(0);
        let along = mean
            .clone()
            .mul(self.matrix(of_target, 1).autodiff())
            .sum()
            .div_scalar(norm);
        let length = mean.clone().mul(mean).sum().add_scalar(1e-12).sqrt();
        let cosine = along.div(length);
        Some((value(&cosine), cosine))
    }

    /// How much the features under the mask vary, in units of [`Self::unit`].
    fn spread(&self, features: &Tensor<2>, mask: &[f32]) -> (f64, Tensor<1>) {
        let count = features.dims()[0];
        let centred = features.clone().sub(features.clone().mean_dim(0));
        let squares = centred.clone().mul(centred).sum_dim(0);
        // Little is added: the root of nothing has no slope.
        let variance = squares
            .div_scalar((count.max(2) - 1) as f64)
            .add_scalar(1e-6 * self.unit * self.unit);
        let weights: f64 = mask.iter().map(|&m| f64::from(m)).sum();
        let weights = (weights * self.unit).max(f64::MIN_POSITIVE);
        let mask = self.matrix(mask.to_vec(), 1).autodiff();
        let spread = variance.sqrt().mul(mask).sum().div_scalar(weights);
        (value(&spread), spread)
    }
}

/// The number that a tensor holds.
fn value(tensor: &Tensor<1>) -> f64 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    values.first().map_or(f64::NAN, |&value| f64::from(value))
}

/// The share of rows of logits of which the target's is the largest.
fn led(logits: &[f32], classes: usize, target: usize) -> f64 {
    let rows = logits.chunks_exact(classes.max(1));
    let count = rows.len().max(1);
    let hits = rows.filter(|row| row.iter().all(|&logit| logit <= row[target]));
    hits.count() as f64 / count as f64
}
