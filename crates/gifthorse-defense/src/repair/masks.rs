//! Factors on the channels of many layers that are learnt, and what is switched off by them.

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Intervention, Layer, Role, Tensor, Wiring};

use super::losses::cross_entropy;
use super::measure::Measured;
use super::pruning::CurvePoint;
use super::switch_off::masked;
use super::{Limits, Patient, RepairObserver, Repaired};
use crate::error::Error;
use crate::subject::spread_over_classes;

use super::batches::Batch;

/// Images that a threshold is looked at with.
const IMAGES: usize = 500;
/// Thresholds between 0 and 1.
const THRESHOLDS: usize = 20;
/// Once accuracy has fallen by so much more than it may, higher thresholds are not looked at.
const FAR_BEYOND: f64 = 0.1;

/// A factor for each channel of each layer.
pub(super) type Factors = Vec<Vec<f32>>;

/// The layers whose channels have factors: what convolutions give, behind the normalisation that
/// alone reads it where there is one, and what hidden fully connected layers give.
///
/// # Errors
/// [`Error::CannotRepair`] for a model with none; what the lowering refuses.
pub(super) fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let graph = classifier.network().graph();
    let wiring = Wiring::new(graph);
    let end = classifier.layers()?.last().map(|layer| layer.name().to_owned());
    let mut layers: Vec<Layer> = Vec::new();
    for node in &graph.nodes {
        let has_kernel = wiring.weights_of(node).iter().any(|weight| weight.role == Role::Kernel);
        let last = wiring.norm_behind(node).unwrap_or(node);
        let Some(value) = last.output(0).filter(|_| has_kernel) else {
            continue;
        };
        let Ok(layer) = classifier.layer(value) else {
            continue;
        };
        let is_logits = end.as_deref() == Some(layer.name())
            || layer.shape() == [classifier.classes()];
        let has_channels = matches!(layer.shape().len(), 1 | 3) && layer.channels() > 1;
        if has_channels && !is_logits && !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    if layers.is_empty() {
        let reason = "it has no convolution and no hidden layer whose channels could be switched off";
        return Err(Error::CannotRepair(reason.to_owned()));
    }
    Ok(layers)
}

/// Factors of 1.
pub(super) fn ones(layers: &[Layer]) -> Factors {
    layers.iter().map(|layer| vec![1.0; layer.channels()]).collect()
}

/// The gradient, by each factor, of the mean cross-entropy of a batch under factors.
///
/// # Errors
/// A model that cannot be run, or passes no gradient back.
pub(super) fn slope(
    classifier: &Classifier,
    layers: &[Layer],
    factors: &Factors,
    batch: &Batch,
) -> Result<Factors, Error> {
    let device = classifier.device();
    let leaves: Vec<Tensor<1>> = factors
        .iter()
        .map(|factors| {
            let leaf = Array::from_vec(factors.clone(), &[factors.len()], device);
            leaf.into_tensor::<1>().autodiff().require_grad()
        })
        .collect();
    let scaled = layers.iter().zip(&leaves);
    let scaled = scaled.map(|(layer, leaf)| Intervention::scale(layer, leaf.clone()));
    let under = classifier.with(scaled.collect::<Result<Vec<_>, _>>()?)?;
    let [channels, height, width] = classifier.shape();
    let count = batch.labels.len();
    let shape = [count, channels, height, width];
    let images = Array::from_vec(batch.pixels.clone(), &shape, device);
    let logits = Array::from_tensor(under.logits(images.into_tensor())?);
    let losses = cross_entropy(logits, &batch.labels).mul_scalar(1.0 / count as f32);
    let mut tape = losses.into_tensor::<2>().sum().backward();
    let gradients = leaves.iter().map(|leaf| {
        let gradient = leaf.grad_remove(&mut tape).ok_or(Error::NoGradient)?;
        Ok(Array::from_tensor(gradient).into_vec())
    });
    gradients.collect()
}

/// Gradient descent with momentum on factors, which stay between 0 and 1.
pub(super) struct Descent {
    rate: f32,
    momentum: f32,
    steps: Factors,
}

impl Descent {
    pub(super) fn new(rate: f32, momentum: f32, factors: &Factors) -> Self {
        let steps = factors.iter().map(|factors| vec![0.0; factors.len()]).collect();
        Self {
            rate,
            momentum,
            steps,
        }
    }

    /// Changes factors once, against a gradient of theirs.
    pub(super) fn step(&mut self, factors: &mut Factors, gradient: &Factors) {
        let all = factors.iter_mut().zip(gradient).zip(&mut self.steps);
        for ((factors, gradient), steps) in all {
            for ((factor, slope), step) in factors.iter_mut().zip(gradient).zip(steps) {
                *step = self.momentum * *step + slope;
                *factor = (*factor - self.rate * *step).clamp(0.0, 1.0);
            }
        }
    }
}

/// What of the patient's model is switched off by factors, and what that comes to.
struct Cut {
    /// Places of the channels of each layer.
    off: Vec<Vec<usize>>,
    threshold: f32,
    point: CurvePoint,
    distance: f64,
    is_good: bool,
}

/// Switches off, in the patient's own model, the channels whose factor is at most a threshold: the
/// first that disarms the known triggers within the budget, else the one that comes nearest to it;
/// without triggers the largest within the budget. Only images to check are looked at.
///
/// # Errors
/// [`Error::CannotRepair`] if no threshold will do; a model that cannot be run or changed.
pub(super) fn pruned(
    patient: &Patient<'_>,
    (layers, factors): (&[Layer], &Factors),
    observer: &dyn RepairObserver,
) -> Result<Repaired, Error> {
    let labels = patient.check.labels().ok_or(Error::NoLabels)?;
    let images = patient.check.subset(&spread_over_classes(labels, 0..labels.len(), IMAGES));
    let classifier = patient.classifier(patient.model)?;
    let limits = Limits::of(patient);
    let knows = !patient.triggers.is_empty();
    let nothing = vec![Vec::new(); layers.len()];
    let before = measured(patient, &classifier, &images, (layers, &nothing))?;
    let (mut curve, mut best) = (vec![point(&before, 0, factors)], None::<Cut>);
    let mut last = 0;
    for step in 0..THRESHOLDS {
        let threshold = step as f32 / THRESHOLDS as f32;
        let off = below(factors, threshold);
        let count = off.iter().map(Vec::len).sum();
        if count == last {
            continue;
        }
        last = count;
        let after = measured(patient, &classifier, &images, (layers, &off))?;
        let point = point(&after, count, factors);
        curve.push(point.clone());
        observer.step("switching channels off", step + 1, THRESHOLDS);
        let is_far = curve[0].clean_accuracy - point.clean_accuracy > patient.budget + FAR_BEYOND;
        let cut = Cut {
            off,
            threshold,
            point,
            distance: limits.distance(&before, &after),
            is_good: limits.shortfalls(&before, &after).is_empty(),
        };
        let is_done = knows && cut.is_good;
        let is_better = match &best {
            None => knows || cut.is_good,
            Some(known) if knows => cut.is_good || cut.distance < known.distance,
            Some(_) => cut.is_good,
        };
        if is_better {
            best = Some(cut);
        }
        if is_done || is_far {
            break;
        }
    }
    let Some(cut) = best else {
        let reason = "no channel can be switched off by its factor without costing more accuracy than the budget allows";
        return Err(Error::CannotRepair(reason.to_owned()));
    };
    let mut model = patient.model.clone();
    for (layer, off) in layers.iter().zip(&cut.off).filter(|(_, off)| !off.is_empty()) {
        model = masked(&model, layer, off)?;
    }
    let note = format!(
        "{} of the {} channels of {} layers switched off, those with a factor of at most {:.2}",
        cut.point.off,
        cut.point.channels,
        layers.len(),
        cut.threshold
    );
    Ok(Repaired {
        curve,
        ..Repaired::new(model, note)
    })
}

fn measured(
    patient: &Patient<'_>,
    classifier: &Classifier,
    images: &Images,
    (layers, off): (&[Layer], &[Vec<usize>]),
) -> Result<Measured, Error> {
    let masks = layers.iter().zip(off);
    let masks = masks.map(|(layer, off)| Intervention::mask(layer, off, classifier.device()));
    let under = classifier.with(masks.collect::<Result<Vec<_>, _>>()?)?;
    Measured::of(&under, images, patient.triggers)
}

fn point(measured: &Measured, off: usize, factors: &Factors) -> CurvePoint {
    CurvePoint {
        layer: format!("{} layers", factors.len()),
        off,
        channels: factors.iter().map(Vec::len).sum(),
        clean_accuracy: measured.clean.rate(),
        excess: measured.worst_excess(),
    }
}

/// The channels of each layer whose factor is at most a threshold.
fn below(factors: &Factors, threshold: f32) -> Vec<Vec<usize>> {
    let of = |factors: &Vec<f32>| {
        let places = factors.iter().enumerate();
        let below = places.filter(|(_, factor)| **factor <= threshold);
        below.map(|(place, _)| place).collect()
    };
    factors.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_go_against_their_slope_and_stay_in_their_range() {
        let mut factors = vec![vec![1.0, 0.5], vec![0.1]];
        let mut descent = Descent::new(0.1, 0.5, &factors);
        descent.step(&mut factors, &vec![vec![-1.0, 1.0], vec![2.0]]);
        assert_eq!(factors, [vec![1.0, 0.4], vec![0.0]]);
        // Half of the last step goes on.
        descent.step(&mut factors, &vec![vec![0.0, 1.0], vec![0.0]]);
        assert!((factors[0][1] - 0.25).abs() < 1e-6 && factors[0][0] == 1.0);
        assert_eq!(below(&factors, 0.25), [vec![1], vec![0]]);
    }
}
