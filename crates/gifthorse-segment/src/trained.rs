//! Convolutions whose weight and bias are parameters: known only when a plan is bound, and given
//! gradients.

use std::sync::Arc;

use crate::convolution::ConvSpec;
use crate::gather_conv::{Asked, WeightGradient};
use crate::kernel::Kernel;
use crate::operation::convolution;

/// A weight or bias of a graph that [`Plan::bind`](crate::Plan::bind) gives values to; counted from
/// 0 in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter(pub(crate) usize);

/// What a parameter is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// As many as were announced.
    pub values: &'a [f32],
    /// Whether backward passes compute the gradient to it.
    pub gradient: bool,
}

/// The weight and the bias of a convolution.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Known when the segment is compiled.
    Fixed {
        /// As the convolution says.
        weight: &'a [f32],
        /// `[out]`
        bias: Option<&'a [f32]>,
    },
    /// Parameters of the segment.
    Trained {
        /// As long as the convolution says.
        weight: Parameter,
        /// As long as there are output channels.
        bias: Option<Parameter>,
    },
}

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
