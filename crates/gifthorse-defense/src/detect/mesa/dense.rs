//! Small nets of fully connected layers whose weights are one row of numbers.

use gifthorse_engine::{Array, Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::adam::{Adam, Moments};
use crate::exact;

/// How much of what is below 0 a leaky ReLU lets through.
const LEAK: f32 = 0.2;

/// Keeps the scale of what does not vary finite.
const LEAST_VARIANCE: f32 = 1e-5;

/// Inputs and outputs of a layer.
pub type Layer = [usize; 2];

/// How many numbers the weights of these layers are: a matrix and a bias each.
pub fn count(layers: &[Layer]) -> usize {
    layers
        .iter()
        .map(|[inputs, outputs]| (inputs + 1) * outputs)
        .sum()
}

/// First weights: uniform, within one by the root of a layer's inputs.
pub fn draw(layers: &[Layer], random: &mut ChaCha8Rng) -> Vec<f32> {
    let mut weights = Vec::with_capacity(count(layers));
    for [inputs, outputs] in layers {
        let bound = 1.0 / (*inputs as f32).sqrt();
        let numbers = (inputs + 1) * outputs;
        weights.extend((0..numbers).map(|_| random.random_range(-bound..bound)));
    }
    weights
}

/// The weights of a net, and its optimiser.
#[derive(Debug)]
pub struct Net {
    weights: Tensor<1>,
    adam: Adam<1>,
}

/// A net at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetAtRest {
    #[serde(with = "exact::singles")]
    weights: Vec<f32>,
    moments: Moments,
}

impl NetAtRest {
    /// Whether it is a net of so many weights.
    pub fn fits(&self, count: usize) -> bool {
        self.weights.len() == count && self.moments.fits(count)
    }
}

impl Net {
    /// With these weights, and an optimiser that has made no step.
    pub fn new(weights: Vec<f32>, rate: f32, betas: (f32, f32), device: &Device) -> Self {
        Self {
            weights: row(weights, device),
            adam: Adam::new(rate, betas),
        }
    }

    /// Goes on with one that was laid by.
    pub fn resume(kept: NetAtRest, rate: f32, betas: (f32, f32), device: &Device) -> Self {
        let shape = [kept.weights.len()];
        Self {
            weights: row(kept.weights, device),
            adam: Adam::resume(rate, betas, kept.moments, shape, device),
        }
    }

    /// What has to be kept of it.
    pub fn at_rest(&self) -> NetAtRest {
        NetAtRest {
            weights: Array::from_tensor(self.weights.clone()).into_vec(),
            moments: self.adam.moments(),
        }
    }

    /// Its weights, tracked.
    pub fn tracked(&self) -> Tensor<1> {
        self.weights.clone().autodiff().require_grad()
    }

    /// Its weights as they are.
    pub fn weights(&self) -> Tensor<1> {
        self.weights.clone()
    }

    /// One step of the optimiser.
    pub fn step(&mut self, gradient: Tensor<1>) {
        self.weights = self.adam.step(self.weights.clone(), gradient);
    }
}

/// A walk through the weights of a net, layer after layer.
pub struct Pass {
    weights: Tensor<1>,
    at: usize,
}

impl Pass {
    /// From the first layer on.
    pub fn through(weights: Tensor<1>) -> Self {
        Self { weights, at: 0 }
    }

    /// The next layer, with so many outputs, of `[batch, inputs]`.
    pub fn layer(&mut self, input: Tensor<2>, outputs: usize) -> Tensor<2> {
        let [_, inputs] = input.dims();
        let matrix = self.next(inputs * outputs).reshape([inputs, outputs]);
        let bias = self.next(outputs).reshape([1, outputs]);
        input.matmul(matrix).add(bias)
    }

    fn next(&mut self, numbers: usize) -> Tensor<1> {
        let part = self.weights.clone().narrow(0, self.at, numbers);
        self.at += numbers;
        part
    }
}

/// What is below 0, made small.
pub fn leaky_relu(input: Tensor<2>) -> Tensor<2> {
    let size = input.clone().abs().mul_scalar(0.5 * (1.0 - LEAK));
    input.mul_scalar(0.5 * (1.0 + LEAK)).add(size)
}

/// Each column with a mean of 0 and a variance of 1 over the rows (batch norm, without a scale of
/// its own).
pub fn batch_norm(input: Tensor<2>) -> Tensor<2> {
    let centred = input.clone().sub(input.mean_dim(0));
    let variance = centred.clone().mul(centred.clone()).mean_dim(0);
    centred.div(variance.add_scalar(LEAST_VARIANCE).sqrt())
}

/// `[rows, values / rows]`.
pub fn matrix(values: Vec<f32>, rows: usize, device: &Device) -> Tensor<2> {
    let columns = values.len() / rows.max(1);
    Array::from_vec(values, &[rows, columns], device).into_tensor()
}

fn row(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let count = values.len();
    Array::from_vec(values, &[count], device).into_tensor()
}
