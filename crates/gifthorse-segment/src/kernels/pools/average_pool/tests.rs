use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// Output and gradient by the definition, one number at a time.
fn naive(
    input: MapShape,
    window: &Window,
    correction: Option<&[f32]>,
    values: &[f32],
    cotangent: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let [height, width] = window
        .outputs([input.height, input.width])
        .expect("a window");
    let channels = input.channels;
    let taps = window.kernel[0] * window.kernel[1];
    let (mut output, mut gradient) = (Vec::new(), vec![0.0; values.len()]);
    for sample in 0..values.len() / input.elements() {
        for pixel in 0..height * width {
            let factor = correction.map_or(1.0, |c| f64::from(c[pixel])) / taps as f64;
            for channel in 0..channels {
                let mut sum = 0.0;
                for tap in 0..taps {
                    let index = |axis: usize, output: usize, tap: usize| {
                        (output * window.stride[axis] + tap * window.dilation[axis])
                            .checked_sub(window.pads[axis].0)
                    };
                    let y = index(0, pixel / width, tap / window.kernel[1]);
                    let x = index(1, pixel % width, tap % window.kernel[1]);
                    let (Some(y), Some(x)) = (y, x) else { continue };
                    if y >= input.height || x >= input.width {
                        continue;
                    }
                    let at = ((sample * input.height + y) * input.width + x) * channels + channel;
                    sum += factor * f64::from(values[at]);
                    gradient[at] += factor * f64::from(cotangent[output.len()]);
                }
                output.push(sum as f32);
            }
        }
    }
    (output, gradient.iter().map(|g| *g as f32).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn output_and_gradient_are_those_of_the_definition(
        (height, width, channels) in (1usize..9, 1usize..9, 1usize..40),
        samples in 1usize..4,
        kernel in [1usize..4, 1usize..4],
        stride in [1usize..4, 1usize..4],
        pads in [(0usize..3, 0usize..3), (0usize..3, 0usize..3)],
        corrected in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let input = MapShape { height, width, channels };
        let window = Window { kernel, stride, dilation: [1, 1], pads };
        let x = numbers(samples * input.elements(), seed);
        let pixels = window.outputs([height, width]).map_or(0, |[h, w]| h * w);
        let correction = numbers(pixels, seed ^ 1);
        let correction = corrected.then_some(&correction[..]);
        for isa in Isa::available() {
            let Some(kernel) = AveragePool::new(input, &window, correction) else {
                prop_assert_eq!(pixels, 0);
                continue;
            };
            let kernel = AveragePool { isa, ..kernel };
            let cotangent = numbers(samples * kernel.output().elements(), !seed);
            let (wanted, wanted_gradient) = naive(input, &window, correction, &x, &cotangent);
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            prop_assert_eq!(difference(&wanted, &given, 1e-6), None);
            prop_assert_eq!(difference(&wanted_gradient, &gradients[0], 1e-6), None);
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn the_correction_has_one_factor_for_each_pixel() {
    let input = MapShape {
        height: 4,
        width: 4,
        channels: 1,
    };
    let window = Window {
        kernel: [2, 2],
        stride: [2, 2],
        dilation: [1, 1],
        pads: [(0, 0); 2],
    };
    assert!(AveragePool::new(input, &window, Some(&[1.0; 4])).is_some());
    assert!(AveragePool::new(input, &window, Some(&[1.0; 3])).is_none());
}
