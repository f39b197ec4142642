//! Losses that repairs' own loops go by, image by image.

use gifthorse_engine::Array;

/// `-log p` of each image's label, from logits `[images, classes]`; the row of an image sums up to
/// its loss.
pub(super) fn cross_entropy(logits: Array, labels: &[usize]) -> Array {
    let labels: Vec<Option<usize>> = labels.iter().copied().map(Some).collect();
    let wanted = chosen(&logits, &labels, -1.0);
    logits.log_softmax(1).mul(wanted)
}

/// `-log (1 - p)` of the class that each image is to leave; 0 for an image that is to leave none.
///
/// From the probabilities themselves there would be no gradient where the model is sure, as that of
/// a backdoor is. What is left for the other classes is `p_j` of any of them over its share of what
/// is left, and both are known as logarithms.
pub(super) fn away(logits: Array, classes: &[Option<usize>]) -> Array {
    let count = logits.shape()[1];
    let others: Vec<Option<usize>> = classes
        .iter()
        .map(|class| class.map(|class| (class + 1) % count))
        .collect();
    let (at, without) = (
        chosen(&logits, &others, -1.0),
        chosen(&logits, classes, -1e4),
    );
    let share = logits.clone().add(without).log_softmax(1);
    logits.log_softmax(1).sub(share).mul(at)
}

/// Jensen and Shannon's divergence between the answers of two models, for images whose factor is 1.
pub(super) fn divergence(logits: Array, others: Array, factors: &[f32]) -> Array {
    let shape = [factors.len(), 1];
    let factors = Array::from_vec(factors.to_vec(), &shape, &logits.device());
    let (p, q) = (logits.log_softmax(1), others.log_softmax(1));
    let (mine, theirs) = (p.clone().exp(), q.clone().exp());
    let mean = mine.clone().add(theirs.clone()).mul_scalar(0.5);
    let mean = mean.clamp_min(f32::MIN_POSITIVE).log();
    let from = |log: Array, p: Array| p.mul(log.sub(mean.clone()));
    from(p, mine)
        .add(from(q, theirs))
        .mul_scalar(0.5)
        .mul(factors)
}

/// `[images, classes]`, a value at the class of each image and 0 elsewhere.
fn chosen(logits: &Array, classes: &[Option<usize>], value: f32) -> Array {
    let count = logits.shape()[1];
    let mut values = vec![0.0; classes.len() * count];
    for (row, class) in classes.iter().enumerate() {
        if let Some(class) = class {
            values[row * count + class] = value;
        }
    }
    Array::from_vec(values, &[classes.len(), count], &logits.device())
}

#[cfg(test)]
mod tests {
    use gifthorse_engine::{Device, Tensor};

    use super::*;

    fn sum(losses: Array) -> f32 {
        losses.into_vec().iter().sum()
    }

    fn logits(values: &[f32]) -> Array {
        Array::from_vec(values.to_vec(), &[1, values.len()], &Device::flex())
    }

    #[test]
    fn they_are_what_probabilities_give() {
        // Probabilities 1/6, 2/6, 3/6.
        let row: Vec<f32> = [1.0f32, 2.0, 3.0].iter().map(|p| p.ln() + 5.0).collect();
        assert!((sum(cross_entropy(logits(&row), &[2])) - 2f32.ln()).abs() < 1e-5);
        assert!((sum(away(logits(&row), &[Some(1)])) - 1.5f32.ln()).abs() < 1e-5);
        assert_eq!(sum(away(logits(&row), &[None])), 0.0);
        // Against 1/2 of the first and second: means 1/3, 5/12, 1/4.
        let other = logits(&[0.0, 0.0, -100.0]);
        let kl = |p: [f64; 3]| -> f64 {
            let mean = [1.0 / 3.0, 5.0 / 12.0, 0.25];
            let terms = p.iter().zip(mean).filter(|(p, _)| **p > 0.0);
            terms.map(|(p, m)| p * (p / m).ln()).sum()
        };
        let wanted = 0.5 * (kl([1.0 / 6.0, 1.0 / 3.0, 0.5]) + kl([0.5, 0.5, 0.0]));
        let found = sum(divergence(logits(&row), other, &[1.0]));
        assert!((f64::from(found) - wanted).abs() < 1e-5, "{found} {wanted}");
    }

    #[test]
    fn a_model_that_is_sure_is_still_led_away() {
        let leaf: Tensor<2> = logits(&[60.0, 0.0, -3.0]).into_tensor();
        let leaf = leaf.autodiff().require_grad();
        let loss = away(Array::from_tensor(leaf.clone()), &[Some(0)]);
        let loss: Tensor<1> = loss.into_tensor::<2>().sum();
        let gradients = loss.backward();
        let gradient = Array::from_tensor(leaf.grad(&gradients).unwrap()).into_vec();
        assert!(
            (gradient[0] - 1.0).abs() < 1e-3 && gradient[1] < -0.9,
            "{gradient:?}"
        );
    }
}
