//! Loss and gradient of one shard of a batch.

use std::collections::HashSet;
use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{
    Array, BatchStatistics, Device, Layout, Mode, Preprocess, Tensor, Trainable,
};

use tracing::trace_span;

use crate::Error;
use crate::Samples;
use crate::loss_graph::{Known, NetworkGraph, StepGraph, Tape, Traced};
use crate::net::Net;

/// A network made ready to give gradients for shards of one size, in training mode.
#[derive(Debug)]
pub struct Backward {
    network: Known,
    weights: Vec<Weight>,
    first: Vec<Vec<f32>>,
    shard: usize,
    preprocess: Preprocess,
    layout: Layout,
    input: ImageShape,
    raw: Vec<usize>,
    device: Device,
}

/// A weight that is trained.
#[derive(Debug)]
pub struct Weight {
    /// Name of its initialiser.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Which images a shard is of.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// Indices of the samples.
    pub chosen: &'a [usize],
    /// The place of the first of them in the batch.
    pub first: usize,
    /// Images in the whole batch.
    pub batch: usize,
    /// The share of each label that goes to all classes alike.
    pub smoothing: f32,
    /// Settles what dropout drops.
    pub seed: u64,
}

/// What a shard says.
#[derive(Debug)]
pub struct Shard {
    /// Sum of the images' losses.
    pub loss: f64,
    /// How many images were given their label.
    pub right: usize,
    /// Gradient of the batch's mean loss, as far as this shard contributes, for each weight.
    pub gradients: Vec<Vec<f32>>,
    /// What each batch normalisation saw.
    pub statistics: Vec<BatchStatistics>,
    /// What the losses behind the gradients were computed by.
    pub losses: StepGraph,
}

impl Backward {
    /// Lowers the network for shards of `shard` images.
    ///
    /// # Errors
    /// What the engine refuses; [`Error::NoSuchWeight`] for a weight that is no parameter;
    /// [`Error::Recipe`] for a network that takes another number of images at a time.
    pub fn new(net: &Net, shard: usize, device: &Device) -> Result<Self, Error> {
        if let Some(part) = net.at_once
            && part != shard
        {
            return Err(Error::Recipe(format!(
                "this network takes {part} image(s) at a time, and a shard has {shard}: choose batch / shards = {part}"
            )));
        }
        let network = Known::new(opened(net, shard, &[], device)?);
        let (mut weights, mut first) = (Vec::new(), Vec::new());
        for (name, value) in network.parameters()? {
            weights.push(Weight {
                name,
                shape: value.shape(),
            });
            first.push(value.into_vec());
        }
        let missing = |name: &&String| !weights.iter().any(|weight| weight.name == **name);
        if let Some(name) = net.weights().iter().find(missing) {
            return Err(Error::NoSuchWeight(name.clone()));
        }
        Ok(Self {
            network,
            weights,
            first,
            shard,
            preprocess: net.preprocess.clone(),
            layout: net.layout,
            input: net.input(),
            raw: net.raw_shape(),
            device: device.clone(),
        })
    }

    /// What losses pass through.
    pub fn network(&self) -> &NetworkGraph {
        self.network.graph()
    }

    /// The weights that are trained.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// Their values in the network's model, in the same order.
    pub fn first_weights(&self) -> Vec<Vec<f32>> {
        self.first.clone()
    }

    /// Makes weights ready to be read by shards; nothing is copied.
    pub fn lend(&self, weights: &mut [Vec<f32>]) -> Vec<Array> {
        let lent = weights.iter_mut().map(|values| {
            let count = values.len();
            self.array(std::mem::take(values), &[count])
        });
        lent.collect()
    }

    /// Takes weights back that no shard reads any more; nothing is copied.
    pub fn take_back(lent: Vec<Array>) -> Vec<Vec<f32>> {
        lent.into_iter().map(Array::into_vec).collect()
    }

    /// Runs a shard of samples forwards and backwards.
    pub fn run(
        &self,
        weights: &[Array],
        samples: &dyn Samples,
        part: Part<'_>,
    ) -> Result<Shard, Error> {
        let leaves = leaves(weights);
        let parameters = self.parameters(leaves.iter().cloned().map(Array::from_tensor));

        let (pixels, labels) = trace_span!("draw").in_scope(|| self.draw(samples, part))?;
        let mut tape = Tape::default();
        let images = tape.given("images", pixels);
        let (logits, statistics) = trace_span!("forward")
            .in_scope(|| tape.pass(&self.network, &images, &parameters, part.seed))?;
        drop(parameters);
        let classes = logits.shape()[1];
        let rows = logits.numbers();
        let rows = labels.iter().zip(rows.chunks_exact(classes));
        let right = rows.filter(|(label, row)| is_largest(row, **label)).count();
        let sum = self.cross_entropy(&mut tape, &logits, &labels, part.smoothing);
        let mean = tape.over(&sum, part.batch);
        let (gradients, graph) =
            trace_span!("backward").in_scope(|| tape.backward(&mean, &leaves))?;
        Ok(Shard {
            loss: sum.numbers().first().copied().unwrap_or(f32::NAN).into(),
            right,
            gradients,
            statistics,
            losses: graph,
        })
    }

    /// Images that are run at a time.
    pub fn shard(&self) -> usize {
        self.shard
    }

    /// The gradient of the summed cross-entropy of these labels to the pixels of so many images.
    pub fn pixel_gradient(
        &self,
        weights: &[Array],
        pixels: &[f32],
        labels: &[usize],
        seed: u64,
    ) -> Result<Vec<f32>, Error> {
        let parameters = self.parameters(weights.iter().cloned());
        let leaf: Tensor<1> = self.array(pixels.to_vec(), &[pixels.len()]).into_tensor();
        let leaf = leaf.autodiff().require_grad();
        let input = self.prepared(Array::from_tensor(leaf.clone()));
        let mut tape = Tape::default();
        let images = tape.given("images", input);
        let (logits, _) = tape.pass(&self.network, &images, &parameters, seed)?;
        let sum = self.cross_entropy(&mut tape, &logits, labels, 0.0);
        let (mut gradients, _) = tape.backward(&sum, &[leaf])?;
        Ok(gradients.pop().unwrap_or_default())
    }

    /// Weights, each in a row, in the shapes in which the network takes them.
    pub fn parameters(&self, weights: impl Iterator<Item = Array>) -> Vec<Array> {
        let pairs = weights.zip(&self.weights);
        pairs
            .map(|(values, weight)| values.reshape(&weight.shape))
            .collect()
    }

    /// The sum over images, with a share of each label going to all classes alike.
    fn cross_entropy(
        &self,
        tape: &mut Tape,
        logits: &Traced,
        labels: &[usize],
        smoothing: f32,
    ) -> Traced {
        let classes = logits.shape()[1];
        let mut wanted = vec![-smoothing / classes as f32; labels.len() * classes];
        for (row, &label) in labels.iter().enumerate() {
            wanted[row * classes + label] -= 1.0 - smoothing;
        }
        let wanted = tape.given("labels", self.array(wanted, &[labels.len(), classes]));
        let logarithms = tape.log_softmax(logits);
        let losses = tape.mul(&logarithms, &wanted);
        tape.sum(&losses)
    }

    /// Pixels as the network takes them, and labels.
    pub fn draw(
        &self,
        samples: &dyn Samples,
        part: Part<'_>,
    ) -> Result<(Array, Vec<usize>), Error> {
        let shape = samples.shape();
        let mut pixels = vec![0.0; part.chosen.len() * shape.values()];
        let drawn = pixels.chunks_exact_mut(shape.values()).zip(part.chosen);
        let labels: Result<Vec<usize>, Error> = drawn
            .map(|(image, &index)| samples.draw(part.epoch, index, image))
            .collect();
        let count = pixels.len();
        Ok((self.prepared(self.array(pixels, &[count])), labels?))
    }

    /// Pixels of a shard, in a row, as the network takes them.
    fn prepared(&self, pixels: Array) -> Array {
        let ImageShape {
            channels,
            height,
            width,
        } = self.input;
        let planar = [self.shard, channels, height, width];
        let input = self.preprocess.apply(pixels.reshape(&planar));
        let input = match self.layout {
            Layout::Nchw => input,
            Layout::Nhwc => input.permute(&[0, 2, 3, 1]),
        };
        let raw: Vec<usize> = std::iter::once(self.shard)
            .chain(self.raw.clone())
            .collect();
        input.reshape(&raw)
    }

    /// Numbers on the device that the network is on.
    pub fn array(&self, values: Vec<f32>, shape: &[usize]) -> Array {
        Array::from_vec(values, shape, &self.device)
    }
}

/// A network in training mode, for so many images at a time, tapped at these layers.
///
/// # Errors
/// What the engine refuses.
pub fn opened(
    net: &Net,
    shard: usize,
    taps: &[String],
    device: &Device,
) -> Result<Trainable, Error> {
    let graph = Arc::new(net.model().editable_graph()?);
    let statistics: HashSet<String> = net.running.iter().map(|r| r.mean.clone()).collect();
    let mode = Mode::Training { statistics };
    let raw = net.raw_shape();
    let asked = (net.weights(), taps);
    Ok(Trainable::tapped(
        &graph,
        net.opening(),
        shard,
        &raw,
        asked,
        &mode,
        device,
    )?)
}

/// Weights as what is differentiated by.
pub fn leaves(weights: &[Array]) -> Vec<Tensor<1>> {
    let leaf = |values: &Array| {
        let leaf: Tensor<1> = values.clone().into_tensor();
        leaf.autodiff().require_grad()
    };
    weights.iter().map(leaf).collect()
}

/// Whether a class is the first of those with the largest logit.
fn is_largest(row: &[f32], class: usize) -> bool {
    let (before, rest) = row.split_at(class);
    before.iter().all(|&value| value < row[class]) && rest.iter().all(|&value| value <= row[class])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Architecture, SmallCnn};
    use gifthorse_data::Images;

    #[test]
    fn an_image_is_given_one_label() {
        let given = |row: &[f32]| -> Vec<usize> {
            (0..row.len())
                .filter(|&class| is_largest(row, class))
                .collect()
        };
        assert_eq!(given(&[1.0, 3.0, 2.0]), [1]);
        assert_eq!(given(&[0.0; 4]), [0]);
        assert_eq!(given(&[-1.0, 2.0, 2.0]), [1]);
        assert!(given(&[f32::NAN, 1.0]).is_empty() && given(&[1.0, f32::NAN]).is_empty());
    }

    /// Moves all weights of one layer along their gradient, and asks whether the loss follows it.
    #[test]
    fn each_weight_has_the_gradient_that_finite_differences_give() {
        let shape = ImageShape {
            channels: 3,
            height: 32,
            width: 32,
        };
        let (count, classes) = (16, 12);
        let pixels = (0..count * shape.values())
            .map(|i| (i as f32 * 0.618_034).fract())
            .collect();
        let labels: Vec<usize> = (0..count).map(|i| i % classes).collect();
        let names = (0..count).map(|i| i.to_string()).collect();
        let images = Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap();
        let net = SmallCnn::default().build(shape, classes, 3).unwrap();
        let backward = Backward::new(&net, count, &Device::flex()).unwrap();
        let chosen: Vec<usize> = (0..count).collect();
        let part = Part {
            epoch: 0,
            chosen: &chosen,
            first: 0,
            batch: count,
            smoothing: 0.1,
            seed: 0,
        };
        let run = |weights: &[Vec<f32>]| {
            let lent = backward.lend(&mut weights.to_vec());
            backward.run(&lent, &images, part).unwrap()
        };

        let weights = backward.first_weights();
        let gradients = run(&weights).gradients;
        for (index, gradient) in gradients.iter().enumerate() {
            let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
            let length = 1e-2 / square.sqrt() as f32;
            let moved = |factor: f32| {
                let mut moved = weights.clone();
                for (weight, g) in moved[index].iter_mut().zip(gradient) {
                    *weight += factor * length * g;
                }
                run(&moved).loss / count as f64
            };
            let slope = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(length));
            let name = &backward.weights()[index].name;
            assert!(
                (slope / square - 1.0).abs() < 0.03,
                "{name}: {slope}, not {square}"
            );
        }
    }
}
