//! What is added to images and what is taken away, as the optimiser sees it (Tao et al. 2022).

use gifthorse_engine::{Array, Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::adam::Adam;
use crate::trigger::Additive;

/// Grey levels above black.
const LEVELS: f32 = 255.0;
/// Values are divided by this before the tanh that their size is made of.
const WIDTH: f32 = 10.0;

/// For each value of an image one number that is added to it and one that is taken away. Both count
/// as far as they lie in [0, 1]; beyond that the optimiser may have moved them.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What is added, `[channels, height, width]`, and after it what is taken away.
    numbers: Vec<f32>,
}

impl Pattern {
    /// Uniform in [0, 1], for images of so many values.
    pub fn random(random: &mut ChaCha8Rng, values: usize) -> Self {
        let numbers = (0..2 * values).map(|_| random.random::<f32>()).collect();
        Self { numbers }
    }

    /// The one of these numbers, in the order of [`Self::numbers`].
    pub fn of(numbers: Vec<f32>) -> Self {
        Self { numbers }
    }

    /// What is added, and after it what is taken away.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// What becomes of the values of an image.
    pub fn change(&self) -> Additive {
        let (added, taken) = self.numbers.split_at(self.numbers.len() / 2);
        let both = added.iter().zip(taken);
        let values = both.map(|(p, q)| p.clamp(0.0, 1.0) - q.clamp(0.0, 1.0));
        Additive {
            values: values.collect(),
        }
    }

    /// The same, in whole multiples of 1/255, as it is stored.
    pub fn stored(&self) -> Additive {
        let change = self.change();
        let rounded = change
            .values
            .iter()
            .map(|by| (by * LEVELS).round() / LEVELS);
        Additive {
            values: rounded.collect(),
        }
    }

    /// The pattern without what is less than a grey level, and within [0, 1].
    pub fn cleaned(&self) -> Self {
        let clean = |number: &f32| match number.clamp(0.0, 1.0) {
            small if small < 1.0 / LEVELS => 0.0,
            number => number,
        };
        Self::of(self.numbers.iter().map(clean).collect())
    }

    /// The size as the search has it: for what is added and for what is taken away, the sum over
    /// all pixels of the largest `tanh(v / 10) / 2 + 1/2` of a pixel's channels.
    pub fn size(&self, channels: usize) -> f64 {
        self.largest(channels)
            .map(|place| f64::from((self.numbers[place] / WIDTH).tanh() / 2.0 + 0.5))
            .sum()
    }

    /// One step of the optimiser against the slope of a loss along each value of the change, and of
    /// `cost` times the size.
    pub fn step(
        &self,
        slope: &[f32],
        (cost, channels): (f32, usize),
        adam: &mut Adam<1>,
        device: &Device,
    ) -> Self {
        let tensor = |values: Vec<f32>| -> Tensor<1> {
            let count = values.len();
            Array::from_vec(values, &[count], device).into_tensor()
        };
        let gradient = tensor(self.gradient(slope, cost, channels));
        let moved = adam.step(tensor(self.numbers.clone()), gradient);
        Self::of(Array::from_tensor(moved).into_vec())
    }

    /// The slope of that loss and size along each number. Beyond [0, 1] only the size has one.
    fn gradient(&self, slope: &[f32], cost: f32, channels: usize) -> Vec<f32> {
        let both = slope.iter().copied().chain(slope.iter().map(|by| -by));
        let inside = |(number, by): (&f32, f32)| match (0.0..=1.0).contains(number) {
            true => by,
            false => 0.0,
        };
        let mut gradient: Vec<f32> = self.numbers.iter().zip(both).map(inside).collect();
        for place in self.largest(channels) {
            let steepness = 1.0 - (self.numbers[place] / WIDTH).tanh().powi(2);
            gradient[place] += cost * steepness / (2.0 * WIDTH);
        }
        gradient
    }

    /// Of each pixel, the place of the channel of which most is added, and then of that of which
    /// most is taken away; the first, of equal ones.
    fn largest(&self, channels: usize) -> impl Iterator<Item = usize> {
        let values = self.numbers.len() / 2;
        let plane = values / channels.max(1);
        [0, values].into_iter().flat_map(move |half| {
            (0..plane).map(move |pixel| {
                let mut places = (0..channels).map(|channel| half + channel * plane + pixel);
                let first = places.next().unwrap_or(half);
                places.fold(first, |most, place| {
                    match self.numbers[place] > self.numbers[most] {
                        true => place,
                        false => most,
                    }
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of two pixels.
    fn pattern() -> Pattern {
        Pattern::of(vec![0.5, 0.003, 0.25, -0.5, 0.125, 1.5, 0.75, 0.2])
    }

    #[test]
    fn what_is_taken_away_is_taken_from_what_is_added() {
        let values = pattern().change().values;
        assert_eq!(values, [0.375, -0.997, -0.5, -0.2]);
        let stored = pattern().stored().values;
        assert_eq!(stored[..2], [96.0 / 255.0, -254.0 / 255.0]);
    }

    #[test]
    fn less_than_a_grey_level_is_nothing() {
        let cleaned = pattern().cleaned();
        assert_eq!(
            cleaned.numbers(),
            [0.5, 0.0, 0.25, 0.0, 0.125, 1.0, 0.75, 0.2]
        );
    }

    #[test]
    fn the_size_is_that_of_the_largest_channels() {
        let largest: Vec<usize> = pattern().largest(2).collect();
        assert_eq!(largest, [0, 1, 6, 5]);
        let expected: f64 = [0.5, 0.003, 0.75, 1.5]
            .map(|v: f64| (v / 10.0).tanh() / 2.0 + 0.5)
            .iter()
            .sum();
        assert!((pattern().size(2) - expected).abs() < 1e-6);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let weights = [0.3, -1.0, 2.0, 0.7];
        let cost = 0.5;
        let loss = |pattern: &Pattern| -> f64 {
            let change = pattern.change().values;
            let terms = change.iter().zip(weights);
            let sum: f64 = terms.map(|(&x, w)| f64::from(x) * f64::from(w)).sum();
            sum + f64::from(cost) * pattern.size(2)
        };
        let gradient = pattern().gradient(&weights, cost, 2);
        for place in 0..8 {
            let moved = |by: f32| {
                let mut numbers = pattern().numbers;
                numbers[place] += by;
                loss(&Pattern::of(numbers))
            };
            let numeric = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            let slope = f64::from(gradient[place]);
            assert!((slope - numeric).abs() < 1e-3, "{place}: {slope} {numeric}");
        }
    }
}
