//! What a segment can compute, and which kernel does it.

use std::sync::Arc;

use crate::finish::Clamp;
use crate::graph::Body;
use crate::map::MapShape;
use crate::window::Window;
use crate::winograd::Winograd;

/// An operation on values, with its constants.
#[derive(Clone, Debug)]
pub enum Operation<'a> {
    /// Convolution of one value.
    Convolution {
        /// `[out, in / groups, kernel height, kernel width]`, or `[in, out / groups, ..]` if transposed.
        weight: &'a [f32],
        /// `[out]`
        bias: Option<&'a [f32]>,
        /// Output channels.
        outputs: usize,
        /// Geometry.
        window: Window,
        /// Number of groups.
        groups: usize,
    },
    /// The sum of two values of one shape.
    Sum,
    /// ReLU or clip of one value.
    Clamp(Clamp),
}

impl Operation<'_> {
    /// What a node does for it on operands of these shapes.
    pub(crate) fn body(&self, shapes: &[MapShape]) -> Option<Body> {
        Some(match *self {
            Self::Sum => Body::Sum,
            Self::Clamp(clamp) => Body::Clamp(clamp),
            Self::Convolution {
                weight,
                bias,
                outputs,
                window,
                groups,
            } => {
                let input = *shapes.first()?;
                if window.kernel != [3, 3] || window.stride != [1, 1] || groups != 1 {
                    return None;
                }
                Body::Kernel(Arc::new(Winograd::new(
                    weight,
                    bias,
                    input,
                    outputs,
                    window.pads,
                )))
            }
        })
    }
}
