//! Convolutions by their definition, in f64, and random ones to try kernels on.

use proptest::prelude::*;

use super::spec::ConvSpec;
use crate::kernels::window::Window;
use crate::lanes::map::MapShape;

/// Calls `term(narrow, wide, weight)` with the indices of each product that a convolution sums.
fn each_term(spec: &ConvSpec, samples: usize, mut term: impl FnMut(usize, usize, usize)) {
    let (narrow, wide, window) = (spec.narrow(), spec.wide(), spec.window);
    let (narrow_each, wide_each) = (narrow.channels / spec.groups, wide.channels / spec.groups);
    let [kernel_height, kernel_width] = window.kernel;
    let place = |window_at: usize, k: usize, i: usize, size: usize| {
        let at = window_at * window.stride[i] + k * window.dilation[i];
        at.checked_sub(window.pads[i].0).filter(|at| *at < size)
    };
    for n in 0..samples {
        for oy in 0..narrow.height {
            for ox in 0..narrow.width {
                for ky in 0..kernel_height {
                    let Some(y) = place(oy, ky, 0, wide.height) else {
                        continue;
                    };
                    for kx in 0..kernel_width {
                        let Some(x) = place(ox, kx, 1, wide.width) else {
                            continue;
                        };
                        let narrow_pixel = (n * narrow.height + oy) * narrow.width + ox;
                        let wide_pixel = (n * wide.height + y) * wide.width + x;
                        for o in 0..narrow.channels {
                            let group = o / narrow_each;
                            for i in 0..wide_each {
                                let weight =
                                    ((o * wide_each + i) * kernel_height + ky) * kernel_width + kx;
                                term(
                                    narrow_pixel * narrow.channels + o,
                                    wide_pixel * wide.channels + group * wide_each + i,
                                    weight,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The output, `[sample][row][column][channel]`.
pub(crate) fn forward(
    spec: &ConvSpec,
    samples: usize,
    weight: &[f32],
    bias: Option<&[f32]>,
    input: &[f32],
) -> Vec<f32> {
    let mut out = vec![0.0; samples * spec.output.elements()];
    if let Some(bias) = bias {
        for (i, out) in out.iter_mut().enumerate() {
            *out = f64::from(bias[i % spec.output.channels]);
        }
    }
    each_term(spec, samples, |narrow, wide, at| {
        let (to, from) = if spec.transposed {
            (wide, narrow)
        } else {
            (narrow, wide)
        };
        out[to] += f64::from(weight[at]) * f64::from(input[from]);
    });
    out.into_iter().map(|value| value as f32).collect()
}

/// The gradient to the input.
pub(crate) fn backward(
    spec: &ConvSpec,
    samples: usize,
    weight: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let turned = ConvSpec {
        input: spec.output,
        output: spec.input,
        transposed: !spec.transposed,
        ..*spec
    };
    forward(&turned, samples, weight, None, gradient)
}

/// The gradients to the weight and to the bias.
pub(crate) fn to_weight(
    spec: &ConvSpec,
    samples: usize,
    input: &[f32],
    gradient: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let mut weight = vec![0.0; spec.weight_length()];
    each_term(spec, samples, |narrow, wide, at| {
        let (input_at, gradient_at) = if spec.transposed {
            (narrow, wide)
        } else {
            (wide, narrow)
        };
        weight[at] += f64::from(input[input_at]) * f64::from(gradient[gradient_at]);
    });
    let mut bias = vec![0.0; spec.output.channels];
    for (i, value) in gradient.iter().enumerate() {
        bias[i % spec.output.channels] += f64::from(*value);
    }
    let rounded = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    (rounded(weight), rounded(bias))
}

/// A convolution of a map of shape `[height, width, channels]`; `None` where no window fits.
pub(crate) fn convolution(
    [height, width, channels]: [usize; 3],
    outputs: usize,
    window: Window,
    groups: usize,
) -> Option<ConvSpec> {
    let [out_height, out_width] = window.outputs([height, width])?;
    Some(ConvSpec {
        input: MapShape {
            height,
            width,
            channels,
        },
        output: MapShape {
            height: out_height,
            width: out_width,
            channels: outputs,
        },
        window,
        groups,
        transposed: false,
    })
}

/// The transposed convolution that goes the other way.
pub(crate) fn transposed(spec: ConvSpec) -> ConvSpec {
    ConvSpec {
        input: spec.output,
        output: spec.input,
        transposed: true,
        ..spec
    }
}

/// Windows of all kinds.
pub(crate) fn any_window() -> impl Strategy<Value = Window> {
    let axis = (1usize..=5, 1usize..=4, 1usize..=3, (0usize..=3, 0usize..=3));
    [axis.clone(), axis].prop_map(|[y, x]| Window {
        kernel: [y.0, x.0],
        stride: [y.1, x.1],
        dilation: [y.2, x.2],
        pads: [y.3, x.3],
    })
}

/// Convolutions of all kinds, transposed ones with output padding among them, with few
/// enough channels for the definition.
pub(crate) fn any_convolution() -> impl Strategy<Value = ConvSpec> {
    let channels = prop_oneof![
        (1usize..=40, 1usize..=40).prop_map(|(i, o)| (i, o, 1)),
        (1usize..=6, 1usize..=6, 1usize..=6).prop_map(|(i, o, g)| (i * g, o * g, g)),
        (1usize..=2, 1usize..=2, 1usize..=3).prop_map(|(i, o, g)| (16 * i * g, 16 * o * g, g)),
        Just((8, 24, 4)),
        Just((32, 32, 8)),
        Just((48, 24, 6)),
    ];
    let size = (1usize..=11, 1usize..=11);
    (size, channels, any_window(), any::<bool>()).prop_filter_map(
        "no window fits",
        |((height, width), (inputs, outputs, groups), window, turn)| {
            let spec = convolution([height, width, inputs], outputs, window, groups)?;
            Some(if turn { transposed(spec) } else { spec })
        },
    )
}
