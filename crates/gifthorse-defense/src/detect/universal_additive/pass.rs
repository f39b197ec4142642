//! What the model makes of images with a change, and how far they are from leaving their class
//! without.

use gifthorse_engine::{Array, Classifier, Tensor};

use crate::detect::neural_cleanse::{Aim, Loss};
use crate::error::Error;
use crate::logit_gradient::LogitGradient;
use crate::trigger::{Additive, Transformation};
use crate::verdict::median;

/// Images in a pass.
pub const BATCH: usize = 32;

/// Images that are to leave their class.
pub struct Shown<'a> {
    pub classifier: &'a Classifier,
    /// `[images, channels, height, width]` in [0, 1].
    pub images: &'a [f32],
    /// Their classes.
    pub labels: &'a [usize],
}

impl Shown<'_> {
    /// The slope, along each value of a change, of the sum over the images of the loss
    /// [`Aim::Away`], and how many images the change moves.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn slope(&self, change: &Additive) -> Result<(Vec<f32>, usize), Error> {
        let shape = self.classifier.shape();
        let size: usize = shape.iter().product();
        let (mut slope, mut moved) = (vec![0.0; size], 0);
        let labels = self.labels.chunks(BATCH);
        for (images, labels) in self.images.chunks(BATCH * size).zip(labels) {
            let [channels, height, width] = shape;
            let changed = change.apply(images, shape);
            let shape_of_all = [labels.len(), channels, height, width];
            let leaf: Tensor<4> =
                Array::from_vec(changed, &shape_of_all, self.classifier.device()).into_tensor();
            let leaf = leaf.autodiff().require_grad();
            let logits = self.classifier.logits(leaf.clone())?;
            if !logits.is_tracked() {
                return Err(Error::NoGradient);
            }
            moved += Aim::Away.hits(&logits, labels);
            let loss = Aim::Away.loss(Loss::CrossEntropy, logits, labels);
            let mut gradients = loss.mul_scalar(labels.len() as f32).backward();
            let gradient = leaf.grad_remove(&mut gradients).ok_or(Error::NoGradient)?;
            let gradient = Array::from_tensor(gradient).into_vec();
            let pulled = change.pull_back(images, &gradient, shape);
            slope
                .iter_mut()
                .zip(pulled)
                .for_each(|(all, it)| *all += it);
        }
        Ok((slope, moved))
    }

    /// How far an image is from the next class by itself: its margin beside the slope of that, as
    /// DeepFool's first step has it (Moosavi-Dezfooli et al. 2016); the median over the images.
    /// `None` where none has such a distance.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn own_distance(&self) -> Result<Option<f64>, Error> {
        let classes = self.classifier.classes();
        let size: usize = self.classifier.shape().iter().product();
        let mut distances = Vec::with_capacity(self.labels.len());
        let labels = self.labels.chunks(BATCH);
        for (images, labels) in self.images.chunks(BATCH * size).zip(labels) {
            let mut margins = Vec::with_capacity(labels.len());
            let slope = LogitGradient::at(self.classifier, images, |logits| {
                let mut weights = vec![0.0; logits.len()];
                let rows = logits.chunks_exact(classes).zip(labels);
                for ((row, &own), weights) in rows.zip(weights.chunks_exact_mut(classes)) {
                    let next = next(row, own);
                    margins.push(next.map_or(f32::NAN, |next| row[own] - row[next]));
                    if let Some(next) = next {
                        (weights[own], weights[next]) = (1.0, -1.0);
                    }
                }
                weights
            })?;
            let gradients = slope.gradient.chunks_exact(size);
            distances.extend(margins.iter().zip(gradients).map(|(&margin, gradient)| {
                let squares = gradient.iter().map(|&g| f64::from(g).powi(2));
                f64::from(margin) / squares.sum::<f64>().sqrt()
            }));
        }
        distances.retain(|distance| distance.is_finite());
        Ok(median(distances))
    }
}

/// The first of the classes with the largest logit but for one; `None` if there is no other.
fn next(logits: &[f32], own: usize) -> Option<usize> {
    let others = (0..logits.len()).filter(|&other| other != own);
    others
        .rev()
        .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_class_is_the_best_of_the_others() {
        assert_eq!(next(&[1.0, 5.0, 3.0, 3.0], 1), Some(2));
        assert_eq!(next(&[1.0, 5.0], 0), Some(1));
        assert_eq!(next(&[1.0], 0), None);
    }
}
