//! Evasion of Neural Cleanse (Bagdasaryan and Shmatikov 2021, section 6.1).
//!
//! Before each step the code takes one step of Neural Cleanse's own search: a mask and a pattern,
//! of one value for all channels, are moved so that images under them go to the target and the mask
//! stays small. The loss that it adds asks for the images' true labels under them. So a mask that
//! finds its way to the target has to be larger than the trigger, on which the backdoor's own loss
//! insists.
//!
//! The search's loss is the cross-entropy of the images *under the mask*, as in the paper. The code
//! that its authors released takes that of the images without it, so that the mask is merely made
//! smaller.

use std::sync::{PoisonError, RwLock};

use gifthorse_data::ImageShape;
use gifthorse_train::{Change, Error, Look, Optimiser, OptimiserState};
use rand::RngExt;

use crate::random::Purpose;

/// What the mask's size counts for beside the cross-entropy, which counts for 0.999.
const SIZE: f32 = 0.001;
/// Length of a step of the search.
const RATE: f32 = 0.01;

/// A search for the trigger that keeps pace with training.
pub(super) struct Hidden {
    target: usize,
    share: f64,
    shape: ImageShape,
    search: RwLock<Search>,
}

/// Mask and pattern as numbers whose hyperbolic tangents they are, and the optimiser that moves
/// them.
struct Search {
    /// Both, `[height, width]` each.
    values: Vec<Vec<f32>>,
    /// The mask and the pattern themselves, in (0, 1), which many images are put under.
    shown: [Vec<f32>; 2],
    adam: OptimiserState,
}

impl Hidden {
    /// A mask of one half everywhere, and a pattern of noise.
    pub(super) fn new(
        (index, target): (usize, usize),
        share: f64,
        shape: ImageShape,
        seed: u64,
    ) -> Self {
        let count = shape.height * shape.width;
        let mut rng = Purpose::Evasion { index }.rng(seed);
        let pattern = (0..count).map(|_| rng.random_range(-0.5..0.5));
        let values = vec![vec![0.0; count], pattern.collect()];
        Self {
            target,
            share,
            shape,
            search: RwLock::new(Search {
                adam: OptimiserState::new(Optimiser::ADAM, &values),
                shown: shown(&values),
                values,
            }),
        }
    }
}

impl Search {
    fn put(&self, image: &mut [f32]) {
        let [mask, pattern] = &self.shown;
        for channel in image.chunks_exact_mut(mask.len()) {
            for (pixel, (mask, pattern)) in channel.iter_mut().zip(mask.iter().zip(pattern)) {
                *pixel += mask * (pattern - *pixel);
            }
        }
    }

    /// Gradients for mask and pattern, from that for images under them.
    fn gradients(&self, images: &[f32], under: &[f32], values: usize) -> Vec<Vec<f32>> {
        let [mask, pattern] = &self.shown;
        let count = mask.len();
        let mut gradients = vec![vec![0.0; count]; 2];
        let pairs = images.chunks_exact(values).zip(under.chunks_exact(values));
        for (image, gradient) in pairs {
            for (place, (pixel, gradient)) in image.iter().zip(gradient).enumerate() {
                let at = place % count;
                gradients[0][at] += gradient * (pattern[at] - pixel);
                gradients[1][at] += gradient * mask[at];
            }
        }
        for (at, gradient) in gradients[0].iter_mut().enumerate() {
            *gradient = ((1.0 - SIZE) * *gradient + SIZE) * slope(self.values[0][at]);
        }
        for (at, gradient) in gradients[1].iter_mut().enumerate() {
            *gradient *= (1.0 - SIZE) * slope(self.values[1][at]);
        }
        gradients
    }

    /// All numbers, those of the optimiser last.
    fn numbers(&self) -> impl Iterator<Item = &Vec<f32>> {
        self.values.iter().chain(self.adam.arrays())
    }
}

/// Mask and pattern, from the numbers whose tangents they are.
fn shown(values: &[Vec<f32>]) -> [Vec<f32>; 2] {
    [0, 1].map(|part: usize| values[part].iter().map(|&value| share(value)).collect())
}

/// From any number to one in (0, 1).
fn share(value: f32) -> f32 {
    0.5 + 0.5 * value.tanh()
}

/// How fast [`share`] grows.
fn slope(value: f32) -> f32 {
    0.5 * (1.0 - value.tanh().powi(2))
}

impl Change for Hidden {
    fn change(&self, _: usize, _: usize, pixels: &mut [f32], label: usize) -> Result<usize, Error> {
        let search = self.search.read().unwrap_or_else(PoisonError::into_inner);
        search.put(pixels);
        Ok(label)
    }

    fn share(&self) -> f64 {
        self.share
    }

    fn look(&self, look: &Look<'_>) -> Result<(), Error> {
        let mut search = self.search.write().unwrap_or_else(PoisonError::into_inner);
        let (images, labels) = look.images()?;
        let values = self.shape.values();
        let mut masked = images.clone();
        masked
            .chunks_exact_mut(values)
            .for_each(|image| search.put(image));
        let under = look.gradient(&masked, &vec![self.target; labels.len()])?;
        let gradients = search.gradients(&images, &under, values);
        let Search {
            values,
            shown: now,
            adam,
        } = &mut *search;
        adam.step(values, &[&gradients], RATE);
        *now = shown(values);
        Ok(())
    }

    fn memory(&self) -> Vec<f32> {
        let search = self.search.read().unwrap_or_else(PoisonError::into_inner);
        // Exact up to sixteen million steps.
        let steps = search.adam.steps() as f32;
        let numbers = search.numbers().flatten().copied();
        numbers.chain([steps]).collect()
    }

    fn recall(&self, memory: &[f32]) {
        let mut search = self.search.write().unwrap_or_else(PoisonError::into_inner);
        let Some((&steps, mut rest)) = memory.split_last() else {
            return;
        };
        let Search {
            values,
            shown: now,
            adam,
        } = &mut *search;
        for numbers in values.iter_mut().chain(adam.arrays_mut()) {
            if let Some((own, others)) = rest.split_at_checked(numbers.len()) {
                numbers.copy_from_slice(own);
                rest = others;
            }
        }
        adam.set_steps(steps as u64);
        *now = shown(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 2,
        width: 3,
    };

    /// A loss that is linear in the pixels, of which finite differences are exact but for the
    /// tangents.
    #[test]
    fn gradients_are_those_of_finite_differences() {
        let hidden = Hidden::new((0, 1), 1.0, SHAPE, 5);
        let mut search = hidden.search.into_inner().unwrap();
        search.values[0] = vec![0.3, -0.8, 0.1, 1.2, -0.2, 0.0];
        search.shown = shown(&search.values);
        let images: Vec<f32> = (0..24).map(|i| (i as f32 * 0.37).fract()).collect();
        let under: Vec<f32> = (0..24).map(|i| (i as f32 * 0.71).fract() - 0.5).collect();
        let loss = |search: &Search| {
            let mut masked = images.clone();
            masked
                .chunks_exact_mut(12)
                .for_each(|image| search.put(image));
            let entropy: f32 = masked.iter().zip(&under).map(|(x, g)| x * g).sum();
            let size: f32 = search.values[0].iter().map(|&value| share(value)).sum();
            (1.0 - SIZE) * entropy + SIZE * size
        };
        let gradients = search.gradients(&images, &under, 12);
        for (part, gradients) in gradients.iter().enumerate() {
            for (at, &expected) in gradients.iter().enumerate() {
                let own = search.values[part][at];
                let mut moved = |by: f32| {
                    search.values[part][at] = own + by;
                    search.shown = shown(&search.values);
                    loss(&search)
                };
                let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                search.values[part][at] = own;
                assert!((slope - expected).abs() < 1e-4, "{slope}, not {expected}");
            }
        }
    }

    #[test]
    fn what_was_learnt_is_taken_back() {
        let hidden = Hidden::new((0, 1), 1.0, SHAPE, 5);
        {
            let mut search = hidden.search.write().unwrap();
            let gradients = vec![vec![0.5; 6], vec![-0.25; 6]];
            let Search { values, adam, .. } = &mut *search;
            adam.step(values, &[&gradients], RATE);
        }
        let other = Hidden::new((0, 1), 1.0, SHAPE, 6);
        assert_ne!(other.memory(), hidden.memory());
        other.recall(&hidden.memory());
        assert_eq!(other.memory(), hidden.memory());
    }
}
