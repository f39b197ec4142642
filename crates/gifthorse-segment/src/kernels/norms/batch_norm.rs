//! Batch normalisation with the statistics of the batch at hand, as in training.
//!
//! Samples mix here, and here alone. So a pass stops before it: each group of samples sums what it
//! has, the sums are joined in the order of the groups, and from them come a few coefficients for
//! each channel, with which each group goes on by itself (`run`).

mod sums;

use std::sync::Arc;

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::kernels::parameter::Parameter;
use crate::lanes::across::lanes_of;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

pub(crate) use sums::{GradientSums, Moments};

/// What a normalisation saw of a batch, for whoever keeps running statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The tag that the operation was added with.
    pub tag: usize,
    /// Numbers of each channel.
    pub count: usize,
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Unbiased variance of each channel: the sum of squared deviations over `count - 1` (0 for a
    /// single number).
    pub variance: Vec<f32>,
}

/// A batch norm whose scale and bias are parameters.
#[derive(Clone, Debug)]
pub(crate) struct NormSpec {
    pub(crate) shape: MapShape,
    pub(crate) epsilon: f32,
    pub(crate) scale: Parameter,
    pub(crate) bias: Parameter,
    pub(crate) tag: usize,
}

impl NormSpec {
    /// Whether the parameters of a graph, which are so long, fit.
    pub(crate) fn fits(&self, lengths: &[usize]) -> bool {
        let channels = Some(&self.shape.channels);
        let length = |parameter: Parameter| lengths.get(parameter.0);
        length(self.scale) == channels && length(self.bias) == channels
    }

    /// The norm for the current values of all parameters, in their order.
    pub(crate) fn bound(&self, parameters: &[&[f32]]) -> Norm {
        let kernel = BatchNorm {
            shape: self.shape,
            epsilon: self.epsilon,
            scale: parameters[self.scale.0].to_vec(),
            bias: parameters[self.bias.0].to_vec(),
            isa: Isa::detect(),
        };
        Norm {
            spec: self.clone(),
            kernel: Arc::new(kernel),
        }
    }
}

/// A batch norm with its parameters' values.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) spec: NormSpec,
    pub(crate) kernel: Arc<BatchNorm>,
}

impl Norm {
    /// What it saw.
    pub(crate) fn statistics(&self, moments: &Moments) -> Statistics {
        let channels = self.spec.shape.channels;
        let narrow = |values: &[f64]| values[..channels].iter().map(|&v| v as f32).collect();
        let free = moments.count.saturating_sub(1).max(1) as f64;
        let variance: Vec<f64> = moments.squares.iter().map(|s| s / free).collect();
        Statistics {
            tag: self.spec.tag,
            count: moments.count,
            mean: narrow(&moments.mean),
            variance: narrow(&variance),
        }
    }
}

/// `scale (x - mean) / sqrt(variance + epsilon) + bias`, where the passes are given what depends on
/// the batch.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    shape: MapShape,
    epsilon: f32,
    scale: Vec<f32>,
    bias: Vec<f32>,
    isa: Isa,
}

/// The gradients to the parameters of a batch norm.
#[derive(Clone, Debug)]
pub(crate) struct NormGradients {
    pub(crate) scale: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl BatchNorm {
    /// Mean and deviations of a group's input.
    pub(crate) fn moments(&self, input: &[Lane]) -> Moments {
        Moments::of(self.isa, self.shape.groups(), input)
    }

    /// What a group adds to the sums that the backward pass needs.
    pub(crate) fn gradient_sums(
        &self,
        moments: &Moments,
        input: &[Lane],
        gradient: &[Lane],
    ) -> GradientSums {
        GradientSums::of(self.isa, moments, input, gradient)
    }

    /// The factor that brings a channel to a variance of one.
    fn inverse(&self, moments: &Moments, channel: usize) -> f64 {
        let variance = moments.squares[channel] / moments.count.max(1) as f64;
        1.0 / (variance + f64::from(self.epsilon)).sqrt()
    }

    /// For the forward pass: what is taken from each channel first, a factor and an offset.
    pub(crate) fn forward_coefficients(&self, moments: &Moments) -> Vec<Lane> {
        self.coefficients(|channel| {
            let (mean, rest) = rounded(moments.mean[channel]);
            let factor = f64::from(self.scale[channel]) * self.inverse(moments, channel);
            let offset = f64::from(self.bias[channel]) - factor * rest;
            [mean, factor, offset]
        })
    }

    /// For the backward pass: what is taken from each channel of the input first, a factor for it,
    /// one for the gradient, and an offset.
    ///
    /// With `d = (x - mean) / deviation`, the gradient to `x` is `scale / deviation` times what is
    /// left of the gradient `g` when its parts along 1 and along `d` are taken away:
    /// `g - mean(g) - d mean(g d)`.
    pub(crate) fn backward_coefficients(
        &self,
        moments: &Moments,
        sums: &GradientSums,
    ) -> Vec<Lane> {
        let count = moments.count.max(1) as f64;
        self.coefficients(|channel| {
            let (mean, rest) = rounded(moments.mean[channel]);
            let inverse = self.inverse(moments, channel);
            let factor = f64::from(self.scale[channel]) * inverse;
            let along = -factor * inverse * inverse * sums.along[channel] / count;
            let offset = -factor * sums.plain[channel] / count - along * rest;
            [mean, along, factor, offset]
        })
    }

    /// The gradients to scale and bias.
    pub(crate) fn gradients(&self, moments: &Moments, sums: &GradientSums) -> NormGradients {
        let channels = 0..self.shape.channels;
        let scale = channels.map(|c| (sums.along[c] * self.inverse(moments, c)) as f32);
        NormGradients {
            scale: scale.collect(),
            bias: sums.plain[..self.shape.channels]
                .iter()
                .map(|&sum| sum as f32)
                .collect(),
        }
    }

    /// `[coefficient][group of channels]`
    fn coefficients<const N: usize>(&self, of: impl Fn(usize) -> [f64; N]) -> Vec<Lane> {
        let mut lists: [Vec<f32>; N] = std::array::from_fn(|_| Vec::new());
        for channel in 0..self.shape.channels {
            for (list, value) in lists.iter_mut().zip(of(channel)) {
                list.push(value as f32);
            }
        }
        lists.iter().flat_map(|list| lanes_of(list)).collect()
    }
}

impl Kernel for BatchNorm {
    fn name(&self) -> String {
        "batch norm of the batch".to_owned()
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: 6.0 * self.shape.elements() as f64,
            constants: 2 * size_of_val(&self.scale[..]),
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: true,
            ..Needs::default()
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

/// A number in f32, and what that lacks.
fn rounded(value: f64) -> (f64, f64) {
    let near = f64::from(value as f32);
    (near, value - near)
}

impl OnLanes for BatchNorm {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let groups = self.shape.groups();
        let (means, rest) = run.batch.coefficients.split_at(groups);
        let (factors, offsets) = rest.split_at(groups);
        let (mut finish, mut at) = (run.finish, 0);
        for pixel in run.inputs[0].chunks_exact(groups) {
            for group in 0..groups {
                // The mean first: taking it away later would leave the rounding errors of a number
                // as large as it.
                let apart = l.sub(l.load(&pixel[group].0), l.load(&means[group].0));
                let (factor, offset) = (l.load(&factors[group].0), l.load(&offsets[group].0));
                finish.store(l, run.out, at, l.mul_add(apart, factor, offset));
                at += 1;
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let groups = self.shape.groups();
        let (means, rest) = run.batch.coefficients.split_at(groups);
        let (along, rest) = rest.split_at(groups);
        let (factors, offsets) = rest.split_at(groups);
        let (mut finish, mut at) = (run.finish, 0);
        let pixels = run.inputs[0].chunks_exact(groups);
        for (pixel, gradient) in pixels.zip(run.gradient.chunks_exact(groups)) {
            for group in 0..groups {
                let apart = l.sub(l.load(&pixel[group].0), l.load(&means[group].0));
                let value = l.mul_add(apart, l.load(&along[group].0), l.load(&offsets[group].0));
                let gradient = l.load(&gradient[group].0);
                let value = l.mul_add(gradient, l.load(&factors[group].0), value);
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
