use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// Output and gradient of one pixel by the definition.
fn naive(kind: Normalised, x: &[f32], g: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let g: Vec<f64> = g.iter().map(|&g| f64::from(g)).collect();
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = x.iter().map(|x| (x - most).exp()).sum();
    let share: Vec<f64> = x.iter().map(|x| (x - most).exp() / total).collect();
    let each = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(|i| f(i) as f32).collect();
    match kind {
        Normalised::Softmax => {
            let mean: f64 = share.iter().zip(&g).map(|(p, g)| p * g).sum();
            (each(&|i| share[i]), each(&|i| share[i] * (g[i] - mean)))
        }
        Normalised::LogSoftmax => {
            let total_gradient: f64 = g.iter().sum();
            (
                each(&|i| x[i] - most - total.ln()),
                each(&|i| g[i] - share[i] * total_gradient),
            )
        }
    }
}

fn kernels(shape: MapShape, kind: Normalised) -> impl Iterator<Item = Softmax> {
    let isas = Isa::available().into_iter();
    isas.map(move |isa| Softmax {
        isa,
        ..Softmax::new(shape, kind)
    })
}

const KINDS: [Normalised; 2] = [Normalised::Softmax, Normalised::LogSoftmax];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn output_and_gradient_are_those_of_the_definition(
        (height, width, channels) in (1usize..4, 1usize..5, 1usize..60),
        kind in prop::sample::select(KINDS.to_vec()),
        samples in 1usize..4,
        scale in prop_oneof![Just(1.0f32), Just(20.0), Just(1000.0)],
        seed in any::<u64>(),
    ) {
        let shape = MapShape { height, width, channels };
        let count = samples * shape.elements();
        let x: Vec<f32> = numbers(count, seed).iter().map(|x| x * scale).collect();
        let cotangent = numbers(count, !seed);
        let pixels = x.chunks(channels).zip(cotangent.chunks(channels));
        let (wanted, wanted_gradient): (Vec<_>, Vec<_>) =
            pixels.map(|(x, g)| naive(kind, x, g)).unzip();
        for kernel in kernels(shape, kind) {
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            prop_assert_eq!(difference(&wanted.concat(), &given, 2e-6), None);
            // An error of the logarithm becomes one of the share: 1000 has 6e-5 between it and its
            // neighbours.
            let tolerance = if kind == Normalised::LogSoftmax { 1e-4 } else { 5e-6 };
            prop_assert_eq!(difference(&wanted_gradient.concat(), &gradients[0], tolerance), None);
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn shares_add_up_to_one_and_masked_channels_get_none() {
    let shape = MapShape::vector(17);
    let mut x = numbers(17, 4);
    x[3] = f32::NEG_INFINITY;
    for kernel in kernels(shape, Normalised::Softmax) {
        let (given, gradients) = run(&kernel, 1, std::slice::from_ref(&x), &[1.0; 17]);
        assert_eq!(given[3], 0.0);
        assert!((given.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(gradients[0].iter().all(|g| g.abs() < 1e-6));
    }
}

#[test]
fn one_nan_makes_all_of_its_pixel_nan() {
    let shape = MapShape {
        height: 1,
        width: 2,
        channels: 5,
    };
    let mut x = vec![0.5; 10];
    x[7] = f32::NAN;
    for kernel in KINDS.into_iter().flat_map(|kind| kernels(shape, kind)) {
        let (given, _) = run(&kernel, 1, std::slice::from_ref(&x), &[1.0; 10]);
        assert!(given[..5].iter().all(|y| y.is_finite()));
        assert!(given[5..].iter().all(|y| y.is_nan()));
    }
}
