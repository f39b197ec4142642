use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// Output and gradient by the definition, one number at a time.
fn naive(
    input: MapShape,
    window: &Window,
    values: &[f32],
    cotangent: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let [height, width] = window
        .outputs([input.height, input.width])
        .expect("a window");
    let channels = input.channels;
    let (mut output, mut gradient) = (Vec::new(), vec![0.0; values.len()]);
    for sample in 0..values.len() / input.elements() {
        for pixel in 0..height * width {
            for channel in 0..channels {
                let mut best: Option<usize> = None;
                for tap in 0..window.kernel[0] * window.kernel[1] {
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
                    let value = values[at];
                    if best.is_none_or(|best| value > values[best] || value.is_nan()) {
                        best = Some(at);
                    }
                }
                if let Some(best) = best {
                    gradient[best] += cotangent[output.len()];
                }
                output.push(best.map_or(f32::MIN, |best| values[best]));
            }
        }
    }
    (output, gradient)
}

fn window() -> impl Strategy<Value = Window> {
    let any = (
        [1usize..4, 1usize..4],
        [1usize..4, 1usize..4],
        [1usize..3, 1usize..3],
        [(0usize..3, 0usize..3), (0usize..3, 0usize..3)],
    );
    let any = any.prop_map(|(kernel, stride, dilation, pads)| Window {
        kernel,
        stride,
        dilation,
        pads,
    });
    prop_oneof![3 => any, 1 => Just(halving())]
}

fn halving() -> Window {
    Window {
        kernel: [2, 2],
        stride: [2, 2],
        dilation: [1, 1],
        pads: [(0, 0); 2],
    }
}

fn on_each(input: MapShape, window: Window) -> Vec<MaxPool> {
    let each = Isa::available().into_iter();
    each.filter_map(|isa| {
        Some(MaxPool {
            isa,
            ..MaxPool::new(input, window)?
        })
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn output_and_gradient_are_those_of_the_definition(
        (height, width, channels) in (1usize..9, 1usize..9, 1usize..40),
        samples in 1usize..4,
        window in window(),
        (ties, special) in any::<(bool, bool)>(),
        seed in any::<u64>(),
    ) {
        let input = MapShape { height, width, channels };
        let mut x = numbers(samples * input.elements(), seed);
        if ties {
            x.iter_mut().for_each(|x| *x = (3.0 * *x).round());
        }
        if special {
            for (x, special) in x.iter_mut().skip(2).step_by(5).zip([
                f32::NAN, f32::NEG_INFINITY, f32::INFINITY, f32::NAN, f32::NEG_INFINITY, -0.0, 0.0
            ]) {
                *x = special;
            }
        }
        for kernel in on_each(input, window) {
            let cotangent = numbers(samples * kernel.output().elements(), !seed);
            let (wanted, wanted_gradient) = naive(input, &window, &x, &cotangent);
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            prop_assert_eq!(difference(&wanted, &given, 0.0), None);
            prop_assert_eq!(difference(&wanted_gradient, &gradients[0], 1e-6), None);
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn windows_up_to_255_entries() {
    let input = MapShape {
        height: 17,
        width: 17,
        channels: 3,
    };
    let square = |side| Window {
        kernel: [side, side],
        stride: [1, 1],
        ..halving()
    };
    assert!(MaxPool::new(input, square(16)).is_none());
    assert!(MaxPool::new(input, square(18)).is_none(), "no window fits");
    let x = numbers(input.elements(), 5);
    for kernel in on_each(input, square(15)) {
        let cotangent = numbers(kernel.output().elements(), 6);
        let (wanted, wanted_gradient) = naive(input, &square(15), &x, &cotangent);
        let (given, gradients) = run(&kernel, 1, std::slice::from_ref(&x), &cotangent);
        assert_eq!(given, wanted);
        assert_eq!(difference(&wanted_gradient, &gradients[0], 1e-6), None);
    }
}
