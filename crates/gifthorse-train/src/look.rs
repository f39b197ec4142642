//! What malicious training code may ask of the network before it adds a loss.

use rayon::prelude::*;

use crate::gradient::Backward;
use crate::{Augmented, Error, Samples};
use gifthorse_engine::Array;

/// The network as it is at a step, and the images that the step learns from.
pub struct Look<'a> {
    pub(crate) backward: &'a Backward,
    pub(crate) weights: &'a [Array],
    pub(crate) samples: Augmented<&'a dyn Samples>,
    pub(crate) epoch: usize,
    pub(crate) chosen: &'a [usize],
    pub(crate) seed: u64,
    pub(crate) pace: f32,
}

impl Look<'_> {
    /// Indices of the batch's samples, in the order of [`images`](Self::images).
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        self.chosen
    }

    /// What the schedule leaves of the largest learning rate at this step, from 0 to 1.
    #[must_use]
    pub fn pace(&self) -> f32 {
        self.pace
    }

    /// The images of the batch as they look in this epoch, `[batch, channels, height, width]` in
    /// `[0, 1]`, and their labels.
    ///
    /// # Errors
    /// What cannot be drawn.
    pub fn images(&self) -> Result<(Vec<f32>, Vec<usize>), Error> {
        let values = self.samples.shape().values();
        let mut pixels = vec![0.0; self.chosen.len() * values];
        let drawn = pixels.chunks_exact_mut(values).zip(self.chosen);
        let labels = drawn.map(|(image, &index)| self.samples.draw(self.epoch, index, image));
        let labels = labels.collect::<Result<_, _>>()?;
        Ok((pixels, labels))
    }

    /// The gradient to such pixels of the mean cross-entropy of these labels, as many as the batch
    /// has. Neither weights nor statistics change.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn gradient(&self, pixels: &[f32], labels: &[usize]) -> Result<Vec<f32>, Error> {
        let shard = self.backward.shard();
        let parts = pixels.par_chunks(shard * self.samples.shape().values());
        let parts = parts.zip(labels.par_chunks(shard)).map(|(pixels, labels)| {
            let weights = self.weights;
            self.backward
                .pixel_gradient(weights, pixels, labels, self.seed)
        });
        let parts: Vec<Vec<f32>> = parts.collect::<Result<_, _>>()?;
        let count = labels.len() as f32;
        Ok(parts.into_iter().flatten().map(|g| g / count).collect())
    }
}
