//! Which kernel computes a convolution.

use std::sync::Arc;

use crate::kernels::contract::Kernel;
use crate::kernels::convolutions::depthwise::Depthwise;
use crate::kernels::convolutions::gather_conv::GatherConv;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::kernels::convolutions::winograd::Winograd;
use crate::lanes::Lane;

/// The kernel for a convolution. A weight of `once` bytes or more, if that is given, is packed once
/// for both directions, where a kernel can do with that.
pub(crate) fn convolution(
    spec: &ConvSpec,
    weight: &[f32],
    bias: Option<&[f32]>,
    once: Option<usize>,
) -> Arc<dyn Kernel> {
    let (window, inputs, outputs) = (spec.window, spec.input.channels, spec.output.channels);
    let small = window.kernel == [3, 3] && window.stride == [1, 1] && window.dilation == [1, 1];
    // With fewer channels, transforming tiles takes most of the time: little is won for the larger
    // rounding errors.
    let worthwhile = inputs.max(outputs) > Lane::LENGTH;
    if small && worthwhile && spec.groups == 1 && !spec.transposed {
        let kernel = Winograd::new(weight, bias, spec.input, outputs, window.pads);
        return Arc::new(kernel);
    }
    if Depthwise::fits(spec) {
        return Arc::new(Depthwise::new(spec, weight, bias));
    }
    Arc::new(GatherConv::new(spec, weight, bias, once))
}
