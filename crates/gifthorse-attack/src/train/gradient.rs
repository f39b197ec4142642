//! Loss and gradient of one shard of a batch.

use std::sync::Arc;

use gifthorse_data::Images;
use gifthorse_engine::{Array, Device, Mode, Tensor, Trainable};

use crate::Error;
use crate::net::Net;

/// A network made ready to give gradients for shards of one size.
#[derive(Debug)]
pub struct Backward {
    network: Trainable,
    weights: Vec<Weight>,
    first: Vec<Vec<f32>>,
    shard: usize,
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

/// What a shard, or a whole batch, says.
#[derive(Debug)]
pub struct Shard {
    /// Sum of the images' losses.
    pub loss: f64,
    /// How many images were given their label.
    pub right: usize,
    /// Gradient of the batch's mean loss, as far as this shard contributes, for each weight.
    pub gradients: Vec<Vec<f32>>,
}

impl Backward {
    /// Lowers the network for shards of `shard` images.
    ///
    /// # Errors
    /// What the engine refuses; [`Error::NoSuchWeight`] for a weight that is no parameter.
    pub fn new(net: &Net, shard: usize, device: &Device) -> Result<Self, Error> {
        let input = net.input();
        let input = [input.channels, input.height, input.width];
        let graph = Arc::new(net.model().graph()?);
        let network = Trainable::new(
            &graph,
            shard,
            &input,
            net.weights(),
            &Mode::Inference,
            device,
        )?;
        let (mut weights, mut first) = (Vec::new(), Vec::new());
        for (name, value) in network.parameters() {
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
        let device = device.clone();
        Ok(Self {
            network,
            weights,
            first,
            shard,
            device,
        })
    }

    /// The weights that are trained.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// Their values in the network's model, in the same order.
    pub fn first_weights(&self) -> Vec<Vec<f32>> {
        self.first.clone()
    }

    /// Runs the images at `chosen` (one shard of a batch of `batch`) forwards and backwards.
    pub fn run(
        &self,
        weights: &[Vec<f32>],
        images: &Images,
        labels: &[usize],
        chosen: &[usize],
        batch: usize,
    ) -> Result<Shard, Error> {
        let leaves: Vec<Tensor<1>> = weights
            .iter()
            .map(|values| {
                self.array(values.clone(), &[values.len()])
                    .into_tensor()
                    .autodiff()
                    .require_grad()
            })
            .collect();
        let leaf = leaves.iter().zip(&self.weights);
        let parameters: Vec<Array> = leaf
            .map(|(leaf, weight)| Array::from_tensor(leaf.clone()).reshape(&weight.shape))
            .collect();

        let logits = self
            .network
            .forward(self.pixels(images, chosen), &parameters, 0)?
            .logits;
        let classes = logits.shape()[1];
        let right = chosen
            .iter()
            .zip(logits.clone().into_vec().chunks_exact(classes))
            .filter(|(image, row)| is_largest(row, labels[**image]))
            .count();
        let mut wanted = vec![0.0; chosen.len() * classes];
        for (row, &image) in chosen.iter().enumerate() {
            wanted[row * classes + labels[image]] = -1.0;
        }
        let wanted = self.array(wanted, &[chosen.len(), classes]);
        let losses: Tensor<2> = logits.log_softmax(1).mul(wanted).into_tensor();
        let loss = losses.sum();
        let mut tape = (loss.clone() / batch as f32).backward();
        let gradients: Option<Vec<Vec<f32>>> = leaves
            .iter()
            .map(|leaf| {
                leaf.grad_remove(&mut tape)
                    .map(|gradient| Array::from_tensor(gradient).into_vec())
            })
            .collect();
        let Some(gradients) = gradients else {
            let reason = "a weight has no influence on the logits".to_owned();
            return Err(Error::Net(reason));
        };
        let loss = Array::from_tensor(loss)
            .into_vec()
            .first()
            .copied()
            .unwrap_or(f32::NAN);
        Ok(Shard {
            loss: loss.into(),
            right,
            gradients,
        })
    }

    fn pixels(&self, images: &Images, chosen: &[usize]) -> Array {
        let shape = images.shape();
        let pixels = chosen
            .iter()
            .flat_map(|&i| images.image(i))
            .copied()
            .collect();
        self.array(
            pixels,
            &[self.shard, shape.channels, shape.height, shape.width],
        )
    }

    fn array(&self, values: Vec<f32>, shape: &[usize]) -> Array {
        Array::from_vec(values, shape, &self.device)
    }
}

impl Shard {
    /// Adds shards up, in their order; none gives an empty sum.
    pub fn sum(shards: Vec<Self>) -> Self {
        let mut shards = shards.into_iter();
        let empty = || Self {
            loss: 0.0,
            right: 0,
            gradients: Vec::new(),
        };
        let mut whole = shards.next().unwrap_or_else(empty);
        for shard in shards {
            whole.loss += shard.loss;
            whole.right += shard.right;
            for (sum, part) in whole.gradients.iter_mut().zip(&shard.gradients) {
                for (a, b) in sum.iter_mut().zip(part) {
                    *a += b;
                }
            }
        }
        whole
    }
}

fn is_largest(row: &[f32], class: usize) -> bool {
    row.iter().all(|&value| value <= row[class])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::SmallCnn;
    use gifthorse_data::ImageShape;

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
        let images = Images::new(shape, pixels, Some(labels.clone()), Vec::new(), names).unwrap();
        let net = SmallCnn::new(shape, classes).build(3).unwrap();
        let backward = Backward::new(&net, count, &Device::flex()).unwrap();
        let chosen: Vec<usize> = (0..count).collect();
        let run = |weights: &[Vec<f32>]| {
            backward
                .run(weights, &images, &labels, &chosen, count)
                .unwrap()
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
