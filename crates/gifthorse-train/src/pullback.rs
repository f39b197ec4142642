//! A network by itself: what it gives for images, and what a gradient to that is to its weights.

use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Array, Device, Mode, Tensor, Trainable};
use gifthorse_onnx::Model;

use crate::Error;

/// A network some of whose weights are trained by a loss that is no cross-entropy of labels, such as
/// that of another network which its outputs are shown to: who knows the gradient to its outputs gets
/// that to its weights (a vector-Jacobian product).
///
/// Batch normalisations and dropout are in the mode of inference.
#[derive(Debug)]
pub struct Pullback {
    network: Trainable,
    /// Of each parameter of the network, which of the trained weights it is, and its shape.
    parameters: Vec<(usize, Vec<usize>)>,
    first: Vec<Vec<f32>>,
    /// Shape of a batch of images.
    input: [usize; 4],
    device: Device,
}

impl Pullback {
    /// Lowers a model for batches of so many images; `trained` names the initialisers that are
    /// weights here. It takes `[batch, channels, height, width]` and gives a row for each image.
    ///
    /// # Errors
    /// What the engine refuses; [`Error::NoSuchWeight`] for a name that the output does not depend
    /// on.
    pub fn new(
        model: &Model,
        trained: &[String],
        shape: ImageShape,
        batch: usize,
    ) -> Result<Self, Error> {
        let device = Device::flex();
        let graph = Arc::new(model.editable_graph()?);
        let image = [shape.channels, shape.height, shape.width];
        let mode = Mode::Inference;
        let network = Trainable::new(&graph, batch, &image, trained, &mode, &device)?;
        let mut parameters = Vec::new();
        let mut first = vec![None; trained.len()];
        for (name, value) in network.parameters()? {
            let Some(which) = trained.iter().position(|known| *known == name) else {
                return Err(Error::NoSuchWeight(name));
            };
            parameters.push((which, value.shape()));
            first[which] = Some(value.into_vec());
        }
        let known = |(value, name): (Option<Vec<f32>>, &String)| {
            value.ok_or_else(|| Error::NoSuchWeight(name.clone()))
        };
        Ok(Self {
            network,
            parameters,
            first: first
                .into_iter()
                .zip(trained)
                .map(known)
                .collect::<Result<_, _>>()?,
            input: [batch, shape.channels, shape.height, shape.width],
            device,
        })
    }

    /// The weights as the model has them, in the order of their names.
    #[must_use]
    pub fn first_weights(&self) -> &[Vec<f32>] {
        &self.first
    }

    /// Runs a batch of images under these weights, shows `loss` what comes out, a row for each image,
    /// and gives the gradient for each weight of the loss whose gradient to the outputs it answers
    /// with.
    ///
    /// # Errors
    /// What the engine refuses, such as another number of pixels; [`Error::Net`] for an answer of
    /// another size; what `loss` refuses.
    pub fn gradients(
        &self,
        weights: &[Vec<f32>],
        pixels: &[f32],
        loss: impl FnOnce(&[f32]) -> Result<Vec<f32>, Error>,
    ) -> Result<Vec<Vec<f32>>, Error> {
        if pixels.len() != self.input.iter().product::<usize>() {
            let reason = format!("{} pixels are no batch of {:?}", pixels.len(), self.input);
            return Err(Error::Net(reason));
        }
        let leaf = |values: &Vec<f32>| -> Tensor<1> {
            let values = Array::from_vec(values.clone(), &[values.len()], &self.device);
            let values: Tensor<1> = values.into_tensor();
            values.autodiff().require_grad()
        };
        let leaves: Vec<Tensor<1>> = weights.iter().map(leaf).collect();
        let parameter = |(which, shape): &(usize, Vec<usize>)| {
            Array::from_tensor(leaves[*which].clone()).reshape(shape)
        };
        let parameters: Vec<Array> = self.parameters.iter().map(parameter).collect();
        let images = Array::from_vec(pixels.to_vec(), &self.input, &self.device);
        let rows = self.network.forward(images, &parameters, 0)?.logits;
        let shape = rows.shape();
        let outputs = rows.clone().into_vec();
        let wanted = loss(&outputs)?;
        if wanted.len() != outputs.len() {
            let reason = format!("{} gradients to {} outputs", wanted.len(), outputs.len());
            return Err(Error::Net(reason));
        }
        let wanted = Array::from_vec(wanted, &shape, &self.device);
        // Its gradient to the outputs is what was answered, whatever the loss itself is.
        let product: Tensor<2> = rows.mul(wanted).into_tensor();
        let mut tape = product.sum().backward();
        let gradient = |leaf: &Tensor<1>| {
            let gradient = leaf.grad_remove(&mut tape)?;
            Some(Array::from_tensor(gradient).into_vec())
        };
        let gradients: Option<Vec<Vec<f32>>> = leaves.iter().map(gradient).collect();
        let without = || Error::Net("a weight has no influence on the outputs".to_owned());
        gradients.ok_or_else(without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Layers;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 5,
        width: 7,
    };

    fn picture() -> Layers {
        let mut layers = Layers::new("picture", SHAPE, 3);
        layers.conv("one", 4, 3).tanh("one.tanh").max_pool("pool");
        layers
            .resize("up", [5, 7])
            .conv("two", 2, 3)
            .times("louder", 0.5)
            .sigmoid("shown");
        layers
    }

    fn pixels(count: usize) -> Vec<f32> {
        (0..count * SHAPE.values())
            .map(|i| (i as f32 * 0.37).fract())
            .collect()
    }

    #[test]
    fn the_gradient_for_each_weight_is_that_of_finite_differences() {
        let net = picture().flatten("flat").finish("picture").unwrap();
        let pullback = Pullback::new(net.model(), net.weights(), SHAPE, 3).unwrap();
        let pixels = pixels(3);
        // Of a loss that is not linear in the outputs.
        let run = |weights: &[Vec<f32>]| {
            let mut loss = 0.0;
            let gradients = pullback.gradients(weights, &pixels, |outputs| {
                assert_eq!(outputs.len(), 3 * SHAPE.values());
                loss = outputs.iter().map(|&o| f64::from(o).powi(2)).sum();
                Ok(outputs.iter().map(|o| 2.0 * o).collect())
            });
            (loss, gradients.unwrap())
        };
        let weights = pullback.first_weights().to_vec();
        let (_, gradients) = run(&weights);
        for (index, gradient) in gradients.iter().enumerate() {
            let square: f64 = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
            let length = 1e-2 / square.sqrt() as f32;
            let moved = |factor: f32| {
                let mut moved = weights.clone();
                for (weight, g) in moved[index].iter_mut().zip(gradient) {
                    *weight += factor * length * g;
                }
                run(&moved).0
            };
            let slope = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(length));
            assert!(
                (slope / square - 1.0).abs() < 0.02,
                "{index}: {slope}, not {square}"
            );
        }
    }

    #[test]
    fn weights_that_are_not_there_and_pixels_of_no_batch_are_refused() {
        let net = picture().flatten("flat").finish("picture").unwrap();
        let unknown = Pullback::new(net.model(), &["three.weight".to_owned()], SHAPE, 1);
        assert!(matches!(unknown, Err(Error::NoSuchWeight(name)) if name == "three.weight"));
        let pullback = Pullback::new(net.model(), net.weights(), SHAPE, 1).unwrap();
        let weights = pullback.first_weights();
        let few = pullback.gradients(weights, &[0.0; 3], |outputs| Ok(outputs.to_vec()));
        assert!(few.unwrap_err().to_string().contains("3 pixels"));
        let one = pullback.gradients(weights, &pixels(1), |_| Ok(vec![1.0]));
        assert!(one.unwrap_err().to_string().contains("1 gradients"));
    }
}
