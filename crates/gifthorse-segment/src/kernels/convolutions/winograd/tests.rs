use proptest::prelude::*;

use super::*;
use crate::kernels::contract::Batch;
use crate::lanes::finish::{Add, Clamp, Then};
use crate::testing::{from_lanes, numbers, run, to_lanes};

/// The definition, in f64; all values are `[sample][row][column][channel]`.
fn naive(conv: &Winograd, bias: &[f32], x: &[f32], samples: usize) -> Vec<f64> {
    // Gone after a backward pass.
    let weight = conv.weight.lock().unwrap().clone();

    let (from, to) = (conv.input, conv.output);
    let g = conv.forward.tiling.geometry;
    let mut out = Vec::new();
    for n in 0..samples {
        for y in 0..to.height {
            for x_out in 0..to.width {
                for k in 0..to.channels {
                    let mut sum = f64::from(bias[k]);
                    for tap in 0..9 {
                        let row = (y + tap / 3) as isize - g.top;
                        let column = (x_out + tap % 3) as isize - g.left;
                        let inside = (0..from.height as isize).contains(&row)
                            && (0..from.width as isize).contains(&column);
                        if inside {
                            let row = n * from.height + row as usize;
                            let pixel = row * from.width + column as usize;
                            for c in 0..from.channels {
                                let w = weight[(k * from.channels + c) * 9 + tap];
                                sum += f64::from(w) * f64::from(x[pixel * from.channels + c]);
                            }
                        }
                    }
                    out.push(sum);
                }
            }
        }
    }
    out
}

fn relative_error(wanted: &[f64], given: &[f32]) -> f64 {
    assert_eq!(wanted.len(), given.len());
    let scale = wanted.iter().fold(1e-3, |max: f64, x| max.max(x.abs()));
    let difference = wanted
        .iter()
        .zip(given)
        .map(|(w, g)| (w - f64::from(*g)).abs());
    difference.fold(0.0, |max, d| if d <= max { max } else { d }) / scale
}

fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * f64::from(*b)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn forward_agrees_with_the_definition_and_backward_is_its_transpose(
        samples in 1usize..6,
        inputs in 1usize..40,
        outputs in 1usize..40,
        height in 1usize..30,
        width in 1usize..30,
        pads in prop::array::uniform4(0usize..4),
        seed in any::<u64>(),
    ) {
        let [top, bottom, left, right] = pads;
        prop_assume!(height + top + bottom > 2 && width + left + right > 2);
        let input = MapShape { height, width, channels: inputs };
        let weight = numbers(outputs * inputs * 9, seed);
        let bias = numbers(outputs, seed ^ 1);
        let mut conv = Winograd::new(&weight, Some(&bias), input, outputs, [(top, bottom), (left, right)]);
        let x = numbers(samples * input.elements(), seed ^ 2);
        let g = numbers(samples * conv.output.elements(), seed ^ 3);
        let wanted = naive(&conv, &bias, &x, samples);
        // <conv(e), g> = <e, gradient> for a second input e.
        let e = numbers(samples * input.elements(), seed ^ 4);
        let moved = naive(&conv, &vec![0.0; outputs], &e, samples);
        for isa in Isa::available() {
            conv.isa = isa;
            let (y, gradients) = run(&conv, samples, std::slice::from_ref(&x), &g);
            let error = relative_error(&wanted, &y);
            prop_assert!(error < 1e-5, "{isa:?}: forward is off by {error:e}");
            let gradient: Vec<f64> = gradients[0].iter().map(|v| f64::from(*v)).collect();
            let (there, back) = (dot(&moved, &g), dot(&gradient, &e));
            let scale = dot(&gradient.iter().map(|v| v.abs()).collect::<Vec<_>>(), &vec![1.0; e.len()]);
            prop_assert!((there - back).abs() < 1e-5 * scale.max(1.0), "{isa:?}: {there} and {back}");
        }
    }
}

#[test]
fn backward_agrees_with_the_definition_channel_by_channel() {
    let input = MapShape {
        height: 9,
        width: 7,
        channels: 19,
    };
    let (outputs, samples) = (35, 2);
    let weight = numbers(outputs * 19 * 9, 1);
    let conv = Winograd::new(&weight, None, input, outputs, [(1, 0), (2, 1)]);
    let g = numbers(samples * conv.output.elements(), 2);
    // The transpose: from outputs to inputs with turned filters and complementary pads.
    let turned: Vec<f32> = (0..19 * outputs)
        .flat_map(|i| {
            let mut filter = filter_of(&weight, i % outputs * 19 + i / outputs);
            filter.reverse();
            filter
        })
        .collect();
    let transpose = Winograd::new(&turned, None, conv.output, 19, [(1, 2), (0, 1)]);
    let wanted = naive(&transpose, &[0.0; 19], &g, samples);
    let x = numbers(samples * input.elements(), 3);
    let (_, gradients) = run(&conv, samples, &[x], &g);
    assert!(relative_error(&wanted, &gradients[0]) < 1e-5);
}

#[test]
fn a_samples_result_does_not_depend_on_the_others() {
    let input = MapShape {
        height: 10,
        width: 6,
        channels: 20,
    };
    let conv = Winograd::new(&numbers(9 * 20 * 33, 1), None, input, 33, [(1, 1), (1, 1)]);
    let x = numbers(7 * input.elements(), 2);
    let g = numbers(7 * conv.output.elements(), 3);
    let (all, all_gradients) = run(&conv, 7, std::slice::from_ref(&x), &g);
    let (size, out_size) = (input.elements(), conv.output.elements());
    for n in 0..7 {
        let x = x[n * size..][..size].to_vec();
        let (one, gradients) = run(&conv, 1, &[x], &g[n * out_size..][..out_size]);
        assert_eq!(one, all[n * out_size..][..out_size]);
        assert_eq!(gradients[0], all_gradients[0][n * size..][..size]);
    }
}

#[test]
fn the_finish_adds_and_clamps_and_notes_where() {
    let input = MapShape {
        height: 5,
        width: 5,
        channels: 3,
    };
    let conv = Winograd::new(&numbers(9 * 3 * 18, 1), None, input, 18, [(1, 1), (1, 1)]);
    let x = numbers(input.elements(), 2);
    let (plain, _) = run(&conv, 1, std::slice::from_ref(&x), &numbers(25 * 18, 3));
    let other = numbers(25 * 18, 4);
    let other_lanes = to_lanes(&other, conv.output);
    let mut out = vec![Lane::default(); conv.output.lanes()];
    let mut passes = vec![0; out.len()];
    conv.forward(Forward {
        samples: 1,
        batch: Batch::default(),
        inputs: &[&to_lanes(&x, input)],
        out: &mut out,
        finish: Finish {
            add: Add::Value(&other_lanes),
            then: Then::Clamp(Clamp::Relu, Some(&mut passes)),
        },
        notes: &mut [],
    });
    let wanted: Vec<f32> = plain
        .iter()
        .zip(&other)
        .map(|(a, b)| (a + b).max(0.0))
        .collect();
    assert_eq!(from_lanes(&out, conv.output), wanted);
    for (i, value) in wanted.iter().enumerate() {
        let (pixel, channel) = (i / 18, i % 18);
        let bit = passes[pixel * 2 + channel / 16] >> (channel % 16) & 1;
        assert_eq!(bit == 1, *value > 0.0);
    }
}
