//! What the model makes of images with a change.

use gifthorse_engine::{Array, Classifier, Tensor};

use crate::detect::neural_cleanse::{Aim, Loss};
use crate::error::Error;
use crate::trigger::{Additive, Transformation};

/// Images in a pass.
pub const BATCH: usize = 32;

/// Images that are to go somewhere.
pub struct Shown<'a> {
    pub classifier: &'a Classifier,
    /// Where.
    pub aim: Aim,
    /// `[images, channels, height, width]` in [0, 1].
    pub images: &'a [f32],
    /// Their classes.
    pub labels: &'a [usize],
}

impl Shown<'_> {
    /// The slope, along each value of a change, of the sum over the images of the aim's loss, and
    /// how many images the change leads where they are to go.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn slope(&self, change: &Additive) -> Result<(Vec<f32>, usize), Error> {
        let shape = self.classifier.shape();
        let size: usize = shape.iter().product();
        let (mut slope, mut hits) = (vec![0.0; size], 0);
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
            hits += self.aim.hits(&logits, labels);
            let loss = self.aim.loss(Loss::CrossEntropy, logits, labels);
            let mut gradients = loss.mul_scalar(labels.len() as f32).backward();
            let gradient = leaf.grad_remove(&mut gradients).ok_or(Error::NoGradient)?;
            let gradient = Array::from_tensor(gradient).into_vec();
            let pulled = change.pull_back(images, &gradient, shape);
            slope
                .iter_mut()
                .zip(pulled)
                .for_each(|(all, it)| *all += it);
        }
        Ok((slope, hits))
    }
}
