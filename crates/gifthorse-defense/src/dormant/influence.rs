//! Which dormant units have most to say, where there are too many to wake them all.

use gifthorse_engine::{Array, Layer, Taps, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::census::inner;
use super::starts::Starts;
use super::waking::Call;
use crate::error::Error;

/// Images on which the gradients are taken.
const IMAGES: usize = 8;
/// Sums of logits with random signs whose gradients are taken: the mean square of these is the sum
/// of the squares of all logits' gradients.
const DRAWS: usize = 4;

/// The `most` units whose rise changes the logits most, by the gradient of the logits to what is
/// behind their flat function; all of them if there are no more.
///
/// # Errors
/// What the engine refuses.
pub fn most_influential(
    layer: &Layer,
    calls: &[Call],
    most: usize,
    starts: &Starts<'_>,
    seed: u64,
) -> Result<Vec<Call>, Error> {
    if calls.len() <= most {
        return Ok(calls.to_vec());
    }
    let mut calls = calls.to_vec();
    let influence = influence(layer, starts, seed)?;
    calls.sort_by(|a, b| influence[b.channel].total_cmp(&influence[a.channel]));
    calls.truncate(most);
    calls.sort_by_key(|call| call.channel);
    Ok(calls)
}

/// For each channel, the sum of the squares of the gradients.
fn influence(layer: &Layer, starts: &Starts<'_>, seed: u64) -> Result<Vec<f64>, Error> {
    let classifier = starts.classifier;
    let [channels, height, width] = classifier.shape();
    let pixels = starts.first(IMAGES);
    let count = pixels.len() / (channels * height * width);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut influence = vec![0.0; layer.channels()];
    let taps = Taps::with_gradients(std::slice::from_ref(layer));
    for _ in 0..DRAWS {
        let images = Array::from_vec(
            pixels.to_vec(),
            &[count, channels, height, width],
            classifier.device(),
        );
        let made = classifier.run(images.into_tensor(), &taps)?;
        let signs = (0..count * classifier.classes())
            .map(|_| if random.random() { 1.0 } else { -1.0 })
            .collect();
        let shape = [count, classifier.classes()];
        let signs: Tensor<2> = Array::from_vec(signs, &shape, classifier.device()).into_tensor();
        if !made.logits.is_tracked() {
            break;
        }
        let gradients = made.logits.mul(signs.autodiff()).sum().backward();
        let gradient = made
            .features
            .first()
            .and_then(|feature| feature.gradient(&gradients));
        let numbers = gradient.map_or_else(Vec::new, Array::into_vec);
        for (at, row) in numbers.chunks_exact(inner(layer)).enumerate() {
            let squares = row.iter().map(|&g| f64::from(g).powi(2));
            influence[at % layer.channels()] += squares.sum::<f64>();
        }
    }
    Ok(influence)
}
