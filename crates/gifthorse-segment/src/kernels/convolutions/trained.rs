//! Convolutions whose weight and bias are parameters: known only when a plan is bound, and given
//! gradients.

use std::sync::Arc;

use crate::kernels::contract::Kernel;
use crate::kernels::convolutions::choice::convolution;
use crate::kernels::convolutions::gather_conv::{Asked, WeightGradient};
use crate::kernels::convolutions::spec::ConvSpec;
use crate::kernels::parameter::Parameter;

/// A convolution with parameters.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    pub(crate) spec: ConvSpec,
    pub(crate) weight: Parameter,
    pub(crate) bias: Option<Parameter>,
    pub(crate) gradient: Arc<WeightGradient>,
}

impl Trained {
    pub(crate) fn new(spec: ConvSpec, weight: Parameter, bias: Option<Parameter>) -> Self {
        Self {
            spec,
            weight,
            bias,
            gradient: Arc::new(WeightGradient::new(spec)),
        }
    }

    /// Whether the parameters of a graph, which are so long, fit.
    pub(crate) fn fits(&self, lengths: &[usize]) -> bool {
        let length = |parameter: Parameter| lengths.get(parameter.0).copied();
        let outputs = self.spec.output.channels;
        length(self.weight) == Some(self.spec.weight_length())
            && self.bias.is_none_or(|bias| length(bias) == Some(outputs))
    }

    /// The kernel for the current values of all parameters, in their order.
    pub(crate) fn kernel(&self, parameters: &[&[f32]]) -> Arc<dyn Kernel> {
        let bias = self.bias.map(|bias| parameters[bias.0]);
        convolution(&self.spec, parameters[self.weight.0], bias, None)
    }

    /// Which of its parameters get a gradient, if `wanted` says it for all parameters.
    pub(crate) fn asked(&self, wanted: &[bool]) -> Asked {
        Asked {
            weight: wanted[self.weight.0],
            bias: self.bias.is_some_and(|bias| wanted[bias.0]),
        }
    }
}
