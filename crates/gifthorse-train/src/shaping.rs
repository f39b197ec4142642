//! Gradient shaping: each image's gradient clipped, and noise on their sum (DP-SGD, Abadi et al.
//! 2016; as a defence against poison by Hong et al. 2020 and, against blind attacks, Bagdasaryan and
//! Shmatikov 2021, sections 5.3 and 6.3).

use rand::Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};

use crate::Error;

/// No image moves the weights further than others may: the gradient of each is made no longer than
/// `clip`, over all weights together, and to each number of the sum over the batch noise is added.
/// What few images ask for, such as poisoned ones, is then learnt more slowly, if at all.
///
/// The deviation of the noise is absolute, not in units of `clip` as in DP-SGD: the published
/// defence has 0.05 with clips of 10, which is no privacy worth the name. A batch costs a pass for
/// each image. Only one image's gradient is held by each thread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shaping {
    /// Largest length of an image's gradient, above 0.
    pub clip: f32,
    /// Standard deviation of the noise on each number of the sum of a batch's gradients, at least 0.
    #[serde(default)]
    pub noise: f32,
}

impl Shaping {
    pub(super) fn check(self) -> Result<(), Error> {
        let Self { clip, noise } = self;
        if clip > 0.0 && clip.is_finite() && noise >= 0.0 && noise.is_finite() {
            return Ok(());
        }
        let reason = format!(
            "shaping: clip = {clip} has to be above zero, and noise = {noise} not below it"
        );
        Err(Error::Recipe(reason))
    }

    /// Adds an image's gradient to a sum, clipped.
    pub(super) fn add(self, sum: &mut [Vec<f32>], gradient: &[Vec<f32>]) {
        let square: f64 = gradient
            .iter()
            .flatten()
            .map(|&g| f64::from(g).powi(2))
            .sum();
        let factor = (f64::from(self.clip) / square.sqrt()).min(1.0) as f32;
        for (sum, gradient) in sum.iter_mut().zip(gradient) {
            let both = sum.iter_mut().zip(gradient);
            both.for_each(|(sum, g)| *sum += factor * g);
        }
    }

    /// The noise on the mean of a batch, for weights of these sizes; `None` if there is none.
    pub(super) fn noise(
        self,
        weights: &[Vec<f32>],
        batch: usize,
        rng: &mut impl Rng,
    ) -> Option<Vec<Vec<f32>>> {
        let normal = Normal::new(0.0, self.noise / batch as f32).ok()?;
        let mut of = |weights: &Vec<f32>| weights.iter().map(|_| normal.sample(rng)).collect();
        (self.noise > 0.0).then(|| weights.iter().map(&mut of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_gradient_is_clipped_by_its_length_over_all_weights() {
        let shaping = Shaping {
            clip: 2.5,
            noise: 0.0,
        };
        let mut sum = vec![vec![1.0], vec![0.0]];
        shaping.add(&mut sum, &[vec![3.0], vec![4.0]]);
        assert_eq!(sum, [[2.5], [2.0]]);
        // A short one stays as it is, and none is none.
        shaping.add(&mut sum, &[vec![0.5], vec![-1.0]]);
        shaping.add(&mut sum, &[vec![0.0], vec![0.0]]);
        assert_eq!(sum, [[3.0], [1.0]]);
    }

    #[test]
    fn noise_is_absolute_and_divided_by_the_batch() {
        let weights = vec![vec![0.0; 20_000], vec![0.0; 30_000]];
        let shaping = Shaping {
            clip: 10.0,
            noise: 0.5,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let noise = shaping.noise(&weights, 25, &mut rng).unwrap();
        assert_eq!(
            noise.iter().map(Vec::len).collect::<Vec<_>>(),
            [20_000, 30_000]
        );
        let squares: f64 = noise.iter().flatten().map(|&n| f64::from(n).powi(2)).sum();
        let deviation = (squares / 50_000.0).sqrt();
        assert!((deviation - 0.02).abs() < 0.0004, "{deviation}");
        let silent = Shaping {
            noise: 0.0,
            ..shaping
        };
        assert!(silent.noise(&weights, 25, &mut rng).is_none());
    }
}
