//! EX-RAY (Y. Liu et al. 2022): does a trigger use the features of the class that it leads to?
//!
//! # What it does
//! For a victim class V, a target T and a trigger that leads V to T, it looks for the smallest mask
//! over the channels of an inner layer with which the features of images of V and of T, exchanged
//! as far as the mask says, exchange their answers: *symmetric feature differencing*. The same is
//! done with images of V without the trigger and with it. How alike the two masks are says whether
//! the trigger does what images of T do, or something of its own.
//!
//! # Threat model
//! That of the detector that found the trigger. It is no detector: it is asked about a class that
//! is suspected already.
//!
//! # Statistic and decision
//! The cosine of the two masks, its mean over victims: 1 if the trigger moves the very channels
//! that tell T from V. A low one speaks for features that were put in. A high one says nothing: a
//! trigger that a search finds for a backdoored class may go by that class's own features, and a
//! backdoor may use them. So no verdict depends on it; docs/detectors/ex_ray.md has what it is for
//! models of known truth. The layer is the last activation but one, which separates best here and
//! in the paper.
//!
//! # Cost
//! 800 passes for each of at most twelve victims, of 24 images through the layers behind that
//! activation alone.
//!
//! # Known failures
//! Classes of which there are fewer than four images that the model is right on; models without an
//! activation that everything passes through.
//!
//! # References
//! Y. Liu, G. Shen, G. Tao, Z. Wang, S. Ma, X. Zhang, "Complex Backdoor Detection by Symmetric
//! Feature Differencing", CVPR 2022. Numbers are those of its authors' program, whose rule compares
//! the masks by their common part and by whether one does the work of the other.

mod exchange;

use gifthorse_engine::{Classifier, Head, Layer, Tail, activations};

use crate::error::Error;
use crate::search::answers;
use crate::subject::Subject;
use crate::trigger::Trigger;
use exchange::Exchange;

/// Most pairs of images that are exchanged.
const PAIRS: usize = 12;
/// With fewer pairs, masks say little.
const FEWEST_PAIRS: usize = 4;
/// Most classes whose images are led away.
const VICTIMS: usize = 12;

/// What a trigger has in common with the class that it leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Name of the layer that was looked at.
    pub layer: String,
    /// How many classes the trigger was tried on.
    pub victims: usize,
    /// How alike the two masks are, 0 to 1: the mean of their cosine over these classes.
    pub similarity: f64,
}

/// The activations that everything passes through, the last one in front.
///
/// # Errors
/// What the lowering refuses.
pub fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let activations = activations(classifier)?;
    Ok(activations.into_iter().map(|it| it.after).collect())
}

/// The opinion on a trigger towards `target` at the last activation but one, or the only one; `None`
/// if there is none, or there are too few images.
///
/// # Errors
/// As [`opinion_at`].
pub fn opinion(
    subject: &Subject<'_>,
    trigger: &Trigger,
    target: usize,
) -> Result<Option<Opinion>, Error> {
    let layers = layers(subject.classifier)?;
    match layers.get(1).or(layers.first()) {
        Some(layer) => opinion_at(subject, layer, trigger, target),
        None => Ok(None),
    }
}

/// The opinion on a trigger towards `target` at a layer; `None` if there are too few images of the
/// target, or of all others, that the model is right on and that the trigger leads there.
///
/// # Errors
/// No images, or images without labels; a layer that something passes by; a model that cannot be
/// run.
pub fn opinion_at(
    subject: &Subject<'_>,
    layer: &Layer,
    trigger: &Trigger,
    target: usize,
) -> Result<Option<Opinion>, Error> {
    let classifier = subject.classifier;
    let (head, tail) = classifier.split_at(layer)?;
    let case = Case {
        subject,
        trigger,
        target,
        head: &head,
        tail: &tail,
    };
    let victims: Vec<usize> = (0..classifier.classes())
        .filter(|&class| class != target)
        .collect();
    let looked = victims.len().min(VICTIMS);
    let mut similarities = Vec::new();
    for place in 0..looked {
        similarities.extend(case.similarity(victims[place * victims.len() / looked])?);
    }
    let count = similarities.len();
    Ok((count > 0).then(|| Opinion {
        layer: layer.name().to_owned(),
        victims: count,
        similarity: similarities.iter().sum::<f64>() / count as f64,
    }))
}

/// A trigger that is looked at.
struct Case<'a> {
    subject: &'a Subject<'a>,
    trigger: &'a Trigger,
    target: usize,
    head: &'a Head,
    tail: &'a Tail,
}

impl Case<'_> {
    /// How alike the two masks are for the images of one class; `None` with too few images, and if
    /// no mask exchanged all answers.
    fn similarity(&self, victim: usize) -> Result<Option<f64>, Error> {
        let classifier = self.subject.classifier;
        let search = self.subject.images()?.search;
        let mut victims = self.right(victim)?;
        let mut targets = self.right(self.target)?;
        let led = answers(classifier, search, &victims, self.trigger)?;
        let led = victims.iter().zip(led);
        let led = led.filter(|(_, answer)| *answer == self.target);
        let led: Vec<usize> = led.map(|(&place, _)| place).take(PAIRS).collect();
        let count = victims.len().min(targets.len()).min(PAIRS);
        victims.truncate(count);
        targets.truncate(count);
        if count.min(led.len()) < FEWEST_PAIRS {
            return Ok(None);
        }
        let pixels = |places: &[usize]| search.subset(places).pixels().to_vec();
        let stamped = self.trigger.stamp(&pixels(&led), classifier.shape());
        let by_class = self.mask(victim, &pixels(&victims), &pixels(&targets))?;
        let by_trigger = self.mask(victim, &pixels(&led), &stamped)?;
        Ok(by_class
            .zip(by_trigger)
            .map(|(one, other)| cosine(&one, &other)))
    }

    /// The smallest mask between images of the victim and as many that are taken for the target.
    fn mask(&self, victim: usize, from: &[f32], to: &[f32]) -> Result<Option<Vec<f32>>, Error> {
        let (from, to) = (self.head.evaluate(from)?, self.head.evaluate(to)?);
        Exchange::new(self.tail, [(from, victim), (to, self.target)]).smallest_mask()
    }

    /// Places of the images of a class that the model is right on.
    fn right(&self, class: usize) -> Result<Vec<usize>, Error> {
        let labels = self.subject.images()?.search.labels();
        let labels = labels.ok_or(Error::NoLabels)?;
        let right = self.subject.facts.right(self.subject)?;
        let of_class = (0..labels.len()).filter(|&place| labels[place] == class && right[place]);
        Ok(of_class.collect())
    }
}

/// The cosine of the angle between two masks.
fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_alike_by_their_angle() {
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 0.5]), 0.0);
        assert!((cosine(&[1.0, 0.5], &[0.5, 0.25]) - 1.0).abs() < 1e-12);
    }
}
