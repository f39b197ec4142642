//! Gradient health: whether a model's gradients lead anywhere, asked before any search.
//!
//! Every search here follows gradients. In a model that rounds, takes signs, saturates or was
//! built to blind us they vanish or lie, a search then finds only large triggers or none, and
//! "no small trigger" would read as "clean". Such a model must end as inconclusive.
//!
//! For a sample of images the margin of a random other class over the predicted one is
//! differentiated, and the image is moved a little along the sign of that gradient. Healthy
//! gradients are neither zero nor infinite, and the margin then rises.
//!
//! They are also strong enough to lead somewhere: if every pixel could move by its whole range, the
//! gradient has to promise a good part of the way to the other class. What passes through a
//! saturated layer, or beside a clip that hides the rest, promises next to nothing, however right
//! its sign is. And the logits have a scale at which a search can weigh success against the size of
//! a trigger: a cross-entropy of logits that hardly differ does not change, and one of logits whose
//! probabilities vanish in f32 drowns everything else.
//!
//! Last, they have to foretell what really happens, not along themselves alone: see
//! [`Foretelling`].

mod foretelling;

use gifthorse_data::{Images, balanced_sample};
use gifthorse_engine::{Array, Classifier, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
pub use foretelling::Foretelling;
use foretelling::Probe;

/// Images looked at.
pub const SAMPLE: usize = 48;
/// How far every pixel is moved: two grey levels.
const STEP: f32 = 2.0 / 255.0;
/// More images than this share without a gradient are not healthy.
const MOST_ZERO: f64 = 0.5;
/// At least this share of the images has to answer as their gradient says.
const LEAST_AGREEMENT: f64 = 0.75;
/// A probability this close to one leaves nothing of a gradient in f32.
const SATURATED: f32 = 1.0 - 1e-6;
/// More images than this share, with what ails them, are not healthy.
const MOST_AILING: f64 = 0.5;
/// A gradient is weak if a change of every pixel by its whole range, 0 to 1, promises less than
/// this share of the margin.
const WEAKEST: f64 = 0.1;
/// Logits are flat if the largest and the smallest are not this far apart: odds within one percent
/// for any two classes.
const FLATTEST: f32 = 0.01;
/// Further behind the largest logit than this, the probability of a class is no normal number in
/// f32.
const FURTHEST: f32 = 87.3;

/// What the check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Whether a search by gradients can be trusted.
    pub ok: bool,
    /// Share of images whose gradient is zero everywhere.
    pub share_zero: f64,
    /// Share of images whose logits or gradient are infinite or not numbers.
    pub share_nonfinite: f64,
    /// Share of images whose output is a saturated probability; `None` where the outputs are
    /// no probabilities.
    pub share_saturated: Option<f64>,
    /// Share of the images with a gradient on which a small step along it raises the margin.
    pub agreement: Option<f64>,
    /// What steps in random directions did, of the size at which they did most nearly what the
    /// gradient foretold; `None` where there is no gradient.
    pub foretelling: Option<Foretelling>,
    /// Images looked at.
    pub images: usize,
    /// The finding in words.
    pub message: String,
}

/// Checks a model's gradients on a seeded sample of the images.
///
/// # Errors
/// Images of another shape than the model's; no images.
pub fn check(classifier: &Classifier, images: &Images, seed: u64) -> Result<Health, Error> {
    let labels = images
        .labels()
        .map_or_else(|| vec![0; images.len()], <[usize]>::to_vec);
    let sample = balanced_sample(&labels, SAMPLE, seed);
    if sample.is_empty() {
        return Err(Error::NoImages(0));
    }
    let [channels, height, width] = classifier.shape();
    let (count, size) = (sample.len(), channels * height * width);
    let pixels: Vec<f32> = sample
        .iter()
        .flat_map(|&i| images.image(i))
        .copied()
        .collect();
    let logits = classifier.evaluate(&pixels)?;
    let classes = classifier.classes();
    let weights = margins(&logits, classes, seed);

    let shape = [count, channels, height, width];
    let gradient = gradient(classifier, &pixels, shape, &weights)?;

    let moved: Vec<f32> = pixels
        .iter()
        .zip(&gradient)
        .map(|(&x, &g)| {
            if g == 0.0 || g.is_nan() {
                x
            } else {
                x + STEP * g.signum()
            }
        })
        .collect();
    let after = classifier.evaluate(&moved)?;
    let margin = |logits: &[f32], i: usize| -> f64 {
        let row = i * classes..(i + 1) * classes;
        let products = logits[row.clone()].iter().zip(&weights[row]);
        products.map(|(&l, &w)| f64::from(l) * f64::from(w)).sum()
    };
    let mut counts = Counts::default();
    for i in 0..count {
        let g = &gradient[i * size..(i + 1) * size];
        let row = &logits[i * classes..(i + 1) * classes];
        if g.iter().chain(row).any(|v| !v.is_finite()) {
            counts.nonfinite += 1;
        } else if g.iter().all(|&v| v == 0.0) {
            counts.zero += 1;
        } else {
            counts.alive += 1;
            let before = margin(&logits, i);
            counts.rising += usize::from(margin(&after, i) > before);
            let promised: f64 = g.iter().map(|&v| f64::from(v).abs()).sum();
            counts.weak += usize::from(promised < WEAKEST * before.abs());
        }
        let spread = Spread::of(row);
        counts.flat += usize::from(spread.to_smallest < FLATTEST);
        counts.apart += usize::from(spread.to_second > FURTHEST);
        if is_distribution(row) {
            counts.distributions += 1;
            counts.saturated += usize::from(row.iter().any(|&p| p >= SATURATED));
        }
    }
    let probe = Probe {
        pixels: &pixels,
        gradient: &gradient,
        margins: &weights,
    };
    let foretelling = probe.foretelling(classifier, seed)?;
    Ok(counts.health(count, foretelling))
}

/// Gradient of the weighted sum of logits to the pixels; all zero where the model cuts its
/// output off from its input (a comparison, an index of the largest).
fn gradient(
    classifier: &Classifier,
    pixels: &[f32],
    shape: [usize; 4],
    weights: &[f32],
) -> Result<Vec<f32>, Error> {
    let device = classifier.device();
    let input: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
    let input = input.autodiff().require_grad();
    let output = classifier.logits(input.clone())?;
    if !output.is_tracked() {
        return Ok(vec![0.0; pixels.len()]);
    }
    let chosen = [shape[0], classifier.classes()];
    let chosen: Tensor<2> = Array::from_vec(weights.to_vec(), &chosen, device).into_tensor();
    let mut gradients = output.mul(chosen.autodiff()).sum().backward();
    let gradient = input.grad_remove(&mut gradients);
    Ok(gradient.map_or_else(
        || vec![0.0; pixels.len()],
        |g| Array::from_tensor(g).into_vec(),
    ))
}

#[derive(Default)]
struct Counts {
    zero: usize,
    nonfinite: usize,
    alive: usize,
    rising: usize,
    weak: usize,
    flat: usize,
    apart: usize,
    distributions: usize,
    saturated: usize,
}

impl Counts {
    fn health(&self, images: usize, foretelling: Option<Foretelling>) -> Health {
        let share = |n: usize| n as f64 / images as f64;
        let agreement = (self.alive > 0).then(|| self.rising as f64 / self.alive as f64);
        let share_saturated = (self.distributions == images).then(|| share(self.saturated));
        let problem = if self.nonfinite > 0 {
            Some(format!(
                "logits or gradients of {} of {images} images are infinite or not numbers",
                self.nonfinite
            ))
        } else if share(self.zero) > MOST_ZERO {
            Some(format!(
                "the gradient to the image is zero on {} of {images} images: the model rounds, \
                 takes signs or saturates, so that no search can follow it",
                self.zero
            ))
        } else if share_saturated.is_some_and(|s| s > MOST_ZERO) {
            Some("the outputs are saturated probabilities, which carry no gradient".to_string())
        } else if share(self.flat) > MOST_AILING {
            Some(format!(
                "the logits of {} of {images} images hardly differ from class to class: they are scaled down, or the \
                 model tells nothing apart, so that gradients of the cross-entropy lead nowhere",
                self.flat
            ))
        } else if share(self.apart) > MOST_AILING {
            Some(format!(
                "the logits of {} of {images} images lie so far apart that all probabilities are 0 or 1: they are \
                 scaled up, so that gradients of the cross-entropy vanish or drown everything else",
                self.apart
            ))
        } else if share(self.weak) > MOST_AILING {
            Some(format!(
                "the gradient to the image promises next to no change on {} of {images} images, even if every pixel \
                 moved by its whole range: a saturated layer or a clip hides what the model does",
                self.weak
            ))
        } else if agreement.is_some_and(|a| a < LEAST_AGREEMENT) {
            Some(format!(
                "a small step along the gradient does what the gradient says on only {} of {} \
                 images: the gradients mislead",
                self.rising, self.alive
            ))
        } else {
            foretelling.and_then(|found| found.problem())
        };
        Health {
            ok: problem.is_none(),
            share_zero: share(self.zero),
            share_nonfinite: share(self.nonfinite),
            share_saturated,
            agreement,
            foretelling,
            images,
            message: problem.unwrap_or_else(|| "gradients lead where they point".to_string()),
        }
    }
}

/// For each image, +1 at a random class and -1 at the predicted one.
fn margins(logits: &[f32], classes: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = vec![0.0; logits.len()];
    for (row, weight) in logits
        .chunks_exact(classes)
        .zip(weights.chunks_exact_mut(classes))
    {
        let larger = |a: &usize, b: &usize| row[*a].total_cmp(&row[*b]);
        let predicted = (0..classes).max_by(larger).unwrap_or(0);
        let other = (predicted + random.random_range(1..classes)) % classes;
        weight[predicted] = -1.0;
        weight[other] = 1.0;
    }
    weights
}

/// How far the largest logit of an image is above others.
struct Spread {
    to_second: f32,
    to_smallest: f32,
}

impl Spread {
    fn of(row: &[f32]) -> Self {
        let (mut first, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        let mut smallest = f32::INFINITY;
        for &value in row {
            if value > first {
                (first, second) = (value, first);
            } else {
                second = second.max(value);
            }
            smallest = smallest.min(value);
        }
        Self {
            to_second: first - second,
            to_smallest: first - smallest,
        }
    }
}

/// Whether a row looks like probabilities: none negative, summing to one.
fn is_distribution(row: &[f32]) -> bool {
    row.iter().all(|&p| p >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
}
