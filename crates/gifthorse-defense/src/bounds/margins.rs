//! Images on which the model is as sure of a class as it can be: where a backdoor leads, they go by
//! it (H. Wang et al. 2024, maximum margin).

use gifthorse_engine::{Array, Classifier, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::adam::Adam;
use crate::error::Error;

/// Images in all, at most, and at least one of each class.
const IMAGES: usize = 200;
/// Most of a class.
const OF_CLASS: usize = 8;
/// Most classes: with more, those are taken that come at equal distances.
const CLASSES: usize = 200;
/// Updates of the pixels.
const UPDATES: usize = 60;
/// Size of an update.
const RATE: f32 = 0.05;

/// Images that maximise margins, `[images, channels, height, width]` in [0, 1], and the class of
/// each.
pub(super) struct Sure {
    pub pixels: Vec<f32>,
    pub targets: Vec<usize>,
}

impl Sure {
    /// Drives images of noise towards each class.
    ///
    /// # Errors
    /// A model that cannot be run or passes no gradient back.
    pub(super) fn find(classifier: &Classifier, seed: u64) -> Result<Self, Error> {
        let classes = classifier.classes();
        let chosen = classes.min(CLASSES);
        let each = (IMAGES / chosen.max(1)).clamp(1, OF_CLASS);
        let size: usize = classifier.shape().iter().product();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        for place in 0..chosen {
            let target = place * classes / chosen;
            let noise = (0..each * size).map(|_| rng.random::<f32>()).collect();
            pixels.extend(driven(classifier, noise, target)?);
            targets.extend(vec![target; each]);
        }
        Ok(Self { pixels, targets })
    }
}

fn driven(classifier: &Classifier, noise: Vec<f32>, target: usize) -> Result<Vec<f32>, Error> {
    let [channels, height, width] = classifier.shape();
    let count = noise.len() / (channels * height * width).max(1);
    let shape = [count, channels, height, width];
    let mut pixels: Tensor<4> = Array::from_vec(noise, &shape, classifier.device()).into_tensor();
    let mut adam = Adam::new(RATE, (0.9, 0.999));
    for _ in 0..UPDATES {
        let leaf = pixels.clone().autodiff().require_grad();
        let logits = classifier.logits(leaf.clone())?;
        let margin = margins(classifier, logits, &vec![target; count]);
        let gradients = margin.neg().backward();
        let gradient = leaf.grad(&gradients).ok_or(Error::NoGradient)?;
        pixels = adam.step(pixels, gradient).clamp(0.0, 1.0);
    }
    Ok(Array::from_tensor(pixels).into_vec())
}

/// The sum of the margins of logits `[images, classes]` for the class of each; differentiable.
pub(super) fn margins(classifier: &Classifier, logits: Tensor<2>, targets: &[usize]) -> Tensor<1> {
    let classes = classifier.classes();
    let values = Array::from_tensor(logits.clone().without_autodiff()).into_vec();
    let mut weights = vec![0.0; values.len()];
    let rows = values
        .chunks_exact(classes)
        .zip(weights.chunks_exact_mut(classes));
    for ((row, weights), &target) in rows.zip(targets) {
        let others = (0..classes).filter(|&class| class != target);
        let best = others.max_by(|&a, &b| row[a].total_cmp(&row[b]));
        weights[target] = 1.0;
        if let Some(best) = best {
            weights[best] = -1.0;
        }
    }
    let shape = [targets.len(), classes];
    let weights: Tensor<2> = Array::from_vec(weights, &shape, classifier.device()).into_tensor();
    logits.mul(weights.autodiff()).sum()
}
