//! What a segment can compute, and which kernel does it.

use std::sync::Arc;

use crate::kernels::batch_matmul::BatchMatmul;
use crate::kernels::contract::Kernel;
use crate::kernels::convolutions::choice::convolution;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::kernels::convolutions::trained::Trained;
use crate::kernels::elementwise::affine::Affine;
use crate::kernels::elementwise::binary::{Arithmetic, Binary, Operand};
use crate::kernels::elementwise::dropout::Dropout;
use crate::kernels::elementwise::pointwise::{Function, Pointwise};
use crate::kernels::norms::batch_norm::NormSpec;
use crate::kernels::norms::layer_norm::LayerNorm;
use crate::kernels::norms::softmax::{Normalised, Softmax};
use crate::kernels::parameter::{Parameter, Weights};
use crate::kernels::pools::average_pool::AveragePool;
use crate::kernels::pools::global_pool::{Global, GlobalPool};
use crate::kernels::pools::max_pool::MaxPool;
use crate::kernels::rearrange::{Origin, Rearrange};
use crate::kernels::window::Window;
use crate::lanes::finish::Clamp;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;

/// An operation on values, with its constants.
#[derive(Clone, Debug)]
pub enum Operation<'a> {
    /// Convolution of one value. A product with a constant matrix is one with a window of one
    /// pixel.
    Convolution {
        /// The weight is `[out, in / groups, kernel height, kernel width]`.
        weights: Weights<'a>,
        /// Output channels.
        outputs: usize,
        /// Geometry.
        window: Window,
        /// Number of groups.
        groups: usize,
    },
    /// Transposed convolution of one value.
    ConvolutionTransposed {
        /// The weight is `[in, out / groups, kernel height, kernel width]`.
        weights: Weights<'a>,
        /// Shape of the output.
        output: MapShape,
        /// Slides over the output.
        window: Window,
        /// Number of groups.
        groups: usize,
    },
    /// The largest of each window; pads are left out.
    MaxPool(Window),
    /// The mean of each window; pads count as zeros, unless a factor for each output pixel makes up
    /// for it.
    AveragePool(Window, Option<&'a [f32]>),
    /// One number for each channel.
    GlobalPool(Global),
    /// A scale and an offset for each channel.
    Affine {
        /// One for each channel.
        scale: &'a [f32],
        /// One for each channel.
        offset: &'a [f32],
    },
    /// A function of each number.
    Function(Function),
    /// A function of two maps, one of which may be constant or stand for all pixels or channels.
    Binary {
        /// Shape of the result.
        shape: MapShape,
        /// What is computed.
        function: Arithmetic,
        /// Left and right.
        operands: &'a [Operand; 2],
    },
    /// The product of two values, `[height, width, channels]` standing for a batch of matrices,
    /// `[batch, rows, depth]` and `[batch, depth, columns]`.
    MatrixProduct {
        /// Whether the second is `[batch, columns, depth]`.
        transposed: bool,
    },
    /// Softmax over channels.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
    /// Normalisation over channels.
    LayerNorm {
        /// Added to the variance.
        epsilon: f32,
        /// One for each channel.
        scale: &'a [f32],
        /// One for each channel.
        bias: Option<&'a [f32]>,
    },
    /// Normalisation of each channel with its mean and (biased) variance over all pixels of all
    /// samples of the batch, whose [`Statistics`](crate::Statistics) the forward pass gives.
    BatchNorm {
        /// Added to the variance.
        epsilon: f32,
        /// One number for each channel.
        scale: Parameter,
        /// One number for each channel.
        bias: Parameter,
        /// By which its statistics are known.
        tag: usize,
    },
    /// Elements set to zero at random, as [`Kept`](crate::Kept) says, and the others divided by
    /// `1 - ratio`.
    Dropout {
        /// The probability that an element is dropped; below 1.
        ratio: f32,
        /// Tells it from others.
        site: usize,
        /// In which the elements of a sample are numbered.
        order: Order,
    },
    /// Elements in another order.
    Rearrange {
        /// Shape of the result.
        output: MapShape,
        /// Where each of its elements comes from, in the order `[pixel][channel]`.
        origins: &'a [Origin],
    },
    /// ReLU or clip of one value.
    Clamp(Clamp),
    /// The sum of two values of one shape.
    Sum,
}

/// What a node does.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Something that has a kernel.
    Kernel(Arc<dyn Kernel>),
    /// Something that has one when its parameters are known.
    Trained(Trained),
    /// A batch norm with the batch's statistics.
    Norm(NormSpec),
    /// The sum of two values of one shape.
    Sum,
    /// A ReLU or clip.
    Clamp(Clamp),
}

impl Operation<'_> {
    /// What a node does for it on operands of these shapes. `once` is as for [`convolution`].
    pub(crate) fn body(&self, shapes: &[MapShape], once: Option<usize>) -> Option<Body> {
        let input = *shapes.first()?;
        let kernel: Arc<dyn Kernel> = match *self {
            Self::Sum => return Some(Body::Sum),
            Self::Clamp(clamp) => return Some(Body::Clamp(clamp)),
            Self::Convolution {
                weights,
                outputs,
                window,
                groups,
            } => {
                let [height, width] = window.outputs([input.height, input.width])?;
                let output = MapShape {
                    height,
                    width,
                    channels: outputs,
                };
                let spec = ConvSpec {
                    input,
                    output,
                    window,
                    groups,
                    transposed: false,
                };
                return convolution_with(spec, weights, once);
            }
            Self::ConvolutionTransposed {
                weights,
                output,
                window,
                groups,
            } => {
                let spec = ConvSpec {
                    input,
                    output,
                    window,
                    groups,
                    transposed: true,
                };
                return convolution_with(spec, weights, once);
            }
            Self::MaxPool(window) => Arc::new(MaxPool::new(input, window)?),
            Self::AveragePool(window, correction) => {
                Arc::new(AveragePool::new(input, &window, correction)?)
            }
            Self::GlobalPool(kind) => Arc::new(GlobalPool::new(input, kind)?),
            Self::Affine { scale, offset } => Arc::new(Affine::new(input, scale, offset)?),
            Self::Function(function) => Arc::new(Pointwise::new(input, function)),
            Self::Binary {
                shape,
                function,
                operands,
            } => Arc::new(Binary::new(shape, function, operands.clone())?),
            Self::MatrixProduct { transposed } => {
                Arc::new(BatchMatmul::new(input, *shapes.get(1)?, transposed)?)
            }
            Self::Softmax => Arc::new(Softmax::new(input, Normalised::Softmax)),
            Self::LogSoftmax => Arc::new(Softmax::new(input, Normalised::LogSoftmax)),
            Self::LayerNorm {
                epsilon,
                scale,
                bias,
            } => Arc::new(LayerNorm::new(input, epsilon, scale, bias)?),
            Self::BatchNorm {
                epsilon,
                scale,
                bias,
                tag,
            } => {
                return Some(Body::Norm(NormSpec {
                    shape: input,
                    epsilon,
                    scale,
                    bias,
                    tag,
                }));
            }
            Self::Dropout { ratio, site, order } => {
                Arc::new(Dropout::new(input, ratio, site, order)?)
            }
            Self::Rearrange { output, origins } => {
                Arc::new(Rearrange::new(shapes.to_vec(), output, origins)?)
            }
        };
        Some(Body::Kernel(kernel))
    }
}

fn convolution_with(spec: ConvSpec, weights: Weights<'_>, once: Option<usize>) -> Option<Body> {
    match weights {
        Weights::Fixed { weight, bias } => spec
            .takes(weight, bias)
            .then(|| Body::Kernel(convolution(&spec, weight, bias, once))),
        Weights::Trained { weight, bias } => spec
            .is_sound()
            .then(|| Body::Trained(Trained::new(spec, weight, bias))),
    }
}
