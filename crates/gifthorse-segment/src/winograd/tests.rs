use proptest::prelude::*;

use super::*;

/// The definition, in f64.
fn naive(
    weight: &[f32],
    bias: &[f32],
    inputs: usize,
    outputs: usize,
    input: &[f32],
    g: &Geometry,
) -> Vec<f64> {
    let mut out = Vec::new();
    for n in 0..g.batch {
        for k in 0..outputs {
            for y in 0..g.out_height {
                for x in 0..g.out_width {
                    let mut sum = f64::from(bias[k]);
                    for c in 0..inputs {
                        for (tap, w) in filter_of(weight, k * inputs + c).into_iter().enumerate() {
                            let row = (y + tap / 3) as isize - g.top;
                            let column = (x + tap % 3) as isize - g.left;
                            let inside = (0..g.height as isize).contains(&row)
                                && (0..g.width as isize).contains(&column);
                            if inside {
                                let plane = (n * inputs + c) * g.height + row as usize;
                                let value = input[plane * g.width + column as usize];
                                sum += f64::from(w) * f64::from(value);
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

/// Pseudo-random values, roughly uniform in -1..1.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn relative_error(wanted: &[f64], given: &[f32]) -> f64 {
    let scale = wanted.iter().fold(1e-3, |max: f64, x| max.max(x.abs()));
    let difference = wanted
        .iter()
        .zip(given)
        .map(|(w, g)| (w - f64::from(*g)).abs());
    difference.fold(0.0, |max, d| if d <= max { max } else { d }) / scale
}

/// Geometry of a forward pass with pads (top, left, bottom, right).
fn geometry(batch: usize, height: usize, width: usize, pads: [usize; 4]) -> Option<Geometry> {
    let [top, left, bottom, right] = pads;
    let out_height = (height + top + bottom).checked_sub(2).filter(|h| *h > 0)?;
    let out_width = (width + left + right).checked_sub(2).filter(|w| *w > 0)?;
    let (top, left) = (top as isize, left as isize);
    Some(Geometry {
        batch,
        height,
        width,
        out_height,
        out_width,
        top,
        left,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn forward_and_backward_agree_with_the_definition(
        batch in 1usize..6,
        inputs in 1usize..40,
        outputs in 1usize..40,
        height in 1usize..41,
        width in 1usize..41,
        pads in prop::array::uniform4(0usize..4),
        seed in any::<u64>(),
    ) {
        let Some(forward) = geometry(batch, height, width, pads) else {
            return Ok(());
        };
        let weight = noise(outputs * inputs * 9, seed);
        let bias = noise(outputs, seed ^ 1);
        let x = noise(batch * inputs * height * width, seed ^ 2);
        let y_size = batch * outputs * forward.out_height * forward.out_width;

        let wanted = naive(&weight, &bias, inputs, outputs, &x, &forward);
        let mut conv = Winograd::forward(&weight, outputs, inputs, Some(&bias));
        for isa in Isa::available() {
            conv.isa = isa;
            let mut y = vec![f32::NAN; y_size];
            conv.run(&x, &forward, &mut y);
            let error = relative_error(&wanted, &y);
            prop_assert!(error < 1e-5, "{isa:?}: forward is off by {error:e}");
        }

        let backward = forward.backward();
        let turned: Vec<f32> = (0..inputs * outputs)
            .flat_map(|i| {
                let mut filter = filter_of(&weight, i % outputs * inputs + i / outputs);
                filter.reverse();
                filter
            })
            .collect();
        let cotangent = noise(y_size, seed ^ 3);
        let wanted = naive(&turned, &vec![0.0; inputs], outputs, inputs, &cotangent, &backward);
        let mut conv = Winograd::backward(&weight, outputs, inputs);
        for isa in Isa::available() {
            conv.isa = isa;
            let mut gradient = vec![f32::NAN; x.len()];
            conv.run(&cotangent, &backward, &mut gradient);
            let error = relative_error(&wanted, &gradient);
            prop_assert!(error < 1e-5, "{isa:?}: backward is off by {error:e}");
        }
    }
}

#[test]
fn many_channels_keep_five_digits() {
    for channels in [64, 128, 256] {
        let (outputs, size) = (24, 8);
        let weight = noise(outputs * channels * 9, 5);
        let x = noise(2 * channels * size * size, 6);
        let bias = vec![0.0; outputs];
        let geometry = geometry(2, size, size, [1; 4]).expect("a valid shape");
        let wanted = naive(&weight, &bias, channels, outputs, &x, &geometry);
        let mut conv = Winograd::forward(&weight, outputs, channels, None);
        for isa in Isa::available() {
            conv.isa = isa;
            let mut y = vec![0.0; wanted.len()];
            conv.run(&x, &geometry, &mut y);
            let error = relative_error(&wanted, &y);
            assert!(
                error < 5e-6,
                "{channels} channels, {isa:?}: off by {error:e}"
            );
        }
    }
}

#[test]
fn an_empty_batch_is_no_work() {
    let conv = Winograd::forward(&noise(18, 1), 2, 1, None);
    let geometry = geometry(0, 8, 8, [1; 4]).expect("a valid shape");
    conv.run(&[], &geometry, &mut []);
}

#[test]
fn an_image_without_pixels_is_nothing_but_border() {
    for (height, width) in [(0, 0), (0, 5), (5, 0)] {
        let weight = noise(18, 1);
        let forward = geometry(2, height, width, [2; 4]).expect("a valid shape");
        let size = forward.out_height * forward.out_width;
        let mut y = vec![f32::NAN; 4 * size];
        Winograd::forward(&weight, 2, 1, Some(&[3.0, 4.0])).run(&[], &forward, &mut y);
        for (plane, bias) in y.chunks(size).zip([3.0, 4.0].repeat(2)) {
            assert!(plane.iter().all(|value| *value == bias), "{plane:?}");
        }
        Winograd::backward(&weight, 2, 1).run(&y, &forward.backward(), &mut []);
    }
}

#[test]
#[should_panic(expected = "length of the input")]
fn a_short_input_is_refused() {
    let conv = Winograd::forward(&noise(18, 1), 2, 1, None);
    let geometry = geometry(1, 4, 4, [1; 4]).expect("a valid shape");
    conv.run(&[0.0; 15], &geometry, &mut [0.0; 32]);
}
