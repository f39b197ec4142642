//! Factors on the channels of many layers, and how they are learnt.

use gifthorse_engine::{Array, Classifier, Intervention, Layer, Role, Tensor, Wiring};

use super::batches::Batch;
use super::losses::cross_entropy;
use crate::error::Error;

/// Channels with a factor above this are not switched off: nothing spoke against them.
const UNTOUCHED: f32 = 0.98;
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
    let end = classifier
        .layers()?
        .last()
        .map(|layer| layer.name().to_owned());
    let mut layers: Vec<Layer> = Vec::new();
    for node in &graph.nodes {
        let has_kernel = wiring
            .weights_of(node)
            .iter()
            .any(|weight| weight.role == Role::Kernel);
        let last = wiring.norm_behind(node).unwrap_or(node);
        let Some(value) = last.output(0).filter(|_| has_kernel) else {
            continue;
        };
        let Ok(layer) = classifier.layer(value) else {
            continue;
        };
        let is_logits =
            end.as_deref() == Some(layer.name()) || layer.shape() == [classifier.classes()];
        let has_channels = matches!(layer.shape().len(), 1 | 3) && layer.channels() > 1;
        if has_channels && !is_logits && !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    if layers.is_empty() {
        let reason =
            "it has no convolution and no hidden layer whose channels could be switched off";
        return Err(Error::CannotRepair(reason.to_owned()));
    }
    Ok(layers)
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
    factors: Factors,
    steps: Factors,
    /// The sum of each factor over all updates.
    course: Factors,
}

impl Descent {
    /// Begins with factors of 1.
    pub(super) fn new(layers: &[Layer], rate: f32, momentum: f32) -> Self {
        let filled = |value: f32| -> Factors {
            layers
                .iter()
                .map(|layer| vec![value; layer.channels()])
                .collect()
        };
        Self {
            rate,
            momentum,
            factors: filled(1.0),
            steps: filled(0.0),
            course: filled(0.0),
        }
    }

    /// The factors as they are now.
    pub(super) fn factors(&self) -> &Factors {
        &self.factors
    }

    /// All that it goes on from, to be saved.
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Vec<f32>> {
        let memory = self.steps.iter().chain(&self.course);
        self.factors.iter().chain(memory)
    }

    /// The same, to be put in.
    pub(super) fn arrays_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let memory = self.steps.iter_mut().chain(&mut self.course);
        self.factors.iter_mut().chain(memory)
    }

    /// Changes the factors once, against a gradient of theirs.
    pub(super) fn step(&mut self, gradient: &Factors) {
        let all = self
            .factors
            .iter_mut()
            .flatten()
            .zip(gradient.iter().flatten());
        let memory = self
            .steps
            .iter_mut()
            .flatten()
            .zip(self.course.iter_mut().flatten());
        for ((factor, slope), (step, course)) in all.zip(memory) {
            *step = self.momentum * *step + slope;
            *factor = (*factor - self.rate * *step).clamp(0.0, 1.0);
            *course += *factor;
        }
    }

    /// Which channels to switch off first: those with the smallest factors, and of several at zero
    /// those that came there first. Places of layers and of channels in them; none whose factor
    /// stayed what it was.
    pub(super) fn order(&self) -> Vec<(usize, usize)> {
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (layer, factors) in self.factors.iter().enumerate() {
            let fallen = (0..factors.len()).filter(|&channel| factors[channel] <= UNTOUCHED);
            order.extend(fallen.map(|channel| (layer, channel)));
        }
        let key = |&(layer, channel): &(usize, usize)| {
            (self.factors[layer][channel], self.course[layer][channel])
        };
        order.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_go_against_their_slope_stay_in_their_range_and_give_the_order() {
        let mut descent = Descent {
            rate: 0.1,
            momentum: 0.5,
            factors: vec![vec![1.0, 0.5], vec![0.1, 0.1]],
            steps: vec![vec![0.0; 2]; 2],
            course: vec![vec![0.0; 2]; 2],
        };
        descent.step(&vec![vec![-1.0, 1.0], vec![0.5, 2.0]]);
        assert_eq!(descent.factors, [vec![1.0, 0.4], vec![0.05, 0.0]]);
        // Half of the last step goes on.
        descent.step(&vec![vec![0.0, 1.0], vec![5.0, 0.0]]);
        assert!((descent.factors[0][1] - 0.25).abs() < 1e-6 && descent.factors[0][0] == 1.0);
        // Both of the second layer are at zero now; its second came there first.
        assert_eq!(descent.order(), [(1, 1), (1, 0), (0, 1)]);
    }
}
