use proptest::prelude::*;

use super::*;
use crate::testing::{fused, numbers, run};

/// Output and gradients by the definition.
fn naive(
    kernel: &Rearrange,
    origins: &[Origin],
    inputs: &[Vec<f32>],
    cotangent: &[f32],
) -> (Vec<f32>, Vec<Vec<f32>>) {
    let mut gradients: Vec<Vec<f32>> = inputs.iter().map(|x| vec![0.0; x.len()]).collect();
    let output = (0..cotangent.len()).map(|at| {
        let (sample, at_origin) = (at / origins.len(), at % origins.len());
        match origins[at_origin] {
            Origin::Input { input, element } => {
                let place = sample * kernel.inputs[input].elements() + element;
                gradients[input][place] += cotangent[at];
                inputs[input][place]
            }
            Origin::Constant(value) => value,
        }
    });
    (output.collect(), gradients)
}

/// Checks a rearrangement on every instruction set and gives the kernel.
fn check(inputs: &[MapShape], output: MapShape, origins: &[Origin], samples: usize) -> Rearrange {
    let new = || Rearrange::new(inputs.to_vec(), output, origins).expect("it fits");
    let values: Vec<Vec<f32>> = inputs
        .iter()
        .enumerate()
        .map(|(i, shape)| numbers(samples * shape.elements(), 3 + i as u64))
        .collect();
    // Small whole numbers add up without rounding, in any order.
    let cotangent: Vec<f32> = numbers(samples * output.elements(), 9)
        .iter()
        .map(|x| (8.0 * x).round())
        .collect();
    for isa in Isa::available() {
        let kernel = Rearrange { isa, ..new() };
        let wanted = naive(&kernel, origins, &values, &cotangent);
        assert_eq!(run(&kernel, samples, &values, &cotangent), wanted);
        assert_eq!(fused::check(&kernel, samples, &values, &cotangent), Ok(()));
    }
    new()
}

fn map(height: usize, width: usize, channels: usize) -> MapShape {
    MapShape {
        height,
        width,
        channels,
    }
}

fn shape() -> impl Strategy<Value = MapShape> {
    (1usize..4, 1usize..4, 1usize..50).prop_map(|(h, w, c)| map(h, w, c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn anything_from_anywhere(
        inputs in prop::collection::vec(shape(), 1..4),
        output in shape(),
        samples in 1usize..3,
        seed in any::<u64>(),
    ) {
        // Stretches of neighbours, of constants, and of elements all over.
        let picks = numbers(output.elements(), seed);
        let mut last = Origin::Constant(0.5);
        let origins: Vec<Origin> = picks.iter().map(|&pick| {
            let place = (f64::from(pick) + 1.0) * 5e8;
            let input = place as usize % inputs.len();
            last = match last {
                Origin::Input { input, element }
                    if pick < 0.8 && element + 1 < inputs[input].elements() =>
                        Origin::Input { input, element: element + 1 },
                Origin::Constant(value) if pick < 0.5 => Origin::Constant(value),
                _ if pick > 0.95 => Origin::Constant(pick),
                _ => Origin::Input { input, element: place as usize % inputs[input].elements() },
            };
            last
        }).collect();
        check(&inputs, output, &origins, samples);
    }

    #[test]
    fn maps_joined_along_channels(
        (height, width) in (1usize..4, 1usize..4),
        channels in prop::collection::vec(1usize..40, 1..4),
        whole in any::<bool>(),
    ) {
        let channels: Vec<usize> =
            channels.iter().map(|c| if whole { c.next_multiple_of(16) } else { *c }).collect();
        let inputs: Vec<MapShape> = channels.iter().map(|&c| map(height, width, c)).collect();
        let output = map(height, width, channels.iter().sum());
        let kernel = check(&inputs, output, &joined(&channels, height * width), 2);
        if whole && channels.len() > 1 {
            prop_assert_eq!(kernel.name(), "rearrange lanes");
        }
        prop_assert_eq!(kernel.is_identity(), channels.len() == 1);
        let once = |gradient: &Gradient| matches!(gradient, Gradient::Rearranged(_));
        prop_assert!(kernel.backward.iter().all(once));
    }
}

fn joined(channels: &[usize], pixels: usize) -> Vec<Origin> {
    let mut origins = Vec::new();
    for pixel in 0..pixels {
        for (input, &count) in channels.iter().enumerate() {
            origins.extend((0..count).map(|channel| Origin::Input {
                input,
                element: pixel * count + channel,
            }));
        }
    }
    origins
}

#[test]
fn a_map_padded_with_zeros_copies_lanes() {
    let (input, output) = (map(2, 3, 20), map(4, 5, 20));
    let origins: Vec<Origin> = (0..output.elements())
        .map(|at| {
            let (row, column, channel) = (at / 100, at / 20 % 5, at % 20);
            if (1..3).contains(&row) && (1..4).contains(&column) {
                let element = ((row - 1) * 3 + column - 1) * 20 + channel;
                Origin::Input { input: 0, element }
            } else {
                Origin::Constant(0.0)
            }
        })
        .collect();
    let kernel = check(&[input], output, &origins, 2);
    assert_eq!(kernel.name(), "rearrange lanes");
    assert!(!kernel.is_identity());
    // Two rows copied; one stretch of zeros before, between and after.
    assert!(kernel.work().constants < 200, "{}", kernel.work().constants);
}

#[test]
fn a_vector_repeated_adds_its_gradients() {
    let (input, output) = (map(1, 1, 18), map(2, 2, 18));
    let origins: Vec<Origin> = (0..output.elements())
        .map(|at| Origin::Input {
            input: 0,
            element: at % 18,
        })
        .collect();
    let kernel = check(&[input], output, &origins, 3);
    assert!(matches!(kernel.backward[0], Gradient::Added));
}

#[test]
fn the_same_elements_in_other_lanes_are_no_identity() {
    let count = 2 * 3 * 8;
    let origins: Vec<Origin> = (0..count)
        .map(|element| Origin::Input { input: 0, element })
        .collect();
    assert!(check(&[map(2, 3, 8)], map(1, 6, 8), &origins, 1).is_identity());
    assert!(!check(&[map(2, 3, 8)], MapShape::vector(count), &origins, 1).is_identity());
    assert!(check(&[map(1, 3, 16)], MapShape::vector(count), &origins, 1).is_identity());
}

#[test]
fn what_does_not_fit() {
    let one = map(1, 1, 2);
    let from = |input, element| Origin::Input { input, element };
    let fits = |origins: &[Origin]| Rearrange::new(vec![one], one, origins).is_some();
    assert!(fits(&[from(0, 1), from(0, 0)]));
    assert!(!fits(&[from(0, 1)]));
    assert!(!fits(&[from(0, 1), from(0, 2)]));
    assert!(!fits(&[from(0, 1), from(1, 0)]));
}
