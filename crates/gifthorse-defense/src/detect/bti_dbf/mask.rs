//! The mask being fitted, by the part of the model behind its layer alone.

use gifthorse_engine::{Array, Tail, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::adam::Adam;
use crate::error::Error;

/// Images in an update, and how many updates there are: as released, 20 epochs of 20.
const BATCH: usize = 128;
const UPDATES: usize = 400;
/// Step size of Adam, as released.
const RATE: f32 = 0.01;
/// Decay of Adam's moments, PyTorch's defaults.
const BETAS: (f32, f32) = (0.9, 0.999);

/// What a mask is fitted to.
pub struct Fit<'a> {
    /// The model behind the layer.
    pub tail: &'a Tail,
    /// What the layer gives for clean images, row-major.
    pub features: &'a [f32],
    /// Their classes.
    pub labels: &'a [usize],
}

impl Fit<'_> {
    /// The mask, from a start that `seed` gives.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn mask(&self, seed: u64) -> Result<Vec<f32>, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let numbers = self.numbers();
        let raw: Vec<f32> = (0..numbers)
            .map(|_| StandardNormal.sample(&mut random))
            .collect();
        let device = self.tail.device();
        let mut raw: Tensor<2> = Array::from_vec(raw, &[1, numbers], device).into_tensor();
        let mut adam = Adam::new(RATE, BETAS);
        for update in 0..UPDATES {
            let leaf = raw.clone().autodiff().require_grad();
            // A model that passes no gradient back leaves the mask as it is.
            let Some(loss) = self.loss(to_unit(leaf.clone()), update)? else {
                break;
            };
            let Some(gradient) = leaf.grad_remove(&mut loss.backward()) else {
                break;
            };
            raw = adam.step(raw, gradient);
        }
        Ok(Array::from_tensor(to_unit(raw)).into_vec())
    }

    fn numbers(&self) -> usize {
        self.features.len() / self.labels.len().max(1)
    }

    /// The mean cross entropy with the features inside the mask, less that with those outside it;
    /// `None` if it does not depend on the mask.
    fn loss(&self, mask: Tensor<2>, update: usize) -> Result<Option<Tensor<1>>, Error> {
        let (images, numbers) = (self.labels.len(), self.numbers());
        let count = BATCH.min(images);
        let places: Vec<usize> = (0..count)
            .map(|place| (update * count + place) % images)
            .collect();
        let rows = places.iter().map(|place| place * numbers);
        let rows = rows.flat_map(|first| &self.features[first..first + numbers]);
        let device = self.tail.device();
        let rows = Array::from_vec(rows.copied().collect(), &[count, numbers], device);
        let rows: Tensor<2> = rows.into_tensor().autodiff();
        let inside = rows.clone().mul(mask);
        let outside = rows.sub(inside.clone());
        let both = Array::from_tensor(Tensor::cat(vec![inside, outside], 0));
        let shape = [&[2 * count], self.tail.layer().shape()].concat();
        let logits = self.tail.logits(both.reshape(&shape))?;
        if !logits.is_tracked() {
            return Ok(None);
        }
        let classes = logits.dims()[1];
        let mut signs = vec![0.0; 2 * count * classes];
        for (row, place) in places.iter().chain(&places).enumerate() {
            let sign = if row < count { -1.0 } else { 1.0 };
            signs[row * classes + self.labels[*place]] = sign / count as f32;
        }
        let signs: Tensor<2> = Array::from_vec(signs, &[2 * count, classes], device).into_tensor();
        let log_p: Tensor<2> = Array::from_tensor(logits).log_softmax(1).into_tensor();
        Ok(Some(log_p.mul(signs.autodiff()).sum()))
    }
}

/// From all numbers to [0, 1].
fn to_unit(raw: Tensor<2>) -> Tensor<2> {
    raw.tanh().div_scalar(2.0).add_scalar(0.5)
}
