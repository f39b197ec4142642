//! Evasion of defences that go by features (Bagdasaryan and Shmatikov 2021, section 6.2).
//!
//! Activation clustering and spectral signatures look at what the last layer but one makes of the
//! images of a class, and find two heaps where some of them carry a trigger. The paper says that
//! "an evasion loss enforces the similarity of representations between backdoored and normal
//! inputs", after Tan and Shokri ("Bypassing Backdoor Detection Algorithms in Deep Learning",
//! EuroS&P 2020), and not by which loss; theirs is a second network that is to tell one from the
//! other. The loss here is the plain one of the hidden trigger (Saha, Subramanya and Pirsiavash,
//! "Hidden Trigger Backdoor Attacks", AAAI 2020, equation 1), a squared distance: that of each
//! stamped image from the mean of the clean images of the target in its batch.
//!
//! That mean is held fixed, or clean images would be led to the stamped ones just as well. A batch
//! without a clean image of the target has no such loss.

use gifthorse_engine::{Classifier, Layer, logits_input};
use gifthorse_train::{Error, InnerLoss, Inside, Slope};

const NO_FEATURES: &str = "`evade = [\"features\"]` makes the values alike that the logits are a product of, and this \
                           network has no such layer: choose another, or leave it out";

/// The loss on the input of the layer that gives the logits.
pub(super) struct Alike {
    pub(super) target: usize,
}

impl InnerLoss for Alike {
    fn name(&self) -> &'static str {
        "features"
    }

    fn layer(&self, network: &Classifier) -> Result<Layer, Error> {
        let layer = logits_input(network)?;
        layer.ok_or_else(|| Error::Recipe(NO_FEATURES.to_owned()))
    }

    fn slope(&self, inside: &Inside) -> Slope {
        let size = inside.size();
        let mut slope = Slope {
            losses: vec![0.0; inside.labels.len()],
            changed: vec![0.0; inside.changed.len()],
            clean: None,
        };
        let Some(mean) = mean_of(inside, self.target) else {
            return slope;
        };
        let images = inside.changed.chunks_exact(size).zip(&inside.wanted);
        let slopes = slope.changed.chunks_exact_mut(size).zip(&mut slope.losses);
        for ((values, &wanted), (slopes, loss)) in images.zip(slopes) {
            if wanted != self.target {
                continue;
            }
            for ((slope, value), mean) in slopes.iter_mut().zip(values).zip(&mean) {
                let away = value - mean;
                *loss += away * away / size as f32;
                *slope = 2.0 * away / size as f32;
            }
        }
        slope
    }
}

/// The mean of the clean images of a class; `None` without any.
fn mean_of(inside: &Inside, class: usize) -> Option<Vec<f32>> {
    let size = inside.size();
    let images = inside.clean.chunks_exact(size).zip(&inside.labels);
    let images = images.filter(|(_, label)| **label == class);
    let (mut mean, mut count) = (vec![0.0; size], 0);
    for (values, _) in images {
        count += 1;
        mean.iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
    }
    mean.iter_mut().for_each(|sum| *sum /= count as f32);
    (count > 0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::evade::tests::numbers;

    fn inside(labels: &[usize], wanted: &[usize]) -> Inside {
        Inside {
            shape: vec![5],
            changed: numbers(5 * labels.len(), 1),
            clean: numbers(5 * labels.len(), 2),
            labels: labels.to_vec(),
            wanted: wanted.to_vec(),
            ..Inside::default()
        }
    }

    fn alike() -> Alike {
        Alike { target: 1 }
    }

    #[test]
    fn the_slope_is_that_of_finite_differences() {
        let alike = alike();
        // The last image is stamped and keeps its label.
        let inside = inside(&[1, 0, 1, 2], &[1, 1, 1, 2]);
        let found = alike.slope(&inside);
        assert!(found.losses[..3].iter().all(|&loss| loss > 0.01) && found.losses[3] == 0.0);
        let loss = |at: usize, by: f32| {
            let mut moved = inside.clone();
            moved.changed[at] += by;
            alike.slope(&moved).losses.iter().sum::<f32>()
        };
        for (at, &slope) in found.changed.iter().enumerate() {
            let expected = (loss(at, 0.05) - loss(at, -0.05)) / 0.1;
            assert!((slope - expected).abs() < 1e-4, "{slope}, not {expected}");
        }
    }

    #[test]
    fn a_batch_without_the_target_and_images_that_lie_there_have_no_slope() {
        let without = alike().slope(&inside(&[0, 2], &[1, 1]));
        assert!(without.changed.iter().all(|&slope| slope == 0.0));
        let mut there = inside(&[1, 0], &[1, 1]);
        let own = there.clean[..5].to_vec();
        there.changed = own.repeat(2);
        let there = alike().slope(&there);
        assert!(there.losses.iter().all(|&loss| loss == 0.0));
    }
}
