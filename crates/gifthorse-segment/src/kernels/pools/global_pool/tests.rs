use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// Output and gradient by the definition, one number at a time.
fn naive(input: MapShape, kind: Global, values: &[f32], cotangent: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut output, mut gradient) = (Vec::new(), vec![0.0; values.len()]);
    for sample in 0..values.len() / input.elements() {
        for channel in 0..input.channels {
            let at = |row: usize, column: usize| {
                ((sample * input.height + row) * input.width + column) * input.channels + channel
            };
            // Column by column.
            let places: Vec<usize> = (0..input.width)
                .flat_map(|column| (0..input.height).map(move |row| at(row, column)))
                .collect();
            let g = cotangent[output.len()];
            let sum: f64 = places.iter().map(|&at| f64::from(values[at])).sum();
            let count = places.len() as f64;
            match kind {
                Global::Sum => {
                    places.iter().for_each(|&at| gradient[at] = g);
                    output.push(sum as f32);
                }
                Global::Mean => {
                    let g = (f64::from(g) / count) as f32;
                    places.iter().for_each(|&at| gradient[at] = g);
                    output.push((sum / count) as f32);
                }
                Global::Max => {
                    let beats = |a: f32, b: f32| !b.is_nan() && (a.is_nan() || a > b);
                    let best = places.into_iter().reduce(|best, at| {
                        if beats(values[at], values[best]) {
                            at
                        } else {
                            best
                        }
                    });
                    let best = best.expect("a pixel");
                    gradient[best] = g;
                    output.push(values[best]);
                }
            }
        }
    }
    (output, gradient)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn output_and_gradient_are_those_of_the_definition(
        (height, width, channels) in (1usize..9, 1usize..9, 1usize..40),
        samples in 1usize..4,
        kind in prop_oneof![Just(Global::Sum), Just(Global::Mean), Just(Global::Max)],
        ties in any::<bool>(),
        nan in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let input = MapShape { height, width, channels };
        let mut x = numbers(samples * input.elements(), seed);
        if ties {
            x.iter_mut().for_each(|x| *x = (3.0 * *x).round());
        }
        if nan && kind == Global::Max {
            x.iter_mut().skip(1).step_by(7).for_each(|x| *x = f32::NAN);
        }
        let cotangent = numbers(samples * channels, !seed);
        let (wanted, wanted_gradient) = naive(input, kind, &x, &cotangent);
        for isa in Isa::available() {
            let kernel = GlobalPool { isa, ..GlobalPool::new(input, kind).expect("it fits") };
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            prop_assert_eq!(difference(&wanted, &given, 2e-6), None);
            prop_assert_eq!(difference(&wanted_gradient, &gradients[0], 1e-6), None);
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn pixels_beyond_what_a_number_counts() {
    let map = |height, width| MapShape {
        height,
        width,
        channels: 1,
    };
    assert!(GlobalPool::new(map(1 << 12, 1 << 12), Global::Max).is_some());
    assert!(GlobalPool::new(map(1 << 12, (1 << 12) + 1), Global::Max).is_none());
    assert!(GlobalPool::new(map(1 << 12, (1 << 12) + 1), Global::Mean).is_some());
}
