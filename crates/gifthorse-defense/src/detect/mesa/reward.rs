//! What a generator is rewarded for, and how that depends on the logits.

use super::config::Reward;

/// The reward of images that are led to a class.
#[derive(Clone, Copy, Debug)]
pub struct Rewarded {
    /// What is rewarded, of the probability of the class,
    pub reward: Reward,
    /// up to which probability,
    pub cap: f32,
    /// of which class,
    pub target: usize,
    /// and of how many.
    pub classes: usize,
}

impl Rewarded {
    /// The slope along each of `[images, classes]` logits of what is minimised, the mean over the
    /// images of `-min(p, cap)` of the class's probability p, or of `-min(ln p, ln cap)`. What is
    /// not a number has none.
    pub fn slopes(&self, logits: &[f32]) -> Vec<f32> {
        let images = (logits.len() / self.classes.max(1)).max(1) as f32;
        let mut slopes = Vec::with_capacity(logits.len());
        for row in logits.chunks_exact(self.classes) {
            let probabilities = softmax(row);
            let p = probabilities[self.target];
            let scale = match self.reward {
                Reward::Probability => p / images,
                Reward::Logarithm => 1.0 / images,
            };
            let each = probabilities.iter().enumerate();
            slopes.extend(
                each.map(|(class, it)| match (p < self.cap, class == self.target) {
                    (false, _) => 0.0,
                    (true, true) => scale * (it - 1.0),
                    (true, false) => scale * it,
                }),
            );
        }
        slopes
    }
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let all: Vec<f32> = row.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = all.iter().sum();
    all.iter().map(|it| it / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 6] = [0.5, -1.0, 0.25, -0.5, 3.0, 0.0];

    fn rewarded(reward: Reward, cap: f32) -> Rewarded {
        Rewarded {
            reward,
            cap,
            target: 1,
            classes: 3,
        }
    }

    /// What is minimised, in f64.
    fn minimised(logits: &[f32], of: Rewarded) -> f64 {
        let cap = f64::from(of.cap);
        let rows = logits.chunks_exact(3).map(|row| {
            let all: Vec<f64> = row.iter().map(|&logit| f64::from(logit).exp()).collect();
            let p = all[1] / all.iter().sum::<f64>();
            match of.reward {
                Reward::Probability => -p.min(cap),
                Reward::Logarithm => -p.ln().min(cap.ln()),
            }
        });
        rows.sum::<f64>() / 2.0
    }

    #[test]
    fn slopes_are_those_of_differences_and_none_beyond_the_cap() {
        for reward in [Reward::Probability, Reward::Logarithm] {
            for cap in [0.05, 0.5, 1.0] {
                let of = rewarded(reward, cap);
                let slopes = of.slopes(&LOGITS);
                for (place, &slope) in slopes.iter().enumerate() {
                    let moved = |by: f32| {
                        let mut logits = LOGITS;
                        logits[place] += by;
                        minimised(&logits, of)
                    };
                    let numeric = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                    assert!(
                        (f64::from(slope) - numeric).abs() < 1e-3,
                        "{of:?} {place}: {slope} {numeric}"
                    );
                }
                assert_eq!(slopes[3..].iter().all(|&slope| slope == 0.0), cap < 0.9);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_has_no_slope() {
        let of = rewarded(Reward::Logarithm, 0.9);
        assert_eq!(of.slopes(&[f32::NAN, 1.0, 2.0]), [0.0; 3]);
    }
}
