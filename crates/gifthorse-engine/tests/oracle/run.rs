//! Running the engine on raw input.

use gifthorse_engine::{Array, Device, Network, Tensor};

use crate::formula;

fn shape(network: &Network, images: usize) -> Vec<usize> {
    let image = network.input().iter().copied();
    std::iter::once(images).chain(image).collect()
}

/// Logits alone.
pub fn logits(network: &Network, x: &[f32], images: usize) -> Vec<f32> {
    let shape = shape(network, images);
    let input = Array::from_vec(x.to_vec(), &shape, &Device::flex());
    network.forward(input).unwrap().into_vec()
}

/// Logits, and the gradient of `sum(coefficient(i) * logit[i])` to the input.
pub fn logits_and_gradient(network: &Network, x: &[f32], images: usize) -> (Vec<f32>, Vec<f32>) {
    let device = Device::flex().autodiff();
    let leaf = Tensor::<1>::from_floats(x, &device).require_grad();
    let input = Array::from_tensor(leaf.clone()).reshape(&shape(network, images));
    let logits: Tensor<2> = network.forward(input).unwrap().into_tensor();
    let [_, classes] = logits.dims();
    let weights = Tensor::<1>::from_floats(&formula::coefficients(images * classes)[..], &device);
    let scalar = (logits.clone() * weights.reshape([images, classes])).sum();
    let gradient = leaf.grad(&scalar.backward());
    // A network without a path from input to output has no gradient, which is zero.
    let gradient = gradient.map_or(vec![0.0; x.len()], |g| {
        g.into_data().try_into_vec().unwrap()
    });
    (logits.into_data().try_into_vec().unwrap(), gradient)
}

/// The scalar whose gradient is compared, summed in f64.
pub fn scalar(network: &Network, x: &[f32], images: usize) -> f64 {
    let logits = logits(network, x, images);
    let weights = formula::coefficients(logits.len());
    let products = logits.iter().zip(weights);
    products.map(|(&l, c)| f64::from(l) * f64::from(c)).sum()
}
