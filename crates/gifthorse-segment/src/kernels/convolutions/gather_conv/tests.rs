use proptest::prelude::*;

use super::*;
use crate::kernels::convolutions::naive;
use crate::kernels::window::Window;
use crate::testing::{difference, fused, numbers, run, to_lanes};

/// Compares both passes with the definition, on every instruction set.
fn check(spec: &ConvSpec, samples: usize, seed: u64) -> Result<(), TestCaseError> {
    let weight = numbers(spec.weight_length(), seed);
    let bias = numbers(spec.output.channels, seed + 1);
    let input = numbers(samples * spec.input.elements(), seed + 2);
    let cotangent = numbers(samples * spec.output.elements(), seed + 3);
    let wanted = naive::forward(spec, samples, &weight, Some(&bias), &input);
    let wanted_back = naive::backward(spec, samples, &weight, &cotangent);
    let ways = [None, Some(0)]
        .into_iter()
        .take(1 + usize::from(turned::fits(spec)));
    let all = Isa::available().into_iter();
    for (isa, once) in all.flat_map(|isa| ways.clone().map(move |way| (isa, way))) {
        let mut kernel = GatherConv::new(spec, &weight, Some(&bias), once);
        kernel.isa = isa;
        let (output, gradients) = run(&kernel, samples, std::slice::from_ref(&input), &cotangent);
        prop_assert_eq!(difference(&wanted, &output, 1e-4), None, "{:?}", isa);
        let back = difference(&wanted_back, &gradients[0], 1e-4);
        prop_assert_eq!(back, None, "backward, {:?}, once from {:?}", isa, once);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_convolution_is_as_defined(
        spec in naive::any_convolution(),
        samples in 1usize..=3,
        seed in 0u64..1000,
    ) {
        check(&spec, samples, seed)?;
    }
}

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [(pad, pad); 2],
    }
}

/// Convolutions that are laid out in a particular way, or that take more than one block.
fn particular() -> Vec<ConvSpec> {
    let cases = [
        // A stem, with lines side by side forward and shared lanes backward.
        ([33, 31, 3], 20, window(7, 2, 3), 1),
        // Patches: all pixels of a patch share their only tap.
        ([24, 24, 3], 40, window(8, 8, 0), 1),
        // The window is the whole map, and is deeper than one block of constants.
        (
            [6, 5, 70],
            33,
            Window {
                kernel: [6, 5],
                ..window(1, 1, 0)
            },
            1,
        ),
        // More rows than a block holds.
        ([40, 40, 64], 16, window(3, 1, 1), 1),
        // Columns of one lane, and a strided projection.
        ([17, 17, 35], 8, window(1, 2, 0), 1),
        ([9, 9, 128], 128, window(3, 1, 1), 32),
        // A window that is larger than the map.
        ([2, 2, 20], 20, window(5, 1, 2), 1),
        // Some positions of the input are in no window.
        ([7, 7, 6], 5, window(2, 4, 0), 1),
    ];
    let specs = cases
        .into_iter()
        .filter_map(|(input, outputs, window, groups)| {
            naive::convolution(input, outputs, window, groups)
        });
    specs
        .flat_map(|spec| [spec, naive::transposed(spec)])
        .collect()
}

/// Convolutions whose backward pass may read the constants of the forward pass.
fn turned() -> Vec<ConvSpec> {
    let whole = |height, width| Window {
        kernel: [height, width],
        ..window(1, 1, 0)
    };
    let cases = [
        ([4, 3, 50], 70, window(1, 1, 0)),
        ([1, 1, 64], 33, window(1, 1, 0)),
        ([6, 5, 70], 33, whole(6, 5)),
        ([3, 3, 16], 17, whole(3, 3)),
        // The last lane of columns has none beside it, and the last of outputs is not full.
        ([1, 1, 47], 95, window(1, 1, 0)),
        // More rows than a block holds.
        ([90, 90, 40], 24, window(1, 1, 0)),
    ];
    let specs = cases.into_iter().map(|(input, outputs, window)| {
        naive::convolution(input, outputs, window, 1).expect("a window fits")
    });
    specs.collect()
}

#[test]
fn large_weights_serve_both_directions() {
    for spec in turned() {
        assert!(turned::fits(&spec), "{spec:?}");
        check(&spec, 3, 9).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    }
    for spec in particular() {
        let is_one_product = spec.window.stride == [1, 1] && spec.window.pads == [(0, 0); 2];
        assert!(!turned::fits(&spec) || is_one_product, "{spec:?}");
    }
}

#[test]
fn a_weight_is_packed_once_from_some_size_on() {
    let of = |outputs: usize| {
        let spec = naive::convolution([1, 1, 1024], outputs, window(1, 1, 0), 1).unwrap();
        let weight = vec![0.0; spec.weight_length()];
        let kernel = GatherConv::new(&spec, &weight, None, Some(1 << 20));
        kernel.held() as f64 / size_of_val(&weight[..]) as f64
    };
    assert!(of(128) > 2.0);
    assert!(of(256) < 1.01);
}

#[test]
fn particular_layouts_are_as_defined() {
    for spec in particular() {
        check(&spec, 2, 5).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    }
}

#[test]
fn results_are_finished_on_their_way_and_samples_are_independent() {
    for spec in particular() {
        let weight = numbers(spec.weight_length(), 1);
        let bias = numbers(spec.output.channels, 2);
        let kernel = GatherConv::new(&spec, &weight, Some(&bias), None);
        let samples = 5;
        let input = numbers(samples * spec.input.elements(), 3);
        let cotangent = numbers(samples * spec.output.elements(), 4);
        let checked = fused::check(&kernel, samples, &[input], &cotangent);
        assert_eq!(checked, Ok(()), "{spec:?}");
    }
}

/// Compares the gradient to the weight and to the bias with the definition.
fn check_weight_gradient(spec: &ConvSpec, samples: usize, seed: u64) -> Result<(), TestCaseError> {
    let input = numbers(samples * spec.input.elements(), seed);
    let gradient = numbers(samples * spec.output.elements(), seed + 1);
    let (weight, bias) = naive::to_weight(spec, samples, &input, &gradient);
    let input = to_lanes(&input, spec.input);
    let gradient = to_lanes(&gradient, spec.output);
    let ways = [WeightGradient::with, WeightGradient::direct];
    let all = Isa::available().into_iter();
    for (isa, way) in all.flat_map(|isa| ways.map(|way| (isa, way))) {
        let sought = way(isa, *spec);
        let asked = Asked {
            weight: true,
            bias: true,
        };
        let mut sums = sought.zeros(asked);
        // The first sample by itself, then the others.
        let (first, others) = (spec.input.lanes(), spec.output.lanes());
        sought.add(1, &input[..first], &gradient[..others], &mut sums);
        let mut rest = sought.zeros(asked);
        sought.add(samples - 1, &input[first..], &gradient[others..], &mut rest);
        sums.join(&rest);
        let (given, given_bias) = sought.finish(&sums);
        prop_assert_eq!(difference(&weight, &given, 1e-4), None, "{:?}", isa);
        prop_assert_eq!(
            difference(&bias, &given_bias, 1e-4),
            None,
            "bias, {:?}",
            isa
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_weight_gradient_is_as_defined(
        spec in naive::any_convolution(),
        samples in 1usize..=3,
        seed in 0u64..1000,
    ) {
        check_weight_gradient(&spec, samples, seed)?;
    }
}

#[test]
fn weight_gradients_of_particular_layouts_are_as_defined() {
    for spec in particular() {
        check_weight_gradient(&spec, 3, 7).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    }
}

#[test]
fn weight_gradients_by_tiles_are_as_defined() {
    let one_sided = Window {
        pads: [(0, 2), (1, 0)],
        ..window(3, 1, 0)
    };
    for (map, outputs, window, samples) in [
        ([9, 10, 20], 33, window(3, 1, 1), 3),
        ([4, 4, 40], 65, window(3, 1, 1), 20),
        // More than one run of tiles, the last of which is not full.
        ([13, 15, 16], 16, window(3, 1, 0), 11),
        ([5, 3, 17], 24, one_sided, 2),
    ] {
        let spec = naive::convolution(map, outputs, window, 1).expect("a window fits");
        assert!(crate::kernels::convolutions::winograd::TiledGradient::new(&spec).is_some());
        check_weight_gradient(&spec, samples, 5)
            .unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    }
}
